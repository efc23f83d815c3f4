"""The front: finds the operation, checks the caller, hands the call to its handler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.faults import Fault
from sandbox.tiktok_shop import logistics, orders, products
from sandbox.tiktok_shop.authorization import Authorization
from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellations import Cancellations
from sandbox.tiktok_shop.controls import Controls
from sandbox.tiktok_shop.envelope import Refusal, answer, bad_request, refuse
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.shipping import Shipping
from sandbox.tiktok_shop.signing import request_is_signed
from sandbox.tiktok_shop.state import App, Grant, Shop, State
from sandbox.tiktok_shop.subscriptions import Subscriptions
from sandbox.world import World

PREFIX = "/tiktok_shop"
API = PREFIX + "/api"
COMMON = frozenset({"app_key", "timestamp", "sign", "access_token", "shop_cipher", "version"})
PRODUCTS = "seller.product.basic"
PAGING = frozenset({"page_size", "page_token", "sort_field", "sort_order"})
ORDER, SHIP = "seller.order.info", "seller.fulfillment.basic"
LOGISTICS, RETURNS, SHOPS = "seller.logistics", "seller.return_refund.basic", "seller.authorization.info"
FAULT_CODES = {401: 105002, 429: 36009002, 500: 36009003, 503: 36009007}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    name: str
    scope: str
    handler: Callable[[Call], dict[str, Any]]
    query: frozenset[str] = frozenset()
    needs_cipher: bool = True


class Bucket:
    """A token bucket in real time: the load is real even where the world's clock is frozen."""

    def __init__(self) -> None:
        self.left: float | None = None
        self.at = time.monotonic()

    def take(self, rate: int) -> bool:
        now = time.monotonic()
        left = float(rate) if self.left is None else min(rate, self.left + (now - self.at) * rate)
        self.at, self.left = now, left
        if left < 1:
            return False
        self.left = left - 1
        return True


class TiktokShopHalf:
    name = "tiktok_shop"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State(world)
        self.notices = Notices(self.state)
        self.authorization = Authorization(self.state)
        self.cancellations = Cancellations(self.notices)
        self.controls = Controls(self.state, self.notices, self.cancellations, self.authorization)
        self.buckets: dict[tuple[str, str, str], Bucket] = {}
        self.operations = {f"{one.method} {one.path}": one for one in self._operations()}
        rules = [Rule(one.path, methods=[one.method], endpoint=key) for key, one in self.operations.items()]
        self.routes = Map(rules, strict_slashes=True, redirect_defaults=False, merge_slashes=False)

    def _operations(self) -> list[Operation]:
        ships, cancels = Shipping(self.notices), self.cancellations
        hooks = Subscriptions(self.state)
        external, cancel = "/order/202406/orders", "/return_refund/202309/cancellations"
        packages, ful = "/fulfillment/202309/packages/<package_id>", "/fulfillment/202309/orders/<order_id>"
        logi = "/logistics/202309"
        return [
            Operation("GET", "/authorization/202309/shops", "shops", SHOPS, self._shops, needs_cipher=False),
            Operation("POST", "/order/202309/orders/search", "orders.search", ORDER, orders.search, PAGING),
            Operation("GET", "/order/202507/orders", "orders.detail", ORDER, orders.detail, frozenset({"ids"})),
            Operation("GET", "/order/202309/orders", "orders.detail", ORDER, orders.detail, frozenset({"ids"})),
            Operation(
                "GET",
                "/order/202407/orders/<order_id>/price_detail",
                "orders.price_detail",
                ORDER,
                orders.price_detail,
            ),
            Operation("POST", f"{external}/external_orders", "external_orders.add", ORDER, orders.add_external),
            Operation(
                "GET",
                f"{external}/<order_id>/external_orders",
                "external_orders.get",
                ORDER,
                orders.get_external,
                frozenset({"platform"}),
            ),
            Operation(
                "POST",
                f"{external}/external_order_search",
                "external_orders.search",
                ORDER,
                orders.search_external,
            ),
            Operation("POST", f"{ful}/packages", "orders.ship", SHIP, ships.mark_shipped),
            Operation("POST", f"{packages}/ship", "packages.ship", SHIP, ships.ship_package),
            Operation("POST", f"{packages}/shipping_info/update", "packages.update", SHIP, ships.update_info),
            Operation("POST", f"{ful}/shipping_info/update", "packages.update", SHIP, ships.update_info),
            Operation("GET", packages, "packages.detail", SHIP, ships.package_detail),
            Operation("GET", f"{ful}/tracking", "orders.tracking", LOGISTICS, ships.tracking),
            Operation(
                "GET",
                f"{logi}/delivery_options/<delivery_option_id>/shipping_providers",
                "providers",
                LOGISTICS,
                logistics.providers,
                frozenset({"warehouse_region", "buyer_region"}),
            ),
            Operation("GET", f"{logi}/warehouses", "warehouses", LOGISTICS, logistics.warehouses),
            Operation(
                "GET",
                f"{logi}/warehouses/<warehouse_id>/delivery_options",
                "delivery_options",
                LOGISTICS,
                logistics.delivery_options,
                frozenset({"scope"}),
            ),
            Operation(
                "POST",
                "/product/202502/products/search",
                "products.search",
                PRODUCTS,
                products.search,
                frozenset({"page_size", "page_token"}),
            ),
            Operation(
                "GET", "/logistics/202510/seller_templates", "seller_templates", LOGISTICS, logistics.seller_templates
            ),
            Operation("POST", cancel, "cancellations.create", RETURNS, cancels.create),
            Operation("POST", f"{cancel}/search", "cancellations.search", RETURNS, cancels.search, PAGING),
            Operation(
                "POST",
                f"{cancel}/<cancel_id>/approve",
                "cancellations.approve",
                RETURNS,
                cancels.approve,
                frozenset({"idempotency_key"}),
            ),
            Operation(
                "POST",
                f"{cancel}/<cancel_id>/reject",
                "cancellations.reject",
                RETURNS,
                cancels.reject,
                frozenset({"idempotency_key"}),
            ),
            Operation(
                "GET",
                "/return_refund/202309/reject_reasons",
                "cancellations.reject_reasons",
                RETURNS,
                cancels.reject_reasons,
                frozenset({"return_or_cancel_id", "locale"}),
            ),
            Operation("PUT", "/event/202309/webhooks", "webhooks.put", SHOPS, hooks.put),
            Operation("GET", "/event/202309/webhooks", "webhooks.list", SHOPS, hooks.listing),
            Operation("DELETE", "/event/202309/webhooks", "webhooks.delete", SHOPS, hooks.delete),
        ]

    def operation_of(self, request: Request) -> str | None:
        path, method = request.path, request.method
        if path == f"{PREFIX}/services/open/authorize" and method in ("GET", "POST"):
            return "authorize"
        if method == "GET" and path == f"{PREFIX}/auth/api/v2/token/get":
            return "token.get"
        if method == "GET" and path == f"{PREFIX}/auth/api/v2/token/refresh":
            return "token.refresh"
        found = self._find(request)
        return found[0].name if found else None

    def handle(self, request: Request, operation: str) -> Response:
        try:
            if operation == "authorize":
                return self.authorization.page(request)
            if operation == "token.get":
                return self.authorization.token_get(request)
            if operation == "token.refresh":
                return self.authorization.token_refresh(request)
            found = self._find(request)
            assert found is not None
            call = self._check(request, *found)
            return answer(found[0].handler(call))
        except Refusal as refusal:
            request.environ["sandbox.note"] = f"{refusal.code} {refusal.message}"
            return refuse(refusal)

    def not_found(self, _request: Request) -> Response:
        return refuse(Refusal(36009009, "Invalid path", 404))

    def fault_response(self, fault: Fault) -> Response:
        return refuse(Refusal(FAULT_CODES.get(fault.status, 36009003), "Made to fail", fault.status))

    def tick(self) -> None:
        self.controls.tick()
        self.cancellations.tick()

    def reset(self) -> None:
        self.state.clear()
        self.buckets.clear()

    def seed(self) -> None:
        self.state.seed()

    def snapshot(self) -> dict[str, Any]:
        """Everything, unmasked; the app's secret and the tokens stay out."""
        return {
            "app": self.state.app.app_key if self.state.app else None,
            "shops": [
                {
                    **asdict(shop),
                    "cipher": shop.cipher,
                    "warehouse_id": shop.warehouse_id,
                    "delivery_option_id": shop.delivery_option_id,
                }
                for shop in self.state.shops.values()
            ],
            "authorized": sorted(
                {one for grant in self.state.grants if not grant.is_revoked for one in grant.shop_ids}
            ),
            "orders": [
                {
                    **order.data,
                    "shop_id": order.shop_id,
                    "hold_until": order.hold_until,
                    "external_orders": order.external,
                }
                for order in self.state.orders.values()
            ],
            "cancellations": list(self.state.cancellations.values()),
        }

    def control(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.controls.run(action, body)

    def _find(self, request: Request) -> tuple[Operation, dict[str, str]] | None:
        if not request.path.startswith(API + "/"):
            return None
        try:
            key, args = self.routes.bind("").match(request.path.removeprefix(API), method=request.method)
        except HTTPException:
            return None
        return self.operations[key], dict(args)

    def _check(self, request: Request, operation: Operation, args: dict[str, str]) -> Call:
        query = {name: request.args[name] for name in request.args}
        app = self._check_signature(request, query)
        grant = self._check_token(request, operation)
        for name in query:
            if name not in COMMON | operation.query:
                raise bad_request(f"Unexpected identifier: {name}")  # [guess] for names other than shop_cipher
        shop = self._check_cipher(query, operation, grant)
        bucket = self.buckets.setdefault((app.app_key, shop.id, operation.name), Bucket())
        if not bucket.take(shop.qps):
            raise Refusal(36009002, "Too many requests", 429)
        return Call(self.state, grant, shop, query, self._body(request), args, request.environ.get("sandbox.as_of"))

    def _check_signature(self, request: Request, query: dict[str, str]) -> App:
        app = self.state.app
        if app is None or query.get("app_key") != app.app_key:
            raise bad_request("Invalid app_key")
        if "sign" not in query:
            raise bad_request("Sign is a required field")
        stamp = query.get("timestamp", "")
        now = request.environ.get("sandbox.received_at", self.world.now())
        if not stamp.isascii() or not stamp.isdigit() or not now - 300 <= int(stamp) <= now + 30:
            raise bad_request("Invalid timestamp")
        multipart = (request.mimetype or "") == "multipart/form-data"
        path = request.path.removeprefix(API)
        if not request_is_signed(app.app_secret, path, query, request.get_data(), multipart=multipart):
            raise Refusal(106001, "The sign is invalid", 401)
        return app

    def _check_token(self, request: Request, operation: Operation) -> Grant:
        token = request.headers.get("x-tts-access-token", "")
        grant = self.authorization.grant_of(token)
        if grant is None:
            raise bad_request("Invalid access token")
        if grant.is_revoked or grant.access[token] <= self.world.now():  # [guess] the code of a revoked one
            raise Refusal(105002, "The access token is expired", 401)
        if operation.scope not in grant.scopes:
            raise Refusal(105005, "The access token lacks the scope for this API", 401)  # [guess] the status
        return grant

    def _check_cipher(self, query: dict[str, str], operation: Operation, grant: Grant) -> Shop:
        cipher = query.get("shop_cipher")
        if not operation.needs_cipher:
            if cipher is not None:
                raise bad_request("Unexpected identifier: shop_cipher")
            return self.state.shops[grant.shop_ids[0]]
        if not cipher:
            raise Refusal(106013, "shop_cipher is missing", 400)  # [guess] the status, here and below
        for shop_id in grant.shop_ids:
            if self.state.shops[shop_id].cipher == cipher:
                return self.state.shops[shop_id]
        raise Refusal(101000, "shop_cipher and access token do not belong together", 400)

    def _body(self, request: Request) -> dict[str, Any]:
        raw = request.get_data()
        if not raw:
            return {}
        if request.mimetype != "application/json":
            raise Refusal(36009022, "Invalid content type", 400)
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Refusal(36009023, "The body is not JSON", 400) from error
        if not isinstance(body, dict):
            raise Refusal(36009023, "The body is not an object", 400)
        return body

    def _shops(self, call: Call) -> dict[str, Any]:
        return self.authorization.shops(call.grant)
