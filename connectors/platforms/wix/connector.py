"""Wix: one site's eCommerce APIs as a destination, by an app's installation there."""

from __future__ import annotations

import hashlib
import json
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
    Subscriptions,
)
from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
    OutcomeUnknown,
    PermanentError,
    PlatformError,
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
from connectors.platforms.wix import aftersales, mapping, signing

_ORDERS = "/ecom/v1/orders"
_REFERENCES_PER_SEARCH = 50
_PAGE = 100
_SKUS_PER_SEARCH = 50
_MOST_VARIANTS_V1 = 100_000  # pages by an offset have an end, even if a site repeats itself
_TOKEN_EARLY = timedelta(seconds=60)


class Wix(Destination):
    """One Wix site on which our app is installed."""

    platform = "wix"
    label = "Wix"
    features = Features(
        webhooks=True,
        search_by_reference=True,
        cancel=True,
        partial_fulfillment=True,
        refunds=True,
        custom_lines=True,
        sku_search=True,
        amounts=True,
        emails=True,
        tags=True,
        order_notes=True,
        without_address=True,
        notes={
            "search_by_reference": "The search lags behind, so it is asked again before anything is sent twice",
            "hold": "Orders are made when TikTok's hold is over",
            "partial_cancel": "Wix cancels an order whole or not at all; single items become a task for you",
            "refunds": "Recorded as made outside Wix, never more than was paid there; no money moves",
            "returns": "Wix knows no returns: the refund is recorded, and restocks if you choose so",
            "numbers": "Wix numbers its orders itself; yours stands among the custom fields",
            "tags": "They stand among the order's custom fields",
            "stock": "Wix always deducts what it sells",
            "locations": "Wix chooses the location itself",
            "store_tax": "Wix reckons no tax for an order that an app makes",
        },
    )
    settings = (
        Setting("APP_ID", is_required=True, help="The app's id"),
        Setting("APP_SECRET", is_required=True, is_secret=True, help="The app's secret key"),
        Setting("PUBLIC_KEY", is_required=True, help="The app's public key for webhooks, PEM or base64 of it"),
        Setting("API_URL", default="https://www.wixapis.com", hosts=("www.wixapis.com",), help="Where calls go"),
        Setting(
            "INSTALL_URL",
            default="https://www.wix.com/installer/install",
            hosts=("www.wix.com",),
            help="The page on which an owner adds the app",
        ),
    )
    # 200 in a minute, per installation; no answer tells how many are left:
    # https://dev.wix.com/docs/rest/articles/getting-started/rate-limits (read 2026-11)
    # `orders.create` takes the turn of the look at its payments as well.
    limits = Limits(rate=200 / 60, burst=200, window=60.0, cool_down=5.0, costs={"orders.create": 2, "payments.get": 0})
    scopes = ("SCOPE.DC-ECOM-MEGA.MANAGE-ECOM", "SCOPE.DC-STORES.READ-PRODUCTS")
    scope_names = {"SCOPE.DC-ECOM-MEGA.MANAGE-ECOM": "eCommerce", "SCOPE.DC-STORES.READ-PRODUCTS": "Products"}
    private_keys = frozenset(
        [
            "buyerinfo",
            "billinginfo",
            "recipientinfo",
            "shippingdestination",
            "buyernote",
            "contactdetails",
            "customfields",
            "ownerinfo",
        ]
    )
    needs = (
        "The login of the site's owner, and Wix Stores on the site.",
        "After adding the app in Wix, open it once from the site's dashboard if you do not come back by yourself.",
    )
    renews_itself = True

    # Authorization

    def authorize_url(self, request: AuthorizationRequest) -> str:
        """The installer's page for our app."""
        query = {"appId": self.config["APP_ID"], "redirectUrl": request.redirect_url, "state": request.state}
        return f"{self.config['INSTALL_URL']}?{urlencode(query)}"

    def read_callback(self, request: RawRequest) -> AuthorizationAnswer:
        """The way back, or the app opened from a site's dashboard (no state). Raises InvalidSignature.

        Only a signed instance is believed: an instance id alone is a name, not a secret.
        """
        query = request.query
        if query.get("error"):
            return AuthorizationAnswer(code="", state=query.get("state", ""), error=query["error"])
        instance_id = signing.instance_of(query.get("instance", ""), self.config["APP_SECRET"], now=self.clock())
        if not instance_id:
            raise InvalidSignature("it has no fresh signed instance; open the app from your Wix dashboard")
        return AuthorizationAnswer(code=instance_id, state=query.get("state", ""), shop=instance_id)

    def exchange_code(self, answer: AuthorizationAnswer) -> Credentials:
        """A token for the installation, which was proved by its signature."""
        return self._token(answer.code)

    def refresh(self) -> Credentials:
        """A new token; there is no refresh token. May be repeated."""
        return self._token(self._instance_id)

    def list_stores(self) -> list[StoreIdentity]:
        """The one site of the installation."""
        return [mapping.store(self._get("/apps/v1/instance", operation="instance.get"), self._instance_id)]

    # Webhooks

    def store_of(self, request: RawRequest) -> str:
        """The installation's id. Raises UnreadableAnswer."""
        return str(mapping.notice(signing.unverified_claims(request.body))[0]["instanceId"])

    def verify_webhook(self, request: RawRequest) -> None:
        """Raises InvalidSignature unless Wix signed the token, by RS256, and it has not run out."""
        if signing.claims_of(request.body, self.config["PUBLIC_KEY"], now=self.clock()) is None:
            raise InvalidSignature("Wix did not sign this webhook")

    def delivery_key(self, request: RawRequest) -> str:
        """The event's id, the same on every retry; a hash for the few events without one."""
        _, event, _ = mapping.notice(signing.unverified_claims(request.body))
        return str(event.get("id") or hashlib.sha256(request.body).hexdigest())

    def parse_webhook(self, request: RawRequest) -> list[PlatformEvent]:
        """One event per webhook. Raises UnreadableAnswer."""
        return [mapping.event(request.body, event_id=self.delivery_key(request), app_id=self.config["APP_ID"])]

    def ensure_webhooks(self, address: str) -> Subscriptions:
        """Nothing to do: webhooks are set up once, for all sites, in the app's own dashboard."""
        return Subscriptions()

    # Orders

    def find_order(self, reference: str, *, since: datetime) -> PlacedOrder | None:
        """`find_orders` for one: None is no proof right after a create. Raises PermanentError (DUPLICATE_FOUND)."""
        found = self.find_orders([reference], since=since).get(reference)
        if isinstance(found, PermanentError):
            raise found
        return found

    def find_orders(self, references: Sequence[str], *, since: datetime) -> dict[str, PlacedOrder | PermanentError]:
        """By our references. The search lags. An order that another app made with one is DUPLICATE_FOUND."""
        found: dict[str, PlacedOrder | PermanentError] = {}
        for start in range(0, len(references), _REFERENCES_PER_SEARCH):
            asked = {"$in": list(references[start : start + _REFERENCES_PER_SEARCH])}
            search = {"filter": {"channelInfo.externalOrderId": asked}, "cursorPaging": {"limit": _PAGE}}
            for order in self._search(search, operation="orders.find"):
                reference = str((order.get("channelInfo") or {}).get("externalOrderId") or "")
                placed = mapping.placed_order(order, self._site_id)
                if mapping.is_ours(order, self.config["APP_ID"]):
                    found[reference] = placed
                else:
                    taken = PermanentError(f"{placed.name} has this TikTok Shop order id", reason="DUPLICATE_FOUND")
                    found.setdefault(reference, taken)
        return found

    def rendered(self, draft: OrderDraft, *, reference: str) -> CreateRequest:
        """The order under TikTok's own channel; where Wix refuses that name, it is sent once more under another."""
        return self._rendered(draft, reference, channel=mapping.CHANNELS[0])

    def create_order(self, draft: OrderDraft, *, reference: str) -> PlacedOrder:
        """Create the order, paid elsewhere. Not repeatable: after OutcomeUnknown, find_order first."""
        try:
            order, remarks = self._create(self.rendered(draft, reference=reference))
        except PermanentError as error:
            if "PURCHASED_DATE_CANNOT_BE_IN_FUTURE" in error.message:
                raise TemporaryError("Wix's clock is behind ours; the order is sent again", code=error.code) from error
            if "channelInfo.type" not in error.message:
                raise
            # A definite refusal of the channel's name: nothing was made, so the general one may be tried.
            order, remarks = self._create(self._rendered(draft, reference, channel=mapping.CHANNELS[1]))
        try:
            placed = mapping.placed_order(order, self._site_id)
        except UnreadableAnswer as error:
            raise OutcomeUnknown("Wix's answer to the new order could not be read") from error
        if order.get("status") != "APPROVED":
            remarks += (f"Wix put the order in the state {str(order.get('status'))[:40]} instead of APPROVED",)
        return replace(placed, remarks=remarks + self._record_payment(order, reference))

    def cancel_order(self, external_id: str, *, reason: str, restock: bool) -> CancelReceipt:
        """Cancel and read back. May be repeated: whatever Wix answers, the order itself decides."""
        body = {
            "sendOrderCanceledEmail": False,
            "restockAllItems": restock,
            "customMessage": reason[:1000] or "Cancelled",
        }
        refusal: PermanentError | None = None
        try:
            self._send("POST", f"{_ORDERS}/{external_id}/cancel", body, operation="orders.cancel", is_safe=False)
        except AuthorizationError:
            raise
        except PermanentError as error:
            refusal = error
        placed = self.fetch_order(external_id)
        if placed is None or placed.is_cancelled:
            return CancelReceipt(is_cancelled=True)
        if refusal is not None:
            raise PermanentError(refusal.message, code=refusal.code, reason="ALREADY_CANCELLED")
        return CancelReceipt(is_cancelled=False, detail="Wix is still working on the cancellation")

    def record_refund(self, external_id: str, refund: Refund, *, reference: str) -> None:
        """Record a refund made elsewhere, with its items and its shipping. May be repeated: its reason holds the
        reference."""
        transactions = self._transactions(external_id)
        if aftersales.has_refund(transactions, reference):
            return
        order = self._order(external_id)
        if order is None:
            raise PermanentError("The order is not on the site any more", reason="REMOTE_ERROR")
        if aftersales.lacks_payment(order, transactions):
            # The answer to its create was lost, so nobody recorded what was paid.
            self._add_payment(order, mapping.placed_order(order, "").reference)
        path = "/ecom/v1/order-billing/get-order-refundability"
        able = self._send("POST", path, {"orderId": external_id}, operation="refunds.able", is_safe=True)
        body = aftersales.refund_body(order, able, refund, reference)
        path = "/ecom/v1/order-billing/refund-payments"
        said = self._send("POST", path, body, operation="refunds.create", is_safe=False)
        if aftersales.has_failed(said.get("refund")):
            raise PermanentError("Wix could not record the refund", reason="REMOTE_ERROR")

    def fetch_order(self, external_id: str) -> PlacedOrder | None:
        """The order as it stands; None if it is not there any more."""
        order = self._order(external_id)
        return mapping.placed_order(order, self._site_id) if order else None

    def shipments_of(self, external_id: str) -> list[Shipment]:
        """Every parcel, line by line."""
        order = self._order(external_id)
        if order is None:
            return []
        path = f"/ecom/v1/fulfillments/orders/{external_id}"
        return mapping.shipments(self._get(path, operation="fulfillments.get"), order)

    def record_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Fulfill what is open, or the parcel's SKUs, under its number. Not repeatable: look at shipments_of first."""
        order = self._order(external_id)
        if order is None:
            raise PermanentError("The order is not on the site any more", reason="REMOTE_ERROR")
        path = f"/ecom/v1/fulfillments/orders/{external_id}"
        body = mapping.fulfillment(order, self._get(path, operation="fulfillments.get"), shipment)
        self._send("POST", f"{path}/create-fulfillment", body, operation="fulfillments.create", is_safe=False)

    def orders_changed_since(self, moment: datetime) -> Iterator[PlacedOrder]:
        """Our orders changed since then, oldest change first."""
        search = {
            "filter": {"updatedDate": {"$gte": mapping.iso(moment)}},
            "sort": [{"fieldName": "updatedDate", "order": "ASC"}],
            "cursorPaging": {"limit": _PAGE},
        }
        for order in self._search(search, operation="orders.changed"):
            if mapping.is_ours(order, self.config["APP_ID"]):
                yield mapping.placed_order(order, self._site_id)

    def find_variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]:
        """Every variant with exactly this SKU, by whichever catalog the site has."""
        found: dict[str, list[Variant]] = {sku: [] for sku in skus}
        # What is longer than any SKU of Wix is not there, and might be refused together with the others.
        asked = [sku for sku in found if 0 < len(sku.strip()) <= mapping.LONGEST_SKU]
        version = self._catalog_version() if asked else ""
        for start in range(0, len(asked), _SKUS_PER_SEARCH):
            batch = asked[start : start + _SKUS_PER_SEARCH]
            for variant in self._variants(version, [sku.strip() for sku in batch]):
                for sku in batch:
                    if sku.strip().casefold() == variant.sku.strip().casefold():
                        found[sku].append(variant)
        return found

    def list_variants(self) -> Iterator[Variant]:
        """The whole catalog, whichever the site has."""
        yield from self._variants(self._catalog_version(), None)

    # Calls

    @property
    def _instance_id(self) -> str:
        extra = self.credentials.extra if self.credentials else {}
        return extra.get("instance_id", "") or (self.store.external_id if self.store else "")

    @property
    def _site_id(self) -> str:
        return self.store.extra.get("site_id", "") if self.store else ""

    def _rendered(self, draft: OrderDraft, reference: str, *, channel: str) -> CreateRequest:
        body, remarks = mapping.order_create(draft, reference, channel=channel)
        return CreateRequest("POST", _ORDERS, json.dumps(body), remarks=remarks)

    def _create(self, sent: CreateRequest) -> tuple[dict[str, Any], tuple[str, ...]]:
        said = self._send(sent.method, sent.path, sent.body, operation="orders.create", is_safe=False)
        return said.get("order") or {}, sent.remarks

    def _record_payment(self, order: Mapping[str, Any], reference: str) -> tuple[str, ...]:
        """Whether PAID makes a payment by itself is not documented, so it is read first. The order stands anyway."""
        try:
            if aftersales.lacks_payment(order, self._transactions(str(order["id"]))):
                self._add_payment(order, reference)
        except PlatformError:
            return ("Wix did not record the payment made at TikTok Shop; the order says that it is paid",)
        return ()

    def _add_payment(self, order: Mapping[str, Any], reference: str) -> None:
        path = f"/ecom/v1/payments/orders/{order['id']}/add-payment"
        self._send("POST", path, aftersales.payment(order, reference), operation="payments.add", is_safe=False)

    def _transactions(self, external_id: str) -> dict[str, Any]:
        said = self._get(f"/ecom/v1/payments/orders/{external_id}", operation="payments.get")
        found = said.get("orderTransactions")
        return found if isinstance(found, dict) else {}

    def _catalog_version(self) -> str:
        said = self._get("/stores/v3/provision/version", operation="catalog.version")
        version = str(said.get("catalogVersion") or "")
        if version not in ("V1_CATALOG", "V3_CATALOG"):
            raise UnsupportedFeature("Wix Stores is not on this site, so no product can be linked")
        return version[:2]

    def _variants(self, version: str, skus: Sequence[str] | None) -> Iterator[Variant]:
        """Those with these SKUs, or all; to the last page: a second one with a SKU must not be overlooked."""
        wanted = {"sku": {"$in": list(skus)}} if skus is not None else {}
        return self._variants_v3(wanted) if version == "V3" else self._variants_v1(wanted)

    def _variants_v3(self, wanted: Mapping[str, Any]) -> Iterator[Variant]:
        query: dict[str, Any] = {"filter": wanted, "cursorPaging": {"limit": 1000}}
        while True:
            page = self._ask("/stores/v3/products/query-variants", {"query": query})
            yield from mapping.variants_v3(page)
            cursor = ((page.get("pagingMetadata") or {}).get("cursors") or {}).get("next")
            if not cursor or cursor == query["cursorPaging"].get("cursor"):
                return
            query = {"cursorPaging": {"limit": 1000, "cursor": cursor}}

    def _variants_v1(self, wanted: Mapping[str, Any]) -> Iterator[Variant]:
        for offset in range(0, _MOST_VARIANTS_V1, _PAGE):
            query = {"filter": wanted, "paging": {"limit": _PAGE, "offset": offset}}
            page = self._ask("/stores-reader/v1/variants/query", {"query": query})
            yield from mapping.variants_v1(page)
            if len(page.get("variants") or []) < _PAGE:
                return

    def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._send("POST", path, body, operation="variants.search", is_safe=True)

    def _search(self, search: Mapping[str, Any], *, operation: str) -> Iterator[dict[str, Any]]:
        """Every order found; the pages that follow are asked for by the cursor alone."""
        while True:
            page = self._send("POST", f"{_ORDERS}/search", {"search": search}, operation=operation, is_safe=True)
            yield from (order for order in page.get("orders") or [] if isinstance(order, dict))
            cursor = ((page.get("metadata") or {}).get("cursors") or {}).get("next")
            if not cursor or cursor == (search.get("cursorPaging") or {}).get("cursor"):
                return
            search = {"cursorPaging": {"limit": _PAGE, "cursor": cursor}}

    def _order(self, external_id: str) -> dict[str, Any] | None:
        try:
            said = self._get(f"{_ORDERS}/{external_id}", operation="orders.get")
        except PermanentError as error:
            if error.code == "404":
                return None
            raise
        order = said.get("order")
        return order if isinstance(order, dict) else None

    def _token(self, instance_id: str) -> Credentials:
        """https://dev.wix.com/docs/rest/app-management/oauth-2/create-access-token (read 2026-11)"""
        body = {
            "grant_type": "client_credentials",
            "client_id": self.config["APP_ID"],
            "client_secret": self.config["APP_SECRET"],
            "instance_id": instance_id,
        }
        answer = self._post(f"{self.config['API_URL']}/oauth2/token", body, operation="token", is_safe=True)
        if answer.status in (400, 401, 403, 404):
            word = _oauth_error(answer)
            cause = "our app's id or secret is wrong" if word == "invalid_client" else "the app is not installed there"
            raise AuthorizationError(f"Wix gives no token for this site ({word}): {cause}", code="invalid_grant")
        if failure := failure_of(answer, is_safe=True):
            raise failure
        said = answer.json()
        if not isinstance(said, dict) or not said.get("access_token"):
            raise UnreadableAnswer("Wix's answer holds no access token")
        life = timedelta(seconds=_seconds(said.get("expires_in")))
        return Credentials(
            access_token=str(said["access_token"]),
            access_expires_at=self.clock() + max(life - _TOKEN_EARLY, _TOKEN_EARLY),
            extra={"instance_id": instance_id},
        )

    def _get(self, path: str, *, operation: str) -> dict[str, Any]:
        return self._send("GET", path, None, operation=operation, is_safe=True)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | str | None, *, operation: str, is_safe: bool
    ) -> dict[str, Any]:
        url, token = self.config["API_URL"] + path, self.credentials.access_token if self.credentials else ""
        answer = self._post(url, body, operation=operation, is_safe=is_safe, method=method, token=token)
        if answer.status == 503 and not is_safe:
            raise OutcomeUnknown("Wix was overloaded during the call", code="503")
        if failure := failure_of(answer, is_safe=is_safe):
            raise _refusal(answer) if type(failure) is PermanentError else failure
        kind = TemporaryError if is_safe else OutcomeUnknown
        try:
            said = answer.json()
        except UnreadableAnswer as error:
            raise kind("Wix's answer could not be read") from error
        if not isinstance(said, dict):
            raise kind("Wix's answer could not be read")
        return said

    def _post(
        self,
        url: str,
        body: Mapping[str, Any] | str | None,
        *,
        operation: str,
        is_safe: bool,
        method: str = "POST",
        token: str = "",
    ) -> Answer:
        headers = {"Content-Type": "application/json"} | ({"Authorization": token} if token else {})
        sent = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        return self.http.send(method, url, operation=operation, is_safe=is_safe, headers=headers, body=sent)


# What a refused field means for the merchant. The names are those of the order.
_REASONS = {
    "address": "ADDRESS_INVALID",
    "contactdetails": "ADDRESS_INVALID",
    "catalogreference": "PRODUCT_DELETED",
}


def _refusal(answer: Answer) -> PermanentError:
    """A refusal by its code and the fields it names; the texts may repeat what was sent, and are not shown.

    https://dev.wix.com/docs/rest/articles/getting-started/about-errors (read 2026-11)
    """
    try:
        details = mapping.part(answer.json(), "details")
    except UnreadableAnswer:
        details = {}
    code = str(mapping.part(details, "applicationError").get("code") or "")[:80]
    violations = mapping.parts(mapping.part(details, "validationError"), "fieldViolations")
    fields = ", ".join(
        f"{str(each.get('field'))[:80]} ({str(each.get('violatedRule') or '')[:40]})" for each in violations[:5]
    )
    if "order.currency " in fields:
        return UnsupportedFeature("the site works in another currency now", code=str(answer.status))
    reason = next((reason for name, reason in _REASONS.items() if name in fields.lower()), "REMOTE_ERROR")
    return PermanentError(
        f"Wix refused {fields or code or f'HTTP {answer.status}'}", code=str(answer.status), reason=reason
    )


def _oauth_error(answer: Answer) -> str:
    """The IETF's word for what is wrong with a call for a token, if it is one."""
    try:
        said = answer.json()
    except UnreadableAnswer:
        said = None
    word = str(said.get("error") or "") if isinstance(said, dict) else ""
    return word if word.replace("_", "").isalpha() and len(word) <= 40 else f"HTTP {answer.status}"


def _seconds(value: Any) -> float:
    """How long a token lives; a short time where that is not said."""
    try:
        return float(value or 300)
    except (TypeError, ValueError):
        return 300.0
