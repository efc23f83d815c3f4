"""The effect of a change on the orders of the last 30 days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import AddressState, Shipper, SourceStatus
from connectors.models import ConnectedStore
from orders.effect import Effect, Proposal, effect
from orders.models import CatalogVariant, Order, ProductLink, ShippingMapping
from orders.rules import Filter, FilterBy, RouteRules, Stock, Warehoused
from tests.factories import OrderFactory
from tests.orders.builders import NOON, line


@pytest.fixture
def linked(tiktok: ConnectedStore, shopify: ConnectedStore) -> ConnectedStore:
    """The store, in which the fig candle is linked."""
    with merchant_rows(tiktok.merchant_id):
        ProductLink.objects.create(
            merchant=tiktok.merchant, store=shopify, sku="cnd-fig-08", variant_id="gid://fig", checked_at=NOON
        )
    return shopify


def bought(shop: ConnectedStore, **changes: Any) -> Order:
    order: Order = OrderFactory(source_store=shop, ready=True, changes=changes)
    return order


def of(shop: ConnectedStore, store: ConnectedStore, **proposed: Any) -> Effect:
    return effect(
        merchant_id=shop.merchant_id,
        source_store=shop,
        proposed={store.pk: Proposal(**proposed)},
        now=NOON + timedelta(hours=1),
    )


class TestEffect:
    def test_of_nothing_is_nothing(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = of(tiktok, linked)
        assert (found.same, found.differ, found.blocked, found.untold, found.orders) == (1, 0, 0, 0, ())

    def test_names_what_the_store_would_get_otherwise(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        bought(tiktok, delivery_option_id="other", delivery_option_name="Express")
        found = of(tiktok, linked, methods={order.snapshot["delivery_option_id"]: ("Economy", "ECO")})
        assert (found.same, found.differ, found.blocked) == (1, 1, 0)
        (affected,) = found.orders
        assert (affected.external_id, affected.url) == (order.external_id, f"/orders/{order.pk}/")
        (difference,) = affected.differences
        assert difference.what == "Shipping and fees"
        assert difference.before.startswith("Standard shipping")
        assert difference.after == "Economy (ECO) 0.00"

    def test_compares_with_the_methods_as_they_are(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        option = order.snapshot["delivery_option_id"]
        with merchant_rows(tiktok.merchant_id):
            ShippingMapping.objects.create(
                merchant=tiktok.merchant, store=linked, delivery_option_id=option, title="Economy", code="ECO"
            )
        assert of(tiktok, linked, methods={option: ("Economy", "ECO")}).same == 1
        assert of(tiktok, linked, methods={}).differ == 1

    def test_drafts_under_the_rules_that_are_proposed(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = of(tiktok, linked, rules=RouteRules(tags=("marketplace",), stock=Stock.KEEP))
        assert (found.same, found.differ, found.blocked) == (0, 1, 0)
        said = {each.what: (each.before, each.after) for each in found.orders[0].differences}
        assert said["Tags"] == ("TikTok Shop", "TikTok Shop, marketplace")
        assert said["Stock"] == ("Deduct, below zero too", "Leave it alone")

    def test_of_a_filter_stops_orders_by_its_name(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = of(tiktok, linked, rules=RouteRules(filters=(Filter("No figs", FilterBy.SKU, "CND-FIG-*"),)))
        assert (found.same, found.differ, found.blocked) == (0, 0, 1)
        (difference,) = found.orders[0].differences
        assert (difference.before, difference.after) == ("Created", "Rule: No figs")

    def test_lets_orders_go_that_a_rule_stops_now(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok, shipper=Shipper.PLATFORM_WAREHOUSE)
        found = of(tiktok, linked, rules=RouteRules(warehoused=Warehoused.MIRROR))
        assert (found.differ, found.orders[0].differences[0].after) == (1, "Created")

    def test_sends_what_stands_for_a_bundle(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        parts = [{"variant_id": each, "sku": each, "title": each, "quantity": 1} for each in ("LID", "JAR")]
        with merchant_rows(tiktok.merchant_id):
            ProductLink.objects.filter(store=linked).update(components=parts, is_manual=True)
        bought(tiktok)
        assert of(tiktok, linked, methods={}).same == 1

    def test_takes_spellings_apart_where_the_rules_say_so(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok, lines=(line(sku="Cnd-Fig-08"),))
        found = of(tiktok, linked, rules=RouteRules(sku_case_matters=True))
        assert (found.blocked, found.orders[0].differences[0].before) == (1, "Created")

    def test_cannot_be_told_without_a_kept_link(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok, lines=(line(sku="CND-PINE-12"),))
        assert of(tiktok, linked, methods={}).untold == 1

    def test_takes_a_variant_that_the_kept_catalog_has_once(
        self, tiktok: ConnectedStore, linked: ConnectedStore
    ) -> None:
        bought(tiktok, lines=(line(sku="CND-PINE-12"),))
        with merchant_rows(tiktok.merchant_id):
            for number in ("1", "2"):
                CatalogVariant.objects.create(
                    merchant=tiktok.merchant, store=linked, external_id=number, sku="CND-PINE-12", sku_key="cnd-pine-12"
                )
                assert of(tiktok, linked, methods={}).untold == int(number) - 1

    def test_needs_no_address(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok, address=None, address_state=AddressState.MISSING)
        assert of(tiktok, linked, methods={}).same == 1

    def test_leaves_out_the_cancelled_and_the_old(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, cancelled=True)
        OrderFactory(source_store=tiktok, ready=True, ordered_at=NOON - timedelta(days=31))
        assert of(tiktok, linked, methods={}).same == 0

    def test_of_a_store_that_gets_nothing_is_nothing(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = effect(merchant_id=tiktok.merchant_id, source_store=tiktok, proposed={}, now=NOON)
        assert (found.same, found.untold) == (0, 0)

    def test_says_where_it_stopped_looking(
        self, tiktok: ConnectedStore, linked: ConnectedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orders.effect.MOST", 2)
        for _ in range(3):
            bought(tiktok)
        found = of(tiktok, linked, methods={})
        assert (found.same, found.is_capped) == (2, True)

    def test_asks_no_store_and_writes_nothing(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        of(tiktok, linked, methods={"": ("Any", "ANY")})
        with merchant_rows(tiktok.merchant_id):
            kept = Order.objects.get()
            assert (kept.version, kept.source_status) == (order.version, SourceStatus.AWAITING_SHIPMENT)
