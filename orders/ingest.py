"""What the source says becomes our order: kept once, never moved backward, and taken further from there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

from accounts.access import merchant_rows
from accounts.bulk import gathered, insert_missing, later, update_many
from accounts.rows import Rows
from connectors.base import snapshot
from connectors.base.types import PlatformOrder, SourceStatus
from connectors.models import ConnectedStore
from orders import admission, cancellations, copying, fulfillment, hold, outbox, partial, releasing, returns, routing
from orders.models import Attention, Fulfillment, Order, OrderState, OrderVersion, OutboxKind, Route
from orders.states import AlreadyMoved, IllegalTransition, advance, ask_for_attention, clear_attention, note

# TikTok's order of things; a status never moves to a smaller rank. CANCELLED is the end of any of them.
_RANK = {status: rank for rank, status in enumerate(SourceStatus) if status is not SourceStatus.UNKNOWN}

# What a newer reading may have mended by itself, as long as nothing is in the store.
_MENDED_BY_READING = frozenset(
    {
        Attention.ADDRESS_NOT_RELEASED,
        Attention.ADDRESS_INVALID,
        Attention.MONEY_MISMATCH,
        Attention.UNREADABLE,
        Attention.UNKNOWN_STATUS,
    }
)


_TAKE = Rows(
    Order,
    "select {columns} from orders_order t where t.source_store_id = %(store)s and t.external_id = any(%(ids)s)"
    " order by t.id for update",
)

# An order, or what kept it from being kept.
Kept = Order | Exception
BAD_ORDER = (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError, AlreadyMoved, IllegalTransition)


@dataclass(frozen=True, slots=True)
class _Judge:
    """How the orders of a store that are not released yet are judged at this moment."""

    store: ConnectedStore
    now: datetime
    routes: Sequence[Route] = ()

    def standing(self, seen: PlatformOrder, *, was_held: bool, is_placed: bool = False) -> hold.Standing:
        """`is_placed`: its store has it already, kept back, so that rules come too late for it."""
        return hold.standing_of(
            seen,
            was_held=was_held,
            connected_at=self.store.connected_at,
            now=self.now,
            skip_rule="" if is_placed else admission.refusal_of_all(seen, self.routes),
            imposes_hold=hold.is_imposed_by(self.store),
        )


def store_order(*, seen: PlatformOrder, store: ConnectedStore, now: datetime) -> Order:
    """Keep one reading of an order and draw its consequences, all in one transaction.

    One row per store and id, however often and in whatever order readings arrive: an older reading than the kept one
    changes nothing but the timeline, an equal one nothing at all. Makes no call to any platform.
    """
    kept = store_orders(seen=[seen], store=store, now=now)[seen.external_id]
    if isinstance(kept, Exception):
        raise kept
    return kept


def store_orders(
    *,
    seen: Sequence[PlatformOrder],
    store: ConnectedStore,
    now: datetime,
    and_then: Callable[[Mapping[str, Kept]], object] = lambda _kept: None,
) -> dict[str, Kept]:
    """`store_order` for many in one transaction: each order, or what kept it from being kept, by its id. `and_then`
    joins the transaction."""
    kept: dict[str, Kept] = {}
    with merchant_rows(store.merchant_id), gathered():
        latest = {each.external_id: each for each in seen}
        known = _locked(store, list(latest))
        fresh = [each for each in latest.values() if each.external_id not in known]
        is_waiting = any(order.state in (OrderState.UNPAID, OrderState.HELD) for order in known.values())
        judge = _Judge(store, now, routing.kept_routes(store) if fresh or is_waiting else ())
        if fresh:
            kept.update(_insert(fresh, judge))
            known |= _locked(store, [each.external_id for each in fresh if each.external_id not in kept])
        readings = [each for each in seen if each.external_id in known]
        kept.update(_refresh_all(readings, known, judge))
        orders = [each for each in kept.values() if isinstance(each, Order)]
        held = [each for each in orders if each.state == OrderState.HELD and not each.released_for]
        on_hold = [each for each in held if each.source_status == SourceStatus.ON_HOLD]
        releasing.place_on_hold(orders=on_hold, routes=judge.routes, now=now)
        _release(orders, judge)
        and_then(kept)
    return kept


def _refresh_all(readings: Sequence[PlatformOrder], known: Mapping[str, Order], judge: _Judge) -> dict[str, Kept]:
    """All behind one savepoint; only when one of them cannot be kept, each behind its own."""
    news = [reading for reading in readings if _has_news(known[reading.external_id], reading)]
    kept: dict[str, Kept] = {reading.external_id: known[reading.external_id] for reading in readings}
    try:
        with transaction.atomic(), gathered():
            _refresh([(known[reading.external_id], reading) for reading in news], judge)
        return kept
    except BAD_ORDER:
        known = _locked(judge.store, list(known))
    for reading in news:
        order = known[reading.external_id]
        try:
            with transaction.atomic(), gathered():
                _refresh([(order, reading)], judge)
            kept[reading.external_id] = order
        except BAD_ORDER as error:
            kept[reading.external_id] = error
    return kept


def _has_news(order: Order, seen: PlatformOrder) -> bool:
    """Whether this reading may change anything; time alone may release a held order."""
    is_same_time = seen.updated_at == order.source_updated_at
    return order.state == OrderState.HELD or not is_same_time or snapshot.to_json(seen) != order.snapshot


def _release(orders: Sequence[Order], judge: _Judge) -> None:
    reasons: dict[str, list[Order]] = {}
    for order in orders:
        if order.released_for:
            reasons.setdefault(order.released_for, []).append(order)
            order.released_for = ""
    for reason, members in reasons.items():
        releasing.release_many(orders=members, routes=judge.routes, now=judge.now, reason=reason)


def seen_of(order: Order) -> PlatformOrder:
    """The last reading that was kept."""
    return snapshot.from_json(order.snapshot)


def _locked(store: ConnectedStore, external_ids: Sequence[str]) -> dict[str, Order]:
    """Those of these orders that are kept, locked in the order of their keys, as everybody locks several."""
    orders = {order.external_id: order for order in _TAKE(store=store.pk, ids=list(external_ids))}
    for order in orders.values():
        order.source_store = store
    return orders


def _insert(seen: Sequence[PlatformOrder], judge: _Judge) -> dict[str, Kept]:
    """Keep orders that are met for the first time; one that somebody else kept at this moment is left out."""
    kept: dict[str, Kept] = {}
    made: dict[str, tuple[Order, PlatformOrder, hold.Standing]] = {}
    for each in seen:
        try:
            standing = judge.standing(each, was_held=False)
            made[each.external_id] = (_new(each, judge.store, standing, judge.now), each, standing)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            kept[each.external_id] = error
    try:
        with transaction.atomic():
            inserted = insert_missing([order for order, _, _ in made.values()])
    except DatabaseError:
        if len(seen) == 1:
            raise
        for each in seen:  # one of them cannot be kept: find out which
            kept.update(_insert_alone(each, judge))
        return kept
    for order in inserted:
        assert isinstance(order, Order)
        _, reading, standing = made[order.external_id]
        _first_words(order, reading, standing, judge.now)
        kept[order.external_id] = order
    return kept


def _insert_alone(seen: PlatformOrder, judge: _Judge) -> dict[str, Kept]:
    try:
        return _insert([seen], judge)
    except DatabaseError as error:
        return {seen.external_id: error}


def _new(seen: PlatformOrder, store: ConnectedStore, standing: hold.Standing, now: datetime) -> Order:
    begins_as = {OrderState.READY: OrderState.HELD, OrderState.CANCELLED: OrderState.CANCELLED}
    return Order(
        merchant_id=store.merchant_id,
        source_store=store,
        external_id=seen.external_id,
        state=begins_as.get(standing.state, standing.state),
        release_at=standing.release_at,
        check_at=standing.check_at,
        skip_rule=standing.reason[:120] if standing.state is OrderState.SKIPPED else "",
        **_columns(seen, now),
    )


def _first_words(order: Order, seen: PlatformOrder, standing: hold.Standing, now: datetime) -> None:
    _keep_version(order=order, seen=seen, now=now)
    facts: dict[str, Any] = {"status": seen.status_text}
    if seen.cancelled_by:
        facts["cancelled_by"] = seen.cancelled_by
    note(order=order, kind="order.received", reason=standing.reason, facts=facts, now=now, to_state=order.state)
    if standing.state is OrderState.READY:
        order.released_for = standing.reason
    _ask_about_reading(order=order, seen=seen, now=now, is_unknown=standing.is_unknown)
    if seen.created_at >= order.source_store.connected_at:  # what is older is read by the poll, many at once
        _read_cancels(order=order, seen=seen, before=(None, 0), now=now)
    if seen.replaces_id:
        returns.link_new(order=order, seen=seen, now=now)


def _read_cancels(*, order: Order, seen: PlatformOrder, before: tuple[datetime | None, int], now: datetime) -> None:
    """Have the order's cancellations read where this reading shows that they changed: a request, or cancelled lines."""
    asked, lines = order.cancel_requested_at, order.cancelled_lines
    is_same = (asked is None) == (before[0] is None) and (seen.cancel_requested_at is None or asked == before[0])
    if is_same and lines == before[1]:
        return
    moment = int(seen.updated_at.timestamp())
    outbox.enqueue(
        order=order,
        store=order.source_store,
        kind=OutboxKind.READ_CANCELS,
        subject=f"{moment}-{int(asked.timestamp()) if asked else 0}-{lines}",
        reference=order.external_id,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class _News:
    """A reading that changes an order, and what the order was before."""

    order: Order
    seen: PlatformOrder
    columns: Mapping[str, Any]
    was_held: bool


def _refresh(readings: Sequence[tuple[Order, PlatformOrder]], judge: _Judge) -> None:
    """Write what was read into the rows, by one statement, and follow it; readings of one order one after another."""
    waiting = list(readings)
    while waiting:
        firsts: dict[int, tuple[Order, PlatformOrder]] = {}
        later_ones = []
        for order, seen in waiting:
            if firsts.setdefault(order.pk, (order, seen))[1] is not seen:
                later_ones.append((order, seen))
        news = [each for order, seen in firsts.values() if (each := _news(order=order, seen=seen, judge=judge))]
        update_many(Order, {each.order.pk: each.columns for each in news}, counting="version")
        placed = (each.order for each in news if each.order.state not in (OrderState.UNPAID, OrderState.HELD))
        parcels = fulfillment.not_accepted(placed)
        for each in news:
            _take_news(each, judge, parcels.get(each.order.pk, []))
        waiting = later_ones


def _news(*, order: Order, seen: PlatformOrder, judge: _Judge) -> _News | None:
    """What the reading changes; None where that is nothing, and only time may have passed."""
    now = judge.now
    if seen.updated_at < order.source_updated_at:
        note(order=order, kind="source.older_reading", facts={"status": seen.status_text}, now=now)
        return None
    seen = _never_backward(order=order, seen=seen, now=now)
    columns, was_held = _columns(seen, now), order.is_on_hold_order
    if columns["snapshot"] == order.snapshot:
        if order.state == OrderState.HELD:  # nothing new but the time
            _stand(order=order, seen=seen, was_held=was_held, judge=judge)
        return None
    columns["is_on_hold_order"] = was_held or seen.is_on_hold_order or seen.status is SourceStatus.ON_HOLD
    columns["search_text"] = _search_text(seen, keep=order.search_text)
    return _News(order, seen, columns, was_held)


def _take_news(news: _News, judge: _Judge, parcels: Sequence[Fulfillment]) -> None:
    order, seen, now = news.order, news.seen, judge.now
    before, request_before = order.source_status, order.cancel_requested_at
    cancels_before = request_before, order.cancelled_lines
    for name, value in news.columns.items():
        setattr(order, name, value)
    _keep_version(order=order, seen=seen, now=now)
    if before != order.source_status:
        note(order=order, kind="source.status_changed", facts={"from": before, "to": seen.status_text}, now=now)
    _note_request(order=order, before=request_before, now=now)
    _read_cancels(order=order, seen=seen, before=cancels_before, now=now)
    _mend(order=order, now=now)
    was_held = news.was_held or before == SourceStatus.ON_HOLD
    _follow(order=order, seen=seen, was_held=was_held, parcels=parcels, judge=judge)


def _never_backward(*, order: Order, seen: PlatformOrder, now: datetime) -> PlatformOrder:
    """The reading, with the kept status where the read one lies behind it."""
    kept = SourceStatus(order.source_status)
    if kept is SourceStatus.UNKNOWN or seen.status is SourceStatus.UNKNOWN or _RANK[seen.status] >= _RANK[kept]:
        return seen
    if seen.updated_at > order.source_updated_at:
        note(order=order, kind="source.moved_back", facts={"from": kept.value, "to": seen.status_text}, now=now)
    return dataclasses.replace(seen, status=kept, status_text=order.source_status_text)


def _follow(
    *, order: Order, seen: PlatformOrder, was_held: bool, parcels: Sequence[Fulfillment], judge: _Judge
) -> None:
    """Take our own state where the source's word leads."""
    if seen.status is SourceStatus.CANCELLED:
        cancellations.cancelled_at_source(order=order, seen=seen, now=judge.now)
        return
    partial.follow_source(order=order, seen=seen, now=judge.now)
    if order.state in (OrderState.UNPAID, OrderState.HELD):
        _stand(order=order, seen=seen, was_held=was_held, judge=judge)
    else:
        fulfillment.follow_source(order=order, seen=seen, parcels=parcels, now=judge.now)
        copying.follow_source(order=order, seen=seen, now=judge.now)


def _stand(*, order: Order, seen: PlatformOrder, was_held: bool, judge: _Judge) -> None:
    """Judge the hold anew."""
    now, standing = judge.now, judge.standing(seen, was_held=was_held)
    if standing.state is OrderState.SKIPPED and order.mirrors.filter(is_held=True).exists():
        standing = _of_placed(order, seen, judge, was_held=was_held)
    if standing.state is OrderState.READY:
        if order.state == OrderState.UNPAID:
            advance(order=order, to=OrderState.HELD, reason="The buyer paid", now=now, release_at=standing.release_at)
        order.released_for = standing.reason
    elif standing.state != order.state:
        advance(
            order=order,
            to=standing.state,
            reason=standing.reason,
            now=now,
            release_at=standing.release_at,
            check_at=standing.check_at,
            skip_rule=standing.reason[:120] if standing.state is OrderState.SKIPPED else "",
        )
    elif standing.release_at != order.release_at:
        Order.objects.filter(pk=order.pk).update(release_at=standing.release_at, check_at=standing.check_at, checks=0)
    _ask_about_reading(order=order, seen=seen, now=now, is_unknown=standing.is_unknown)


def _of_placed(order: Order, seen: PlatformOrder, judge: _Judge, *, was_held: bool) -> hold.Standing:
    """Its store has it already, kept back: rules come too late for it, and what was shipped elsewhere is asked about
    when it is to be let go there."""
    standing = judge.standing(seen, was_held=was_held, is_placed=True)
    if standing.state is not OrderState.SKIPPED:
        return standing
    return hold.Standing(OrderState.READY, standing.reason, release_at=order.release_at)


def _ask_about_reading(*, order: Order, seen: PlatformOrder, now: datetime, is_unknown: bool) -> None:
    if is_unknown:
        ask_for_attention(
            order=order, code=Attention.UNKNOWN_STATUS, now=now, detail={"status": seen.status_text[:100]}
        )
    elif seen.problems and order.state in (OrderState.UNPAID, OrderState.HELD, OrderState.READY):
        ask_for_attention(order=order, code=Attention.UNREADABLE, now=now, detail={"problems": list(seen.problems)})


def _note_request(*, order: Order, before: datetime | None, now: datetime) -> None:
    if before is None and order.cancel_requested_at is not None:
        note(order=order, kind="cancellation.requested", reason=order.snapshot.get("cancel_reason", ""), now=now)
    elif before is not None and order.cancel_requested_at is None and order.source_status != SourceStatus.CANCELLED:
        note(order=order, kind="cancellation.withdrawn", now=now)


def _mend(*, order: Order, now: datetime) -> None:
    """Take back the questions that this reading answers, and let what waited for it go on."""
    mended: set[str] = set()
    if order.state in (OrderState.UNPAID, OrderState.HELD, OrderState.READY):
        mended.update(_MENDED_BY_READING)
    if order.cancel_requested_at is None:
        mended.add(Attention.CANCEL_PENDING)
    if order.source_status != SourceStatus.ON_HOLD:
        mended.add(Attention.STILL_ON_HOLD)
    if order.attention in mended:
        clear_attention(order=order, now=now, codes=frozenset(mended))
        outbox.resume(order=order, now=now)


def _keep_version(*, order: Order, seen: PlatformOrder, now: datetime) -> None:
    later(
        OrderVersion(
            merchant_id=order.merchant_id,
            order=order,
            source_updated_at=seen.updated_at,
            read_at=now,
            raw=dict(seen.raw),
        )
    )


def _columns(seen: PlatformOrder, now: datetime) -> dict[str, Any]:
    address = seen.address
    requested_at = seen.cancel_requested_at or seen.updated_at
    return {
        "source_status": seen.status.value,
        "source_status_text": seen.status_text[:64],
        "source_updated_at": seen.updated_at,
        "read_at": now,
        "ordered_at": seen.created_at,
        "paid_at": seen.paid_at,
        "ship_by": seen.ship_by,
        "auto_cancel_at": seen.auto_cancel_at,
        "deliver_by": seen.deliver_by,
        "cancel_requested_at": requested_at if seen.cancel_requested else None,
        "replaces_id": seen.replaces_id,
        "cancelled_lines": sum(line.status == partial.CANCELLED for line in seen.lines),
        "is_sample": seen.is_sample,
        "is_on_hold_order": seen.is_on_hold_order or seen.status is SourceStatus.ON_HOLD,
        "is_preorder": seen.is_preorder,
        "shipper": seen.shipper.value,
        "currency": seen.payment.currency if seen.payment else "",
        "total": seen.payment.total if seen.payment else None,
        "buyer_name": address.name[:200] if address else "",
        "buyer_place": ", ".join(filter(None, [address.city, address.province_code or address.province]))[:200]
        if address
        else "",
        "snapshot": snapshot.to_json(seen),
        "search_text": _search_text(seen),
    }


def _search_text(seen: PlatformOrder, *, keep: str = "") -> str:
    """What a person may look for; store numbers and tracking numbers are added where they come to be known."""
    words = [seen.external_id, seen.address.name if seen.address else ""]
    for line in seen.lines:
        words += [line.sku, line.title, line.variant_title]
    found = dict.fromkeys(word.strip()[:200] for word in words if word.strip())
    extra = [word for word in keep.split("\n") if word not in found]
    return "\n".join([*found, *extra])
