"""The returns' API: create, search, approve, reject, records; and the reasons for rejecting, of cancellations too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.choosing import chosen_lines, line_fields
from sandbox.tiktok_shop.eligibility import check_return, check_ways
from sandbox.tiktok_shop.envelope import STRING, Refusal, bad_request, check_fields, query_int
from sandbox.tiktok_shop.reasons import check_seller_return, reject_reasons, text_of
from sandbox.tiktok_shop.refunds import refund_of
from sandbox.tiktok_shop.return_answers import ReturnAnswers, amount_of, rejection_of
from sandbox.tiktok_shop.returns import Returns
from sandbox.tiktok_shop.rows import Row, once, public, row_of, search
from sandbox.tiktok_shop.state import Order
from sandbox.tiktok_shop.statuses import ARBITRATION, CANCEL_PENDING, RETURN_STATUSES, RETURN_TYPES

FILTERS = {
    "return_ids": "return_id",
    "return_types": "return_type",
    "return_status": "return_status",
    "seller_proposed_return_type": "seller_proposed_return_type",
    "arbitration_status": "arbitration_status",
}
WORDS = {
    "return_types": RETURN_TYPES,
    "return_status": RETURN_STATUSES,
    "seller_proposed_return_type": ("PARTIAL_REFUND",),
    "arbitration_status": ARBITRATION,
}


class ReturnCalls:
    def __init__(self, returns: Returns) -> None:
        self.returns, self.state = returns, returns.state
        self.answers = ReturnAnswers(returns)

    def create(self, call: Call) -> dict[str, Any]:
        """By the seller: [guess] nobody has to agree, a refund is paid and for a return the buyer ships."""
        types = dict.fromkeys(("order_id", "return_reason", "return_type", "refund_total", "currency"), STRING)
        types |= {"shipment_type": STRING, "handover_method": STRING, **line_fields(call.version)}
        check_fields(call.body, types, ("order_id", "return_reason", "return_type"))
        return once(call, call.body["order_id"], lambda: self._create(call))

    def search(self, call: Call) -> dict[str, Any]:
        return search(
            call,
            self.state.returns.values(),
            size=query_int(call.query, "page_size", 10, 50, 10),
            name="return_orders",
            filters=FILTERS,
            words=WORDS,
            shown=lambda row: self._shown(call, row),
        )

    def approve(self, call: Call) -> dict[str, Any]:
        def act() -> dict[str, Any]:
            self.answers.approve(row_of(call, self.state.returns, call.args["return_id"]), call.body)
            return {}

        return once(call, call.args["return_id"], act)

    def reject(self, call: Call) -> dict[str, Any]:
        self.answers.reject(row_of(call, self.state.returns, call.args["return_id"]), call.body)
        return {}

    def records(self, call: Call) -> dict[str, Any]:
        """Newest first [guess], of a shape of our own [guess]."""
        row = row_of(call, self.state.returns, call.args["return_id"])
        return {"records": row["_records"][::-1]}

    def reject_reasons(self, call: Call) -> dict[str, Any]:
        """[guess] only those that fit what can be rejected now."""
        wanted = call.query.get("return_or_cancel_id")
        if not wanted:
            raise bad_request("ReturnOrCancelId is a required field")
        if wanted in self.state.cancellations:
            row = row_of(call, self.state.cancellations, wanted)
            decision = "CANCEL" if row["cancel_status"] == CANCEL_PENDING else ""
        else:
            decision = rejection_of(row_of(call, self.state.returns, wanted))
        locale = call.query.get("locale") or call.shop.locale
        names = reject_reasons(decision) if decision else []
        return {"reasons": [{"name": name, "text": text_of(name, locale)} for name in names]}

    def _create(self, call: Call) -> dict[str, Any]:
        body, kind = call.body, call.body["return_type"]
        check_ways(body)
        if kind not in ("REFUND", "RETURN_AND_REFUND"):
            raise Refusal(25001001, "return_type is invalid")
        order = call.order(body["order_id"], code=25020005, unknown=25007006)
        lines = chosen_lines(order, body)
        check_return(self.state, order, lines, kind=kind, user="SELLER")
        check_seller_return(body["return_reason"])
        row = self.returns.open(
            order,
            lines,
            kind=kind,
            role="SELLER",
            reason=body["return_reason"],
            total=self._total(call, order, lines),
            waits=False,
            shipment_type=body.get("shipment_type"),
            handover_method=body.get("handover_method"),
        )
        self.returns.approve(row, by="SELLER")
        return {"return_id": row["return_id"], "return_status": row["return_status"]}

    def _total(self, call: Call, order: Order, lines: list[dict[str, Any]]) -> Decimal | None:
        if call.body.get("refund_total") is None:
            return None
        currency = order.data["payment"]["currency"]
        total = amount_of(call.body["refund_total"], call.body.get("currency") or "", currency, call.shop)
        if total > refund_of(self.state, order, lines).total:
            raise Refusal(25005005, "The amount is above what can be refunded")
        return total

    def _shown(self, call: Call, row: Row) -> Row:
        view = public(row)
        view["return_reason_text"] = text_of(row["return_reason"], call.body.get("locale") or call.shop.locale)
        if call.version == "202309":
            del view["is_quick_refund"]  # seen only in newer traffic
        return view
