"""The webhooks: which subscriptions, which headers, which signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.outgoing import Schedule
from sandbox.shopify import units
from sandbox.shopify.state import Shop, State, digits

# Eight tries more over four hours; the gaps are not published [guess].
SCHEDULE = Schedule(retries=(60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 3600.0, 4020.0), timeout=5.0)
API_VERSION = "2026-07"


@dataclass(frozen=True)
class Topic:
    """As its header says it, and the scopes of which one is enough."""

    name: str
    scopes: tuple[str, ...] = ("",)


_ORDERS, _RETURNS = ("read_orders",), ("read_returns",)
_EITHER = ("read_returns", "read_orders")
_GOODS = (
    "read_merchant_managed_fulfillment_orders",
    "read_assigned_fulfillment_orders",
    "read_third_party_fulfillment_orders",
)
TOPICS = {
    "APP_UNINSTALLED": Topic("app/uninstalled"),
    "FULFILLMENTS_CREATE": Topic("fulfillments/create", ("read_fulfillments",)),
    "FULFILLMENTS_UPDATE": Topic("fulfillments/update", ("read_fulfillments",)),
    "FULFILLMENT_HOLDS_ADDED": Topic("fulfillment_holds/added", _GOODS),
    "FULFILLMENT_HOLDS_RELEASED": Topic("fulfillment_holds/released", _GOODS),
    "FULFILLMENT_ORDERS_HOLD_RELEASED": Topic("fulfillment_orders/hold_released", _GOODS),
    "FULFILLMENT_ORDERS_PLACED_ON_HOLD": Topic("fulfillment_orders/placed_on_hold", _GOODS),
    "ORDERS_CANCELLED": Topic("orders/cancelled", _ORDERS),
    "ORDERS_CREATE": Topic("orders/create", _ORDERS),
    "ORDERS_DELETE": Topic("orders/delete", _ORDERS),
    "ORDERS_EDITED": Topic("orders/edited", _ORDERS),
    "ORDERS_UPDATED": Topic("orders/updated", _ORDERS),
    "REFUNDS_CREATE": Topic("refunds/create", _ORDERS),
    "RETURNS_APPROVE": Topic("returns/approve", _RETURNS),
    "RETURNS_CANCEL": Topic("returns/cancel", _EITHER),
    "RETURNS_CLOSE": Topic("returns/close", _EITHER),
    "RETURNS_PROCESS": Topic("returns/process", _RETURNS),
    "RETURNS_REOPEN": Topic("returns/reopen", _EITHER),
    "REVERSE_DELIVERIES_ATTACH_DELIVERABLE": Topic("reverse_deliveries/attach_deliverable", _RETURNS),
    "REVERSE_FULFILLMENT_ORDERS_DISPOSE": Topic("reverse_fulfillment_orders/dispose", _RETURNS),
}


class Notices:
    def __init__(self, state: State) -> None:
        self.state = state
        state.world.outgoing.set_schedule("shopify", SCHEDULE)

    def send(self, shop: Shop, topic: str, content: dict[str, Any], key: str) -> None:
        """To each of the shop's subscriptions of this topic."""
        for subscription in shop.subscriptions:
            if subscription["topic"] == topic:
                self._deliver(shop, topic, subscription["uri"], content, key)

    def order(self, shop: Shop, topic: str, order: dict[str, Any]) -> None:
        """REST-shaped: numeric ids, lower-case words, one text of tags."""
        content: dict[str, Any] = {"id": int(digits(order["id"]))}
        if topic != "ORDERS_DELETE":
            content |= {
                "admin_graphql_api_id": order["id"],
                "name": order["name"],
                "email": order["email"],
                "source_identifier": order["sourceIdentifier"],
                "tags": ", ".join(order["tags"]),
                "note_attributes": [{"name": one["key"], "value": one["value"]} for one in order["attributes"]],
                "cancelled_at": self.state.iso(order["cancelled"]) if order["cancelled"] else None,
                "cancel_reason": (order["cancel_reason"] or "").lower() or None,
                "financial_status": order["financial"].lower(),
                "created_at": self.state.iso(order["created"]),
                "updated_at": self.state.iso(order["updated"]),
            }
        self.send(shop, topic, content, order["id"])

    def fulfillment(self, shop: Shop, topic: str, order: dict[str, Any], fulfillment: dict[str, Any]) -> None:
        tracking = fulfillment["tracking"]
        content = {
            "id": int(digits(fulfillment["id"])),
            "admin_graphql_api_id": fulfillment["id"],
            "order_id": int(digits(order["id"])),
            "status": fulfillment["status"].lower(),
            "created_at": self.state.iso(fulfillment["created"]),
            "updated_at": self.state.iso(),
            "tracking_company": tracking["company"] or None,
            "tracking_number": tracking["number"] or None,
            "tracking_numbers": [tracking["number"]] if tracking["number"] else [],
            "line_items": [
                {"id": int(digits(line)), "quantity": count} for line, count in fulfillment["lines"].items()
            ],
            "name": f"{order['name']}.{len(order['fulfillments'])}",
        }
        self.send(shop, topic, content, fulfillment["id"])

    def refund(self, shop: Shop, order: dict[str, Any], refund: dict[str, Any]) -> None:
        """Whether or not money moved."""
        at = self.state.iso(refund["created"])
        content = {
            **_named(refund["id"]),
            "order_id": int(digits(order["id"])),
            "note": refund["note"] or None,
            "created_at": at,
            "processed_at": at,
            "user_id": None,
            "restock": any(row["restock"] != "NO_RESTOCK" for row in refund["rows"]),
            "return": _named(refund["return"]) if refund["return"] else None,
            "duties": [],
            "order_adjustments": [],
            "refund_line_items": [self._refund_row(order, row) for row in refund["rows"]],
            "transactions": [
                {
                    **_named(one["id"]),
                    "kind": one["kind"].lower(),
                    "status": one["status"].lower(),
                    "amount": f"{one['amount']:.2f}",
                    "gateway": one["gateway"],
                    "parent_id": int(digits(one["parent"])),
                }
                for one in refund["transactions"]
            ],
        }
        self.send(shop, "REFUNDS_CREATE", content, refund["id"])

    def _refund_row(self, order: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        line = units.line_of(order, row["line"])
        subtotal, tax = units.worth(order, line, row["quantity"]) if line else (Decimal(0), Decimal(0))
        return {
            "id": int(digits(row["id"])),
            "line_item_id": int(digits(row["line"])),
            "quantity": row["quantity"],
            "restock_type": row["restock"].lower(),
            "location_id": int(digits(row["location"])) if row["location"] else None,
            "subtotal": float(subtotal),
            "total_tax": float(tax),
        }

    def edited(self, shop: Shop, order: dict[str, Any], gone: dict[str, int], note: str) -> None:
        at = self.state.iso()
        none: dict[str, Any] = {"additions": [], "removals": []}
        removals = [{"id": int(digits(line)), "delta": count} for line, count in gone.items()]
        content = {
            "order_edit": {
                "id": int(digits(self.state.new_gid("OrderEdit"))),
                "app_id": None,
                "created_at": at,
                "committed_at": at,
                "notify_customer": False,
                "order_id": int(digits(order["id"])),
                "staff_note": note,
                "user_id": None,
                "line_items": {"additions": [], "removals": removals},
                "discounts": {"line_item": none},
                "shipping_lines": none,
            }
        }
        self.send(shop, "ORDERS_EDITED", content, order["id"])

    def held(self, shop: Shop, gid: str, order: dict[str, Any], hold: dict[str, Any]) -> None:
        """Each hold is told; that the goods are on hold only with the first."""
        told = _hold(hold)
        self.send(
            shop, "FULFILLMENT_HOLDS_ADDED", {"fulfillment_order": {"id": gid}, "fulfillment_hold": told}, hold["id"]
        )
        if len(order["holds"]) > 1:
            return
        content: dict[str, Any] = {
            "fulfillment_order": {"id": gid, "status": "on_hold", "fulfillment_holds": [told]},
            "remaining_fulfillment_order": None,
            "held_fulfillment_order_line_items": [],
            "created_fulfillment_hold": told,
        }
        self.send(shop, "FULFILLMENT_ORDERS_PLACED_ON_HOLD", content, gid)

    def let_go(self, shop: Shop, gid: str, order: dict[str, Any], ended: list[dict[str, Any]]) -> None:
        for hold in ended:
            told = {"fulfillment_order": {"id": gid}, "fulfillment_hold": _hold(hold)}
            self.send(shop, "FULFILLMENT_HOLDS_RELEASED", told, hold["id"])
        if ended and not order["holds"]:
            goods = {"fulfillment_order": {"id": gid, "status": "open"}}
            self.send(shop, "FULFILLMENT_ORDERS_HOLD_RELEASED", goods, gid)

    def returned(self, shop: Shop, topic: str, order: dict[str, Any], one: dict[str, Any]) -> None:
        """approve tells of the lines; the others of little more than the status."""
        content: dict[str, Any] = {**_named(one["id"]), "status": one["status"].lower()}
        if topic != "RETURNS_APPROVE":
            self.send(shop, topic, {**content, "order_id": int(digits(order["id"]))}, one["id"])
            return
        content |= {
            "order": _named(order["id"]),
            "name": one["name"],
            "total_return_line_items": len(one["lines"]),
            "return_line_items": [{**_named(line["id"]), "quantity": line["quantity"]} for line in one["lines"]],
            "return_shipping_fees": [],
            "exchange_line_items": [],
            "total_exchange_line_items": 0,
        }
        self.send(shop, topic, content, one["id"])

    def processed(self, shop: Shop, one: dict[str, Any]) -> None:
        """The published body is empty."""
        self.send(shop, "RETURNS_PROCESS", {}, one["id"])

    def coming_back(self, shop: Shop, one: dict[str, Any], delivery: dict[str, Any]) -> None:
        tracking = delivery["tracking"]
        told = {"carrier_name": None, "tracking_number": tracking.get("number"), "tracking_url": tracking.get("url")}
        content = {
            **_named(delivery["id"]),
            "return": _named(one["id"]),
            "shipping_deliverable": {"tracking": told, "label": {"public_file_url": None, "created_at": None}},
        }
        self.send(shop, "REVERSE_DELIVERIES_ATTACH_DELIVERABLE", content, delivery["id"])

    def disposed(self, shop: Shop, one: dict[str, Any], given: list[dict[str, Any]]) -> None:
        rows = [
            {
                "reverse_fulfillment_order_line_item": _named(each["reverseFulfillmentOrderLineItemId"]),
                "reverse_delivery_line_item": None,
                "type": each["dispositionType"].lower(),
                "location": _named(each["locationId"]) if each.get("locationId") else None,
                "quantity": each["quantity"],
            }
            for each in given
        ]
        content = {**_named(one["reverse"]["id"]), "dispositions": rows, "total_dispositions": len(rows)}
        self.send(shop, "REVERSE_FULFILLMENT_ORDERS_DISPOSE", content, one["reverse"]["id"])

    def uninstalled(self, shop: Shop) -> None:
        self.send(shop, "APP_UNINSTALLED", {"id": 1, "name": shop.name, "domain": None}, shop.domain)

    def _deliver(self, shop: Shop, topic: str, uri: str, content: dict[str, Any], key: str) -> None:
        app = self.state.app
        if app is None:
            return
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hmac.new(app.client_secret.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": TOPICS[topic].name,
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": shop.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": str(uuid.uuid4()),
            "X-Shopify-Triggered-At": self.state.iso(),
        }
        self.state.world.outgoing.send("shopify", uri, headers, body, TOPICS[topic].name, key)


def _named(gid: str) -> dict[str, Any]:
    return {"id": int(digits(gid)), "admin_graphql_api_id": gid}


def _hold(hold: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": hold["id"],
        "reason": hold["reason"].lower(),
        "reason_notes": hold["reasonNotes"],
        "held_by_requesting_app": hold["heldByRequestingApp"],
        "handle": hold["handle"],
        "held_by_app": {"id": "gid://shopify/App/1"} if hold["heldByRequestingApp"] else None,
    }
