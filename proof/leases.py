"""How long a dead worker's work lies still after its lease has ended, seen from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg

EVERY = 0.1
# Calls whose lease is over and that nobody has taken up, at stores that are not told to wait.
_OVERDUE = """
select i.id, i.fence, extract(epoch from now() - i.lease_until)::float8
from orders_outboxitem i join orders_lane l on l.store_id = i.store_id
where i.status = 'IN_FLIGHT' and i.lease_until < now() and (l.not_before is null or l.not_before < now())
"""


class LeaseWatch:
    """Looks ten times a second. `latest` is the longest that a call with a lapsed lease was left alone while
    `is_anyone_up` said that some worker group could have taken it; `taken_over` is how many there were."""

    def __init__(self, tables: str, *, is_anyone_up: Callable[[], bool]) -> None:
        self.tables = tables
        self.is_anyone_up = is_anyone_up
        self.latest = 0.0
        self._seen: dict[tuple[int, int], float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="leases", daemon=True)

    @property
    def taken_over(self) -> int:
        return len(self._seen)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._stopped.is_set():
            try:
                with psycopg.connect(self.tables, connect_timeout=2, autocommit=True) as connection:
                    self._look(connection)
            except psycopg.Error:
                self._stopped.wait(0.5)  # the database is away

    def _look(self, connection: psycopg.Connection) -> None:
        last = time.monotonic()
        while not self._stopped.wait(EVERY):
            rows = connection.execute(_OVERDUE).fetchall()
            now = time.monotonic()
            gone, last = now - last, now
            if not self.is_anyone_up():
                continue
            for item, fence, overdue in rows:
                # Only what passed while somebody was there to take it.
                waited = min(overdue, self._seen.get((item, fence), 0.0) + gone)
                self._seen[item, fence] = waited
                self.latest = max(self.latest, waited)
