"""What a change of settings would have done to the orders of the last 30 days: drafted twice from what is kept, the
settings as they are and as proposed. No store is asked and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import QuerySet

from accounts.access import merchant_rows
from connectors.base import snapshot
from connectors.base.types import PlatformOrder
from connectors.models import ConnectedStore
from orders import products, routing, stand_in
from orders.differences import Difference, differences, in_requests
from orders.models import Attention, Mirror, Order, OrderState, Route
from orders.proposals import Made, Proposal, Trial, touched
from orders.splitting import part_of

SPAN = timedelta(days=30)
MOST = 500  # the newest of the orders that a change can concern


class Fate(StrEnum):
    """What a change makes of an order or a parcel."""

    SAME = "SAME"  # nothing else than now
    DIFFER = "DIFFER"  # something else
    BLOCKED = "BLOCKED"  # it would have to wait


@dataclass(frozen=True, slots=True)
class Compared:
    """One order's part for one store, as it would be made now and after the change. `mirror` is the order that the
    store has of it; `has_stand_in`: its address is not shown, so another one was taken."""

    order_id: int
    external_id: str
    store: ConnectedStore
    seen: PlatformOrder
    before: Made
    after: Made
    differences: tuple[Difference, ...]
    mirror: Mirror | None = None
    has_stand_in: bool = False

    @property
    def fate(self) -> Fate:
        if not self.differences:
            return Fate.SAME
        return Fate.BLOCKED if self.after.draft is None and self.before.draft is not None else Fate.DIFFER


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of each order. `untold` have products without a kept link; `untouched` are those of the span that
    the change cannot concern, and were not drafted. `is_capped`: older orders were not looked at."""

    compared: tuple[Compared, ...] = ()
    untold: int = 0
    untouched: int = 0
    is_capped: bool = False

    def count(self, fate: Fate) -> int:
        """How many come out so."""
        return sum(each.fate is fate for each in self.compared)


@dataclass
class _Sum:
    compared: list[Compared] = field(default_factory=list)
    untold: int = 0


def effect(
    *, merchant_id: int, source_store: ConnectedStore, proposed: Mapping[int, Proposal], now: datetime
) -> Effect:
    """Compare, for the orders of this shop that go to a store in `proposed` (by the store's id). Not in a transaction.

    Makes no call; may be repeated.
    """
    with merchant_rows(merchant_id):
        routes = routing.chosen_routes(source_store)
        concerned = touched(proposed, routes)
        span, newest = orders_of_span(source_store, now), orders_of_span(source_store, now).filter(concerned)
        orders = list(newest.prefetch_related("mirrors").order_by("-ordered_at", "-id")[: MOST + 1])
        is_capped = len(orders) > MOST
        untouched = span.count() - (newest.count() if is_capped else len(orders)) if concerned else 0
        read = [(order, snapshot.from_json(order.snapshot)) for order in orders[:MOST]]
        skus = {line.sku.strip() for _, each in read for line in each.lines}
        trials = {
            route.destination_store_id: Trial.of(route, proposed[route.destination_store_id], skus, now=now)
            for route in routes
            if route.destination_store_id in proposed
        }
        stocked = {
            route.pk: products.kept(store=route.destination_store, skus=skus).variants.keys() for route in routes
        }
    found = _Sum()
    for order, each in read:
        for store_id, line_ids, mirror in _copies(order, each, routes, stocked):
            if store_id in trials:
                _compare(found, order, each, trials[store_id], line_ids, source_store, mirror)
    return Effect(tuple(found.compared), found.untold, untouched, is_capped=is_capped)


def orders_of_span(source_store: ConnectedStore, now: datetime) -> QuerySet[Order]:
    """The shop's orders of the last 30 days, without the unpaid and cancelled."""
    orders = Order.objects.filter(source_store=source_store, ordered_at__gte=now - SPAN)
    return orders.exclude(state__in=[OrderState.UNPAID, OrderState.CANCELLED])


def _copies(
    order: Order, seen: PlatformOrder, routes: Sequence[Route], stocked: routing.Stocked
) -> list[tuple[int, Sequence[str], Mirror | None]]:
    """The stores that have a part of the order, or would get one by the routes as they are but for their rules, with
    the lines of it."""
    if mirrors := list(order.mirrors.all()):
        return [(mirror.store_id, mirror.line_ids, mirror) for mirror in mirrors]
    try:
        shares = routing.share_out(seen, routes, stocked, is_by_hand=True)
    except routing.NoRoute:
        return []
    return [(route.destination_store_id, routing.named_lines(seen, ids), None) for route, ids in shares]


def _compare(
    found: _Sum,
    order: Order,
    read: PlatformOrder,
    at: Trial,
    line_ids: Sequence[str],
    shop: ConnectedStore,
    mirror: Mirror | None,
) -> None:
    seen = stand_in.with_address(read, region=shop.region)
    before, after = (at.made(seen, line_ids, shop, is_after=is_after) for is_after in (False, True))
    if before.code == Attention.NOT_LINKED and (before.code, before.words) == (after.code, after.words):
        found.untold += 1
        return
    found.compared.append(
        Compared(
            order_id=order.pk,
            external_id=order.external_id,
            store=at.store,
            seen=part_of(seen, frozenset(line_ids)),
            before=before,
            after=after,
            differences=_differences(before, after),
            mirror=mirror,
            has_stand_in=stand_in.is_needed(read),
        )
    )


def _differences(before: Made, after: Made) -> tuple[Difference, ...]:
    if before.draft is not None and after.draft is not None:
        assert before.request is not None
        assert after.request is not None
        return differences(before.draft, after.draft) or in_requests(before.request.body, after.request.body)
    if (before.code, before.words) == (after.code, after.words):
        return ()
    return (Difference("Order", before.words or "Created", after.words or "Created"),)
