"""What a worker host runs: the dispatch loop here, and django-q2's cluster as a process group of its own, watched.

The loop sleeps until the bell rings or the next moment comes that something falls due, a second at most. For some
seconds after a ring or after work it looks often: rings are throttled to two a second for each connection that rings.
When due tasks wait while every worker stays idle, the cluster is killed and started anew. Nothing is lost by that:
the rows are the queue.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable, Sequence
from itertools import chain
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from orders import beats, lanes, queue, waking
from orders.bell import TASKS, ring
from orders.cluster import Cluster
from orders.runner import MOST_LANES

log = logging.getLogger(__name__)

LOOK_EVERY = 0.05
LOOK_EVERY_WHEN_QUIET = 4.0
HOSTS_EVERY = 15.0
AWAKE_FOR = 2.0
SHARE_OF_LOOKING = 0.2
LANES_AT_ONCE = 50
LANES_OF_ONE_TASK = 4
PAUSE_AFTER_NOTHING = 0.25
WATCH_EVERY = 1.0
STOP_PATIENCE = 12.0
PAUSE_AFTER_FAILURE = 1.0


class Supervisor:
    """Runs until told to stop. `say` gets one plain line per notable event."""

    def __init__(self, *, say: Callable[[str], object]) -> None:
        self.say = say
        self.is_stopping = False
        self.bell = waking.bell()
        self.seen: waking.Look | None = None
        self.host: UUID | None = None
        self.restarts = 0
        self.hosts = 1
        self.awake_until = self.next_dispatch = self.next_watch = self.next_beat = self.next_count = 0.0

    def run(self) -> None:
        """Dispatch and watch until SIGTERM or SIGINT, then stop the cluster and return."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self.cluster = Cluster()
        try:
            while not self.is_stopping:
                self._rest(self._turn())
        finally:
            self._leave()

    def _stop(self, number: int, frame: object) -> None:
        self.is_stopping = True

    def _turn(self) -> float:
        """Do what there is to do; the seconds to rest. A database that is away is waited for."""
        began_at = time.monotonic()
        try:
            self.seen = waking.look(bell=self.bell, now=timezone.now())
            # However much is due, looking leaves the greater part of the time to those who do the work.
            least = min(LOOK_EVERY_WHEN_QUIET, (time.monotonic() - began_at) * (1 / SHARE_OF_LOOKING - 1))
            pause = max(least, self._dispatch(self.seen, at=began_at))
            self._beat(at=began_at)
        except (DatabaseError, psycopg.Error):
            log.exception("dispatch failed")
            self.seen, pause = None, PAUSE_AFTER_FAILURE
            self.bell.close()
            connection.close()
            close_old_connections()
        if began_at >= self.next_watch:
            self.next_watch = began_at + WATCH_EVERY
            self._watch()
        return pause

    def _dispatch(self, seen: waking.Look, *, at: float) -> float:
        """Wake due lanes; the seconds until the next look."""
        if not seen.is_due and at < self.next_dispatch:
            return self._until_next(seen, at=at)
        self.next_dispatch = at + waking.SAFETY
        now = timezone.now()
        woken = lanes.dispatch(
            now=now,
            wake=self._wake,
            limit=LANES_AT_ONCE,
            slots=self.hosts * settings.Q_CLUSTER["workers"] * MOST_LANES,
        )
        if not woken:  # another host was faster, or the two differ in what is due: no reason to ask at full speed
            return PAUSE_AFTER_NOTHING
        self.awake_until = at + AWAKE_FOR
        return 0.0 if woken >= LANES_AT_ONCE else LOOK_EVERY

    def _wake(self, woken: Sequence[lanes.Woken]) -> None:
        """A task takes several lanes, since one costs the queue as much as a short lane costs itself."""
        together = min(LANES_OF_ONE_TASK, -(-len(woken) // settings.Q_CLUSTER["workers"]))
        for start in range(0, len(woken), together):
            queue.enqueue("drain_lanes", *chain.from_iterable(woken[start : start + together]))

    def _until_next(self, seen: waking.Look, *, at: float) -> float:
        pause = LOOK_EVERY if at < self.awake_until else LOOK_EVERY_WHEN_QUIET
        if seen.next_at is not None:
            pause = min(pause, (seen.next_at - timezone.now()).total_seconds())
        return max(pause, LOOK_EVERY)

    def _rest(self, seconds: float) -> None:
        """Short rests are slept through, so that rings that come thick and fast do not make it look as often."""
        if seconds <= 2 * LOOK_EVERY:
            time.sleep(seconds)
            seconds = 0
        if self.bell.wait(seconds=seconds):
            self.awake_until = time.monotonic() + AWAKE_FOR

    def _beat(self, *, at: float) -> None:
        if at < self.next_beat:
            return
        now = timezone.now()
        if self.host is None or not beats.beat(host=self.host, restarts=self.restarts, now=now):
            self.host = beats.begin(name=socket.gethostname(), now=now)
        if at >= self.next_count:
            self.hosts = max(1, beats.workers(now=now).alive)
            self.next_count = at + HOSTS_EVERY
        self.next_beat = at + beats.BEAT_EVERY

    def _watch(self) -> None:
        seen = self.seen
        wrong = self.cluster.what_is_wrong(
            untaken=seen.untaken_task if seen else None, newest=seen.newest_task if seen else None
        )
        if wrong:
            self.say(f"The task cluster is started again: {wrong}.")
            self.restarts += 1
            self.next_beat = 0.0
            self.cluster.end(patience=0, ring=self._ring)
            self.cluster = Cluster()

    def _leave(self) -> None:
        self.cluster.end(patience=STOP_PATIENCE, ring=self._ring)
        self.bell.close()
        try:
            if self.host is not None:
                beats.end(host=self.host)
        except DatabaseError:
            log.warning("the last heartbeat could not be taken back")

    def _ring(self) -> None:
        """Whoever waits for tasks looks up, and hears that it is to end."""
        try:
            ring(TASKS)
        except DatabaseError:
            connection.close()
