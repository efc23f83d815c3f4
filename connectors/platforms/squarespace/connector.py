"""Squarespace: one site's Commerce APIs as a destination."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.base.aftersales import Refund
from connectors.base.connector import (
    AuthorizationAnswer,
    AuthorizationRequest,
    Destination,
    Features,
    Setting,
    StoreOption,
    Subscriptions,
)
from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    RateLimited,
    TemporaryError,
    UnreadableAnswer,
    UnsupportedFeature,
)
from connectors.base.events import PlatformEvent
from connectors.base.types import (
    CancelReceipt,
    CreateRequest,
    Credentials,
    OrderDraft,
    PlacedOrder,
    RawRequest,
    Shipment,
    StoreIdentity,
    Variant,
)
from connectors.exchange import Answer
from connectors.http import failure_of
from connectors.pacing import Limits
from connectors.platforms.squarespace import mapping, signing

# Calls without a User-Agent are rejected, default ones are throttled harder:
# https://developers.squarespace.com/commerce-apis/making-requests (read 2026-11)
USER_AGENT = "VeriSync/1.0 (order sync for TikTok Shop)"
# Over the limit, one minute passes: https://developers.squarespace.com/commerce-apis/rate-limits (read 2026-11)
COOL_DOWN = 60.0
_OAUTH = "/api/1/login/oauth/provider"
_ORDERS = "/1.0/commerce/orders"
_SUBSCRIPTIONS = "/1.0/webhook_subscriptions"


class Squarespace(Destination):
    """One Squarespace site."""

    platform = "squarespace"
    label = "Squarespace"
    initials = "Sq"
    finds_by_reading = True
    features = Features(
        webhooks=True,
        idempotency_key=True,
        amounts=True,
        emails=True,
        stock=True,
        without_address=True,
        notes={
            "search_by_reference": "Recent orders are read through instead, where the outcome of a create is in doubt",
            "hold": "Orders are made when TikTok's hold is over",
            "cancel": "Squarespace lets no app cancel an order: it becomes a task for you, and is watched until done",
            "partial_cancel": "Squarespace lets no app cancel items of an order: it becomes a task for you",
            "partial_fulfillment": "The first parcel is reported for all items, and you are asked about a second one",
            "refunds": "Squarespace took no money for these orders; a refund stays at TikTok Shop",
            "returns": "Squarespace knows no returns: it becomes a task for you, to put the items back into stock",
            "custom_lines": "Every item has to be linked to a product",
            "sku_search": "The catalog is read into an index; two variants with one SKU are reported",
            "numbers": "Squarespace numbers its orders itself",
            "tags": "There is no place for tags or attributes",
            "order_notes": "There is no place for a note",
            "stock": "Where it is deducted and is short, Squarespace refuses the order",
            "locations": "Squarespace knows no locations",
            "store_tax": "Squarespace reckons no tax for an imported order",
        },
    )
    settings = (
        Setting("CLIENT_ID", is_required=True, help="The extension's client id"),
        Setting("CLIENT_SECRET", is_required=True, is_secret=True, help="The extension's client secret"),
        Setting(
            "API_URL",
            default="https://api.squarespace.com",
            hosts=("api.squarespace.com",),
            help="Where calls go",
        ),
        Setting(
            "LOGIN_URL",
            default="https://login.squarespace.com",
            hosts=("login.squarespace.com",),
            help="Where consent is asked and tokens come from",
        ),
    )
    # 300 in a minute, then a minute of silence:
    # https://developers.squarespace.com/commerce-apis/rate-limits (read 2026-11)
    limits = Limits(rate=5, burst=300, window=60.0, cool_down=60.0)
    scopes = (
        "website.orders",
        "website.orders.read",
        "website.inventory.read",
        "website.products.read",
        "website.transactions.read",
    )
    scope_names = {
        "website.orders": "Orders",
        "website.orders.read": "Read orders",
        "website.inventory.read": "Stock",
        "website.products.read": "Products",
        "website.transactions.read": "Transactions",
    }
    private_keys = frozenset(
        ["customeremail", "billingaddress", "shippingaddress", "internalnotes", "formsubmission", "customizations"]
    )
    needs = (
        "The login of the site's owner, or of an administrator.",
        "A product for every item: Squarespace takes no order with an unlinked one.",
    )
    options = (
        StoreOption(
            "inventory",
            "Stock",
            "Deducting fails where the store has too little stock; the order then waits and says so.",
            (("SKIP", "Leave Squarespace's stock alone"), ("DEDUCT", "Deduct it in Squarespace")),
        ),
    )
    renews_itself = True
    carried = ("website_id",)
    has_store_secret = True

    # Authorization

    def authorize_url(self, request: AuthorizationRequest) -> str:
        """Where the owner allows the extension. Without offline access there would be no refresh token."""
        query = {
            "client_id": self.config["CLIENT_ID"],
            "redirect_uri": request.redirect_url,
            "scope": ",".join(self.scopes),
            "state": request.state,
            "access_type": "offline",
        }
        if website_id := request.carried.get("website_id"):
            query["website_id"] = website_id
        return f"{self.config['LOGIN_URL']}{_OAUTH}/authorize?{urlencode(query)}"

    def read_callback(self, request: RawRequest) -> AuthorizationAnswer:
        """The callback. It is not signed: only our own state makes it ours, so one without state is refused."""
        query = request.query
        if not query.get("state"):
            raise InvalidSignature("Squarespace's answer names no connection that was begun here")
        return AuthorizationAnswer(code=query.get("code", ""), state=query["state"], error=query.get("error", ""))

    def exchange_code(self, answer: AuthorizationAnswer) -> Credentials:
        """The first pair of tokens. The code lives two minutes and works once."""
        asked = {"grant_type": "authorization_code", "code": answer.code, "redirect_uri": answer.redirect_url}
        return self._token(asked, operation="token.exchange", is_safe=False)

    def refresh(self) -> Credentials:
        """A new pair of tokens; the old refresh token dies when the new access token is first used."""
        old = self.credentials
        if old is None or not old.refresh_token:
            raise AuthorizationError("There is no refresh token for this site", code="invalid_grant")
        asked = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
        return self._token(asked, operation="token.refresh", is_safe=True)

    def list_stores(self) -> list[StoreIdentity]:
        """The one site that the token is for."""
        return [mapping.store(self._get("/1.0/authorization/website", operation="website.get"))]

    # Webhooks

    def store_of(self, request: RawRequest) -> str:
        """The site's id. Raises UnreadableAnswer."""
        return str(mapping.notice(request.body).get("websiteId") or "")

    def verify_webhook(self, request: RawRequest) -> None:
        """Raises InvalidSignature unless this store's subscription secret signed the raw body."""
        secret = self.credentials.extra.get("webhook_secret", "") if self.credentials else ""
        if not signing.is_webhook_signed(request.body, request.headers.get("squarespace-signature", ""), secret):
            raise InvalidSignature("Squarespace did not sign this webhook")

    def delivery_key(self, request: RawRequest) -> str:
        """The same on every retry of one delivery."""
        return str(mapping.notice(request.body)["id"])

    def parse_webhook(self, request: RawRequest) -> list[PlatformEvent]:
        """One event per webhook; our own creates come back too. Raises UnreadableAnswer."""
        return [mapping.event(request.body)]

    def ensure_webhooks(self, address: str) -> Subscriptions:
        """Subscribe if we are not; a secret that was lost is rotated, since it is shown only then. May be repeated.

        https://developers.squarespace.com/commerce-apis/webhook-subscriptions-overview (read 2026-11)
        """
        mine = self._subscription(address)
        if mine is None:
            body = {"endpointUrl": address, "topics": list(mapping.TOPICS)}
            made = self._send("POST", _SUBSCRIPTIONS, body, operation="webhooks.subscribe", is_safe=False)
            return Subscriptions(made=mapping.TOPICS, secret=str(made.get("secret") or ""))
        if self.credentials and self.credentials.extra.get("webhook_secret"):
            return Subscriptions()
        path = f"{_SUBSCRIPTIONS}/{mine['id']}/actions/rotateSecret"
        rotated = self._send("POST", path, {}, operation="webhooks.rotate", is_safe=True)
        return Subscriptions(secret=str(rotated.get("secret") or ""))

    def leave(self, address: str) -> bool:
        """Remove our subscription. No call takes the permission itself back."""
        if mine := self._subscription(address):
            path = f"{_SUBSCRIPTIONS}/{mine['id']}"
            self._send("DELETE", path, None, operation="webhooks.delete", is_safe=True)
        return False

    # Orders

    def find_order(self, reference: str, *, since: datetime) -> PlacedOrder | None:
        """By reading through the orders changed since then. Raises if that failed, and PermanentError for another app's
        order of the same id: a second one would be shipped twice."""
        found = self.find_orders([reference], since=since).get(reference)
        if isinstance(found, PermanentError):
            raise found
        return found

    def find_orders(self, references: Sequence[str], *, since: datetime) -> dict[str, PlacedOrder | PermanentError]:
        """All by one reading: there is no filter for it."""
        wanted, found = set(references), dict[str, PlacedOrder | PermanentError]()
        for order in self._orders(since, operation="orders.search"):
            reference = str(order.get("externalOrderReference") or "")
            if reference not in wanted or order.get("testmode"):
                continue
            placed = mapping.placed_order(order, self._domain)
            if mapping.is_ours(order):
                found[reference] = placed
            else:
                said = f"{placed.name} of another app carries its id"
                found.setdefault(reference, PermanentError(said, reason="DUPLICATE_FOUND"))
            if len(found) == len(wanted):
                break
        return {reference: found[reference] for reference in references if reference in found}

    def rendered(self, draft: OrderDraft, *, reference: str) -> CreateRequest:
        """The order, and the key under which it is made once."""
        chosen = (self.store.options.get("inventory") if self.store else "") or self.options[0].choices[0][0]
        body, remarks = mapping.order_create(draft, reference, inventory=mapping.inventory_of(draft, chosen))
        site = self.store.external_id if self.store else ""
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"verisync:{site}:{reference}"))
        return CreateRequest("POST", _ORDERS, json.dumps(body), {"Idempotency-Key": key}, remarks)

    def create_order(self, draft: OrderDraft, *, reference: str) -> PlacedOrder:
        """Create the order, paid elsewhere. May be repeated while Squarespace knows the key, about a day.

        https://developers.squarespace.com/commerce-apis/create-order (read 2026-11)
        """
        sent = self.rendered(draft, reference=reference)
        said = self._send(
            sent.method, sent.path, sent.body, operation="orders.create", is_safe=False, headers=sent.headers
        )
        try:
            return replace(mapping.placed_order(said, self._domain), remarks=sent.remarks)
        except UnreadableAnswer as error:
            raise OutcomeUnknown("Squarespace's answer to the new order could not be read") from error

    def cancel_order(self, external_id: str, *, reason: str, restock: bool) -> CancelReceipt:
        """No call cancels an order: the merchant does it."""
        raise UnsupportedFeature("Squarespace lets no app cancel an order", reason="ALREADY_CANCELLED")

    def record_refund(self, external_id: str, refund: Refund, *, reference: str) -> None:
        """No call refunds, and no money was taken."""
        raise UnsupportedFeature("Squarespace lets no app record a refund")

    def fetch_order(self, external_id: str) -> PlacedOrder | None:
        """The order as it stands; None if it is not there any more."""
        order = self._order(external_id)
        return mapping.placed_order(order, self._domain) if order else None

    def shipments_of(self, external_id: str) -> list[Shipment]:
        """Every parcel, without its contents: Squarespace does not say what is in which."""
        return mapping.shipments(self._order(external_id) or {})

    def record_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Add the parcel; the order counts as fulfilled then. Not repeatable: look at shipments_of first.

        https://developers.squarespace.com/commerce-apis/fulfill-order (read 2026-11)
        """
        body = mapping.fulfillment(shipment, now=self.clock())
        path = f"{_ORDERS}/{external_id}/fulfillments"
        self._send("POST", path, body, operation="orders.fulfill", is_safe=False)

    def orders_changed_since(self, moment: datetime) -> Iterator[PlacedOrder]:
        """Our orders changed since then."""
        for order in self._orders(moment, operation="orders.changed"):
            if mapping.is_ours(order):
                yield mapping.placed_order(order, self._domain)

    def find_variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]:
        """Every variant with exactly this SKU, ignoring case and outer spaces: reads the whole catalog."""
        found: dict[str, list[Variant]] = {sku: [] for sku in skus}
        for variant in self.list_variants():
            for sku in found:
                if sku.strip() and sku.strip().casefold() == variant.sku.strip().casefold():
                    found[sku].append(variant)
        return found

    def list_variants(self) -> Iterator[Variant]:
        """The whole catalog of physical products; it cannot be searched by SKU."""
        query: Mapping[str, str] = {"type": "PHYSICAL"}
        while True:
            page = self._get("/v2/commerce/products", operation="products.list", query=query)
            yield from mapping.variants(page)
            cursor = _next(page)
            if not cursor or cursor == query.get("cursor"):
                return
            query = {"cursor": cursor}

    # Calls

    @property
    def _domain(self) -> str:
        return self.store.domain if self.store else ""

    def _orders(self, since: datetime, *, operation: str) -> Iterator[dict[str, Any]]:
        """Orders by modification, newest first. The dates go with the first page only, the cursor with the others."""
        until = self.clock() + timedelta(minutes=1)
        query = {"modifiedAfter": mapping.iso(since), "modifiedBefore": mapping.iso(until)}
        while True:
            page = self._get(_ORDERS, operation=operation, query=query)
            yield from (order for order in page.get("result") or [] if isinstance(order, dict))
            cursor = _next(page)
            if not cursor or cursor == query.get("cursor"):
                return
            query = {"cursor": cursor}

    def _order(self, external_id: str) -> dict[str, Any] | None:
        try:
            return self._get(f"{_ORDERS}/{external_id}", operation="orders.get")
        except PermanentError as error:
            if error.code == "404":
                return None
            raise

    def _subscription(self, address: str) -> dict[str, Any] | None:
        said = self._get(_SUBSCRIPTIONS, operation="webhooks.list")
        rows = said.get("webhookSubscriptions") or said.get("result") or []
        return next((row for row in rows if row.get("endpointUrl") == address and row.get("id")), None)

    def _token(self, asked: Mapping[str, str], *, operation: str, is_safe: bool) -> Credentials:
        pair = f"{self.config['CLIENT_ID']}:{self.config['CLIENT_SECRET']}"
        answer = self.http.send(
            "POST",
            f"{self.config['LOGIN_URL']}{_OAUTH}/tokens",
            operation=operation,
            is_safe=is_safe,
            headers={
                "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
            },
            body=json.dumps(asked).encode(),
        )
        if answer.status in (400, 401):
            raise AuthorizationError("Squarespace refused the code or the refresh token", code="invalid_grant")
        if failure := _failure(answer, is_safe=is_safe):
            raise failure
        said = answer.json()
        if not isinstance(said, dict) or not said.get("access_token"):
            raise UnreadableAnswer("Squarespace's answer holds no access token")
        old = self.credentials
        return Credentials(
            access_token=str(said["access_token"]),
            access_expires_at=mapping.unix_moment(said.get("access_token_expires_at")),
            refresh_token=str(said.get("refresh_token") or (old.refresh_token if old else "")),
            refresh_expires_at=mapping.unix_moment(said.get("refresh_token_expires_at")),
            extra=dict(old.extra) if old else {},
        )

    def _get(self, path: str, *, operation: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._send("GET", path, None, operation=operation, is_safe=True, query=query)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | str | None,
        *,
        operation: str,
        is_safe: bool,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        token = self.credentials.access_token if self.credentials else ""
        sent = {"Authorization": f"Bearer {token}", "User-Agent": USER_AGENT, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        answer = self.http.send(
            method,
            self.config["API_URL"] + path,
            operation=operation,
            is_safe=is_safe,
            params=query,
            headers=sent,
            body=None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode(),
        )
        if failure := _failure(answer, is_safe=is_safe):
            raise failure
        if answer.status == 204 or not answer.body:
            return {}
        try:
            said = answer.json()
        except UnreadableAnswer as error:
            raise (TemporaryError if is_safe else OutcomeUnknown)("Squarespace's answer could not be read") from error
        if not isinstance(said, dict):
            raise (TemporaryError if is_safe else OutcomeUnknown)("Squarespace's answer could not be read")
        return said


def _next(page: Mapping[str, Any]) -> str:
    info = page.get("pagination") or {}
    return str(info.get("nextPageCursor") or "") if info.get("hasNextPage") else ""


def _failure(answer: Answer, *, is_safe: bool) -> PlatformError | None:
    """A refusal by status and by the error object, whose message may repeat what was sent: only its type is shown.

    https://developers.squarespace.com/commerce-apis/responses-and-error-handling (read 2026-11)
    """
    if answer.status == 429:
        return RateLimited("Too many requests", code="429", retry_after=answer.retry_after() or COOL_DOWN)
    if answer.status == 503 and not is_safe:
        return OutcomeUnknown("Squarespace was overloaded during the call", code="503")
    failure = failure_of(answer, is_safe=is_safe)
    if failure is None or answer.status not in (400, 402, 404, 405, 409, 422):
        return failure
    kind, said, context = _said(answer)
    # A plan that lacks the feature is answered with 402 (guess).
    why = "the site's plan does not include this" if answer.status == 402 else "Squarespace refused the call"
    what = f"{why} ({kind or answer.status}{', ' + context if context else ''})"
    return PermanentError(what, code=str(answer.status), reason=_reason(answer.status, said))


def _said(answer: Answer) -> tuple[str, str, str]:
    """The error's type and subtype, its message in lower case, and the id that Squarespace's support asks for."""
    try:
        error = answer.json()
    except UnreadableAnswer:
        return "", "", ""
    if not isinstance(error, dict):
        return "", "", ""
    kind = " ".join(str(error[name]) for name in ("type", "subtype") if error.get(name))
    return kind[:80], str(error.get("message") or "").lower(), str(error.get("contextId") or "")[:40]


def _reason(status: int, said: str) -> str:
    """What a person can do about it. The words of the messages are not documented (guess)."""
    if status == 402:
        return "NOT_SUPPORTED"
    if status == 409:
        return "DUPLICATE_FOUND" if "idempotency" in said else "OUT_OF_STOCK" if "stock" in said else "REMOTE_ERROR"
    if "stock" in said or "inventory" in said:
        return "OUT_OF_STOCK"
    if "variant" in said or "product" in said:
        return "PRODUCT_DELETED"
    return "ADDRESS_INVALID" if "address" in said else "REMOTE_ERROR"
