"""django-q2's queue in our database, woken by a bell instead of asking ten times a second.

What its guard tells about the cluster goes to a file for the supervisor, not into the shared cache: nobody else asks.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connection
from django_q.brokers.orm import ORM
from django_q.signing import SignedPackage

from orders.bell import PAUSE_AFTER_FAILURE, TASKS, Bell

REPORT = "VERISYNC_CLUSTER_REPORT"
LOOK_EVERY = 4.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a cluster's guard said last: tasks taken from the database and not begun, and when (monotonic)."""

    tasks: int
    said_at: float


class BellBroker(ORM):
    """The stock broker but for waiting. The queue's table rings at every insert; a ring that is lost costs
    `LOOK_EVERY` seconds, not the task."""

    bell: Bell | None = None

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The next tasks, or None after waiting for some. A database that is away is waited for."""
        if self.bell is None:
            self.bell = Bell(channel=TASKS)
        try:
            taken: list[tuple[int, str]] | None = super().dequeue()
        except DatabaseError:
            connection.close()
            time.sleep(PAUSE_AFTER_FAILURE)
            return None
        if taken is None:
            self.bell.wait(seconds=LOOK_EVERY)
        return taken

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Called by the guard at every round."""
        path = os.environ.get(REPORT)
        if path:
            write_report(Path(path), Report(tasks=SignedPackage.loads(value).task_q_size, said_at=time.monotonic()))


def write_report(path: Path, report: Report) -> None:
    """Whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"tasks": report.tasks, "said_at": report.said_at}))
    fresh.replace(path)


def read_report(path: Path) -> Report | None:
    """None while nothing was said."""
    try:
        return Report(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
