"""A store's pace: calls wait for their turn, so that the platform has nothing to refuse."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from connectors.pacing import PATIENCE, Limits, OutOfTurn, Pace


class Clock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


BUCKET = Limits(rate=2, burst=30, is_per_operation=True)
WINDOW = Limits(rate=5, burst=300, window=60.0, cool_down=60.0)
POINTS = Limits(rate=100, burst=2000, default_cost=12, costs={"look": 50})


def pace(limits: Limits, clock: Clock, **more: object) -> Pace:
    return Pace(limits, clock=clock, sleep=clock.sleep, **more)  # type: ignore[arg-type]


class Platform:
    """What the platform counts by itself: it would refuse the first call over its allowance."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.level, self.at = limits.burst, 0.0
        self.calls: list[float] = []

    def call(self, now: float) -> None:
        if self.limits.window:
            self.calls = [at for at in self.calls if at > now - self.limits.window]
            assert len(self.calls) < self.limits.burst, f"refused at {now}"
            self.calls.append(now)
            return
        self.level = min(self.limits.burst, self.level + (now - (self.at or now)) * self.limits.rate)
        self.at = now
        assert self.level >= self.limits.default_cost, f"refused at {now}"
        self.level -= self.limits.default_cost


@contextmanager
def overtaken(ours: Pace, operation: str, **said: float) -> Iterator[None]:
    """Once this block is over, such a call is answered that began before a hundred others, all answered by now."""
    has_taken, may_read = threading.Event(), threading.Event()

    def call_slowly() -> None:
        ours.take(operation)
        has_taken.set()
        may_read.wait(10)
        ours.answered(operation)
        ours.learn(operation, **said)

    slow = threading.Thread(target=call_slowly)
    slow.start()
    assert has_taken.wait(10)
    for _ in range(100):
        ours.take("create")
        ours.answered("create")
    yield
    may_read.set()
    slow.join()


class TestTake:
    @pytest.mark.parametrize("limits", [BUCKET, WINDOW, Limits(rate=100, burst=2000, default_cost=12)])
    def test_uses_nearly_all_of_the_allowance_and_is_never_refused(self, limits: Limits) -> None:
        clock, platform, wire = Clock(), Platform(limits), random.Random(7)
        ours = pace(limits, clock)
        began, count = clock.now, 0
        arrived = began
        while clock.now < began + 600:
            try:
                ours.take("create")
            except OutOfTurn as rest:  # a lane comes back then
                clock.sleep(rest.wait)
                continue
            arrived = max(arrived, clock.now + wire.uniform(0, 0.1))  # calls travel, and keep their order
            platform.call(arrived)
            clock.now = arrived
            ours.answered("create")
            count += 1
        allowed = (
            limits.burst if not limits.window else 0
        ) / limits.default_cost + 600 * limits.rate / limits.default_cost
        assert count >= 0.95 * allowed

    def test_is_never_refused_however_late_calls_arrive_and_however_many_are_under_way(self) -> None:
        limits = Limits(rate=40, burst=20, window=0.5)
        ours, platform, door = Pace(limits), Platform(limits), threading.Lock()
        ends_at, refused = time.time() + 3, list[str]()

        def call(dice: random.Random) -> None:
            while time.time() < ends_at:
                ours.take("create")
                time.sleep(dice.choice([0.0, 0.0, 0.01, 0.2]))  # the machine is busy, or the network slow
                with door:
                    try:
                        platform.call(time.time())
                    except AssertionError as error:
                        refused.append(str(error))
                time.sleep(dice.uniform(0, 0.02))
                ours.answered("create")

        threads = [threading.Thread(target=call, args=(random.Random(seed),)) for seed in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not refused

    def test_gives_each_operation_its_own_where_the_platform_does(self) -> None:
        clock = Clock()
        ours = pace(BUCKET, clock)
        for _ in range(29):
            ours.take("create")
        ours.take("get")
        assert clock.now == 1_000_000.0

    def test_is_refused_at_once_where_the_turn_is_far_away(self) -> None:
        clock = Clock()
        ours = pace(WINDOW, clock)
        for _ in range(300):
            ours.take("create")
            ours.answered("create")
        with pytest.raises(OutOfTurn) as refused:
            ours.take("create")
        assert refused.value.wait > PATIENCE
        assert clock.now == 1_000_000.0

    @pytest.mark.parametrize("limits", [BUCKET, replace(WINDOW, window=6.0)])
    def test_is_refused_where_it_is_further_away_than_the_call_can_wait(self, limits: Limits) -> None:
        clock = Clock()
        ours = pace(limits, clock)
        while ours.room("create", within=0.0):
            ours.take("create")
            ours.answered("create")
        with pytest.raises(OutOfTurn):
            ours.take("create", within=0.1)
        ours.take("create", within=10.0)


class TestRefused:
    def test_keeps_silent_for_the_time_that_was_named(self) -> None:
        clock = Clock()
        ours = pace(BUCKET, clock)
        ours.refused("create", retry_after=9.0)
        assert ours.wait("create") == pytest.approx(9.0, abs=1.0)
        assert ours.room("create", within=2.0) == 0

    def test_keeps_silent_for_the_platforms_own_pause_where_none_was_named(self) -> None:
        clock = Clock()
        ours = pace(WINDOW, clock)
        ours.refused("create", retry_after=None)
        assert ours.wait("create") == pytest.approx(60.0)


class TestLearn:
    def test_follows_what_the_answer_says_is_left(self) -> None:
        clock = Clock()
        ours = pace(POINTS, clock)
        ours.take("look")
        ours.answered("look")
        ours.learn("look", available=20.0, rate=50.0, burst=1000.0)
        assert ours.room("create", within=0.0) == 0
        assert ours.room("create", within=10.0) == pytest.approx((20 + 500) / 12, abs=2)

    def test_takes_what_a_call_is_charged_from_then_on(self) -> None:
        clock = Clock()
        ours = pace(POINTS, clock)
        ours.learn("create", available=2000.0, cost=100.0)
        assert ours.room("create", within=0.0) == 19

    def test_a_cheap_call_does_not_promise_that_the_next_of_its_kind_is_cheap(self) -> None:
        clock = Clock()
        ours = pace(POINTS, clock)
        ours.learn("look", available=60.0, cost=6.0)
        ours.take("look")
        assert ours.wait("look") > 0.0

    def test_does_not_count_calls_twice_that_are_under_way(self) -> None:
        clock = Clock()
        ours = pace(POINTS, clock)
        for _ in range(10):
            ours.take("create")
        ours.learn("create", available=2000.0)
        assert ours.room("create", within=0.0) <= (2000 - 10 * 12) / 12

    def test_lets_an_answer_that_was_overtaken_lower_the_level_only(self) -> None:
        ours = pace(POINTS, Clock())
        with overtaken(ours, "create", available=1988):
            before = ours.room("create", within=0)
        assert ours.room("create", within=0) == before

    def test_has_what_was_given_back_though_the_answer_was_overtaken(self) -> None:
        ours = pace(POINTS, Clock())
        with overtaken(ours, "look", available=1998, cost=50, actual=2):
            before = ours.room("create", within=0)
        assert ours.room("create", within=0) == before + 48 / 12

    def test_counts_what_a_call_came_to_beyond_its_charge(self) -> None:
        ours = pace(POINTS, Clock())
        before = ours.room("create", within=0)
        ours.take("look")
        ours.answered("look")
        ours.learn("look", cost=600, actual=600)
        assert ours.room("create", within=0) == before - 600 / 12


class TestState:
    @pytest.mark.parametrize("limits", [BUCKET, WINDOW, POINTS])
    def test_goes_along_to_the_next_process(self, limits: Limits) -> None:
        clock = Clock()
        first = pace(limits, clock)
        for _ in range(25):
            first.take("create")
        second = pace(limits, clock, kept=first.state())
        assert second.room("create", within=0.0) == first.room("create", within=0.0)
        assert second.room("create", within=0.0) < pace(limits, clock).room("create", within=0.0)


class TestShare:
    def test_leaves_the_rest_to_the_stores_own_lane(self) -> None:
        clock = Clock()
        guest = pace(Limits(rate=50, burst=50, window=1.0, is_per_operation=True), clock, share=0.25)
        assert guest.room("orders.get", within=0.0) == 12

    def test_waits_longer_where_it_has_more_patience(self) -> None:
        clock, platform = Clock(), Platform(replace(WINDOW, burst=75))
        guest = pace(WINDOW, clock, share=0.25, patience=75.0)
        for _ in range(200):
            guest.take("list")
            platform.call(clock.now)
            guest.answered("list")
        assert clock.now > 1_000_000.0 + 2 * 60


class TestHeed:
    @pytest.mark.parametrize("limits", [BUCKET, WINDOW, POINTS])
    def test_takes_over_what_the_lane_used(self, limits: Limits) -> None:
        clock = Clock()
        lane, guest = pace(limits, clock), pace(limits, clock, share=0.25, patience=90.0)
        while lane.room("create", within=0.0):
            lane.take("create")
            lane.answered("create")
        guest.heed(lane.state())
        assert guest.room("create", within=0.0) == 0
        guest.take("create")
        assert clock.now > 1_000_000.0

    @pytest.mark.parametrize("limits", [BUCKET, WINDOW, POINTS])
    def test_of_an_idle_lane_changes_nothing(self, limits: Limits) -> None:
        clock = Clock()
        lane, guest = pace(limits, clock), pace(limits, clock, share=0.25)
        lane.take("create")
        clock.sleep(600)
        before = guest.room("create", within=0.0)
        guest.heed(lane.state())
        assert before - guest.room("create", within=0.0) <= 1

    def test_keeps_the_silence_that_the_lane_was_told(self) -> None:
        clock = Clock()
        lane, guest = pace(BUCKET, clock), pace(BUCKET, clock, share=0.25)
        lane.refused("create", retry_after=9.0)
        guest.heed(lane.state())
        assert guest.wait("create") >= 9.0
