"""An order as the pages and the tests look at it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.shopify import units


def seen(order: dict[str, Any]) -> dict[str, Any]:
    shipped = [one for one in order["fulfillments"] if one["status"] == "SUCCESS"]
    left = sum(units.unfulfilled(order, line) for line in order["lines"])
    return {
        "gid": order["id"],
        "name": order["name"],
        "shop": order["shop"],
        "reference": order["sourceIdentifier"],
        "created_at": order["created"],
        "total": str(order["total"]),
        "paid": str(units.received(order)),
        "currency": order["currency"],
        "financial_status": order["financial"],
        "fulfillment_status": "Unfulfilled" if not shipped else "Partly fulfilled" if left else "Fulfilled",
        "status": "Cancelled" if order["cancelled"] else "",
        "is_cancelled": bool(order["cancelled"]),
        "is_on_hold": bool(order["holds"]),
        "location": order["location"],
        "email": order["email"],
        "note": order["note"],
        "tags": order["tags"],
        "attributes": order["attributes"],
        "metafields": {f"{namespace}.{key}": value for (namespace, key), value in order["metafields"].items()},
        "shipping_address": order["shippingAddress"],
        "shipping_lines": order["shippingLines"],
        "tax_lines": order["taxLines"],
        "taxes_included": order["taxesIncluded"],
        "discount": order["discountCode"],
        "lines": [
            {
                "sku": line["sku"],
                "title": line["title"],
                "quantity": line["quantity"],
                "current": units.current(line),
                "remaining": units.unfulfilled(order, line),
                "price": str(line["price"]),
                "properties": line["properties"],
            }
            for line in order["lines"]
        ],
        "fulfillments": [_parcel(order, one) for one in order["fulfillments"]],
        "refunds": [_refund(order, one) for one in order["refunds"]],
        "returns": [_return(order, one) for one in order["returns"]],
    }


def _parcel(order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "status": one["status"],
        "tracking_number": one["tracking"]["number"],
        "carrier": one["tracking"]["company"],
        "lines": units.by_sku(order, one["lines"].items()),
    }


def _refund(order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "note": one["note"],
        "amount": str(sum((each["amount"] for each in one["transactions"]), Decimal(0))),
        "lines": units.by_sku(order, ((row["line"], row["quantity"]) for row in one["rows"])),
        "return": one["return"],
    }


def _return(order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    ends = [each for line in one["reverse"]["lines"] for each in line["dispositions"]]
    return {
        "id": one["id"],
        "name": one["name"],
        "status": one["status"],
        "note": next((line["note"] for line in one["lines"] if line["note"]), ""),
        "lines": units.by_sku(order, ((line["line"], line["quantity"]) for line in one["lines"])),
        "dispositions": [{"type": each["type"], "quantity": each["quantity"]} for each in ends],
        "tracking_numbers": [each["tracking"].get("number") or "" for each in one["reverse"]["deliveries"]],
    }
