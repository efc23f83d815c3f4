"""Free samples of one creator that go to the store at the same moment, under one tag, so that they are packed together.

Each keeps its own order in the store: docs/adr/0007-samples-of-one-creator-share-a-tag.md says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base.types import PlatformOrder, Shipper
from orders.models import Mirror, MirrorState, Order, OutboxItem, OutboxKind, OutboxStatus, Route
from orders.rules import RouteRules, Samples

SHORTEST, LONGEST = 0.5, 24.0  # hours
TAG = "tiktok-samples-"


@dataclass(frozen=True, slots=True)
class Window:
    """Until when a creator's samples are waited for, and the tag they share."""

    group: str
    ends_at: datetime


def is_combined(seen: PlatformOrder, rules: RouteRules) -> bool:
    """Whether this order waits for others of its creator. What TikTok ships is packed by TikTok."""
    return (
        seen.is_sample and bool(seen.buyer_id) and seen.shipper is Shipper.SELLER and rules.samples is Samples.COMBINE
    )


def group_of(seen: PlatformOrder) -> str:
    """The tag of a window that begins with this order."""
    return f"{TAG}{seen.external_id}"[:40]


def window_of(*, order: Order, seen: PlatformOrder, route: Route, rules: RouteRules, now: datetime) -> Window | None:
    """The open window of this creator at the route's store, or one that begins now; None where nothing is combined.

    An extra hold of the route that ends later than the window is waited for as well.
    """
    if not is_combined(seen, rules):
        return None
    open_window = _open_window(order=order, seen=seen, route=route, now=now)
    hours = max(rules.combine_hours, float(route.extra_hold_hours))
    return open_window or Window(group_of(seen), now + timedelta(hours=hours))


def _open_window(*, order: Order, seen: PlatformOrder, route: Route, now: datetime) -> Window | None:
    waiting = OutboxItem.objects.filter(
        store_id=route.destination_store_id,
        kind=OutboxKind.CREATE_ORDER,
        status=OutboxStatus.PENDING,
        attempts=0,
        not_before__gt=now,
        order__source_store=order.source_store_id,
        order__is_sample=True,
        order__snapshot__buyer_id=seen.buyer_id,
    )
    for item in waiting.exclude(order=order).order_by("not_before", "id"):
        mirror = Mirror.objects.filter(order=item.order_id, store=item.store_id, state=MirrorState.PLANNED).first()
        if mirror is not None and mirror.parcel_group:
            return Window(mirror.parcel_group, item.not_before)
    return None
