"""When a task cluster counts as frozen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orders.broker import Report
from orders.frozen import Judge, Seen


def verdicts(
    seen: Callable[[float], Seen], *, seconds: int, began_at: float = 0.0, judge: Judge | None = None
) -> list[str]:
    judge = judge or Judge(watching_since=began_at)
    return [judge.verdict(seen(float(now)), now=float(now)) for now in range(seconds)]


def cluster(
    now: float, *, tasks: int = 0, untaken: int | None = None, newest: int | None = None, is_busy: bool = False
) -> Seen:
    return Seen(report=Report(tasks=tasks, said_at=now - 0.5), untaken=untaken, newest=newest, is_busy=lambda: is_busy)


class TestFrozen:
    def test_is_not_said_of_one_that_has_nothing_to_do(self) -> None:
        assert not any(verdicts(cluster, seconds=600))

    def test_is_said_when_the_same_task_waits_and_nobody_works(self) -> None:
        said = verdicts(lambda now: cluster(now, untaken=7, newest=9), seconds=10)
        assert said.index("nobody takes the tasks") == 5
        assert not any(said[:5])

    def test_is_said_when_a_task_was_taken_and_nobody_begins_it(self) -> None:
        assert verdicts(lambda now: cluster(now, tasks=1, newest=9), seconds=10)[5] == "nobody begins the tasks"

    def test_is_said_in_the_end_though_other_hosts_take_new_tasks_all_the_time(self) -> None:
        said = verdicts(lambda now: cluster(now, tasks=1, newest=int(now)), seconds=30)
        assert said.index("nobody has begun a task for long") == 21

    @pytest.mark.parametrize("untaken", [None, 7])
    def test_is_not_said_while_somebody_works(self, untaken: int | None) -> None:
        assert not any(verdicts(lambda now: cluster(now, tasks=2, untaken=untaken, is_busy=True), seconds=60))

    def test_is_not_said_of_quick_tasks_that_are_seen_between_two_others(self) -> None:
        def seen(now: float) -> Seen:
            return cluster(now, tasks=int(now) % 3 > 0, untaken=int(now), newest=int(now) + 2, is_busy=now % 5 == 0)

        assert not any(verdicts(seen, seconds=600))

    def test_is_not_said_of_one_that_is_still_starting(self) -> None:
        nothing = Seen(report=None, untaken=7, newest=7, is_busy=lambda: False)
        said = verdicts(lambda now: nothing, seconds=40)
        assert said.index("it does not begin") == 31

    def test_is_said_when_its_guard_falls_silent(self) -> None:
        silent = Seen(report=Report(tasks=0, said_at=5.0), untaken=None, newest=None, is_busy=lambda: False)
        assert verdicts(lambda now: silent, seconds=20).index("its guard is silent") == 16

    def test_is_not_said_by_a_judge_who_was_stopped_himself(self) -> None:
        judge = Judge(watching_since=0.0)
        assert not judge.verdict(cluster(1.0, untaken=7, newest=9), now=1.0)
        woken = Seen(report=Report(tasks=0, said_at=1.5), untaken=7, newest=9, is_busy=lambda: False)
        assert not judge.verdict(woken, now=300.0)
        assert not judge.verdict(cluster(301.0, untaken=7, newest=9), now=301.0)
