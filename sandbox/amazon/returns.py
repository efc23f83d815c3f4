"""Returns to the fulfillment center: one entry for each unit, 200 even when all are refused."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.amazon import checks
from sandbox.amazon.errors import Refused
from sandbox.amazon.state import Seller, State

REASONS = (("CRR-NOT-WANTED", "No longer wanted"), ("CRR-DEFECTIVE", "Defective"))


def reasons(seller: Seller, query: dict[str, str]) -> dict[str, Any]:
    if query.get("sellerSku") not in seller.stock:
        raise Refused(400, "the SellerSKU is invalid.")
    rows = [{"returnReasonCode": code, "description": text} for code, text in REASONS]
    return {"payload": {"reasonCodeDetails": rows}}


def create(state: State, order: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    wanted = body.get("items")
    if not isinstance(wanted, list) or not wanted:
        raise Refused(400, "items is required")
    taken, refused = [], []
    for item in wanted:
        for name in ("sellerFulfillmentOrderItemId", "amazonShipmentId", "returnReasonCode"):
            checks.text(item, name)
        checks.text(item, "sellerReturnItemId", longest=80)
        checks.text(item, "returnComment", longest=1000, is_required=False)
        if reason := _refusal(order, item):
            known = ("sellerReturnItemId", "sellerFulfillmentOrderItemId")
            code = {"invalidItemReasonCode": reason, "description": reason}
            refused.append({**{name: item[name] for name in known}, "invalidItemReason": code})
            continue
        order["returns"].append(item)
        taken.append(
            {
                **{
                    name: item[name]
                    for name in ("sellerReturnItemId", "sellerFulfillmentOrderItemId", "amazonShipmentId")
                },
                "sellerReturnReasonCode": item["returnReasonCode"],
                "status": "New",
                "statusChangedDate": state.iso(),
            }
        )
    authorizations = [_authorization()] if taken else []
    return {"payload": {"returnItems": taken, "invalidReturnItems": refused, "returnAuthorizations": authorizations}}


def _refusal(order: dict[str, Any], item: dict[str, Any]) -> str:
    if any(one["sellerReturnItemId"] == item["sellerReturnItemId"] for one in order["returns"]):
        return "DuplicateRequest"
    if item["returnReasonCode"] not in dict(REASONS):
        return "InvalidValues"
    shipped = sum(
        line["quantity"]
        for shipment in order["shipments"]
        for line in shipment["fulfillmentShipmentItem"]
        if line["sellerFulfillmentOrderItemId"] == item["sellerFulfillmentOrderItemId"]
        and shipment["amazonShipmentId"] == item["amazonShipmentId"]
    )
    if not shipped:
        return "NoCompletedShipItems"
    key = item["sellerFulfillmentOrderItemId"]
    back = sum(1 for one in order["returns"] if one["sellerFulfillmentOrderItemId"] == key)
    return "NoReturnableQuantity" if back >= shipped else ""


def _authorization() -> dict[str, Any]:
    address = {
        "name": "Returns",
        "addressLine1": "1 Center Road",
        "city": "Breinigsville",
        "stateOrRegion": "PA",
        "postalCode": "18031",
        "countryCode": "US",
    }
    return {
        "returnAuthorizationId": secrets.token_hex(8),
        "fulfillmentCenterId": "ABE2",
        "returnToAddress": address,
        "amazonRmaId": secrets.token_hex(6),
        "rmaPageURL": "https://www.amazon.com/returns/label",
    }
