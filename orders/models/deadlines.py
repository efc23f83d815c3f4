"""Deadlines that the source did not name."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Merchant
from orders.models.orders import Order


class ReckonedDeadlines(models.Model):
    """What the merchant's rules say of an open order that lacks deadlines of its own. A moment is empty where the order
    has one, or where nothing is known to count from. Kept by orders/reckoning.py, and only while the order is open."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, primary_key=True, related_name="reckoned")
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, db_index=False, related_name="+")
    ship_by = models.DateTimeField(null=True, blank=True)
    auto_cancel_at = models.DateTimeField(null=True, blank=True)
    deliver_by = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["merchant", "ship_by", "order"], name="reckoned_dispatch"),
            models.Index(fields=["merchant", "auto_cancel_at", "order"], name="reckoned_auto_cancel"),
            models.Index(fields=["merchant", "deliver_by", "order"], name="reckoned_deliver"),
        ]
        verbose_name_plural = "reckoned deadlines"

    def __str__(self) -> str:
        return f"deadlines of {self.order_id}"
