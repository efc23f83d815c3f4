from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.tiktok_shop.signing import request_is_signed, sign_webhook
from sandbox.world import World
from tests.sandbox.client import APP, UPS, Answer, Client

V = "verisync_test_secret_0123456789abcdef"
COMMON = {"app_key": "6vstestkey01", "timestamp": "1767225600", "shop_cipher": "ROW_TESTCIPHERabc123"}
VECTORS = [
    (
        "e59af819cc",
        "/authorization/202309/shops",
        {"app_key": "29a39d", "timestamp": "1623812664"},
        b"",
        "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8",
    ),
    (
        V,
        "/order/202507/orders",
        {**COMMON, "ids": "577958834469439754,576461413038785752", "access_token": "must_not_be_signed"},
        b"",
        "594ad68c75cb67b947234cfe084502596f73b7bd9b7b664021bdd95c4c16ec61",
    ),
    (
        V,
        "/order/202309/orders/search",
        {**COMMON, "page_size": "50", "sort_field": "update_time", "sort_order": "ASC"},
        b'{"update_time_ge":1767222000,"update_time_lt":1767225600}',
        "d9757537188f1e1f307c2faff7f74005b3c5c54362416014b3dc6777334fa3be",
    ),
    (
        V,
        "/fulfillment/202309/orders/577958834469439754/packages",
        COMMON,
        b'{"order_line_item_ids":["577958834469570826"],"tracking_number":"1Z999AA10123456784",'
        b'"shipping_provider_id":"7117858858072016686"}',
        "1a278f7626e6053c64bc9cf147eb002f6664541b553aafdbdf7b4400031eb56a",
    ),
    (
        "e59af819cc",
        "/event/202309/webhooks",
        {
            "app_key": "68xu9ks5p4i8",
            "timestamp": "1696909648",
            "shop_cipher": "ROW_xkMbgAAAeVAQra0eZWebFQq5aIK",
        },
        b'{"address":"https://partner.tiktokshop.com","event_type":"PACKAGE_UPDATE"}',
        "cd0d6268252f4ba293bf7ea4c0a2873bf9beec600d22530638564ab301435f7a",
    ),
    (
        "app_secret",
        "/test-api",
        {"foo": "bar"},
        b"",
        "d3cb7fe11ecae942802ceeca67e7cf10120cc12f1517d45fbc1c8cfe5413c80f",
    ),
]


class TestSignature:
    @pytest.mark.parametrize(("secret", "path", "query", "body", "sign"), VECTORS, ids=[f"V{n}" for n in range(1, 7)])
    def test_agrees_with_the_vectors(
        self, secret: str, path: str, query: dict[str, str], body: bytes, sign: str
    ) -> None:
        assert request_is_signed(secret, path, {**query, "sign": sign}, body)
        assert not request_is_signed(secret, path, {**query, "sign": "STALE"}, body)

    def test_of_webhooks_agrees_with_the_vectors(self) -> None:
        first = (
            b'{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507",'
            b'"timestamp":1718305585,"data":{"is_on_hold_order":true,"order_id":"576653688135258178",'
            b'"order_status":"UNPAID","update_time":1718305585}}'
        )
        second = (
            b'{"type":11,"tts_notification_id":"7327112393057371911","shop_id":"7494049642642441621",'
            b'"timestamp":1767225600,"data":{"order_id":"576486316948490001","cancellations_role":"BUYER",'
            b'"cancel_status":"CANCELLATION_REQUEST_PENDING","cancel_id":"4035318504086604100",'
            b'"create_time":1767225590}}'
        )
        assert (
            sign_webhook("abcdef", "123", first) == "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05"
        )
        assert (
            sign_webhook("6vstestkey01", V, second)
            == "66079d4d2e62eb1715703d5d89440ab2ebed481eeb03357b179185b4b428ba0f"
        )


class TestAuthorization:
    def test_code_is_good_once_and_refresh_rotates(self, client: Client) -> None:
        code = client.allow()["code"][0]
        first = client.tokens("get", auth_code=code, grant_type="authorized_code")["data"]
        assert first["access_token_expire_in"] == 1_767_225_600 + 7 * 86_400
        assert client.tokens("get", auth_code=code, grant_type="authorized_code")["code"] != 0
        again = client.tokens("refresh", refresh_token=first["refresh_token"], grant_type="refresh_token")["data"]
        assert again["refresh_token"] != first["refresh_token"]
        assert client.tokens("refresh", refresh_token=first["refresh_token"], grant_type="refresh_token")["code"] != 0

    def test_refusal_says_code_null(self, client: Client) -> None:
        assert client.allow(decision="refuse") == {
            "code": ["null"],
            "error": ["auth_denied"],
            "state": ["s1"],
        }

    def test_code_lapses_after_thirty_minutes(self, client: Client, world: World) -> None:
        code = client.allow()["code"][0]
        world.advance(1800)
        assert client.tokens("get", auth_code=code, grant_type="authorized_code")["code"] != 0


class TestRequestCheck:
    PATH = "/order/202309/orders/search"

    @pytest.mark.parametrize(
        ("query", "body", "code", "status"),
        [
            ({"page_size": "20", "sign": "0"}, {}, 106001, 401),
            ({"page_size": "20", "timestamp": "1767225200"}, {}, 36009004, 400),
            ({}, {}, 36009004, 400),
            ({"page_size": "20"}, {"update_time_ge": "1"}, 36009004, 400),
            ({"page_size": "101"}, {}, 36009004, 400),
        ],
    )
    def test_refuses(self, client: Client, query: dict[str, str], body: Answer, code: int, status: int) -> None:
        assert client.call("POST", self.PATH, body, status, **query)["code"] == code

    def test_minds_the_cipher(self, client: Client) -> None:
        assert client.call("POST", self.PATH, {}, cipher=None, page_size="5")["code"] == 106013
        assert client.call("POST", self.PATH, {}, cipher="ROW_other", page_size="5")["code"] == 101000
        assert client.call("GET", "/authorization/202309/shops", status=400)["code"] == 36009004

    def test_says_when_the_token_is_expired(self, client: Client, world: World) -> None:
        world.advance(7 * 86_400)
        assert client.call("POST", self.PATH, {}, 401, page_size="5")["code"] == 105002

    def test_limits_the_rate(self, client: Client) -> None:
        client.control("shop_settings", qps=1)
        codes = {client.call("POST", self.PATH, {}, page_size="5")["code"] for _ in range(3)}
        assert 36009002 in codes


class TestOrders:
    def test_page_through_in_order_of_change(self, client: Client, world: World) -> None:
        placed = []
        for _ in range(3):
            placed.append(client.buy())
            world.advance(1)
        query: Answer = {"page_size": "2", "sort_field": "update_time", "sort_order": "ASC"}
        first = client.call("POST", "/order/202309/orders/search", {}, **query)["data"]
        rest = client.call("POST", "/order/202309/orders/search", {}, page_token=first["next_page_token"], **query)[
            "data"
        ]
        assert [order["id"] for order in first["orders"] + rest["orders"]] == placed
        assert rest["next_page_token"] == ""

    def test_are_found_by_when_they_changed(self, client: Client, world: World) -> None:
        quiet = client.buy()
        world.advance(100)
        changed, since = client.buy(), int(world.now())
        world.advance(100)
        client.control("change_address", order_id=quiet, address={"name": "Dana W."})
        query: Answer = {"page_size": "5", "sort_field": "update_time", "sort_order": "ASC"}
        found = client.call("POST", "/order/202309/orders/search", {"update_time_ge": since}, **query)["data"]["orders"]
        assert [order["id"] for order in found] == [changed, quiet]
        body = {"update_time_ge": since, "update_time_lt": since + 1}
        found = client.call("POST", "/order/202309/orders/search", body, **query)["data"]["orders"]
        assert [order["id"] for order in found] == [changed]

    def test_are_in_the_ledger_with_what_was_bought_and_when_the_hold_ended(self, client: Client, world: World) -> None:
        order_id = client.buy(lines=[{"sku": "CND-FIG-08", "quantity": 2}], address={"name": "Ada Ito"})
        world.advance(3600)
        told = [entry for entry in world.ledger if entry["key"] == order_id]
        assert [entry["event"] for entry in told] == ["order.placed", "order.paid", "order.released"]
        placed, paid, released = told
        assert (placed["lines"], placed["address"]["name"]) == ({"CND-FIG-08": 2}, "Ada Ito")
        assert released["at"] - paid["at"] == 3600

    def test_hold_ends_after_the_hour_and_shows_the_address(self, client: Client, world: World) -> None:
        order_id = client.buy()
        held = client.order(order_id)
        assert (held["status"], held["recipient_address"]["name"], held["packages"]) == ("ON_HOLD", "", [])
        world.advance(3599)
        assert client.order(order_id)["status"] == "ON_HOLD"
        world.advance(1)
        free = client.order(order_id)
        assert (free["status"], free["recipient_address"]["postal_code"]) == ("AWAITING_SHIPMENT", "07102")

    def test_can_mask_with_asterisks(self, client: Client) -> None:
        client.control("shop_settings", masking="asterisks")
        assert client.order(client.buy())["recipient_address"]["name"] == "D*** W***"

    def test_can_skip_the_hold(self, client: Client) -> None:
        order = client.order(client.buy(hold=False))
        assert (order["status"], order["is_on_hold_order"]) == ("AWAITING_SHIPMENT", False)

    def test_preorder_waits_for_its_release(self, client: Client, world: World) -> None:
        order_id = client.buy(preorder=True, release_date=1_767_225_600 + 86_400)
        world.advance(7200)
        assert client.order(order_id)["status"] == "ON_HOLD"

    @pytest.mark.parametrize("shop", ["Alice's Candles", "Alice's Candles UK", "Alice Tokyo"])
    def test_numbers_add_up(self, client: Client, shop: str) -> None:
        body = {
            "shop": shop,
            "lines": [{"sku": "CND-FIG-08", "quantity": 3}],
            "discounts": {"seller": "7", "platform": "5"},
        }
        order = client.control("buy", gift=True, **body)["order"]
        payment = {name: Decimal(value) for name, value in order["payment"].items() if name != "currency"}
        assert payment["sub_total"] == payment["original_total_product_price"] - 12
        assert payment["sub_total"] == sum(Decimal(line["sale_price"]) for line in order["line_items"])
        added = payment["tax"] if order["payment"]["currency"] == "USD" else 0
        assert payment["total_amount"] == payment["sub_total"] + payment["shipping_fee"] + added

    def test_detail_takes_fifty_ids(self, client: Client) -> None:
        ids = ",".join(["576900000000000001"] * 51)
        assert client.call("GET", "/order/202309/orders", ids=ids)["code"] == 36009004


class TestShipping:
    def test_is_refused_on_hold(self, client: Client) -> None:
        assert client.ship(client.buy())["code"] == 21011044

    @pytest.mark.parametrize(
        ("bought", "code"),
        [
            ({"fulfillment_type": "FULFILLMENT_BY_TIKTOK", "shipping_type": "TIKTOK"}, 21008025),
            ({"shipping_type": "TIKTOK"}, 21008106),
        ],
    )
    def test_takes_no_number_for_what_the_platform_ships(
        self, client: Client, bought: dict[str, Any], code: int
    ) -> None:
        order_id = client.buy(hold=False, **bought)
        assert client.ship(order_id)["code"] == code
        assert "***" in client.order(order_id)["recipient_address"]["name"]
        client.control("platform_ship", order_id=order_id, tracking_number="9400111899562537866361")
        assert client.order(order_id)["status"] == "AWAITING_COLLECTION"

    def test_ships_once(self, client: Client, world: World) -> None:
        order_id = client.buy(hold=False)
        assert client.ship(order_id)["code"] == 0
        assert client.ship(order_id)["code"] == 21011040
        assert client.order(order_id)["status"] == "AWAITING_COLLECTION"
        assert [entry["event"] for entry in world.ledger][-1] == "package.shipped"

    def test_goes_in_parts(self, client: Client) -> None:
        order_id = client.buy(hold=False, lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        lines = [line["id"] for line in client.order(order_id)["line_items"]]
        assert client.ship(order_id, order_line_item_ids=lines[:1])["code"] == 0
        assert client.order(order_id)["status"] == "PARTIALLY_SHIPPING"
        assert client.ship(order_id, "1Z999AA10123456785")["code"] == 21011048
        assert client.ship(order_id, "1Z999AA10123456785", order_line_item_ids=lines[1:])["code"] == 0
        assert len(client.order(order_id)["packages"]) == 2

    def test_warns_of_a_doubtful_number(self, client: Client) -> None:
        assert "FOO" not in client.ship(client.buy(hold=False), "FOO123")["data"]["warning"]["message"]
        assert client.ship(client.buy(hold=False), "1Z#")["code"] == 21004012

    def test_tracking_changes_once_within_72_hours(self, client: Client, world: World) -> None:
        package_id = client.ship(client.buy(hold=False))["data"]["package_id"]
        path = f"/fulfillment/202309/packages/{package_id}/shipping_info/update"
        body = {"tracking_number": "1Z999AA10123456799", "shipping_provider_id": UPS}
        assert client.call("POST", path, body)["code"] == 0
        body["tracking_number"] = "1Z999AA10123456700"
        assert client.call("POST", path, body)["code"] == 21011051

    def test_tracking_of_a_platform_label_is_not_changed(self, client: Client) -> None:
        order_id = client.buy(hold=False, shipping_type="TIKTOK")
        path = f"/fulfillment/202309/orders/{order_id}/shipping_info/update"
        body = {"tracking_number": "1Z999AA10123456799", "shipping_provider_id": UPS}
        assert client.call("POST", path, body)["code"] == 21008106

    def test_the_carrier_alone_may_change(self, client: Client) -> None:
        package_id = client.ship(client.buy(hold=False))["data"]["package_id"]
        path = f"/fulfillment/202309/packages/{package_id}/shipping_info/update"
        body = {"tracking_number": "1Z999AA10123456784", "shipping_provider_id": "7117858858072016686"}
        assert client.call("POST", path, body)["code"] == 0

    def test_rejects_a_pending_cancel_request(self, client: Client) -> None:
        order_id = client.buy(hold=False)
        client.control("request_cancel", order_id=order_id)
        assert client.ship(order_id)["code"] == 0
        rows = client.call("POST", "/return_refund/202309/cancellations/search", {"order_ids": [order_id]})["data"]
        assert rows["cancellations"][0]["cancel_status"] == "CANCELLATION_REQUEST_CANCEL"

    def test_ship_package_serves_other_markets(self, client: Client) -> None:
        shop_id = client.control("add_shop", name="Alice Hanoi", region="VN")["shop"]
        shops = client.connect().call("GET", "/authorization/202309/shops", cipher=None)["data"]["shops"]
        client.cipher = next(shop["cipher"] for shop in shops if shop["id"] == shop_id)
        package = client.order(client.buy(shop=shop_id, hold=False))["packages"][0]["id"]
        body = {"self_shipment": {"tracking_number": "JT1", "shipping_provider_id": "6844493619313019133"}}
        assert client.call("POST", f"/fulfillment/202309/packages/{package}/ship", body)["code"] == 0


class TestCancellation:
    PATH = "/return_refund/202309/cancellations"

    def test_by_the_buyer_in_the_hold_is_automatic(self, client: Client) -> None:
        order_id = client.buy()
        client.control("buyer_cancel", order_id=order_id)
        assert client.order(order_id)["status"] == "CANCELLED"

    def test_by_the_buyer_later_waits_for_the_seller(self, client: Client) -> None:
        order_id = client.buy(hold=False)
        cancel_id = client.control("buyer_cancel", order_id=order_id)["cancel_id"]
        assert client.order(order_id)["is_buyer_request_cancel"] is True
        assert client.call("POST", f"{self.PATH}/{cancel_id}/approve")["code"] == 0
        assert client.call("POST", f"{self.PATH}/{cancel_id}/approve")["code"] == 25020010
        assert client.order(order_id)["status"] == "CANCELLED"

    def test_by_the_seller_minds_the_reason(self, client: Client) -> None:
        body = {"order_id": client.buy(), "cancel_reason": "seller_cancel_unpaid_reason_out_of_stock"}
        assert client.call("POST", self.PATH, body)["code"] == 25001021
        body["cancel_reason"] = "seller_cancel_reason_out_of_stock"
        assert client.call("POST", self.PATH, body)["code"] == 0
        assert client.call("POST", self.PATH, body)["code"] == 25001051


class TestVariety:
    """What real shops send, beside the plain case."""

    def test_has_lines_without_a_sku(self, client: Client) -> None:
        order = client.order(client.buy(lines=[{"sku": "CND-FIG-08", "seller_sku": ""}]))
        assert order["line_items"][0]["seller_sku"] == ""

    @pytest.mark.parametrize(("region", "currency"), [("VN", "VND"), ("JP", "JPY")])
    def test_has_currencies_without_decimals(self, client: Client, region: str, currency: str) -> None:
        shop = client.control("add_shop", name="Alice abroad", region=region)["shop"]
        lines = [{"sku": "CND-FIG-08", "quantity": 3}]
        payment = client.control("buy", shop=shop, lines=lines, discounts={"seller": "1000"})["order"]["payment"]
        assert payment.pop("currency") == currency
        assert all("." not in amount for amount in payment.values())

    def test_has_foreign_words_for_a_reason(self, client: Client) -> None:
        client.control("shop_settings", locale="ja-JP")
        order_id = client.buy()
        client.control("buyer_cancel", order_id=order_id)
        assert client.order(order_id)["cancel_reason"] == "不要になった"

    @pytest.mark.parametrize(("shop", "code"), [("Alice's Candles", None), ("Alice Tokyo", 25005010)])
    def test_lets_only_some_markets_cancel_a_line(self, client: Client, shop: str, code: int | None) -> None:
        lines = [{"sku": "CND-FIG-08", "quantity": 2}]
        order = client.control("buy", shop=shop, lines=lines, hold=False)["order"]
        body = {"order_id": order["id"], "line_ids": [order["line_items"][0]["id"]]}
        answer = requests.post(f"{client.url}/_sandbox/tiktok_shop/seller_cancel", json=body, timeout=5)
        assert answer.ok if code is None else str(code) in answer.json()["error"]

    def test_completes_a_refund_by_itself(self, client: Client, world: World) -> None:
        order_id = client.buy()
        client.control("buyer_cancel", order_id=order_id)
        world.advance(60)
        body = {"order_ids": [order_id]}
        row = client.call("POST", "/return_refund/202309/cancellations/search", body)["data"]["cancellations"][0]
        assert row["cancel_status"] == "CANCELLATION_REQUEST_COMPLETE"

    def test_approves_after_forty_eight_hours_of_silence(self, client: Client, world: World) -> None:
        order_id = client.buy(hold=False)
        client.control("request_cancel", order_id=order_id)
        world.advance(48 * 3600 - 1)
        assert client.order(order_id)["status"] == "AWAITING_SHIPMENT"
        world.advance(1)
        assert client.order(order_id)["status"] == "CANCELLED"


class TestWebhooks:
    def test_are_signed_and_retried(self, client: Client, world: World, receiver: Any) -> None:
        address, got, statuses = receiver
        statuses[:] = [500, 200]
        body = {"event_type": "ORDER_STATUS_CHANGE", "address": address}
        assert client.call("PUT", "/event/202309/webhooks", body)["code"] == 0
        client.control("buy", pay=False)
        world.outgoing.drain()
        assert len(got) == 1
        world.advance(120)
        world.outgoing.drain()
        assert len(got) == 2
        assert got[0][1] == got[1][1]
        headers, raw = got[0]
        assert headers["Authorization"] == sign_webhook(APP["app_key"], APP["app_secret"], raw)

    def test_say_cancel(self, client: Client, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        client.control("webhook_settings", webhook_url=address)
        client.control("buyer_cancel", order_id=client.buy())
        world.outgoing.drain()
        bodies = [json.loads(raw) for _, raw in got]
        assert [body["type"] for body in bodies] == [1, 1, 11, 1]
        assert bodies[-1]["data"]["order_status"] == "CANCEL"


class TestWhoShips:
    def options(self, client: Client) -> list[str]:
        (sales, *_) = client.call("GET", "/logistics/202309/warehouses")["data"]["warehouses"]
        path = f"/logistics/202309/warehouses/{sales['id']}/delivery_options"
        found = client.call("GET", path, scope="WAREHOUSE")["data"]["delivery_options"]
        return [each["type"] for each in found]

    def test_is_shown_by_the_delivery_options(self, client: Client) -> None:
        assert self.options(client) == ["SEND_BY_SELLER"]
        client.control("shop_settings", offers_both=True)
        assert self.options(client) == ["SEND_BY_SELLER", "STANDARD"]
        client.control("shop_settings", offers_both=False, shipping_type="TIKTOK")
        assert self.options(client) == ["STANDARD"]

    def test_has_no_templates_outside_japan_and_the_uk(self, client: Client) -> None:
        assert client.call("GET", "/logistics/202510/seller_templates", status=400)["code"] == 36009004

    def test_refuses_a_scope_that_it_does_not_know(self, client: Client) -> None:
        (sales, *_) = client.call("GET", "/logistics/202309/warehouses")["data"]["warehouses"]
        path = f"/logistics/202309/warehouses/{sales['id']}/delivery_options"
        assert client.call("GET", path, status=400, scope="SHOP")["code"] == 36009004

    def test_may_lack_a_warehouse_for_returns(self, client: Client) -> None:
        client.control("shop_settings", has_return_warehouse=False, warehouse_status="DISABLED")
        (sales,) = client.call("GET", "/logistics/202309/warehouses")["data"]["warehouses"]
        assert sales["effect_status"] == "DISABLED"
