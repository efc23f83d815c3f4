"""Squarespace for yardsticks: orders created by their key and read; 300 calls in any minute, else a minute's silence.

Contracts sheet, "Limits and errors". A site goes by the access token.
"""

from __future__ import annotations

import json
import secrets
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.platforms.buckets import Window
from bench.platforms.request import Request, find, routes
from bench.platforms.world import Answer, World

NAME = "squarespace"
CALLS, SECONDS, SILENCE = 300.0, 60.0, 60.0
_CALLS = "calls"
_PAGE = 50
_API = "/squarespace/api"
_ROUTES = routes(
    ("orders.create", "POST", r"/1.0/commerce/orders"),
    ("orders.list", "GET", r"/1.0/commerce/orders"),
    ("orders.get", "GET", r"/1.0/commerce/orders/([^/]+)"),
    ("products.list", "GET", r"/v2/commerce/products"),
    ("webhooks.list", "GET", r"/1.0/webhook_subscriptions"),
)
_NO_PAGE = '"pagination":{"hasNextPage":false,"nextPageCursor":null,"nextPageUrl":null}'
_EMPTY = {
    "products.list": f'{{"products":[],{_NO_PAGE}}}',
    "webhooks.list": '{"webhookSubscriptions":[]}',
}


@dataclass
class _Site:
    """A site's orders as JSON by id and by key, and in the order in which they came."""

    orders: dict[str, str] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)


def answer(world: World, request: Request, now: float) -> Answer:
    """Whatever our connector asks of a site."""
    operation, order_id = find(_ROUTES, request.method, request.path.removeprefix(_API))
    if not operation:
        return world.refuses_unknown(NAME, f"{request.method} {request.path}")
    shop = request.header("authorization").removeprefix("Bearer ")
    mode = world.came(NAME, shop, operation)
    if mode.is_down:
        return mode.nothing
    if not world.may((NAME, shop, _CALLS), _allowance, operation=operation, cost=1, now=now):
        return mode.says(_error("RATE_LIMIT_ERROR", "Too many requests"), 429)
    if operation in _EMPTY:
        return mode.says(_EMPTY[operation])
    site: _Site = world.orders.setdefault((NAME, shop), _Site())
    if operation == "orders.list":
        return mode.says(_list(site, request.query))
    if operation == "orders.get":
        is_there = order_id in site.orders
        text = site.orders[order_id] if is_there else _error("NOT_FOUND", "The order was not found")
        return mode.says(text, 200 if is_there else 404)
    key = request.header("idempotency-key")
    if key not in site.by_key:
        site.by_key[key] = _create(site, request.said, len(world.created) + 1, now)
        world.made(request.said["externalOrderReference"], shop, now)
    return mode.says(site.by_key[key], 201)


def _allowance() -> Window:
    return Window(most=CALLS, seconds=SECONDS, silence=SILENCE)


def _create(site: _Site, said: dict[str, Any], number: int, now: float) -> str:
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    order_id = secrets.token_hex(12)
    ours = {"id": order_id, "orderNumber": str(number), "modifiedOn": at, "channel": "external", "testmode": False}
    site.orders[order_id] = json.dumps({**said, **ours, "paymentState": "PAID"})
    site.moments.append(now)
    return site.orders[order_id]


def _list(site: _Site, query: dict[str, str]) -> str:
    """What came since then, newest first; a cursor is how many are left of those, and where they begin."""
    everything = list(site.orders.values())
    if cursor := query.get("cursor"):
        first, end = map(int, cursor.split("-"))
    else:
        since = datetime.fromisoformat(query["modifiedAfter"]).timestamp()
        first, end = bisect_left(site.moments, since), len(everything)
    begin = max(first, end - _PAGE)
    has_more = begin > first
    more = {"hasNextPage": has_more, "nextPageCursor": f"{first}-{begin}" if has_more else None, "nextPageUrl": None}
    page = ",".join(reversed(everything[begin:end]))
    return f'{{"result":[{page}],"pagination":{json.dumps(more)}}}'


def _error(kind: str, message: str) -> str:
    return json.dumps({"type": kind, "subtype": None, "message": message, "details": None, "contextId": "BENCH"})
