"""Fulfillment orders: what the shop's one location is to ship of an order, and whether it may."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.selling import Selling, error, unfulfilled
from sandbox.shopify.state import Shop, State, digits

PREFIX = "gid://shopify/FulfillmentOrder/"
LINE_PREFIX = "gid://shopify/FulfillmentOrderLineItem/"


class Refused(Exception):
    """Nothing was done; the text says why."""


class Calls:
    """The calls about fulfillment orders, as a part of the root of one request."""

    place: Shop
    state: State
    selling: Selling
    _shipped: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]

    def _fulfillmentOrderHold(
        self, _info: GraphQLResolveInfo, id: str, fulfillmentHold: dict[str, Any]
    ) -> dict[str, Any]:
        order = of(self.place, id)
        handle = fulfillmentHold.get("handle") or ""
        if order is None or status_of(order) in ("CLOSED", "CANCELLED"):
            wrong = error("Fulfillment order not found", "id", code="FULFILLMENT_ORDER_NOT_FOUND")
        elif any(hold["handle"] == handle for hold in order["holds"]):
            code = "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
            wrong = error("The handle is in use", "fulfillmentHold", "handle", code=code)
        else:
            hold = {"id": self.state.new_gid("FulfillmentHold"), "handle": handle, "heldByRequestingApp": True}
            order["holds"].append(hold)
            self.state.touch(order)
            self.state.world.ledger_add("shopify", "order.held", order["id"], reference=order["sourceIdentifier"])
            return {"fulfillmentHold": hold, "userErrors": []}
        return {"fulfillmentHold": None, "userErrors": [wrong]}

    def _fulfillmentOrderReleaseHold(
        self, _info: GraphQLResolveInfo, id: str, holdIds: list[str] | None = None
    ) -> dict[str, Any]:
        order = of(self.place, id)
        if order is None:
            wrong = error("Fulfillment order not found", "id", code="FULFILLMENT_ORDER_NOT_FOUND")
            return {"userErrors": [wrong]}
        order["holds"] = [hold for hold in order["holds"] if holdIds is not None and hold["id"] not in holdIds]
        self.state.touch(order)
        self.state.world.ledger_add("shopify", "order.hold_ended", order["id"], reference=order["sourceIdentifier"])
        return {"userErrors": []}

    def _fulfillmentCreate(self, _info: GraphQLResolveInfo, fulfillment: dict[str, Any]) -> dict[str, Any]:
        try:
            order, lines = opened(self.place, fulfillment)
        except Refused as refused:
            return {"fulfillment": None, "userErrors": [error(str(refused), "fulfillment")]}
        given = fulfillment.get("trackingInfo") or {}
        tracking = {name: given.get(name) or "" for name in ("company", "number", "url")}
        made = self.selling.record(self.place, order, lines, tracking)
        if fulfillment.get("notifyCustomer"):
            self.state.world.ledger_add("shopify", "buyer.mailed", order["id"])
        return {"fulfillment": self._shipped(order, made), "userErrors": []}


def status_of(order: dict[str, Any]) -> str:
    if order["cancelled"]:
        return "CANCELLED"
    if not open_lines(order):
        return "CLOSED"
    return "ON_HOLD" if order["holds"] else "OPEN"


def shown(
    order: dict[str, Any],
    line_shown: Callable[..., dict[str, Any]],
    *,
    place: dict[str, Any],
    moves: Callable[..., list[dict[str, Any]]],
) -> dict[str, Any]:
    """The order's one fulfillment order; `place` is where it is, `moves` tells where it may go."""
    rows = [
        {
            "id": LINE_PREFIX + digits(line["id"]),
            "remainingQuantity": unfulfilled(order, line),
            "lineItem": line_shown(order, line),
        }
        for line in order["lines"]
        if line["requires_shipping"]
    ]
    return {
        "id": PREFIX + digits(order["id"]),
        "status": status_of(order),
        "assignedLocation": place,
        "fulfillmentHolds": order["holds"],
        "lineItems": lambda _info, **page: _page(rows, **page),
        "locationsForMove": lambda _info, locationIds=None, **page: _page(moves(order, locationIds), **page),
    }


def of(shop: Shop, gid: str) -> dict[str, Any] | None:
    """The order whose fulfillment order this is."""
    found = shop.orders.get("gid://shopify/Order/" + digits(gid))
    return found if gid.startswith(PREFIX) else None


def opened(shop: Shop, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """The order, and how many units of which of its lines a fulfillment takes. Raises Refused."""
    groups = given["lineItemsByFulfillmentOrder"]
    if len({group["fulfillmentOrderId"] for group in groups}) != 1 or len(groups) != 1:
        raise Refused("Fulfillment orders must be of one order and one location")
    order = of(shop, groups[0]["fulfillmentOrderId"])
    if order is None:
        raise Refused("Fulfillment order does not exist.")
    if status_of(order) not in ("OPEN", "IN_PROGRESS"):
        raise Refused(
            f"Fulfillment order {digits(order['id'])} has an unfulfillable status= {status_of(order).lower()}."
        )
    left = open_lines(order)
    rows = groups[0].get("fulfillmentOrderLineItems")
    if rows is None:
        return order, left
    wanted: dict[str, int] = {}
    for row in rows:
        line_id = "gid://shopify/LineItem/" + digits(row["id"])
        if not row["id"].startswith(LINE_PREFIX) or not 0 < row["quantity"] <= left.get(line_id, 0):
            raise Refused("Invalid fulfillment order line item quantity requested.")
        wanted[line_id] = row["quantity"]
    return order, wanted


def open_lines(order: dict[str, Any]) -> dict[str, int]:
    """How many units of which lines are still to be shipped."""
    units = {line["id"]: unfulfilled(order, line) for line in order["lines"] if line["requires_shipping"]}
    return {line_id: count for line_id, count in units.items() if count > 0}


def _page(rows: list[Any], first: int | None = None, after: str | None = None, **_rest: Any) -> dict[str, Any]:
    start = int(base64.b64decode(after)) if after else 0
    end = start + (first or len(rows))
    cursor = base64.b64encode(str(end).encode()).decode()
    return {"nodes": rows[start:end], "pageInfo": {"hasNextPage": end < len(rows), "endCursor": cursor}}
