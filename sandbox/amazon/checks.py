"""What may stand in a request, by the official model; the rest the model leaves open is told by the guides."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sandbox.amazon.errors import Refused
from sandbox.amazon.state import Seller

SPEEDS = frozenset({"Standard", "Expedited", "Priority", "ScheduledDelivery"})
POLICIES = frozenset({"FillOrKill", "FillAll", "FillAllAvailable"})
FEATURES = frozenset({"BLANK_BOX", "BLOCK_AMZL", "OVERBOX", "PACKING_SLIP", "SIGNATURE_CONFIRMATION"})
MOST_LINES, MOST_UNITS = 100, 250
JAPAN = "A1VC38T7YXB528"
# [guess] the model has no lengths for these
LONGEST = {"name": 50, "addressLine1": 60, "addressLine2": 60, "addressLine3": 60}


def text(body: dict[str, Any], name: str, *, longest: int = 0, is_required: bool = True) -> str:
    value = body.get(name)
    if value is None and not is_required:
        return ""
    if not isinstance(value, str) or not value:
        raise Refused(400, f"{name} is required and must be a string")
    if longest and len(value) > longest:
        raise Refused(400, f"{name} has {len(value)} characters, at most {longest} are allowed")
    return value


def choice(body: dict[str, Any], name: str, values: frozenset[str], *, is_required: bool = False) -> str:
    value = body.get(name)
    if value is None and not is_required:
        return ""
    if value not in values:
        raise Refused(400, f"{name} must be one of {sorted(values)}")
    return str(value)


def moment(body: dict[str, Any], name: str) -> None:
    try:
        is_zoned = datetime.fromisoformat(text(body, name)).tzinfo is not None
    except ValueError as error:
        raise Refused(400, f"{name} is not a date-time") from error
    if not is_zoned:
        raise Refused(400, f"{name} is not a date-time")


def address(value: Any) -> None:
    if not isinstance(value, dict):
        raise Refused(400, "destinationAddress is required")
    for name in ("name", "addressLine1", "postalCode", "countryCode"):
        text(value, name)
    for name, longest in LONGEST.items():
        text(value, name, longest=longest, is_required=False)
    for name in ("stateOrRegion", "districtOrCounty", "phone"):
        text(value, name, is_required=False)
    if not re.fullmatch(r"[A-Z]{2}", value["countryCode"]):
        raise Refused(400, "countryCode must have two letters")
    if value["countryCode"] != "JP":
        text(value, "city")


def items(seller: Seller, value: Any) -> list[dict[str, Any]]:
    """At most 100 lines and 250 units, each line under an id of its own."""
    if not isinstance(value, list) or not value:
        raise Refused(400, "items is required")
    if len(value) > MOST_LINES:
        raise Refused(400, f"An order has at most {MOST_LINES} items")
    for item in value:
        text(item, "sellerSku", longest=50)
        text(item, "sellerFulfillmentOrderItemId", longest=50)
        text(item, "giftMessage", longest=512, is_required=False)
        text(item, "displayableComment", longest=250, is_required=False)
        if type(item.get("quantity")) is not int or item["quantity"] < 1:
            raise Refused(400, "quantity must be a whole number of at least 1")
        declared = item.get("perUnitDeclaredValue")
        if declared is not None and not _is_money(declared):
            raise Refused(400, "perUnitDeclaredValue must have a currencyCode and a value as decimal text")
        if item["sellerSku"] not in seller.stock:
            raise Refused(400, f"the SellerSKU for Item Id: {item['sellerFulfillmentOrderItemId']} is invalid.")
    ids = [item["sellerFulfillmentOrderItemId"] for item in value]
    if len(set(ids)) < len(ids):
        raise Refused(400, "sellerFulfillmentOrderItemId must be unique in the order")
    if sum(item["quantity"] for item in value) > MOST_UNITS:
        raise Refused(400, f"An order has at most {MOST_UNITS} units")
    return value


def _is_money(value: Any) -> bool:
    is_amount = isinstance(value.get("value"), str) and re.fullmatch(r"\d+(\.\d+)?", value["value"])
    return bool(is_amount) and re.fullmatch(r"[A-Z]{3}", str(value.get("currencyCode"))) is not None


def features(seller: Seller, value: Any) -> None:
    for constraint in value or []:
        if constraint.get("featureName") not in FEATURES:
            raise Refused(400, f"featureName {constraint.get('featureName')} is not known")
        if constraint.get("featureFulfillmentPolicy") not in ("Required", "NotRequired"):
            raise Refused(400, "featureFulfillmentPolicy must be Required or NotRequired")
        is_required = constraint["featureFulfillmentPolicy"] == "Required"
        if constraint["featureName"] == "BLANK_BOX" and is_required and not seller.blank_box:
            raise Refused(400, "An item is not eligible for BLANK_BOX")


def update(seller: Seller, sent: dict[str, Any], body: dict[str, Any]) -> str:
    """The whole of updateFulfillmentOrder's body, in which everything is optional; the action that it asks for."""
    if body.get("marketplaceId") not in (None, seller.marketplace):
        raise Refused(400, "Value for parameter marketplaceId is invalid. Reason: InvalidValue.")
    for name, longest in (("displayableOrderId", 40), ("displayableOrderComment", 750)):
        text(body, name, longest=longest, is_required=False)
    if body.get("displayableOrderDate") is not None:
        moment(body, "displayableOrderDate")
    speed = choice(body, "shippingSpeedCategory", SPEEDS) or sent["shippingSpeedCategory"]
    choice(body, "fulfillmentPolicy", POLICIES)
    action = choice(body, "fulfillmentAction", frozenset({"Ship", "Hold"}))
    if speed == "ScheduledDelivery" and (seller.marketplace != JAPAN or action == "Hold"):
        raise Refused(400, "ScheduledDelivery is available in Japan only, and without Hold")
    if body.get("destinationAddress") is not None:
        address(body["destinationAddress"])
    emails(body)
    features(seller, body.get("featureConstraints"))
    _changed_items(sent["items"], body.get("items"))
    return action


def _changed_items(items: list[dict[str, Any]], given: Any) -> None:
    if given is None:
        return
    if not isinstance(given, list):
        raise Refused(400, "items must be a list")
    known = {item["sellerFulfillmentOrderItemId"]: item["sellerSku"] for item in items}
    for item in given:
        key = text(item, "sellerFulfillmentOrderItemId", longest=50)
        if key not in known or item.get("sellerSku") not in (None, known[key]):
            raise Refused(400, f"The order has no item {key} of that SKU")
        if type(item.get("quantity")) is not int or item["quantity"] < 1:  # [guess] none at all is no quantity
            raise Refused(400, "quantity must be a whole number of at least 1")
        text(item, "giftMessage", longest=512, is_required=False)
        text(item, "displayableComment", longest=250, is_required=False)
    ids = [item["sellerFulfillmentOrderItemId"] for item in given]
    if len(set(ids)) < len(ids):
        raise Refused(400, "sellerFulfillmentOrderItemId must be unique in the order")


def emails(body: dict[str, Any]) -> None:
    for email in body.get("notificationEmails") or []:
        if not isinstance(email, str) or len(email) > 64:
            raise Refused(400, "notificationEmails are texts of at most 64 characters")


def creation(seller: Seller, body: dict[str, Any]) -> None:
    """The whole of createFulfillmentOrder's body. Raises Refused at the first thing that is wrong."""
    if body.get("marketplaceId") not in (None, seller.marketplace):
        raise Refused(400, "Value for parameter marketplaceId is invalid. Reason: InvalidValue.")
    for name in ("sellerFulfillmentOrderId", "displayableOrderId"):
        text(body, name, longest=40)
    text(body, "displayableOrderComment", longest=750)
    moment(body, "displayableOrderDate")
    choice(body, "shippingSpeedCategory", SPEEDS, is_required=True)
    choice(body, "fulfillmentAction", frozenset({"Ship", "Hold"}))
    if body["shippingSpeedCategory"] == "ScheduledDelivery":
        if seller.marketplace != JAPAN:
            raise Refused(400, "ScheduledDelivery is available in Japan only")
        if body.get("fulfillmentAction") == "Hold":
            raise Refused(400, "fulfillmentAction Hold does not go with ScheduledDelivery")
    choice(body, "fulfillmentPolicy", POLICIES)
    address(body.get("destinationAddress"))
    emails(body)
    features(seller, body.get("featureConstraints"))
    items(seller, body.get("items"))
