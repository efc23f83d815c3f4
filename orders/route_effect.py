"""Where a change of routes would have sent the orders of the last 30 days. By what is kept here: no store is asked and
nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.base import snapshot
from connectors.base.types import LineItem, PlatformOrder
from connectors.models import ConnectedStore, StoreState
from orders import admission, products, routing
from orders.effect import MOST, Fate, orders_of_span
from orders.models import Route, RouteRule
from orders.splitting import counted, rest_ids

BY_HAND = "Yours to ship by hand"


@dataclass(frozen=True, slots=True)
class Way:
    """Where an order goes: which items to which store, by its id; what is left to the merchant; or why nowhere."""

    parts: tuple[tuple[int, str], ...] = ()
    by_hand: str = ""
    stops: str = ""


@dataclass(frozen=True, slots=True)
class Rerouted:
    """One order, and its ways now and after the change."""

    order_id: int
    external_id: str
    seen: PlatformOrder
    before: Way
    after: Way

    @property
    def fate(self) -> Fate:
        if self.before == self.after:
            return Fate.SAME
        return Fate.BLOCKED if self.after.stops and not self.before.stops else Fate.DIFFER


def route_effect(*, source_store: ConnectedStore, proposed: Route, now: datetime) -> list[Rerouted]:
    """The newest orders of this shop, with the route as it is kept (or not there yet) and as proposed. In the caller's
    transaction."""
    kept = routing.kept_routes(source_store)
    after = _asked([*(route for route in kept if route.pk != proposed.pk), proposed])
    orders = orders_of_span(source_store, now).order_by("-ordered_at", "-id")[:MOST]
    read = [(order, snapshot.from_json(order.snapshot)) for order in orders]
    skus = {line.sku.strip() for _, seen in read for line in seen.lines}
    had, has = _stocked(kept, skus), _stocked(after, skus)
    return [
        Rerouted(order.pk, order.external_id, seen, before=_way(seen, kept, had), after=_way(seen, after, has))
        for order, seen in read
    ]


def _asked(routes: Sequence[Route]) -> list[Route]:
    """In the order in which routes are asked; a new one comes behind those of its number."""
    on = [route for route in routes if route.is_on and route.destination_store.state != StoreState.DISCONNECTED]
    return sorted(on, key=lambda route: (route.rule == RouteRule.DEFAULT, route.position, route.pk or float("inf")))


def _stocked(routes: Sequence[Route], skus: Collection[str]) -> routing.Stocked:
    """By the routes' ids; that of a new one is None."""
    return {route.pk: products.kept(store=route.destination_store, skus=skus).variants.keys() for route in routes}


def _way(seen: PlatformOrder, routes: Sequence[Route], stocked: routing.Stocked) -> Way:
    if not routes:
        return Way(stops="There is no route")
    try:
        shares = routing.share_out(seen, routes, stocked)
    except admission.Refused as error:
        return Way(stops=f"Skipped: {error.rule}")
    except routing.NoRoute as error:
        return Way(stops=f"No store takes {', '.join(counted(_name(line) for line in error.lines))}")
    left = set(rest_ids((line.external_id for line in seen.lines), [ids for _, ids in shares]))
    return Way(
        parts=tuple((route.destination_store_id, _items(seen, ids)) for route, ids in shares),
        by_hand=_items(seen, left),
    )


def _items(seen: PlatformOrder, line_ids: Collection[str]) -> str:
    return ", ".join(counted(_name(line) for line in seen.lines if line.external_id in line_ids))


def _name(line: LineItem) -> str:
    return line.sku.strip() or line.title
