"""Transactions and refunds. A refund that is not external would go to a payment provider, which no order here has."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.errors import Refused
from sandbox.wix.notices import Notices
from sandbox.wix.orders import refuse
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

    def refundability(self, order: dict[str, Any]) -> dict[str, Any]:
        done = self._refunded(order)
        rows = [
            {
                "refundable": not payment["refundDisabled"],
                "payment": {
                    "paymentId": payment["id"],
                    "offlinePayment": payment["regularPaymentDetails"].get("offlinePayment", False),
                    "monetary": {
                        "paid": payment["amount"],
                        "refunded": {"amount": f"{done.get(payment['id'], Decimal(0)):.2f}"},
                    },
                },
            }
            for payment in order["payments"]
        ]
        return {"payments": rows, "lineItems": [], "additionalFees": []}

    def refund(self, site: Site, order: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        refuse(shapes.REFUND.check(body, ""))
        done = self._refunded(order)
        transactions = []
        for wanted in body["paymentRefunds"]:
            payment = next((one for one in order["payments"] if one["id"] == wanted["paymentId"]), None)
            if payment is None:
                raise Refused(404, "the payment was not found", code="PAYMENT_NOT_FOUND")
            amount = Decimal((wanted.get("amount") or payment["amount"])["amount"])
            if amount <= 0 or amount + done.get(payment["id"], Decimal(0)) > Decimal(payment["amount"]["amount"]):
                raise Refused(400, "more than can be refunded", code="REFUND_AMOUNT_TOO_LARGE")
            if not wanted.get("externalRefund"):
                raise Refused(400, "the payment has no provider to refund it", code="PAYMENT_NOT_REFUNDABLE")
            transactions.append(
                {
                    "paymentId": payment["id"],
                    "amount": {"amount": f"{amount:.2f}"},
                    "refundStatus": site.refund_result,
                    "externalRefund": True,
                }
            )
        total = f"{sum(Decimal(one['amount']['amount']) for one in transactions):.2f}"
        told: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "transactions": transactions,
            "details": {
                "reason": body.get("customerReason", ""),
                "lineItems": (body.get("refundItems") or {}).get("lineItems", []),
            },
            "summary": {"requestedRefund": {"amount": total}, "refunded": {"amount": total}, "pending": False},
            "createdDate": self.state.iso(),
        }
        order["refunds"].append({"amount": total, "told": told})
        self.state.world.ledger_add("wix", "refund.created", told["id"], order=order["id"], amount=total)
        self.notices.refunded(site, order["id"], told, self.told(order))
        return {"refund": told, "orderTransactions": self.told(order)}

    def _refunded(self, order: dict[str, Any]) -> dict[str, Decimal]:
        done: dict[str, Decimal] = {}
        for refund in order["refunds"]:
            for one in refund["told"]["transactions"]:
                if one["refundStatus"] != "FAILED":
                    done[one["paymentId"]] = done.get(one["paymentId"], Decimal(0)) + Decimal(one["amount"]["amount"])
        return done
