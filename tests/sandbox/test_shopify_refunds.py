"""Cancelling, refunding and editing an order in the Shopify half."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.shopify_client import FIG, SCOPES, SEA, Client, bag

CANCEL = """mutation($id: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $method: OrderCancelRefundMethodInput,
    $note: String, $notify: Boolean) {
  orderCancel(orderId: $id, reason: $reason, restock: $restock, refundMethod: $method, staffNote: $note,
    notifyCustomer: $notify) { job { id done } orderCancelUserErrors { field message code } }
}"""
JOB = "query($id: ID!) { job(id: $id) { done } }"
REFUND = """mutation($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id note totalRefundedSet { shopMoney { amount } } transactions(first: 5) { nodes { kind gateway } }
      refundLineItems(first: 5) { nodes {
        subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } } } }
    order { id displayFinancialStatus }
    userErrors { field message }
  }
}"""
BEGIN = """mutation($id: ID!) { orderEditBegin(id: $id) { orderEditSession { id }
  calculatedOrder { id lineItems(first: 20) { nodes { id sku quantity editableQuantity } } }
  userErrors { field message } } }"""
SET = """mutation($id: ID!, $line: ID!, $quantity: Int!, $restock: Boolean) {
  orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $quantity, restock: $restock) {
    calculatedLineItem { quantity restocking } calculatedOrder { subtotalLineItemsQuantity }
    userErrors { field message } } }"""
COMMIT = """mutation($id: ID!, $notify: Boolean, $note: String) {
  orderEditCommit(id: $id, notifyCustomer: $notify, staffNote: $note) { order { id } userErrors { field message } } }"""


@pytest.fixture
def shop(url: str, world: World) -> Client:
    return Client(url, world)


def cancel(shop: Client, order_id: str, **more: Any) -> dict[str, Any]:
    return shop.do(CANCEL, id=order_id, **{"reason": "CUSTOMER", "restock": True, **more})


def row(shop: Client, order_id: str, count: int = 1, sku: str = FIG, **more: Any) -> dict[str, Any]:
    return {"lineItemId": shop.line(order_id, sku)["id"], "quantity": count, **more}


def refund(shop: Client, order_id: str, *rows: dict[str, Any], key: str = "k", **more: Any) -> dict[str, Any]:
    return shop.do(REFUND, key=key, input={"orderId": order_id, "refundLineItems": list(rows), **more})


def refused(shop: Client, order_id: str, *rows: dict[str, Any], **more: Any) -> list[str]:
    error = shop.refuse(REFUND, key="refused", input={"orderId": order_id, "refundLineItems": list(rows), **more})
    return list(error["field"] or [])


class TestCancel:
    def test_puts_back_what_the_order_took_out_of_stock(self, shop: Client) -> None:
        order_id = shop.sell()
        assert (shop.stock(FIG), shop.stock(SEA)) == (97, 99)
        cancel(shop, order_id)
        assert (shop.stock(FIG), shop.stock(SEA)) == (100, 100)
        order = shop.order(order_id)
        assert (bool(order["cancelledAt"]), order["cancelReason"]) == (True, "CUSTOMER")
        assert (order["displayFinancialStatus"], order["refunds"]) == ("PAID", [])
        (entry,) = shop.entries("order.cancelled")
        assert (entry["restocked"], entry["refunded"], entry["by"]) == (True, "0", "app")
        (entry,) = shop.entries("stock.restocked")
        assert (entry["lines"], entry["why"]) == ({FIG: 3, SEA: 1}, "cancel")

    @pytest.mark.parametrize(("restock", "takes_stock"), [(False, True), (True, False)])
    def test_puts_nothing_back_that_is_not_asked_for_or_was_not_taken(
        self, shop: Client, restock: bool, takes_stock: bool
    ) -> None:
        order_id = shop.sell(takes_stock=takes_stock)
        before = shop.stock()
        cancel(shop, order_id, restock=restock)
        assert shop.stock() == before

    def test_may_put_back_what_was_never_taken(self, shop: Client) -> None:
        shop.control("settings", restocks_unclaimed=True)
        cancel(shop, shop.sell(takes_stock=False))
        assert shop.stock() == 103

    def test_is_known_only_when_the_job_has_ended(self, shop: Client, world: World) -> None:
        shop.control("settings", cancel_takes=5)
        order_id = shop.sell()
        job = cancel(shop, order_id)["job"]
        assert (job["done"], shop.order(order_id)["cancelledAt"]) == (False, None)
        world.advance(6)
        assert shop.ask(JOB, id=job["id"])["done"]
        assert shop.order(order_id)["cancelledAt"]

    def test_comes_to_nothing_when_a_parcel_leaves_meanwhile(self, shop: Client, world: World) -> None:
        shop.control("settings", cancel_takes=5)
        made = shop.create()
        job = cancel(shop, made["id"])["job"]
        shop.control("ship", order=made["name"], tracking_number="1Z")
        world.advance(6)
        assert shop.ask(JOB, id=job["id"])["done"]
        assert shop.order(made["id"])["cancelledAt"] is None

    def test_books_the_money_back_only_when_asked(self, shop: Client) -> None:
        order_id = shop.sell()
        cancel(shop, order_id, method={"originalPaymentMethodsRefund": True})
        order = shop.order(order_id)
        assert order["displayFinancialStatus"] == "REFUNDED"
        assert order["totalRefundedSet"]["shopMoney"]["amount"] == "105"
        assert {line["currentQuantity"] for line in order["lineItems"]["nodes"]} == {0}
        assert shop.stock() == 100

    def test_is_refused_in_every_case_that_is_documented(self, shop: Client) -> None:
        def code(order_id: str, **more: Any) -> Any:
            return shop.refuse(CANCEL, id=order_id, **{"reason": "OTHER", "restock": True, **more})["code"]

        assert code("gid://shopify/Order/1") == "NOT_FOUND"
        order_id = shop.sell()
        assert code(order_id, note="x" * 256) == "INVALID"
        assert code(order_id, method={"storeCreditRefund": {}}) == "NO_REFUND_TO_STORE_CREDIT_PERMISSION"
        shop.control("settings", is_location_active=False)
        assert code(order_id) == "INVALID"
        cancel(shop, order_id, restock=False)
        assert code(order_id) == "INVALID"
        shop.control("settings", is_location_active=True)
        assert code(shop.shipped({FIG: 1})) == "INVALID"
        pending = {"kind": "AUTHORIZATION", "status": "PENDING", "amountSet": bag("1.00")}
        assert code(shop.sell(transactions=[pending], financialStatus="PENDING")) == "INVALID"

    def test_of_an_unpaid_order_at_a_deactivated_location_leaves_the_stock(self, shop: Client) -> None:
        order_id = shop.sell(transactions=[], financialStatus="PENDING")
        shop.control("settings", is_location_active=False)
        cancel(shop, order_id)
        assert (shop.stock(), shop.entries("order.cancelled")[0]["restocked"]) == (97, False)

    def test_tells_the_buyer_only_when_asked(self, shop: Client) -> None:
        cancel(shop, shop.sell())
        assert shop.entries("buyer.mailed") == []
        cancel(shop, shop.sell(), notify=True)
        assert len(shop.entries("buyer.mailed")) == 1

    def test_by_the_merchant_follows_the_same_rules(self, shop: Client) -> None:
        made = shop.create()
        shop.control("cancel", order=made["name"], restock=True)
        assert (shop.stock(), shop.entries("order.cancelled")[0]["by"]) == (100, "merchant")
        sent = shop.create()
        shop.control("ship", order=sent["name"])
        shop.control("cancel", 400, order=sent["name"])


class TestRefundOfUnitsThatWereNotFulfilled:
    def test_takes_them_away_and_restocks_them(self, shop: Client) -> None:
        order_id = shop.sell()
        said = refund(shop, order_id, row(shop, order_id, 2, restockType="CANCEL"), note="TT:1")
        assert said["refund"]["totalRefundedSet"]["shopMoney"]["amount"] == "0.0"
        assert said["order"]["displayFinancialStatus"] == "PAID"
        line = shop.line(order_id)
        assert (line["quantity"], line["currentQuantity"], line["unfulfilledQuantity"]) == (3, 1, 1)
        assert shop.stock() == 99
        assert [line["remainingQuantity"] for line in shop.goods(order_id)["lineItems"]["nodes"]] == [1, 1]
        (entry,) = shop.entries("units.cancelled")
        assert (entry["lines"], entry["how"], entry["reference"]) == ({FIG: 2}, "refund", "5764")
        (entry,) = shop.entries("refund.created")
        assert (entry["lines"], entry["amount"], entry["note"]) == ({FIG: 2}, "0", "TT:1")

    def test_leaves_nothing_to_fulfill_when_all_are_taken(self, shop: Client) -> None:
        order_id = shop.sell()
        rows = [row(shop, order_id, count, sku, restockType="CANCEL") for sku, count in ((FIG, 3), (SEA, 1))]
        refund(shop, order_id, *rows)
        assert shop.goods(order_id)["status"] == "CLOSED"
        assert shop.order(order_id)["cancelledAt"] is None

    def test_without_restocking_leaves_them_to_be_fulfilled(self, shop: Client) -> None:
        order_id = shop.sell()
        refund(shop, order_id, row(shop, order_id, 2, restockType="NO_RESTOCK"))
        line = shop.line(order_id)
        assert (line["currentQuantity"], line["unfulfilledQuantity"]) == (1, 3)
        assert shop.entries("units.cancelled") == []

    def test_is_worth_its_share_of_discount_and_tax(self, shop: Client) -> None:
        order_id = shop.sell()
        said = refund(shop, order_id, row(shop, order_id, 1, restockType="CANCEL"))
        (line,) = said["refund"]["refundLineItems"]["nodes"]
        assert (line["subtotalSet"]["shopMoney"]["amount"], line["totalTaxSet"]["shopMoney"]["amount"]) == (
            "22.5",
            "2.5",
        )
        order = shop.order(order_id)
        assert order["totalPriceSet"]["shopMoney"]["amount"] == "105"
        assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "80"


class TestRefundOfUnitsThatLeft:
    def test_needs_the_location_they_come_back_to(self, shop: Client) -> None:
        order_id = shop.shipped()
        assert refused(shop, order_id, row(shop, order_id, restockType="RETURN"))[-1] == "locationId"
        place = shop.shop.location_id
        refund(shop, order_id, row(shop, order_id, restockType="RETURN", locationId=place))
        assert (shop.stock(), shop.line(order_id)["currentQuantity"]) == (98, 2)

    def test_may_restock_nothing(self, shop: Client) -> None:
        order_id = shop.shipped()
        refund(shop, order_id, row(shop, order_id, restockType="NO_RESTOCK"))
        assert shop.stock() == 97
        (said,) = shop.order(order_id)["refunds"]
        (line,) = said["refundLineItems"]["nodes"]
        assert (line["restockType"], line["restocked"], line["lineItem"]["sku"]) == ("NO_RESTOCK", False, FIG)


class TestRefund:
    def test_is_made_once_for_a_key(self, shop: Client) -> None:
        order_id = shop.sell()
        one = row(shop, order_id, restockType="CANCEL")
        first, again = refund(shop, order_id, one), refund(shop, order_id, one)
        assert (first["refund"]["id"], first["order"]["id"]) == (again["refund"]["id"], again["order"]["id"])
        assert len(shop.entries("refund.created")) == 1
        other = {"orderId": order_id, "refundLineItems": [one], "note": "x"}
        assert shop.deny(REFUND, key="k", input=other) == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"

    def test_key_is_another_refunds_after_a_day(self, shop: Client, world: World) -> None:
        order_id = shop.sell()
        refund(shop, order_id, row(shop, order_id, restockType="CANCEL"))
        world.advance(86_401)
        refund(shop, order_id, row(shop, order_id, restockType="CANCEL"))
        assert len(shop.entries("refund.created")) == 2

    @pytest.mark.parametrize("key", ["", "  "])
    def test_needs_its_key(self, shop: Client, key: str) -> None:
        assert shop.deny(REFUND, key=key, input={"orderId": shop.sell()}) == "BAD_REQUEST"

    def test_moves_money_only_by_transactions(self, shop: Client) -> None:
        made = shop.create()
        (sale,) = made["transactions"]

        def back(amount: str, **more: Any) -> dict[str, Any]:
            one = {"orderId": made["id"], "parentId": sale["id"], "gateway": sale["gateway"], "kind": "REFUND"}
            return {**one, "amount": amount, **more}

        said = refund(shop, made["id"], transactions=[back("12.50")])
        assert said["refund"]["transactions"]["nodes"] == [{"kind": "REFUND", "gateway": "TikTok Shop"}]
        assert said["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
        for wrong in (
            back("92.51"),
            back("0"),
            back("-1"),
            back("12", gateway="manual"),
            back("12", parentId="gid://shopify/OrderTransaction/1"),
            back("12", orderId="gid://shopify/Order/1"),
            back("12", kind="SALE"),
        ):
            assert refused(shop, made["id"], transactions=[wrong])[0] == "transactions"
        said = refund(shop, made["id"], transactions=[back("92.50")], key="k2")
        assert said["order"]["displayFinancialStatus"] == "REFUNDED"
        refund(shop, made["id"], transactions=[back("1")], allowOverRefunding=True, key="k3")

    def test_of_shipping_is_no_more_than_was_paid_for_it(self, shop: Client) -> None:
        order_id = shop.sell()
        refund(shop, order_id, shipping={"amount": "3.00"})
        assert refused(shop, order_id, shipping={"amount": "2.01"}) == ["shipping", "amount"]
        refund(shop, order_id, shipping={"fullRefund": True}, key="k2")
        assert refused(shop, order_id, shipping={"amount": "0.01"}) == ["shipping", "amount"]

    def test_refuses_what_is_not_there(self, shop: Client) -> None:
        order_id = shop.sell()
        place = shop.shop.location_id
        for wrong in (
            row(shop, order_id, 4, restockType="CANCEL"),
            row(shop, order_id, 0, restockType="CANCEL"),
            row(shop, order_id, 1, restockType="RETURN", locationId=place),
            row(shop, order_id, 1, restockType="LEGACY_RESTOCK"),
            row(shop, order_id, 1, restockType="NO_RESTOCK", locationId=place),
            row(shop, order_id, 1, restockType="CANCEL", locationId="gid://shopify/Location/1"),
            {"lineItemId": "gid://shopify/LineItem/1", "quantity": 1},
        ):
            assert refused(shop, order_id, wrong)[0] == "refundLineItems"
        assert refused(shop, "gid://shopify/Order/1") == ["orderId"]
        assert refused(shop, order_id, currency="EUR") == ["currency"]

    def test_does_nothing_of_it_when_one_line_is_wrong(self, shop: Client) -> None:
        order_id = shop.sell()
        good, bad = row(shop, order_id, 2, restockType="CANCEL"), row(shop, order_id, 2, restockType="CANCEL")
        assert refused(shop, order_id, good, bad)
        assert (shop.line(order_id)["currentQuantity"], shop.stock()) == (3, 97)

    def test_of_what_left_is_not_a_cancellation(self, shop: Client) -> None:
        order_id = shop.shipped({FIG: 2})
        assert refused(shop, order_id, row(shop, order_id, 2, restockType="CANCEL"))[0] == "refundLineItems"
        refund(shop, order_id, row(shop, order_id, 1, restockType="CANCEL"))

    def test_may_be_empty_or_not(self, shop: Client) -> None:
        order_id = shop.sell()
        refund(shop, order_id, note="only a note")
        shop.control("settings", takes_empty_refunds=False)
        assert refused(shop, order_id) == []

    def test_mails_the_buyer_only_when_asked(self, shop: Client) -> None:
        order_id = shop.sell()
        refund(shop, order_id, note="a")
        assert shop.entries("buyer.mailed") == []
        refund(shop, order_id, note="b", notify=True, key="k2")
        assert shop.entries("buyer.mailed")[0]["about"] == "refund"

    def test_by_the_merchant_is_seen(self, shop: Client) -> None:
        made = shop.create()
        shop.control("refund", order=made["name"], lines={FIG: 1}, restock="cancel", amount="24.50", note="by hand")
        order = shop.order(made["id"])
        assert (order["refunds"][0]["note"], order["displayFinancialStatus"]) == ("by hand", "PARTIALLY_REFUNDED")
        assert shop.entries("refund.created")[0]["by"] == "merchant"
        shop.control("refund", 400, order=made["name"], lines={FIG: 3})
        shop.control("refund", 400, order=made["name"], amount="80.51")


class TestEdit:
    def begin(self, shop: Client, order_id: str) -> tuple[str, dict[str, str]]:
        calculated = shop.do(BEGIN, id=order_id)["calculatedOrder"]
        return calculated["id"], {line["sku"]: line["id"] for line in calculated["lineItems"]["nodes"]}

    def test_is_made_true_by_its_commit(self, shop: Client) -> None:
        order_id = shop.sell()
        edit, lines = self.begin(shop, order_id)
        staged = shop.do(SET, id=edit, line=lines[FIG], quantity=1, restock=True)
        assert staged["calculatedLineItem"] == {"quantity": 1, "restocking": True}
        assert staged["calculatedOrder"]["subtotalLineItemsQuantity"] == 2
        assert (shop.line(order_id)["currentQuantity"], shop.entries("units.cancelled")) == (3, [])
        shop.do(COMMIT, id=edit, note="Cancelled on TikTok Shop")
        line, order = shop.line(order_id), shop.order(order_id)
        assert (line["quantity"], line["currentQuantity"], line["unfulfilledQuantity"]) == (3, 1, 1)
        assert (order["edited"], order["refunds"], shop.stock()) == (True, [], 99)
        (entry,) = shop.entries("units.cancelled")
        assert (entry["lines"], entry["how"], entry["note"]) == ({FIG: 2}, "edit", "Cancelled on TikTok Shop")

    def test_restocks_only_when_asked(self, shop: Client) -> None:
        edit, lines = self.begin(shop, shop.sell())
        shop.do(SET, id=edit, line=lines[FIG], quantity=0)
        shop.do(COMMIT, id=edit)
        assert shop.stock() == 97

    def test_may_name_the_session_instead_of_the_order(self, shop: Client) -> None:
        order_id = shop.sell()
        said = shop.do(BEGIN, id=order_id)
        line = said["calculatedOrder"]["lineItems"]["nodes"][0]["id"]
        session = said["orderEditSession"]["id"]
        shop.do(SET, id=session, line=line, quantity=2)
        shop.do(COMMIT, id=session)
        assert shop.line(order_id)["currentQuantity"] == 2

    def test_reaches_only_what_is_not_fulfilled(self, shop: Client) -> None:
        order_id = shop.shipped({FIG: 2})
        edit, lines = self.begin(shop, order_id)
        assert shop.refuse(SET, id=edit, line=lines[FIG], quantity=1)["field"] == ["quantity"]
        shop.do(SET, id=edit, line=lines[FIG], quantity=2)
        shop.do(COMMIT, id=edit)
        assert shop.line(order_id)["unfulfilledQuantity"] == 0

    def test_refuses_what_is_wrong(self, shop: Client) -> None:
        order_id = shop.sell()
        edit, lines = self.begin(shop, order_id)
        for quantity in (-1, 4):
            assert shop.refuse(SET, id=edit, line=lines[FIG], quantity=quantity)["field"] == ["quantity"]
        for line in ("gid://shopify/CalculatedLineItem/1", shop.line(order_id)["id"]):
            assert shop.refuse(SET, id=edit, line=line, quantity=1)["field"] == ["lineItemId"]
        for wrong in ("gid://shopify/CalculatedOrder/1", order_id):
            assert shop.refuse(SET, id=wrong, line=lines[FIG], quantity=1)["field"] == ["id"]
            assert shop.refuse(COMMIT, id=wrong)["field"] == ["id"]
        assert shop.refuse(BEGIN, id="gid://shopify/Order/1")["field"] == ["id"]
        shop.do(COMMIT, id=edit)
        assert shop.refuse(COMMIT, id=edit)["field"] == ["id"]
        cancel(shop, order_id)
        assert shop.refuse(BEGIN, id=order_id)["field"] == ["id"]

    def test_is_stale_once_something_was_shipped_or_refunded(self, shop: Client) -> None:
        made = shop.create()
        edit, lines = self.begin(shop, made["id"])
        shop.do(SET, id=edit, line=lines[FIG], quantity=2)
        shop.control("ship", order=made["name"], lines={FIG: 1})
        assert shop.refuse(COMMIT, id=edit)["field"] == ["id"]

    def test_by_the_merchant_takes_units_away(self, shop: Client) -> None:
        made = shop.create()
        shop.control("remove_units", order=made["name"], lines={FIG: 1}, restock=True)
        assert (shop.line(made["id"])["currentQuantity"], shop.stock()) == (2, 98)
        assert shop.entries("units.cancelled")[0]["by"] == "merchant"
        shop.control("remove_units", 400, order=made["name"], lines={FIG: 3})


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "document", "variables"),
        [
            ("write_orders", CANCEL, {"id": "x", "reason": "OTHER", "restock": True}),
            ("write_orders", REFUND, {"key": "k", "input": {"orderId": "x"}}),
            ("write_order_edits", BEGIN, {"id": "x"}),
            ("write_order_edits", SET, {"id": "x", "line": "y", "quantity": 1}),
            ("write_order_edits", COMMIT, {"id": "x"}),
            ("read_locations", "query { locations(first: 5) { nodes { id name isActive } } }", {}),
        ],
    )
    def test_are_needed_one_by_one(self, shop: Client, scope: str, document: str, variables: dict[str, Any]) -> None:
        shop.allow(*(one for one in SCOPES if one != scope))
        assert shop.deny(document, **variables) == "ACCESS_DENIED"
        shop.allow(scope)
        assert "errors" not in shop.post(document, variables)


class TestLocations:
    def test_name_those_that_are_active(self, shop: Client) -> None:
        document = "query($all: Boolean) { locations(first: 5, includeInactive: $all) { nodes { id isActive } } }"
        (place,) = shop.ask(document)["nodes"]
        assert place == {"id": shop.shop.location_id, "isActive": True}
        shop.control("settings", is_location_active=False)
        assert (shop.ask(document)["nodes"], len(shop.ask(document, all=True)["nodes"])) == ([], 1)
