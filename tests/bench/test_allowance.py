"""The platforms' shapes of counting, and what the yardsticks make of how they were used. Pure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench import outage
from bench.allowance import first_used_up, out_of_turn, share_used
from bench.platforms.buckets import Bucket, Window
from bench.platforms.world import Taken


class TestBucket:
    def test_holds_a_burst_and_is_refilled_at_its_rate(self) -> None:
        bucket = Bucket(rate=2, most=30, now=0)
        assert [bucket.take(1, 0) for _ in range(31)].count(True) == 30
        assert [bucket.take(1, 1.5) for _ in range(5)].count(True) == 3
        assert bucket.level(1000) == 30

    def test_takes_back_what_was_too_much(self) -> None:
        bucket = Bucket(rate=0, most=100, now=0)
        assert bucket.take(100, 0)
        bucket.give_back(60)
        assert bucket.take(60, 0)
        assert not bucket.take(1, 0)


class TestWindow:
    def test_lets_so_many_into_any_span(self) -> None:
        window = Window(most=3, seconds=60)
        assert [window.take(1, at) for at in (0, 30, 59, 59.9, 60, 60)] == [True, True, True, False, True, False]

    def test_is_silent_for_its_time_after_one_too_many(self) -> None:
        window = Window(most=2, seconds=60, silence=60)
        assert [window.take(1, at) for at in (0, 0, 50, 80, 109, 110)] == [True, True, False, False, False, True]


def used(allowance: Bucket | Window, moments: list[float]) -> list[Taken]:
    """Calls at these moments, as the ledger has them."""
    return [(at, 1, allowance.level(at)) for at in moments if allowance.take(1, at)]


def tries(*, every: float, until: float) -> list[float]:
    """Whoever tries so often."""
    return [number * every for number in range(int(until / every))]


class TestShareUsed:
    def test_is_all_of_it_where_all_is_tried(self) -> None:
        taken = used(Bucket(rate=2, most=30, now=0), tries(every=0.1, until=120))
        assert share_used(taken, rate=2, most=30, until=120) == pytest.approx(1.0, abs=0.01)

    @pytest.mark.parametrize("until", [125, 140, 155, 170, 179])
    def test_counts_a_burst_with_its_pause_whenever_it_ends(self, until: float) -> None:
        taken = used(Window(most=200, seconds=60), tries(every=0.01, until=until))
        assert share_used(taken, rate=200 / 60, most=200, until=until) == pytest.approx(1.0, abs=0.01)

    @pytest.mark.parametrize("share", [0.5, 0.9])
    def test_is_what_was_used_of_what_came_back(self, share: float) -> None:
        at_once = [0.0] * 30
        taken = used(Bucket(rate=2, most=30, now=0), at_once + tries(every=0.5 / share, until=200))
        assert share_used(taken, rate=2, most=30, until=200) == pytest.approx(share, abs=0.02)

    def test_does_not_count_the_beginnings_stock(self) -> None:
        taken = used(Bucket(rate=0.0001, most=30, now=0), tries(every=0.1, until=60))
        assert share_used(taken, rate=0.0001, most=30, until=60) == pytest.approx(1.0, abs=0.1)

    def test_is_low_for_one_who_never_needs_all(self) -> None:
        taken = used(Bucket(rate=2, most=30, now=0), tries(every=2, until=100))
        assert first_used_up(taken, most=30) is None
        assert share_used(taken, rate=2, most=30, until=100) < 0.26

    def test_of_nothing_is_nothing(self) -> None:
        assert share_used([], rate=2, most=30, until=100) == 0


class TestOutOfTurn:
    def test_are_none_where_deadlines_are_kept_in_their_order(self) -> None:
        assert out_of_turn([(deadline, deadline / 5) for deadline in range(100)], tolerance=0) == 0

    def test_are_none_where_neighbours_change_places(self) -> None:
        made = [(float(deadline), float(deadline ^ 1)) for deadline in range(100)]
        assert out_of_turn(made, tolerance=2) == 0

    def test_is_one_where_one_comes_last_of_all(self) -> None:
        made = [(float(deadline), float(deadline)) for deadline in range(100)]
        made[0] = (0.0, 100.0)
        assert out_of_turn(made, tolerance=5) == 1

    def test_are_most_of_the_first_half_where_the_second_was_made_before_it(self) -> None:
        made = [(float(deadline), float((deadline + 50) % 100)) for deadline in range(100)]
        assert out_of_turn(made, tolerance=5) == 50


class TestBacklog:
    def test_has_every_deadline_once_in_each_store_and_in_no_order(self) -> None:
        orders = outage.backlog(3, 40)
        for merchant in (1, 2, 3):
            mine = [order.deadline for order in orders if order.merchant == merchant]
            assert len(set(mine)) == 40
            assert mine != sorted(mine, key=str)
            assert max(filter(None, mine)) - min(filter(None, mine)) == timedelta(minutes=39)

    def test_is_judged_store_by_store(self) -> None:
        orders = outage.backlog(2, 40)
        by_deadline = sorted(orders, key=lambda order: str(order.deadline))
        created = [(order.external_id, str(order.merchant), float(place)) for place, order in enumerate(by_deadline)]
        assert outage.late_of(orders, created) == 0
        turned = [(reference, shop, -moment) for reference, shop, moment in created]
        assert outage.late_of(orders, turned) > 30
