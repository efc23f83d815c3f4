"""Shopify: the shop's Admin GraphQL API as a destination."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from connectors.base.connector import (
    AuthorizationAnswer,
    AuthorizationRequest,
    Features,
    Setting,
    Subscriptions,
)
from connectors.base.errors import AuthorizationError, InvalidSignature, UnreadableAnswer
from connectors.base.events import PlatformEvent
from connectors.base.types import Credentials, RawRequest, StoreIdentity
from connectors.pacing import Limits
from connectors.platforms.shopify import documents, mapping, signing
from connectors.platforms.shopify.fulfillment import Fulfillment
from connectors.platforms.shopify.orders import Orders
from connectors.platforms.shopify.returns import Returns

_TOPICS = [
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_DELETE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "REFUNDS_CREATE",
    "APP_UNINSTALLED",
]


class Shopify(Orders, Fulfillment, Returns):
    """One Shopify shop, by the Admin GraphQL API."""

    platform = "shopify"
    label = "Shopify"
    features = Features(
        webhooks=True,
        search_by_reference=True,
        hold=True,
        cancel=True,
        partial_cancel=True,
        partial_fulfillment=True,
        refunds=True,
        returns=True,
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
            "partial_cancel": "Recorded as a refund without money; Shopify puts the items back into its stock",
            "refunds": "Items and shipping are recorded at Shopify's own prices, the sum in a note; no money moves, "
            "and a part of a price alone cannot be recorded",
            "returns": "Put back into stock where they left from, if you choose so; nobody is told and no money moves",
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
            **dict.fromkeys(["return", "returns.open", "order.returns", "order.places"], 650),
        },
    )
    create_operation = "orderCreate"
    scopes = (
        "write_orders",
        "read_products",
        "read_fulfillments",
        "write_customers",
        "write_merchant_managed_fulfillment_orders",
        "write_returns",
        "read_locations",
    )
    scope_names = {
        "write_orders": "Orders",
        "read_products": "Products",
        "read_fulfillments": "Fulfillments",
        "write_customers": "Customers",
        "write_merchant_managed_fulfillment_orders": "Fulfillment orders",
        "write_returns": "Returns",
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
            "returnreasonnote",
            "customernote",
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

    @property
    def _secrets(self) -> tuple[str, ...]:
        return signing.secrets_of(self.config["CLIENT_SECRET"])

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
