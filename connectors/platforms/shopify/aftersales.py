"""Cancelled items, refunds and returns as Shopify's inputs, and what its answers say of them. Pure.

https://shopify.dev/docs/api/admin-graphql/latest/mutations/refundCreate, returnCreate and returnProcess (schema
2026-07, read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.aftersales import GoodsBack, Refund
from connectors.base.errors import PermanentError
from connectors.base.money import to_text
from connectors.platforms.shopify.mapping import source_line_ids

Node = Mapping[str, Any]
LONGEST_NOTE = 255
_IS_OVER = frozenset(["CANCELED", "DECLINED"])  # a return that came to nothing gives its items free
# By the words of the source's reason, which is a text; OTHER where none fits, and then the note is what is read.
_REASONS = (
    ("SIZE_TOO_SMALL", r"too (small|tight|short)"),
    ("SIZE_TOO_LARGE", r"too (big|large|loose|long)"),
    ("WRONG_ITEM", r"\b(wrong|incorrect|different) (item|product|variation|colou?r|size)|not what .{0,20}order"),
    ("DEFECTIVE", r"damag|defect|broken|faulty|leak|expired|n.t work|not work"),
    ("NOT_AS_DESCRIBED", r"descri|pictur|photo|counterfeit|as expected|quality"),
    ("UNWANTED", r"no longer|not need|changed? .{0,10}mind|by mistake|better price|do(n.t| not) (like|want)"),
)


@dataclass(frozen=True, slots=True)
class Units:
    """So many units of a line of Shopify's, and the source's line ids that they stand for."""

    line: Node
    quantity: int
    source_ids: tuple[str, ...]


def units_of(lines: Iterable[Node], line_quantities: Mapping[str, int]) -> list[Units]:
    """The units of each line that these units of the source's lines are made of: one or several, of one line or of all
    that its components are in. Raises PermanentError when an id is in no line: nothing is ever done in part."""
    wanted = {line_id: units for line_id, units in line_quantities.items() if units > 0}
    found: list[Units] = []
    met: set[str] = set()
    for line in lines:
        ids = source_line_ids(line.get("customAttributes") or [])
        ours = tuple(line_id for line_id in ids if line_id in wanted)
        if ours:
            each = max(1, int(line.get("quantity") or 0) // len(ids))
            found.append(Units(line, each * sum(wanted[line_id] for line_id in ours), ours))
            met.update(ours)
    if not wanted or met != set(wanted):
        raise PermanentError("Shopify's order has no such items", reason="REMOTE_ERROR")
    return found


def marked(reference: str) -> str:
    """How a note shows that it is ours, and for what."""
    return f"[{reference}]"


def has_refund(order: Node, reference: str) -> bool:
    """Whether a refund with our reference is there."""
    return any(marked(reference) in str(past.get("note")) for past in order.get("refunds") or [])


# Cancelled items and refunds: records without transactions, so that no money moves.


def cancel_input(order_id: str, units: Sequence[Units], *, note: str) -> dict[str, Any]:
    """Units that do not leave. CANCEL is the only kind that takes them out of what is to be fulfilled, and it puts them
    back into stock: https://community.shopify.dev/t/19953 (read 2026-11). Raises PermanentError where too few wait."""
    if any(each.quantity > int(each.line.get("unfulfilledQuantity") or 0) for each in units):
        raise PermanentError("Shopify's order has these items no more to ship", reason="ALREADY_CANCELLED")
    return _input(order_id, units, note, ["CANCEL"] * len(units))


def refund_input(order_id: str, units: Sequence[Units], refund: Refund, *, note: str) -> dict[str, Any]:
    """Goods and shipping that were paid back. What was shipped is put into stock when it is back, with its return.

    Raises PermanentError where less is left to refund.
    """
    if any(each.quantity > int(each.line.get("refundableQuantity") or 0) for each in units):
        raise PermanentError("Shopify's order has fewer of these items left to refund", reason="REMOTE_ERROR")
    waits = [each.quantity <= int(each.line.get("unfulfilledQuantity") or 0) for each in units]
    kinds = ["CANCEL" if refund.restock and is_here else "NO_RESTOCK" for is_here in waits]
    shipping = {"shipping": {"amount": to_text(refund.shipping, refund.currency)}} if refund.shipping > 0 else {}
    return {**_input(order_id, units, note, kinds), **shipping}


def _input(order_id: str, units: Sequence[Units], note: str, kinds: Sequence[str]) -> dict[str, Any]:
    rows = [
        {"lineItemId": each.line["id"], "quantity": each.quantity, "restockType": kind}
        for each, kind in zip(units, kinds, strict=True)
    ]
    return {"orderId": order_id, "note": note, "notify": False, "refundLineItems": rows, "transactions": []}


def refund_note(refund: Refund, reference: str) -> str:
    """What was paid back elsewhere; Shopify takes no amount of a record without money."""
    paid = f"{to_text(refund.amount, refund.currency)} {refund.currency} paid back at TikTok Shop"
    return f"{paid}. {refund.note} {marked(reference)}"


# Returns


def return_with(returns: Iterable[Node], reference: str) -> Node | None:
    """The return with our reference; one that came to nothing counts as well, so that it is not made anew."""
    for each in returns:
        lines = (each.get("returnLineItems") or {}).get("nodes") or []
        if any(marked(reference) in str(line.get("returnReasonNote")) for line in lines):
            return each
    return None


def returned_ids(returns: Iterable[Node]) -> set[str]:
    """The source's line ids in returns of ours that did not come to nothing."""
    found: set[str] = set()
    for each in returns:
        if each.get("status") not in _IS_OVER:
            for line in (each.get("returnLineItems") or {}).get("nodes") or []:
                told = re.search(r"\] lines (\S+)$", str(line.get("returnReasonNote")))
                found.update(told[1].split(",") if told else ())
    return found


def return_input(order_id: str, returnable: Sequence[Node], goods: GoodsBack, reference: str) -> dict[str, Any]:
    """The items to come back, out of whichever parcels they left in. Raises PermanentError where too few can."""
    lines = {str(node["fulfillmentLineItem"]["lineItem"]["id"]): node for node in returnable}
    units = units_of([node["fulfillmentLineItem"]["lineItem"] for node in lines.values()], goods.line_quantities)
    rows = []
    for each in units:
        left = each.quantity
        for node in returnable:
            item = node["fulfillmentLineItem"]
            count = min(left, int(node.get("quantity") or 0)) if item["lineItem"]["id"] == each.line["id"] else 0
            if count:
                note = _return_note(goods, reference, each.source_ids)
                row = {"fulfillmentLineItemId": item["id"], "quantity": count, "returnReasonNote": note}
                rows.append({**row, "returnReason": reason_of(goods.reason_text)})
                left -= count
        if left:
            raise PermanentError("Shopify's order has fewer of these items that can come back", reason="REMOTE_ERROR")
    return {"orderId": order_id, "returnLineItems": rows}


def reason_of(text: str) -> str:
    """Shopify's word for the source's reason."""
    return next((word for word, pattern in _REASONS if re.search(pattern, text, re.I)), "OTHER")


def _return_note(goods: GoodsBack, reference: str, source_ids: Sequence[str]) -> str:
    """The reason, the parcel, and what we know it by, which stands at the end and is never cut."""
    known = f"{marked(reference)} lines {source_ids[0]}"
    for line_id in source_ids[1:]:
        if len(known) + 1 + len(line_id) <= LONGEST_NOTE:
            known += f",{line_id}"
    told = " ".join(part for part in (goods.reason_text, goods.carrier, goods.tracking_number) if part)
    return f"{told[: LONGEST_NOTE - 1 - len(known)]} {known}".strip()


def process_input(node: Node, locations: Mapping[str, str]) -> dict[str, Any]:
    """All that is not processed yet, disposed of: restocked at the location it left from, where `locations` names one
    by the fulfillment's line, else not restocked. No money: a transfer is not asked for."""
    open_items: dict[str, list[tuple[str, int]]] = {}
    for order in (node.get("reverseFulfillmentOrders") or {}).get("nodes") or []:
        for item in (order.get("lineItems") or {}).get("nodes") or []:
            gone = sum(int(each.get("quantity") or 0) for each in item.get("dispositions") or [])
            left = int(item.get("totalQuantity") or 0) - gone
            if left > 0:
                key = str((item.get("fulfillmentLineItem") or {}).get("id"))
                open_items.setdefault(key, []).append((str(item["id"]), left))
    rows = []
    for line in _unprocessed(node):
        key, wanted = str((line.get("fulfillmentLineItem") or {}).get("id")), int(line["unprocessedQuantity"])
        row: dict[str, Any] = {"id": line["id"], "quantity": wanted}
        location = locations.get(key, "")
        where = {"dispositionType": "RESTOCKED", "locationId": location} if location else {}
        for item_id, left in open_items.get(key, []):
            if count := min(left, wanted):
                named = {"reverseFulfillmentOrderLineItemId": item_id, "quantity": count}
                row.setdefault("dispositions", []).append({**named, "dispositionType": "NOT_RESTOCKED", **where})
                wanted -= count
        rows.append(row)
    return {"returnId": node["id"], "returnLineItems": rows, "notifyCustomer": False}


def has_unprocessed(node: Node) -> bool:
    """Whether anything of the return is still to be processed."""
    return bool(_unprocessed(node))


def _unprocessed(node: Node) -> list[Node]:
    lines = (node.get("returnLineItems") or {}).get("nodes") or []
    return [line for line in lines if int(line.get("unprocessedQuantity") or 0) > 0]


def left_from(order: Node) -> dict[str, str]:
    """The location that each line of the fulfillments left from; lines of a place that is not named are left out."""
    return {
        str(line["id"]): str(place["id"])
        for fulfillment in order.get("fulfillments") or []
        if (place := fulfillment.get("location") or {}).get("id")
        for line in (fulfillment.get("fulfillmentLineItems") or {}).get("nodes") or []
    }
