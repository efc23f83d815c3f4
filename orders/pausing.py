"""The store's fulfillment of an order is stopped while a request of its buyer is open; where a store cannot, a person
is told to stop it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base.errors import AuthorizationError, OutcomeUnknown, PermanentError
from connectors.base.types import Shipper
from connectors.registry import connector_class, label_of
from connectors.speaking import speaking_to_destination
from orders import outbox, stopping
from orders.models import (
    Attention,
    FulfillmentState,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.states import ask_for_attention, note
from orders.work import Drain

_LIVE = frozenset({OrderState.READY, OrderState.MIRRORED, OrderState.FULFILLED})


def stop(*, order: Order, subject: str, now: datetime, line_ids: Collection[str] = ()) -> list[Mirror]:
    """Say that the order is to be kept back in its stores while `subject` is open, in the caller's transaction, which
    holds the order's row. Returns the mirrors whose store cannot do that. May be repeated.

    `line_ids`, where only these are asked about. What is kept back anyway until its release, and what has left whole,
    is not stopped.
    """
    if order.shipper != Shipper.SELLER:
        return []  # the store packs nothing of it
    helpless = []
    for mirror in order.mirrors.filter(state=MirrorState.CREATED).select_related("store"):
        open_ids = set(own_ids(mirror, order)) - parcel_ids(mirror)
        if mirror.is_held or not open_ids or (line_ids and not open_ids.intersection(line_ids)):
            continue
        if connector_class(mirror.store.platform).features.hold:
            _enqueue(OutboxKind.PAUSE_ORDER, order, mirror, subject, now)
        else:
            helpless.append(mirror)
    return helpless


def go_on(*, order: Order, subject: str, now: datetime) -> None:
    """`subject` is over, and the order goes on in its stores, in the caller's transaction, which holds the order's row.
    May be repeated. What was never begun is dropped; what may have been done is undone after it."""
    if order.state not in _LIVE:
        return
    stops = order.outbox.filter(kind=OutboxKind.PAUSE_ORDER, subject=subject)
    stops.filter(status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED], is_doubtful=False).update(
        status=OutboxStatus.DROPPED, settled_at=now
    )
    begun = set(stops.exclude(status=OutboxStatus.DROPPED).values_list("store_id", flat=True))
    for mirror in order.mirrors.filter(store__in=begun, state=MirrorState.CREATED).select_related("store"):
        _enqueue(OutboxKind.RESUME_ORDER, order, mirror, subject, now)


def follow_mirror(*, order: Order, now: datetime) -> None:
    """A store has the order from now on, or lets it go: it is stopped there too for every request that is open, in the
    caller's transaction, which holds the order's row. May be repeated."""
    if order.cancel_requested_at is None and order.return_requested_at is None:
        return
    for subject, line_ids in stopping.open_subjects(order).items():
        for mirror in stop(order=order, subject=subject, now=now, line_ids=line_ids):
            ask_to_stop(order=order, mirror=mirror, subject=subject, now=now)


def ask_to_stop(*, order: Order, mirror: Mirror, subject: str, now: datetime, message: str = "") -> None:
    """The store cannot keep it back: a person has to, in the caller's transaction."""
    is_return = order.returns.filter(external_id=subject).exists()
    detail = {
        "store": label_of(mirror.store),
        "name": mirror.name,
        "url": mirror.url,
        "request": subject,
        "is_task": True,
        "message": message,
    }
    code = Attention.RETURN_PENDING if is_return else Attention.CANCEL_PENDING
    ask_for_attention(order=order, code=code, now=now, detail=detail)


def own_ids(mirror: Mirror, order: Order) -> list[str]:
    """The source's lines that this store is to send."""
    ids = mirror.line_ids or [line["external_id"] for line in order.snapshot.get("lines", [])]
    return [each for each in ids if each not in mirror.left_out]


def parcel_ids(mirror: Mirror) -> set[str]:
    """The source's lines that left this store, in merchant_rows."""
    parcels = mirror.fulfillments.exclude(state=FulfillmentState.CANCELLED).values_list("line_ids", flat=True)
    return {line_id for ids in parcels for line_id in ids}


def _enqueue(kind: OutboxKind, order: Order, mirror: Mirror, subject: str, now: datetime) -> None:
    reference = f"{mirror.reference}-{subject}"[:80]
    outbox.enqueue(order=order, store=mirror.store, kind=kind, subject=subject, reference=reference, now=now)


# Carrying it out


def perform_stop(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out PAUSE_ORDER, unless the request is over. Makes calls: not inside a transaction. May be repeated.

    Raises PlatformError, outbox.LostLease. A store that refuses leaves it to a person.
    """
    _order, mirror, is_wanted = _load(item, is_stop=True)
    if not is_wanted:
        # A call that is carried out after the end of the request would never be undone.
        outbox.require_sure(item=item, now=drain.clock(), what="Whether the store stopped the order is not known yet")
        _settle(item, mirror, drain, kind="")
        return
    try:
        with (
            speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination,
            outbox.sending(item=item, now=drain.clock()),
        ):
            destination.hold_order(mirror.external_id)
    except AuthorizationError:
        raise
    except PermanentError as error:
        _refused(item, mirror, error, drain.clock())
        return
    _settle(item, mirror, drain, kind="mirror.paused")


def perform_go_on(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out RESUME_ORDER, unless another request stops the order. Makes calls: not inside a transaction. May be
    repeated. Raises PlatformError, outbox.LostLease."""
    order, mirror, is_wanted = _load(item, is_stop=False)
    if is_wanted:
        _require_stopped_for_good(order, mirror, drain.clock())
        with (
            speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination,
            outbox.sending(item=item, now=drain.clock()),
        ):
            destination.resume_order(mirror.external_id)
    _settle(item, mirror, drain, kind="mirror.resumed" if is_wanted else "")


def _require_stopped_for_good(order: Order, mirror: Mirror, now: datetime) -> None:
    """A stop that is carried out after this would never be taken off, though a later try of it had an answer."""
    with merchant_rows(order.merchant_id):
        until = outbox.may_come_until(order=order, store=mirror.store, kind=OutboxKind.PAUSE_ORDER, now=now)
    if until is not None:
        what = "An earlier call may still stop the order in the store; it goes on after that"
        raise OutcomeUnknown(what, retry_after=min((until - now).total_seconds() + 1, 10.0))


def _load(item: OutboxItem, *, is_stop: bool) -> tuple[Order, Mirror, bool]:
    with merchant_rows(item.merchant_id):
        order = Order.objects.get(pk=item.order_id)
        mirror = Mirror.objects.select_related("store").get(order=item.order_id, store=item.store_id)
        if order.state not in _LIVE or mirror.state != MirrorState.CREATED:
            return order, mirror, False
        open_now = stopping.open_subjects(order)
    return order, mirror, (item.subject in open_now if is_stop else not open_now)


def _settle(item: OutboxItem, mirror: Mirror, drain: Drain, *, kind: str) -> None:
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE if kind else OutboxStatus.DROPPED, now=now)
        if not kind:
            return
        Mirror.objects.filter(pk=mirror.pk).update(is_paused=kind == "mirror.paused")
        Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
        note(order=order, kind=kind, facts={"store": label_of(mirror.store), "name": mirror.name}, now=now)


def _refused(item: OutboxItem, mirror: Mirror, error: PermanentError, now: datetime) -> None:
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now, error=error.message, reason="permanent")
        ask_to_stop(order=order, mirror=mirror, subject=item.subject, now=now, message=error.message)
