"""Processes of the product, played by threads of which one runs at a time, and what ends or stops them.

A process dies at a point as by kill -9: its open transaction is rolled back and nothing that follows is done. Or it is
stopped there as by SIGSTOP, while others go on, and goes on itself much later. Points are each call to a platform,
before it and after the platform did its part, and each commit to the database, before and after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created

from connectors import calls

_here = threading.local()


class Crash(BaseException):
    """This process is no more."""


class Process:
    """One at a time runs: whoever starts or resumes it waits until it ends or stops.

    `on_point` is asked at each point with its name, and whether the process may stop there, and answers "on", "crash"
    or "stop".
    """

    def __init__(self, name: str, *, on_point: Callable[[Process, str, bool], str]) -> None:
        self.name = name
        self.on_point = on_point
        self.is_stopped = self.is_dead = False
        self.crashes = 0
        self.result: Any = None
        self.error: BaseException | None = None
        self.reads: dict[str, tuple[float, str]] = {}  # what it read at the source since it began: when, and the status
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._job: Callable[[], Any] | None = None
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], Any]) -> None:
        """Begin a job, and come back when it is done, has crashed, or is stopped."""
        self._job = job
        self.is_dead, self.error, self.result = False, None, None
        self.reads = {}
        self.go_on()

    def go_on(self) -> None:
        """Let it run, until it ends or stops once more."""
        self.is_stopped = False
        self._go.release()
        self._back.acquire()
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def end(self) -> None:
        """For good."""
        if self.is_stopped:
            self.is_dead = True
            self.go_on()
        self._job = None
        self._go.release()
        self._thread.join()

    # In the thread

    def _live(self) -> None:
        _here.process = self
        connection.execute_wrappers.append(self._execute)
        while True:
            self._go.acquire()
            if self._job is None:
                break
            try:
                self.result = self._job()
            except Crash:
                self.crashes += 1
                connection.close()
            except BaseException as error:
                self.error = None if self.is_dead else error
                connection.close()
            calls.take()
            self._back.release()
        connection.close()

    def _execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.is_dead:
            raise Crash
        return execute(sql, params, many, context)

    def reach(self, point: str, *, may_stop: bool) -> None:
        """A point at which something may happen to this process. Raises Crash."""
        if self.is_dead:
            raise Crash
        what = self.on_point(self, point, may_stop)
        if what == "crash":
            self.is_dead = True
            raise Crash
        if what == "stop" and may_stop:
            self.is_stopped = True
            self._back.release()
            self._go.acquire()
            if self.is_dead:
                raise Crash


def this_process() -> Process | None:
    """The process whose thread asks; None for people and platforms."""
    return getattr(_here, "process", None)


def reach(point: str, *, may_stop: bool) -> None:
    """A point in whatever runs here."""
    process = this_process()
    if process is not None:
        process.reach(point, may_stop=may_stop)


def _watch_commits(connection: Any, **_: Any) -> None:
    """Each commit of this connection is a point: before it, when all is rolled back, and after it."""
    if this_process() is None:
        return
    driver = connection.connection
    commit = driver.commit

    def watched() -> None:
        try:
            reach("before a commit", may_stop=False)  # stopped there it would keep its locks; so would a real one
        except Crash:
            driver.rollback()
            raise
        commit()
        reach("after a commit", may_stop=True)

    driver.commit = watched


connection_created.connect(_watch_commits, dispatch_uid="simulation")
