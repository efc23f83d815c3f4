"""What the reading calls tell: orders, tracking, stock, previews, features."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sandbox.amazon import checks
from sandbox.amazon.errors import Refused
from sandbox.amazon.state import Seller, State

LOOK_BACK = 36 * 3600  # [guess] how far a list without a date goes back
ECHOED = (
    "sellerFulfillmentOrderId",
    "displayableOrderId",
    "displayableOrderDate",
    "displayableOrderComment",
    "shippingSpeedCategory",
    "destinationAddress",
    "fulfillmentPolicy",
    "notificationEmails",
    "featureConstraints",
)


class Reading:
    def __init__(self, state: State) -> None:
        self.state = state

    def order(self, seller: Seller, order: dict[str, Any]) -> dict[str, Any]:
        """getFulfillmentOrder's payload; there are no shipments before planning ends."""
        payload: dict[str, Any] = {
            "fulfillmentOrder": self._head(seller, order),
            "fulfillmentOrderItems": [self._item(order, item) for item in order["sent"]["items"]],
            "returnItems": order["returns"],
            "returnAuthorizations": order["authorizations"],
        }
        if order["shipments"]:
            payload["fulfillmentShipments"] = order["shipments"]
        return {"payload": _numbers_as_text(payload) if seller.string_integers else payload}

    def _head(self, seller: Seller, order: dict[str, Any]) -> dict[str, Any]:
        status = order["status"].upper() if seller.upper_case_statuses else order["status"]
        return {
            **{name: order["sent"][name] for name in ECHOED if order["sent"].get(name) is not None},
            "marketplaceId": seller.marketplace,
            "fulfillmentAction": order["action"],
            "receivedDate": self.state.iso(order["made"]),
            "fulfillmentOrderStatus": status,
            "statusUpdatedDate": self.state.iso(order["changed"]),
        }

    def _item(self, order: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        key = item["sellerFulfillmentOrderItemId"]
        return {
            **{
                name: item[name]
                for name in ("giftMessage", "displayableComment", "perUnitDeclaredValue")
                if name in item
            },
            "sellerSku": item["sellerSku"],
            "sellerFulfillmentOrderItemId": key,
            "quantity": item["quantity"],
            "cancelledQuantity": item["quantity"] if order["status"] == "Cancelled" else order["cancelled"].get(key, 0),
            "unfulfillableQuantity": order["unfulfillable"].get(key, 0),
        }

    def listing(self, seller: Seller, query: dict[str, str]) -> dict[str, Any]:
        """Orders whose status changed since the date, creation included; entries have no shipments."""
        if query.get("nextToken"):
            since, start = _read_token(query["nextToken"])
        else:
            since, start = self._since(query.get("queryStartDate")), 0
        found = sorted(
            (order for order in seller.orders.values() if order["changed"] >= since), key=lambda order: order["changed"]
        )
        page, is_more = found[start : start + seller.page_size], len(found) > start + seller.page_size
        payload: dict[str, Any] = {"fulfillmentOrders": [self._head(seller, order) for order in page]}
        if is_more:
            payload["nextToken"] = json.dumps([since, start + seller.page_size]).encode().hex()
        elif seller.list_empty_token:
            payload["nextToken"] = ""
        return {"payload": payload}

    def _since(self, given: str | None) -> float:
        if not given:
            return self.state.world.now() - LOOK_BACK
        try:
            return datetime.fromisoformat(given).timestamp()
        except ValueError as error:
            raise Refused(400, "queryStartDate is not a date-time") from error

    def tracking(self, seller: Seller, query: dict[str, str]) -> dict[str, Any]:
        for order in seller.orders.values():
            for shipment in order["shipments"]:
                for package in shipment["fulfillmentShipmentPackage"]:
                    if str(package["packageNumber"]) == query.get("packageNumber"):
                        return {"payload": _tracked(package, shipment)}
        raise Refused(404, "The package does not exist")

    def preview(self, seller: Seller, body: dict[str, Any]) -> dict[str, Any]:
        checks.address(body.get("address"))
        items = checks.items(seller, body.get("items"))
        speeds = body.get("shippingSpeedCategories") or ["Standard", "Expedited", "Priority"]
        for speed in speeds:
            checks.choice({"speed": speed}, "speed", checks.SPEEDS)
        checks.features(seller, body.get("featureConstraints"))
        return {"payload": {"fulfillmentPreviews": [self._preview(seller, items, speed) for speed in speeds]}}

    def _preview(self, seller: Seller, items: list[dict[str, Any]], speed: str) -> dict[str, Any]:
        short = [item for item in items if seller.stock[item["sellerSku"]]["quantity"] < item["quantity"]]
        days = {"Standard": 5, "Expedited": 3, "Priority": 2}.get(speed, 5)
        now = self.state.world.now()
        shown: dict[str, Any] = {
            "shippingSpeedCategory": speed,
            "isFulfillable": not short,
            "isCODCapable": False,
            "marketplaceId": seller.marketplace,
        }
        if short:
            shown["orderUnfulfillableReasons"] = ["Insufficient inventory"]
            shown["unfulfillablePreviewItems"] = [
                {**_preview_item(item), "itemUnfulfillableReasons": ["Insufficient inventory"]} for item in short
            ]
            return shown
        fee = {"currencyCode": seller.currency, "value": f"{5.5 + 2.5 * (5 - days):.2f}"}
        shown["estimatedFees"] = [{"name": "FBAPerUnitFulfillmentFee", "amount": fee}]
        shown["fulfillmentPreviewShipments"] = [
            {
                "earliestShipDate": self.state.iso(now + 86_400),
                "latestShipDate": self.state.iso(now + 2 * 86_400),
                "earliestArrivalDate": self.state.iso(now + (days - 1) * 86_400),
                "latestArrivalDate": self.state.iso(now + days * 86_400),
                "fulfillmentPreviewItems": [_preview_item(item) for item in items],
            }
        ]
        return shown

    def features(self, seller: Seller) -> dict[str, Any]:
        rows = [
            {"featureName": name, "featureDescription": f"The feature {name}", "sellerEligible": True}
            for name in ("BLANK_BOX", "BLOCK_AMZL")
        ]
        return {"payload": {"features": rows}}

    def feature_sku(self, seller: Seller, name: str, sku: str) -> dict[str, Any]:
        if name not in checks.FEATURES or sku not in seller.stock:
            raise Refused(404, "The feature or the SKU does not exist")
        is_eligible = seller.blank_box or name != "BLANK_BOX"
        payload = {
            "marketplaceId": seller.marketplace,
            "featureName": name,
            "isEligible": is_eligible,
            "ineligibleReasons": [] if is_eligible else ["BRANDED_BOX_ONLY"],
            "sellerSku": sku,
        }
        return {"payload": payload}

    def inventory(self, seller: Seller, query: dict[str, str]) -> dict[str, Any]:
        if query.get("granularityType") != "Marketplace" or query.get("granularityId") != seller.marketplace:
            raise Refused(400, "granularityType and granularityId must name the marketplace")
        if query.get("marketplaceIds") != seller.marketplace:
            raise Refused(400, "marketplaceIds must name one marketplace of the seller")
        wanted = [sku for sku in query.get("sellerSkus", "").split(",") if sku]
        if len(wanted) > 50:
            raise Refused(400, "At most 50 sellerSkus")
        if any(len(sku) > 50 for sku in wanted):
            raise Refused(400, "A sellerSku has at most 50 characters")  # [guess]
        rows = [row for sku, row in seller.stock.items() if not wanted or sku in wanted]
        start = _read_token(query["nextToken"])[1] if query.get("nextToken") else 0
        page, end = rows[start : start + seller.page_size], start + seller.page_size
        return {
            "payload": {
                "granularity": {"granularityType": "Marketplace", "granularityId": seller.marketplace},
                "inventorySummaries": [self._summary(row, query.get("details") == "true") for row in page],
            },
            "pagination": {"nextToken": json.dumps([0, end]).encode().hex()} if len(rows) > end else {},
        }

    def _summary(self, row: dict[str, Any], has_details: bool) -> dict[str, Any]:
        shown = {
            "asin": row["asin"],
            "fnSku": row["fnSku"],
            "sellerSku": row["sku"],
            "condition": "NewItem",
            "lastUpdatedTime": self.state.iso(),
            "productName": row["title"],
            "totalQuantity": row["quantity"],
        }
        if has_details:
            shown["inventoryDetails"] = {"fulfillableQuantity": row["quantity"]}
        return shown


def _tracked(package: dict[str, Any], shipment: dict[str, Any]) -> dict[str, Any]:
    told = {
        "packageNumber": package["packageNumber"],
        "carrierCode": package["carrierCode"],
        "shipDate": shipment["shippingDate"],
        "currentStatus": "IN_TRANSIT",
        "currentStatusDescription": "In transit",
    }
    return {**told, "trackingNumber": package["trackingNumber"]} if package.get("trackingNumber") else told


def _preview_item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("sellerSku", "quantity", "sellerFulfillmentOrderItemId")}


def _numbers_as_text(value: Any) -> Any:
    """As public clients have seen it."""
    if isinstance(value, dict):
        return {name: _numbers_as_text(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_numbers_as_text(part) for part in value]
    return str(value) if type(value) is int else value


def _read_token(text: str) -> tuple[float, int]:
    try:
        since, start = json.loads(bytes.fromhex(text))
    except ValueError as error:
        raise Refused(400, "nextToken is not valid") from error
    return float(since), int(start)
