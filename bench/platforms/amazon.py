"""Amazon for yardsticks: fulfillment orders created, read and listed; a bucket for each operation of a seller.

Contracts sheet, section 3: 2 calls a second and 30 at once, of stock 2 at once; the answer names the rate. A seller
goes by the access token.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.platforms.buckets import Bucket
from bench.platforms.request import Request, find, routes
from bench.platforms.world import Answer, World

NAME = "amazon"
RATE, MOST = 2.0, 30.0
_MOST = {"inventory.list": 2.0}
_PAGE = 50  # [guess]
_ORDERS = r"/fba/outbound/2020-07-01/fulfillmentOrders"
_ROUTES = routes(
    ("orders.create", "POST", _ORDERS),
    ("orders.changed", "GET", _ORDERS),
    ("orders.get", "GET", rf"{_ORDERS}/([^/]+)"),
    ("features.list", "GET", r"/fba/outbound/2020-07-01/features"),
    ("inventory.list", "GET", r"/fba/inventory/v1/summaries"),
)
_EMPTY = {
    "features.list": '{"payload":{"features":[]}}',
    "inventory.list": '{"payload":{"inventorySummaries":[]},"pagination":{}}',
}


@dataclass
class _Seller:
    """A seller's orders by id, and in the order in which they came: when, and the head as JSON."""

    orders: dict[str, str] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


def answer(world: World, request: Request, now: float) -> Answer:
    """Whatever our connector asks of a seller's account."""
    path = "/" + request.path.split("/", 4)[-1]  # behind /amazon/api/{region}
    operation, order_id = find(_ROUTES, request.method, path)
    if not operation:
        return world.refuses_unknown(NAME, f"{request.method} {request.path}")
    shop = request.header("x-amz-access-token")
    mode = world.came(NAME, shop, operation)
    if mode.is_down:
        return mode.nothing
    told = f"x-amzn-RateLimit-Limit: {RATE}\r\n" if world.has_limits else ""
    if not world.may((NAME, shop, operation), lambda: _allowance(operation, now), operation=operation, cost=1, now=now):
        return mode.says(_error("QuotaExceeded", "You exceeded your quota for the requested resource."), 429, told)
    seller: _Seller = world.orders.setdefault((NAME, shop), _Seller())
    if operation == "orders.create":
        world.made(_create(seller, request.said, now), shop, now)
        return mode.says("{}", headers=told)
    if operation == "orders.get" and order_id not in seller.orders:
        return mode.says(_error("NotFound", "The order does not exist"), 404, told)
    if operation == "orders.get":
        return mode.says(f'{{"payload":{seller.orders[order_id]}}}', headers=told)
    if operation == "orders.changed":
        return mode.says(_list(seller, request.query), headers=told)
    return mode.says(_EMPTY[operation], headers=told)


def _allowance(operation: str, now: float) -> Bucket:
    return Bucket(rate=RATE, most=_MOST.get(operation, MOST), now=now)


def _create(seller: _Seller, said: dict[str, Any], now: float) -> str:
    """Keep it as it is told later; the reference that its id is made of."""
    at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    items = [{**item, "cancelledQuantity": 0, "unfulfillableQuantity": 0} for item in said["items"]]
    status = {"receivedDate": at, "fulfillmentOrderStatus": "Received", "statusUpdatedDate": at}
    head = json.dumps({**{name: value for name, value in said.items() if name != "items"}, **status})
    rest = f'"fulfillmentOrderItems":{json.dumps(items)},"returnItems":[],"returnAuthorizations":[]'
    order_id: str = said["sellerFulfillmentOrderId"]
    seller.orders[order_id] = f'{{"fulfillmentOrder":{head},{rest}}}'
    seller.moments.append(now)
    seller.heads.append(head)
    return order_id.removeprefix("TT-")


def _list(seller: _Seller, query: dict[str, str]) -> str:
    """The orders that came since then, oldest first; a token is the place at which the next page begins."""
    token = query.get("nextToken")
    since = datetime.fromisoformat(query["queryStartDate"]).timestamp() if not token else 0.0
    start = int(token) if token else bisect_left(seller.moments, since)
    end = start + _PAGE
    more = f',"nextToken":"{end}"' if end < len(seller.heads) else ""
    return f'{{"payload":{{"fulfillmentOrders":[{",".join(seller.heads[start:end])}]{more}}}}}'


def _error(code: str, message: str) -> str:
    return json.dumps({"errors": [{"code": code, "message": message, "details": ""}]})
