"""Real worker groups against the test's database and the test's sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as project
from django.db import connection
from django.utils import timezone

from accounts.access import all_merchants
from orders.models import Lane, OutboxItem, OutboxStatus

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """`manage.py work`, with everything it starts. `host` and `name` are where it looks for the database."""

    def __init__(self, log: Path, *, host: str = "", name: str = "") -> None:
        database = connection.settings_dict
        host, name = host or database["HOST"], name or database["NAME"]
        address = f"postgresql://{database['USER']}@/{name}?host={host}"
        env = {
            **os.environ,
            **project.PLATFORM_VALUES,
            "DATABASE_URL": address,
            "DATABASE_ROLE": "application",
            "DEBUG": "true",
            "HOLD_SECONDS": str(project.HOLD_SECONDS),
            "PUBLIC_URL": project.PUBLIC_URL,
        }
        self.log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "work"],
            cwd=ROOT,
            env=env,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def family(self) -> list[psutil.Process]:
        """The process and all that came of it."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def kill(self) -> None:
        """Everything at once, as when a machine loses its power."""
        family = self.family()
        for member in family:
            member.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
        self.process.wait()

    def stop(self) -> None:
        """Everything stands still, as when a machine is paused."""
        for member in self.family():
            member.suspend()

    def wake(self) -> None:
        """Everything goes on, as if nothing had been."""
        for member in reversed(self.family()):
            member.resume()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        self.log.close()


def wait_until(is_so: Callable[[], Any], *, seconds: float, text: str) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if is_so():
            return
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {text}")


def let_leases_lapse() -> None:
    """What a minute and a half would do."""
    before = timezone.now() - timedelta(seconds=1)
    with all_merchants("a test moves time"):
        OutboxItem.objects.filter(status=OutboxStatus.IN_FLIGHT).update(lease_until=before)
        OutboxItem.objects.filter(is_doubtful=True).update(sure_at=before)
        Lane.objects.update(lease_until=None)
