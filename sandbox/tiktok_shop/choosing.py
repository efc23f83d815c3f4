"""Which lines of an order a request is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.tiktok_shop.envelope import OBJECTS, STRINGS, Refusal, bad_request
from sandbox.tiktok_shop.state import Order
from sandbox.world import ControlError

Line = dict[str, Any]
NEW_LIST = "order_line_list"


def line_fields(version: str) -> dict[str, str]:
    """The body's fields that name lines; 202602 has one more."""
    fields = {"order_line_item_ids": STRINGS, "skus": OBJECTS}
    return fields if version == "202309" else {**fields, NEW_LIST: OBJECTS}


def live_lines(order: Order) -> list[Line]:
    return [line for line in order.lines if line["display_status"] != "CANCELLED"]


def chosen_lines(order: Order, body: dict[str, Any]) -> list[Line]:
    """What a signed call names, or every line that is not cancelled. [guess] units by SKU come on top of named lines.
    Raises Refusal."""
    chosen = _named(order, _ids_of(body))
    for sku in body.get("skus") or []:
        if type(sku.get("quantity")) is not int:
            raise bad_request("param body.skus.quantity type invalid, expected type:int64")
        fitting = [one for one in live_lines(order) if one["sku_id"] == sku.get("sku_id") and one not in chosen]
        if sku["quantity"] < 1 or (not fitting and sku.get("sku_id") not in {one["sku_id"] for one in order.lines}):
            raise Refusal(25001001, "skus is invalid")
        if sku["quantity"] > len(fitting):
            raise Refusal(25005011, "Too many lines")
        chosen += fitting[: sku["quantity"]]
    return chosen or live_lines(order)


def told_lines(order: Order, body: dict[str, Any]) -> list[Line] | None:
    """What a control names as `line_ids`, or as `skus`: {"CND-FIG-08": 1}; None when it names nothing."""
    if "line_ids" in body:
        found = [line for line in order.lines if line["id"] in body["line_ids"]]
        if len(found) != len(set(body["line_ids"])):
            raise ControlError("no such line")
        return _none_cancelled(found)
    if "skus" not in body:
        return None
    chosen: list[Line] = []
    for sku, quantity in body["skus"].items():
        fitting = [line for line in live_lines(order) if sku in (line["seller_sku"], line["sku_id"])]
        if not 0 < int(quantity) <= len(fitting):
            raise ControlError(f"{sku}: {len(fitting)} are there")
        chosen += fitting[: int(quantity)]
    return chosen


def _ids_of(body: dict[str, Any]) -> list[str]:
    ids, listed = body.get("order_line_item_ids") or [], body.get(NEW_LIST) or []
    if ids and listed:
        raise Refusal(25001001, f"order_line_item_ids and {NEW_LIST} exclude each other")
    for entry in listed:
        if not isinstance(entry.get("order_line_item_id"), str):
            raise bad_request(f"param body.{NEW_LIST}.order_line_item_id is missing")
        if entry.get("sub_order_line_item_id"):
            raise Refusal(25001001, "sub_order_line_item_id is invalid")  # nothing here is a bundle
    return ids or [entry["order_line_item_id"] for entry in listed]


def _named(order: Order, ids: Sequence[str]) -> list[Line]:
    known = {line["id"]: line for line in order.lines}
    if len(set(ids)) != len(ids) or any(one not in known for one in ids):
        raise Refusal(25001001, "The order lines are invalid")
    return _none_cancelled([known[one] for one in ids])


def _none_cancelled(lines: list[Line]) -> list[Line]:
    if any(line["display_status"] == "CANCELLED" for line in lines):
        raise Refusal(25020009, "The order line is already cancelled")
    return lines
