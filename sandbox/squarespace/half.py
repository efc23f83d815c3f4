"""The half: routes, tokens, scopes, the pace.

Operations: authorize, token, website.get, orders.create, orders.list, orders.get, orders.fulfill, inventory.list,
inventory.adjust, transactions.list, products.list, products.get, webhooks.subscribe, webhooks.list, webhooks.get,
webhooks.change, webhooks.delete, webhooks.rotate, webhooks.test.
"""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.faults import Fault
from sandbox.squarespace import catalog
from sandbox.squarespace.authorization import Authorization
from sandbox.squarespace.controls import Controls
from sandbox.squarespace.errors import Refused, answer, invalid, refusal
from sandbox.squarespace.notices import Notices, shown
from sandbox.squarespace.orders import Orders
from sandbox.squarespace.state import Site, State
from sandbox.world import World

_LOGIN = "/squarespace/login/api/1/login/oauth/provider"
_API = "/squarespace/api"
_ORDERS = "website.orders"
# method, path, operation, the scopes of which one is enough
_ROUTES = tuple(
    (method, re.compile(_API + path), operation, scopes)
    for method, path, operation, scopes in (
        ("GET", r"/1\.0/authorization/website", "website.get", ()),
        ("POST", r"/1\.0/commerce/orders", "orders.create", (_ORDERS,)),
        ("GET", r"/1\.0/commerce/orders", "orders.list", (_ORDERS, "website.orders.read")),
        ("GET", r"/1\.0/commerce/orders/([0-9a-f]+)", "orders.get", (_ORDERS, "website.orders.read")),
        ("POST", r"/1\.0/commerce/orders/([0-9a-f]+)/fulfillments", "orders.fulfill", (_ORDERS,)),
        (
            "GET",
            r"/1\.0/commerce/inventory(?:/([0-9a-f,-]+))?",
            "inventory.list",
            ("website.inventory", "website.inventory.read"),
        ),
        ("POST", r"/1\.0/commerce/inventory/adjustments", "inventory.adjust", ("website.inventory",)),
        ("GET", r"/1\.0/commerce/transactions", "transactions.list", ("website.transactions.read",)),
        ("GET", r"/v2/commerce/products", "products.list", ("website.products", "website.products.read")),
        ("GET", r"/v2/commerce/products/([0-9a-f,]+)", "products.get", ("website.products", "website.products.read")),
        ("POST", r"/1\.0/webhook_subscriptions", "webhooks.subscribe", (_ORDERS, "website.orders.read")),
        ("GET", r"/1\.0/webhook_subscriptions", "webhooks.list", ()),
        ("GET", r"/1\.0/webhook_subscriptions/([0-9a-f-]+)", "webhooks.get", ()),
        ("POST", r"/1\.0/webhook_subscriptions/([0-9a-f-]+)", "webhooks.change", ()),
        ("DELETE", r"/1\.0/webhook_subscriptions/([0-9a-f-]+)", "webhooks.delete", ()),
        ("POST", r"/1\.0/webhook_subscriptions/([0-9a-f-]+)/actions/rotateSecret", "webhooks.rotate", ()),
        ("POST", r"/1\.0/webhook_subscriptions/([0-9a-f-]+)/actions/sendTestNotification", "webhooks.test", ()),
    )
)
# Names that HTTP libraries give themselves: such calls are throttled harder; here they are refused.
_DEFAULT_AGENTS = re.compile(r"^(python-requests|curl|Python-urllib|okhttp|axios|Java)/", re.I)


class SquarespaceHalf:
    name = "squarespace"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State(world)
        self.notices = Notices(self.state)
        self.orders = Orders(self.state, self.notices)
        self.authorization = Authorization(self.state)
        self.controls = Controls(self.state, self.notices, self.orders)

    def operation_of(self, request: Request) -> str | None:
        if request.path == f"{_LOGIN}/authorize" and request.method in ("GET", "POST"):
            return "authorize"
        if request.path == f"{_LOGIN}/tokens" and request.method == "POST":
            return "token"
        found = _route(request)
        return found[0] if found else None

    def handle(self, request: Request, operation: str) -> Response:
        if operation == "authorize":
            return self.authorization.page(request)
        if operation == "token":
            return self.authorization.token(request)
        try:
            site = self._site(request)
            return self._call(request, operation, site)
        except Refused as error:
            request.environ["sandbox.note"] = error.message[:200]
            return refusal(error)

    def fault_response(self, fault: Fault) -> Response:
        return refusal(Refused(fault.status, "Made to fail", kind="API_ERROR"))

    def not_found(self, _request: Request) -> Response:
        return refusal(Refused(404, "There is nothing here"))

    def tick(self) -> None:
        """Nothing comes about by time alone."""

    def reset(self) -> None:
        self.state.clear()

    def seed(self) -> None:
        self.state.seed()

    def control(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.controls.run(action, body)

    def snapshot(self) -> dict[str, Any]:
        """Everything but tokens and secrets."""
        sites = self.state.sites.values()
        return {
            "app": self.state.app.client_id if self.state.app else None,
            "shops": [
                {"id": site.id, "name": site.title, "currency": site.currency, "installed": bool(site.grant)}
                for site in sites
            ],
            "variants": [
                {"shop": site.id, "sku": one["sku"], "title": one["title"], "id": one["id"]}
                for site in sites
                for one in site.variants.values()
            ],
            "orders": [_seen(site, order) for site in sites for order in site.orders.values()],
        }

    def _site(self, request: Request) -> Site:
        """Whose token it is, within its scopes and the pace. Raises Refused."""
        agent = request.headers.get("User-Agent", "")
        if not agent or _DEFAULT_AGENTS.match(agent):
            raise invalid("A descriptive User-Agent is required")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        found = self.state.site_of(token)
        if found is None:
            raise Refused(401, "The access token is not valid", kind="AUTHORIZATION_ERROR")
        site, grant = found
        if token == grant.fresh:
            grant.previous = ""  # the new pair is in use: the old refresh token is dead
        _, scopes, _ = _route(request) or ("", (), ())
        if scopes and not set(scopes) & set(grant.scopes):
            raise Refused(403, f"The scope {scopes[0]} was not granted", kind="AUTHORIZATION_ERROR")
        self._pace(site)
        return site

    def _pace(self, site: Site) -> None:
        now = self.world.now()
        site.calls = [at for at in site.calls if at > now - 60]
        if site.cooling_until > now:
            raise Refused(429, "Too many requests", kind="RATE_LIMIT_ERROR")
        site.calls.append(now)
        if len(site.calls) > site.calls_per_minute:
            site.cooling_until = now + 60
            raise Refused(429, "Too many requests", kind="RATE_LIMIT_ERROR")

    def _call(self, request: Request, operation: str, site: Site) -> Response:
        _, _, ids = _route(request) or ("", (), ())
        if operation.startswith("webhooks."):
            return self._webhooks(request, operation, site, ids[0] if ids else "")
        if operation == "website.get":
            return answer(catalog.website(site))
        if operation == "orders.create":
            order, how = self.orders.create(site, _body(request), request.headers.get("Idempotency-Key", ""))
            request.environ["sandbox.note"] = "" if how == "made" else "replayed by its key"
            return answer(order, 201)
        if operation == "orders.list":
            return answer(self.orders.listing(site, dict(request.args)))
        if operation in ("orders.get", "orders.fulfill"):
            if ids[0] not in site.orders:
                raise Refused(404, "The order was not found")
            order = site.orders[ids[0]]
            if operation == "orders.get":
                return answer(self.orders.shown(site, order))
            self.orders.fulfill(site, order, _body(request).get("shipments"))
            return answer(None, 204)
        if operation == "inventory.adjust":
            catalog.adjust(self.state, site, _body(request), request.headers.get("Idempotency-Key", ""))
            return answer(None, 204)
        if operation == "inventory.list":
            return answer(catalog.inventory(site, ids[0] if ids else None))
        if operation == "transactions.list":
            return answer(
                {"documents": [], "pagination": {"hasNextPage": False, "nextPageCursor": None, "nextPageUrl": None}}
            )
        if operation == "products.get":
            return answer(catalog.products_of(site, ids[0].split(",")))
        return answer(catalog.listing(site, dict(request.args)))

    def _webhooks(self, request: Request, operation: str, site: Site, subscription_id: str) -> Response:
        if operation == "webhooks.subscribe":
            return answer(self.notices.subscribe(site, _body(request)), 201)
        if operation == "webhooks.list":
            return answer({"webhookSubscriptions": [shown(one) for one in site.subscriptions.values()]})
        one = self.notices.subscription(site, subscription_id)
        if operation == "webhooks.delete":
            del site.subscriptions[subscription_id]
            return answer(None, 204)
        if operation == "webhooks.rotate":
            return answer(self.notices.rotate(one))
        if operation == "webhooks.test":
            self.notices.send(site, "order.create", {"orderId": "000000000000000000000000"})
            return answer({"statusCode": 200})
        if operation == "webhooks.change":
            one |= {name: value for name, value in _body(request).items() if name in ("endpointUrl", "topics")}
        return answer(shown(one))


def _route(request: Request) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    for method, path, operation, scopes in _ROUTES:
        match = path.fullmatch(request.path) if method == request.method else None
        if match:
            return operation, scopes, tuple(part for part in match.groups() if part)
    return None


def _body(request: Request) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise invalid("Content-Type must be application/json")
    try:
        content = json.loads(request.get_data())
    except ValueError as error:
        raise invalid("The body is not JSON") from error
    if not isinstance(content, dict):
        raise invalid("The body must be an object")
    return content


def _seen(site: Site, order: dict[str, Any]) -> dict[str, Any]:
    address = order["shippingAddress"] or {}
    is_fulfilled = order["fulfillmentStatus"] == "FULFILLED"
    name = " ".join(filter(None, [address.get("firstName"), address.get("lastName")]))
    return {
        "id": order["id"],
        "name": f"#{order['orderNumber']}",
        "shop": site.id,
        "reference": order["externalOrderReference"],
        "created_at": order["made"],
        "total": order["grandTotal"]["value"],
        "currency": order["grandTotal"]["currency"],
        "status": "Cancelled" if order["fulfillmentStatus"] == "CANCELED" else "",
        "fulfillment_status": "Fulfilled" if is_fulfilled else "Unfulfilled",
        "is_cancelled": order["fulfillmentStatus"] == "CANCELED",
        "email": order["customerEmail"] or "",
        "phone": address.get("phone", ""),
        "note": "",
        "internal_notes": [one["content"] for one in order["internalNotes"]],
        "refunded": order["refundedTotal"]["value"],
        "tags": [],
        "shipping_address": {
            "name": name,
            "zip": address.get("postalCode", ""),
            "country": address.get("countryCode", ""),
            **{part: address.get(part, "") for part in ("address1", "address2", "city", "state", "phone")},
        },
        "shipping_method": ", ".join(line["method"] for line in order["shippingLines"]),
        "discount": order["discountTotal"]["value"],
        "tax": order["taxTotal"]["value"],
        "subtotal": order["subtotal"]["value"],
        "shipping_total": order["shippingTotal"]["value"],
        "lines": [
            {
                "sku": line["sku"],
                "title": line["productName"],
                "quantity": line["quantity"],
                "remaining": 0 if is_fulfilled else line["quantity"],
                "price": line["unitPricePaid"]["value"],
            }
            for line in order["lineItems"]
        ],
        "fulfillments": [
            {
                "id": f"{order['id']}/{place}",
                "status": "SUCCESS",
                "tracking_number": one.get("trackingNumber") or "",
                "carrier": one.get("carrierName") or "",
                "lines": {},
            }
            for place, one in enumerate(order["fulfillments"], start=1)
        ],
        "raw": order["sent"],
    }
