"""The lanes that this process drains at once, each in a thread of its own.

A task of django-q2 hands its lane over and ends; so one platform that answers slowly keeps no other store waiting. When
the process ends, Python waits for these threads; a process that is killed leaves leases that lapse.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import close_old_connections, connection

from orders import draining
from orders.crew import MOST_SENDERS

log = logging.getLogger(__name__)

MOST_LANES = 16
# Lanes are given out by how many all processes have room for. Where a platform hangs, they may stand unevenly: one that
# has more than its part takes more all the same, though not at once, so that another process may be faster.
MOST_HERE = 2 * MOST_LANES
HESITATES = 0.1
LEAST_SENDERS = 4  # of each lane


class Runner:
    """Drains lanes in threads. One per process, made by the first task it runs."""

    def __init__(self, *, clock: Callable[[], datetime], drain: Callable[..., int] = draining.drain) -> None:
        self._clock = clock
        self._drain = drain
        self._changed = threading.Condition()
        self._active = 0
        self._pool = ThreadPoolExecutor(MOST_HERE, thread_name_prefix="lane")

    def take(self, *, store_id: int, fence: int, within: float) -> bool:
        """Begin to drain this lane: False where all threads are taken for so many seconds, and another process may have
        it."""
        with self._changed:
            self._changed.wait_for(lambda: self._active < MOST_LANES, timeout=min(within, HESITATES))
            if not self._changed.wait_for(lambda: self._active < MOST_HERE, timeout=within):
                return False
            self._active += 1
        self._pool.submit(self._run, store_id, fence)
        return True

    def _senders_of_one(self) -> int:
        """How many calls each lane may have under way, by how many there are now."""
        return max(LEAST_SENDERS, MOST_SENDERS // max(1, self._active))

    def _run(self, store_id: int, fence: int) -> None:
        try:
            close_old_connections()
            self._drain(store_id=store_id, fence=fence, clock=self._clock, most_senders=self._senders_of_one)
        except Exception:
            log.exception("a lane could not be drained", extra={"store": store_id})
            connection.close()
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify()
