"""What a person at the sandbox, or a test, may do in a shop."""

from __future__ import annotations

from typing import Any

from sandbox.shopify.authorization import Authorization
from sandbox.shopify.merchant import MerchantVerbs
from sandbox.shopify.notices import Notices
from sandbox.shopify.selling import Selling
from sandbox.shopify.state import App, Shop, State
from sandbox.shopify.units import live_returns
from sandbox.world import ControlError

KNOBS = frozenset(
    [
        "index_delay",
        "cancel_takes",
        "is_cancel_refused",
        "orders_per_minute",
        "duplicate_creates",
        "bucket",
        "bucket_size",
        "restore_rate",
        "currency",
        "routing_takes",
        "shows_addresses",
        "is_location_active",
        "restocks_unclaimed",
        "takes_empty_refunds",
    ]
)


class Controls(MerchantVerbs):
    knobs = KNOBS
    stock_field = "inventoryQuantity"

    def __init__(self, state: State, notices: Notices, authorization: Authorization) -> None:
        super().__init__(state, notices)
        self.authorization = authorization
        self.selling = Selling(state, notices)

    def place(self, wanted: str | None) -> Shop:
        return self.state.shop(wanted)

    def add_variant(self, place: Any, sku: str, title: str, price: str) -> dict[str, Any]:
        return self.state.add_variant(place, sku, title, price)

    def do_app(self, body: dict[str, Any]) -> None:
        self.state.app = App(
            client_id=body["client_id"],
            client_secret=body["client_secret"],
            redirect_urls=tuple(body["redirect_urls"]),
            app_url=body.get("app_url", ""),
            webhook_url=body.get("webhook_url", ""),
        )

    def do_ship(self, body: dict[str, Any]) -> dict[str, Any]:
        shop, order = self._order(body)
        tracking = {
            "company": body.get("carrier", ""),
            "number": body.get("tracking_number", ""),
            "url": body.get("tracking_url", ""),
        }
        try:
            made = self.selling.ship(shop, order, body.get("lines") or None, tracking)
        except ValueError as error:
            raise ControlError(str(error)) from error
        return {"fulfillment": made["id"]}

    def do_add_tracking(self, body: dict[str, Any]) -> None:
        shop, order, fulfillment = self._fulfillment(body)
        fulfillment["tracking"] = {
            "company": body.get("carrier", ""),
            "number": body.get("tracking_number", ""),
            "url": body.get("tracking_url", ""),
        }
        self.state.touch(order)
        self.notices.fulfillment(shop, "FULFILLMENTS_UPDATE", order, fulfillment)

    def do_cancel_fulfillment(self, body: dict[str, Any]) -> None:
        shop, order, fulfillment = self._fulfillment(body)
        if any(line["item"] in fulfillment["items"] for one in live_returns(order) for line in one["lines"]):
            raise ControlError("items of it are in a return")
        fulfillment["status"] = "CANCELLED"
        self.state.touch(order)
        self.notices.fulfillment(shop, "FULFILLMENTS_UPDATE", order, fulfillment)

    def do_never_stock(self, body: dict[str, Any]) -> None:
        """A location has never stocked this SKU, or does from now on."""
        shop = self.state.shop(body.get("shop"))
        pair = (str(body["location"]), str(body["sku"]))
        (shop.never_stocked.discard if body.get("stocks") else shop.never_stocked.add)(pair)

    def do_change_address(self, body: dict[str, Any]) -> None:
        """The merchant changes parts of an order's address."""
        shop, order = self._order(body)
        self.selling.update(shop, order, {"shippingAddress": {**(order["shippingAddress"] or {}), **body["address"]}})

    def do_delete(self, body: dict[str, Any]) -> None:
        shop, order = self._order(body)
        shop.forget(order)
        self.notices.order(shop, "ORDERS_DELETE", order)

    def do_uninstall(self, body: dict[str, Any]) -> None:
        shop = self.state.shop(body.get("shop"))
        self.notices.uninstalled(shop)
        shop.install = None
        shop.subscriptions = []

    def do_expire_tokens(self, body: dict[str, Any]) -> None:
        install = self.state.shop(body.get("shop")).install
        if install:
            install.access = dict.fromkeys(install.access, 0.0)
            if body.get("refresh"):
                install.refresh_lapses_at = 0.0
                install.previous_refresh = ""

    def do_lose_refresh_answer(self, _body: dict[str, Any]) -> None:
        self.state.lose_next_refresh = True

    def do_install_link(self, body: dict[str, Any]) -> dict[str, Any]:
        """Where the App Store sends a merchant's browser first."""
        app = self.state.app
        if app is None or not app.app_url:
            raise ControlError("no app with an app_url is registered")
        shop = self.state.shop(body.get("shop"))
        return {"url": f"{app.app_url}?{self.authorization.signed(app, {'shop': shop.domain})}"}

    def _fulfillment(self, body: dict[str, Any]) -> tuple[Shop, dict[str, Any], dict[str, Any]]:
        """The named fulfillment of the order, or its last."""
        shop, order = self._order(body)
        wanted = body.get("fulfillment")
        found = [one for one in order["fulfillments"] if wanted in (None, one["id"])]
        if not found:
            raise ControlError("no such fulfillment")
        return shop, order, found[-1]
