"""The demo's installation: its secrets, its database, its programs."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from demo import apps
from demo.browser import Browser
from demo.processes import DemoFailed, Programs

EMAIL = "alice@example.com"
STAFF_EMAIL = "staff@example.com"
PASSWORD = "candle-light-42"  # noqa: S105 - the demo's, and printed
BUSINESS = "Alice's Candles"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the demo lives."""

    folder: Path
    port: int
    sandbox_port: int
    hold_seconds: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def control(self, path: str, **body: object) -> dict[str, object]:
        """Tell the sandbox something through its own door. Raises DemoFailed."""
        answer = requests.post(f"{self.sandbox_url}/_sandbox/{path}", json=body, timeout=30)
        if answer.status_code >= 400:
            raise DemoFailed(f"The sandbox refuses {path}: {answer.text[:300]}")
        return dict(answer.json())

    def look(self, path: str) -> dict[str, object]:
        """Ask the sandbox for what it knows."""
        answer = requests.get(f"{self.sandbox_url}/_sandbox/{path}", timeout=30)
        answer.raise_for_status()
        return dict(answer.json())


@contextmanager
def prepare(site: Site, programs: Programs, *, say: Callable[[str], None]) -> Iterator[None]:
    """Start database, sandbox, web and worker, in this order; the database ends when the caller is done."""
    site.folder.mkdir(parents=True, exist_ok=True)
    keys = _kept_secrets(site.folder / "secrets.json")
    env = environment(site, keys)
    with _database(site, env, say):
        try:
            say("Migrating")
            programs.run("migrate", "manage.py", "migrate", "--no-input", env=env)
            say("Starting sandbox, web server and worker")
            programs.start("sandbox", *_sandbox_command(site), env={})
            programs.wait_for(f"{site.sandbox_url}/_sandbox/ledger", name="sandbox", seconds=20)
            programs.start("web", *web_command(site), env=env)
            programs.wait_for(f"{site.url}/health/live", name="web", seconds=40)
            apps.register(site.control, keys, site=site.url)
            _make_people(site, programs, env)
            programs.start("worker", "manage.py", "work", env=env)
            yield
        finally:
            say("Stopping")
            programs.stop()


def environment(site: Site, keys: dict[str, str]) -> dict[str, str]:
    """The settings of an installation whose platforms are all the sandbox. Base URLs are the only bridge."""
    return {
        "DEBUG": "true",
        "SECRET_KEY": keys["secret_key"],
        "CREDENTIAL_KEYS": keys["credential_key"],
        "PUBLIC_URL": site.url,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HOLD_SECONDS": str(site.hold_seconds),
        "POLL_SECONDS": str(min(20, site.hold_seconds)),
        "PYTHONUNBUFFERED": "1",
        **apps.settings_of(keys, sandbox=site.sandbox_url),
    }


def log_in(site: Site) -> Browser:
    """Sign the demo merchant's owner up the first time, log in every time."""
    person = Browser()
    person.open(f"{site.url}/accounts/login/")
    page = person.submit(holding="login", login=EMAIL, password=PASSWORD)
    if "/accounts/login" in page.url:
        person.open(f"{site.url}/accounts/signup/")
        page = person.submit(
            holding="email", business_name=BUSINESS, name="Alice", email=EMAIL, password1=PASSWORD, password2=PASSWORD
        )
        if "/accounts/signup" in page.url:
            raise DemoFailed("The sign-up form was not accepted.")
    return person


@contextmanager
def _database(site: Site, env: dict[str, str], say: Callable[[str], None]) -> Iterator[None]:
    """A server of the demo's own, unless DATABASE_URL names one."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    from verisync_site.postgres import EmbeddedPostgres, PostgresError

    say("Starting PostgreSQL")
    server = EmbeddedPostgres(site.folder / "postgres", is_durable=True)
    try:
        env["DATABASE_URL"] = server.start()
    except PostgresError as error:
        raise DemoFailed(str(error)) from error
    try:
        yield
    finally:
        server.stop()


def _sandbox_command(site: Site) -> list[str]:
    return [
        "-m",
        "sandbox",
        f"--port={site.sandbox_port}",
        f"--hold={site.hold_seconds}",
        f"--state={site.folder / 'sandbox.state'}",
    ]


def web_command(site: Site) -> list[str]:
    """The web server as in the Procfile."""
    return [
        "-m",
        "gunicorn",
        "verisync_site.wsgi",
        f"--bind=127.0.0.1:{site.port}",
        "--threads=8",
        "--access-logfile=-",
    ]


def _make_people(site: Site, programs: Programs, env: dict[str, str]) -> None:
    """The staff member; the merchant's owner signs up by herself."""
    mark = site.folder / "staff-made"
    if mark.exists():
        return
    person = {"DJANGO_SUPERUSER_EMAIL": STAFF_EMAIL, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    programs.run("createsuperuser", "manage.py", "createsuperuser", "--no-input", env={**env, **person})
    mark.touch()


def fresh_secrets() -> dict[str, str]:
    """Made up: the site's keys, and those of its apps at the platforms."""
    return {
        "secret_key": secrets.token_urlsafe(48),
        "credential_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **apps.make_keys(),
    }


def _kept_secrets(path: Path) -> dict[str, str]:
    """Made up once per installation and kept, as a merchant's own would be."""
    kept = dict(json.loads(path.read_text())) if path.exists() else {}
    keys = {**fresh_secrets(), **kept}
    path.touch(mode=0o600)
    path.write_text(json.dumps(keys))
    return keys
