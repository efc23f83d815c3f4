"""The equation that must balance to the cent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.types import SourceStatus
from orders.components import Component, sku_key
from orders.drafting import DraftRules, make_draft
from orders.money import MoneyMismatch, prove, total_of
from tests.orders.builders import line, payment, seen

amounts = st.integers(min_value=0, max_value=10**7)
RULES = DraftRules(
    destination_currency="",
    destination_label="Shopify",
    source_store_id="1",
    source_store_name="Alice's Candles",
    variants={sku_key(f"SKU-{n}"): (Component(f"gid://{n}", f"SKU-{n}"),) for n in range(6)},
)


class TestProve:
    def test_accepts_tax_on_top(self) -> None:
        assert not prove(payment=payment(tax=199, shipping=500), lines=[line()]).tax_included

    def test_accepts_tax_inside_the_prices(self) -> None:
        assert prove(payment=payment(tax=400, tax_inside=True), lines=[line()]).tax_included

    def test_takes_an_untaxed_order_for_one_without_tax(self) -> None:
        assert prove(payment=payment(), lines=[line()]).tax_included

    @pytest.mark.parametrize("field", ["product_total", "subtotal", "total"])
    @pytest.mark.parametrize("off", [-2, 2])
    def test_refuses_a_sum_that_is_off_by_more_than_a_minor_unit_for_each_line(self, field: str, off: int) -> None:
        stated = payment(tax=199, shipping=500)
        with pytest.raises(MoneyMismatch):
            prove(payment=replace(stated, **{field: getattr(stated, field) + off}), lines=[line()])

    @pytest.mark.parametrize("off", [-2, -1, 0, 1, 2])
    def test_calls_rounding_what_the_total_has_more_than_its_parts(self, off: int) -> None:
        stated = payment(products=4800, tax=199, shipping=500)
        proof = prove(payment=replace(stated, total=stated.total + off), lines=[line("1"), line("2")])
        assert (proof.rounding, proof.tax_included) == (off, False)

    def test_names_both_sums(self) -> None:
        with pytest.raises(MoneyMismatch, match="2400 computed, 2402 stated"):
            prove(payment=replace(payment(), product_total=2402), lines=[line()])


class TestDraft:
    @given(
        prices=st.lists(amounts, min_size=1, max_size=6),
        discounts=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
        shipping=amounts,
        tax=amounts,
        fee=amounts,
        is_inside=st.booleans(),
    )
    def test_adds_up_to_the_source_total_whatever_the_amounts(
        self,
        prices: list[int],
        discounts: tuple[float, float],
        shipping: int,
        tax: int,
        fee: int,
        is_inside: bool,
    ) -> None:
        products = sum(prices)
        stated = payment(
            products=products,
            seller_discount=int(products * discounts[0]),
            platform_discount=int(products * discounts[1]),
            shipping=shipping,
            tax=tax,
            fees={"retail_delivery_fee": fee},
            tax_inside=is_inside,
        )
        lines = tuple(line(str(n), sku=f"SKU-{n % 6}", price=price) for n, price in enumerate(prices))
        draft = make_draft(seen(SourceStatus.AWAITING_SHIPMENT, payment=stated, lines=lines), RULES)
        assert total_of(draft) == draft.total == stated.total
        assert sum(each.quantity for each in draft.lines) == len(prices)
        assert {key for each in draft.lines for key in each.source_line_ids} == {str(n) for n in range(len(prices))}
