"""What is left of an order of which some lines are cancelled, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.types import LineItem, Payment, PlatformOrder, SourceStatus
from orders.components import Component
from orders.drafting import DraftRules, make_draft
from orders.money import MoneyMismatch, prove
from orders.refunded import Refunded
from orders.remaining import remaining
from orders.splitting import part_of, spread
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


# Whether a line is of the one store or of the other, and whether it is cancelled; its price and tax.
Fate = tuple[bool, bool, int, int]
amounts = (st.integers(1, 9999), st.integers(0, 300))
# Some line stays in each of the two stores, and some is cancelled.
fates = st.tuples(
    st.tuples(st.just(True), st.just(False), *amounts),
    st.tuples(st.just(False), st.just(False), *amounts),
    st.tuples(st.booleans(), st.just(True), *amounts),
    st.lists(st.tuples(st.booleans(), st.booleans(), *amounts), max_size=4),
).flatmap(lambda drawn: st.permutations([*drawn[:3], *drawn[3]]))


class TestRemaining:
    def test_costs_what_the_source_did_not_refund(self) -> None:
        left = remaining(cancelled(two(), OTHER), [refund(1000, OTHER)]).order
        assert left.payment is not None
        assert (left.payment.total, [each.external_id for each in left.lines]) == (2900, [LINE])
        assert make_draft(left, RULES).total == 2900

    def test_keeps_the_tax_that_was_not_refunded(self) -> None:
        order = two(tax=340)
        left = remaining(cancelled(order, OTHER), [refund(1100, OTHER, tax=100)]).order
        assert left.payment is not None
        assert (left.payment.tax, left.payment.total) == (240, 3140)
        assert make_draft(left, RULES).total == 3140

    def test_of_amounts_that_the_source_restated_is_taken_as_it_stands(self) -> None:
        order = replace(cancelled(two(), OTHER), payment=payment(products=2400, shipping=500))
        assert remaining(order, []).order.payment == order.payment

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
        left = remaining(cancelled(order, *(each.external_id for each in taken)), refunds).order
        assert left.payment is not None
        prove(payment=left.payment, lines=left.lines)
        assert left.payment.total == paid.total - sum(each.total for each in refunds)


class TestPart:
    def test_keeps_the_shipping_that_was_not_refunded(self) -> None:
        """The other store has its share of it as it was bought."""
        order = three()
        left = remaining(cancelled(order, "3"), [refund(600, "3")], line_ids=[OTHER, "3"])
        assert [each.external_id for each in left.part.lines] == [OTHER]
        assert _total(part_of(order, {LINE})) + _total(left.part) == _total(left.order)
        draft = make_draft(left.order, replace(RULES, line_ids=frozenset([OTHER, "3"])), part=left.part)
        assert (draft.total, draft.charges[0].amount) == (1000 + 200, 200)
        assert ("Part of the order", "1 of 2 units") in draft.attributes

    def test_of_amounts_that_the_source_restated_is_shared_out_as_it_was_bought(self) -> None:
        after = replace(cancelled(three(), "3"), payment=payment(products=3400, shipping=500))
        left = remaining(after, [refund(600, "3")], line_ids=[OTHER, "3"])
        assert (_total(left.part), _total(left.order)) == (1200, 3900)
        assert _total(remaining(after, [], line_ids=[OTHER, "3"]).part) == 1147  # its refund is not known yet

    def test_gets_what_was_not_refunded_with_parts_that_no_store_gets(self) -> None:
        left = remaining(cancelled(three(), OTHER, "3"), [refund(1600, OTHER, "3")], line_ids=[LINE], dead={OTHER, "3"})
        assert left.part.payment == left.order.payment

    def test_of_which_more_shipping_went_back_than_it_had_is_shared_out_from_what_is_left(self) -> None:
        left = remaining(cancelled(three(), "3"), [refund(1100, "3", shipping=500)], line_ids=["3", OTHER])
        assert left.part.payment is not None
        assert (left.part.payment.shipping, left.part.payment.total) == (0, 1000)

    def test_whose_discount_was_on_the_cancelled_item_is_shared_out_from_what_is_left(self) -> None:
        """The source does not tell by line what was taken off, so that it was spread over all three."""
        order = replace(three(), payment=payment(products=4000, shipping=500, seller_discount=600))
        left = remaining(cancelled(order, "3"), [refund(0, "3")], line_ids=["3", OTHER])
        assert left.part.payment is not None
        assert left.part.payment.seller_discount == 0
        draft = make_draft(left.order, replace(RULES, line_ids=frozenset([OTHER, "3"])), part=left.part)
        assert draft.total == _total(left.part)

    @settings(deadline=None)
    @given(fates, st.integers(0, 500), st.integers(0, 999), st.booleans())
    def test_adds_up_with_the_other_whenever_each_was_made(
        self, fates: list[Fate], discount: int, shipping: int, is_told: bool
    ) -> None:
        """Of two stores one may get its part before some lines are cancelled, and the other afterwards."""
        lines = tuple(_line(index, price, discount, tax) for index, (_, _, price, tax) in enumerate(fates))
        own = {f"{index}" for index, (is_mine, *_) in enumerate(fates) if is_mine}
        lost = {f"{index}" for index, (_, is_lost, *_) in enumerate(fates) if is_lost}
        others = {each.external_id for each in lines} - own
        bought = seen(SourceStatus.AWAITING_SHIPMENT, lines=lines, payment=_paid(lines, shipping))
        refunds = [_paid_back(lines, shipping, lost, is_told=is_told)]
        after = cancelled(bought, *lost)
        mine_after, others_after = (remaining(after, refunds, line_ids=some) for some in (own, others))
        left = _total(mine_after.order)
        assert _total(mine_after.part) + _total(others_after.part) == left
        if lost <= own:
            assert _total(part_of(bought, others)) + _total(mine_after.part) == left


def three() -> PlatformOrder:
    """Shipping of 5.00, by price: 3.00, 1.25 and 0.75."""
    lines = (line(LINE), line(OTHER, sku="TIN-LAV-04", price=1000), line("3", sku="TIN-LAV-04", price=600))
    return seen(SourceStatus.AWAITING_SHIPMENT, lines=lines, payment=payment(products=4000, shipping=500))


def _line(index: int, price: int, discount: int, tax: int) -> LineItem:
    off = min(discount, price)
    return line(f"{index}", price=price, seller_discount=off, sale_price=price - off, tax=tax)


def _total(order: PlatformOrder) -> int:
    assert order.payment is not None
    return order.payment.total


def _paid(lines: Sequence[LineItem], shipping: int) -> Payment:
    return payment(
        products=sum(each.original_price for each in lines),
        seller_discount=sum(each.seller_discount for each in lines),
        tax=sum(each.tax for each in lines),
        shipping=shipping,
    )


def _paid_back(lines: Sequence[LineItem], shipping: int, lost: set[str], *, is_told: bool) -> Refunded:
    """Prices and taxes of these lines, and about half of the shipping that fell on each."""
    shares = spread(shipping, [each.original_price for each in lines])
    inside = [(each, share // 2) for each, share in zip(lines, shares, strict=True) if each.external_id in lost]
    by_line = tuple(each.sale_price + each.tax + share for each, share in inside)
    return Refunded(
        line_ids=tuple(each.external_id for each, _ in inside),
        total=sum(by_line),
        subtotal=sum(each.sale_price for each, _ in inside),
        shipping=sum(share for _, share in inside),
        tax=sum(each.tax for each, _ in inside),
        fees=0,
        by_line=by_line if is_told else (),
    )
