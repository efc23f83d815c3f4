"""Creating, finding and cancelling orders. Nothing is computed from the sums that are given, and nothing is unique."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.errors import Refused
from sandbox.wix.notices import Notices
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
HIDDEN = frozenset({"PENDING", "REJECTED"})


class Orders:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def create(self, site: Site, body: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused with every violation."""
        refuse(shapes.CREATE.check(body, ""))
        given = body["order"]
        if not site.knows_tiktok and given["channelInfo"]["type"] == "TIKTOK":
            wrong = {
                "field": "order.channelInfo.type",
                "description": "is not a value of the enum",
                "violatedRule": "INVALID_ENUM_VALUE",
            }
            refuse([wrong])
        if given.get("currency") not in (None, site.currency) and not given.get("currencyConversionDetails"):
            text = "is not the site's, and there are no currencyConversionDetails"  # [guess] that it is refused
            refuse([{"field": "order.currency", "description": text, "violatedRule": "OTHER"}])
        if given.get("purchasedDate") and datetime.fromisoformat(given["purchasedDate"]) > self._now():
            raise Refused(400, "purchased date is in the future", code="PURCHASED_DATE_CANNOT_BE_IN_FUTURE")
        order = self._make(site, given, body.get("settings") or {})
        site.orders[order["id"]] = order
        move_stock(site, order, [(line["id"], -line["quantity"]) for line in order["lineItems"]])
        site.by_reference.setdefault(order["channelInfo"].get("externalOrderId", ""), []).append(order["id"])
        self.state.world.ledger_add(
            "wix",
            "order.created",
            order["id"],
            shop=site.id,
            name=order["number"],
            reference=order["channelInfo"].get("externalOrderId", ""),
            total=_amount(order["priceSummary"].get("total")),
            lines={line["physicalProperties"].get("sku", ""): line["quantity"] for line in order["lineItems"]},
            mailed=order["mailed"],
            content=given,
        )
        told = self.told(site, order)
        self.notices.order(site, "created", order, told, by_app=True)
        if order["status"] == "APPROVED":
            self.notices.order(site, "approved", order, told, by_app=True)
        return told

    def _make(self, site: Site, given: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        now = self.state.world.now()
        is_paid = given.get("paymentStatus") == "PAID" or not Decimal(_amount(given["priceSummary"].get("total")) or 0)
        number, site.next_number = str(site.next_number), site.next_number + 1
        notifications = settings.get("notifications") or {}
        total = given["priceSummary"].get("total") or {"amount": "0"}
        payments = [_payment(str(uuid.uuid4()), total["amount"], "")] if is_paid and site.payments_after_paid else []
        return {
            **given,
            "id": str(uuid.uuid4()),
            "number": number,
            "made": now,
            "modified": now,
            "currency": given.get("currency") or site.currency,
            "status": "APPROVED" if is_paid else "INITIALIZED",
            "paymentStatus": given.get("paymentStatus") or "NOT_PAID",
            "lineItems": [self._line(line) for line in given["lineItems"]],
            "createdBy": {"appId": self.state.app.app_id if self.state.app else ""},
            "fulfillments": [],
            "payments": payments,
            "refunds": [],
            "mailed": notifications.get("sendNotificationToBuyer", True),
            "sent": given,
        }

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        return {
            **line,
            "id": line.get("id") or str(uuid.uuid4()),
            "physicalProperties": line.get("physicalProperties") or {},
            "priceBeforeDiscounts": line["price"],
            "totalDiscount": {"amount": "0"},
        }

    # Reading

    def told(self, site: Site, order: dict[str, Any]) -> dict[str, Any]:
        inner = ("made", "modified", "fulfillments", "payments", "refunds", "mailed", "sent")
        paid = sum((Decimal(one["amount"]["amount"]) for one in order["payments"]), Decimal(0))
        refunded = sum((refunded_by(one) for one in order["refunds"]), Decimal(0))
        return {
            **{name: value for name, value in order.items() if name not in inner},
            "paymentStatus": _payment_status(order, refunded),
            "number": int(order["number"]) if site.number_as_integer else order["number"],
            "createdDate": self.state.iso(order["made"]),
            "updatedDate": self.state.iso(order["modified"]),
            "fulfillmentStatus": fulfillment_status(order),
            "balanceSummary": {
                "paid": {"amount": f"{paid:.2f}"},
                "refunded": {"amount": f"{refunded:.2f}"},
                "balance": {"amount": f"{Decimal(_amount(order['priceSummary'].get('total')) or 0) - paid:.2f}"},
            },
            "activities": [],
        }

    def find(self, site: Site, order_id: str) -> dict[str, Any]:
        if order_id not in site.orders:
            raise Refused(404, f"order with id {order_id} was not found", code="ORDER_NOT_FOUND")
        return site.orders[order_id]

    def search(self, site: Site, body: dict[str, Any], as_of: float | None) -> dict[str, Any]:
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
            "orders": [self.told(site, order) for order in page],
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
        told = self.told(site, order)
        return all(_holds(_value(told, field), operator, value) for field, operator, value in conditions)

    def _sort(self, site: Site, found: list[dict[str, Any]], sorts: list[dict[str, Any]]) -> None:
        for sort in reversed(sorts):
            field = sort.get("fieldName", "")
            if field not in SORTS:
                raise Refused(400, f"cannot sort by {field}", code="INVALID_SORT")
            found.sort(
                key=lambda order: str(_value(self.told(site, order), field) or ""), reverse=sort.get("order") == "DESC"
            )

    # Changing

    def cancel(self, site: Site, order: dict[str, Any], body: dict[str, Any], *, by_app: bool) -> dict[str, Any]:
        refuse(shapes.CANCEL.check(body, ""))
        if order["status"] in HIDDEN:
            raise Refused(400, "the order is not approved", code=f"ORDER_IS_{order['status']}")
        if order["status"] == "CANCELED":
            if site.second_cancel == "error":
                raise Refused(428, "the order is canceled already", code="ORDER_ALREADY_CANCELLED")
            return self.told(site, order)
        order["status"] = "CANCELED"
        self.touch(order)
        reference = order["channelInfo"].get("externalOrderId", "")
        self.state.world.ledger_add("wix", "order.cancelled", order["id"], reference=reference, name=order["number"])
        if body.get("restockAllItems"):
            move_stock(site, order, [(line["id"], line["quantity"]) for line in order["lineItems"]])
        told = self.told(site, order)
        more = {name: bool(body.get(name)) for name in ("restockAllItems", "sendOrderCanceledEmail")}
        more |= {"customMessage": body["customMessage"]} if body.get("customMessage") else {}
        self.notices.order(site, "canceled", order, told, by_app=by_app, **more)
        return told

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.state.world.now(), UTC)

    def touch(self, order: dict[str, Any]) -> None:
        order["modified"] = self.state.world.now()


def fulfillment_status(order: Mapping[str, Any]) -> str:
    left = sum(remaining(order, line["id"]) for line in order["lineItems"])
    whole = sum(line["quantity"] for line in order["lineItems"])
    return "FULFILLED" if not left else "NOT_FULFILLED" if left == whole else "PARTIALLY_FULFILLED"


def remaining(order: Mapping[str, Any], line_id: str) -> int:
    ordered: int = next(line["quantity"] for line in order["lineItems"] if line["id"] == line_id)
    shipped = (part for one in order["fulfillments"] for part in one["lineItems"] if part["id"] == line_id)
    return ordered - sum(int(part["quantity"]) for part in shipped)


def move_stock(site: Site, order: Mapping[str, Any], changes: Iterable[tuple[str, int]]) -> None:
    """Only lines with a reference to the site's own catalog have stock."""
    lines = {line["id"]: line for line in order["lineItems"]}
    for line_id, change in changes:
        reference = lines[line_id].get("catalogReference") or {}
        variant = site.variants.get(str((reference.get("options") or {}).get("variantId")))
        if variant is not None and variant["productId"] == reference["catalogItemId"]:
            variant["quantity"] += change


def refunded_by(refund: Mapping[str, Any]) -> Decimal:
    done = [one for one in refund["told"]["transactions"] if one["refundStatus"] == "SUCCEEDED"]
    return sum((Decimal(one["amount"]["amount"]) for one in done), Decimal(0))


def _payment_status(order: Mapping[str, Any], refunded: Decimal) -> str:
    if not refunded:
        return str(order["paymentStatus"])
    total = Decimal(_amount(order["priceSummary"].get("total")) or 0)
    return "FULLY_REFUNDED" if refunded >= total else "PARTIALLY_REFUNDED"


def refuse(violations: shapes.Violations) -> None:
    if violations:
        text = f"{violations[0]['field']} {violations[0]['description']}"
        raise Refused(400, text, violations=violations)


def _payment(payment_id: str, amount: str, transaction: str) -> dict[str, Any]:
    return {
        "id": payment_id,
        "amount": {"amount": amount},
        "status": "APPROVED",
        "refundDisabled": False,
        "regularPaymentDetails": {"offlinePayment": True, "providerTransactionId": transaction},
    }


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


def _amount(price: Any) -> str:
    return str((price or {}).get("amount") or "")


def _read_cursor(text: str) -> tuple[dict[str, Any], int, float | None]:
    try:
        search, start, as_of = json.loads(bytes.fromhex(text))
    except ValueError as error:
        raise Refused(400, "the cursor is not valid", code="INVALID_CURSOR") from error
    return search, start, as_of
