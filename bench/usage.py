"""What processes used: CPU seconds and memory of whole trees, database statements and commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import psutil
import psycopg

MEGABYTE = 1024 * 1024


@dataclass(slots=True)
class Used:
    """What was used between the begin and the end of `measured`."""

    seconds: float = 0.0
    cpu: float = 0.0
    database_cpu: float = 0.0


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and its descendants, those that ended and were waited for included."""
    total = 0.0
    for process in _tree(pid):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_of(pid: int) -> list[float]:
    """Resident megabytes of each process of the tree, what they share counted once for each."""
    found = []
    for process in _tree(pid):
        try:
            found.append(process.memory_info().rss / MEGABYTE)
        except psutil.Error:
            continue
    return found


@contextmanager
def measured(*pids: int, database: int = 0) -> Iterator[Used]:
    """Wall and CPU seconds of these trees while the block runs, and of the database's, whose first process it is."""
    used = Used()
    began, cpu = monotonic(), sum(map(cpu_of, pids))
    database_cpu = cpu_of(database) if database else 0.0
    yield used
    used.seconds, used.cpu = monotonic() - began, sum(map(cpu_of, pids)) - cpu
    used.database_cpu = cpu_of(database) - database_cpu if database else 0.0


@dataclass(frozen=True, slots=True)
class Statements:
    """What the database counted: statements that clients sent, and commits that changed something."""

    statements: int
    commits: int

    def __sub__(self, before: Statements) -> Statements:
        return Statements(self.statements - before.statements, self.commits - before.commits)


def statements(admin: psycopg.Connection[tuple[int]]) -> Statements:
    """All statements since the counters began; those of this connection, and of foreign keys, are nobody's. A commit
    that changed something took a number from the database's sequence of transactions (savepoints take some too)."""
    admin.execute("select pg_stat_force_next_flush()")
    sent = admin.execute(
        "select coalesce(sum(s.calls), 0)::bigint from pg_stat_statements s join pg_roles r on r.oid = s.userid"
        " where s.toplevel and r.rolname <> 'postgres' and s.query not like '%FOR KEY SHARE OF x'"
    ).fetchone()
    done = admin.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert sent
    assert done
    return Statements(sent[0], done[0])


def highest_memory(pid: int, *, until: Callable[[], bool], pause: Callable[[], object]) -> float:
    """The most that the largest process of the tree had resident, looked at until told to stop."""
    highest = 0.0
    while not until():
        highest = max([highest, *memory_of(pid)])
        pause()
    return highest


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
