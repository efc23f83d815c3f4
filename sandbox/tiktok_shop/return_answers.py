"""The seller's decisions on a return: which one fits where it stands, and what it needs beside it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.cancellation_calls import REJECTION, check_images
from sandbox.tiktok_shop.envelope import BOOL, OBJECT, STRING, Refusal, check_fields
from sandbox.tiktok_shop.reasons import check_rejection
from sandbox.tiktok_shop.refunds import rounded
from sandbox.tiktok_shop.returns import Returns
from sandbox.tiktok_shop.rows import Row
from sandbox.tiktok_shop.state import Shop
from sandbox.tiktok_shop.statuses import (
    CAME_TO_NOTHING,
    ENDED,
    PENDING,
    REPLACE_PENDING,
    SHIPPED,
    SUCCESS,
    TO_SHIP,
)

APPROVALS = {
    ("REFUND", PENDING): ("APPROVE_REFUND", "OFFER_PARTIAL_REFUND", "DIRECT_REFUND"),
    ("RETURN_AND_REFUND", PENDING): ("APPROVE_RETURN", "APPROVE_REFUND", "OFFER_PARTIAL_REFUND", "DIRECT_REFUND"),
    ("RETURN_AND_REFUND", TO_SHIP): ("DIRECT_REFUND",),  # [guess] here and above: the money without waiting for goods
    ("RETURN_AND_REFUND", SHIPPED): ("APPROVE_RECEIVED_PACKAGE", "DIRECT_REFUND"),
    ("REPLACEMENT", REPLACE_PENDING): ("APPROVE_REPLACEMENT", "ISSUE_REPLACEMENT_REFUND"),
}
REJECTIONS = {
    ("REFUND", PENDING): "REJECT_REFUND",
    ("RETURN_AND_REFUND", PENDING): "REJECT_RETURN",
    ("RETURN_AND_REFUND", SHIPPED): "REJECT_RECEIVED_PACKAGE",
    ("REPLACEMENT", REPLACE_PENDING): "REJECT_REPLACEMENT",
}
DECISIONS = frozenset(decision for group in APPROVALS.values() for decision in group)
KEEPING = ("APPROVE_RETURN", "APPROVE_REFUND", "OFFER_PARTIAL_REFUND")  # that may let the buyer keep the goods


class ReturnAnswers:
    def __init__(self, returns: Returns) -> None:
        self.returns, self.state = returns, returns.state

    def approve(self, row: Row, body: dict[str, Any]) -> None:
        check_fields(body, {"decision": STRING, "buyer_keep_item": BOOL, "partial_refund": OBJECT}, ("decision",))
        decision, keeps = body["decision"], bool(body.get("buyer_keep_item"))
        if decision not in DECISIONS or (keeps and decision not in KEEPING):
            raise Refusal(25001001, "decision is invalid, or not together with buyer_keep_item")
        self._check_open(row, decision, APPROVALS.get(_place(row), ()), code=25011012)
        if (decision == "OFFER_PARTIAL_REFUND") != (body.get("partial_refund") is not None):
            raise Refusal(25001001, "partial_refund belongs to OFFER_PARTIAL_REFUND")
        if decision == "APPROVE_REFUND" and row["return_type"] == "RETURN_AND_REFUND" and not keeps:
            raise Refusal(25011012, "The goods are to come back: APPROVE_RETURN, or let the buyer keep them")  # [guess]
        if decision == "OFFER_PARTIAL_REFUND":
            self.returns.offer(row, self._partial(row, body["partial_refund"]), keeps=keeps)
        else:
            self._grant(row, decision, keeps)

    def reject(self, row: Row, body: dict[str, Any]) -> None:
        check_fields(body, {"decision": STRING, **REJECTION}, ("decision", "reject_reason"))
        check_images(body)
        if body["decision"] not in REJECTIONS.values():
            raise Refusal(25001001, "decision is invalid")
        self._check_open(row, body["decision"], (REJECTIONS.get(_place(row), ""),), code=25011011)
        check_rejection(body["decision"], body["reject_reason"])
        self.returns.reject(row, by="SELLER", reason=body["reject_reason"], comment=body.get("comment") or "")

    def _grant(self, row: Row, decision: str, keeps: bool) -> None:
        if decision == "ISSUE_REPLACEMENT_REFUND":
            self.returns.pay_back_instead(row, by="SELLER")
        elif keeps or decision == "DIRECT_REFUND":
            row["can_buyer_keep_item"] = keeps
            self.returns.succeed(row, by="SELLER", why="approved")
        elif decision == "APPROVE_RECEIVED_PACKAGE":
            self.returns.succeed(row, by="SELLER", why="received")
        else:
            self.returns.approve(row, by="SELLER")

    def _check_open(self, row: Row, decision: str, fitting: tuple[str, ...], *, code: int) -> None:
        """Refuses what does not fit, by where the return stands."""
        status = row["return_status"]
        if decision in fitting:
            return
        if status in CAME_TO_NOTHING:
            raise Refusal(25020009, "The return is already cancelled")
        if status in ENDED or status == SUCCESS or (status == TO_SHIP and decision == "APPROVE_RETURN"):
            raise Refusal(25020010, "The return is already approved")
        raise Refusal(code, f"{decision} does not fit {status}")

    def _partial(self, row: Row, asked: dict[str, Any]) -> Decimal:
        check_fields(asked, {"amount": STRING, "currency": STRING}, ("amount", "currency"))
        shop = self.state.shops[row["_shop_id"]]
        amount = amount_of(asked["amount"], asked["currency"], row["refund_amount"]["currency"], shop)
        if amount >= Decimal(row["refund_amount"]["refund_total"]):
            raise Refusal(25005005, "The amount is not below what can be refunded")
        return amount


def rejection_of(row: Row) -> str:
    """The decision that rejects it now; empty when none does."""
    return REJECTIONS.get(_place(row), "")


def amount_of(text: str, currency: str, expected: str, shop: Shop) -> Decimal:
    """Money from a call, above zero and in the order's currency. Raises Refusal."""
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise Refusal(25001001, "The amount is invalid") from error
    if currency != expected or not amount.is_finite() or amount <= 0 or rounded(amount, shop) != amount:
        raise Refusal(25001001, f"{money(amount) if amount.is_finite() else text} {currency} is invalid")
    return amount


def _place(row: Row) -> tuple[str, str]:
    return row["return_type"], row["return_status"]
