"""Cancellations and returns are read at the source: for orders that a webhook or a reading names, and by a poll of what
changed. What cannot be told for want of a permission is left to the next look, and stops nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

from django.db.models import Max

from accounts.access import merchant_rows
from connectors import calls
from connectors.asking import ask_all
from connectors.base import aftersales as told
from connectors.base.connector import Source
from connectors.base.errors import (
    AuthorizationError,
    PermanentError,
    PlatformError,
    ScopeMissing,
    UnsupportedFeature,
)
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_source
from orders import ingest, outbox, reading, requests, returns
from orders.models import Cancellation, Lane, Order, OutboxItem, OutboxKind, OutboxStatus, Return
from orders.work import Drain

log = logging.getLogger(__name__)

T = TypeVar("T", told.Cancellation, told.Return)
Question = Callable[[Sequence[str]], Sequence[told.Cancellation | told.Return]]

# What lies this close behind the cursor is read twice: the source shows its updates late.
OVERLAP = timedelta(minutes=5)
# A first look goes back this far before the shop was connected: buyers ask long after they bought.
FIRST_LOOK = timedelta(days=14)
STEP = timedelta(days=7)  # after an outage the cursor moves in such steps
BATCH = 50
AGAIN = "again-"
READ_AGAIN_AFTER = timedelta(seconds=30)


# Of orders that are named


def read(*, store: ConnectedStore, source: Source, order_ids: Sequence[str], clock: Callable[[], datetime]) -> None:
    """`try_named` of all of these. Raises PlatformError, once what could be told is kept."""
    failed = try_named(store=store, source=source, asked=order_ids, returned=order_ids, clock=clock)
    for error in failed.values():
        raise error


def try_named(
    *,
    store: ConnectedStore,
    source: Source,
    asked: Sequence[str],
    returned: Sequence[str],
    clock: Callable[[], datetime],
    at_once: int = 1,
) -> dict[str, PlatformError]:
    """Read every cancellation of the orders `asked` and every return of those `returned`, which are kept already, and
    keep them. Makes calls, up to `at_once` together: not inside a transaction. Returns the orders of which that could
    not be told now. Raises AuthorizationError; what is not permitted is left out. May be repeated."""
    parts: list[tuple[Question, Sequence[str]]] = [(source.cancellations_of, batch) for batch in _parts(asked)]
    parts += [(source.returns_of, batch) for batch in _parts(returned)]
    failed: dict[str, PlatformError] = {}
    for replies in ask_all([partial(question, batch) for question, batch in parts], at_once=at_once):
        for reply in replies:
            reading.save_calls(store, reply.records)
            error = reply.error
            if isinstance(error, UnsupportedFeature | ScopeMissing):
                _untold(store, error)
            elif isinstance(error, AuthorizationError):
                raise error
            elif error is not None:
                failed.update(dict.fromkeys(parts[reply.place][1], error))
            else:
                _keep_found(store, source, reply.answer or [], clock)
    return failed


def _parts(order_ids: Sequence[str]) -> list[Sequence[str]]:
    return [order_ids[start : start + BATCH] for start in range(0, len(order_ids), BATCH)]


def _keep_found(
    store: ConnectedStore,
    source: Source,
    found: Sequence[told.Cancellation | told.Return],
    clock: Callable[[], datetime],
) -> None:
    asked = [each for each in found if isinstance(each, told.Cancellation)]
    cases = [each for each in found if isinstance(each, told.Return)]
    _keep(store, cancellations=asked, cases=cases, now=clock())
    _read_new_orders(store=store, source=source, cases=cases, clock=clock)


def read_cancellations(
    *,
    store: ConnectedStore,
    source: Source,
    order_ids: Sequence[str],
    clock: Callable[[], datetime],
    is_last_try: bool = False,
) -> None:
    """Read and keep the cancellations of these orders, where the source tells us."""
    try:
        found = source.cancellations_of(order_ids)
    except (UnsupportedFeature, ScopeMissing) as error:
        _untold(store, error)
        return
    _keep(store, cancellations=found, now=clock(), is_last_try=is_last_try)


def read_returns(
    *,
    store: ConnectedStore,
    source: Source,
    order_ids: Sequence[str],
    clock: Callable[[], datetime],
    is_last_try: bool = False,
) -> None:
    """Read and keep the returns of these orders, where the source tells us."""
    try:
        found = source.returns_of(order_ids)
    except (UnsupportedFeature, ScopeMissing) as error:
        _untold(store, error)
        return
    _keep(store, cases=found, now=clock(), is_last_try=is_last_try)
    _read_new_orders(store=store, source=source, cases=found, clock=clock)


def _untold(store: ConnectedStore, error: Exception) -> None:
    log.info("not told", extra={"store": store.pk, "failure": type(error).__name__})


def _keep(
    store: ConnectedStore,
    *,
    now: datetime,
    cancellations: Sequence[told.Cancellation] = (),
    cases: Sequence[told.Return] = (),
    is_last_try: bool = False,
) -> None:
    """Keep them order by order, each in its own transaction; those of orders that are not kept are left out. An order
    of which something cannot be kept is read again by itself, and stops no other."""
    by_order: dict[str, tuple[list[told.Cancellation], list[told.Return]]] = {}
    for cancellation in cancellations:
        by_order.setdefault(cancellation.order_id, ([], []))[0].append(cancellation)
    for case in cases:
        by_order.setdefault(case.order_id, ([], []))[1].append(case)
    for order_id, (asked, returned) in by_order.items():
        try:
            with merchant_rows(store.merchant_id):
                order = Order.objects.select_for_update().filter(source_store=store, external_id=order_id).first()
                if order is None:
                    continue
                order.source_store = store
                requests.keep(order=order, seen=asked, now=now)
                returns.keep(order=order, seen=returned, now=now)
        except ingest.BAD_ORDER:
            log.exception("not kept", extra={"store": store.pk, "order": order_id})
            if not is_last_try:
                _read_again_later(store, order_id, now)
                continue
            raise


def _read_again_later(store: ConnectedStore, order_id: str, now: datetime) -> None:
    with merchant_rows(store.merchant_id):
        order = Order.objects.get(source_store=store, external_id=order_id)
        outbox.enqueue(
            order=order,
            store=store,
            kind=OutboxKind.READ_CANCELS,
            subject=f"{AGAIN}{int(now.timestamp())}",
            reference=order_id,
            now=now,
            not_before=now + READ_AGAIN_AFTER,
            facts={"returns": True},
        )


def _read_new_orders(
    *, store: ConnectedStore, source: Source, cases: Sequence[told.Return], clock: Callable[[], datetime]
) -> None:
    """The order that stands for a return is read with it, where the return names it."""
    named = {case.new_order_id for case in cases if case.new_order_id}
    if not named:
        return
    with merchant_rows(store.merchant_id):
        known = Order.objects.filter(source_store=store, external_id__in=named)
        missing = sorted(named - set(known.values_list("external_id", flat=True)))
    if not missing:
        return
    found = reading.try_orders(store=store, source=source, external_ids=missing, clock=clock)
    for external_id, error in found.failed.items():
        reading.set_aside(store=store, external_id=external_id, reason=error.message, now=clock())


def read_set_aside(*, store: ConnectedStore, source: Source, clock: Callable[[], datetime]) -> int:
    """`reading.read_set_aside`, and what else the source tells of those orders: it could not be kept without them.
    Returns how many. Raises AuthorizationError; what cannot be told now, the poll finds."""
    order_ids = reading.read_set_aside(store=store, source=source, clock=clock)
    try_named(store=store, source=source, asked=order_ids, returned=order_ids, clock=clock)
    return len(order_ids)


def perform(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out READ_CANCELS, unless they were read since it was said. Makes calls: not inside a transaction. Raises
    PlatformError, outbox.LostLease. May be repeated."""
    wants_returns = bool(item.facts.get("returns"))
    with merchant_rows(item.merchant_id):
        order_id = Order.objects.values_list("external_id", flat=True).get(pk=item.order_id)
        is_read = Cancellation.objects.filter(order_id=item.order_id, read_at__gt=item.created_at).exists()
    if not is_read or wants_returns:
        with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
            shop, ids, clock = drain.store, [order_id], drain.clock
            read_cancellations(store=shop, source=source, order_ids=ids, clock=clock, is_last_try=True)
            if wants_returns:
                read_returns(store=shop, source=source, order_ids=ids, clock=clock, is_last_try=True)
    with merchant_rows(item.merchant_id):
        outbox.settle(item=item, status=OutboxStatus.DONE, now=drain.clock())


def perform_together(*, items: Sequence[OutboxItem], drain: Drain) -> list[OutboxItem]:
    """`perform` for many orders with few calls. Returns the items that are to be carried out each by itself: what could
    not be told or kept this time. Makes calls: not inside a transaction. Raises PlatformError. May be repeated."""
    alone = [item for item in items if item.subject.startswith(AGAIN)]
    together = [item for item in items if not item.subject.startswith(AGAIN)]
    merchant_id, order_ids = drain.store.merchant_id, [item.order_id for item in together]
    with merchant_rows(merchant_id):
        names = dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "external_id"))
        read_at = dict(
            Cancellation.objects.filter(order_id__in=order_ids).values_list("order_id").annotate(Max("read_at"))
        )
    returned = [names[item.order_id] for item in together if item.facts.get("returns")]
    asked = [
        names[item.order_id]
        for item in together
        if item.facts.get("returns") or (read_at.get(item.order_id) or item.created_at) <= item.created_at
    ]
    shop, clock = drain.store, drain.clock
    with speaking_to_source(shop, clock=clock, pace=drain.pace) as source:
        failed = try_named(
            store=shop, source=source, asked=asked, returned=returned, clock=clock, at_once=drain.at_once
        )
    done = [item for item in together if names[item.order_id] not in failed]
    with merchant_rows(merchant_id):
        outbox.settle_done(items=done, now=clock())
    return alone + [item for item in together if names[item.order_id] in failed]


# Of all that changed


def poll(
    *, store: ConnectedStore, source: Source, clock: Callable[[], datetime], still_mine: Callable[[], None]
) -> int:
    """Read every cancellation and return that changed since the cursor, and return how many brought news. Not inside a
    transaction.

    The cursor moves only after all of a step is kept. `still_mine` is called between batches and raises when the lane
    was lost. Raises PlatformError; may be repeated.
    """
    count, end = 0, clock()
    with merchant_rows(store.merchant_id):
        until = Lane.objects.filter(store=store).values_list("aftersales_until", flat=True).first()
    until = until or store.connected_at - FIRST_LOOK
    try:
        while until < end:
            since, until = until - OVERLAP, min(until + STEP, end)
            for asked in _batches(source.cancellations_updated_since(since, until=until)):
                still_mine()
                count += _take(store=store, source=source, cancellations=asked, clock=clock)
            for cases in _batches(source.returns_updated_since(since, until=until)):
                still_mine()
                count += _take(store=store, source=source, cases=cases, clock=clock)
            _move_cursor(store=store, to=until)
    except (UnsupportedFeature, ScopeMissing) as error:
        _untold(store, error)
    except AuthorizationError:
        raise
    except PermanentError as error:  # asking again at once would not help, and orders are read all the same
        log.error("cannot be polled", extra={"store": store.pk, "message_of_platform": error.message})
    with merchant_rows(store.merchant_id):
        calls.save(records=calls.take(), merchant_id=store.merchant_id, subject="")
    return count


def _take(
    *,
    store: ConnectedStore,
    source: Source,
    clock: Callable[[], datetime],
    cancellations: Sequence[told.Cancellation] = (),
    cases: Sequence[told.Return] = (),
) -> int:
    """Keep those that changed; their orders are read first, so that they are judged as they are now."""
    asked, returned = _news(store, cancellations, Cancellation), _news(store, cases, Return)
    named = [each.order_id for each in asked] + [each.order_id for each in returned]
    order_ids = list(dict.fromkeys(named))
    if not order_ids:
        return 0
    reading.read_orders(store=store, source=source, external_ids=order_ids, clock=clock)
    _keep(store, cancellations=asked, cases=returned, now=clock())
    _read_new_orders(store=store, source=source, cases=returned, clock=clock)
    return len(asked) + len(returned)


def _news(store: ConnectedStore, seen: Sequence[T], rows: type[Cancellation] | type[Return]) -> list[T]:
    """Those that are new or changed since they were read; the window overlaps, so most were read before."""
    if not seen:
        return []
    with merchant_rows(store.merchant_id):
        ours = rows.objects.filter(store=store, external_id__in=[each.external_id for each in seen])
        known = dict(ours.values_list("external_id", "updated_at"))
    return [each for each in seen if known.get(each.external_id) != each.updated_at]


def _batches(found: Iterator[T]) -> Iterator[list[T]]:
    found = iter(found)
    while batch := list(islice(found, BATCH)):
        yield batch


def _move_cursor(*, store: ConnectedStore, to: datetime) -> None:
    with merchant_rows(store.merchant_id):
        Lane.objects.filter(store=store).update(aftersales_until=to)
