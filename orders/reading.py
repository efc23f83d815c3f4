"""Read orders afresh, at the source and in the stores, and keep what was read. One bad order never stops the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from accounts.access import merchant_rows
from accounts.bulk import gathered
from connectors import calls
from connectors.base.connector import Destination, Source
from connectors.base.errors import UnreadableAnswer
from connectors.base.types import PlacedOrder, PlatformOrder, Shipment
from connectors.models import ConnectedStore
from connectors.registry import label_of
from orders import cancellations, fulfillment, hold, ingest, partial, store_cancels
from orders.models import Attention, Mirror, MirrorState, Order, OrderState, SetAside
from orders.states import ask_for_attention, note

log = logging.getLogger(__name__)

MOST_AT_ONCE = 50
LONGEST_PAUSE = timedelta(hours=1)

MOST_MIRRORS = 20  # kept together: long enough to share a commit, short enough to lose little

_NOT_ASIDE = "delete from orders_setaside where source_store_id = %s and external_id = any(%s)"

AndThen = Callable[[Mapping[str, ingest.Kept]], object]
_Reading = tuple[Mirror, PlacedOrder | None, Sequence[Shipment], list[calls.Collected]]


# At the source


def read_orders(
    *, store: ConnectedStore, source: Source, external_ids: Sequence[str], clock: Callable[[], datetime]
) -> dict[str, str]:
    """Fetch these orders and keep them: what came of each, by id. Makes calls: not inside a transaction.

    What cannot be read or kept, or is not shown yet, is set aside and tried again. Raises PlatformError when the
    platform cannot be asked at all. May be repeated.
    """
    outcomes: dict[str, str] = {}
    for start in range(0, len(external_ids), MOST_AT_ONCE):
        outcomes.update(_read_batch(store, source, external_ids[start : start + MOST_AT_ONCE], clock))
    return outcomes


def check_holds(
    *, store: ConnectedStore, source: Source, external_ids: Sequence[str], clock: Callable[[], datetime]
) -> dict[str, str]:
    """`read_orders` for orders whose hold should be over; what the source still holds is asked about again later."""

    def ask_again(kept: Mapping[str, ingest.Kept]) -> None:
        released = {key for key, order in kept.items() if isinstance(order, Order) and order.check_at is None}
        hold.ask_all_again(store=store, external_ids=[each for each in external_ids if each not in released], now=now)

    now = clock()
    return _read_batch(store, source, external_ids, clock, and_then=ask_again)


def _read_batch(
    store: ConnectedStore,
    source: Source,
    external_ids: Sequence[str],
    clock: Callable[[], datetime],
    and_then: AndThen = lambda _kept: None,
) -> dict[str, str]:
    calls.take()
    found = source.fetch_orders(external_ids)
    records, subject = calls.take(), external_ids[0] if len(external_ids) == 1 else ""

    def finish(kept: Mapping[str, ingest.Kept]) -> None:
        """A call for one order belongs to its timeline; a call for many to none."""
        calls.save(records=records, merchant_id=store.merchant_id, subject=subject)
        and_then(kept)

    outcomes = keep_orders(store=store, seen=found, now=clock(), and_then=finish)
    for missing in set(external_ids) - set(outcomes):
        set_aside(store=store, external_id=missing, reason="The source does not show it", now=clock())
        outcomes[missing] = "Set aside: the source does not show it"
    return outcomes


def keep_orders(
    *,
    store: ConnectedStore,
    seen: Iterable[PlatformOrder | UnreadableAnswer],
    now: datetime,
    and_then: AndThen = lambda _kept: None,
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
                "not_before": now + timedelta(seconds=5),
                "set_aside_at": now,
            },
        )
        if not is_new:
            pause = min(LONGEST_PAUSE, timedelta(seconds=5 * 2 ** min(kept.attempts + 1, 10)))
            SetAside.objects.filter(pk=kept.pk).update(
                attempts=F("attempts") + 1, not_before=now + pause, reason=reason[:300]
            )
    log.warning("order set aside", extra={"store": store.pk, "order": external_id, "reason": reason})


def read_set_aside(*, store: ConnectedStore, source: Source, clock: Callable[[], datetime]) -> int:
    """Try the due ones again and return how many were due. Makes calls: not inside a transaction."""
    with merchant_rows(store.merchant_id):
        due = SetAside.objects.filter(source_store=store, not_before__lte=clock()).order_by("not_before")
        external_ids = list(due.values_list("external_id", flat=True)[:MOST_AT_ONCE])
    if external_ids:
        read_orders(store=store, source=source, external_ids=external_ids, clock=clock)
    return len(external_ids)


# In the stores


def read_mirrors(
    *, store: ConnectedStore, destination: Destination, external_ids: Sequence[str], clock: Callable[[], datetime]
) -> dict[str, str]:
    """Read how our orders stand in this store, parcels included: what came of each, by the store's id.

    Makes calls: not inside a transaction. Raises PlatformError, once what was read before is kept. May be repeated.
    """
    outcomes: dict[str, str] = {}
    calls.take()
    with merchant_rows(store.merchant_id):
        found = Mirror.objects.select_related("store").filter(store=store, external_id__in=external_ids)
        mirrors = sorted(found, key=lambda mirror: mirror.order_id)  # as everybody locks several orders
    for start in range(0, len(mirrors), MOST_MIRRORS):
        readings: list[_Reading] = []
        try:
            for mirror in mirrors[start : start + MOST_MIRRORS]:
                placed = destination.fetch_order(mirror.external_id)
                parcels = destination.shipments_of(mirror.external_id) if placed else []
                readings.append((mirror, placed, parcels, calls.take()))
                outcomes[mirror.external_id] = f"Read: {len(parcels)} parcels" if placed else "Deleted in the store"
        finally:
            with merchant_rows(store.merchant_id), gathered():
                for mirror, placed, shipments, records in readings:
                    _keep_mirror(mirror=mirror, placed=placed, shipments=shipments, records=records, now=clock())
    return outcomes


def _keep_mirror(
    *,
    mirror: Mirror,
    placed: PlacedOrder | None,
    shipments: Sequence[Shipment],
    records: list[calls.Collected],
    now: datetime,
) -> None:
    """Keep what the store says about our order there, in the caller's transaction."""
    order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=mirror.order_id)
    mirror.refresh_from_db()
    state = mirror.state
    if placed is None:
        state = MirrorState.DELETED
    elif placed.is_cancelled:
        state = MirrorState.CANCELLED
    changed_at = placed.updated_at if placed is not None else None
    Mirror.objects.filter(pk=mirror.pk).update(read_at=now, changed_at=changed_at or mirror.changed_at)
    if state != mirror.state and mirror.state == MirrorState.CREATED:
        Mirror.objects.filter(pk=mirror.pk).update(state=state)
        Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
        kind = "mirror.deleted" if placed is None else "mirror.cancelled"
        facts = {
            "store": label_of(mirror.store),
            "name": mirror.name,
            "was_wanted": order.state != OrderState.CANCELLED,
        }
        note(order=order, kind=kind, facts=facts, now=now)
        if order.state == OrderState.CANCELLED:
            cancellations.closed_in_store(order=order, mirror=mirror, now=now)
        elif placed is not None and store_cancels.follow(
            order=order, mirror=mirror, word=placed.cancel_reason, now=now
        ):
            pass  # cancelled at the source as well, or because of it
        elif order.state in (OrderState.READY, OrderState.MIRRORED):
            _ask_about_lost_mirror(order=order, mirror=mirror, is_deleted=placed is None, now=now)
    if placed is not None and placed.problem and order.state != OrderState.CANCELLED:
        _ask_about_problem(order=order, mirror=mirror, placed=placed, now=now)
    fulfillment.record_shipments(mirror=mirror, order=order, shipments=shipments, now=now)
    if placed is not None:
        store_cancels.follow_part(order=order, mirror=mirror, placed=placed, shipments=shipments, now=now)
    partial.follow_parcels(order=order, mirror=mirror, now=now)
    calls.save(records=records, merchant_id=mirror.merchant_id, subject=order.external_id)


def _ask_about_problem(*, order: Order, mirror: Mirror, placed: PlacedOrder, now: datetime) -> None:
    """The store says that it will not fulfill the order, or not all of it. Asked once: a person may have settled it."""
    if order.events.filter(kind="mirror.problem", facts__problem=placed.problem).exists():
        return
    label = label_of(mirror.store)
    facts = {"store": label, "name": mirror.name, "problem": placed.problem}
    note(order=order, kind="mirror.problem", facts=facts, now=now)
    is_known = placed.problem_reason in Attention.values[1:]
    code = Attention(placed.problem_reason) if is_known else Attention.REMOTE_ERROR
    detail = {"label": label, "message": placed.problem, "store": mirror.store.name, "is_in_store": True}
    ask_for_attention(order=order, code=code, now=now, detail=detail)


def _ask_about_lost_mirror(*, order: Order, mirror: Mirror, is_deleted: bool, now: datetime) -> None:
    """Somebody took the order out of the store, and TikTok Shop still waits for it to be shipped."""
    label = label_of(mirror.store)
    happened = "deleted" if is_deleted else "cancelled"
    message = f"{mirror.name} was {happened} there, and TikTok Shop still expects the order to be shipped."
    detail = {"label": label, "message": message, "is_in_store": True}
    ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=now, detail=detail)
