"""The life of a cancellation: by the seller, asked for by the buyer, answered, withdrawn, let through by time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.choosing import live_lines
from sandbox.tiktok_shop.eligibility import BUYER_CANCELS, ON_THE_WAY, check_cancel, check_part, open_rows
from sandbox.tiktok_shop.envelope import Refusal
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.reasons import NO_LONGER_NEEDED, text_of
from sandbox.tiktok_shop.refunds import price_of, refund_of
from sandbox.tiktok_shop.rows import Row, keep, line_row
from sandbox.tiktok_shop.state import Order, Shop, State
from sandbox.tiktok_shop.statuses import CANCEL_COMPLETE, CANCEL_PENDING, CANCEL_SUCCESS, CANCEL_WITHDRAWN

HOUR = 3600
SYSTEM_CANCELS = (*BUYER_CANCELS, *ON_THE_WAY)
Line = dict[str, Any]


def pending_of(state: State, order: Order) -> Row | None:
    """The buyer's request that waits for the seller."""
    return next((row for row in open_rows(state, order) if row.get("cancel_status") == CANCEL_PENDING), None)


def close_pending(notices: Notices, order: Order, row: Row, *, why: str) -> None:
    """Ends a buyer's request without cancelling anything."""
    state = notices.state
    row |= {"cancel_status": CANCEL_WITHDRAWN, "update_time": state.now(), "seller_next_action_response": []}
    keep(state, row)
    order.data["is_buyer_request_cancel"] = False
    state.save(order, moves_time=state.shops[order.shop_id].edits_move_time)
    state.world.ledger_add("tiktok_shop", f"cancellation.{why}", order.id, cancel_id=row["cancel_id"])
    notices.cancellation(order, row)


class Cancellations:
    def __init__(self, notices: Notices) -> None:
        self.notices, self.state = notices, notices.state

    def by_seller(self, order: Order, lines: Sequence[Line], reason: str) -> Row:
        """At once. The caller has asked whether it may be."""
        row = self._row(order, lines, "CANCEL", "SELLER", reason, CANCEL_SUCCESS)
        self._apply(order, row, by="SELLER")
        return row

    def by_buyer(self, order: Order, lines: Sequence[Line] | None = None, reason: str = NO_LONGER_NEEDED) -> Row:
        """Before payment and in the hold at once (typed CANCEL), in the seller's own time for second thoughts too
        [guess the type]; afterwards a request to the seller. Raises Refusal."""
        check_cancel(self.state, order, user="BUYER")
        lines = live_lines(order) if lines is None else lines
        check_part(self.state, order, lines, "")
        if order.status in ("UNPAID", "ON_HOLD") or self._is_waved_through(order):
            row = self._row(order, lines, "CANCEL", "BUYER", reason, CANCEL_SUCCESS)
            self._apply(order, row, by="BUYER")
            return row
        row = self._row(order, lines, "BUYER_CANCEL", "BUYER", reason, CANCEL_PENDING)
        shop, now = self.state.shops[order.shop_id], self.state.now()
        deadline = now + shop.cancel_answer_hours * HOUR
        row["seller_next_action_response"] = [{"action": "SELLER_RESPOND_CANCEL", "deadline": deadline}]
        keep(self.state, row)
        order.data |= {"is_buyer_request_cancel": True, "request_cancel_time": now}
        self.state.save(order, moves_time=shop.edits_move_time)
        facts = {"cancel_id": row["cancel_id"], "reason": reason, "deadline": deadline}
        self._ledger("cancellation.requested", order, line_ids=[line["id"] for line in lines], **facts)
        self.notices.cancellation(order, row)
        return row

    def by_system(self, order: Order, reason: str, lines: Sequence[Line] | None = None) -> Row:
        """The platform's own decision, until the parcel is there. [guess] a request that waits falls with it."""
        if order.status == "CANCELLED":
            raise Refusal(25001051, "The order is completed or cancelled")
        if order.status not in SYSTEM_CANCELS:
            raise Refusal(25001003, f"The order cannot be cancelled in {order.status}")
        if any("return_id" in row for row in open_rows(self.state, order)):
            raise Refusal(25001011, "A request is in process for this order")
        row = self._row(
            order, live_lines(order) if lines is None else lines, "CANCEL", "SYSTEM", reason, CANCEL_SUCCESS
        )
        self._apply(order, row, by="SYSTEM")
        return row

    def settle(self, row: Row, *, by: str) -> None:
        """The buyer's request is granted, by the seller or by silence."""
        order = self.state.orders[row["order_id"]]
        row |= {"cancel_status": CANCEL_SUCCESS, "update_time": self.state.now(), "seller_next_action_response": []}
        order.data["is_buyer_request_cancel"] = False
        self._ledger("cancellation.approved", order, cancel_id=row["cancel_id"], by=by)
        self._apply(order, row, by=by)

    def tick(self) -> None:
        """Approves what the seller left unanswered, and completes refunds."""
        now = self.state.world.now()
        for row in list(self.state.open_cancellations.values()):
            order = self.state.orders[row["order_id"]]
            if row["cancel_status"] not in (CANCEL_PENDING, CANCEL_SUCCESS):
                del self.state.open_cancellations[row["cancel_id"]]
            elif row["cancel_status"] == CANCEL_PENDING:
                if now >= row["seller_next_action_response"][0]["deadline"]:
                    self.settle(row, by="SYSTEM")
            elif now >= row["update_time"] + self.state.shops[order.shop_id].refund_seconds:
                row |= {"cancel_status": CANCEL_COMPLETE, "update_time": self.state.now()}
                keep(self.state, row)
                if refund := row.get("refund_amount"):
                    self._ledger("cancellation.refunded", order, cancel_id=row["cancel_id"], refund=refund)
                self.notices.cancellation(order, row)

    def _is_waved_through(self, order: Order) -> bool:
        hours = self.state.shops[order.shop_id].auto_approve_hours
        if not hours:
            return False
        held = order.hold_seconds if order.hold_seconds is not None else self.state.world.hold_seconds
        hold_ends = (order.data.get("paid_time") or order.data["create_time"]) + (held if order.hold_wanted else 0)
        return bool(self.state.now() < hold_ends + hours * HOUR)

    def _row(self, order: Order, lines: Sequence[Line], kind: str, role: str, reason: str, status: str) -> Row:
        now = self.state.now()
        row: Row = {
            "cancel_id": self.state.new_id("4035"),
            "order_id": order.id,
            "cancel_type": kind,
            "cancel_status": status,
            "role": role,
            "cancel_reason": reason,
            "create_time": now,
            "update_time": now,
            "seller_next_action_response": [],
            "cancel_line_items": [line_row(self.state, order, line, "cancel_line_item_id") for line in lines],
            "_shop_id": order.shop_id,
            "_user_id": order.data.get("user_id"),
        }
        if order.data.get("paid_time"):
            refund = refund_of(self.state, order, lines, is_return=False)
            row["refund_amount"] = refund.shown()
            for line in row["cancel_line_items"]:
                line["refund_amount"] = refund.shown(line["order_line_item_id"])
        keep(self.state, row, is_new=True)
        self.state.cancellations[row["cancel_id"]] = self.state.open_cancellations[row["cancel_id"]] = row
        return row

    def _apply(self, order: Order, row: Row, *, by: str) -> None:
        """The order is CANCELLED only when all of its lines are."""
        keep(self.state, row)
        shop = self.state.shops[order.shop_id]
        ids = {line["order_line_item_id"] for line in row["cancel_line_items"]}
        lines = [line for line in live_lines(order) if line["id"] in ids]
        text = text_of(row["cancel_reason"], shop.locale)
        for line in lines:
            line |= {"display_status": "CANCELLED", "cancel_user": row["role"], "cancel_reason": text}
            if "package_status" in line:
                line["package_status"] = "CANCELLED"
        self._close_overtaken(order, ids)
        done = not live_lines(order)
        status_before = order.status
        if done:
            self._end(order, row["role"], text)
        else:
            _shrink(order, shop, lines)
            if order.status == "PARTIALLY_SHIPPING" and all(line.get("rts_time") for line in live_lines(order)):
                order.data["status"] = "AWAITING_COLLECTION"
        has_moved = order.status != status_before
        self.state.save(order, moves_time=has_moved or shop.edits_move_time)
        facts = {"by": row["role"], "cancel_id": row["cancel_id"], "line_ids": [line["id"] for line in lines]}
        facts |= {"reason": row["cancel_reason"], "answered_by": by, "refund": row.get("refund_amount")}
        facts["lines"] = dict(Counter(line["seller_sku"] for line in lines))
        self._ledger("order.cancelled" if done else "order.lines_cancelled", order, **facts)
        self.notices.cancellation(order, row)
        if has_moved:
            self.notices.status(order)

    def _end(self, order: Order, role: str, text: str) -> None:
        order.hold_until = None
        order.data |= {
            "status": "CANCELLED",
            "cancellation_initiator": role,
            "cancel_time": self.state.now(),
            "cancel_reason": order.lines[0].get("cancel_reason", "") if order.lines else text,
        }

    def _close_overtaken(self, order: Order, line_ids: set[str]) -> None:
        pending = pending_of(self.state, order)
        if pending and line_ids & {line["order_line_item_id"] for line in pending["cancel_line_items"]}:
            close_pending(self.notices, order, pending, why="overtaken")

    def _ledger(self, event: str, order: Order, **facts: Any) -> None:
        self.state.world.ledger_add("tiktok_shop", event, order.id, **facts)


def _shrink(order: Order, shop: Shop, lines: Sequence[Line]) -> None:
    """[guess] what was paid stays as it was, since the refund has its own sums; or it is told without the lines."""
    if shop.payment_after_cancel != "reduced":
        return
    payment = order.data["payment"]
    for line in lines:
        price = price_of(line)
        cuts = {
            "sub_total": price.subtotal,
            "original_total_product_price": Decimal(line["original_price"]),
            "seller_discount": Decimal(line["seller_discount"]),
            "platform_discount": Decimal(line["platform_discount"]),
            "product_tax": price.tax,
            "tax": price.tax,
            "total_amount": price.total(shop),
        }
        for name, cut in cuts.items():
            payment[name] = money(Decimal(payment[name]) - cut)
