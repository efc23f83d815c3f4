"""django-q2's queue in our database, woken by a bell instead of asking ten times a second.

What its guard tells about the cluster goes to the supervisor, over a nameless file that its processes inherit, and not
into the shared cache: nobody else asks.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django_q.brokers.orm import ORM
from django_q.signing import SignedPackage

from orders.bell import PAUSE_AFTER_FAILURE, TASKS, Bell

REPORT = "VERISYNC_CLUSTER_REPORT"  # the file's descriptor
LOOK_EVERY = 5.0
_LENGTH = 80


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
        file = os.environ.get(REPORT)
        if file:
            write_report(int(file), Report(tasks=SignedPackage.loads(value).task_q_size, said_at=time.monotonic()))


def write_report(file: int, report: Report) -> None:
    """In the place of the one before."""
    text = json.dumps({"tasks": report.tasks, "said_at": report.said_at})
    os.pwrite(file, text.ljust(_LENGTH).encode(), 0)


def read_report(file: int) -> Report | None:
    """None while nothing was said."""
    text = os.pread(file, _LENGTH, 0).decode()
    return Report(**json.loads(text)) if text else None
