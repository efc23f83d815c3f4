"""Where orders go, and how."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore


class HoldMode(models.TextChoices):
    """When an order goes to the store."""

    AFTER_HOLD = "AFTER_HOLD", "After the hold"
    EXTRA_HOLD = "EXTRA_HOLD", "After the hold and some hours more"
    AT_ONCE = "AT_ONCE", "At once, kept on hold in the store"


class RouteRule(models.TextChoices):
    """Which items of which orders a route takes."""

    DEFAULT = "DEFAULT", "Whatever no other route takes"
    SKU = "SKU", "Items with these SKUs"
    WAREHOUSE = "WAREHOUSE", "Orders from these TikTok Shop warehouses"
    FOUND = "FOUND", "Items whose SKU the store has"


class Route(models.Model):
    """A source store's orders go to a destination store, under these rules. Routes are asked by `position`, the
    default one last. `takes_part`: the route may have some of an order's items while the rest goes elsewhere.
    `leaves_rest`: it takes only what the store has, and what no route takes of that order is the merchant's to ship."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="routes")
    source_store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="routes_from")
    destination_store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="routes_to")
    rule = models.CharField(max_length=10, choices=RouteRule.choices, default=RouteRule.DEFAULT)
    position = models.PositiveSmallIntegerField(default=0)
    skus = models.JSONField(default=list, blank=True)  # for SKU: whole SKUs, or with * for any characters
    warehouse_ids = models.JSONField(default=list, blank=True)  # for WAREHOUSE
    least_share = models.PositiveSmallIntegerField(default=100)  # for FOUND: percent of the order's units
    takes_part = models.BooleanField(default=False)
    leaves_rest = models.BooleanField(default=False, db_default=False)
    hold_mode = models.CharField(max_length=12, choices=HoldMode.choices, default=HoldMode.AFTER_HOLD)
    extra_hold_hours = models.PositiveSmallIntegerField(default=0)
    is_on = models.BooleanField(default=True)
    rules = models.JSONField(default=dict, blank=True, db_default={})  # orders/rules.py

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_store", "destination_store"], name="route_once"),
            models.UniqueConstraint(
                fields=["source_store"], condition=Q(rule="DEFAULT", is_on=True), name="route_one_default"
            ),
            models.CheckConstraint(condition=Q(rule__in=RouteRule.values), name="route_rule_known"),
            models.CheckConstraint(
                condition=Q(least_share__gte=1, least_share__lte=100), name="route_least_share_is_percent"
            ),
            models.CheckConstraint(condition=Q(hold_mode__in=HoldMode.values), name="route_hold_mode_known"),
            models.CheckConstraint(condition=Q(extra_hold_hours__lte=72), name="route_extra_hold_within_72"),
        ]

    def __str__(self) -> str:
        return f"{self.source_store_id} to {self.destination_store_id}"


class ShippingMapping(models.Model):
    """A delivery option of the source, and the destination's shipping method for it. Empty option: any other."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="shipping_mappings")
    delivery_option_id = models.CharField(max_length=64, blank=True)
    delivery_option_name = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200)
    code = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "delivery_option_id"], name="shipping_mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.delivery_option_name or self.delivery_option_id or 'any'} = {self.title}"
