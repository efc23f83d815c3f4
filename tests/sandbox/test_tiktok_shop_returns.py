from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.client import Answer, Client

PATH = "/return_refund/202309/returns"
AGREED = "seller_reject_apply_you_have_reached_an_agreement_with_the_buyer"
SELLERS = "seller_ecom_delivered_return_refund_reason1"
HOUR, DAY = 3600, 86_400
PENDING, SUCCESS = "RETURN_OR_REFUND_REQUEST_PENDING", "RETURN_OR_REFUND_REQUEST_SUCCESS"
COMPLETE, CANCEL = "RETURN_OR_REFUND_REQUEST_COMPLETE", "RETURN_OR_REFUND_REQUEST_CANCEL"
REJECTED = "REFUND_OR_RETURN_REQUEST_REJECT"


class Return:
    """One return, and what everybody does to it."""

    def __init__(self, client: Client, return_id: str) -> None:
        self.client, self.id = client, return_id

    @classmethod
    def of(cls, client: Client, order_id: str, kind: str, **more: Any) -> Return:
        return cls(client, client.control("open_return", order_id=order_id, type=kind, **more)["return_id"])

    def do(self, verb: str, **more: Any) -> Answer:
        return self.client.control(verb, return_id=self.id, **more)

    def no(self, verb: str, **more: Any) -> str:
        return self.client.refused(verb, return_id=self.id, **more)

    def approve(self, decision: str, key: str | None = None, **more: Any) -> int:
        query = {"idempotency_key": key} if key else {}
        path = f"{PATH}/{self.id}/approve"
        code: int = self.client.call("POST", path, {"decision": decision, **more}, **query)["code"]
        return code

    def reject(self, decision: str, reason: str = AGREED, version: str = "202309", **more: Any) -> int:
        body = {"decision": decision, "reject_reason": reason, **more}
        code: int = self.client.call("POST", f"/return_refund/{version}/returns/{self.id}/reject", body)["code"]
        return code

    @property
    def row(self) -> Answer:
        return self.client.row("returns", return_ids=[self.id])

    @property
    def status(self) -> str:
        status: str = self.row["return_status"]
        return status

    @property
    def due(self) -> tuple[str, int] | None:
        """What the seller has to do, and in how many hours from now."""
        waiting = self.row["seller_next_action_response"]
        if not waiting:
            return None
        return waiting[0]["action"], (waiting[0]["deadline"] - int(self.client.world.now())) // HOUR


class TestRefundWithoutGoods:
    def test_is_granted_and_then_paid(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "REFUND")
        assert (back.status, back.due) == (PENDING, ("SELLER_RESPOND_REFUND", 48))
        row = back.row
        assert (row["role"], row["return_type"], row["combined_return_id"]) == ("BUYER", "REFUND", "0")
        assert row["return_reason_text"] == "Missing product"
        assert {"shipment_type", "arbitration_status", "return_tracking_number", "pre_return_id"}.isdisjoint(row)
        assert back.approve("APPROVE_REFUND") == 0
        assert (back.status, back.due) == (SUCCESS, None)
        assert client.order(order_id)["status"] == "DELIVERED"
        world.advance(60)
        assert back.status == COMPLETE

    @pytest.mark.parametrize("step", [None, "in_transit", "deliver"])
    def test_of_all_completes_the_order(self, client: Client, world: World, step: str | None) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        if step:
            client.control(step, order_id=order_id)
        Return.of(client, order_id, "REFUND").approve("APPROVE_REFUND")
        world.advance(60)
        order = client.order(order_id)
        assert order["status"] == "COMPLETED"
        assert {line["display_status"] for line in order["line_items"]} == {"COMPLETED"}

    def test_of_a_part_leaves_the_order_where_it_is(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        Return.of(client, order_id, "REFUND", skus={"CND-FIG-08": 1}).approve("APPROVE_REFUND")
        world.advance(60)
        assert client.order(order_id)["status"] == "DELIVERED"
        rest = Return.of(client, order_id, "REFUND")
        assert len(rest.row["return_line_items"]) == 1
        rest.approve("APPROVE_REFUND")
        world.advance(60)
        assert client.order(order_id)["status"] == "COMPLETED"
        assert "25005005" in client.refused("open_return", order_id=order_id, type="REFUND")

    def test_ends_with_a_rejection_nobody_appeals_against(self, client: Client, world: World) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        assert back.reject("REJECT_REFUND") == 0
        assert (back.status, back.due) == (REJECTED, None)
        world.advance(48 * HOUR)
        assert back.status == CANCEL
        again = Return.of(client, back.row["order_id"], "REFUND")
        assert again.status == PENDING

    def test_is_granted_by_silence(self, client: Client, world: World) -> None:
        client.control("shop_settings", return_answer_hours=24)
        back = Return.of(client, client.delivered(), "REFUND")
        world.advance(24 * HOUR - 1)
        assert back.status == PENDING
        world.advance(1)
        assert back.status == SUCCESS
        approved = next(entry for entry in world.ledger if entry["event"] == "return.approved")
        assert approved["by"] == "SYSTEM"

    def test_may_be_paid_directly(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        assert back.approve("DIRECT_REFUND") == 0
        assert back.status == SUCCESS


class TestReturnOfGoods:
    def test_goes_its_whole_way(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "RETURN_AND_REFUND", skus={"CND-FIG-08": 1})
        assert (back.status, back.due) == (PENDING, ("SELLER_RESPOND_RETURN", 48))
        assert back.approve("APPROVE_RETURN") == 0
        assert (back.status, back.due) == ("AWAITING_BUYER_SHIP", None)
        back.do("hand_over", tracking_number="1Z999AA10123456784", provider_id="7117859084333745966")
        row = back.row
        assert (row["return_status"], row["return_tracking_number"]) == ("BUYER_SHIPPED_ITEM", "1Z999AA10123456784")
        assert (row["return_provider_name"], row["shipment_type"]) == ("UPS", "PLATFORM")
        assert (row["handover_method"], row["return_method"]) == ("DROP_OFF", "PLATFORM_SHIPPED")
        assert row["return_warehouse_address"]["full_address"]
        assert len(row["return_line_items"]) == 1
        assert back.due is None
        back.do("return_arrives")
        assert (back.status, back.due) == ("BUYER_SHIPPED_ITEM", ("SELLER_RESPOND_RECEIVE_PACKAGE", 48))
        assert back.approve("APPROVE_RECEIVED_PACKAGE") == 0
        world.advance(60)
        assert back.status == COMPLETE
        assert client.order(order_id)["status"] == "DELIVERED"

    def test_is_received_by_silence(self, client: Client, world: World) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        world.advance(48 * HOUR)
        assert back.status == "AWAITING_BUYER_SHIP"
        back.do("hand_over")
        world.advance(4 * DAY)
        assert back.status == "BUYER_SHIPPED_ITEM"
        back.do("return_arrives")
        world.advance(48 * HOUR)
        client.connect()
        assert back.status == SUCCESS

    def test_ends_when_the_buyer_sends_nothing(self, client: Client, world: World) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        back.approve("APPROVE_RETURN")
        world.advance(7 * DAY)
        client.connect()
        assert back.status == CANCEL

    @pytest.mark.parametrize(
        ("decision", "keeps", "code"),
        [
            ("APPROVE_RETURN", True, 0),
            ("APPROVE_REFUND", True, 0),
            ("APPROVE_REFUND", False, 25011012),
            ("DIRECT_REFUND", True, 25001001),
        ],
    )
    def test_may_stay_with_the_buyer(self, client: Client, decision: str, keeps: bool, code: int) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        assert back.approve(decision, buyer_keep_item=keeps) == code
        assert (back.status, back.row["can_buyer_keep_item"]) == ((PENDING, False) if code else (SUCCESS, True))

    @pytest.mark.parametrize(
        "steps", [["approve"], ["approve", "hand_over"], ["approve", "hand_over", "return_arrives"]]
    )
    def test_may_be_paid_before_the_goods_are_looked_at(self, client: Client, steps: list[str]) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        for step in steps:
            if step == "approve":
                back.approve("APPROVE_RETURN")
            else:
                back.do(step)
        assert back.approve("DIRECT_REFUND") == 0
        assert back.status == SUCCESS

    def test_may_be_rejected_again_when_it_is_there(self, client: Client, world: World) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        back.approve("APPROVE_RETURN")
        assert back.reject("REJECT_RECEIVED_PACKAGE") == 25011011
        back.do("hand_over")
        assert back.reject("REJECT_RETURN") == 25011011
        assert back.reject("REJECT_RECEIVED_PACKAGE", version="202606") == 0
        assert back.status == "REJECT_RECEIVE_PACKAGE"
        world.advance(48 * HOUR)
        assert back.status == CANCEL

    def test_may_be_the_buyers_own_parcel(self, client: Client) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "RETURN_AND_REFUND", shipment_type="BUYER_ARRANGE", handover_method="PICKUP")
        row = back.row
        assert (row["return_method"], row["handover_method"]) == ("BUYER_SHIPPED", "PICKUP")
        assert row["shipping_fee_amount"][0]["buyer_paid_return_shipping_fee"] == "5.99"

    def test_of_two_orders_may_go_in_one_parcel(self, client: Client) -> None:
        first = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        second = Return.of(client, client.delivered(), "RETURN_AND_REFUND", combine_with=first.id)
        assert first.row["combined_return_id"] == second.row["combined_return_id"] != "0"
        assert first.row["is_combined_return"] is True
        for each in (first, second):
            each.approve("APPROVE_RETURN")
        first.do("hand_over", tracking_number="1Z1")
        second.do("return_arrives")
        assert [each.row["return_tracking_number"] for each in (first, second)] == ["1Z1", "1Z1"]
        assert first.due == second.due == ("SELLER_RESPOND_RECEIVE_PACKAGE", 48)


class TestPartialRefund:
    def offered(self, client: Client, amount: str = "20") -> Return:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        offer = {"amount": amount, "currency": "USD"}
        assert back.approve("OFFER_PARTIAL_REFUND", partial_refund=offer) == 0
        return back

    def test_is_taken(self, client: Client, world: World) -> None:
        back = self.offered(client)
        row = back.row
        assert (row["return_status"], row["partial_refund"]) == (
            "AWAITING_BUYER_RESPONSE",
            {"currency": "USD", "amount": "20"},
        )
        assert row["seller_proposed_return_type"] == "PARTIAL_REFUND"
        assert client.row("returns", seller_proposed_return_type=["PARTIAL_REFUND"])["return_id"] == back.id
        back.do("answer_offer", accept=True)
        world.advance(60)
        assert (back.status, back.row["refund_amount"]["refund_total"]) == (COMPLETE, "20")
        assert client.order(row["order_id"])["status"] == "DELIVERED"

    def test_is_refused_and_the_seller_answers_anew(self, client: Client, world: World) -> None:
        back = self.offered(client)
        world.advance(10 * HOUR)
        back.do("answer_offer", accept=False)
        assert (back.status, back.row["buyer_rejected_partial_refund"]) == (PENDING, True)
        assert back.due == ("SELLER_RESPOND_RETURN", 48)
        assert back.approve("APPROVE_RETURN") == 0

    def test_is_forgotten(self, client: Client, world: World) -> None:
        back = self.offered(client)
        world.advance(48 * HOUR)
        assert back.status == CANCEL

    @pytest.mark.parametrize(
        ("offer", "code"),
        [
            (None, 25001001),
            ({"amount": "58.31", "currency": "USD"}, 25005005),
            ({"amount": "0", "currency": "USD"}, 25001001),
            ({"amount": "1.001", "currency": "USD"}, 25001001),
            ({"amount": "1", "currency": "GBP"}, 25001001),
            ({"amount": "some", "currency": "USD"}, 25001001),
            ({"amount": 1, "currency": "USD"}, 36009004),
            ({"amount": "1"}, 36009004),
        ],
    )
    def test_has_to_be_less_than_all(self, client: Client, offer: Answer | None, code: int) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        assert back.row["refund_amount"]["refund_total"] == "58.31"
        assert back.approve("OFFER_PARTIAL_REFUND", **({"partial_refund": offer} if offer else {})) == code
        assert back.status == PENDING

    def test_leaves_a_rest_that_can_be_asked_for(self, client: Client, world: World) -> None:
        back = self.offered(client)
        back.do("answer_offer", accept=True)
        world.advance(60)
        rest = Return.of(client, back.row["order_id"], "REFUND")
        assert rest.row["refund_amount"]["refund_total"] == "38.31"
        rest.approve("APPROVE_REFUND")
        world.advance(60)
        assert client.order(back.row["order_id"])["status"] == "COMPLETED"


class TestReplacement:
    def test_makes_a_new_order(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "REPLACEMENT", skus={"CND-FIG-08": 1})
        assert (back.status, back.due) == ("REPLACEMENT_REQUEST_PENDING", ("SELLER_RESPOND_REPLACEMENT", 24))
        assert "refund_amount" not in back.row
        assert back.approve("APPROVE_REPLACEMENT") == 0
        assert back.status == "REPLACEMENT_REQUEST_COMPLETE"
        new = client.order(world.ledger[-1]["new_order_id"])
        assert (new["is_replacement_order"], new["replaced_order_id"], new["is_exchange_order"]) == (
            True,
            order_id,
            False,
        )
        assert (new["status"], new["payment"]["total_amount"], new["is_sample_order"]) == (
            "AWAITING_SHIPMENT",
            "0",
            False,
        )
        assert [line["seller_sku"] for line in new["line_items"]] == ["CND-FIG-08"]
        old = client.order(order_id)
        assert (new["user_id"], new["recipient_address"]) == (old["user_id"], old["recipient_address"])
        assert old["status"] == "DELIVERED"
        placed = next(entry for entry in world.ledger if entry["key"] == new["id"])
        assert (placed["event"], placed["replaced_order_id"]) == ("order.placed", order_id)
        assert client.ship(new["id"])["code"] == 0

    def test_is_granted_by_a_day_of_silence(self, client: Client, world: World) -> None:
        back = Return.of(client, client.delivered(), "REPLACEMENT")
        world.advance(24 * HOUR - 1)
        assert back.status == "REPLACEMENT_REQUEST_PENDING"
        world.advance(1)
        assert back.status == "REPLACEMENT_REQUEST_COMPLETE"

    def test_may_become_money(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "REPLACEMENT")
        assert back.approve("ISSUE_REPLACEMENT_REFUND") == 0
        row = back.row
        assert (row["return_status"], row["refund_amount"]["refund_total"]) == (
            "REPLACEMENT_REQUEST_REFUND_SUCCESS",
            "58.31",
        )
        assert client.order(order_id)["status"] == "COMPLETED"

    def test_may_be_rejected(self, client: Client, world: World) -> None:
        back = Return.of(client, client.delivered(), "REPLACEMENT")
        assert back.reject("REJECT_REFUND") == 25011011
        assert back.reject("REJECT_REPLACEMENT", "seller_reject_replacement_no_stock") == 0
        assert back.status == "REPLACEMENT_REQUEST_REJECT"
        world.advance(48 * HOUR)
        assert back.status == "REPLACEMENT_REQUEST_CANCEL"

    def test_is_not_asked_for_twice(self, client: Client) -> None:
        order_id = client.delivered()
        Return.of(client, order_id, "REPLACEMENT").approve("APPROVE_REPLACEMENT")
        assert "25005005" in client.refused("open_return", order_id=order_id, type="REFUND")


class TestExchange:
    def test_makes_a_new_order_of_other_goods(self, client: Client) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "EXCHANGE", skus={"CND-FIG-08": 1})
        assert (back.status, back.due) == ("EXCHANGE_REQUEST_PENDING", None)
        assert back.approve("APPROVE_REPLACEMENT") == 25011012
        back.do("hand_over", tracking_number="1Z1")
        assert (back.status, back.row["return_tracking_number"]) == ("EXCHANGE_REQUEST_PENDING", "1Z1")
        lines = [{"sku": "CND-SEA-08", "quantity": 1}]
        new = client.order(back.do("finish_exchange", lines=lines)["new_order_id"])
        assert back.status == "EXCHANGE_REQUEST_COMPLETE"
        assert (new["is_exchange_order"], new["exchange_source_order_id"]) == (True, order_id)
        assert [line["seller_sku"] for line in new["line_items"]] == ["CND-SEA-08"]

    def test_may_become_money(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "EXCHANGE")
        back.do("finish_exchange", outcome="refund")
        assert back.status == "EXCHANGE_REQUEST_REFUND_SUCCESS"

    def test_may_be_withdrawn(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "EXCHANGE")
        back.do("withdraw_return")
        assert back.status == "EXCHANGE_REQUEST_CANCEL"

    @pytest.mark.parametrize(("region", "is_there"), [("GB", True), ("JP", False)])
    def test_is_for_two_markets(self, client: Client, region: str, is_there: bool) -> None:
        order_id = client.at(region).delivered()
        if is_there:
            assert Return.of(client, order_id, "EXCHANGE").status == "EXCHANGE_REQUEST_PENDING"
        else:
            assert "25020005" in client.refused("open_return", order_id=order_id, type="EXCHANGE")


class TestArbitration:
    def appealed(self, client: Client, kind: str = "REFUND", decision: str = "REJECT_REFUND") -> Return:
        back = Return.of(client, client.delivered(), kind)
        assert back.reject(decision) == 0
        back.do("appeal")
        return back

    def test_for_the_buyer_pays(self, client: Client, world: World) -> None:
        back = self.appealed(client)
        assert (back.status, back.row["arbitration_status"]) == (REJECTED, "IN_PROGRESS")
        assert client.row("returns", arbitration_status=["IN_PROGRESS"])["return_id"] == back.id
        world.advance(6 * DAY)
        assert back.status == REJECTED
        assert back.approve("APPROVE_REFUND") == 25011012
        assert back.reject("REJECT_REFUND") == 25011011
        back.do("judge", **{"for": "buyer"})
        assert (back.status, back.row["arbitration_status"]) == (SUCCESS, "SUPPORT_BUYER")
        world.advance(60)
        assert back.status == COMPLETE

    def test_for_the_seller_ends_it(self, client: Client) -> None:
        back = self.appealed(client, "RETURN_AND_REFUND", "REJECT_RETURN")
        back.do("judge", **{"for": "seller"})
        assert (back.status, back.row["arbitration_status"]) == (CANCEL, "SUPPORT_SELLER")

    def test_of_goods_that_are_back_pays_too(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        back.approve("APPROVE_RETURN")
        back.do("hand_over")
        back.reject("REJECT_RECEIVED_PACKAGE")
        back.do("appeal")
        back.do("judge", **{"for": "buyer"})
        assert back.status == SUCCESS

    def test_of_a_replacement_sends_it(self, client: Client) -> None:
        back = self.appealed(client, "REPLACEMENT", "REJECT_REPLACEMENT")
        back.do("judge", **{"for": "buyer"})
        assert back.status == "REPLACEMENT_REQUEST_COMPLETE"

    def test_is_closed_when_the_buyer_gives_in(self, client: Client) -> None:
        back = self.appealed(client)
        back.do("withdraw_return")
        assert (back.status, back.row["arbitration_status"]) == (CANCEL, "CLOSED")

    def test_needs_a_rejection_and_an_appeal(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        assert "25001003" in back.no("appeal")
        back.reject("REJECT_REFUND")
        assert "nothing to judge" in back.no("judge", **{"for": "buyer"})
        back.do("appeal")
        assert "before" in back.no("appeal")


class TestPlatform:
    def test_pays_at_once_when_asked(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "REFUND", quick=True)
        assert back.status == COMPLETE
        newer = client.row("returns", "202602", return_ids=[back.id])
        assert newer["is_quick_refund"] is True
        assert "is_quick_refund" not in back.row

    @pytest.mark.parametrize("kind", ["RETURN_AND_REFUND", "REPLACEMENT"])
    def test_pays_over_the_sellers_head(self, client: Client, kind: str) -> None:
        back = Return.of(client, client.delivered(), kind)
        back.do("platform_refund")
        assert back.status in (COMPLETE, "REPLACEMENT_REQUEST_REFUND_SUCCESS")
        assert "the return is" in back.no("platform_refund")

    def test_pays_for_a_lost_parcel_without_being_asked(self, client: Client) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        made = client.control("platform_refund", order_id=order_id, reason="package_lost")
        row = client.row("returns", return_ids=[made["return_id"]])
        assert (row["role"], row["return_status"], row["return_reason"]) == ("SYSTEM", COMPLETE, "package_lost")
        assert client.order(order_id)["status"] == "COMPLETED"


class TestChange:
    def test_makes_a_chain(self, client: Client) -> None:
        order_id = client.delivered()
        first = Return.of(client, order_id, "REFUND")
        second = Return(
            client, first.do("change_return", type="RETURN_AND_REFUND", skus={"CND-FIG-08": 1})["return_id"]
        )
        assert (first.status, first.row["next_return_id"]) == (CANCEL, second.id)
        assert (second.status, second.row["pre_return_id"]) == (PENDING, first.id)
        assert len(second.row["return_line_items"]) == 1
        assert first.approve("APPROVE_REFUND") == 25020009

    def test_that_is_refused_changes_nothing(self, client: Client) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        first = Return.of(client, order_id, "REFUND")
        assert "25001003" in first.no("change_return", type="RETURN_AND_REFUND")
        assert first.status == PENDING

    def test_withdraws_until_the_parcel_is_on_its_way(self, client: Client) -> None:
        order_id = client.delivered()
        Return.of(client, order_id, "REFUND").do("withdraw_return")
        back = Return.of(client, order_id, "RETURN_AND_REFUND")
        back.approve("APPROVE_RETURN")
        back.do("hand_over")
        assert "25001003" in back.no("withdraw_return")
        assert "25001003" in back.no("hand_over")


class TestWhenItMayBeAsked:
    @pytest.mark.parametrize(
        ("steps", "refund", "goods"),
        [
            ([], "25001003", "25001003"),
            (["ship"], "", "25001003"),
            (["ship", "in_transit"], "", "25001003"),
            (["ship", "deliver"], "", ""),
            (["ship", "deliver", "complete"], "", ""),
            (["cancel"], "25001051", "25001051"),
        ],
    )
    def test_depends_on_the_order(self, client: Client, steps: list[str], refund: str, goods: str) -> None:
        order_id, _ = client.two_lines()
        for step in steps:
            if step == "ship":
                client.ship(order_id)
            else:
                client.control({"cancel": "seller_cancel"}.get(step, step), order_id=order_id)
        for kind, code in (("REFUND", refund), ("RETURN_AND_REFUND", goods)):
            if code:
                assert code in client.refused("open_return", order_id=order_id, type=kind)
            else:
                Return.of(client, order_id, kind).do("withdraw_return")

    def test_may_be_before_the_parcel_leaves_and_stops_it(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        back = Return.of(client, order_id, "REFUND", early=True, line_ids=lines[:1])
        assert client.ship(order_id)["code"] == 21011007
        assert client.ship(order_id, order_line_item_ids=lines[1:])["code"] == 0
        assert back.reject("REJECT_REFUND") == 0
        assert client.ship(order_id, "1Z999AA10123456785", order_line_item_ids=lines[:1])["code"] == 0

    def test_is_once_at_a_time_for_each_piece(self, client: Client) -> None:
        order_id = client.delivered()
        Return.of(client, order_id, "REFUND", skus={"CND-FIG-08": 1})
        lines = [line["id"] for line in client.order(order_id)["line_items"]]
        assert "25001011" in client.refused("open_return", order_id=order_id, type="REFUND", line_ids=lines)
        Return.of(client, order_id, "REFUND", line_ids=lines[1:])

    def test_keeps_the_seller_from_cancelling(self, client: Client) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        Return.of(client, order_id, "REFUND")
        assert "25001011" in client.refused("seller_cancel", order_id=order_id)
        assert "25001011" in client.refused("system_cancel", order_id=order_id)


class TestSellersReturn:
    def create(
        self, client: Client, order_id: str, key: str | None = None, version: str = "202309", **more: Any
    ) -> Answer:
        body = {"order_id": order_id, "return_reason": SELLERS, "return_type": "REFUND", **more}
        query = {"idempotency_key": key} if key else {}
        return client.call("POST", f"/return_refund/{version}/returns", body, **query)

    @pytest.mark.parametrize(("kind", "status"), [("REFUND", SUCCESS), ("RETURN_AND_REFUND", "AWAITING_BUYER_SHIP")])
    def test_needs_no_answer(self, client: Client, kind: str, status: str) -> None:
        made = self.create(client, client.delivered(), return_type=kind)["data"]
        assert made["return_status"] == status
        assert client.row("returns", return_ids=[made["return_id"]])["role"] == "SELLER"

    def test_is_made_once_per_key(self, client: Client) -> None:
        order_id = client.delivered()
        first = self.create(client, order_id, "k1")
        again = self.create(client, order_id, "k1")
        assert first["data"] == again["data"]
        assert self.create(client, order_id, "k1", refund_total="1", currency="USD")["code"] == 25001001
        assert self.create(client, order_id)["code"] == 25001011

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"refund_total": "20", "currency": "USD"}, 0),
            ({"refund_total": "58.31", "currency": "USD"}, 0),
            ({"refund_total": "58.32", "currency": "USD"}, 25005005),
            ({"refund_total": "20", "currency": "EUR"}, 25001001),
            ({"refund_total": "20"}, 25001001),
            ({"return_reason": "because"}, 25001014),
            ({"return_reason": "ecom_order_delivered_refund_reason_missing_product"}, 25001015),
            ({"return_reason": "seller_cancel_reason_out_of_stock"}, 25001021),
            ({"return_type": "REPLACEMENT"}, 25001001),
            ({"shipment_type": "PIGEON"}, 25001001),
            ({"handover_method": "PICKUP", "shipment_type": "PLATFORM"}, 0),
            ({"order_line_list": []}, 36009004),
            ({"order_line_item_ids": ["1"]}, 25001001),
        ],
    )
    def test_minds_what_it_is_given(self, client: Client, more: Answer, code: int) -> None:
        assert self.create(client, client.delivered(), **more)["code"] == code

    @pytest.mark.parametrize(
        ("steps", "code"), [([], 25001003), (["in_transit"], 0), (["deliver", "complete"], 25001003)]
    )
    def test_minds_the_status(self, client: Client, steps: list[str], code: int) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        for step in steps:
            client.control(step, order_id=order_id)
        assert self.create(client, order_id)["code"] == code

    def test_is_for_the_us(self, client: Client) -> None:
        client.at("GB")
        assert self.create(client, client.delivered())["code"] == 25020005

    def test_can_be_made_by_hand(self, client: Client) -> None:
        made = client.control("seller_return", order_id=client.delivered(), refund_total="5", currency="USD")
        assert client.row("returns", return_ids=[made["return_id"]])["refund_amount"]["refund_total"] == "5"


class TestAnswer:
    def test_counts_once_per_key(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        assert back.approve("APPROVE_REFUND", "k" * 256) == 36009004
        assert back.approve("APPROVE_REFUND", "k1") == 0
        assert back.approve("APPROVE_REFUND", "k1") == 0
        assert back.approve("APPROVE_REFUND", "k2") == 25020010
        assert back.reject("REJECT_REFUND") == 25020010

    @pytest.mark.parametrize(
        ("kind", "decision", "code"),
        [
            ("REFUND", "APPROVE_RETURN", 25011012),
            ("REFUND", "APPROVE_RECEIVED_PACKAGE", 25011012),
            ("RETURN_AND_REFUND", "APPROVE_RECEIVED_PACKAGE", 25011012),
            ("REPLACEMENT", "APPROVE_REFUND", 25011012),
            ("REFUND", "APPROVE_EVERYTHING", 25001001),
            ("REFUND", "REJECT_REFUND", 25001001),
        ],
    )
    def test_has_to_fit(self, client: Client, kind: str, decision: str, code: int) -> None:
        back = Return.of(client, client.delivered(), kind)
        assert back.approve(decision) == code

    def test_has_reasons_by_decision(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "RETURN_AND_REFUND")
        path = "/return_refund/202309/reject_reasons"
        names = [one["name"] for one in client.call("GET", path, return_or_cancel_id=back.id)["data"]["reasons"]]
        assert names == [AGREED, "seller_reject_return_not_returnable"]
        assert back.reject("REJECT_RETURN", "seller_reject_apply_product_has_been_packed") == 25001021
        assert back.reject("REJECT_RETURN", "no") == 25001014
        assert back.reject("REJECT_RETURN", names[1], comment="x", images=[{"image_id": "1"}]) == 0
        assert client.call("GET", path, return_or_cancel_id=back.id)["data"]["reasons"] == []
        assert client.call("GET", path, return_or_cancel_id="1")["code"] == 25007006

    def test_of_another_seller_is_refused(self, client: Client) -> None:
        foreign = client.delivered(shop="Charlie's Cards")
        back = Return.of(client, foreign, "REFUND")
        assert back.approve("APPROVE_REFUND") == 25020005
        assert Return(client, "1").approve("APPROVE_REFUND") == 25007006

    def test_can_be_given_by_hand(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        back.do("seller_decides", decision="REJECT_REFUND")
        assert back.status == REJECTED

    def test_is_recorded(self, client: Client) -> None:
        back = Return.of(client, client.delivered(), "REFUND")
        back.reject("REJECT_REFUND", comment="Look at the photo")
        records = client.call("GET", f"{PATH}/{back.id}/records")["data"]["records"]
        assert [(one["event"], one["role"]) for one in records] == [("REJECTED", "SELLER"), ("OPENED", "BUYER")]
        assert records[0]["note"] == "Look at the photo"


class TestSearch:
    @pytest.mark.parametrize(
        ("query", "body", "code"),
        [
            ({"page_size": "9"}, {}, 36009004),
            ({"page_size": "51"}, {}, 36009004),
            ({}, {"return_status": ["RETURN_OR_REFUND_REQUEST_REJECT"]}, 25001001),
            ({}, {"return_types": ["GIFT"]}, 25001001),
            ({}, {"arbitration_status": "CLOSED"}, 36009004),
        ],
    )
    def test_refuses(self, client: Client, query: dict[str, str], body: Answer, code: int) -> None:
        assert client.call("POST", f"{PATH}/search", body, **query)["code"] == code

    def test_goes_by_pages_the_oldest_first(self, client: Client, world: World) -> None:
        made = []
        for _ in range(11):
            made.append(Return.of(client, client.delivered(), "REFUND").id)
            world.advance(1)
        first = client.call("POST", f"{PATH}/search", {})["data"]
        rest = client.call("POST", f"{PATH}/search", {}, page_token=first["next_page_token"])["data"]
        assert [row["return_id"] for row in first["return_orders"] + rest["return_orders"]] == made
        assert (first["total_count"], rest["next_page_token"]) == (11, "")

    def test_filters(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "REFUND")
        world.advance(10)
        Return.of(client, client.delivered(buyer=1), "RETURN_AND_REFUND").approve("APPROVE_RETURN")
        now = int(world.now())
        for body in (
            {"order_ids": [order_id]},
            {"return_types": ["REFUND"]},
            {"return_status": [PENDING]},
            {"buyer_user_ids": [client.order(order_id)["user_id"]]},
            {"update_time_lt": now},
            {"create_time_ge": now - 10, "create_time_lt": now},
        ):
            assert client.row("returns", **body)["return_id"] == back.id


class TestWebhooks:
    def test_tell_of_each_step_and_of_the_money(self, client: Client, world: World, receiver: Any) -> None:
        order_id = client.delivered()
        address, got, _ = receiver
        client.control("webhook_settings", webhook_url=address)
        back = Return.of(client, order_id, "RETURN_AND_REFUND")
        back.approve("APPROVE_RETURN")
        back.do("hand_over")
        back.approve("APPROVE_RECEIVED_PACKAGE")
        world.advance(60)
        world.outgoing.drain()
        bodies = [json.loads(raw) for _, raw in got]
        returned = [one["data"] for one in bodies if one["type"] == 12]
        assert [one["return_status"] for one in returned] == [
            PENDING,
            "AWAITING_BUYER_SHIP",
            "BUYER_SHIPPED_ITEM",
            SUCCESS,
            COMPLETE,
        ]
        assert set(returned[0]) == {
            "order_id",
            "return_role",
            "return_type",
            "return_status",
            "return_id",
            "create_time",
            "update_time",
        }
        (money,) = [one["data"] for one in bodies if one["type"] == 67]
        assert (money["refund_total"], money["refund_currency"], money["aftersales_request_id"]) == (
            "58.31",
            "USD",
            back.id,
        )
        assert [line["main_order_id"] for line in money["line_items"]] == [order_id, order_id]
        assert [one["data"]["order_status"] for one in bodies if one["type"] == 1] == ["COMPLETED"]


class TestLedger:
    def test_tells_who_did_what(self, client: Client, world: World) -> None:
        order_id = client.delivered()
        back = Return.of(client, order_id, "REFUND")
        back.approve("OFFER_PARTIAL_REFUND", partial_refund={"amount": "5", "currency": "USD"})
        back.do("answer_offer", accept=True)
        world.advance(60)
        told = [entry for entry in world.ledger if entry["event"].startswith("return.")]
        assert [(entry["event"], entry["by"]) for entry in told] == [
            ("return.opened", "BUYER"),
            ("return.offered", "SELLER"),
            ("return.offer_taken", "BUYER"),
            ("return.refunded", "SYSTEM"),
        ]
        assert {entry["key"] for entry in told} == {order_id}
        assert told[-1]["refund"]["refund_total"] == "5"
