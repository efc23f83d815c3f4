"""What the source says becomes our order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import AddressState, Shipper, SourceStatus
from connectors.models import ConnectedStore, StoreState
from orders import outbox
from orders.ingest import store_order
from orders.models import (
    Attention,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OrderVersion,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    Route,
)
from orders.reading import keep_orders
from tests.orders.builders import HOUR, NOON, seen

S = SourceStatus


def later(minutes: int, status: SourceStatus, **changes: Any) -> Any:
    return seen(status, updated_at=NOON + timedelta(minutes=minutes), **changes)


def order_of(store: ConnectedStore) -> Order:
    with merchant_rows(store.merchant_id):
        return Order.objects.get(source_store=store)


def kinds_of(store: ConnectedStore) -> list[str]:
    with merchant_rows(store.merchant_id):
        return [event.kind for event in order_of(store).events.order_by("id")]


class TestNewOrder:
    def test_is_held_until_an_hour_after_the_payment(self, tiktok: ConnectedStore) -> None:
        order = store_order(seen=seen(), store=tiktok, now=NOON)
        assert (order.state, order.release_at, order.check_at) == (OrderState.HELD, NOON + HOUR, NOON + HOUR)

    def test_without_a_hold_at_tiktok_waits_our_hour(self, tiktok: ConnectedStore) -> None:
        order = store_order(seen=seen(S.AWAITING_SHIPMENT, is_on_hold_order=False), store=tiktok, now=NOON)
        assert (order.state, order.check_at) == (OrderState.HELD, NOON + HOUR)

    def test_whose_hold_tiktok_ended_is_released_at_once(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = store_order(seen=seen(S.AWAITING_SHIPMENT), store=tiktok, now=NOON + timedelta(minutes=5))
        assert order.state == OrderState.READY
        with merchant_rows(tiktok.merchant_id):
            assert OutboxItem.objects.get().kind == OutboxKind.CREATE_ORDER

    def test_for_later_sale_is_held_until_its_release_date(self, tiktok: ConnectedStore) -> None:
        weeks = NOON + timedelta(weeks=3)
        order = store_order(seen=seen(is_preorder=True, release_date=weeks), store=tiktok, now=NOON)
        assert order.release_at == weeks

    @pytest.mark.parametrize(
        ("changes", "rule"),
        [
            ({"created_at": NOON - timedelta(days=2)}, "Older than the connection"),
            ({"shipper": Shipper.PLATFORM}, "Shipped by TikTok"),
            ({"shipper": Shipper.PLATFORM_WAREHOUSE}, "TikTok's warehouse ships it"),
            ({"status": S.IN_TRANSIT}, "Shipped outside VeriSync"),
        ],
    )
    def test_that_is_not_ours_is_skipped_by_a_named_rule(
        self, tiktok: ConnectedStore, changes: dict[str, Any], rule: str
    ) -> None:
        order = store_order(seen=replace(seen(S.AWAITING_SHIPMENT), **changes), store=tiktok, now=NOON)
        assert (order.state, order.skip_rule) == (OrderState.SKIPPED, rule)

    def test_with_an_unknown_status_is_kept_and_asks_a_person(self, tiktok: ConnectedStore) -> None:
        order = store_order(seen=seen(S.UNKNOWN, status_text="BACKORDERED"), store=tiktok, now=NOON)
        assert (order.state, order.attention) == (OrderState.HELD, Attention.UNKNOWN_STATUS)
        assert order.source_status_text == "BACKORDERED"

    def test_that_could_not_be_read_whole_is_kept_and_asks_a_person(self, tiktok: ConnectedStore) -> None:
        order = store_order(seen=seen(lines=(), payment=None, problems=("no lines",)), store=tiktok, now=NOON)
        assert (order.state, order.attention) == (OrderState.HELD, Attention.UNREADABLE)

    def test_cancelled_before_we_saw_it_is_listed_and_never_created(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order = store_order(seen=seen(S.CANCELLED), store=tiktok, now=NOON)
        assert order.state == OrderState.CANCELLED
        with merchant_rows(tiktok.merchant_id):
            assert not OutboxItem.objects.exists()


class TestReading:
    def test_repeated_changes_nothing(self, tiktok: ConnectedStore) -> None:
        for _ in range(3):
            order = store_order(seen=seen(), store=tiktok, now=NOON)
        assert kinds_of(tiktok) == ["order.received"]
        with merchant_rows(tiktok.merchant_id):
            assert OrderVersion.objects.count() == 1
        assert order_of(tiktok).version == order.version

    def test_that_is_older_stays_in_the_timeline_only(self, tiktok: ConnectedStore) -> None:
        store_order(seen=later(10, S.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        store_order(seen=later(5, S.ON_HOLD), store=tiktok, now=NOON)
        assert order_of(tiktok).source_status == S.AWAITING_SHIPMENT
        assert kinds_of(tiktok)[-1] == "source.older_reading"

    def test_never_moves_the_status_back(self, tiktok: ConnectedStore) -> None:
        store_order(seen=later(10, S.IN_TRANSIT), store=tiktok, now=NOON)
        store_order(seen=later(20, S.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        assert order_of(tiktok).source_status == S.IN_TRANSIT

    def test_of_the_same_second_with_a_later_status_counts(self, tiktok: ConnectedStore) -> None:
        store_order(seen=seen(), store=tiktok, now=NOON)
        store_order(seen=seen(S.CANCELLED), store=tiktok, now=NOON)
        assert order_of(tiktok).state == OrderState.CANCELLED

    def test_in_any_order_and_number_ends_the_same(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        story = [
            seen(S.UNPAID),
            later(1, S.ON_HOLD),
            later(61, S.AWAITING_SHIPMENT),
            later(90, S.AWAITING_SHIPMENT, cancel_requested=True),
            later(95, S.CANCELLED, cancel_reason="Changed my mind"),
        ]
        for seed in range(12):
            told = [reading for reading in story for _ in range(random.Random(seed).randint(1, 3))]
            random.Random(seed).shuffle(told)
            other = f"5764614130387{seed:05}"
            for reading in told:
                store_order(seen=replace(reading, external_id=other), store=tiktok, now=NOON + 2 * HOUR)
            with merchant_rows(tiktok.merchant_id):
                order = Order.objects.get(external_id=other)
                assert order.state == OrderState.CANCELLED
                left = order.outbox.exclude(status=OutboxStatus.DROPPED).exclude(kind=OutboxKind.READ_CANCELS)
                assert not left.exists()

    def test_that_shows_the_address_lets_the_order_go_on(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = store_order(
            seen=seen(S.AWAITING_SHIPMENT, address=None, address_state=AddressState.MISSING), store=tiktok, now=NOON
        )
        with merchant_rows(tiktok.merchant_id):
            item = outbox.claim(store=shopify, now=NOON, limit=1)[0]
            outbox.postpone(item=item, now=NOON, error="No address yet", wait=600)
            Order.objects.filter(pk=order.pk).update(attention=Attention.ADDRESS_NOT_RELEASED)
        store_order(seen=later(3, S.AWAITING_SHIPMENT), store=tiktok, now=NOON + timedelta(minutes=3))
        with merchant_rows(tiktok.merchant_id):
            assert outbox.claim(store=shopify, now=NOON + timedelta(minutes=3), limit=1)
        assert order_of(tiktok).attention == ""

    def test_that_cannot_be_kept_is_set_aside_and_stops_no_other(self, tiktok: ConnectedStore) -> None:
        spoiled = replace(seen(), external_id="1", delivery_option_name="\x00")
        outcomes = keep_orders(store=tiktok, seen=[spoiled, replace(seen(), external_id="2")], now=NOON)
        assert outcomes["1"].startswith("Set aside")
        assert outcomes["2"].startswith("Read")
        with merchant_rows(tiktok.merchant_id):
            assert tiktok.set_aside.get().external_id == "1"


class TestRelease:
    def test_comes_from_tiktoks_word(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        store_order(seen=seen(), store=tiktok, now=NOON)
        store_order(seen=later(60, S.AWAITING_SHIPMENT, is_on_hold_order=False), store=tiktok, now=NOON + HOUR)
        assert kinds_of(tiktok) == ["order.received", "source.status_changed", "order.released"]

    def test_never_comes_from_the_clock_alone(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        store_order(seen=seen(), store=tiktok, now=NOON)
        store_order(seen=later(200, S.ON_HOLD), store=tiktok, now=NOON + 4 * HOUR)
        assert order_of(tiktok).state == OrderState.HELD

    def test_of_an_order_tiktok_never_held_comes_after_our_hour(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        free = seen(S.AWAITING_SHIPMENT, is_on_hold_order=False)
        store_order(seen=free, store=tiktok, now=NOON)
        store_order(seen=free, store=tiktok, now=NOON + HOUR - timedelta(seconds=1))
        assert order_of(tiktok).state == OrderState.HELD
        store_order(seen=free, store=tiktok, now=NOON + HOUR)
        assert order_of(tiktok).state == OrderState.READY

    def test_goes_by_the_sources_clock_where_that_is_told(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        free = seen(S.AWAITING_SHIPMENT, is_on_hold_order=False, told_at=NOON + HOUR - timedelta(seconds=1))
        ours = NOON + HOUR + timedelta(seconds=25)
        order = store_order(seen=free, store=tiktok, now=ours)
        assert (order.state, order.check_at) == (OrderState.HELD, ours + timedelta(seconds=2))
        store_order(seen=replace(free, told_at=NOON + HOUR), store=tiktok, now=NOON + HOUR - timedelta(minutes=4))
        assert order_of(tiktok).state == OrderState.READY

    def test_waits_the_merchants_extra_hours(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            Route.objects.create(
                merchant_id=tiktok.merchant_id,
                source_store=tiktok,
                destination_store=shopify,
                hold_mode="EXTRA_HOLD",
                extra_hold_hours=5,
            )
        store_order(seen=seen(S.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert not outbox.claim(store=shopify, now=NOON + 5 * HOUR - timedelta(seconds=1), limit=1)
            assert outbox.claim(store=shopify, now=NOON + 5 * HOUR, limit=1)

    def test_goes_to_no_store_when_several_are_connected_and_none_was_chosen(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.create(
                merchant_id=tiktok.merchant_id, platform="shopify", part="DESTINATION", external_id="two", name="two"
            )
        store_order(seen=seen(S.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert not OutboxItem.objects.exists()

    def test_goes_to_no_store_that_was_disconnected(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=shopify.pk).update(state=StoreState.DISCONNECTED)
        store_order(seen=seen(S.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert not OutboxItem.objects.exists()


class TestCancellation:
    def released(self, tiktok: ConnectedStore) -> Order:
        return store_order(seen=seen(S.AWAITING_SHIPMENT), store=tiktok, now=NOON)

    def mirrored(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> Order:
        order = self.released(tiktok)
        with merchant_rows(tiktok.merchant_id):
            OutboxItem.objects.update(status=OutboxStatus.DONE)
            Mirror.objects.update(state=MirrorState.CREATED, external_id="gid://1", name="#1001")
            Order.objects.filter(pk=order.pk).update(state=OrderState.MIRRORED)
        return order

    def test_on_hold_means_never_created(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        store_order(seen=seen(), store=tiktok, now=NOON)
        store_order(seen=later(20, S.CANCELLED), store=tiktok, now=NOON)
        order = order_of(tiktok)
        assert (order.state, order.check_at) == (OrderState.CANCELLED, None)
        with merchant_rows(tiktok.merchant_id):
            assert not OutboxItem.objects.exists()

    def test_before_the_create_takes_the_intent_back(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        self.released(tiktok)
        store_order(seen=later(20, S.CANCELLED), store=tiktok, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert OutboxItem.objects.get().status == OutboxStatus.DROPPED
            assert Mirror.objects.get().state == MirrorState.DROPPED

    def test_keeps_a_create_whose_outcome_is_unknown(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        self.released(tiktok)
        with merchant_rows(tiktok.merchant_id):
            OutboxItem.objects.update(is_doubtful=True, sent_at=NOON)
        store_order(seen=later(20, S.CANCELLED), store=tiktok, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert OutboxItem.objects.get().status == OutboxStatus.PENDING
            assert Mirror.objects.get().state == MirrorState.PLANNED

    def test_after_the_create_cancels_the_stores_order(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        self.mirrored(tiktok, shopify)
        for _ in range(2):
            store_order(seen=later(20, S.CANCELLED), store=tiktok, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert OutboxItem.objects.filter(kind=OutboxKind.CANCEL_ORDER).count() == 1

    def test_after_the_parcel_left_asks_a_person(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = self.mirrored(tiktok, shopify)
        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=order.pk).update(state=OrderState.FULFILLED)
        store_order(seen=later(20, S.CANCELLED), store=tiktok, now=NOON)
        assert order_of(tiktok).attention == Attention.ALREADY_CANCELLED
        with merchant_rows(tiktok.merchant_id):
            assert not OutboxItem.objects.filter(kind=OutboxKind.CANCEL_ORDER).exists()

    def test_asked_for_is_noted_and_so_is_its_end(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        self.released(tiktok)
        store_order(seen=later(20, S.AWAITING_SHIPMENT, cancel_requested=True), store=tiktok, now=NOON)
        assert order_of(tiktok).cancel_requested_at
        store_order(seen=later(30, S.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        assert kinds_of(tiktok)[-2:] == ["cancellation.requested", "cancellation.withdrawn"]
