"""A change of settings that is not saved: which orders it can concern, and what a store would get of one with it and
without it. Reads what is kept; no store is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import cast

from django.db.models import Q

from connectors.base.connector import Destination
from connectors.base.errors import PlatformError
from connectors.base.types import CreateRequest, OrderDraft, PlatformOrder
from connectors.models import ConnectedStore
from connectors.registry import build, connector_class, label_of
from orders import admission, products, reason_words, shipping
from orders.components import Component, sku_key
from orders.drafting import Blocked, DraftRules, make_draft
from orders.models import Attention, Route
from orders.products import Found
from orders.rules import RouteRules

_MOST_NAMED = 50  # delivery options or SKUs by which orders are looked for; beyond that all are taken

Methods = Mapping[str, tuple[str, str]]
Links = Mapping[str, Sequence[Component]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one store: the rules of its route, its shipping methods by delivery option, what stands for
    some SKUs, its own choices; or several of them."""

    rules: RouteRules | None = None
    methods: Methods | None = None
    links: Links | None = None
    options: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A draft with the very request that sends it, or why there is none: a code and its words."""

    draft: OrderDraft | None = None
    request: CreateRequest | None = None
    code: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A store with its settings as they are, what is proposed, and its kept links."""

    store: ConnectedStore
    rules: RouteRules
    methods: Methods
    proposal: Proposal
    linked: Mapping[bool, Found]  # by whether upper and lower case matter
    destinations: Mapping[bool, Destination]  # before and after: for what it makes of a draft, no call is made

    @classmethod
    def of(cls, route: Route, proposal: Proposal, skus: Collection[str], *, now: datetime) -> Trial:
        """For the store of this route, in the caller's transaction. `skus`: those of the orders that are tried."""
        store = route.destination_store
        return cls(
            store=store,
            rules=RouteRules.from_json(route.rules),
            methods=shipping.methods_of(store),
            proposal=proposal,
            linked={exact: products.kept(store=store, skus=skus, case_matters=exact) for exact in (False, True)},
            destinations={is_after: _speaker(store, proposal if is_after else None, now) for is_after in (False, True)},
        )

    def made(self, seen: PlatformOrder, line_ids: Sequence[str], shop: ConnectedStore, *, is_after: bool) -> Made:
        """The draft of this part of the order, by the settings as proposed or as they are."""
        said = self.proposal if is_after else Proposal()
        rules = said.rules or self.rules
        if rule := admission.refusal_at(self.store, seen, rules):
            return Made(code="SKIPPED", words=f"Skipped: {rule}")
        methods = said.methods if said.methods is not None else self.methods
        try:
            draft = make_draft(seen, self._asked(line_ids, shop, rules, methods, said.links or {}))
            request = self.destinations[is_after].rendered(draft, reference=seen.external_id)
        except Blocked as error:
            detail = {"label": label_of(self.store), **error.detail}
            return Made(code=error.code, words=reason_words.reason_of(error.code, detail).title)
        except PlatformError as error:
            return Made(code=error.reason or Attention.REMOTE_ERROR, words=error.message)
        return Made(draft=replace(draft, remarks=draft.remarks + request.remarks), request=request)

    def _asked(
        self, line_ids: Sequence[str], shop: ConnectedStore, rules: RouteRules, methods: Methods, links: Links
    ) -> DraftRules:
        """The one place that says what a draft of the past is made by."""
        exact = rules.sku_case_matters
        linked, said = self.linked[exact], {sku_key(sku, case_matters=exact): tuple(to) for sku, to in links.items()}
        return DraftRules(
            destination_currency=self.store.currency,
            destination_label=label_of(self.store),
            source_store_id=shop.external_id,
            source_store_name=shop.name,
            variants={**linked.variants, **said},
            ambiguous_skus=linked.ambiguous - said.keys(),
            shipping_titles=methods,
            line_ids=frozenset(line_ids),
            rules=rules,
            features=connector_class(self.store.platform).features,
        )


def _speaker(store: ConnectedStore, proposal: Proposal | None, now: datetime) -> Destination:
    """The store's connector, with the choices that are proposed."""
    if proposal and proposal.options is not None:
        store = copy(store)
        store.options = dict(proposal.options)
    return cast(Destination, build(store.platform, clock=lambda: now, store=store))


def touched(proposed: Mapping[int, Proposal], routes: Sequence[Route]) -> Q:
    """Which orders these proposals can concern, in the caller's transaction: rules and choices concern every one,
    methods and links those that have them. Empty where it is all of them."""
    found = [
        _touched_by(proposed[route.destination_store_id], route)
        for route in routes
        if route.destination_store_id in proposed
    ]
    return reduce(or_, found) if found and all(found) else Q()


def _touched_by(said: Proposal, route: Route) -> Q:
    if said.options is not None or (said.rules is not None and said.rules != RouteRules.from_json(route.rules)):
        return Q()
    found: list[Q] = []
    if said.methods is not None:
        found.append(_with_options(shipping.methods_of(route.destination_store), said.methods))
    if said.links is not None:
        found.append(_with_skus(said.links))
    return reduce(or_, found) if found and all(found) else Q()


def _with_options(before: Methods, after: Methods) -> Q:
    changed = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    if "" in changed or not changed or len(changed) > _MOST_NAMED:
        return Q()
    return Q(snapshot__delivery_option_id__in=changed)


def _with_skus(links: Links) -> Q:
    """By the words that an order is found by, of which its SKUs are some, in any case."""
    if not links or len(links) > _MOST_NAMED:
        return Q()
    return reduce(or_, (Q(search_text__icontains=sku.strip()[:200]) for sku in links))
