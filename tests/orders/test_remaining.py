"""What is left of an order of which some lines are cancelled, to the cent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.types import LineItem, PlatformOrder, SourceStatus
from orders.components import Component
from orders.drafting import DraftRules, make_draft
from orders.money import MoneyMismatch, prove
from orders.remaining import Refunded, remaining
from tests.orders.aftersale_builders import LINE, OTHER
from tests.orders.builders import line, payment, seen

RULES = DraftRules(
    "USD",
    "Shopify",
    "1",
    "Alice's",
    variants={"cnd-fig-08": (Component("v1", "CND-FIG-08"),), "tin-lav-04": (Component("v2", "TIN-LAV-04"),)},
)


def cancelled(order: PlatformOrder, *line_ids: str) -> PlatformOrder:
    lines = tuple(replace(each, status="CANCELLED") if each.external_id in line_ids else each for each in order.lines)
    return replace(order, lines=lines)


def two(**changes: Any) -> PlatformOrder:
    lines = (line(LINE), line(OTHER, sku="TIN-LAV-04", price=1000))
    return seen(SourceStatus.AWAITING_SHIPMENT, lines=lines, payment=payment(products=3400, shipping=500, **changes))


def refund(total: int, *line_ids: str, shipping: int = 0, tax: int = 0) -> Refunded:
    return Refunded(line_ids, total=total, subtotal=total - shipping - tax, shipping=shipping, tax=tax, fees=0)


class TestRemaining:
    def test_costs_what_the_source_did_not_refund(self) -> None:
        left = remaining(cancelled(two(), OTHER), [refund(1000, OTHER)])
        assert left.payment is not None
        assert (left.payment.total, [each.external_id for each in left.lines]) == (2900, [LINE])
        assert make_draft(left, RULES).total == 2900

    def test_keeps_the_tax_that_was_not_refunded(self) -> None:
        order = two(tax=340)
        left = remaining(cancelled(order, OTHER), [refund(1100, OTHER, tax=100)])
        assert left.payment is not None
        assert (left.payment.tax, left.payment.total) == (240, 3140)
        assert make_draft(left, RULES).total == 3140

    def test_of_amounts_that_the_source_restated_is_taken_as_it_stands(self) -> None:
        order = replace(cancelled(two(), OTHER), payment=payment(products=2400, shipping=500))
        assert remaining(order, []).payment == order.payment

    def test_is_not_guessed_while_a_refund_is_unknown(self) -> None:
        with pytest.raises(MoneyMismatch, match="not known"):
            remaining(cancelled(two(), OTHER), [])

    def test_that_does_not_balance_is_said(self) -> None:
        wrong = Refunded((OTHER,), total=700, subtotal=1000, shipping=0, tax=0, fees=0)
        with pytest.raises(MoneyMismatch):
            remaining(cancelled(two(), OTHER), [wrong])

    @settings(deadline=None)
    @given(
        prices=st.lists(st.integers(0, 9999), min_size=2, max_size=6),
        discount=st.integers(0, 500),
        taxes=st.lists(st.integers(0, 300), min_size=6, max_size=6),
        gone=st.sets(st.integers(0, 5), min_size=1),
    )
    def test_balances_for_any_order(self, prices: list[int], discount: int, taxes: list[int], gone: set[int]) -> None:
        lines = tuple(_line(index, price, discount, taxes[index]) for index, price in enumerate(prices))
        paid = payment(
            products=sum(prices),
            seller_discount=sum(each.seller_discount for each in lines),
            tax=sum(each.tax for each in lines),
            shipping=499,
        )
        order = seen(SourceStatus.AWAITING_SHIPMENT, lines=lines, payment=paid)
        taken = [each for index, each in enumerate(lines) if index in gone]
        if not taken or len(taken) == len(lines):
            return
        refunds = [refund(each.sale_price + each.tax, each.external_id, tax=each.tax) for each in taken]
        left = remaining(cancelled(order, *(each.external_id for each in taken)), refunds)
        assert left.payment is not None
        prove(payment=left.payment, lines=left.lines)
        assert left.payment.total == paid.total - sum(each.total for each in refunds)


def _line(index: int, price: int, discount: int, tax: int) -> LineItem:
    off = min(discount, price)
    return line(f"{index}", price=price, seller_discount=off, sale_price=price - off, tax=tax)
