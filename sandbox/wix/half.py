"""The half: routes, tokens, the pace.

Operations: install, token, instance.get, orders.create, orders.search, orders.get, orders.cancel, orders.update,
activities.add, fulfillments.list, fulfillments.get, fulfillments.create, fulfillments.update, fulfillments.delete,
payments.get, payments.add, refunds.able, refunds.calculate, refunds.create, catalog.version, variants.v3, variants.v1.
"""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.faults import Fault
from sandbox.wix import catalog, refund_shapes
from sandbox.wix.authorization import Authorization
from sandbox.wix.controls import Controls
from sandbox.wix.errors import Refused, answer, refusal
from sandbox.wix.notices import Notices
from sandbox.wix.orders import HIDDEN, Orders, refuse
from sandbox.wix.parcels import Parcels
from sandbox.wix.payments import Payments
from sandbox.wix.refunds import Refunds
from sandbox.wix.searching import Search
from sandbox.wix.snapshot import seen
from sandbox.wix.state import Site, State
from sandbox.world import World

_ID = r"([0-9a-f-]{36})"
_ROUTES = tuple(
    (method, re.compile(f"/wix/api{path}"), operation)
    for method, path, operation in (
        ("POST", "/oauth2/token", "token"),
        ("GET", "/apps/v1/instance", "instance.get"),
        ("POST", "/ecom/v1/orders", "orders.create"),
        ("POST", "/ecom/v1/orders/search", "orders.search"),
        ("GET", f"/ecom/v1/orders/{_ID}", "orders.get"),
        ("PATCH", f"/ecom/v1/orders/{_ID}", "orders.update"),
        ("POST", f"/ecom/v1/orders/{_ID}/cancel", "orders.cancel"),
        ("POST", f"/ecom/v1/orders/{_ID}/activities", "activities.add"),
        ("GET", f"/ecom/v1/fulfillments/orders/{_ID}", "fulfillments.get"),
        ("POST", "/ecom/v1/fulfillments/list-by-ids", "fulfillments.list"),
        ("POST", f"/ecom/v1/fulfillments/orders/{_ID}/create-fulfillment", "fulfillments.create"),
        ("PATCH", f"/ecom/v1/fulfillments/{_ID}/orders/{_ID}", "fulfillments.update"),
        ("DELETE", f"/ecom/v1/fulfillments/{_ID}/orders/{_ID}", "fulfillments.delete"),
        ("GET", f"/ecom/v1/payments/orders/{_ID}", "payments.get"),
        ("POST", f"/ecom/v1/payments/orders/{_ID}/add-payment", "payments.add"),
        ("POST", "/ecom/v1/order-billing/get-order-refundability", "refunds.able"),
        ("POST", "/ecom/v1/order-billing/calculate-refund", "refunds.calculate"),
        ("POST", "/ecom/v1/order-billing/refund-payments", "refunds.create"),
        ("GET", "/stores/v3/provision/version", "catalog.version"),
        ("POST", "/stores/v3/products/query-variants", "variants.v3"),
        ("POST", "/stores/v3/products/search-variants", "variants.v3"),
        ("POST", "/stores-reader/v1/variants/query", "variants.v1"),
    )
)
_UPDATABLE = frozenset(
    {
        "id",
        "buyerInfo",
        "recipientInfo",
        "billingInfo",
        "shippingInfo",
        "buyerNote",
        "archived",
        "attributionSource",
        "seenByAHuman",
        "customFields",
        "tags",
        "extendedFields",
        "buyerLanguage",
    }
)


class WixHalf:
    name = "wix"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State(world)
        self.notices = Notices(self.state)
        self.orders = Orders(self.state, self.notices)
        self.search = Search(self.state, self.orders)
        self.parcels = Parcels(self.state, self.notices)
        self.payments = Payments(self.state, self.notices, self.orders)
        self.refunds = Refunds(self.state, self.notices, self.payments)
        self.authorization = Authorization(self.state, self.notices)
        self.controls = Controls(
            self.state,
            self.notices,
            self.authorization,
            orders=self.orders,
            parcels=self.parcels,
            payments=self.payments,
            refunds=self.refunds,
        )

    def operation_of(self, request: Request) -> str | None:
        if request.path == "/wix/installer/install" and request.method in ("GET", "POST"):
            return "install"
        found = _route(request)
        return found[0] if found else None

    def handle(self, request: Request, operation: str) -> Response:
        if operation == "install":
            return self.authorization.installer(request)
        if operation == "token":
            return self.authorization.token(request)
        try:
            site = self.authorization.site_of(request)
            self._pace(site)
            return answer(self._call(request, operation, site))
        except Refused as error:
            request.environ["sandbox.note"] = error.message[:200]
            return refusal(error)

    def fault_response(self, fault: Fault) -> Response:
        return refusal(Refused(fault.status, "Made to fail", code="INTERNAL"))

    def not_found(self, _request: Request) -> Response:
        return answer({"message": "", "details": {}}, 404)

    def tick(self) -> None:
        """Nothing comes about by time alone."""

    def reset(self) -> None:
        self.state.clear()

    def seed(self) -> None:
        self.state.seed()

    def control(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.controls.run(action, body)
        except Refused as error:
            raise ValueError(error.message) from error

    def snapshot(self) -> dict[str, Any]:
        """Everything but tokens and keys."""
        sites = self.state.sites.values()
        return {
            "app": self.state.app.app_id if self.state.app else None,
            "shops": [
                {"id": site.seller, "name": site.name, "currency": site.currency, "installed": bool(site.instance_id)}
                for site in sites
            ],
            "variants": [
                {"shop": site.seller, **{name: one[name] for name in ("sku", "title", "id")}, "stock": one["quantity"]}
                for site in sites
                for one in site.variants.values()
            ],
            "orders": [seen(site, order) for site in sites for order in site.orders.values()],
        }

    def _pace(self, site: Site) -> None:
        now = self.world.now()
        site.calls = [at for at in site.calls if at > now - 60]
        if len(site.calls) >= site.calls_per_minute:
            raise Refused(429, "too many requests", code="RATE_LIMIT")
        site.calls.append(now)

    def _call(self, request: Request, operation: str, site: Site) -> Any:
        found = _route(request)
        assert found is not None
        ids, kind = found[1], operation.partition(".")[0]
        body = _body(request) if request.method in ("POST", "PATCH") else {}
        if operation == "instance.get":
            return self.authorization.told(site)
        if operation == "catalog.version":
            return catalog.version(site)
        if kind == "variants":
            return catalog.query_v3(site, body) if operation == "variants.v3" else catalog.query_v1(site, body)
        if operation == "orders.create":
            return {"order": self.orders.create(site, body)}
        if operation == "orders.search":
            return self.search.run(site, body, request.environ.get("sandbox.as_of"))
        if operation == "fulfillments.list":
            orders = [site.orders[order_id] for order_id in body.get("orderIds") or [] if order_id in site.orders]
            return {"ordersWithFulfillments": [self.parcels.told(order) for order in orders]}
        if not ids:
            refuse(refund_shapes.ABLE.check({"orderId": body.get("orderId")}, ""))
        order = self.orders.find(site, ids[-1] if ids else body["orderId"])
        if kind == "orders":
            return {"order": self._order_call(site, order, operation, body)}
        if kind == "fulfillments":
            return self._parcel_call(site, order, operation, ids, body)
        if operation == "payments.get":
            return {"orderTransactions": self.payments.told(order)}
        if operation == "payments.add":
            return self.payments.add(order, body)
        if kind == "refunds":
            return self._refund_call(site, order, operation, body)
        return self.orders.comment(order, body, by_app=True)

    def _refund_call(self, site: Site, order: dict[str, Any], operation: str, body: dict[str, Any]) -> Any:
        if operation == "refunds.able":
            return self.refunds.refundability(site, order, body)
        if operation == "refunds.calculate":
            return self.refunds.calculate(order, body)
        return self.refunds.refund(site, order, body, by_app=True)

    def _order_call(self, site: Site, order: dict[str, Any], operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation == "orders.cancel":
            return self.orders.cancel(site, order, body, by_app=True)
        if operation == "orders.update":
            given = body.get("order") or {}
            if order["status"] in HIDDEN:
                raise Refused(400, "the order is not approved", code=f"ORDER_IS_{order['status']}")
            if unknown := sorted(set(given) - _UPDATABLE):
                raise Refused(400, f"{unknown[0]} cannot be updated", violations=[{"field": f"order.{unknown[0]}"}])
            order.update({name: value for name, value in given.items() if name != "id"})
            self.orders.touch(order)
            self.notices.order(site, "updated", order, self.orders.told(site, order), by_app=True)
        return self.orders.told(site, order)

    def _parcel_call(
        self, site: Site, order: dict[str, Any], operation: str, ids: tuple[str, ...], body: dict[str, Any]
    ) -> dict[str, Any]:
        if operation == "fulfillments.create":
            return self.parcels.create(site, order, body, by_app=True)
        if operation == "fulfillments.update":
            self.parcels.update(site, order, ids[0], body, by_app=True)
        if operation == "fulfillments.delete":
            self.parcels.delete(site, order, ids[0], by_app=True)
        return {"orderWithFulfillments": self.parcels.told(order)}


def _route(request: Request) -> tuple[str, tuple[str, ...]] | None:
    for method, path, operation in _ROUTES:
        match = path.fullmatch(request.path) if method == request.method else None
        if match:
            return operation, match.groups()
    return None


def _body(request: Request) -> dict[str, Any]:
    try:
        content = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise Refused(400, "the body is not JSON", code="INVALID_JSON") from error
    if not isinstance(content, dict):
        raise Refused(400, "the body must be an object", code="INVALID_JSON")
    return content
