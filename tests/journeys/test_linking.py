"""Catalogs of both sides are read, SKUs are linked, and orders that waited go on."""

from __future__ import annotations

import pytest

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders import catalogs, linking, products
from orders.matches import Match, Matches
from orders.models import CatalogReading, CatalogVariant, OrderState
from orders.products import Component
from tests.journeys.conftest import SHOPIFY_SHOP, STORES, Journey
from tests.journeys.test_stores import route, stores

__all__ = ["stores"]

PINE = [{"sku": "CND-PINE-12", "quantity": 1}]


def read(journey: Journey, platform: str) -> ConnectedStore:
    store = journey.store(platform)
    with merchant_rows(store.merchant_id):
        catalogs.ask_for(store=store, now=journey.now())
    assert linking.read_and_link(store=store, clock=journey.now), reading(store).failure
    return store


def reading(store: ConnectedStore) -> CatalogReading:
    with merchant_rows(store.merchant_id):
        return CatalogReading.objects.get(store=store)


def states(store: ConnectedStore) -> dict[str, Match]:
    with merchant_rows(store.merchant_id):
        return {row.sku: row.state for row in Matches.of(store).rows()}


class TestCatalogs:
    @pytest.mark.parametrize("platform", STORES)
    def test_of_both_sides_are_read_and_linked_by_sku(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        shop, store = read(stores, "tiktok_shop"), read(stores, platform)
        assert (reading(shop).count, reading(store).count, reading(store).failure) == (10, 10, "")
        found = states(store)
        assert len(found) == 10
        assert found.pop("CND-PINE-12") == Match.UNLINKED
        assert set(found.values()) == {Match.LINKED}

    def test_with_more_products_than_a_search_shows_are_read_by_halves(self, journey: Journey) -> None:
        journey.control("tiktok_shop/shop_settings", shop="Alice's Candles", most_products=20)
        journey.control("tiktok_shop/add_product", shop="Alice's Candles", sku="MORE", count=15)
        shop = journey.store("tiktok_shop")
        assert not linking.read_and_link(store=shop, clock=journey.now)
        assert "more results" in reading(shop).failure

    def test_need_a_permission_and_say_so(self, journey: Journey) -> None:
        journey.fault("tiktok_shop", "products.search", "status", status=403, times=1)
        shop = journey.store("tiktok_shop")
        assert not linking.read_and_link(store=shop, clock=journey.now)
        assert reading(shop).failure

    def test_that_could_not_be_read_stay_as_they_were(self, journey: Journey) -> None:
        shop = read(journey, "tiktok_shop")
        journey.fault("tiktok_shop", "products.search", "status", status=500, times=9)
        with merchant_rows(shop.merchant_id):
            catalogs.ask_for(store=shop, now=journey.now())
        assert not linking.read_and_link(store=shop, clock=journey.now)
        with merchant_rows(shop.merchant_id):
            assert CatalogVariant.objects.filter(store=shop).count() == 10
        assert reading(shop).due_at > journey.now()
