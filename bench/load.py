"""Sends signed webhooks to one address, in a process of its own, and prints what came back as one line of JSON.

python -m bench.load URL --seconds 10 --rate 400        open loop: each is timed from when it was due
python -m bench.load URL --seconds 10 --connections 16  closed loop: each connection sends the next at once
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from bench.installation import WEBHOOK_KEY, WEBHOOK_SECRET


@dataclass
class Answers:
    """How each request was answered, and after how many seconds."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    lasted: float = 0.0


def webhook(path: str, *, shop: str, order: str) -> bytes:
    """One whole request: TikTok Shop says that an order changed."""
    message = {
        "type": 1,
        "tts_notification_id": uuid.uuid4().hex,
        "shop_id": shop,
        "timestamp": 1767225600,
        "data": {"order_id": order, "order_status": "ON_HOLD", "is_on_hold_order": True, "update_time": 1767225600},
    }
    body = json.dumps(message).encode()
    signature = hmac.new(WEBHOOK_SECRET.encode(), WEBHOOK_KEY.encode() + body, hashlib.sha256).hexdigest()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {signature}\r\nX-Forwarded-Proto: https\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """One kept-alive connection."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.reader: asyncio.StreamReader | None = None

    async def send(self, request: bytes) -> int:
        """The status of the answer; 0 when the connection broke. One that was ended while idle is made anew."""
        was_idle = self.reader is not None
        status = await self._send(request)
        return await self._send(request) if was_idle and not status else status

    async def _send(self, request: bytes) -> int:
        try:
            if self.reader is None:
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
            reader = self.reader
            self.writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await reader.readexactly(int(line[15:]))
                if line == b"connection: close":
                    self.reader = None
                    self.writer.close()
            return int(head[9:12])
        except (OSError, asyncio.IncompleteReadError):
            self.reader = None
            return 0


async def closed_loop(url: str, *, seconds: float, connections: int, make: Callable[[int], bytes]) -> Answers:
    """As fast as it goes: every connection sends its next request when the last was answered."""
    answers, number = Answers(), 0
    began = time.perf_counter()

    async def drive(line: Line) -> None:
        nonlocal number
        while time.perf_counter() - began < seconds:
            number += 1
            request, sent = make(number), time.perf_counter()
            if await line.send(request) == 200:
                answers.seconds.append(time.perf_counter() - sent)
            else:
                answers.failed += 1

    await asyncio.gather(*(drive(line) for line in _lines(url, connections)))
    answers.lasted = time.perf_counter() - began
    return answers


async def open_loop(
    url: str, *, seconds: float, rate: float, connections: int, make: Callable[[int], bytes]
) -> Answers:
    """Each request at its own moment, whether or not the earlier were answered; waiting for a connection counts."""
    answers = Answers()
    idle: asyncio.LifoQueue[Line] = asyncio.LifoQueue()
    for line in _lines(url, connections):
        idle.put_nowait(line)
    requests = [make(number) for number in range(int(rate * seconds))]
    began = time.perf_counter() + 0.1

    async def at(due: float, request: bytes) -> None:
        line = await idle.get()
        status = await line.send(request)
        idle.put_nowait(line)
        if status == 200:
            answers.seconds.append(time.perf_counter() - due)
        else:
            answers.failed += 1

    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / rate
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            group.create_task(at(due, request))
    answers.lasted = time.perf_counter() - began
    return answers


def _lines(url: str, connections: int) -> list[Line]:
    parts = urlsplit(url)
    return [Line(parts.hostname or "127.0.0.1", parts.port or 80) for _ in range(connections)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0 is a closed loop")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--shops", type=int, default=1000)
    options = parser.parse_args()
    path = urlsplit(options.url).path

    def make(number: int) -> bytes:
        return webhook(path, shop=f"749512345678{1 + number % options.shops:07}", order=f"5764{number:014}")

    shared = {"seconds": options.seconds, "connections": options.connections, "make": make}
    loop = open_loop(options.url, rate=options.rate, **shared) if options.rate else closed_loop(options.url, **shared)
    print(json.dumps(asdict(asyncio.run(loop))))


if __name__ == "__main__":
    main()
