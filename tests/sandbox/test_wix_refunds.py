"""What happens to an order of the Wix half after it was sold: cancelled, refunded, commented on."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.test_wix import TIKTOK_ID, Client, price

FIG = "CND-FIG-08"
ABLE, CALCULATE, REFUND = (
    f"/ecom/v1/order-billing/{name}" for name in ("get-order-refundability", "calculate-refund", "refund-payments")
)


class Shop(Client):
    """Two figs at 24 from the catalog, a fee of 2, shipping of 5, tax of 4, 5 off: 54, paid offline."""

    def sell(self, *, is_paid: bool = True, **changes: Any) -> dict[str, Any]:
        tax = {"taxAmount": price("4.00"), "taxableAmount": price("48.00"), "taxRate": "0.083"}
        made = self.create(
            lineItems=[{**self.line_of(FIG), "taxInfo": {**tax, "taxIncludedInPrice": False}}],
            additionalFees=[{"name": "Gift wrap", "price": price("2.00")}],
            priceSummary={
                "subtotal": price("48.00"),
                "shipping": price("5.00"),
                "tax": price("4.00"),
                "discount": price("5.00"),
                "totalAdditionalFees": price("2.00"),
                "total": price("54.00"),
            },
            **changes,
        )
        if is_paid:
            body = {"payments": [{"amount": price("54.00"), "regularPaymentDetails": {"offlinePayment": True}}]}
            self.call("POST", f"/ecom/v1/payments/orders/{made['id']}/add-payment", body)
        return made

    def order_of(self, order_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/ecom/v1/orders/{order_id}")["order"])

    def payment(self, order_id: str) -> str:
        return str(self.call("GET", f"/ecom/v1/payments/orders/{order_id}")["orderTransactions"]["payments"][0]["id"])

    def refund(self, order: dict[str, Any], amount: str = "8.00", status: int = 200, **more: Any) -> dict[str, Any]:
        one = {"paymentId": self.payment(order["id"]), "amount": price(amount), "externalRefund": True}
        body = {"orderId": order["id"], "paymentRefunds": [one], **more}
        return dict(self.call("POST", REFUND, body, status))

    def code(self, said: dict[str, Any]) -> str:
        return str(said["details"]["applicationError"]["code"])

    def entries(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.world.ledger if entry["event"] == event]


@pytest.fixture
def site(url: str, world: World) -> Shop:
    return Shop(url, world)


@pytest.fixture
def valid(contracts: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Whether an answer has only what the typings have."""
    monkeypatch.setenv("SANDBOX_SHOPIFY_SCHEMA", "")  # the judge would set it, for this whole process
    from tests.contracts.judge import wix_check, wix_shapes

    def check(value: Any, service: str, name: str) -> None:
        wrong: list[str] = []
        wix_check(value, name, wix_shapes()[service], wrong, name, is_answer=True)
        assert wrong == []

    return check


def units(order: dict[str, Any], count: int = 1) -> dict[str, Any]:
    return {"lineItemId": order["lineItems"][0]["id"], "quantity": count}


class TestCancel:
    def cancel(self, site: Shop, order: dict[str, Any], status: int = 200, **body: Any) -> dict[str, Any]:
        return dict(site.call("POST", f"/ecom/v1/orders/{order['id']}/cancel", body, status))

    def test_is_told_with_what_came_of_the_stock(self, site: Shop) -> None:
        order = site.sell()
        said = self.cancel(site, order, restockAllItems=True)["order"]
        assert said["lineItems"][0]["restockQuantity"] == 2
        assert (said["paymentStatus"], said["balanceSummary"]["refunded"]) == ("PAID", price("0.00"))
        (entry,) = site.entries("order.cancelled")
        assert (entry["restocked"], entry["mailed"], entry["by"]) == (True, False, "app")
        (entry,) = site.entries("stock.restocked")
        assert (entry["lines"], entry["why"], entry["reference"]) == ({FIG: 2}, "cancel", TIKTOK_ID)

    def test_says_that_it_was_cancelled_before(self, site: Shop) -> None:
        order = site.sell()
        self.cancel(site, order)
        assert site.code(self.cancel(site, order, 428)) == "ORDER_ALREADY_CANCELED"

    def test_is_refused_while_a_payment_is_authorized(self, site: Shop) -> None:
        order = site.sell()
        site.control("add_payment", order=order["number"], amount="1.00", to="AUTHORIZED")
        assert site.code(self.cancel(site, order, 400)) == "ORDER_HAS_AUTHORIZED_TRANSACTION"

    @pytest.mark.parametrize("status", ["PENDING", "REJECTED"])
    def test_is_refused_before_approval_as_every_change_is(self, site: Shop, status: str) -> None:
        order = site.sell()
        site.control("set_status", order=order["number"], to=status)
        code = f"ORDER_IS_{status}"
        assert site.code(self.cancel(site, order, 400)) == code
        assert site.code(site.refund(order, status=400)) == code
        path, body = f"/ecom/v1/orders/{order['id']}", {"order": {"buyerNote": "x"}}
        assert site.code(site.call("PATCH", path, body, 400)) == code

    def test_may_be_refused_once_a_parcel_left(self, site: Shop) -> None:
        site.control("settings", cancel_fulfilled="refuse")
        order = site.sell()
        site.control("ship", order=order["number"], lines={FIG: 1})
        assert site.code(self.cancel(site, order, 428)) == "ORDER_CANNOT_BE_CANCELED"
        site.control("settings", cancel_fulfilled="allow")
        self.cancel(site, order)

    def test_of_some_items_does_not_exist(self, site: Shop) -> None:
        order = site.sell()
        line = {**order["lineItems"][0], "quantity": 1}
        said = site.call("PATCH", f"/ecom/v1/orders/{order['id']}", {"order": {"lineItems": [line]}}, 400)
        assert said["details"]["validationError"]["fieldViolations"][0]["field"] == "order.lineItems"
        self.cancel(site, order, 400, lineItems=[units(order)])

    def test_by_the_merchant_ends_the_shipping(self, site: Shop) -> None:
        order = site.sell()
        site.control("cancel", order=order["number"], restock=True)
        assert (site.stock(FIG), site.entries("order.cancelled")[0]["by"]) == (100, "merchant")
        site.control("ship", 400, order=order["number"])


class TestRefundability:
    def ask(self, site: Shop, order: dict[str, Any]) -> dict[str, Any]:
        return dict(site.call("POST", ABLE, {"orderId": order["id"]}))

    def test_is_of_payments_lines_fees_and_shipping(self, site: Shop, valid: Any) -> None:
        order = site.sell()
        told = self.ask(site, order)
        valid(told, "billing", "GetOrderRefundabilityResponse")
        assert told["paymentsSummary"]["monetary"]["maxRefund"] == price("54.00")
        assert told["lineItems"][0]["availableRefundQuantity"] == 2
        assert told["shipping"]["availableRefundAmount"] == price("5.00")
        assert told["additionalFees"][0]["availableRefundAmount"] == price("2.00")
        assert told["additionalFees"][0]["additionalFeeId"] == order["additionalFees"][0]["id"]

    def test_falls_with_each_refund(self, site: Shop) -> None:
        order = site.sell()
        fee = {"additionalFeeId": order["additionalFees"][0]["id"], "amount": price("2.00")}
        items = {"lineItems": [units(order)], "additionalFees": [fee], "shipping": {"amount": price("1.00")}}
        site.refund(order, "27.00", refundItems=items)
        told = self.ask(site, order)
        assert told["payments"][0]["payment"]["monetary"]["maxRefund"] == price("27.00")
        assert told["lineItems"][0]["availableRefundQuantity"] == 1
        assert told["shipping"]["availableRefundAmount"] == price("4.00")
        assert told["additionalFees"][0]["availableRefundAmount"] == price("0.00")
        site.refund(order, "27.00")
        assert self.ask(site, order)["payments"][0]["nonRefundable"] == {"reason": "ALREADY_REFUNDED"}

    @pytest.mark.parametrize(
        ("settings", "reason"),
        [({"to": "PENDING"}, "NOT_PAID"), ({"is_refundable": False}, "DISABLED_BY_PROVIDER")],
    )
    def test_says_why_a_payment_is_not(self, site: Shop, settings: dict[str, Any], reason: str, valid: Any) -> None:
        order = site.sell(is_paid=False)
        site.control("add_payment", order=order["number"], amount="54.00", **settings)
        told = self.ask(site, order)
        valid(told, "billing", "GetOrderRefundabilityResponse")
        assert told["payments"][0]["nonRefundable"] == {"reason": reason}
        assert site.code(site.refund(order, status=400)) == "PAYMENT_NOT_REFUNDABLE"

    def test_waits_for_what_is_pending(self, site: Shop) -> None:
        site.control("settings", refund_result="PENDING")
        order = site.sell()
        site.refund(order, "54.00")
        row = self.ask(site, order)["payments"][0]
        assert (row["nonRefundable"], row["payment"]["monetary"]["refundPending"]) == (
            {"reason": "PENDING_REFUND"},
            price("54.00"),
        )

    def test_of_an_order_that_is_not_there_is_refused(self, site: Shop) -> None:
        site.call("POST", ABLE, {"orderId": str(uuid.uuid4())}, 404)
        site.call("POST", ABLE, {}, 400)


class TestCalculation:
    def test_adds_up_what_is_asked_for(self, site: Shop, valid: Any) -> None:
        order = site.sell()
        fee = {"additionalFeeId": order["additionalFees"][0]["id"], "amount": price("2.00")}
        items = {"lineItems": [units(order)], "additionalFees": [fee], "shipping": {"amount": price("5.00")}}
        told = site.call("POST", CALCULATE, {"orderId": order["id"], "refundItems": items})
        valid(told, "billing", "CalculateRefundResponse")
        assert told["calculatedRefundItems"]["lineItems"][0]["summary"]["total"] == price("23.50")  # 24 - 2.50 + 2
        assert (told["available"], told["summary"]["total"]) == (True, price("30.50"))
        assert site.entries("refund.created") == []

    def test_says_what_of_it_is_not_to_be_had(self, site: Shop, valid: Any) -> None:
        order = site.sell()
        items = {"lineItems": [units(order, 3)], "shipping": {"amount": price("5.01")}}
        told = site.call("POST", CALCULATE, {"orderId": order["id"], "refundItems": items})
        valid(told, "billing", "CalculateRefundResponse")
        wrong = told["notAvailable"]["errors"]
        assert (told["available"], [sorted(one) for one in wrong]) == (
            False,
            [["error", "lineItem"], ["error", "shipping"]],
        )


class TestRefund:
    def test_of_some_units_is_kept_with_its_reason(self, site: Shop, valid: Any) -> None:
        order = site.sell()
        said = site.refund(
            order,
            "23.50",
            refundItems={"lineItems": [units(order)]},
            sideEffects={"restock": {"lineItems": [units(order)]}},
            customerReason="TT:4035",
        )
        valid(said, "billing", "RefundPaymentsResponse")
        assert said["refund"]["details"]["reason"] == "TT:4035"
        told = site.order_of(order["id"])
        valid(told["lineItems"][0], "orders", "OrderLineItem")
        valid(told["balanceSummary"], "orders", "BalanceSummary")
        assert (told["paymentStatus"], told["status"]) == ("PARTIALLY_REFUNDED", "APPROVED")
        assert (told["lineItems"][0]["refundQuantity"], told["lineItems"][0]["restockQuantity"]) == (1, 1)
        assert (told["lineItems"][0]["quantity"], told["fulfillmentStatus"]) == (2, "NOT_FULFILLED")
        (entry,) = site.entries("refund.created")
        assert (entry["lines"], entry["restocked"], entry["amount"]) == ({FIG: 1}, {FIG: 1}, "23.50")
        assert (entry["note"], entry["is_external"], entry["by"]) == ("TT:4035", True, "app")
        assert site.stock(FIG) == 99

    def test_keeps_the_units_shippable(self, site: Shop) -> None:
        order = site.sell()
        site.refund(order, refundItems={"lineItems": [units(order, 2)]})
        site.control("ship", order=order["number"], lines={FIG: 2})

    @pytest.mark.parametrize(
        "items",
        [
            {"lineItems": [{"quantity": 3}]},
            {"lineItems": [{"quantity": 1}, {"quantity": 2}]},
            {"lineItems": [{"lineItemId": str(uuid.UUID(int=1)), "quantity": 1}]},
            {"shipping": {"amount": price("5.01")}},
            {"shipping": {"amount": price("-1.00")}},
            {"additionalFees": [{"amount": price("2.01")}]},
            {"additionalFees": [{"additionalFeeId": str(uuid.UUID(int=1)), "amount": price("1.00")}]},
        ],
    )
    def test_of_more_than_is_left_is_refused(self, site: Shop, items: dict[str, Any]) -> None:
        order = site.sell()
        line, fee = order["lineItems"][0]["id"], order["additionalFees"][0]["id"]
        for name, value in (("lineItems", {"lineItemId": line}), ("additionalFees", {"additionalFeeId": fee})):
            items = {**items, **({name: [{**value, **one} for one in items[name]]} if name in items else {})}
        assert site.code(site.refund(order, status=400, refundItems=items)) == "INVALID_REFUND_ITEMS"
        assert site.entries("refund.created") == []

    def test_restocks_no_unit_twice(self, site: Shop) -> None:
        order = site.sell()
        twice = {"restock": {"lineItems": [units(order, 2)]}}
        site.refund(order, sideEffects=twice)
        assert site.code(site.refund(order, status=400, sideEffects=twice)) == "INVALID_RESTOCK_ITEMS"
        site.call("POST", f"/ecom/v1/orders/{order['id']}/cancel", {"restockAllItems": True})
        assert site.stock(FIG) == 100

    @pytest.mark.parametrize(
        "changes",
        [
            {"customerReason": "x" * 201},
            {"paymentRefunds": []},
            {"refundId": "x"},
            {"refundItems": {"lineItems": [{"quantity": 1}]}},
            {"sideEffects": {"notify": True}},
        ],
    )
    def test_has_no_other_shape(self, site: Shop, changes: dict[str, Any]) -> None:
        said = site.refund(site.sell(), status=400, **changes)
        assert said["details"]["validationError"]["fieldViolations"]

    def test_of_a_payment_that_is_not_there_is_refused(self, site: Shop) -> None:
        order = site.sell()
        one = {"paymentId": str(uuid.uuid4()), "amount": price("1.00"), "externalRefund": True}
        site.refund(order, status=404, paymentRefunds=[one])

    def test_adds_up_within_one_request(self, site: Shop) -> None:
        order = site.sell()
        one = {"paymentId": site.payment(order["id"]), "amount": price("30.00"), "externalRefund": True}
        assert site.code(site.refund(order, status=400, paymentRefunds=[one, one])) == "REFUND_AMOUNT_TOO_LARGE"

    def test_that_failed_leaves_everything_as_it_was(self, site: Shop) -> None:
        site.control("settings", refund_result="PENDING")
        order = site.sell()
        site.refund(order, "54.00", refundItems={"lineItems": [units(order, 2)]})
        assert site.order_of(order["id"])["balanceSummary"]["pendingRefund"] == price("54.00")
        site.control("settle_refunds", order=order["number"], result="FAILED")
        told = site.order_of(order["id"])
        assert (told["paymentStatus"], "refundQuantity" in told["lineItems"][0]) == ("PAID", False)
        site.refund(order, "54.00", refundItems={"lineItems": [units(order, 2)]})
        assert [entry["result"] for entry in site.entries("refund.settled")] == ["FAILED"]

    def test_that_fails_at_once_restocks_nothing(self, site: Shop) -> None:
        order = site.sell()
        effects = {"restock": {"lineItems": [units(order, 2)]}}
        site.control("settings", refund_result="FAILED")
        site.refund(order, sideEffects=effects)
        assert (site.stock(FIG), site.entries("refund.created")[0]["restocked"]) == (98, {})
        site.control("settings", refund_result="SUCCEEDED")
        site.refund(order, sideEffects=effects)
        assert site.stock(FIG) == 100

    def test_mails_the_buyer_only_when_asked(self, site: Shop) -> None:
        order = site.sell()
        site.refund(order)
        assert site.entries("buyer.mailed") == []
        site.refund(order, sideEffects={"notifications": {"sendCustomerEmail": True}})
        assert len(site.entries("buyer.mailed")) == 1

    def test_by_the_merchant_is_seen(self, site: Shop) -> None:
        order = site.sell()
        site.control("refund", order=order["number"], lines={FIG: 1}, amount="23.50", restock=True, reason="by hand")
        told = site.order_of(order["id"])
        assert (told["lineItems"][0]["refundQuantity"], told["paymentStatus"]) == (1, "PARTIALLY_REFUNDED")
        assert site.entries("refund.created")[0]["by"] == "merchant"
        site.control("refund", 400, order=order["number"], lines={FIG: 2})
        site.control("refund", order=order["number"])
        assert site.order_of(order["id"])["paymentStatus"] == "FULLY_REFUNDED"
        unpaid = site.sell(is_paid=False)
        site.control("refund", 400, order=unpaid["number"])


class TestComment:
    def test_stands_beside_the_order(self, site: Shop, valid: Any) -> None:
        order = site.sell()
        path = f"/ecom/v1/orders/{order['id']}/activities"
        site.call("POST", path, {"activity": {"merchantComment": {"message": "Return requested"}}})
        site.control("comment", order=order["number"], text="Noted")
        told = site.order_of(order["id"])["activities"]
        assert [one["merchantComment"]["message"] for one in told] == ["Return requested", "Noted"]
        for one in told:
            valid(one, "orders", "Activity")
        assert [entry["by"] for entry in site.entries("note.added")] == ["app", "merchant"]
        for wrong in ({}, {"activity": {}}, {"activity": {"merchantComment": {"message": "x" * 5001}}}, {"text": "x"}):
            site.call("POST", path, wrong, 400)


class TestWebhook:
    def told(self, world: World, got: list[tuple[dict[str, str], bytes]]) -> list[tuple[str, str, dict[str, Any]]]:
        """(event, whose doing it was, its body) of all actions since the last look."""
        got.clear()
        world.outgoing.drain()
        found = []
        for _, body in got:
            claims = json.loads(base64.urlsafe_b64decode(body.split(b".")[1] + b"=="))
            envelope = json.loads(claims["data"])
            event = json.loads(envelope["data"])
            who = json.loads(envelope["identity"])["identityType"]
            if "actionEvent" in event:
                assert envelope["eventType"] == f"{event['entityFqdn']}_{event['slug']}"
                found.append((envelope["eventType"].removeprefix("wix.ecom.v1."), who, event["actionEvent"]["body"]))
        return found

    def test_tells_of_a_refund_and_of_the_new_payment_status(self, url: str, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        site = Shop(url, world, webhook_url=address)
        order = site.sell()
        self.told(world, got)
        effects = {"restock": {"lineItems": [units(order)]}}
        refund = site.refund(order, sideEffects=effects)["refund"]
        told = {event: (who, body) for event, who, body in self.told(world, got)}
        assert set(told) == {
            "order_transactions_details_updated",
            "order_transactions_refund_completed",
            "order_payment_status_updated",
        }
        assert {who for who, _ in told.values()} == {"APP"}
        body = told["order_transactions_refund_completed"][1]
        assert (body["refund"]["id"], body["sideEffects"], body["orderId"]) == (refund["id"], effects, order["id"])
        body = told["order_payment_status_updated"][1]
        assert (body["previousPaymentStatus"], body["order"]["paymentStatus"]) == ("PAID", "PARTIALLY_REFUNDED")
        assert told["order_transactions_details_updated"][1]["refundIds"] == [refund["id"]]

    def test_tells_of_a_pending_refund_only_when_it_has_ended(self, url: str, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        site = Shop(url, world, webhook_url=address)
        site.control("settings", refund_result="PENDING")
        order = site.sell()
        self.told(world, got)
        site.refund(order)
        assert [event for event, _, _ in self.told(world, got)] == ["order_transactions_details_updated"]
        site.control("settle_refunds", order=order["number"])
        events = {event for event, who, _ in self.told(world, got) if who == "WIX_USER"}
        assert "order_transactions_refund_completed" in events

    def test_tells_of_a_cancellation_with_what_was_asked(self, url: str, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        site = Shop(url, world, webhook_url=address)
        by_app, by_hand = site.sell(), site.sell()
        self.told(world, got)
        site.call("POST", f"/ecom/v1/orders/{by_app['id']}/cancel", {"restockAllItems": True})
        site.control("cancel", order=by_hand["number"])
        told = {who: (event, body["restockAllItems"]) for event, who, body in self.told(world, got)}
        assert told == {"APP": ("order_canceled", True), "WIX_USER": ("order_canceled", False)}
