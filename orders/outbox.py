"""The only way anything goes out: say it, claim it, do it, settle it.

A claim is a short transaction; the call is made outside any; settling is another. `sending` marks the item as
doubtful before the call leaves, and only a definite answer clears the mark: whoever crashes in between leaves a row
in flight that `rescue` gives back, and the next try looks before it sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Max, Q

from accounts.access import merchant_rows
from accounts.bulk import insert_missing
from accounts.rows import Rows
from connectors.base.errors import OutcomeUnknown, PlatformError
from connectors.models import ConnectedStore
from orders import turns
from orders.models import Attention, GiveUpReason, Order, OutboxItem, OutboxKind, OutboxStatus

# Longer than a marked item may wait for a sender (work.SEND_WITHIN) and then for its answer (exchange.READ_SECONDS).
LEASE = timedelta(seconds=40)
# A call that was cut off may still be carried out for 30 s, and what was made may be found 10 s later: only then is
# "absent" sure. Counted from the mark, that is after the item was sent and had no answer; or from the failure seen.
SURE_AFTER = timedelta(seconds=60)
SURE_AFTER_FAILURE = timedelta(seconds=40)
# Seconds until an item is tried again whose store answers others: a store that answers nobody is left alone as a whole
# (orders/draining.py), and nothing is counted. For five minutes nobody waits long for a failure that has passed.
QUICK_PAUSE, QUICK_TRIES = 20, 16
LONGEST_PAUSE = 900
MOST_ATTEMPTS = 40

_MARK_SENDING = """
update orders_outboxitem o set lease_until = %s, sent_at = %s, sure_at = %s, is_doubtful = true
from unnest(%s::bigint[], %s::bigint[]) as mine(id, fence)
where o.id = mine.id and o.fence = mine.fence and o.status = 'IN_FLIGHT' and o.lease_until > %s
returning o.id
"""
_SETTLE_DONE = """
update orders_outboxitem o set status = 'DONE', lease_until = null, settled_at = %s, last_error = '',
  give_up_reason = '', is_doubtful = false
from unnest(%s::bigint[], %s::bigint[]) as mine(id, fence)
where o.id = mine.id and o.fence = mine.fence and o.status = 'IN_FLIGHT'
returning o.id
"""


_PUT_BACK = """
update orders_outboxitem o set status = 'PENDING', lease_until = null, not_before = %s,
  attempts = greatest(0, o.attempts - 1), last_error = mine.error,
  is_doubtful = mine.is_doubtful, sure_at = mine.sure_at
from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bool[], %s::timestamptz[])
  as mine(id, fence, error, is_doubtful, sure_at)
where o.id = mine.id and o.fence = mine.fence and o.status = 'IN_FLIGHT'
"""
_CLAIM = Rows(
    OutboxItem,
    f"""
with due as materialized (
  select o.id from orders_outboxitem o
  where o.store_id = %(store)s and o.status = 'PENDING' and o.not_before <= %(now)s and {turns.NONE_BEFORE}
  order by o.deadline nulls last, o.id limit %(limit)s for update skip locked
)
update orders_outboxitem t
set status = 'IN_FLIGHT', lease_until = %(until)s, attempts = t.attempts + 1, fence = t.fence + 1
from due where t.id = due.id returning {{columns}}
""",  # noqa: S608 - of constants
)


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
    item = item_of(
        order=order,
        store=store,
        kind=kind,
        reference=reference,
        now=now,
        subject=subject,
        not_before=not_before,
        facts=facts,
    )
    if insert_missing([item]):
        return item
    return OutboxItem.objects.get(order=order, store=store, kind=kind, subject=subject)


def item_of(
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
    """What is to be done, not written down yet."""
    return OutboxItem(
        merchant_id=order.merchant_id,
        order=order,
        store=store,
        kind=kind,
        subject=subject,
        reference=reference,
        facts=dict(facts or {}),
        not_before=not_before or now,
        deadline=order.ship_by,
        created_at=now,
    )


def claim(*, store: ConnectedStore, now: datetime, limit: int) -> list[OutboxItem]:
    """Take up to `limit` due items of this store, one per order, nearest deadline first, in the caller's transaction.

    An item waits while an older one of the same order at this store is pending or in flight; those of `turns.AHEAD`
    only for each other and for what is in flight. Raises IntegrityError where somebody else takes another one of the
    same order at this moment.
    """
    items = _CLAIM(store=store.pk, now=now, until=now + LEASE, limit=limit, ahead=turns.AHEAD)
    return sorted(items, key=lambda item: (item.deadline is None, item.deadline or now, item.pk))


def wait_behind(*, store: ConnectedStore, now: datetime) -> int:
    """Due items that wait for an older one of their order are looked at again in some seconds, instead of waking their
    lane all the while, in the caller's transaction. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(turns.WAIT_BEHIND, {"store": store.pk, "now": now, "ahead": turns.AHEAD})
        return cursor.rowcount


@contextmanager
def sending(*, item: OutboxItem, now: datetime) -> Iterator[None]:
    """Around a call that changes something: confirm that the item is ours, and say first that the call is made.

    The item is doubtful until a definite answer, success or refusal, is written down. Raises LostLease: send nothing.
    """
    with merchant_rows(item.merchant_id):
        if not mark_sending(items=[item], now=now):
            raise LostLease(f"item {item.pk}")
    with answer_of(item=item):
        yield


def mark_sending(*, items: Sequence[OutboxItem], now: datetime) -> list[OutboxItem]:
    """Say that the calls of these items are made now, in the caller's transaction. Returns those that are ours still:
    for any other nothing may be sent."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_SENDING, [now + LEASE, now, now + SURE_AFTER, *_held(items), now])
        ours = {row[0] for row in cursor.fetchall()}
    for item in items:
        if item.pk in ours:
            is_open = item.is_doubtful and item.sure_at is not None and item.sure_at > now
            item.earlier_sure_at = item.sure_at if is_open else None
            item.lease_until, item.sent_at, item.sure_at = now + LEASE, now, now + SURE_AFTER
            item.is_doubtful = True
    return [item for item in items if item.pk in ours]


@contextmanager
def answer_of(*, item: OutboxItem) -> Iterator[None]:
    """Around the call of a marked item: a definite answer, a refusal too, ends its doubt; in memory, until settled. It
    says nothing of an earlier call that may still be carried out."""
    try:
        yield
    except OutcomeUnknown:
        item.was_cut_off = True
        raise
    except PlatformError:
        if item.earlier_sure_at is None:
            item.is_doubtful = False
        else:
            item.sure_at = item.earlier_sure_at
        raise


def settle_done(*, items: Sequence[OutboxItem], now: datetime) -> set[int]:
    """End these tries as done, in the caller's transaction: the keys of those that were ours still."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE_DONE, [now, *_held(items)])
        return {row[0] for row in cursor.fetchall()}


def give_back(*, items: Sequence[OutboxItem], now: datetime) -> None:
    """These were marked and not sent after all: due at once, as if this try had not been, in the caller's transaction.
    Items that somebody else holds by now are left alone."""
    errors = [item.last_error for item in items]
    doubts = [item.earlier_sure_at is not None for item in items]
    _put_back(items, errors, doubts, [item.earlier_sure_at for item in items], now)


def wait_for_platform(*, failed: Sequence[tuple[OutboxItem, PlatformError]], now: datetime) -> None:
    """These were tried while the platform answered nobody, which is not their doing: due at once, and the try does not
    count, in the caller's transaction. Items that somebody else holds by now are left alone."""
    items = [item for item, _ in failed]
    errors = [error.message[:300] for _, error in failed]
    doubts = [item.is_doubtful or isinstance(error, OutcomeUnknown) for item, error in failed]
    _put_back(items, errors, doubts, [_sure_at(item, now) for item in items], now)


def _put_back(
    items: Sequence[OutboxItem],
    errors: list[str],
    doubts: list[bool],
    sure_at: list[datetime | None],
    now: datetime,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PUT_BACK, [now, *_held(items), errors, doubts, sure_at])


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
    *,
    item: OutboxItem,
    now: datetime,
    error: str,
    wait: float | None = None,
    is_doubtful: bool = False,
    counts: bool = True,
) -> None:
    """Try again later, with growing pauses or after `wait` seconds. Raises LostLease.

    `is_doubtful`: the last call may have been carried out, so the next try has to look first. `counts`: this try is one
    of MOST_ATTEMPTS.
    """
    pause = wait if wait is not None else pause_after(item.attempts)
    sure_at = _sure_at(item, now)
    if not _mine(item).update(
        status=OutboxStatus.PENDING,
        lease_until=None,
        not_before=now + timedelta(seconds=pause),
        last_error=error[:300],
        is_doubtful=is_doubtful,
        sure_at=sure_at,
        attempts=item.attempts if counts else max(0, item.attempts - 1),
    ):
        raise LostLease(f"item {item.pk}")
    item.status, item.is_doubtful, item.sure_at = OutboxStatus.PENDING, is_doubtful, sure_at


def pause_after(attempts: int) -> int:
    """Seconds until the next try, after so many: 2, 4, 8, 16, then 20 for five minutes, then doubling."""
    if attempts <= QUICK_TRIES:
        return min(QUICK_PAUSE, 2**attempts)
    return min(LONGEST_PAUSE, QUICK_PAUSE * 2 ** min(attempts - QUICK_TRIES, 10))


def require_sure(*, item: OutboxItem, now: datetime, what: str) -> None:
    """Raises OutcomeUnknown while an earlier call of this item may still be carried out, so that what a look does not
    find is not known to be absent. `what` says what is waited for."""
    if item.is_doubtful and item.sure_at is not None and now < item.sure_at:
        left = (item.sure_at - now).total_seconds()
        raise OutcomeUnknown(what, retry_after=min(left, 10.0))


def may_come_until(*, order: Order, store: ConnectedStore, kind: OutboxKind, now: datetime) -> datetime | None:
    """Until when a call of this kind that had no answer may still be carried out, though a later try had one; None
    where none can. In merchant_rows."""
    calls = order.outbox.filter(kind=kind, store=store, sure_at__gt=now)
    latest: datetime | None = calls.filter(Q(is_doubtful=True) | Q(attempts__gt=1)).aggregate(last=Max("sure_at"))[
        "last"
    ]
    return latest


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


def find_out(*, order: Order, kind: OutboxKind, now: datetime) -> int:
    """Have the outcome of parked items found out that may have been done, in the caller's transaction. Returns how
    many."""
    parked = OutboxItem.objects.filter(order=order, kind=kind, status=OutboxStatus.PARKED, is_doubtful=True)
    return parked.update(status=OutboxStatus.PENDING, not_before=now, attempts=0, give_up_reason="", settled_at=None)


def rescue(*, store: ConnectedStore, now: datetime) -> int:
    """Give back items whose holder is gone: due again at once, and as doubtful as they were left."""
    return OutboxItem.objects.filter(store=store, status=OutboxStatus.IN_FLIGHT, lease_until__lt=now).update(
        status=OutboxStatus.PENDING, lease_until=None, not_before=now, fence=F("fence") + 1
    )


def _sure_at(item: OutboxItem, now: datetime) -> datetime | None:
    """A call that was cut off was so at this moment at the latest: it is known how long it may still be carried out."""
    if not item.was_cut_off:
        return item.sure_at
    return min(now + SURE_AFTER_FAILURE, item.sure_at or now + SURE_AFTER_FAILURE)


def _held(items: Sequence[OutboxItem]) -> list[list[int]]:
    return [[item.pk for item in items], [item.fence for item in items]]


def _mine(item: OutboxItem) -> Any:
    return OutboxItem.objects.filter(pk=item.pk, status=OutboxStatus.IN_FLIGHT, fence=item.fence)
