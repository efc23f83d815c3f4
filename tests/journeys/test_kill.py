"""Real worker processes, killed at the worst moment; the sandbox's ledger says what really happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil
from django_q.models import OrmQ

from orders import outbox
from orders.models import OrderState
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


class TestFrozenCluster:
    def test_is_noticed_and_started_again(self, journey: Journey, work: Callable[[], Worker]) -> None:
        journey.world.outgoing.automatic = True
        worker = psutil.Process(work().process.pid)

        def idle() -> list[psutil.Process]:
            return [each for each in worker.children(recursive=True) if "idle" in " ".join(each.cmdline())]

        wait_until(lambda: len(idle()) >= 2, seconds=60, text="the cluster is up")
        for member in worker.children(recursive=True):
            member.suspend()
        order_id = journey.buy(hold_seconds=1)
        wait_until(lambda: journey.ledger("order.created", order_id), seconds=120, text="the order is in Shopify")
