"""The merchant takes some units out of an order in the store (docs/after-sales.md)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.aftersales import Decision
from connectors.registry import label_of
from orders.models import Attention, Mirror, Order, OrderState
from tests.journeys.after_sale import PARTIAL, Shop
from tests.journeys.conftest import Journey

TIN = "TIN-LAV-04"
KIND = "mirror.units_taken_out"
FIVE = [{"sku": "CND-FIG-08", "quantity": 1}, {"sku": TIN, "quantity": 4}]


@pytest.fixture(params=["shopify", "amazon"])
def shop(journey: Journey, request: Any) -> Shop:
    """Alice's orders go to each of the stores that tell it."""
    return Shop(journey, request.param)


@pytest.fixture
def shopify(journey: Journey) -> Shop:
    """Alice's orders go to Shopify."""
    return Shop(journey, "shopify")


def remove(shop: Shop, order_id: str, verb: str = "remove_units", **more: Any) -> None:
    """By hand, in the store; read by webhook or poll."""
    there = shop.there(order_id)
    body = {"shop": there["shop"], "order": there["name"], "lines": {TIN: 1}, **more}
    shop.control(f"{shop.platform}/{verb}", **body)
    shop.settle()
    shop.wait(400)


def told(shop: Shop, order_id: str) -> list[Any]:
    with merchant_rows(shop.merchant_id):
        order = Order.objects.get(external_id=order_id)
        return list(order.events.filter(kind=KIND).values_list("facts__items", flat=True))


def look_again(shop: Shop, order_id: str) -> None:
    """The store is read once more, since somebody changed something else, or by the poll."""
    if shop.platform == "shopify":
        there = shop.there(order_id)
        shop.control("shopify/change_address", shop=there["shop"], order=there["name"], address={"city": "Shelbyville"})
    shop.settle()
    shop.wait(400)


def cancelled_at_tiktok(shop: Shop, order_id: str) -> int:
    lines = shop.journey.tiktok_order(order_id)["line_items"]
    return sum(line["display_status"] == "CANCELLED" for line in lines)


class TestTakenOut:
    def test_asks_once_by_default(self, shop: Shop) -> None:
        order_id = shop.buy()
        remove(shop, order_id)
        order, name = shop.order(order_id), shop.there(order_id)["name"]
        assert order.attention == Attention.REMOTE_ERROR
        assert order.attention_detail["message"] == (
            f"1 of 2 × {TIN} was taken out of {name} there, and TikTok Shop still expects it to be shipped."
        )
        look_again(shop, order_id)
        assert told(shop, order_id) == [[f"1 × {TIN}"]]
        assert cancelled_at_tiktok(shop, order_id) == 0

    def test_asks_again_for_other_units(self, shop: Shop) -> None:
        order_id = shop.buy()
        remove(shop, order_id)
        remove(shop, order_id)
        assert told(shop, order_id) == [[f"1 × {TIN}"], [f"1 × {TIN}"]]

    def test_is_told_where_an_items_lines_do_not_fit_into_its_id(self, shop: Shop) -> None:
        order_id = shop.buy(lines=FIVE)
        remove(shop, order_id, lines={TIN: 2})
        assert shop.order(order_id).attention_detail["message"].startswith(f"2 of 4 × {TIN} were taken out of ")

    def test_is_cancelled_at_tiktok_as_out_of_stock_where_that_is_wanted(self, shop: Shop) -> None:
        shop.rules(cancels_at_source=True)
        order_id = shop.buy()
        remove(shop, order_id)
        row, order = shop.cancellation(order_id), shop.order(order_id)
        assert (row.by, row.reason, cancelled_at_tiktok(shop, order_id)) == (
            "SELLER",
            "seller_cancel_reason_out_of_stock",
            1,
        )
        assert (order.state, order.attention, order.cancelled_lines) == (OrderState.MIRRORED, "", 1)
        assert shop.left(order_id) == {"CND-FIG-08": 1, TIN: 1}
        assert (told(shop, order_id), shop.unsettled(order_id)) == ([[f"1 × {TIN}"]], [])
        shop.ship(order_id)
        assert shop.order(order_id).state == OrderState.FULFILLED

    def test_is_a_question_where_tiktok_refuses(self, shop: Shop) -> None:
        shop.rules(cancels_at_source=True)
        order_id = shop.buy()
        shop.control("tiktok_shop/refuse", operation="cancellations.create", code=25001046, times=1)
        remove(shop, order_id)
        order = shop.order(order_id)
        assert order.attention == Attention.REMOTE_ERROR
        with merchant_rows(shop.merchant_id):
            label = label_of(Mirror.objects.select_related("store").get(order=order).store)
        assert f"Taken out in {label}: 1 × {TIN}, still to be shipped here." in order.attention_detail["message"]

    def test_is_answered_by_cancelling_as_many_at_tiktok_by_hand(self, shop: Shop) -> None:
        order_id = shop.buy()
        remove(shop, order_id)
        shop.tiktok("seller_cancel", order_id=order_id, line_ids=shop.line_ids(order_id, TIN)[1:])
        shop.wait(400)
        assert shop.left(order_id) == {"CND-FIG-08": 1, TIN: 1}
        order = shop.order(order_id)
        assert (order.attention, shop.unsettled(order_id), len(told(shop, order_id))) == ("", [], 1)

    def test_by_a_refund_is_told_as_well(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        remove(shopify, order_id, "refund", restock="cancel")
        assert told(shopify, order_id) == [[f"1 × {TIN}"]]
        assert shopify.order(order_id).attention == Attention.REMOTE_ERROR


class TestNotTakenOut:
    def test_is_what_tiktok_cancelled(self, shop: Shop) -> None:
        shop.rules(cancels_at_source=True)
        order_id = shop.buy()
        shop.tiktok("seller_cancel", order_id=order_id, line_ids=shop.line_ids(order_id, TIN)[:1])
        shop.wait(10)
        if shop.platform not in PARTIAL:
            remove(shop, order_id)
        look_again(shop, order_id)
        assert shop.left(order_id) == {"CND-FIG-08": 1, TIN: 1}
        assert (told(shop, order_id), cancelled_at_tiktok(shop, order_id)) == ([], 1)
        assert "CANCEL_AT_SOURCE" not in [item.kind for item in shop.journey.items(order_id)]
        assert shop.order(order_id).attention == ""

    @pytest.mark.parametrize("restock", ["no_restock", "return"])
    def test_is_what_the_merchant_refunds_after_it_left(self, shopify: Shop, restock: str) -> None:
        order_id = shopify.buy()
        shopify.ship(order_id, lines={TIN: 1})
        remove(shopify, order_id, "refund", restock=restock)
        assert (told(shopify, order_id), shopify.order(order_id).attention) == ([], "")

    def test_is_a_refund_that_we_recorded(self, shopify: Shop) -> None:
        shopify.rules(cancels_at_source=True)
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id, type="REFUND", line_ids=shopify.line_ids(order_id, TIN)[:1])
        shopify.answer_return(return_id, Decision.APPROVE_REFUND)
        look_again(shopify, order_id)
        assert len(shopify.there(order_id)["refunds"]) == 1
        assert (told(shopify, order_id), cancelled_at_tiktok(shopify, order_id)) == ([], 0)

    @pytest.mark.parametrize("is_wanted", [True, False])
    def test_is_money_asked_back_before_it_leaves(self, shop: Shop, is_wanted: bool) -> None:
        shop.rules(cancels_at_source=is_wanted)
        order_id = shop.buy()
        return_id = shop.open_return(order_id, type="REFUND", early=True, line_ids=shop.line_ids(order_id, TIN)[:1])
        shop.answer_return(return_id, Decision.APPROVE_REFUND)
        shop.wait(30)
        if shop.platform not in PARTIAL:
            remove(shop, order_id)
        look_again(shop, order_id)
        assert shop.left(order_id) == {"CND-FIG-08": 1, TIN: 1}
        assert (told(shop, order_id), cancelled_at_tiktok(shop, order_id)) == ([], 0)

    def test_once_more_when_tiktok_cancelled_another_unit_of_it_unheard(self, shop: Shop) -> None:
        """The merchant did the same in both places, and the message from TikTok Shop was lost."""
        shop.rules(cancels_at_source=True)
        order_id = shop.buy()
        shop.journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        shop.control("tiktok_shop/seller_cancel", order_id=order_id, line_ids=shop.line_ids(order_id, TIN)[1:])
        remove(shop, order_id)
        assert (cancelled_at_tiktok(shop, order_id), shop.left(order_id)) == (1, {"CND-FIG-08": 1, TIN: 1})
        assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])

    def test_is_our_own_cancellation_though_its_answer_is_lost(self, shopify: Shop) -> None:
        shopify.rules(cancels_at_source=True)
        order_id = shopify.buy()
        shopify.journey.fault("shopify", "refundCreate", "reset_after", times=1)
        shopify.tiktok("seller_cancel", order_id=order_id, line_ids=shopify.line_ids(order_id, TIN)[:1])
        for _ in range(4):
            shopify.wait(20)
        look_again(shopify, order_id)
        assert (told(shopify, order_id), cancelled_at_tiktok(shopify, order_id)) == ([], 1)
        assert (shopify.left(order_id), shopify.unsettled(order_id)) == ({"CND-FIG-08": 1, TIN: 1}, [])
