"""What a store has of our orders now is written down: many at once, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat

from accounts.bulk import gathered
from accounts.rows import first_column
from connectors.base import money as amounts
from connectors.base.connector import Destination
from connectors.base.types import OrderDraft, PlacedOrder, PlatformOrder
from connectors.registry import label_of
from orders import cancellations, outbox, partial, pausing, stopping
from orders.models import Attention, Mirror, MirrorState, Order, OrderState
from orders.products import Links
from orders.sent import Sent
from orders.splitting import part_of
from orders.states import advance_many, ask_for_attention, clear_attention, note
from orders.terms import Terms
from orders.work import TAKE_ORDERS, Drain, Work


@dataclass(slots=True)
class Creation(Work):
    """A CREATE_ORDER on its way. `draft` stays None where the order was found in the store, `part` until what is left
    for the store is known. `terms` and `linked` are what the merchant says of such orders, and of their SKUs."""

    mirror: Mirror = field(kw_only=True)
    terms: Terms = field(kw_only=True)
    linked: Links = field(kw_only=True)
    part: PlatformOrder | None = None
    draft: OrderDraft | None = None
    placed: PlacedOrder | None = None
    destination: Destination | None = None


def keep(creations: Sequence[Creation], drain: Drain) -> None:
    """Write down what is in the store now, in the caller's transaction; the orders are taken in the order of their
    keys."""
    now = drain.clock()
    orders = {order.pk: order for order in TAKE_ORDERS(ids=[creation.item.order_id for creation in creations])}
    ours = outbox.settle_done(items=[creation.item for creation in creations], now=now)
    kept = [creation for creation in creations if creation.item.pk in ours]
    for creation in kept:
        orders[creation.item.order_id].source_store = creation.order.source_store
        creation.order = orders[creation.item.order_id]
    _keep_placed(kept, now)
    with gathered():
        for creation in kept:
            _note(creation, now)
        _advance(kept, now)
        for creation in kept:
            _follow_up(creation, now)
    for creation in creations:
        creation.is_settled = creation.item.pk in ours
        if not creation.is_settled:
            creation.error = outbox.LostLease(f"item {creation.item.pk}")


_KEEP_PLACED = """
update orders_mirror m set state = p.state, external_id = p.external_id, name = p.name, url = p.url,
  money = p.money::jsonb, created_at = %s
from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
  as p(id, state, external_id, name, url, money)
where m.id = p.id
"""


def _keep_placed(creations: Sequence[Creation], now: datetime) -> None:
    columns: list[list[Any]] = [[], [], [], [], [], []]
    for creation in creations:
        placed, mirror = creation.placed, creation.mirror
        assert placed is not None
        mirror.state = MirrorState.CANCELLED if placed.is_cancelled else MirrorState.CREATED
        mirror.external_id, mirror.name, mirror.url = placed.external_id, placed.name[:100], placed.url[:500]
        mirror.money, mirror.created_at = {"total": placed.total, "currency": placed.currency}, now
        row = (mirror.pk, mirror.state.value, mirror.external_id, mirror.name, mirror.url, json.dumps(mirror.money))
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_PLACED, [now, *columns])


def _note(creation: Creation, now: datetime) -> None:
    placed, order = creation.placed, creation.order
    assert placed is not None
    facts = {"store": label_of(creation.mirror.store), "name": placed.name, "url": placed.url}
    note(order=order, kind="mirror.created" if creation.draft else "mirror.found", facts=facts, now=now)
    if placed.remarks:
        adapted = {"store": facts["store"], "remarks": placed.remarks}
        note(order=order, kind="mirror.adapted", facts=adapted, now=now)


_PLANNED = "select order_id from orders_mirror where order_id = any(%(ids)s::bigint[]) and state = 'PLANNED'"


def _advance(creations: Sequence[Creation], now: datetime) -> None:
    """MIRRORED, where no other store is still to get its part; the store's name is added to the order's words."""
    ready = [creation for creation in creations if creation.order.state == OrderState.READY]
    ids = [creation.order.pk for creation in ready]
    waiting = set(first_column(_PLANNED, ids=ids))
    whole = [creation for creation in ready if creation.order.pk not in waiting]
    words = {creation.order.pk: f"\n{creation.mirror.name}" for creation in whole}
    if whole:
        reason = f"Created in {label_of(whole[0].mirror.store)}"
        moving = [creation.order for creation in whole]
        advance_many(orders=moving, to=OrderState.MIRRORED, reason=reason, now=now, words=words)
    for creation in creations:
        if creation.order.pk not in words:
            name = Value(f"\n{creation.mirror.name}")
            Order.objects.filter(pk=creation.order.pk).update(
                version=F("version") + 1, search_text=Concat(F("search_text"), name)
            )


def _follow_up(creation: Creation, now: datetime) -> None:
    """What is seldom: the order was cancelled meanwhile, a question is answered, the store has another total."""
    order, mirror, placed = creation.order, creation.mirror, creation.placed
    assert placed is not None
    is_expected = order.state in (OrderState.READY, OrderState.MIRRORED)
    if order.state == OrderState.CANCELLED and mirror.state == MirrorState.CREATED:
        cancellations.cancel_mirror(mirror=mirror, order=order, has_left=False, now=now)
    elif order.attention and is_expected and not _is_asked_elsewhere(order, creation):
        clear_attention(order=order, now=now)
    if is_expected and (order.cancel_requested_at or order.return_requested_at or order.cancelled_lines):
        pausing.follow_mirror(order=order, now=now)
        partial.follow_made(order=order, now=now)
    _compare_money(order=order, seen=creation.seen, mirror=mirror, placed=placed, now=now)


def _is_asked_elsewhere(order: Order, creation: Creation) -> bool:
    """Whether its question is not answered by this store having the order."""
    return stopping.is_asked(order) or outbox.is_stuck(order=order, besides=creation.item)


def _compare_money(
    *, order: Order, seen: PlatformOrder | None, mirror: Mirror, placed: PlacedOrder, now: datetime
) -> None:
    payment = part_of(seen, mirror.line_ids).payment if seen else None
    if placed.total is None or payment is None:
        return
    stated = Sent.total_of(mirror, payment)
    if (placed.total, placed.currency) == (stated, payment.currency):
        return
    ask_for_attention(
        order=order,
        code=Attention.MONEY_MISMATCH,
        now=now,
        detail={
            "what": f"The order in {label_of(mirror.store)} has another total",
            "computed": amounts.to_text(placed.total, placed.currency),
            "stated": amounts.to_text(stated, payment.currency),
            "currency": payment.currency,
            "is_in_store": True,
        },
    )
