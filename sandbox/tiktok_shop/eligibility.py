"""What may be asked for a line of an order by whom, and what it would give back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.choosing import chosen_lines, line_fields, live_lines
from sandbox.tiktok_shop.envelope import STRING, Refusal, check_fields, query_choice
from sandbox.tiktok_shop.reasons import (
    OUT_OF_STOCK,
    check_seller_cancel,
    check_seller_return,
    seller_cancel_reasons,
    seller_return_reasons,
)
from sandbox.tiktok_shop.refunds import Parts, left_of_lines, refund_of
from sandbox.tiktok_shop.rows import Row, id_of, lines_of, status_of
from sandbox.tiktok_shop.state import Order, Shop, State
from sandbox.tiktok_shop.statuses import CANCEL_SUCCESS, ENDED, NEW_GOODS, REJECTED, REPLACE_REJECTED

Line = dict[str, Any]
REQUEST_TYPES = ("CANCEL", "REFUND", "RETURN_AND_REFUND")
ITEM_MARKETS = ("US", "GB")  # where single lines can be cancelled
EXCHANGE_MARKETS = ("US", "GB")
BUYER_CANCELS = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT")
ON_THE_WAY = ("PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT")
REFUNDS_FROM = ("AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")  # [guess] the last one
RETURNS_FROM = ("DELIVERED", "COMPLETED")  # [guess] goods come back once they arrived
SELLER_REFUNDS_FROM = ("IN_TRANSIT", "DELIVERED")
SHIPMENT_TYPES, HANDOVER_METHODS = ("PLATFORM", "BUYER_ARRANGE"), ("DROP_OFF", "PICKUP")


def check_cancel(state: State, order: Order, *, user: str) -> None:
    """Refuses the cancellation of an order, whoever asks, by its status or for what is under way."""
    shop, status = state.shops[order.shop_id], order.status
    if status in ("CANCELLED", "COMPLETED"):
        raise Refusal(25001051, "The order is completed or cancelled")
    if status not in _cancels_from(shop, user):
        raise Refusal(25001045 if status in ON_THE_WAY else 25001003, f"The order cannot be cancelled in {status}")
    if open_rows(state, order):
        raise Refusal(25001011, "A request is in process for this order")


def check_part(state: State, order: Order, lines: Sequence[Line], reason: str) -> None:
    """Refuses single lines where the market has none, or for another reason than the one that is permitted. [guess] a
    buyer (whose reason is not asked) may name lines from the hold on."""
    if len(lines) == len(live_lines(order)):
        return
    statuses = ("AWAITING_SHIPMENT",) if reason else ("ON_HOLD", "AWAITING_SHIPMENT")
    is_permitted = not reason or reason.removesuffix("_uk") == OUT_OF_STOCK
    if state.shops[order.shop_id].region not in ITEM_MARKETS or order.status not in statuses or not is_permitted:
        raise Refusal(25005010, "Item-level cancellation is not possible")


def check_return(
    state: State, order: Order, lines: Sequence[Line], *, kind: str, user: str, early: bool = False, but: str = ""
) -> None:
    """Refuses a refund or return. `early`: [guess] a buyer may ask for the money before the parcel leaves. `but` is a
    return whose place it takes."""
    shop = state.shops[order.shop_id]
    if user == "SELLER" and shop.region != "US":
        raise Refusal(25020005, "No permission: sellers cannot open a return in this market")
    if kind == "EXCHANGE" and shop.region not in EXCHANGE_MARKETS:
        raise Refusal(25020005, "No permission: this market has no exchange")
    if not lines:
        raise Refusal(25001051, "The order is completed or cancelled")
    left = left_of_lines(state, order, but=but)
    for line in lines:
        status = order.status if order.status != "PARTIALLY_SHIPPING" else line["display_status"]
        is_early = early and kind == "REFUND" and status == "AWAITING_SHIPMENT"
        if status not in _returns_from(kind, user) and not is_early:
            raise Refusal(25001003, f"Invalid order status: {status}")
        if any(id_of(row) != but for row in open_rows(state, order, line["id"])):
            raise Refusal(25001011, "A request is in process for this order line")
        is_worth_nothing = not left[line["id"]].subtotal and float(line["sale_price"]) > 0
        if is_worth_nothing or _is_replaced(state, order, line["id"]):
            raise Refusal(25005005, "Nothing of the order line is left to refund")


def open_rows(state: State, order: Order, line_id: str = "") -> list[Row]:
    """The requests of this order, or of one of its lines, that may still come to something."""
    rows = [one for one in state.after_sales.get(order.id, ()) if status_of(one) not in (*ENDED, CANCEL_SUCCESS)]
    return [one for one in rows if not line_id or line_id in {line["order_line_item_id"] for line in lines_of(one)}]


def parcel_is_stopped(state: State, order: Order, line_id: str) -> bool:
    """Whether a return keeps the line from being shipped: one that is open, and not just rejected."""
    rows = [row for row in open_rows(state, order, line_id) if "return_id" in row]
    refused = (REJECTED, REPLACE_REJECTED)
    return any(status_of(row) not in refused or row.get("arbitration_status") == "IN_PROGRESS" for row in rows)


def eligibility(call: Call) -> dict[str, Any]:
    """GET …/aftersale_eligibility: by SKU and request, with the lines that fare alike."""
    user = query_choice(call.query, "initiate_aftersale_user", ("SELLER", "BUYER"), "SELLER")
    order = call.order(call.args["order_id"], code=25020005, unknown=25007006)
    skus: dict[str, list[Line]] = {}
    for line in order.lines:
        skus.setdefault(line["sku_id"], []).append(line)
    rows = [
        {
            "sku_id": sku,
            "line_item_eligibility": [one for kind in REQUEST_TYPES for one in _of(call, order, lines, kind, user)],
        }
        for sku, lines in skus.items()
    ]
    return {"sku_eligibility": rows}


def calculate(call: Call) -> dict[str, Any]:
    """POST …/refunds/calculate: the sum that such a request would give back; nothing happens."""
    types = {"order_id": STRING, "request_type": STRING, "reason_name": STRING, **line_fields(call.version)}
    types |= {"shipment_type": STRING, "handover_method": STRING}
    check_fields(call.body, types, ("order_id", "request_type", "reason_name"))
    check_ways(call.body)
    kind, order = call.body["request_type"], call.order(call.body["order_id"], code=25020005, unknown=25007006)
    if kind not in REQUEST_TYPES:
        raise Refusal(25001001, "request_type is invalid")
    lines = chosen_lines(order, call.body)
    if kind == "CANCEL":
        check_cancel(call.state, order, user="SELLER")
        check_seller_cancel(call.shop, order.status, call.body["reason_name"])
        check_part(call.state, order, lines, call.body["reason_name"])
    else:
        check_return(call.state, order, lines, kind=kind, user="SELLER")
        check_seller_return(call.body["reason_name"])
    if kind == "CANCEL" and not order.data.get("paid_time"):
        return {"order_refund_amount": Parts().shown(call.shop, order.data["payment"]["currency"])}
    return {"order_refund_amount": refund_of(call.state, order, lines, is_return=kind != "CANCEL").shown()}


def check_ways(body: dict[str, Any]) -> None:
    for name, known in (("shipment_type", SHIPMENT_TYPES), ("handover_method", HANDOVER_METHODS)):
        if body.get(name) not in (None, *known):
            raise Refusal(25001001, f"{name} is invalid")


def _of(call: Call, order: Order, lines: Sequence[Line], kind: str, user: str) -> list[dict[str, Any]]:
    """The lines of one SKU, grouped by why they may not."""
    groups: dict[tuple[int, str], list[str]] = {}
    for line in lines:
        groups.setdefault(_why_not(call.state, order, line, kind, user), []).append(line["id"])
    rows = []
    for (code, text), line_ids in groups.items():
        row: dict[str, Any] = {"request_type": kind, "order_line_items_ids": line_ids, "eligible": not code}
        row |= {"ineligible_code": code, "ineligible_reason": text} if code else {}
        if call.version != "202309":
            row["available_reason_names"] = [] if code else _reasons(call.shop, order, kind, user)
        rows.append(row)
    return rows


def _why_not(state: State, order: Order, line: Line, kind: str, user: str) -> tuple[int, str]:
    try:
        if line["display_status"] == "CANCELLED" and order.status != "CANCELLED":
            raise Refusal(25020009, "The order line is already cancelled")
        if kind == "CANCEL":
            check_cancel(state, order, user=user)
        else:
            check_return(state, order, [line], kind=kind, user=user)
    except Refusal as refusal:
        return refusal.code, refusal.message
    return 0, ""


def _reasons(shop: Shop, order: Order, kind: str, user: str) -> list[str]:
    """[guess] the buyers' own reasons are not told."""
    if user != "SELLER":
        return []
    return seller_cancel_reasons(shop, order.status) if kind == "CANCEL" else seller_return_reasons(shop)


def _cancels_from(shop: Shop, user: str) -> tuple[str, ...]:
    if user == "BUYER":
        return BUYER_CANCELS
    statuses = ("ON_HOLD", "AWAITING_SHIPMENT", *(("AWAITING_COLLECTION",) if shop.region == "US" else ()))
    return ("UNPAID", *statuses) if shop.seller_cancels_unpaid else statuses


def _returns_from(kind: str, user: str) -> tuple[str, ...]:
    if user == "SELLER":
        return SELLER_REFUNDS_FROM
    return REFUNDS_FROM if kind == "REFUND" else RETURNS_FROM


def _is_replaced(state: State, order: Order, line_id: str) -> bool:
    rows = [row for row in state.after_sales.get(order.id, ()) if status_of(row) in NEW_GOODS]
    return any(line_id in {line["order_line_item_id"] for line in lines_of(row)} for row in rows)
