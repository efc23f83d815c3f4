"""Open orders that name no deadline get one by the merchant's rules, and lose it when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import reckoning
from orders.models import MerchantRules, Order, ReckonedDeadlines
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import NOON
from tests.orders.test_due import order_of

# NOON is Tuesday, November 24, 2026, in the morning of the Pacific; Thanksgiving is that Thursday.
FRIDAY = datetime(2026, 11, 28, 7, 59, tzinfo=UTC)


def kept(order: Order) -> ReckonedDeadlines | None:
    with merchant_rows(order.merchant_id):
        return ReckonedDeadlines.objects.filter(order=order).first()


class TestReckoning:
    def test_fills_in_only_what_the_order_does_not_name(self, tiktok: ConnectedStore) -> None:
        own = NOON + timedelta(days=9)
        order = order_of(tiktok, deliver_by=own)
        assert reckoning.keep_reckoned() == 1
        found = kept(order)
        assert found is not None
        assert (found.ship_by, found.deliver_by) == (FRIDAY, None)
        assert found.auto_cancel_at is not None

    def test_leaves_alone_what_names_all_and_what_runs_no_deadline(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON, auto_cancel_at=NOON, deliver_by=NOON)
        OrderFactory(source_store=tiktok, ship_by=None)  # on hold
        order_of(tiktok, status=SourceStatus.DELIVERED)
        order_of(tiktok, shipper="PLATFORM_WAREHOUSE")
        assert reckoning.keep_reckoned() == 0

    def test_may_be_repeated(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok)
        assert [reckoning.keep_reckoned() for _ in range(2)] == [1, 0]

    def test_asks_no_second_time_about_what_cannot_be_reckoned(self, tiktok: ConnectedStore) -> None:
        order = order_of(tiktok, is_preorder=True)
        assert [reckoning.keep_reckoned() for _ in range(2)] == [1, 0]
        found = kept(order)
        assert found is not None
        assert found.ship_by is None

    def test_is_forgotten_when_the_order_is_over_or_names_all(self, tiktok: ConnectedStore) -> None:
        over, named, runs = order_of(tiktok), order_of(tiktok), order_of(tiktok)
        reckoning.keep_reckoned()
        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=over.pk).update(source_status=SourceStatus.CANCELLED)
            Order.objects.filter(pk=named.pk).update(ship_by=NOON, auto_cancel_at=NOON, deliver_by=NOON)
        reckoning.keep_reckoned()
        assert [kept(each) is None for each in (over, named, runs)] == [True, True, False]

    def test_goes_by_each_merchants_own_rules(self, tiktok: ConnectedStore) -> None:
        ours, theirs = order_of(tiktok), order_of(StoreFactory())
        with merchant_rows(tiktok.merchant_id):
            MerchantRules.objects.create(merchant=tiktok.merchant, deadlines={"has_federal_holidays": False})
        reckoning.keep_reckoned()
        mine, other = kept(ours), kept(theirs)
        assert mine is not None
        assert other is not None
        assert (mine.ship_by, other.ship_by) == (FRIDAY - timedelta(days=1), FRIDAY)

    def test_of_what_is_made_to_order_uses_what_the_order_says(self, tiktok: ConnectedStore) -> None:
        changes: dict[str, Any] = {"is_made_to_order": True, "handling_days": 1}
        order = order_of(tiktok, changes=changes, status=SourceStatus.AWAITING_SHIPMENT)
        reckoning.keep_reckoned()
        found = kept(order)
        assert found is not None
        assert found.ship_by == FRIDAY  # one day to make it, and one

    def test_costs_a_few_statements_while_there_is_nothing_to_do(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok)
        reckoning.keep_reckoned()
        with CaptureQueriesContext(connection) as asked:
            reckoning.keep_reckoned()
        own = [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
        assert len(own) <= 8, own
