"""Catalogs of both sides are read, SKUs are linked, and orders that waited go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import merchant_rows
from connectors import machine
from connectors.models import ConnectedStore
from orders import catalogs, linking
from orders.components import Component
from orders.matches import Match, Matches
from orders.models import CatalogReading, CatalogVariant, Lane, OrderState, ProductLink
from orders.products import components_of
from sandbox.tiktok_shop.state import SCOPES
from tests.journeys.conftest import KEYS, STORES, Journey
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

    def test_need_a_permission_and_say_so(self, journey: Journey) -> None:
        granted = [scope for scope in SCOPES if scope != "seller.product.basic"]
        keys = {name: KEYS[f"TIKTOK_SHOP_{name.upper()}"] for name in ("app_key", "app_secret", "service_id")}
        back = f"{journey.site}/connect/tiktok_shop/callback/"
        journey.control("tiktok_shop/app", **keys, redirect_url=back, scopes=granted)
        journey.connect_tiktok()
        assert "seller.product.basic" in journey.person.open(f"{journey.site}/stores/").text
        shop = journey.store("tiktok_shop")
        assert not linking.read_and_link(store=shop, clock=journey.now)
        assert "permission to read products" in reading(shop).failure

    def test_that_could_not_be_read_stay_as_they_were(self, journey: Journey) -> None:
        shop = read(journey, "tiktok_shop")
        journey.fault("tiktok_shop", "products.search", "status", status=500, times=9)
        with merchant_rows(shop.merchant_id):
            catalogs.ask_for(store=shop, now=journey.now())
        assert not linking.read_and_link(store=shop, clock=journey.now)
        with merchant_rows(shop.merchant_id):
            assert CatalogVariant.objects.filter(store=shop).count() == 10
        assert reading(shop).due_at > journey.now()


class TestReadersPace:
    """Amazon, which says nothing of what is left of its allowance."""

    @pytest.fixture
    def amazon(self, stores: Journey) -> Journey:
        stores.control("amazon/settings", page_size=4)  # three pages
        with merchant_rows(stores.store("amazon").merchant_id):
            catalogs.ask_for(store=stores.store("amazon"), now=stores.now())
        return stores

    def refused(self, journey: Journey) -> list[str]:
        return [entry["operation"] for entry in journey.world.journal if entry["status"] == 429]

    def read(self, journey: Journey) -> list[float]:
        """Read the catalog on a machine whose time is the sandbox's: how long the reader slept each time."""
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            journey.world.advance(seconds)

        now = journey.world.now
        with machine.running_on(machine.Machine(wall=now, steady=now, sleep=sleep)):
            assert linking.read_and_link(store=journey.store("amazon"), clock=journey.now)
        return slept

    def test_begins_where_its_lane_left_off_and_is_refused_nothing(self, amazon: Journey) -> None:
        store, now = amazon.store("amazon"), amazon.world.now()
        seller = next(iter(amazon.world.halves["amazon"].state.sellers.values()))  # type: ignore[attr-defined]
        seller.buckets["inventory.list"] = (0.0, now)
        with merchant_rows(store.merchant_id):
            lane = {"inventory.list": [0.0, now, 0.0, 2.0, 1.8]}
            Lane.objects.filter(store=store).update(pace=lane, lease_until=None)
        slept = self.read(amazon)
        assert self.refused(amazon) == []
        assert reading(store).count == 10
        assert sum(slept) >= 3

    def test_lets_a_lane_pass_that_is_at_work_though_not_for_ever(self, amazon: Journey) -> None:
        store = amazon.store("amazon")
        with merchant_rows(store.merchant_id):
            Lane.objects.filter(store=store).update(lease_until=amazon.now() + timedelta(seconds=6))
        assert 6 <= sum(self.read(amazon)) < catalogs.LET_PASS
        with merchant_rows(store.merchant_id):
            catalogs.ask_for(store=store, now=amazon.now())
            Lane.objects.filter(store=store).update(lease_until=amazon.now() + timedelta(hours=1))
        began = amazon.world.now()
        self.read(amazon)
        assert catalogs.LET_PASS <= amazon.world.now() - began < 5 * catalogs.LET_PASS


class TestProductsPage:
    def test_asks_for_both_catalogs_and_shows_what_came_of_it(self, stores: Journey) -> None:
        store = stores.store("wix")
        page = f"{stores.site}/products/{store.pk}/"
        route(stores, "wix")
        stores.person.open(page)
        stores.person.submit(holding=f"/products/{store.pk}/read/")
        for platform in ("tiktok_shop", "wix"):
            assert linking.read_and_link(store=stores.store(platform), clock=timezone.now)
        shown = stores.person.open(page).text
        assert "10 variants" in shown
        assert "CND-PINE-12" in shown

    @pytest.mark.parametrize("platform", STORES)
    def test_links_what_three_orders_wait_for_and_lets_them_go_on(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        waiting = [stores.buy_released(lines=PINE) for _ in range(3)]
        other = stores.buy_released(lines=[{"sku": "CND-FIG-08", "seller_sku": "NOBODY", "quantity": 1}])
        assert {stores.order(order_id).attention for order_id in (*waiting, other)} == {"NOT_LINKED"}
        store = read(stores, platform)
        pk = stores.order(waiting[1]).pk
        page = stores.person.open(f"{stores.site}/orders/{pk}/").text
        assert "Link CND-PINE-12 now" in page
        with merchant_rows(store.merchant_id):
            variant = CatalogVariant.objects.get(store=store, sku="CND-PIN-12")
        said = stores.person.submit(holding="sku", sku="CND-PINE-12", variant_id=variant.external_id).text
        assert "3 orders that waited for it go on now." in said
        stores.wait(5)
        for order_id in waiting:
            assert (stores.order(order_id).attention, stores.order(order_id).state) == ("", OrderState.MIRRORED)
            assert len(stores.orders_in(platform, order_id)) == 1
            assert "product.linked" in stores.events(order_id)
        assert stores.order(other).attention == "NOT_LINKED"

    def test_makes_a_bundle_of_a_sku(self, stores: Journey) -> None:
        route(stores, "shopify")
        store = read(stores, "shopify")
        read(stores, "tiktok_shop")
        with merchant_rows(store.merchant_id):
            ids = dict(CatalogVariant.objects.filter(store=store).values_list("sku", "external_id"))
        page = f"{stores.site}/products/{store.pk}/link/?sku=CND-PINE-12"
        stores.person.open(page)
        stores.person.submit(holding="sku", press=("do", f"add:{ids['CND-PIN-12']}"))
        stores.person.submit(holding="sku", press=("do", "save"), quantity="2")
        with merchant_rows(store.merchant_id):
            link = ProductLink.objects.get(store=store, sku="cnd-pine-12")
        assert components_of(link) == (Component(ids["CND-PIN-12"], "CND-PIN-12", "Pine Candle, 12 oz", 2),)
        assert states(store)["CND-PINE-12"] == Match.LINKED

    def test_gives_links_as_a_file_and_takes_them_back(self, stores: Journey) -> None:
        route(stores, "shopify")
        store = read(stores, "shopify")
        read(stores, "tiktok_shop")
        root = f"{stores.site}/products/{store.pk}/"
        content = stores.person.session.get(f"{root}links.csv", timeout=30).content.decode("utf-8-sig")
        assert content.count("linked by SKU") == 9
        rows = [row for row in content.splitlines() if not row.startswith("CND-PINE-12,")]
        changed = "\n".join([*rows, "CND-PINE-12,,CND-PIN-12,,2,,"])
        stores.person.open(f"{root}import/")
        said = stores.person.submit(holding="file", content=changed).text
        assert "1 would be linked, 9 unchanged, 0 refused" in said
        stores.person.submit(holding="content", press=("save", "1"))
        assert states(store)["CND-PINE-12"] == Match.LINKED
