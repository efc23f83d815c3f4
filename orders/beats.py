"""The heartbeats of worker hosts, written by the dispatch loop itself: one that hangs falls silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from orders.models import WorkerHost

BEAT_EVERY = 5.0
SILENT_AFTER = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Workers:
    """How many were heard lately, and how many fell silent without a word."""

    alive: int
    silent: int


def begin(*, name: str, now: datetime) -> UUID:
    """A host begins to work: its id. Its own name's silent runs, and those silent for a day, are forgotten."""
    WorkerHost.objects.filter(name=name, beat_at__lt=now - SILENT_AFTER).delete()
    WorkerHost.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()
    return WorkerHost.objects.create(name=name, started_at=now, beat_at=now).pk


def beat(*, host: UUID, restarts: int, now: datetime) -> bool:
    """One statement. False when the row is gone: begin anew."""
    return bool(WorkerHost.objects.filter(pk=host).update(beat_at=now, restarts=restarts))


def end(*, host: UUID) -> None:
    """It ended in order and is not missed."""
    WorkerHost.objects.filter(pk=host).delete()


def workers(*, now: datetime) -> Workers:
    """How the worker hosts are."""
    beats = list(WorkerHost.objects.values_list("beat_at", flat=True))
    alive = sum(now - beat_at <= SILENT_AFTER for beat_at in beats)
    return Workers(alive=alive, silent=len(beats) - alive)
