"""The effect of a change on the orders of the last 30 days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import AddressState, Shipper, SourceStatus
from connectors.models import ConnectedStore
from orders import proposals
from orders.components import Component
from orders.effect import Compared, Effect, Fate, effect
from orders.models import CatalogVariant, Order, ProductLink, Route, ShippingMapping
from orders.proposals import Proposal
from orders.rules import Filter, FilterBy, RouteRules, Stock, Warehoused
from orders.views.outlook import outlook_on_orders
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import JANE, NOON, line


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


def counts(found: Effect) -> tuple[int, int, int]:
    """How many stay the same, differ, and are blocked."""
    same, differ, blocked = (found.count(fate) for fate in Fate)
    return same, differ, blocked


def unlike(found: Effect) -> list[Compared]:
    return [each for each in found.compared if each.differences]


class TestEffect:
    def test_of_nothing_is_nothing(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = of(tiktok, linked)
        assert (counts(found), found.untold, unlike(found)) == ((1, 0, 0), 0, [])

    def test_names_what_the_store_would_get_otherwise(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        bought(tiktok, delivery_option_id="other", delivery_option_name="Express")
        found = of(tiktok, linked, methods={order.snapshot["delivery_option_id"]: ("Economy", "ECO")})
        assert (counts(found), found.untouched) == ((0, 1, 0), 1)
        (affected,) = unlike(found)
        assert (affected.external_id, affected.order_id) == (order.external_id, order.pk)
        assert [(each.what, each.before, each.after) for each in affected.differences] == [
            ("Shipping method", "Standard shipping", "Economy"),
            ("Method code", order.snapshot["delivery_option_id"], "ECO"),
        ]

    def test_compares_with_the_methods_as_they_are(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        option = order.snapshot["delivery_option_id"]
        with merchant_rows(tiktok.merchant_id):
            ShippingMapping.objects.create(
                merchant=tiktok.merchant, store=linked, delivery_option_id=option, title="Economy", code="ECO"
            )
        assert counts(of(tiktok, linked, methods={option: ("Economy", "ECO")}))[0] == 1
        assert counts(of(tiktok, linked, methods={}))[1] == 1

    def test_drafts_under_the_rules_that_are_proposed(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = of(tiktok, linked, rules=RouteRules(tags=("marketplace",), stock=Stock.KEEP))
        assert counts(found) == (0, 1, 0)
        said = {each.what: (each.before, each.after) for each in unlike(found)[0].differences}
        assert said["Tags"] == ("TikTok Shop", "TikTok Shop, marketplace")
        assert said["Stock"] == ("Deduct, below zero too", "Leave it alone")

    def test_of_a_filter_stops_orders_by_its_name(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = of(tiktok, linked, rules=RouteRules(filters=(Filter("No figs", FilterBy.SKU, "CND-FIG-*"),)))
        assert counts(found) == (0, 0, 1)
        (difference,) = unlike(found)[0].differences
        assert (difference.before, difference.after) == ("Created", "Skipped: Rule: No figs")

    def test_lets_orders_go_that_a_rule_stops_now(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok, shipper=Shipper.PLATFORM_WAREHOUSE)
        found = of(tiktok, linked, rules=RouteRules(warehoused=Warehoused.MIRROR))
        assert (counts(found)[1], unlike(found)[0].differences[0].after) == (1, "Created")

    def test_sends_what_stands_for_a_bundle(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        parts = [{"variant_id": each, "sku": each, "title": each, "quantity": 1} for each in ("LID", "JAR")]
        with merchant_rows(tiktok.merchant_id):
            ProductLink.objects.filter(store=linked).update(components=parts, is_manual=True)
        bought(tiktok)
        assert counts(of(tiktok, linked, methods={}))[0] == 1

    def test_takes_spellings_apart_where_the_rules_say_so(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok, lines=(line(sku="Cnd-Fig-08"),))
        found = of(tiktok, linked, rules=RouteRules(sku_case_matters=True))
        assert (counts(found)[2], unlike(found)[0].differences[0].before) == (1, "Created")

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
        assert counts(of(tiktok, linked, methods={}))[0] == 1

    def test_says_of_which_order_the_address_stood_in(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        bought(tiktok, address=None, address_state=AddressState.MASKED)
        bought(tiktok, address=None, address_state=AddressState.MISSING, shipper=Shipper.PLATFORM)
        found = of(tiktok, linked, methods={})
        assert sorted(each.has_stand_in for each in found.compared) == [False, False, True]

    def test_has_the_very_request_of_both(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        (found,) = of(tiktok, linked, methods={order.snapshot["delivery_option_id"]: ("Economy", "ECO")}).compared
        assert found.before.request is not None
        assert found.after.request is not None
        assert '"ECO"' in found.after.request.body
        assert '"ECO"' not in found.before.request.body

    def test_is_what_the_store_itself_would_refuse(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=linked.pk).update(platform="wix")
        linked.platform = "wix"
        bought(tiktok, address=replace(JANE, line1=""))
        (found,) = of(tiktok, linked, methods={}).compared
        assert (found.before.code, found.before.words) == ("ADDRESS_INVALID", "Wix needs a street in the address")

    def test_of_a_link_is_told_of_the_orders_that_have_its_sku(
        self, tiktok: ConnectedStore, linked: ConnectedStore
    ) -> None:
        bought(tiktok)
        pine = bought(tiktok, lines=(line(sku=" cnd-pine-12"),))
        parts = [Component("gid://lid", "LID"), Component("gid://jar", "JAR", quantity=2)]
        found = of(tiktok, linked, links={"CND-PINE-12": parts})
        assert (found.untouched, [each.order_id for each in found.compared]) == (1, [pine.pk])
        (affected,) = unlike(found)
        assert (affected.before.code, affected.fate) == ("NOT_LINKED", Fate.DIFFER)
        assert affected.after.draft is not None
        assert [(each.sku, each.quantity) for each in affected.after.draft.lines] == [("LID", 1), ("JAR", 2)]

    def test_of_many_links_looks_at_every_order(
        self, tiktok: ConnectedStore, linked: ConnectedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proposals, "_MOST_NAMED", 0)
        bought(tiktok)
        found = of(tiktok, linked, links={"CND-PINE-12": [Component("gid://lid", "LID")]})
        assert (counts(found), found.untouched) == ((1, 0, 0), 0)

    def test_of_another_default_method_concerns_every_order(
        self, tiktok: ConnectedStore, linked: ConnectedStore
    ) -> None:
        bought(tiktok)
        bought(tiktok, delivery_option_id="other", delivery_option_name="Express")
        assert counts(of(tiktok, linked, methods={"": ("Economy", "ECO")})) == (0, 2, 0)

    def test_of_one_shops_rules_leaves_those_of_another_shop(
        self, tiktok: ConnectedStore, linked: ConnectedStore
    ) -> None:
        bought(tiktok)
        second = StoreFactory(merchant=tiktok.merchant, name="Second shop")
        bought(second)
        with merchant_rows(tiktok.merchant_id):
            for shop in (tiktok, second):
                Route.objects.create(merchant=tiktok.merchant, source_store=shop, destination_store=linked)
            routes = list(Route.objects.select_related("source_store", "destination_store").order_by("pk"))
        said = [Proposal(rules=RouteRules(tags=("first",))), Proposal(rules=RouteRules())]
        outlook = outlook_on_orders(
            merchant_id=tiktok.merchant_id,
            proposals=zip(routes, said, strict=True),
            number=1,
            now=NOON + timedelta(hours=1),
        )
        assert sorted(each.fate for each in outlook.shown) == [Fate.DIFFER, Fate.SAME]

    def test_leaves_out_the_cancelled_and_the_old(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, cancelled=True)
        OrderFactory(source_store=tiktok, ready=True, ordered_at=NOON - timedelta(days=31))
        assert counts(of(tiktok, linked, methods={}))[0] == 0

    def test_of_a_store_that_gets_nothing_is_nothing(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        bought(tiktok)
        found = effect(merchant_id=tiktok.merchant_id, source_store=tiktok, proposed={}, now=NOON)
        assert (found.compared, found.untold) == ((), 0)

    def test_says_where_it_stopped_looking(
        self, tiktok: ConnectedStore, linked: ConnectedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orders.effect.MOST", 2)
        for _ in range(3):
            bought(tiktok)
        found = of(tiktok, linked, methods={})
        assert (counts(found)[0], found.is_capped) == (2, True)

    def test_asks_no_store_and_writes_nothing(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = bought(tiktok)
        of(tiktok, linked, methods={"": ("Any", "ANY")})
        with merchant_rows(tiktok.merchant_id):
            kept = Order.objects.get()
            assert (kept.version, kept.source_status) == (order.version, SourceStatus.AWAITING_SHIPMENT)
