"""Which stores an order goes to, by the merchant's routes, and the intents to create it there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from django.db.models import QuerySet

from accounts.access import merchant_rows
from accounts.rows import Rows, first_column
from connectors.base import snapshot
from connectors.base.types import LineItem, PlatformOrder
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.registry import connector_class, label_of
from connectors.speaking import speaking_to_destination
from orders import admission, combining, outbox, products
from orders.components import sku_key
from orders.models import (
    Attention,
    HoldMode,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    Route,
    RouteRule,
)
from orders.rules import FilterBy, PlatformShipped, Warehoused
from orders.splitting import counted, rest_ids
from orders.states import advance, ask_for_attention, clear_attention, note
from orders.work import READ_STORES

_ROUTES = Rows(Route, "select {columns} from orders_route t where t.source_store_id = %(shop)s")
_SWITCHED_ON = "select 1 from orders_setup where store_id = %(shop)s and switched_on_at is not null"

# SKU keys that a route's store has, by the route's id.
Stocked = Mapping[int, Collection[str]]


class NoRoute(Exception):
    """No route takes these lines, so nothing of the order is sent anywhere."""

    def __init__(self, lines: Sequence[LineItem]) -> None:
        super().__init__("no route")
        self.lines = lines


def kept_routes(source_store: ConnectedStore) -> list[Route]:
    """`chosen_routes` without making the first one."""
    return _asked(_read(source_store))


def _read(source_store: ConnectedStore) -> list[Route]:
    routes = _ROUTES(shop=source_store.pk)
    stores = {store.pk: store for store in READ_STORES(ids=[route.destination_store_id for route in routes])}
    for route in routes:
        route.source_store, route.destination_store = source_store, stores[route.destination_store_id]
    return routes


def _asked(routes: Iterable[Route]) -> list[Route]:
    on = [route for route in routes if route.is_on and route.destination_store.state != StoreState.DISCONNECTED]
    return sorted(on, key=lambda route: (route.rule == RouteRule.DEFAULT, route.position, route.pk))


def routes_of(source_store: ConnectedStore, *, kept: Sequence[Route] = ()) -> Sequence[Route]:
    """The routes that orders take now: those that are chosen, once the source store is switched on; none before.
    `kept` is what `kept_routes` brought, if it was asked."""
    if not is_switched_on(source_store):
        return []
    return kept or chosen_routes(source_store)


def is_switched_on(source_store: ConnectedStore) -> bool:
    """Whether this shop's orders go to stores at all: the last step of its checklist."""
    return bool(first_column(_SWITCHED_ON, shop=source_store.pk))


def chosen_routes(source_store: ConnectedStore) -> list[Route]:
    """The routes that are on, in the order they are asked, the default one last, whether or not anything is sent yet.

    The first is made if the answer is plain: no route yet, and exactly one store to go to. With several stores and no
    route nothing is guessed: an order sent to two stores would be shipped twice.
    """
    routes = _read(source_store)
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
    return _asked(routes)


def share_out(
    order: PlatformOrder, routes: Sequence[Route], stocked: Stocked, *, is_by_hand: bool = False
) -> list[tuple[Route, tuple[str, ...]]]:
    """Each route that gets something, with its line ids. Pure. Raises NoRoute unless every line has its place, and
    admission.Refused where only the routes' rules are in the way. `is_by_hand`: a person wants it sent all the same.

    A route that does not take parts gets the whole order or nothing of it; the default takes what is left. Where one
    that leaves the rest got something, the lines without a place are the merchant's to ship by hand.
    """
    refusals = [(route, "" if is_by_hand else admission.refusal_by(route, order)) for route in routes]
    try:
        return _shares(order, [route for route, rule in refusals if not rule], stocked)
    except NoRoute:
        if not any(rule for _, rule in refusals):
            raise
    wanted = [route for route, _ in _shares(order, routes, stocked)]
    raise admission.Refused([rule for route, rule in refusals if rule and route in wanted])


def _shares(order: PlatformOrder, routes: Sequence[Route], stocked: Stocked) -> list[tuple[Route, tuple[str, ...]]]:
    left = list(order.lines)
    shares: list[tuple[Route, tuple[str, ...]]] = []
    for route in routes:
        taken = _taken(route, order, left, stocked.get(route.pk, ()))
        may_split = route.takes_part or route.leaves_rest or route.rule == RouteRule.DEFAULT
        if not taken or not (may_split or len(taken) == len(order.lines)):
            continue
        shares.append((route, tuple(line.external_id for line in taken)))
        left = [line for line in left if line not in taken]
    if left and not any(route.leaves_rest for route, _ in shares):
        raise NoRoute(left)
    return shares


def named_lines(order: PlatformOrder, line_ids: Sequence[str]) -> list[str]:
    """A share's lines as a mirror names them: none where it is the whole order."""
    return list(line_ids) if len(line_ids) < len(order.lines) else []


def _taken(route: Route, order: PlatformOrder, left: Sequence[LineItem], skus: Collection[str]) -> Sequence[LineItem]:
    wanted = _wanted(route, order, left, skus)
    if not route.leaves_rest:
        return wanted
    found = [line for line in wanted if sku_key(line.sku) in skus]
    # A default route whose store has nothing of an order: it asks which products these are, rather than be silent.
    is_asked = route.rule == RouteRule.DEFAULT and len(left) == len(order.lines)
    return found or (wanted if is_asked else ())


def _wanted(route: Route, order: PlatformOrder, left: Sequence[LineItem], skus: Collection[str]) -> Sequence[LineItem]:
    if route.rule == RouteRule.WAREHOUSE:
        return left if order.warehouse_id in route.warehouse_ids else ()
    if route.rule == RouteRule.SKU:
        patterns = [sku_key(pattern) for pattern in route.skus]
        return [line for line in left if any(fnmatchcase(sku_key(line.sku), pattern) for pattern in patterns)]
    if route.rule == RouteRule.FOUND:
        found = [line for line in left if sku_key(line.sku) in skus]
        units = sum(line.quantity for line in order.lines)
        is_enough = 100 * sum(line.quantity for line in found) >= route.least_share * units
        return found if is_enough else ()
    return left


def plan_mirrors(*, order: Order, now: datetime) -> int:
    """Say what is to be created, or that the stores have to be asked first, in the caller's transaction.

    Returns how many routes there are. May be repeated: each pair of order and store is planned once.
    """
    routes = routes_of(order.source_store)
    if not routes or order.mirrors.exists():
        return len(routes)
    if any(asks_store(route) for route in routes):
        item = outbox.enqueue(
            order=order,
            store=order.source_store,
            kind=OutboxKind.CHOOSE_STORES,
            reference=order.external_id,
            now=now,
        )
        OutboxItem.objects.filter(pk=item.pk, status__in=[OutboxStatus.DONE, OutboxStatus.DROPPED]).update(
            status=OutboxStatus.PENDING, not_before=now, attempts=0, settled_at=None
        )
    else:
        _plan(order=order, routes=routes, stocked={}, now=now)
    return len(routes)


def asks_store(route: Route) -> bool:
    """Whether it has to be known what the store has before the route can take anything."""
    return route.rule == RouteRule.FOUND or route.leaves_rest


def plan_anew(*, order: Order, now: datetime) -> bool:
    """Plan again by the routes as they are now, in the caller's transaction, which holds the order's row.

    Only while surely nothing of the order was sent anywhere; else it changes nothing: False. May be repeated.
    """
    kinds = [OutboxKind.CREATE_ORDER, OutboxKind.HOLD_ORDER, OutboxKind.RELEASE_ORDER]
    creates = OutboxItem.objects.filter(order=order, kind__in=kinds).select_for_update()
    is_open = any(item.is_doubtful or item.status == OutboxStatus.IN_FLIGHT for item in creates)
    if is_open or order.state != OrderState.READY or order.mirrors.exclude(state=MirrorState.PLANNED).exists():
        return False
    if not routes_of(order.source_store):
        return False
    creates.delete()
    order.mirrors.all().delete()
    plan_mirrors(order=order, now=now)
    return True


def choose_stores(*, item: OutboxItem, clock: Callable[[], datetime]) -> None:
    """Carry out CHOOSE_STORES: ask the stores which of the items they have, then plan.

    Makes calls: not inside a transaction. Raises PlatformError, outbox.LostLease. May be repeated.
    """
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_related("source_store").get(pk=item.order_id)
        routes = routes_of(order.source_store)
    stocked = ask_stores(routes=routes, lines=snapshot.from_json(order.snapshot).lines, clock=clock)
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE, now=clock())
        if not routes:
            return  # switched off meanwhile: it waits again
        if order.state == OrderState.READY and not order.mirrors.exists():
            _plan(order=order, routes=routes, stocked=stocked, now=clock())


def ask_stores(*, routes: Sequence[Route], lines: Sequence[LineItem], clock: Callable[[], datetime]) -> Stocked:
    """What the stores of those routes have whose rule needs to know it.

    Makes calls: not inside a transaction. Raises PlatformError.
    """
    stocked: dict[int, Collection[str]] = {}
    for route in routes:
        if asks_store(route):
            store = route.destination_store
            with speaking_to_destination(store, clock=clock) as destination:
                found = products.look_up(store=store, lines=lines, destination=destination, now=clock())
            stocked[route.pk] = {*found.variants, *found.ambiguous}
    return stocked


def _plan(*, order: Order, routes: Sequence[Route], stocked: Stocked, now: datetime) -> None:
    """One mirror and one outbox item per route that gets something, all or none of them."""
    seen = lines_of(order)
    try:
        shares = share_out(seen, routes, stocked, is_by_hand=bool(order.skip_rule))
    except admission.Refused as error:
        clear_attention(order=order, now=now)
        advance(order=order, to=OrderState.SKIPPED, reason=error.rule, now=now, skip_rule=error.rule, check_at=None)
        return
    except NoRoute as error:
        skus = list(dict.fromkeys(line.sku.strip() or line.title for line in error.lines))
        ask_for_attention(order=order, code=Attention.NO_ROUTE, now=now, detail={"skus": skus[:20]})
        return
    clear_attention(order=order, now=now, codes=frozenset({Attention.NO_ROUTE}))
    if len(shares) > 1:
        parts = {label_of(route.destination_store): len(line_ids) for route, line_ids in shares}
        note(order=order, kind="order.split", facts={"units": parts}, now=now)
    if left := set(rest_ids((line.external_id for line in seen.lines), [line_ids for _, line_ids in shares])):
        items = counted(line.sku.strip() or line.title for line in seen.lines if line.external_id in left)
        note(order=order, kind="order.rest_left", facts={"items": items}, now=now)
    for route, line_ids in shares:
        window = combining.window_of(order=order, seen=seen, route=route, rules=admission.rules_of(route), now=now)
        mirror, _ = Mirror.objects.get_or_create(
            order=order,
            store=route.destination_store,
            defaults={
                "merchant_id": order.merchant_id,
                "reference": order.external_id,
                "line_ids": named_lines(seen, line_ids),
                "parcel_group": window.group if window else "",
            },
        )
        outbox.enqueue(
            order=order,
            store=route.destination_store,
            kind=OutboxKind.CREATE_ORDER,
            reference=mirror.reference,
            now=now,
            not_before=window.ends_at if window else now + extra_hold(route),
        )


def mirror_of(order: Order, seen: PlatformOrder, route: Route, line_ids: Sequence[str], *, now: datetime) -> Mirror:
    """The mirror that would be planned for this share, not written down."""
    window = combining.window_of(order=order, seen=seen, route=route, rules=admission.rules_of(route), now=now)
    return Mirror(
        merchant_id=order.merchant_id,
        order=order,
        store=route.destination_store,
        reference=order.external_id,
        line_ids=named_lines(seen, line_ids),
        parcel_group=window.group if window else "",
    )


def lines_of(order: Order) -> PlatformOrder:
    """The order as it was read, for `share_out`."""
    return snapshot.from_json(order.snapshot)


class RouteRefused(Exception):
    """The route cannot be kept as it was said. The text says why, and what to do."""


def save_route(*, route: Route) -> None:
    """Keep a new or changed route, in the caller's transaction. It counts for orders released from now on.

    Raises RouteRefused when it contradicts another route, or the stores' currencies differ. May be repeated.
    """
    source, destination = route.source_store, route.destination_store
    others = Route.objects.filter(source_store=source).exclude(pk=route.pk)
    if others.filter(destination_store=destination).exists():
        raise RouteRefused(f"There is a route from {source.name} to {destination.name} already. Change that one.")
    if route.rule == RouteRule.DEFAULT and others.filter(rule=RouteRule.DEFAULT, is_on=True).exists():
        raise RouteRefused("There is a default route already. Give one of the two another rule first.")
    if currencies_differ(source, destination):
        raise RouteRefused(
            f"{source.name} sells in {source.currency}, {destination.name} works in {destination.currency}. "
            "Nothing is converted: connect a store with the same currency."
        )
    if not 0 <= route.extra_hold_hours <= 72:
        raise RouteRefused("An extra hold is 0 to 72 hours.")
    require_possible_rules(route=route)
    if route.hold_mode == HoldMode.AT_ONCE:
        _require_hold(route)
    else:
        route.hold_mode = HoldMode.EXTRA_HOLD if route.extra_hold_hours else HoldMode.AFTER_HOLD
    route.merchant_id = source.merchant_id
    route.save()


def _require_hold(route: Route) -> None:
    kind = connector_class(route.destination_store.platform)
    if not kind.features.hold:
        raise RouteRefused(f"Sending orders at once is not available on this store: {kind.label} keeps no order back.")
    if route.extra_hold_hours:
        raise RouteRefused("Orders that go to the store at once have no extra hold. Choose one of the two.")


def require_possible_rules(*, route: Route) -> None:
    """Raise RouteRefused when the route's rules ask for what its store cannot do, or make no sense."""
    rules, kind = admission.rules_of(route), connector_class(route.destination_store.platform)
    takes_shipped = rules.warehoused is not Warehoused.SKIP or rules.platform_shipped is not PlatformShipped.SKIP
    if takes_shipped and not kind.features.without_address:
        raise RouteRefused(
            f"Orders that TikTok ships are not available on this store: TikTok shows no address for them, and "
            f"{kind.label} takes no order without one."
        )
    if not combining.SHORTEST <= rules.combine_hours <= combining.LONGEST:
        raise RouteRefused("Samples are combined within half an hour to 24 hours.")
    for each in rules.filters:
        is_amount = each.by in (FilterBy.TOTAL_ABOVE, FilterBy.TOTAL_BELOW)
        if not each.name.strip() or not each.value.strip() or (is_amount and not each.value.isdecimal()):
            raise RouteRefused("A filter needs a name and what it looks for; a total is a whole number of cents.")


def currencies_differ(source: ConnectedStore, destination: ConnectedStore) -> bool:
    """Whether nothing can be sent from one to the other, since both say their currency and it is not the same."""
    return bool(source.currency and destination.currency) and source.currency != destination.currency


def remove_route(*, route: Route) -> None:
    """Take a route away, in the caller's transaction. Orders that were planned over it go on. May be repeated."""
    Route.objects.filter(pk=route.pk).delete()


def extra_hold(route: Route) -> timedelta:
    """How long a released order waits on this route: 0 to 72 hours."""
    return timedelta(hours=route.extra_hold_hours if route.hold_mode == HoldMode.EXTRA_HOLD else 0)


def plan_waiting(*, source_store: ConnectedStore, now: datetime, limit: int = 500) -> int:
    """Plan the released orders of this source that had nowhere to go, in the caller's transaction. May be repeated."""
    return plan_chunk(source_store=source_store, now=now, after=0, limit=limit)[0]


def plan_chunk(*, source_store: ConnectedStore, now: datetime, after: int, limit: int = 500) -> tuple[int, int]:
    """Plan the next of those that wait, behind the order with the key `after`: how many, and the key of the last.

    In the caller's transaction; may be repeated. Many are planned chunk by chunk, each in a transaction of its own.
    """
    if not routes_of(source_store):
        return 0, after
    orders = list(waiting_orders(source_store).filter(pk__gt=after).order_by("pk")[:limit])
    for order in orders:
        order.source_store = source_store
        plan_mirrors(order=order, now=now)
    return len(orders), orders[-1].pk if orders else after


def waiting_orders(source_store: ConnectedStore) -> QuerySet[Order]:
    """The released orders of this source that go nowhere yet, in the caller's transaction."""
    waiting = Order.objects.filter(source_store=source_store, state=OrderState.READY, mirrors=None)
    return waiting.exclude(outbox__status__in=[OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT])
