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
RECORDING = {"shopify": "refundCreate", "wix": "refunds.create"}


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


def expect_nothing(shop: Shop, order_id: str, return_id: str) -> None:
    """No money went back: no store was told of any, and nobody is asked to note some."""
    assert paid_back(shop, order_id) == 0
    assert [(each.refunded, each.is_task) for each in shop.records(return_id)] in ([], [(None, False)])
    assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])
    assert shop.order(order_id).return_requested_at is None


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

    @pytest.mark.parametrize("restock", [True, False])
    def test_is_restocked_with_the_refund_where_the_store_knows_no_returns(
        self, journey: Journey, restock: bool
    ) -> None:
        shop = Shop(journey, "wix")
        shop.control("wix/set_stock", sku="CND-FIG-08", quantity=50)
        order_id = shop.buy(lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        before = shop.stock("CND-FIG-08")
        return_id = shop.return_all(order_id)
        assert (shop.case(return_id).restock, refunded(shop, return_id)) == (Restock.ASKED, None)
        shop.restock(return_id, restock=restock)
        shop.wait(10)
        assert refunded(shop, return_id) == paid_back(shop, order_id)
        assert shop.stock("CND-FIG-08") == before + (1 if restock else 0)
        assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])

    @pytest.mark.parametrize("rule", [Restocking.ALWAYS, Restocking.NEVER])
    @pytest.mark.parametrize("platform", sorted(RECORDING))
    def test_is_restocked_by_the_setting(self, journey: Journey, platform: str, rule: Restocking) -> None:
        shop = Shop(journey, platform)
        shop.rules(restock_returns=rule)
        order_id = shop.buy(lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        before = shop.stock("CND-FIG-08")
        return_id = shop.return_all(order_id)
        assert shop.case(return_id).status == S.COMPLETED
        assert shop.stock("CND-FIG-08") == before + (1 if rule is Restocking.ALWAYS else 0)
        expect_books(shop, order_id, return_id)

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

    def test_that_is_refused_and_not_appealed_ends(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id)
        shop.answer_return(return_id, D.REJECT_RETURN)
        assert shop.case(return_id).status == S.REFUSED
        shop.wait(48 * HOUR + 200)
        assert shop.case(return_id).status == S.WITHDRAWN
        expect_nothing(shop, order_id, return_id)

    @pytest.mark.parametrize("winner", ["buyer", "seller"])
    def test_that_is_refused_may_be_judged(self, shop: Shop, winner: str) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type="REFUND")
        shop.answer_return(return_id, D.REJECT_REFUND)
        shop.tiktok("appeal", return_id=return_id)
        assert shop.case(return_id).dispute == "OPEN"
        shop.tiktok("judge", return_id=return_id, **{"for": winner})
        shop.wait(200)
        case = shop.case(return_id)
        assert case.dispute == f"FOR_{winner.upper()}"
        assert case.status == (S.COMPLETED if winner == "buyer" else S.WITHDRAWN)
        (expect_books if winner == "buyer" else expect_nothing)(shop, order_id, return_id)

    def test_whose_goods_are_refused_is_closed_without_money(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id)
        shop.answer_return(return_id, D.APPROVE_RETURN)
        shop.come_back(return_id)
        shop.answer_return(return_id, D.REJECT_GOODS)
        assert shop.case(return_id).status == S.GOODS_REFUSED
        shop.wait(48 * HOUR + 200)
        assert shop.case(return_id).status == S.WITHDRAWN
        if shop.platform in RETURNS:
            assert shop.there(order_id)["returns"][0]["status"] in ("CANCELED", "CANCELLED", "CLOSED")
        expect_nothing(shop, order_id, return_id)

    def test_that_nobody_answers_is_granted_by_tiktok(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type="REFUND")
        shop.wait(48 * HOUR + 200)
        shop.wait(200)
        assert shop.case(return_id).status == S.COMPLETED
        expect_books(shop, order_id, return_id)

    def test_that_the_buyer_changes_is_followed(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        first = shop.open_return(order_id)
        second = str(shop.tiktok("change_return", return_id=first, type="REFUND")["return_id"])
        assert (shop.case(first).status, shop.case(first).next_id) == (S.WITHDRAWN, second)
        assert shop.case(second).previous_id == first
        shop.answer_return(second, D.APPROVE_REFUND)
        shop.wait(200)
        assert refunded(shop, first) is None
        expect_books(shop, order_id, second)

    def test_of_two_kinds_at_once_is_two(self, shop: Shop) -> None:
        shop.rules(restock_returns=Restocking.NEVER)
        order_id = shop.buy()
        shop.deliver(order_id)
        one = shop.open_return(order_id, line_ids=shop.line_ids(order_id, "CND-FIG-08"))
        tins = shop.line_ids(order_id, "TIN-LAV-04")
        two = shop.open_return(order_id, line_ids=tins, combine_with=one)
        for return_id in (one, two):
            shop.answer_return(return_id, D.APPROVE_RETURN)
        shop.come_back(one)
        for return_id in (one, two):
            shop.answer_return(return_id, D.APPROVE_GOODS)
        shop.wait(200)
        assert {shop.case(each).status for each in (one, two)} == {S.COMPLETED}
        if shop.platform in REFUNDS:
            assert (refunded(shop, one) or 0) + (refunded(shop, two) or 0) == paid_back(shop, order_id)
        if shop.platform in RETURNS:
            assert len(shop.there(order_id)["returns"]) == 2
        tasks = [each for return_id in (one, two) for each in shop.records(return_id) if each.is_task]
        assert len(tasks) == (2 if shop.platform == "squarespace" else 0)
        if shop.platform != "squarespace":
            assert (shop.order(order_id).attention, shop.unsettled(order_id)) == ("", [])

    def test_for_which_the_goods_are_kept_is_a_refund_without_a_return(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id)
        shop.answer_return(return_id, D.APPROVE_REFUND)
        shop.wait(200)
        case = shop.case(return_id)
        assert (case.status, case.keeps_goods, case.restock) == (S.COMPLETED, True, "")
        if shop.platform in RETURNS:
            assert shop.there(order_id)["returns"] == []
        expect_books(shop, order_id, return_id)

    def test_is_announced_to_amazon_where_the_goods_go_back_to_it(self, journey: Journey) -> None:
        shop = Shop(journey, "amazon")
        with merchant_rows(shop.merchant_id):
            store = journey.store("amazon")
            store.options = {**store.options, "returns_to": "amazon"}
            store.save(update_fields=["options"])
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, line_ids=shop.line_ids(order_id, "CND-FIG-08"))
        shop.answer_return(return_id, D.APPROVE_RETURN)
        (record,) = shop.records(return_id)
        assert (record.step, bool(record.external_id)) == ("OPEN", True)
        shop.come_back(return_id)
        shop.answer_return(return_id, D.APPROVE_GOODS)
        shop.wait(200)
        assert shop.case(return_id).status == S.COMPLETED
        assert [each.step for each in shop.records(return_id)] == ["DONE"]
        assert len(journey.ledger("return.created", order_id)) == 1
        expect_books(shop, order_id, return_id)


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
    def test_of_a_part_is_offered(self, shop: Shop, takes: bool) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id)
        shop.answer_return(return_id, D.OFFER_PART, amount=500)
        case = shop.case(return_id)
        assert (case.status, case.offered) == (S.BUYER_ASKED, 500)
        shop.tiktok("answer_offer", return_id=return_id, accept=takes)
        shop.wait(200)
        case = shop.case(return_id)
        if takes:
            assert (case.status, case.refund["total"], paid_back(shop, order_id)) == (S.COMPLETED, 500, 500)
            expect_books(shop, order_id, return_id)
        else:
            assert (case.status, bool(case.decisions), case.is_answered) == (S.REQUESTED, True, False)

    def test_that_tiktok_paid_at_once_is_in_the_books(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = str(shop.tiktok("platform_refund", order_id=order_id)["return_id"])
        shop.wait(10)
        assert (shop.case(return_id).is_quick_refund, shop.case(return_id).by) == (True, "PLATFORM")
        expect_books(shop, order_id, return_id)

    def test_that_the_seller_opened_at_tiktok_is_in_the_books(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = str(shop.tiktok("seller_return", order_id=order_id)["return_id"])
        shop.wait(200)
        expect_books(shop, order_id, return_id)

    @pytest.mark.parametrize("platform", sorted(RECORDING))
    def test_is_recorded_once_though_the_answer_is_lost(self, journey: Journey, platform: str) -> None:
        shop = Shop(journey, platform)
        order_id = shop.buy()
        shop.deliver(order_id)
        journey.fault(platform, RECORDING[platform], "reset_after", times=1)
        return_id = shop.open_return(order_id, type="REFUND")
        shop.answer_return(return_id, D.APPROVE_REFUND)
        for _ in range(6):
            shop.wait(60)
        assert len(shop.there(order_id)["refunds"]) == 1
        assert refunded(shop, return_id) == paid_back(shop, order_id)

    def test_of_several_returns_is_never_more_than_was_paid(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        ids = [shop.line_ids(order_id, "CND-FIG-08"), *([each] for each in shop.line_ids(order_id, "TIN-LAV-04"))]
        for line_ids in ids:
            return_id = shop.open_return(order_id, type="REFUND", line_ids=line_ids)
            shop.answer_return(return_id, D.APPROVE_REFUND)
            shop.wait(200)
        with merchant_rows(shop.merchant_id):
            kept = shop.order(order_id).returns.all()
            records = [record for case in kept for record in case.records.all()]
        total = shop.order(order_id).total
        assert total is not None
        assert paid_back(shop, order_id) <= total
        told = sum(record.refunded or 0 for record in records)
        assert told == (paid_back(shop, order_id) if shop.platform in REFUNDS else 0)
        assert sum(record.is_task for record in records) == (3 if shop.platform == "squarespace" else 0)

    def test_lost_by_every_webhook_is_found_by_the_poll(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        shop.journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        return_id = str(shop.control("tiktok_shop/open_return", order_id=order_id, type="REFUND")["return_id"])
        shop.wait(200)
        assert shop.case(return_id).status == S.REQUESTED
        shop.answer_return(return_id, D.APPROVE_REFUND)
        shop.wait(400)
        expect_books(shop, order_id, return_id)


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

    def test_that_are_refused_are_not_sent(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type="REPLACEMENT")
        shop.answer_return(return_id, D.REJECT_REPLACEMENT)
        assert shop.case(return_id).status == S.REFUSED
        shop.wait(48 * HOUR + 200)
        case = shop.case(return_id)
        assert (case.status, case.new_order_id) == (S.WITHDRAWN, "")
        expect_nothing(shop, order_id, return_id)

    def test_are_paid_instead(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type="REPLACEMENT")
        shop.answer_return(return_id, D.REFUND_INSTEAD)
        shop.wait(200)
        expect_books(shop, order_id, return_id)
        assert shop.order(order_id).return_requested_at is None

    def test_that_cannot_be_had_in_exchange_are_paid_instead(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.deliver(order_id)
        return_id = shop.open_return(order_id, type="EXCHANGE", line_ids=shop.line_ids(order_id, "CND-FIG-08"))
        shop.tiktok("finish_exchange", return_id=return_id, outcome="refund")
        shop.wait(200)
        case = shop.case(return_id)
        assert (case.new_order_id, case.replacement_id) == ("", None)
        expect_books(shop, order_id, return_id)
        assert shop.order(order_id).return_requested_at is None
