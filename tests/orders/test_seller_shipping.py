"""Who ships a shop's orders."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.errors import PermanentError
from connectors.base.types import Shipper, ShippingSetup
from connectors.models import ConnectedStore
from orders.models import Setup
from orders.queries.setup import shipping_alert
from orders.seller_shipping import Shipped, Ships, keep_watch, who_ships
from tests.factories import OrderFactory
from tests.orders.builders import HOUR, NOON

BY_SELLER = ShippingSetup(is_by_seller=True, sales_warehouse="Workshop", return_warehouse="Returns")
BY_PLATFORM = ShippingSetup(is_by_seller=False, is_platform_offered=True)
EITHER = ShippingSetup(is_by_seller=True, is_platform_offered=True)
SILENT = ShippingSetup(is_by_seller=None)


def shipped(*by_seller: bool, at: datetime = NOON) -> list[Shipped]:
    return [Shipped(at - number * HOUR, each) for number, each in enumerate(by_seller)]


class Says:
    """A source that knows one thing."""

    def __init__(self, answer: ShippingSetup | Exception) -> None:
        self.answer = answer
        self.asked = 0

    def shipping_setup(self) -> ShippingSetup:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class TestJudgement:
    @pytest.mark.parametrize(
        ("said", "newest", "ships"),
        [
            (None, [], Ships.UNKNOWN),
            (SILENT, [], Ships.UNKNOWN),
            (SILENT, shipped(True, False), Ships.SELLER),
            (BY_SELLER, [], Ships.SELLER),
            (BY_PLATFORM, [], Ships.PLATFORM),
            (EITHER, [], Ships.BOTH),
            (EITHER, shipped(True, True), Ships.SELLER),
            (EITHER, shipped(True, False), Ships.BOTH),
            (EITHER, shipped(False, False), Ships.PLATFORM),
        ],
    )
    def test_follows_the_settings_and_the_newest_orders(
        self, said: ShippingSetup | None, newest: list[Shipped], ships: Ships
    ) -> None:
        assert who_ships(said, asked_at=NOON + HOUR, newest=newest) is ships

    def test_believes_an_order_that_came_after_the_question(self) -> None:
        assert who_ships(BY_SELLER, asked_at=NOON - HOUR, newest=shipped(False, True)) is Ships.PLATFORM
        assert who_ships(BY_PLATFORM, asked_at=NOON - HOUR, newest=shipped(True, False)) is Ships.SELLER

    def test_believes_the_settings_over_orders_of_before(self) -> None:
        assert who_ships(BY_SELLER, asked_at=NOON + HOUR, newest=shipped(False, False)) is Ships.SELLER


class TestWatch:
    def watch(self, shop: ConnectedStore, source: Any, now: datetime) -> dict[str, Any]:
        keep_watch(store=shop, source=source, now=now)
        with merchant_rows(shop.merchant_id):
            kept: dict[str, Any] = Setup.objects.get(store=shop).shipping
        return kept

    def test_asks_once_a_day(self, tiktok: ConnectedStore) -> None:
        source = Says(BY_SELLER)
        for hours in (0, 1, 23, 25):
            self.watch(tiktok, source, NOON + hours * HOUR)
        assert source.asked == 2

    def test_sees_a_change_in_the_first_order_that_has_it(self, tiktok: ConnectedStore) -> None:
        source = Says(BY_SELLER)
        assert self.watch(tiktok, source, NOON)["ships"] == "SELLER"
        OrderFactory(source_store=tiktok, ordered_at=NOON + HOUR, changes={"shipper": Shipper.PLATFORM})
        kept = self.watch(tiktok, source, NOON + 2 * HOUR)
        assert (kept["ships"], kept["flipped_from"]) == ("PLATFORM", "SELLER")
        assert self.alert(tiktok, NOON + 3 * HOUR) == ("red", f"{tiktok.name} is no longer on Seller Shipping.")

    def test_says_for_a_day_that_it_is_well_again(self, tiktok: ConnectedStore) -> None:
        self.watch(tiktok, Says(BY_PLATFORM), NOON)
        self.watch(tiktok, Says(BY_SELLER), NOON + timedelta(days=2))
        assert self.alert(tiktok, NOON + timedelta(days=2))[0] == "green"
        assert self.alert(tiktok, NOON + timedelta(days=4)) == ("", "")

    def test_is_silent_where_nothing_changed(self, tiktok: ConnectedStore) -> None:
        self.watch(tiktok, Says(BY_SELLER), NOON)
        assert self.alert(tiktok, NOON) == ("", "")

    def test_leaves_the_platforms_own_warehouse_aside(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ordered_at=NOON + HOUR, changes={"shipper": Shipper.PLATFORM_WAREHOUSE})
        self.watch(tiktok, Says(BY_SELLER), NOON)
        assert self.watch(tiktok, Says(BY_SELLER), NOON + 2 * HOUR)["ships"] == "SELLER"

    def test_keeps_a_refusal_in_words_and_stops_nothing(self, tiktok: ConnectedStore) -> None:
        kept = self.watch(tiktok, Says(PermanentError("The scope is missing")), NOON)
        assert (kept["problem"], kept["ships"]) == ("The scope is missing", "UNKNOWN")
        assert "problem" not in self.watch(tiktok, Says(BY_SELLER), NOON + timedelta(days=2))

    def alert(self, shop: ConnectedStore, now: datetime) -> tuple[str, str]:
        with merchant_rows(shop.merchant_id):
            found = shipping_alert(ConnectedStore.objects.select_related("setup").get(pk=shop.pk), now)
        return (found["tone"], found["title"]) if found else ("", "")
