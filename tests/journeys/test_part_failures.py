"""A call that fails for a moment costs what it asked for, and nothing that was to be read beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from accounts.access import all_merchants, merchant_rows
from connectors.models import StoreState, WebhookDelivery
from connectors.speaking import TokenRenewed, speaking_to_destination
from orders import draining, lanes, routing
from orders.models import Lane, OrderState, OutboxItem, OutboxKind, OutboxStatus, Route, SetAside
from tests.journeys.conftest import Journey

SLOW = 10  # seconds: far more than the rest takes on a busy machine, and less than we wait for an answer


def calls_made(journey: Journey, operation: str, platform: str = "tiktok_shop") -> int:
    found = journey.look("calls")["calls"]
    return sum(row["calls"] for row in found if (row["platform"], row["operation"]) == (platform, operation))


def drain_with_a_crew(journey: Journey, platform: str) -> None:
    """As a worker does it: what is due in the store's lane now, with many calls at once."""
    woken: list[tuple[int, int]] = []
    lanes.dispatch(now=journey.now(), wake=woken.extend)
    fences = dict(woken)
    store_id = journey.store(platform).pk
    draining.drain(store_id=store_id, fence=fences[store_id], clock=journey.now, most_senders=lambda: 16)


def cancelled_and_bought(journey: Journey) -> tuple[list[str], list[str]]:
    """Orders to cancel in Shopify, and orders to create there, all due since it did not answer."""
    cancelled = [journey.buy() for _ in range(3)]
    journey.settle()
    journey.wait(journey.world.hold_seconds + 5)
    bought = [journey.buy() for _ in range(5)]
    journey.settle()
    journey.fault("shopify", "*", "status", status=503, times=-1)
    for order_id in cancelled:
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
    journey.wait(journey.world.hold_seconds + 5)
    journey.world.faults.clear()
    journey.world.advance(120)
    with all_merchants("a test: the outage is over"):
        Lane.objects.update(rests=0, not_before=None, pace={})
    with speaking_to_destination(journey.store("shopify"), clock=journey.now):
        pass  # the token is renewed, where that is due
    return cancelled, bought


class TestCrew:
    def test_what_is_seldom_and_slow_keeps_no_order_waiting(self, journey: Journey) -> None:
        cancelled, bought = cancelled_and_bought(journey)
        journey.fault("shopify", "orderCancel", "silence_after", seconds=SLOW, times=-1)
        drain_with_a_crew(journey, "shopify")
        ended = [each["at"] for each in journey.ledger("order.cancelled") if each["platform"] == "shopify"]
        created = [journey.ledger("order.created", order_id)[0]["at"] for order_id in bought]
        assert len(ended) == len(cancelled)
        assert max(created) < min(ended) + SLOW

    def test_many_parcels_are_read_at_once_and_one_that_fails_later(self, journey: Journey) -> None:
        bought = [journey.buy() for _ in range(8)]
        journey.settle()
        journey.wait(journey.world.hold_seconds + 5)
        for place, order_id in enumerate(bought):
            journey.ship(order_id, f"940011189956253786636{place}")
        journey.world.outgoing.drain()
        journey.fault("shopify", "order", "status", status=500, times=1)
        drain_with_a_crew(journey, "shopify")
        assert sorted(len(journey.fulfillments(order_id)) for order_id in bought) == [0, *[1] * 7]
        journey.wait(3)
        assert {journey.order(order_id).state for order_id in bought} == {OrderState.FULFILLED}

    def test_a_poll_that_takes_long_keeps_no_parcel_waiting(self, journey: Journey) -> None:
        bought = [journey.buy() for _ in range(5)]
        journey.settle()
        journey.wait(journey.world.hold_seconds + 5)
        journey.fault("tiktok_shop", "orders.ship", "status", status=503, times=5)
        for place, order_id in enumerate(bought):
            journey.ship(order_id, f"940011189956253786636{place}")
        journey.settle()
        journey.world.faults.clear()
        with all_merchants("a test has it polled now"):
            Lane.objects.update(poll_at=journey.now(), pace={})
        journey.world.advance(30)
        journey.fault("tiktok_shop", "orders.search", "stall", seconds=SLOW, times=1)
        began = journey.now().timestamp()
        drain_with_a_crew(journey, "tiktok_shop")
        told = [journey.ledger("package.shipped", order_id)[0]["at"] for order_id in bought]
        assert max(told) < began + SLOW < journey.now().timestamp()

    def test_gives_back_what_it_has_no_time_for(self, journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
        cancelled, bought = cancelled_and_bought(journey)
        with monkeypatch.context() as patch:
            patch.setattr(draining, "SEND_FOR", -1.0)
            patch.setattr(draining, "DRAIN_FOR", timedelta())
            drain_with_a_crew(journey, "shopify")
        with all_merchants("a test looks"):
            left = OutboxItem.objects.filter(kind=OutboxKind.CANCEL_ORDER, store=journey.store("shopify"))
            assert {(item.status, item.lease_until) for item in left} == {(OutboxStatus.PENDING, None)}
        journey.settle()
        ended = [each for each in journey.ledger("order.cancelled") if each["platform"] == "shopify"]
        assert len(ended) == len(cancelled)
        assert all(journey.shopify_order(order_id) for order_id in bought)


class TestPartFailures:
    def test_a_parcel_that_cannot_be_read_stops_no_other(self, journey: Journey) -> None:
        first, second = journey.buy(), journey.buy()
        journey.settle()
        journey.wait(journey.world.hold_seconds + 5)
        for order_id, number in ((first, "9400111899562537866361"), (second, "9400111899562537866378")):
            journey.ship(order_id, number)
        journey.fault("shopify", "order", "status", status=500, times=1)
        journey.settle()
        states = [journey.order(order_id).state for order_id in (first, second)]
        assert states == [OrderState.MIRRORED, OrderState.FULFILLED]
        with all_merchants("a test looks"):
            unread = WebhookDelivery.objects.filter(processed_at=None)
            assert {(each.attempts, each.outcome) for each in unread} == {(1, "The platform failed (HTTP 500)")}
        journey.wait(3)
        assert journey.order(first).state == OrderState.FULFILLED
        with all_merchants("a test looks"):
            assert not WebhookDelivery.objects.filter(processed_at=None).exists()

    def test_a_hold_that_cannot_be_asked_about_is_asked_about_again_soon(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.fault("tiktok_shop", "orders.detail", "status", status=500, times=1)
        journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        with all_merchants("a test has nothing polled"):
            Lane.objects.update(poll_at=journey.now() + timedelta(hours=3))
        journey.wait(journey.world.hold_seconds + 5)
        with all_merchants("a test looks"):
            assert Lane.objects.get(store=journey.store("tiktok_shop")).not_before is None
        assert journey.order(order_id).state == OrderState.HELD
        journey.wait(3)
        assert journey.order(order_id).state == OrderState.MIRRORED

    def test_an_order_that_is_set_aside_and_cannot_be_read_again_stops_no_other(self, journey: Journey) -> None:
        spoiled = journey.buy()
        created = journey.tiktok_order(spoiled)["create_time"]
        journey.control("tiktok_shop/update_fields", order_id=spoiled, fields={"create_time": "__absent__"})
        journey.settle()
        journey.control("tiktok_shop/update_fields", order_id=spoiled, fields={"create_time": created})
        journey.world.outgoing.drain()
        with all_merchants("a test looks"):
            WebhookDelivery.objects.filter(processed_at=None).delete()
            assert SetAside.objects.count() == 1
        journey.fault("tiktok_shop", "orders.detail", "status", status=500, times=1)
        journey.wait(6)
        with all_merchants("a test looks"):
            assert Lane.objects.get(store=journey.store("tiktok_shop")).not_before is None
        journey.wait(6)
        assert journey.order(spoiled).state == OrderState.HELD

    def test_cancellations_of_many_orders_are_read_together(self, journey: Journey) -> None:
        bought = [journey.buy() for _ in range(12)]
        journey.settle()
        journey.wait(journey.world.hold_seconds + 5)
        before = calls_made(journey, "cancellations.search")
        for order_id in bought:
            journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        journey.settle()
        assert {journey.order(order_id).state for order_id in bought} == {OrderState.CANCELLED}
        assert calls_made(journey, "cancellations.search") - before <= 3
        with all_merchants("a test looks"):
            assert all(journey.order(order_id).cancellations.count() == 1 for order_id in bought)

    def test_amazons_list_is_read_once_for_all_orders_in_doubt(self, journey: Journey) -> None:
        """`make proof` with 10,000 orders: it was read page by page for each of them, and one page that failed ended
        it; some orders were tried twenty times without a create."""
        journey.connect("amazon")
        with merchant_rows(journey.store("tiktok_shop").merchant_id):
            Route.objects.all().delete()
            route = Route(source_store=journey.store("tiktok_shop"), destination_store=journey.store("amazon"))
            routing.save_route(route=route)
        bought = [journey.buy() for _ in range(6)]
        journey.settle()
        journey.fault("amazon", "orders.create", "reset_before", times=6)
        journey.wait(journey.world.hold_seconds + 5)
        assert [journey.orders_in("amazon", order_id) for order_id in bought] == [[]] * 6
        assert all(item.is_doubtful for order_id in bought for item in journey.items(order_id))
        journey.world.advance(60)
        journey.fault("amazon", "orders.changed", "status", status=500, times=1)
        journey.fault("amazon", "orders.get", "status", status=500, times=1)
        before = calls_made(journey, "orders.changed", "amazon")
        drain_with_a_crew(journey, "amazon")
        assert calls_made(journey, "orders.changed", "amazon") - before <= 3  # a poll is one of them
        assert [len(journey.orders_in("amazon", order_id)) for order_id in bought] == [1] * 6


class TestDatabaseAway:
    def test_gives_the_lane_back_once_it_is_there_again(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.world.advance(journey.world.hold_seconds + 5)
        store_id = journey.store("tiktok_shop").pk
        woken: list[tuple[int, int]] = []
        lanes.dispatch(now=journey.now(), wake=woken.extend)
        cuts = [connection.connection]

        def cut_off() -> int:
            """Asked in the middle of the lane's work."""
            if cuts:
                cuts.pop().close()
            return 1

        draining.drain(store_id=store_id, fence=dict(woken)[store_id], clock=journey.now, most_senders=cut_off)
        with all_merchants("a test looks"):
            assert Lane.objects.get(store=store_id).lease_until is None
        for other_id, fence in woken:
            lanes.give_back(store_id=other_id, fence=fence)
        journey.settle()
        assert len(journey.ledger("order.created", order_id)) == 1


def speak_for_long(journey: Journey) -> None:
    """In a thread whose token another thread has renewed meanwhile."""
    store = journey.store("shopify")
    with speaking_to_destination(store, clock=journey.now) as shop:
        journey.world.advance(3700)
        with speaking_to_destination(store, clock=journey.now):
            pass
        shop.fetch_order("1")


class TestSharedToken:
    def test_renewed_by_another_thread_meanwhile_is_not_lost(self, journey: Journey) -> None:
        """Seen in a lane that polls and sends at once: the old token was refused, and the new one taken for it."""
        with pytest.raises(TokenRenewed):
            speak_for_long(journey)
        assert journey.store("shopify").state == StoreState.CONNECTED
