"""The steps before a shop's orders flow, judged from facts. Pure: orders/readiness.py reads the facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connectors import oauth
from connectors.models import ConnectedStore, StoreState
from connectors.registry import label_of
from orders.models import Setup
from orders.routing import currencies_differ
from orders.seller_shipping import Ships, said_of


class StepKey(StrEnum):
    """The steps in their order."""

    ACCOUNT = "ACCOUNT"
    SHIPPING = "SHIPPING"
    STORE = "STORE"
    CURRENCY = "CURRENCY"
    PRODUCTS = "PRODUCTS"
    METHODS = "METHODS"
    CARRIERS = "CARRIERS"
    RULES = "RULES"
    DRY_RUN = "DRY_RUN"
    SWITCH = "SWITCH"


# Without these nothing can be sent; the others have defaults that work.
REQUIRED = (StepKey.ACCOUNT, StepKey.SHIPPING, StepKey.STORE, StepKey.CURRENCY, StepKey.PRODUCTS)


TITLES = {
    StepKey.ACCOUNT: "Seller Center account and region",
    StepKey.SHIPPING: "Seller Shipping, pick-up and return warehouse",
    StepKey.STORE: "Store connected",
    StepKey.CURRENCY: "Same currency",
    StepKey.PRODUCTS: "Products linked",
    StepKey.METHODS: "Shipping methods",
    StepKey.CARRIERS: "Carriers",
    StepKey.RULES: "Rules chosen",
    StepKey.DRY_RUN: "Dry run looked at",
    StepKey.SWITCH: "Switched on",
}


class StepState(StrEnum):
    """How far a step is."""

    DONE = "DONE"
    TO_DO = "TO_DO"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its state, why, and what the merchant's own word for it would be; no word where none helps."""

    key: StepKey
    state: StepState
    why: str
    vouch: str = ""

    @property
    def number(self) -> int:
        return list(StepKey).index(self.key) + 1

    @property
    def is_done(self) -> bool:
        return self.state is StepState.DONE


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the steps are judged by. `destinations` are the stores that get this shop's orders; `is_routed`, whether
    that was said or is plain; `skus` and `options` are those of products and newest orders, by key, with their names;
    `linked` and `mapped` those of them that are settled."""

    shop: ConnectedStore
    setup: Setup
    destinations: Sequence[ConnectedStore] = ()
    is_routed: bool = False
    skus: Mapping[str, str] = field(default_factory=dict)
    linked: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    carriers: int = 0
    asks_for_carrier: int = 0
    has_saved_rules: bool = False


def steps_of(facts: Facts) -> list[Step]:
    """Each step as it stands. Pure."""
    judges = (
        _account, _shipping, _store, _currency, _products, _methods, _carriers, _rules, _dry_run, _switch,
    )  # fmt: skip
    return [judge(facts) for judge in judges]


def steps_without_shop() -> list[Step]:
    """What they are before there is a shop to judge. Pure."""
    first = "Connect the TikTok shop with its owner's login: nobody else's can allow it."
    return [Step(key, StepState.TO_DO, first if key is StepKey.ACCOUNT else "") for key in StepKey]


def first_open(steps: Sequence[Step]) -> Step | None:
    """The step to go on with: the first that is required and not done, else the first that is not done."""
    undone = [step for step in steps if not step.is_done]
    return next((step for step in undone if step.key in REQUIRED), undone[0] if undone else None)


def _account(facts: Facts) -> Step:
    shop = facts.shop
    if shop.state != StoreState.CONNECTED:
        reason = shop.state_reason.rstrip(".") or "its access ended"
        return Step(StepKey.ACCOUNT, StepState.FAILED, f"{shop.name} has to be reconnected: {reason}.")
    if missing := oauth.missing_scopes(shop):
        return Step(StepKey.ACCOUNT, StepState.FAILED, f"{shop.name} did not grant {', '.join(missing)}.")
    where = (
        f"{shop.name}, {shop.region or 'region not named'}, sells in {shop.currency or 'a currency it does not name'}."
    )
    if StepKey.ACCOUNT in facts.setup.confirmed:
        return Step(StepKey.ACCOUNT, StepState.DONE, f"{where} You said that the business is verified.")
    only_you = (
        "Only you can see in Seller Center whether the business, the tax document and the bank account are verified."
    )
    return Step(StepKey.ACCOUNT, StepState.TO_DO, f"{where} {only_you}", vouch="They are verified")


def _shipping(facts: Facts) -> Step:
    kept, is_vouched = facts.setup.shipping, StepKey.SHIPPING in facts.setup.confirmed
    said, ships = said_of(kept), Ships(kept.get("ships", Ships.UNKNOWN))
    seen = ""
    if kept.get("orders", 0) > 1:
        seen = f" {kept['seller_orders']} of the {kept['orders']} newest orders are yours to ship."
    if ships is Ships.PLATFORM:
        why = (
            f"TikTok ships this shop's orders.{seen} Choose Seller Shipping in Seller Center; it counts for new orders."
        )
        return Step(StepKey.SHIPPING, StepState.FAILED, why)
    if kept.get("problem") and not is_vouched:
        why = f"TikTok Shop did not say who ships: {kept['problem']}"
        return Step(StepKey.SHIPPING, StepState.FAILED, why, vouch="It is on Seller Shipping")
    if said is None and not is_vouched:
        return Step(StepKey.SHIPPING, StepState.TO_DO, "TikTok Shop was not asked yet.")
    if ships is Ships.UNKNOWN and not is_vouched:
        why = "TikTok Shop does not say who ships, and there is no order yet that would show it."
        return Step(StepKey.SHIPPING, StepState.TO_DO, why, vouch="It is on Seller Shipping")
    if said is not None and not said.sales_warehouse and not is_vouched:
        why = "No pick-up warehouse is set and in use."
        return Step(StepKey.SHIPPING, StepState.FAILED, why)
    if said is not None and not said.return_warehouse and not is_vouched:
        why = "Seller Center shows no return warehouse."
        return Step(StepKey.SHIPPING, StepState.TO_DO, why, vouch="Returns go to the pick-up warehouse")
    places = (
        f" Pick-up: {said.sales_warehouse or 'not named'}; returns: {said.return_warehouse or 'the same'}."
        if said
        else ""
    )
    both = " TikTok ships some of them: those are shown, not sent." if ships is Ships.BOTH else ""
    return Step(StepKey.SHIPPING, StepState.DONE, f"Orders are yours to ship.{both}{seen}{places}")


def _store(facts: Facts) -> Step:
    lost = [store for store in facts.destinations if store.state == StoreState.RECONNECT]
    if lost:
        return Step(StepKey.STORE, StepState.FAILED, f"{_names(lost)} has to be reconnected.")
    if missing := [store for store in facts.destinations if oauth.missing_scopes(store)]:
        scopes = ", ".join(oauth.missing_scopes(missing[0]))
        return Step(StepKey.STORE, StepState.FAILED, f"{_names(missing[:1])} did not grant {scopes}. Connect it again.")
    if not facts.destinations:
        return Step(StepKey.STORE, StepState.TO_DO, "Released orders wait here until there is a store. None is lost.")
    if not facts.is_routed:
        why = f"{_names(facts.destinations)} are connected: say which gets what. Nothing is guessed."
        return Step(StepKey.STORE, StepState.TO_DO, why)
    return Step(StepKey.STORE, StepState.DONE, f"Orders go to {_names(facts.destinations)}.")


def _currency(facts: Facts) -> Step:
    if not facts.destinations:
        return Step(StepKey.CURRENCY, StepState.TO_DO, "It is compared once a store is connected.")
    for store in facts.destinations:
        if currencies_differ(facts.shop, store):
            why = f"{facts.shop.name} sells in {facts.shop.currency}, {store.name} works in {store.currency}."
            return Step(StepKey.CURRENCY, StepState.FAILED, f"{why} Nothing is converted: connect a store in the same.")
    return Step(StepKey.CURRENCY, StepState.DONE, f"All in {facts.shop.currency or 'one currency'}.")


def _products(facts: Facts) -> Step:
    if not facts.destinations:
        return Step(StepKey.PRODUCTS, StepState.TO_DO, "SKUs are compared once a store is connected.")
    open_skus = [name for key, name in facts.skus.items() if key not in facts.linked]
    if not facts.skus:
        return Step(StepKey.PRODUCTS, StepState.DONE, "No order shows a SKU yet. Equal SKUs are linked by themselves.")
    counted = f"{len(facts.skus) - len(open_skus)} of {len(facts.skus)} SKUs are linked."
    if not open_skus:
        return Step(StepKey.PRODUCTS, StepState.DONE, counted)
    missing = f"{', '.join(open_skus[:3])}{f' and {len(open_skus) - 3} more' if len(open_skus) > 3 else ''}"
    waits = f"{counted} Orders with {missing} will wait until you link them."
    if StepKey.PRODUCTS in facts.setup.confirmed:
        return Step(StepKey.PRODUCTS, StepState.DONE, waits)
    return Step(StepKey.PRODUCTS, StepState.TO_DO, waits, vouch="Go on without them")


def _methods(facts: Facts) -> Step:
    if not facts.destinations:
        return Step(StepKey.METHODS, StepState.TO_DO, "Chosen for each store once one is connected.")
    unmapped = [name for key, name in facts.options.items() if key not in facts.mapped]
    if facts.mapped and not unmapped:
        return Step(StepKey.METHODS, StepState.DONE, "Each delivery option seen so far has a method.")
    own = "Without a choice orders carry TikTok's own name for the method, or the store's default."
    if StepKey.METHODS in facts.setup.confirmed:
        return Step(StepKey.METHODS, StepState.DONE, own)
    why = f"{', '.join(unmapped[:3])} has no method. {own}" if facts.mapped and unmapped else own
    return Step(StepKey.METHODS, StepState.TO_DO, why, vouch="That is fine")


def _carriers(facts: Facts) -> Step:
    if facts.asks_for_carrier:
        why = f"{_count(facts.asks_for_carrier, 'order')} cannot be reported as shipped: say which carrier it is."
        return Step(StepKey.CARRIERS, StepState.FAILED, why)
    if facts.carriers:
        return Step(StepKey.CARRIERS, StepState.DONE, f"{_count(facts.carriers, 'carrier name')} of your stores known.")
    if StepKey.CARRIERS in facts.setup.confirmed:
        return Step(
            StepKey.CARRIERS, StepState.DONE, "A name that TikTok Shop does not know is asked for when it comes."
        )
    why = "Say what your store's carriers are called on TikTok Shop; equal names are found by themselves."
    return Step(StepKey.CARRIERS, StepState.TO_DO, why, vouch="Ask me when one is unknown")


def _rules(facts: Facts) -> Step:
    if facts.setup.rules_seen_at or facts.has_saved_rules:
        return Step(StepKey.RULES, StepState.DONE, "Hold, discounts, tax, samples and filters are as you want them.")
    why = "Hold, discounts, tax, samples and filters have defaults that change nothing."
    return Step(StepKey.RULES, StepState.TO_DO, why, vouch="Keep the defaults")


def _dry_run(facts: Facts) -> Step:
    if facts.setup.dry_run_seen_at:
        return Step(StepKey.DRY_RUN, StepState.DONE, "You looked at what your store would get.")
    return Step(StepKey.DRY_RUN, StepState.TO_DO, "See what your store would get of your last orders. Nothing is sent.")


def _switch(facts: Facts) -> Step:
    if facts.setup.switched_on_at:
        return Step(StepKey.SWITCH, StepState.DONE, "Orders go to your store when TikTok Shop releases them.")
    return Step(StepKey.SWITCH, StepState.TO_DO, "Orders are captured and wait. Nothing is sent before.")


def _names(stores: Sequence[ConnectedStore]) -> str:
    labels = [
        store.name if store.name.startswith(label_of(store)) else f"{label_of(store)} ({store.name})"
        for store in stores
    ]
    return ", ".join(labels[:-1]) + f" and {labels[-1]}" if len(labels) > 1 else labels[0]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
