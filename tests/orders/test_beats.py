"""The heartbeats of worker hosts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders import beats
from orders.beats import Workers
from orders.models import WorkerHost

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


class TestHeartbeat:
    def test_tells_how_many_work(self) -> None:
        host = beats.begin(name="north", now=NOON)
        assert beats.workers(now=NOON + beats.SILENT_AFTER) == Workers(alive=1, silent=0)
        assert beats.workers(now=NOON + MINUTE) == Workers(alive=0, silent=1)
        assert beats.beat(host=host, restarts=2, now=NOON + MINUTE)
        assert beats.workers(now=NOON + MINUTE) == Workers(alive=1, silent=0)
        assert WorkerHost.objects.get().restarts == 2

    def test_of_a_host_that_ends_in_order_is_not_missed(self) -> None:
        beats.end(host=beats.begin(name="north", now=NOON))
        assert beats.workers(now=NOON + MINUTE) == Workers(alive=0, silent=0)

    def test_of_a_killed_host_is_missed_until_it_comes_back_under_its_name(self) -> None:
        beats.begin(name="north", now=NOON)
        beats.begin(name="south", now=NOON + MINUTE)
        assert beats.workers(now=NOON + MINUTE) == Workers(alive=1, silent=1)
        beats.begin(name="north", now=NOON + MINUTE)
        assert beats.workers(now=NOON + MINUTE) == Workers(alive=2, silent=0)

    def test_of_two_workers_on_one_host_are_two(self) -> None:
        beats.begin(name="north", now=NOON)
        beats.begin(name="north", now=NOON)
        assert beats.workers(now=NOON) == Workers(alive=2, silent=0)

    def test_of_a_host_gone_for_a_day_is_forgotten(self) -> None:
        gone = beats.begin(name="north", now=NOON)
        beats.begin(name="south", now=NOON + timedelta(days=2))
        assert not beats.beat(host=gone, restarts=0, now=NOON + timedelta(days=2))
        assert beats.workers(now=NOON + timedelta(days=2)) == Workers(alive=1, silent=0)
