"""Some of an order's items are cancelled: left out of what is not created yet, and cancelled in the stores that have
them; where a store cannot, a person is told, until the store has sent the rest without them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.access import merchant_rows
from connectors.base.connector import Destination
from connectors.base.errors import AuthorizationError, PermanentError
from connectors.base.types import PlacedOrder, PlatformOrder
from connectors.registry import connector_class, label_of
from connectors.speaking import speaking_to_destination
from orders import cancellations, outbox, refunds, taken_out, unsent
from orders.aftersale_rules import rules_of
from orders.models import Attention, Mirror, MirrorState, Order, OrderState, OutboxItem, OutboxKind, OutboxStatus
from orders.pausing import own_ids, parcel_ids
from orders.splitting import items_of
from orders.states import ask_for_attention, clear_attention, end_task, note, task_of
from orders.work import Drain

CANCELLED = "CANCELLED"


def cancelled_ids(order: Order) -> list[str]:
    """Those of the order's lines that the source shows as cancelled."""
    return [line["external_id"] for line in order.snapshot.get("lines", []) if line["status"] == CANCELLED]


def follow_source(*, order: Order, seen: PlatformOrder, now: datetime) -> None:
    """Draw the consequences of lines that the reading shows as cancelled, in the caller's transaction, which holds the
    order's row. May be repeated."""
    if order.cancelled_lines and order.state not in (OrderState.CANCELLED, OrderState.COMPLETED):
        ids = [line.external_id for line in seen.lines if line.status == CANCELLED]
        take_out(order=order, line_ids=ids, now=now)


def follow_made(*, order: Order, now: datetime) -> None:
    """A store has the order from now on, and lines of it may have been cancelled or paid back while it was made, in the
    caller's transaction, which holds the order's row. May be repeated."""
    if order.state in (OrderState.CANCELLED, OrderState.COMPLETED):
        return
    gone = cancelled_ids(order) if order.cancelled_lines else []
    if order.return_requested_at is not None:
        gone += unsent.line_ids(order)
        unsent.mark(order)
    if gone:
        take_out(order=order, line_ids=gone, now=now)


def take_out(*, order: Order, line_ids: Collection[str], now: datetime) -> list[str]:
    """These lines are not wanted any more: said to every store that has them, in the caller's transaction, which holds
    the order's row. Once for each line and store, so that it may be repeated. Returns the lines that it was new for and
    that have not left."""
    found: list[str] = []
    for mirror in order.mirrors.filter(state=MirrorState.CREATED).select_related("store"):
        own = own_ids(mirror, order)
        gone = [line_id for line_id in own if line_id in line_ids]
        if not gone:
            continue
        left = parcel_ids(mirror)
        to_cancel = [line_id for line_id in gone if line_id not in left]
        mirror.left_out = [*mirror.left_out, *gone]
        Mirror.objects.filter(pk=mirror.pk).update(left_out=mirror.left_out)
        if set(to_cancel) == set(own):
            cancellations.cancel_mirror(mirror=mirror, order=order, has_left=False, now=now)
        else:
            _cancel_some(order, mirror, to_cancel, now)
        if taken_out.is_answered(order=order, mirror=mirror):
            clear_attention(order=order, now=now)
        if len(to_cancel) < len(gone):
            _ask(order, mirror, [each for each in gone if each in left], now, has_left=True)
        found += to_cancel
    return found


def _cancel_some(order: Order, mirror: Mirror, line_ids: Sequence[str], now: datetime) -> None:
    if not line_ids:
        return
    if not connector_class(mirror.store.platform).features.partial_cancel:
        if to_ask := taken_out.not_told(order=order, mirror=mirror, line_ids=line_ids):
            _ask(order, mirror, to_ask, now, is_task=True)
        return
    outbox.enqueue(
        order=order,
        store=mirror.store,
        kind=OutboxKind.CANCEL_LINES,
        subject=line_ids[0],  # a line is in no second one
        reference=f"{mirror.reference}-{line_ids[0]}"[:80],
        now=now,
        facts={"lines": {each: quantity for each, quantity in _quantities(order).items() if each in line_ids}},
    )


def _ask(order: Order, mirror: Mirror, line_ids: Sequence[str], now: datetime, **why: Any) -> None:
    detail = {
        "store": label_of(mirror.store),
        "name": mirror.name,
        "url": mirror.url,
        "is_part": True,
        "items": items_of(order, line_ids),
        "cancelled": len(line_ids),
        "of": len(own_ids(mirror, order)) + len(mirror.left_out),
        "has_left": False,
        "is_task": False,
        **why,
    }
    ask_for_attention(order=order, code=Attention.ALREADY_CANCELLED, now=now, detail=detail)


def _quantities(order: Order) -> Mapping[str, int]:
    return {line["external_id"]: line["quantity"] for line in order.snapshot.get("lines", [])}


def is_task_at(order: Order, mirror: Mirror) -> bool:
    """Whether somebody is asked to take items out of the order in this store."""
    detail = task_of(order)
    return bool(detail) and (detail["store"], detail["name"]) == (label_of(mirror.store), mirror.name)


def follow_parcels(*, order: Order, mirror: Mirror, now: datetime) -> None:
    """The store sent all that is still wanted, and nothing that was cancelled: what was asked about that is settled, in
    the caller's transaction, which holds the order's row. May be repeated."""
    _refund_what_left(order, mirror, now)
    if not is_task_at(order, mirror):
        return
    if not connector_class(mirror.store.platform).features.partial_fulfillment:
        return  # it does not say what is in a parcel
    left = parcel_ids(mirror)
    if left.issuperset(own_ids(mirror, order)) and left.isdisjoint(mirror.left_out):
        end_task(order=order, now=now)


def _refund_what_left(order: Order, mirror: Mirror, now: datetime) -> None:
    """What was to be cancelled here since it was paid back, and left all the same, is a refund of goods that left."""
    left = parcel_ids(mirror) if mirror.left_out else set()
    all_the_same = left.intersection(mirror.left_out).difference(cancelled_ids(order))
    if not all_the_same:
        return
    mirror.left_out = [each for each in mirror.left_out if each not in all_the_same]
    Mirror.objects.filter(pk=mirror.pk).update(left_out=mirror.left_out)
    for case in unsent.cases(order):
        refunds.follow(order=order, case=case, besides=unsent.lines_of(order, case), now=now)


# In the store


def perform(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out CANCEL_LINES, unless the whole order is cancelled by now. Makes calls: not inside a transaction. May be
    repeated. Raises PlatformError, outbox.LostLease. A store that refuses leaves it to a person."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.get(pk=item.order_id)
        mirror = Mirror.objects.select_related("store").get(order=item.order_id, store=item.store_id)
        restock = rules_of(order.source_store_id).restock_cancelled
    outcome = "gone"
    if order.state != OrderState.CANCELLED and mirror.state == MirrorState.CREATED:
        try:
            with speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination:
                outcome = _cancel(item, mirror, destination, drain, restock=restock)
        except AuthorizationError:
            raise
        except PermanentError as error:
            _settle(item, mirror, drain, outcome="refused", message=error.message)
            return
    _settle(item, mirror, drain, outcome=outcome)


def _cancel(item: OutboxItem, mirror: Mirror, destination: Destination, drain: Drain, *, restock: bool) -> str:
    placed = destination.fetch_order(mirror.external_id)
    if placed is None or placed.is_cancelled:
        return "gone"
    lines = _still_in(item, mirror, placed, destination) if placed.taken_out else item.facts["lines"]
    if not lines:
        return "cancelled"
    outbox.require_sure(item=item, now=drain.clock(), what="Whether the store cancelled them is not known yet")
    with outbox.sending(item=item, now=drain.clock()):
        receipt = destination.cancel_lines(
            mirror.external_id,
            lines,
            reason=cancellations.REASON,
            restock=restock,
            reference=item.reference,
        )
    return "cancelled" if receipt.is_cancelled else "pending"


def _still_in(item: OutboxItem, mirror: Mirror, placed: PlacedOrder, destination: Destination) -> Mapping[str, int]:
    """The item's units without those that the merchant took out there before: the same unit is never taken twice."""
    shipments = destination.shipments_of(mirror.external_id)
    with merchant_rows(item.merchant_id):
        order = Order.objects.get(pk=item.order_id)
        return taken_out.still_in(
            order=order, mirror=mirror, placed=placed, shipments=shipments, line_quantities=item.facts["lines"]
        )


def _settle(item: OutboxItem, mirror: Mirror, drain: Drain, *, outcome: str, message: str = "") -> None:
    now, line_ids = drain.clock(), list(item.facts["lines"])
    with merchant_rows(item.merchant_id):
        if outcome == "pending":
            wait = cancellations.CONFIRM_AFTER
            outbox.postpone(item=item, now=now, error="The store is still cancelling them", wait=wait)
            return
        order = Order.objects.select_for_update().get(pk=item.order_id)
        status = OutboxStatus.DONE if outcome == "cancelled" else OutboxStatus.DROPPED
        reason = "permanent" if outcome == "refused" else ""
        outbox.settle(item=item, status=status, now=now, error=message, reason=reason)
        if outcome == "cancelled":
            facts = {"store": label_of(mirror.store), "name": mirror.name, "items": items_of(order, line_ids)}
            note(order=order, kind="mirror.lines_cancelled", facts=facts, now=now)
        elif outcome == "refused":
            mirror.refresh_from_db()
            _ask(order, mirror, line_ids, now, message=message)
