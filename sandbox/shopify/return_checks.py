"""What may be wrong with the calls about returns. Everything here raises Refused and changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.shopify import returns, stock, units
from sandbox.shopify.errors import Refused
from sandbox.shopify.refunds import Checks, Row, positive
from sandbox.shopify.state import Shop


def creation(order: dict[str, Any], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a new return. [guess] which of the schema's codes stands for what."""
    if not given:
        raise Refused("Return line items can't be blank", "returnInput", "returnLineItems", code="BLANK")
    free = {item: (line_id, count) for _, rows in units.returnable(order) for item, line_id, count in rows}
    known = {item for one in order["fulfillments"] for item in one["items"]}
    lines: list[dict[str, Any]] = []
    for place, one in enumerate(given):
        where, item = ("returnInput", "returnLineItems", str(place)), one["fulfillmentLineItemId"]
        if item not in known:
            raise Refused("Fulfillment line item not found", *where, "fulfillmentLineItemId", code="NOT_FOUND")
        line_id, most = free.get(item, ("", 0))
        taken = sum(each["quantity"] for each in lines if each["item"] == item)
        if one["quantity"] < 1:
            raise Refused("Quantity must be greater than 0", *where, "quantity", code="GREATER_THAN")
        if one["quantity"] + taken > most:
            text = "Return line item has an invalid quantity"
            raise Refused(text, *where, "quantity", code="LESS_THAN_OR_EQUAL_TO")
        lines.append({"item": item, "line": line_id, "quantity": one["quantity"], **_reason(one, where)})
    return lines


def _reason(given: dict[str, Any], where: tuple[str, ...]) -> dict[str, Any]:
    note = given.get("returnReasonNote") or ""
    definition, reason = given.get("returnReasonDefinitionId"), given.get("returnReason")
    if given.get("restockingFee"):
        raise Refused("Restocking fees are not played here", *where, "restockingFee", code="FEATURE_NOT_ENABLED")
    if len(note) > returns.NOTE:
        text = f"Return reason note is too long (maximum is {returns.NOTE} characters)"
        raise Refused(text, *where, "returnReasonNote", code="TOO_LONG")
    if definition and definition not in {one["id"] for one in returns.reasons()}:
        raise Refused("Return reason not found", *where, "returnReasonDefinitionId", code="NOT_FOUND")
    if not definition and not reason:  # [guess] that one of the two is needed
        raise Refused("Return reason can't be blank", *where, "returnReasonDefinitionId", code="BLANK")
    if reason == "OTHER" and not note:
        raise Refused("Return reason note can't be blank", *where, "returnReasonNote", code="BLANK")
    return {"reason": reason or "UNKNOWN", "definition": definition, "note": note}


def dispositions(shop: Shop, given: list[dict[str, Any]], *where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The order and the return of these lines of one reverse fulfillment order."""
    if not given:
        raise Refused("Disposition inputs can't be blank", *where, code="BLANK")
    found: tuple[dict[str, Any], dict[str, Any]] | None = None
    wanted: dict[str, int] = {}
    for place, one in enumerate(given):
        spot, gid = (*where, str(place)), one["reverseFulfillmentOrderLineItemId"]
        owner = shop.return_of.get(gid) if "/ReverseFulfillmentOrderLineItem/" in gid else None
        if owner is None or (found is not None and owner[1] is not found[1]):
            text = "Reverse fulfillment order line item not found"
            raise Refused(text, *spot, "reverseFulfillmentOrderLineItemId", code="NOT_FOUND")
        found = owner
        if owner[1]["reverse"]["status"] != "OPEN":
            raise Refused("Reverse fulfillment order is not open", *spot, code="INVALID_STATE")
        _disposition(shop, one, spot)
        wanted[gid] = wanted.get(gid, 0) + one["quantity"]
        if wanted[gid] > returns.left(returns.reverse_line(owner[1], gid)):
            text = "Quantity is more than what is left to dispose"
            raise Refused(text, *spot, "quantity", code="LESS_THAN_OR_EQUAL_TO")
    assert found is not None
    return found


def _disposition(shop: Shop, one: dict[str, Any], where: tuple[str, ...]) -> None:
    if one["quantity"] < 1:
        raise Refused("Quantity must be greater than 0", *where, "quantity", code="GREATER_THAN")
    location = one.get("locationId")
    if one["dispositionType"] == "RESTOCKED" and not location:
        raise Refused("Location can't be blank", *where, "locationId", code="BLANK")
    if location and (trouble := stock.trouble_at(shop, location)):
        raise Refused(trouble, *where, "locationId", code="NOT_FOUND" if "exist" in trouble else "INVALID_STATE")


def delivery(one: dict[str, Any], given: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """The rows of a reverse delivery; none given means every line, whole."""
    lines = {line["id"]: line for line in one["reverse"]["lines"]}
    if one["reverse"]["status"] != "OPEN":
        raise Refused("Reverse fulfillment order is not open", "reverseFulfillmentOrderId", code="INVALID_STATE")
    rows = [(row["reverseFulfillmentOrderLineItemId"], row["quantity"]) for row in given]
    for place, (gid, count) in enumerate(rows):
        where = ("reverseDeliveryLineItems", str(place))
        if gid not in lines:
            text = "Reverse fulfillment order line item not found"
            raise Refused(text, *where, "reverseFulfillmentOrderLineItemId", code="NOT_FOUND")
        if not 0 < count <= lines[gid]["quantity"]:
            raise Refused("Quantity is not within the line's", *where, "quantity", code="INVALID")
    return rows or [(gid, line["quantity"]) for gid, line in lines.items()]


def processing(one: dict[str, Any], given: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """(line of the return, units) of returnProcess."""
    if one["status"] != "OPEN":
        raise Refused("Return is not open", "input", "returnId", code="INVALID_STATE")
    if not given:
        raise Refused("Return line items can't be blank", "input", "returnLineItems", code="BLANK")
    found: list[tuple[dict[str, Any], int]] = []
    for place, row in enumerate(given):
        where = ("input", "returnLineItems", str(place))
        line = next((line for line in one["lines"] if line["id"] == row["id"]), None)
        if line is None:
            raise Refused("Return line item not found", *where, "id", code="NOT_FOUND")
        before = sum(count for each, count in found if each is line)
        if not 0 < row["quantity"] <= line["quantity"] - line["processed"] - before:
            text = "Quantity is more than what is left to process"
            raise Refused(text, *where, "quantity", code="LESS_THAN_OR_EQUAL_TO")
        found.append((line, row["quantity"]))
    return found


def transfer(shop: Shop, order: dict[str, Any], given: dict[str, Any]) -> list[tuple[dict[str, Any], Decimal]]:
    """(the sale it goes back from, how much) of returnProcess' issueRefund."""
    checks, found = Checks(shop, order), []
    for place, one in enumerate(given["orderTransactions"]):
        where = ("input", "financialTransfer", "issueRefund", "orderTransactions", str(place))
        amount = one["transactionAmount"]
        if amount["currencyCode"] != order["currency"]:
            raise Refused("Currency does not match the order's", *where, "transactionAmount")
        found.append((checks.parent(one["parentId"], *where, "parentId"), positive(amount["amount"], *where)))
    checks.total(sum((amount for _, amount in found), Decimal(0)), may_exceed=given.get("allowOverRefunding", False))
    return found


def refund_rows(order: dict[str, Any], counts: list[tuple[dict[str, Any], int]]) -> list[Row]:
    """The units of a return as units of a refund; restocking is the dispositions' business."""
    rows = []
    for line, count in counts:
        of_order = units.line_of(order, line["line"])
        assert of_order is not None
        if count > units.current(of_order):
            raise Refused("The items were refunded already", "input", "financialTransfer", code="INVALID_STATE")
        rows.append(Row(of_order, count, "NO_RESTOCK"))
    return rows
