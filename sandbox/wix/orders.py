"""Creating, telling and cancelling orders. Nothing is computed from the sums that are given, and nothing is unique."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.wix import refund_shapes, shapes
from sandbox.wix.errors import Refused
from sandbox.wix.notices import Notices
from sandbox.wix.state import Site, State

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
            **_fees(given),
            "createdBy": {"appId": self.state.app.app_id if self.state.app else ""},
            "fulfillments": [],
            "payments": payments,
            "refunds": [],
            "restocked": {},
            "activities": [],
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
        inner = ("made", "modified", "fulfillments", "payments", "refunds", "restocked", "mailed", "sent")
        paid = sum((Decimal(one["amount"]["amount"]) for one in order["payments"]), Decimal(0))
        refunded, waiting = (_refunded(order, status) for status in ("SUCCEEDED", "PENDING"))
        return {
            **{name: value for name, value in order.items() if name not in inner},
            "lineItems": [_told_line(order, line) for line in order["lineItems"]],
            "paymentStatus": payment_status(order),
            "number": int(order["number"]) if site.number_as_integer else order["number"],
            "createdDate": self.state.iso(order["made"]),
            "updatedDate": self.state.iso(order["modified"]),
            "fulfillmentStatus": fulfillment_status(order),
            "balanceSummary": {
                "paid": {"amount": f"{paid:.2f}"},
                "refunded": {"amount": f"{refunded:.2f}"},
                "pendingRefund": {"amount": f"{waiting:.2f}"},
                "balance": {"amount": f"{Decimal(_amount(order['priceSummary'].get('total')) or 0) - paid:.2f}"},
            },
        }

    def find(self, site: Site, order_id: str) -> dict[str, Any]:
        if order_id not in site.orders:
            raise Refused(404, f"order with id {order_id} was not found", code="ORDER_NOT_FOUND")
        return site.orders[order_id]

    # Changing

    def cancel(self, site: Site, order: dict[str, Any], body: dict[str, Any], *, by_app: bool) -> dict[str, Any]:
        refuse(shapes.CANCEL.check(body, ""))
        if order["status"] in HIDDEN:
            raise Refused(400, "the order is not approved", code=f"ORDER_IS_{order['status']}")
        if order["status"] == "CANCELED":
            if site.second_cancel == "error":
                raise Refused(428, "the order is canceled already", code="ORDER_ALREADY_CANCELED")
            return self.told(site, order)
        if any(one["status"] == "AUTHORIZED" for one in order["payments"]):
            raise Refused(400, "a payment is authorized", code="ORDER_HAS_AUTHORIZED_TRANSACTION")
        if site.cancel_fulfilled == "refuse" and order["fulfillments"]:
            raise Refused(428, "the order is fulfilled, in part at least", code="ORDER_CANNOT_BE_CANCELED")
        order["status"] = "CANCELED"
        self.touch(order)
        self.state.world.ledger_add(
            "wix",
            "order.cancelled",
            order["id"],
            reference=order["channelInfo"].get("externalOrderId", ""),
            name=order["number"],
            restocked=bool(body.get("restockAllItems")),
            mailed=bool(body.get("sendOrderCanceledEmail")),
            by="app" if by_app else "merchant",
        )
        if body.get("restockAllItems"):
            left = {line["id"]: line["quantity"] - restocked(order, line["id"]) for line in order["lineItems"]}
            restock(self.state, site, order, left, why="cancel")
        told = self.told(site, order)
        more = {name: bool(body.get(name)) for name in ("restockAllItems", "sendOrderCanceledEmail")}
        more |= {"customMessage": body["customMessage"]} if body.get("customMessage") else {}
        self.notices.order(site, "canceled", order, told, by_app=by_app, **more)
        return told

    def comment(self, order: dict[str, Any], body: dict[str, Any], *, by_app: bool) -> dict[str, Any]:
        """An activity beside the order: a comment for the merchant, or one of the app's own kind."""
        refuse(refund_shapes.ACTIVITY.check(body, ""))
        given = {name: value for name, value in body["activity"].items() if value}
        kind = "MERCHANT_COMMENT" if "merchantComment" in given else "CUSTOM_ACTIVITY"
        made = {"id": str(uuid.uuid4()), "createdDate": self.state.iso(), "type": kind, **given}
        made |= {"activityType": kind} if kind == "MERCHANT_COMMENT" else {}
        order["activities"].append(made)
        self.touch(order)
        text = (given.get("merchantComment") or {}).get("message") or given["customActivity"]["type"]
        facts = {"reference": order["channelInfo"].get("externalOrderId", ""), "by": "app" if by_app else "merchant"}
        self.state.world.ledger_add("wix", "note.added", made["id"], order=order["id"], text=text, **facts)
        return {"activityId": made["id"], "orderActivities": order["activities"]}

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


def restock(state: State, site: Site, order: dict[str, Any], units: Mapping[str, int], *, why: str) -> None:
    """Puts units by line id back; an order remembers how many of a line it did so with."""
    moved = {line_id: count for line_id, count in units.items() if count}
    for line_id, count in moved.items():
        order["restocked"][line_id] = restocked(order, line_id) + count
    move_stock(site, order, moved.items())
    skus = {line["id"]: line["physicalProperties"].get("sku", "") for line in order["lineItems"]}
    lines = {skus[line_id]: count for line_id, count in moved.items()}
    reference = order["channelInfo"].get("externalOrderId", "")
    state.world.ledger_add("wix", "stock.restocked", order["id"], reference=reference, lines=lines, why=why)


def restocked(order: Mapping[str, Any], line_id: str) -> int:
    return int(order["restocked"].get(line_id, 0))


def payment_status(order: Mapping[str, Any]) -> str:
    refunded = _refunded(order, "SUCCEEDED")
    if not refunded:
        return str(order["paymentStatus"])
    total = Decimal(_amount(order["priceSummary"].get("total")) or 0)
    return "FULLY_REFUNDED" if refunded >= total else "PARTIALLY_REFUNDED"


def has_failed(refund: Mapping[str, Any]) -> bool:
    """Whether nothing at all of it went back, or will."""
    return all(one["refundStatus"] == "FAILED" for one in refund["transactions"])


def _refunded(order: Mapping[str, Any], status: str) -> Decimal:
    rows = (one for refund in order["refunds"] for one in refund["told"]["transactions"])
    return sum((Decimal(one["amount"]["amount"]) for one in rows if one["refundStatus"] == status), Decimal(0))


def _told_line(order: Mapping[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    alive = (one["told"] for one in order["refunds"] if not has_failed(one["told"]))
    rows = (one for refund in alive for one in refund["details"]["lineItems"])
    back = sum(int(one["quantity"]) for one in rows if one["lineItemId"] == line["id"])
    counts = {"refundQuantity": back, "restockQuantity": restocked(order, line["id"])}
    return {**line, **{name: count for name, count in counts.items() if count}}


def _fees(given: Mapping[str, Any]) -> dict[str, Any]:
    fees = given.get("additionalFees")
    return {"additionalFees": [{**fee, "id": fee.get("id") or str(uuid.uuid4())} for fee in fees]} if fees else {}


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


def _amount(price: Any) -> str:
    return str((price or {}).get("amount") or "")
