"""Real worker processes, killed at the worst moment; the sandbox's ledger says what really happened."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection
from django_q.models import OrmQ

from orders import outbox
from orders.models import OrderState, WorkerHost
from tests.journeys.conftest import Journey
from tests.journeys.workers import Worker, let_leases_lapse, wait_until


class TestKilledWorker:
    def test_between_create_and_settle_leaves_one_order(
        self, journey: Journey, work: Callable[[], Worker], settings: Any
    ) -> None:
        journey.world.outgoing.automatic = True
        journey.fault("shopify", "orderCreate", "silence_after", seconds=15, times=1)
        worker = work()
        order_id = journey.buy(hold_seconds=1)
        wait_until(lambda: journey.ledger("order.created", order_id), seconds=40, text="the order is made in Shopify")
        assert journey.order(order_id).state == OrderState.READY
        worker.kill()
        let_leases_lapse()
        work()
        wait_until(lambda: journey.order(order_id).state == OrderState.MIRRORED, seconds=40, text="it is adopted")
        assert len(journey.ledger("order.created", order_id)) == 1

    def test_and_an_emptied_queue_lose_nothing(self, journey: Journey, work: Callable[[], Worker]) -> None:
        journey.world.outgoing.automatic = True
        bought = [journey.buy(hold_seconds=1) for _ in range(5)]
        worker = work()
        wait_until(lambda: OrmQ.objects.exists() or journey.ledger("order.created"), seconds=40, text="work began")
        worker.kill()
        OrmQ.objects.all().delete()
        let_leases_lapse()
        work()
        wait_until(
            lambda: all(journey.ledger("order.created", order_id) for order_id in bought),
            seconds=60,
            text="all are in Shopify",
        )
        assert len(journey.ledger("order.created")) == len(bought)

    def test_leaves_its_orders_to_others_within_its_lease(self, journey: Journey, work: Callable[[], Worker]) -> None:
        journey.world.outgoing.automatic = True
        journey.fault("shopify", "orderCreate", "silence_after", seconds=15, times=1)
        worker = work()
        order_id = journey.buy(hold_seconds=1)
        wait_until(lambda: journey.ledger("order.created", order_id), seconds=40, text="the order is made in Shopify")
        worker.kill()
        killed_at = time.monotonic()
        work()
        lease = outbox.LEASE.total_seconds()
        is_mirrored = lambda: journey.order(order_id).state == OrderState.MIRRORED  # noqa: E731
        wait_until(is_mirrored, seconds=lease + 15, text="another adopts it")
        assert time.monotonic() - killed_at < lease + 5
        assert len(journey.ledger("order.created", order_id)) == 1


def idle_workers(worker: Worker) -> list[psutil.Process]:
    """Those who wait for a task. Of two that wait, one waits inside the lock."""
    found = []
    for process in psutil.Process(worker.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if " idle" in " ".join(process.cmdline()):
                found.append(process)
    return found


def said(worker: Worker, text: str) -> bool:
    return text in Path(worker.log.name).read_text()


class TestFrozenCluster:
    def test_is_noticed_and_started_again(self, journey: Journey, work: Callable[[], Worker]) -> None:
        journey.world.outgoing.automatic = True
        worker = work()
        wait_until(lambda: len(idle_workers(worker)) >= 2, seconds=60, text="the cluster is up")
        for member in psutil.Process(worker.process.pid).children(recursive=True):
            member.suspend()
        order_id = journey.buy(hold_seconds=1)
        wait_until(lambda: said(worker, "is started again"), seconds=60, text="it is noticed")
        let_leases_lapse()
        wait_until(lambda: journey.ledger("order.created", order_id), seconds=60, text="the order is in Shopify")

    def test_by_the_death_of_an_idle_worker_holding_the_lock_is_started_again(
        self, journey: Journey, work: Callable[[], Worker]
    ) -> None:
        """The guard replaces who died, but the lock of the tasks stays with the dead: nobody takes one again."""
        journey.world.outgoing.automatic = True
        worker = work()
        wait_until(lambda: len(idle_workers(worker)) >= 2, seconds=60, text="the cluster is up")
        for victim in idle_workers(worker):  # one of the first two has the lock
            victim.kill()
            wait_until(lambda: len(idle_workers(worker)) >= 2, seconds=30, text="the dead one is replaced")
        order_id = journey.buy(hold_seconds=1)
        wait_until(lambda: said(worker, "is started again: nobody"), seconds=60, text="it is noticed")
        let_leases_lapse()
        wait_until(lambda: journey.ledger("order.created", order_id), seconds=60, text="the order is in Shopify")
        assert len(journey.ledger("order.created", order_id)) == 1


class TestWorkerHost:
    def test_that_is_started_while_the_database_is_away_waits_for_it(
        self, journey: Journey, work: Callable[..., Worker], tmp_path: Path
    ) -> None:
        if not connection.settings_dict["HOST"].startswith("/"):
            pytest.skip("the database has no socket here")
        host = tmp_path / "postgres"
        worker = work(host=str(host))
        wait_until(lambda: said(worker, "The database does not answer"), seconds=30, text="it says so")
        host.symlink_to(connection.settings_dict["HOST"])
        wait_until(lambda: said(worker, "Working."), seconds=10, text="it goes on")
        assert Path(worker.log.name).read_text().count("does not answer") == 1

    def test_that_finds_no_tables_says_what_to_do(self, journey: Journey, work: Callable[..., Worker]) -> None:
        worker = work(name="postgres")
        assert worker.process.wait(timeout=30) == 1
        assert "run `manage.py migrate` first" in Path(worker.log.name).read_text()

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
    def test_that_is_killed_takes_its_whole_cluster_with_it(self, journey: Journey, work: Callable[[], Worker]) -> None:
        worker = work()
        wait_until(lambda: len(idle_workers(worker)) >= 2, seconds=60, text="the cluster is up")
        wait_until(lambda: WorkerHost.objects.exists(), seconds=10, text="its heart beats")
        family = psutil.Process(worker.process.pid).children(recursive=True)
        worker.process.kill()
        assert not psutil.wait_procs(family, timeout=10)[1]
        assert WorkerHost.objects.exists()  # and is missed

    def test_that_is_told_to_end_leaves_nobody_and_is_not_missed(
        self, journey: Journey, work: Callable[[], Worker]
    ) -> None:
        worker = work()
        wait_until(lambda: len(idle_workers(worker)) >= 2, seconds=60, text="the cluster is up")
        wait_until(lambda: WorkerHost.objects.exists(), seconds=10, text="its heart beats")
        family = psutil.Process(worker.process.pid).children(recursive=True)
        worker.process.terminate()
        assert worker.process.wait(timeout=10) == 0
        assert not psutil.wait_procs(family, timeout=5)[1]
        assert not WorkerHost.objects.exists()
