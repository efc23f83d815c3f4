"""What a person in Amazon's warehouse, or a test, may do."""

from __future__ import annotations

from typing import Any

from sandbox.amazon.orders import STATUSES, Orders
from sandbox.amazon.state import App, Seller, State
from sandbox.verbs import Verbs
from sandbox.world import ControlError

KNOBS = frozenset(
    [
        "repeat_id",
        "upper_case_statuses",
        "string_integers",
        "list_empty_token",
        "own_tracking_only",
        "auto_plan_seconds",
        "page_size",
        "burst",
        "rate",
        "blank_box",
        "login_hop",
        "missing_status",
        "refusal_status",
        "currency",
    ]
)


class Controls(Verbs):
    knobs = KNOBS

    def __init__(self, state: State, orders: Orders) -> None:
        self.state = state
        self.orders = orders

    def place(self, wanted: str | None) -> Seller:
        return self.state.seller(wanted)

    def do_app(self, body: dict[str, Any]) -> None:
        self.state.app = App(
            app_id=body["app_id"],
            client_id=body["client_id"],
            client_secret=body["client_secret"],
            redirect_urls=tuple(body["redirect_urls"]),
            login_url=body.get("login_url", ""),
            is_draft=bool(body.get("is_draft")),
        )

    def do_ship(self, body: dict[str, Any]) -> dict[str, Any]:
        seller, order = self._order(body)
        lines = body.get("lines") or {}
        pairs = lines.items() if isinstance(lines, dict) else [(one["sku"], one["quantity"]) for one in lines]
        tracking = {"number": body.get("tracking_number", ""), "carrier": body.get("carrier", "")}
        status = "PENDING" if body.get("is_only_packed") else "SHIPPED"
        wanted = {sku: int(n) for sku, n in pairs}
        return {"fulfillment": self.orders.ship(seller, order, wanted, tracking, status=status)}

    def do_leave(self, body: dict[str, Any]) -> None:
        _, order = self._order(body)
        self.orders.leave(order)

    def do_add_tracking(self, body: dict[str, Any]) -> None:
        _, order = self._order(body)
        found = [one for one in order["shipments"] if body.get("fulfillment") in (None, one["amazonShipmentId"])]
        if not found:
            raise ControlError("no such fulfillment")
        package = found[-1]["fulfillmentShipmentPackage"][0]
        package["trackingNumber"] = body["tracking_number"]
        package["carrierCode"] = body.get("carrier") or package["carrierCode"]

    def do_advance_order(self, body: dict[str, Any]) -> None:
        _, order = self._order(body)
        if body["status"] not in STATUSES:
            raise ControlError(f"no such status: {body['status']}")
        self.orders.move(order, body["status"])

    def do_cancel(self, body: dict[str, Any]) -> None:
        self.orders.cancel(*self._order(body))

    def do_uninstall(self, body: dict[str, Any]) -> None:
        seller = self.state.seller(body.get("shop"))
        seller.access, seller.refresh = {}, ""

    def do_expire_tokens(self, body: dict[str, Any]) -> None:
        seller = self.state.seller(body.get("shop"))
        seller.access = {}
        if body.get("refresh"):
            seller.refresh_until = 0.0

    def do_set_stock(self, body: dict[str, Any]) -> None:
        self._offer(body)["quantity"] = int(body["quantity"])

    def do_add_variant(self, body: dict[str, Any]) -> dict[str, Any]:
        seller = self.state.seller(body.get("shop"))
        return {"variant": self.state.add_offer(seller, body["sku"], body.get("title", body["sku"]))["sku"]}

    def do_remove_variant(self, body: dict[str, Any]) -> None:
        del self.state.seller(body.get("shop")).stock[self._offer(body)["sku"]]

    def _offer(self, body: dict[str, Any]) -> dict[str, Any]:
        seller = self.state.seller(body.get("shop"))
        if body["sku"] not in seller.stock:
            raise ControlError(f"no such SKU: {body['sku']}")
        return seller.stock[body["sku"]]

    def _order(self, body: dict[str, Any]) -> tuple[Seller, dict[str, Any]]:
        seller = self.state.seller(body.get("shop"))
        return seller, self.state.order(seller, str(body["order"]))
