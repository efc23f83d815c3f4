"""Some of an order's items are cancelled at the source."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import PlatformOrder, SourceStatus
from connectors.models import ConnectedStore
from orders import partial
from orders.ingest import store_order
from orders.models import Attention, Mirror, MirrorState, Order, OutboxItem, OutboxKind, OutboxStatus
from tests.factories import StoreFactory
from tests.orders.aftersale_builders import LATER, LINE, OTHER, again, items_of, mirrored, shipped, two_candles
from tests.orders.builders import HOUR, NOON, seen


@pytest.fixture
def wix(tiktok: ConnectedStore) -> ConnectedStore:
    """A store that cancels no single items."""
    return StoreFactory(merchant=tiktok.merchant, platform="wix", part="DESTINATION", external_id="wix-1", name="Wix")


def without(*line_ids: str, at: datetime = LATER, **changes: Any) -> PlatformOrder:
    """The reading of two candles of which these are cancelled."""
    whole = seen(SourceStatus.AWAITING_SHIPMENT, updated_at=at, **two_candles(**changes))
    lines = tuple(replace(line, status="CANCELLED") if line.external_id in line_ids else line for line in whole.lines)
    return replace(whole, lines=lines)


def mirror_of(order: Order) -> Mirror:
    with merchant_rows(order.merchant_id):
        return Mirror.objects.get(order=order)


def cancels_of(order: Order) -> list[dict[str, int]]:
    with merchant_rows(order.merchant_id):
        found = OutboxItem.objects.filter(order=order, kind=OutboxKind.CANCEL_LINES).order_by("id")
        return [item.facts["lines"] for item in found]


class TestCancelledLines:
    def test_are_cancelled_in_the_store_once(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify, **two_candles())
        for _ in range(2):
            store_order(seen=without(OTHER), store=tiktok, now=LATER)
        store_order(seen=without(OTHER, at=LATER + HOUR, buyer_message="Hi"), store=tiktok, now=LATER)
        assert cancels_of(order) == [{OTHER: 1}]
        assert (again(order).cancelled_lines, mirror_of(order).left_out) == (1, [OTHER])

    def test_that_are_all_of_it_in_this_store_cancel_its_order(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, shopify, **two_candles())
        with merchant_rows(order.merchant_id):
            Mirror.objects.filter(pk=mirror.pk).update(line_ids=[OTHER])
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        assert "CANCEL_ORDER" in dict(items_of(order))

    def test_are_a_task_with_a_link_where_the_store_cannot(self, tiktok: ConnectedStore, wix: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, wix, **two_candles())
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        order = again(order)
        detail = order.attention_detail
        assert order.attention == Attention.ALREADY_CANCELLED
        assert (detail["cancelled"], detail["of"], detail["items"]) == (1, 2, ["1 × TIN-LAV-04"])
        assert detail["url"]

    def test_are_watched_until_the_store_sent_the_rest(self, tiktok: ConnectedStore, wix: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, wix, **two_candles())
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        shipped(mirror, LINE)
        with merchant_rows(order.merchant_id):
            locked = Order.objects.select_for_update().get(pk=order.pk)
            partial.follow_parcels(order=locked, mirror=mirror_of(order), now=LATER)
        assert again(order).attention == ""

    def test_that_the_store_sent_all_the_same_stay_a_question(
        self, tiktok: ConnectedStore, wix: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, wix, **two_candles())
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        shipped(mirror, LINE, OTHER)
        with merchant_rows(order.merchant_id):
            locked = Order.objects.select_for_update().get(pk=order.pk)
            partial.follow_parcels(order=locked, mirror=mirror_of(order), now=LATER)
        assert again(order).attention == Attention.ALREADY_CANCELLED

    def test_that_left_already_are_told_with_both_facts(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, shopify, **two_candles())
        shipped(mirror, OTHER)
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        assert again(order).attention_detail["has_left"]
        assert cancels_of(order) == []

    def test_of_an_order_that_is_not_created_yet_are_nothing_to_cancel(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        whole = seen(SourceStatus.AWAITING_SHIPMENT, **two_candles())
        order = store_order(seen=whole, store=tiktok, now=NOON)
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        assert (mirror_of(order).state, cancels_of(order)) == (MirrorState.PLANNED, [])

    def test_of_an_order_that_was_made_meanwhile_are_cancelled_then(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        whole = seen(SourceStatus.AWAITING_SHIPMENT, **two_candles())
        order = store_order(seen=whole, store=tiktok, now=NOON)
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        with merchant_rows(order.merchant_id):
            Mirror.objects.update(state=MirrorState.CREATED, external_id="gid://shopify/Order/1", name="#1001")
            partial.follow_made(order=Order.objects.select_for_update().get(pk=order.pk), now=LATER)
        assert cancels_of(order) == [{OTHER: 1}]

    def test_never_hold_up_the_cancellation_of_the_whole(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify, **two_candles())
        store_order(seen=without(OTHER), store=tiktok, now=LATER)
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.filter(kind=OutboxKind.CANCEL_LINES).update(is_doubtful=True)
        gone = replace(without(LINE, OTHER, at=LATER + HOUR), status=SourceStatus.CANCELLED)
        store_order(seen=gone, store=tiktok, now=LATER)
        items = dict(items_of(order))
        assert (items["CANCEL_LINES"], items["CANCEL_ORDER"]) == (OutboxStatus.DROPPED, OutboxStatus.PENDING)
