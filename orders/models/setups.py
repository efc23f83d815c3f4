"""How far a merchant is with a TikTok shop, and every state that the settings ever had."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore


class Setup(models.Model):
    """One source store's way to being switched on. Nothing is sent before `switched_on_at`; capturing goes on."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.OneToOneField(ConnectedStore, on_delete=models.CASCADE, primary_key=True, related_name="setup")
    switched_on_at = models.DateTimeField(null=True, blank=True)
    switched_on_by = models.CharField(max_length=150, blank=True)
    rules_seen_at = models.DateTimeField(null=True, blank=True)
    dry_run_seen_at = models.DateTimeField(null=True, blank=True)
    confirmed = models.JSONField(default=dict, blank=True)  # steps only the merchant can vouch for: {step: when}
    shipping = models.JSONField(default=dict, blank=True)  # what the platform last said about who ships
    checked_at = models.DateTimeField(null=True, blank=True)  # when the platform was asked who ships
    aftersales = models.JSONField(default=dict, blank=True, db_default={})  # orders/aftersale_rules.py
    open_step = models.PositiveSmallIntegerField(null=True, blank=True)  # the first one not done when last looked at

    def __str__(self) -> str:
        return f"setup of {self.store_id}"


class Concern(models.TextChoices):
    """What a version of the settings is about; one page each."""

    ROUTES = "ROUTES", "Routes"
    RULES = "RULES", "Rules"
    SHIPPING = "SHIPPING", "Shipping methods"
    CARRIERS = "CARRIERS", "Carriers"
    LINKS = "LINKS", "Product links"
    STORE = "STORE", "Store options"
    SYNC = "SYNC", "Order sync"
    DEADLINES = "DEADLINES", "Deadlines"
    ALERTS = "ALERTS", "Alerts"
    AFTERSALES = "AFTERSALES", "Cancellations and returns"


class SettingsVersion(models.Model):
    """One save: the whole state of its concern afterwards, what it changed, and who did it. Append only."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="settings_versions")
    number = models.PositiveIntegerField()  # 1, 2, 3… for each merchant, over all concerns
    concern = models.CharField(max_length=10, choices=Concern.choices)
    about = models.CharField(max_length=40, blank=True)  # the id of the store or route, where there is one page each
    document = models.JSONField()
    changes = models.JSONField(default=list)  # [{what, before, after}], in words
    author = models.CharField(max_length=150)
    saved_at = models.DateTimeField()
    restores = models.PositiveIntegerField(null=True, blank=True)  # the number of the version that came back

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant", "number"], name="settings_version_once"),
            models.CheckConstraint(condition=Q(concern__in=Concern.values), name="settings_concern_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant", "concern", "about", "-number"], name="settings_of_concern")
        ]

    def __str__(self) -> str:
        return f"{self.concern} {self.number}"
