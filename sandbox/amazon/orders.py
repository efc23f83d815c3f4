"""Fulfillment orders: from received to shipped, by the clock or by a person."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.amazon import checks
from sandbox.amazon.errors import Refused
from sandbox.amazon.state import Seller, State

HOLD_LIFE = 14 * 86_400
STATUSES = (
    "New",
    "Received",
    "Planning",
    "Processing",
    "Cancelled",
    "Complete",
    "CompletePartialled",
    "Unfulfillable",
    "Invalid",
)
OPEN = ("New", "Received", "Planning")
# What an update may change beside items and action.
CHANGEABLE = (
    "displayableOrderId",
    "displayableOrderDate",
    "displayableOrderComment",
    "shippingSpeedCategory",
    "destinationAddress",
    "fulfillmentPolicy",
    "shipFromCountryCode",
    "notificationEmails",
    "featureConstraints",
)


class Orders:
    def __init__(self, state: State) -> None:
        self.state = state

    def create(self, seller: Seller, body: dict[str, Any]) -> dict[str, Any]:
        checks.creation(seller, body)
        order_id = body["sellerFulfillmentOrderId"]
        if order_id in seller.orders:
            if seller.repeat_id == "accept":
                return {}
            raise Refused(400, f"An order with the sellerFulfillmentOrderId {order_id} already exists")
        now = self.state.world.now()
        seller.orders[order_id] = {
            "id": order_id,
            "made": now,
            "changed": now,
            "status": "Received",
            "action": body.get("fulfillmentAction") or "Ship",
            "sent": body,
            "shipments": [],
            "returns": [],
            "authorizations": [],
            "unfulfillable": {},
            "cancelled": {},
        }
        self.state.moving[seller.key, order_id] = seller.orders[order_id]
        self._allot(seller, seller.orders[order_id])
        self.state.world.ledger_add(
            "amazon",
            "order.created",
            order_id,
            shop=seller.id,
            name=body["displayableOrderId"],
            reference=order_id.removeprefix("TT-"),
            total="",
            lines=_units(body["items"]),
            mailed=bool(body.get("notificationEmails")),
            content=body,
        )
        return {}

    def _allot(self, seller: Seller, order: dict[str, Any]) -> None:
        """What is not in stock cannot be fulfilled; under FillOrKill nothing is. Nobody waits a day for new stock."""
        items, policy = order["sent"]["items"], order["sent"].get("fulfillmentPolicy") or "FillOrKill"
        there = {sku: (seller.stock[sku]["quantity"], count) for sku, count in _units(items).items()}
        is_short = any(has < count for has, count in there.values())
        if (is_short and policy == "FillOrKill") or not any(has for has, _ in there.values()):
            order["status"] = "Unfulfillable"
            order["unfulfillable"] = {item["sellerFulfillmentOrderItemId"]: item["quantity"] for item in items}
            return
        for item in items:
            there = seller.stock[item["sellerSku"]]
            given = min(there["quantity"], item["quantity"])
            there["quantity"] -= given
            if given < item["quantity"]:
                order["unfulfillable"][item["sellerFulfillmentOrderItemId"]] = item["quantity"] - given

    def tick(self) -> None:
        """Looks only at what time alone can move, so that its cost does not grow with all that ever came."""
        now = self.state.world.now()
        for (key, order_id), order in list(self.state.moving.items()):
            seller = self.state.sellers[key]
            if order["action"] == "Hold":
                if order["status"] in OPEN and now - order["made"] > HOLD_LIFE:
                    self._stop(seller, order, "amazon")
            elif order["status"] == "Received" and now - order["made"] >= 1:
                self.move(order, "Planning")
            if order["status"] not in OPEN or (order["status"] == "Planning" and order["action"] != "Hold"):
                del self.state.moving[key, order_id]
        for seller in self.state.sellers.values():
            for order in seller.orders.values() if seller.auto_plan_seconds > 0 else ():
                is_ready = order["status"] == "Planning" and order["action"] != "Hold"
                if is_ready and now - order["made"] >= seller.auto_plan_seconds:
                    self.move(order, "Processing")

    def move(self, order: dict[str, Any], status: str) -> None:
        if order["status"] != status:
            order["status"], order["changed"] = status, self.state.world.now()

    def find(self, seller: Seller, order_id: str) -> dict[str, Any]:
        if order_id not in seller.orders:
            raise Refused(seller.missing_status, f"The fulfillment order {order_id} does not exist")
        return seller.orders[order_id]

    def update(self, seller: Seller, order: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        """Of an order on hold, or one that is not planned yet. Raises Refused, and changes nothing then."""
        if order["status"] not in OPEN or (order["status"] == "Planning" and order["action"] != "Hold"):
            raise Refused(400, f"The order cannot be updated in status {order['status']}")
        action = checks.update(seller, order["sent"], body)
        changes = self._quantities(seller, order, body.get("items") or [])
        self._change(seller, order, changes)
        order["sent"] = {**order["sent"], **{name: body[name] for name in CHANGEABLE if body.get(name) is not None}}
        order["action"] = action or order["action"]
        self.state.moving[seller.key, order["id"]] = order
        order["changed"] = self.state.world.now()
        return {}

    def _quantities(self, seller: Seller, order: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, int]:
        """By how many units each item grows; those that are not named stay as they are."""
        now = {item["sellerFulfillmentOrderItemId"]: item for item in order["sent"]["items"]}
        left = {key: item["quantity"] - order["cancelled"].get(key, 0) for key, item in now.items()}
        grown = {}
        for item in items:
            key = item["sellerFulfillmentOrderItemId"]
            grown[key] = item["quantity"] - left[key]
            if grown[key] > seller.stock[now[key]["sellerSku"]]["quantity"]:
                raise Refused(400, "There is not that much inventory")
        if sum(left.values()) + sum(grown.values()) > checks.MOST_UNITS:
            raise Refused(400, f"An order has at most {checks.MOST_UNITS} units")
        return grown

    def _change(self, seller: Seller, order: dict[str, Any], grown: dict[str, int]) -> None:
        """[guess] Units that are taken away lower the quantity, or are told as cancelled beside it."""
        gone: dict[str, int] = {}
        items = []
        for item in order["sent"]["items"]:
            key, sku = item["sellerFulfillmentOrderItemId"], item["sellerSku"]
            change = grown.get(key, 0)
            seller.stock[sku]["quantity"] -= change
            if change < 0:
                gone[sku] = gone.get(sku, 0) - change
            if change < 0 and seller.lowered_as == "cancelled":
                order["cancelled"][key] = order["cancelled"].get(key, 0) - change
                change = 0
            items.append({**item, "quantity": item["quantity"] + change})
        order["sent"] = {**order["sent"], "items": items}
        if gone:
            facts = {"reference": order["id"].removeprefix("TT-"), "lines": gone, "how": "update"}
            self.state.world.ledger_add("amazon", "units.cancelled", order["id"], restocked=True, by="app", **facts)

    def cancel(self, seller: Seller, order: dict[str, Any], *, made_by: str = "app") -> dict[str, Any]:
        """A request: what became of it is read afterwards. Once picking has begun it is too late."""
        if order["status"] not in (*OPEN, "Cancelled"):
            raise Refused(400, f"The order cannot be cancelled in status {order['status']}")
        if seller.is_cancel_lost:
            return {}
        if seller.cancel_takes:
            self.state.world.later(seller.cancel_takes, lambda: self._stop(seller, order, made_by))
        else:
            self._stop(seller, order, made_by)
        return {}

    def _stop(self, seller: Seller, order: dict[str, Any], made_by: str) -> None:
        """Does nothing where it is too late by now."""
        if order["status"] not in OPEN:
            return
        for item in order["sent"]["items"]:
            key = item["sellerFulfillmentOrderItemId"]
            kept = item["quantity"] - order["unfulfillable"].get(key, 0) - order["cancelled"].get(key, 0)
            if item["sellerSku"] in seller.stock:
                seller.stock[item["sellerSku"]]["quantity"] += kept
        self.move(order, "Cancelled")
        reference = order["id"].removeprefix("TT-")
        self.state.world.ledger_add(
            "amazon", "order.cancelled", order["id"], reference=reference, restocked=True, by=made_by
        )

    def remove(self, seller: Seller, order: dict[str, Any], wanted: dict[str, int]) -> None:
        """[guess] Single units that the seller has Amazon cancel are told beside the quantity. Raises ValueError."""
        left = remaining(order)
        if order["status"] not in (*OPEN, "Processing") or sum(wanted.values()) >= sum(left.values()):
            raise ValueError("not that many can be taken out; all of it is a cancellation")
        gone = dict(wanted)
        for item in order["sent"]["items"]:
            key, sku = item["sellerFulfillmentOrderItemId"], item["sellerSku"]
            take = min(left[key], gone.get(sku, 0))
            if take:
                gone[sku] -= take
                order["cancelled"][key] = order["cancelled"].get(key, 0) + take
                seller.stock[sku]["quantity"] += take
        if any(gone.values()):
            raise ValueError("not that many of it are left")
        facts = {"reference": order["id"].removeprefix("TT-"), "lines": wanted, "how": "update"}
        self.state.world.ledger_add("amazon", "units.cancelled", order["id"], restocked=True, by="merchant", **facts)

    def ship(
        self, seller: Seller, order: dict[str, Any], wanted: dict[str, int], tracking: dict[str, str], *, status: str
    ) -> str:
        """One package of these units by SKU, or of all that is left. Raises ValueError for more than that."""
        if order["status"] in ("Cancelled", "Unfulfillable", "Invalid"):
            raise ValueError(f"the order is {order['status']}")
        left = remaining(order)
        lines = []
        for item in order["sent"]["items"]:
            key, sku = item["sellerFulfillmentOrderItemId"], item["sellerSku"]
            take = min(left[key], wanted.get(sku, 0)) if wanted else left[key]
            if take:
                lines.append((item, take))
                left[key] -= take
                if wanted:
                    wanted[sku] -= take
        if not lines or any(count > 0 for count in wanted.values()):
            raise ValueError("not that many are left to ship")
        number, self.state.next_package = self.state.next_package, self.state.next_package + 1
        package: dict[str, Any] = {
            "packageNumber": number,
            "carrierCode": tracking.get("carrier") or "Amazon Logistics",
        }
        if tracking.get("number"):
            name = "amazonFulfillmentTrackingNumber" if seller.own_tracking_only else "trackingNumber"
            package[name] = tracking["number"]
        shipment_id = "D" + secrets.token_hex(5).upper()
        order["shipments"].append(
            {
                "amazonShipmentId": shipment_id,
                "fulfillmentCenterId": "ABE2",
                "fulfillmentShipmentStatus": status,
                "shippingDate": self.state.iso(),
                "estimatedArrivalDate": self.state.iso(self.state.world.now() + 3 * 86_400),
                "fulfillmentShipmentItem": [
                    {
                        "sellerSku": item["sellerSku"],
                        "sellerFulfillmentOrderItemId": item["sellerFulfillmentOrderItemId"],
                        "quantity": take,
                        "packageNumber": number,
                    }
                    for item, take in lines
                ],
                "fulfillmentShipmentPackage": [package],
            }
        )
        self._progress(order)
        self.state.world.ledger_add(
            "amazon", "fulfillment.created", shipment_id, order=order["id"], tracking_number=tracking.get("number", "")
        )
        return shipment_id

    def leave(self, order: dict[str, Any]) -> None:
        """What was packed leaves the fulfillment center."""
        for shipment in order["shipments"]:
            shipment["fulfillmentShipmentStatus"] = "SHIPPED"
        self._progress(order)

    def _progress(self, order: dict[str, Any]) -> None:
        is_open = sum(remaining(order).values()) or any(
            shipment["fulfillmentShipmentStatus"] == "PENDING" for shipment in order["shipments"]
        )
        is_over = "CompletePartialled" if order["unfulfillable"] or order["cancelled"] else "Complete"
        self.move(order, "Processing" if is_open else is_over)
        order["changed"] = self.state.world.now()


def remaining(order: dict[str, Any]) -> dict[str, int]:
    """Units by item that may still be shipped."""
    left = {
        item["sellerFulfillmentOrderItemId"]: item["quantity"]
        - order["unfulfillable"].get(item["sellerFulfillmentOrderItemId"], 0)
        - order["cancelled"].get(item["sellerFulfillmentOrderItemId"], 0)
        for item in order["sent"]["items"]
    }
    for shipment in order["shipments"]:
        for line in shipment["fulfillmentShipmentItem"]:
            left[line["sellerFulfillmentOrderItemId"]] -= line["quantity"]
    return left


def _units(items: list[dict[str, Any]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for item in items:
        units[item["sellerSku"]] = units.get(item["sellerSku"], 0) + item["quantity"]
    return units
