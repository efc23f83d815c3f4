"""Whoever was away writes and sends nothing more; what may have been done is looked for, and done once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from accounts.access import all_merchants, merchant_rows
from orders.models import Attention, Fulfillment, Mirror, OrderEvent, OrderState, OutboxItem, Route
from orders.work import SEND_WITHIN
from tests.journeys.conftest import STORES, Journey
from tests.journeys.workers import Worker, let_leases_lapse, wait_until

LOOK_UPS = {"shopify": "orders", "wix": "orders.search"}


def requests_of(journey: Journey, operation: str) -> int:
    """How often this was asked for."""
    return sum(1 for entry in journey.world.journal if entry["operation"] == operation)


class TestStoppedWorker:
    def test_sends_and_writes_nothing_more_once_it_was_marked_and_is_late(
        self, journey: Journey, work: Callable[[], Worker]
    ) -> None:
        """Three orders are marked; the call for the first is slow, so that two wait marked for theirs."""
        bought = [journey.buy(hold_seconds=1) for _ in range(3)]
        time.sleep(1.5)
        journey.world.tick()
        journey.world.outgoing.drain()
        journey.fault("shopify", "orderCreate", "stall", seconds=4, times=1)
        sleeper = work()
        wait_until(lambda: not journey.world.faults.listing(), seconds=40, text="the first call is under way")
        sleeper.stop()
        marked = self._fences(bought)
        assert all(is_doubtful for _, is_doubtful in marked.values())
        wait_until(lambda: journey.ledger("order.created"), seconds=10, text="Shopify carries out the first call")
        time.sleep(SEND_WITHIN)
        let_leases_lapse()
        other = work()
        is_done = lambda: all(journey.order(each).state == OrderState.MIRRORED for each in bought)  # noqa: E731
        wait_until(is_done, seconds=40, text="another has made and adopted them")
        other.kill()
        sent, written = requests_of(journey, "orderCreate"), self._rows(bought)
        sleeper.wake()
        time.sleep(4)
        assert requests_of(journey, "orderCreate") == sent
        assert self._rows(bought) == written
        assert [len(journey.ledger("order.created", each)) for each in bought] == [1, 1, 1]

    def test_leaves_the_call_to_whoever_took_over_while_it_was_still_looking(
        self, journey: Journey, work: Callable[[], Worker]
    ) -> None:
        """Stopped after the guard, before the mark: the mark itself is refused."""
        order_id = journey.buy(hold_seconds=1)
        time.sleep(1.5)
        journey.world.tick()
        journey.world.outgoing.drain()
        journey.fault("shopify", "orders", "stall", seconds=4, times=1)
        sleeper = work()
        wait_until(lambda: not journey.world.faults.listing(), seconds=40, text="it looks whether the order is there")
        sleeper.stop()
        let_leases_lapse()
        other = work()
        wait_until(lambda: journey.order(order_id).state == OrderState.MIRRORED, seconds=40, text="another makes it")
        other.kill()
        sent, written = requests_of(journey, "orderCreate"), self._rows([order_id])
        sleeper.wake()
        time.sleep(4)
        assert (requests_of(journey, "orderCreate"), self._rows([order_id])) == (sent, written)
        assert len(journey.ledger("order.created", order_id)) == 1

    def _fences(self, bought: list[str]) -> dict[str, tuple[int, bool]]:
        with all_merchants("a test looks"):
            items = OutboxItem.objects.filter(order__external_id__in=bought).select_related("order")
            return {item.order.external_id: (item.fence, item.is_doubtful) for item in items}

    def _rows(self, bought: list[str]) -> list[object]:
        with all_merchants("a test looks"):
            items = OutboxItem.objects.filter(order__external_id__in=bought)
            mirrors = Mirror.objects.filter(order__external_id__in=bought)
            events = [event for each in bought for event in _events(each)]
            return [*items.order_by("id").values(), *mirrors.order_by("id").values("id", "state", "name"), *events]


def _events(external_id: str) -> list[tuple[str, str]]:
    found = OrderEvent.objects.filter(order__external_id=external_id).order_by("id")
    return list(found.values_list("kind", "reason"))


class TestUnknownOutcome:
    @pytest.mark.parametrize("platform", STORES)
    def test_is_found_out_though_it_comes_late_and_is_shown_later(self, journey: Journey, platform: str) -> None:
        """Carried out 25 s after we gave up on it, and found by nobody for 10 s more."""
        if platform != "shopify":
            journey.connect(platform)
            self._route_to(journey, platform)
        operation = "orderCreate" if platform == "shopify" else "orders.create"
        order_id = journey.buy()
        journey.settle()
        journey.world.freeze()
        journey.fault(platform, operation, "late_commit", seconds=25)
        if platform in LOOK_UPS:
            journey.fault(platform, LOOK_UPS[platform], "stale_lookup", seconds=10, times=-1)
        journey.wait(3605)
        for _ in range(30):
            journey.wait(3)
            assert len(journey.ledger("order.created", order_id)) <= 1
        assert len(journey.ledger("order.created", order_id)) == 1
        assert journey.order(order_id).state == OrderState.MIRRORED

    def _route_to(self, journey: Journey, platform: str) -> None:
        source, store = journey.store("tiktok_shop"), journey.store(platform)
        with merchant_rows(source.merchant_id):
            Route.objects.filter(source_store=source).delete()
            Route.objects.create(merchant_id=source.merchant_id, source_store=source, destination_store=store)


class TestPoisonedOrder:
    def test_that_breaks_the_draft_stops_no_other(self, journey: Journey) -> None:
        source = journey.store("tiktok_shop")
        with merchant_rows(source.merchant_id):
            Route.objects.update(extra_hold_hours=1, hold_mode="EXTRA_HOLD")
        bought = [journey.buy() for _ in range(3)]
        journey.settle()
        journey.wait(3605)
        poisoned, *good = bought
        with all_merchants("a test spoils a row"):
            Mirror.objects.filter(order__external_id=poisoned).update(line_ids=7)
        journey.wait(3605)
        assert [journey.order(each).state for each in good] == [OrderState.MIRRORED] * 2
        for _ in range(8):
            journey.wait(60)
        order = journey.order(poisoned)
        assert (order.state, order.attention) == (OrderState.READY, Attention.REMOTE_ERROR)
        assert journey.ledger("order.created", poisoned) == []

    def test_that_breaks_the_record_of_its_create_stops_no_other(self, journey: Journey) -> None:
        """What the store made of it cannot be written down: another order has its number already."""
        first, second = (journey.mirror(journey.buy_released()) for _ in range(2))
        kind, _, number = second.external_id.rpartition("/")
        step = int(number) - int(first.external_id.rpartition("/")[2])
        with all_merchants("a test spoils a row"):
            Mirror.objects.filter(pk=first.pk).update(external_id=f"{kind}/{int(number) + 2 * step}")
        bought = [journey.buy() for _ in range(3)]
        journey.settle()
        journey.wait(3605)
        states = [journey.order(each).state for each in bought]
        assert states == [OrderState.MIRRORED, OrderState.READY, OrderState.MIRRORED]
        for _ in range(8):
            journey.wait(60)
        assert journey.order(bought[1]).attention == Attention.REMOTE_ERROR
        assert [len(journey.ledger("order.created", each)) for each in bought] == [1, 1, 1]

    def test_that_breaks_its_parcel_stops_no_other(self, journey: Journey) -> None:
        bought = [journey.buy_released() for _ in range(3)]
        poisoned, *good = bought
        for number, order_id in enumerate(bought):
            journey.control("tiktok_shop/set_status", order_id=order_id, status="ON_HOLD")
            journey.ship(order_id, f"940011189956253786636{number}")
        journey.settle()
        with all_merchants("a test spoils a row"):
            Fulfillment.objects.filter(order__external_id=poisoned).update(line_ids=7)
        for order_id in bought:
            journey.control("tiktok_shop/set_status", order_id=order_id, status="AWAITING_SHIPMENT")
        for _ in range(8):
            journey.wait(60)
        assert [len(journey.ledger("package.shipped", each)) for each in bought] == [0, 1, 1]
        assert [journey.order(each).attention for each in good] == ["", ""]
        assert journey.order(poisoned).attention == Attention.REMOTE_ERROR
