"""What a person in the dashboard, or a test, may do on a site."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from sandbox.verbs import ShelfVerbs
from sandbox.wix.authorization import Authorization
from sandbox.wix.notices import Notices
from sandbox.wix.orders import Orders, remaining
from sandbox.wix.parcels import Parcels
from sandbox.wix.payments import Payments, settled
from sandbox.wix.refunds import Refunds, refunded_units, waits
from sandbox.wix.state import App, Site, State
from sandbox.world import ControlError

KNOBS = frozenset(
    [
        "catalog_version",
        "index_delay",
        "number_as_integer",
        "payments_after_paid",
        "second_cancel",
        "refund_result",
        "cancel_fulfilled",
        "offline_refundable",
        "knows_tiktok",
        "calls_per_minute",
        "currency",
    ]
)


class Controls(ShelfVerbs):
    knobs = KNOBS

    def __init__(
        self,
        state: State,
        notices: Notices,
        authorization: Authorization,
        *,
        orders: Orders,
        parcels: Parcels,
        payments: Payments,
        refunds: Refunds,
    ) -> None:
        self.state = state
        self.notices = notices
        self.authorization = authorization
        self.orders = orders
        self.parcels = parcels
        self.payments = payments
        self.refunds = refunds

    def place(self, wanted: str | None) -> Site:
        return self.state.site(wanted)

    def add_variant(self, place: Any, sku: str, title: str, price: str) -> dict[str, Any]:
        return self.state.add_variant(place, sku, title, price)

    def do_app(self, body: dict[str, Any]) -> dict[str, Any]:
        self.state.app = App(
            app_id=body["app_id"],
            app_secret=body["app_secret"],
            redirect_urls=tuple(body["redirect_urls"]),
            webhook_url=body.get("webhook_url", ""),
        )
        if body.get("private_key"):
            self.state.private_key = body["private_key"]
        return self.do_public_key({})

    def do_public_key(self, _body: dict[str, Any]) -> dict[str, Any]:
        """As the app's dashboard shows it, and wrapped in base64 as it may hand it out."""
        key = self.state.public_key
        return {"public_key": key, "wrapped": base64.b64encode(key.encode()).decode()}

    def do_instance_link(self, body: dict[str, Any]) -> dict[str, Any]:
        """The app's page as Wix opens it from the site's dashboard."""
        app, site = self.state.app, self.state.site(body.get("shop"))
        if app is None or not site.instance_id:
            raise ControlError("the app is not installed there")
        instance = self.authorization.instance(site, body.get("signed_at"))
        return {"url": f"{app.redirect_urls[0]}?instance={instance}"}

    def do_ship(self, body: dict[str, Any]) -> dict[str, Any]:
        site, order = self._order(body)
        if order["status"] == "CANCELED":
            raise ControlError("the order is canceled")
        given: dict[str, Any] = {"lineItems": self._lines(order, body.get("lines"))}
        if body.get("tracking_number"):
            given["trackingInfo"] = {"trackingNumber": body["tracking_number"]}
            if body.get("carrier"):
                given["trackingInfo"]["shippingProvider"] = body["carrier"]
        if not given["lineItems"]:
            raise ControlError("nothing is left to ship")
        made = self.parcels.create(site, order, {"fulfillment": given}, by_app=False)
        return {"fulfillment": made["fulfillmentId"]}

    def _lines(self, order: dict[str, Any], wanted: Any, left: dict[str, int] | None = None) -> list[dict[str, Any]]:
        """Units by SKU as units by line, of those that are left to ship, or of these."""
        left = left or {line["id"]: remaining(order, line["id"]) for line in order["lineItems"]}
        if not wanted:
            return [{"id": line_id, "quantity": count} for line_id, count in left.items() if count]
        pairs = wanted.items() if isinstance(wanted, dict) else [(one["sku"], one["quantity"]) for one in wanted]
        lines = []
        for sku, count in pairs:
            count = int(count)
            for line in order["lineItems"]:
                take = min(count, left[line["id"]]) if line["physicalProperties"].get("sku") == sku else 0
                if take:
                    lines.append({"id": line["id"], "quantity": take})
                    left[line["id"]] -= take
                    count -= take
            if count:
                raise ControlError(f"not that many of {sku} are left")
        return lines

    def do_add_tracking(self, body: dict[str, Any]) -> None:
        site, order = self._order(body)
        tracking = {"trackingNumber": body["tracking_number"], "shippingProvider": body.get("carrier") or "other"}
        self.parcels.update(
            site, order, self._parcel(order, body), {"fulfillment": {"trackingInfo": tracking}}, by_app=False
        )

    def do_delete_fulfillment(self, body: dict[str, Any]) -> None:
        site, order = self._order(body)
        self.parcels.delete(site, order, self._parcel(order, body), by_app=False)

    def _parcel(self, order: dict[str, Any], body: dict[str, Any]) -> str:
        found = [one["id"] for one in order["fulfillments"] if body.get("fulfillment") in (None, one["id"])]
        if not found:
            raise ControlError("no such fulfillment")
        return str(found[-1])

    def do_set_status(self, body: dict[str, Any]) -> None:
        self._order(body)[1]["status"] = body["to"]

    def do_add_payment(self, body: dict[str, Any]) -> dict[str, Any]:
        """{amount, to?: a status, is_refundable?}: as a buyer or a provider would leave it."""
        _, order = self._order(body)
        amount = {"amount": str(body["amount"])}
        made = self.payments.add(order, {"payments": [{"amount": amount}]})["paymentsIds"][0]
        payment = order["payments"][-1]
        payment["status"] = body.get("to", "APPROVED")
        payment["refundDisabled"] = not body.get("is_refundable", True)
        return {"payment": made}

    def do_settle_refunds(self, body: dict[str, Any]) -> None:
        self.payments.settle(*self._order(body), body.get("result", "SUCCEEDED"))

    def do_cancel(self, body: dict[str, Any]) -> None:
        """{restock?}"""
        site, order = self._order(body)
        self.orders.cancel(site, order, {"restockAllItems": bool(body.get("restock"))}, by_app=False)

    def do_refund(self, body: dict[str, Any]) -> dict[str, Any]:
        """{lines?: units by SKU, amount?, restock?, reason?}: of its first payment, what is left of it by default."""
        site, order = self._order(body)
        if not order["payments"]:
            raise ControlError("there is no payment to refund")
        payment = order["payments"][0]
        left = Decimal(payment["amount"]["amount"]) - settled(order, payment) - waits(order, payment)
        one = {"paymentId": payment["id"], "amount": {"amount": str(body.get("amount", left))}, "externalRefund": True}
        given: dict[str, Any] = {"orderId": order["id"], "paymentRefunds": [one]}
        given |= {"customerReason": body["reason"]} if body.get("reason") else {}
        if body.get("lines"):
            free = {line["id"]: line["quantity"] - refunded_units(order, line["id"]) for line in order["lineItems"]}
            rows = self._lines(order, body["lines"], free)
            items = [{"lineItemId": row["id"], "quantity": row["quantity"]} for row in rows]
            given["refundItems"] = {"lineItems": items}
            given |= {"sideEffects": {"restock": {"lineItems": items}}} if body.get("restock") else {}
        return {"refund": self.refunds.refund(site, order, given, by_app=False)["refund"]["id"]}

    def do_comment(self, body: dict[str, Any]) -> None:
        """{text}"""
        activity = {"merchantComment": {"message": str(body["text"])}}
        self.orders.comment(self._order(body)[1], {"activity": activity}, by_app=False)

    def do_uninstall(self, body: dict[str, Any]) -> None:
        site = self.state.site(body.get("shop"))
        self.notices.removed(site)
        site.instance_id, site.tokens = "", {}

    def do_expire_tokens(self, body: dict[str, Any]) -> None:
        """`refresh`: the app is gone as well, so that no new token is given."""
        site = self.state.site(body.get("shop"))
        site.tokens = {}
        if body.get("refresh"):
            site.instance_id = ""

    def _order(self, body: dict[str, Any]) -> tuple[Site, dict[str, Any]]:
        site = self.state.site(body.get("shop"))
        return site, self.state.order(site, str(body["order"]))
