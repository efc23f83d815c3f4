"""What a merchant chose for all its shops together."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from accounts.models import Merchant
from connectors.crypto import EncryptedTextField


class MerchantRulesQuerySet(models.QuerySet["MerchantRules"]):
    """Phrases about a merchant's own rules."""

    def keep(self, *, merchant_id: int, **columns: Any) -> None:
        """Keep these columns, and the row if there is none yet. Reads nothing: a secret that no key opens any more
        must not be in the way of the others. In merchant_rows."""
        self.bulk_create([self.model(merchant_id=merchant_id)], ignore_conflicts=True)
        self.filter(pk=merchant_id).update(**columns)


class MerchantRules(models.Model):
    """Rules that belong to no route; a merchant without a row has the defaults. `mutes`: until when which kind of
    alert is kept quiet, {kind: when}, "" for all. The secret signs what goes to the merchant's own address."""

    merchant = models.OneToOneField(Merchant, on_delete=models.CASCADE, primary_key=True, related_name="+")
    deadlines = models.JSONField(default=dict, blank=True)  # orders/deadlines.py: DeadlineRules
    alerts = models.JSONField(default=dict, blank=True)  # orders/alert_rules.py: AlertRules
    mutes = models.JSONField(default=dict, blank=True)
    alert_secret = EncryptedTextField(blank=True, default="")

    objects: ClassVar = MerchantRulesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "merchant rules"

    def __str__(self) -> str:
        return f"rules of {self.merchant_id}"
