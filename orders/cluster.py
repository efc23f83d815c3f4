"""One django-q2 cluster as a process group of its own: started, looked at, ended with everything in it.

How it ends (django-q2 1.11 and multiprocessing, read): TERM to the leader makes its guard stop the pusher, put one
STOP per worker behind the tasks that are in the queue already, and wait for every worker without a limit. A worker
that gets its STOP returns, runs `multiprocessing.util` finalizers, joins its non-daemon threads, and only then exits:
lanes that are drained in threads finish what they do. Daemon threads are cut off where they stand. A worker itself
gets no signal; one that is sent TERM dies at once, threads and all. So only the leader is asked, and who does not end
in time is killed: the leases bring the rows back.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import psutil
from django.conf import settings

from orders.broker import REPORT, read_report
from orders.frozen import Judge, Seen

RING_EVERY = 0.25
# A lane has dozens of threads for some seconds. glibc would give eight times as many of them as there are cores a heap
# of its own, each of which keeps what its threads once needed.
_FRUGAL = {"MALLOC_ARENA_MAX": "2"}
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Cluster:
    """A cluster that runs from the moment it is made."""

    def __init__(self) -> None:
        self._report = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the cluster, and has no name
        self._judge = Judge(watching_since=time.monotonic())
        self._leader = subprocess.Popen(
            [sys.executable, "manage.py", "run_cluster", "--parent", str(os.getpid())],
            cwd=settings.BASE_DIR,
            env={**_FRUGAL, **os.environ, REPORT: str(self._report.fileno())},
            pass_fds=[self._report.fileno()],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    def what_is_wrong(self, *, untaken: int | None, newest: int | None) -> str:
        """Why it has to be ended, or nothing. To be asked about once a second."""
        if self._leader.poll() is not None:
            return f"it ended with {self._leader.returncode}"
        seen = Seen(report=read_report(self._report.fileno()), untaken=untaken, newest=newest, is_busy=self._is_busy)
        return self._judge.verdict(seen, now=time.monotonic())

    def end(self, *, patience: float, ring: Callable[[], None]) -> None:
        """End the whole group: asked first, then killed. `ring` wakes who waits for tasks, so that it hears."""
        if patience and self._leader.poll() is None:
            self._leader.terminate()
            ends_at = time.monotonic() + patience
            while self._leader.poll() is None and time.monotonic() < ends_at:
                ring()
                time.sleep(RING_EVERY)
        _kill_group(self._leader.pid)
        self._leader.wait()
        self._report.close()

    def _is_busy(self) -> bool:
        """django-q2 writes what a worker does into its process title (with setproctitle)."""
        try:
            children = psutil.Process(self._leader.pid).children(recursive=True)
            return any("processing" in " ".join(child.cmdline()) for child in children)
        except psutil.Error:
            return False


def _kill_group(group: int) -> None:
    """Orphans of a dead leader are in the group too."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def die_with(parent: int) -> None:
    """On Linux, end this process when its parent ends, and now if that has happened already."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def die_as_a_family() -> None:
    """From now on every process forked here, and by those, dies with the one that forked it.

    Without it a leader that is killed leaves its guard and workers at work, and a guard its workers unguarded.
    """
    parent = os.getpid()

    def remember() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: die_with(parent))
