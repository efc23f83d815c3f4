"""Webhook subscriptions and what is sent to them."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import replace
from typing import Any

from sandbox.outgoing import Schedule
from sandbox.squarespace.errors import Refused, invalid, missing
from sandbox.squarespace.state import Site, State

TOPICS = frozenset({"order.create", "order.update", "extension.uninstall"})
MOST = 25
# Retried for up to 48 hours; when exactly is not told [guess].
SCHEDULE = Schedule(retries=(60.0, 300.0, 1800.0, 7200.0, 21_600.0, 43_200.0, 86_400.0), timeout=10.0)


class Notices:
    def __init__(self, state: State) -> None:
        self.state = state
        state.world.outgoing.set_schedule("squarespace", replace(SCHEDULE, tried=self.tried))

    def order(self, site: Site, topic: str, order_id: str, update: str | None) -> None:
        data = {"orderId": order_id} | ({"update": update} if update else {})
        self.send(site, topic, data)

    def send(self, site: Site, topic: str, data: dict[str, Any]) -> None:
        for subscription in list(site.subscriptions.values()):
            if topic in subscription["topics"]:
                self._post(site, subscription, topic, data)

    def _post(self, site: Site, subscription: dict[str, Any], topic: str, data: dict[str, Any]) -> None:
        body = {
            "id": secrets.token_hex(12),
            "websiteId": site.id,
            "subscriptionId": subscription["id"],
            "topic": topic,
            "createdOn": self.state.iso()[:16] + "+00:00",  # without seconds, as the documentation's example
            "data": data,
        }
        raw = json.dumps(body, separators=(",", ":")).encode()
        signature = hmac.new(bytes.fromhex(subscription["secret"]), raw, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Squarespace/1.0",
            "Squarespace-Signature": signature,
        }
        self.state.world.outgoing.send("squarespace", subscription["endpointUrl"], headers, raw, topic, body["id"])

    # Subscriptions

    def subscribe(self, site: Site, body: dict[str, Any]) -> dict[str, Any]:
        url, topics = body.get("endpointUrl"), body.get("topics")
        if not url:
            raise missing("endpointUrl")
        if not isinstance(topics, list) or not topics:
            raise missing("topics")
        if unknown := sorted(set(topics) - TOPICS):
            raise invalid(f"topics: {unknown[0]} is not known")
        if len(site.subscriptions) >= MOST:
            raise Refused(409, f"A site has at most {MOST} subscriptions")
        now = self.state.iso()
        made: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "endpointUrl": str(url),
            "topics": list(topics),
            "secret": secrets.token_hex(32),
            "createdOn": now,
            "updatedOn": now,
        }
        site.subscriptions[made["id"]] = made
        return dict(made)

    def subscription(self, site: Site, subscription_id: str) -> dict[str, Any]:
        if subscription_id not in site.subscriptions:
            raise Refused(404, "The subscription was not found")
        return site.subscriptions[subscription_id]

    def rotate(self, subscription: dict[str, Any]) -> dict[str, Any]:
        subscription["secret"], subscription["updatedOn"] = secrets.token_hex(32), self.state.iso()
        return {"secret": subscription["secret"]}

    def tried(self, url: str, is_accepted: bool) -> None:
        """A subscription whose calls keep failing is deleted."""
        with self.state.world.lock:
            for site in self.state.sites.values():
                for subscription in list(site.subscriptions.values()):
                    if subscription["endpointUrl"] != url:
                        continue
                    site.failures[url] = 0 if is_accepted else site.failures.get(url, 0) + 1
                    if site.failures[url] >= site.drop_after:
                        del site.subscriptions[subscription["id"]]


def shown(subscription: dict[str, Any]) -> dict[str, Any]:
    """Without the secret, which is told only on create and rotate."""
    return {name: value for name, value in subscription.items() if name != "secret"}
