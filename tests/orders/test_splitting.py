"""Money of the parts of an order: whatever the order, the parts add up to it, and each balances by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.types import PlatformOrder
from orders.money import prove
from orders.splitting import counted, part_of, rest_ids, spread
from tests.orders.builders import line, payment, seen

cents = st.integers(0, 50_000)


@st.composite
def orders(draw: st.DrawFn) -> PlatformOrder:
    """An order that balances: discounts by line or only as a sum, tax on top or inside, fees."""
    count = draw(st.integers(2, 8))
    prices = draw(st.lists(cents, min_size=count, max_size=count))
    by_line = draw(st.booleans())
    discounts = [draw(st.integers(0, price)) for price in prices]
    lines = tuple(
        line(f"57646141303878{index:04d}", sku=f"SKU-{index}", price=price, seller_discount=cut if by_line else 0)
        for index, (price, cut) in enumerate(zip(prices, discounts, strict=True))
    )
    products, discount = sum(prices), sum(discounts)
    made = payment(
        products=products,
        seller_discount=discount,
        shipping=draw(cents),
        tax=draw(cents),
        tax_inside=draw(st.booleans()),
        fees={"small_order_fee": draw(cents)},
    )
    return replace(seen(), lines=lines, payment=made)


class TestRest:
    @pytest.mark.parametrize(
        ("parts", "rest"),
        [
            ([], []),
            ([[]], []),
            ([["1"], []], []),
            ([["1", "2", "3"]], []),
            ([["1"], ["2", "3"]], []),
            ([["1"]], ["2", "3"]),
            ([["3"], ["1"]], ["2"]),
        ],
    )
    def test_is_what_no_part_has(self, parts: list[list[str]], rest: list[str]) -> None:
        assert rest_ids(["1", "2", "3"], parts) == rest

    def test_is_counted_by_name(self) -> None:
        assert counted(["TIN", "WAX", "TIN"]) == ["2 × TIN", "1 × WAX"]


class TestPart:
    @given(orders(), st.data())
    def test_and_the_rest_add_up_to_the_order_and_each_balances(
        self, order: PlatformOrder, data: st.DataObject
    ) -> None:
        ids = [each.external_id for each in order.lines]
        chosen = data.draw(st.sets(st.sampled_from(ids), min_size=1, max_size=len(ids) - 1))
        parts = [part_of(order, chosen), part_of(order, set(ids) - chosen)]
        for name in ("product_total", "seller_discount", "subtotal", "shipping", "tax", "total", "original_shipping"):
            assert sum(getattr(part.payment, name) for part in parts) == getattr(order.payment, name), name
        assert sum(part.payment.fees["small_order_fee"] for part in parts) == order.payment.fees["small_order_fee"]
        for part in parts:
            prove(payment=part.payment, lines=part.lines)

    def test_keeps_the_discount_that_the_source_states_by_line(self) -> None:
        lines = (line("1", price=1000, seller_discount=300), line("2", sku="B", price=3000))
        order = replace(seen(), lines=lines, payment=payment(products=4000, seller_discount=300))
        assert part_of(order, {"1"}).payment.seller_discount == 300
        assert part_of(order, {"2"}).payment.seller_discount == 0

    def test_of_what_costs_nothing_gets_no_discount_that_is_only_a_sum(self) -> None:
        lines = (line("1", price=100, seller_discount=100), line("2", price=100))
        order = replace(seen(), lines=lines, payment=payment(products=200, seller_discount=100, platform_discount=50))
        assert [part_of(order, {each}).payment.total for each in ("1", "2")] == [0, 50]

    def test_of_what_costs_nothing_is_not_rounded_below_it(self) -> None:
        lines, paid = (line("1", price=0), line("2", price=100)), payment(products=100)
        order = replace(seen(), lines=lines, payment=replace(paid, total=paid.total - 1))
        assert [part_of(order, {each}).payment.total for each in ("1", "2")] == [0, 99]

    def test_is_the_order_itself_when_nothing_is_left_out(self) -> None:
        order = seen()
        assert part_of(order, ()) is order
        assert part_of(order, {order.lines[0].external_id}) is order


class TestSpread:
    @given(st.integers(-10_000, 10_000), st.lists(st.integers(0, 1000), min_size=1, max_size=9))
    def test_gives_every_unit_once(self, amount: int, weights: list[int]) -> None:
        assert sum(spread(amount, weights)) == amount

    def test_gives_the_remainder_to_the_largest_and_then_to_the_first(self) -> None:
        assert spread(10, [1, 1, 1]) == [4, 3, 3]
