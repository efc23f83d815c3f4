"""How many lanes a process takes, where those it has do not end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from orders.runner import MOST_HERE, MOST_LANES, Runner


@pytest.fixture
def is_over() -> Iterator[threading.Event]:
    """Until then every lane hangs."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def runner(is_over: threading.Event) -> Runner:
    def hang(**_lane: Any) -> int:
        is_over.wait()
        return 0

    return Runner(clock=timezone.now, drain=hang)


def taken_after(runner: Runner, store_id: int, within: float) -> float | None:
    """The seconds until this lane was taken, or None."""
    began = time.monotonic()
    taken = runner.take(store_id=store_id, fence=1, within=within)
    return time.monotonic() - began if taken else None


class TestLanesThatHang:
    def test_keep_others_waiting_only_until_another_process_could_have_taken_them(self, runner: Runner) -> None:
        took = [taken_after(runner, store_id, 2.0) for store_id in range(MOST_HERE)]
        assert all(seconds is not None and seconds < 1.0 for seconds in took[:MOST_LANES])
        assert all(seconds is not None and 0.05 < seconds < 1.0 for seconds in took[MOST_LANES:])

    def test_fill_a_process_in_the_end(self, runner: Runner, is_over: threading.Event) -> None:
        for store_id in range(MOST_HERE):
            runner.take(store_id=store_id, fence=1, within=2.0)
        assert taken_after(runner, MOST_HERE, 0.1) is None
        is_over.set()
        assert taken_after(runner, MOST_HERE, 10.0) is not None
