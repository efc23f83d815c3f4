"""Which orders reach the sandbox's stores under which rule, when, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from orders import attention, routing
from orders.models import HoldMode, OrderState, Route, RouteRule, Setup
from orders.rules import Filter, FilterBy, PlatformShipped, RouteRules, Samples, Warehoused
from tests.journeys.conftest import SHOPIFY_SHOP, STORES, Journey
from tests.journeys.test_rules_sent import link_bundle

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

    @pytest.mark.parametrize("platform", ["shopify", "wix"])
    def test_comes_with_all_pieces_of_a_bundle_that_is_in_the_parcel(self, journey: Journey, platform: str) -> None:
        """One candle is two tins and a matchbox there; the first of two leaves alone."""
        route(journey, platform, warehoused=Warehoused.MIRROR)
        link_bundle(journey, journey.store(platform))
        order_id = journey.buy_released(**FBT, lines=[{"sku": "CND-FIG-08"}, {"sku": "CND-FIG-08"}])
        lines = [line["id"] for line in journey.tiktok_order(order_id)["line_items"]]
        for number, line_id in zip((NUMBER, "9400111899562537866378"), lines, strict=True):
            journey.control("tiktok_shop/platform_ship", order_id=order_id, tracking_number=number, line_ids=[line_id])
            journey.wait(10)
        parcels = journey.order_in(platform, order_id)["fulfillments"]
        assert [parcel["lines"] for parcel in parcels] == [{"TIN-LAV-04": 2, "GFT-MTC-01": 1}] * 2
        assert journey.order(order_id).attention == ""

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


class TestAtOnce:
    @pytest.fixture
    def at_once(self, journey: Journey) -> Journey:
        source, store = journey.store("tiktok_shop"), journey.store("shopify")
        with merchant_rows(source.merchant_id):
            Route.objects.filter(source_store=source).delete()
            made = Route(source_store=source, destination_store=store, hold_mode=HoldMode.AT_ONCE)
            routing.save_route(route=made)
        return journey

    def test_is_offered_only_where_the_store_keeps_orders_back(self, journey: Journey) -> None:
        journey.connect("wix")
        source, store = journey.store("tiktok_shop"), journey.store("wix")
        made = Route(source_store=source, destination_store=store, rule=RouteRule.FOUND, hold_mode=HoldMode.AT_ONCE)
        with merchant_rows(source.merchant_id), pytest.raises(routing.RouteRefused, match="not available"):
            routing.save_route(route=made)

    def test_keeps_the_order_back_and_fills_in_the_buyer_when_tiktok_lets_it_go(self, at_once: Journey) -> None:
        order_id = at_once.buy()
        at_once.wait(10)
        there = at_once.shopify_order(order_id)
        assert (there["is_on_hold"], there["financial_status"]) == (True, "PENDING")
        assert (there["shipping_address"], there["email"]) == (None, "")
        assert at_once.order(order_id).state == OrderState.HELD
        at_once.wait(at_once.world.hold_seconds)
        there = at_once.shopify_order(order_id)
        assert (there["is_on_hold"], there["financial_status"]) == (False, "PAID")
        assert there["shipping_address"]["zip"]
        assert there["email"]
        assert there["paid"] == there["total"]
        assert at_once.order(order_id).state == OrderState.MIRRORED
        assert len(at_once.ledger("order.created", order_id)) == 1
        at_once.ship(order_id)
        at_once.wait(60)
        assert at_once.order(order_id).state == OrderState.FULFILLED

    def test_sends_nothing_before_the_shop_is_switched_on(self, at_once: Journey) -> None:
        shop = at_once.store("tiktok_shop")
        with merchant_rows(shop.merchant_id):
            Setup.objects.filter(store=shop).update(switched_on_at=None)
        order_id = at_once.buy()
        at_once.wait(10)
        assert at_once.order(order_id).state == OrderState.HELD
        assert at_once.ledger("order.created", order_id) == []

    def test_fills_in_before_it_lets_go(self, at_once: Journey) -> None:
        order_id = at_once.buy()
        at_once.wait(10)
        at_once.wait(at_once.world.hold_seconds)
        told = [entry["event"] for entry in at_once.world.ledger if entry["event"].startswith("order.")]
        assert told.index("order.held") < told.index("order.updated") < told.index("order.hold_ended")
        assert at_once.events(order_id).index("mirror.held") < at_once.events(order_id).index("mirror.let_go")

    def test_cancels_in_the_store_what_is_cancelled_on_hold(self, at_once: Journey) -> None:
        order_id = at_once.buy()
        at_once.wait(10)
        at_once.control("tiktok_shop/buyer_cancel", order_id=order_id)
        at_once.wait(10)
        assert at_once.shopify_order(order_id)["is_cancelled"]
        at_once.wait(at_once.world.hold_seconds)
        assert at_once.order(order_id).state == OrderState.CANCELLED
        assert not at_once.ledger("order.updated")

    @pytest.mark.parametrize(
        "operation",
        ["orderCreate", "fulfillmentOrderHold", "orderUpdate", "orderMarkAsPaid", "fulfillmentOrderReleaseHold"],
    )
    def test_comes_to_the_same_after_a_lost_answer(self, at_once: Journey, operation: str) -> None:
        at_once.fault("shopify", operation, "reset_after")
        order_id = at_once.buy()
        for _ in range(3):
            at_once.wait(60)
        assert at_once.shopify_order(order_id)["is_on_hold"]
        at_once.wait(at_once.world.hold_seconds)
        for _ in range(3):
            at_once.wait(60)
        there = at_once.shopify_order(order_id)
        assert (there["is_on_hold"], there["financial_status"]) == (False, "PAID")
        assert at_once.order(order_id).state == OrderState.MIRRORED
        assert at_once.order(order_id).attention == ""
        assert len(at_once.ledger("order.created", order_id)) == 1

    def test_lets_go_for_good_though_the_hold_itself_is_carried_out_late(self, at_once: Journey) -> None:
        """TikTok lets the order go while nobody knows yet whether the store holds it."""
        at_once.fault("shopify", "fulfillmentOrderHold", "late_commit", seconds=25, times=1)
        order_id = at_once.buy()
        at_once.settle()
        assert not at_once.shopify_order(order_id)["is_on_hold"]
        at_once.control("tiktok_shop/end_hold", order_id=order_id)
        for _ in range(12):
            at_once.wait(15)
        there = at_once.shopify_order(order_id)
        assert at_once.ledger("order.held", order_id)
        assert (there["is_on_hold"], there["financial_status"]) == (False, "PAID")
        assert (at_once.order(order_id).state, at_once.order(order_id).attention) == (OrderState.MIRRORED, "")

    def test_lets_go_for_good_though_the_hold_was_repeated_and_its_first_call_comes_late(
        self, at_once: Journey
    ) -> None:
        at_once.fault("shopify", "fulfillmentOrderHold", "late_commit", seconds=28, times=1)
        order_id = at_once.buy()
        at_once.settle()
        at_once.wait(5)
        assert at_once.shopify_order(order_id)["is_on_hold"]
        at_once.control("tiktok_shop/end_hold", order_id=order_id)
        for _ in range(12):
            at_once.wait(10)
        there = at_once.shopify_order(order_id)
        assert (there["is_on_hold"], there["financial_status"]) == (False, "PAID")
        assert at_once.order(order_id).state == OrderState.MIRRORED

    def test_leaves_no_live_order_when_it_is_cancelled_while_its_create_is_in_doubt(self, at_once: Journey) -> None:
        at_once.fault("shopify", "orderCreate", "reset_after")
        order_id = at_once.buy()
        at_once.settle()
        at_once.control("tiktok_shop/buyer_cancel", order_id=order_id)
        for _ in range(6):
            at_once.wait(10)
        assert all(there["is_cancelled"] for there in at_once.shopify_orders(order_id))

    def test_asks_about_an_order_that_was_cancelled_in_the_store_meanwhile(self, at_once: Journey) -> None:
        order_id = at_once.buy()
        at_once.wait(10)
        at_once.control("shopify/cancel", shop=SHOPIFY_SHOP, order=at_once.shopify_order(order_id)["name"])
        at_once.wait(at_once.world.hold_seconds + 10)
        assert at_once.order(order_id).attention == "REMOTE_ERROR"
        assert "still expects the order" in at_once.order(order_id).attention_detail["message"]

    def test_sends_an_order_in_full_where_it_could_not_be_made_before(self, at_once: Journey) -> None:
        order_id = at_once.buy(lines=[{"sku": "CND-PINE-12", "quantity": 1}])
        at_once.wait(10)
        assert at_once.order(order_id).attention == "NOT_LINKED"
        at_once.wait(at_once.world.hold_seconds)
        at_once.control("shopify/add_variant", shop=SHOPIFY_SHOP, sku="CND-PINE-12", title="Pine Candle, 12 oz")
        for _ in range(8):
            at_once.wait(60)
        there = at_once.shopify_order(order_id)
        assert (there["is_on_hold"], there["financial_status"]) == (False, "PAID")
        assert at_once.order(order_id).state == OrderState.MIRRORED
        assert at_once.order(order_id).attention == ""
