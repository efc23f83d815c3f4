"""What failed is sorted out: it waits, or a person is asked."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import outbox, troubles
from orders.ingest import store_order
from orders.models import Attention, Order, OrderState, OutboxItem, OutboxStatus
from tests.orders.builders import NOON, seen


@pytest.fixture
def item(tiktok: ConnectedStore, shopify: ConnectedStore) -> OutboxItem:
    store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
    with merchant_rows(tiktok.merchant_id):
        return outbox.claim(store=shopify, now=NOON, limit=5)[0]


def after_waiting(item: OutboxItem, **standing: Any) -> str:
    """What is asked of the order when this item has to wait for the end of a request, and it stood so before."""
    with merchant_rows(item.merchant_id):
        Order.objects.filter(pk=item.order_id).update(**standing)
    troubles.sort_out(item=item, error=outbox.NotYet(Attention.CANCEL_PENDING, wait=60), now=NOON)
    with merchant_rows(item.merchant_id):
        assert OutboxItem.objects.get(pk=item.pk).status == OutboxStatus.PENDING
        return Order.objects.get(pk=item.order_id).attention


class TestWaiting:
    def test_says_what_it_waits_for(self, item: OutboxItem) -> None:
        assert after_waiting(item) == Attention.CANCEL_PENDING

    def test_asks_nothing_about_an_order_that_was_cancelled_meanwhile(self, item: OutboxItem) -> None:
        assert after_waiting(item, state=OrderState.CANCELLED) == ""

    def test_pushes_no_alarm_aside(self, item: OutboxItem) -> None:
        assert after_waiting(item, attention=Attention.ALREADY_CANCELLED) == Attention.ALREADY_CANCELLED
