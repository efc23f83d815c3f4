"""Find what webhooks missed: ask each platform what changed, with an overlap, and move the cursor last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TypeVar

from django.db.models import F, Q

from accounts.access import merchant_rows
from connectors import calls
from connectors.base.connector import Destination, Source
from connectors.base.types import PlacedOrder
from connectors.models import ConnectedStore
from orders import aftersales, readiness, reading, routing, seller_shipping, store_reading
from orders.models import FulfillmentState, Mirror, MirrorState, OrderState
from orders.reading import Readings

T = TypeVar("T")

# TikTok stamps updates by its own clock and shows them late; what lies this close behind the cursor is read twice.
OVERLAP = timedelta(minutes=5)
# A first look goes back this far: those orders are listed, not created.
FIRST_LOOK = timedelta(days=7)
# After an outage the cursor moves in steps of this size, so that a break-off loses little.
STEP = timedelta(hours=12)
BATCH = 50
# Where a store stamps changes in whole seconds, what was read so soon after one may have changed once more within the
# same second, and is read again. Clocks differ; where webhooks tell of it as well, less is enough.
SAME_MOMENT, SAME_MOMENT_WITH_WEBHOOKS = timedelta(seconds=5), timedelta(seconds=1)
# How many orders are read again in one look though no list says that they changed.
MOST_UNASKED = 30


def poll_source(
    *, store: ConnectedStore, source: Source, clock: Callable[[], datetime], still_mine: Callable[[], None]
) -> int:
    """Read every order that changed since the cursor, then what changed after the sale, and return how many. Not inside
    a transaction.

    The cursor moves only after all of a step is kept or set aside. `still_mine` is called between batches and raises
    when the lane was lost. Raises PlatformError; may be repeated.
    """
    count, end = 0, clock()
    until = store.polled_until or store.connected_at - FIRST_LOOK
    while until < end:
        since, until = until - OVERLAP, min(until + STEP, end)
        count += read_range(store=store, source=source, since=since, until=until, clock=clock, still_mine=still_mine)
        _move_cursor(store=store, to=until)
    seller_shipping.keep_watch(store=store, source=source, now=clock())
    _save_calls(store)
    with merchant_rows(store.merchant_id):
        readiness.keep_step(store)
    _plan_waiting(store=store, clock=clock, still_mine=still_mine)
    return count + aftersales.poll(store=store, source=source, clock=clock, still_mine=still_mine)


def _plan_waiting(*, store: ConnectedStore, clock: Callable[[], datetime], still_mine: Callable[[], None]) -> None:
    """All that had nowhere to go, chunk by chunk: switching on may find thousands."""
    planned, last = 1, 0
    while planned:
        still_mine()
        with merchant_rows(store.merchant_id):
            planned, last = routing.plan_chunk(source_store=store, now=clock(), after=last)


def read_range(
    *,
    store: ConnectedStore,
    source: Source,
    since: datetime,
    until: datetime,
    clock: Callable[[], datetime],
    still_mine: Callable[[], None],
) -> int:
    """Read every order that changed between two moments, and return how many; the cursor stays. May be repeated."""
    count = 0
    for batch in _batches(source.orders_updated_since(since, until=until)):
        still_mine()
        reading.keep_orders(store=store, seen=batch, now=clock())
        count += len(batch)
        _save_calls(store)
    _save_calls(store)
    return count


def poll_destination(
    *,
    store: ConnectedStore,
    destination: Destination,
    clock: Callable[[], datetime],
    still_mine: Callable[[], None],
    at_once: int = 1,
) -> int:
    """Read our orders that changed in this store since the cursor, and return how many. Not inside a transaction.

    Raises PlatformError, once what could be read is kept; the cursor moves only where that is all.
    """
    began = clock()
    since = (store.polled_until or store.connected_at) - OVERLAP
    has_webhooks = destination.features.webhooks
    moment = SAME_MOMENT_WITH_WEBHOOKS if has_webhooks else SAME_MOMENT
    changed: Iterator[PlacedOrder] = destination.orders_changed_since(since)
    news = (_news(store, batch, moment=moment) for batch in _batches(changed))
    rest = (_to_look_at(store, has_webhooks=has_webhooks, since=began) for _ in range(1))
    readings = Readings()
    for external_ids in chain(news, rest):
        still_mine()
        found = store_reading.try_mirrors(
            store=store, destination=destination, external_ids=external_ids, clock=clock, at_once=at_once
        )
        readings.outcomes.update(found.outcomes)
        readings.failed.update(found.failed)
    _save_calls(store)
    count = len(readings.all_of_them())
    _move_cursor(store=store, to=began)
    return count


def _to_look_at(store: ConnectedStore, *, has_webhooks: bool, since: datetime) -> list[str]:
    """Ours whose news a list of changes may not hold: parcels without a number, and, where no webhook comes, orders
    that are being shipped. The longest unseen come first; those read in this look already do not come again."""
    ours = Mirror.objects.filter(store=store, state=MirrorState.CREATED).exclude(read_at__gte=since)
    wanted = Q(fulfillments__state=FulfillmentState.WAITING)
    if not has_webhooks:
        wanted |= Q(order__state=OrderState.MIRRORED)
    with merchant_rows(store.merchant_id):
        found = ours.filter(wanted).distinct()
        return [
            mirror.external_id for mirror in found.order_by(F("read_at").asc(nulls_first=True), "id")[:MOST_UNASKED]
        ]


def _news(store: ConnectedStore, batch: list[PlacedOrder], *, moment: timedelta) -> list[str]:
    """Those of ours that changed since we read them last, or may have. The window overlaps: most were read before."""
    changed = {placed.external_id: placed.updated_at for placed in batch}

    def is_known(external_id: str, changed_at: datetime | None, read_at: datetime | None) -> bool:
        if changed_at is None or read_at is None or changed[external_id] != changed_at:
            return False
        return changed_at.microsecond > 0 or read_at >= changed_at + moment

    with merchant_rows(store.merchant_id):
        ours = Mirror.objects.filter(store=store, external_id__in=changed)
        return [row[0] for row in ours.values_list("external_id", "changed_at", "read_at") if not is_known(*row)]


def _batches(orders: Iterator[T]) -> Iterator[list[T]]:
    orders = iter(orders)
    while batch := list(islice(orders, BATCH)):
        yield batch


def _move_cursor(*, store: ConnectedStore, to: datetime) -> None:
    with merchant_rows(store.merchant_id):
        ConnectedStore.objects.filter(pk=store.pk).update(polled_until=to)
    store.polled_until = to


def _save_calls(store: ConnectedStore) -> None:
    with merchant_rows(store.merchant_id):
        calls.save(records=calls.take(), merchant_id=store.merchant_id, subject="")
