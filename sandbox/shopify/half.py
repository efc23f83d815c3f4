"""The half: routes, tokens, GraphQL, throttling."""

from __future__ import annotations

import json
import os
import re
import uuid
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.language import FieldNode
from werkzeug.wrappers import Request, Response

from sandbox.faults import Fault
from sandbox.shopify import cost
from sandbox.shopify.api import Api
from sandbox.shopify.authorization import Authorization
from sandbox.shopify.controls import Controls
from sandbox.shopify.notices import API_VERSION, Notices
from sandbox.shopify.snapshot import seen
from sandbox.shopify.state import Shop, State
from sandbox.world import World

_PATH = re.compile(r"/shopify/([a-z0-9-]+\.myshopify\.com)(/.*)")
_GRAPHQL = re.compile(r"/admin/api/(\d{4}-\d{2})/graphql\.json")
NOT_ALLOWED = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@cache
def schema() -> GraphQLSchema:
    """The official schema where SANDBOX_SHOPIFY_SCHEMA names it, else the part that is played."""
    official = os.environ.get("SANDBOX_SHOPIFY_SCHEMA")
    file = Path(official) if official else Path(__file__).with_name("subset.graphql")
    return build_schema(file.read_text(encoding="utf-8"), assume_valid=True)


@lru_cache(maxsize=200)
def read(source: str) -> tuple[DocumentNode, list[dict[str, Any]]]:
    """A document, and what the schema says against it. Raises GraphQLError for what is no document."""
    document = parse(source)
    return document, [_coded(one, "undefinedField") for one in validate(schema(), document)]


class ShopifyHalf:
    name = "shopify"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State(world)
        self.notices = Notices(self.state)
        self.authorization = Authorization(self.state)
        self.controls = Controls(self.state, self.notices, self.authorization)
        schema()  # the official one takes a second or two: not in the middle of the first call

    def operation_of(self, request: Request) -> str | None:
        found = self._find(request)
        if found is None:
            return None
        path = found[1]
        if path == "/admin/oauth/authorize" and request.method in ("GET", "POST"):
            return "authorize"
        if path == "/admin/oauth/access_token" and request.method == "POST":
            return "token"
        if _GRAPHQL.fullmatch(path) and request.method == "POST":
            return _root_field(request.get_data())
        return None

    def handle(self, request: Request, operation: str) -> Response:
        found = self._find(request)
        assert found is not None
        shop, path = found
        if operation == "authorize":
            return self.authorization.page(request, shop)
        if operation == "token":
            response = self.authorization.token(request, shop)
            if self.state.lose_next_refresh and b"refresh_token" in request.get_data():
                self.state.lose_next_refresh = False
                request.environ["sandbox.note"] = "the answer is lost on purpose"
                return Response("", 502)
            return response
        return self._graphql(request, shop, path)

    def fault_response(self, fault: Fault) -> Response:
        if fault.status == 200:
            return _json({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}, 200)
        return _json({"errors": "Made to fail"}, fault.status)

    def not_found(self, _request: Request) -> Response:
        return _json({"errors": "Not Found"}, 404)

    def tick(self) -> None:
        """Nothing comes about by time alone: jobs are the world's own later actions."""

    def reset(self) -> None:
        self.state.clear()

    def seed(self) -> None:
        self.state.seed()

    def control(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.controls.run(action, body)

    def snapshot(self) -> dict[str, Any]:
        """Everything but tokens and the app's secret."""
        shops = self.state.shops.values()
        return {
            "app": self.state.app.client_id if self.state.app else None,
            "shops": [
                {
                    "domain": shop.domain,
                    "name": shop.name,
                    "currency": shop.currency,
                    "installed": bool(shop.install),
                    "locations": shop.locations,
                }
                for shop in shops
            ],
            "variants": [
                {
                    "shop": shop.domain,
                    "sku": one["sku"],
                    "title": one["product"]["title"],
                    "id": one["id"],
                    "stock": one["inventoryQuantity"],
                }
                for shop in shops
                for one in shop.variants.values()
            ],
            "orders": [seen(order) for shop in shops for order in shop.orders.values()],
        }

    def _find(self, request: Request) -> tuple[Shop, str] | None:
        match = _PATH.fullmatch(request.path)
        shop = self.state.shops.get(match[1]) if match else None
        return (shop, match[2]) if match and shop else None

    def _graphql(self, request: Request, shop: Shop, path: str) -> Response:
        version = _GRAPHQL.fullmatch(path)
        assert version is not None
        if version[1] != API_VERSION:
            return _json({"errors": "Not Found"}, 404)
        if request.mimetype != "application/json":
            return _json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        token = request.headers.get("X-Shopify-Access-Token", "")
        install = shop.install
        if install is None or install.access.get(token, 0.0) <= self.world.now():
            return _json({"errors": NOT_ALLOWED}, 401)
        install.is_replacement_used = True
        try:
            content = json.loads(request.get_data())
            source, variables = content["query"], content.get("variables") or {}
            document, wrong = read(source)
        except GraphQLError as error:
            return _json({"errors": [error.formatted]}, 200)
        except (ValueError, KeyError, TypeError):
            return _json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        if wrong:
            return self._answer({"errors": wrong})
        return self._run(request, shop, document, variables, content.get("operationName"))

    def _run(
        self,
        request: Request,
        shop: Shop,
        document: DocumentNode,
        variables: dict[str, Any],
        operation_name: str | None,
    ) -> Response:
        operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
        price = cost.cost_of(document, operation, variables)
        if price > cost.MOST:
            text = f"Query cost is {price}, which exceeds the single query max cost limit ({cost.MOST})."
            return self._answer({"errors": [{"message": text, "extensions": {"code": "MAX_COST_EXCEEDED"}}]})
        if not cost.take(self.state, shop, price):
            request.environ["sandbox.note"] = "throttled"
            extensions = {"cost": cost.told(shop, price, None)}
            throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return self._answer({"errors": [throttled], "extensions": extensions})
        api = Api(self.state, self.notices, shop, request.environ.get("sandbox.as_of"))
        result = execute_sync(
            schema(),
            document,
            root_value=api.root(),
            variable_values=variables,
            operation_name=operation_name,
            field_resolver=_played,
        )
        actual = min(price, cost.used(result.data, operation))
        shop.bucket += price - actual  # what was asked for and not found is given back
        answer: dict[str, Any] = {"extensions": {"cost": cost.told(shop, price, actual)}}
        if result.data is not None or not result.errors:
            answer["data"] = result.data
        if result.errors:
            answer["errors"] = [_coded(one, "INVALID_VARIABLE") for one in result.errors]
            request.environ["sandbox.note"] = str(result.errors[0].message)[:200]
        return self._answer(answer)

    def _answer(self, content: dict[str, Any]) -> Response:
        response = _json(content, 200)
        response.headers["X-Request-Id"] = str(uuid.uuid4())
        response.headers["X-Shopify-API-Version"] = API_VERSION
        return response


def _played(source: Any, info: GraphQLResolveInfo, **given: Any) -> Any:
    """A field of what is told. One that the official schema has and nobody plays is an error, never an empty answer."""
    name = info.field_name
    if name not in source:
        text = f"{info.parent_type.name}.{name} is not played here"
        raise GraphQLError(text, extensions={"code": "NOT_PLAYED"})
    value = source[name]
    return value(info, **given) if callable(value) else value


def _coded(error: GraphQLError, code: str) -> dict[str, Any]:
    shown: dict[str, Any] = dict(error.formatted)
    return {**shown, "extensions": {"code": code, **(error.extensions or {})}}


def _root_field(body: bytes) -> str:
    """The name of what is asked, so that a fault can name it."""
    try:
        document, _ = read(json.loads(body)["query"])
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode):
                first = one.selection_set.selections[0]
                return first.name.value if isinstance(first, FieldNode) else "graphql"
    except (ValueError, KeyError, TypeError, GraphQLError):
        return "graphql"
    return "graphql"


def _json(content: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
