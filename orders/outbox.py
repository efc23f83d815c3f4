"""The only way anything goes out: say it, claim it, do it, settle it.

A claim is a short transaction; the call is made outside any; settling is another. `sending` marks the item as
doubtful before the call leaves, and only a definite answer clears the mark: whoever crashes in between leaves a row
in flight that `rescue` gives back, and the next try looks before it sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from accounts.access import merchant_rows
from connectors.base.errors import OutcomeUnknown, PlatformError
from connectors.models import ConnectedStore
from orders.models import Attention, GiveUpReason, Order, OutboxItem, OutboxKind, OutboxStatus

LEASE = timedelta(seconds=90)
LONGEST_PAUSE = 900
MOST_ATTEMPTS = 40


class LostLease(Exception):
    """Someone else holds this item now; whoever gets this may write and send nothing more."""


class NotYet(Exception):
    """The step may not be taken yet. `code` is what a person reads meanwhile, if anything; `wait` is in seconds."""

    def __init__(self, code: Attention, *, wait: float, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.wait = wait
        self.detail = dict(detail or {})


def enqueue(
    *,
    order: Order,
    store: ConnectedStore,
    kind: OutboxKind,
    reference: str,
    now: datetime,
    subject: str = "",
    not_before: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
) -> OutboxItem:
    """Write down what is to be done, in the caller's transaction. A repeat returns the item that is there."""
    item, _ = OutboxItem.objects.get_or_create(
        order=order,
        store=store,
        kind=kind,
        subject=subject,
        defaults={
            "merchant_id": order.merchant_id,
            "reference": reference,
            "facts": dict(facts or {}),
            "not_before": not_before or now,
            "deadline": order.ship_by,
            "created_at": now,
        },
    )
    return item


def claim(*, store: ConnectedStore, now: datetime, limit: int) -> list[OutboxItem]:
    """Take up to `limit` due items of this store, one per order, nearest deadline first, in the caller's transaction.

    An item waits while an older one of the same order at this store is pending or in flight.
    """
    due = (
        OutboxItem.objects.filter(store=store, status=OutboxStatus.PENDING, not_before__lte=now)
        .extra(
            where=[
                "not exists (select 1 from orders_outboxitem o where o.order_id = orders_outboxitem.order_id"
                " and o.store_id = orders_outboxitem.store_id and o.id < orders_outboxitem.id"
                " and o.status in ('PENDING', 'IN_FLIGHT'))"
            ]
        )
        .order_by(F("deadline").asc(nulls_last=True), "id")
        .select_for_update(skip_locked=True)
    )
    items = list(due[:limit])
    OutboxItem.objects.filter(pk__in=[item.pk for item in items]).update(
        status=OutboxStatus.IN_FLIGHT, lease_until=now + LEASE, attempts=F("attempts") + 1, fence=F("fence") + 1
    )
    for item in items:
        item.status, item.lease_until = OutboxStatus.IN_FLIGHT, now + LEASE
        item.attempts += 1
        item.fence += 1
    return items


@contextmanager
def sending(*, item: OutboxItem, now: datetime) -> Iterator[None]:
    """Around a call that changes something: confirm that the item is ours, and say first that the call is made.

    The item is doubtful until a definite answer, success or refusal, is written down. Raises LostLease: send nothing.
    """
    with merchant_rows(item.merchant_id):
        held = _mine(item).filter(lease_until__gt=now)
        if not held.update(lease_until=now + LEASE, sent_at=now, is_doubtful=True):
            raise LostLease(f"item {item.pk}")
    item.lease_until, item.sent_at, item.is_doubtful = now + LEASE, now, True
    try:
        yield
    except OutcomeUnknown:
        raise
    except PlatformError:
        item.is_doubtful = False
        raise


def settle(
    *,
    item: OutboxItem,
    status: OutboxStatus,
    now: datetime,
    error: str = "",
    reason: GiveUpReason | str = "",
    is_doubtful: bool = False,
) -> None:
    """End this try for good, in the caller's transaction. Raises LostLease, so that the caller's writes roll back.

    `is_doubtful`: parked without an answer to the last call; whoever resumes it looks first.
    """
    if not _mine(item).update(
        status=status,
        lease_until=None,
        settled_at=now,
        last_error=error[:300],
        give_up_reason=reason,
        is_doubtful=is_doubtful,
    ):
        raise LostLease(f"item {item.pk}")
    item.status = status


def postpone(
    *, item: OutboxItem, now: datetime, error: str, wait: float | None = None, is_doubtful: bool = False
) -> None:
    """Try again later, with growing pauses or after `wait` seconds. Raises LostLease.

    `is_doubtful`: the last call may have been carried out, so the next try has to look first.
    """
    pause = wait if wait is not None else min(LONGEST_PAUSE, 2 ** min(item.attempts, 10))
    if not _mine(item).update(
        status=OutboxStatus.PENDING,
        lease_until=None,
        not_before=now + timedelta(seconds=pause),
        last_error=error[:300],
        is_doubtful=is_doubtful,
    ):
        raise LostLease(f"item {item.pk}")
    item.status, item.is_doubtful = OutboxStatus.PENDING, is_doubtful


def resume(*, order: Order, now: datetime) -> int:
    """Make due at once what was parked, or waits after a failed try. Returns how many. May be repeated.

    What has not been tried yet keeps its time: an extra hold is not cut short.
    """
    parked = Q(status=OutboxStatus.PARKED)
    waiting = Q(status=OutboxStatus.PENDING, attempts__gt=0, not_before__gt=now)
    return OutboxItem.objects.filter(parked | waiting, order=order).update(
        status=OutboxStatus.PENDING, not_before=now, attempts=0, give_up_reason="", settled_at=None
    )


def is_stuck(*, order: Order, besides: OutboxItem) -> bool:
    """Whether something else of this order was given up, or waits after a failed try, so that its question stays."""
    waiting = Q(status=OutboxStatus.PENDING, attempts__gt=0) & ~Q(last_error="")
    others = OutboxItem.objects.filter(Q(status=OutboxStatus.PARKED) | waiting, order=order)
    return others.exclude(pk=besides.pk).exists()


def drop(*, order: Order, kinds: list[OutboxKind], now: datetime) -> int:
    """Take back what was said but surely not begun: pending or parked items that no call was ever made for."""
    return (
        OutboxItem.objects.filter(order=order, kind__in=kinds, is_doubtful=False)
        .filter(Q(status=OutboxStatus.PENDING) | Q(status=OutboxStatus.PARKED))
        .update(status=OutboxStatus.DROPPED, settled_at=now)
    )


def rescue(*, store: ConnectedStore, now: datetime) -> int:
    """Give back items whose holder is gone: due again at once, and as doubtful as they were left."""
    return OutboxItem.objects.filter(store=store, status=OutboxStatus.IN_FLIGHT, lease_until__lt=now).update(
        status=OutboxStatus.PENDING, lease_until=None, not_before=now, fence=F("fence") + 1
    )


def _mine(item: OutboxItem) -> Any:
    return OutboxItem.objects.filter(pk=item.pk, status=OutboxStatus.IN_FLIGHT, fence=item.fence)
