"""Many orders of one source go to their stores at once: released, and what is to be created is said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.bulk import insert_many, insert_missing
from accounts.rows import first_column
from connectors.base.types import Shipper
from connectors.registry import label_of
from orders import admission, outbox, pausing, routing
from orders.models import Attention, HoldMode, Mirror, MirrorState, Order, OrderState, OutboxKind, Route
from orders.rules import Samples
from orders.states import advance_many, ask_for_attention, clear_attention

# What a released order is not asked about any more.
ANSWERED = frozenset({Attention.STILL_ON_HOLD, Attention.UNKNOWN_STATUS})

_PLANNED = "select order_id from orders_mirror where order_id = any(%(ids)s::bigint[])"


def release_many(*, orders: Sequence[Order], routes: Sequence[Route], now: datetime, reason: str) -> None:
    """READY, and one intent to create per route, for orders of one source, in the caller's transaction, which holds
    their rows. An order that moved meanwhile is left alone; a repeat changes nothing. `routes` are those that are
    kept, as far as they were read before."""
    if not orders:
        return
    for order in orders:
        clear_attention(order=order, now=now, codes=ANSWERED)
    moved = advance_many(orders=orders, to=OrderState.READY, reason=reason, now=now, released_at=now)
    routes = routing.routes_of(orders[0].source_store, kept=routes)
    planned = set(first_column(_PLANNED, ids=[order.pk for order in moved]))
    _open_held([order for order in moved if order.pk in planned], now)
    fresh = [order for order in moved if order.pk not in planned]
    plain = [(order, route) for order in fresh if (route := _only_route(order, routes)) is not None]
    _plan_plain(plain, now)
    done = {order.pk for order, _ in plain}
    for order in moved:
        if order.pk not in done:
            routing.plan_mirrors(order=order, now=now)


def place_on_hold(*, orders: Sequence[Order], routes: Sequence[Route], now: datetime) -> None:
    """Plan the orders that TikTok holds and that go to their store at once, to be kept back there, in the caller's
    transaction, which holds their rows. Only whole orders of one route, and none before the shop is switched on; may be
    repeated."""
    if not orders or not any(route.hold_mode == HoldMode.AT_ONCE for route in routes):
        return
    if not routing.is_switched_on(orders[0].source_store):
        return
    for order in orders:
        route = None if order.shipper != Shipper.SELLER else _only_route(order, routes)
        if route is None or route.hold_mode != HoldMode.AT_ONCE or order.mirrors.exists():
            continue
        store, reference = route.destination_store, order.external_id
        Mirror.objects.create(
            merchant_id=order.merchant_id, order=order, store=store, reference=reference, is_held=True
        )
        outbox.enqueue(order=order, store=store, kind=OutboxKind.CREATE_ORDER, reference=reference, now=now)


def follow_made(*, order: Order, mirror: Mirror, is_complete: bool, now: datetime) -> None:
    """The store has an order now that was planned while TikTok held it: it is kept back there, or let go if it was
    released meanwhile, in the caller's transaction. `is_complete`: it was made with buyer and payment. May be repeated.

    Only now, since what waits behind its create would be due all the while.
    """
    if is_complete:
        Mirror.objects.filter(pk=mirror.pk).update(is_held=False)
        pausing.follow_mirror(order=order, now=now)
    elif mirror.state == MirrorState.CREATED and order.state == OrderState.HELD:
        kind, reference = OutboxKind.HOLD_ORDER, mirror.reference
        outbox.enqueue(order=order, store=mirror.store, kind=kind, reference=reference, now=now)
    elif mirror.state == MirrorState.CREATED and order.state in (OrderState.READY, OrderState.MIRRORED):
        _open(order, mirror, now)


def _open_held(orders: Sequence[Order], now: datetime) -> None:
    """What was made while TikTok held it is opened in its store; what is gone there is asked about."""
    for order in orders:
        for mirror in order.mirrors.filter(is_held=True).select_related("store"):
            if mirror.state == MirrorState.CREATED:
                _open(order, mirror, now)
            elif mirror.state != MirrorState.PLANNED:  # what is planned is followed up when it is made
                message = f"{mirror.name} was cancelled there, and TikTok Shop still expects the order to be shipped."
                detail = {"label": label_of(mirror.store), "message": message, "is_in_store": True}
                ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=now, detail=detail)


def _open(order: Order, mirror: Mirror, now: datetime) -> None:
    """A hold that was never begun is not needed any more; one that may still come is waited for, or it might come
    last."""
    outbox.drop(order=order, kinds=[OutboxKind.HOLD_ORDER], now=now)
    until = outbox.may_come_until(order=order, store=mirror.store, kind=OutboxKind.HOLD_ORDER, now=now)
    not_before = until + timedelta(seconds=1) if until else now
    outbox.enqueue(
        order=order,
        store=mirror.store,
        kind=OutboxKind.RELEASE_ORDER,
        reference=mirror.reference,
        now=now,
        not_before=not_before,
    )


def _only_route(order: Order, routes: Sequence[Route]) -> Route | None:
    """The one route that gets the whole order; None where it is not as plain as that."""
    if not routes or any(routing.asks_store(route) for route in routes):
        return None
    try:
        shares = routing.share_out(routing.lines_of(order), routes, {}, is_by_hand=bool(order.skip_rule))
    except (routing.NoRoute, admission.Refused):
        return None
    route = shares[0][0]
    is_plain = len(shares) == 1 and not (order.is_sample and admission.rules_of(route).samples is Samples.COMBINE)
    return route if is_plain else None


def _plan_plain(plain: Sequence[tuple[Order, Route]], now: datetime) -> None:
    mirrors = [
        Mirror(
            merchant_id=order.merchant_id,
            order=order,
            store=route.destination_store,
            reference=order.external_id,
        )
        for order, route in plain
    ]
    planned = {mirror.order_id for mirror in insert_missing(mirrors) if isinstance(mirror, Mirror)}
    insert_many(
        outbox.item_of(
            order=order,
            store=route.destination_store,
            kind=OutboxKind.CREATE_ORDER,
            reference=order.external_id,
            now=now,
            not_before=now + routing.extra_hold(route),
        )
        for order, route in plain
        if order.pk in planned
    )
