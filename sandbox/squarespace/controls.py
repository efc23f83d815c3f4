"""What a person in the panel, or a test, may do on a site."""

from __future__ import annotations

from typing import Any

from sandbox.squarespace.notices import Notices
from sandbox.squarespace.orders import Orders
from sandbox.squarespace.state import App, Site, State
from sandbox.world import ControlError

KNOBS = frozenset(
    [
        "page_size",
        "key_life",
        "mismatch_status",
        "strict_fields",
        "null_arrays",
        "drop_after",
        "creates_per_hour",
        "calls_per_minute",
        "currency",
    ]
)


class Controls:
    def __init__(self, state: State, notices: Notices, orders: Orders) -> None:
        self.state = state
        self.notices = notices
        self.orders = orders

    def run(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        verb = getattr(self, f"do_{action}", None)
        if verb is None:
            raise ControlError(f"no such verb: {action}")
        result: dict[str, Any] = verb(body) or {"ok": True}
        return result

    def do_app(self, body: dict[str, Any]) -> None:
        self.state.app = App(
            client_id=body["client_id"],
            client_secret=body["client_secret"],
            redirect_urls=tuple(body["redirect_urls"]),
            initiate_url=body.get("initiate_url", ""),
        )

    def do_ship(self, body: dict[str, Any]) -> dict[str, Any]:
        """The whole order, once more with each call; a site cannot say which items are in which parcel."""
        site, order = self._order(body)
        if order["fulfillmentStatus"] == "CANCELED":
            raise ControlError("the order is cancelled")
        shipment = {"shipDate": self.state.iso(), "carrierName": body.get("carrier", ""), "service": None}
        shipment |= {"trackingNumber": body.get("tracking_number", ""), "trackingUrl": body.get("tracking_url", "")}
        self.orders.fulfill(site, order, [shipment])
        return {"fulfillment": f"{order['id']}/{len(order['fulfillments'])}"}

    def do_add_tracking(self, body: dict[str, Any]) -> None:
        site, order = self._order(body)
        place = int(str(body["fulfillment"]).rpartition("/")[2]) if body.get("fulfillment") else 0
        if not order["fulfillments"] or place > len(order["fulfillments"]):
            raise ControlError("no such fulfillment")
        shipment = order["fulfillments"][place - 1]
        shipment |= {"carrierName": body.get("carrier", ""), "trackingNumber": body.get("tracking_number", "")}
        self.orders.touch(site, order, "FULFILLED")

    def do_cancel(self, body: dict[str, Any]) -> None:
        self.orders.cancel(*self._order(body))

    def do_refund(self, body: dict[str, Any]) -> None:
        site, order = self._order(body)
        order["refundedTotal"] = {"currency": order["grandTotal"]["currency"], "value": str(body["amount"])}
        self.orders.touch(site, order, "REFUNDED")

    def do_mark_pending(self, body: dict[str, Any]) -> None:
        site, order = self._order(body)
        order["fulfillmentStatus"], order["fulfilledOn"] = "PENDING", None
        self.orders.touch(site, order, "MARKED_PENDING")

    def do_uninstall(self, body: dict[str, Any]) -> None:
        site = self.state.site(body.get("shop"))
        self.notices.send(site, "extension.uninstall", {})
        site.grant, site.subscriptions = None, {}

    def do_expire_tokens(self, body: dict[str, Any]) -> None:
        grant = self.state.site(body.get("shop")).grant
        if grant:
            grant.access = dict.fromkeys(grant.access, 0.0)
            if body.get("refresh"):
                grant.refresh_until, grant.previous = 0.0, ""

    def do_settings(self, body: dict[str, Any]) -> None:
        site = self.state.site(body.get("shop"))
        for name, value in body.items():
            if name == "shop":
                continue
            if name not in KNOBS:
                raise ControlError(f"no such setting: {name}")
            setattr(site, name, value)

    def do_set_stock(self, body: dict[str, Any]) -> None:
        for variant in self._variants(body):
            variant["quantity"] = int(body["quantity"])

    def do_add_variant(self, body: dict[str, Any]) -> dict[str, Any]:
        site = self.state.site(body.get("shop"))
        made = self.state.add_variant(site, body["sku"], body.get("title", body["sku"]), str(body.get("price", "1.00")))
        return {"variant": made["id"]}

    def do_remove_variant(self, body: dict[str, Any]) -> None:
        site = self.state.site(body.get("shop"))
        for variant in self._variants(body):
            del site.variants[variant["id"]]

    def _variants(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        site = self.state.site(body.get("shop"))
        found = [variant for variant in site.variants.values() if variant["sku"] == body["sku"]]
        if not found:
            raise ControlError(f"no such SKU: {body['sku']}")
        return found

    def _order(self, body: dict[str, Any]) -> tuple[Site, dict[str, Any]]:
        site = self.state.site(body.get("shop"))
        return site, self.state.order(site, str(body["order"]))
