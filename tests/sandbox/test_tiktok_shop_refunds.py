from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.tiktok_shop.refunds import shares
from sandbox.tiktok_shop.state import Shop
from sandbox.world import World
from tests.sandbox.client import Answer, Client

CALCULATE = "/return_refund/202309/refunds/calculate"
STOCK = "seller_cancel_reason_out_of_stock"
PARTS = ("refund_subtotal", "refund_shipping_fee", "refund_tax", "retail_delivery_fee", "buyer_service_fee")


def amounts(refund: Answer) -> dict[str, Decimal]:
    return {name: Decimal(refund.get(name, "0")) for name in ("refund_total", *PARTS)}


def rows_of(client: Client, order_id: str) -> Iterator[Answer]:
    for kind, name in (("cancellations", "cancellations"), ("returns", "return_orders")):
        body = {"order_ids": [order_id]}
        yield from client.call("POST", f"/return_refund/202309/{kind}/search", body)["data"][name]


def eligibility(client: Client, order_id: str, version: str = "202309", user: str = "SELLER") -> list[Answer]:
    path = f"/return_refund/{version}/orders/{order_id}/aftersale_eligibility"
    found: list[Answer] = client.call("GET", path, initiate_aftersale_user=user)["data"]["sku_eligibility"]
    return found


class TestSums:
    @pytest.mark.parametrize("region", ["US", "GB", "JP"])
    def test_of_the_whole_are_what_was_paid(self, client: Client, region: str) -> None:
        client.at(region)
        lines = [{"sku": "CND-FIG-08", "quantity": 2}, {"sku": "TIN-LAV-04", "quantity": 1}]
        order_id = client.buy(
            lines=lines, discounts={"seller": "7", "platform": "5"}, shipping_discounts={"seller": "1"}
        )
        client.control("buyer_cancel", order_id=order_id)
        payment = client.order(order_id)["payment"]
        refund = client.row("cancellations", order_ids=[order_id])["refund_amount"]
        assert refund["refund_total"] == payment["total_amount"]
        assert (refund["refund_subtotal"], refund["refund_tax"]) == (payment["sub_total"], payment["tax"])

    def test_have_the_fee_of_the_us(self, client: Client) -> None:
        order_id = client.buy(retail_delivery_fee="0.28")
        client.control("buyer_cancel", order_id=order_id)
        refund = client.row("cancellations", order_ids=[order_id])["refund_amount"]
        assert (refund["retail_delivery_fee"], refund["refund_total"]) == ("0.28", "32.67")

    @pytest.mark.parametrize(("region", "adds"), [("US", True), ("GB", False), ("JP", False)])
    def test_count_the_tax_only_where_prices_are_without(self, client: Client, region: str, adds: bool) -> None:
        client.at(region)
        order_id = client.delivered()
        made = client.control("open_return", order_id=order_id, type="REFUND", skus={"CND-FIG-08": 1})
        row = client.row("returns", return_ids=[made["return_id"]])
        refund = amounts(row["refund_amount"])
        assert refund["refund_tax"] > 0
        assert refund["refund_total"] == refund["refund_subtotal"] + (refund["refund_tax"] if adds else 0)

    @pytest.mark.parametrize("region", ["US", "GB", "JP"])
    def test_of_the_lines_are_the_sum(self, client: Client, region: str) -> None:
        client.at(region)
        lines = [{"sku": "CND-FIG-08", "quantity": 3}, {"sku": "TIN-LAV-04", "quantity": 1}]
        order_id = client.delivered(lines=lines, gift=True, discounts={"platform": "7"})
        offer = {"amount": "17", "currency": client.order(order_id)["payment"]["currency"]}
        made = client.control("open_return", order_id=order_id, type="REFUND")
        client.control(
            "seller_decides", return_id=made["return_id"], decision="OFFER_PARTIAL_REFUND", partial_refund=offer
        )
        for step in (None, True):
            if step:
                client.control("answer_offer", return_id=made["return_id"], accept=True)
            row = client.row("returns", return_ids=[made["return_id"]])
            parts = [amounts(line["refund_amount"]) for line in row["return_line_items"]]
            whole = amounts(row["refund_amount"])
            assert {name: sum(part[name] for part in parts) for name in whole} == whole
            assert all(amount >= 0 for part in parts for amount in part.values())
        assert whole["refund_total"] == 17

    def test_never_exceed_what_was_paid(self, client: Client, world: World) -> None:
        order_id, lines = client.two_lines(lines=[{"sku": "CND-FIG-08", "quantity": 3}], retail_delivery_fee="0.28")
        client.control("seller_cancel", order_id=order_id, line_ids=lines[:1])
        client.ship(order_id)
        client.control("deliver", order_id=order_id)
        first = client.control("open_return", order_id=order_id, type="REFUND", line_ids=lines[1:2])["return_id"]
        offer = {"amount": "3.33", "currency": "USD"}
        client.control("seller_decides", return_id=first, decision="OFFER_PARTIAL_REFUND", partial_refund=offer)
        client.control("answer_offer", return_id=first, accept=True)
        client.control("platform_refund", order_id=order_id, line_ids=lines[2:])
        world.advance(60)
        client.control("platform_refund", order_id=order_id, line_ids=lines[1:2])
        order = client.order(order_id)
        total = sum(amounts(row["refund_amount"])["refund_total"] for row in rows_of(client, order_id))
        assert total == Decimal(order["payment"]["total_amount"])
        assert order["status"] == "COMPLETED"

    def test_of_what_came_to_nothing_do_not_count(self, client: Client) -> None:
        order_id = client.delivered()
        for _ in range(2):
            made = client.control("open_return", order_id=order_id, type="REFUND")
            row = client.row("returns", return_ids=[made["return_id"]])
            assert row["refund_amount"]["refund_total"] == "58.31"
            client.control("withdraw_return", return_id=made["return_id"])

    def test_are_missing_where_nothing_was_paid(self, client: Client) -> None:
        order_id = client.buy(cod=True)
        client.control("buyer_cancel", order_id=order_id)
        row = client.row("cancellations", order_ids=[order_id])
        assert "refund_amount" not in row
        assert "seller_sku" not in row["cancel_line_items"][0]


class TestShares:
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        weights=st.lists(st.integers(0, 10_000), min_size=1, max_size=12),
        part=st.fractions(0, 1),
        decimals=st.sampled_from(["US", "JP"]),
    )
    def test_lose_nothing_and_stay_below_their_weights(self, weights: list[int], part: float, decimals: str) -> None:
        shop = Shop("1", "A", decimals, "alice")
        unit = Decimal(1).scaleb(-shop.market.decimals)
        amount = int(sum(weights) * part) * unit
        parts = shares(amount, [weight * unit for weight in weights], shop)
        assert sum(parts) == amount
        assert all(0 <= one <= weight * unit for one, weight in zip(parts, weights, strict=True))


class TestCalculation:
    def ask(self, client: Client, order_id: str, version: str = "202309", **more: object) -> Answer:
        body = {"order_id": order_id, "request_type": "CANCEL", "reason_name": STOCK, **more}
        return client.call("POST", f"/return_refund/{version}/refunds/calculate", body)

    def test_says_what_would_go_back_and_does_nothing(self, client: Client, world: World) -> None:
        order_id, lines = client.two_lines()
        assert self.ask(client, order_id)["data"]["order_refund_amount"]["refund_total"] == "58.31"
        part = self.ask(client, order_id, order_line_item_ids=lines[:1])["data"]["order_refund_amount"]
        assert (part["refund_total"], part["refund_shipping_fee"]) == ("25.92", "0")
        listed = [{"order_line_item_id": lines[0]}]
        assert self.ask(client, order_id, "202602", order_line_list=listed)["data"]["order_refund_amount"] == part
        assert client.order(order_id)["status"] == "AWAITING_SHIPMENT"
        assert list(rows_of(client, order_id)) == []

    def test_of_a_return_needs_a_reason_for_returns(self, client: Client) -> None:
        order_id = client.delivered()
        reason = "ecom_order_delivered_refund_reason_missing_product_seller"
        more = {"request_type": "REFUND", "shipment_type": "PLATFORM", "handover_method": "DROP_OFF"}
        assert self.ask(client, order_id, reason_name=reason, **more)["code"] == 0
        assert self.ask(client, order_id, **more)["code"] == 25001021

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"request_type": "EXCHANGE"}, 25001001),
            ({"request_type": "REFUND"}, 25001003),
            ({"reason_name": "because"}, 25001014),
            ({"reason_name": ""}, 36009004),
            ({"order_id": "1"}, 25007006),
            ({"handover_method": "THROW"}, 25001001),
            ({"order_line_list": []}, 36009004),
        ],
    )
    def test_refuses(self, client: Client, more: Answer, code: int) -> None:
        order_id, _ = client.two_lines()
        assert self.ask(client, **{"order_id": order_id, **more})["code"] == code

    def test_of_what_is_not_paid_is_nothing(self, client: Client) -> None:
        assert self.ask(client, client.buy(cod=True))["data"]["order_refund_amount"]["refund_total"] == "0"


class TestEligibility:
    def told(self, found: list[Answer]) -> dict[str, int]:
        """By request, the code, 0 for yes; of an order of one SKU whose lines all fare alike."""
        (sku,) = found
        return {one["request_type"]: one.get("ineligible_code", 0) for one in sku["line_item_eligibility"]}

    @pytest.mark.parametrize(
        ("region", "steps", "cancel", "refund", "goods"),
        [
            ("US", [], 0, 25001003, 25001003),
            ("US", ["ship"], 0, 25001003, 25001003),
            ("US", ["ship", "in_transit"], 25001045, 0, 0),
            ("US", ["ship", "deliver"], 25001003, 0, 0),
            ("US", ["ship", "deliver", "complete"], 25001051, 25001003, 25001003),
            ("US", ["request_cancel"], 25001011, 25001003, 25001003),
            ("US", ["seller_cancel"], 25001051, 25001003, 25001003),
            ("GB", [], 0, 25020005, 25020005),
        ],
    )
    def test_is_what_the_calls_then_do(
        self, client: Client, region: str, steps: list[str], cancel: int, refund: int, goods: int
    ) -> None:
        client.at(region)
        order_id, _ = client.two_lines()
        for step in steps:
            if step == "ship":
                client.ship(order_id)
            else:
                client.control(step, order_id=order_id)
        told = self.told(eligibility(client, order_id))
        assert told == {"CANCEL": cancel, "REFUND": refund, "RETURN_AND_REFUND": goods}

    def test_names_the_reasons_in_the_newer_version(self, client: Client) -> None:
        client.at("GB")
        order_id, _ = client.two_lines()
        (sku,) = eligibility(client, order_id, "202602")
        cancel, refund, _ = sku["line_item_eligibility"]
        assert cancel["available_reason_names"] == [
            f"{STOCK}_uk",
            "seller_cancel_reason_wrong_price_uk",
            "seller_cancel_paid_reason_address_not_deliver_uk",
        ]
        assert (refund["eligible"], refund["available_reason_names"]) == (False, [])
        assert "available_reason_names" not in eligibility(client, order_id)[0]["line_item_eligibility"][0]

    def test_tells_lines_apart(self, client: Client) -> None:
        order_id, lines = client.two_lines()
        client.control("seller_cancel", order_id=order_id, line_ids=lines[:1])
        (sku,) = eligibility(client, order_id)
        cancels = [one for one in sku["line_item_eligibility"] if one["request_type"] == "CANCEL"]
        assert [(one["eligible"], one["order_line_items_ids"]) for one in cancels] == [
            (False, lines[:1]),
            (True, lines[1:]),
        ]
        assert cancels[0]["ineligible_code"] == 25020009

    def test_is_another_for_buyers(self, client: Client) -> None:
        order_id, _ = client.two_lines()
        client.ship(order_id)
        assert self.told(eligibility(client, order_id, user="BUYER")) == {
            "CANCEL": 25001045,
            "REFUND": 0,
            "RETURN_AND_REFUND": 25001003,
        }
        path = f"/return_refund/202309/orders/{order_id}/aftersale_eligibility"
        assert client.call("GET", path, initiate_aftersale_user="NOBODY")["code"] == 36009004
