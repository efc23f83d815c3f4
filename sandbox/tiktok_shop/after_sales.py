"""The control verbs for after the sale: what the buyer, the carrier, the platform, and the seller by hand do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellations import Cancellations, close_pending, pending_of
from sandbox.tiktok_shop.cast import CARRIERS
from sandbox.tiktok_shop.choosing import live_lines, told_lines
from sandbox.tiktok_shop.eligibility import check_return, check_ways
from sandbox.tiktok_shop.reasons import MISSING, NO_LONGER_NEEDED, SHIPPING_TIMEOUT, WRONG, reject_reasons
from sandbox.tiktok_shop.refunds import left_of_lines
from sandbox.tiktok_shop.return_answers import ReturnAnswers, rejection_of
from sandbox.tiktok_shop.return_calls import ReturnCalls
from sandbox.tiktok_shop.returns import Returns, check_status
from sandbox.tiktok_shop.rows import Row, keep
from sandbox.tiktok_shop.state import Grant, Order
from sandbox.tiktok_shop.statuses import (
    ENDED,
    EXCHANGE_PENDING,
    NOT_RECEIVED,
    OFFERED,
    PENDING,
    REFUSED,
    REJECTED,
    REPLACE_PENDING,
    REPLACE_REJECTED,
    RETURN_TYPES,
    SHIPPED,
    SUCCESS,
    TO_SHIP,
)
from sandbox.world import ControlError

Body = dict[str, Any]
Answer = dict[str, Any]
WITHDRAWABLE = (PENDING, TO_SHIP, OFFERED, *sorted(REFUSED), REPLACE_PENDING, EXCHANGE_PENDING)
CHANGEABLE = (PENDING, TO_SHIP, REJECTED, REPLACE_PENDING, REPLACE_REJECTED)


class AfterSales:
    def __init__(self, cancellations: Cancellations, returns: Returns) -> None:
        self.cancellations, self.returns = cancellations, returns
        self.state = returns.state
        self.answers, self.calls = ReturnAnswers(returns), ReturnCalls(returns)

    def verbs(self) -> dict[str, Callable[[Body], Answer]]:
        own = (
            *(self.buyer_cancel, self.withdraw_cancel, self.system_cancel, self.open_return, self.change_return),
            *(self.withdraw_return, self.hand_over, self.return_arrives, self.answer_offer, self.appeal, self.judge),
            *(self.platform_refund, self.finish_exchange, self.seller_return, self.seller_decides, self.refuse),
        )
        return {**{verb.__name__: verb for verb in own}, "request_cancel": self.buyer_cancel}

    def buyer_cancel(self, body: Body) -> Answer:
        """{"order_id", "reason"?, "line_ids"? | "skus"?}: at once until the hold ends, then a request."""
        order = self.state.order(str(body["order_id"]))
        row = self.cancellations.by_buyer(order, told_lines(order, body), body.get("reason", NO_LONGER_NEEDED))
        return self._cancelled(row, order)

    def withdraw_cancel(self, body: Body) -> Answer:
        """{"order_id"}: the buyer wants it after all."""
        order = self.state.order(str(body["order_id"]))
        pending = pending_of(self.state, order)
        if pending is None:
            raise ControlError("no request is waiting")
        close_pending(self.cancellations.notices, order, pending, why="withdrawn")
        return self._cancelled(pending, order)

    def system_cancel(self, body: Body) -> Answer:
        """{"order_id", "reason"?, "line_ids"? | "skus"?}: the platform's decision."""
        order = self.state.order(str(body["order_id"]))
        row = self.cancellations.by_system(order, body.get("reason", SHIPPING_TIMEOUT), told_lines(order, body))
        return self._cancelled(row, order)

    def open_return(self, body: Body) -> Answer:
        """{"order_id", "type"?, "reason"?, "line_ids"? | "skus"?, "shipment_type"?, "handover_method"?,
        "combine_with"?: another return's id, "early"?: a refund before the parcel left, "quick"?: paid at once}."""
        order = self.state.order(str(body["order_id"]))
        other = self._row(body["combine_with"]) if body.get("combine_with") else None
        row = self._open(order, body)
        if other:
            self._combine(row, other)
        if body.get("quick"):
            self._pay_now(row, why="refunded_at_once")
        return self._shown(row)

    def change_return(self, body: Body) -> Answer:
        """{"return_id", and as `open_return`}: another request takes the place of this one, and both say so."""
        old = self._row(body["return_id"])
        check_status(old, *CHANGEABLE)
        order = self.state.orders[old["order_id"]]
        before = {"type": old["return_type"], "reason": old["return_reason"]}
        if "skus" not in body:
            before["line_ids"] = [line["order_line_item_id"] for line in old["return_line_items"]]
        body = {**before, **body}
        self._check(order, body, user="BUYER", but=old["return_id"])
        self.returns.give_up(old, by="BUYER")
        row = self._open(order, body, pre_return_id=old["return_id"])
        old["next_return_id"] = row["return_id"]
        keep(self.state, old)
        return self._shown(row)

    def withdraw_return(self, body: Body) -> Answer:
        """{"return_id"}: until the parcel is on its way."""
        row = self._row(body["return_id"])
        check_status(row, *WITHDRAWABLE)
        self.returns.give_up(row, by="BUYER")
        return self._shown(row)

    def hand_over(self, body: Body) -> Answer:
        """{"return_id", "tracking_number"?, "provider_id"?}: the buyer sends the goods, of a combined return all."""
        row = self._row(body["return_id"])
        check_status(row, TO_SHIP, EXCHANGE_PENDING)
        provider = body.get("provider_id") or next(iter(CARRIERS[self.state.shops[row["_shop_id"]].region]))
        number = body.get("tracking_number") or f"RT{row['return_id'][-12:]}"
        for one in self._together(row):
            if one["return_status"] in (TO_SHIP, EXCHANGE_PENDING):
                self.returns.hand_over(one, number=number, provider_id=provider)
        return self._shown(row)

    def return_arrives(self, body: Body) -> Answer:
        """{"return_id"}: the carrier delivers it to the seller, who has to answer from now on."""
        row = self._row(body["return_id"])
        check_status(row, SHIPPED)
        for one in self._together(row):
            if one["return_status"] == SHIPPED and not one.get("_arrived"):
                self.returns.arrive(one)
        return self._shown(row)

    def answer_offer(self, body: Body) -> Answer:
        """{"return_id", "accept": bool}: the buyer's word on a partial refund."""
        row = self._row(body["return_id"])
        check_status(row, OFFERED)
        (self.returns.take_offer if body["accept"] else self.returns.refuse_offer)(row)
        return self._shown(row)

    def appeal(self, body: Body) -> Answer:
        """{"return_id"}: against a rejection; the platform judges."""
        row = self._row(body["return_id"])
        check_status(row, REJECTED, NOT_RECEIVED, REPLACE_REJECTED)
        if "arbitration_status" in row:
            raise ControlError("it was appealed before")
        self.returns.appeal(row)
        return self._shown(row)

    def judge(self, body: Body) -> Answer:
        """{"return_id", "for": "buyer" | "seller"}."""
        row = self._row(body["return_id"])
        if row.get("arbitration_status") != "IN_PROGRESS" or body["for"] not in ("buyer", "seller"):
            raise ControlError("nothing to judge for that party")
        self.returns.judge(row, for_buyer=body["for"] == "buyer")
        return self._shown(row)

    def platform_refund(self, body: Body) -> Answer:
        """{"return_id"}: the platform pays what was asked for, at once. {"order_id", "line_ids"? | "skus"?,
        "reason"?}: without anybody asking. No goods come back."""
        if "return_id" not in body:
            order = self.state.order(str(body["order_id"]))
            row = self._open(order, {**body, "type": "REFUND"}, role="SYSTEM", waits=False)
        else:
            row = self._row(body["return_id"])
            if row["return_status"] in (*ENDED, SUCCESS):
                raise ControlError(f"the return is {row['return_status']}")
        self._pay_now(row, why="refunded_at_once")
        return self._shown(row)

    def finish_exchange(self, body: Body) -> Answer:
        """{"return_id", "outcome"?: "order" | "refund", "lines"?: as in `buy`}: a new order, or the money instead."""
        row = self._row(body["return_id"])
        check_status(row, EXCHANGE_PENDING)
        if body.get("outcome", "order") == "refund":
            self.returns.pay_back_instead(row, by="OPERATOR")
        else:
            self.returns.replace(row, body.get("lines"))
        return self._shown(row)

    def seller_return(self, body: Body) -> Answer:
        """{"order_id", "return_type"?, "return_reason"?, "line_ids"?, "refund_total"?, "currency"?}: the seller opens
        one by hand, under the API's rules."""
        order = self.state.order(str(body["order_id"]))
        request: Body = {
            "return_type": "REFUND",
            "return_reason": "seller_ecom_delivered_return_refund_reason1",
            **body,
        }
        if "line_ids" in request:
            request["order_line_item_ids"] = request.pop("line_ids")
        made = self.calls.create(self._call(order, request))
        return self._shown(self._row(made["return_id"]))

    def seller_decides(self, body: Body) -> Answer:
        """{"return_id", "decision", "reject_reason"?, "comment"?, "buyer_keep_item"?, "partial_refund"?}: the seller
        answers by hand, under the API's rules."""
        row = self._row(body["return_id"])
        request = {name: value for name, value in body.items() if name != "return_id"}
        if str(body["decision"]).startswith("REJECT"):
            wanted = rejection_of(row)
            self.answers.reject(row, {"reject_reason": reject_reasons(wanted)[-1] if wanted else "none", **request})
        else:
            self.answers.approve(row, request)
        return self._shown(row)

    def refuse(self, body: Body) -> Answer:
        """{"operation", "code", "message"?, "times"?}: the platform's own refusal of the next such calls, for codes
        that nothing else here brings about, such as 25001028 (lock failed) and 25001046 (risk control)."""
        refusal = (int(body["code"]), str(body.get("message", "Made to refuse")))
        self.state.refusals.setdefault(str(body["operation"]), []).extend([refusal] * int(body.get("times", 1)))
        return {"ok": True}

    def _open(self, order: Order, body: Body, *, role: str = "BUYER", waits: bool = True, **more: Any) -> Row:
        kind, lines = self._check(order, body, user=role)
        return self.returns.open(
            order,
            lines,
            kind=kind,
            role=role,
            reason=str(body.get("reason") or (MISSING if kind == "REFUND" else WRONG)),
            waits=waits and not body.get("quick"),
            shipment_type=body.get("shipment_type"),
            handover_method=body.get("handover_method"),
            **more,
        )

    def _check(self, order: Order, body: Body, *, user: str, but: str = "") -> tuple[str, list[dict[str, Any]]]:
        """The kind and the lines that are meant; refuses what may not be."""
        kind = str(body.get("type", "RETURN_AND_REFUND" if order.status in ("DELIVERED", "COMPLETED") else "REFUND"))
        if kind not in RETURN_TYPES:
            raise ControlError(f"type is one of {', '.join(RETURN_TYPES)}")
        check_ways(body)
        lines = told_lines(order, body) or self._worth_asking(order)
        check_return(self.state, order, lines, kind=kind, user=user, early=bool(body.get("early")), but=but)
        return kind, lines

    def _worth_asking(self, order: Order) -> list[dict[str, Any]]:
        """Every line that is not cancelled, but for those that were refunded before."""
        live, left = live_lines(order), left_of_lines(self.state, order)
        return [line for line in live if left[line["id"]].subtotal or not float(line["sale_price"])] or live

    def _pay_now(self, row: Row, *, why: str) -> None:
        row["is_quick_refund"] = True
        if "refund_amount" not in row:
            self.returns.pay_back_instead(row, by="OPERATOR")
            return
        self.returns.succeed(row, by="OPERATOR", why=why)
        self.returns.pay_back(row)

    def _combine(self, row: Row, other: Row) -> None:
        combined_id = other["combined_return_id"] if other["is_combined_return"] else self.state.new_id("4035")
        for one in (row, other):
            one |= {"is_combined_return": True, "combined_return_id": combined_id}

    def _together(self, row: Row) -> list[Row]:
        if not row["is_combined_return"]:
            return [row]
        return [one for one in self.state.returns.values() if one["combined_return_id"] == row["combined_return_id"]]

    def _row(self, return_id: Any) -> Row:
        if str(return_id) not in self.state.returns:
            raise ControlError(f"no such return: {return_id}")
        return self.state.returns[str(return_id)]

    def _call(self, order: Order, request: Body) -> Call:
        shop = self.state.shops[order.shop_id]
        return Call(self.state, Grant(shop.seller, (shop.id,), ()), shop, {}, request)

    def _cancelled(self, row: Row, order: Order) -> Answer:
        return {
            **{name: row[name] for name in ("cancel_id", "cancel_status")},
            "order_id": order.id,
            "order": order.data,
        }

    def _shown(self, row: Row) -> Answer:
        order = self.state.orders[row["order_id"]]
        names = ("return_id", "return_type", "return_status", "seller_next_action_response")
        more = {"new_order_id": row["_new_order_id"]} if "_new_order_id" in row else {}
        return {**{name: row[name] for name in names}, **more, "order_id": order.id, "order": order.data}
