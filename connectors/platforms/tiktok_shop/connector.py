"""TikTok Shop: one shop of a seller, by the Partner API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from connectors.base.connector import (
    AuthorizationAnswer,
    AuthorizationRequest,
    Features,
    Setting,
    Source,
    StoreOption,
    Subscriptions,
    TrackingRules,
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
    Carrier,
    Credentials,
    PlatformOrder,
    RawRequest,
    ShippingSetup,
    StoreIdentity,
    Tracking,
    TrackingReceipt,
    Variant,
)
from connectors.http import Answer, failure_of
from connectors.pacing import Limits
from connectors.platforms.tiktok_shop import logistics, mapping, signing

# Codes: https://partner.tiktokshop.com/docv2/page/common-errors and the errors of each call's page (read 2026-11)
_REASONS = {
    **dict.fromkeys(["21011007", "21008044"], "CANCEL_PENDING"),
    **dict.fromkeys(["21011022", "21004012", "21004015", "11028006"], "TRACKING_INVALID"),
    **dict.fromkeys(["21011025", "21034012", "21011026"], "TRACKING_DUPLICATE"),
    # 21011030: delivered. Nothing is left to change.
    **dict.fromkeys(["21011049", "21011050", "21011051", "21011052", "21011030"], "TRACKING_EDIT_SPENT"),
    **dict.fromkeys(["21008025", "21008106", "21008117"], "NOT_SELLER_SHIPPING"),
    **dict.fromkeys(["21011029", "21011048"], "MIXED_FULFILMENT"),
    **dict.fromkeys(["21011041", "21011042"], "ALREADY_CANCELLED"),
}
_ON_HOLD = "21011044"
_FAILED_INSIDE = frozenset(["36009003", "36009007", "21001003", "11001027", "21001008", "21001011", "25001028"])
_TOKEN_REFUSED = frozenset(["105000", "105001", "105002", "101000"])
# "Already done": believed only after the order was read again and shows it.
_SHIPPED_BEFORE = frozenset(["21008099", "21011006", "21011020", "21011040", "11006021", "21042056"])
_CANCELLED_BEFORE = frozenset(["25001011", "25001051", "25020009"])

# Where a parcel is reported by order and lines; elsewhere each package is shipped.
# https://partner.tiktokshop.com/docv2/page/mark-package-as-shipped-202309 (read 2026-11)
_MARKS_LINES = frozenset(["US", "GB", "ES", "IE", "IT", "DE", "FR", "JP"])
_CANCEL_REASONS = {
    "out_of_stock": "seller_cancel_reason_out_of_stock",
    "pricing_error": "seller_cancel_reason_wrong_price",
    "unable_to_deliver": "seller_cancel_paid_reason_address_not_deliver",
    "buyer_requested": "seller_cancel_paid_reason_buyer_requested_cancellation",
}
_SUBSCRIBED = (
    "ORDER_STATUS_CHANGE",
    "RECIPIENT_ADDRESS_UPDATE",
    "PACKAGE_UPDATE",
    "SELLER_DEAUTHORIZATION",
    "UPCOMING_AUTHORIZATION_EXPIRATION",
    "CANCELLATION_STATUS_CHANGE",
    "RETURN_STATUS_CHANGE",
)
_PAGE = 50
# The most that a search shows: https://partner.tiktokshop.com/docv2/page/search-products-202502 (read 2026-11)
_MOST_PRODUCTS = 10_000
_PRODUCTS_PAGE = 100


class TikTokShop(Source):
    """One TikTok shop."""

    platform = "tiktok_shop"
    label = "TikTok Shop"
    features = Features(
        webhooks=True, search_by_reference=True, hold=True, cancel=True, partial_fulfillment=True, amounts=True
    )
    needs = (
        "The login of the shop's owner. Other members of the shop cannot allow access.",
        "Seller Shipping as the shop's default shipping option. Orders on TikTok Shipping are shown, not sent.",
    )
    options = (
        StoreOption(
            "imposes_hold",
            "Orders that TikTok Shop does not hold",
            "Some categories have no hour in which the buyer may cancel at will; the buyer may regret it all the same.",
            (("yes", "Wait an hour all the same"), ("no", "Send them at once")),
        ),
    )
    settings = (
        Setting("APP_KEY", is_required=True, help="The app's key"),
        Setting("APP_SECRET", is_required=True, is_secret=True, help="The app's secret"),
        Setting("SERVICE_ID", is_required=True, help="The app's service id: it opens the consent page"),
        Setting(
            "API_URL",
            default="https://open-api.tiktokglobalshop.com",
            hosts=("open-api.tiktokglobalshop.com",),
            help="Where calls go",
        ),
        Setting(
            "AUTH_URL",
            default="https://auth.tiktok-shops.com",
            hosts=("auth.tiktok-shops.com",),
            help="Where tokens come from",
        ),
        Setting(
            "AUTHORIZE_URL",
            default="https://services.us.tiktokshop.com",
            hosts=("services.us.tiktokshop.com", "services.tiktokshop.com", "services.tiktokshops.us"),
            help="The consent page's host; outside the US it is https://services.tiktokshop.com",
        ),
    )
    # 50 a second for each call, per app and shop: https://partner.tiktokshop.com/docv2/page/rate-limits (read 2026-11)
    limits = Limits(rate=50, burst=50, window=1.0, is_per_operation=True)
    # https://partner.tiktokshop.com/docv2/page/update-shipping-info-202309 and mark-package-as-shipped-202309: one
    # change in 72 hours, 20 orders under one number; Seller Center's pages on the support ticket and on Amazon's
    # warehouses, which are switched off after five numbers of other carriers (read 2026-11).
    tracking_rules = TrackingRules(
        changes=1,
        change_within=timedelta(hours=72),
        support_within=timedelta(days=30),
        orders_per_number=20,
        foreign_numbers=5,
    )
    scopes = (
        "seller.order.info",
        "seller.fulfillment.basic",
        "seller.logistics",
        "seller.return_refund.basic",
        "seller.authorization.info",
        "seller.product.basic",
    )
    scope_names = {
        "seller.order.info": "Orders",
        "seller.fulfillment.basic": "Fulfillment",
        "seller.logistics": "Logistics",
        "seller.return_refund.basic": "Returns",
        "seller.authorization.info": "Shops",
        "seller.product.basic": "Products",
    }
    private_keys = frozenset(
        [
            "recipient_address",
            "buyer_email",
            "buyer_message",
            "buyer_nickname",
            "buyer_avatar",
            "seller_note",
            "cpf",
            "cpf_name",
            "channel_entity_national_registry_id",
            "payment_auth_code",
        ]
    )

    # Authorization

    def authorize_url(self, request: AuthorizationRequest) -> str:
        """The consent page. It takes no redirect URL: that is fixed in the Partner Center."""
        query = urlencode({"service_id": self.config["SERVICE_ID"], "state": request.state})
        return f"{self.config['AUTHORIZE_URL']}/open/authorize?{query}"

    def read_callback(self, request: RawRequest) -> AuthorizationAnswer:
        """The callback. An install from the App Store brings no state; a refusal brings the text `null` as its code."""
        code, error = request.query.get("code", ""), request.query.get("error", "")
        if not error and code in ("", "null"):
            error = "no_code"
        return AuthorizationAnswer(code=code, state=request.query.get("state", ""), error=error)

    def exchange_code(self, answer: AuthorizationAnswer) -> Credentials:
        """The seller's tokens. Raises PermanentError when a creator or partner logged in instead of a seller."""
        return self._token("get", {"auth_code": answer.code, "grant_type": "authorized_code"})

    def refresh(self) -> Credentials:
        """A new pair of tokens. Raises AuthorizationError when the seller has to authorize again."""
        if self.credentials is None or not self.credentials.refresh_token:
            raise AuthorizationError("There is no refresh token for this shop")
        asked = {"refresh_token": self.credentials.refresh_token, "grant_type": "refresh_token"}
        fresh = self._token("refresh", asked)
        kept = dict(self.credentials.extra) | {name: value for name, value in fresh.extra.items() if value}
        return replace(fresh, extra=kept)

    def list_stores(self) -> list[StoreIdentity]:
        """Every shop that the token covers, with the cipher its calls need."""
        data = self._call("GET", "/authorization/202309/shops", operation="shops.list", has_shop=False)
        shops = [mapping.shop_of(row) for row in _rows(data, "shops")]
        return [shop for shop in shops if shop.external_id and shop.extra["cipher"]]

    # Webhooks

    def store_of(self, request: RawRequest) -> str:
        """The shop's id; some senders write it as a number."""
        shop_id = _object(request.body).get("shop_id")
        if isinstance(shop_id, bool) or not isinstance(shop_id, str | int):
            raise UnreadableAnswer("The webhook names no shop")
        return str(shop_id)

    def verify_webhook(self, request: RawRequest) -> None:
        """Raises InvalidSignature unless our secret signed the raw body."""
        if not signing.is_webhook_signed(
            body=request.body,
            header=request.headers.get("authorization", ""),
            app_key=self.config["APP_KEY"],
            secret=self.config["APP_SECRET"],
        ):
            raise InvalidSignature("TikTok Shop did not sign this webhook")

    def delivery_key(self, request: RawRequest) -> str:
        """The notification's id; type 3 may lack it, then the body's own digest."""
        key = _object(request.body).get("tts_notification_id")
        if isinstance(key, str | int) and not isinstance(key, bool) and str(key):
            return str(key)[:200]
        return hashlib.sha256(request.body).hexdigest()

    def parse_webhook(self, request: RawRequest) -> list[PlatformEvent]:
        """What happened, one event per order. Raises UnreadableAnswer."""
        return mapping.events_of(_object(request.body))

    def ensure_webhooks(self, address: str) -> Subscriptions:
        """Subscribe what is missing or leads elsewhere, and name it. May be repeated."""
        data = self._call("GET", "/event/202309/webhooks", operation="webhooks.list")
        present = {row.get("event_type"): row.get("address") for row in _rows(data, "webhooks")}
        missing = [event for event in _SUBSCRIBED if present.get(event) != address]
        for event in missing:
            body = {"event_type": event, "address": address}
            self._call("PUT", "/event/202309/webhooks", operation="webhooks.subscribe", body=body)
        return Subscriptions(made=tuple(missing))

    # Orders

    def fetch_orders(self, external_ids: Sequence[str]) -> list[PlatformOrder | UnreadableAnswer]:
        """These orders as they stand, at most 50 ids a call; an id that is unknown there is left out."""
        found: list[PlatformOrder | UnreadableAnswer] = []
        for start in range(0, len(external_ids), _PAGE):
            query = {"ids": ",".join(external_ids[start : start + _PAGE])}
            data = self._call("GET", "/order/202507/orders", operation="orders.get", query=query)
            found += mapping.orders_of(data.get("orders"))
        return found

    def orders_updated_since(self, moment: datetime, *, until: datetime) -> Iterator[PlatformOrder | UnreadableAnswer]:
        """Every order with an update in [moment, until), oldest update first."""
        query = {"page_size": str(_PAGE), "sort_field": "update_time", "sort_order": "ASC"}
        body = {"update_time_ge": int(moment.timestamp()), "update_time_lt": int(until.timestamp()) + 1}
        while True:
            data = self._call(
                "POST", "/order/202309/orders/search", operation="orders.search", query=query, body=body, is_safe=True
            )
            yield from mapping.orders_of(data.get("orders"))
            token = data.get("next_page_token")
            if not isinstance(token, str) or not token or token == query.get("page_token"):
                return
            query = {**query, "page_token": token}

    def push_tracking(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Report one parcel. There is no idempotency key: a refusal as "already shipped" counts as done only if the
        order, read again, shows the number. Raises PlatformError with a stable `reason` where one fits."""
        region = self.store.region if self.store else ""
        try:
            if region in _MARKS_LINES:
                return self._mark_shipped(order, tracking)
            return self._ship_packages(order, tracking)
        except PermanentError as error:
            if error.code not in _SHIPPED_BEFORE:
                raise
            receipt = self._receipt_of(order.external_id, tracking.tracking_number)
            if receipt is None:
                raise PermanentError(
                    "TikTok Shop says it was shipped before, under another number",
                    code=error.code,
                    reason="TRACKING_EDIT_SPENT",
                ) from error
            return receipt

    def carriers(self, delivery_option_id: str) -> list[Carrier]:
        """The carriers that may be named for this delivery option."""
        path = f"/logistics/202309/delivery_options/{quote(delivery_option_id, safe='')}/shipping_providers"
        data = self._call("GET", path, operation="carriers.list")
        rows = _rows(data, "shipping_providers")
        return [Carrier(external_id=str(row.get("id")), name=str(row.get("name"))) for row in rows]

    def shipping_setup(self) -> ShippingSetup:
        """Who ships this shop's orders. There is no field for it: the default warehouse's delivery options tell, and
        in Japan and the UK the default shipping template."""
        warehouses = _rows(self._call("GET", "/logistics/202309/warehouses", operation="warehouses.list"), "warehouses")
        options: list[Mapping[str, Any]] = []
        if sales := logistics.sales_warehouse(warehouses):
            path = f"/logistics/202309/warehouses/{quote(str(sales.get('id')), safe='')}/delivery_options"
            data = self._call("GET", path, operation="delivery_options.list", query={"scope": "WAREHOUSE"})
            options = _rows(data, "delivery_options")
        templates: list[Mapping[str, Any]] = []
        if self.store is not None and self.store.region in logistics.HAS_TEMPLATES:
            data = self._call("GET", "/logistics/202510/seller_templates", operation="seller_templates.list")
            templates = _rows(data, "templates")
        return logistics.setup_of(warehouses, options, templates)

    def cancel_order(
        self, external_id: str, *, reason: str, line_quantities: Mapping[str, int] | None = None
    ) -> CancelReceipt:
        """Cancel the whole order as the seller. `reason` is one of out_of_stock, pricing_error, unable_to_deliver,
        buyer_requested. Looks again when told that it was done before."""
        if reason not in _CANCEL_REASONS:
            raise PermanentError(f"There is no reason {reason} at TikTok Shop")
        is_uk = self.store is not None and self.store.region == "GB"
        body = {"order_id": external_id, "cancel_reason": _CANCEL_REASONS[reason] + ("_uk" if is_uk else "")}
        try:
            data = self._call(
                "POST", "/return_refund/202309/cancellations", operation="cancellations.create", body=body
            )
        except PermanentError as error:
            found = self.fetch_orders([external_id]) if error.code in _CANCELLED_BEFORE else []
            if found and isinstance(found[0], PlatformOrder) and found[0].status == "CANCELLED":
                return CancelReceipt(is_cancelled=True)
            raise
        status = str(data.get("cancel_status", ""))
        return CancelReceipt(is_cancelled=status.endswith(("_SUCCESS", "_COMPLETE")), detail=status)

    def change_tracking(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Change a parcel's number, once within 72 hours. There is no idempotency key: what the order shows already is
        not sent again, and a refusal as "changed before" counts as done only if the order, read again, shows the
        number. Raises PlatformError, TRACKING_EDIT_SPENT once it cannot be changed any more."""
        if (shown := _shown(order, tracking.tracking_number, tracking.carrier_id)) is not None:
            return shown
        if not tracking.package_ids:
            raise PermanentError("TikTok Shop shows no package with these items", reason="MIXED_FULFILMENT")
        body = {"tracking_number": tracking.tracking_number, "shipping_provider_id": tracking.carrier_id}
        path = f"/fulfillment/202309/packages/{quote(tracking.package_ids[0], safe='')}/shipping_info/update"
        try:
            self._call("POST", path, operation="packages.update", body=body)
        except PermanentError as error:
            spent = error.reason == "TRACKING_EDIT_SPENT"
            number, carrier_id = tracking.tracking_number, tracking.carrier_id
            receipt = self._receipt_of(order.external_id, number, carrier_id) if spent else None
            if receipt is None:
                raise
            return receipt
        return TrackingReceipt(package_id=tracking.package_ids[0])

    def list_variants(self) -> Iterator[Variant]:
        """Every SKU of the products that are on sale. SKUs of sellers are neither unique there nor always given."""
        yield from self._variants(since=0, until=int(self.clock().timestamp()) + 60)

    def _variants(self, *, since: int, until: int) -> Iterator[Variant]:
        """Those of the products made in [since, until]; where they are too many for one search, by halves."""
        query = {"page_size": str(_PRODUCTS_PAGE)}
        body = {"status": "ACTIVATE", "create_time_ge": since, "create_time_le": until}
        while True:
            data = self._call(
                "POST",
                "/product/202502/products/search",
                operation="products.list",
                query=query,
                body=body,
                is_safe=True,
            )
            total = data.get("total_count")
            if isinstance(total, int) and total > _MOST_PRODUCTS and since < until and "page_token" not in query:
                middle = (since + until) // 2
                yield from self._variants(since=since, until=middle)
                yield from self._variants(since=middle + 1, until=until)
                return
            yield from mapping.variants(data.get("products"))
            token = data.get("next_page_token")
            if not isinstance(token, str) or not token or token == query.get("page_token"):
                return
            query = {**query, "page_token": token}

    # Shipping, by market

    def _mark_shipped(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """The lines are always named: without them the whole order would be marked."""
        body = {
            "order_line_item_ids": list(tracking.line_ids),
            "tracking_number": tracking.tracking_number,
            "shipping_provider_id": tracking.carrier_id,
        }
        path = f"/fulfillment/202309/orders/{quote(order.external_id, safe='')}/packages"
        data = self._call("POST", path, operation="packages.mark_shipped", body=body)
        warning = data.get("warning")
        return TrackingReceipt(
            package_id=str(data.get("package_id") or ""),
            warning=str(warning.get("message") or "") if isinstance(warning, Mapping) else "",
        )

    def _ship_packages(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Ship the packages that hold these lines; a package that holds others too is split first."""
        wanted = set(tracking.line_ids)
        package_ids: list[str] = []
        for package in order.packages:
            inside = set(package.line_ids)
            if inside and inside <= wanted:
                package_ids.append(package.external_id)
            elif inside & wanted:
                package_ids.append(self._split(order.external_id, sorted(inside & wanted), sorted(inside - wanted)))
        if not package_ids:
            raise PermanentError("TikTok Shop shows no package with these items", reason="MIXED_FULFILMENT")
        shipment = {"tracking_number": tracking.tracking_number, "shipping_provider_id": tracking.carrier_id}
        for package_id in package_ids:
            path = f"/fulfillment/202309/packages/{quote(package_id, safe='')}/ship"
            self._call("POST", path, operation="packages.ship", body={"self_shipment": shipment})
        return TrackingReceipt(package_id=package_ids[0])

    def _split(self, order_id: str, line_ids: list[str], others: list[str]) -> str:
        groups = [{"id": "1", "order_line_item_ids": line_ids}, {"id": "2", "order_line_item_ids": others}]
        path = f"/fulfillment/202309/orders/{quote(order_id, safe='')}/split"
        data = self._call("POST", path, operation="orders.split", body={"splittable_groups": groups})
        for row in _rows(data, "packages"):
            if str(row.get("splittable_group_id")) == "1":
                return str(row.get("id"))
        raise OutcomeUnknown("TikTok Shop's answer to the split names no package")

    def _receipt_of(self, order_id: str, tracking_number: str, carrier_id: str = "") -> TrackingReceipt | None:
        for order in self.fetch_orders([order_id]):
            if isinstance(order, PlatformOrder) and (shown := _shown(order, tracking_number, carrier_id)):
                return shown
        return None

    # The wire

    def _token(self, verb: str, asked: Mapping[str, str]) -> Credentials:
        """Token calls are not signed; the secret travels in the query, which is never recorded."""
        query = {"app_key": self.config["APP_KEY"], "app_secret": self.config["APP_SECRET"], **asked}
        url = f"{self.config['AUTH_URL']}/api/v2/token/{verb}"
        answer = self.http.send("GET", url, operation=f"token.{verb}", is_safe=True, params=query)
        if answer.status >= 500 or answer.status == 429:
            raise failure_of(answer, is_safe=True) or TemporaryError("TikTok Shop gave no token")
        data = _envelope(answer)
        if data.get("code") != 0 or not isinstance(data.get("data"), Mapping):
            message = f"TikTok Shop gave no token: {_message(data)}"
            raise AuthorizationError(message, code=str(data.get("code")))
        return self._credentials(data["data"])

    def _credentials(self, data: Mapping[str, Any]) -> Credentials:
        if data.get("user_type", 0) not in (0, "0"):
            raise PermanentError("This is not a seller's login. Log in as the owner of the TikTok shop")
        if not data.get("access_token"):
            raise UnreadableAnswer("TikTok Shop's answer holds no token")
        granted = data.get("granted_scopes")
        return Credentials(
            access_token=str(data["access_token"]),
            access_expires_at=_moment(data.get("access_token_expire_in")),
            refresh_token=str(data.get("refresh_token") or ""),
            refresh_expires_at=_moment(data.get("refresh_token_expire_in")),
            scopes=tuple(str(scope) for scope in granted) if isinstance(granted, list) else (),
            extra={"open_id": str(data.get("open_id") or "")},
        )

    def _call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        is_safe: bool | None = None,
        has_shop: bool = True,
    ) -> dict[str, Any]:
        """One signed call: its `data`. `path` is signed without the base URL's own path."""
        safe = method in ("GET", "PUT") if is_safe is None else is_safe
        sent = {
            "app_key": self.config["APP_KEY"],
            "timestamp": str(int(self.clock().timestamp())),
            **({"shop_cipher": self.store.extra["cipher"]} if has_shop and self.store else {}),
            **(query or {}),
        }
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() if body is not None else b""
        sent["sign"] = signing.request_signature(path=path, query=sent, body=raw, secret=self.config["APP_SECRET"])
        token = self.credentials.access_token if self.credentials else ""
        answer = self.http.send(
            method,
            f"{self.config['API_URL']}{path}",
            operation=operation,
            is_safe=safe,
            params=sent,
            headers={"x-tts-access-token": token, "content-type": "application/json"},
            body=raw or None,
        )
        return _data_of(answer, is_safe=safe)


def _shown(order: PlatformOrder, tracking_number: str, carrier_id: str = "") -> TrackingReceipt | None:
    """A receipt if the order shows the number, and the carrier where one is given."""
    for package in order.packages:
        if package.tracking_number == tracking_number and carrier_id in ("", package.carrier_id):
            return TrackingReceipt(package_id=package.external_id, already_there=True)
    return None


def _data_of(answer: Answer, *, is_safe: bool) -> dict[str, Any]:
    """`data` of a good answer; success is code 0, whatever the HTTP status. Raises PlatformError."""
    try:
        content = _envelope(answer)
    except UnreadableAnswer as error:
        failure = failure_of(answer, is_safe=is_safe)
        # A gateway's page in between is no word of TikTok Shop's: nothing is given up for it.
        kind = TemporaryError if is_safe else OutcomeUnknown
        raise failure or kind("TikTok Shop's answer could not be read") from error
    code = content.get("code")
    if code == 0:
        data = content.get("data")
        return dict(data) if isinstance(data, Mapping) else {}
    raise _failure(answer, str(code), _message(content), is_safe=is_safe)


def _failure(answer: Answer, code: str, message: str, *, is_safe: bool) -> PlatformError:
    text = f"TikTok Shop: {message}"
    if code == "36009002" or answer.status == 429:
        return RateLimited(text, code=code, retry_after=answer.retry_after())
    if code == "105005":
        return ScopeMissing(text, code=code, reason="SCOPE_MISSING")
    is_about_token = code == "36009004" and "token" in message.lower() and "page" not in message.lower()
    if code in _TOKEN_REFUSED or is_about_token:
        return AuthorizationError(text, code=code)
    if code == "106001":
        return PermanentError(f"{text}. Check the app's secret in the settings", code=code)
    if code == _ON_HOLD:
        return TemporaryError(text, code=code, reason="STILL_ON_HOLD", retry_after=30)
    if code in _FAILED_INSIDE or answer.status >= 500:
        return TemporaryError(text, code=code) if is_safe else OutcomeUnknown(text, code=code)
    return PermanentError(text, code=code, reason=_REASONS.get(code, "REMOTE_ERROR"))


def _envelope(answer: Answer) -> dict[str, Any]:
    content = answer.json()
    if not isinstance(content, dict) or "code" not in content:
        raise UnreadableAnswer(f"The answer (HTTP {answer.status}) is not TikTok Shop's")
    return content


def _message(content: Mapping[str, Any]) -> str:
    """TikTok's own words, without the link it likes to add; they name fields, never a buyer."""
    return str(content.get("message") or "no reason given").partition(" For more")[0].strip()[:200]


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("The webhook is not JSON") from error
    if not isinstance(content, dict):
        raise UnreadableAnswer("The webhook is no JSON object")
    return content


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = data.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _moment(value: Any) -> datetime | None:
    """An absolute epoch, though the field is called "expire in"."""
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
