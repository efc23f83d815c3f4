"""Shopify: the shop's Admin GraphQL API as a destination."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
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
    Subscriptions,
)
from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TemporaryError,
    UnreadableAnswer,
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
from connectors.http import Answer, failure_of
from connectors.pacing import Limits
from connectors.platforms.shopify import documents, mapping, signing

logger = logging.getLogger(__name__)

# Frozen, locked or refused shops: https://shopify.dev/docs/api/usage/response-codes (notes of 2026-09)
_PAUSED = {
    402: "The shop is frozen",
    423: "The shop is locked",
    430: "Shopify's security refused the request",
}
_PAUSE_SECONDS = 3600.0
# Refused before anything ran: the only errors of a change that are no question.
_NEVER_RUN = frozenset(
    [
        "MAX_COST_EXCEEDED",
        "INVALID_VARIABLE",
        "undefinedField",
        "argumentLiteralsIncompatible",
        "missingRequiredArguments",
        "BAD_REQUEST",
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
    ]
)
_TOPICS = [
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_DELETE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "REFUNDS_CREATE",
    "APP_UNINSTALLED",
]
# https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrderHoldUserErrorCode (schema 2026-07)
_HELD_BEFORE = frozenset(["DUPLICATE_FULFILLMENT_HOLD_HANDLE"])
_PAGE = 25
_CATALOG_PAGE = 100
_SKUS_PER_SEARCH = 10
_REFERENCES_PER_SEARCH = 20
_CANCEL_REASONS = frozenset(["CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"])


class Shopify(Destination):
    """One Shopify shop, by the Admin GraphQL API."""

    platform = "shopify"
    label = "Shopify"
    features = Features(
        webhooks=True,
        search_by_reference=True,
        hold=True,
        cancel=True,
        partial_fulfillment=True,
        refunds=True,
        custom_lines=True,
        sku_search=True,
        amounts=True,
        numbers=True,
        emails=True,
        tags=True,
        order_notes=True,
        stock=True,
        locations=True,
        without_address=True,
        notes={
            "hold": "For a moment after it is made an order is there without a hold, unpaid and without an address",
            "refunds": "The goods of a refund are recorded; no money moves",
            "locations": "An order is moved right after it is made; what the location does not stock stays where it is",
            "store_tax": "Shopify reckons no tax for an order that an app makes",
        },
    )
    settings = (
        Setting("CLIENT_ID", is_required=True, help="The app's client id"),
        Setting("CLIENT_SECRET", is_required=True, is_secret=True, help="Two, comma separated, during a rotation"),
        Setting("API_VERSION", default="2026-07", help="The Admin API's version"),
        Setting(
            "BASE_URL",
            default="https://{shop}",
            hosts=(".myshopify.com",),
            fills=("shop.myshopify.com",),
            help="Keeps the literal {shop}",
        ),
    )
    # Points, learned from each answer: https://shopify.dev/docs/api/usage/limits (notes of 2026-09). Costs are what our
    # documents ask for.
    limits = Limits(
        rate=100,
        burst=2000,
        default_cost=15,
        costs={
            **dict.fromkeys(["orders.find", "orders.search", "orders.changed", "variants.search"], 105),
            "variants.list": 405,
        },
    )
    create_operation = "orderCreate"
    scopes = (
        "write_orders",
        "read_products",
        "read_fulfillments",
        "write_customers",
        "write_merchant_managed_fulfillment_orders",
        "read_locations",
    )
    scope_names = {
        "write_orders": "Orders",
        "read_products": "Products",
        "read_fulfillments": "Fulfillments",
        "write_customers": "Customers",
        "write_merchant_managed_fulfillment_orders": "Fulfillment orders",
        "read_locations": "Locations",
    }
    private_keys = frozenset(
        [
            "customer",
            "email",
            "phone",
            "note",
            "shippingaddress",
            "billingaddress",
            "shipping_address",
            "billing_address",
            "contact_email",
            "destination",
            "staffnote",
        ]
    )
    needs = (
        "The shop's domain, the one that ends with .myshopify.com.",
        "The login of an owner, or of staff who may install apps.",
    )
    renews_itself = True
    shop_label = "Shop domain"
    shop_help = "The one that ends with .myshopify.com; it stands under Settings, Domains."
    shop_placeholder = "your-shop.myshopify.com"
    carried = ("hmac",)
    is_landing_signed = True

    # Authorization

    def authorize_url(self, request: AuthorizationRequest) -> str:
        """Where the merchant allows the app. Raises PermanentError for anything but a shop's own domain."""
        query = {
            "client_id": self.config["CLIENT_ID"],
            "scope": ",".join(self.scopes),
            "redirect_uri": request.redirect_url,
            "state": request.state,
        }
        return f"{self._shop_url(request.shop)}/admin/oauth/authorize?{urlencode(query)}"

    def read_callback(self, request: RawRequest) -> AuthorizationAnswer:
        """The callback, or the landing of an install begun at Shopify (no code). Raises InvalidSignature."""
        query = request.query
        if not signing.is_query_signed(query, self._secrets):
            raise InvalidSignature("Shopify did not sign this request")
        # The 90 seconds are those of Shopify's own SDK (npm @shopify/shopify-api, notes of 2026-09).
        sent = query.get("timestamp", "")
        is_number = re.fullmatch(r"[0-9]{1,12}", sent) is not None
        if not is_number or abs(self.clock().timestamp() - int(sent)) > 90:
            raise InvalidSignature("The signed request is too old")
        shop = signing.shop_domain(query.get("shop", ""))
        if not shop:
            raise InvalidSignature("The signed request names no shop")
        if not query.get("code") and not query.get("error"):
            return AuthorizationAnswer(code="", state="", shop=shop)
        return AuthorizationAnswer(
            code=query.get("code", ""), state=query.get("state", ""), shop=shop, error=query.get("error", "")
        )

    def exchange_code(self, answer: AuthorizationAnswer) -> Credentials:
        """An expiring offline token. What was really granted is in `.scopes`, and may be less than asked."""
        return self._token({"code": answer.code, "expiring": "1"}, answer.shop, operation="token.exchange")

    def refresh(self) -> Credentials:
        """A new pair of tokens. May be repeated with the old refresh token until the new one was used.

        https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
        (notes of 2026-09)
        """
        old = self.credentials
        if old is None or not old.refresh_token:
            raise AuthorizationError("There is no refresh token for this shop", code="invalid_grant")
        asked = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
        return self._token(asked, self._shop, operation="token.refresh")

    def list_stores(self) -> list[StoreIdentity]:
        """The one shop that the token is for."""
        return [mapping.store(self._ask("shop", documents.SHOP, {}))]

    # Webhooks

    def store_of(self, request: RawRequest) -> str:
        """The shop's domain from the header. Raises InvalidSignature if it is none."""
        shop = signing.shop_domain(request.headers.get("x-shopify-shop-domain", ""))
        if not shop:
            raise InvalidSignature("The webhook names no shop")
        return shop

    def verify_webhook(self, request: RawRequest) -> None:
        """Raises InvalidSignature unless one of our secrets signed the raw body."""
        header = request.headers.get("x-shopify-hmac-sha256", "")
        if not signing.is_webhook_signed(request.body, header, self._secrets):
            raise InvalidSignature("Shopify did not sign this webhook")

    def delivery_key(self, request: RawRequest) -> str:
        """The same on every retry of one delivery."""
        topic = request.headers.get("x-shopify-topic", "")
        key = request.headers.get("x-shopify-webhook-id", "")
        return key or hashlib.sha256(topic.encode() + b"\n" + request.body).hexdigest()

    def parse_webhook(self, request: RawRequest) -> list[PlatformEvent]:
        """One event per webhook. Raises UnreadableAnswer if the body is no JSON object."""
        topic = request.headers.get("x-shopify-topic", "").lower()
        at = request.headers.get("x-shopify-triggered-at", "")
        key = self.delivery_key(request)
        return [mapping.event(topic, request.body, event_id=key, triggered_at=at)]

    def ensure_webhooks(self, address: str) -> Subscriptions:
        """Make the definition that keeps our reference unique; subscribe what is missing. May be repeated.

        Answers the topics subscribed by this call: Shopify drops subscriptions after eight failures in a row.
        """
        self._define_reference()
        nodes = self._nodes("webhooks.list", documents.SUBSCRIPTIONS, {}, "webhookSubscriptions")
        present = {node.get("topic") for node in nodes if node.get("uri") == address}
        missing = [topic for topic in _TOPICS if topic not in present]
        for topic in missing:
            variables = {"topic": topic, "subscription": {"uri": address, "format": "JSON"}}
            made = self._payload("webhookSubscriptionCreate", documents.SUBSCRIBE, variables, is_safe=True)
            errors = [error for error in made.get("userErrors") or [] if "taken" not in str(error.get("message"))]
            if errors:
                raise mapping.refusal(errors, f"the subscription of {topic}")
        return Subscriptions(made=tuple(missing))

    def leave(self, address: str) -> bool:
        """Uninstall the app, which ends its tokens and its subscriptions at once.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/appUninstall (schema 2026-07, read 2026-11)
        """
        return not self._payload("appUninstall", documents.UNINSTALL, {}, is_safe=False).get("userErrors")

    # Orders

    def find_order(self, reference: str, *, since: datetime) -> PlacedOrder | None:
        """`find_orders` for one."""
        found = self.find_orders([reference], since=since).get(reference)
        assert not isinstance(found, PermanentError)
        return found

    def find_orders(self, references: Sequence[str], *, since: datetime) -> dict[str, PlacedOrder | PermanentError]:
        """By the unique metafield, then by search, which lags: absence is no proof right after a create.

        Raises if either look-up failed: that is never "absent".
        """
        found: dict[str, PlacedOrder | PermanentError] = {}
        for start in range(0, len(references), _REFERENCES_PER_SEARCH):
            batch = references[start : start + _REFERENCES_PER_SEARCH]
            for reference, node in self._by_metafield(batch) + self._by_search(batch):
                if reference in batch and reference not in found:
                    found[reference] = mapping.placed_order(node, self._shop_url(self._shop))
        return found

    def _by_metafield(self, references: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        custom = {"namespace": mapping.NAMESPACE, "key": mapping.REFERENCE_KEY}
        asked = {
            f"i{place}": {"customId": {**custom, "value": reference}} for place, reference in enumerate(references)
        }
        data = self._ask("orders.find", documents.orders_by_reference(len(references)), asked)
        nodes = ((reference, data.get(f"o{place}")) for place, reference in enumerate(references))
        return [(reference, node) for reference, node in nodes if node]

    def _by_search(self, references: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        query = " OR ".join(f"source_identifier:{mapping.quoted(reference)}" for reference in references)
        nodes = self._nodes("orders.search", documents.ORDERS, {"query": query}, "orders")
        return [(str(node.get("sourceIdentifier")), node) for node in nodes]

    def rendered(self, draft: OrderDraft, *, reference: str) -> CreateRequest:
        """The document and its variables."""
        body = {"query": documents.ORDER_CREATE, "variables": mapping.order_create(draft, reference)}
        return CreateRequest("POST", self._graphql, json.dumps(body))

    def create_order(self, draft: OrderDraft, *, reference: str) -> PlacedOrder:
        """Create the order, paid elsewhere. Not repeatable: after OutcomeUnknown, find_order first."""
        body = self.rendered(draft, reference=reference).body
        made = self._part("orderCreate", self._run("orderCreate", body, is_safe=False), is_safe=False)
        if made.get("order"):
            try:
                return mapping.placed_order(made["order"], self._shop_url(self._shop))
            except UnreadableAnswer as error:
                raise OutcomeUnknown("Shopify's answer to the new order could not be read") from error
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the order", json.loads(body)["variables"])
        raise OutcomeUnknown("Shopify's answer to the new order says neither yes nor no")

    def cancel_order(self, external_id: str, *, reason: str, restock: bool) -> CancelReceipt:
        """Cancel without moving money, in a job of Shopify's: False means ask again. May be repeated."""
        word = reason.upper() if reason.upper() in _CANCEL_REASONS else "OTHER"
        variables = {"orderId": external_id, "reason": word, "restock": restock, "staffNote": reason[:255]}
        made = self._payload("orderCancel", documents.ORDER_CANCEL, variables, is_safe=False)
        job, errors = made.get("job") or {}, made.get("orderCancelUserErrors") or []
        for _ in range(3):
            if errors or job.get("done") or not job.get("id"):
                break
            job = self._ask("job", documents.JOB, {"id": job["id"]}).get("job") or {}
        order = self.fetch_order(external_id)
        if order is not None and order.is_cancelled:
            return CancelReceipt(is_cancelled=True)
        if errors:
            raise mapping.refusal(errors, "the cancellation")
        return CancelReceipt(is_cancelled=False, detail="Shopify is still working on the cancellation")

    def record_refund(self, external_id: str, refund: Refund, *, reference: str) -> None:
        """Record the goods of a refund; no money moves. May be repeated: its note holds the reference."""
        if not refund.line_quantities:
            raise PermanentError("Shopify records a refund without money only for items", reason="REMOTE_ERROR")
        lines, after = [], None
        while True:
            page = {"id": external_id, "first": _PAGE, "after": after}
            order = self._ask("order.refundable", documents.REFUNDABLE, page).get("order")
            if not order:
                raise PermanentError("The order is not in the shop any more", reason="REMOTE_ERROR")
            if any(f"[{reference}]" in str(past.get("note")) for past in order.get("refunds") or []):
                return
            lines += order["lineItems"]["nodes"]
            if not order["lineItems"]["pageInfo"]["hasNextPage"]:
                break
            after = order["lineItems"]["pageInfo"]["endCursor"]
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"verisync:{external_id}:{reference}"))
        variables = {"input": mapping.refund_input(external_id, lines, refund, reference), "key": key}
        made = self._payload("refundCreate", documents.REFUND_CREATE, variables, is_safe=False)
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the refund")
        if not made.get("refund"):
            raise OutcomeUnknown("Shopify's answer to the refund says neither yes nor no")

    def fetch_order(self, external_id: str) -> PlacedOrder | None:
        """The order as it stands; None if it was deleted."""
        node = self._ask("order", documents.ORDER, {"id": external_id}).get("order")
        return mapping.placed_order(node, self._shop_url(self._shop)) if node else None

    def shipments_of(self, external_id: str) -> list[Shipment]:
        """Every parcel of the order, cancelled ones marked. A deleted order has none.

        Where they go is told only to apps that were approved for protected customer data:
        https://shopify.dev/docs/apps/launch/protected-customer-data (notes of 2026-09)
        """
        order = self._shipped(external_id, fulfillments=10, lines=10)
        if len(order.get("fulfillments") or []) >= 10:
            # A plain list without a cursor: ask for more with fewer lines each, to stay under 1,000 points.
            order = self._shipped(external_id, fulfillments=50, lines=1)
        went_to = str((order.get("shippingAddress") or {}).get("zip") or "")
        found: list[Shipment] = []
        for node in order.get("fulfillments") or []:
            found += mapping.shipments(node, self._lines_of(node), went_to=went_to)
        return found

    def _shipped(self, external_id: str, *, fulfillments: int, lines: int) -> dict[str, Any]:
        asked = {"id": external_id, "fulfillments": fulfillments, "lines": lines}
        answer = self._ask("order.shipments", documents.SHIPMENTS, asked, spared="shippingAddress")
        return answer.get("order") or {}

    def hold_order(self, external_id: str) -> None:
        """Put our hold on each fulfillment order. Shopify makes those a moment after the order: until then, again.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderHold (notes of 2026-09)
        """
        order = self._held(external_id)
        nodes = (order.get("fulfillmentOrders") or {}).get("nodes") or []
        if order and not order.get("cancelledAt") and not nodes:
            raise TemporaryError("Shopify has not planned the order's fulfillment yet", retry_after=2.0)
        for node in nodes:
            if mapping.own_holds(node) or node.get("status") not in ("OPEN", "ON_HOLD", "SCHEDULED"):
                continue
            variables = {"id": node["id"], "hold": mapping.hold_input()}
            # May be repeated, but not at any time: one that comes after the release stays.
            made = self._payload("fulfillmentOrderHold", documents.HOLD, variables, is_safe=False)
            wrong = [each for each in made.get("userErrors") or [] if each.get("code") not in _HELD_BEFORE]
            if wrong:
                raise mapping.refusal(wrong, "the hold")

    def release_order(self, external_id: str, draft: OrderDraft) -> None:
        """Address and e-mail first, then the payment, then our hold; the holds of others stay."""
        order = self._held(external_id)
        given = mapping.order_update(external_id, draft)
        made = self._payload("orderUpdate", documents.ORDER_UPDATE, {"input": given}, is_safe=True)
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the buyer's data", {"order": given})
        if draft.total > 0 and order.get("displayFinancialStatus") == "PENDING":
            paid = self._payload("orderMarkAsPaid", documents.MARK_PAID, {"input": {"id": external_id}}, is_safe=True)
            if paid.get("userErrors") and self._held(external_id).get("displayFinancialStatus") != "PAID":
                raise mapping.refusal(paid["userErrors"], "the payment")
        untagged = {"id": external_id, "tags": [mapping.HOLD_TAG]}
        if self._payload("tagsRemove", documents.TAGS_REMOVE, untagged, is_safe=True).get("userErrors"):
            logger.warning("Shopify kept the tag %s on %s", mapping.HOLD_TAG, external_id)
        for node in (order.get("fulfillmentOrders") or {}).get("nodes") or []:
            if holds := mapping.own_holds(node):
                ended = {"id": node["id"], "holdIds": holds}
                made = self._payload("fulfillmentOrderReleaseHold", documents.RELEASE_HOLD, ended, is_safe=True)
                if made.get("userErrors"):
                    raise mapping.refusal(made["userErrors"], "the end of the hold")

    def _held(self, external_id: str) -> dict[str, Any]:
        return self._ask("order.held", documents.HELD, {"id": external_id}).get("order") or {}

    def move_order(self, external_id: str, location_id: str) -> None:
        """Move each fulfillment order that is elsewhere. Shopify makes them soon after the order: until then, again.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderMove (schema 2026-07, read 2026-11)
        """
        wanted = mapping.location_gid(location_id)
        order = self._ask("order.located", documents.LOCATED, {"id": external_id}).get("order") or {}
        nodes = (order.get("fulfillmentOrders") or {}).get("nodes") or []
        if order and not order.get("cancelledAt") and not nodes:
            raise TemporaryError("Shopify has not planned the order's fulfillment yet", retry_after=2.0)
        for node in nodes:
            if not mapping.is_elsewhere(node, wanted):
                continue
            asked = {"id": node["id"], "location": wanted}
            made = self._payload("fulfillmentOrderMove", documents.MOVE, asked, is_safe=True)
            if made.get("userErrors"):
                raise self._why_not_moved(node["id"], wanted, made["userErrors"])

    def _why_not_moved(self, node_id: str, location: str, errors: Sequence[Mapping[str, Any]]) -> PermanentError:
        """In the words of the list of locations, which says more than the refusal."""
        asked = {"id": node_id, "locations": [location]}
        found = self._ask("order.movable", documents.MOVABLE, asked).get("fulfillmentOrder") or {}
        said = ((found.get("locationsForMove") or {}).get("nodes") or [{}])[0].get("message")
        return PermanentError(str(said or errors[0].get("message"))[:300], reason="NOT_SUPPORTED")

    def record_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Fulfill what is open, or the parcel's lines, under its number. Not repeatable: look at shipments_of first.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate (notes of 2026-09)
        """
        asked = self._ask("order.fulfillable", documents.FULFILLMENT_ORDERS, {"id": external_id})
        nodes = ((asked.get("order") or {}).get("fulfillmentOrders") or {}).get("nodes") or []
        is_open = [node for node in nodes if node.get("status") in ("OPEN", "IN_PROGRESS")]
        variables = {"fulfillment": mapping.fulfillment_input(is_open, shipment)}
        made = self._payload("fulfillmentCreate", documents.FULFILLMENT_CREATE, variables, is_safe=False)
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the parcel")
        if not made.get("fulfillment"):
            raise OutcomeUnknown("Shopify's answer to the parcel says neither yes nor no")

    def orders_changed_since(self, moment: datetime) -> Iterator[PlacedOrder]:
        """Our orders changed since then, oldest change first."""
        query = f"updated_at:>='{mapping.iso(moment)}' AND tag:'{mapping.MARK}'"
        for node in self._nodes("orders.changed", documents.ORDERS, {"query": query}, "orders"):
            yield mapping.placed_order(node, self._shop_url(self._shop))

    def find_variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]:
        """Every variant with exactly this SKU, ignoring case and outer spaces. SKUs are not unique there."""
        found: dict[str, list[Variant]] = {sku: [] for sku in skus}
        asked = [sku for sku in found if sku.strip()]
        for start in range(0, len(asked), _SKUS_PER_SEARCH):
            batch = asked[start : start + _SKUS_PER_SEARCH]
            query = " OR ".join(f"sku:{mapping.quoted(sku.strip())}" for sku in batch)
            for node in self._nodes("variants.search", documents.VARIANTS, {"query": query}, "productVariants"):
                hit = mapping.variant(node)
                for sku in batch:
                    if sku.strip().casefold() == hit.sku.strip().casefold():
                        found[sku].append(hit)
        return found

    def list_variants(self) -> Iterator[Variant]:
        """The whole catalog."""
        for node in self._nodes("variants.list", documents.CATALOG, {}, "productVariants", first=_CATALOG_PAGE):
            yield mapping.variant(node)

    # Calls

    @property
    def _secrets(self) -> tuple[str, ...]:
        return signing.secrets_of(self.config["CLIENT_SECRET"])

    @property
    def _shop(self) -> str:
        if self.store is not None:
            return self.store.external_id
        return self.credentials.extra.get("shop", "") if self.credentials else ""

    def _shop_url(self, shop: str) -> str:
        domain = signing.shop_domain(shop)
        if not domain:
            raise PermanentError("This is not a shop's myshopify.com domain")
        return (self.config.get("BASE_URL") or "https://{shop}").replace("{shop}", domain).rstrip("/")

    def _token(self, asked: Mapping[str, str], shop: str, *, operation: str) -> Credentials:
        body = {"client_id": self.config["CLIENT_ID"], "client_secret": self._secrets[0], **asked}
        is_safe = "refresh_token" in asked
        url = f"{self._shop_url(shop)}/admin/oauth/access_token"
        answer = self._post(url, json.dumps(body), operation=operation, is_safe=is_safe)
        if answer.status == 400:
            raise AuthorizationError("Shopify refused the code or the refresh token", code="invalid_grant")
        if failure := self._http_failure(answer, is_safe=is_safe):
            raise failure
        said = answer.json()
        if not isinstance(said, dict) or not said.get("access_token"):
            raise UnreadableAnswer("Shopify's answer holds no access token")
        old, now = self.credentials, self.clock()

        def lapse(name: str) -> datetime | None:
            return now + timedelta(seconds=int(said[name])) if said.get(name) else None

        return Credentials(
            access_token=str(said["access_token"]),
            access_expires_at=lapse("expires_in"),
            refresh_token=str(said.get("refresh_token") or (old.refresh_token if old and is_safe else "")),
            refresh_expires_at=lapse("refresh_token_expires_in"),
            scopes=tuple(scope.strip() for scope in str(said.get("scope") or "").split(",") if scope.strip()),
            extra={"shop": signing.shop_domain(shop)},
        )

    def _post(self, url: str, body: str, *, operation: str, is_safe: bool, token: str = "") -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["X-Shopify-Access-Token"] = token
        return self.http.send("POST", url, operation=operation, is_safe=is_safe, headers=headers, body=body.encode())

    def _http_failure(self, answer: Answer, *, is_safe: bool) -> PlatformError | None:
        if answer.status in _PAUSED:
            return TemporaryError(_PAUSED[answer.status], code=str(answer.status), retry_after=_PAUSE_SECONDS)
        if answer.status == 503 and not is_safe:
            # Shopify does not promise that an overloaded answer did nothing.
            return OutcomeUnknown("Shopify was overloaded during the call", code="503")
        return failure_of(answer, is_safe=is_safe)

    def _ask(
        self, operation: str, document: str, variables: Mapping[str, Any], *, is_safe: bool = True, spared: str = ""
    ) -> dict[str, Any]:
        body = json.dumps({"query": document, "variables": variables})
        return self._run(operation, body, is_safe=is_safe, spared=spared)

    @property
    def _graphql(self) -> str:
        return f"/admin/api/{self.config.get('API_VERSION') or '2026-07'}/graphql.json"

    def _run(self, operation: str, body: str, *, is_safe: bool, spared: str = "") -> dict[str, Any]:
        """Run a document and answer its `data`. Errors beside data raise too: half an answer is none, save for a field
        that may be missing, `spared`."""
        url = f"{self._shop_url(self._shop)}{self._graphql}"
        token = self.credentials.access_token if self.credentials else ""
        answer = self._post(url, body, operation=operation, is_safe=is_safe, token=token)
        if failure := self._http_failure(answer, is_safe=is_safe):
            raise failure
        kind = TemporaryError if is_safe else OutcomeUnknown
        try:
            said = answer.json()
        except UnreadableAnswer as error:
            raise kind("Shopify's answer could not be read") from error
        if not isinstance(said, dict):
            raise kind("Shopify's answer could not be read")
        self._learn(operation, said)
        if spared and isinstance(said.get("errors"), list):
            said["errors"] = [error for error in said["errors"] if spared not in ((error or {}).get("path") or [])]
        data: dict[str, Any] | None = said.get("data") if isinstance(said.get("data"), dict) else None
        if said.get("errors") and not (not is_safe and _has_result(data)):
            failed = _graphql_failure(said, is_safe=is_safe)
            if isinstance(failed, RateLimited):
                self.http.refused(operation, retry_after=failed.retry_after)
            raise failed
        if data is None:
            raise kind("Shopify's answer holds no data")
        return data

    def _learn(self, operation: str, said: Mapping[str, Any]) -> None:
        cost = (said.get("extensions") or {}).get("cost") or {}
        status = cost.get("throttleStatus") or {}
        try:
            self.http.learn(
                operation,
                available=float(status["currentlyAvailable"]),
                rate=float(status["restoreRate"]),
                burst=float(status["maximumAvailable"]),
                cost=float(cost["requestedQueryCost"]),
            )
        except (KeyError, TypeError, ValueError):
            return

    def _payload(self, mutation: str, document: str, variables: Mapping[str, Any], *, is_safe: bool) -> dict[str, Any]:
        return self._part(mutation, self._ask(mutation, document, variables, is_safe=is_safe), is_safe=is_safe)

    def _part(self, mutation: str, data: Mapping[str, Any], *, is_safe: bool) -> dict[str, Any]:
        payload = data.get(mutation)
        if not isinstance(payload, dict):
            raise (TemporaryError if is_safe else OutcomeUnknown)("Shopify's answer could not be read")
        return payload

    def _nodes(
        self, operation: str, document: str, variables: Mapping[str, Any], connection: str, *, first: int = _PAGE
    ) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            page = self._ask(operation, document, {**variables, "first": first, "after": after}).get(connection)
            if not isinstance(page, dict):
                raise TemporaryError("Shopify's answer holds no list")
            yield from (node for node in page.get("nodes") or [] if node)
            info = page.get("pageInfo") or {}
            if not info.get("hasNextPage") or info.get("endCursor") in (None, "", after):
                return
            after = info["endCursor"]

    def _lines_of(self, fulfillment: Mapping[str, Any]) -> list[dict[str, Any]]:
        page = fulfillment.get("fulfillmentLineItems") or {}
        lines = list(page.get("nodes") or [])
        while (page.get("pageInfo") or {}).get("hasNextPage"):
            asked = {"id": fulfillment["id"], "first": _PAGE, "after": page["pageInfo"]["endCursor"]}
            answer = self._ask("fulfillment.lines", documents.SHIPMENT_LINES, asked).get("fulfillment") or {}
            page = answer.get("fulfillmentLineItems") or {}
            lines += page.get("nodes") or []
        return lines

    def _define_reference(self) -> None:
        definition = {
            "name": "TikTok order id",
            "namespace": mapping.NAMESPACE,
            "key": mapping.REFERENCE_KEY,
            "type": "id",
            "ownerType": "ORDER",
            "capabilities": {"uniqueValues": {"enabled": True}},
        }
        variables = {"definition": definition}
        made = self._payload("metafieldDefinitionCreate", documents.DEFINITION_CREATE, variables, is_safe=True)
        errors = [error for error in made.get("userErrors") or [] if error.get("code") != "TAKEN"]
        if errors:
            raise mapping.refusal(errors, "the definition of our order reference")


def _has_result(data: Mapping[str, Any] | None) -> bool:
    return any(isinstance(payload, dict) for payload in (data or {}).values())


def _graphql_failure(said: Mapping[str, Any], *, is_safe: bool) -> PlatformError:
    """Top-level errors as one failure. Their text may repeat what was sent, so only code and path are shown.

    https://shopify.dev/docs/api/admin-graphql/latest#status-and-error-codes (notes of 2026-09)
    """
    errors = said["errors"] if isinstance(said["errors"], list) else [{}]
    found = {str(((error or {}).get("extensions") or {}).get("code") or ""): error or {} for error in errors}
    if "THROTTLED" in found:
        return RateLimited("Shopify asked us to slow down", code="THROTTLED", retry_after=_wait(said))
    if "ACCESS_DENIED" in found:
        return ScopeMissing("A permission is missing in Shopify", code="ACCESS_DENIED", reason="SCOPE_MISSING")
    if "SHOP_INACTIVE" in found:
        return TemporaryError("The shop is not active", code="SHOP_INACTIVE", retry_after=_PAUSE_SECONDS)
    code, error = next(iter(found.items()))
    problems = (error.get("extensions") or {}).get("problems") or []
    path = ".".join(str(part) for problem in problems[:1] for part in problem.get("path") or [])
    message = f"Shopify refused the call ({code or 'no code'}{', ' + path if path else ''})"
    if code in _NEVER_RUN:
        reason = "ADDRESS_INVALID" if "shippingAddress" in path else "REMOTE_ERROR"
        return PermanentError(message, code=code, reason=reason)
    return (TemporaryError if is_safe else OutcomeUnknown)(message, code=code)


def _wait(said: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the call costs; one second where Shopify does not say."""
    cost = (said.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    try:
        short = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(0.0, short / float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 1.0
