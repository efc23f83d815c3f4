"""Where orders go, and their copies there."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.orders import Order


class HoldMode(models.TextChoices):
    """When an order goes to the store."""

    AFTER_HOLD = "AFTER_HOLD", "After the hold"
    EXTRA_HOLD = "EXTRA_HOLD", "After the hold and some hours more"


class Route(models.Model):
    """A source store's orders go to a destination store, under these rules."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="routes")
    source_store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="routes_from")
    destination_store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="routes_to")
    hold_mode = models.CharField(max_length=12, choices=HoldMode.choices, default=HoldMode.AFTER_HOLD)
    extra_hold_hours = models.PositiveSmallIntegerField(default=0)
    is_on = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_store", "destination_store"], name="route_once"),
            models.CheckConstraint(condition=Q(hold_mode__in=HoldMode.values), name="route_hold_mode_known"),
            models.CheckConstraint(condition=Q(extra_hold_hours__lte=72), name="route_extra_hold_within_72"),
        ]

    def __str__(self) -> str:
        return f"{self.source_store_id} to {self.destination_store_id}"


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
    reference = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=MirrorState.choices, default=MirrorState.PLANNED)
    external_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=500, blank=True)
    money = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
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


class ProductLink(models.Model):
    """A source SKU and the destination's variant that stands for it."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="product_links")
    sku = models.CharField(max_length=200)
    variant_id = models.CharField(max_length=100)
    title = models.CharField(max_length=500, blank=True)
    is_manual = models.BooleanField(default=False)
    checked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["store", "sku"], name="product_link_once")]

    def __str__(self) -> str:
        return self.sku
