"""The half: routes, tokens, regions, the pace.

Operations: consent, consent.confirm, token, orders.preview, orders.create, orders.list, orders.get, orders.update,
orders.cancel, orders.status, returns.create, returns.reasons, tracking.get, features.list, features.sku,
inventory.list.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from sandbox.amazon import returns
from sandbox.amazon.authorization import Authorization
from sandbox.amazon.controls import Controls
from sandbox.amazon.errors import Refused, answer, refusal
from sandbox.amazon.orders import STATUSES, Orders, remaining
from sandbox.amazon.reading import Reading
from sandbox.amazon.state import BURST, RATE, Seller, State
from sandbox.faults import Fault
from sandbox.world import World

_OUTBOUND = r"/amazon/api/(na|eu|fe)/fba/outbound/2020-07-01"
_ROUTES = tuple(
    (method, re.compile(path), operation)
    for method, path, operation in (
        ("POST", f"{_OUTBOUND}/fulfillmentOrders/preview", "orders.preview"),
        ("POST", f"{_OUTBOUND}/fulfillmentOrders", "orders.create"),
        ("GET", f"{_OUTBOUND}/fulfillmentOrders", "orders.list"),
        ("GET", f"{_OUTBOUND}/fulfillmentOrders/([^/]+)", "orders.get"),
        ("PUT", f"{_OUTBOUND}/fulfillmentOrders/([^/]+)", "orders.update"),
        ("PUT", f"{_OUTBOUND}/fulfillmentOrders/([^/]+)/cancel", "orders.cancel"),
        ("PUT", f"{_OUTBOUND}/fulfillmentOrders/([^/]+)/return", "returns.create"),
        ("PUT", f"{_OUTBOUND}/fulfillmentOrders/([^/]+)/status", "orders.status"),
        ("GET", f"{_OUTBOUND}/returnReasonCodes", "returns.reasons"),
        ("GET", f"{_OUTBOUND}/tracking", "tracking.get"),
        ("GET", f"{_OUTBOUND}/features", "features.list"),
        ("GET", f"{_OUTBOUND}/features/inventory/([^/]+)/([^/]+)", "features.sku"),
        ("GET", r"/amazon/api/(na|eu|fe)/fba/inventory/v1/summaries", "inventory.list"),
    )
)
_BURSTS = {"inventory.list": 2}


class AmazonHalf:
    name = "amazon"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State(world)
        self.orders = Orders(self.state)
        self.reading = Reading(self.state)
        self.authorization = Authorization(self.state)
        self.controls = Controls(self.state, self.orders)

    def operation_of(self, request: Request) -> str | None:
        if request.path == "/amazon/consent" and request.method in ("GET", "POST"):
            return "consent"
        if request.path == "/amazon/consent/confirm" and request.method == "GET":
            return "consent.confirm"
        if request.path == "/amazon/auth/o2/token" and request.method == "POST":
            return "token"
        found = _route(request)
        return found[0] if found else None

    def handle(self, request: Request, operation: str) -> Response:
        if operation == "consent":
            return self.authorization.page(request)
        if operation == "consent.confirm":
            return self.authorization.confirm(request)
        if operation == "token":
            return self.authorization.token(request)
        rate = RATE
        try:
            seller = self._seller(request)
            rate = seller.rate
        except Refused as error:
            return refusal(error)
        try:
            self._pace(seller, operation)
            response = answer(self._call(request, operation, seller))
        except Refused as error:
            request.environ["sandbox.note"] = error.message[:200]
            if error.status == 400:
                error.status = seller.refusal_status
            response = refusal(error)
        response.headers["x-amzn-RateLimit-Limit"] = f"{rate:.1f}"
        return response

    def fault_response(self, fault: Fault) -> Response:
        return refusal(Refused(fault.status, "Made to fail"))

    def not_found(self, _request: Request) -> Response:
        return refusal(Refused(404, "There is nothing here"))

    def tick(self) -> None:
        """Orders are planned, and those on hold for too long are cancelled."""
        self.orders.tick()

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
        """Everything but tokens and secrets."""
        sellers = self.state.sellers.values()
        return {
            "app": self.state.app.app_id if self.state.app else None,
            "shops": [
                {"id": one.key, "name": one.name, "currency": one.currency, "installed": bool(one.refresh)}
                for one in sellers
            ],
            "variants": [
                {"shop": one.key, "sku": sku, "title": row["title"], "id": sku}
                for one in sellers
                for sku, row in one.stock.items()
            ],
            "orders": [_seen(one, order) for one in sellers for order in one.orders.values()],
        }

    def _seller(self, request: Request) -> Seller:
        """Whose token it is, at the host of the seller's own region. Raises Refused."""
        token, found = request.headers.get("x-amz-access-token", ""), _route(request)
        assert found is not None
        for seller in self.state.sellers.values():
            if seller.access.get(token, 0.0) > self.world.now():
                if found[1][0] != seller.region:
                    raise Refused(403, "Access to requested resource is denied.")
                return seller
        raise Refused(403, "The access token you provided is revoked, malformed or invalid.")

    def _pace(self, seller: Seller, operation: str) -> None:
        """A bucket for each operation: a burst, refilled at two a second."""
        burst = _BURSTS.get(operation, BURST) if seller.burst == BURST else seller.burst
        now = self.world.now()
        left, at = seller.buckets.get(operation, (float(burst), now))
        left = min(float(burst), left + seller.rate * max(0.0, now - at))
        if left < 1:
            seller.buckets[operation] = (left, now)
            raise Refused(429, "You exceeded your quota for the requested resource.")
        seller.buckets[operation] = (left - 1, now)

    def _call(self, request: Request, operation: str, seller: Seller) -> Any:
        found = _route(request)
        assert found is not None
        ids, query = [unquote(part) for part in found[1][1:]], dict(request.args)
        kind = operation.partition(".")[0]
        if operation == "orders.create":
            return self.orders.create(seller, _body(request))
        if operation == "orders.list":
            return self.reading.listing(seller, query)
        if operation == "orders.preview":
            return self.reading.preview(seller, _body(request))
        if operation == "inventory.list":
            return self.reading.inventory(seller, query)
        if operation == "tracking.get":
            return self.reading.tracking(seller, query)
        if kind == "features":
            return self.reading.feature_sku(seller, *ids) if ids else self.reading.features(seller)
        if operation == "returns.reasons":
            return returns.reasons(seller, query)
        if re.search(r"[ +]", ids[0]):
            raise Refused(403, "Access to requested resource is denied.")  # seen by others, though the id exists
        return self._order_call(request, operation, seller, self.orders.find(seller, ids[0]))

    def _order_call(self, request: Request, operation: str, seller: Seller, order: dict[str, Any]) -> Any:
        if operation == "orders.get":
            return self.reading.order(seller, order)
        if operation == "orders.cancel":
            return self.orders.cancel(seller, order)
        if operation == "orders.update":
            return self.orders.update(seller, order, _body(request))
        if operation == "returns.create":
            return returns.create(self.state, order, _body(request))
        status = _body(request).get("fulfillmentOrderStatus")
        if status not in STATUSES:
            raise Refused(400, "fulfillmentOrderStatus is not known")
        self.orders.move(order, status)
        return {}


def _route(request: Request) -> tuple[str, tuple[str, ...]] | None:
    for method, path, operation in _ROUTES:
        match = path.fullmatch(request.path) if method == request.method else None
        if match:
            return operation, match.groups()
    return None


def _body(request: Request) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise Refused(400, "The content-type must be application/json")
    try:
        content = json.loads(request.get_data())
    except ValueError as error:
        raise Refused(400, "The body is not JSON") from error
    if not isinstance(content, dict):
        raise Refused(400, "The body must be an object")
    return content


def _seen(seller: Seller, order: dict[str, Any]) -> dict[str, Any]:
    sent, left = order["sent"], remaining(order)
    address = sent["destinationAddress"]
    is_over = order["status"] in ("Complete", "CompletePartialled")
    return {
        "id": order["id"],
        "name": order["id"],
        "shop": seller.key,
        "reference": order["id"].removeprefix("TT-"),
        "created_at": order["made"],
        "total": "",
        "currency": "",
        "status": "Cancelled" if order["status"] == "Cancelled" else "",
        "fulfillment_status": "Fulfilled" if is_over else order["status"],
        "is_cancelled": order["status"] == "Cancelled",
        "email": "",
        "phone": address.get("phone", ""),
        "note": sent["displayableOrderComment"],
        "tags": [],
        "shipping_address": {
            "name": address["name"],
            "address1": address["addressLine1"],
            "address2": ", ".join(filter(None, [address.get("addressLine2"), address.get("addressLine3")])),
            "city": address.get("city", ""),
            "state": address.get("stateOrRegion", ""),
            "zip": address["postalCode"],
            "country": address["countryCode"],
            "phone": address.get("phone", ""),
        },
        "shipping_method": sent["shippingSpeedCategory"],
        "discount": "",
        "tax": "",
        "subtotal": "",
        "shipping_total": "",
        "lines": [
            {
                "sku": item["sellerSku"],
                "title": seller.stock.get(item["sellerSku"], {}).get("title", item["sellerSku"]),
                "quantity": item["quantity"],
                "remaining": left[item["sellerFulfillmentOrderItemId"]],
                "price": "",
            }
            for item in sent["items"]
        ],
        "returns": [
            {
                "id": one["sellerReturnItemId"],
                "status": one["status"],
                "condition": one.get("returnReceivedCondition", ""),
                "note": one.get("returnComment", ""),
            }
            for one in order["returns"]
        ],
        "fulfillments": [
            {
                "id": shipment["amazonShipmentId"],
                "status": "SUCCESS",
                "tracking_number": package.get("trackingNumber") or package.get("amazonFulfillmentTrackingNumber", ""),
                "carrier": package["carrierCode"],
                "lines": {line["sellerSku"]: line["quantity"] for line in shipment["fulfillmentShipmentItem"]},
            }
            for shipment in order["shipments"]
            for package in shipment["fulfillmentShipmentPackage"]
        ],
        "raw": sent,
    }
