"""TikTok Shop and Shopify for yardsticks: what our connectors call, answered at once, by one cheap process.

    python -m bench.platforms --port 9000 --epoch 1800000000 [--limits]

It is no sandbox and checks nothing. With `--limits` each store has its platform's own bucket, and calls beyond it are
refused in the platform's words. `/_bench/` sets latency and faults, whole or by shop, and gives the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench import raw

_TIKTOK_CALLS = 50  # a second, for each call of a shop: contracts sheet, "Limits"
_POINTS, _POINTS_A_SECOND = 2000.0, 100.0  # Shopify's standard plan
_ENDLESS = 1e9
_CREATE, _LOOK, _SEARCH = 15, 3, 102  # what our documents cost by Shopify's rules; of a search what comes back counts
_REASONS = {200: "OK", 429: "Too Many Requests", 503: "Service Unavailable", 404: "Not Found"}
_QUOTED = re.compile(r"source_identifier:.?\"?'?([0-9]+)")


@dataclass
class Mode:
    """How a shop's platform behaves: seconds until it answers, and a status instead of an answer."""

    latency: float = 0.0
    status: int = 200


@dataclass
class World:
    """What the platforms know, and what was asked of them."""

    epoch: int
    has_limits: bool
    modes: dict[str, Mode] = field(default_factory=lambda: {"": Mode()})
    orders: dict[tuple[str, str], str] = field(default_factory=dict)  # shop and reference: the order's number
    created: list[tuple[str, str, float]] = field(default_factory=list)  # every create: reference, shop, moment
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    windows: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))
    points: dict[str, tuple[float, float]] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)

    def mode_of(self, shop: str) -> Mode:
        return self.modes.get(shop) or self.modes[""]

    def forget(self) -> None:
        """Begin anew, with the modes as they are."""
        for kept in (self.orders, self.created, self.calls, self.refused, self.windows, self.points, self.spent):
            kept.clear()


Answer = tuple[int, str, float]


def answer(world: World, target: str, body: bytes) -> Answer:
    """Status, JSON, and the seconds until it is sent."""
    parts = urlsplit(target)
    if parts.path.startswith("/_bench/"):
        return 200, _control(world, parts.path, body), 0.0
    if parts.path.startswith("/tiktok_shop/"):
        return _tiktok_shop(world, parts.path, parse_qs(parts.query))
    if parts.path.startswith("/shopify/"):
        return _shopify(world, parts.path.split("/")[2], body)
    return 404, "{}", 0.0


def _control(world: World, path: str, body: bytes) -> str:
    if path == "/_bench/mode":
        said = json.loads(body)
        for shop in said.pop("shops", [""]):
            world.modes[shop] = Mode(**said)
    elif path == "/_bench/forget":
        world.forget()
    elif path == "/_bench/count":
        return str(len(world.created))
    elif path == "/_bench/levels":
        return json.dumps({shop: _level(world, shop, time.time()) for shop in world.points})
    elif path == "/_bench/ledger":
        named = {"calls": world.calls, "refused": world.refused}
        counts = {name: [[*key, count] for key, count in counter.items()] for name, counter in named.items()}
        return json.dumps({"created": world.created, "spent": world.spent, **counts})
    return "{}"


# TikTok Shop


def _tiktok_shop(world: World, path: str, query: dict[str, list[str]]) -> Answer:
    shop = query.get("shop_cipher", [""])[0]
    call, mode, now = path.rpartition("/")[2], world.mode_of(shop), time.time()
    world.calls[shop, call] += 1
    if mode.status != 200:
        return mode.status, "", mode.latency
    if world.has_limits and _is_over(world.windows[shop, call], now):
        world.refused[shop, call] += 1
        return 429, '{"code":36009002,"message":"Too many requests"}', mode.latency
    ids = query.get("ids", [""])[0]
    orders = ",".join(raw.order_text(each, epoch=world.epoch, now=now) for each in ids.split(",")) if ids else ""
    return 200, f'{{"code":0,"message":"Success","data":{{"orders":[{orders}]}}}}', mode.latency


def _is_over(window: deque[float], now: float) -> bool:
    while window and window[0] <= now - 1:
        window.popleft()
    if len(window) >= _TIKTOK_CALLS:
        return True
    window.append(now)
    return False


# Shopify


def _shopify(world: World, shop: str, body: bytes) -> Answer:
    said, mode, now = json.loads(body), world.mode_of(shop), time.time()
    document, variables = said["query"], said["variables"]
    call = document.lstrip().partition("(")[0].split()[-1]
    world.calls[shop, call] += 1
    if mode.status != 200:
        return mode.status, "", mode.latency
    asked = {"OrderCreate": _CREATE, "OrdersByReference": _LOOK * len(variables)}.get(call, _SEARCH)
    level = _level(world, shop, now)
    if world.has_limits and level < asked:
        world.refused[shop, call] += 1
        error = '{"message":"Throttled","extensions":{"code":"THROTTLED"}}'
        return 200, f'{{"errors":[{error}],"extensions":{_cost(asked, None, level)}}}', mode.latency
    data, actual = _SHOPIFY.get(call, _nothing)(world, shop, variables, now)
    world.points[shop] = (level - actual, now)
    world.spent[shop] += actual
    told = level - actual if world.has_limits else _ENDLESS
    return 200, f'{{"data":{data},"extensions":{_cost(asked, actual, told)}}}', mode.latency


def _level(world: World, shop: str, now: float) -> float:
    level, at = world.points.get(shop, (_POINTS, now))
    return min(_POINTS, level + (now - at) * _POINTS_A_SECOND)


def _cost(asked: int, actual: int | None, level: float) -> str:
    most, rate = (_ENDLESS, _ENDLESS) if level == _ENDLESS else (_POINTS, _POINTS_A_SECOND)
    status = {"maximumAvailable": most, "currentlyAvailable": int(level), "restoreRate": rate}
    return json.dumps({"cost": {"requestedQueryCost": asked, "actualQueryCost": actual, "throttleStatus": status}})


def _create(world: World, shop: str, variables: dict[str, Any], now: float) -> tuple[str, int]:
    reference = variables["order"]["sourceIdentifier"]
    world.created.append((reference, shop, now))
    world.orders[shop, reference] = str(len(world.created))
    return f'{{"orderCreate":{{"order":{_node(world, shop, reference)},"userErrors":[]}}}}', _CREATE


def _by_reference(world: World, shop: str, variables: dict[str, Any], _now: float) -> tuple[str, int]:
    asked = [(name[1:], each["customId"]["value"]) for name, each in variables.items()]
    found = [(place, reference) for place, reference in asked if (shop, reference) in world.orders]
    nodes = ",".join(f'"o{place}":{_node(world, shop, reference)}' for place, reference in found)
    return f"{{{nodes}}}", 1 + _LOOK * len(found)


def _search(world: World, shop: str, variables: dict[str, Any], _now: float) -> tuple[str, int]:
    found = [each for each in _QUOTED.findall(variables["query"]) if (shop, each) in world.orders]
    nodes = ",".join(_node(world, shop, reference) for reference in found)
    return f'{{"orders":{{"nodes":[{nodes}],"pageInfo":{{"hasNextPage":false}}}}}}', 2 + _LOOK * len(found)


def _nothing(_world: World, _shop: str, _variables: dict[str, Any], _now: float) -> tuple[str, int]:
    return "{}", 1


_SHOPIFY = {"OrderCreate": _create, "OrdersByReference": _by_reference, "Orders": _search}


def _node(world: World, shop: str, reference: str) -> str:
    number, total = world.orders[shop, reference], raw.product_of(reference)[2] + raw.SHIPPING
    money = f'{{"shopMoney":{{"amount":"{total // 100}.{total % 100:02}","currencyCode":"USD"}}}}'
    return (
        f'{{"id":"gid://shopify/Order/{number}","legacyResourceId":"{number}","name":"#{number}","cancelledAt":null,'
        f'"sourceIdentifier":"{reference}","updatedAt":"2026-11-24T12:00:00Z","totalPriceSet":{money}}}'
    )


# HTTP


class Line(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end]
            length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.got) < whole:
                return
            body, self.got = self.got[end + 4 : whole], self.got[whole:]
            _, target, _ = head[: head.find(b"\r\n")].decode().split(" ")
            status, text, wait = answer(self.world, target, body)
            said = text.encode()
            line = f"HTTP/1.1 {status} {_REASONS.get(status, 'Odd')}\r\nContent-Type: application/json\r\n"
            out = f"{line}Content-Length: {len(said)}\r\n\r\n".encode() + said
            if wait:
                asyncio.get_running_loop().call_later(wait, self._send, out)
            else:
                self._send(out)

    def _send(self, out: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        if not self.transport.is_closing():
            self.transport.write(out)


async def serve(port: int, world: World) -> None:
    """Answer until the process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(world), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--limits", action="store_true")
    options = parser.parse_args()
    asyncio.run(serve(options.port, World(epoch=options.epoch, has_limits=options.limits)))


if __name__ == "__main__":
    main()
