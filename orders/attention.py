"""What a person answers when an order asks: each step mends the cause and lets the order go on where it stopped."""

from __future__ import annotations

from datetime import datetime

from orders import outbox, refunds, releasing, routing
from orders.models import Attention, MirrorState, Order, OrderState, OutboxKind, OutboxStatus, ReturnRecord
from orders.states import NotPossible, advance, clear_attention, note

UNTOUCHED = frozenset({OrderState.UNPAID, OrderState.HELD, OrderState.READY})


def retry(*, order: Order, by: str, now: datetime) -> None:
    """Try at once what was given up or waits, in the caller's transaction. May be repeated.

    What surely was not sent yet goes by the routes as they are now: a route that was mended counts.
    """
    clear_attention(order=order, now=now, by=by)
    if not routing.plan_anew(order=order, now=now):
        outbox.resume(order=order, now=now)
    Order.objects.filter(pk=order.pk, state=OrderState.HELD).update(check_at=now)
    note(order=order, kind="order.retried", by=by, now=now)


def dismiss(*, order: Order, by: str, now: datetime) -> None:
    """Take the question away: a person settled it elsewhere. What was given up stays given up."""
    if order.attention == Attention.REFUND_BY_HAND:
        tasks = ReturnRecord.objects.filter(case__order=order, is_task=True, settled_at=None)
        for record in tasks.filter(case__external_id=order.attention_detail.get("return", "")):
            refunds.task_done(record=record, by=by, now=now)
    clear_attention(order=order, now=now, by=by)


def skip(*, order: Order, by: str, now: datetime) -> None:
    """Do not create this order. Raises NotPossible once a store may have it."""
    if order.state not in UNTOUCHED:
        raise NotPossible("The order is in a store already, or closed.")
    if order.mirrors.filter(state=MirrorState.CREATED).exists():
        raise NotPossible("The order is in a store already. Cancel it on TikTok Shop, and it is cancelled there.")
    if order.outbox.filter(is_doubtful=True).exists() or order.outbox.filter(status=OutboxStatus.IN_FLIGHT).exists():
        raise NotPossible("It is being created at this moment. Wait until that is known.")
    kinds = [OutboxKind.CHOOSE_STORES, OutboxKind.CREATE_ORDER, OutboxKind.HOLD_ORDER, OutboxKind.RELEASE_ORDER]
    outbox.drop(order=order, kinds=kinds, now=now)
    order.mirrors.filter(state=MirrorState.PLANNED).update(state=MirrorState.DROPPED)
    clear_attention(order=order, now=now, by=by)
    rule = f"Skipped by {by}"
    advance(order=order, to=OrderState.SKIPPED, reason=rule, now=now, skip_rule=rule[:120], check_at=None)


def create_anyway(*, order: Order, by: str, now: datetime) -> None:
    """Create an order that a rule skipped. The guard still keeps it back while TikTok Shop holds it."""
    if order.state != OrderState.SKIPPED:
        raise NotPossible("The order was not skipped.")
    order.mirrors.filter(state=MirrorState.DROPPED).update(state=MirrorState.PLANNED, is_held=False)
    order.outbox.filter(kind=OutboxKind.CREATE_ORDER, status=OutboxStatus.DROPPED).update(
        status=OutboxStatus.PENDING, not_before=now, attempts=0, settled_at=None
    )
    releasing.release_many(orders=[order], routes=(), now=now, reason=f"Created on the word of {by}")
