"""Every row of the table of cancellations, in each of the four stores (docs/after-sales.md)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders import parcels
from orders.aftersale_rules import AnswerRule, CancelReason, Reply
from orders.models import Attention, FulfillmentState, HoldMode, MirrorState, Order, OrderState, Route
from orders.states import NotPossible
from tests.journeys.after_sale import CANCELS, HOLDS, PARTIAL, Shop
from tests.journeys.conftest import STORES, Journey

HOUR = 3600
REFUSING = {"shopify": "orderCancel", "wix": "orders.cancel"}  # Amazon refuses by itself, Squarespace is never asked


@pytest.fixture(params=STORES)
def shop(journey: Journey, request: Any) -> Shop:
    """Alice's orders go to each of the stores in turn."""
    return Shop(journey, request.param)


@pytest.fixture
def shopify(journey: Journey) -> Shop:
    """Alice's orders go to Shopify."""
    return Shop(journey, "shopify")


def is_live(shop: Shop, order_id: str) -> bool:
    return any(not each["is_cancelled"] for each in shop.journey.orders_in(shop.platform, order_id))


def expect_closed(shop: Shop, order_id: str) -> None:
    """Cancelled on TikTok Shop and in the store; or asked about with a link, and watched until it is closed there."""
    assert shop.order(order_id).state == OrderState.CANCELLED
    if shop.platform not in CANCELS:
        order, there = shop.order(order_id), shop.there(order_id)
        assert (order.attention, order.attention_detail["is_task"]) == (Attention.ALREADY_CANCELLED, True)
        assert order.attention_detail["url"]
        shop.control(f"{shop.platform}/cancel", shop=there["shop"], order=there["name"])
        shop.wait(600)
    assert not is_live(shop, order_id)
    assert shop.journey.mirror(order_id).state == MirrorState.CANCELLED
    assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])


class TestRequest:
    def test_stops_the_store_or_is_a_task_and_accepted_cancels_it(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id)
        row, order = shop.cancellation(order_id), shop.order(order_id)
        assert row.answer_by is not None
        assert (row.answer_by - row.created_at).total_seconds() == 48 * HOUR
        assert order.attention == Attention.CANCEL_PENDING
        if shop.platform in HOLDS:
            assert shop.there(order_id)["is_on_hold"]
            with pytest.raises(AssertionError, match="the order is on hold"):
                shop.ship(order_id)
        else:
            asked = (order.attention_detail["is_task"], order.attention_detail["name"].lstrip("#"))
            assert asked == (True, shop.there(order_id)["name"].lstrip("#"))
        shop.answer_cancel(order_id, accepts=True)
        shop.wait(10)
        order = shop.order(order_id)
        assert (order.source_status, order.state) == ("CANCELLED", OrderState.CANCELLED)
        assert len(shop.journey.ledger("cancellation.approved", order_id)) == 1
        expect_closed(shop, order_id)

    def test_that_is_refused_lets_the_store_go_on(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.answer_cancel(order_id, accepts=False)
        order = shop.order(order_id)
        assert (order.state, order.attention, order.cancel_requested_at) == (OrderState.MIRRORED, "", None)
        assert shop.cancellation(order_id).status == "WITHDRAWN"
        assert not shop.there(order_id).get("is_on_hold")
        shop.ship(order_id)
        assert shop.order(order_id).state == OrderState.FULFILLED

    def test_that_is_taken_back_lets_the_store_go_on(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.tiktok("withdraw_cancel", order_id=order_id)
        order = shop.order(order_id)
        assert (order.state, order.attention) == (OrderState.MIRRORED, "")
        assert not shop.there(order_id).get("is_on_hold")
        assert shop.unsettled(order_id) == []

    def test_leaves_nothing_stopped_though_a_stop_was_repeated_and_comes_late(self, shopify: Shop) -> None:
        """The second try stops the order and has its answer; the first is carried out after the request's end."""
        order_id = shopify.buy()
        shopify.journey.fault("shopify", "fulfillmentOrderHold", "late_commit", seconds=28, times=1)
        shopify.tiktok("buyer_cancel", order_id=order_id)
        shopify.wait(5)
        assert shopify.there(order_id)["is_on_hold"]
        shopify.tiktok("withdraw_cancel", order_id=order_id)
        for _ in range(9):
            shopify.wait(10)
        assert not shopify.there(order_id)["is_on_hold"]
        assert shopify.unsettled(order_id) == []

    def test_that_nobody_answers_is_let_through_by_tiktok(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.wait(48 * HOUR + 200)
        shop.wait(10)
        assert shop.cancellation(order_id).answer == ""
        expect_closed(shop, order_id)

    def test_before_the_create_is_answered_before_anything_is_created(self, shop: Shop) -> None:
        journey = shop.journey
        order_id = journey.buy()
        shop.settle()
        operation = "orderCreate" if shop.platform == "shopify" else "orders.create"
        journey.fault(shop.platform, operation, "status", status=503, times=1)
        shop.wait(journey.world.hold_seconds + 5)
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.wait(120)
        assert journey.orders_in(shop.platform, order_id) == []
        shop.answer_cancel(order_id, accepts=True)
        shop.wait(120)
        assert journey.orders_in(shop.platform, order_id) == []
        assert shop.order(order_id).state == OrderState.CANCELLED

    def test_while_the_create_is_under_way_stops_it_in_the_store_or_is_a_task(self, shop: Shop) -> None:
        journey = shop.journey
        order_id = journey.buy()
        shop.settle()
        operation = "orderCreate" if shop.platform == "shopify" else "orders.create"
        journey.fault(shop.platform, operation, "reset_after", times=1)
        shop.wait(journey.world.hold_seconds + 5)
        shop.tiktok("buyer_cancel", order_id=order_id)
        for _ in range(8):
            shop.wait(20)
        assert len(journey.ledger("order.created", order_id)) == 1
        order = shop.order(order_id)
        assert order.attention == Attention.CANCEL_PENDING
        if shop.platform in HOLDS:
            assert shop.there(order_id)["is_on_hold"]
        else:
            assert order.attention_detail["is_task"]
            assert order.attention_detail["url"]

    @pytest.mark.parametrize(
        ("reply", "reason"),
        [
            (Reply.ACCEPT, ""),
            (Reply.REFUSE, "seller_reject_apply_product_has_been_packed"),
            (Reply.REFUSE, "HAS BEEN PACKED"),
        ],
    )
    def test_is_answered_by_a_rule(self, shop: Shop, reply: Reply, reason: str) -> None:
        shop.rules(answer_rules=(AnswerRule("Any", reply=reply, reason=reason),))
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.wait(20)
        row = shop.cancellation(order_id)
        assert (row.answer_rule, row.is_open) == ("Any", False)
        if reply is Reply.ACCEPT:
            expect_closed(shop, order_id)
        else:
            assert is_live(shop, order_id)
            assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])

    @pytest.mark.parametrize(
        ("rule", "fits"),
        [
            (AnswerRule("Small", at_most=100), False),
            (AnswerRule("Small", at_most=100_000), True),
            (AnswerRule("Early", within_hours=1), False),
            (AnswerRule("Early", within_hours=9), True),
            (AnswerRule("Why", reasons=("cheaper elsewhere",)), False),
            (AnswerRule("Why", reasons=("NO LONGER",)), True),
        ],
    )
    def test_is_answered_by_a_rule_only_where_all_of_it_fits(self, shopify: Shop, rule: AnswerRule, fits: bool) -> None:
        shopify.rules(answer_rules=(rule,))
        order_id = shopify.buy()
        shopify.wait(2 * HOUR)
        shopify.tiktok("buyer_cancel", order_id=order_id)
        shopify.wait(20)
        row = shopify.cancellation(order_id)
        assert (row.answer_rule, row.is_open) == ((rule.name, False) if fits else ("", True))
        assert is_live(shopify, order_id) is not fits

    def test_is_left_to_a_person_where_the_rule_names_a_reason_that_is_not_offered(self, shopify: Shop) -> None:
        shopify.rules(answer_rules=(AnswerRule("Any", reply=Reply.REFUSE, reason="bad weather"),))
        order_id = shopify.buy()
        shopify.tiktok("buyer_cancel", order_id=order_id)
        shopify.wait(20)
        row, order = shopify.cancellation(order_id), shopify.order(order_id)
        assert (row.is_open, row.answer, order.attention) == (True, "", Attention.CANCEL_PENDING)
        assert "“bad weather”" in row.answer_problem
        assert "“Product has been packed”" in row.answer_problem

    def test_of_some_items_takes_these_out(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id, line_ids=shop.line_ids(order_id, "TIN-LAV-04"))
        shop.answer_cancel(order_id, accepts=True)
        shop.wait(10)
        order = shop.order(order_id)
        assert (order.state, order.cancelled_lines) == (OrderState.MIRRORED, 2)
        if shop.platform in PARTIAL:
            assert shop.left(order_id) == {"CND-FIG-08": 1}
            assert not shop.there(order_id)["is_on_hold"]
            assert order.attention == ""
        else:
            assert order.attention_detail["items"] == ["2 × TIN-LAV-04"]

    def test_is_asked_again_where_tiktok_did_not_take_the_answer(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.tiktok("buyer_cancel", order_id=order_id)
        shopify.control("tiktok_shop/refuse", operation="cancellations.approve", code=25001046, times=1)
        shopify.answer_cancel(order_id, accepts=True)
        row, order = shopify.cancellation(order_id), shopify.order(order_id)
        assert (row.is_open, row.answer) == (True, "")
        assert order.attention == Attention.CANCEL_PENDING
        assert order.attention_detail["message"]
        shopify.answer_cancel(order_id, accepts=True)
        shopify.wait(10)
        assert not is_live(shopify, order_id)

    def test_is_answered_once_though_the_answer_is_lost(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.tiktok("buyer_cancel", order_id=order_id)
        shopify.journey.fault("tiktok_shop", "cancellations.approve", "reset_after", times=1)
        shopify.answer_cancel(order_id, accepts=True)
        for _ in range(5):
            shopify.wait(20)
        assert not is_live(shopify, order_id)
        assert shopify.unsettled(order_id) == []


class TestRequestAfterTheParcelLeft:
    def test_is_refused_by_sending_the_number_on_a_persons_word(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.be_late_to_keep_back()
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.ship(order_id)
        order = shop.order(order_id)
        assert (order.attention, order.attention_detail["check"]) == (Attention.CANCEL_PENDING, "CANCEL_REQUEST")
        assert is_live(shop, order_id)
        assert shop.journey.ledger("package.shipped", order_id) == []
        (parcel,) = shop.journey.fulfillments(order_id)
        with merchant_rows(shop.merchant_id):
            locked = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=order.pk)
            parcels.send_anyway(order=locked, fulfillment_id=parcel.pk, by="Alice", now=shop.journey.now())
        shop.wait(70)
        assert len(shop.journey.ledger("package.shipped", order_id)) == 1
        assert shop.cancellation(order_id).status == "WITHDRAWN"
        assert (shop.order(order_id).state, shop.order(order_id).attention) == (OrderState.FULFILLED, "")

    def test_that_is_accepted_all_the_same_alarms(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.be_late_to_keep_back()
        shop.tiktok("buyer_cancel", order_id=order_id)
        shop.ship(order_id)
        shop.answer_cancel(order_id, accepts=True)
        order = shop.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, Attention.ALREADY_CANCELLED)
        assert order.attention_detail["has_left"]
        assert is_live(shop, order_id)
        assert shop.journey.ledger("package.shipped", order_id) == []


class TestCancelledAtTikTok:
    def test_on_hold_and_created_at_once_gives_the_stock_back(self, shopify: Shop) -> None:
        with merchant_rows(shopify.merchant_id):
            Route.objects.update(hold_mode=HoldMode.AT_ONCE)
        before = shopify.stock("CND-FIG-08")
        order_id = shopify.journey.buy(lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        shopify.settle()
        shopify.wait(10)
        assert shopify.stock("CND-FIG-08") == before - 1
        shopify.tiktok("buyer_cancel", order_id=order_id)
        shopify.wait(30)
        assert not is_live(shopify, order_id)
        assert shopify.stock("CND-FIG-08") == before

    @pytest.mark.parametrize("restock", [True, False])
    @pytest.mark.parametrize("platform", ["shopify", "wix"])  # Amazon's stock is its own, Squarespace is done by hand
    def test_restocks_as_the_merchant_says(self, journey: Journey, platform: str, restock: bool) -> None:
        shop = Shop(journey, platform)
        shop.rules(restock_cancelled=restock)
        before = shop.stock("CND-FIG-08")
        order_id = shop.buy(lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        assert shop.stock("CND-FIG-08") == before - 1
        shop.tiktok("seller_cancel", order_id=order_id)
        shop.wait(30)
        assert not is_live(shop, order_id)
        assert shop.stock("CND-FIG-08") == before - (0 if restock else 1)

    def test_before_it_was_sent_is_cancelled_in_the_store_or_watched_until_it_is(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.tiktok("seller_cancel", order_id=order_id)
        shop.wait(30)
        expect_closed(shop, order_id)

    @pytest.mark.parametrize("platform", sorted(REFUSING))
    def test_that_the_store_does_not_take_is_an_alarm_with_a_link_until_it_is_closed_by_hand(
        self, journey: Journey, platform: str
    ) -> None:
        shop = Shop(journey, platform)
        order_id = shop.buy()
        journey.fault(platform, REFUSING[platform], "status", status=422, times=-1)
        shop.tiktok("seller_cancel", order_id=order_id)
        shop.wait(30)
        order, there = shop.order(order_id), shop.there(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, Attention.ALREADY_CANCELLED)
        detail = order.attention_detail
        assert (detail["name"], detail["has_left"]) == (shop.journey.mirror(order_id).name, False)
        assert detail["url"]
        assert is_live(shop, order_id)
        shop.control(f"{platform}/cancel", shop=there["shop"], order=there["name"])
        shop.wait(600)
        assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])
        assert shop.journey.mirror(order_id).state == MirrorState.CANCELLED

    def test_where_the_store_refuses_alarms_until_the_store_shows_it(self, journey: Journey) -> None:
        shop = Shop(journey, "amazon")
        order_id = shop.buy()
        there = shop.there(order_id)
        shop.control("amazon/advance_order", shop=there["shop"], order=there["name"], status="Processing")
        shop.tiktok("seller_cancel", order_id=order_id)
        shop.wait(30)
        order = shop.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, Attention.ALREADY_CANCELLED)
        assert order.attention_detail["name"] == there["name"]
        assert is_live(shop, order_id)
        shop.control("amazon/advance_order", shop=there["shop"], order=there["name"], status="Cancelled")
        shop.wait(400)
        assert shop.order(order_id).attention == ""
        assert shop.unsettled(order_id) == []

    def test_before_a_late_create_is_carried_out_leaves_none_unseen(self, shop: Shop) -> None:
        journey = shop.journey
        order_id = journey.buy()
        shop.settle()
        create = "orderCreate" if shop.platform == "shopify" else "orders.create"
        journey.fault(shop.platform, create, "late_commit", times=1, seconds=30)
        shop.wait(journey.world.hold_seconds + 5)
        shop.tiktok("seller_cancel", order_id=order_id)
        for _ in range(9):
            shop.wait(10)
        assert len(journey.ledger("order.created", order_id)) == 1
        if shop.platform in CANCELS:
            assert not is_live(shop, order_id)
        else:
            assert shop.order(order_id).attention == Attention.ALREADY_CANCELLED

    def test_after_it_was_shipped_undoes_nothing_and_alarms(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.ship(order_id)
        shop.control("tiktok_shop/in_transit", order_id=order_id)
        shop.tiktok("system_cancel", order_id=order_id)
        order = shop.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, Attention.ALREADY_CANCELLED)
        assert order.attention_detail["has_left"]
        assert is_live(shop, order_id)
        assert [each.state for each in shop.journey.fulfillments(order_id)] == [FulfillmentState.ACCEPTED]


class TestPartlyShipped:
    """The tins left and TikTok Shop knows their number; the candle is still there."""

    def buy_and_send_some(self, shop: Shop) -> str:
        order_id = shop.buy()
        if shop.platform == "squarespace":  # it does not say what is in a parcel, so no part is sent from it
            shop.ship_at_tiktok(order_id, shop.line_ids(order_id, "TIN-LAV-04"))
        else:
            shop.ship(order_id, lines={"TIN-LAV-04": 2})
        assert shop.order(order_id).source_status == "PARTIALLY_SHIPPING"
        return order_id

    def test_and_the_rest_cancelled_is_taken_out_of_the_store_or_is_a_task(self, shop: Shop) -> None:
        order_id = self.buy_and_send_some(shop)
        shop.tiktok("system_cancel", order_id=order_id, line_ids=shop.line_ids(order_id, "CND-FIG-08"))
        shop.wait(30)
        order = shop.order(order_id)
        assert order.cancelled_lines == 1
        assert order.state != OrderState.CANCELLED
        if shop.platform in PARTIAL:
            assert shop.left(order_id) == {}
            assert order.attention == ""
        else:
            assert (order.attention, order.attention_detail["items"]) == (
                Attention.ALREADY_CANCELLED,
                ["1 × CND-FIG-08"],
            )
        if shop.platform != "squarespace":
            assert [each.state for each in shop.journey.fulfillments(order_id)] == [FulfillmentState.ACCEPTED]

    @pytest.mark.parametrize("by", ["store", "hand"])
    def test_and_all_cancelled_undoes_nothing_and_alarms(self, shop: Shop, by: str) -> None:
        if by == "store":
            order_id = self.buy_and_send_some(shop)
        else:
            order_id = shop.buy()
            shop.ship_at_tiktok(order_id, shop.line_ids(order_id, "TIN-LAV-04"))
        shop.tiktok("system_cancel", order_id=order_id)
        shop.wait(30)
        order = shop.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, Attention.ALREADY_CANCELLED)
        assert order.attention_detail["has_left"]
        assert is_live(shop, order_id)

    def test_is_not_cancelled_by_the_seller_and_says_why(self, shop: Shop) -> None:
        order_id = self.buy_and_send_some(shop)
        if shop.platform != "squarespace":  # of what went past the store TikTok Shop alone says it
            with pytest.raises(NotPossible, match="has left"):
                shop.cancel(order_id)
        candle = dict.fromkeys(shop.line_ids(order_id, "CND-FIG-08"), 1)
        shop.cancel(order_id, line_quantities=candle)  # TikTok Shop alone knows whether it still permits that
        order = shop.order(order_id)
        assert (order.source_status, order.cancelled_lines) == ("PARTIALLY_SHIPPING", 0)
        assert order.attention_detail["message"]
        assert shop.left(order_id).get("CND-FIG-08", 1) == 1


class TestSomeLines:
    def test_are_cancelled_in_the_store_or_a_task_until_it_sent_the_rest(self, shop: Shop) -> None:
        order_id = shop.buy()
        tins = shop.line_ids(order_id, "TIN-LAV-04")
        shop.tiktok("seller_cancel", order_id=order_id, line_ids=tins[:1])
        shop.wait(10)
        order = shop.order(order_id)
        if shop.platform in PARTIAL:
            assert shop.left(order_id) == {"CND-FIG-08": 1, "TIN-LAV-04": 1}
            assert order.attention == ""
            shop.ship(order_id)
            assert shop.order(order_id).state == OrderState.FULFILLED
            return
        detail = order.attention_detail
        assert (order.attention, detail["cancelled"], detail["of"]) == (Attention.ALREADY_CANCELLED, 1, 3)
        if shop.platform != "squarespace":  # it does not say what is in a parcel
            shop.ship(order_id, lines={"CND-FIG-08": 1, "TIN-LAV-04": 1})
            assert shop.order(order_id).attention == ""

    @pytest.mark.parametrize("payment", ["kept", "reduced"])
    def test_are_left_out_of_what_is_not_created_yet(self, shop: Shop, payment: str) -> None:
        journey = shop.journey
        shop.control("tiktok_shop/shop_settings", shop="Alice's Candles", payment_after_cancel=payment)
        order_id = journey.buy(lines=[{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "TIN-LAV-04", "quantity": 2}])
        shop.settle()
        operation = "orderCreate" if shop.platform == "shopify" else "orders.create"
        journey.fault(shop.platform, operation, "status", status=503, times=2)
        shop.wait(journey.world.hold_seconds + 5)
        shop.control("tiktok_shop/seller_cancel", order_id=order_id, line_ids=shop.line_ids(order_id, "TIN-LAV-04")[:1])
        for _ in range(4):
            shop.wait(60)
        there = shop.there(order_id)
        assert {line["sku"]: line["quantity"] for line in there["lines"]} == {"CND-FIG-08": 1, "TIN-LAV-04": 1}
        paid = float(journey.tiktok_order(order_id)["payment"]["total_amount"])
        (entry,) = journey.ledger("order.lines_cancelled", order_id)
        left = paid - (float(entry["refund"]["refund_total"]) if payment == "kept" else 0)
        if there.get("total"):
            assert float(there["total"]) == pytest.approx(left)
        shop.ship(order_id)
        assert shop.order(order_id).state == OrderState.FULFILLED

    def test_while_the_create_is_under_way_are_cancelled_afterwards(self, shopify: Shop) -> None:
        journey = shopify.journey
        order_id = journey.buy(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        shopify.settle()
        journey.fault("shopify", "orderCreate", "reset_after", times=1)
        shopify.wait(journey.world.hold_seconds + 5)
        line = shopify.line_ids(order_id, "CND-FIG-08")[0]
        shopify.tiktok("seller_cancel", order_id=order_id, line_ids=[line])
        for _ in range(8):
            shopify.wait(20)
        assert shopify.left(order_id) == {"CND-FIG-08": 1}
        assert len(journey.ledger("order.created", order_id)) == 1

    def test_are_cancelled_once_though_the_answer_is_lost(self, shopify: Shop) -> None:
        order_id = shopify.buy(lines=[{"sku": "CND-FIG-08", "quantity": 3}])
        shopify.journey.fault("shopify", "refundCreate", "reset_after", times=1)
        line = shopify.line_ids(order_id, "CND-FIG-08")[0]
        shopify.tiktok("seller_cancel", order_id=order_id, line_ids=[line])
        for _ in range(5):
            shopify.wait(30)
        assert shopify.left(order_id) == {"CND-FIG-08": 2}
        assert len(shopify.there(order_id)["refunds"]) == 1


class TestCancelledInTheStore:
    def cancel(self, shop: Shop, order_id: str) -> None:
        there = shop.there(order_id)
        shop.control(f"{shop.platform}/cancel", shop=there["shop"], order=there["name"])
        shop.settle()
        shop.wait(400)

    def test_asks_by_default_and_cancels_at_tiktok_where_that_is_wanted(self, shop: Shop) -> None:
        asked = shop.buy()
        self.cancel(shop, asked)
        assert shop.order(asked).attention == Attention.REMOTE_ERROR
        assert shop.journey.tiktok_order(asked)["status"] == "AWAITING_SHIPMENT"
        shop.rules(cancels_at_source=True, cancel_reason=CancelReason.PRICING_ERROR)
        wanted = shop.buy()
        self.cancel(shop, wanted)
        order = shop.order(wanted)
        assert (order.source_status, order.state, order.attention) == ("CANCELLED", OrderState.CANCELLED, "")
        (entry,) = shop.journey.ledger("order.cancelled", wanted)[-1:]
        assert shop.journey.mirror(wanted).state == MirrorState.CANCELLED
        row = shop.cancellation(wanted)
        assert (row.by, row.reason) == ("SELLER", "seller_cancel_reason_wrong_price")
        assert shop.unsettled(wanted) == []
        assert entry

    def test_accepts_the_buyers_open_request_instead(self, shop: Shop) -> None:
        shop.rules(cancels_at_source=True)
        order_id = shop.buy()
        shop.tiktok("buyer_cancel", order_id=order_id)
        self.cancel(shop, order_id)
        order = shop.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, "")
        assert shop.cancellation(order_id).is_request
        assert len(shop.journey.ledger("cancellation.approved", order_id)) == 1
        assert shop.unsettled(order_id) == []

    def test_because_tiktok_cancelled_cancels_nothing_at_tiktok(self, shop: Shop) -> None:
        shop.rules(cancels_at_source=True)
        order_id = shop.buy()
        shop.tiktok("seller_cancel", order_id=order_id)
        shop.wait(60)
        expect_closed(shop, order_id)
        assert "CANCEL_AT_SOURCE" not in [item.kind for item in shop.journey.items(order_id)]

    def test_after_a_part_was_shipped_asks(self, journey: Journey) -> None:
        """Wix alone lets a merchant do that."""
        shop = Shop(journey, "wix")
        shop.rules(cancels_at_source=True)
        order_id = TestPartlyShipped().buy_and_send_some(shop)
        self.cancel(shop, order_id)
        order = shop.order(order_id)
        assert order.attention
        assert order.source_status == "PARTIALLY_SHIPPING"
        assert "CANCEL_AT_SOURCE" not in [item.kind for item in shop.journey.items(order_id)]


class TestInAnotherMarket:
    @pytest.mark.parametrize(
        ("reason", "key"),
        [
            (CancelReason.OUT_OF_STOCK, "seller_cancel_reason_out_of_stock_uk"),
            (CancelReason.PRICING_ERROR, "seller_cancel_reason_wrong_price_uk"),
            (CancelReason.UNABLE_TO_DELIVER, "seller_cancel_paid_reason_address_not_deliver_uk"),
        ],
    )
    def test_is_told_the_reason_as_that_market_calls_it(self, shopify: Shop, reason: CancelReason, key: str) -> None:
        with merchant_rows(shopify.merchant_id):
            shopify.source = ConnectedStore.objects.get(region="GB")
            ConnectedStore.objects.filter(platform="shopify").update(currency="GBP")
        shopify.control("shopify/settings", currency="GBP")
        shopify.rules(cancels_at_source=True, cancel_reason=reason)
        order_id = shopify.buy(shop=shopify.source.name, lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        TestCancelledInTheStore().cancel(shopify, order_id)
        order = shopify.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, "")
        assert (shopify.cancellation(order_id).by, shopify.cancellation(order_id).reason) == ("SELLER", key)


class TestCancelledByAlice:
    def test_of_the_whole_order_is_cancelled_everywhere(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.cancel(order_id)
        shop.wait(20)
        order = shop.order(order_id)
        assert (order.source_status, order.state) == ("CANCELLED", OrderState.CANCELLED)
        expect_closed(shop, order_id)

    def test_of_some_items_only_for_the_reason_that_tiktok_permits(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        tins = dict.fromkeys(shopify.line_ids(order_id, "TIN-LAV-04"), 1)
        shopify.cancel(order_id, line_quantities=tins, reason="pricing_error")
        order = shopify.order(order_id)
        assert order.cancelled_lines == 0
        assert "out of stock" in order.attention_detail["message"]
        shopify.cancel(order_id, line_quantities=tins)
        assert shopify.left(order_id) == {"CND-FIG-08": 1}

    def test_is_done_once_though_the_answer_is_lost(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.journey.fault("tiktok_shop", "cancellations.create", "reset_after", times=1)
        shopify.cancel(order_id)
        for _ in range(6):
            shopify.wait(20)
        assert shopify.order(order_id).state == OrderState.CANCELLED
        assert len(shopify.journey.ledger("order.cancelled", order_id)) >= 1
        assert shopify.unsettled(order_id) == []


class TestLostWebhooks:
    def test_of_a_request_are_made_good_by_the_poll(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        shopify.control("tiktok_shop/shop_settings", shop="Alice's Candles", edits_move_time=False)
        shopify.control("tiktok_shop/buyer_cancel", order_id=order_id)
        shopify.wait(200)
        assert shopify.cancellation(order_id).is_open
        shopify.wait(20)
        assert shopify.there(order_id)["is_on_hold"]
