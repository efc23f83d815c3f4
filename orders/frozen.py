"""Whether a task cluster is frozen, judged from what is seen of it about once a second.

A cluster can freeze for ever when an idle worker of it is killed hard: the dead one held the internal queue's lock
(django-q2 1.11, seen: one worker always waits inside that lock). Its guard replaces the dead one, and nobody ever
takes a task again. A guard that was stopped or hangs says nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orders.broker import Report

STARTING_TAKES = 30.0
SILENT_AFTER = 10.0
UNTAKEN_AFTER = 4.0
UNBEGUN_AFTER = 20.0
AWAY_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a cluster. Tasks by id: `untaken` is the oldest that waits in the database."""

    report: Report | None
    untaken: int | None
    newest: int | None
    is_busy: Callable[[], bool]


@dataclass(slots=True)
class Judge:
    """Remembers since when something is as it is. Times are monotonic."""

    watching_since: float
    judged_at: float = 0.0
    _since: dict[str, tuple[object, float]] = field(default_factory=dict)

    def verdict(self, seen: Seen, *, now: float) -> str:
        """Why the cluster has to be ended, or nothing."""
        if now - self.judged_at > AWAY_AFTER:  # we were stopped ourselves: what we knew is old
            self.watching_since = max(self.watching_since, now if self.judged_at else self.watching_since)
            self._since.clear()
        self.judged_at = now
        if seen.report is None:
            return "it does not begin" if now - self.watching_since > STARTING_TAKES else ""
        if now - max(seen.report.said_at, self.watching_since) > SILENT_AFTER:
            return "its guard is silent"
        return self._of_tasks(seen, seen.report.tasks, now)

    def _of_tasks(self, seen: Seen, unbegun: int, now: float) -> str:
        """Tasks wait while nobody works. Where tasks come and go quickly, that may be seen by chance, but not long."""
        if (seen.untaken is None and not unbegun) or seen.is_busy():
            self._since.clear()
            return ""
        if seen.untaken is not None and self._lasts("untaken", seen.untaken, now) > UNTAKEN_AFTER:
            return "nobody takes the tasks"
        if unbegun and self._lasts("newest", seen.newest, now) > UNTAKEN_AFTER:
            return "nobody begins the tasks"
        if not unbegun:
            self._since.pop("unbegun", None)
        elif self._lasts("unbegun", True, now) > UNBEGUN_AFTER:
            return "nobody has begun a task for long"
        return ""

    def _lasts(self, name: str, value: object, now: float) -> float:
        known, since = self._since.get(name, (None, now))
        if known != value:
            since = now
        self._since[name] = (value, since)
        return now - since
