"""What happened to an order, in order. Append only; the timeline is drawn from it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Merchant
from orders.models.orders import Order


class OrderEvent(models.Model):
    """One thing that happened: a dotted past tense such as `order.released`, with the facts that name it."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    reason = models.CharField(max_length=300, blank=True)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    by = models.CharField(max_length=150, blank=True)
    happened_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["order", "happened_at", "id"], name="event_of_order")]

    def __str__(self) -> str:
        return self.kind
