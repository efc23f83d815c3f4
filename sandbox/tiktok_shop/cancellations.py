"""Cancellations: by the seller, asked for by the buyer, approved, rejected, let through by time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.calls import Call, page_of
from sandbox.tiktok_shop.envelope import (
    INT,
    OBJECTS,
    STRING,
    STRINGS,
    Refusal,
    bad_request,
    check_fields,
    query_choice,
    query_int,
)
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.state import Order, State

PENDING, SUCCESS = "CANCELLATION_REQUEST_PENDING", "CANCELLATION_REQUEST_SUCCESS"
COMPLETE, WITHDRAWN = "CANCELLATION_REQUEST_COMPLETE", "CANCELLATION_REQUEST_CANCEL"
ANSWER_SECONDS = 48 * 3600
REFUND_SECONDS = 60  # [guess] how soon a successful cancellation is refunded
OUT_OF_STOCK = "seller_cancel_reason_out_of_stock"
PAID_REASONS = {
    OUT_OF_STOCK: "Out of stock",
    "seller_cancel_reason_wrong_price": "Pricing error",
    "seller_cancel_paid_reason_address_not_deliver": "Unable to deliver to buyer address",
    "seller_cancel_paid_reason_buyer_requested_cancellation": "Buyer requested cancellation",
}
UNPAID_REASONS = {
    "seller_cancel_unpaid_reason_out_of_stock": "Out of stock",
    "seller_cancel_unpaid_reason_wrong_price": "Pricing error",
    "seller_cancel_unpaid_reason_buyer_hasnt_paid_within_time_allowed": "Buyer hasn't paid",
    "seller_cancel_unpaid_reason_buyer_requested_cancellation": "Buyer requested cancellation",
}
BUYER_REASONS = {
    "ecom_order_to_ship_canceled_reason_no_longer_needed": "No longer needed",
    "ecom_order_to_ship_canceled_reason_created_by_mistakes": "Order created by mistake",
}
LOCAL_TEXTS = {
    "vi-VN": {"No longer needed": "Không còn nhu cầu", "Out of stock": "Hết hàng"},
    "ja-JP": {"No longer needed": "不要になった", "Out of stock": "在庫切れ"},
}
REJECT_REASONS = {
    "seller_reject_apply_you_have_reached_an_agreement_with_the_buyer": "You have reached an agreement with the buyer",
    "seller_reject_apply_product_has_been_packed": "Product has been packed",
}
OPEN = ("ON_HOLD", "AWAITING_SHIPMENT")
SEARCH_FIELDS = {
    "cancel_ids": STRINGS,
    "order_ids": STRINGS,
    "buyer_user_ids": STRINGS,
    "cancel_types": STRINGS,
    "cancel_status": STRINGS,
    "create_time_ge": INT,
    "create_time_lt": INT,
    "update_time_ge": INT,
    "update_time_lt": INT,
    "locale": STRING,
}


def pending_of(state: State, order: Order) -> dict[str, Any] | None:
    rows = (row for row in state.cancellations.values() if row["order_id"] == order.id)
    return next((row for row in rows if row["cancel_status"] == PENDING), None)


def close_pending(notices: Notices, order: Order, row: dict[str, Any], status: str = WITHDRAWN) -> None:
    """Ends a buyer's request without cancelling the order."""
    row |= {"cancel_status": status, "update_time": notices.state.now(), "seller_next_action_response": []}
    order.data["is_buyer_request_cancel"] = False
    notices.state.save(order)
    notices.cancellation(order, row)


class Cancellations:
    def __init__(self, notices: Notices) -> None:
        self.notices, self.state = notices, notices.state

    def create(self, call: Call) -> dict[str, Any]:
        types = {"order_id": STRING, "cancel_reason": STRING, "order_line_item_ids": STRINGS, "skus": OBJECTS}
        check_fields(call.body, types, ("order_id", "cancel_reason"))
        order = call.order(call.body["order_id"], code=25020005)
        self._check_status(call, order)
        lines = self._lines(call, order)
        reason = self._reason(call)
        live = [line for line in order.lines if line["display_status"] != "CANCELLED"]
        is_partial = len(lines) < len(live)
        if is_partial and (call.shop.region not in ("US", "GB") or not reason.endswith("out_of_stock")):
            raise Refusal(25005010, "Item-level cancellation is not possible")
        if (pending := pending_of(self.state, order)) is not None:
            close_pending(self.notices, order, pending, SUCCESS)
        row = self._row(order, lines, "CANCEL", "SELLER", reason, SUCCESS)
        self._apply(order, row, lines)
        return {"cancel_id": row["cancel_id"], "cancel_status": row["cancel_status"]}

    def search(self, call: Call) -> dict[str, Any]:
        size = query_int(call.query, "page_size", 1, 50, 10)
        field = query_choice(call.query, "sort_field", ("create_time", "update_time"), "create_time")
        direction = query_choice(call.query, "sort_order", ("ASC", "DESC"), "ASC")
        check_fields(call.body, SEARCH_FIELDS)
        rows = [row for row in self.state.cancellations.values() if self._matches(call, row)]
        rows.sort(key=lambda row: (row[field], row["cancel_id"]), reverse=direction == "DESC")
        page = page_of(rows, call.query, size, "cancellations")
        page["cancellations"] = [
            {name: value for name, value in row.items() if not name.startswith("_")} for row in page["cancellations"]
        ]
        return page

    def approve(self, call: Call) -> dict[str, Any]:
        row, order = self._pending(call, approving=True)
        self._settle(order, row)
        return {}

    def reject(self, call: Call) -> dict[str, Any]:
        types = {"reject_reason": STRING, "comment": STRING, "images": OBJECTS}
        check_fields(call.body, types, ("reject_reason",))
        if call.body["reject_reason"] not in REJECT_REASONS:
            raise Refusal(25001014, "Unknown reason")
        row, order = self._pending(call, approving=False)
        close_pending(self.notices, order, row)
        self.state.world.ledger_add("tiktok_shop", "cancellation.rejected", order.id, cancel_id=row["cancel_id"])
        return {}

    def reject_reasons(self, _call: Call) -> dict[str, Any]:
        return {"reasons": [{"name": name, "text": text} for name, text in REJECT_REASONS.items()]}

    def by_buyer(
        self, order: Order, reason: str = "ecom_order_to_ship_canceled_reason_no_longer_needed"
    ) -> dict[str, Any]:
        """Before payment and in the hold at once (typed CANCEL), afterwards a request to the seller."""
        lines = [line for line in order.lines if line["display_status"] != "CANCELLED"]
        if order.status in ("UNPAID", "ON_HOLD"):
            row = self._row(order, lines, "CANCEL", "BUYER", reason, SUCCESS)
            self._apply(order, row, lines)
            return row
        if order.status != "AWAITING_SHIPMENT":
            raise Refusal(25001003, f"The buyer cannot cancel in {order.status}")
        if pending_of(self.state, order) is not None:
            raise Refusal(25001011, "A cancellation is in process")
        row = self._row(order, lines, "BUYER_CANCEL", "BUYER", reason, PENDING)
        deadline = self.state.now() + ANSWER_SECONDS
        row["seller_next_action_response"] = [{"action": "SELLER_RESPOND_CANCEL", "deadline": deadline}]
        order.data |= {"is_buyer_request_cancel": True, "request_cancel_time": self.state.now()}
        self.state.save(order)
        self.notices.cancellation(order, row)
        return row

    def by_system(self, order: Order, reason: str) -> dict[str, Any]:
        lines = [line for line in order.lines if line["display_status"] != "CANCELLED"]
        row = self._row(order, lines, "CANCEL", "SYSTEM", reason, SUCCESS)
        self._apply(order, row, lines)
        return row

    def tick(self) -> None:
        """Approves what the seller left unanswered for 48 hours, and completes refunds."""
        now = self.state.world.now()
        for row in list(self.state.open_cancellations.values()):
            order = self.state.orders[row["order_id"]]
            if row["cancel_status"] not in (PENDING, SUCCESS):
                del self.state.open_cancellations[row["cancel_id"]]
            elif row["cancel_status"] == PENDING and now >= row["seller_next_action_response"][0]["deadline"]:
                self._settle(order, row)
            elif row["cancel_status"] == SUCCESS and now >= row["update_time"] + REFUND_SECONDS:
                row |= {"cancel_status": COMPLETE, "update_time": self.state.now()}
                self.notices.cancellation(order, row)

    def _settle(self, order: Order, row: dict[str, Any]) -> None:
        row |= {"cancel_status": SUCCESS, "update_time": self.state.now(), "seller_next_action_response": []}
        order.data["is_buyer_request_cancel"] = False
        self._apply(order, row, [line for line in order.lines if line["display_status"] != "CANCELLED"])

    def _check_status(self, call: Call, order: Order) -> None:
        if order.status in ("CANCELLED", "COMPLETED"):
            raise Refusal(25001051, "The order is completed or cancelled")
        allowed = (*OPEN, "AWAITING_COLLECTION") if call.shop.region == "US" else OPEN
        if order.status not in allowed:
            code = 25001045 if order.status in ("AWAITING_COLLECTION", "IN_TRANSIT", "PARTIALLY_SHIPPING") else 25001003
            raise Refusal(code, f"The order cannot be cancelled in {order.status}")

    def _reason(self, call: Call) -> str:
        reason = str(call.body["cancel_reason"])
        bare = reason.removesuffix("_uk")
        if bare not in PAID_REASONS and bare not in UNPAID_REASONS:
            raise Refusal(25001014, "Unknown reason")
        is_uk = call.shop.region == "GB"
        fits = bare in PAID_REASONS and reason.endswith("_uk") == is_uk
        if bare.endswith("buyer_requested_cancellation") and call.shop.region != "US":
            fits = False
        if not fits:
            raise Refusal(25001021, "The reason does not fit the order's status")
        return bare

    def _lines(self, call: Call, order: Order) -> list[dict[str, Any]]:
        live = [line for line in order.lines if line["display_status"] != "CANCELLED"]
        wanted = call.body.get("order_line_item_ids") or []
        chosen = [line for line in live if line["id"] in wanted]
        if len(chosen) != len(wanted):
            raise Refusal(25001001, "order_line_item_ids is invalid")
        for sku in call.body.get("skus") or []:
            if not isinstance(sku.get("quantity"), int):
                raise bad_request("param body.skus.quantity type invalid, expected type:int64")
            matching = [line for line in live if line["sku_id"] == sku.get("sku_id") and line not in chosen]
            if not matching or sku["quantity"] > len(matching):
                raise Refusal(25005011, "Too many lines")
            chosen += matching[: sku["quantity"]]
        return chosen or live

    def _row(
        self, order: Order, lines: list[dict[str, Any]], kind: str, role: str, reason: str, status: str
    ) -> dict[str, Any]:
        now = self.state.now()
        english = {**PAID_REASONS, **UNPAID_REASONS, **BUYER_REASONS}.get(reason, reason)
        locale = self.state.shops[order.shop_id].locale
        suffix = "_uk" if role == "SELLER" and self.state.shops[order.shop_id].region == "GB" else ""
        row: dict[str, Any] = {
            "cancel_id": self.state.new_id("4035"),
            "order_id": order.id,
            "cancel_type": kind,
            "cancel_status": status,
            "role": role,
            "cancel_reason": reason + suffix,
            "cancel_reason_text": LOCAL_TEXTS.get(locale, {}).get(english, english),
            "create_time": now,
            "update_time": now,
            "seller_next_action_response": [],
            "cancel_line_items": [self._line_row(order, line) for line in lines],
            "_shop_id": order.shop_id,
            "_user_id": order.data.get("user_id"),
        }
        if order.data.get("paid_time"):
            row["refund_amount"] = self._refund(order, lines)
        self.state.cancellations[row["cancel_id"]] = self.state.open_cancellations[row["cancel_id"]] = row
        return row

    def _line_row(self, order: Order, line: dict[str, Any]) -> dict[str, Any]:
        fields = ("sku_id", "sku_name", "product_name", "seller_sku")
        row = {"cancel_line_item_id": self.state.new_id("4035"), "order_line_item_id": line["id"]}
        row |= {field: line[field] for field in fields if field in line}
        if order.data.get("paid_time"):
            row["refund_amount"] = self._refund(order, [line], with_shipping=False)
        return row

    def _refund(self, order: Order, lines: list[dict[str, Any]], with_shipping: bool = True) -> dict[str, str]:
        payment = order.data["payment"]
        subtotal = sum((Decimal(line["sale_price"]) for line in lines), Decimal(0))
        tax = sum((Decimal(line["item_tax"][0]["tax_amount"]) for line in lines), Decimal(0))
        whole = with_shipping and len(lines) == len(order.lines)
        shipping = Decimal(payment["shipping_fee"]) if whole else Decimal(0)
        tax += Decimal(payment["shipping_fee_tax"]) if whole else Decimal(0)
        fee = Decimal(payment.get("retail_delivery_fee", "0")) if whole else Decimal(0)
        inclusive = self.state.shops[order.shop_id].market.tax_inclusive
        total = subtotal + shipping + fee + (Decimal(0) if inclusive else tax)
        return {
            "currency": payment["currency"],
            "refund_total": money(total),
            "refund_subtotal": money(subtotal),
            "refund_shipping_fee": money(shipping),
            "refund_tax": money(tax),
            "retail_delivery_fee": money(fee),
        }

    def _apply(self, order: Order, row: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        """The order is CANCELLED only when all of its lines are."""
        for line in lines:
            line |= {
                "display_status": "CANCELLED",
                "cancel_user": row["role"],
                "cancel_reason": row["cancel_reason_text"],
            }
        done = all(line["display_status"] == "CANCELLED" for line in order.lines)
        if done:
            order.hold_until = None
            order.data |= {
                "status": "CANCELLED",
                "cancellation_initiator": row["role"],
                "cancel_time": self.state.now(),
                "cancel_reason": order.lines[0].get("cancel_reason", "") if order.lines else row["cancel_reason_text"],
            }
        elif order.status == "PARTIALLY_SHIPPING" and all(
            line.get("rts_time") or line["display_status"] == "CANCELLED" for line in order.lines
        ):
            order.data["status"] = "AWAITING_COLLECTION"
        self.state.save(order)
        self.state.world.ledger_add(
            "tiktok_shop",
            "order.cancelled" if done else "order.lines_cancelled",
            order.id,
            by=row["role"],
            cancel_id=row["cancel_id"],
            line_ids=[line["id"] for line in lines],
        )
        self.notices.cancellation(order, row)
        if done:
            self.notices.status(order)

    def _pending(self, call: Call, *, approving: bool) -> tuple[dict[str, Any], Order]:
        row = self.state.cancellations.get(call.args["cancel_id"])
        if row is None or row["_shop_id"] != call.shop.id:
            raise Refusal(25007006, "The cancellation is not found")
        if row["cancel_status"] in (SUCCESS, COMPLETE):
            raise Refusal(25020010, "The cancellation is already approved")
        if row["cancel_status"] != PENDING:
            raise Refusal(25011012 if approving else 25011011, "The state does not allow this")
        return row, self.state.orders[row["order_id"]]

    def _matches(self, call: Call, row: dict[str, Any]) -> bool:
        body = call.body
        if row["_shop_id"] != call.shop.id:
            return False
        names = {
            "cancel_ids": "cancel_id",
            "order_ids": "order_id",
            "buyer_user_ids": "_user_id",
            "cancel_types": "cancel_type",
            "cancel_status": "cancel_status",
        }
        if any(body.get(name) and row[field] not in body[name] for name, field in names.items()):
            return False
        for field in ("create_time", "update_time"):
            if not body.get(f"{field}_ge", 0) <= row[field] < body.get(f"{field}_lt", 1 << 62):
                return False
        return True
