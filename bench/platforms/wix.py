"""Wix for yardsticks: orders created, found and paid; 200 calls in any minute of a site.

Contracts sheet, "Limits and errors". Whether PAID makes a payment by itself is not documented: here it does not, which
costs a call more. A site goes by the access token.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.platforms.buckets import Window
from bench.platforms.request import Request, find, routes
from bench.platforms.world import Answer, World

NAME = "wix"
CALLS, SECONDS = 200.0, 60.0
_CALLS = "calls"
_API = "/wix/api"
_ROUTES = routes(
    ("orders.create", "POST", r"/ecom/v1/orders"),
    ("orders.search", "POST", r"/ecom/v1/orders/search"),
    ("orders.get", "GET", r"/ecom/v1/orders/([^/]+)"),
    ("payments.get", "GET", r"/ecom/v1/payments/orders/([^/]+)"),
    ("payments.add", "POST", r"/ecom/v1/payments/orders/([^/]+)/add-payment"),
    ("fulfillments.get", "GET", r"/ecom/v1/fulfillments/orders/([^/]+)"),
    ("catalog.version", "GET", r"/stores/v3/provision/version"),
    ("variants.search", "POST", r"/stores/v3/products/query-variants"),
)
_EMPTY = {
    "catalog.version": '{"catalogVersion":"V3_CATALOG"}',
    "variants.search": '{"variants":[],"pagingMetadata":{"count":0,"cursors":{},"hasNext":false}}',
}


@dataclass
class _Site:
    """A site's orders as JSON by id, the id by reference, and what was paid of each."""

    orders: dict[str, str] = field(default_factory=dict)
    by_reference: dict[str, str] = field(default_factory=dict)
    payments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def answer(world: World, request: Request, now: float) -> Answer:
    """Whatever our connector asks of a site."""
    operation, order_id = find(_ROUTES, request.method, request.path.removeprefix(_API))
    if not operation:
        return world.refuses_unknown(NAME, f"{request.method} {request.path}")
    shop = request.header("authorization")
    mode = world.came(NAME, shop, operation)
    if mode.is_down:
        return mode.nothing
    if not world.may(
        (NAME, shop, _CALLS), lambda: Window(most=CALLS, seconds=SECONDS), operation=operation, cost=1, now=now
    ):
        return mode.says(_error("too many requests", "RATE_LIMIT"), 429)
    if operation in _EMPTY:
        return mode.says(_EMPTY[operation])
    site: _Site = world.orders.setdefault((NAME, shop), _Site())
    if operation == "orders.create":
        given = request.said["order"]
        world.made(given["channelInfo"]["externalOrderId"], shop, now)
        return mode.says(f'{{"order":{_create(site, given, len(world.created), now)}}}')
    if operation == "orders.search":
        return mode.says(_search(site, request.said["search"]))
    if order_id not in site.orders:
        return mode.says(_error("not found", "ORDER_NOT_FOUND"), 404)
    return mode.says(_of_order(site, operation, order_id, request))


def _create(site: _Site, given: dict[str, Any], number: int, now: float) -> str:
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    order_id = str(uuid.uuid4())
    ours = {"id": order_id, "number": str(number), "createdDate": at, "updatedDate": at}
    site.orders[order_id] = json.dumps({**given, **ours})
    site.by_reference[given["channelInfo"]["externalOrderId"]] = order_id
    return site.orders[order_id]


def _search(site: _Site, search: dict[str, Any]) -> str:
    """By reference. Nobody changes an order here, so what asks for changes finds nothing."""
    wanted = (search.get("filter") or {}).get("channelInfo.externalOrderId") or {}
    found = [site.orders[site.by_reference[each]] for each in wanted.get("$in", ()) if each in site.by_reference]
    more = {"count": len(found), "cursors": {}, "hasNext": False}
    return f'{{"orders":[{",".join(found)}],"metadata":{json.dumps(more)}}}'


def _of_order(site: _Site, operation: str, order_id: str, request: Request) -> str:
    if operation == "orders.get":
        return f'{{"order":{site.orders[order_id]}}}'
    if operation == "fulfillments.get":
        return json.dumps({"orderWithFulfillments": {"orderId": order_id, "fulfillments": []}})
    paid = site.payments.setdefault(order_id, [])
    if operation == "payments.add":
        paid += request.said["payments"]
    return json.dumps({"orderTransactions": {"orderId": order_id, "payments": paid, "refunds": []}})


def _error(message: str, code: str) -> str:
    error = {"code": code, "description": message, "data": {}}
    return json.dumps({"message": message, "details": {"applicationError": error}})
