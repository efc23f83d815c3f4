"""Which orders reach the sandbox's stores under which rule, when, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from orders import attention, routing
from orders.models import OrderState, Route
from orders.rules import Filter, FilterBy, PlatformShipped, RouteRules, Samples, Warehoused
from tests.journeys.conftest import STORES, Journey

FBT = {"fulfillment_type": "FULFILLMENT_BY_TIKTOK", "shipping_type": "TIKTOK"}
LABELLED = {"shipping_type": "TIKTOK"}
OPEN_STORES = [platform for platform in STORES if platform != "amazon"]  # those that take an order without an address
NUMBER = "9400111899562537866361"


def route(journey: Journey, platform: str = "shopify", **rules: Any) -> None:
    """Alice's one route, to that store, under these rules."""
    if platform != "shopify":
        journey.connect(platform)
        journey.settle()
    source, store = journey.store("tiktok_shop"), journey.store(platform)
    with merchant_rows(source.merchant_id):
        Route.objects.filter(source_store=source).delete()
        made = Route(source_store=source, destination_store=store, rules=RouteRules(**rules).to_json())
        routing.save_route(route=made)


def create_anyway(journey: Journey, order_id: str) -> None:
    order = journey.order(order_id)
    with merchant_rows(order.merchant_id):
        attention.create_anyway(order=order, by="Alice", now=journey.now())
    journey.settle()


class TestFilters:
    @pytest.mark.parametrize(
        ("filter_", "bought"),
        [
            (Filter("No candles", FilterBy.SKU, "CND-*"), {}),
            (Filter("No candles", FilterBy.TAG, "tiktok-sample"), {"sample": True}),
            (Filter("No candles", FilterBy.TOTAL_ABOVE, "10000"), {"lines": [{"sku": "CND-FIG-08", "quantity": 9}]}),
            (Filter("No candles", FilterBy.TOTAL_BELOW, "10000"), {}),
        ],
    )
    def test_keep_orders_from_the_store_by_name(
        self, journey: Journey, filter_: Filter, bought: dict[str, Any]
    ) -> None:
        route(journey, filters=(filter_,))
        order_id = journey.buy_released(**bought)
        order = journey.order(order_id)
        assert (order.state, order.skip_rule) == (OrderState.SKIPPED, "Rule: No candles")
        assert journey.shopify_orders(order_id) == []
        assert "Rule: No candles" in journey.person.open(f"{journey.site}/orders/{order.pk}/").text
        other = journey.buy_released(lines=[{"sku": "TIN-LAV-04", "quantity": 9, "price": "12.00"}])
        assert len(journey.shopify_orders(other)) == 1 or filter_.by in (FilterBy.TOTAL_ABOVE, FilterBy.TOTAL_BELOW)

    def test_are_passed_over_by_a_person(self, journey: Journey) -> None:
        route(journey, filters=(Filter("No candles", FilterBy.SKU, "CND-*"),))
        order_id = journey.buy_released()
        create_anyway(journey, order_id)
        assert journey.order(order_id).state == OrderState.MIRRORED
        assert len(journey.shopify_orders(order_id)) == 1


class TestSamples:
    def test_are_not_mirrored_where_the_route_does_not_want_them(self, journey: Journey) -> None:
        route(journey, samples=Samples.SKIP)
        order_id = journey.buy_released(sample=True)
        assert journey.order(order_id).skip_rule == "Free samples are not mirrored"
        assert journey.shopify_orders(order_id) == []

    def test_of_one_creator_come_together_under_one_tag(self, journey: Journey) -> None:
        route(journey, samples=Samples.COMBINE, combine_hours=2)
        first = journey.buy_released(sample=True, buyer=1)
        second = journey.buy_released(sample=True, buyer=1, lines=[{"sku": "TIN-LAV-04", "quantity": 1}])
        assert journey.shopify_orders(first) == journey.shopify_orders(second) == []
        journey.wait(7200)
        one, two = journey.shopify_order(first), journey.shopify_order(second)
        assert abs(one["created_at"] - two["created_at"]) < 5
        tag = f"tiktok-samples-{first}"
        assert tag in one["tags"]
        assert tag in two["tags"]

    def test_that_are_cancelled_while_they_wait_are_never_created(self, journey: Journey) -> None:
        route(journey, samples=Samples.COMBINE, combine_hours=2)
        first = journey.buy_released(sample=True, buyer=1)
        second = journey.buy_released(sample=True, buyer=1)
        journey.control("tiktok_shop/seller_cancel", order_id=first)
        journey.wait(7200)
        assert journey.shopify_orders(first) == []
        assert len(journey.shopify_orders(second)) == 1


class TestWhatTikTokShips:
    @pytest.mark.parametrize(
        ("bought", "rule"), [(FBT, "TikTok's warehouse ships it"), (LABELLED, "Shipped by TikTok")]
    )
    def test_is_shown_only_unless_the_merchant_wants_more(
        self, journey: Journey, bought: dict[str, Any], rule: str
    ) -> None:
        order_id = journey.buy_released(**bought)
        assert (journey.order(order_id).state, journey.order(order_id).skip_rule) == (OrderState.SKIPPED, rule)
        assert journey.shopify_orders(order_id) == []

    @pytest.mark.parametrize("platform", OPEN_STORES)
    @pytest.mark.parametrize("bought", [FBT, LABELLED])
    def test_comes_without_an_address_and_its_number_follows(
        self, journey: Journey, platform: str, bought: dict[str, Any]
    ) -> None:
        route(journey, platform, warehoused=Warehoused.MIRROR, platform_shipped=PlatformShipped.MIRROR)
        order_id = journey.buy_released(**bought)
        order = journey.order_in(platform, order_id)
        assert not any("Jane" in str(value) for value in order.values())
        assert journey.order(order_id).state == OrderState.MIRRORED
        journey.control("tiktok_shop/platform_ship", order_id=order_id, tracking_number=NUMBER)
        journey.wait(10)
        (parcel,) = journey.order_in(platform, order_id)["fulfillments"]
        assert parcel["tracking_number"] == NUMBER
        journey.wait(200)
        assert journey.order(order_id).state == OrderState.FULFILLED
        assert journey.order(order_id).attention == ""
        assert [item.kind for item in journey.items(order_id)] == ["CREATE_ORDER", "COPY_TRACKING"]
        assert len(journey.ledger("package.shipped", order_id)) == 1
        assert not journey.ledger("buyer.mailed")

    def test_that_left_before_it_was_created_has_its_number_as_well(self, journey: Journey) -> None:
        route(journey, warehoused=Warehoused.MIRROR)
        journey.fault("shopify", "orderCreate", "status", status=503, times=1)
        order_id = journey.buy_released(**FBT)
        journey.control("tiktok_shop/platform_ship", order_id=order_id, tracking_number=NUMBER)
        for _ in range(4):
            journey.wait(60)
        (parcel,) = journey.shopify_order(order_id)["fulfillments"]
        assert parcel["tracking_number"] == NUMBER
        assert journey.order(order_id).state == OrderState.FULFILLED

    def test_has_its_parcel_once_after_a_lost_answer(self, journey: Journey) -> None:
        route(journey, warehoused=Warehoused.MIRROR)
        order_id = journey.buy_released(**FBT)
        journey.fault("shopify", "fulfillmentCreate", "reset_after")
        journey.control("tiktok_shop/platform_ship", order_id=order_id, tracking_number=NUMBER)
        for _ in range(3):
            journey.wait(60)
        assert len(journey.shopify_order(order_id)["fulfillments"]) == 1
        assert journey.items(order_id)[-1].status == "DONE"

    def test_comes_in_the_parcels_that_tiktok_makes(self, journey: Journey) -> None:
        route(journey, warehoused=Warehoused.MIRROR)
        order_id = journey.buy_released(**FBT, lines=[{"sku": "CND-FIG-08"}, {"sku": "TIN-LAV-04"}])
        lines = [line["id"] for line in journey.tiktok_order(order_id)["line_items"]]
        for number, line_id in zip((NUMBER, "9400111899562537866378"), lines, strict=True):
            journey.control("tiktok_shop/platform_ship", order_id=order_id, tracking_number=number, line_ids=[line_id])
            journey.wait(10)
        parcels = journey.shopify_order(order_id)["fulfillments"]
        assert [parcel["lines"] for parcel in parcels] == [{"CND-FIG-08": 1}, {"TIN-LAV-04": 1}]

    def test_is_never_told_a_number_of_the_stores_own(self, journey: Journey) -> None:
        route(journey, warehoused=Warehoused.MIRROR)
        order_id = journey.buy_released(**FBT)
        journey.ship(order_id)
        journey.wait(60)
        assert [item.kind for item in journey.items(order_id)] == ["CREATE_ORDER"]
        assert journey.order(order_id).attention == "NOT_SELLER_SHIPPING"
        assert not journey.ledger("package.shipped", order_id)

    def test_is_cancelled_in_the_store_with_the_order(self, journey: Journey) -> None:
        route(journey, warehoused=Warehoused.MIRROR)
        order_id = journey.buy_released(**FBT)
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        journey.wait(10)
        assert journey.shopify_order(order_id)["is_cancelled"]

    def test_is_not_available_at_amazon_and_says_so_to_a_person(self, journey: Journey) -> None:
        route(journey, "amazon")
        order_id = journey.buy_released(**FBT)
        create_anyway(journey, order_id)
        order = journey.order(order_id)
        assert (order.state, order.attention) == (OrderState.READY, "NOT_SUPPORTED")
        assert "address" in order.attention_detail["message"]
