"""What a person in the panel, or a test, may do on a site."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.squarespace.notices import Notices
from sandbox.squarespace.orders import Orders
from sandbox.squarespace.panel import Panel
from sandbox.squarespace.state import App, Site, State
from sandbox.verbs import ShelfVerbs
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


class Controls(ShelfVerbs):
    knobs = KNOBS

    def __init__(self, state: State, notices: Notices, orders: Orders) -> None:
        self.state = state
        self.notices = notices
        self.orders = orders
        self.panel = Panel(state, orders)

    def place(self, wanted: str | None) -> Site:
        return self.state.site(wanted)

    def add_variant(self, place: Any, sku: str, title: str, price: str) -> dict[str, Any]:
        return self.state.add_variant(place, sku, title, price)

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

    def do_mark_fulfilled(self, body: dict[str, Any]) -> None:
        """Fulfilled, and no parcel named."""
        self.orders.fulfill(*self._order(body), [])

    def do_add_tracking(self, body: dict[str, Any]) -> None:
        site, order = self._order(body)
        place = int(str(body["fulfillment"]).rpartition("/")[2]) if body.get("fulfillment") else 0
        if not order["fulfillments"] or place > len(order["fulfillments"]):
            raise ControlError("no such fulfillment")
        shipment = order["fulfillments"][place - 1]
        shipment |= {"carrierName": body.get("carrier", ""), "trackingNumber": body.get("tracking_number", "")}
        self.orders.touch(site, order, "FULFILLED")

    def do_cancel(self, body: dict[str, Any]) -> None:
        """{restock?}"""
        self.panel.cancel(*self._order(body), is_restocked=bool(body.get("restock")))

    def do_refund(self, body: dict[str, Any]) -> None:
        """{amount?, note?}: all that is left by default."""
        amount = Decimal(str(body["amount"])) if "amount" in body else None
        self.panel.refund(*self._order(body), amount, note=str(body.get("note", "")))

    def do_restock(self, body: dict[str, Any]) -> None:
        """{lines?: units by SKU}: what came back, all of the order by default."""
        lines = body.get("lines")
        pairs = lines.items() if isinstance(lines, dict) else [(one["sku"], one["quantity"]) for one in lines or []]
        self.panel.restock(*self._order(body), {sku: int(count) for sku, count in pairs} if lines else None)

    def do_note(self, body: dict[str, Any]) -> None:
        """{text}"""
        self.panel.note(self._order(body)[1], str(body["text"]))

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

    def _order(self, body: dict[str, Any]) -> tuple[Site, dict[str, Any]]:
        site = self.state.site(body.get("shop"))
        return site, self.state.order(site, str(body["order"]))
