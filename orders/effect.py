"""What a change of settings would have done to the orders of the last 30 days: drafted twice from what is kept, the
settings as they are and as proposed. No store is asked and nothing is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.urls import reverse

from accounts.access import merchant_rows
from connectors.base import snapshot
from connectors.base.money import to_text
from connectors.base.types import DraftCharge, DraftLine, DraftTax, OrderDraft, PlatformOrder, Stock
from connectors.models import ConnectedStore
from connectors.registry import connector_class, label_of
from orders import admission, choices, products, routing, shipping, wording
from orders.drafting import Blocked, DraftRules, make_draft
from orders.models import Attention, Order, OrderState, Route
from orders.products import Found
from orders.rehearsal import with_address
from orders.rules import RouteRules

SPAN = timedelta(days=30)
MOST = 500  # the newest orders that are looked at
SHOWN = 100  # orders that are named with what differs


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one store: the rules of its route, its shipping methods by delivery option, or both."""

    rules: RouteRules | None = None
    methods: Mapping[str, tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the store would get otherwise, in words."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Affected:
    """An order that the change makes another one of, or stops."""

    external_id: str
    url: str
    store: str
    is_blocked: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """How many orders stay the same, differ, or are blocked by the change, and those that are named. `untold` orders
    have products without a kept link. `is_capped`: older orders of the span were not looked at."""

    same: int = 0
    differ: int = 0
    blocked: int = 0
    untold: int = 0
    orders: tuple[Affected, ...] = ()
    is_capped: bool = False


@dataclass(frozen=True, slots=True)
class _Store:
    """A store with its settings as they are, what is proposed, and its kept links."""

    store: ConnectedStore
    rules: RouteRules
    methods: Mapping[str, tuple[str, str]]
    proposal: Proposal
    linked: Mapping[bool, Found]  # by whether upper and lower case matter


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A draft, or why there is none: a code and its words."""

    draft: OrderDraft | None = None
    code: str = ""
    words: str = ""
    lacks_link: bool = False


@dataclass
class _Sum:
    same: int = 0
    differ: int = 0
    blocked: int = 0
    untold: int = 0
    orders: list[Affected] = field(default_factory=list)


def effect(
    *, merchant_id: int, source_store: ConnectedStore, proposed: Mapping[int, Proposal], now: datetime
) -> Effect:
    """Compare, for the orders of this shop that go to a store in `proposed` (by the store's id). Not in a transaction.

    Makes no call; may be repeated.
    """
    with merchant_rows(merchant_id):
        orders = _orders(source_store, now)
        routes = routing.chosen_routes(source_store)
        seen = [(order, with_address(snapshot.from_json(order.snapshot))) for order in orders[:MOST]]
        skus = {line.sku.strip() for _, each in seen for line in each.lines}
        stores = _stores(routes, proposed, skus)
        stocked = {
            route.pk: products.kept(store=route.destination_store, skus=skus).variants.keys() for route in routes
        }
    found = _Sum()
    for order, each in seen:
        for store_id, line_ids in _copies(order, each, routes, stocked):
            if store_id in stores:
                _compare(found, order, each, stores[store_id], line_ids, source_store)
    return Effect(
        found.same, found.differ, found.blocked, found.untold, tuple(found.orders), is_capped=len(orders) > MOST
    )


def _orders(source_store: ConnectedStore, now: datetime) -> list[Order]:
    """The newest of the span, with the shares of those that have mirrors; one more than are looked at."""
    orders = Order.objects.filter(source_store=source_store, ordered_at__gte=now - SPAN)
    wanted = orders.exclude(state__in=[OrderState.UNPAID, OrderState.CANCELLED]).prefetch_related("mirrors")
    return list(wanted.order_by("-ordered_at", "-id")[: MOST + 1])


def _stores(routes: Sequence[Route], proposed: Mapping[int, Proposal], skus: Collection[str]) -> dict[int, _Store]:
    found = {}
    for route in routes:
        if proposal := proposed.get(route.destination_store_id):
            store = route.destination_store
            found[store.pk] = _Store(
                store=store,
                rules=RouteRules.from_json(route.rules),
                methods=shipping.methods_of(store),
                proposal=proposal,
                linked={exact: products.kept(store=store, skus=skus, case_matters=exact) for exact in (False, True)},
            )
    return found


def _copies(
    order: Order, seen: PlatformOrder, routes: Sequence[Route], stocked: routing.Stocked
) -> list[tuple[int, Sequence[str]]]:
    """The stores that have a part of the order, or would get one by the routes as they are but for their rules, with
    the lines of it."""
    if mirrors := list(order.mirrors.all()):
        return [(mirror.store_id, mirror.line_ids) for mirror in mirrors]
    try:
        shares = routing.share_out(seen, routes, stocked, is_by_hand=True)
    except routing.NoRoute:
        return []
    return [(route.destination_store_id, routing.named_lines(seen, ids)) for route, ids in shares]


def _compare(
    found: _Sum, order: Order, seen: PlatformOrder, at: _Store, line_ids: Sequence[str], shop: ConnectedStore
) -> None:
    methods = at.proposal.methods if at.proposal.methods is not None else at.methods
    before = _outcome(seen, _draft_rules(at, line_ids, shop, rules=at.rules, methods=at.methods), at.store)
    rules = at.proposal.rules or at.rules
    after = _outcome(seen, _draft_rules(at, line_ids, shop, rules=rules, methods=methods), at.store)
    if before.lacks_link and after.lacks_link:
        found.untold += 1
        return
    differences = tuple(_differences(before, after))
    is_blocked = after.draft is None and before.draft is not None
    if not differences:
        found.same += 1
        return
    if is_blocked:
        found.blocked += 1
    else:
        found.differ += 1
    if len(found.orders) < SHOWN:
        url = reverse("order", args=[order.pk])
        found.orders.append(Affected(order.external_id, url, label_of(at.store), is_blocked, differences))


def _draft_rules(
    at: _Store,
    line_ids: Sequence[str],
    shop: ConnectedStore,
    *,
    rules: RouteRules,
    methods: Mapping[str, tuple[str, str]],
) -> DraftRules:
    """The one place that says what a draft of the past is made by."""
    linked = at.linked[rules.sku_case_matters]
    return DraftRules(
        destination_currency=at.store.currency,
        destination_label=label_of(at.store),
        source_store_id=shop.external_id,
        source_store_name=shop.name,
        variants=linked.variants,
        ambiguous_skus=linked.ambiguous,
        shipping_titles=methods,
        line_ids=frozenset(line_ids),
        rules=rules,
        features=connector_class(at.store.platform).features,
    )


def _outcome(seen: PlatformOrder, asked: DraftRules, store: ConnectedStore) -> _Outcome:
    if rule := admission.refusal_at(store, seen, asked.rules):
        return _Outcome(code="SKIPPED", words=rule)
    try:
        return _Outcome(draft=make_draft(seen, asked))
    except Blocked as error:
        detail = {"label": asked.destination_label, **error.detail}
        lacks_link = error.code == Attention.NOT_LINKED
        return _Outcome(code=error.code, words=wording.reason_of(error.code, detail).title, lacks_link=lacks_link)


_SHOWN_ELSEWHERE = frozenset({"is_own_email"})  # by the address itself
# What each part of a draft is called; one that is missing here is called by its own name.
_LABELS = {
    "total": "Total", "discount": "Discount", "charges": "Shipping and fees", "taxes": "Tax", "lines": "Items",
    "tags": "Tags", "note": "Note", "email": "E-mail", "attributes": "Details", "number": "Order number",
    "tax_included": "Tax inside prices", "location_id": "Location", "stock": "Stock", "rounding": "Rounding",
    "remarks": "What the store cannot do",
}  # fmt: skip


def _differences(before: _Outcome, after: _Outcome) -> Iterator[Difference]:
    """What differs, part by part. Pure."""
    if before.draft is None or after.draft is None:
        if (before.code, before.words) != (after.code, after.words):
            yield Difference("Order", before.words or "Created", after.words or "Created")
        return
    for part in dataclasses.fields(OrderDraft):
        old, new = getattr(before.draft, part.name), getattr(after.draft, part.name)
        if old == new or part.name in _SHOWN_ELSEWHERE:
            continue
        what, currency = _LABELS.get(part.name, part.name.replace("_", " ").capitalize()), after.draft.currency
        if part.name == "attributes":
            yield from _attributes(dict(old), dict(new))
        else:
            yield Difference(what, _in_words(old, currency), _in_words(new, currency))


def _attributes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in dict.fromkeys(chain(before, after)):
        if before.get(name) != after.get(name):
            yield Difference(name, before.get(name, "None"), after.get(name, "None"))


def _in_words(value: Any, currency: str) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Stock):
        return choices.in_words("stock", value)
    if isinstance(value, int):
        return f"{to_text(value, currency)} {currency}"
    if isinstance(value, DraftCharge):
        code = f" ({value.code})" if value.code and value.code != value.title else ""
        return f"{value.title}{code} {to_text(value.amount, currency)}"
    if isinstance(value, DraftTax):
        return f"{value.title} {to_text(value.amount, currency)}"
    if isinstance(value, DraftLine):
        return f"{value.quantity} × {value.sku or value.title} at {to_text(value.unit_price, currency)}"
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(_in_words(each, currency) for each in value) or "None"
    return str(value) if value not in ("", None) else "None"
