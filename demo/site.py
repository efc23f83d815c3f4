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
            programs.start("web", *_web_command(site), env=env)
            programs.wait_for(f"{site.url}/health/live", name="web", seconds=40)
            _register_apps(site, keys)
            _make_people(site, programs, env)
            programs.start("worker", "manage.py", "work", env=env)
            yield
        finally:
            say("Stopping")
            programs.stop()


def environment(site: Site, keys: dict[str, str]) -> dict[str, str]:
    """The settings of an installation whose platforms are all the sandbox. Base URLs are the only bridge."""
    sandbox = site.sandbox_url
    return {
        "DEBUG": "true",
        "SECRET_KEY": keys["secret_key"],
        "CREDENTIAL_KEYS": keys["credential_key"],
        "PUBLIC_URL": site.url,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HOLD_SECONDS": str(site.hold_seconds),
        "POLL_SECONDS": "20",
        "PYTHONUNBUFFERED": "1",
        "TIKTOK_SHOP_APP_KEY": keys["tiktok_app_key"],
        "TIKTOK_SHOP_APP_SECRET": keys["tiktok_app_secret"],
        "TIKTOK_SHOP_SERVICE_ID": keys["tiktok_service_id"],
        "TIKTOK_SHOP_API_URL": f"{sandbox}/tiktok_shop/api",
        "TIKTOK_SHOP_AUTH_URL": f"{sandbox}/tiktok_shop/auth",
        "TIKTOK_SHOP_AUTHORIZE_URL": f"{sandbox}/tiktok_shop/services",
        "SHOPIFY_CLIENT_ID": keys["shopify_client_id"],
        "SHOPIFY_CLIENT_SECRET": keys["shopify_client_secret"],
        "SHOPIFY_BASE_URL": f"{sandbox}/shopify/{{shop}}",
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


def _web_command(site: Site) -> list[str]:
    return [
        "-m",
        "gunicorn",
        "verisync_site.wsgi",
        f"--bind=127.0.0.1:{site.port}",
        "--threads=8",
        "--access-logfile=-",
    ]


def _register_apps(site: Site, keys: dict[str, str]) -> None:
    """What a developer would enter in the two platforms' partner consoles."""
    site.control(
        "tiktok_shop/app",
        app_key=keys["tiktok_app_key"],
        app_secret=keys["tiktok_app_secret"],
        service_id=keys["tiktok_service_id"],
        redirect_url=f"{site.url}/connect/tiktok_shop/callback/",
        webhook_url=f"{site.url}/webhooks/tiktok_shop/",
    )
    site.control(
        "shopify/app",
        client_id=keys["shopify_client_id"],
        client_secret=keys["shopify_client_secret"],
        redirect_urls=[f"{site.url}/connect/shopify/callback/"],
        app_url=f"{site.url}/connect/shopify/",
        webhook_url=f"{site.url}/webhooks/shopify/",
    )


def _make_people(site: Site, programs: Programs, env: dict[str, str]) -> None:
    """The staff member; the merchant's owner signs up by herself."""
    mark = site.folder / "staff-made"
    if mark.exists():
        return
    person = {"DJANGO_SUPERUSER_EMAIL": STAFF_EMAIL, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    programs.run("createsuperuser", "manage.py", "createsuperuser", "--no-input", env={**env, **person})
    mark.touch()


def _kept_secrets(path: Path) -> dict[str, str]:
    """Made up once per installation and kept, as a merchant's own would be."""
    if path.exists():
        return dict(json.loads(path.read_text()))
    keys = {
        "secret_key": secrets.token_urlsafe(48),
        "credential_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "tiktok_app_key": secrets.token_hex(6),
        "tiktok_app_secret": secrets.token_hex(20),
        "tiktok_service_id": str(7_000_000_000_000_000_000 + secrets.randbelow(10**17)),
        "shopify_client_id": secrets.token_hex(16),
        "shopify_client_secret": "shpss_" + secrets.token_hex(16),
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(keys))
    return keys
