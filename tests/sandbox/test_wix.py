"""The Wix half refuses what Wix refuses."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox.wix import refund_shapes, shapes
from sandbox.world import World

APP = {"app_id": "wix-app", "app_secret": "wix-secret", "redirect_urls": ["http://127.0.0.1:9/back"]}
TIKTOK_ID = "576461413038785751"


def price(amount: str) -> dict[str, str]:
    return {"amount": amount}


class Client:
    """Speaks to the half as an app would."""

    def __init__(self, url: str, world: World, webhook_url: str = "") -> None:
        self.url, self.world = url, world
        self.public_key = self.control("app", **APP, webhook_url=webhook_url)["public_key"]
        self.back = parse_qs(urlsplit(self.install().headers["Location"]).query)
        part = self.back["instance"][0].partition(".")[2]
        self.instance_id = json.loads(base64.urlsafe_b64decode(part + "=="))["instanceId"]
        self.access = self.token().json()["access_token"]

    def control(self, verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_sandbox/wix/{verb}", json=body, timeout=5)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def install(self, **changes: str) -> requests.Response:
        form = {"appId": "wix-app", "redirectUrl": APP["redirect_urls"][0], "state": "s1", "decision": "allow"}
        page = f"{self.url}/wix/installer/install"
        return requests.post(page, data={**form, **changes}, timeout=5, allow_redirects=False)

    def token(self, **changes: str) -> requests.Response:
        body = {
            "grant_type": "client_credentials",
            "client_id": "wix-app",
            "client_secret": "wix-secret",
            "instance_id": self.instance_id,
            **changes,
        }
        return requests.post(f"{self.url}/wix/api/oauth2/token", json=body, timeout=5)

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = requests.request(
            method, f"{self.url}/wix/api{path}", json=body, headers={"Authorization": self.access}, timeout=5
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["x-wix-request-id"]
        return answer.json()

    def order(self, **changes: Any) -> dict[str, Any]:
        line = {
            "productName": {"original": "Candle"},
            "quantity": 2,
            "price": price("24.00"),
            "itemType": {"preset": "PHYSICAL"},
            "physicalProperties": {"sku": "CND-FIG-08", "shippable": True},
        }
        made = {
            "channelInfo": {"type": "TIKTOK", "externalOrderId": TIKTOK_ID},
            "lineItems": [line],
            "priceSummary": {"subtotal": price("48.00"), "total": price("48.00")},
            "paymentStatus": "PAID",
            **changes,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def line_of(self, sku: str) -> dict[str, Any]:
        """A line that refers to the catalog."""
        variant = next(one for one in self.variants() if one["sku"] == sku)
        reference = {
            "catalogItemId": variant["productData"]["productId"],
            "appId": "215238eb-22a5-4c36-9e7b-e7c08025e04e",
            "options": {"variantId": variant["variantId"]},
        }
        return {**self.order()["lineItems"][0], "catalogReference": reference}

    def variants(self, **query: Any) -> list[dict[str, Any]]:
        return list(self.call("POST", "/stores/v3/products/query-variants", {"query": query})["variants"])

    def stock(self, sku: str) -> int:
        site = next(iter(self.world.halves["wix"].state.sites.values()))
        return next(one["quantity"] for one in site.variants.values() if one["sku"] == sku)

    def create(self, status: int = 200, **changes: Any) -> dict[str, Any]:
        said = self.call("POST", "/ecom/v1/orders", {"order": self.order(**changes)}, status)
        return dict(said.get("order") or said)

    def search(self, **wanted: Any) -> list[dict[str, Any]]:
        return list(self.call("POST", "/ecom/v1/orders/search", {"search": {"filter": wanted}})["orders"])


@pytest.fixture
def site(url: str, world: World) -> Client:
    return Client(url, world)


class TestInstall:
    def test_brings_a_signed_instance_and_the_state(self, site: Client) -> None:
        assert site.back["state"] == ["s1"]
        assert "code" not in site.back

    def test_that_is_refused_says_so(self, site: Client) -> None:
        location = site.install(decision="refuse").headers["Location"]
        assert parse_qs(urlsplit(location).query) == {"error": ["access_denied"], "state": ["s1"]}

    @pytest.mark.parametrize("changes", [{"appId": "x"}, {"redirectUrl": "http://evil.example"}])
    def test_is_not_offered_to_a_stranger(self, site: Client, changes: dict[str, str]) -> None:
        assert site.install(**changes).status_code == 400


class TestToken:
    def test_says_how_long_it_lives(self, site: Client) -> None:
        assert site.token().json()["expires_in"] == 14_400

    def test_lapses(self, site: Client, world: World) -> None:
        world.advance(14_401)
        site.call("GET", "/apps/v1/instance", status=401)

    @pytest.mark.parametrize(
        "changes", [{"client_secret": "x"}, {"instance_id": str(uuid.UUID(int=1))}, {"grant_type": "password"}]
    )
    def test_is_refused_to_a_stranger(self, site: Client, changes: dict[str, str]) -> None:
        assert site.token(**changes).status_code in (400, 401)

    def test_is_refused_when_the_app_was_removed(self, site: Client) -> None:
        site.control("uninstall")
        assert site.token().status_code == 400


class TestCreate:
    def test_of_a_paid_order_is_approved(self, site: Client) -> None:
        order = site.create()
        assert (order["status"], order["fulfillmentStatus"]) == ("APPROVED", "NOT_FULFILLED")
        assert order["createdBy"] == {"appId": "wix-app"}

    def test_of_an_unpaid_order_stays_out_of_sight(self, site: Client, world: World) -> None:
        assert site.create(paymentStatus="NOT_PAID")["status"] == "INITIALIZED"
        world.advance(10)
        assert site.search(**{"channelInfo.externalOrderId": {"$eq": TIKTOK_ID}}) == []

    def test_makes_a_second_one_when_asked_twice(self, site: Client, world: World) -> None:
        assert site.create()["id"] != site.create()["id"]
        assert len([entry for entry in world.ledger if entry["event"] == "order.created"]) == 2

    @pytest.mark.parametrize("name", ["channelInfo", "lineItems", "priceSummary"])
    def test_needs_its_required_fields(self, site: Client, name: str) -> None:
        said = site.create(400, **{name: ...})
        assert said["details"]["validationError"]["fieldViolations"][0]["violatedRule"] == "REQUIRED_FIELD"

    @pytest.mark.parametrize(
        "changes",
        [
            {"number": "5"},
            {"tiktok": True},
            {"channelInfo": {"type": "TEMU"}},
            {"channelInfo": {"type": "TIKTOK", "externalOrderId": "x" * 101}},
            {"lineItems": []},
            {"priceSummary": {"total": {"amount": 48}}},
            {"priceSummary": {"total": {"amount": "48.00", "formattedAmount": "$48"}}},
            {"buyerInfo": {"email": "nobody"}},
            {"buyerNote": "x" * 1001},
            {"weightUnit": "STONE"},
            {"purchasedDate": "2030-01-01T00:00:00Z"},
            {"purchasedDate": "2026-01-01T04:00:00+01:00"},
            {"recipientInfo": {"address": {"addressLine1": "1 Street"}}},
            {"recipientInfo": {"address": {"postalCode": 7030}}},
            {"currency": "EUR"},
        ],
    )
    def test_refuses_what_is_wrong(self, site: Client, changes: dict[str, Any]) -> None:
        site.create(400, **changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"productName": {"original": "x" * 201}},
            {"physicalProperties": {"sku": "x" * 41}},
            {"quantity": 0},
            {"quantity": "2"},
            {"quantity": 100_001},
            {"itemType": {}},
            {"catalogReference": {"catalogItemId": "x"}},
            {"totalDiscount": price("1")},
        ],
    )
    def test_refuses_a_line_that_is_wrong(self, site: Client, changes: dict[str, Any]) -> None:
        site.create(400, lineItems=[{**site.order()["lineItems"][0], **changes}])

    def test_takes_another_currency_with_its_conversion(self, site: Client) -> None:
        conversion = {"originalCurrency": "EUR", "conversionRate": "1.1"}
        assert site.create(currency="EUR", currencyConversionDetails=conversion)["currency"] == "EUR"

    def test_may_not_know_the_channel(self, site: Client) -> None:
        site.control("settings", knows_tiktok=False)
        said = site.create(400)
        assert said["details"]["validationError"]["fieldViolations"][0]["field"] == "order.channelInfo.type"
        site.create(channelInfo={"type": "OTHER_PLATFORM", "externalOrderId": TIKTOK_ID})


class TestSearch:
    def test_lags_behind(self, site: Client, world: World) -> None:
        site.create()
        assert site.search(**{"channelInfo.externalOrderId": {"$eq": TIKTOK_ID}}) == []
        world.advance(4)
        assert len(site.search(**{"channelInfo.externalOrderId": {"$eq": TIKTOK_ID}})) == 1

    def test_pages_by_a_cursor_that_stands_alone(self, site: Client, world: World) -> None:
        for _ in range(3):
            site.create()
        world.advance(4)
        search = {"cursorPaging": {"limit": 2}, "sort": [{"fieldName": "number", "order": "ASC"}]}
        page = site.call("POST", "/ecom/v1/orders/search", {"search": search})
        cursor = page["metadata"]["cursors"]["next"]
        rest = site.call("POST", "/ecom/v1/orders/search", {"search": {"cursorPaging": {"limit": 2, "cursor": cursor}}})
        assert [order["number"] for order in page["orders"] + rest["orders"]] == ["10001", "10002", "10003"]
        both = {"cursorPaging": {"cursor": cursor}, "filter": {"status": "APPROVED"}}
        site.call("POST", "/ecom/v1/orders/search", {"search": both}, status=400)

    def test_shows_what_waits_only_to_those_who_ask(self, site: Client, world: World) -> None:
        order_id = site.create()["id"]
        world.advance(4)
        site.control("set_status", order="10001", to="PENDING")
        assert site.search(id={"$eq": order_id}) == []
        assert site.search(status={"$ne": "CANCELED"}) == []
        assert len(site.search(status={"$in": ["APPROVED", "PENDING"]})) == 1

    def test_refuses_what_no_search_has(self, site: Client) -> None:
        for search in ({"query": {}}, {"cursorPaging": {"limit": 101}}, {"sort": [{"fieldName": "number"}] * 5}):
            site.call("POST", "/ecom/v1/orders/search", {"search": search}, status=400)

    def test_refuses_filters_that_do_not_exist(self, site: Client) -> None:
        for wanted in ({"buyerNote": "x"}, {"channelInfo.externalOrderId": {"$gt": "5"}}):
            site.call("POST", "/ecom/v1/orders/search", {"search": {"filter": wanted}}, status=400)

    def test_may_tell_the_number_as_an_integer(self, site: Client) -> None:
        site.control("settings", number_as_integer=True)
        assert site.create()["number"] == 10001


class TestParcel:
    def test_has_lines_and_quantities_of_its_own(self, site: Client) -> None:
        order = site.create()
        site.control("ship", order="10001", tracking_number="1Z", carrier="ups", lines={"CND-FIG-08": 1})
        told = site.call("GET", f"/ecom/v1/fulfillments/orders/{order['id']}")["orderWithFulfillments"]
        assert told["fulfillments"][0]["lineItems"] == [{"id": order["lineItems"][0]["id"], "quantity": 1}]
        now = site.call("GET", f"/ecom/v1/orders/{order['id']}")["order"]
        assert now["fulfillmentStatus"] == "PARTIALLY_FULFILLED"

    def test_may_have_no_tracking_and_get_it_later_or_be_deleted(self, site: Client) -> None:
        order = site.create()
        site.control("ship", order="10001")
        path = f"/ecom/v1/fulfillments/orders/{order['id']}"
        assert "trackingInfo" not in site.call("GET", path)["orderWithFulfillments"]["fulfillments"][0]
        site.control("add_tracking", order="10001", tracking_number="1Z", carrier="ups")
        told = site.call("GET", path)["orderWithFulfillments"]["fulfillments"][0]
        assert told["trackingInfo"]["trackingNumber"] == "1Z"
        site.control("delete_fulfillment", order="10001")
        assert site.call("GET", path)["orderWithFulfillments"]["fulfillments"] == []

    def test_has_no_more_than_was_ordered(self, site: Client) -> None:
        order = site.create()
        body = {"fulfillment": {"lineItems": [{"id": order["lineItems"][0]["id"], "quantity": 3}]}}
        site.call("POST", f"/ecom/v1/fulfillments/orders/{order['id']}/create-fulfillment", body, status=400)


class TestCancel:
    @pytest.mark.parametrize(("restock", "count"), [(True, 100), (False, 98)])
    def test_restocks_when_asked(self, site: Client, restock: bool, count: int) -> None:
        order = site.create(lineItems=[site.line_of("CND-FIG-08")])
        assert site.stock("CND-FIG-08") == 98
        said = site.call("POST", f"/ecom/v1/orders/{order['id']}/cancel", {"restockAllItems": restock})
        assert said["order"]["status"] == "CANCELED"
        assert site.stock("CND-FIG-08") == count

    def test_twice_is_an_error_or_nothing(self, site: Client) -> None:
        path = f"/ecom/v1/orders/{site.create()['id']}/cancel"
        site.call("POST", path, {})
        site.call("POST", path, {}, status=428)
        site.control("settings", second_cancel="noop")
        site.call("POST", path, {})


class TestMoney:
    def pay(self, site: Client) -> tuple[str, str]:
        order_id = site.create()["id"]
        body = {"payments": [{"amount": price("48.00"), "regularPaymentDetails": {"offlinePayment": True}}]}
        made = site.call("POST", f"/ecom/v1/payments/orders/{order_id}/add-payment", body)
        return order_id, made["paymentsIds"][0]

    def test_of_a_paid_order_may_have_no_payment(self, site: Client) -> None:
        order = site.create()
        path = f"/ecom/v1/payments/orders/{order['id']}"
        assert site.call("GET", path)["orderTransactions"]["payments"] == []
        site.control("settings", payments_after_paid=True)
        other = site.create()
        assert len(site.call("GET", f"/ecom/v1/payments/orders/{other['id']}")["orderTransactions"]["payments"]) == 1

    def test_is_refunded_only_outside(self, site: Client) -> None:
        order_id, payment_id = self.pay(site)
        refund = {"orderId": order_id, "paymentRefunds": [{"paymentId": payment_id, "amount": price("8.00")}]}
        site.call("POST", "/ecom/v1/order-billing/refund-payments", refund, status=400)
        refund["paymentRefunds"][0]["externalRefund"] = True  # type: ignore[index]
        said = site.call("POST", "/ecom/v1/order-billing/refund-payments", refund)
        assert said["refund"]["transactions"][0]["refundStatus"] == "SUCCEEDED"
        assert site.call("GET", f"/ecom/v1/orders/{order_id}")["order"]["paymentStatus"] == "PARTIALLY_REFUNDED"

    @pytest.mark.parametrize(("result", "refunded"), [("SUCCEEDED", "8.00"), ("FAILED", "0.00")])
    def test_may_be_on_its_way_back_and_arrive_or_fail(self, site: Client, result: str, refunded: str) -> None:
        site.control("settings", refund_result="PENDING")
        order_id, payment_id = self.pay(site)
        one = {"paymentId": payment_id, "amount": price("8.00"), "externalRefund": True}
        body = {"orderId": order_id, "paymentRefunds": [one]}
        said = site.call("POST", "/ecom/v1/order-billing/refund-payments", body)
        assert (said["refund"]["summary"]["pending"], said["refund"]["summary"]["refunded"]) == (True, price("0.00"))
        site.control("settle_refunds", order="10001", result=result)
        (told,) = site.call("GET", f"/ecom/v1/payments/orders/{order_id}")["orderTransactions"]["refunds"]
        assert (told["summary"]["pending"], told["summary"]["refunded"]) == (False, price(refunded))

    def test_paid_offline_is_refundable_by_hand(self, site: Client) -> None:
        order_id, _ = self.pay(site)
        path, body = "/ecom/v1/order-billing/get-order-refundability", {"orderId": order_id}
        (row,) = site.call("POST", path, body)["payments"]
        assert (row["refundable"], row["manuallyRefundable"]) == (False, {"reason": "OFFLINE"})
        site.control("settings", offline_refundable=True)
        assert site.call("POST", path, body)["payments"][0]["refundable"]

    def test_goes_back_for_items_that_were_ordered(self, site: Client) -> None:
        order = site.create(lineItems=[site.line_of("CND-FIG-08")])
        path = f"/ecom/v1/payments/orders/{order['id']}/add-payment"
        (payment_id,) = site.call("POST", path, {"payments": [{"amount": price("48.00")}]})["paymentsIds"]
        item = {"lineItemId": order["lineItems"][0]["id"], "quantity": 3}
        body: dict[str, Any] = {
            "orderId": order["id"],
            "paymentRefunds": [{"paymentId": payment_id, "amount": price("24.00"), "externalRefund": True}],
            "refundItems": {"lineItems": [item]},
            "sideEffects": {"restock": {"lineItems": [item]}},
        }
        site.call("POST", "/ecom/v1/order-billing/refund-payments", body, status=400)
        item["quantity"] = 1
        site.call("POST", "/ecom/v1/order-billing/refund-payments", body)
        assert site.stock("CND-FIG-08") == 99

    def test_is_not_refunded_beyond_what_was_paid(self, site: Client) -> None:
        order_id, payment_id = self.pay(site)
        one = {"paymentId": payment_id, "amount": price("48.01"), "externalRefund": True}
        body = {"orderId": order_id, "paymentRefunds": [one]}
        site.call("POST", "/ecom/v1/order-billing/refund-payments", body, status=400)


class TestCatalog:
    def test_is_asked_by_sku_in_its_own_version(self, site: Client) -> None:
        query = {"query": {"filter": {"sku": {"$in": ["CND-FIG-08", "NOPE"]}}}}
        (found,) = site.call("POST", "/stores/v3/products/query-variants", query)["variants"]
        assert (found["sku"], bool(found["productData"]["productId"])) == ("CND-FIG-08", True)
        site.call("POST", "/stores-reader/v1/variants/query", query, status=428)
        site.control("settings", catalog_version="V1_CATALOG")
        assert site.call("GET", "/stores/v3/provision/version") == {"catalogVersion": "V1_CATALOG"}
        site.call("POST", "/stores/v3/products/query-variants", query, status=428)
        (old,) = site.call("POST", "/stores-reader/v1/variants/query", query)["variants"]
        assert old["id"].count(".") == 1

    def test_is_read_page_by_page(self, site: Client) -> None:
        path, first = "/stores/v3/products/query-variants", {"query": {"cursorPaging": {"limit": 6}}}
        page = site.call("POST", path, first)
        cursor = page["pagingMetadata"]["cursors"]["next"]
        rest = site.call("POST", path, {"query": {"cursorPaging": {"limit": 6, "cursor": cursor}}})
        assert (page["pagingMetadata"]["hasNext"], rest["pagingMetadata"]["hasNext"]) == (True, False)
        assert len({one["sku"] for one in page["variants"] + rest["variants"]}) == 10
        site.control("settings", catalog_version="V1_CATALOG")
        path = "/stores-reader/v1/variants/query"
        old = site.call("POST", path, {"query": {"paging": {"limit": 6, "offset": 6}}})
        assert (len(old["variants"]), old["totalResults"]) == (4, 10)
        site.call("POST", path, {"query": {"paging": {"limit": 101}}}, status=400)


class TestPace:
    def test_is_two_hundred_a_minute(self, site: Client, world: World) -> None:
        site.control("settings", calls_per_minute=2)
        site.call("GET", "/apps/v1/instance")
        site.call("GET", "/apps/v1/instance")
        site.call("GET", "/apps/v1/instance", status=429)
        world.advance(61)
        site.call("GET", "/apps/v1/instance")


class TestWebhook:
    def test_is_a_signed_token_with_json_inside(self, url: str, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        site = Client(url, world, webhook_url=address)
        order = site.create()
        world.outgoing.drain()
        names = []
        for _, body in got:
            header, claims, signature = body.split(b".")
            key = serialization.load_pem_public_key(site.public_key.encode())
            raw = base64.urlsafe_b64decode(signature + b"==")
            key.verify(raw, header + b"." + claims, padding.PKCS1v15(), hashes.SHA256())  # type: ignore
            envelope = json.loads(json.loads(base64.urlsafe_b64decode(claims + b"=="))["data"])
            names.append(envelope["eventType"])
            assert envelope["instanceId"] == site.instance_id
        assert set(names) == {"AppInstalled", "wix.ecom.v1.order_created", "wix.ecom.v1.order_approved"}
        assert json.loads(envelope["identity"])["identityType"] == "APP"
        assert json.loads(envelope["data"])["entityId"] == order["id"]


class TestShapes:
    """No field is played that the platform's own typings do not have."""

    # The typings call these read-only, since no update can touch them.
    GIVEN_ON_CREATE = frozenset(
        {
            "Order.lineItems",
            "Order.priceSummary",
            "CurrencyConversionDetails.originalCurrency",
            "CurrencyConversionDetails.conversionRate",
        }
    )

    @pytest.mark.parametrize(
        ("mine", "service", "name"),
        [
            (shapes.CREATE, "orders", "CreateOrderRequest"),
            (shapes.SEARCH, "orders", "SearchOrdersRequest"),
            (shapes.CANCEL, "orders", "CancelOrderRequest"),
            (shapes.FULFILLMENT, "fulfillments", "CreateFulfillmentRequest"),
            (shapes.PAYMENTS, "transactions", "AddPaymentsRequest"),
            (refund_shapes.REFUND, "billing", "RefundPaymentsRequest"),
            (refund_shapes.CALCULATE, "billing", "CalculateRefundRequest"),
            (refund_shapes.ABLE, "billing", "GetOrderRefundabilityRequest"),
            (shapes.VARIANTS, "variants_v3", "QueryVariantsRequest"),
        ],
    )
    def test_are_those_of_the_typings(self, contracts: Path, mine: shapes.Shape, service: str, name: str) -> None:
        found = json.loads((contracts / "wix/rest_shapes.json").read_text())[service]
        wrong: list[str] = []
        self.compare(mine, name, found, wrong)
        assert wrong == []

    def compare(self, mine: Any, name: str, found: dict[str, Any], wrong: list[str]) -> None:
        if isinstance(mine, shapes.Many):
            mine = mine.of
        if not isinstance(mine, shapes.Shape):
            return
        real = found["objects"][name]
        for field, rule in mine.fields.items():
            if field not in real or (real[field].get("readonly") and f"{name}.{field}" not in self.GIVEN_ON_CREATE):
                wrong.append(f"{name}.{field}: unknown or read-only")
                continue
            kind = real[field]["type"].removesuffix("[]")
            self.compare_limits(rule, real[field], f"{name}.{field}", wrong)
            if isinstance(rule, shapes.Choice):
                wrong += [f"{name}.{field}={value}" for value in rule.values - set(found["enums"][kind])]
            if kind in found["objects"]:
                self.compare(rule, kind, found, wrong)

    def compare_limits(self, rule: Any, real: dict[str, Any], where: str, wrong: list[str]) -> None:
        pairs: list[tuple[Any, str]] = []
        if isinstance(rule, shapes.Text):
            pairs = [(rule.longest, "maxLength"), (rule.shortest, "minLength")]
        if isinstance(rule, shapes.Many):
            pairs = [(rule.most, "maxSize"), (rule.least, "minSize")]
        if isinstance(rule, shapes.Number):
            pairs = [(rule.most, "max"), (rule.least, "min")]
        wrong += [
            f"{where}: {mine}, really {name} {real[name]}" for mine, name in pairs if mine != real.get(name, mine)
        ]
