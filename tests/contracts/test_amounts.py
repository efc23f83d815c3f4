"""Whatever the order, the rules and the currency: the amounts in the very request add up, with its currency's decimals.

A store reckons with what stands there and with nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connectors import registry
from connectors.base.connector import Destination
from connectors.base.types import PlatformOrder, StoreIdentity
from connectors.http import HttpClient
from orders.components import Component
from orders.drafting import Blocked, make_draft
from orders.rules import RouteRules
from tests.orders.test_equation import components, orders, rules_of, said

DIGITS = {"USD": 2, "JPY": 0, "KWD": 3}
linked = st.fixed_dictionaries({f"sku-{number}": components for number in range(4)})


def shopify(body: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """What Shopify makes of it, and what is said to be paid."""

    def of(bag: dict[str, Any]) -> Decimal:
        return Decimal(bag["shopMoney"]["amount"])

    order = body["variables"]["order"]
    total = sum((of(line["priceSet"]) * line["quantity"] for line in order["lineItems"]), Decimal(0))
    total += sum((of(line["priceSet"]) for line in order["shippingLines"]), Decimal(0))
    if not order["taxesIncluded"]:
        total += sum((of(line["priceSet"]) for line in order["taxLines"]), Decimal(0))
    if "discountCode" in order:
        total -= of(order["discountCode"]["itemFixedDiscountCode"]["amountSet"])
    return total, sum((of(each["amountSet"]) for each in order.get("transactions", [])), Decimal(0))


def wix(body: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """What the parts come to, and Wix's total."""
    order = body["order"]
    sums = {name: Decimal(each["amount"]) for name, each in order["priceSummary"].items()}
    lines = sum((Decimal(each["price"]["amount"]) * each["quantity"] for each in order["lineItems"]), Decimal(0))
    fees = sum((Decimal(each["price"]["amount"]) for each in order.get("additionalFees", [])), Decimal(0))
    assert (lines, fees) == (sums["subtotal"], sums["totalAdditionalFees"])
    assert Decimal(order["shippingInfo"]["cost"]["price"]["amount"]) == sums["shipping"]
    tax = Decimal(0) if order["taxIncludedInPrices"] else sums["tax"]
    return lines - sums["discount"] + sums["shipping"] + tax + fees, sums["total"]


def squarespace(body: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """What the parts come to, and Squarespace's grand total."""

    def of(name: str) -> Decimal:
        return Decimal(body[name]["value"])

    lines = sum((Decimal(each["unitPricePaid"]["value"]) * each["quantity"] for each in body["lineItems"]), Decimal(0))
    shipping = sum((Decimal(each["amount"]["value"]) for each in body["shippingLines"]), Decimal(0))
    assert (lines, shipping) == (of("subtotal"), of("shippingTotal"))
    tax = of("taxTotal") if body["priceTaxInterpretation"] == "EXCLUSIVE" else Decimal(0)
    return lines - of("discountTotal") + shipping + tax, of("grandTotal")


SUMS: dict[str, Callable[[dict[str, Any]], tuple[Decimal, Decimal]]] = {
    "shopify": shopify,
    "wix": wix,
    "squarespace": squarespace,
}


def connector(platform: str) -> Destination:
    """One that makes no call."""
    kind = registry.connector_class(platform)
    made = kind(
        config={each.name: each.default or "x" for each in kind.settings},
        http=HttpClient(),
        clock=lambda: datetime(2026, 11, 24, tzinfo=UTC),
        store=StoreIdentity("alices-candles.myshopify.com", "Alice's Candles"),
    )
    assert isinstance(made, Destination)
    return made


def decimals(value: Any) -> Iterator[int]:
    """How many decimals each amount has, wherever it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            is_amount = name == "amount" or (name == "value" and "currency" in value)
            if is_amount and isinstance(inner, str):
                yield len(inner.partition(".")[2])
            else:
                yield from decimals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from decimals(inner)


def _of(platform: str, variants: dict[str, tuple[Component, ...]]) -> dict[str, tuple[Component, ...]]:
    """The same with variants that this platform could have."""
    if platform != "wix":
        return variants
    return {sku: tuple(replace(each, variant_id="V3|p-1|v-1") for each in parts) for sku, parts in variants.items()}


class TestRequest:
    @pytest.mark.parametrize("platform", SUMS)
    @given(order=orders(), rules=said, variants=linked)
    def test_adds_up_to_the_drafts_total(
        self, platform: str, order: PlatformOrder, rules: RouteRules, variants: dict[str, tuple[Component, ...]]
    ) -> None:
        try:
            draft = make_draft(order, rules_of(rules, _of(platform, variants)))
        except Blocked:
            assume(False)
        body = json.loads(connector(platform).rendered(draft, reference="5764").body)
        computed, stated = SUMS[platform](body)
        digits = DIGITS[draft.currency]
        assert computed == stated == Decimal(draft.total).scaleb(-digits)
        assert set(decimals(body)) <= {digits}
