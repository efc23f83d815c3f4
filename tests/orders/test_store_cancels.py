"""From the store, or from a person here, to the source."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders import requests, saving, store_cancels
from orders.aftersale_rules import AftersaleRules, CancelReason
from orders.models import Mirror, MirrorState, Order, OrderState, OutboxItem, OutboxKind, OutboxStatus
from orders.states import NotPossible
from tests.orders.aftersale_builders import (
    LATER,
    LINE,
    OTHER,
    cancellation,
    items_of,
    kinds_of,
    mirrored,
    shipped,
    two_candles,
)
from tests.orders.builders import NOON


def switch_on(tiktok: ConnectedStore, **said: Any) -> None:
    with merchant_rows(tiktok.merchant_id):
        rules = AftersaleRules(cancels_at_source=True, **said)
        saving.save_aftersales(source_store=tiktok, rules=rules, by=saving.Author(name="Alice", now=NOON))


def cancelled_in_store(order: Order, mirror: Mirror, word: str = "") -> bool:
    """Whether nobody has to be asked about it."""
    with merchant_rows(order.merchant_id):
        locked = Order.objects.select_for_update().get(pk=order.pk)
        kept = Mirror.objects.select_related("store").get(pk=mirror.pk)
        return store_cancels.follow(order=locked, mirror=kept, word=word, now=LATER)


def wanted(order: Order) -> dict[str, Any] | None:
    with merchant_rows(order.merchant_id):
        item = OutboxItem.objects.filter(order=order, kind=OutboxKind.CANCEL_AT_SOURCE).first()
    return item.facts if item else None


def cancel(order: Order, **more: Any) -> OutboxItem:
    with merchant_rows(order.merchant_id):
        said = {"reason": "out_of_stock", "by": "Alice", "now": LATER, **more}
        return store_cancels.cancel_at_source(order=order, **said)


class TestCancelledInTheStore:
    def test_stays_a_question_by_default(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, shopify)
        assert not cancelled_in_store(order, mirror)
        assert items_of(order) == []

    def test_is_cancelled_at_the_source_where_the_merchant_wants_it(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, shopify)
        switch_on(tiktok, cancel_reason=CancelReason.PRICING_ERROR)
        for _ in range(2):
            assert cancelled_in_store(order, mirror)
        said = wanted(order)
        assert said is not None
        assert (said["reason"], said["lines"]) == ("pricing_error", {})
        assert len(items_of(order)) == 1

    def test_is_told_the_reason_that_the_stores_word_stands_for(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, shopify)
        switch_on(tiktok, store_reasons={"OTHER": CancelReason.UNABLE_TO_DELIVER})
        assert cancelled_in_store(order, mirror, "Other")
        said = wanted(order)
        assert said is not None
        assert said["reason"] == "unable_to_deliver"

    def test_is_only_of_its_items_where_the_order_has_others(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, shopify, **two_candles())
        with merchant_rows(order.merchant_id):
            Mirror.objects.filter(pk=mirror.pk).update(line_ids=[OTHER])
        switch_on(tiktok)
        assert cancelled_in_store(order, mirror)
        said = wanted(order)
        assert said is not None
        assert said["lines"] == {OTHER: 1}

    def test_by_our_own_wish_is_no_reason_to_cancel_anything(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, shopify)
        switch_on(tiktok)
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.create(
                merchant_id=order.merchant_id,
                order=order,
                store=shopify,
                kind=OutboxKind.CANCEL_ORDER,
                reference="r",
                status=OutboxStatus.PENDING,
                not_before=NOON,
                created_at=NOON,
            )
        assert cancelled_in_store(order, mirror)
        assert wanted(order) is None

    def test_after_its_parcel_left_asks_instead(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, shopify)
        switch_on(tiktok)
        shipped(mirror)
        assert not cancelled_in_store(order, mirror)
        assert wanted(order) is None


class TestCancelAtSource:
    def test_is_said_once(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        assert cancel(order).pk == cancel(order).pk
        assert kinds_of(order).count("source.cancel_wanted") == 1

    def test_of_every_line_is_of_the_whole_order(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify, **two_candles())
        assert cancel(order, line_quantities={LINE: 1, OTHER: 1}).facts["lines"] == {}

    def test_that_the_source_refused_may_be_tried_with_another_reason(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        first = cancel(order)
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.update(status=OutboxStatus.DROPPED)
        second = cancel(order, reason="pricing_error")
        assert (second.pk != first.pk, second.facts["reason"]) == (True, "pricing_error")

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"reason": ""}, "Choose a reason"),
            ({"line_quantities": {"nothing": 1}}, "no such items"),
            ({"line_quantities": {LINE: 2}}, "no such items"),
        ],
    )
    def test_is_refused_plainly(
        self, tiktok: ConnectedStore, shopify: ConnectedStore, more: dict[str, Any], why: str
    ) -> None:
        order, _ = mirrored(tiktok, shopify, **two_candles())
        with pytest.raises(NotPossible, match=why):
            cancel(order, **more)

    def test_is_refused_after_a_parcel_left(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, shopify, **two_candles())
        shipped(mirror, LINE)
        with pytest.raises(NotPossible, match="has left"):
            cancel(order)
        assert cancel(order, line_quantities={OTHER: 1}).facts["lines"] == {OTHER: 1}

    def test_of_items_waits_for_the_answer_to_the_buyer(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify, **two_candles())
        with merchant_rows(order.merchant_id):
            locked = Order.objects.select_related("source_store").get(pk=order.pk)
            requests.keep(order=locked, seen=[cancellation()], now=LATER)
        with pytest.raises(NotPossible, match="Answer that first"):
            cancel(order, line_quantities={OTHER: 1})

    @pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.COMPLETED])
    def test_is_refused_of_what_is_over(self, tiktok: ConnectedStore, shopify: ConnectedStore, state: str) -> None:
        order, mirror = mirrored(tiktok, shopify)
        with merchant_rows(order.merchant_id):
            Order.objects.filter(pk=order.pk).update(**{"state": state})
            Mirror.objects.filter(pk=mirror.pk).update(state=MirrorState.CANCELLED)
        with pytest.raises(NotPossible):
            cancel(order)
