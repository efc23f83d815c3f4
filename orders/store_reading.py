"""Read our orders in a store afresh, parcels included, and keep what was read: many in one transaction."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import F

from accounts.access import merchant_rows
from accounts.bulk import gathered
from accounts.rows import Rows
from connectors import calls
from connectors.asking import Reply, ask_all
from connectors.base.connector import Destination
from connectors.base.errors import AuthorizationError
from connectors.base.types import PlacedOrder, Shipment
from connectors.models import ConnectedStore
from connectors.registry import label_of
from orders import cancellations, fulfillment, partial, store_cancels
from orders.models import Attention, Fulfillment, Mirror, MirrorState, Order, OrderState
from orders.reading import Readings, save_calls
from orders.states import ask_for_attention, note
from orders.work import READ_STORES, TAKE_WHOLE_ORDERS

_MIRRORS = Rows(Mirror, "select {columns} from orders_mirror t where t.id = any(%(ids)s::bigint[])")
_PARCELS = Rows(
    Fulfillment, "select {columns} from orders_fulfillment t where t.order_id = any(%(ids)s::bigint[]) order by t.id"
)

_READ = """
update orders_mirror m set read_at = %s, changed_at = coalesce(r.changed_at, m.changed_at)
from unnest(%s::bigint[], %s::timestamptz[]) as r(id, changed_at) where m.id = r.id
"""


class _Look(NamedTuple):
    """An order as its store shows it, if it does."""

    placed: PlacedOrder | None
    shipments: Sequence[Shipment]


def try_mirrors(
    *,
    store: ConnectedStore,
    destination: Destination,
    external_ids: Sequence[str],
    clock: Callable[[], datetime],
    at_once: int = 1,
) -> Readings:
    """Read how our orders stand in this store: what came of each, by the store's id, and what could not be read now.
    Makes calls, up to `at_once` together: not inside a transaction.

    Raises AuthorizationError, once what was read before is kept. May be repeated.
    """
    with merchant_rows(store.merchant_id):
        found = Mirror.objects.filter(store=store, external_id__in=external_ids)
        mirrors = sorted(found, key=lambda mirror: mirror.order_id)
    readings = Readings()
    questions = [functools.partial(_look, destination, mirror.external_id) for mirror in mirrors]
    for replies in ask_all(questions, at_once=at_once):
        answered = [(mirrors[reply.place], reply) for reply in replies if reply.answer is not None]
        if answered:
            _keep(store, answered, readings, clock())
        for reply in replies:
            if reply.error is not None:
                save_calls(store, reply.records)
                readings.failed[mirrors[reply.place].external_id] = reply.error
            if isinstance(reply.error, AuthorizationError):
                raise reply.error
    return readings


def _look(destination: Destination, external_id: str) -> _Look:
    placed = destination.fetch_order(external_id)
    return _Look(placed, destination.shipments_of(external_id) if placed else [])


def _keep(
    store: ConnectedStore, answered: Sequence[tuple[Mirror, Reply[_Look]]], readings: Readings, now: datetime
) -> None:
    """Keep what the store says of these; their orders are taken in the order of their keys, as by everybody."""
    answers = {mirror.pk: reply for mirror, reply in answered}
    ids = [mirror.order_id for mirror, _ in answered]
    with merchant_rows(store.merchant_id), gathered():
        orders = {order.pk: order for order in TAKE_WHOLE_ORDERS(ids=ids)}
        mirrors = sorted(_MIRRORS(ids=list(answers)), key=lambda mirror: mirror.order_id)
        sources = {
            source.pk: source for source in READ_STORES(ids=[order.source_store_id for order in orders.values()])
        }
        parcels: dict[int, list[Fulfillment]] = {}
        for kept in _PARCELS(ids=ids):
            parcels.setdefault(kept.order_id, []).append(kept)
        rows, changed = [], []
        for mirror in mirrors:
            reply, order = answers[mirror.pk], orders[mirror.order_id]
            assert reply.answer is not None
            mirror.store, mirror.order, order.source_store = store, order, sources[order.source_store_id]
            _keep_mirror(mirror, order, reply.answer, known=parcels.get(order.pk, []), now=now)
            placed, shipments = reply.answer
            outcome = f"Read: {len(shipments)} parcels" if placed else "Deleted in the store"
            readings.outcomes[mirror.external_id] = outcome
            changed.append(placed.updated_at if placed else None)
            rows += [(order.external_id, record) for record in reply.records]
        with connection.cursor() as cursor:
            cursor.execute(_READ, [now, [mirror.pk for mirror in mirrors], changed])
        calls.save_many(rows=rows, merchant_id=store.merchant_id)


def _keep_mirror(mirror: Mirror, order: Order, look: _Look, *, known: Sequence[Fulfillment], now: datetime) -> None:
    """Draw the consequences for one order, in the caller's transaction, which holds its row."""
    placed, shipments = look
    state = mirror.state
    if placed is None:
        state = MirrorState.DELETED
    elif placed.is_cancelled:
        state = MirrorState.CANCELLED
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
    fulfillment.record_shipments(mirror=mirror, order=order, shipments=shipments, known=known, now=now)
    if placed is not None:
        store_cancels.follow_part(order=order, mirror=mirror, placed=placed, shipments=shipments, now=now)
    partial.follow_parcels(order=order, mirror=mirror, now=now)


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
