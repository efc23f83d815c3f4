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
    """The process that plays both platforms."""

    address: str
    epoch: int

    def tell(self, path: str, **said: Any) -> None:
        """Through its own door."""
        requests.post(f"{self.address}/_bench/{path}", data=json.dumps(said), timeout=30)

    def count(self) -> int:
        """How many creates there were."""
        return int(requests.get(f"{self.address}/_bench/count", timeout=30).text)

    def levels(self) -> dict[str, float]:
        """What is left in each storefront's bucket."""
        found: dict[str, float] = requests.get(f"{self.address}/_bench/levels", timeout=30).json()
        return found

    def ledger(self) -> dict[str, Any]:
        """Every create with its moment, calls and refusals by shop and kind, points spent by shop."""
        found: dict[str, Any] = requests.get(f"{self.address}/_bench/ledger", timeout=60).json()
        return found

    @property
    def env(self) -> dict[str, str]:
        """The settings by which the product finds it. Production refuses such addresses, so this is development."""
        return {
            "DEBUG": "true",
            "TIKTOK_SHOP_API_URL": f"{self.address}/tiktok_shop/api",
            "TIKTOK_SHOP_AUTH_URL": f"{self.address}/tiktok_shop/auth",
            "SHOPIFY_BASE_URL": f"{self.address}/shopify/{{shop}}",
            "POLL_SECONDS": "86400",
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
    """`manage.py work`, or another command, once it has started up; the id of its process."""
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
