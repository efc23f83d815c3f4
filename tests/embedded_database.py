"""A pytest plugin, loaded before Django's settings are read: a real PostgreSQL of our own for this test run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from verisync_site.postgres import EmbeddedPostgres

os.environ.setdefault("DEBUG", "true")
os.environ["DATABASE_ROLE"] = "owner"  # the owner makes the test database; the tests act as the application

_server: EmbeddedPostgres | None = None

if not os.environ.get("DATABASE_URL"):
    _server = EmbeddedPostgres(Path(tempfile.mkdtemp(prefix="verisync-tests-")) / "data", is_durable=False)
    os.environ["DATABASE_URL"] = _server.start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None and _server.process is not None:
        _server.stop()
        shutil.rmtree(_server.data.parent, ignore_errors=True)
