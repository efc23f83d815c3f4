"""Every change we make elsewhere has its row here first. The rows are the queue."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.orders import Order


class OutboxKind(models.TextChoices):
    """What is to be done at a store."""

    CHOOSE_STORES = "CHOOSE_STORES", "Ask which stores have the items"
    CREATE_ORDER = "CREATE_ORDER", "Create the order in the store"
    HOLD_ORDER = "HOLD_ORDER", "Keep the order back in the store"
    RELEASE_ORDER = "RELEASE_ORDER", "Fill in the buyer and let the order go in the store"
    MOVE_ORDER = "MOVE_ORDER", "Give the order to its location in the store"
    CANCEL_ORDER = "CANCEL_ORDER", "Cancel the order in the store"
    PUSH_TRACKING = "PUSH_TRACKING", "Send a tracking number to the source"
    COPY_TRACKING = "COPY_TRACKING", "Write a parcel that the source shipped into the store"
    EDIT_TRACKING = "EDIT_TRACKING", "Change a tracking number at the source"
    PAUSE_ORDER = "PAUSE_ORDER", "Stop the order's fulfillment in the store while a request is open"
    RESUME_ORDER = "RESUME_ORDER", "Let the order's fulfillment go on in the store"
    CANCEL_LINES = "CANCEL_LINES", "Cancel some of the order's items in the store"
    RECORD_RETURN = "RECORD_RETURN", "Write down in the store that goods come back"
    CLOSE_RETURN = "CLOSE_RETURN", "Close a return in the store"
    RECORD_REFUND = "RECORD_REFUND", "Write a refund down in the store, where no money moves"
    READ_CANCELS = "READ_CANCELS", "Read the order's cancellations at the source"
    ANSWER_CANCEL = "ANSWER_CANCEL", "Answer a buyer's request to cancel at the source"
    ANSWER_RETURN = "ANSWER_RETURN", "Answer a return at the source"
    CANCEL_AT_SOURCE = "CANCEL_AT_SOURCE", "Cancel the order, or items of it, at the source"


class OutboxStatus(models.TextChoices):
    """Where an item stands."""

    PENDING = "PENDING", "To be done at or after not_before"
    IN_FLIGHT = "IN_FLIGHT", "Being done by the holder of the lease"
    DONE = "DONE", "Done"
    PARKED = "PARKED", "Given up until a person resumes it"
    DROPPED = "DROPPED", "No longer wanted"


class GiveUpReason(models.TextChoices):
    """Why an item was parked."""

    EXHAUSTED = "exhausted", "It failed too often"
    PERMANENT = "permanent", "The platform refuses it"
    REAUTHORIZE = "reauthorize", "The store has to be reconnected"
    UNSUPPORTED = "unsupported", "The platform cannot do it"
    INTERNAL = "internal", "Our own mistake"


class OutboxItem(models.Model):
    """One call to be made, known by `reference` at the other side on every try."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.PROTECT, related_name="outbox")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="outbox")
    kind = models.CharField(max_length=16, choices=OutboxKind.choices)
    subject = models.CharField(max_length=100, blank=True)
    reference = models.CharField(max_length=80)
    facts = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=OutboxStatus.choices, default=OutboxStatus.PENDING)
    not_before = models.DateTimeField()
    deadline = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    is_doubtful = models.BooleanField(default=False)
    sure_at = models.DateTimeField(null=True, blank=True)  # from then on, what is not found there was not done
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0)
    give_up_reason = models.CharField(max_length=12, choices=GiveUpReason.choices, blank=True, default="")
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    # Of whoever holds it, in memory: the call of this try went out and had no answer; and until when one of an earlier
    # try may still be carried out, whatever becomes of this one.
    was_cut_off = False
    earlier_sure_at: datetime | None = None

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "store", "kind", "subject"], name="outbox_once"),
            models.UniqueConstraint(
                fields=["order", "store"], condition=Q(status="IN_FLIGHT"), name="outbox_one_in_flight"
            ),
            models.CheckConstraint(condition=Q(status__in=OutboxStatus.values), name="outbox_status_known"),
            models.CheckConstraint(
                condition=~Q(status="IN_FLIGHT") | Q(lease_until__isnull=False), name="outbox_in_flight_has_lease"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["store", "not_before"], condition=Q(status="PENDING"), name="outbox_due"),
            models.Index(fields=["store", "deadline", "id"], condition=Q(status="PENDING"), name="outbox_by_deadline"),
            models.Index(fields=["lease_until"], condition=Q(status="IN_FLIGHT"), name="outbox_leases"),
            models.Index(fields=["not_before"], include=["store"], condition=Q(status="PENDING"), name="outbox_when"),
            models.Index(fields=["give_up_reason"], condition=Q(status="PARKED"), name="outbox_parked"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
