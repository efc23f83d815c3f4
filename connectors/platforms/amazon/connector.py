"""Amazon Multi-Channel Fulfillment: one selling account in one marketplace as a destination."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from connectors.base.aftersales import Refund
from connectors.base.connector import (
    AuthorizationAnswer,
    AuthorizationRequest,
    Features,
    Setting,
    StoreOption,
    Subscriptions,
)
from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
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
from connectors.platforms.amazon import mapping
from connectors.platforms.amazon.markets import API_HOSTS, HOSTS, MARKETS, REGIONS, is_amazon
from connectors.platforms.amazon.outbound import CREATE_PATH
from connectors.platforms.amazon.returns import Returns
from connectors.platforms.amazon.wire import market_of

# A seller consents anew about yearly (guess: https://developer-docs.amazon.com/sp-api/docs/website-authorization-
# workflow, read 2026-11).
_CONSENT = timedelta(days=365)
_SKUS_PER_CALL = 50
# Changes are listed by the moment of their status; what lies this close before is listed twice.
_OVERLAP = timedelta(minutes=10)
# How many orders are compared, before one is made, with the one that another app or a person may have made for it.
_MOST_COMPARED = 300


class Amazon(Returns):
    """One selling account in one marketplace. An MCF order has no prices, and no webhooks tell of it."""

    platform = "amazon"
    label = "Amazon"
    features = Features(
        search_by_reference=True,
        cancel=True,
        partial_fulfillment=True,
        sku_search=True,
        numbers=True,
        returns=True,
        notes={
            "webhooks": "Amazon is asked for changes every few minutes",
            "hold": "Orders are made when TikTok's hold is over",
            "cancel": "Only until Amazon begins to pick the items",
            "partial_cancel": "Amazon cancels an order whole or not at all; single items become a task for you",
            "returns": "Only if you choose that goods go back to Amazon, whose label has no postage",
            "refunds": "Amazon took no money for these orders; a refund stays at TikTok Shop",
            "custom_lines": "Only items in Amazon's stock can be ordered",
            "without_address": "TikTok shows no address for what it ships itself, and Amazon needs one",
            "amounts": "A fulfillment order has no prices, discounts, taxes or totals",
            "numbers": "It is the number on the packing slip, which the buyer reads",
            "emails": "Amazon would mail the buyer, so it is told no address",
            "tags": "There is no place for tags or attributes",
            "order_notes": "What stands there is printed for the buyer, so yours is left out",
            "stock": "Amazon ships from its own stock of yours",
            "locations": "Amazon chooses the warehouse",
            "store_tax": "A fulfillment order has no tax",
        },
    )
    settings = (
        Setting("APP_ID", is_required=True, help="The application id: amzn1.sp.solution.…"),
        Setting("CLIENT_ID", is_required=True, help="Login with Amazon: the client id"),
        Setting("CLIENT_SECRET", is_required=True, is_secret=True, help="Login with Amazon: the client secret"),
        Setting(
            "API_URL",
            default="https://sellingpartnerapi-{region}.amazon.com",
            hosts=API_HOSTS,
            fills=REGIONS,
            help="Keeps the literal {region}",
        ),
        Setting(
            "TOKEN_URL",
            default="https://api.amazon.com/auth/o2/token",
            hosts=("api.amazon.com",),
            help="Where tokens come from",
        ),
        Setting(
            "CONSENT_URL",
            default="https://{host}/apps/authorize/consent",
            hosts=HOSTS,
            fills=HOSTS,
            help="Keeps the literal {host}, the marketplace's Seller Central",
        ),
        Setting("DRAFT", help="“true” while the application is a draft at Amazon"),
    )
    # 2 a second and 30 at once for each call, per seller and app; an answer may name another rate:
    # https://developer-docs.amazon.com/sp-api/docs/fulfillment-outbound-api-rate-limits (read 2026-11)
    limits = Limits(rate=2, burst=30, is_per_operation=True, bursts={"inventory.list": 2})
    scopes = ()
    private_keys = frozenset(["destinationaddress", "address", "shiptoaddress", "notificationemails", "phone"])
    needs = (
        "The login of the selling account's primary user.",
        "The items in FBA stock, under SKUs that TikTok Shop has as well, or that you link.",
    )
    options = (
        StoreOption(
            "shipping_speed",
            "Shipping speed",
            "For delivery options that are not mapped below.",
            (("Standard", "Standard"), ("Expedited", "Expedited"), ("Priority", "Priority")),
        ),
        StoreOption(
            "fulfillment_policy",
            "When an item is not in stock",
            "What Amazon does with the rest of the order.",
            (
                ("FillOrKill", "Ship nothing"),
                ("FillAll", "Wait for it, a day at most"),
                ("FillAllAvailable", "Ship the rest"),
            ),
        ),
        StoreOption(
            "blank_box",
            "Unbranded boxes",
            "TikTok Shop does not want another marketplace's box. Not every item can go in one.",
            (("yes", "Only unbranded boxes"), ("no", "Any box")),
        ),
        StoreOption(
            "block_amzl",
            "Amazon Logistics",
            "Blocking it costs a surcharge at Amazon.",
            (("no", "May deliver"), ("yes", "Must not deliver")),
        ),
        StoreOption(
            "returns_to",
            "Returned goods",
            "TikTok Shop tells buyers your return address. Choose Amazon only if you have them sent on to it.",
            (("seller", "Come back to you"), ("amazon", "Go back to Amazon")),
        ),
    )
    shipping_methods = tuple((speed, speed) for speed in mapping.SPEEDS)
    own_carrier = mapping.AMAZON_LOGISTICS
    finds_others_by_reading = True
    shop_label = "Marketplace"
    shop_help = "The country in which Amazon keeps the stock."
    shop_choices = tuple((market.id, market.name) for market in MARKETS.values())
    carried = ("amazon_callback_uri", "amazon_state", "selling_partner_id", "version")
    _just_read: tuple[str, Mapping[str, Any]] = ("", {})

    # Authorization

    def authorize_url(self, request: AuthorizationRequest) -> str:
        """Seller Central's consent page; or, on the hop over our log-in, the way back to Amazon.

        https://developer-docs.amazon.com/sp-api/docs/website-authorization-workflow (read 2026-11)
        Raises PermanentError for a marketplace or a callback that is not Amazon's.
        """
        market = market_of(request.shop)
        draft = {"version": "beta"} if self._is_draft(request.carried) else {}
        consent = self.config["CONSENT_URL"].replace("{host}", market.host)
        if callback := request.carried.get("amazon_callback_uri"):
            if not is_amazon(callback, also=consent):
                raise PermanentError("The address to go back to is not Amazon's")
            query = {
                "amazon_state": request.carried.get("amazon_state", ""),
                "state": request.state,
                "redirect_uri": request.redirect_url,
                **draft,
            }
            return f"{callback}{'&' if '?' in callback else '?'}{urlencode(query)}"
        query = {
            "application_id": self.config["APP_ID"],
            "state": request.state,
            "redirect_uri": request.redirect_url,
            **draft,
        }
        return f"{consent}?{urlencode(query)}"

    def read_callback(self, request: RawRequest) -> AuthorizationAnswer:
        """The callback. It is not signed: only our own state makes it ours, so one without state is refused."""
        query = request.query
        if not query.get("state"):
            raise InvalidSignature("Amazon's answer names no connection that was begun here")
        return AuthorizationAnswer(
            code=query.get("spapi_oauth_code", ""),
            state=query["state"],
            error=query.get("error", "") or ("" if query.get("spapi_oauth_code") else "no code"),
            extra={"selling_partner_id": query.get("selling_partner_id", "")},
        )

    def exchange_code(self, answer: AuthorizationAnswer) -> Credentials:
        """The first pair of tokens. The code works once, for some minutes."""
        extra = {"selling_partner_id": answer.extra.get("selling_partner_id", ""), "marketplace_id": answer.shop}
        if not extra["selling_partner_id"]:
            raise UnreadableAnswer("Amazon's answer names no selling account")
        asked = {"grant_type": "authorization_code", "code": answer.code, "redirect_uri": answer.redirect_url}
        made = self._token(asked, extra, operation="token.exchange", is_safe=False)
        return replace(made, refresh_expires_at=self.clock() + _CONSENT)

    def refresh(self) -> Credentials:
        """A new access token; the refresh token stays unless another one comes. May be repeated."""
        old = self.credentials
        if old is None or not old.refresh_token:
            raise AuthorizationError("There is no refresh token for this account", code="invalid_grant")
        asked = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
        made = self._token(asked, old.extra, operation="token.refresh", is_safe=True)
        return replace(made, refresh_expires_at=old.refresh_expires_at)

    def list_stores(self) -> list[StoreIdentity]:
        """The account in the marketplace that was chosen; a real call proves the permission."""
        extra = self.credentials.extra if self.credentials else {}
        market = market_of(extra.get("marketplace_id", ""))
        self._outbound(market).features(market.id)
        return [mapping.store(market, extra.get("selling_partner_id", ""))]

    # Webhooks: Amazon notifies by queues of its own cloud only, so it is asked instead.

    def store_of(self, request: RawRequest) -> str:
        """Amazon sends no webhooks."""
        raise InvalidSignature("Amazon sends no webhooks")

    def verify_webhook(self, request: RawRequest) -> None:
        """Amazon sends no webhooks."""
        raise InvalidSignature("Amazon sends no webhooks")

    def delivery_key(self, request: RawRequest) -> str:
        """Amazon sends no webhooks."""
        raise InvalidSignature("Amazon sends no webhooks")

    def parse_webhook(self, request: RawRequest) -> list[PlatformEvent]:
        """Amazon sends no webhooks."""
        raise InvalidSignature("Amazon sends no webhooks")

    def ensure_webhooks(self, address: str) -> Subscriptions:
        """There is nothing to subscribe."""
        return Subscriptions()

    # Orders

    def find_order(self, reference: str, *, since: datetime) -> PlacedOrder | None:
        """Ours, by its id, which is made of the reference."""
        return self.fetch_order(mapping.order_id(reference))

    def find_orders(self, references: Sequence[str], *, since: datetime) -> dict[str, PlacedOrder | PermanentError]:
        """Those among the recent orders: ours by their ids, and another app's or a person's for the same number
        (DUPLICATE_FOUND): both would be shipped."""
        ids = {mapping.order_id(reference): reference for reference in references}
        found: dict[str, PlacedOrder | PermanentError] = {}
        for head in islice(self._outbound().changed(mapping.iso(since)), _MOST_COMPARED):
            order_id = str(head.get("sellerFulfillmentOrderId"))
            if order_id in ids:
                found[ids[order_id]] = mapping.placed_order(head, self._market.host)
                continue
            for reference in references:
                if reference not in found and mapping.is_for(head, reference):
                    found[reference] = PermanentError(f"{order_id} is for the same order", reason="DUPLICATE_FOUND")
        return found

    def rendered(self, draft: OrderDraft, *, reference: str) -> CreateRequest:
        """The order, under an id that is made of the reference."""
        body, remarks = mapping.order_create(draft, reference, marketplace_id=self._market.id, options=self._options)
        return CreateRequest("POST", CREATE_PATH, json.dumps(body), remarks=remarks)

    def create_order(self, draft: OrderDraft, *, reference: str) -> PlacedOrder:
        """Create the order. Its id can be used once for ever: after OutcomeUnknown, find_order first.

        What Amazon answers to a known id is not documented, so whatever it says, the order there decides: ours is a
        success, another one is DUPLICATE_FOUND.
        """
        sent = self.rendered(draft, reference=reference)
        body: dict[str, Any] = json.loads(sent.body)
        order_id = body["sellerFulfillmentOrderId"]
        refusal: PlatformError | None = None
        try:
            self._outbound().create(sent)
        except AuthorizationError:
            raise
        except PermanentError as error:
            refusal = error
        try:
            payload = self._outbound().get(order_id)
        except PlatformError:
            if refusal is not None:
                raise refusal from None
            payload = None  # it was made; that it cannot be read now changes nothing
        if payload is None:
            if refusal is not None:
                raise refusal
            head: Mapping[str, Any] = body
        elif not mapping.is_same(body, payload):
            raise PermanentError(f"{order_id} is there with other items or another address", reason="DUPLICATE_FOUND")
        else:
            head = payload["fulfillmentOrder"]
        return replace(mapping.placed_order(head, self._market.host), remarks=sent.remarks)

    def cancel_order(self, external_id: str, *, reason: str, restock: bool) -> CancelReceipt:
        """Cancel before picking, and read back. May be repeated. Too late is a PermanentError (ALREADY_CANCELLED)."""
        if not self._may_cancel(external_id):
            return CancelReceipt(is_cancelled=True)
        try:
            self._outbound().cancel(external_id)
        except AuthorizationError:
            raise
        except PermanentError:
            if self._may_cancel(external_id):
                raise
        placed = self.fetch_order(external_id)
        if placed is None or placed.is_cancelled:
            return CancelReceipt(is_cancelled=True)
        return CancelReceipt(is_cancelled=False, detail="Amazon is still working on the cancellation")

    def record_refund(self, external_id: str, refund: Refund, *, reference: str) -> None:
        """Amazon took no money, so there is nothing to refund."""
        raise UnsupportedFeature("Amazon took no money for this order, so it records no refund")

    def fetch_order(self, external_id: str) -> PlacedOrder | None:
        """The order as it stands; None if it is not there."""
        payload = self._outbound().get(external_id)
        self._just_read = (external_id, payload or {})
        if not payload:
            return None
        placed = mapping.placed_order(payload.get("fulfillmentOrder"), self._market.host)
        return placed if placed.is_cancelled else replace(placed, taken_out=mapping.taken_out(payload))

    def shipments_of(self, external_id: str) -> list[Shipment]:
        """Every package that has left with items in it. Amazon tells them with the order, so right after `fetch_order`
        nothing is asked a second time."""
        (read, payload), self._just_read = self._just_read, ("", {})
        return mapping.shipments(payload if read == external_id else self._outbound().get(external_id) or {})

    def orders_changed_since(self, moment: datetime) -> Iterator[PlacedOrder]:
        """Our orders whose status changed since then; a number that comes later is no change of status."""
        for head in self._outbound().changed(mapping.iso(moment - _OVERLAP)):
            if str(head.get("sellerFulfillmentOrderId")).startswith(mapping.PREFIX):
                yield mapping.placed_order(head, self._market.host)

    def find_variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]:
        """The FBA offer with exactly this SKU, ignoring case and outer spaces; an item without one has none."""
        found: dict[str, list[Variant]] = {sku: [] for sku in skus}
        # One that Amazon cannot have would spoil the answer for the others.
        asked = [sku for sku in found if 0 < len(sku.strip()) <= mapping.LONGEST_SKU and "," not in sku]
        for start in range(0, len(asked), _SKUS_PER_CALL):
            batch = asked[start : start + _SKUS_PER_CALL]
            query = {**self._stock_query, "sellerSkus": ",".join(sku.strip() for sku in batch)}
            for variant in map(mapping.variant, self._outbound().inventory(query)):
                for sku in batch:
                    if sku.strip().casefold() == variant.sku.strip().casefold():
                        found[sku].append(variant)
        return found

    def list_variants(self) -> Iterator[Variant]:
        """Every FBA offer of the marketplace, those without stock too."""
        yield from map(mapping.variant, self._outbound().inventory(self._stock_query))

    def preview(self, draft: OrderDraft) -> tuple[str, ...]:
        """Dates and fees for each speed, or why Amazon would not ship it."""
        body: dict[str, Any] = {
            "marketplaceId": self._market.id,
            "address": mapping.address(mapping.needed_address(draft), draft.phone, []),
            "items": mapping.items(draft),
            "shippingSpeedCategories": list(mapping.SPEEDS),
        }
        if constraints := mapping.features(self._options):
            body["featureConstraints"] = constraints
        chosen = f"Chosen speed: {mapping.speed_of(draft, self._options)}"
        return (chosen, *mapping.preview(self._outbound().preview(body)))

    # Calls

    @property
    def _stock_query(self) -> dict[str, str]:
        market = self._market.id
        query = {"granularityType": "Marketplace", "granularityId": market, "marketplaceIds": market}
        return {**query, "details": "true"}

    def _is_draft(self, carried: Mapping[str, str]) -> bool:
        return carried.get("version") == "beta" or self.config.get("DRAFT", "").lower() == "true"

    def _may_cancel(self, external_id: str) -> bool:
        """False when it is cancelled or gone. Raises PermanentError when picking has begun."""
        payload = self._outbound().get(external_id) or {}
        status = mapping.status_of((payload.get("fulfillmentOrder") or {}).get("fulfillmentOrderStatus"))
        if status in mapping.CANCELLABLE:
            return True
        if status in ("", "cancelled", "unfulfillable", "invalid"):
            return False
        text = "Amazon has begun to pick it; it cannot be cancelled any more"
        raise PermanentError(text, code=status, reason="ALREADY_CANCELLED")

    def _token(
        self, asked: Mapping[str, str], extra: Mapping[str, str], *, operation: str, is_safe: bool
    ) -> Credentials:
        form = {"client_id": self.config["CLIENT_ID"], "client_secret": self.config["CLIENT_SECRET"], **asked}
        answer = self.http.send(
            "POST",
            self.config["TOKEN_URL"],
            operation=operation,
            is_safe=is_safe,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )
        if answer.status in (400, 401) and _lwa_error(answer) in ("invalid_client", "unauthorized_client"):
            # Ours, not the merchant's: reconnecting would not help.
            raise TemporaryError("Amazon refused VeriSync's own client id and secret", code="invalid_client")
        if answer.status in (400, 401):
            raise AuthorizationError("Amazon refused the code or the refresh token", code="invalid_grant")
        if failure := failure_of(answer, is_safe=is_safe):
            raise failure
        said = answer.json()
        if not isinstance(said, dict) or not said.get("access_token"):
            raise UnreadableAnswer("Amazon's answer holds no access token")
        return Credentials(
            access_token=str(said["access_token"]),
            access_expires_at=self.clock() + timedelta(seconds=mapping.whole(said.get("expires_in")) or 3600),
            refresh_token=str(said.get("refresh_token") or asked.get("refresh_token", "")),
            extra=dict(extra),
        )


def _lwa_error(answer: Answer) -> str:
    try:
        said = answer.json()
    except UnreadableAnswer:
        return ""
    return str(said.get("error") or "") if isinstance(said, dict) else ""
