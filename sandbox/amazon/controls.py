"""What a person in Amazon's warehouse, or a test, may do."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.amazon import returns
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
        "cancel_takes",
        "is_cancel_lost",
        "lowered_as",
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
        self.orders.cancel(*self._order(body), made_by="merchant")

    def do_remove_units(self, body: dict[str, Any]) -> None:
        """{lines: units by SKU}: of what is not packed yet."""
        seller, order = self._order(body)
        try:
            self.orders.remove(seller, order, {sku: int(count) for sku, count in body["lines"].items()})
        except ValueError as error:
            raise ControlError(str(error)) from error

    def do_open_return(self, body: dict[str, Any]) -> dict[str, Any]:
        """{lines?: units by SKU, reason?, note?}: everything that left by default."""
        _, order = self._order(body)
        lines = body.get("lines") or {}
        wanted = dict(lines) if isinstance(lines, dict) else {one["sku"]: one["quantity"] for one in lines}
        items = []
        for item, shipment, left in returns.returnable(order):
            take = min(left, int(wanted.get(item["sellerSku"], 0))) if wanted else left
            if wanted:
                wanted[item["sellerSku"]] = int(wanted.get(item["sellerSku"], 0)) - take
            items += [self._unit(item, shipment, body) for _ in range(take)]
        if not items or any(int(count) > 0 for count in wanted.values()):
            raise ControlError("not that many may come back")
        made = returns.create(self.state, order, {"items": items}, made_by="merchant")["payload"]
        return {"return": made["returnAuthorizations"][0]["returnAuthorizationId"]}

    def _unit(self, item: dict[str, Any], shipment: str, body: dict[str, Any]) -> dict[str, Any]:
        made = {
            "sellerReturnItemId": secrets.token_hex(8),
            "sellerFulfillmentOrderItemId": item["sellerFulfillmentOrderItemId"],
            "amazonShipmentId": shipment,
            "returnReasonCode": body.get("reason", "CR-UNWANTED_ITEM"),
        }
        return {**made, "returnComment": body["note"]} if body.get("note") else made

    def do_receive_return(self, body: dict[str, Any]) -> None:
        """{items?: their ids, condition?, reason?}: the center looks at what came back."""
        seller, order = self._order(body)
        condition, reason = body.get("condition", "Sellable"), body.get("reason", "")
        returns.receive(self.state, seller, order, body.get("items"), condition=condition, reason=reason)

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
