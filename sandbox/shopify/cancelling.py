"""orderCancel: refused at once, or done in a job."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify import stock, units
from sandbox.shopify.errors import Refused
from sandbox.shopify.notices import Notices
from sandbox.shopify.refunds import Refunds, Row
from sandbox.shopify.state import Shop, State

STAFF_NOTE = 255


class Cancelling:
    def __init__(self, state: State, notices: Notices, refunds: Refunds) -> None:
        self.state = state
        self.notices = notices
        self.refunds = refunds

    def check(self, shop: Shop, order: dict[str, Any], *, restock: bool) -> None:
        """Raises Refused."""
        if order["cancelled"]:
            raise Refused("Order has already been cancelled", "orderId")
        if any(one["status"] == "SUCCESS" for one in order["fulfillments"]):
            raise Refused("Cannot cancel an order that has fulfillments", "orderId")
        if any(one["status"] == "OPEN" for one in order["returns"]):
            raise Refused("Cannot cancel an order with returns in progress", "orderId")
        authorizations = [one for one in order["transactions"] if one["kind"] == "AUTHORIZATION"]
        if any(one["status"] == "PENDING" for one in authorizations):
            raise Refused("Cannot cancel an order with pending payment authorizations", "orderId")
        if restock and not shop.is_location_active and units.received(order):
            raise Refused("Cannot restock at a deactivated location", "restock")

    def do(
        self, shop: Shop, order: dict[str, Any], reason: str, *, restock: bool, is_refunded: bool, made_by: str = "app"
    ) -> None:
        """Cancels. May be repeated."""
        if order["cancelled"]:
            return
        open_units = {line["id"]: units.editable(order, line) for line in order["lines"]}
        money = max(units.received(order) - units.refunded(order), Decimal(0)) if is_refunded else Decimal(0)
        restocked = restock and shop.is_location_active  # an unpaid order is cancelled all the same, without
        if money:
            kind = "CANCEL" if restocked else "NO_RESTOCK"
            rows = [Row(line, open_units[line["id"]], kind) for line in order["lines"] if open_units[line["id"]]]
            back = self.refunds.money_back(order, money)
            self.refunds.make(shop, order, rows, transactions=back, made_by=made_by)
        elif restocked:
            stock.give_back(self.state, shop, order, open_units, is_claimed=True, why="cancel")
        order["cancelled"], order["cancel_reason"] = self.state.world.now(), reason
        self.state.touch(order)
        self.state.world.ledger_add(
            "shopify",
            "order.cancelled",
            order["id"],
            reference=order["sourceIdentifier"],
            name=order["name"],
            reason=reason,
            restocked=restocked,
            refunded=str(money),
            by=made_by,
        )
        self.notices.order(shop, "ORDERS_CANCELLED", order)
        self.notices.order(shop, "ORDERS_UPDATED", order)


class Calls:
    """The calls about cancelling, as a part of the root of one request."""

    place: Shop
    state: State
    cancelling: Cancelling

    def _orderCancel(
        self,
        _info: GraphQLResolveInfo,
        orderId: str,
        reason: str,
        restock: bool,
        refund: bool = False,
        refundMethod: dict[str, Any] | None = None,
        notifyCustomer: bool = False,
        staffNote: str | None = None,
    ) -> dict[str, Any]:
        try:
            order = self._to_cancel(orderId, restock=restock, method=refundMethod or {}, note=staffNote or "")
        except Refused as refused:
            return {"job": None, "orderCancelUserErrors": [refused.error], "userErrors": [refused.error]}
        job: dict[str, Any] = {"id": self.state.new_gid("Job"), "done": False}
        self.place.jobs[job["id"]] = job
        is_refunded = bool(refund or (refundMethod or {}).get("originalPaymentMethodsRefund"))
        if notifyCustomer:
            self.state.world.ledger_add("shopify", "buyer.mailed", order["id"], about="cancellation")

        def finish() -> None:
            self._finish(job, order, reason, restock=restock, is_refunded=is_refunded)

        if self.place.cancel_takes:
            self.state.world.later(self.place.cancel_takes, finish)
        else:
            finish()
        return {"job": job, "orderCancelUserErrors": [], "userErrors": []}

    def _to_cancel(self, order_id: str, *, restock: bool, method: dict[str, Any], note: str) -> dict[str, Any]:
        order = self.place.orders.get(order_id)
        if order is None:
            raise Refused("Order does not exist", "orderId", code="NOT_FOUND")
        if len(note) > STAFF_NOTE:
            raise Refused(f"Staff note is too long (maximum is {STAFF_NOTE} characters)", "staffNote")
        if method.get("storeCreditRefund") is not None:
            code = "NO_REFUND_TO_STORE_CREDIT_PERMISSION"
            raise Refused("The app may not refund to store credit", "refundMethod", "storeCreditRefund", code=code)
        self.cancelling.check(self.place, order, restock=restock)
        return order

    def _finish(
        self, job: dict[str, Any], order: dict[str, Any], reason: str, *, restock: bool, is_refunded: bool
    ) -> None:
        """[guess] A job may end without cancelling: by the knob, or since something was shipped meanwhile."""
        if not job["done"] and not self.place.is_cancel_refused:
            try:
                self.cancelling.check(self.place, order, restock=restock)
                self.cancelling.do(self.place, order, reason, restock=restock, is_refunded=is_refunded)
            except Refused:
                pass
        job["done"] = True
