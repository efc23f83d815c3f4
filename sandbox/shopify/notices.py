"""The webhooks: which subscriptions, which headers, which signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

from sandbox.outgoing import Schedule
from sandbox.shopify.state import Shop, State, digits

# Eight tries more over four hours; the gaps are not published [guess].
SCHEDULE = Schedule(retries=(60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 3600.0, 4020.0), timeout=5.0)
API_VERSION = "2026-07"
TOPICS = {
    "APP_UNINSTALLED": "app/uninstalled",
    "FULFILLMENTS_CREATE": "fulfillments/create",
    "FULFILLMENTS_UPDATE": "fulfillments/update",
    "ORDERS_CANCELLED": "orders/cancelled",
    "ORDERS_CREATE": "orders/create",
    "ORDERS_DELETE": "orders/delete",
    "ORDERS_UPDATED": "orders/updated",
    "REFUNDS_CREATE": "refunds/create",
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
                "cancel_reason": order["cancel_reason"],
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
        content = {"id": int(digits(refund["id"])), "order_id": int(digits(order["id"])), "note": refund["note"]}
        self.send(shop, "REFUNDS_CREATE", content, refund["id"])

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
            "X-Shopify-Topic": TOPICS[topic],
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": shop.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": str(uuid.uuid4()),
            "X-Shopify-Triggered-At": self.state.iso(),
        }
        self.state.world.outgoing.send("shopify", uri, headers, body, TOPICS[topic], key)
