"""A bell over PostgreSQL's NOTIFY: who waits for work sleeps until it rings, and looks now and then all the same.

A ring is a courtesy: it may get lost (a lost connection, a pooler between us and the server), so that nobody relies on
it for more than being quick. Rings come from triggers (`connectors/migrations/0005_bell.py`) and from `ring`.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import psycopg
from django.db import connection as shared

WORK = "verisync_work"  # something may be due in a lane
TASKS = "verisync_tasks"  # a task was put into the queue
PAUSE_AFTER_FAILURE = 1.0

# A peer that vanished without a word must not be waited for: the system says so after half a minute.
_LIVELY = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def ring(channel: str) -> None:
    """Ring when the caller's transaction commits; never, if it is rolled back."""
    with shared.cursor() as cursor:
        cursor.execute("select pg_notify(%s, '')", [channel])


class Bell:
    """Hears one channel over a connection of its own, made when first needed, so that it never crosses a fork.

    `role` is stepped into for whoever also asks questions over that connection.
    """

    def __init__(self, *, channel: str, role: str = "") -> None:
        self.channel = channel
        self.role = role
        self._connection: psycopg.Connection[Any] | None = None
        self._made_by = 0

    def wait(self, *, seconds: float) -> bool:
        """Whether it rang within that time. True also when it may have rung unheard. Never raises."""
        try:
            if not self._is_open():
                self.connection()
                return True
            return bool(list(self.connection().notifies(timeout=seconds, stop_after=1)))
        except psycopg.Error:
            self.close()
            time.sleep(min(seconds, PAUSE_AFTER_FAILURE))
            return True

    def connection(self) -> psycopg.Connection[Any]:
        """The connection that listens, in autocommit. Raises psycopg.Error."""
        if self._connection is None or not self._is_open():
            params = shared.get_connection_params()
            for name in ("cursor_factory", "context", "pool"):
                params.pop(name, None)
            self._connection = psycopg.connect(**{**params, **_LIVELY}, autocommit=True)
            self._made_by = os.getpid()
            if self.role:
                self._connection.execute(f"set role {self.role}")
            self._connection.execute(f"listen {self.channel}")
        return self._connection

    def close(self) -> None:
        """May be repeated. It opens again by itself."""
        kept, self._connection = self._connection, None
        if kept is not None and self._made_by == os.getpid():
            with contextlib.suppress(psycopg.Error):
                kept.close()

    def _is_open(self) -> bool:
        """After a fork the parent's connection is left alone: it is the parent's to use and to close."""
        return self._connection is not None and not self._connection.closed and self._made_by == os.getpid()
