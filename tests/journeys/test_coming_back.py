"""Every way a return or a refund can go, in each of the four stores (docs/after-sales.md)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.aftersales import Decision
from orders import refunds
from orders.aftersale_rules import Restocking
from orders.models import Attention, OrderState, Restock, ReturnStatus
from tests.journeys.after_sale import PARTIAL, REFUNDS, RETURNS, Shop
from tests.journeys.conftest import STORES, Journey

S, D = ReturnStatus, Decision
HOUR, DAY = 3600, 86_400


@pytest.fixture(params=STORES)
def shop(journey: Journey, request: Any) -> Shop:
    """Alice's orders go to each of the stores in turn."""
    return Shop(journey, request.param)


@pytest.fixture
def shopify(journey: Journey) -> Shop:
    """Alice's orders go to Shopify."""
    return Shop(journey, "shopify")


def refunded(shop: Shop, return_id: str) -> int | None:
    """What the store was told, in minor units."""
    return next((record.refunded for record in shop.records(return_id)), None)


def paid_back(shop: Shop, order_id: str) -> int:
    """What TikTok Shop really refunded."""
    entries = shop.journey.ledger("return.refunded", order_id)
    return sum(round(float(entry["refund"]["refund_total"]) * 100) for entry in entries)


def expect_books(shop: Shop, order_id: str, return_id: str) -> None:
    """The refund stands once in a store that takes one, is a task where it does not, or is shown only."""
    order = shop.order(order_id)
    if shop.platform in REFUNDS:
        assert refunded(shop, return_id) == paid_back(shop, order_id)
        assert order.attention == ""
    elif shop.platform == "squarespace":
        assert order.attention == Attention.REFUND_BY_HAND
        (record,) = shop.records(return_id)
        with merchant_rows(shop.merchant_id):
            refunds.task_done(record=record, by="Alice", now=shop.journey.now())
        assert shop.order(order_id).attention == ""
    else:
        assert refunded(shop, return_id) is None
        assert order.attention == ""
    assert shop.unsettled(order_id) == []


class TestReturn:
    def test_of_goods_walks_the_whole_way(self, shop: Shop) -> None:
        shop.rules(restock_returns=Restocking.ALWAYS)
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, line_ids=shop.line_ids(order_id, "CND-FIG-08"))
        assert shop.case(return_id).status == S.REQUESTED
        assert shop.order(order_id).return_requested_at is not None
        shop.answer_return(return_id, D.APPROVE_RETURN)
        assert shop.case(return_id).status == S.TO_BE_SENT
        if shop.platform in RETURNS:
            (there,) = shop.there(order_id)["returns"]
            assert (there["status"], there["lines"]) == ("OPEN", {"CND-FIG-08": 1})
        shop.come_back(return_id)
        assert shop.case(return_id).status == S.ON_THE_WAY
        shop.answer_return(return_id, D.APPROVE_GOODS)
        shop.wait(200)
        case = shop.case(return_id)
        assert (case.status, case.decisions) == (S.COMPLETED, [])
        assert shop.order(order_id).return_requested_at is None
        if shop.platform in RETURNS:
            (there,) = shop.there(order_id)["returns"]
            assert there["status"] == "CLOSED"
            assert [each["type"] for each in there["dispositions"]] == ["RESTOCKED"]
        expect_books(shop, order_id, return_id)
        assert len(shop.journey.ledger("return.refunded", order_id)) == 1

    @pytest.mark.parametrize(("restock", "ends"), [(True, "RESTOCKED"), (False, "PROCESSING_REQUIRED")])
    def test_is_restocked_when_alice_decides(self, shopify: Shop, restock: bool, ends: str) -> None:
        before = shopify.stock("CND-FIG-08")
        order_id = shopify.buy(lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id)
        shopify.answer_return(return_id, D.APPROVE_RETURN)
        shopify.come_back(return_id)
        shopify.answer_return(return_id, D.APPROVE_GOODS)
        shopify.wait(200)
        case = shopify.case(return_id)
        assert (case.status, case.restock) == (S.COMPLETED, Restock.ASKED)
        assert refunded(shopify, return_id) == paid_back(shopify, order_id)
        assert shopify.there(order_id)["returns"][0]["status"] == "OPEN"
        shopify.restock(return_id, restock=restock)
        shopify.wait(10)
        assert shopify.there(order_id)["returns"][0]["status"] == "CLOSED"
        assert shopify.stock("CND-FIG-08") == before - (0 if restock else 1)

    def test_that_the_buyer_takes_back_is_closed_in_the_store(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id)
        shop.answer_return(return_id, D.APPROVE_RETURN)
        shop.tiktok("withdraw_return", return_id=return_id)
        assert shop.case(return_id).status == S.WITHDRAWN
        if shop.platform in RETURNS:
            assert shop.there(order_id)["returns"][0]["status"] in ("CANCELED", "CANCELLED")
        assert refunded(shop, return_id) is None
        assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])

    def test_that_is_refused_and_not_appealed_ends(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id)
        shopify.answer_return(return_id, D.REJECT_RETURN)
        assert shopify.case(return_id).status == S.REFUSED
        shopify.wait(48 * HOUR + 200)
        assert shopify.case(return_id).status == S.WITHDRAWN
        assert refunded(shopify, return_id) is None

    @pytest.mark.parametrize("winner", ["buyer", "seller"])
    def test_that_is_refused_may_be_judged(self, shopify: Shop, winner: str) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id, type="REFUND")
        shopify.answer_return(return_id, D.REJECT_REFUND)
        shopify.tiktok("appeal", return_id=return_id)
        assert shopify.case(return_id).dispute == "OPEN"
        shopify.tiktok("judge", return_id=return_id, **{"for": winner})
        shopify.wait(200)
        case = shopify.case(return_id)
        assert case.dispute == f"FOR_{winner.upper()}"
        assert case.status == (S.COMPLETED if winner == "buyer" else S.WITHDRAWN)
        assert (refunded(shopify, return_id) is not None) is (winner == "buyer")

    def test_whose_goods_are_refused_is_closed_without_money(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id)
        shopify.answer_return(return_id, D.APPROVE_RETURN)
        shopify.come_back(return_id)
        shopify.answer_return(return_id, D.REJECT_GOODS)
        assert shopify.case(return_id).status == S.GOODS_REFUSED
        shopify.wait(48 * HOUR + 200)
        assert shopify.case(return_id).status == S.WITHDRAWN
        assert refunded(shopify, return_id) is None

    def test_that_nobody_answers_is_granted_by_tiktok(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id, type="REFUND")
        shopify.wait(48 * HOUR + 200)
        shopify.wait(200)
        assert shopify.case(return_id).status == S.COMPLETED
        assert refunded(shopify, return_id) == paid_back(shopify, order_id)

    def test_that_the_buyer_changes_is_followed(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        first = shopify.open_return(order_id)
        second = str(shopify.tiktok("change_return", return_id=first, type="REFUND")["return_id"])
        assert (shopify.case(first).status, shopify.case(first).next_id) == (S.WITHDRAWN, second)
        assert shopify.case(second).previous_id == first
        shopify.answer_return(second, D.APPROVE_REFUND)
        shopify.wait(200)
        assert (refunded(shopify, first), refunded(shopify, second)) == (None, paid_back(shopify, order_id))

    def test_of_two_kinds_at_once_is_two(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        one = shopify.open_return(order_id, line_ids=shopify.line_ids(order_id, "CND-FIG-08"))
        tins = shopify.line_ids(order_id, "TIN-LAV-04")
        two = shopify.open_return(order_id, line_ids=tins, combine_with=one)
        for return_id in (one, two):
            shopify.answer_return(return_id, D.APPROVE_RETURN)
        shopify.come_back(one)
        for return_id in (one, two):
            shopify.answer_return(return_id, D.APPROVE_GOODS)
        shopify.wait(200)
        told = (refunded(shopify, one) or 0) + (refunded(shopify, two) or 0)
        assert told == paid_back(shopify, order_id)
        assert len(shopify.there(order_id)["returns"]) == 2


class TestRefund:
    def test_without_goods_is_in_the_books(self, shop: Shop) -> None:
        order_id = shop.buy(shipping_fee="4.99", discounts={"seller": "4.20", "platform": "2.00"})
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type="REFUND")
        shop.answer_return(return_id, D.APPROVE_REFUND)
        shop.wait(200)
        assert shop.case(return_id).status == S.COMPLETED
        assert shop.order(order_id).state == OrderState.COMPLETED
        expect_books(shop, order_id, return_id)

    @pytest.mark.parametrize("takes", [True, False])
    def test_of_a_part_is_offered(self, shopify: Shop, takes: bool) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id)
        shopify.answer_return(return_id, D.OFFER_PART, amount=500)
        case = shopify.case(return_id)
        assert (case.status, case.offered) == (S.BUYER_ASKED, 500)
        shopify.tiktok("answer_offer", return_id=return_id, accept=takes)
        shopify.wait(200)
        case, order = shopify.case(return_id), shopify.order(order_id)
        if takes:
            assert (case.status, case.refund["total"]) == (S.COMPLETED, 500)
            assert refunded(shopify, return_id) == 500 or order.attention == Attention.REFUND_BY_HAND
        else:
            assert (case.status, bool(case.decisions), case.is_answered) == (S.REQUESTED, True, False)

    def test_that_tiktok_paid_at_once_is_in_the_books(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = str(shopify.tiktok("platform_refund", order_id=order_id)["return_id"])
        shopify.wait(10)
        assert shopify.case(return_id).is_quick_refund
        expect_books(shopify, order_id, return_id)

    def test_that_the_seller_opened_at_tiktok_is_in_the_books(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = str(shopify.tiktok("seller_return", order_id=order_id)["return_id"])
        shopify.wait(200)
        expect_books(shopify, order_id, return_id)

    def test_is_recorded_once_though_the_answer_is_lost(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        shopify.journey.fault("shopify", "refundCreate", "reset_after", times=1)
        return_id = shopify.open_return(order_id, type="REFUND")
        shopify.answer_return(return_id, D.APPROVE_REFUND)
        for _ in range(6):
            shopify.wait(60)
        assert len(shopify.there(order_id)["refunds"]) == 1
        assert refunded(shopify, return_id) == paid_back(shopify, order_id)

    def test_of_several_returns_is_never_more_than_was_paid(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        ids = [shopify.line_ids(order_id, "CND-FIG-08"), *([each] for each in shopify.line_ids(order_id, "TIN-LAV-04"))]
        for line_ids in ids:
            return_id = shopify.open_return(order_id, type="REFUND", line_ids=line_ids)
            shopify.answer_return(return_id, D.APPROVE_REFUND)
            shopify.wait(200)
        with merchant_rows(shopify.merchant_id):
            kept = shopify.order(order_id).returns.all()
            told = sum(record.refunded or 0 for case in kept for record in case.records.all())
        assert told == paid_back(shopify, order_id) <= shopify.order(order_id).total

    def test_lost_by_every_webhook_is_found_by_the_poll(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        shopify.journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        return_id = str(shopify.control("tiktok_shop/open_return", order_id=order_id, type="REFUND")["return_id"])
        shopify.wait(200)
        assert shopify.case(return_id).status == S.REQUESTED
        shopify.answer_return(return_id, D.APPROVE_REFUND)
        shopify.wait(400)
        assert refunded(shopify, return_id) == paid_back(shopify, order_id)


class TestRefundBeforeDispatch:
    def test_stops_the_parcel_and_granted_cancels_it(self, shop: Shop) -> None:
        order_id = shop.buy()
        return_id = shop.open_return(order_id, type="REFUND", early=True)
        order = shop.order(order_id)
        if shop.platform == "shopify":
            assert shop.there(order_id)["is_on_hold"]
        else:
            assert (order.attention, order.attention_detail["is_task"]) == (Attention.RETURN_PENDING, True)
        shop.answer_return(return_id, D.APPROVE_REFUND)
        shop.wait(200)
        if shop.platform == "squarespace":
            assert shop.order(order_id).attention == Attention.ALREADY_CANCELLED
        else:
            assert shop.there(order_id)["is_cancelled"]
        assert refunded(shop, return_id) is None

    def test_that_is_taken_back_lets_it_go(self, shop: Shop) -> None:
        order_id = shop.buy()
        return_id = shop.open_return(order_id, type="REFUND", early=True)
        shop.tiktok("withdraw_return", return_id=return_id)
        assert shop.order(order_id).attention == ""
        assert not shop.there(order_id).get("is_on_hold")
        shop.ship(order_id)
        assert shop.order(order_id).state == OrderState.FULFILLED

    def test_keeps_the_number_back_of_what_left_meanwhile(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.be_late_to_keep_back()
        return_id = shop.open_return(order_id, type="REFUND", early=True)
        shop.ship(order_id)
        assert shop.journey.ledger("package.shipped", order_id) == []
        assert shop.order(order_id).attention == Attention.RETURN_PENDING
        shop.tiktok("withdraw_return", return_id=return_id)
        shop.wait(70)
        assert len(shop.journey.ledger("package.shipped", order_id)) == 1

    def test_of_some_items_takes_these_out(self, shop: Shop) -> None:
        order_id = shop.buy()
        tins = shop.line_ids(order_id, "TIN-LAV-04")
        return_id = shop.open_return(order_id, type="REFUND", early=True, line_ids=tins)
        shop.answer_return(return_id, D.APPROVE_REFUND)
        shop.wait(200)
        if shop.platform in PARTIAL:
            assert shop.left(order_id) == {"CND-FIG-08": 1}
            assert not shop.there(order_id)["is_on_hold"]
        else:
            assert shop.order(order_id).attention_detail["items"] == ["2 × TIN-LAV-04"]


class TestNewGoods:
    @pytest.mark.parametrize("kind", ["REPLACEMENT", "EXCHANGE"])
    def test_are_an_order_of_their_own_linked_to_the_first(self, shop: Shop, kind: str) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type=kind, line_ids=shop.line_ids(order_id, "CND-FIG-08"))
        if kind == "REPLACEMENT":
            shop.answer_return(return_id, D.APPROVE_REPLACEMENT)
        else:
            shop.tiktok("finish_exchange", return_id=return_id)
        shop.wait(shop.journey.world.hold_seconds + 60)
        case = shop.case(return_id)
        assert case.status == S.COMPLETED
        new = shop.order(case.new_order_id)
        assert (case.replacement_id, new.replaces_id) == (new.pk, order_id)
        assert refunded(shop, return_id) is None
        assert shop.order(order_id).return_requested_at is None

    def test_are_refused_or_paid_instead(self, shopify: Shop) -> None:
        order_id = shopify.buy()
        shopify.deliver(order_id)
        return_id = shopify.open_return(order_id, type="REPLACEMENT")
        shopify.answer_return(return_id, D.REFUND_INSTEAD)
        shopify.wait(200)
        expect_books(shopify, order_id, return_id)
        assert shopify.order(order_id).return_requested_at is None
