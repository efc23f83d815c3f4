"""An order as the source tells it, and where we stand with it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Case, Q, Value, When

from accounts.models import Merchant
from connectors.models import ConnectedStore


class OrderState(models.TextChoices):
    """Our own word for where an order stands; TikTok's word is `source_status`, beside it and never mixed in."""

    UNPAID = "UNPAID", "The buyer has not paid yet; nothing is sent anywhere"
    HELD = "HELD", "Paid, and still the buyer's to cancel; nothing is sent anywhere"
    READY = "READY", "Released by the source; its mirrors are being made"
    MIRRORED = "MIRRORED", "Every route has its order in the store"
    FULFILLED = "FULFILLED", "Every unit was reported as shipped and the source took it"
    COMPLETED = "COMPLETED", "The source closed the order"
    CANCELLED = "CANCELLED", "Cancelled at the source; no live mirror may remain"
    SKIPPED = "SKIPPED", "Not ours to mirror, by a rule that is named"


class Attention(models.TextChoices):
    """Why an order waits for a person. Stable codes; the words are for the merchant."""

    NONE = "", "Nothing"
    NOT_LINKED = "NOT_LINKED", "A product is not linked"
    PRODUCT_DELETED = "PRODUCT_DELETED", "A linked product is gone"
    OUT_OF_STOCK = "OUT_OF_STOCK", "Out of stock in the store"
    ADDRESS_NOT_RELEASED = "ADDRESS_NOT_RELEASED", "No address yet"
    ADDRESS_INVALID = "ADDRESS_INVALID", "The store refuses the address"
    MONEY_MISMATCH = "MONEY_MISMATCH", "The money does not balance"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH", "The currencies differ"
    SHIPPING_UNMAPPED = "SHIPPING_UNMAPPED", "The shipping method is not mapped"
    CARRIER_UNMAPPED = "CARRIER_UNMAPPED", "The carrier is not mapped"
    CARRIER_NOT_SUPPORTED = "CARRIER_NOT_SUPPORTED", "The source does not take this carrier"
    TRACKING_INVALID = "TRACKING_INVALID", "The tracking number was refused"
    TRACKING_DUPLICATE = "TRACKING_DUPLICATE", "The tracking number is used elsewhere"
    TRACKING_CHANGED = "TRACKING_CHANGED", "The tracking changed after it was sent"
    TRACKING_EDIT_SPENT = "TRACKING_EDIT_SPENT", "The one change of tracking is spent"
    STILL_ON_HOLD = "STILL_ON_HOLD", "Shipped while still on hold"
    CANCEL_PENDING = "CANCEL_PENDING", "The buyer asked to cancel"
    ALREADY_CANCELLED = "ALREADY_CANCELLED", "Cancelled at the source, still open in the store"
    RETURN_PENDING = "RETURN_PENDING", "The buyer asked for a refund before it was shipped"
    REFUND_BY_HAND = "REFUND_BY_HAND", "A refund is to be noted in the store by hand"
    NOT_SELLER_SHIPPING = "NOT_SELLER_SHIPPING", "Not on Seller Shipping"
    MIXED_FULFILMENT = "MIXED_FULFILMENT", "Fulfilled from several places"
    DUPLICATE_FOUND = "DUPLICATE_FOUND", "The store already has this order"
    AUTH_EXPIRED = "AUTH_EXPIRED", "The store has to be reconnected"
    SCOPE_MISSING = "SCOPE_MISSING", "A permission is missing"
    RATE_LIMITED = "RATE_LIMITED", "The platform asks us to wait"
    NOT_SUPPORTED = "NOT_SUPPORTED", "The store cannot take it as it is"
    NO_ROUTE = "NO_ROUTE", "No store takes these items"
    REMOTE_ERROR = "REMOTE_ERROR", "The platform refused"
    UNKNOWN_STATUS = "UNKNOWN_STATUS", "A status we do not know"
    UNREADABLE = "UNREADABLE", "The order could not be read"


# The tabs of the list, and which of the source's statuses each shows.
TABS = {
    "on_hold": ("ON_HOLD",),
    "ready": ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"),
    "in_transit": ("AWAITING_COLLECTION", "IN_TRANSIT"),
    "delivered": ("DELIVERED", "COMPLETED"),
    "cancelled": ("CANCELLED",),
}
_TO_SHIP = ("ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION")
_PASSING = ("UNPAID", "HELD", "READY", "SKIPPED")
# Statuses in which a deadline of TikTok Shop still runs; orders/queries/due.py asks by the same words.
TO_DISPATCH = ("ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION")
TO_NUMBER = ("ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")
TO_DELIVER = ("AWAITING_COLLECTION", "IN_TRANSIT")
RUNNING = ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT")
# TikTok's own warehouse keeps its deadlines itself.
_OURS = ~Q(shipper="PLATFORM_WAREHOUSE")


class OrderQuerySet(models.QuerySet["Order"]):
    """Phrases about orders."""

    def held(self) -> Self:
        """Not yet released: unpaid or on hold."""
        return self.filter(state__in=[OrderState.UNPAID, OrderState.HELD])

    def due(self, now: datetime) -> Self:
        """Those whose source is to be asked again by now."""
        return self.filter(check_at__lte=now)


class Order(models.Model):
    """One order of one source store. Unique there, whatever arrives how often."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, db_index=False, related_name="orders")
    source_store = models.ForeignKey(ConnectedStore, on_delete=models.PROTECT, db_index=False, related_name="orders")
    external_id = models.CharField(max_length=64)

    source_status = models.CharField(max_length=24)
    tab = models.GeneratedField(
        expression=Case(
            *(When(source_status__in=statuses, then=Value(tab)) for tab, statuses in TABS.items()), default=Value("")
        ),
        output_field=models.CharField(max_length=12),
        db_persist=True,
    )
    source_status_text = models.CharField(max_length=64)
    source_updated_at = models.DateTimeField()
    read_at = models.DateTimeField()

    state = models.CharField(max_length=10, choices=OrderState.choices)
    attention = models.CharField(max_length=24, choices=Attention.choices, blank=True, default="")
    attention_detail = models.JSONField(default=dict, blank=True)
    attention_at = models.DateTimeField(null=True, blank=True)  # since when a person is asked
    skip_rule = models.CharField(max_length=120, blank=True)
    version = models.PositiveIntegerField(default=1)

    ordered_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    release_at = models.DateTimeField(null=True, blank=True)
    check_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveSmallIntegerField(default=0)
    released_at = models.DateTimeField(null=True, blank=True)
    ship_by = models.DateTimeField(null=True, blank=True)
    auto_cancel_at = models.DateTimeField(null=True, blank=True)
    deliver_by = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    return_requested_at = models.DateTimeField(null=True, blank=True)  # of the oldest return that is not over
    replaces_id = models.CharField(max_length=64, blank=True, default="", db_default="")  # the order it stands for
    cancelled_lines = models.PositiveSmallIntegerField(default=0, db_default=0)  # how many of its lines are cancelled

    is_sample = models.BooleanField(default=False)
    is_on_hold_order = models.BooleanField(default=False)
    is_preorder = models.BooleanField(default=False)
    shipper = models.CharField(max_length=20)
    currency = models.CharField(max_length=3, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    buyer_name = models.CharField(max_length=200, blank=True)
    buyer_place = models.CharField(max_length=200, blank=True)
    snapshot = models.JSONField(default=dict)
    search_text = models.TextField(blank=True, default="")

    objects: ClassVar = OrderQuerySet.as_manager()
    # Why this reading releases it: orders that are read together are released together (orders/ingest.py). No column.
    released_for: str = ""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_store", "external_id"], name="order_once"),
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="order_state_known"),
            models.CheckConstraint(condition=Q(attention__in=Attention.values), name="order_attention_known"),
            models.CheckConstraint(
                condition=~Q(state="HELD") | Q(release_at__isnull=False), name="held_order_has_release_at"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["source_store", "check_at"], condition=Q(check_at__isnull=False), name="order_due"),
            models.Index(
                fields=["check_at"], include=["source_store"], condition=Q(check_at__isnull=False), name="order_when"
            ),
            models.Index(fields=["attention"], condition=~Q(attention=""), name="order_questions"),
            # Lists, newest first: all, of one shop, of one tab, and of what is rare enough to be looked for in vain.
            models.Index(fields=["merchant", "-ordered_at", "-id"], include=["tab", "attention"], name="order_list"),
            models.Index(fields=["source_store", "-ordered_at", "-id"], name="order_of_store"),
            models.Index(fields=["merchant", "tab", "-ordered_at", "-id"], name="order_tab"),
            models.Index(fields=["merchant", "-ordered_at", "-id"], condition=~Q(attention=""), name="order_attention"),
            models.Index(
                fields=["merchant", "state", "-ordered_at", "-id"],
                condition=Q(state__in=_PASSING),
                name="order_passing",
            ),
            models.Index(
                fields=["merchant", "-ordered_at", "-id"],
                condition=Q(is_sample=True) | Q(is_preorder=True) | Q(cancel_requested_at__isnull=False),
                name="order_kinds",
            ),
            models.Index(fields=["merchant", "ship_by"], condition=Q(source_status__in=_TO_SHIP), name="order_to_ship"),
            models.Index(fields=["merchant", "release_at"], condition=Q(state="HELD"), name="order_held"),
            models.Index(fields=["merchant", "-id"], name="order_newest"),
            # Deadlines, the nearest first.
            models.Index(
                fields=["merchant", "ship_by", "id"],
                condition=Q(source_status__in=TO_DISPATCH) & _OURS,
                name="order_dispatch",
            ),
            models.Index(
                fields=["merchant", "auto_cancel_at", "id"],
                condition=Q(source_status__in=TO_NUMBER) & _OURS,
                name="order_auto_cancel",
            ),
            models.Index(
                fields=["merchant", "deliver_by", "id"],
                condition=Q(source_status__in=TO_DELIVER) & _OURS,
                name="order_deliver",
            ),
            models.Index(
                fields=["merchant", "cancel_requested_at", "id"],
                condition=Q(cancel_requested_at__isnull=False) & ~Q(state="CANCELLED"),
                name="order_cancel_asked",
            ),
            models.Index(
                fields=["merchant", "id"], condition=Q(attention="TRACKING_CHANGED"), name="order_change_asked"
            ),
            models.Index(
                fields=["merchant", "attention_at"],
                include=["attention"],
                condition=~Q(attention=""),
                name="order_asked_since",
            ),
            models.Index(
                fields=["id"],
                condition=Q(source_status__in=RUNNING)
                & _OURS
                & (Q(ship_by=None) | Q(auto_cancel_at=None) | Q(deliver_by=None)),
                name="order_lacks_deadline",
            ),
            models.Index(fields=["source_store", "replaces_id"], condition=~Q(replaces_id=""), name="order_replacing"),
        ]

    def __str__(self) -> str:
        return self.external_id


class OrderVersion(models.Model):
    """The raw answer of one reading that brought something new; kept until buyers' data has to go."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="versions")
    source_updated_at = models.DateTimeField()
    read_at = models.DateTimeField()
    raw = models.JSONField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["order", "read_at"], name="order_versions")]

    def __str__(self) -> str:
        return f"{self.order_id} at {self.read_at:%Y-%m-%d %H:%M:%S}"


class SetAside(models.Model):
    """An order that could not be read or kept when it was met. It is tried again until it can, and blocks nobody."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    source_store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="set_aside")
    external_id = models.CharField(max_length=64)
    reason = models.CharField(max_length=300)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    set_aside_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source_store", "external_id"], name="set_aside_once")]
        indexes: ClassVar = [models.Index(fields=["not_before"], name="set_aside_when")]
        verbose_name_plural = "orders set aside"

    def __str__(self) -> str:
        return self.external_id
