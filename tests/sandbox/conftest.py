from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import BaseWSGIServer

from sandbox.app import serve
from sandbox.world import World


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
