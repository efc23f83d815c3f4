"""Fulfillments: parcels of lines and quantities, which may be edited and deleted."""

from __future__ import annotations

import uuid
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.errors import Refused
from sandbox.wix.notices import Notices
from sandbox.wix.orders import refuse, remaining
from sandbox.wix.state import Site, State


class Parcels:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def told(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"orderId": order["id"], "fulfillments": order["fulfillments"]}

    def create(self, site: Site, order: dict[str, Any], body: dict[str, Any], *, by_app: bool) -> dict[str, Any]:
        """Without lines or quantities: all that is left."""
        refuse(shapes.FULFILLMENT.check(body, ""))
        given = body["fulfillment"]
        known = {line["id"] for line in order["lineItems"]}
        wanted = given.get("lineItems") or [{"id": line_id} for line_id in known if remaining(order, line_id)]
        lines = []
        for part in wanted:
            if part["id"] not in known:
                raise Refused(400, "the line item is not in the order", code="LINE_ITEM_NOT_FOUND")
            left = remaining(order, part["id"])
            quantity = part.get("quantity", left)
            if not quantity or quantity > left:
                raise Refused(400, "more than is left to fulfill", code="QUANTITY_TOO_LARGE")
            lines.append({"id": part["id"], "quantity": quantity})
        made: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "createdDate": self.state.iso(),
            "lineItems": lines,
            "status": given.get("status") or "Fulfilled",
            "completed": bool(given.get("completed", True)),
        }
        if given.get("trackingInfo"):
            made["trackingInfo"] = given["trackingInfo"]
        order["fulfillments"].append(made)
        self.state.world.ledger_add(
            "wix",
            "fulfillment.created",
            made["id"],
            order=order["id"],
            tracking_number=(given.get("trackingInfo") or {}).get("trackingNumber", ""),
        )
        self._changed(site, order, by_app=by_app)
        return {"orderWithFulfillments": self.told(order), "fulfillmentId": made["id"]}

    def update(self, site: Site, order: dict[str, Any], parcel_id: str, body: dict[str, Any], *, by_app: bool) -> None:
        given = body.get("fulfillment") or {}
        changes = {name: value for name, value in given.items() if name != "id"}
        refuse(shapes.FULFILLMENT.check({"fulfillment": changes}, ""))
        one = self.find(order, parcel_id)
        one.update({name: value for name, value in changes.items() if name in ("trackingInfo", "status", "completed")})
        self._changed(site, order, by_app=by_app)

    def delete(self, site: Site, order: dict[str, Any], parcel_id: str, *, by_app: bool) -> None:
        order["fulfillments"].remove(self.find(order, parcel_id))
        self._changed(site, order, by_app=by_app)

    def find(self, order: dict[str, Any], parcel_id: str) -> dict[str, Any]:
        for one in order["fulfillments"]:
            if one["id"] == parcel_id:
                found: dict[str, Any] = one
                return found
        raise Refused(404, "the fulfillment was not found", code="FULFILLMENT_NOT_FOUND")

    def _changed(self, site: Site, order: dict[str, Any], *, by_app: bool) -> None:
        order["modified"] = self.state.world.now()
        self.notices.fulfillments(site, order["id"], self.told(order), by_app=by_app)
