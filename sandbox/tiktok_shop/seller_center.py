"""What the seller does by hand in Seller Center: the same rules as through the API."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellation_calls import CancellationCalls
from sandbox.tiktok_shop.cancellations import Cancellations, close_pending, pending_of
from sandbox.tiktok_shop.cast import CARRIERS
from sandbox.tiktok_shop.choosing import told_lines
from sandbox.tiktok_shop.reasons import OUT_OF_STOCK, PACKED, check_rejection
from sandbox.tiktok_shop.shipping import Shipping
from sandbox.tiktok_shop.state import Grant, Order
from sandbox.world import ControlError


class SellerCenter:
    def __init__(self, cancellations: Cancellations) -> None:
        self.calls, self.state = CancellationCalls(cancellations), cancellations.state
        self.shipping = Shipping(cancellations.notices)

    def cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"order_id", "reason"?, "line_ids"? | "skus"?}."""
        order = self.state.order(str(body["order_id"]))
        shop = self.state.shops[order.shop_id]
        default = OUT_OF_STOCK + ("_uk" if shop.region == "GB" else "")
        request = {"order_id": order.id, "cancel_reason": body.get("reason", default)}
        if (lines := told_lines(order, body)) is not None:
            request["order_line_item_ids"] = [line["id"] for line in lines]
        row = self.calls.create(self._call(order, request))
        return {**row, "order_id": order.id, "order": order.data}

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"order_id", "approve": bool, "reason"?}: answers the buyer's request to cancel."""
        order = self.state.order(str(body["order_id"]))
        pending = pending_of(self.state, order)
        if pending is None:
            raise ControlError("no request is waiting")
        if body.get("approve"):
            self.calls.approve(self._call(order, {}, {"cancel_id": pending["cancel_id"]}))
        else:
            check_rejection("CANCEL", body.get("reason", PACKED))
            close_pending(self.calls.cancellations.notices, order, pending, why="rejected")  # not by API
        return {"order_id": order.id, "order": order.data}

    def ship(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"order_id", "tracking_number", "shipping_provider_id", "line_ids"?}: by hand in Seller Center."""
        order = self.state.order(str(body["order_id"]))
        request = {name: body[name] for name in ("tracking_number", "shipping_provider_id")}
        if "line_ids" in body:
            request["order_line_item_ids"] = body["line_ids"]
        answer = self.shipping.mark_shipped(self._call(order, request, {"order_id": order.id}))
        return {**answer, "order_id": order.id, "order": order.data}

    def platform_ship(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"order_id", "tracking_number", "shipping_provider_id"?, "line_ids"?}: the parcel of an order that TikTok
        ships, from its warehouse or with its label."""
        order = self.state.order(str(body["order_id"]))
        shop = self.state.shops[order.shop_id]
        carrier = body.get("shipping_provider_id") or next(iter(CARRIERS[shop.region]))
        request = {"tracking_number": body["tracking_number"], "shipping_provider_id": carrier}
        if "line_ids" in body:
            request["order_line_item_ids"] = body["line_ids"]
        answer = self.shipping.ship_by_platform(self._call(order, request, {"order_id": order.id}))
        return {**answer, "order_id": order.id, "order": order.data}

    def _call(self, order: Order, request: dict[str, Any], args: dict[str, str] | None = None) -> Call:
        shop = self.state.shops[order.shop_id]
        return Call(self.state, Grant(shop.seller, (shop.id,), ()), shop, {}, request, args or {})
