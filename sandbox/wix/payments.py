"""Transactions: payments that were added, and what became of refunds."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.notices import Notices
from sandbox.wix.orders import Orders, has_failed, payment_status, refuse
from sandbox.wix.state import Site, State


class Payments:
    def __init__(self, state: State, notices: Notices, orders: Orders) -> None:
        self.state = state
        self.notices = notices
        self.orders = orders

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

    def settle(self, site: Site, order: dict[str, Any], result: str) -> None:
        """A refund that was PENDING becomes SUCCEEDED or FAILED."""
        before, changed = payment_status(order), []
        for refund in order["refunds"]:
            waiting = [one for one in refund["told"]["transactions"] if one["refundStatus"] == "PENDING"]
            for one in waiting:
                one["refundStatus"] = result
            if waiting:
                sum_up(refund["told"])
                changed.append(refund["told"])
                self.state.world.ledger_add(
                    "wix", "refund.settled", refund["told"]["id"], order=order["id"], result=result
                )
        if changed:
            self.changed(site, order, changed, before, by_app=False)

    def changed(
        self,
        site: Site,
        order: dict[str, Any],
        refunds: list[dict[str, Any]],
        status_before: str,
        *,
        by_app: bool,
        effects: Mapping[str, Any] | None = None,
    ) -> None:
        """Tells of these refunds: that the details changed, which are over, and the order's new payment status."""
        order["modified"] = self.state.world.now()
        told, ids = self.told(order), [one["id"] for one in refunds]
        self.notices.details_updated(site, order["id"], told, ids, by_app=by_app)
        for refund in refunds:
            if not refund["summary"]["pending"]:
                self.notices.refunded(site, order["id"], refund, told, effects or {}, by_app=by_app)
        if payment_status(order) != status_before:
            self.notices.order(
                site,
                "payment_status_updated",
                order,
                self.orders.told(site, order),
                by_app=by_app,
                previousPaymentStatus=status_before,
            )


def refunds_that_count(order: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return (one["told"] for one in order["refunds"] if not has_failed(one["told"]))


def settled(order: Mapping[str, Any], payment: Mapping[str, Any], status: str = "SUCCEEDED") -> Decimal:
    """How much of the payment went back, or is in this status."""
    rows = (one for refund in order["refunds"] for one in refund["told"]["transactions"])
    found = (one for one in rows if one["paymentId"] == payment["id"] and one["refundStatus"] == status)
    return sum((Decimal(one["amount"]["amount"]) for one in found), Decimal(0))


def sum_up(told: dict[str, Any]) -> None:
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
