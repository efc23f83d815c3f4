"""Calls a store's lane made against those its platform allows: written by whoever drains it, read by the watchers."""

from __future__ import annotations

from datetime import datetime

from orders.models import Lane


def record_pace(*, store_id: int, fence: int, used: float, allowed: float, now: datetime) -> bool:
    """Keep both figures, per minute, in the caller's transaction. False when the lane is no longer ours.

    One update of a row without an index on what it changes; every few seconds is often enough.
    """
    lane = Lane.objects.filter(store_id=store_id, fence=fence)
    return bool(lane.update(calls_used=used, calls_allowed=allowed, calls_at=now))
