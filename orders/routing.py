"""Which stores an order goes to, and the intents to create it there."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.models import ConnectedStore, StorePart, StoreState
from orders import outbox
from orders.models import HoldMode, Mirror, Order, OrderState, OutboxKind, Route


def routes_of(source_store: ConnectedStore) -> list[Route]:
    """The routes that are on, made if the answer is plain: no route yet, and exactly one store to go to.

    With several stores and no route nothing is guessed: an order sent to two stores would be shipped twice.
    """
    routes = list(Route.objects.filter(source_store=source_store).select_related("destination_store"))
    if not routes:
        stores = list(
            ConnectedStore.objects.filter(part=StorePart.DESTINATION, merchant_id=source_store.merchant_id).exclude(
                state=StoreState.DISCONNECTED
            )[:2]
        )
        if len(stores) == 1:
            route, _ = Route.objects.get_or_create(
                source_store=source_store,
                destination_store=stores[0],
                defaults={"merchant_id": source_store.merchant_id},
            )
            routes = [route]
    return [route for route in routes if route.is_on and route.destination_store.state != StoreState.DISCONNECTED]


def plan_mirrors(*, order: Order, now: datetime) -> int:
    """Say what is to be created: one mirror and one outbox item per route, in the caller's transaction.

    Returns how many routes there are. May be repeated: each pair of order and store is planned once.
    """
    routes = routes_of(order.source_store)
    for route in routes:
        mirror, _ = Mirror.objects.get_or_create(
            order=order,
            store=route.destination_store,
            defaults={"merchant_id": order.merchant_id, "reference": order.external_id},
        )
        outbox.enqueue(
            order=order,
            store=route.destination_store,
            kind=OutboxKind.CREATE_ORDER,
            reference=mirror.reference,
            now=now,
            not_before=now + extra_hold(route),
        )
    return len(routes)


def set_hold(*, route: Route, hours: int) -> None:
    """Choose how long released orders wait on this route: 0 is "after the hold", up to 72 hours more.

    It counts for orders released from now on. Raises ValueError for anything else. May be repeated.
    """
    if not 0 <= hours <= 72:
        raise ValueError("An extra hold is 0 to 72 hours.")
    route.hold_mode = HoldMode.EXTRA_HOLD if hours else HoldMode.AFTER_HOLD
    route.extra_hold_hours = hours
    route.save(update_fields=["hold_mode", "extra_hold_hours"])


def extra_hold(route: Route) -> timedelta:
    """How long a released order waits on this route: 0 to 72 hours."""
    return timedelta(hours=route.extra_hold_hours if route.hold_mode == HoldMode.EXTRA_HOLD else 0)


def plan_waiting(*, source_store: ConnectedStore, now: datetime, limit: int = 500) -> int:
    """Plan the released orders of this source that had nowhere to go, in the caller's transaction. May be repeated."""
    if not routes_of(source_store):
        return 0
    waiting = Order.objects.filter(source_store=source_store, state=OrderState.READY, mirrors=None)
    orders = list(waiting.select_related("source_store").order_by("id")[:limit])
    for order in orders:
        plan_mirrors(order=order, now=now)
    return len(orders)
