"""An order's copies in the stores it goes to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.orders import Order


class MirrorState(models.TextChoices):
    """Where a mirror stands."""

    PLANNED = "PLANNED", "To be created"
    CREATED = "CREATED", "Created"
    CANCELLED = "CANCELLED", "Cancelled in the store"
    DELETED = "DELETED", "Deleted in the store"
    DROPPED = "DROPPED", "Never created"


class Mirror(models.Model):
    """The order's copy at one destination. At most one per order and store, whatever happens."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="mirrors")
    store = models.ForeignKey(ConnectedStore, on_delete=models.PROTECT, related_name="mirrors")
    line_ids = models.JSONField(default=list, blank=True)  # the source's lines it has; none named means all
    reference = models.CharField(max_length=80)
    # Made while the source holds the order, and kept on hold in the store until its release is done there.
    is_held = models.BooleanField(default=False, db_default=False)
    # Its fulfillment is stopped in the store while a request of the buyer's is open (orders/pausing.py).
    is_paused = models.BooleanField(default=False, db_default=False)
    # The source's lines that are not, or not any more, wanted of this store's order (orders/partial.py).
    left_out = models.JSONField(default=list, db_default=[], blank=True)
    # A tag that it shares with other orders of the store that are to go into one parcel (orders/combining.py).
    parcel_group = models.CharField(max_length=40, blank=True, default="", db_default="")
    state = models.CharField(max_length=10, choices=MirrorState.choices, default=MirrorState.PLANNED)
    external_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=500, blank=True)
    money = models.JSONField(default=dict, blank=True)
    sent = models.JSONField(default=dict, blank=True, db_default={})  # what it was made of, see orders/sent.py
    settings_number = models.PositiveIntegerField(null=True, blank=True)  # the version of the settings that made it
    created_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # when we looked at it last
    changed_at = models.DateTimeField(null=True, blank=True)  # the store's own time of the last change we read

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "store"], name="mirror_once"),
            models.UniqueConstraint(
                fields=["store", "external_id"], condition=~Q(external_id=""), name="mirror_of_one_order"
            ),
            models.CheckConstraint(condition=Q(state__in=MirrorState.values), name="mirror_state_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.reference
