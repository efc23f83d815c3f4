"""Searching orders: what may be filtered and sorted by, and what never shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.errors import Refused
from sandbox.wix.orders import HIDDEN, Orders, refuse
from sandbox.wix.state import Site, State

MOST = 100
_ANY = frozenset({"$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists"})
_EQUAL = frozenset({"$eq", "$ne", "$in", "$nin"})
FILTERS = {
    **dict.fromkeys(("createdDate", "updatedDate", "number", "purchasedDate", "archived", "buyerInfo.email"), _ANY),
    "priceSummary.total.amount": _ANY,
    **dict.fromkeys(
        (
            "id",
            "channelInfo.type",
            "channelInfo.externalOrderId",
            "fulfillmentStatus",
            "paymentStatus",
            "status",
            "checkoutId",
            "createdBy.userId",
        ),
        _EQUAL,
    ),
}
SORTS = frozenset({"createdDate", "updatedDate", "number", "purchasedDate"})


class Search:
    def __init__(self, state: State, orders: Orders) -> None:
        self.state = state
        self.orders = orders

    def run(self, site: Site, body: dict[str, Any], as_of: float | None) -> dict[str, Any]:
        refuse(shapes.SEARCH.check(body, ""))
        search = body.get("search") or {}
        paging = search.get("cursorPaging") or {}
        limit, start = paging.get("limit", MOST), 0
        if cursor := paging.get("cursor"):
            if search.get("filter") or search.get("sort"):
                raise Refused(400, "a cursor stands alone", code="INVALID_CURSOR")
            search, start, as_of = _read_cursor(cursor)
        conditions = _conditions(search.get("filter") or {})
        horizon = (self.state.world.now() if as_of is None else as_of) - site.index_delay
        orders = [order for order in self._near(site, conditions) if order["made"] <= horizon]
        found = [order for order in orders if self._fits(site, order, conditions)]
        self._sort(site, found, search.get("sort") or [{"fieldName": "createdDate", "order": "DESC"}])
        page, is_more = found[start : start + limit], len(found) > start + limit
        following = json.dumps([search, start + limit, as_of]).encode().hex() if is_more else None
        return {
            "orders": [self.orders.told(site, order) for order in page],
            "metadata": {"count": len(page), "cursors": {"next": following, "prev": None}, "hasNext": is_more},
        }

    def _near(self, site: Site, conditions: list[tuple[str, str, Any]]) -> list[dict[str, Any]]:
        """All that can fit: by its reference an order is looked up, by its last change most are ruled out unread."""
        for field, operator, value in conditions:
            if field == "channelInfo.externalOrderId" and operator in ("$eq", "$in"):
                wanted = value if operator == "$in" else [value]
                return [site.orders[key] for one in wanted for key in site.by_reference.get(str(one), ())]
            if (field, operator) == ("updatedDate", "$gte"):
                return [order for order in site.orders.values() if self.state.iso(order["modified"]) >= str(value)]
        return list(site.orders.values())

    def _fits(self, site: Site, order: dict[str, Any], conditions: list[tuple[str, str, Any]]) -> bool:
        """INITIALIZED never shows; PENDING and REJECTED only to those who ask for them."""
        asked = {
            one
            for field, operator, value in conditions
            if field == "status" and operator in ("$eq", "$in")
            for one in (value if operator == "$in" else [value])
        }
        if order["status"] == "INITIALIZED" or (order["status"] in HIDDEN and order["status"] not in asked):
            return False
        told = self.orders.told(site, order)
        return all(_holds(_value(told, field), operator, value) for field, operator, value in conditions)

    def _sort(self, site: Site, found: list[dict[str, Any]], sorts: list[dict[str, Any]]) -> None:
        for sort in reversed(sorts):
            field = sort.get("fieldName", "")
            if field not in SORTS:
                raise Refused(400, f"cannot sort by {field}", code="INVALID_SORT")
            found.sort(
                key=lambda order: str(_value(self.orders.told(site, order), field) or ""),
                reverse=sort.get("order") == "DESC",
            )


def _conditions(wanted: dict[str, Any]) -> list[tuple[str, str, Any]]:
    found = []
    for field, condition in wanted.items():
        if field not in FILTERS:
            raise Refused(400, f"cannot filter by {field}", code="INVALID_FILTER")
        pairs = condition.items() if isinstance(condition, dict) else [("$eq", condition)]
        for operator, value in pairs:
            if operator not in FILTERS[field]:
                raise Refused(400, f"{field} cannot be filtered with {operator}", code="INVALID_FILTER")
            found.append((field, operator, value))
    return found


def _holds(value: Any, operator: str, wanted: Any) -> bool:
    text = str(value) if value is not None else ""
    if operator in ("$in", "$nin"):
        return (text in [str(one) for one in wanted]) == (operator == "$in")
    if operator == "$exists":
        return (value is not None) == wanted
    if operator in ("$eq", "$ne"):
        return (text == str(wanted)) == (operator == "$eq")
    return {"$gt": text > wanted, "$gte": text >= wanted, "$lt": text < wanted, "$lte": text <= wanted}[operator]


def _value(told: Mapping[str, Any], path: str) -> Any:
    value: Any = told
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _read_cursor(text: str) -> tuple[dict[str, Any], int, float | None]:
    try:
        search, start, as_of = json.loads(bytes.fromhex(text))
    except ValueError as error:
        raise Refused(400, "the cursor is not valid", code="INVALID_CURSOR") from error
    return search, start, as_of
