"""Fulfillment orders: what the shop's one location is to ship of an order, and whether it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.errors import Refused, error
from sandbox.shopify.notices import Notices
from sandbox.shopify.paging import page
from sandbox.shopify.selling import Selling
from sandbox.shopify.state import Shop, State, digits
from sandbox.shopify.units import unfulfilled

PREFIX = "gid://shopify/FulfillmentOrder/"
LINE_PREFIX = "gid://shopify/FulfillmentOrderLineItem/"


HANDLE, MOST_HOLDS = 64, 10


class Holding:
    """Holds on an order's one fulfillment order."""

    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def put(self, shop: Shop, order: dict[str, Any], given: dict[str, Any], *, is_ours: bool = True) -> dict[str, Any]:
        hold = {
            "id": self.state.new_gid("FulfillmentHold"),
            "handle": given.get("handle") or "",
            "reason": given["reason"],
            "reasonNotes": given.get("reasonNotes"),
            "displayReason": given["reason"].replace("_", " ").capitalize(),
            "heldByRequestingApp": is_ours,
        }
        order["holds"].append(hold)
        self.state.touch(order)
        facts = {"reference": order["sourceIdentifier"], "by": "app" if is_ours else "merchant"}
        told = {name: hold[name] for name in ("handle", "reason")}
        self.state.world.ledger_add("shopify", "order.held", order["id"], **facts, **told)
        self.notices.held(shop, PREFIX + digits(order["id"]), order, hold)
        return hold

    def end(self, shop: Shop, order: dict[str, Any], hold_ids: list[str] | None, *, by: str = "app") -> None:
        """Those of these ids, or all. May be repeated."""
        ended = [hold for hold in order["holds"] if hold_ids is None or hold["id"] in hold_ids]
        order["holds"] = [hold for hold in order["holds"] if hold not in ended]
        self.state.touch(order)
        self.state.world.ledger_add(
            "shopify",
            "order.hold_ended",
            order["id"],
            reference=order["sourceIdentifier"],
            handles=[hold["handle"] for hold in ended],
            of_others=sum(not hold["heldByRequestingApp"] for hold in ended),
            still_held=bool(order["holds"]),
            by=by,
        )
        self.notices.let_go(shop, PREFIX + digits(order["id"]), order, ended)


class Calls:
    """The calls about fulfillment orders, as a part of the root of one request."""

    place: Shop
    state: State
    selling: Selling
    holding: Holding
    shown_parcel: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
    shown_fulfillment_order: Callable[[dict[str, Any]], dict[str, Any]]

    def _fulfillmentOrderHold(
        self, _info: GraphQLResolveInfo, id: str, fulfillmentHold: dict[str, Any]
    ) -> dict[str, Any]:
        order = of(self.place, id)
        try:
            if order is None or status_of(order) in ("CLOSED", "CANCELLED"):
                raise Refused("Fulfillment order not found", "id", code="FULFILLMENT_ORDER_NOT_FOUND")
            _check_hold(order, fulfillmentHold)
        except Refused as refused:
            none = dict.fromkeys(("fulfillmentHold", "fulfillmentOrder", "remainingFulfillmentOrder"))
            return {**none, "userErrors": [refused.error]}
        hold = self.holding.put(self.place, order, fulfillmentHold)
        told = {
            "fulfillmentHold": hold,
            "fulfillmentOrder": self.shown_fulfillment_order(order),
            "remainingFulfillmentOrder": None,
        }
        return {**told, "userErrors": []}

    def _fulfillmentOrderReleaseHold(
        self, _info: GraphQLResolveInfo, id: str, holdIds: list[str] | None = None, externalId: str | None = None
    ) -> dict[str, Any]:
        """Without ids every hold is released, whoever put it."""
        order = of(self.place, id)
        if order is None:
            wrong = error("Fulfillment order not found", "id", code="FULFILLMENT_ORDER_NOT_FOUND")
            return {"fulfillmentOrder": None, "userErrors": [wrong]}
        self.holding.end(self.place, order, holdIds)
        return {"fulfillmentOrder": self.shown_fulfillment_order(order), "userErrors": []}

    def _fulfillmentCreate(self, _info: GraphQLResolveInfo, fulfillment: dict[str, Any]) -> dict[str, Any]:
        try:
            order, lines = opened(self.place, fulfillment)
        except Refused as refused:
            return {"fulfillment": None, "userErrors": [refused.error]}
        given = fulfillment.get("trackingInfo") or {}
        tracking = {name: given.get(name) or "" for name in ("company", "number", "url")}
        made = self.selling.record(self.place, order, lines, tracking)
        if fulfillment.get("notifyCustomer"):
            self.state.world.ledger_add("shopify", "buyer.mailed", order["id"])
        return {"fulfillment": self.shown_parcel(order, made), "userErrors": []}


def status_of(order: dict[str, Any]) -> str:
    if order["cancelled"]:
        return "CANCELLED"
    if not open_lines(order):
        return "CLOSED"
    return "ON_HOLD" if order["holds"] else "OPEN"


def _check_hold(order: dict[str, Any], given: dict[str, Any]) -> None:
    """Raises Refused. A hold on a part of it would split the fulfillment order, which is not played here."""
    handle, lines, left = given.get("handle") or "", given.get("fulfillmentOrderLineItems") or [], open_lines(order)
    ours = [hold for hold in order["holds"] if hold["heldByRequestingApp"]]
    where = "fulfillmentHold"
    if len(handle) > HANDLE:  # the schema has no code for it
        raise Refused(f"Handle is too long (maximum is {HANDLE} characters)", where, "handle", code=None)
    if any(hold["handle"] == handle for hold in ours):
        raise Refused("The handle is in use", where, "handle", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if len(ours) >= MOST_HOLDS:
        raise Refused("The limit of holds is reached", "id", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    ids = [row["id"] for row in lines]
    if len(set(ids)) < len(ids):
        raise Refused("Line items must be unique", where, code="DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
    if any(row["quantity"] < 1 for row in lines):
        raise Refused("Quantity must be greater than 0", where, code="GREATER_THAN_ZERO")
    open_units = {LINE_PREFIX + digits(line_id): count for line_id, count in left.items()}
    if any(row["quantity"] > open_units.get(row["id"], 0) for row in lines):
        raise Refused("Quantity is more than what is open", where, code="INVALID_LINE_ITEM_QUANTITY")
    if lines and (order["holds"] or {row["id"]: row["quantity"] for row in lines} != open_units):
        raise Refused("The fulfillment order cannot be split", where, code="FULFILLMENT_ORDER_NOT_SPLITTABLE")


def actions_of(order: dict[str, Any]) -> list[str]:
    """What may be done with it now."""
    status = status_of(order)
    if status == "OPEN":
        return ["CREATE_FULFILLMENT", "HOLD"]
    return ["HOLD", "RELEASE_HOLD"] if status == "ON_HOLD" else []


def shown(order: dict[str, Any], line_shown: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The order's one fulfillment order; where it is, `places.Calls` tells."""
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
        "supportedActions": [{"action": one} for one in actions_of(order)],
        "fulfillmentHolds": order["holds"],
        "lineItems": lambda _info, **given: page(rows, **given),
    }


def of(shop: Shop, gid: str) -> dict[str, Any] | None:
    """The order whose fulfillment order this is."""
    found = shop.orders.get("gid://shopify/Order/" + digits(gid))
    return found if gid.startswith(PREFIX) else None


def opened(shop: Shop, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """The order, and how many units of which of its lines a fulfillment takes. Raises Refused."""
    groups = given["lineItemsByFulfillmentOrder"]
    if len({group["fulfillmentOrderId"] for group in groups}) != 1 or len(groups) != 1:
        raise Refused("Fulfillment orders must be of one order and one location", "fulfillment")
    order = of(shop, groups[0]["fulfillmentOrderId"])
    if order is None:
        raise Refused("Fulfillment order does not exist.", "fulfillment")
    if status_of(order) not in ("OPEN", "IN_PROGRESS"):
        text = f"Fulfillment order {digits(order['id'])} has an unfulfillable status= {status_of(order).lower()}."
        raise Refused(text, "fulfillment")
    left = open_lines(order)
    rows = groups[0].get("fulfillmentOrderLineItems")
    if rows is None:
        return order, left
    wanted: dict[str, int] = {}
    for row in rows:
        line_id = "gid://shopify/LineItem/" + digits(row["id"])
        if not row["id"].startswith(LINE_PREFIX) or not 0 < row["quantity"] <= left.get(line_id, 0):
            raise Refused("Invalid fulfillment order line item quantity requested.", "fulfillment")
        wanted[line_id] = row["quantity"]
    return order, wanted


def open_lines(order: dict[str, Any]) -> dict[str, int]:
    """How many units of which lines are still to be shipped."""
    units = {line["id"]: unfulfilled(order, line) for line in order["lines"] if line["requires_shipping"]}
    return {line_id: count for line_id, count in units.items() if count > 0}
