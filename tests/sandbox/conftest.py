from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import BaseWSGIServer

from sandbox.app import serve
from sandbox.world import World
from tests.sandbox.client import Client


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(ledger_file=tmp_path / "ledger.jsonl")
    world.freeze(1_767_225_600)
    world.outgoing.automatic = False
    yield world
    world.close()


@pytest.fixture
def server(world: World) -> Iterator[BaseWSGIServer]:
    server = serve(world, 0)
    world.public_url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
    world.outgoing.stop()


@pytest.fixture
def url(server: BaseWSGIServer, world: World) -> str:
    return world.public_url


@pytest.fixture
def contracts() -> Path:
    found = Path(__file__).resolve().parents[2].parent / "shared/contracts"
    if not found.is_dir():
        pytest.skip("needs the contracts folder")
    return found


@pytest.fixture
def client(url: str, world: World) -> Client:
    return Client(url, world).connect()


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[int]]]:
    got: list[tuple[dict[str, str], bytes]] = []
    statuses = [200]

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), body))
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got, statuses
    server.shutdown()
    server.server_close()
