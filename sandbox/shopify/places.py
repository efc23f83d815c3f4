"""The shop's locations: which one is to ship an order, and what keeps an order from being moved to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify import warehouse
from sandbox.shopify.errors import error
from sandbox.shopify.state import Shop, State


class Calls:
    """The calls about locations, as a part of the root of one request."""

    place: Shop
    state: State
    _need: Callable[[str, str], None]
    shown_fulfillment_order: Callable[[dict[str, Any]], dict[str, Any]]

    def _fulfillmentOrder(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        order = warehouse.of(self.place, id)
        return self.shown_fulfillment_order(order) if order else None

    def _fulfillmentOrderMove(self, _info: GraphQLResolveInfo, id: str, newLocationId: str) -> dict[str, Any]:
        """All that is open of the fulfillment order, or nothing. [guess] the words of the refusals."""
        order = warehouse.of(self.place, id)
        wrong = "Fulfillment order does not exist." if order is None else trouble(self.place, order, newLocationId)
        if order is None or wrong:
            none = {"movedFulfillmentOrder": None, "originalFulfillmentOrder": None}
            return {**none, "userErrors": [{**error(wrong, "id"), "code": None}]}
        order["location"] = newLocationId
        self.state.touch(order)
        self.state.world.ledger_add(
            "shopify", "order.moved", order["id"], reference=order["sourceIdentifier"], location=newLocationId
        )
        shown = self.shown_fulfillment_order(order)
        return {"movedFulfillmentOrder": shown, "originalFulfillmentOrder": shown, "userErrors": []}

    def shown_place(self, order: dict[str, Any]) -> dict[str, Any]:
        """Where the order's fulfillment order is; a location itself only with its own scope."""
        return {
            "name": self.place.locations[order["location"]],
            "location": lambda _info: self._shown_location(order["location"]),
        }

    def shown_moves(self, order: dict[str, Any], locationIds: list[str] | None = None) -> list[dict[str, Any]]:
        """The locations to which it may be moved, or why not. Where it is already is none of them [guess]."""
        asked = [one for one in self.place.locations if locationIds is None or one in locationIds]
        found = []
        for gid in asked:
            if gid != order["location"]:
                why = trouble(self.place, order, gid)
                place = {"location": lambda _info, gid=gid: self._shown_location(gid)}
                found.append({**place, "movable": not why, "message": why or None})
        return found

    def _shown_location(self, gid: str) -> dict[str, Any]:
        self._need("read_locations", "location")
        return {"id": gid, "name": self.place.locations[gid], "isActive": True}


def trouble(shop: Shop, order: dict[str, Any], location: str) -> str:
    """Why the order's fulfillment order cannot be moved there; empty where it can."""
    if location not in shop.locations:
        return "Location not found."
    if warehouse.status_of(order) in ("CLOSED", "CANCELLED"):
        return "The fulfillment order is closed."
    if location == order["location"]:
        return "Cannot change location."
    titles = {line["sku"]: line["title"] for line in order["lines"] if line["id"] in warehouse.open_lines(order)}
    lacking = next((titles[sku] for sku in titles if (location, sku) in shop.never_stocked), "")
    return f"{lacking} can't be changed because it isn't stocked at this location." if lacking else ""
