"""Where a change of routes would have sent the orders of the last 30 days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders import routing
from orders.effect import Fate
from orders.models import Order, ProductLink, Route, RouteRule
from orders.route_effect import Rerouted, route_effect
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import NOON, line

TIN = line("2", sku="TIN-LAV-04", title="Lavender Tin")


@pytest.fixture
def route(tiktok: ConnectedStore, shopify: ConnectedStore) -> Route:
    """The default route; two orders, one of a candle, one of a candle and a tin."""
    OrderFactory(source_store=tiktok, ready=True, changes={"lines": (line(), TIN)})
    OrderFactory(source_store=tiktok, ready=True)
    with merchant_rows(tiktok.merchant_id):
        (made,) = routing.chosen_routes(tiktok)
    made.source_store = tiktok
    return made


def of(proposed: Route) -> list[Rerouted]:
    with merchant_rows(proposed.merchant_id):
        found = route_effect(source_store=proposed.source_store, proposed=proposed, now=NOON + timedelta(hours=1))
    return sorted(found, key=lambda each: len(each.seen.lines))


def another(route: Route, store: ConnectedStore, **said: Any) -> Route:
    return Route(
        merchant_id=route.merchant_id,
        source_store=route.source_store,
        destination_store=store,
        **{"position": 1, **said},
    )


class TestRouteEffect:
    def test_of_the_route_as_it_is_is_none(self, route: Route) -> None:
        assert [each.fate for each in of(route)] == [Fate.SAME, Fate.SAME]

    def test_names_what_goes_to_another_store(self, route: Route) -> None:
        wix = StoreFactory(shopify=True, merchant=route.source_store.merchant)
        one, two = of(another(route, wix, rule=RouteRule.SKU, skus=["tin-*"], takes_part=True))
        assert (one.fate, two.fate) == (Fate.SAME, Fate.DIFFER)
        assert two.before.parts == ((route.destination_store_id, "1 × CND-FIG-08, 1 × TIN-LAV-04"),)
        assert two.after.parts == ((wix.pk, "1 × TIN-LAV-04"), (route.destination_store_id, "1 × CND-FIG-08"))

    def test_is_that_orders_wait_which_no_route_takes_any_more(self, route: Route) -> None:
        route.rule, route.skus = RouteRule.SKU, ["CND-*"]
        one, two = of(route)
        assert (one.fate, two.fate) == (Fate.SAME, Fate.BLOCKED)
        assert two.after.stops == "No store takes 1 × CND-FIG-08, 1 × TIN-LAV-04"

    def test_leaves_to_the_merchant_what_the_store_has_not(self, route: Route) -> None:
        with merchant_rows(route.merchant_id):
            ProductLink.objects.create(
                merchant=route.source_store.merchant, store=route.destination_store, sku="cnd-fig-08", variant_id="gid://fig",
                checked_at=NOON,
            )  # fmt: skip
        route.leaves_rest = True
        _, two = of(route)
        assert (two.after.parts[0][1], two.after.by_hand) == ("1 × CND-FIG-08", "1 × TIN-LAV-04")

    def test_of_the_first_route_is_that_orders_go_somewhere(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ready=True)
        store = StoreFactory(shopify=True, merchant=tiktok.merchant)
        made = Route(merchant=tiktok.merchant, source_store=tiktok, destination_store=store)
        (one,) = of(made)
        assert (one.before.stops, one.fate) == ("There is no route", Fate.DIFFER)

    def test_writes_nothing(self, route: Route) -> None:
        of(
            another(
                route, StoreFactory(shopify=True, merchant=route.source_store.merchant), rule=RouteRule.SKU, skus=["X"]
            )
        )
        with merchant_rows(route.merchant_id):
            assert Route.objects.count() == 1


class TestRoutePage:
    def test_looks_without_saving_and_saves_on_another_word(self, alice: Client, route: Route) -> None:
        with merchant_rows(route.merchant_id):
            Order.objects.all().delete()
        OrderFactory(source_store=route.source_store, ready=True, ordered_at=timezone.now(), changes={"lines": (TIN,)})
        url = f"/routes/{route.pk}/"
        said = {
            "destination": str(route.destination_store_id), "rule": "SKU", "skus": "CND-*", "least_share": "100",
            "position": "1",
        }  # fmt: skip
        for press in ({"step": "look"}, {"list": "BLOCKED"}, {"preview": "1"}):
            effect = alice.post(url, {**said, **press}).context["effect"]
            assert effect["blocked"] == 1
            with merchant_rows(route.merchant_id):
                assert Route.objects.get().rule == RouteRule.DEFAULT
        received, saved, would = effect["preview"]["columns"]
        assert received["rows"][1]["value"] == "1 × TIN-LAV-04"
        assert saved["rows"] == [{"label": "Shopify", "value": "1 × TIN-LAV-04", "is_changed": True}]
        assert would["reason"] == "No store takes 1 × TIN-LAV-04"
        table = alice.post(url, {**said, "step": "csv"}).content.decode()
        assert "Blocked,Goes to,Shopify,No store takes 1 × TIN-LAV-04" in table
        assert alice.post(url, {**said, "step": "save"}).status_code == 302
        with merchant_rows(route.merchant_id):
            assert Route.objects.get().skus == ["CND-*"]
