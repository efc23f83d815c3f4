"""Links: found by SKU, said by a person, and what orders gain by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from accounts.models import Merchant
from connectors.base.types import Variant
from connectors.models import ConnectedStore
from orders import catalogs, linking, products
from orders.components import Component, sku_key
from orders.matches import Match, Matches
from orders.models import (
    Attention,
    CatalogReading,
    Concern,
    Order,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    ProductLink,
    Route,
    SettingsVersion,
)
from tests.factories import MerchantFactory, OrderFactory, StoreFactory
from tests.orders.builders import NOON, line, seen

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alices() -> Merchant:
    merchant: Merchant = MerchantFactory()
    return merchant


@pytest.fixture
def tiktok(alices: Merchant) -> ConnectedStore:
    store: ConnectedStore = StoreFactory(merchant=alices)
    return store


@pytest.fixture
def shopify(alices: Merchant) -> ConnectedStore:
    store: ConnectedStore = StoreFactory(merchant=alices, shopify=True)
    return store


def catalog(store: ConnectedStore, *skus: str, **titles: str) -> None:
    """The store sells these: its ids are the SKU's place in the list."""
    rows = [Variant(f"{store.pk}-{place}", sku, titles.get(sku, f"Title of {sku}")) for place, sku in enumerate(skus)]
    catalogs.read_whole(store=store, variants=iter(rows), now=NOON)


def states(store: ConnectedStore) -> dict[str, Match]:
    with merchant_rows(store.merchant_id):
        return {row.sku: row.state for row in Matches.of(store).rows()}


def counts(store: ConnectedStore) -> dict[str, int]:
    with merchant_rows(store.merchant_id):
        return {name: count for name, count in Matches.of(store).counts().items() if count}


def look_up(store: ConnectedStore, *skus: str, case_matters: bool = False) -> products.Found:
    class Silent:
        class features:
            sku_search = True

        def find_variants(self, asked: Any) -> dict[str, list[Variant]]:
            return {sku: [] for sku in asked}

    lines = [line(str(place), sku=sku) for place, sku in enumerate(skus)]
    return products.look_up(
        store=store,
        lines=lines,
        destination=Silent(),
        now=NOON,
        case_matters=case_matters,  # type: ignore[arg-type]
    )


def candle(store: ConnectedStore, place: int, sku: str, quantity: int = 1) -> Component:
    return Component(f"{store.pk}-{place}", sku, f"Title of {sku}", quantity)


class TestAutoLink:
    def test_links_what_exactly_one_variant_has_and_says_what_is_left(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        catalog(tiktok, "CND-FIG", "CND-SEA", "CND-PINE", "", "CND-FIG-2", "CND-FIG-2")
        catalog(shopify, " cnd-fig ", "CND-SEA", "cnd-sea", "OTHER")
        assert linking.auto_link(store=shopify, now=NOON) == 1
        assert states(shopify) == {
            "CND-FIG": Match.LINKED,
            "CND-SEA": Match.AMBIGUOUS,
            "CND-PINE": Match.UNLINKED,
            "CND-FIG-2": Match.UNLINKED,
            "": Match.NO_SKU,
        }
        assert counts(shopify) == {"LINKED": 1, "AMBIGUOUS": 1, "UNLINKED": 2, "NO_SKU": 1, "DOUBLE": 1, "ALL": 5}
        found = look_up(shopify, "CND-FIG")
        assert found.variants == {"cnd-fig": (Component(f"{shopify.pk}-0", "cnd-fig", "Title of  cnd-fig ", 1),)}

    def test_minds_the_case_where_a_route_says_so(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        catalog(tiktok, "abc", "ABC", "Abc")
        catalog(shopify, "abc", "ABC")
        linking.auto_link(store=shopify, now=NOON)
        assert set(states(shopify).values()) == {Match.AMBIGUOUS}
        with merchant_rows(tiktok.merchant_id):
            Route.objects.create(
                merchant=tiktok.merchant,
                source_store=tiktok,
                destination_store=shopify,
                rules={"sku_case_matters": True},
            )
        assert linking.auto_link(store=shopify, now=NOON) == 2
        assert states(shopify) == {"abc": Match.LINKED, "ABC": Match.LINKED, "Abc": Match.UNLINKED}
        found = look_up(shopify, "abc", "ABC", case_matters=True)
        assert [found.variants[sku_key(sku, case_matters=True)][0].variant_id for sku in ("abc", "ABC")] == [
            f"{shopify.pk}-0",
            f"{shopify.pk}-1",
        ]

    def test_by_hand_of_one_spelling_is_none_of_another(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        catalog(tiktok, "abc", "ABC", "Set")
        catalog(shopify, "ABC", "OTHER", "THIRD")
        parts = {number: [candle(shopify, number, "X")] for number in range(3)}
        with merchant_rows(tiktok.merchant_id):
            linking.save_links(store=shopify, links={"SET": parts[2]}, by="Alice", now=NOON)
            route = Route.objects.create(
                merchant=tiktok.merchant,
                source_store=tiktok,
                destination_store=shopify,
                rules={"sku_case_matters": True},
            )
            linking.save_links(store=shopify, links={"abc": parts[1]}, by="Alice", now=NOON)
        linking.auto_link(store=shopify, now=NOON)
        found = look_up(shopify, "abc", "ABC", "Set", case_matters=True).variants
        ids = {sku: found[sku_key(sku, case_matters=True)][0].variant_id for sku in ("abc", "ABC", "Set")}
        assert ids == {"abc": f"{shopify.pk}-1", "ABC": f"{shopify.pk}-0", "Set": f"{shopify.pk}-2"}
        with merchant_rows(tiktok.merchant_id):
            Route.objects.filter(pk=route.pk).update(rules={})
            linking.save_links(store=shopify, links={"abc": parts[2]}, by="Alice", now=NOON)
        assert look_up(shopify, "Abc").variants["abc"][0].variant_id == f"{shopify.pk}-2"

    def test_does_not_use_a_link_that_fits_no_more(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        catalog(tiktok, "CND-FIG", "CND-SEA")
        catalog(shopify, "CND-FIG", "CND-SEA")
        linking.auto_link(store=shopify, now=NOON)
        catalog(shopify, "CND-FIG-NEW", "CND-SEA", "CND-SEA")
        linking.auto_link(store=shopify, now=NOON)
        assert states(shopify) == {"CND-FIG": Match.CHANGED, "CND-SEA": Match.AMBIGUOUS}
        assert look_up(shopify, "CND-FIG", "CND-SEA").variants == {}

    def test_follows_a_sku_to_its_new_variant(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        catalog(tiktok, "CND-FIG")
        catalog(shopify, "CND-FIG", "OTHER")
        linking.auto_link(store=shopify, now=NOON)
        catalog(shopify, "OTHER", "CND-FIG")
        linking.auto_link(store=shopify, now=NOON)
        assert look_up(shopify, "CND-FIG").variants["cnd-fig"][0].variant_id == f"{shopify.pk}-1"

    def test_leaves_links_by_hand_and_tells_when_their_variant_changed(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        catalog(tiktok, "CND-FIG", "SET-3")
        catalog(shopify, "CND-FIG", "TPR-BEE", "GFT-MTC")
        parts = [candle(shopify, 1, "TPR-BEE", 2), candle(shopify, 2, "GFT-MTC")]
        with merchant_rows(shopify.merchant_id):
            linking.save_links(store=shopify, links={"CND-FIG": parts[:1], "SET-3": parts}, by="Alice", now=NOON)
        linking.auto_link(store=shopify, now=NOON)
        assert set(states(shopify).values()) == {Match.LINKED}
        found = look_up(shopify, "cnd-fig", "SET-3")
        assert (found.variants["cnd-fig"], found.variants["set-3"]) == ((parts[0],), tuple(parts))
        catalog(shopify, "CND-FIG", "TPR-BEE", "GFT-MTC-9")
        assert states(shopify) == {"CND-FIG": Match.LINKED, "SET-3": Match.CHANGED}
        catalog(shopify, "CND-FIG")
        assert set(states(shopify).values()) == {Match.CHANGED}

    def test_asks_only_the_shops_that_have_a_route_to_the_store(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        other = StoreFactory(merchant=tiktok.merchant)
        catalog(tiktok, "CND-FIG")
        catalog(other, "CND-TOKYO")
        assert set(states(shopify)) == {"CND-FIG", "CND-TOKYO"}
        with merchant_rows(tiktok.merchant_id):
            Route.objects.create(merchant=tiktok.merchant, source_store=tiktok, destination_store=shopify)
        assert set(states(shopify)) == {"CND-FIG"}


class TestTwoShopsOfOneStore:
    """Alice's shop minds the case, her outlet does not."""

    @pytest.fixture
    def outlet(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> ConnectedStore:
        outlet: ConnectedStore = StoreFactory(merchant=tiktok.merchant)
        with merchant_rows(tiktok.merchant_id):
            for shop, rules in ((tiktok, {"sku_case_matters": True}), (outlet, {})):
                Route.objects.create(merchant=shop.merchant, source_store=shop, destination_store=shopify, rules=rules)
        return outlet

    def variant_of(self, store: ConnectedStore, sku: str, *, case_matters: bool) -> str:
        found = look_up(store, sku, case_matters=case_matters).variants.get(sku_key(sku, case_matters=case_matters))
        return found[0].variant_id.rpartition("-")[2] if found else ""

    def test_keep_each_their_own_links_by_sku(
        self, tiktok: ConnectedStore, outlet: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        catalog(tiktok, "cnd-fig", "abc", "ABC")
        catalog(outlet, "cnd-fig", "abc", "Set")
        catalog(shopify, "CND-FIG", "abc", "ABC", "SET")
        linking.auto_link(store=shopify, now=NOON)
        linking.auto_link(store=shopify, now=NOON)
        assert self.variant_of(shopify, "cnd-fig", case_matters=False) == "0"
        assert self.variant_of(shopify, "Set", case_matters=False) == "3"
        assert [self.variant_of(shopify, sku, case_matters=True) for sku in ("abc", "ABC")] == ["1", "2"]
        assert self.variant_of(shopify, "cnd-fig", case_matters=True) == ""
        assert self.variant_of(shopify, "abc", case_matters=False) == ""
        with merchant_rows(tiktok.merchant_id):
            rows = {(row.key, row.state) for row in Matches.of(shopify).rows()}
        assert rows == {
            (" cnd-fig", Match.UNLINKED),
            (" abc", Match.LINKED),
            (" ABC", Match.LINKED),
            ("cnd-fig", Match.LINKED),
            ("abc", Match.AMBIGUOUS),
            ("set", Match.LINKED),
        }

    def test_mean_the_same_by_what_a_person_said_of_one_spelling(
        self, tiktok: ConnectedStore, outlet: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        catalog(tiktok, "abc", "ABC")
        catalog(outlet, "ABC")
        catalog(shopify, "ONE", "TWO")
        with merchant_rows(shopify.merchant_id):
            linking.save_links(store=shopify, links={"abc": [candle(shopify, 0, "ONE")]}, by="Alice", now=NOON)
        linking.auto_link(store=shopify, now=NOON)
        assert self.variant_of(shopify, "ABC", case_matters=False) == "0"
        assert self.variant_of(shopify, "ABC", case_matters=True) == ""
        assert counts(shopify) == {"LINKED": 2, "UNLINKED": 1, "ALL": 3}

    def test_are_asked_where_two_spellings_were_said_to_mean_two_things(
        self, outlet: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        catalog(outlet, "Abc")
        catalog(shopify, "ONE", "TWO")
        links = {"abc": [candle(shopify, 0, "ONE")], "ABC": [candle(shopify, 1, "TWO")]}
        with merchant_rows(shopify.merchant_id):
            linking.save_links(store=shopify, links=links, by="Alice", now=NOON)
        assert self.variant_of(shopify, "Abc", case_matters=False) == ""
        assert self.variant_of(shopify, "ABC", case_matters=False) == "1"
        assert states(shopify)["Abc"] == Match.UNLINKED

    def test_let_the_orders_go_on_that_a_link_bears_on(
        self, tiktok: ConnectedStore, outlet: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        catalog(shopify, "ONE")
        for number, (shop, sku) in enumerate([(tiktok, "abc"), (tiktok, "ABC"), (outlet, "ABC")]):
            waiting_order(shopify, shop, sku, number)
        links = {"abc": [candle(shopify, 0, "ONE")]}
        assert linking.link_now(store=shopify, links=links, by="Alice", now=NOON) == 2
        with merchant_rows(tiktok.merchant_id):
            (left,) = Order.objects.filter(attention=Attention.NOT_LINKED)
        assert (left.source_store_id, left.attention_detail["sku"]) == (tiktok.pk, "ABC")


class TestLinkByHand:
    def test_is_a_version_and_comes_off_again(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        catalog(shopify, "CND-FIG", "TPR-BEE")
        catalog(tiktok, "CND-FIG")
        linking.auto_link(store=shopify, now=NOON)
        with merchant_rows(shopify.merchant_id):
            links = {" cnd-fig": [candle(shopify, 1, "TPR-BEE", 3)]}
            assert linking.save_links(store=shopify, links=links, by="Alice", now=NOON).number == 1
            assert linking.save_links(store=shopify, links=links, by="Alice", now=NOON).number is None
            link = ProductLink.objects.get(store=shopify)
            assert (link.is_manual, link.title) == (True, "3 × Title of TPR-BEE")
            linking.remove_link(store=shopify, sku="CND-FIG", by="Bob", now=NOON)
            saved = list(SettingsVersion.objects.order_by("number").values_list("concern", "about", "author"))
        assert saved == [(Concern.LINKS, str(shopify.pk), "Alice"), (Concern.LINKS, str(shopify.pk), "Bob")]
        linking.auto_link(store=shopify, now=NOON)
        assert look_up(shopify, "CND-FIG").variants["cnd-fig"][0].variant_id == f"{shopify.pk}-0"

    @pytest.mark.parametrize(
        ("links", "why"),
        [
            ({"": [("a", 1)]}, "without a SKU"),
            ({"X": []}, "at least one"),
            ({"X": [("a", 1), ("a", 2)]}, "named twice"),
            ({"X": [("a", 0)]}, "whole number from 1"),
            ({"X": [(str(number), 1) for number in range(21)]}, "At most 20"),
        ],
    )
    def test_is_refused_where_it_makes_no_sense(
        self, shopify: ConnectedStore, links: dict[str, list[tuple[str, int]]], why: str
    ) -> None:
        said = {
            sku: [Component(variant_id, "S", "T", quantity) for variant_id, quantity in parts]
            for sku, parts in links.items()
        }
        with merchant_rows(shopify.merchant_id), pytest.raises(linking.LinkRefused, match=why):
            linking.save_links(store=shopify, links=said, by="Alice", now=NOON)


def waiting_order(store: ConnectedStore, tiktok: ConnectedStore, sku: str, number: int) -> Order:
    """An order that waits for a link."""
    order: Order = OrderFactory(
        source_store=tiktok,
        merchant=tiktok.merchant,
        source=seen(external_id=f"5764614130387857{number:02}", lines=(line(sku=sku),)),
        ready=True,
        attention=Attention.NOT_LINKED,
        attention_detail={"sku": sku, "store_id": store.pk},
    )
    with merchant_rows(tiktok.merchant_id):
        OutboxItem.objects.create(
            merchant=tiktok.merchant,
            order=order,
            store=store,
            kind=OutboxKind.CREATE_ORDER,
            reference=order.external_id,
            not_before=NOON + timedelta(minutes=5),
            attempts=1,
            created_at=NOON,
        )
    return order


class TestLinkNow:
    def test_lets_every_order_go_on_that_waits_for_the_sku_at_the_store(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        other = StoreFactory(merchant=tiktok.merchant, shopify=True)
        catalog(shopify, "CND-FIG")
        for number, sku in enumerate(["PINE", "pine ", "Pine", "OTHER"]):
            waiting_order(shopify, tiktok, sku, number)
        waiting_order(other, tiktok, "PINE", 9)
        assert states(shopify) == {"PINE": Match.UNLINKED, "OTHER": Match.UNLINKED}
        with merchant_rows(tiktok.merchant_id):
            assert [(row.sku, row.waiting) for row in Matches.of(shopify).rows()] == [("PINE", 3), ("OTHER", 1)]
        links = {"PINE": [candle(shopify, 0, "CND-FIG", 2)]}
        assert linking.link_now(store=shopify, links=links, by="Alice", now=NOON) == 3
        with merchant_rows(tiktok.merchant_id):
            due = OutboxItem.objects.filter(status=OutboxStatus.PENDING, not_before=NOON)
            assert due.count() == 3
            assert Order.objects.filter(attention="").count() == 3
            event = Order.objects.filter(attention="").first().events.get(kind="product.linked")
            assert event.facts["title"] == "2 × Title of CND-FIG"

    def test_of_a_sku_that_is_found_by_itself_needs_nobody(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        waiting_order(shopify, tiktok, "PINE", 1)
        catalog(shopify, "pine")
        linking.auto_link(store=shopify, now=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert Order.objects.get().attention == ""


class TestCatalogReading:
    def test_is_due_for_a_new_store_and_again_when_asked_for(self, shopify: ConnectedStore) -> None:
        assert catalogs.due(now=NOON) == [shopify.pk]
        with merchant_rows(shopify.merchant_id):
            CatalogReading.objects.create(merchant=shopify.merchant, store=shopify, due_at=NOON + timedelta(hours=24))
        assert catalogs.due(now=NOON) == []
        assert catalogs.due(now=NOON + timedelta(hours=25)) == [shopify.pk]
        with merchant_rows(shopify.merchant_id):
            catalogs.ask_for(store=shopify, now=NOON)
        assert catalogs.due(now=NOON) == [shopify.pk]

    def test_is_begun_again_only_when_its_reader_fell_silent(self, shopify: ConnectedStore) -> None:
        with merchant_rows(shopify.merchant_id):
            CatalogReading.objects.create(merchant=shopify.merchant, store=shopify, due_at=NOON, heard_at=NOON)
        assert catalogs.due(now=NOON + timedelta(minutes=1)) == []
        assert catalogs.due(now=NOON + timedelta(minutes=3)) == [shopify.pk]

    def test_that_fails_says_why_and_is_tried_again(self, shopify: ConnectedStore) -> None:
        assert not catalogs.read(store=shopify, clock=lambda: NOON)
        with merchant_rows(shopify.merchant_id):
            reading = CatalogReading.objects.get()
        assert reading.failure
        assert (reading.heard_at, reading.ended_at) == (None, NOON)
        assert reading.due_at > NOON
