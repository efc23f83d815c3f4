"""HTTP/1.1 as our clients speak it, and which platform a call is for."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from email.utils import formatdate

from bench.platforms import amazon, shopify, squarespace, tiktok_shop, wix
from bench.platforms.request import Request
from bench.platforms.world import Answer, World

_PLATFORMS: dict[str, Callable[[World, Request, float], Answer]] = {
    "tiktok_shop": tiktok_shop.answer,
    "shopify": shopify.answer,
    "amazon": amazon.answer,
    "wix": wix.answer,
    "squarespace": squarespace.answer,
}
_REASONS = {200: "OK", 201: "Created", 404: "Not Found", 429: "Too Many Requests", 503: "Service Unavailable"}
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def answer(world: World, request: Request, now: float) -> Answer:
    """What is said to this request, at this moment."""
    name = request.target.split("/", 2)[1]
    if name == "_bench":
        return Answer(200, world.control(request.path, request.body, now))
    if name in _PLATFORMS:
        return _PLATFORMS[name](world, request, now)
    return world.refuses_unknown("nobody", f"{request.method} {request.path}")


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
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.got) < whole:
                return
            body, self.got = self.got[end + 4 : whole], self.got[whole:]
            method, target, _ = head[: head.find(b"\r\n")].decode().split(" ")
            self._answer(answer(self.world, Request(method, target, head, body), time.time()))

    def _answer(self, said: Answer) -> None:
        text = said.text.encode()
        line = f"HTTP/1.1 {said.status} {_REASONS.get(said.status, 'Odd')}\r\nContent-Type: application/json\r\n"
        headers = f"{said.headers}Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(text)}\r\n"
        out = f"{line}{headers}\r\n".encode() + text
        if said.wait:
            asyncio.get_running_loop().call_later(said.wait, self._send, out)
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
