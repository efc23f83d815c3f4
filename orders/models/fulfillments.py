"""Parcels that left a store, and what the source made of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.mirrors import Mirror
from orders.models.orders import Order


class FulfillmentState(models.TextChoices):
    """Where a parcel stands on its way back to the source."""

    WAITING = "WAITING", "No tracking number yet"
    QUEUED = "QUEUED", "To be sent to the source"
    SENT = "SENT", "Sent; the source has not shown it yet"
    ACCEPTED = "ACCEPTED", "The source shows it"
    REFUSED = "REFUSED", "The source refused it"
    CANCELLED = "CANCELLED", "Cancelled in the store"


class Fulfillment(models.Model):
    """One parcel of one mirror: its carrier, its number, and the source's line ids in it."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fulfillments")
    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="fulfillments")
    external_id = models.CharField(max_length=100)
    carrier_text = models.CharField(max_length=200, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    line_ids = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=FulfillmentState.choices, default=FulfillmentState.WAITING)
    carrier_id = models.CharField(max_length=64, blank=True)
    package_id = models.CharField(max_length=64, blank=True)
    warning = models.CharField(max_length=300, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    edits = models.PositiveSmallIntegerField(default=0, db_default=0)  # how often its number was changed at the source
    # What the store last said of it, where that is not what we go by: {carrier, tracking_number, is_elsewhere}
    said = models.JSONField(default=dict, db_default={}, blank=True)
    # Checks that a person overruled for its number: {check: {number, carrier, by}}
    waived = models.JSONField(default=dict, db_default={}, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mirror", "external_id"], name="fulfillment_once"),
            models.CheckConstraint(condition=Q(state__in=FulfillmentState.values), name="fulfillment_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tracking_number"], condition=~Q(tracking_number=""), name="fulfillment_number"),
        ]

    def __str__(self) -> str:
        return self.tracking_number or self.external_id


class CarrierMapping(models.Model):
    """The store's word for a carrier, and the source's carrier for it. Empty option means: any delivery option."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    source_store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="carrier_mappings")
    delivery_option_id = models.CharField(max_length=64, blank=True)
    carrier_text = models.CharField(max_length=200)
    carrier_id = models.CharField(max_length=64)
    carrier_name = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source_store", "delivery_option_id", "carrier_text"], name="carrier_mapping_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.carrier_text} = {self.carrier_name}"
