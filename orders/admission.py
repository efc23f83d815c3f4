"""Which orders a route sends, and by which of its rules it sends the others not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from connectors.base.types import PlatformOrder, Shipper
from orders.drafting import sku_key, tags_of
from orders.rules import Filter, FilterBy, PlatformShipped, RouteRules, Samples, Stock, Warehoused

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


def rules_for(order: PlatformOrder, rules: RouteRules) -> RouteRules:
    """The route's rules as they hold for this order: what TikTok's warehouse sends leaves the store's stock as it is,
    unless the merchant wants it deducted all the same."""
    if order.shipper is not Shipper.PLATFORM_WAREHOUSE:
        return rules
    return replace(rules, stock=Stock.DEDUCT if rules.warehoused is Warehoused.MIRROR_AND_DEDUCT else Stock.KEEP)


def _has_sku(order: PlatformOrder, each: Filter, rules: RouteRules) -> bool:
    def key(sku: str) -> str:
        return sku.strip() if rules.sku_case_matters else sku_key(sku)

    return any(fnmatchcase(key(line.sku), key(each.value)) for line in order.lines)


def _has_tag(order: PlatformOrder, each: Filter, rules: RouteRules) -> bool:
    tags = (*tags_of(order), *rules.tags)
    return each.value.strip().casefold() in {tag.strip().casefold() for tag in tags}


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
