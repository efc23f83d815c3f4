"""Transactions and refunds. A refund that is not external would go to a payment provider, which no order here has."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.errors import Refused
from sandbox.wix.notices import Notices
from sandbox.wix.orders import move_stock, refuse
from sandbox.wix.state import Site, State


class Payments:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def told(self, order: dict[str, Any]) -> dict[str, Any]:
        return {
            "orderId": order["id"],
            "payments": order["payments"],
            "refunds": [one["told"] for one in order["refunds"]],
        }

    def add(self, order: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        refuse(shapes.PAYMENTS.check(body, ""))
        made = []
        for given in body["payments"]:
            details = given.get("regularPaymentDetails") or {}
            status = given.get("status") or details.get("status") or "APPROVED"
            made.append({"refundDisabled": False, **given, "id": str(uuid.uuid4()), "status": status})
        order["payments"] += made
        self.state.world.ledger_add("wix", "payment.added", made[0]["id"], order=order["id"])
        return {"orderTransactions": self.told(order), "paymentsIds": [one["id"] for one in made]}

    def refundability(self, site: Site, order: dict[str, Any]) -> dict[str, Any]:
        """What was paid offline is refundable by hand alone [guess], as `externalRefund` does."""
        done = self._refunded(order)
        rows = []
        for payment in order["payments"]:
            is_offline = (payment.get("regularPaymentDetails") or {}).get("offlinePayment", False)
            refunded = done.get(payment["id"], Decimal(0))
            row: dict[str, Any] = {"refundable": not payment["refundDisabled"]}
            if refunded >= Decimal(payment["amount"]["amount"]):
                row = {"refundable": False, "nonRefundable": {"reason": "ALREADY_REFUNDED"}}
            elif is_offline and not site.offline_refundable:
                row = {"refundable": False, "manuallyRefundable": {"reason": "OFFLINE"}}
            row["payment"] = {
                "paymentId": payment["id"],
                "offlinePayment": is_offline,
                "monetary": {"paid": payment["amount"], "refunded": {"amount": f"{refunded:.2f}"}},
            }
            rows.append(row)
        return {"payments": rows, "lineItems": self._lines(order), "additionalFees": []}

    def refund(self, site: Site, order: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        refuse(shapes.REFUND.check(body, ""))
        effects = body.get("sideEffects") or {}
        items = self._items(order, (body.get("refundItems") or {}).get("lineItems") or [])
        restocked = self._items(order, (effects.get("restock") or {}).get("lineItems") or [])
        transactions = self._transactions(site, order, body["paymentRefunds"])
        total = f"{sum(Decimal(one['amount']['amount']) for one in transactions):.2f}"
        told: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "transactions": transactions,
            "details": {
                "reason": body.get("customerReason", ""),
                "lineItems": [{"lineItemId": line_id, "quantity": quantity} for line_id, quantity in items],
            },
            "createdDate": self.state.iso(),
        }
        _sum_up(told)
        order["refunds"].append({"amount": total, "told": told})
        move_stock(site, order, restocked)
        self.state.world.ledger_add("wix", "refund.created", told["id"], order=order["id"], amount=total)
        self.notices.refunded(site, order["id"], told, self.told(order))
        return {"refund": told, "orderTransactions": self.told(order)}

    def _transactions(self, site: Site, order: dict[str, Any], asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        done = self._refunded(order)
        transactions = []
        for one in asked:
            payment = next((each for each in order["payments"] if each["id"] == one["paymentId"]), None)
            if payment is None:
                raise Refused(404, "the payment was not found", code="PAYMENT_NOT_FOUND")
            amount = Decimal((one.get("amount") or payment["amount"])["amount"])
            if amount <= 0 or amount + done.get(payment["id"], Decimal(0)) > Decimal(payment["amount"]["amount"]):
                raise Refused(400, "more than can be refunded", code="REFUND_AMOUNT_TOO_LARGE")
            if not one.get("externalRefund"):
                raise Refused(400, "the payment has no provider to refund it", code="PAYMENT_NOT_REFUNDABLE")
            transactions.append(
                {
                    "paymentId": payment["id"],
                    "amount": {"amount": f"{amount:.2f}"},
                    "refundStatus": site.refund_result,
                    "externalRefund": True,
                }
            )
        return transactions

    def _lines(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        back: dict[str, int] = {}
        for refund in order["refunds"]:
            has_failed = all(one["refundStatus"] == "FAILED" for one in refund["told"]["transactions"])
            for one in [] if has_failed else refund["told"]["details"]["lineItems"]:
                back[one["lineItemId"]] = back.get(one["lineItemId"], 0) + one["quantity"]
        return [
            {
                "lineItemId": line["id"],
                "originalQuantity": line["quantity"],
                "refundedQuantity": back.get(line["id"], 0),
                "availableRefundQuantity": line["quantity"] - back.get(line["id"], 0),
            }
            for line in order["lineItems"]
        ]

    def settle(self, order: dict[str, Any], result: str) -> None:
        """A refund that was PENDING becomes SUCCEEDED or FAILED."""
        for refund in order["refunds"]:
            for one in refund["told"]["transactions"]:
                one["refundStatus"] = result if one["refundStatus"] == "PENDING" else one["refundStatus"]
            _sum_up(refund["told"])

    def _items(self, order: dict[str, Any], wanted: list[dict[str, Any]]) -> list[tuple[str, int]]:
        ordered = {one["lineItemId"]: one["availableRefundQuantity"] for one in self._lines(order)}
        items = [(str(one["lineItemId"]), int(one.get("quantity", 1))) for one in wanted]
        for line_id, quantity in items:
            if quantity > ordered.get(line_id, 0):
                raise Refused(400, "the order does not have that many of the line", code="INVALID_REFUND_ITEMS")
        return items

    def _refunded(self, order: dict[str, Any]) -> dict[str, Decimal]:
        done: dict[str, Decimal] = {}
        for refund in order["refunds"]:
            for one in refund["told"]["transactions"]:
                if one["refundStatus"] != "FAILED":
                    done[one["paymentId"]] = done.get(one["paymentId"], Decimal(0)) + Decimal(one["amount"]["amount"])
        return done


def _sum_up(told: dict[str, Any]) -> None:
    sums = dict.fromkeys(("SUCCEEDED", "PENDING", "FAILED"), Decimal(0))
    for one in told["transactions"]:
        sums[one["refundStatus"]] += Decimal(one["amount"]["amount"])
    told["summary"] = {
        "requestedRefund": {"amount": f"{sum(sums.values()):.2f}"},
        "refunded": {"amount": f"{sums['SUCCEEDED']:.2f}"},
        "pendingRefund": {"amount": f"{sums['PENDING']:.2f}"},
        "failedRefundAmount": {"amount": f"{sums['FAILED']:.2f}"},
        "pending": sums["PENDING"] > 0,
    }
