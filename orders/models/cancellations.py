"""Cancellations at the source: requests of buyers, and what was cancelled by whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.orders import Order


class CancellationStatus(models.TextChoices):
    """Where a cancellation stands; the values are `connectors.base.aftersales.CancelStatus`."""

    REQUESTED = "REQUESTED", "Waits for your answer"
    AGREED = "AGREED", "Cancelled; the money is on its way"
    REFUNDED = "REFUNDED", "Cancelled, and the money is back"
    WITHDRAWN = "WITHDRAWN", "Over; the order goes on"
    UNKNOWN = "UNKNOWN", "A status we do not know"


class CancelAnswer(models.TextChoices):
    """What the merchant answered here, if anything."""

    NONE = "", "Not answered here"
    ACCEPTED = "ACCEPTED", "Accepted"
    REFUSED = "REFUSED", "Refused"


class Cancellation(models.Model):
    """One cancellation as the source tells it, and how it was answered here. No `lines` means the whole order.

    `lines` are [{line_id, sku, quantity, refund}], `refund` is a RefundSum; amounts in minor units of the order's
    currency. `created_at`, `updated_at` and `answer_by` are the source's moments.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="cancellations")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="cancellations")
    external_id = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=CancellationStatus.choices)
    status_text = models.CharField(max_length=64, blank=True)
    is_request = models.BooleanField(default=False)  # the buyer asked, and the seller decides
    by = models.CharField(max_length=10)
    reason = models.CharField(max_length=120, blank=True)
    reason_text = models.CharField(max_length=300, blank=True)
    lines = models.JSONField(default=list, blank=True)
    refund = models.JSONField(null=True, blank=True)
    restocks = models.BooleanField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    read_at = models.DateTimeField()
    answer_by = models.DateTimeField(null=True, blank=True)

    answer = models.CharField(max_length=8, choices=CancelAnswer.choices, blank=True, default="")
    answer_reason = models.CharField(max_length=120, blank=True)
    answer_comment = models.CharField(max_length=300, blank=True)
    answer_rule = models.CharField(max_length=80, blank=True)  # the merchant's rule that answered, if one did
    answered_by = models.CharField(max_length=150, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_problem = models.CharField(max_length=300, blank=True)  # why the source did not take the last answer

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "external_id"], name="cancellation_once"),
            models.CheckConstraint(condition=Q(status__in=CancellationStatus.values), name="cancellation_status_known"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["merchant", "answer_by"],
                condition=Q(status="REQUESTED", is_request=True),
                name="cancellation_to_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.status}"

    @property
    def is_open(self) -> bool:
        """Whether the buyer still waits for an answer."""
        return self.is_request and self.status == CancellationStatus.REQUESTED
