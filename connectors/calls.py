"""The record of calls made to platforms: collected while a step runs, written when it settles.

The collector is per thread, and a thread runs one step at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from accounts.bulk import insert_many
from connectors.http import CallRecord
from connectors.models import ApiCall, ConnectedStore

Collected = tuple[int, datetime, CallRecord]

_collected = threading.local()


def recorder(store: ConnectedStore, *, clock: Callable[[], datetime]) -> partial[None]:
    """What a connector for this store is given as `record`."""
    return partial(_collect, store.pk, clock)


def take() -> list[Collected]:
    """The records since the last `take` in this thread, with the store each call went to, and when it ended."""
    found: list[Collected] = getattr(_collected, "records", [])
    _collected.records = []
    return found


def add(records: Sequence[Collected]) -> None:
    """Records of calls that another thread made for this one's step."""
    _collected.records = take() + list(records)


@contextmanager
def apart() -> Iterator[list[Collected]]:
    """In here this thread's records are collected by themselves; the list holds them afterwards."""
    outer, found = take(), list[Collected]()
    try:
        yield found
    finally:
        found += take()
        _collected.records = outer


def save(*, records: list[Collected], merchant_id: int, subject: str) -> None:
    """Write records in the caller's transaction; `subject` is the order's id at the source, or empty."""
    save_many(rows=[(subject, record) for record in records], merchant_id=merchant_id)


def save_many(*, rows: Sequence[tuple[str, Collected]], merchant_id: int) -> None:
    """`save` for records of several subjects, each beside its own."""
    insert_many(
        ApiCall(
            merchant_id=merchant_id,
            store_id=store_id,
            subject=subject,
            operation=record.operation[:60],
            method=record.method,
            path=record.path[:300],
            status=record.status,
            milliseconds=record.milliseconds,
            request=record.request,
            answer=record.answer,
            error=record.error[:200],
            request_id=record.request_id,
            called_at=called_at,
        )
        for subject, (store_id, called_at, record) in rows
    )


def _collect(store_id: int, clock: Callable[[], datetime], record: CallRecord) -> None:
    if not hasattr(_collected, "records"):
        _collected.records = []
    _collected.records.append((store_id, clock(), record))
