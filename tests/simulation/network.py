"""The network and the platforms, in this process: a call goes to the sandbox's app, or to the site, and may break."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import urllib3
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from requests.adapters import HTTPAdapter
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request

from connectors.exchange import READ_SECONDS, Answer
from sandbox.app import Sandbox
from tests.simulation.processes import reach, this_process

CREATES = frozenset({"orderCreate", "orders.create"})
KINDS = (
    "refused",
    "failed",
    "reset_before",
    "reset_after",
    "error_after",
    "late_commit",
    "stale_lookup",
    "garbage",
)
LONGEST_COMMIT, LONGEST_STALE = 30.0, 10.0


@dataclass
class Network:
    """`fault_rate` of the calls break; `on_create` is told of each request that is to create an order."""

    app: Sandbox
    random: random.Random
    say: Callable[[str], None]
    on_create: Callable[[str, bytes, Any], None]
    fault_rate: float = 0.0
    is_quick: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)  # when a platform carries out what was cut off

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        assert not connection.in_atomic_block, f"a call inside a transaction: {method} {url}"
        reach("before a call", may_stop=False)
        request = _request(method, url, headers, body)
        half = self.app.world.halves[request.path.split("/")[1]]
        operation = half.operation_of(request) or ""
        self.pass_time(0.0 if self.is_quick else self.random.uniform(0.02, 0.4))
        kind = self._break(half.name, operation)
        if operation in CREATES and kind != "reset_before":
            self.on_create(half.name, body or b"", this_process())
        request.get_data(cache=True)
        response = self.app.answer(request)
        self.say(f"{half.name} {operation}: {response.status_code} {kind}".rstrip())
        if half.name == "tiktok_shop" and operation == "orders.detail" and not kind:
            self._note_reads(request, half)
        if request.environ.get("sandbox.dropped"):
            if kind == "late_commit" and self.random.random() < 0.5:
                self.pass_time(READ_SECONDS)
                raise urllib3.exceptions.ReadTimeoutError(None, url, "no answer")  # type: ignore[arg-type]
            raise urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
        reach("after a call", may_stop=True)
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=found, body=response.get_data())

    def pass_time(self, seconds: float) -> None:
        """Time passes for all. What a platform carries out meanwhile happens at its own moment, not at the end."""
        world = self.app.world
        end = world.now() + seconds
        for moment in sorted(self.moments):
            if moment <= end:
                self.moments.remove(moment)
                world.advance(max(0.0, moment - world.now()))
        if end > world.now():
            world.advance(end - world.now())

    def _note_reads(self, request: Request, half: Any) -> None:
        process = this_process()
        if process is not None:
            for order_id in parse_qs(request.query_string.decode()).get("ids", [""])[0].split(","):
                if order_id in half.state.orders:
                    process.reads[order_id] = (self.app.world.now(), half.state.orders[order_id].status)

    def _break(self, platform: str, operation: str) -> str:
        """Arm the sandbox with what this call is to suffer, and return its kind."""
        if this_process() is None or operation.startswith("token") or self.random.random() >= self.fault_rate:
            return ""
        kind = self.random.choice(KINDS)
        settings: dict[str, Any] = {}
        if kind == "refused":
            after = self.random.choice([None, 1.0, 5.0, 20.0])
            status = self.random.choice([429, 429, 503]) if platform != "shopify" else self.random.choice([200, 429])
            kind, settings = "status", {"status": status, "retry_after": after}
        elif kind == "failed":
            kind, settings = "status", {"status": self.random.choice([500, 502])}
        elif kind == "late_commit":
            settings = {"seconds": READ_SECONDS + self.random.uniform(0, LONGEST_COMMIT)}
            self.moments.append(self.app.world.now() + settings["seconds"])
        elif kind == "stale_lookup":
            if platform == "tiktok_shop":
                return ""
            settings = {"seconds": self.random.uniform(0, LONGEST_STALE)}
        self.app.world.faults.add(platform, operation, kind=kind, times=1, **settings)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return kind


class InProcess(HTTPAdapter):
    """Leads a person's browser to the site and to the platforms' pages without a socket."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One page."""
        assert request.url is not None
        content = request.body.encode() if isinstance(request.body, str) else request.body
        asked = _request(request.method or "GET", request.url, dict(request.headers), content)
        chunks, status, headers = run_wsgi_app(self.app, asked.environ, buffered=True)
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(b"".join(chunks)),
            headers=list(headers),  # type: ignore[arg-type]
            status=int(status.split()[0]),
            preload_content=False,
            original_response=_Original(headers),  # type: ignore[arg-type]
        )
        return self.build_response(request, raw)


class _Original:
    """Where the library for cookies looks for them."""

    def __init__(self, headers: Any) -> None:
        self.msg = self
        self._headers = headers

    def get_all(self, name: str, default: Any = None) -> Any:
        """The values of one header."""
        return self._headers.getlist(name) or default

    def isclosed(self) -> bool:
        """It has been read."""
        return True

    def close(self) -> None:
        """It has been read."""


def site() -> WSGIHandler:
    """The product's web side."""
    return WSGIHandler()


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Request:
    parts = urlsplit(url)
    builder = EnvironBuilder(
        path=parts.path or "/",
        query_string=parts.query,
        base_url=f"{parts.scheme}://{parts.netloc}",
        method=method,
        headers=dict(headers),
        data=body or b"",
    )
    return Request(builder.get_environ())
