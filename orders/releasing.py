"""Many orders of one source go to their stores at once: released, and what is to be created is said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts.bulk import insert_many, insert_missing
from orders import outbox, routing
from orders.models import Attention, Mirror, Order, OrderState, OutboxKind, Route
from orders.rules import Samples
from orders.states import advance_many, clear_attention

# What a released order is not asked about any more.
ANSWERED = frozenset({Attention.STILL_ON_HOLD, Attention.UNKNOWN_STATUS})


def release_many(*, orders: Sequence[Order], now: datetime, reason: str) -> None:
    """READY, and one intent to create per route, for orders of one source, in the caller's transaction, which holds
    their rows. An order that moved meanwhile is left alone; a repeat changes nothing."""
    if not orders:
        return
    for order in orders:
        clear_attention(order=order, now=now, codes=ANSWERED)
    moved = advance_many(orders=orders, to=OrderState.READY, reason=reason, now=now, released_at=now)
    routes = routing.routes_of(orders[0].source_store)
    planned = set(Mirror.objects.filter(order__in=[order.pk for order in moved]).values_list("order_id", flat=True))
    fresh = [order for order in moved if order.pk not in planned]
    plain = [(order, route) for order in fresh if (route := _only_route(order, routes)) is not None]
    _plan_plain(plain, now)
    done = {order.pk for order, _ in plain}
    for order in moved:
        if order.pk not in done:
            routing.plan_mirrors(order=order, now=now)


def _only_route(order: Order, routes: Sequence[Route]) -> Route | None:
    """The one route that gets the whole order; None where it is not as plain as that."""
    if not routes or any(routing.asks_store(route) for route in routes):
        return None
    try:
        shares = routing.share_out(routing.lines_of(order), routes, {}, is_by_hand=bool(order.skip_rule))
    except (routing.NoRoute, routing.Refused):
        return None
    route = shares[0][0]
    is_plain = len(shares) == 1 and not (order.is_sample and routing.rules_of(route).samples is Samples.COMBINE)
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
