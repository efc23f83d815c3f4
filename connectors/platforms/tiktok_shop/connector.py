"""TikTok Shop: one shop of a seller, by the Partner API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.base.connector import (
    AuthorizationAnswer,
    AuthorizationRequest,
    Features,
    Setting,
    StoreOption,
    Subscriptions,
    TrackingRules,
)
from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
    PermanentError,
    TemporaryError,
    UnreadableAnswer,
)
from connectors.base.events import PlatformEvent
from connectors.base.types import Credentials, RawRequest, StoreIdentity
from connectors.http import failure_of
from connectors.pacing import Limits
from connectors.platforms.tiktok_shop import mapping, signing
from connectors.platforms.tiktok_shop.cancellations import Cancellations
from connectors.platforms.tiktok_shop.orders import Orders
from connectors.platforms.tiktok_shop.reading import moment_at, rows_of, texts_at
from connectors.platforms.tiktok_shop.returns import Returns
from connectors.platforms.tiktok_shop.shipping import Shipping
from connectors.platforms.tiktok_shop.wire import envelope_of, message_of

_SUBSCRIBED = (
    "ORDER_STATUS_CHANGE",
    "RECIPIENT_ADDRESS_UPDATE",
    "PACKAGE_UPDATE",
    "SELLER_DEAUTHORIZATION",
    "UPCOMING_AUTHORIZATION_EXPIRATION",
    "CANCELLATION_STATUS_CHANGE",
    "RETURN_STATUS_CHANGE",
)


class TikTokShop(Orders, Shipping, Cancellations, Returns):
    """One TikTok shop."""

    platform = "tiktok_shop"
    label = "TikTok Shop"
    features = Features(
        webhooks=True,
        search_by_reference=True,
        hold=True,
        cancel=True,
        partial_cancel=True,
        partial_fulfillment=True,
        returns=True,
        amounts=True,
        notes={
            "cancel": "Until the parcel is handed over; in the US until it is collected",
            "partial_cancel": "In the US and the UK, while the items wait, and only because they are out of stock",
            "returns": "They begin at TikTok Shop; you see and answer them here",
            "refunds": "TikTok Shop pays them itself; you see and answer the requests here",
        },
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
            "comment",
            "return_warehouse_address",
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
        shops = [mapping.shop_of(row) for row in rows_of(data.get("shops"))]
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
        present = {row.get("event_type"): row.get("address") for row in rows_of(data.get("webhooks"))}
        missing = [event for event in _SUBSCRIBED if present.get(event) != address]
        for event in missing:
            body = {"event_type": event, "address": address}
            self._call("PUT", "/event/202309/webhooks", operation="webhooks.subscribe", body=body)
        return Subscriptions(made=tuple(missing))

    def _token(self, verb: str, asked: Mapping[str, str]) -> Credentials:
        """Token calls are not signed; the secret travels in the query, which is never recorded."""
        query = {"app_key": self.config["APP_KEY"], "app_secret": self.config["APP_SECRET"], **asked}
        url = f"{self.config['AUTH_URL']}/api/v2/token/{verb}"
        answer = self.http.send("GET", url, operation=f"token.{verb}", is_safe=True, params=query)
        if answer.status >= 500 or answer.status == 429:
            raise failure_of(answer, is_safe=True) or TemporaryError("TikTok Shop gave no token")
        # "Expire in" is a moment there, not a duration.
        data = envelope_of(answer)
        if data.get("code") != 0 or not isinstance(data.get("data"), Mapping):
            message = f"TikTok Shop gave no token: {message_of(data)}"
            raise AuthorizationError(message, code=str(data.get("code")))
        return self._credentials(data["data"])

    def _credentials(self, data: Mapping[str, Any]) -> Credentials:
        if data.get("user_type", 0) not in (0, "0"):
            raise PermanentError("This is not a seller's login. Log in as the owner of the TikTok shop")
        if not data.get("access_token"):
            raise UnreadableAnswer("TikTok Shop's answer holds no token")
        return Credentials(
            access_token=str(data["access_token"]),
            access_expires_at=moment_at(data, "access_token_expire_in"),
            refresh_token=str(data.get("refresh_token") or ""),
            refresh_expires_at=moment_at(data, "refresh_token_expire_in"),
            scopes=tuple(texts_at(data, "granted_scopes")),
            extra={"open_id": str(data.get("open_id") or "")},
        )


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("The webhook is not JSON") from error
    if not isinstance(content, dict):
        raise UnreadableAnswer("The webhook is no JSON object")
    return content
