"""What stands for a source SKU: prices divided to the minor unit, and lines that leave when all their pieces have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orders.components import Component, divided, whole_lines

BUNDLE = (Component("gid://wax", "WAX-01", "Wax", 2), Component("gid://wick", "WICK-01", "Wick", 1))
PIECES = {"1": {"wax-01": 2, "wick-01": 1}, "2": {"wax-01": 2, "wick-01": 1}}


class TestPrice:
    def test_that_divides_is_the_same_for_every_unit(self) -> None:
        assert [(each.sku, units, price) for each, units, price in divided(900, BUNDLE)] == [
            ("WAX-01", 2, 300),
            ("WICK-01", 1, 300),
        ]

    def test_that_does_not_divide_makes_two_lines_one_minor_unit_apart(self) -> None:
        assert [(each.sku, units, price) for each, units, price in divided(1000, BUNDLE)] == [
            ("WAX-01", 1, 334),
            ("WAX-01", 1, 333),
            ("WICK-01", 1, 333),
        ]

    @given(st.integers(0, 10**9), st.lists(st.integers(1, 50), min_size=1, max_size=8))
    def test_is_never_lost_and_never_negative(self, price: int, quantities: list[int]) -> None:
        components = [Component(f"v{place}", f"S{place}", quantity=each) for place, each in enumerate(quantities)]
        parts = divided(price, components)
        assert sum(units * each for _, units, each in parts) == price
        assert sum(units for _, units, _ in parts) == sum(quantities)
        prices = {each for _, _, each in parts}
        assert min(prices) >= 0
        assert max(prices) - min(prices) <= 1


class TestLine:
    def test_waits_for_the_rest_of_its_pieces(self) -> None:
        assert whole_lines(PIECES, left={"wax-01": 2}, done=[]) == ([], 0, True)

    def test_leaves_with_the_last_of_them(self) -> None:
        assert whole_lines(PIECES, left={"wax-01": 3, "wick-01": 1}, done=[]) == (["1"], 0, True)
        assert whole_lines(PIECES, left={"wax-01": 4, "wick-01": 2}, done=["1"]) == (["2"], 0, False)

    def test_that_has_left_does_not_leave_again(self) -> None:
        assert whole_lines(PIECES, left={"wax-01": 2, "wick-01": 1}, done=["1"]) == ([], 0, False)

    def test_needs_no_more_than_its_pieces(self) -> None:
        assert whole_lines(PIECES, left={"wax-01": 5, "wick-01": 2}, done=[]) == (["1", "2"], 1, False)
