"""Fulfillment holds of the Shopify half, and what its webhooks say after a sale."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.shopify import half
from sandbox.world import World
from tests.sandbox.shopify_client import FIG, OFFICIAL, SCOPES, SECRET, Client
from tests.sandbox.test_shopify_refunds import BEGIN, CANCEL, COMMIT, REFUND, SET, row
from tests.sandbox.test_shopify_returns import (
    CANCEL_RETURN,
    CLOSE,
    DELIVER,
    DISPOSE,
    PROCESS,
    REOPEN,
    disposed,
    item,
    open_return,
)

HOLD = """mutation($id: ID!, $fulfillmentHold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $fulfillmentHold) { fulfillmentHold { id handle reason }
    fulfillmentOrder { id status } remainingFulfillmentOrder { id } userErrors { field message code } } }"""
RELEASE = """mutation($id: ID!, $holdIds: [ID!], $externalId: String) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds, externalId: $externalId) { fulfillmentOrder { status }
    userErrors { field message code } } }"""
SUBSCRIBE = """mutation($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id } userErrors { field message } } }"""
PAYLOADS = Path(__file__).parents[1] / "payloads/shopify"
SAMPLES = Path(__file__).resolve().parents[2].parent / "shared/contracts/samples/shopify"


@pytest.fixture
def shop(url: str, world: World) -> Client:
    return Client(url, world)


def hold(shop: Client, order_id: str, **changes: Any) -> dict[str, Any]:
    given = {"reason": "OTHER", "handle": "tts-cancel", **changes}
    return shop.do(HOLD, id=shop.goods(order_id)["id"], fulfillmentHold=given)


class TestHold:
    def test_stops_the_goods(self, shop: Client) -> None:
        made = shop.create()
        assert [one["action"] for one in shop.goods(made["id"])["supportedActions"]] == ["CREATE_FULFILLMENT", "HOLD"]
        said = hold(shop, made["id"], reasonNotes="Cancellation requested")
        assert said["fulfillmentOrder"]["status"] == "ON_HOLD"
        (told,) = shop.goods(made["id"])["fulfillmentHolds"]
        assert (told["handle"], told["reason"], told["reasonNotes"]) == (
            "tts-cancel",
            "OTHER",
            "Cancellation requested",
        )
        shop.control("ship", 400, order=made["name"])

    def test_is_told_from_others_by_its_handle(self, shop: Client) -> None:
        order_id = shop.sell()
        hold(shop, order_id)
        goods = shop.goods(order_id)["id"]
        again = {"reason": "OTHER", "handle": "tts-cancel"}
        error = shop.refuse(HOLD, id=goods, fulfillmentHold=again)
        assert (error["code"], error["field"]) == ("DUPLICATE_FULFILLMENT_HOLD_HANDLE", ["fulfillmentHold", "handle"])
        hold(shop, order_id, handle="tts-on-hold")
        assert len(shop.goods(order_id)["fulfillmentHolds"]) == 2

    def test_may_be_put_ten_times_by_an_app(self, shop: Client) -> None:
        made = shop.create()
        shop.control("hold", order=made["name"])
        for number in range(10):
            hold(shop, made["id"], handle=str(number))
        more = {"reason": "OTHER", "handle": "10"}
        error = shop.refuse(HOLD, id=shop.goods(made["id"])["id"], fulfillmentHold=more)
        assert error["code"] == "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED"

    def test_is_refused_when_it_is_wrong(self, shop: Client) -> None:
        order_id = shop.sell()
        goods = shop.goods(order_id)
        fig, sea = ({"id": line["id"], "quantity": line["remainingQuantity"]} for line in goods["lineItems"]["nodes"])
        for code, changes in (
            (None, {"handle": "x" * 65}),
            ("DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS", {"fulfillmentOrderLineItems": [sea, sea]}),
            ("GREATER_THAN_ZERO", {"fulfillmentOrderLineItems": [{**sea, "quantity": 0}]}),
            ("INVALID_LINE_ITEM_QUANTITY", {"fulfillmentOrderLineItems": [{**sea, "quantity": 2}]}),
            ("FULFILLMENT_ORDER_NOT_SPLITTABLE", {"fulfillmentOrderLineItems": [sea]}),
        ):
            given = {"reason": "OTHER", "handle": "h", **changes}
            assert shop.refuse(HOLD, id=goods["id"], fulfillmentHold=given)["code"] == code
        hold(shop, order_id, fulfillmentOrderLineItems=[fig, sea])
        again = {"reason": "OTHER", "handle": "h", "fulfillmentOrderLineItems": [fig, sea]}
        assert shop.refuse(HOLD, id=goods["id"], fulfillmentHold=again)["code"] == "FULFILLMENT_ORDER_NOT_SPLITTABLE"

    def test_needs_goods_that_are_still_there(self, shop: Client) -> None:
        given = {"reason": "OTHER", "handle": "h"}
        order_id = shop.shipped()
        for wrong in ("gid://shopify/FulfillmentOrder/1", order_id, shop.goods(order_id)["id"]):
            error = shop.refuse(HOLD, id=wrong, fulfillmentHold=given)
            assert error["code"] == "FULFILLMENT_ORDER_NOT_FOUND"
        assert shop.refuse(RELEASE, id=order_id)["code"] == "FULFILLMENT_ORDER_NOT_FOUND"

    def test_takes_only_the_reasons_of_the_schema(self, shop: Client) -> None:
        given = {"reason": "CANCEL_REQUESTED", "handle": "h"}
        variables = {"id": shop.goods(shop.sell())["id"], "fulfillmentHold": given}
        assert shop.deny(HOLD, **variables) == "INVALID_VARIABLE"

    @pytest.mark.parametrize("document", [HOLD, RELEASE])
    def test_needs_its_scope(self, shop: Client, document: str) -> None:
        shop.allow(
            *(one for one in SCOPES if "fulfillment_orders" not in one), "read_merchant_managed_fulfillment_orders"
        )
        variables = {"id": "x"} | ({"fulfillmentHold": {"reason": "OTHER"}} if document == HOLD else {})
        assert shop.deny(document, **variables) == "ACCESS_DENIED"


class TestRelease:
    def test_ends_only_the_holds_it_names(self, shop: Client) -> None:
        made = shop.create()
        foreign = shop.control("hold", order=made["name"], reason="HIGH_RISK_OF_FRAUD")["hold"]
        ours = hold(shop, made["id"])["fulfillmentHold"]["id"]
        goods = shop.goods(made["id"])["id"]
        assert shop.do(RELEASE, id=goods, holdIds=[ours], externalId="x")["fulfillmentOrder"]["status"] == "ON_HOLD"
        assert [one["id"] for one in shop.goods(made["id"])["fulfillmentHolds"]] == [foreign]
        (entry,) = shop.entries("order.hold_ended")
        assert (entry["handles"], entry["of_others"], entry["still_held"]) == (["tts-cancel"], 0, True)

    def test_without_ids_ends_everybodys(self, shop: Client) -> None:
        made = shop.create()
        shop.control("hold", order=made["name"])
        hold(shop, made["id"])
        assert shop.do(RELEASE, id=shop.goods(made["id"])["id"])["fulfillmentOrder"]["status"] == "OPEN"
        assert shop.entries("order.hold_ended")[0]["of_others"] == 1

    def test_by_the_merchant_ends_ours(self, shop: Client) -> None:
        made = shop.create()
        hold(shop, made["id"])
        shop.control("release", order=made["name"])
        assert shop.goods(made["id"])["status"] == "OPEN"
        assert shop.entries("order.hold_ended")[0]["by"] == "merchant"


class TestWebhook:
    @pytest.fixture
    def told(self, shop: Client, world: World, receiver: Any) -> Any:
        """Subscribes to the topics, and gives what came as {topic: body}."""
        address, got, _ = receiver

        def subscribe(*topics: str) -> None:
            for topic in topics:
                shop.do(SUBSCRIBE, topic=topic, uri=address)

        def bodies() -> dict[str, Any]:
            world.outgoing.drain()
            for headers, body in got:
                digest = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
                assert headers["X-Shopify-Hmac-Sha256"] == digest
                assert headers["X-Shopify-Shop-Domain"] == shop.domain
            return {headers["X-Shopify-Topic"]: json.loads(body) for headers, body in got}

        return subscribe, bodies

    def like(self, name: str, body: dict[str, Any]) -> None:
        """Every field that is told is one of the published body's, and those of it that matter are there."""
        published = json.loads((PAYLOADS / name).read_text())
        assert set(body) <= set(published)
        assert {"id", "admin_graphql_api_id"} & set(published) <= set(body)

    def test_tells_of_a_cancellation_with_its_reason(self, shop: Client, told: Any) -> None:
        subscribe, bodies = told
        subscribe("ORDERS_CANCELLED")
        shop.do(CANCEL, id=shop.sell(), reason="INVENTORY", restock=False)
        body = bodies()["orders/cancelled"]
        assert (body["cancel_reason"], bool(body["cancelled_at"])) == ("inventory", True)

    def test_tells_of_a_refund_without_money(self, shop: Client, told: Any) -> None:
        subscribe, bodies = told
        subscribe("REFUNDS_CREATE")
        order_id = shop.sell()
        one = row(shop, order_id, 2, restockType="CANCEL")
        shop.do(REFUND, key="k", input={"orderId": order_id, "refundLineItems": [one], "note": "TT:1"})
        body = bodies()["refunds/create"]
        self.like("refunds_create.json", body)
        (line,) = body["refund_line_items"]
        assert (line["quantity"], line["restock_type"], line["subtotal"]) == (2, "cancel", 45.0)
        assert (body["note"], body["return"], body["transactions"], body["restock"]) == ("TT:1", None, [], True)

    def test_tells_of_an_edit(self, shop: Client, told: Any) -> None:
        subscribe, bodies = told
        subscribe("ORDERS_EDITED")
        order_id = shop.sell()
        calculated = shop.do(BEGIN, id=order_id)["calculatedOrder"]
        shop.do(SET, id=calculated["id"], line=calculated["lineItems"]["nodes"][0]["id"], quantity=1)
        shop.do(COMMIT, id=calculated["id"], note="n")
        body = bodies()["orders/edited"]["order_edit"]
        self.like("orders_edited.json", {"order_edit": body})
        assert set(body) == set(json.loads((PAYLOADS / "orders_edited.json").read_text())["order_edit"])
        assert [one["delta"] for one in body["line_items"]["removals"]] == [2]

    def test_tells_of_every_step_of_a_return(self, shop: Client, told: Any) -> None:
        subscribe, bodies = told
        steps = ("APPROVE", "CANCEL", "CLOSE", "PROCESS", "REOPEN")
        more = ("REVERSE_DELIVERIES_ATTACH_DELIVERABLE", "REVERSE_FULFILLMENT_ORDERS_DISPOSE")
        subscribe(*(f"RETURNS_{step}" for step in steps), *more)
        order_id = shop.shipped()
        shop.do(CANCEL_RETURN, id=open_return(shop, order_id)["id"])
        one = open_return(shop, order_id)
        shop.do(DELIVER, id=one["reverse"], lines=[], tracking={"number": "9400"})
        shop.do(CLOSE, id=one["id"])
        shop.do(REOPEN, id=one["id"])
        shop.do(PROCESS, input={"returnId": one["id"], "returnLineItems": [{"id": one["line"], "quantity": 1}]})
        shop.do(DISPOSE, inputs=disposed(shop, one))
        got = bodies()
        assert len(got) == 7
        for topic, body in got.items():
            self.like(f"{topic.replace('/', '_')}.json", body)
        assert [
            got[f"returns/{step}"].get("status") for step in ("approve", "cancel", "close", "reopen", "process")
        ] == [
            "open",
            "canceled",
            "closed",
            "open",
            None,
        ]
        tracking = got["reverse_deliveries/attach_deliverable"]["shipping_deliverable"]["tracking"]
        assert tracking["tracking_number"] == "9400"
        (end,) = got["reverse_fulfillment_orders/dispose"]["dispositions"]
        assert (end["type"], end["quantity"]) == ("restocked", 1)

    def test_tells_of_each_hold_and_of_being_on_hold_once(self, shop: Client, told: Any, receiver: Any) -> None:
        subscribe, bodies = told
        subscribe("FULFILLMENT_HOLDS_ADDED", "FULFILLMENT_HOLDS_RELEASED")
        subscribe("FULFILLMENT_ORDERS_PLACED_ON_HOLD", "FULFILLMENT_ORDERS_HOLD_RELEASED")
        order_id = shop.sell()
        for handle in ("a", "b"):
            hold(shop, order_id, handle=handle)
        shop.do(RELEASE, id=shop.goods(order_id)["id"])
        got = bodies()
        topics = [headers["X-Shopify-Topic"] for headers, _ in receiver[1]]
        assert {topic: topics.count(topic) for topic in got} == {
            "fulfillment_holds/added": 2,
            "fulfillment_orders/placed_on_hold": 1,
            "fulfillment_holds/released": 2,
            "fulfillment_orders/hold_released": 1,
        }
        assert got["fulfillment_holds/released"]["fulfillment_hold"]["held_by_requesting_app"]

    @pytest.mark.parametrize(
        ("topic", "scope", "other"),
        [
            ("RETURNS_APPROVE", "read_returns", "read_orders"),
            ("RETURNS_PROCESS", "read_returns", "read_orders"),
            ("ORDERS_EDITED", "read_orders", "read_returns"),
            ("FULFILLMENT_HOLDS_ADDED", "read_third_party_fulfillment_orders", "read_orders"),
        ],
    )
    def test_is_subscribed_only_with_the_topics_scope(self, shop: Client, topic: str, scope: str, other: str) -> None:
        shop.allow(other)
        assert shop.deny(SUBSCRIBE, topic=topic, uri="https://example.com/w") == "ACCESS_DENIED"
        shop.allow(scope)
        shop.do(SUBSCRIBE, topic=topic, uri="https://example.com/w")

    @pytest.mark.parametrize("topic", ["RETURNS_CANCEL", "RETURNS_CLOSE", "RETURNS_REOPEN"])
    @pytest.mark.parametrize("scope", ["read_orders", "read_returns"])
    def test_of_a_returns_end_goes_with_either_scope(self, shop: Client, topic: str, scope: str) -> None:
        shop.allow(scope)
        shop.do(SUBSCRIBE, topic=topic, uri="https://example.com/w")


class TestSamples:
    """The documents beside the sheet, answered on the official schema: nothing is missing that it calls non-null."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def official(cls) -> Iterator[None]:
        if not OFFICIAL.is_file():
            pytest.skip("needs the contracts folder")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SANDBOX_SHOPIFY_SCHEMA", str(OFFICIAL))
            half.schema.cache_clear()
            half.read.cache_clear()
            yield
        half.schema.cache_clear()
        half.read.cache_clear()

    def run(self, shop: Client, name: str, changes: dict[str, Any], operation: str | None = None) -> dict[str, Any]:
        document = (SAMPLES / f"{name}.graphql").read_text().replace("(first: 50)", "(first: 10)")  # it would cost 1542
        variables = json.loads((SAMPLES / f"{name}.variables.json").read_text())
        said = shop.post(document, {**(variables[operation] if operation else variables), **changes}, operation)
        assert "errors" not in said, said
        (value,) = said["data"].values()
        assert not any(value.get(key) for key in ("userErrors", "orderCancelUserErrors")), value
        return dict(value)

    def test_of_holding_and_letting_go(self, shop: Client) -> None:
        goods = shop.goods(shop.sell())["id"]
        held = self.run(shop, "09_fulfillment_order_hold", {"id": goods})["fulfillmentHold"]["id"]
        self.run(shop, "10_fulfillment_order_release_hold", {"id": goods, "holdIds": [held]})

    def test_of_cancelling_and_asking_for_the_job(self, shop: Client) -> None:
        job = self.run(shop, "12_order_cancel", {"orderId": shop.sell()})["job"]["id"]
        self.run(shop, "13_job_poll", {"id": job})

    def test_of_refunding(self, shop: Client) -> None:
        order_id = shop.shipped()
        sale = shop.shop.orders[order_id]["transactions"][0]["id"]
        given = json.loads((SAMPLES / "15_refund_create.variables.json").read_text())["input"]
        given["orderId"] = order_id
        given["refundLineItems"][0] |= {"lineItemId": shop.line(order_id)["id"], "locationId": shop.shop.location_id}
        given["transactions"][0] |= {"orderId": order_id, "parentId": sale}
        assert self.run(shop, "15_refund_create", {"input": given})["refund"]["createdAt"]

    def test_of_returning(self, shop: Client) -> None:
        order_id = shop.shipped()
        assert self.run(shop, "16_returnable_fulfillments", {"orderId": order_id})["nodes"]
        reason = self.run(shop, "17_return_reason_definitions", {})["nodes"][0]["id"]
        given = json.loads((SAMPLES / "18_return_create.variables.json").read_text())["returnInput"]
        given["orderId"] = order_id
        named = {"fulfillmentLineItemId": item(shop, order_id, FIG), "returnReasonDefinitionId": reason}
        given["returnLineItems"][0] |= named
        made = self.run(shop, "18_return_create", {"returnInput": given})["return"]
        steps = json.loads((SAMPLES / "22_return_process.variables.json").read_text())["input"]
        steps["returnId"] = made["id"]
        steps["returnLineItems"][0]["id"] = made["returnLineItems"]["nodes"][0]["id"]
        sale = shop.shop.orders[order_id]["transactions"][0]["id"]
        steps["financialTransfer"]["issueRefund"]["orderTransactions"][0]["parentId"] = sale
        self.run(shop, "22_return_process", {"input": steps})
        self.run(shop, "23_return_close", {"id": made["id"]})

    def test_of_editing(self, shop: Client) -> None:
        edit = self.run(shop, "31_order_edit", {"id": shop.sell()}, "EditBegin")["calculatedOrder"]
        line = edit["lineItems"]["nodes"][0]["id"]
        self.run(shop, "31_order_edit", {"id": edit["id"], "lineItemId": line}, "EditSetQuantity")
        self.run(shop, "31_order_edit", {"id": edit["id"]}, "EditCommit")

    def test_of_everything_the_tests_here_ask(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id)
        shop.do(DELIVER, id=one["reverse"], lines=[], tracking={"number": "1"})
        shop.do(DISPOSE, inputs=disposed(shop, one))
        assert shop.order(order_id)["id"] == order_id
        assert shop.returns(order_id)[0]["id"] == one["id"]

    @pytest.mark.parametrize(
        "document",
        [
            'mutation { orderClose(input: {id: "gid://shopify/Order/1"}) { userErrors { message } } }',
            "{ shop { plan { displayName } } }",
        ],
    )
    def test_of_what_is_not_played_are_refused(self, shop: Client, document: str) -> None:
        assert shop.deny(document) == "NOT_PLAYED"
