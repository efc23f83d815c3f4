"""Order editing: a session is begun, quantities are staged in it, and a commit makes them true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify import stock, units
from sandbox.shopify.errors import Refused
from sandbox.shopify.notices import Notices
from sandbox.shopify.paging import page
from sandbox.shopify.state import Shop, State, digits

ORDER, SESSION, LINE = (
    f"gid://shopify/{kind}/" for kind in ("CalculatedOrder", "OrderEditSession", "CalculatedLineItem")
)


class Editing:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def remove(
        self, shop: Shop, order: dict[str, Any], gone: dict[str, int], restock: set[str], *, note: str, made_by: str
    ) -> None:
        """Takes units away that are not fulfilled, and puts those of the lines in `restock` back into stock."""
        for line in order["lines"]:
            line["edited"] += gone.get(line["id"], 0)
        order["is_edited"] = True
        self.state.touch(order)
        self.state.world.ledger_add(
            "shopify",
            "units.cancelled",
            order["id"],
            reference=order["sourceIdentifier"],
            lines=units.by_sku(order, gone.items()),
            how="edit",
            restocked=bool(restock),
            note=note,
            by=made_by,
        )
        back = {line_id: count for line_id, count in gone.items() if line_id in restock}
        stock.give_back(self.state, shop, order, back, is_claimed=True, why="edit")
        self.notices.edited(shop, order, gone, note)
        self.notices.order(shop, "ORDERS_UPDATED", order)


class Calls:
    """The calls about editing, as a part of the root of one request."""

    place: Shop
    state: State
    editing: Editing
    shown: Callable[[dict[str, Any]], dict[str, Any]]

    def _orderEditBegin(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any]:
        order = self.place.orders.get(id)
        if order is None or order["cancelled"]:
            wrong = Refused("The order does not exist" if order is None else "The order cannot be edited", "id")
            return {"calculatedOrder": None, "orderEditSession": None, "userErrors": [wrong.error]}
        key = digits(self.state.new_gid("OrderEditSession"))
        self.place.edits[key] = {"order": order, "base": _standing(order), "staged": {}, "restock": set()}
        return self._staged(key)

    def _orderEditSetQuantity(
        self,
        _info: GraphQLResolveInfo,
        id: str,
        lineItemId: str,
        quantity: int,
        restock: bool | None = None,
        locationId: str | None = None,
    ) -> dict[str, Any]:
        """`locationId` is no longer supported: it changes nothing."""
        try:
            key, session = self._session(id)
            line = units.line_of(session["order"], "gid://shopify/LineItem/" + digits(lineItemId))
            if line is None or not lineItemId.startswith(LINE):
                raise Refused("The line item does not exist", "lineItemId")
            _stage(session, line, quantity, restock=bool(restock))
        except Refused as refused:
            none = dict.fromkeys(("calculatedOrder", "calculatedLineItem", "orderEditSession"))
            return {**none, "userErrors": [refused.error]}
        return {**self._staged(key), "calculatedLineItem": _shown_line(session, line)}

    def _orderEditCommit(
        self, _info: GraphQLResolveInfo, id: str, notifyCustomer: bool = False, staffNote: str | None = None
    ) -> dict[str, Any]:
        try:
            key, session = self._session(id)
            order = session["order"]
            if _standing(order) != session["base"]:  # [guess] how a stale edit is told
                raise Refused("The order has changed since the edit began", "id")
        except Refused as refused:
            return {"order": None, "successMessages": None, "userErrors": [refused.error]}
        del self.place.edits[key]
        gone = {line_id: count for line_id, count in session["staged"].items() if count}
        if gone:
            note = staffNote or ""
            self.editing.remove(self.place, order, gone, session["restock"], note=note, made_by="app")
            if notifyCustomer:
                self.state.world.ledger_add("shopify", "buyer.mailed", order["id"], about="edit")
        return {"order": self.shown(order), "successMessages": ["Order updated"], "userErrors": []}

    def _session(self, gid: str) -> tuple[str, dict[str, Any]]:
        """By the calculated order's id or the session's."""
        session = self.place.edits.get(digits(gid)) if gid.startswith((ORDER, SESSION)) else None
        if session is None:
            raise Refused("The calculated order does not exist", "id")
        return digits(gid), session

    def _staged(self, key: str) -> dict[str, Any]:
        session = self.place.edits[key]
        order = session["order"]
        rows = [_shown_line(session, line) for line in order["lines"] if units.current(line)]
        calculated = {
            "id": ORDER + key,
            "originalOrder": self.shown(order),
            "subtotalLineItemsQuantity": sum(row["quantity"] for row in rows),
            "lineItems": lambda _info, **given: page(rows, **given),
        }
        return {"calculatedOrder": calculated, "orderEditSession": {"id": SESSION + key}, "userErrors": []}


def _stage(session: dict[str, Any], line: dict[str, Any], quantity: int, *, restock: bool) -> None:
    order, whole = session["order"], units.current(line)
    if quantity < 0:
        raise Refused("Quantity must be greater than or equal to 0", "quantity")
    if quantity > whole:
        raise Refused("More of a line item is not played here", "quantity")
    if whole - quantity > units.editable(order, line):
        raise Refused("Quantity cannot be less than the number of fulfilled items", "quantity")
    session["staged"][line["id"]] = whole - quantity
    (session["restock"].add if restock else session["restock"].discard)(line["id"])


def _standing(order: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """What an edit builds on: units that are there, and those that are open."""
    return {line["id"]: (units.current(line), units.unfulfilled(order, line)) for line in order["lines"]}


def _shown_line(session: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    gone = session["staged"].get(line["id"], 0)
    before = units.editable(session["order"], line)
    return {
        "id": LINE + digits(line["id"]),
        "sku": line["sku"],
        "title": line["title"],
        "quantity": units.current(line) - gone,
        "editableQuantity": before - gone,
        "editableQuantityBeforeChanges": before,
        "restockable": bool(line["variant"]),
        "restocking": bool(gone) and line["id"] in session["restock"],
    }
