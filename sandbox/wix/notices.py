"""Webhooks: the body is a bare JWT, signed with RS256, with JSON inside JSON inside JSON."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.outgoing import Schedule
from sandbox.wix.state import Site, State

# An answer within 1.25 s; up to 12 tries over about 48 hours [guess].
SCHEDULE = Schedule(retries=(60.0, 600.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 28_800.0, 28_800.0), timeout=1.25)


class Notices:
    def __init__(self, state: State) -> None:
        self.state = state
        state.world.outgoing.set_schedule("wix", SCHEDULE)

    def order(
        self, site: Site, slug: str, order: dict[str, Any], told: dict[str, Any], *, by_app: bool, **more: Any
    ) -> None:
        """created, approved, updated, canceled or payment_status_updated; an action says `more` beside the order."""
        if slug == "created":
            part: dict[str, Any] = {"createdEvent": {"entity": told}}
        elif slug == "updated":
            part = {"updatedEvent": {"currentEntity": told}}
        else:
            part = {"actionEvent": {"body": {"order": told, **more}}}
        self._domain_event(site, "wix.ecom.v1.order", slug, order["id"], part, by_app=by_app)

    def fulfillments(self, site: Site, order_id: str, told: dict[str, Any], *, by_app: bool) -> None:
        part = {"updatedEvent": {"currentEntity": told}}
        self._domain_event(site, "wix.ecom.v1.fulfillments", "updated", order_id, part, by_app=by_app)

    def refunded(
        self,
        site: Site,
        order_id: str,
        refund: dict[str, Any],
        transactions: dict[str, Any],
        effects: Mapping[str, Any],
        *,
        by_app: bool,
    ) -> None:
        """[guess] Only once no part of it is pending, and of failed ones as well."""
        body = {"orderId": order_id, "refund": refund, "sideEffects": effects, "orderTransactions": transactions}
        self._of_transactions(site, "refund_completed", order_id, body, by_app=by_app)

    def details_updated(
        self, site: Site, order_id: str, transactions: dict[str, Any], refund_ids: list[str], *, by_app: bool
    ) -> None:
        body = {"orderTransactions": transactions, "paymentIds": [], "refundIds": refund_ids}
        self._of_transactions(site, "details_updated", order_id, body, by_app=by_app)

    def _of_transactions(self, site: Site, slug: str, order_id: str, body: dict[str, Any], *, by_app: bool) -> None:
        part = {"actionEvent": {"body": body}}
        self._domain_event(site, "wix.ecom.v1.order_transactions", slug, order_id, part, by_app=by_app)

    def installed(self, site: Site) -> None:
        assert self.state.app is not None
        self._send(site, "AppInstalled", {"appId": self.state.app.app_id}, by_app=False)

    def removed(self, site: Site) -> None:
        assert self.state.app is not None
        self._send(site, "AppRemoved", {"appId": self.state.app.app_id}, by_app=False)

    def _domain_event(
        self, site: Site, fqdn: str, slug: str, entity_id: str, part: dict[str, Any], *, by_app: bool
    ) -> None:
        event = {
            "id": str(uuid.uuid4()),
            "entityFqdn": fqdn,
            "slug": slug,
            "entityId": entity_id,
            "eventTime": self.state.iso(),
            "triggeredByAnonymizeRequest": False,
            "originatedFrom": "",
            "entityEventSequence": str(int(self.state.world.now() * 1000)),
            **part,
        }
        self._send(site, f"{fqdn}_{slug}", event, by_app=by_app)

    def _send(self, site: Site, event_type: str, event: dict[str, Any], *, by_app: bool) -> None:
        app = self.state.app
        if app is None or not app.webhook_url or not site.instance_id:
            return
        identity = {"identityType": "APP", "appId": app.app_id} if by_app else {"identityType": "WIX_USER"}
        envelope = {
            "eventType": event_type,
            "instanceId": site.instance_id,
            "data": json.dumps(event),
            "identity": json.dumps(identity),
        }
        now = int(self.state.world.now())
        token = self.signed({"data": json.dumps(envelope), "iat": now, "exp": now + 3600})
        key = str(event.get("id") or uuid.uuid4())
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "wix-webhooks"}
        self.state.world.outgoing.send("wix", app.webhook_url, headers, token.encode(), event_type, key)

    def signed(self, claims: dict[str, Any]) -> str:
        key = _key(self.state.private_key)
        parts = [_encode(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        signature = key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, _encode(signature)])


@cache
def _key(pem: str) -> rsa.RSAPrivateKey:
    """Read once: checking a key takes 50 ms, more than everything else that the sandbox does for an order."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
