"""Read orders afresh, at the source and in the stores, and keep what was read. One bad order never stops the rest."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from accounts.access import merchant_rows
from connectors import calls
from connectors.asking import Reply, ask_all
from connectors.base.connector import Source
from connectors.base.errors import AuthorizationError, PermanentError, PlatformError, UnreadableAnswer
from connectors.base.types import PlacedOrder, PlatformOrder, Shipment
from connectors.models import ConnectedStore
from orders import hold, ingest
from orders.models import Order, SetAside

log = logging.getLogger(__name__)

MOST_AT_ONCE = 50
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)

_NOT_ASIDE = "delete from orders_setaside where source_store_id = %s and external_id = any(%s)"

AndThen = Callable[[Sequence[str], Mapping[str, ingest.Kept]], object]
_Look = tuple[PlacedOrder | None, Sequence[Shipment]]


@dataclass(frozen=True, slots=True)
class Readings:
    """What came of each thing that was to be read, by its id, and why others could not be."""

    outcomes: dict[str, str] = field(default_factory=dict)
    failed: dict[str, PlatformError] = field(default_factory=dict)

    def all_of_them(self) -> dict[str, str]:
        """The outcomes. Raises the first PlatformError where something could not be read."""
        for error in self.failed.values():
            raise error
        return self.outcomes


# At the source


def read_orders(
    *, store: ConnectedStore, source: Source, external_ids: Sequence[str], clock: Callable[[], datetime]
) -> dict[str, str]:
    """`try_orders`. Raises PlatformError, once what could be read is kept."""
    return try_orders(store=store, source=source, external_ids=external_ids, clock=clock).all_of_them()


def try_orders(
    *,
    store: ConnectedStore,
    source: Source,
    external_ids: Sequence[str],
    clock: Callable[[], datetime],
    at_once: int = 1,
    and_then: AndThen = lambda _asked, _kept: None,
) -> Readings:
    """Fetch these orders and keep them: what came of each, by id, and what could not be read now. Makes calls, up to
    `at_once` together: not inside a transaction.

    What cannot be kept, or is not shown yet, is set aside and tried again. `and_then` joins each transaction, with the
    ids that were asked for in it. Raises AuthorizationError. May be repeated.
    """
    found, refused = Readings(), []
    batches = [external_ids[start : start + MOST_AT_ONCE] for start in range(0, len(external_ids), MOST_AT_ONCE)]
    for replies in ask_all([functools.partial(source.fetch_orders, batch) for batch in batches], at_once=at_once):
        for reply in replies:
            batch = batches[reply.place]
            if reply.error is None:
                found.outcomes.update(_keep_batch(store, batch, reply, clock, and_then))
                continue
            save_calls(store, reply.records)
            if isinstance(reply.error, AuthorizationError):
                raise reply.error
            if isinstance(reply.error, PermanentError) and len(batch) > 1:
                refused.append(batch)
            else:
                found.failed.update(dict.fromkeys(batch, reply.error))
    for batch in refused:  # one of them is to blame: find out which
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            more = try_orders(store=store, source=source, external_ids=half, clock=clock, and_then=and_then)
            found.outcomes.update(more.outcomes)
            found.failed.update(more.failed)
    return found


def check_holds(
    *,
    store: ConnectedStore,
    source: Source,
    external_ids: Sequence[str],
    clock: Callable[[], datetime],
    at_once: int = 1,
) -> Readings:
    """`try_orders` for orders whose hold should be over; what the source still holds is asked about again later, and
    what it could not be asked about now, soon."""

    def ask_again(asked: Sequence[str], kept: Mapping[str, ingest.Kept]) -> None:
        released = {key for key, order in kept.items() if isinstance(order, Order) and order.check_at is None}
        hold.ask_all_again(store=store, external_ids=[each for each in asked if each not in released], now=now)

    now = clock()
    found = try_orders(
        store=store, source=source, external_ids=external_ids, clock=clock, at_once=at_once, and_then=ask_again
    )
    if found.failed:
        with merchant_rows(store.merchant_id):
            hold.try_again(store=store, external_ids=list(found.failed), now=now)
    return found


def _keep_batch(
    store: ConnectedStore,
    external_ids: Sequence[str],
    reply: Reply[list[PlatformOrder | UnreadableAnswer]],
    clock: Callable[[], datetime],
    and_then: AndThen,
) -> dict[str, str]:
    def finish(kept: Mapping[str, ingest.Kept]) -> None:
        """A call for one order belongs to its timeline; a call for many to none."""
        subject = external_ids[0] if len(external_ids) == 1 else ""
        calls.save(records=reply.records, merchant_id=store.merchant_id, subject=subject)
        and_then(external_ids, kept)

    outcomes = keep_orders(store=store, seen=reply.answer or [], now=clock(), and_then=finish)
    for missing in set(external_ids) - set(outcomes):
        set_aside(store=store, external_id=missing, reason="The source does not show it", now=clock())
        outcomes[missing] = "Set aside: the source does not show it"
    return outcomes


def keep_orders(
    *,
    store: ConnectedStore,
    seen: Iterable[PlatformOrder | UnreadableAnswer],
    now: datetime,
    and_then: Callable[[Mapping[str, ingest.Kept]], object] = lambda _kept: None,
) -> dict[str, str]:
    """Keep readings, all in one transaction, which `and_then` joins: what came of each, by id. One that cannot be kept
    is set aside."""
    outcomes: dict[str, str] = {}
    readable: list[PlatformOrder] = []
    for each in seen:
        if not isinstance(each, UnreadableAnswer):
            readable.append(each)
        elif each.external_id:
            set_aside(store=store, external_id=each.external_id, reason=each.message, now=now)
            outcomes[each.external_id] = "Set aside: it could not be read"

    def finish(kept: Mapping[str, ingest.Kept]) -> None:
        done = [external_id for external_id, order in kept.items() if isinstance(order, Order)]
        with connection.cursor() as cursor:
            cursor.execute(_NOT_ASIDE, [store.pk, done])
        and_then(kept)

    for external_id, order in ingest.store_orders(seen=readable, store=store, now=now, and_then=finish).items():
        if isinstance(order, Order):
            outcomes[external_id] = f"Read: {order.source_status}"
            continue
        log.error("order not kept", exc_info=order, extra={"store": store.pk, "order": external_id})
        reason = f"VeriSync could not keep it ({type(order).__name__})"
        set_aside(store=store, external_id=external_id, reason=reason, now=now)
        outcomes[external_id] = "Set aside: it could not be kept"
    return outcomes


def set_aside(*, store: ConnectedStore, external_id: str, reason: str, now: datetime) -> None:
    """Remember an order that could not be read or kept. A repeat makes the next try later, up to an hour."""
    with merchant_rows(store.merchant_id):
        kept, is_new = SetAside.objects.get_or_create(
            source_store=store,
            external_id=external_id[:64],
            defaults={
                "merchant_id": store.merchant_id,
                "reason": reason[:300],
                "not_before": now + FIRST_PAUSE,
                "set_aside_at": now,
            },
        )
        if not is_new:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(kept.attempts + 1, 10))
            SetAside.objects.filter(pk=kept.pk).update(
                attempts=F("attempts") + 1, not_before=now + pause, reason=reason[:300]
            )
    log.warning("order set aside", extra={"store": store.pk, "order": external_id, "reason": reason})


def read_set_aside(*, store: ConnectedStore, source: Source, clock: Callable[[], datetime]) -> list[str]:
    """Try the due ones again and return which. Makes calls: not inside a transaction. Raises AuthorizationError."""
    with merchant_rows(store.merchant_id):
        due = SetAside.objects.filter(source_store=store, not_before__lte=clock()).order_by("not_before")
        external_ids = list(due.values_list("external_id", flat=True)[:MOST_AT_ONCE])
    found = try_orders(store=store, source=source, external_ids=external_ids, clock=clock)
    not_now = [external_id for external_id, error in found.failed.items() if not error.permanent]
    for external_id in found.failed.keys() - set(not_now):
        set_aside(store=store, external_id=external_id, reason=found.failed[external_id].message, now=clock())
    if not_now:
        with merchant_rows(store.merchant_id):
            waiting = SetAside.objects.filter(source_store=store, external_id__in=not_now)
            waiting.update(not_before=clock() + FIRST_PAUSE)
    return external_ids


def save_calls(store: ConnectedStore, records: Sequence[calls.Collected]) -> None:
    """The record of calls that are about no single order."""
    with merchant_rows(store.merchant_id):
        calls.save(records=list(records), merchant_id=store.merchant_id, subject="")
