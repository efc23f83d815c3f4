"""Returns to the fulfillment center: one entry for each unit, 200 even when all are refused.

Nobody is refunded here: Amazon took no money for these orders, and its model has no call for it.
"""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.amazon import checks
from sandbox.amazon.errors import Refused
from sandbox.amazon.state import Seller, State

CENTER = "ABE2"
# As the model's example lists them, for every SKU.
REASONS = (
    ("CR-UNWANTED_ITEM", "No longer needed/wanted"),
    ("AMZ-PG-BAD-DESC", "Different from website description"),
    ("CR-DEFECTIVE", "Defective/Does not work properly"),
    ("CR-ORDERED_WRONG_ITEM", "Accidental order"),
    ("CR-FOUND_BETTER_PRICE", "Better price available"),
    ("CR-DAMAGED_BY_FC", "Damaged due to inappropriate packaging"),
    ("CR-MISSED_ESTIMATED_DELIVERY", "Missed estimated delivery date"),
    ("CR-MISSING_PARTS", "Missing parts or accessories"),
    ("CR-DAMAGED_BY_CARRIER", "Damaged during shipping"),
    ("CR-SWITCHEROO", "Different from what was ordered"),
    ("CR-EXTRA_ITEM", "Arrived in addition to what was ordered"),
    ("CR-UNAUTHORIZED_PURCHASE", "Unauthorized purchase"),
)
CONDITIONS = ("Sellable", "Defective", "CustomerDamaged", "CarrierDamaged", "FulfillerDamaged")


def reasons(seller: Seller, query: dict[str, str]) -> dict[str, Any]:
    """For a SKU; both the marketplace and the order that names it may be left out."""
    checks.text(dict(query), "sellerSku")
    if query["sellerSku"] not in seller.stock:
        raise Refused(400, "the SellerSKU is invalid.")
    if query.get("marketplaceId") not in (None, seller.marketplace):
        raise Refused(400, "Value for parameter marketplaceId is invalid. Reason: InvalidValue.")
    order_id = query.get("sellerFulfillmentOrderId")
    if order_id is not None and order_id not in seller.orders:
        raise Refused(seller.missing_status, f"The fulfillment order {order_id} does not exist")
    is_translated = bool(query.get("language"))
    rows = [
        {"returnReasonCode": code, "description": text, **({"translatedDescription": text} if is_translated else {})}
        for code, text in REASONS
    ]
    return {"payload": {"reasonCodeDetails": rows}}


def create(state: State, order: dict[str, Any], body: dict[str, Any], *, made_by: str = "app") -> dict[str, Any]:
    """Takes every unit that it can, under one authorization [guess], and says why not of each other."""
    wanted = body.get("items")
    if not isinstance(wanted, list) or not wanted:
        raise Refused(400, "items is required")  # [guess] that none is not enough
    for item in wanted:
        _check(item)
    authorization = _authorization()
    taken, refused = [], []
    for item in wanted:
        if reason := _refusal(order, item):
            refused.append(_refused(item, reason))
            continue
        named = ("sellerReturnItemId", "sellerFulfillmentOrderItemId", "amazonShipmentId", "returnComment")
        made = {
            **{name: item[name] for name in named if item.get(name)},
            "sellerReturnReasonCode": item["returnReasonCode"],
            "status": "New",
            "statusChangedDate": state.iso(),
            "returnAuthorizationId": authorization["returnAuthorizationId"],
        }
        order["returns"].append(made)
        taken.append(made)
    if taken:
        order["authorizations"].append(authorization)
        state.world.ledger_add(
            "amazon",
            "return.created",
            authorization["returnAuthorizationId"],
            order=order["id"],
            reference=order["id"].removeprefix("TT-"),
            lines=_units(order, taken),
            items=[one["sellerReturnItemId"] for one in taken],
            note=next((one["returnComment"] for one in taken if "returnComment" in one), ""),
            by=made_by,
        )
    payload = {
        "returnItems": [dict(one) for one in taken],
        "invalidReturnItems": refused,
        "returnAuthorizations": [authorization] if taken else [],
    }
    return {"payload": payload}


def receive(
    state: State, seller: Seller, order: dict[str, Any], item_ids: list[str] | None, *, condition: str, reason: str = ""
) -> None:
    """The center processes these units, or all that are on their way; what it finds sellable is in stock again."""
    if condition not in CONDITIONS:
        raise ValueError(f"no such condition: {condition}")
    waiting = [one for one in order["returns"] if one["status"] == "New"]
    found = [one for one in waiting if not item_ids or one["sellerReturnItemId"] in item_ids]
    if not found:
        raise ValueError("nothing of it is on its way back")
    for one in found:
        one |= {
            "status": "Processed",
            "statusChangedDate": state.iso(),
            "returnReceivedCondition": condition,
            "amazonReturnReasonCode": reason or one["sellerReturnReasonCode"],
            "fulfillmentCenterId": CENTER,
        }
        lines = _units(order, [one])
        facts = {"reference": order["id"].removeprefix("TT-"), "lines": lines}
        key = one["sellerReturnItemId"]
        state.world.ledger_add("amazon", "return.received", key, order=order["id"], condition=condition, **facts)
        (sku,) = lines
        if condition == "Sellable" and sku in seller.stock:
            seller.stock[sku]["quantity"] += 1
            state.world.ledger_add("amazon", "stock.restocked", order["id"], why="return", **facts)


def _check(item: Any) -> None:
    if not isinstance(item, dict):
        raise Refused(400, "items must be objects")
    checks.text(item, "sellerReturnItemId", longest=80)
    for name in ("sellerFulfillmentOrderItemId", "amazonShipmentId", "returnReasonCode"):
        checks.text(item, name)
    checks.text(item, "returnComment", longest=1000, is_required=False)


def _refused(item: dict[str, Any], reason: str) -> dict[str, Any]:
    named = {name: item[name] for name in ("sellerReturnItemId", "sellerFulfillmentOrderItemId")}
    return {**named, "invalidItemReason": {"invalidItemReasonCode": reason, "description": reason}}


def _refusal(order: dict[str, Any], item: dict[str, Any]) -> str:
    """[guess] which of the codes stands for what; that a return item's id is one order's."""
    if any(one["sellerReturnItemId"] == item["sellerReturnItemId"] for one in order["returns"]):
        return "DuplicateRequest"
    key, shipment_id = item["sellerFulfillmentOrderItemId"], item["amazonShipmentId"]
    shipment = next((one for one in order["shipments"] if one["amazonShipmentId"] == shipment_id), None)
    is_known = any(one["sellerFulfillmentOrderItemId"] == key for one in order["sent"]["items"])
    if shipment is None or not is_known or item["returnReasonCode"] not in dict(REASONS):
        return "InvalidValues"
    rows = (row for row in shipment["fulfillmentShipmentItem"] if row["sellerFulfillmentOrderItemId"] == key)
    shipped = sum(row["quantity"] for row in rows)
    if not shipped or shipment["fulfillmentShipmentStatus"] != "SHIPPED":
        return "NoCompletedShipItems"
    same = ("sellerFulfillmentOrderItemId", "amazonShipmentId")
    back = sum(1 for one in order["returns"] if all(one[name] == item[name] for name in same))
    return "NoReturnableQuantity" if back >= shipped else ""


def returnable(order: dict[str, Any]) -> list[tuple[dict[str, Any], str, int]]:
    """(item of the order, shipment, units) of everything that may come back."""
    found = []
    items = {one["sellerFulfillmentOrderItemId"]: one for one in order["sent"]["items"]}
    for shipment in order["shipments"]:
        for row in shipment["fulfillmentShipmentItem"]:
            key, shipment_id = row["sellerFulfillmentOrderItemId"], shipment["amazonShipmentId"]
            named = ((one["sellerFulfillmentOrderItemId"], one["amazonShipmentId"]) for one in order["returns"])
            left = row["quantity"] - sum(1 for one in named if one == (key, shipment_id))
            if shipment["fulfillmentShipmentStatus"] == "SHIPPED" and left > 0:
                found.append((items[key], shipment_id, left))
    return found


def _units(order: dict[str, Any], taken: list[dict[str, Any]]) -> dict[str, int]:
    skus = {one["sellerFulfillmentOrderItemId"]: one["sellerSku"] for one in order["sent"]["items"]}
    units: dict[str, int] = {}
    for one in taken:
        sku = skus[one["sellerFulfillmentOrderItemId"]]
        units[sku] = units.get(sku, 0) + 1
    return units


def _authorization() -> dict[str, Any]:
    address = {
        "name": "Returns Department",
        "addressLine1": "1 Center Road",
        "city": "Breinigsville",
        "stateOrRegion": "PA",
        "postalCode": "18031",
        "countryCode": "US",
    }
    rma = secrets.token_hex(6)
    return {
        "returnAuthorizationId": "RMA" + secrets.token_hex(7).upper(),
        "fulfillmentCenterId": CENTER,
        "returnToAddress": address,
        "amazonRmaId": rma,
        "rmaPageURL": f"https://www.amazon.com/gp/orc/rml/{rma}",
    }
