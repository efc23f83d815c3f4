"""Goods on their way back to a store of the Shopify half."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.shopify_client import FIG, RETURNS, SCOPES, SEA, Client
from tests.sandbox.test_shopify_refunds import CANCEL, REFUND

RETURNABLE = """query($id: ID!) { returnableFulfillments(orderId: $id, first: 5) { nodes { id fulfillment { id }
  returnableFulfillmentLineItems(first: 10) { nodes { quantity fulfillmentLineItem { id lineItem { sku } } } } } } }"""
REASONS = """query($handles: [String!]) { returnReasonDefinitions(first: 100, handles: $handles) {
  nodes { id handle name deleted } } }"""
CREATE = """mutation($returnInput: ReturnInput!) { returnCreate(returnInput: $returnInput) {
  return { id name status returnLineItems(first: 50) { nodes { id quantity } }
    reverseFulfillmentOrders(first: 5) { nodes { id lineItems(first: 10) { nodes { id } } } } }
  userErrors { field message code } } }"""
CLOSE, CANCEL_RETURN, REOPEN = (
    f"mutation($id: ID!) {{ {name}(id: $id) {{ return {{ id status }} userErrors {{ field message code }} }} }}"
    for name in ("returnClose", "returnCancel", "returnReopen")
)
DISPOSE = """mutation($inputs: [ReverseFulfillmentOrderDisposeInput!]!) {
  reverseFulfillmentOrderDispose(dispositionInputs: $inputs) {
    reverseFulfillmentOrderLineItems { id totalQuantity dispositions { type quantity location { id } } }
    userErrors { field message code } } }"""
PROCESS = """mutation($input: ReturnProcessInput!) { returnProcess(input: $input) {
  return { id status } userErrors { field message code } } }"""
DELIVER = """mutation($id: ID!, $lines: [ReverseDeliveryLineItemInput!]!, $tracking: ReverseDeliveryTrackingInput,
    $notify: Boolean) {
  reverseDeliveryCreateWithShipping(reverseFulfillmentOrderId: $id, reverseDeliveryLineItems: $lines,
    trackingInput: $tracking, notifyCustomer: $notify) {
    reverseDelivery { id reverseDeliveryLineItems(first: 5) { nodes { quantity } } reverseFulfillmentOrder { id }
      deliverable { ... on ReverseDeliveryShippingDeliverable { tracking { number url } } } }
    userErrors { field message code } } }"""
RETURN = "query($id: ID!) { return(id: $id) { id name status order { id } } }"
REVERSE = "query($id: ID!) { reverseFulfillmentOrder(id: $id) { id status order { id } } }"
DELIVERY = "query($id: ID!) { reverseDelivery(id: $id) { id } }"


@pytest.fixture
def shop(url: str, world: World) -> Client:
    return Client(url, world)


def item(shop: Client, order_id: str, sku: str = FIG, parcel: int = 0) -> str:
    fulfillment = shop.order(order_id)["fulfillments"][parcel]
    rows = fulfillment["fulfillmentLineItems"]["nodes"]
    return next(str(row["id"]) for row in rows if row["lineItem"]["sku"] == sku)


def returnable(shop: Client, order_id: str) -> dict[str, int]:
    """Units by fulfillment line item."""
    nodes = shop.ask(RETURNABLE, id=order_id)["nodes"]
    rows = (row for node in nodes for row in node["returnableFulfillmentLineItems"]["nodes"])
    return {row["fulfillmentLineItem"]["id"]: row["quantity"] for row in rows}


def given(shop: Client, order_id: str, count: int = 1, **changes: Any) -> dict[str, Any]:
    line = {"fulfillmentLineItemId": item(shop, order_id), "quantity": count, "returnReason": "DEFECTIVE", **changes}
    return {"orderId": order_id, "returnLineItems": [line]}


def open_return(shop: Client, order_id: str, count: int = 1, **changes: Any) -> dict[str, Any]:
    made = shop.do(CREATE, returnInput=given(shop, order_id, count, **changes))["return"]
    (reverse,) = made["reverseFulfillmentOrders"]["nodes"]
    (line,) = made["returnLineItems"]["nodes"]
    return {
        "id": made["id"],
        "line": line["id"],
        "reverse": reverse["id"],
        "row": reverse["lineItems"]["nodes"][0]["id"],
    }


def disposed(shop: Client, one: dict[str, Any], count: int = 1, **changes: Any) -> list[dict[str, Any]]:
    said = {"reverseFulfillmentOrderLineItemId": one["row"], "quantity": count, "dispositionType": "RESTOCKED"}
    return [{**said, "locationId": shop.shop.location_id, **changes}]


class TestReturnable:
    def test_is_what_left_by_parcel(self, shop: Client) -> None:
        made = shop.create()
        assert returnable(shop, made["id"]) == {}
        for count in (2, 1):
            shop.control("ship", order=made["name"], lines={FIG: count})
        assert returnable(shop, made["id"]) == {
            item(shop, made["id"]): 2,
            item(shop, made["id"], parcel=1): 1,
        }

    def test_is_less_by_what_is_in_a_return(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id, 2)
        assert returnable(shop, order_id) == {item(shop, order_id): 1, item(shop, order_id, SEA): 1}
        shop.do(CANCEL_RETURN, id=one["id"])
        assert returnable(shop, order_id)[item(shop, order_id)] == 3

    def test_is_less_by_what_was_refunded_without_a_return(self, shop: Client) -> None:
        order_id = shop.shipped()
        line = {"lineItemId": shop.line(order_id)["id"], "quantity": 2, "restockType": "NO_RESTOCK"}
        shop.do(REFUND, key="k", input={"orderId": order_id, "refundLineItems": [line]})
        assert returnable(shop, order_id)[item(shop, order_id)] == 1
        assert shop.refuse(CREATE, returnInput=given(shop, order_id, 2))["code"] == "LESS_THAN_OR_EQUAL_TO"

    def test_counts_a_refunded_unit_in_one_parcel_only(self, shop: Client) -> None:
        made = shop.create()
        for count in (2, 1):
            shop.control("ship", order=made["name"], lines={FIG: count})
        line = {"lineItemId": shop.line(made["id"])["id"], "quantity": 2, "restockType": "NO_RESTOCK"}
        shop.do(REFUND, key="k", input={"orderId": made["id"], "refundLineItems": [line]})
        assert returnable(shop, made["id"]) == {item(shop, made["id"], parcel=1): 1}

    def test_is_not_less_by_what_was_refunded_of_a_return(self, shop: Client) -> None:
        order_id = shop.shipped()
        open_return(shop, order_id, 2)
        line = {"lineItemId": shop.line(order_id)["id"], "quantity": 2, "restockType": "NO_RESTOCK"}
        shop.do(REFUND, key="k", input={"orderId": order_id, "refundLineItems": [line]})
        assert returnable(shop, order_id)[item(shop, order_id)] == 1

    def test_is_nothing_of_a_parcel_that_was_taken_back(self, shop: Client) -> None:
        made = shop.create()
        shop.control("ship", order=made["name"])
        shop.control("cancel_fulfillment", order=made["name"])
        assert returnable(shop, made["id"]) == {}


class TestReason:
    def test_is_one_of_a_library(self, shop: Client) -> None:
        nodes = shop.ask(REASONS)["nodes"]
        assert {"arrived-late", "comfort", "too-tight", "color-too-bright", "quality"} <= {
            one["handle"] for one in nodes
        }
        assert [one["handle"] for one in nodes if one["deleted"]] == ["style"]
        (named,) = shop.ask(REASONS, handles=["quality"])["nodes"]
        order_id = shop.shipped()
        open_return(shop, order_id, returnReason=None, returnReasonDefinitionId=named["id"], returnReasonNote="TT:1")
        (line,) = shop.returns(order_id)[0]["returnLineItems"]["nodes"]
        assert (line["returnReasonDefinition"]["handle"], line["returnReasonNote"]) == ("quality", "TT:1")


class TestCreate:
    def test_opens_a_return_at_once(self, shop: Client) -> None:
        order_id = shop.shipped()
        assert shop.ask(RETURNS, id=order_id)["returnStatus"] == "NO_RETURN"
        one = open_return(shop, order_id, 2, returnReasonNote="TikTok return 4035")
        order = shop.ask(RETURNS, id=order_id)
        (told,) = order["returns"]["nodes"]
        assert (order["returnStatus"], told["status"], told["totalQuantity"]) == ("IN_PROGRESS", "OPEN", 2)
        assert told["name"].endswith("-R1")
        (line,) = told["returnLineItems"]["nodes"]
        assert (line["returnReason"], line["fulfillmentLineItem"]["lineItem"]["sku"]) == ("DEFECTIVE", FIG)
        assert (line["unprocessedQuantity"], line["refundableQuantity"]) == (2, 2)
        (entry,) = shop.entries("return.created")
        assert (entry["key"], entry["lines"], entry["note"]) == (one["id"], {FIG: 2}, "TikTok return 4035")
        assert shop.ask(RETURN, id=one["id"])["order"]["id"] == order_id
        assert shop.ask(REVERSE, id=one["reverse"])["status"] == "OPEN"

    def test_refuses_what_cannot_come_back(self, shop: Client) -> None:
        order_id = shop.shipped({FIG: 2})
        for code, changes in (
            ("NOT_FOUND", {"fulfillmentLineItemId": "gid://shopify/FulfillmentLineItem/1"}),
            ("NOT_FOUND", {"fulfillmentLineItemId": shop.line(order_id)["id"]}),
            ("GREATER_THAN", {"quantity": 0}),
            ("LESS_THAN_OR_EQUAL_TO", {"quantity": 3}),
            ("TOO_LONG", {"returnReasonNote": "x" * 256}),
            ("BLANK", {"returnReason": None}),
            ("BLANK", {"returnReason": "OTHER"}),
            ("NOT_FOUND", {"returnReasonDefinitionId": "gid://shopify/ReturnReasonDefinition/99"}),
        ):
            error = shop.refuse(CREATE, returnInput=given(shop, order_id, **changes))
            assert (error["code"], error["field"][:2]) == (code, ["returnInput", "returnLineItems"]), changes
        twice = given(shop, order_id)
        twice["returnLineItems"] *= 3
        assert shop.refuse(CREATE, returnInput=twice)["code"] == "LESS_THAN_OR_EQUAL_TO"
        assert shop.refuse(CREATE, returnInput={"orderId": order_id, "returnLineItems": []})["code"] == "BLANK"
        other = {**given(shop, order_id), "orderId": "gid://shopify/Order/1"}
        assert shop.refuse(CREATE, returnInput=other)["code"] == "NOT_FOUND"
        other = {**given(shop, order_id), "exchangeLineItems": [{"quantity": 1}]}
        assert shop.refuse(CREATE, returnInput=other)["code"] == "FEATURE_NOT_ENABLED"

    def test_of_what_has_not_left_is_refused(self, shop: Client) -> None:
        order_id, sent = shop.sell(), shop.shipped()
        line = {"fulfillmentLineItemId": item(shop, sent), "quantity": 1, "returnReason": "COLOR"}
        assert shop.refuse(CREATE, returnInput={"orderId": order_id, "returnLineItems": [line]})["code"] == "NOT_FOUND"

    def test_keeps_the_order_from_being_cancelled(self, shop: Client) -> None:
        made = shop.create()
        shop.control("ship", order=made["name"])
        open_return(shop, made["id"])
        assert shop.refuse(CANCEL, id=made["id"], reason="OTHER", restock=False)["field"] == ["orderId"]
        shop.control("cancel_fulfillment", 400, order=made["name"])


class TestEnd:
    def test_is_closing_which_may_be_taken_back(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id)
        assert shop.do(CLOSE, id=one["id"])["return"]["status"] == "CLOSED"
        assert shop.ask(RETURNS, id=order_id)["returnStatus"] == "RETURNED"
        assert shop.refuse(CLOSE, id=one["id"])["code"] == "INVALID_STATE"
        assert shop.refuse(CANCEL_RETURN, id=one["id"])["code"] == "INVALID_STATE"
        assert shop.do(REOPEN, id=one["id"])["return"]["status"] == "OPEN"
        assert shop.refuse(REOPEN, id=one["id"])["code"] == "INVALID_STATE"
        events = [entry["event"] for entry in shop.world.ledger if entry["key"] == one["id"]]
        assert events == ["return.created", "return.closed", "return.reopened"]

    def test_is_cancelling_before_any_work(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id)
        shop.do(CANCEL_RETURN, id=one["id"])
        order = shop.ask(RETURNS, id=order_id)
        assert (order["returnStatus"], order["returns"]["nodes"][0]["status"]) == ("NO_RETURN", "CANCELED")
        assert shop.ask(REVERSE, id=one["reverse"])["status"] == "CANCELED"
        assert shop.refuse(CLOSE, id=one["id"])["code"] == "INVALID_STATE"

    def test_is_not_cancelling_once_goods_were_looked_at(self, shop: Client) -> None:
        one = open_return(shop, shop.shipped(), 2)
        shop.do(DISPOSE, inputs=disposed(shop, one))
        assert shop.refuse(CANCEL_RETURN, id=one["id"])["code"] == "INVALID_STATE"

    @pytest.mark.parametrize("document", [CLOSE, CANCEL_RETURN, REOPEN])
    def test_of_a_return_that_is_not_there_is_refused(self, shop: Client, document: str) -> None:
        one = open_return(shop, shop.shipped())
        for wrong in ("gid://shopify/Return/1", one["line"]):
            assert shop.refuse(document, id=wrong)["code"] == "NOT_FOUND"


class TestDisposition:
    def test_of_restocked_goods_puts_them_into_stock(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id, 2)
        (row,) = shop.do(DISPOSE, inputs=disposed(shop, one))["reverseFulfillmentOrderLineItems"]
        assert row["dispositions"] == [{"type": "RESTOCKED", "quantity": 1, "location": {"id": shop.shop.location_id}}]
        assert (shop.stock(), shop.ask(REVERSE, id=one["reverse"])["status"]) == (98, "OPEN")
        shop.do(DISPOSE, inputs=disposed(shop, one, dispositionType="MISSING", locationId=None))
        assert (shop.stock(), shop.ask(REVERSE, id=one["reverse"])["status"]) == (98, "CLOSED")
        assert shop.ask(RETURNS, id=order_id)["returnStatus"] == "INSPECTION_COMPLETE"
        assert [entry["type"] for entry in shop.entries("return.disposed")] == ["RESTOCKED", "MISSING"]
        (entry,) = shop.entries("stock.restocked")
        assert (entry["lines"], entry["why"], entry["reference"]) == ({FIG: 1}, "return", "5764")

    def test_that_waits_is_not_the_last_word(self, shop: Client) -> None:
        one = open_return(shop, shop.shipped())
        shop.do(DISPOSE, inputs=disposed(shop, one, dispositionType="PROCESSING_REQUIRED"))
        shop.do(DISPOSE, inputs=disposed(shop, one))
        assert shop.stock() == 98

    def test_is_refused_when_it_is_wrong(self, shop: Client) -> None:
        order_id = shop.shipped()
        one, other = open_return(shop, order_id), open_return(shop, order_id)
        for code, inputs in (
            ("BLANK", []),
            ("BLANK", disposed(shop, one, locationId=None)),
            ("NOT_FOUND", disposed(shop, one, locationId="gid://shopify/Location/1")),
            ("NOT_FOUND", disposed(shop, {"row": one["line"]})),
            ("NOT_FOUND", [*disposed(shop, one), *disposed(shop, other)]),
            ("GREATER_THAN", disposed(shop, one, 0)),
            ("LESS_THAN_OR_EQUAL_TO", disposed(shop, one, 2)),
            ("LESS_THAN_OR_EQUAL_TO", disposed(shop, one) * 2),
        ):
            error = shop.refuse(DISPOSE, inputs=inputs)
            assert (error["code"], error["field"][0]) == (code, "dispositionInputs"), inputs
        shop.control("settings", is_location_active=False)
        assert shop.refuse(DISPOSE, inputs=disposed(shop, one))["code"] == "INVALID_STATE"
        shop.do(CLOSE, id=one["id"])
        shop.control("settings", is_location_active=True)
        assert shop.refuse(DISPOSE, inputs=disposed(shop, one))["code"] == "INVALID_STATE"


class TestProcess:
    def input(self, one: dict[str, Any], count: int = 1, **more: Any) -> dict[str, Any]:
        row = {"id": one["line"], "quantity": count, **({"dispositions": more.pop("ends")} if "ends" in more else {})}
        return {"returnId": one["id"], "returnLineItems": [row], **more}

    def sale(self, shop: Client, order_id: str) -> str:
        return str(shop.shop.orders[order_id]["transactions"][0]["id"])

    def test_confirms_and_disposes_in_one(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id, 2)
        shop.do(PROCESS, input=self.input(one, 2, ends=disposed(shop, one, 2)))
        (line,) = shop.returns(order_id)[0]["returnLineItems"]["nodes"]
        assert (line["processedQuantity"], line["unprocessedQuantity"], shop.stock()) == (2, 0, 99)
        assert shop.order(order_id)["refunds"] == []
        assert shop.entries("return.processed")[0]["lines"] == {FIG: 2}

    def test_may_move_money(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id, 2)
        money = {"parentId": self.sale(shop, order_id), "transactionAmount": {"amount": "24.50", "currencyCode": "USD"}}
        shop.do(PROCESS, input=self.input(one, financialTransfer={"issueRefund": {"orderTransactions": [money]}}))
        (told,) = shop.order(order_id)["refunds"]
        assert (told["return"]["id"], told["totalRefundedSet"]["shopMoney"]["amount"]) == (one["id"], "24.5")
        (line,) = shop.returns(order_id)[0]["returnLineItems"]["nodes"]
        assert (line["refundedQuantity"], line["refundableQuantity"]) == (1, 1)
        assert shop.refuse(CANCEL_RETURN, id=one["id"])["code"] == "INVALID_STATE"

    def test_refuses_what_is_wrong_and_does_nothing_of_it(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id, 2)
        money = {"parentId": self.sale(shop, order_id), "transactionAmount": {"amount": "1", "currencyCode": "USD"}}

        def issue(**changes: Any) -> dict[str, Any]:
            return {"issueRefund": {"orderTransactions": [{**money, **changes}]}}

        far = {"amount": "105.01", "currencyCode": "USD"}
        for code, wrong in (
            ("NOT_FOUND", {**self.input(one), "returnId": "gid://shopify/Return/1"}),
            ("BLANK", {"returnId": one["id"]}),
            ("NOT_FOUND", self.input({**one, "line": one["row"]})),
            ("LESS_THAN_OR_EQUAL_TO", self.input(one, 3)),
            ("LESS_THAN_OR_EQUAL_TO", self.input(one, ends=disposed(shop, one, 3))),
            ("INVALID", self.input(one, financialTransfer=issue(parentId="x"))),
            ("INVALID", self.input(one, financialTransfer=issue(transactionAmount=far))),
            ("INVALID", self.input(one, financialTransfer=issue(transactionAmount={**far, "currencyCode": "EUR"}))),
        ):
            assert shop.refuse(PROCESS, input=wrong)["code"] == code, wrong
        shop.do(CLOSE, id=one["id"])
        assert shop.refuse(PROCESS, input=self.input(one))["code"] == "INVALID_STATE"

    def test_twice_is_refused_only_by_what_is_left(self, shop: Client) -> None:
        one = open_return(shop, shop.shipped(), 2)
        shop.do(PROCESS, input=self.input(one))
        shop.do(PROCESS, input=self.input(one))
        assert shop.refuse(PROCESS, input=self.input(one))["code"] == "LESS_THAN_OR_EQUAL_TO"


class TestParcelBack:
    def test_has_its_number(self, shop: Client) -> None:
        order_id = shop.shipped()
        one = open_return(shop, order_id, 2)
        tracking = {"number": "9400", "url": "https://example.com/9400"}
        made = shop.do(DELIVER, id=one["reverse"], lines=[], tracking=tracking, notify=False)["reverseDelivery"]
        assert made["deliverable"]["tracking"] == tracking
        assert [row["quantity"] for row in made["reverseDeliveryLineItems"]["nodes"]] == [2]
        assert shop.ask(DELIVERY, id=made["id"]) == {"id": made["id"]}
        (reverse,) = shop.returns(order_id)[0]["reverseFulfillmentOrders"]["nodes"]
        assert reverse["reverseDeliveries"]["nodes"][0]["deliverable"]["tracking"]["number"] == "9400"
        assert shop.entries("return.shipped")[0]["tracking_number"] == "9400"
        assert shop.entries("buyer.mailed") == []

    def test_is_told_to_the_buyer_unless_that_is_switched_off(self, shop: Client) -> None:
        one = open_return(shop, shop.shipped())
        shop.do(DELIVER, id=one["reverse"], lines=[])
        assert len(shop.entries("buyer.mailed")) == 1

    def test_is_refused_when_it_is_wrong(self, shop: Client) -> None:
        one = open_return(shop, shop.shipped())
        assert shop.refuse(DELIVER, id=one["id"], lines=[])["code"] == "NOT_FOUND"
        row = {"reverseFulfillmentOrderLineItemId": one["row"], "quantity": 1}
        for code, wrong in (
            ("NOT_FOUND", {**row, "reverseFulfillmentOrderLineItemId": one["line"]}),
            ("INVALID", {**row, "quantity": 0}),
            ("INVALID", {**row, "quantity": 2}),
        ):
            assert shop.refuse(DELIVER, id=one["reverse"], lines=[wrong])["code"] == code
        shop.do(CLOSE, id=one["id"])
        assert shop.refuse(DELIVER, id=one["reverse"], lines=[])["code"] == "INVALID_STATE"


class TestMerchant:
    def test_opens_restocks_and_closes_a_return(self, shop: Client) -> None:
        made = shop.create()
        shop.control("ship", order=made["name"])
        said = shop.control("open_return", order=made["name"], lines={FIG: 2}, reason="UNWANTED", note="by hand")
        shop.control("dispose", order=made["name"], lines={FIG: 1})
        shop.control("dispose", order=made["name"], type="NOT_RESTOCKED")
        shop.control("close_return", order=made["name"], **{"return": said["name"]})
        (told,) = shop.returns(made["id"])
        assert (told["status"], told["returnLineItems"]["nodes"][0]["returnReason"]) == ("CLOSED", "UNWANTED")
        assert shop.stock() == 98
        assert {entry["by"] for entry in shop.entries("return.closed") + shop.entries("return.created")} == {"merchant"}
        shop.control("close_return", 400, order=made["name"])
        shop.control("reopen_return", order=made["name"])
        shop.control("cancel_return", 400, order=made["name"])
        shop.control("open_return", 400, order=made["name"], lines={FIG: 2})
        shop.control("dispose", 400, order=made["name"], **{"return": "no such"})


class TestScopes:
    @pytest.mark.parametrize(
        ("document", "variables"),
        [
            (CREATE, {"returnInput": {"orderId": "x", "returnLineItems": []}}),
            (CLOSE, {"id": "x"}),
            (CANCEL_RETURN, {"id": "x"}),
            (REOPEN, {"id": "x"}),
            (PROCESS, {"input": {"returnId": "x"}}),
            (DISPOSE, {"inputs": []}),
            (DELIVER, {"id": "x", "lines": []}),
            (RETURNABLE, {"id": "x"}),
            (REASONS, {}),
            (RETURN, {"id": "x"}),
            (REVERSE, {"id": "x"}),
            (DELIVERY, {"id": "x"}),
        ],
    )
    def test_are_needed_for_each_call(self, shop: Client, document: str, variables: dict[str, Any]) -> None:
        reads = document.lstrip().startswith("query")
        shop.allow(*(one for one in SCOPES if one != "write_returns"), *(() if reads else ("read_returns",)))
        assert shop.deny(document, **variables) == "ACCESS_DENIED"
        shop.allow("read_returns" if reads else "write_returns", "read_orders")
        assert "errors" not in shop.post(document, variables)

    def test_of_returns_are_needed_within_an_order(self, shop: Client) -> None:
        order_id = shop.sell()
        shop.allow("read_orders")
        assert shop.deny(RETURNS, id=order_id) == "ACCESS_DENIED"
