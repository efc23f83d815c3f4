"""The record of calls made to platforms: collected while a step runs, written when it settles.

The collector is per thread, and a thread runs one step at a time.
"""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial

from connectors.http import CallRecord
from connectors.models import ApiCall, ConnectedStore

_collected = threading.local()


def recorder(store: ConnectedStore) -> partial[None]:
    """What a connector for this store is given as `record`."""
    return partial(_collect, store.pk)


def take() -> list[tuple[int, CallRecord]]:
    """The records since the last `take` in this thread, with the store each call went to."""
    found: list[tuple[int, CallRecord]] = getattr(_collected, "records", [])
    _collected.records = []
    return found


def save(*, records: list[tuple[int, CallRecord]], merchant_id: int, subject: str, now: datetime) -> None:
    """Write records in the caller's transaction; `subject` is the order's id at the source, or empty."""
    ApiCall.objects.bulk_create(
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
            called_at=now,
        )
        for store_id, record in records
    )


def _collect(store_id: int, record: CallRecord) -> None:
    if not hasattr(_collected, "records"):
        _collected.records = []
    _collected.records.append((store_id, record))
