"""Which orders a route sends, and by which of its rules it sends the others not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from connectors.base.types import PlatformOrder, Shipper
from connectors.models import ConnectedStore
from connectors.registry import connector_class
from orders.components import sku_key
from orders.models import Route
from orders.notes import tags_of
from orders.rules import Filter, FilterBy, PlatformShipped, RouteRules, Samples, Warehoused

# What an order shows that was skipped by a rule of ours; a merchant's own filter is shown by the name it was given.
WAREHOUSED = "TikTok's warehouse ships it"
PLATFORM_SHIPPED = "Shipped by TikTok"
SAMPLE = "Free samples are not mirrored"


def refusal(order: PlatformOrder, rules: RouteRules) -> str:
    """The name of the rule by which a route does not send this order; empty where it sends it."""
    if order.shipper is Shipper.PLATFORM_WAREHOUSE and rules.warehoused is Warehoused.SKIP:
        return WAREHOUSED
    if order.shipper is Shipper.PLATFORM and rules.platform_shipped is PlatformShipped.SKIP:
        return PLATFORM_SHIPPED
    if order.is_sample and rules.samples is Samples.SKIP:
        return SAMPLE
    for each in rules.filters:
        if _MATCHES[each.by](order, each, rules):
            return f"Rule: {each.name}"
    return ""


def is_ours_to_ship(order: PlatformOrder) -> bool:
    """Whether the seller ships it. Else TikTok shows no address, waits for no tracking number, and takes none."""
    return order.shipper is Shipper.SELLER


class Refused(Exception):
    """The rules of its routes keep the order from being sent. `rule` names them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.rule = rule_text(names)
        super().__init__(self.rule)


def rule_text(names: Sequence[str]) -> str:
    """The rules' names as an order shows them, each once."""
    return "; ".join(dict.fromkeys(names))[:120]


def rules_of(route: Route) -> RouteRules:
    """What the merchant chose for this route."""
    return RouteRules.from_json(route.rules) if route.rules else _UNCHANGED


_UNCHANGED = RouteRules()


def refusal_by(route: Route, order: PlatformOrder) -> str:
    """Why this route does not send the order: its rule's name, or what its store cannot do. Empty where it does."""
    if rule := refusal(order, rules_of(route)):
        return rule
    return "" if is_ours_to_ship(order) else _lack_of(route.destination_store)


def refusal_at(store: ConnectedStore, order: PlatformOrder, rules: RouteRules) -> str:
    """`refusal_by`, for a route to this store with these rules."""
    return refusal(order, rules) or ("" if is_ours_to_ship(order) else _lack_of(store))


def _lack_of(store: ConnectedStore) -> str:
    kind = connector_class(store.platform)
    return "" if kind.features.without_address else f"{kind.label} takes no order without an address"


def refusal_of_all(order: PlatformOrder, routes: Sequence[Route]) -> str:
    """The rules by which every one of these routes refuses the order; empty where one of them takes it.

    Without any route, what VeriSync does unless told otherwise.
    """
    names = [refusal_by(route, order) for route in routes] or [refusal(order, _UNCHANGED)]
    return rule_text(names) if all(names) else ""


def _has_sku(order: PlatformOrder, each: Filter, rules: RouteRules) -> bool:
    sought = sku_key(each.value, case_matters=rules.sku_case_matters)
    return any(fnmatchcase(sku_key(line.sku, case_matters=rules.sku_case_matters), sought) for line in order.lines)


def _has_tag(order: PlatformOrder, each: Filter, rules: RouteRules) -> bool:
    return each.value.strip().casefold() in {tag.casefold() for tag in tags_of(order, rules)}


def _is_above(order: PlatformOrder, each: Filter, _rules: RouteRules) -> bool:
    return order.payment is not None and each.value.isdecimal() and order.payment.total > int(each.value)


def _is_below(order: PlatformOrder, each: Filter, _rules: RouteRules) -> bool:
    return order.payment is not None and each.value.isdecimal() and order.payment.total < int(each.value)


_MATCHES: Mapping[FilterBy, Callable[[PlatformOrder, Filter, RouteRules], bool]] = {
    FilterBy.SKU: _has_sku,
    FilterBy.TAG: _has_tag,
    FilterBy.TOTAL_ABOVE: _is_above,
    FilterBy.TOTAL_BELOW: _is_below,
}
