"""A lane is one store's due work; this row says who drains it now."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore


class Lane(models.Model):
    """The lease on one store's work. `fence` grows with every lease: who holds an older one may write nothing."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.OneToOneField(ConnectedStore, on_delete=models.CASCADE, primary_key=True, related_name="lane")
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    poll_at = models.DateTimeField(null=True, blank=True)
    aftersales_until = models.DateTimeField(null=True, blank=True)  # up to when cancellations and returns were read
    served_at = models.DateTimeField(null=True, blank=True)  # when it was drained last: who waits longest comes first
    rests = models.PositiveSmallIntegerField(default=0, db_default=0)  # in a row, for want of answers
    pace = models.JSONField(default=dict, blank=True)  # what connectors/pacing.py has to know the next time
    # Calls per minute, while it was drained last. Without an index, so that an update stays in its page.
    calls_used = models.FloatField(null=True, blank=True)
    calls_allowed = models.FloatField(null=True, blank=True)
    calls_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["poll_at"], name="lane_polls"),
            models.Index(fields=["store"], condition=Q(rests__gt=0), name="lane_rests"),
        ]

    def __str__(self) -> str:
        return f"lane of {self.store_id}"
