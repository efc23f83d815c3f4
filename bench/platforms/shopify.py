"""Shopify for yardsticks: orders created and found; a bucket of points for each shop, told with every answer.

Contracts sheet, "Cost limit": what a document may cost is taken first, and what it did not come to is given back.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bench import raw
from bench.platforms.buckets import Bucket
from bench.platforms.request import Request
from bench.platforms.world import Answer, World

NAME = "shopify"
POINTS, POINTS_A_SECOND = 2000.0, 100.0  # the standard plan
CREATE = 15  # what our document costs by Shopify's rules
_LOOK, _SEARCH, _CATALOG = 3, 102, 402  # of what lists, what comes back counts in the end
_ENDLESS = 1_000_000_000
_POINTS = "points"
_QUOTED = re.compile(r"source_identifier:.?\"?'?([0-9]+)")
_NO_PAGE = '"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null}'


def answer(world: World, request: Request, now: float) -> Answer:
    """Whatever our connector asks of a shop."""
    shop, said = request.path.split("/")[2], request.said
    operation = str(said.get("query", "")).lstrip().partition("(")[0].partition("{")[0].split()[-1:]
    name = operation[0] if operation else ""
    if name not in _KNOWN:
        return world.refuses_unknown(NAME, name or f"{request.method} {request.path}")
    mode = world.came(NAME, shop, name)
    if mode.is_down:
        return mode.nothing
    make, variables, key = _KNOWN[name], said["variables"], (NAME, shop, _POINTS)
    asked = _asked(name, variables)
    if not world.may(
        key, lambda: Bucket(rate=POINTS_A_SECOND, most=POINTS, now=now), operation=name, cost=asked, now=now
    ):
        error = '{"message":"Throttled","extensions":{"code":"THROTTLED"}}'
        cost = _cost(asked, None, world.buckets[key].level(now))
        return mode.says(f'{{"errors":[{error}],"extensions":{cost}}}')
    data, actual = make(world, shop, variables, now)
    left = world.make_cheaper(key, cost=actual, now=now) if world.has_limits else None
    return mode.says(f'{{"data":{data},"extensions":{_cost(asked, actual, left)}}}')


def _asked(name: str, variables: dict[str, Any]) -> int:
    if name == "OrdersByReference":
        return _LOOK * len(variables)
    return {"OrderCreate": CREATE, "Orders": _SEARCH, "Variants": _SEARCH, "Catalog": _CATALOG}.get(name, 12)


def _cost(asked: int, actual: int | None, level: float | None) -> str:
    most, rate, left = (POINTS, POINTS_A_SECOND, int(level)) if level is not None else (_ENDLESS, _ENDLESS, _ENDLESS)
    status = {"maximumAvailable": most, "currentlyAvailable": left, "restoreRate": rate}
    return json.dumps({"cost": {"requestedQueryCost": asked, "actualQueryCost": actual, "throttleStatus": status}})


def _create(world: World, shop: str, variables: dict[str, Any], now: float) -> tuple[str, int]:
    reference = variables["order"]["sourceIdentifier"]
    world.made(reference, shop, now)
    _orders_of(world, shop)[reference] = len(world.created)
    return f'{{"orderCreate":{{"order":{_node(world, shop, reference)},"userErrors":[]}}}}', CREATE


def _by_reference(world: World, shop: str, variables: dict[str, Any], _now: float) -> tuple[str, int]:
    asked = [(name[1:], each["customId"]["value"]) for name, each in variables.items()]
    there = _orders_of(world, shop)
    found = [(place, reference) for place, reference in asked if reference in there]
    nodes = ",".join(f'"o{place}":{_node(world, shop, reference)}' for place, reference in found)
    return f"{{{nodes}}}", 1 + _LOOK * len(found)


def _search(world: World, shop: str, variables: dict[str, Any], _now: float) -> tuple[str, int]:
    """By reference. Nobody changes an order here, so what asks for changes finds nothing."""
    there = _orders_of(world, shop)
    found = [each for each in _QUOTED.findall(variables["query"]) if each in there]
    nodes = ",".join(_node(world, shop, reference) for reference in found)
    return f'{{"orders":{{"nodes":[{nodes}],"pageInfo":{{"hasNextPage":false}}}}}}', 2 + _LOOK * len(found)


def _no_variants(_world: World, _shop: str, _variables: dict[str, Any], _now: float) -> tuple[str, int]:
    return f'{{"productVariants":{{{_NO_PAGE}}}}}', 2


def _no_webhooks(_world: World, _shop: str, _variables: dict[str, Any], _now: float) -> tuple[str, int]:
    return f'{{"webhookSubscriptions":{{{_NO_PAGE}}}}}', 2


def _subscribed(_world: World, _shop: str, _variables: dict[str, Any], _now: float) -> tuple[str, int]:
    return '{"webhookSubscriptionCreate":{"webhookSubscription":{"id":"gid://shopify/W/1"},"userErrors":[]}}', 11


def _defined(_world: World, _shop: str, _variables: dict[str, Any], _now: float) -> tuple[str, int]:
    return '{"metafieldDefinitionCreate":{"createdDefinition":{"id":"gid://shopify/M/1"},"userErrors":[]}}', 11


_KNOWN = {
    "OrderCreate": _create,
    "OrdersByReference": _by_reference,
    "Orders": _search,
    "Variants": _no_variants,
    "Catalog": _no_variants,
    "Subscriptions": _no_webhooks,
    "Subscribe": _subscribed,
    "DefinitionCreate": _defined,
}


def _orders_of(world: World, shop: str) -> dict[str, int]:
    found: dict[str, int] = world.orders.setdefault((NAME, shop), {})
    return found


def _node(world: World, shop: str, reference: str) -> str:
    number, total = _orders_of(world, shop)[reference], raw.total_of(reference)
    money = f'{{"shopMoney":{{"amount":"{total}","currencyCode":"USD"}}}}'
    return (
        f'{{"id":"gid://shopify/Order/{number}","legacyResourceId":"{number}","name":"#{number}","cancelledAt":null,'
        f'"sourceIdentifier":"{reference}","updatedAt":"2026-11-24T12:00:00Z","totalPriceSet":{money}}}'
    )
