"""An installation of its own for one run: a durable PostgreSQL, migrated, and real processes beside it."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from demo.processes import Programs, free_port
from verisync_site.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".var" / "bench"
WEBHOOK_KEY, WEBHOOK_SECRET = "bench-key", "bench-secret-0123456789"


@dataclass
class Installation:
    """Where the run's database is, what its processes are told, and which of them run."""

    server: EmbeddedPostgres
    env: dict[str, str]
    programs: Programs
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def database_pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def admin(self) -> psycopg.Connection[Any]:
        """A connection that no policy binds: to load rows by COPY and to count."""
        return psycopg.connect(admin_url(self.server), autocommit=True)

    def start(self, name: str, *command: str, env: Mapping[str, str] | None = None) -> int:
        """Start a program of ours and return the id of its process."""
        self.programs.start(name, *command, env={**self.env, **(env or {})})
        self.started[name] = self.programs.running[-1][1]
        return self.started[name].pid

    def start_web(
        self, name: str, app: str, *, threads: int = 8, env: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Start gunicorn as the Procfile does; the id of its process, and its address once it answers."""
        port = free_port()
        command = ["-m", "gunicorn", app, f"--bind=127.0.0.1:{port}", f"--threads={threads}", "--log-level=warning"]
        pid = self.start(name, *command, env={"DATABASE_POOL": str(threads), **(env or {})})
        address = f"http://127.0.0.1:{port}"
        self.programs.wait_for(f"{address}/health/live", name=name, seconds=40)
        return pid, address

    def end(self, name: str) -> None:
        """End one program and wait for it."""
        process = self.started.pop(name)
        self.programs.running = [each for each in self.programs.running if each[1] is not process]
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def end_all(self) -> None:
        """End every program that a broken-off measurement left."""
        for name in list(self.started):
            self.end(name)


@contextmanager
def installed() -> Iterator[Installation]:
    """Everything but the rows. All of it is gone at the end, the logs but."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    server = EmbeddedPostgres(FOLDER / "postgres", is_durable=True)
    programs = Programs(FOLDER / "logs")
    server.start()
    try:
        count_statements(server)
        env = environment(server.url)
        os.environ.update(env)  # this process too speaks as the product does
        programs.run("migrate", "manage.py", "migrate", "--no-input", env=env)
        yield Installation(server=server, env=env, programs=programs)
    finally:
        programs.stop()
        server.stop()
        shutil.rmtree(FOLDER / "postgres", ignore_errors=True)


def environment(database_url: str) -> dict[str, str]:
    """The settings of a production-like installation that speaks plain HTTP."""
    return {
        "DEBUG": "false",
        "SECRET_KEY": "bench-" + "0123456789" * 5,
        "CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"bench-only-not-a-secret-01234567").decode(),
        "DATABASE_URL": database_url,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "PUBLIC_URL": "https://bench.example.com",
        "SECURE_SSL_REDIRECT": "false",
        "LOG_LEVEL": "WARNING",
        "TIKTOK_SHOP_APP_KEY": WEBHOOK_KEY,
        "TIKTOK_SHOP_APP_SECRET": WEBHOOK_SECRET,
        "TIKTOK_SHOP_SERVICE_ID": "bench",
        "SHOPIFY_CLIENT_ID": "bench",
        "SHOPIFY_CLIENT_SECRET": WEBHOOK_SECRET,
        "PYTHONUNBUFFERED": "1",
    }


def admin_url(server: EmbeddedPostgres) -> str:
    """The address of the server's own administrator, in the product's database."""
    return server.url.replace("//verisync@", "//postgres@")


def count_statements(server: EmbeddedPostgres) -> None:
    """Let the database count statements by kind; that needs a restart."""
    with psycopg.connect(admin_url(server), autocommit=True) as admin:
        admin.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
        admin.execute("alter system set pg_stat_statements.track = 'all'")
    server.stop()
    server.start()
    with psycopg.connect(admin_url(server), autocommit=True) as admin:
        admin.execute("create extension if not exists pg_stat_statements")


def setup_django() -> None:
    """Make this process part of the product. The environment has to be set before."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verisync_site.settings")
    import django

    django.setup()
