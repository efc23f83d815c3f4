"""What wakes the dispatch loop: the bell, and the next moment at which something falls due."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django_q.models import OrmQ

from accounts.access import all_merchants, merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore, StoreState, WebhookDelivery
from orders import lanes, queue, waking
from orders.bell import TASKS, WORK, Bell, ring
from orders.broker import BellBroker
from orders.ingest import store_order
from orders.models import Lane, Order, OutboxItem, SetAside
from tests.orders.builders import HOUR, NOON, seen

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bell() -> Iterator[Bell]:
    """The dispatch loop's, listening."""
    bell = waking.bell()
    bell.wait(seconds=0)
    yield bell
    bell.close()


@pytest.fixture
def lane(tiktok: ConnectedStore, bell: Bell) -> Lane:
    """Alice's shop with nothing due before the next poll, in an hour."""
    with all_merchants("a test sets the scene"):
        lane = Lane.objects.create(store=tiktok, merchant=tiktok.merchant, poll_at=NOON + HOUR)
    rang(bell)
    return lane


@pytest.fixture
def held_order(tiktok: ConnectedStore, lane: Lane) -> Order:
    order = store_order(seen=seen(SourceStatus.ON_HOLD), store=tiktok, now=NOON)
    assert order.check_at is not None
    return order


def rang(bell: Bell) -> bool:
    return bell.wait(seconds=0.05)


def change(lane: Lane, **fields: object) -> None:
    with all_merchants("a test moves a lane"):
        Lane.objects.filter(pk=lane.pk).update(**fields)


def look(bell: Bell, now: datetime) -> waking.Look:
    """What is seen; and what is seen is what dispatch takes."""
    seen = waking.look(bell=bell, now=now)
    with transaction.atomic():
        assert bool(lanes.dispatch(now=now, wake=lambda _chosen: None)) == seen.is_due
        transaction.set_rollback(True)
    return seen


def delivery(store: ConnectedStore, *, at: datetime, key: str = "a") -> None:
    with merchant_rows(store.merchant_id):
        WebhookDelivery.objects.create(
            merchant_id=store.merchant_id,
            store=store,
            platform=store.platform,
            delivery_key=key,
            body="{}",
            received_at=NOON,
            not_before=at,
        )


class TestLook:
    def test_finds_nothing_and_names_the_next_poll(self, lane: Lane, bell: Bell) -> None:
        assert look(bell, NOON) == waking.Look(is_due=False, next_at=NOON + HOUR, untaken_task=None, newest_task=None)
        assert look(bell, NOON + HOUR).is_due

    def test_names_the_moment_a_hold_is_over(self, held_order: Order, lane: Lane, bell: Bell) -> None:
        change(lane, poll_at=NOON + 9 * HOUR)
        assert held_order.check_at is not None
        assert look(bell, NOON).next_at == held_order.check_at
        assert not look(bell, held_order.check_at - SECOND).is_due
        assert look(bell, held_order.check_at).is_due

    def test_finds_a_delivery(self, tiktok: ConnectedStore, lane: Lane, bell: Bell) -> None:
        delivery(tiktok, at=NOON + SECOND)
        assert look(bell, NOON).next_at == NOON + SECOND
        assert look(bell, NOON + SECOND).is_due

    def test_finds_a_call(self, tiktok: ConnectedStore, shopify: ConnectedStore, lane: Lane, bell: Bell) -> None:
        store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        with all_merchants("a test moves time"):
            Lane.objects.create(store=shopify, merchant=shopify.merchant, poll_at=NOON + HOUR)
            OutboxItem.objects.update(not_before=NOON + SECOND)
            Order.objects.update(check_at=None)
        assert look(bell, NOON).next_at == NOON + SECOND
        assert look(bell, NOON + SECOND).is_due

    def test_finds_an_order_set_aside(self, tiktok: ConnectedStore, lane: Lane, bell: Bell) -> None:
        with merchant_rows(tiktok.merchant_id):
            SetAside.objects.create(
                merchant_id=tiktok.merchant_id,
                source_store=tiktok,
                external_id="576461413038785752",
                reason="?",
                not_before=NOON + SECOND,
                set_aside_at=NOON,
            )
        assert look(bell, NOON).next_at == NOON + SECOND
        assert look(bell, NOON + SECOND).is_due

    def test_finds_a_store_without_a_lane(self, tiktok: ConnectedStore, bell: Bell) -> None:
        assert look(bell, NOON).is_due

    @pytest.mark.parametrize("field", ["lease_until", "not_before"])
    def test_waits_for_a_lane_that_is_drained_or_rests(
        self, tiktok: ConnectedStore, lane: Lane, bell: Bell, field: str
    ) -> None:
        delivery(tiktok, at=NOON)
        change(lane, **{field: NOON + 7 * SECOND})
        assert look(bell, NOON).next_at == NOON + 7 * SECOND
        assert not look(bell, NOON).is_due
        assert look(bell, NOON + 8 * SECOND).is_due

    def test_leaves_a_store_alone_that_has_to_be_connected_again(
        self, tiktok: ConnectedStore, lane: Lane, bell: Bell
    ) -> None:
        delivery(tiktok, at=NOON)
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.update(state=StoreState.RECONNECT)
        assert not look(bell, NOON).is_due

    def test_names_the_task_that_nobody_took(self, bell: Bell) -> None:
        OrmQ.objects.create(key="verisync", payload="", lock=NOON + HOUR)
        waiting = OrmQ.objects.create(key="verisync", payload="", lock=NOON)
        newest = OrmQ.objects.create(key="verisync", payload="", lock=NOON + HOUR)
        seen = waking.look(bell=bell, now=NOON + 2 * SECOND)
        assert (seen.untaken_task, seen.newest_task) == (waiting.pk, newest.pk)


class TestBell:
    def test_rings_when_the_transaction_commits(self, bell: Bell) -> None:
        with transaction.atomic():
            ring(WORK)
            assert not rang(bell)
        assert rang(bell)

    def test_stays_silent_when_it_is_rolled_back(self, bell: Bell) -> None:
        with transaction.atomic():
            ring(WORK)
            transaction.set_rollback(True)
        assert not rang(bell)

    def test_rings_for_a_delivery_and_not_for_the_next_of_the_same_moment(
        self, tiktok: ConnectedStore, lane: Lane, bell: Bell
    ) -> None:
        forget_rings()
        delivery(tiktok, at=NOON)
        assert rang(bell)
        for each in range(20):
            delivery(tiktok, at=NOON, key=f"next {each}")
        heard = len(list(bell.connection().notifies(timeout=0.05)))
        assert heard <= 3  # two a second

    def test_rings_when_a_lane_is_given_back(self, lane: Lane, bell: Bell) -> None:
        change(lane, lease_until=NOON)
        rang(bell)
        forget_rings()
        change(lane, lease_until=NOON + SECOND)
        assert not rang(bell)
        change(lane, lease_until=None)
        assert rang(bell)

    def test_rings_for_a_call_to_be_made(self, tiktok: ConnectedStore, shopify: ConnectedStore, bell: Bell) -> None:
        rang(bell)
        forget_rings()
        store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        assert rang(bell)

    def test_rings_for_a_store_that_was_connected(self, bell: Bell, request: pytest.FixtureRequest) -> None:
        forget_rings()
        request.getfixturevalue("tiktok")
        assert bell.wait(seconds=2)

    def test_listens_again_after_its_connection_was_lost(self, bell: Bell) -> None:
        lost = bell.connection().info.backend_pid
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local role none")
            cursor.execute("select pg_terminate_backend(%s)", [lost])
        assert bell.wait(seconds=0.5)  # it may have rung unheard
        assert bell.wait(seconds=0)  # it listens again, and cannot know what it missed
        assert bell.connection().info.backend_pid != lost
        assert not rang(bell)
        ring(WORK)
        assert rang(bell)


@pytest.fixture
def broker(db: None) -> Iterator[BellBroker]:
    """The queue's, as the pusher of a cluster has it; it listens."""
    broker = BellBroker(list_key="verisync")
    assert broker.dequeue() is None
    yield broker
    assert broker.bell is not None
    broker.bell.close()


class TestQueue:
    def test_gives_a_task_at_once_to_who_waits_for_it(self, broker: BellBroker) -> None:
        def put() -> None:
            queue.enqueue("drain_lanes", 1, 1)
            connection.close()

        later = threading.Timer(0.3, put)
        began_at = time.monotonic()
        later.start()
        assert broker.dequeue() is None
        assert time.monotonic() - began_at < 3
        assert len(broker.dequeue() or []) == 1
        later.join()

    def test_rings_once_for_many_tasks_of_one_transaction(self, broker: BellBroker) -> None:
        assert broker.bell is not None
        with transaction.atomic():
            for fence in range(5):
                queue.enqueue("drain_lanes", 1, fence)
        assert len(list(broker.bell.connection().notifies(timeout=0.05))) == 1

    def test_asks_once_while_it_waits(self, broker: BellBroker, django_assert_max_num_queries: Any) -> None:
        later = threading.Timer(0.2, lambda: (ring(TASKS), connection.close()))
        later.start()
        with django_assert_max_num_queries(2):  # one of them whether the connection lives
            assert broker.dequeue() is None
        later.join()


def forget_rings() -> None:
    """What half a second would do."""
    with connection.cursor() as cursor:
        cursor.execute("select set_config('verisync.rung_in', '', false)")
