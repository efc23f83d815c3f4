from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from proof import faults
from proof.plan import AFTER_SALES, IN_PART, NOWHERE, PRICES, Blow, Fate, Storm, draw, platform_of

STORM = Storm("R1", 400, 50.0, 4, (), {Blow.GROUP: 3, Blow.DATABASE: 1})


class TestPlan:
    def test_is_the_same_for_the_same_seed(self) -> None:
        assert draw(storm=STORM, seed=7) == draw(storm=STORM, seed=7)

    def test_is_another_for_another_seed(self) -> None:
        assert draw(storm=STORM, seed=7) != draw(storm=STORM, seed=8)

    def test_sends_orders_to_every_store_and_some_to_two(self) -> None:
        places = Counter(
            frozenset(platform_of(line["sku"]) for line in buy.order["lines"]) for buy in draw(storm=STORM, seed=1).buys
        )
        assert {frozenset([name]) for name in ("shopify", "amazon", "wix", "squarespace")} <= set(places)
        assert any(len(place) == 2 for place in places)

    def test_sends_a_slow_store_no_more_than_can_go_through(self) -> None:
        shares = Storm("R1", 10_000, 500.0, 4).shares
        assert abs(sum(shares.values()) - 1) < 1e-9
        assert round(shares["wix"] * 10_000 * 12) <= 200 * (500 / 60 + 1) + 1

    def test_has_every_fate_and_one_of_each_poison(self) -> None:
        fates = Counter(buy.fate for buy in draw(storm=STORM, seed=1).buys)
        assert set(fates) == set(Fate)
        assert (fates[Fate.NOWHERE], fates[Fate.UNREADABLE]) == (1, 1)

    def test_has_every_change_of_mind_even_in_small(self) -> None:
        for seed in range(20):
            fates = {buy.fate for buy in draw(storm=Storm("R1", 24, 3.0, 4), seed=seed).buys}
            assert set(AFTER_SALES) <= fates

    def test_leaves_some_of_an_order_that_is_cancelled_in_part(self) -> None:
        for buy in draw(storm=STORM, seed=1).buys:
            units = {line["sku"]: line["quantity"] for line in buy.order["lines"]}
            assert 0 < sum(buy.part.values()) <= sum(units.values())
            assert all(count <= units[sku] for sku, count in buy.part.items())
            assert buy.fate not in IN_PART or sum(buy.part.values()) < sum(units.values())

    def test_never_discounts_more_than_there_is(self) -> None:
        for buy in draw(storm=STORM, seed=3).buys:
            total = sum(
                Decimal(PRICES[line["sku"]]) * line["quantity"] for line in buy.order["lines"] if line["sku"] != NOWHERE
            )
            assert sum(Decimal(amount) for amount in buy.order["discounts"].values()) <= (total or 1000)

    def test_strikes_while_orders_are_created(self) -> None:
        strikes = draw(storm=STORM, seed=1).strikes
        assert Counter(strike.blow for strike in strikes) == {Blow.GROUP: 3, Blow.DATABASE: 1}
        assert all(2 <= strike.at <= 54 for strike in strikes)


class TestFaults:
    def test_break_the_share_that_was_asked_for(self) -> None:
        told: list[dict[str, Any]] = []
        broken = faults.any_call(share=0.2, silence=3)
        faults.begin(control=lambda path, **body: told.append({"path": path, **body}), broken=broken, seed=5)
        assert told[0] == {"path": "seed", "random": 5}
        left = 1.0
        for fault in (one for one in told[1:] if one["platform"] == "wix"):
            left *= 1 - fault["probability"]
        assert abs(left - 0.8) < 1e-9

    def test_that_come_late_are_waited_for(self) -> None:
        assert Storm("R2", 10, 1.0, 4, faults.late_and_blind(share=0.2)).echo > 30
        assert STORM.echo == 0
