"""The life of a return: asked for, answered, on its way back, received, paid back or replaced; or come to nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.cast import CARRIERS
from sandbox.tiktok_shop.envelope import Refusal
from sandbox.tiktok_shop.new_orders import place_new_order
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.refunds import Refund, is_all_refunded, paid_back, refund_of
from sandbox.tiktok_shop.rows import Row, keep, line_row
from sandbox.tiktok_shop.state import Order
from sandbox.tiktok_shop.statuses import (
    COMPLETE,
    ENDED,
    EXCHANGE_COMPLETE,
    EXCHANGE_PENDING,
    FIRST,
    GIVEN_UP,
    MONEY_INSTEAD,
    NOT_RECEIVED,
    OFFERED,
    PENDING,
    REJECTED,
    REPLACE_COMPLETE,
    REPLACE_REJECTED,
    SHIPPED,
    SUCCESS,
    TO_SHIP,
    WITHDRAWN,
)

HOUR, DAY = 3600, 86_400
OFFER_SECONDS = 48 * HOUR  # [guess] for the buyer to answer an offer; then the request ends
APPEAL_SECONDS = 48 * HOUR  # [guess] for the buyer to appeal against a rejection; then the request ends
SHIP_BACK_SECONDS = 7 * DAY  # [guess] for the buyer to hand the parcel over; then the request ends
ACTIONS = {
    "REFUND": "SELLER_RESPOND_REFUND",
    "RETURN_AND_REFUND": "SELLER_RESPOND_RETURN",
    "REPLACEMENT": "SELLER_RESPOND_REPLACEMENT",
}
RECEIVE = "SELLER_RESPOND_RECEIVE_PACKAGE"
METHODS = {"PLATFORM": "PLATFORM_SHIPPED", "BUYER_ARRANGE": "BUYER_SHIPPED"}
Line = dict[str, Any]


class Returns:
    def __init__(self, notices: Notices) -> None:
        self.notices, self.state = notices, notices.state
        self.lapses: dict[str, Callable[[Row], None]] = {
            "approve": lambda row: self.approve(row, by="SYSTEM"),
            "receive": lambda row: self.succeed(row, by="SYSTEM", why="received"),
            "refund": self.pay_back,
            "give_up": lambda row: self.give_up(row, by="SYSTEM"),
        }

    def open(
        self,
        order: Order,
        lines: Sequence[Line],
        *,
        kind: str,
        role: str,
        reason: str,
        total: Decimal | None = None,
        waits: bool = True,
        **more: Any,
    ) -> Row:
        """A new request, which waits for the seller unless something follows at once. `more` are fields of the row.
        The caller has asked whether it may be; `total` is less than all that is left of the lines."""
        row = self._row(order, lines, kind=kind, role=role, reason=reason, **more)
        if kind in ("REFUND", "RETURN_AND_REFUND"):
            refund = refund_of(self.state, order, lines)
            _put_refund(row, refund if total is None else refund.cut_to(total))
        keep(self.state, row, is_new=True)
        self.state.returns[row["return_id"]] = self.state.open_returns[row["return_id"]] = row
        facts: dict[str, Any] = {"kind": kind, "reason": reason, "line_ids": [line["id"] for line in lines]}
        self._tell(row, "opened", by=role, refund=row.get("refund_amount"), **facts)
        if waits:
            self._wait_for_answer(row)
        return row

    def approve(self, row: Row, *, by: str) -> None:
        """What was asked for, is granted."""
        if row["return_type"] == "REFUND":
            self.succeed(row, by=by, why="approved")
        elif row["return_type"] == "RETURN_AND_REFUND":
            self._tell(row, "approved", by=by)
            self._to(row, TO_SHIP, then="give_up", seconds=SHIP_BACK_SECONDS)
        else:
            self._tell(row, "approved", by=by)
            self.replace(row)

    def succeed(self, row: Row, *, by: str, why: str) -> None:
        """The money goes back, soon."""
        self._tell(row, why, by=by)
        shop = self.state.shops[row["_shop_id"]]
        self._to(row, SUCCESS, then="refund", seconds=shop.refund_seconds)

    def pay_back(self, row: Row) -> None:
        """The money is back. An order of which nothing is left to refund is COMPLETED, not CANCELLED."""
        order = self.state.orders[row["order_id"]]
        self._to(row, MONEY_INSTEAD.get(row["return_type"], COMPLETE))
        self._tell(row, "refunded", refund=row.get("refund_amount"), lines=paid_back(row), by="SYSTEM")
        self.notices.refunded(order, row)
        if order.status in ("AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED") and is_all_refunded(self.state, order):
            for line in order.lines:
                if line["display_status"] != "CANCELLED":
                    line["display_status"] = "COMPLETED"  # [guess]
            order.data["status"] = "COMPLETED"
            self.state.save(order)
            self.notices.status(order)

    def pay_back_instead(self, row: Row, *, by: str) -> None:
        """The seller, or the platform, has nothing to send: the money for it, at once."""
        order = self.state.orders[row["order_id"]]
        _put_refund(row, refund_of(self.state, order, self.lines(row)))
        self._tell(row, "approved_with_money", by=by)
        self.pay_back(row)

    def replace(self, row: Row, wanted: list[dict[str, Any]] | None = None) -> Order:
        """Ends the request with a new order: the same goods, or for an exchange those that are wanted."""
        order = self.state.orders[row["order_id"]]
        new = place_new_order(self.state, self.notices, order, self.lines(row), row["return_type"], wanted)
        row["_new_order_id"] = new.id
        self._to(row, REPLACE_COMPLETE if row["return_type"] == "REPLACEMENT" else EXCHANGE_COMPLETE)
        self._tell(row, "replaced", by="SYSTEM", new_order_id=new.id)
        return new

    def reject(self, row: Row, *, by: str, reason: str, comment: str = "") -> None:
        """The buyer may appeal; without it the request ends."""
        status = {PENDING: REJECTED, SHIPPED: NOT_RECEIVED}.get(row["return_status"], REPLACE_REJECTED)
        self._tell(row, "rejected", by=by, reason=reason, note=comment)
        self._to(row, status, then="give_up", seconds=APPEAL_SECONDS)

    def offer(self, row: Row, amount: Decimal, *, keeps: bool) -> None:
        """Part of the money instead. [guess] a buyer who takes it keeps the goods."""
        currency = row["refund_amount"]["currency"]
        row |= {"partial_refund": {"currency": currency, "amount": money(amount)}, "_keeps": keeps}
        row["seller_proposed_return_type"] = "PARTIAL_REFUND"
        self._tell(row, "offered", by="SELLER", amount=money(amount), currency=currency)
        self._to(row, OFFERED, then="give_up", seconds=OFFER_SECONDS)

    def take_offer(self, row: Row) -> None:
        order = self.state.orders[row["order_id"]]
        whole = refund_of(self.state, order, self.lines(row), but=row["return_id"])
        _put_refund(row, whole.cut_to(Decimal(row["partial_refund"]["amount"])))
        row["can_buyer_keep_item"] = True
        self.succeed(row, by="BUYER", why="offer_taken")

    def refuse_offer(self, row: Row) -> None:
        """[guess] then the seller has to answer anew."""
        row["buyer_rejected_partial_refund"] = True
        self._tell(row, "offer_refused", by="BUYER")
        self._wait_for_answer(row)

    def hand_over(self, row: Row, *, number: str, provider_id: str) -> None:
        """The buyer gives the parcel to the carrier; those of a combined return go in one."""
        names = CARRIERS[self.state.shops[row["_shop_id"]].region]
        facts = {"return_tracking_number": number, "return_provider_id": provider_id}
        row |= {**facts, "return_provider_name": names.get(provider_id, provider_id)}
        self._tell(row, "handed_over", by="BUYER", **facts)
        self._to(row, SHIPPED if row["return_status"] == TO_SHIP else row["return_status"])

    def arrive(self, row: Row) -> None:
        """The carrier delivers it: from now on the seller's silence says that all is well. [guess] until then nothing
        is due."""
        hours = self.state.shops[row["_shop_id"]].return_answer_hours
        row["_arrived"] = True
        self._tell(row, "arrived", by="CARRIER")
        self._to(row, row["return_status"], action=RECEIVE, then="receive", seconds=hours * HOUR)

    def appeal(self, row: Row) -> None:
        row["arbitration_status"] = "IN_PROGRESS"
        self._tell(row, "appealed", by="BUYER")
        self._to(row, row["return_status"])

    def judge(self, row: Row, *, for_buyer: bool) -> None:
        """The platform decides an appeal. [guess] for a replacement: with a new order."""
        row["arbitration_status"] = "SUPPORT_BUYER" if for_buyer else "SUPPORT_SELLER"
        self._tell(row, "judged", by="OPERATOR", outcome=row["arbitration_status"])
        if not for_buyer:
            self.give_up(row, by="OPERATOR")
        elif row["return_type"] == "REPLACEMENT":
            self.replace(row)
        else:
            self.succeed(row, by="OPERATOR", why="approved")

    def give_up(self, row: Row, *, by: str) -> None:
        """Withdrawn by the buyer, or ended by time or judgement."""
        if row.get("arbitration_status") == "IN_PROGRESS":
            row["arbitration_status"] = "CLOSED"
        self._tell(row, "given_up", by=by)
        self._to(row, GIVEN_UP.get(row["return_type"], WITHDRAWN))

    def tick(self) -> None:
        """What nobody did in time."""
        now = self.state.world.now()
        for row in list(self.state.open_returns.values()):
            if row["return_status"] in ENDED:
                del self.state.open_returns[row["return_id"]]
            elif row["_due"] is not None and now >= row["_due"]:
                self.lapses[row["_then"]](row)

    def lines(self, row: Row) -> list[Line]:
        ids = {line["order_line_item_id"] for line in row["return_line_items"]}
        return [line for line in self.state.orders[row["order_id"]].lines if line["id"] in ids]

    def _wait_for_answer(self, row: Row) -> None:
        shop, kind = self.state.shops[row["_shop_id"]], row["return_type"]
        hours = shop.replacement_answer_hours if kind == "REPLACEMENT" else shop.return_answer_hours
        if kind == "EXCHANGE":  # [guess] the platform's own matter: no decision of a seller's is named for it
            self._to(row, EXCHANGE_PENDING)
        else:
            self._to(row, FIRST.get(kind, PENDING), action=ACTIONS[kind], then="approve", seconds=hours * HOUR)

    def _to(self, row: Row, status: str, *, action: str = "", then: str = "", seconds: int = 0) -> None:
        """The one gate: status, what is due of whom by when, and the webhook."""
        due = self.state.now() + seconds if then else None
        row |= {"return_status": status, "update_time": self.state.now(), "_due": due, "_then": then}
        row["seller_next_action_response"] = [{"action": action, "deadline": due}] if action else []
        keep(self.state, row)
        self.notices.returned(self.state.orders[row["order_id"]], row)

    def _row(self, order: Order, lines: Sequence[Line], *, kind: str, role: str, reason: str, **more: Any) -> Row:
        now, shop = self.state.now(), self.state.shops[order.shop_id]
        shipment = more.pop("shipment_type", None) or "PLATFORM"
        row: Row = {
            "return_id": self.state.new_id("4035"),
            "order_id": order.id,
            "return_type": kind,
            "return_status": FIRST.get(kind, PENDING),
            "role": role,
            "return_reason": reason,
            "can_buyer_keep_item": False,
            "is_combined_return": False,
            "combined_return_id": "0",
            "is_quick_refund": False,
            "create_time": now,
            "update_time": now,
            "seller_next_action_response": [],
            "discount_amount": [_discounts(order, lines)],
            "return_line_items": [line_row(self.state, order, line, "return_line_item_id") for line in lines],
            "_shop_id": shop.id,
            "_user_id": order.data.get("user_id"),
            "_records": [],
            "_due": None,
            "_then": "",
        }
        if kind != "REFUND":
            fee = {"seller": "0", "platform": "0", "buyer": "0"}
            fee["seller" if shipment == "PLATFORM" else "buyer"] = shop.market.shipping_fee  # [guess] who bears it
            row |= {
                "shipment_type": shipment,
                "handover_method": more.pop("handover_method", None) or "DROP_OFF",
                "return_method": METHODS[shipment],
                "return_warehouse_address": {"full_address": f"Returns, 1 Workshop Lane, {shop.region}"},
                "shipping_fee_amount": [
                    {
                        "currency": order.data["payment"]["currency"],
                        **{f"{who}_paid_return_shipping_fee": amount for who, amount in fee.items()},
                    }
                ],
            }
        return row | {name: value for name, value in more.items() if value is not None}

    def _tell(self, row: Row, what: str, *, by: str, note: str = "", **facts: Any) -> None:
        """In the ledger, and in the return's own records [guess their shape]."""
        record = {"event": what.upper(), "role": by, "note": note, "create_time": self.state.now(), "images": []}
        row["_records"].append(record)
        facts = {
            "return_id": row["return_id"],
            "by": by,
            **{name: one for name, one in facts.items() if one is not None},
        }
        self.state.world.ledger_add("tiktok_shop", f"return.{what}", row["order_id"], **facts)


def check_status(row: Row, *allowed: str) -> None:
    """For what buyers and the platform do. Raises Refusal."""
    if row["return_status"] not in allowed:
        raise Refusal(25001003, f"The return is {row['return_status']}")


def _put_refund(row: Row, refund: Refund) -> None:
    row["refund_amount"] = refund.shown()
    for line in row["return_line_items"]:
        line["refund_amount"] = refund.shown(line["order_line_item_id"])


def _discounts(order: Order, lines: Sequence[Line]) -> dict[str, str]:
    payment = order.data["payment"]
    sums = {
        who: sum((Decimal(line[f"{who}_discount"]) for line in lines), Decimal(0)) for who in ("seller", "platform")
    }
    return {
        "currency": payment["currency"],
        "product_seller_discount": money(sums["seller"]),
        "product_platform_discount": money(sums["platform"]),
        "shipping_fee_seller_discount": payment["shipping_fee_seller_discount"],
        "shipping_fee_platform_discount": payment["shipping_fee_platform_discount"],
    }
