"""What the engine's yardsticks share: platform and worker as processes, due orders, and the platform's own ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from bench import due
from bench.due import Due
from bench.installation import Installation
from demo.processes import free_port

READY_TAKES = 8.0


@dataclass(frozen=True, slots=True)
class Platform:
    """The process that plays the platforms."""

    address: str
    epoch: int

    def tell(self, path: str, **said: Any) -> None:
        """Through its own door."""
        requests.post(f"{self.address}/_bench/{path}", data=json.dumps(said), timeout=30)

    def count(self) -> int:
        """How many creates there were."""
        return int(requests.get(f"{self.address}/_bench/count", timeout=30).text)

    def ledger(self) -> dict[str, Any]:
        """What `counted` has, and every create with its shop and moment."""
        found: dict[str, Any] = requests.get(f"{self.address}/_bench/ledger", timeout=60).json()
        return found

    def counted(self) -> dict[str, Any]:
        """Calls and refusals by platform, shop and operation, unknown calls, and how each allowance was used."""
        found: dict[str, Any] = requests.get(f"{self.address}/_bench/counted", timeout=60).json()
        return found

    @property
    def env(self) -> dict[str, str]:
        """The settings by which the product finds it. Production refuses such addresses, so this is development."""
        return {
            "DEBUG": "true",
            "POLL_SECONDS": "86400",
            "TIKTOK_SHOP_API_URL": f"{self.address}/tiktok_shop/api",
            "TIKTOK_SHOP_AUTH_URL": f"{self.address}/tiktok_shop/auth",
            "SHOPIFY_BASE_URL": f"{self.address}/shopify/{{shop}}",
            "AMAZON_API_URL": f"{self.address}/amazon/api/{{region}}",
            "AMAZON_TOKEN_URL": f"{self.address}/amazon/auth/o2/token",
            "WIX_API_URL": f"{self.address}/wix/api",
            "SQUARESPACE_API_URL": f"{self.address}/squarespace/api",
            "SQUARESPACE_LOGIN_URL": f"{self.address}/squarespace/login",
            **_APPS,
        }


# Our apps at the platforms that installation.environment does not name.
_APPS = {
    **dict.fromkeys(["AMAZON_APP_ID", "AMAZON_CLIENT_ID", "AMAZON_CLIENT_SECRET"], "bench"),
    **dict.fromkeys(["WIX_APP_ID", "WIX_APP_SECRET", "WIX_PUBLIC_KEY"], "bench"),
    **dict.fromkeys(["SQUARESPACE_CLIENT_ID", "SQUARESPACE_CLIENT_SECRET"], "bench"),
}


@contextmanager
def platform(installation: Installation, *, limits: bool = False) -> Iterator[Platform]:
    """Platforms that know nothing yet."""
    port, epoch = free_port(), int(time.time())
    command = ["-m", "bench.platforms", f"--port={port}", f"--epoch={epoch}", *(["--limits"] if limits else [])]
    installation.start("platforms", *command)
    found = Platform(f"http://127.0.0.1:{port}", epoch)
    installation.programs.wait_for(f"{found.address}/_bench/count", name="platforms", seconds=20)
    try:
        yield found
    finally:
        installation.end("platforms")


@contextmanager
def worker(installation: Installation, played: Platform, *command: str) -> Iterator[int]:
    """`manage.py work`, or another command, once it has started up; the id of its process. Nothing is due then: what
    another yardstick left is cleared away first."""
    with installation.admin() as admin:
        due.clear(admin)
    pid = installation.start("worker", *(command or ("manage.py", "work")), env=played.env)
    time.sleep(READY_TAKES)
    try:
        yield pid
    finally:
        installation.end("worker")


def put(installation: Installation, played: Platform, orders: Sequence[Due]) -> None:
    """These orders and no others are due."""
    played.tell("forget")
    with installation.admin() as admin:
        due.clear(admin)
        due.load(admin, orders, epoch=played.epoch)


def wait_until_created(played: Platform, count: int, *, stalled_after: float = 40) -> float:
    """The seconds until there were so many. Raises TimeoutError where nothing happens any more."""
    began = moved_at = time.monotonic()
    done = 0
    while (seen := played.count()) < count:
        now = time.monotonic()
        moved_at, done = (now, seen) if seen > done else (moved_at, done)
        if now - moved_at > stalled_after:
            raise TimeoutError(f"{done} of {count} orders were created, then none for {stalled_after:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it came true in that time."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if is_so():
            return True
        time.sleep(0.1)
    return False
