"""Cancelled at the source: never create what is not created, and cancel what is, before it leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connectors.base.connector import Destination
from connectors.base.errors import PlatformError
from connectors.base.types import PlatformOrder, Shipper
from connectors.registry import connector_class, label_of
from orders import outbox, unsent
from orders.models import (
    Attention,
    FulfillmentState,
    GiveUpReason,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.states import advance, ask_for_attention, clear_attention, note

# The words a destination is given; the buyer's own words stay with us.
REASON = "Cancelled on TikTok Shop"
CONFIRM_AFTER = 5.0


def cancelled_at_source(*, order: Order, seen: PlatformOrder, now: datetime) -> None:
    """Close the order and undo what can be undone, in the caller's transaction. May be repeated.

    What was never begun is dropped. A create whose outcome is unknown stays: its step finds out, and then cancels.
    A parcel that left is not called back: a person is told instead.
    """
    if order.state in (OrderState.CANCELLED, OrderState.COMPLETED):
        return
    was_fulfilled = order.state == OrderState.FULFILLED
    reason = seen.cancel_reason or "Cancelled on TikTok Shop"
    facts: dict[str, Any] = {"cancelled_by": seen.cancelled_by} if seen.cancelled_by else {}
    advance(order=order, to=OrderState.CANCELLED, reason=reason, now=now, facts=facts, check_at=None)
    kinds = [
        OutboxKind.CHOOSE_STORES,
        OutboxKind.CREATE_ORDER,
        OutboxKind.PUSH_TRACKING,
    ]
    outbox.drop(order=order, kinds=kinds, now=now)
    outbox.find_out(order=order, kind=OutboxKind.CREATE_ORDER, now=now)
    _drop_harmless(order=order, now=now)
    if order.return_requested_at is not None:
        unsent.mark(order)
    has_left = was_fulfilled or order.fulfillments.exclude(state=FulfillmentState.CANCELLED).exists()
    open_creates = set(
        order.outbox.filter(
            kind=OutboxKind.CREATE_ORDER, status__in=[OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT, OutboxStatus.PARKED]
        ).values_list("store_id", flat=True)
    )
    for mirror in order.mirrors.select_related("store"):
        if mirror.state == MirrorState.CREATED:
            cancel_mirror(mirror=mirror, order=order, has_left=has_left or _is_sent_past(mirror, order), now=now)
        elif mirror.state == MirrorState.PLANNED and mirror.store_id not in open_creates:
            Mirror.objects.filter(pk=mirror.pk).update(state=MirrorState.DROPPED)


def _is_sent_past(mirror: Mirror, order: Order) -> bool:
    """Whether the seller sent something of this store's past it, and entered the number at the source by hand. A label
    of the platform's own has its number before anything leaves."""
    if order.shipper != Shipper.SELLER:
        return False
    numbered = (each for each in order.snapshot.get("packages", []) if each["tracking_number"])
    sent = {line_id for package in numbered for line_id in package["line_ids"]}
    return bool(sent & set(mirror.line_ids) if mirror.line_ids else sent)


def _drop_harmless(*, order: Order, now: datetime) -> None:
    """Holding back, letting go, moving, cancelling items, and writing a parcel down in a store: if such a call was made
    after all, that does a cancelled order no harm, and the cancellation must not wait until it is known."""
    kinds = [
        OutboxKind.HOLD_ORDER,
        OutboxKind.RELEASE_ORDER,
        OutboxKind.MOVE_ORDER,
        OutboxKind.COPY_TRACKING,
        OutboxKind.PAUSE_ORDER,
        OutboxKind.RESUME_ORDER,
        OutboxKind.CANCEL_LINES,
    ]
    order.outbox.filter(kind__in=kinds, status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED]).update(
        status=OutboxStatus.DROPPED, settled_at=now, is_doubtful=False
    )


def cancel_mirror(*, mirror: Mirror, order: Order, has_left: bool, now: datetime) -> None:
    """Say that the store's order is to be cancelled, unless its parcel left, in the caller's transaction.

    Where the platform has no call for it, it is the merchant's task, and watched until the store shows it cancelled.
    """
    is_task = not connector_class(mirror.store.platform).features.cancel
    if has_left or is_task:
        ask_for_attention(
            order=order,
            code=Attention.ALREADY_CANCELLED,
            now=now,
            detail={
                "store": label_of(mirror.store),
                "name": mirror.name,
                "url": mirror.url,
                "has_left": has_left,
                "is_task": is_task and not has_left,
            },
        )
        return
    outbox.enqueue(order=order, store=mirror.store, kind=OutboxKind.CANCEL_ORDER, reference=mirror.reference, now=now)


def closed_in_store(*, order: Order, mirror: Mirror, now: datetime) -> None:
    """A cancelled order is closed in this store: a question about it is answered, and the next store that still has the
    order open is asked about, in the caller's transaction, which holds the order's row. May be repeated."""
    if not _is_asked_about(order, mirror):
        return
    clear_attention(order=order, now=now)
    order.outbox.filter(kind=OutboxKind.CANCEL_ORDER, store=mirror.store, status=OutboxStatus.PARKED).update(
        status=OutboxStatus.DROPPED, settled_at=now
    )
    for other in order.mirrors.filter(state=MirrorState.CREATED).exclude(pk=mirror.pk).select_related("store"):
        has_left = other.fulfillments.exclude(state=FulfillmentState.CANCELLED).exists()
        cancel_mirror(mirror=other, order=order, has_left=has_left or _is_sent_past(other, order), now=now)


def _is_asked_about(order: Order, mirror: Mirror) -> bool:
    """Whether the order's question is about what is cancelled in this store."""
    asked = (order.attention_detail.get("store"), order.attention_detail.get("name"))
    return order.attention == Attention.ALREADY_CANCELLED and asked == (label_of(mirror.store), mirror.name)


def perform(*, item: OutboxItem, mirror: Mirror, destination: Destination, restock: bool, now: datetime) -> str:
    """Cancel the order in its store and confirm it by reading it back: "cancelled", "deleted", "left" or "pending".

    `restock`: the goods go back into the store's stock. Looks first, so it may be repeated. Raises PlatformError. Makes
    calls: not inside a transaction.
    """
    placed = destination.fetch_order(mirror.external_id)
    if placed is None:
        return "deleted"
    if placed.is_cancelled:
        return "cancelled"
    if any(not shipment.is_cancelled for shipment in destination.shipments_of(mirror.external_id)):
        return "left"
    with outbox.sending(item=item, now=now):
        receipt = destination.cancel_order(mirror.external_id, reason=REASON, restock=restock)
    return "cancelled" if receipt.is_cancelled else "pending"


def settle(*, item: OutboxItem, order: Order, mirror: Mirror, outcome: str, now: datetime) -> None:
    """Write down what `perform` brought, in the caller's transaction, which holds the order's row."""
    if outcome == "pending":
        outbox.postpone(item=item, now=now, error="The store is still cancelling it", wait=CONFIRM_AFTER)
        return
    outbox.settle(item=item, status=OutboxStatus.DONE, now=now)
    if outcome == "left":
        ask_for_attention(
            order=order,
            code=Attention.ALREADY_CANCELLED,
            now=now,
            detail={"store": label_of(mirror.store), "name": mirror.name, "url": mirror.url, "has_left": True},
        )
        return
    state = MirrorState.CANCELLED if outcome == "cancelled" else MirrorState.DELETED
    Mirror.objects.filter(pk=mirror.pk).update(state=state)
    note(order=order, kind=f"mirror.{outcome}", facts={"store": label_of(mirror.store), "name": mirror.name}, now=now)
    if order.state == OrderState.CANCELLED:
        closed_in_store(order=order, mirror=mirror, now=now)
    elif _is_asked_about(order, mirror):
        clear_attention(order=order, now=now)


def settle_refused(*, item: OutboxItem, order: Order, mirror: Mirror, error: PlatformError, now: datetime) -> None:
    """Write down that the store will not cancel it, in the caller's transaction, which holds the order's row: a person
    closes it there, and it is watched until the store shows it."""
    outbox.settle(item=item, status=OutboxStatus.PARKED, now=now, error=error.message, reason=GiveUpReason.PERMANENT)
    detail = {
        "store": label_of(mirror.store),
        "name": mirror.name,
        "url": mirror.url,
        "message": error.message,
        "has_left": False,
    }
    ask_for_attention(order=order, code=Attention.ALREADY_CANCELLED, now=now, detail=detail)
