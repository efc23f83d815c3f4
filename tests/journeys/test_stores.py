"""One TikTok shop and four stores, several at once: routes, parts, and what each platform cannot do."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from accounts.access import merchant_rows
from connectors import testing
from connectors.models import ConnectedStore, StoreState
from connectors.speaking import speaking_to_source
from orders import routing
from orders.dryrun import dry_run
from orders.models import MirrorState, OrderState, Route, RouteRule
from tests.factories import switch_on
from tests.journeys.conftest import STORES, Journey

OTHERS = ("amazon", "wix", "squarespace")
TWO_LINES = [{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "TIN-LAV-04", "quantity": 2}]


@pytest.fixture
def stores(journey: Journey) -> Journey:
    """All four stores connected; Shopify has the default route."""
    for platform in OTHERS:
        journey.connect(platform)
    journey.settle()
    return journey


def route(journey: Journey, platform: str, **changes: Any) -> Route:
    """A route from Alice's shop to that store; the default one moves there if it is to be the default."""
    source, store = journey.store("tiktok_shop"), journey.store(platform)
    with merchant_rows(source.merchant_id):
        if changes.get("rule", RouteRule.DEFAULT) == RouteRule.DEFAULT:
            Route.objects.filter(source_store=source).delete()
        made = Route(source_store=source, destination_store=store, **changes)
        routing.save_route(route=made)
    return made


class TestEachStore:
    @pytest.mark.parametrize("platform", STORES)
    def test_gets_the_order_and_its_number_comes_back(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        order_id = stores.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        assert len(stores.orders_in(platform, order_id)) == 1
        assert [other for other in STORES if stores.orders_in(other, order_id)] == [platform]
        stores.ship_from(platform, order_id)
        stores.wait(130)
        (kept,) = stores.fulfillments(order_id)
        assert (kept.state, len(kept.line_ids)) == ("ACCEPTED", 2)
        assert stores.order(order_id).state == OrderState.FULFILLED
        lines = stores.tiktok_order(order_id)["line_items"]
        assert {line["tracking_number"] for line in lines} == {kept.tracking_number}

    @pytest.mark.parametrize("platform", STORES)
    def test_is_not_sent_what_was_cancelled_on_hold(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        order_id = stores.buy()
        stores.settle()
        stores.control("tiktok_shop/buyer_cancel", order_id=order_id)
        stores.wait(stores.world.hold_seconds + 5)
        assert stores.orders_in(platform, order_id) == []

    @pytest.mark.parametrize("platform", STORES)
    def test_has_one_order_after_a_lost_answer(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        operation = "orderCreate" if platform == "shopify" else "orders.create"
        stores.fault(platform, operation, "reset_after")
        order_id = stores.buy_released()
        for _ in range(4):
            stores.wait(60)
        assert len(stores.ledger("order.created", order_id)) == 1
        assert stores.order(order_id).state == OrderState.MIRRORED

    @pytest.mark.parametrize("platform", STORES)
    def test_follows_a_cancellation_or_makes_it_a_task(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        order_id = stores.buy_released()
        stores.control("tiktok_shop/seller_cancel", order_id=order_id)
        stores.wait(10)
        mirror, order = stores.mirror(order_id), stores.order(order_id)
        assert order.state == OrderState.CANCELLED
        if platform != "squarespace":
            assert mirror.state == MirrorState.CANCELLED
            assert stores.order_in(platform, order_id)["is_cancelled"]
            return
        assert (mirror.state, order.attention) == (MirrorState.CREATED, "ALREADY_CANCELLED")
        assert order.attention_detail["is_task"]
        there = stores.order_in(platform, order_id)
        stores.control("squarespace/cancel", shop=there["shop"], order=there["name"])
        stores.wait(5)
        assert stores.mirror(order_id).state == MirrorState.CANCELLED
        assert stores.order(order_id).attention == ""

    @pytest.mark.parametrize("platform", STORES)
    def test_says_which_item_is_not_linked_and_goes_on_once_it_is(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        order_id = stores.buy_released(lines=[{"sku": "CND-PINE-12", "quantity": 1}])
        order = stores.order(order_id)
        assert (order.attention, order.attention_detail["sku"]) == ("NOT_LINKED", "CND-PINE-12")
        shop = {"shopify": {"shop": "alices-candles.myshopify.com"}}.get(platform, {})
        stores.control(f"{platform}/add_variant", sku="CND-PINE-12", title="Pine Candle, 12 oz", **shop)
        stores.wait(310)
        assert len(stores.orders_in(platform, order_id)) == 1
        assert stores.order(order_id).attention == ""

    @pytest.mark.parametrize("platform", OTHERS)
    def test_asks_about_two_variants_with_one_sku(self, stores: Journey, platform: str) -> None:
        if platform == "amazon":
            pytest.skip("a SKU is unique at Amazon")
        route(stores, platform)
        stores.control(f"{platform}/add_variant", sku="CND-FIG-08", title="Another candle")
        order = stores.order(stores.buy_released())
        assert (order.attention, order.attention_detail["is_ambiguous"]) == ("NOT_LINKED", True)


class TestSplitOrder:
    @pytest.fixture
    def split(self, stores: Journey) -> str:
        """Tins go to Wix, the rest to Amazon."""
        route(stores, "amazon")
        route(stores, "wix", rule=RouteRule.SKU, skus=["TIN-*"], takes_part=True, position=1)
        return stores.buy_released(lines=TWO_LINES, shipping_fee="4.99", discounts={"seller": "4.20"})

    def test_has_a_mirror_in_each_store_with_its_items(self, stores: Journey, split: str) -> None:
        assert [line["sku"] for line in stores.order_in("wix", split)["lines"]] == ["TIN-LAV-04"]
        assert [line["sku"] for line in stores.order_in("amazon", split)["lines"]] == ["CND-FIG-08"]
        assert stores.order(split).state == OrderState.MIRRORED
        assert "order.split" in stores.events(split)

    def test_says_which_part_is_in_its_store(self, stores: Journey) -> None:
        route(stores, "amazon")
        route(stores, "wix", rule=RouteRule.SKU, skus=["TIN-*"], takes_part=True, position=1)
        stores.fault("wix", "orders.create", "status", status=503, times=-1)
        order_id = stores.buy_released(lines=TWO_LINES)
        page = f"{stores.site}/orders/{stores.order(order_id).pk}/"
        said = stores.person.open(page).text
        assert "A part of it is in Amazon; the rest is being created in Wix." in said
        said = stores.person.open(f"{page}dry-run/").text
        assert (said.count("Created before"), said.count("Would be created")) == (1, 1)

    def test_sends_every_parcel_to_tiktok(self, stores: Journey, split: str) -> None:
        stores.ship_from("wix", split, number="9400111899562537866361")
        stores.wait(5)
        assert stores.tiktok_order(split)["status"] == "PARTIALLY_SHIPPING"
        stores.ship_from("amazon", split, number="TBA303000000001", carrier="AMZN_US")
        stores.wait(130)
        numbers = {line["tracking_number"] for line in stores.tiktok_order(split)["line_items"]}
        assert numbers == {"9400111899562537866361", "TBA303000000001"}
        assert stores.order(split).state == OrderState.FULFILLED

    def test_is_cancelled_in_both(self, stores: Journey, split: str) -> None:
        stores.control("tiktok_shop/seller_cancel", order_id=split)
        stores.wait(10)
        assert stores.order_in("wix", split)["is_cancelled"]
        assert stores.order_in("amazon", split)["is_cancelled"]

    def test_keeps_the_question_of_one_part_while_the_other_goes_on(self, stores: Journey) -> None:
        route(stores, "amazon")
        route(stores, "wix", rule=RouteRule.SKU, skus=["CND-PINE-12"], takes_part=True, position=1)
        lines = [{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "CND-PINE-12", "quantity": 1}]
        order_id = stores.buy_released(lines=lines)
        assert len(stores.orders_in("amazon", order_id)) == 1
        stores.ship_from("amazon", order_id, number="TBA303000000002", carrier="AMZN_US")
        stores.wait(130)
        order = stores.order(order_id)
        assert (order.attention, order.state) == ("NOT_LINKED", OrderState.READY)
        stores.control("wix/add_variant", sku="CND-PINE-12", title="Pine")
        stores.wait(310)
        assert len(stores.orders_in("wix", order_id)) == 1


class TestOrderThatAmazonHasInPart:
    @pytest.fixture
    def mixed(self, stores: Journey) -> Journey:
        """The tin has no FBA offer."""
        stores.control("amazon/remove_variant", sku="TIN-LAV-04")
        return stores

    def skus(self, journey: Journey, platform: str, order_id: str) -> list[str]:
        return [line["sku"] for order in journey.orders_in(platform, order_id) for line in order["lines"]]

    def test_is_shared_out_if_the_merchant_says_so(self, mixed: Journey) -> None:
        route(mixed, "shopify")
        route(mixed, "amazon", rule=RouteRule.FOUND, least_share=1, takes_part=True, position=1)
        order_id = mixed.buy_released(lines=TWO_LINES)
        assert self.skus(mixed, "amazon", order_id) == ["CND-FIG-08"]
        assert self.skus(mixed, "shopify", order_id) == ["TIN-LAV-04"]

    def test_goes_elsewhere_whole_if_not(self, mixed: Journey) -> None:
        route(mixed, "shopify")
        route(mixed, "amazon", rule=RouteRule.FOUND, least_share=1, position=1)
        order_id = mixed.buy_released(lines=TWO_LINES)
        assert self.skus(mixed, "amazon", order_id) == []
        assert self.skus(mixed, "shopify", order_id) == ["CND-FIG-08", "TIN-LAV-04"]

    def test_waits_whole_if_there_is_no_other_store_for_it(self, mixed: Journey) -> None:
        route(mixed, "amazon")
        order_id = mixed.buy_released(lines=TWO_LINES)
        order = mixed.order(order_id)
        assert (order.attention, order.attention_detail["sku"]) == ("NOT_LINKED", "TIN-LAV-04")
        assert self.skus(mixed, "amazon", order_id) == []


class TestOrderWhoseRestIsShippedByHand:
    """The tin has no FBA offer, Amazon is the only store, and its route leaves the rest to Alice."""

    @pytest.fixture(params=[{}, {"rule": RouteRule.FOUND, "least_share": 1}], ids=["default", "found"])
    def order_id(self, stores: Journey, request: pytest.FixtureRequest) -> str:
        stores.control("amazon/remove_variant", sku="TIN-LAV-04")
        source = stores.store("tiktok_shop")
        with merchant_rows(source.merchant_id):
            Route.objects.all().delete()
        route(stores, "amazon", leaves_rest=True, **request.param)
        return stores.buy_released(lines=TWO_LINES, shipping_fee="4.99")

    def test_is_in_amazon_with_what_is_there_and_says_the_rest(self, stores: Journey, order_id: str) -> None:
        order, mirror = stores.order(order_id), stores.mirror(order_id)
        assert [line["sku"] for line in stores.order_in("amazon", order_id)["lines"]] == ["CND-FIG-08"]
        assert (order.state, order.attention, len(mirror.line_ids)) == (OrderState.MIRRORED, "", 1)
        page = stores.person.open(f"{stores.site}/orders/{order.pk}/").text
        assert page.count("Yours to ship: 2 × TIN-LAV-04") == 2  # in the sentence and in the timeline
        assert stores.events(order_id).count("order.rest_left") == 1

    def test_tells_tiktok_of_amazons_parcel_for_its_line_only(self, stores: Journey, order_id: str) -> None:
        stores.ship_from("amazon", order_id, number="TBA303000000001", carrier="AMZN_US")
        stores.wait(130)
        there = stores.tiktok_order(order_id)
        numbers = {line["seller_sku"]: line.get("tracking_number", "") for line in there["line_items"]}
        assert numbers == {"CND-FIG-08": "TBA303000000001", "TIN-LAV-04": ""}
        assert there["status"] == "PARTIALLY_SHIPPING"
        order = stores.order(order_id)
        assert (order.state, order.attention) == (OrderState.MIRRORED, "")

    def test_is_shipped_once_the_rest_left_by_hand(self, stores: Journey, order_id: str) -> None:
        stores.ship_from("amazon", order_id, number="TBA303000000001", carrier="AMZN_US")
        stores.wait(130)
        lines = [line for line in stores.tiktok_order(order_id)["line_items"] if line["seller_sku"] == "TIN-LAV-04"]
        by_hand = {"tracking_number": "9400111899562537866361", "shipping_provider_id": carrier_id(stores, order_id)}
        stores.control("tiktok_shop/seller_ship", order_id=order_id, line_ids=[line["id"] for line in lines], **by_hand)
        stores.wait(130)
        order = stores.order(order_id)
        assert (order.state, order.attention) == (OrderState.FULFILLED, "")
        page = stores.person.open(f"{stores.site}/orders/{order.pk}/").text
        assert "Shipped by you" in page

    def test_goes_to_amazon_though_the_rest_left_first(self, stores: Journey, order_id: str) -> None:
        """Alice was quicker than an extra hold."""
        with merchant_rows(stores.store("amazon").merchant_id):
            Route.objects.update(extra_hold_hours=2, hold_mode="EXTRA_HOLD")
        second = stores.buy_released(lines=TWO_LINES)
        lines = [line for line in stores.tiktok_order(second)["line_items"] if line["seller_sku"] == "TIN-LAV-04"]
        by_hand = {"tracking_number": "9400111899562537866361", "shipping_provider_id": carrier_id(stores, order_id)}
        stores.control("tiktok_shop/seller_ship", order_id=second, line_ids=[line["id"] for line in lines], **by_hand)
        stores.wait(2 * 3600 + 60)
        assert len(stores.orders_in("amazon", second)) == 1
        assert stores.order(second).attention == ""

    def test_is_cancelled_in_amazon(self, stores: Journey, order_id: str) -> None:
        stores.control("tiktok_shop/seller_cancel", order_id=order_id)
        stores.wait(10)
        assert stores.order_in("amazon", order_id)["is_cancelled"]
        assert stores.order(order_id).attention == ""

    def test_is_shown_by_the_dry_run(self, stores: Journey, order_id: str) -> None:
        amazon, yours = dry_run(order=stores.order(order_id), clock=stores.now)
        assert amazon.draft is not None
        assert [line.sku for line in amazon.draft.lines] == ["CND-FIG-08"]
        assert "tiktok-part" in amazon.draft.tags
        assert yours.by_hand == ("2 × TIN-LAV-04",)
        held = stores.buy(lines=TWO_LINES)
        stores.settle()
        page = stores.person.open(f"{stores.site}/orders/{stores.order(held).pk}/dry-run/").text
        assert "Yours to ship by hand" in page
        assert "2 × TIN-LAV-04" in page

    def test_waits_and_asks_if_amazon_has_nothing_of_it(self, stores: Journey, order_id: str) -> None:
        with merchant_rows(stores.store("amazon").merchant_id):
            (kept,) = Route.objects.all()
        other = stores.buy_released(lines=[{"sku": "TIN-LAV-04", "quantity": 1}])
        asked = "NOT_LINKED" if kept.rule == RouteRule.DEFAULT else "NO_ROUTE"
        assert stores.order(other).attention == asked
        assert stores.orders_in("amazon", other) == []


def carrier_id(journey: Journey, order_id: str) -> str:
    """USPS, as TikTok Shop calls it."""
    with speaking_to_source(journey.store("tiktok_shop"), clock=journey.now) as source:
        option = journey.tiktok_order(order_id)["delivery_option_id"]
        return next(each.external_id for each in source.carriers(option) if each.name == "USPS")


class TestRoute:
    def test_by_what_the_store_has_asks_the_stores_first(self, stores: Journey) -> None:
        route(stores, "shopify")
        route(stores, "squarespace", rule=RouteRule.FOUND, least_share=100, position=1)
        order_id = stores.buy_released()
        assert stores.orders_in("squarespace", order_id)
        stores.control("squarespace/remove_variant", sku="TPR-BEE-02")
        stores.wait(7 * 3600)  # what was found before is believed for some hours
        other = stores.buy_released(lines=[{"sku": "TPR-BEE-02", "quantity": 1}])
        assert stores.orders_in("shopify", other)

    def test_by_warehouse_takes_the_orders_that_leave_from_there(self, stores: Journey) -> None:
        route(stores, "shopify")
        first = stores.buy_released()
        warehouse = stores.order(first).snapshot["warehouse_id"]
        assert warehouse
        route(stores, "squarespace", rule=RouteRule.WAREHOUSE, warehouse_ids=[warehouse], position=1)
        second = stores.buy_released()
        assert (len(stores.orders_in("shopify", first)), len(stores.orders_in("squarespace", second))) == (1, 1)
        assert stores.orders_in("shopify", second) == []

    def test_that_is_missing_is_asked_for(self, stores: Journey) -> None:
        source = stores.store("tiktok_shop")
        with merchant_rows(source.merchant_id):
            Route.objects.all().delete()
        route(stores, "wix", rule=RouteRule.SKU, skus=["TIN-*"])
        order_id = stores.buy_released()
        assert stores.order(order_id).attention == "NO_ROUTE"
        made = Route(source_store=source, destination_store=stores.store("shopify"), rule=RouteRule.DEFAULT)
        with merchant_rows(source.merchant_id):
            routing.save_route(route=made)
            routing.plan_waiting(source_store=source, now=stores.now())
        stores.wait(5)
        assert stores.orders_in("shopify", order_id)
        assert stores.order(order_id).attention == ""

    def test_to_a_store_with_another_currency_is_refused(self, stores: Journey) -> None:
        store = stores.store("wix")
        with merchant_rows(store.merchant_id):
            ConnectedStore.objects.filter(pk=store.pk).update(currency="EUR")
        with pytest.raises(routing.RouteRefused, match="USD"):
            route(stores, "wix", rule=RouteRule.SKU, skus=["*"])


class TestWhatAStoreCannotTake:
    def test_is_said_by_name_and_goes_elsewhere_once_the_route_is_mended(self, stores: Journey) -> None:
        route(stores, "amazon")
        order_id = stores.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 251}])
        order = stores.order(order_id)
        assert order.attention == "NOT_SUPPORTED"
        assert "250 units" in order.attention_detail["message"]
        assert stores.orders_in("amazon", order_id) == []
        route(stores, "shopify")
        page = stores.person.open(f"{stores.site}/orders/{order.pk}/")
        assert "Not available on this store" in page.text
        stores.person.submit(holding=f"/orders/{order.pk}/retry/")
        stores.wait(5)
        assert stores.orders_in("shopify", order_id)
        assert (stores.order(order_id).attention, stores.order(order_id).state) == ("", OrderState.MIRRORED)

    def test_of_a_sku_is_asked_about_and_said_by_name_once_it_is_linked(self, stores: Journey) -> None:
        """Sixty characters: no variant of Wix can have it, and none can be sent with it."""
        route(stores, "wix")
        long = "CND-FIG-08 " + "X" * 49
        order_id = stores.buy()
        (line,) = stores.tiktok_order(order_id)["line_items"]
        fields = {"line_items": [{**line, "seller_sku": long}]}
        stores.control("tiktok_shop/update_fields", order_id=order_id, fields=fields)
        stores.wait(stores.world.hold_seconds + 5)
        order = stores.order(order_id)
        assert (order.attention, order.attention_detail["sku"]) == ("NOT_LINKED", long)
        stores.person.open(f"{stores.site}/orders/{order.pk}/")
        stores.person.submit(holding=f"/orders/{order.pk}/link/", variant="CND-FIG-08")
        stores.wait(5)
        order = stores.order(order_id)
        assert order.attention == "NOT_SUPPORTED"
        assert "at most 40 characters" in order.attention_detail["message"]
        assert stores.orders_in("wix", order_id) == []

    def test_of_a_currency_that_changed_is_said_and_goes_on_once_it_is_back(self, stores: Journey) -> None:
        route(stores, "wix")
        stores.control("wix/settings", currency="EUR")
        order_id = stores.buy_released()
        order = stores.order(order_id)
        assert (order.attention, "currency" in order.attention_detail["message"]) == ("NOT_SUPPORTED", True)
        stores.control("wix/settings", currency="USD")
        stores.person.open(f"{stores.site}/orders/{order.pk}/")
        stores.person.submit(holding=f"/orders/{order.pk}/retry/")
        stores.wait(5)
        assert len(stores.orders_in("wix", order_id)) == 1
        assert stores.order(order_id).attention == ""

    @pytest.mark.parametrize("platform", STORES)
    def test_of_a_name_is_cut_and_said(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        order_id = stores.buy()
        stores.settle()
        name = "Jane " + "x" * 150
        parts = {"name": name, "first_name": "Jane", "last_name": "x" * 150}
        stores.control("tiktok_shop/change_address", order_id=order_id, address=parts)
        stores.wait(stores.world.hold_seconds + 5)
        there = stores.order_in(platform, order_id)["shipping_address"]
        whole = there.get("name") or f"{there.get('firstName')} {there.get('lastName')}"
        assert whole == name or "mirror.adapted" in stores.events(order_id)


class TestStreetThatAmazonCannotTake:
    def test_is_named_and_goes_on_once_it_is_mended(self, stores: Journey) -> None:
        route(stores, "amazon")
        order_id = stores.buy()
        stores.settle()
        street = stores.tiktok_order(order_id)["recipient_address"]["address_line1"]
        long = {"address_line1": f"{street}, Building 7" * 9}
        stores.control("tiktok_shop/change_address", order_id=order_id, address=long)
        stores.wait(stores.world.hold_seconds + 5)
        order, said = stores.order(order_id), "3 lines of 60 characters"
        assert order.attention == "ADDRESS_INVALID"
        assert said in order.attention_detail["message"]
        assert said in stores.person.open(f"{stores.site}/orders/{order.pk}/").text
        stores.control("tiktok_shop/change_address", order_id=order_id, address={"address_line1": street})
        stores.wait(130)
        assert len(stores.orders_in("amazon", order_id)) == 1
        assert stores.order(order_id).attention == ""


class TestDryRun:
    @pytest.mark.parametrize("platform", STORES)
    def test_shows_the_order_and_sends_nothing(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        with merchant_rows(stores.store(platform).merchant_id):
            Route.objects.update(extra_hold_hours=5, hold_mode="EXTRA_HOLD")
        order_id = stores.buy_released()
        (run,) = dry_run(order=stores.order(order_id), clock=stores.now)
        assert run.draft is not None
        assert run.draft.source_external_id == order_id
        assert stores.orders_in(platform, order_id) == []
        assert bool(run.preview) == (platform == "amazon")
        page = stores.person.open(f"{stores.site}/orders/{stores.order(order_id).pk}/dry-run/").text
        assert "Would be created" in page
        assert ("Standard: arrives " in page) == (platform == "amazon")


class TestConnection:
    @pytest.mark.parametrize("platform", ["tiktok_shop", *STORES])
    def test_is_tested(self, stores: Journey, platform: str) -> None:
        store = stores.store(platform)
        stores.person.open(f"{stores.site}/stores/")
        page = stores.person.submit(holding=f"/connect/{platform}/test/{store.pk}/").text
        assert "Test passed" in page
        assert "Token valid" in page
        assert stores.store(platform).last_test["by"] == "Alice"
        stores.control(f"{platform}/expire_tokens", refresh=True)
        assert not testing.test_store(store=stores.store(platform), by="Alice", now=stores.now())
        assert stores.store(platform).last_test["passed"] is False

    @pytest.mark.parametrize("platform", OTHERS)
    def test_that_was_lost_loses_no_order(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        stores.control(f"{platform}/expire_tokens", refresh=True)
        order_id = stores.buy_released()
        assert stores.store(platform).state == StoreState.RECONNECT
        if platform == "wix":
            stores.control("wix/uninstall")
        stores.connect(platform)
        stores.wait(120)
        assert len(stores.ledger("order.created", order_id)) == 1

    @pytest.mark.parametrize("platform", OTHERS)
    def test_that_is_ended_forgets_its_tokens(self, stores: Journey, platform: str) -> None:
        store = stores.store(platform)
        stores.person.open(f"{stores.site}/stores/")
        stores.person.submit(holding=f"/connect/{platform}/disconnect/{store.pk}/")
        assert stores.store(platform).credentials is None
        if platform == "squarespace":
            paths = [entry["operation"] for entry in stores.world.journal if entry["platform"] == "squarespace"]
            assert "webhooks.delete" in paths


class TestAmazonsLogIn:
    def test_comes_over_our_page_and_is_asked_for_a_click(self, journey: Journey) -> None:
        journey.control("amazon/settings", login_hop=True)
        journey.person.open(f"{journey.site}/connect/amazon/")
        journey.person.submit(holding="/connect/amazon/", shop="ATVPDKIKX0DER")
        page = journey.person.submit(holding="state", press=("decision", "allow"))
        assert "Amazon sent you here" in page.text
        page = journey.person.submit(holding="amazon_state", shop="ATVPDKIKX0DER")
        assert page.url.startswith(f"{journey.site}/stores")
        assert journey.store("amazon").state == StoreState.CONNECTED

    def test_leads_nowhere_but_to_amazon(self, journey: Journey) -> None:
        journey.person.open(f"{journey.site}/connect/amazon/?amazon_callback_uri=https://evil.example/&amazon_state=x")
        with pytest.raises(Exception, match="400"):
            journey.person.submit(holding="amazon_state", shop="ATVPDKIKX0DER")


class TestWixsDashboard:
    def test_opens_our_page_and_asks_which_business(self, journey: Journey) -> None:
        journey.connect("wix")
        store = journey.store("wix")
        with merchant_rows(store.merchant_id):
            ConnectedStore.objects.filter(pk=store.pk).update(state=StoreState.DISCONNECTED)
        page = journey.person.open(journey.control("wix/instance_link")["url"])
        assert "Connect Wix?" in page.text
        journey.person.submit(holding="merchant")
        assert journey.store("wix").state == StoreState.CONNECTED

    def test_is_not_believed_without_its_signature(self, journey: Journey) -> None:
        journey.connect("wix")
        url = f"{journey.site}/connect/wix/callback/?instanceId={journey.store('wix').external_id}"
        answer = requests.get(url, cookies=journey.person.session.cookies, timeout=10)
        assert answer.status_code == 400
        assert "signed instance" in answer.text

    def test_does_not_take_an_old_one(self, journey: Journey) -> None:
        journey.connect("wix")
        url = journey.control("wix/instance_link", signed_at=journey.world.now() - 5 * 3600)["url"]
        assert requests.get(url, cookies=journey.person.session.cookies, timeout=10).status_code == 400


class TestParcelWithoutANumber:
    @pytest.mark.parametrize("platform", STORES)
    def test_waits_and_is_sent_when_the_number_comes(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        order_id = stores.buy_released()
        stores.ship_from(platform, order_id, number="")
        stores.wait(130)
        (kept,) = stores.fulfillments(order_id)
        assert (kept.state, kept.tracking_number) == ("WAITING", "")
        there = stores.order_in(platform, order_id)
        number = {"tracking_number": "9400111899562537866361", "carrier": "USPS"}
        stores.control(f"{platform}/add_tracking", shop=there["shop"], order=there["name"], **number)
        stores.wait(130)
        assert stores.fulfillments(order_id)[0].state == "ACCEPTED"


class TestSecondParcelFromSquarespace:
    def test_is_a_question_since_nobody_says_what_is_in_it(self, stores: Journey) -> None:
        route(stores, "squarespace")
        order_id = stores.buy_released(lines=TWO_LINES)
        stores.ship_from("squarespace", order_id, number="9400111899562537866361")
        stores.ship_from("squarespace", order_id, number="9400111899562537866378")
        stores.wait(5)
        order = stores.order(order_id)
        assert order.attention == "MIXED_FULFILMENT"
        lines = stores.tiktok_order(order_id)["line_items"]
        assert {line["tracking_number"] for line in lines} == {"9400111899562537866361"}


class TestTwoShops:
    def test_may_feed_one_store(self, journey: Journey) -> None:
        shop_id = journey.control("tiktok_shop/add_shop", name="Alice's Outlet", region="US")["shop"]
        journey.connect_tiktok()
        merchant_id = journey.store("shopify").merchant_id
        with merchant_rows(merchant_id):
            outlet = ConnectedStore.objects.get(external_id=shop_id)
            (route,) = routing.chosen_routes(outlet)  # made by itself, since there is one store only
            assert route.destination_store_id == journey.store("shopify").pk
        switch_on(outlet)
        first = journey.buy_released()
        second = journey.buy_released(shop="Alice's Outlet")
        assert journey.orders_in("shopify", first)
        assert journey.orders_in("shopify", second)

    def test_in_another_currency_is_refused_before_anything_is_sent(self, journey: Journey) -> None:
        order_id = journey.buy_released(shop="Alice's Candles UK")
        order = journey.order(order_id)
        assert (order.attention, order.attention_detail["order"]) == ("CURRENCY_MISMATCH", "GBP")
        assert journey.orders_in("shopify", order_id) == []
