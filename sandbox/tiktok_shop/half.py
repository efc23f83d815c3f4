"""The front: finds the operation, checks the caller, hands the call to its handler."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.faults import Fault
from sandbox.tiktok_shop.authorization import Authorization
from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellation_calls import CancellationCalls
from sandbox.tiktok_shop.cancellations import Cancellations
from sandbox.tiktok_shop.controls import Controls
from sandbox.tiktok_shop.envelope import Refusal, answer, bad_request, refuse
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.operations import (
    SHOPS,
    Operation,
    cancellation_operations,
    order_operations,
    return_operations,
    shipping_operations,
    shop_operations,
)
from sandbox.tiktok_shop.return_calls import ReturnCalls
from sandbox.tiktok_shop.returns import Returns
from sandbox.tiktok_shop.shipping import Shipping
from sandbox.tiktok_shop.signing import request_is_signed
from sandbox.tiktok_shop.state import App, Grant, Shop, State
from sandbox.tiktok_shop.subscriptions import Subscriptions
from sandbox.world import World

PREFIX = "/tiktok_shop"
API = PREFIX + "/api"
COMMON = frozenset({"app_key", "timestamp", "sign", "access_token", "shop_cipher", "version"})
FAULT_CODES = {401: 105002, 429: 36009002, 500: 36009003, 503: 36009007}


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
        self.returns = Returns(self.notices)
        self.controls = Controls(self.notices, self.cancellations, self.returns, self.authorization)
        self.buckets: dict[tuple[str, str, str], Bucket] = {}
        self.operations = {f"{one.method} {one.path}": one for one in self._operations()}
        rules = [Rule(one.path, methods=[one.method], endpoint=key) for key, one in self.operations.items()]
        self.routes = Map(rules, strict_slashes=True, redirect_defaults=False, merge_slashes=False)

    def _operations(self) -> list[Operation]:
        return [
            Operation("GET", "/authorization/202309/shops", "shops", SHOPS, self._shops, needs_cipher=False),
            *order_operations(),
            *shipping_operations(Shipping(self.notices)),
            *shop_operations(Subscriptions(self.state)),
            *cancellation_operations(CancellationCalls(self.cancellations)),
            *return_operations(ReturnCalls(self.returns)),
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
            if made := self.state.refusals.get(operation):
                raise Refusal(*made.pop(0))
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
        self.returns.tick()

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
            "returns": list(self.state.returns.values()),
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
        as_of = request.environ.get("sandbox.as_of")
        return Call(self.state, grant, shop, query, self._body(request), args, as_of, operation.name)

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
