from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.tiktok_shop.reasons import seller_cancel_reasons
from sandbox.world import World
from tests.sandbox.client import UPS, Answer, Client

PATH = "/return_refund/202309/cancellations"
NEWER = "/return_refund/202602/cancellations"
STOCK, PRICE = "seller_cancel_reason_out_of_stock", "seller_cancel_reason_wrong_price"
ADDRESS = "seller_cancel_paid_reason_address_not_deliver"
ASKED = "seller_cancel_paid_reason_buyer_requested_cancellation"
UNPAID = "seller_cancel_unpaid_reason_out_of_stock"
AGREED = "seller_reject_apply_you_have_reached_an_agreement_with_the_buyer"
HOUR = 3600


def create(client: Client, order_id: str, reason: str = STOCK, path: str = PATH, **more: Any) -> int:
    code: int = client.call("POST", path, {"order_id": order_id, "cancel_reason": reason, **more})["code"]
    return code


def asked(client: Client, **body: Any) -> tuple[str, str]:
    """An order to be shipped that its buyer asks to cancel."""
    order_id = client.buy(hold=False)
    return order_id, client.control("buyer_cancel", order_id=order_id, **body)["cancel_id"]


class TestSellersCancellation:
    @pytest.mark.parametrize(("region", "code"), [("US", 0), ("GB", 25001045), ("JP", 25001045)])
    def test_after_shipping_is_for_the_us(self, client: Client, region: str, code: int) -> None:
        client.at(region)
        order_id, _ = client.two_lines()
        carrier = {"US": UPS, "GB": "7212608507307099397", "JP": "7397023498302113541"}[region]
        client.control("seller_ship", order_id=order_id, tracking_number="PK1", shipping_provider_id=carrier)
        reason = STOCK + ("_uk" if region == "GB" else "")
        assert create(client, order_id, reason) == code

    @pytest.mark.parametrize(
        ("steps", "code"),
        [
            (["in_transit"], 25001045),
            (["deliver"], 25001003),
            (["deliver", "complete"], 25001051),
        ],
    )
    def test_is_refused_once_the_carrier_has_it(self, client: Client, steps: list[str], code: int) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        for step in steps:
            client.control(step, order_id=order_id)
        assert create(client, order_id) == code

    def test_of_what_is_partly_shipped_is_refused(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        client.ship(order_id, order_line_item_ids=lines[:1])
        assert create(client, order_id, order_line_item_ids=lines[1:]) == 25001045

    def test_before_payment_needs_both_the_shop_and_the_reason_for_it(self, client: Client) -> None:
        order_id = client.buy(pay=False)
        assert create(client, order_id, UNPAID) == 25001003
        client.control("shop_settings", seller_cancels_unpaid=True)
        assert create(client, order_id, STOCK) == 25001021
        assert create(client, order_id, UNPAID) == 0
        row = client.row("cancellations", order_ids=[order_id])
        assert "refund_amount" not in row
        assert {"seller_sku", "refund_amount"}.isdisjoint(row["cancel_line_items"][0])

    @pytest.mark.parametrize(
        ("region", "reason", "code"),
        [
            ("US", ASKED, 0),
            ("US", f"{STOCK}_uk", 25001021),
            ("GB", STOCK, 25001021),
            ("GB", f"{PRICE}_uk", 0),
            ("GB", f"{ASKED}_uk", 25001021),
            ("JP", ASKED, 25001021),
            ("JP", ADDRESS, 0),
            ("VN", ADDRESS, 25001020),
            ("VN", STOCK, 0),
            ("US", "because", 25001014),
            ("US", "ecom_order_to_ship_canceled_reason_no_longer_needed", 25001015),
            ("US", "package_lost", 25001015),
        ],
    )
    def test_minds_the_markets_reasons(self, client: Client, region: str, reason: str, code: int) -> None:
        client.at(region)
        assert create(client, client.buy(), reason) == code

    def test_gives_way_to_a_request_that_waits(self, client: Client) -> None:
        order_id, _ = asked(client)
        assert create(client, order_id) == 25001011

    def test_of_nobodys_or_another_sellers_order_is_refused(self, client: Client, world: World) -> None:
        assert create(client, "576900000000000001") == 25007006
        foreign = client.buy(shop="Charlie's Cards")
        assert create(client, foreign) == 25020005

    def test_is_refused_by_the_platform_when_told_so(self, client: Client) -> None:
        order_id = client.buy()
        client.control("refuse", operation="cancellations.create", code=25001028, times=1)
        assert create(client, order_id) == 25001028
        assert create(client, order_id) == 0


class TestPartOfAnOrder:
    @pytest.mark.parametrize(("region", "code"), [("US", 0), ("GB", 0), ("JP", 25005010), ("VN", 25005010)])
    def test_is_cancelled_in_two_markets_only(self, client: Client, region: str, code: int) -> None:
        client.at(region)
        order_id, lines = client.two_lines()
        reason = STOCK + ("_uk" if region == "GB" else "")
        assert create(client, order_id, reason, order_line_item_ids=lines[:1]) == code

    def test_leaves_the_status_and_what_was_paid_alone(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        before = client.order(order_id)
        assert create(client, order_id, order_line_item_ids=lines[:1]) == 0
        after = client.order(order_id)
        gone, stays = after["line_items"]
        assert (after["status"], after["payment"]) == ("AWAITING_SHIPMENT", before["payment"])
        assert (gone["display_status"], gone["cancel_user"], gone["cancel_reason"]) == (
            "CANCELLED",
            "SELLER",
            "Out of stock",
        )
        assert stays["display_status"] == "AWAITING_SHIPMENT"
        assert "cancel_reason" not in after
        row = client.row("cancellations", order_ids=[order_id])
        assert row["refund_amount"]["refund_total"] == "25.92"  # the piece and its tax; shipping stays paid
        assert client.ship(order_id)["data"]["order_line_item_ids"] == [stays["id"]]

    def test_does_not_always_move_the_orders_time(self, client: Client, world: World) -> None:
        moved, still = client.two_lines(), client.two_lines()
        world.advance(10)
        create(client, moved[0], order_line_item_ids=moved[1][:1])
        client.control("shop_settings", edits_move_time=False)
        create(client, still[0], order_line_item_ids=still[1][:1])
        before = int(world.now()) - 10
        assert [client.order(one)["update_time"] - before for one, _ in (moved, still)] == [10, 0]
        create(client, still[0])
        assert client.order(still[0])["update_time"] == before + 10  # a new status does

    def test_can_shrink_what_was_paid(self, client: Client) -> None:
        client.control("shop_settings", payment_after_cancel="reduced")
        order_id, lines = client.two_lines(discounts={"seller": "3"})
        create(client, order_id, order_line_item_ids=lines[:1])
        payment = client.order(order_id)["payment"]
        assert (payment["sub_total"], payment["seller_discount"], payment["product_tax"]) == ("22.5", "1.5", "1.8")
        assert payment["total_amount"] == "30.77"  # 22.5 + 1.8 + 5.99 + 0.48

    def test_then_the_rest_cancels_the_order_and_returns_the_shipping(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        create(client, order_id, order_line_item_ids=lines[:1])
        assert create(client, order_id, PRICE) == 0
        order = client.order(order_id)
        assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "SELLER")
        assert order["cancel_reason"] == "Out of stock"  # the first line's
        rows = client.call("POST", f"{PATH}/search", {"order_ids": [order_id]})["data"]["cancellations"]
        assert [row["refund_amount"]["refund_total"] for row in rows] == ["25.92", "32.39"]

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"reason": PRICE}, 25005010),
            ({"lines": ["576900000000000001"]}, 25001001),
            ({"skus": [{"sku_id": "nothing", "quantity": 1}]}, 25001001),
            ({"skus": [{"sku_id": "SKU", "quantity": 3}]}, 25005011),
            ({"skus": [{"sku_id": "SKU", "quantity": 0}]}, 25001001),
            ({"skus": [{"sku_id": "SKU", "quantity": "1"}]}, 36009004),
            ({"skus": [{"sku_id": "SKU", "quantity": 1}]}, 0),
        ],
    )
    def test_is_named_by_line_or_sku(self, client: Client, more: Answer, code: int) -> None:
        order_id, lines = client.two_lines()
        sku = client.order(order_id)["line_items"][0]["sku_id"]
        body: Answer = {"order_id": order_id, "cancel_reason": more.get("reason", STOCK)}
        if "skus" in more:
            body["skus"] = [{**one, "sku_id": one["sku_id"].replace("SKU", sku)} for one in more["skus"]]
        else:
            body["order_line_item_ids"] = more.get("lines", lines[:1])
        assert client.call("POST", PATH, body)["code"] == code

    def test_is_not_cancelled_twice(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        assert create(client, order_id, order_line_item_ids=lines[:1]) == 0
        assert create(client, order_id, order_line_item_ids=lines[:1]) == 25020009
        for verb in ("buyer_cancel", "system_cancel", "seller_cancel"):
            assert "25020009" in client.refused(verb, order_id=order_id, line_ids=lines[:1])

    def test_is_not_cancelled_in_the_hold(self, client: Client) -> None:
        order_id = client.buy(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        line = client.order(order_id)["line_items"][0]["id"]
        assert create(client, order_id, order_line_item_ids=[line]) == 25005010

    def test_has_another_name_in_the_newer_version(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        listed = [{"order_line_item_id": lines[0]}]
        assert create(client, order_id, order_line_list=listed) == 36009004
        both = {"order_line_list": listed, "order_line_item_ids": lines[:1]}
        assert create(client, order_id, path=NEWER, **both) == 25001001
        bundle = [{"order_line_item_id": lines[0], "sub_order_line_item_id": "1"}]
        assert create(client, order_id, path=NEWER, order_line_list=bundle) == 25001001
        assert create(client, order_id, path=NEWER, order_line_list=listed) == 0

    def test_may_be_the_platforms_doing_after_a_part_was_shipped(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        client.ship(order_id, order_line_item_ids=lines[:1])
        client.control("system_cancel", order_id=order_id, line_ids=lines[1:], reason="package_damaged")
        order = client.order(order_id)
        assert order["status"] == "AWAITING_COLLECTION"
        assert [line["display_status"] for line in order["line_items"]] == ["AWAITING_COLLECTION", "CANCELLED"]


class TestBuyersCancellation:
    @pytest.mark.parametrize("body", [{"pay": False}, {}])
    def test_needs_nobody_until_the_hold_ends(self, client: Client, body: Answer) -> None:
        order_id = client.buy(**body)
        client.control("buyer_cancel", order_id=order_id)
        row = client.row("cancellations", order_ids=[order_id])
        assert (row["cancel_type"], row["role"], row["cancel_status"]) == (
            "CANCEL",
            "BUYER",
            "CANCELLATION_REQUEST_SUCCESS",
        )
        assert client.order(order_id)["status"] == "CANCELLED"

    def test_is_afterwards_a_request_with_a_deadline(self, client: Client, world: World) -> None:
        order_id, _ = asked(client, reason="ecom_order_to_ship_canceled_reason_created_by_mistakes")
        order = client.order(order_id)
        assert (order["status"], order["is_buyer_request_cancel"]) == ("AWAITING_SHIPMENT", True)
        assert order["request_cancel_time"] == int(world.now())
        row = client.row("cancellations", order_ids=[order_id])
        assert (row["cancel_type"], row["cancel_status"]) == ("BUYER_CANCEL", "CANCELLATION_REQUEST_PENDING")
        assert row["cancel_reason_text"] == "Order created by mistake"
        deadline = int(world.now()) + 48 * HOUR
        assert row["seller_next_action_response"] == [{"action": "SELLER_RESPOND_CANCEL", "deadline": deadline}]
        newer = client.row("cancellations", "202602", order_ids=[order_id])
        assert newer["seller_next_action_response"][0]["action"] == "SELLER_RESPOND_BUYER_CANCEL"
        assert newer["should_replenish_stock"] is False

    def test_is_not_asked_for_twice_or_after_shipping(self, client: Client) -> None:
        order_id, _ = asked(client)
        assert "25001011" in client.refused("buyer_cancel", order_id=order_id)
        client.ship(order_id)
        assert "25001045" in client.refused("buyer_cancel", order_id=order_id)

    def test_can_be_of_some_units(self, client: Client) -> None:
        order_id, _ = client.two_lines()
        cancel_id = client.control("buyer_cancel", order_id=order_id, skus={"CND-FIG-08": 1})["cancel_id"]
        assert client.call("POST", f"{PATH}/{cancel_id}/approve")["code"] == 0
        order = client.order(order_id)
        assert (order["status"], order["is_buyer_request_cancel"]) == ("AWAITING_SHIPMENT", False)
        assert [line["display_status"] for line in order["line_items"]] == ["CANCELLED", "AWAITING_SHIPMENT"]

    def test_of_some_units_is_for_markets_that_have_it(self, client: Client) -> None:
        client.at("JP")
        order_id, _ = client.two_lines()
        assert "25005010" in client.refused("buyer_cancel", order_id=order_id, skus={"CND-FIG-08": 1})

    def test_is_waved_through_in_the_sellers_own_window(self, client: Client, world: World) -> None:
        client.control("shop_settings", auto_approve_hours=1)
        early, late = client.buy(), client.buy()
        world.advance(2 * HOUR - 1)
        client.control("buyer_cancel", order_id=early)
        assert client.order(early)["status"] == "CANCELLED"
        world.advance(1)
        client.control("buyer_cancel", order_id=late)
        assert client.order(late)["is_buyer_request_cancel"] is True

    def test_does_not_always_move_the_orders_time(self, client: Client, world: World) -> None:
        moved, still = client.buy(hold=False), client.buy(hold=False)
        world.advance(10)
        client.control("buyer_cancel", order_id=moved)
        client.control("shop_settings", edits_move_time=False)
        client.control("buyer_cancel", order_id=still)
        before = int(world.now()) - 10
        assert [client.order(one)["update_time"] - before for one in (moved, still)] == [10, 0]


class TestAnswer:
    def test_approves_once_per_key(self, client: Client) -> None:
        order_id, cancel_id = asked(client)
        path = f"{PATH}/{cancel_id}/approve"
        assert client.call("POST", path, idempotency_key="k" * 256)["code"] == 36009004
        assert client.call("POST", path, {"because": "x"})["code"] == 36009004
        assert client.call("POST", path, idempotency_key="k1")["code"] == 0
        assert client.call("POST", path, idempotency_key="k1")["code"] == 0
        assert client.call("POST", path, idempotency_key="k2")["code"] == 25020010
        assert client.call("POST", path)["code"] == 25020010
        _, other = asked(client)
        assert client.call("POST", f"{PATH}/{other}/approve", idempotency_key="k1")["code"] == 25001001
        assert client.order(order_id)["status"] == "CANCELLED"

    def test_rejects_with_a_reason_of_the_platforms(self, client: Client) -> None:
        order_id, cancel_id = asked(client)
        path = f"{PATH}/{cancel_id}/reject"
        names = client.call("GET", "/return_refund/202309/reject_reasons", return_or_cancel_id=cancel_id)["data"]
        assert names["reasons"][0] == {"name": AGREED, "text": "You have reached an agreement with the buyer"}
        assert client.call("POST", path, {})["code"] == 36009004
        assert client.call("POST", path, {"reject_reason": "no"})["code"] == 25001014
        goods = {"reject_reason": "seller_reject_return_not_returnable"}
        assert client.call("POST", path, goods)["code"] == 25001021
        body: Answer = {"reject_reason": AGREED, "comment": "as agreed", "images": [{"mime_type": "image/png"}]}
        assert client.call("POST", path, body)["code"] == 36009004
        body["images"] = [{"image_id": "1", "mime_type": "image/png", "height": 10, "width": 10}]
        assert client.call("POST", path, body, idempotency_key="k")["code"] == 36009004
        assert client.call("POST", path, body)["code"] == 0
        assert client.call("POST", path, body)["code"] == 25011011
        assert client.call("POST", f"{PATH}/{cancel_id}/approve")["code"] == 25011012
        order = client.order(order_id)
        assert (order["status"], order["is_buyer_request_cancel"]) == ("AWAITING_SHIPMENT", False)

    def test_can_be_taken_away_from_the_us_api(self, client: Client) -> None:
        client.control("shop_settings", rejects_by_api=False)
        order_id, cancel_id = asked(client)
        assert client.call("POST", f"{PATH}/{cancel_id}/reject", {"reject_reason": AGREED})["code"] == 25011011
        client.control("seller_answer", order_id=order_id, approve=False)
        assert client.order(order_id)["is_buyer_request_cancel"] is False

    def test_to_nobodys_or_another_sellers_is_refused(self, client: Client) -> None:
        assert client.call("POST", f"{PATH}/4035/approve")["code"] == 25007006
        foreign = client.buy(shop="Charlie's Cards", hold=False)
        cancel_id = client.control("buyer_cancel", order_id=foreign)["cancel_id"]
        assert client.call("POST", f"{PATH}/{cancel_id}/approve")["code"] == 25020005
        reasons = "/return_refund/202309/reject_reasons"
        assert client.call("GET", reasons, return_or_cancel_id=cancel_id)["code"] == 25020005
        assert client.call("GET", reasons)["code"] == 36009004

    def test_is_given_by_time(self, client: Client, world: World) -> None:
        client.control("shop_settings", cancel_answer_hours=24)
        order_id, cancel_id = asked(client)
        world.advance(24 * HOUR - 1)
        assert client.order(order_id)["status"] == "AWAITING_SHIPMENT"
        world.advance(1)
        assert client.order(order_id)["status"] == "CANCELLED"
        approved = next(entry for entry in world.ledger if entry["event"] == "cancellation.approved")
        assert (approved["by"], approved["cancel_id"]) == ("SYSTEM", cancel_id)

    @pytest.mark.parametrize("region", ["US", "GB"])
    def test_is_given_by_shipping_in_the_us_alone(self, client: Client, region: str) -> None:
        client.at(region)
        order_id, _ = asked(client)
        carrier = UPS if region == "US" else "7212608507307099397"
        code = client.ship(order_id, "PK1", shipping_provider_id=carrier)["code"]
        status = client.row("cancellations", order_ids=[order_id])["cancel_status"].rsplit("_", 1)[-1]
        assert (code, status) == ((0, "CANCEL") if region == "US" else (21011007, "PENDING"))

    def test_is_not_given_by_shipping_that_fails(self, client: Client) -> None:
        order_id, _ = asked(client)
        assert client.ship(order_id, "PK#1")["code"] == 21004012
        assert client.order(order_id)["is_buyer_request_cancel"] is True

    def test_is_not_needed_when_the_buyer_wants_it_after_all(self, client: Client) -> None:
        order_id, cancel_id = asked(client)
        client.control("withdraw_cancel", order_id=order_id)
        assert client.order(order_id)["is_buyer_request_cancel"] is False
        assert client.call("POST", f"{PATH}/{cancel_id}/approve")["code"] == 25011012
        assert client.refused("withdraw_cancel", order_id=order_id) == "ControlError: no request is waiting"

    def test_is_overtaken_by_the_platforms_own_cancellation(self, client: Client) -> None:
        order_id, cancel_id = asked(client)
        client.control("system_cancel", order_id=order_id)
        row = client.row("cancellations", cancel_ids=[cancel_id])
        assert row["cancel_status"] == "CANCELLATION_REQUEST_CANCEL"
        assert client.order(order_id)["cancellation_initiator"] == "SYSTEM"


class TestSearch:
    def test_goes_by_pages_the_oldest_first(self, client: Client, world: World) -> None:
        orders = []
        for _ in range(3):
            orders.append(asked(client)[0])
            world.advance(1)
        first = client.call("POST", f"{PATH}/search", {}, page_size="2")["data"]
        rest = client.call("POST", f"{PATH}/search", {}, page_size="2", page_token=first["next_page_token"])["data"]
        assert [row["order_id"] for row in first["cancellations"] + rest["cancellations"]] == orders
        assert (first["total_count"], rest["next_page_token"]) == (3, "")
        newest = client.call("POST", f"{PATH}/search", {}, sort_field="update_time", sort_order="DESC")["data"]
        assert [row["order_id"] for row in newest["cancellations"]] == orders[::-1]

    @pytest.mark.parametrize(
        ("query", "body", "code"),
        [
            ({"page_size": "51"}, {}, 36009004),
            ({"sort_order": "UP"}, {}, 36009004),
            ({"sort_field": "order_id"}, {}, 36009004),
            ({}, {"order_ids": "1"}, 36009004),
            ({}, {"create_time_ge": "1"}, 36009004),
            ({}, {"cancel_status": ["GONE"]}, 25001001),
            ({}, {"order": "1"}, 36009004),
        ],
    )
    def test_refuses(self, client: Client, query: dict[str, str], body: Answer, code: int) -> None:
        assert client.call("POST", f"{PATH}/search", body, **query)["code"] == code

    def test_filters(self, client: Client, world: World) -> None:
        order_id, cancel_id = asked(client)
        world.advance(10)
        client.control("buyer_cancel", order_id=client.buy(buyer=1))
        user = client.order(order_id)["user_id"]
        now = int(world.now())
        for body in (
            {"cancel_ids": [cancel_id]},
            {"order_ids": [order_id]},
            {"buyer_user_ids": [user]},
            {"cancel_types": ["BUYER_CANCEL"]},
            {"cancel_status": ["CANCELLATION_REQUEST_PENDING"]},
            {"create_time_lt": now},
            {"update_time_ge": now - 10, "update_time_lt": now - 9},
        ):
            assert client.row("cancellations", **body)["cancel_id"] == cancel_id

    def test_speaks_the_language_that_was_asked_for(self, client: Client) -> None:
        asked(client)
        assert client.row("cancellations", locale="vi-VN")["cancel_reason_text"] == "Không còn nhu cầu"

    @pytest.mark.parametrize("word", ["CANCEL", "CANCELLED"])
    def test_spells_what_came_to_nothing_in_either_way(self, client: Client, word: str) -> None:
        client.control("shop_settings", cancelled_word=word)
        order_id, _ = asked(client)
        client.control("withdraw_cancel", order_id=order_id)
        for spelled in ("CANCEL", "CANCELLED"):
            row = client.row("cancellations", cancel_status=[f"CANCELLATION_REQUEST_{spelled}"])
            assert row["cancel_status"] == f"CANCELLATION_REQUEST_{word}"

    def test_shows_only_this_shops(self, client: Client) -> None:
        asked(client.at("GB"))
        client.at("US")
        assert client.call("POST", f"{PATH}/search", {})["data"]["cancellations"] == []

    def test_can_be_behind(self, client: Client, world: World) -> None:
        order_id, _ = asked(client)
        world.advance(30)
        client.control("withdraw_cancel", order_id=order_id)
        world.faults.add("tiktok_shop", "cancellations.search", kind="stale_lookup", seconds=20)
        assert client.row("cancellations")["cancel_status"] == "CANCELLATION_REQUEST_PENDING"
        assert client.row("cancellations")["cancel_status"] == "CANCELLATION_REQUEST_CANCEL"


class TestWebhooks:
    @pytest.fixture
    def told(self, client: Client, world: World, receiver: Any) -> Any:
        """What was sent since it was last asked, of the kinds 1 and 11."""
        address, got, _ = receiver
        client.control("webhook_settings", webhook_url=address)

        def told() -> list[tuple[int, str]]:
            world.outgoing.drain()
            bodies = [json.loads(raw) for _, raw in got]
            got.clear()
            return [(one["type"], one["data"].get("cancel_status", one["data"].get("order_status"))) for one in bodies]

        return told

    def test_tell_of_each_step_of_a_request(self, client: Client, world: World, told: Any) -> None:
        _, cancel_id = asked(client)
        assert told()[-1] == (11, "CANCELLATION_REQUEST_PENDING")
        client.call("POST", f"{PATH}/{cancel_id}/approve")
        assert told() == [(11, "CANCELLATION_REQUEST_SUCCESS"), (1, "CANCEL")]
        world.advance(60)
        assert told() == [(11, "CANCELLATION_REQUEST_COMPLETE")]

    def test_have_two_l_when_it_came_to_nothing(self, client: Client, told: Any) -> None:
        order_id, _ = asked(client)
        told()
        client.control("withdraw_cancel", order_id=order_id)
        assert told() == [(11, "CANCELLATION_REQUEST_CANCELLED")]

    def test_tell_of_a_part_without_a_new_status(self, client: Client, told: Any) -> None:
        order_id, lines = client.two_lines()
        told()
        create(client, order_id, order_line_item_ids=lines[:1])
        assert told() == [(11, "CANCELLATION_REQUEST_SUCCESS")]


class TestLedger:
    def test_tells_who_cancelled_what_and_what_went_back(self, client: Client, world: World) -> None:
        order_id, cancel_id = asked(client)
        client.call("POST", f"{PATH}/{cancel_id}/approve")
        world.advance(60)
        told = {entry["event"]: entry for entry in world.ledger if entry["key"] == order_id}
        assert list(told)[-4:] == [
            "cancellation.requested",
            "cancellation.approved",
            "order.cancelled",
            "cancellation.refunded",
        ]
        assert (told["order.cancelled"]["by"], told["order.cancelled"]["answered_by"]) == ("BUYER", "SELLER")
        assert told["cancellation.refunded"]["refund"]["refund_total"] == "32.39"


class TestReasons:
    def test_of_a_seller_end_in_uk_there(self, world: World, client: Client) -> None:
        shops = world.halves["tiktok_shop"].state.shops.values()  # type: ignore[attr-defined]
        american, british = (next(one for one in shops if one.region == region) for region in ("US", "GB"))
        assert len(seller_cancel_reasons(american, "ON_HOLD")) == 4
        assert [key.endswith("_uk") for key in seller_cancel_reasons(british, "ON_HOLD")] == [True] * 3
        assert seller_cancel_reasons(american, "DELIVERED") == []
