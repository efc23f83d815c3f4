"""The one gate through which an order's state moves. Nothing else assigns `Order.state`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from accounts.bulk import later
from orders.models import Attention, Order, OrderEvent, OrderState

S = OrderState
_REQUESTS = frozenset({Attention.CANCEL_PENDING, Attention.RETURN_PENDING})
BEHIND = "behind"  # in a question's detail: the detail of the task that it pushed aside

# The allowed moves. docs/order-lifecycle.md is drawn from this table.
MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    S.UNPAID: frozenset({S.HELD, S.READY, S.CANCELLED, S.SKIPPED, S.FULFILLED, S.COMPLETED}),
    S.HELD: frozenset({S.READY, S.CANCELLED, S.SKIPPED, S.FULFILLED, S.COMPLETED}),
    S.READY: frozenset({S.MIRRORED, S.CANCELLED, S.SKIPPED, S.FULFILLED, S.COMPLETED}),
    S.MIRRORED: frozenset({S.FULFILLED, S.COMPLETED, S.CANCELLED}),
    S.FULFILLED: frozenset({S.COMPLETED, S.CANCELLED}),
    S.SKIPPED: frozenset({S.READY, S.CANCELLED, S.COMPLETED}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
}


class IllegalTransition(Exception):
    """The table does not allow this move."""


class NotPossible(Exception):
    """The order does not allow a person's step now. The text says why."""


class AlreadyMoved(Exception):
    """Someone else moved the order first; read it again."""


def advance(
    *,
    order: Order,
    to: OrderState,
    reason: str,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    **changes: Any,
) -> OrderEvent:
    """Move the order from the state it was read in to `to`, and write the event, in the caller's transaction.

    `changes` are further columns set by the same UPDATE. Raises IllegalTransition when the table forbids the move,
    AlreadyMoved when the row is in another state by now. A repeat raises one of the two and changes nothing.
    """
    before = OrderState(order.state)
    if to not in MOVES[before]:
        raise IllegalTransition(f"{before.value} to {to.value}")
    moved = Order.objects.filter(pk=order.pk, state=before).update(state=to, version=F("version") + 1, **changes)
    if not moved:
        raise AlreadyMoved(f"order {order.pk} is no longer {before.value}")
    order.state = to
    for name, value in changes.items():
        setattr(order, name, value)
    return note(
        order=order,
        kind=f"order.{_VERBS[to]}",
        reason=reason,
        now=now,
        facts=facts,
        from_state=before.value,
        to_state=to.value,
    )


def advance_many(
    *,
    orders: Sequence[Order],
    to: OrderState,
    reason: str,
    now: datetime,
    words: Mapping[int, str] | None = None,
    released_at: datetime | None = None,
) -> list[Order]:
    """`advance` for many orders by one statement, in the caller's transaction: those that moved.

    Orders that someone else moved first, or that the table forbids to move, are left out. `words`, by order, are added
    to what a person may look for. `released_at` ends the hold.
    """
    befores = {order.pk: OrderState(order.state) for order in orders if to in MOVES[OrderState(order.state)]}
    added = [(words or {}).get(pk, "") for pk in befores]
    with connection.cursor() as cursor:
        cursor.execute(
            """update orders_order o set state = %s, version = version + 1, search_text = search_text || m.words,
              released_at = coalesce(%s, released_at), check_at = case when %s then null else check_at end
            from unnest(%s::bigint[], %s::text[], %s::text[]) as m(id, before, words)
            where o.id = m.id and o.state = m.before returning o.id""",
            [
                to.value,
                released_at,
                released_at is not None,
                list(befores),
                [before.value for before in befores.values()],
                added,
            ],
        )
        moved = {row[0] for row in cursor.fetchall()}
    for order in orders:
        if order.pk in moved:
            order.state = to
            if released_at is not None:
                order.released_at, order.check_at = released_at, None
            before = befores[order.pk].value
            note(
                order=order,
                kind=f"order.{_VERBS[to]}",
                reason=reason,
                now=now,
                from_state=before,
                to_state=to.value,
            )
    return [order for order in orders if order.pk in moved]


def note(
    *,
    order: Order,
    kind: str,
    now: datetime,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
    from_state: str = "",
    to_state: str = "",
    by: str = "",
) -> OrderEvent:
    """Write one line of the order's history, in the caller's transaction."""
    event = OrderEvent(
        merchant_id=order.merchant_id,
        order_id=order.pk,
        kind=kind,
        reason=reason[:300],
        from_state=from_state,
        to_state=to_state,
        facts=dict(facts or {}),
        by=by,
        happened_at=now,
    )
    later(event)
    return event


def ask_for_attention(*, order: Order, code: Attention, now: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """Put the order before a person, with a stable code. A repeat with the same words writes nothing new.

    A request that pushes aside the task to take some items out of a store keeps it, and gives way to it when it ends.
    """
    wanted = dict(detail or {})
    if (task := task_of(order)) and code in _REQUESTS and order.state != S.CANCELLED:
        wanted[BEHIND] = task
    changed = (
        Order.objects.filter(pk=order.pk)
        .exclude(attention=code, attention_detail=wanted)
        .update(
            attention=code,
            attention_detail=wanted,
            attention_at=Case(When(attention="", then=Value(now)), default=Coalesce("attention_at", Value(now))),
            version=F("version") + 1,
        )
    )
    order.attention, order.attention_detail = code, wanted
    if changed:
        note(order=order, kind="attention.asked", reason=code.label, facts={"code": code.value, **wanted}, now=now)


def task_of(order: Order) -> Mapping[str, Any]:
    """The task to take some items out of a store, where that is asked now, or stands behind what is; else nothing."""
    detail: Mapping[str, Any] = order.attention_detail
    is_asked = order.attention == Attention.ALREADY_CANCELLED and detail.get("is_part")
    return detail if is_asked else detail.get(BEHIND, {})


def end_task(*, order: Order, now: datetime) -> None:
    """The task of `task_of` is done, in the caller's transaction. May be repeated."""
    if BEHIND in order.attention_detail:
        order.attention_detail = {name: said for name, said in order.attention_detail.items() if name != BEHIND}
        Order.objects.filter(pk=order.pk).update(attention_detail=order.attention_detail, version=F("version") + 1)
    elif task_of(order):
        clear_attention(order=order, now=now)


def clear_attention(*, order: Order, now: datetime, codes: frozenset[str] | None = None, by: str = "") -> None:
    """Take the order off the list, if it is there for one of `codes` (any code by default). May be repeated. The task
    that a request pushed aside is asked again."""
    if not order.attention or (codes is not None and order.attention not in codes):
        return
    code = order.attention
    if code in _REQUESTS and (task := task_of(order)) and order.state != S.CANCELLED:
        note(order=order, kind="attention.cleared", facts={"code": code}, now=now, by=by)
        ask_for_attention(order=order, code=Attention.ALREADY_CANCELLED, now=now, detail=task)
        return
    changed = Order.objects.filter(pk=order.pk, attention=code).update(
        attention="", attention_detail={}, version=F("version") + 1
    )
    order.attention, order.attention_detail = "", {}
    if changed:
        note(order=order, kind="attention.cleared", facts={"code": code}, now=now, by=by)


_VERBS: Mapping[OrderState, str] = {
    S.UNPAID: "placed",
    S.HELD: "held",
    S.READY: "released",
    S.MIRRORED: "mirrored",
    S.FULFILLED: "fulfilled",
    S.COMPLETED: "completed",
    S.CANCELLED: "cancelled",
    S.SKIPPED: "skipped",
}
