"""The WSGI app: finds the half that is asked, applies the faults around it, keeps the journal."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from sandbox.control import Control
from sandbox.faults import Fault
from sandbox.world import Half, World

PLATFORMS = ("tiktok_shop", "shopify", "wix", "squarespace", "amazon")
TICK_SECONDS = 0.2
AFTER_KINDS = frozenset({"reset_after", "error_after", "silence_after"})


class Sandbox:
    """Mounts every half whose module is there; the pages likewise (`sandbox.pages.make_pages(world)`)."""

    def __init__(self, world: World) -> None:
        self.world = world
        for platform in PLATFORMS:
            maker = _optional(f"sandbox.{platform}", "make_half")
            if maker and platform not in world.halves:
                world.halves[platform] = maker(world)
        world.seed()
        self.control = Control(world)
        pages = _optional("sandbox.pages", "make_pages")
        self.pages: Callable[[Request], Response] | None = pages(world) if pages else None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data(cache=True)  # drained, so that the connection can be kept alive
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        first = request.path.lstrip("/").partition("/")[0]
        if half := self.world.halves.get(first):
            return self._answer_platform(request, half)
        if first == "_sandbox":
            return self.control.answer(request)
        if self.pages:
            return self.pages(request)
        return _json({"error": "nothing here"}, 404)

    def _answer_platform(self, request: Request, half: Half) -> Response:
        started = time.monotonic()
        operation = half.operation_of(request)
        status: int | None = None
        try:
            if operation is None:
                request.environ["sandbox.note"] = "unknown"
                response = _own(half, "not_found", request) or _json({"error": "unknown"}, 404)
            else:
                fault = self.world.faults.take(half.name, operation)
                self.world.calls[half.name, operation, fault.kind if fault else ""] += 1
                response = self._with_fault(request, half, operation, fault)
            status = None if request.environ.get("sandbox.dropped") else response.status_code
            response.headers["Date"] = http_date(self.world.now())
            return response
        finally:
            self.world.journal_add(
                direction="in",
                platform=half.name,
                method=request.method,
                path=request.path,
                operation=operation,
                status=status,
                note=request.environ.get("sandbox.note", ""),
                ms=round((time.monotonic() - started) * 1000),
                **({"body": request.get_data(as_text=True)} if self.world.keeps_bodies else {}),
            )

    def _with_fault(self, request: Request, half: Half, operation: str, fault: Fault | None) -> Response:
        if fault is None:
            return self._handle(request, half, operation)
        request.environ["sandbox.note"] = f"fault {fault.kind}"
        if fault.kind == "status":
            response = _own(half, "fault_response", fault) or _json({"errors": "made to fail"}, fault.status)
            if fault.retry_after is not None:
                response.headers["Retry-After"] = f"{fault.retry_after:g}"
            return response
        if fault.kind == "garbage":
            return Response("<html><body>Bad gateway</body></html>", 200, mimetype="text/html")
        if fault.kind == "reset_before":
            return _drop(request)
        if fault.kind == "late_commit":
            request.environ["sandbox.received_at"] = self.world.now()
            self.world.later(fault.seconds, lambda: self._commit(request, half, operation))
            return _drop(request)
        if fault.kind == "stall":
            time.sleep(fault.seconds)
        if fault.kind == "stale_lookup":
            request.environ["sandbox.as_of"] = self.world.now() - fault.seconds
        response = self._handle(request, half, operation)
        if fault.kind not in AFTER_KINDS:
            return response
        request.environ["sandbox.note"] = f"fault {fault.kind}, done with {response.status_code}"
        if fault.kind == "error_after":
            fault.status = max(fault.status, 500)
            return _own(half, "fault_response", fault) or _json({"errors": "made to fail"}, fault.status)
        if fault.kind == "silence_after":
            time.sleep(fault.seconds)
        return _drop(request)

    def _handle(self, request: Request, half: Half, operation: str) -> Response:
        with self.world.lock:
            half.tick()
            return half.handle(request, operation)

    def _commit(self, request: Request, half: Half, operation: str) -> None:
        response = half.handle(request, operation)
        self.world.journal_add(
            direction="in",
            platform=half.name,
            method=request.method,
            path=request.path,
            operation=operation,
            status=response.status_code,
            note="late commit",
            ms=0,
        )


class Handler(WSGIRequestHandler):
    """Keeps connections alive.

    Werkzeug's own `run_wsgi` closes each connection, and after each answer waits 10 ms for a body that nobody read.
    Here the app has read it to the end before it answers, so the next request can follow at once.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], Any]:
            began.append((status, headers))
            return self.wfile.write

        try:
            chunks = self.server.app(environ, start_response)
            body = b"".join(chunks)
            status, headers = began[-1]
        except Exception:
            traceback.print_exc()
            self.close_connection = True  # the body may not have been read
            body, status, headers = b"", "500 Internal Server Error", []
        if environ.get("sandbox.dropped"):
            self.close_connection = True
            return
        self._send(status, headers, body)

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        has_body = int(code) >= 200 and int(code) not in (204, 304)
        self.send_response_only(int(code), reason)
        if not any(name.lower() == "date" for name, _ in headers):
            self.send_header("Date", self.date_time_string())
        for name, value in headers:
            self.send_header(name, value)
        if has_body and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal has it."""

    def log_error(self, format: str, *args: Any) -> None:
        """A dropped connection is often wanted here."""


def make_app(world: World) -> Sandbox:
    return Sandbox(world)


def serve(world: World, port: int, host: str = "127.0.0.1") -> BaseWSGIServer:
    """A server whose `serve_forever` can run in a thread. Starts the ticker and the webhooks' threads, which end when
    `world.outgoing` is stopped."""
    server = make_server(host, port, make_app(world), threaded=True, request_handler=Handler)
    world.outgoing.start()
    threading.Thread(target=_tick, args=(world,), name="sandbox-ticker", daemon=True).start()
    return server


def _tick(world: World) -> None:
    while not world.outgoing.is_stopped(within=TICK_SECONDS):
        world.tick()


def _optional(module: str, name: str) -> Any:
    """The name from the module, or None where this sandbox has no such module."""
    if importlib.util.find_spec(module) is None:
        return None
    return getattr(importlib.import_module(module), name, None)


def _own(half: Half, method: str, argument: Any) -> Response | None:
    answer = getattr(half, method, None)
    return answer(argument) if answer else None


def _drop(request: Request) -> Response:
    """Cuts the connection, so that the client sees a reset or the end of the stream."""
    request.environ["sandbox.dropped"] = True
    client = request.environ.get("werkzeug.socket")
    if client is not None:
        with contextlib.suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.shutdown(socket.SHUT_RDWR)
    return Response(b"", 500)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, mimetype="application/json")
