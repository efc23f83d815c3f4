"""What a worker host runs: the dispatch loop here, and django-q2's cluster as a process group of its own, watched.

A cluster can freeze for ever when an idle worker of it is killed hard: the dead one may hold the queue's lock
(django-q2 1.11, seen). So when due tasks wait while every worker stays idle, the whole group is killed and started
anew. Nothing is lost by that: the rows are the queue.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import psutil
from django.conf import settings
from django.db import DatabaseError, OperationalError, close_old_connections, connection
from django.utils import timezone
from django_q.models import OrmQ

from orders import lanes, queue

log = logging.getLogger(__name__)

DISPATCH_EVERY = 0.2
WATCH_EVERY = 1.0
FROZEN_AFTER = 4.0
STOP_PATIENCE = 12.0
STARTING_TAKES = 10.0
DISPATCH_PAUSE_AFTER_FAILURE = 1.0
_PR_SET_PDEATHSIG = 1


class Supervisor:
    """Runs until told to stop. `say` gets one plain line per notable event."""

    def __init__(self, *, say: Callable[[str], object]) -> None:
        self.say = say
        self.is_stopping = False
        self.cluster: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.oldest_task: int | None = None
        self.waiting_since = 0.0

    def run(self) -> None:
        """Dispatch and watch until SIGTERM or SIGINT, then stop the cluster and return."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._start_cluster()
        next_watch = time.monotonic() + WATCH_EVERY
        try:
            while not self.is_stopping:
                pause = self._dispatch()
                if time.monotonic() >= next_watch:
                    self._watch()
                    next_watch = time.monotonic() + WATCH_EVERY
                time.sleep(pause)
        finally:
            self._stop_cluster(patience=STOP_PATIENCE)

    def _stop(self, number: int, frame: object) -> None:
        self.is_stopping = True

    def _dispatch(self) -> float:
        """Wake due lanes; the seconds to pause after. A database that is away is waited for."""
        try:
            lanes.dispatch(now=timezone.now(), wake=lambda store, fence: queue.enqueue("drain_lane", store, fence))
        except (OperationalError, DatabaseError):
            log.exception("dispatch failed")
            connection.close()
            close_old_connections()
            return DISPATCH_PAUSE_AFTER_FAILURE
        return DISPATCH_EVERY

    def _start_cluster(self) -> None:
        self.started_at, self.oldest_task = time.monotonic(), None
        self.cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=settings.BASE_DIR,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )

    def _watch(self) -> None:
        assert self.cluster is not None
        if self.cluster.poll() is not None:
            self.say(f"The task cluster ended with {self.cluster.returncode}; it is started again.")
            self._stop_cluster(patience=0)
            self._start_cluster()
        elif self._is_frozen():
            self.say("The task cluster is frozen; it is killed and started again.")
            self._stop_cluster(patience=0)
            self._start_cluster()

    def _is_frozen(self) -> bool:
        """Whether the same task has been there for the taking for some seconds while nobody here works."""
        oldest = self._oldest_waiting_task()
        if oldest is None or oldest != self.oldest_task or self._is_anybody_busy():
            self.oldest_task, self.waiting_since = oldest, time.monotonic()
            return False
        return time.monotonic() - max(self.waiting_since, self.started_at + STARTING_TAKES) > FROZEN_AFTER

    def _oldest_waiting_task(self) -> int | None:
        """Whoever takes a task moves its lock into the future; until then the lock is the moment it was put there."""
        try:
            return (
                OrmQ.objects.filter(lock__lte=timezone.now() - timedelta(seconds=1))
                .order_by("id")
                .values_list("id", flat=True)
                .first()
            )
        except DatabaseError:
            connection.close()
            return None

    def _is_anybody_busy(self) -> bool:
        """django-q2 writes what a worker does into its process title (with setproctitle)."""
        assert self.cluster is not None
        try:
            children = psutil.Process(self.cluster.pid).children(recursive=True)
            return any("processing" in " ".join(child.cmdline()) for child in children)
        except psutil.Error:
            return False

    def _stop_cluster(self, *, patience: float) -> None:
        """End the whole group: asked first, then killed. Orphans of a dead leader are in the group too."""
        if self.cluster is None:
            return
        group = self.cluster.pid
        if patience and self.cluster.poll() is None:
            self.cluster.terminate()  # the leader alone: it ends its own workers in order
            ends_at = time.monotonic() + patience
            while self.cluster.poll() is None and time.monotonic() < ends_at:
                time.sleep(0.05)
        _signal_group(group, signal.SIGKILL)
        self.cluster.wait()
        self.cluster = None


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _die_with_parent() -> None:
    """On Linux, a supervisor that is killed takes its cluster with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
