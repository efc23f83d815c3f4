"""What the source says of cancellations is kept: a buyer's request opens and stops the order in its stores, is answered
by a person or a rule, and ends; what is cancelled keeps who did it, why, and what was refunded."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from connectors.base import aftersales as told
from connectors.models import ConnectedStore
from connectors.registry import label_of
from orders import answering, outbox, pausing, stopping
from orders.aftersale_rules import AftersaleRules, AnswerRule, Reply, rule_for, rules_of
from orders.models import (
    Attention,
    CancelAnswer,
    Cancellation,
    CancellationStatus,
    FulfillmentState,
    Mirror,
    Order,
    OrderState,
)
from orders.states import NotPossible, ask_for_attention, clear_attention, note

log = logging.getLogger(__name__)

S = CancellationStatus
# A cancellation never moves to a smaller rank.
_RANK = {S.UNKNOWN: -1, S.REQUESTED: 0, S.AGREED: 1, S.WITHDRAWN: 1, S.REFUNDED: 2}


def keep(*, order: Order, seen: Sequence[told.Cancellation], now: datetime) -> list[Cancellation]:
    """Keep these cancellations of the order and draw their consequences, in the caller's transaction, which holds the
    order's row. An older reading changes nothing; a repeat changes nothing. Returns those that brought news."""
    known = {each.external_id: each for each in order.cancellations.all()}
    news = []
    for each in sorted(seen, key=lambda one: (one.created_at, one.external_id)):
        kept = known.get(each.external_id)
        before = S(kept.status) if kept else None
        row = _keep_one(order, kept, each, now)
        if row is not None:
            news.append(row)
            _follow(order, row, before, now)
    if news:
        Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
    return news


def _keep_one(order: Order, kept: Cancellation | None, seen: told.Cancellation, now: datetime) -> Cancellation | None:
    """The row, where the reading says something new."""
    columns = _columns(seen)
    if kept is None:
        return Cancellation.objects.create(
            merchant_id=order.merchant_id,
            store_id=order.source_store_id,
            order=order,
            external_id=seen.external_id,
            read_at=now,
            **columns,
        )
    is_older = seen.updated_at < kept.updated_at or _RANK[S(columns["status"])] < _RANK[S(kept.status)]
    is_same = all(getattr(kept, name) == value for name, value in columns.items())
    if is_older or is_same:
        Cancellation.objects.filter(pk=kept.pk).update(read_at=now)
        return None
    Cancellation.objects.filter(pk=kept.pk).update(read_at=now, **columns)
    for name, value in columns.items():
        setattr(kept, name, value)
    return kept


def _columns(seen: told.Cancellation) -> dict[str, Any]:
    if seen.status is told.CancelStatus.UNKNOWN:
        log.error("unknown status of a cancellation", extra={"cancellation": seen.external_id})
    return {
        "status": S(seen.status.value),
        "status_text": seen.status_text[:64],
        "is_request": seen.is_request,
        "by": seen.by.value,
        "reason": seen.reason[:120],
        "reason_text": seen.reason_text[:300],
        "lines": [dataclasses.asdict(line) for line in seen.lines],
        "refund": dataclasses.asdict(seen.refund) if seen.refund else None,
        "restocks": seen.restocks,
        "created_at": seen.created_at,
        "updated_at": seen.updated_at,
        "answer_by": seen.answer_by,
    }


def _follow(order: Order, row: Cancellation, before: CancellationStatus | None, now: datetime) -> None:
    if row.status == before:
        return
    facts = _facts(row)
    if row.is_open:
        note(order=order, kind="cancellation.opened", reason=row.reason_text, facts=facts, now=now)
        open_request(order=order, row=row, rules=rules_of(order.source_store_id), now=now)
    elif row.status == S.REFUNDED:
        note(order=order, kind="cancellation.refunded", facts=facts, now=now)
    elif row.status == S.AGREED and row.is_request:
        note(order=order, kind="cancellation.agreed", facts=facts, now=now)
    elif row.status == S.WITHDRAWN and row.is_request:
        kind = "cancellation.refusal_told" if row.answer == CancelAnswer.REFUSED else "cancellation.taken_back"
        note(order=order, kind=kind, facts=facts, now=now)
    if row.is_request and not row.is_open and row.status != S.UNKNOWN:
        _end(order, row, now, was_open=before is S.REQUESTED)


def _facts(row: Cancellation) -> dict[str, Any]:
    facts: dict[str, Any] = {"cancellation": row.external_id, "cancelled_by": row.by}
    if row.answer_by:
        facts["answer_by"] = row.answer_by.isoformat()
    if row.refund:
        facts |= {"amount": row.refund["total"], "currency": row.refund["currency"]}
    return facts


# A request opens


def open_request(*, order: Order, row: Cancellation, rules: AftersaleRules, now: datetime) -> None:
    """Stop the order in its stores, and have the request answered by a rule or asked about, in the caller's
    transaction, which holds the order's row. May be repeated. A rule accepts nothing whose parcel has left."""
    if order.state == OrderState.CANCELLED:
        return
    line_ids = stopping.ids_of(row.lines)
    helpless = pausing.stop(order=order, subject=row.external_id, now=now, line_ids=line_ids)
    left = has_left(order)
    rule = rule_for(rules, order=order, reason=row.reason, reason_text=row.reason_text, asked_at=row.created_at)
    if row.answer or (rule is not None and not (left and rule.reply is Reply.ACCEPT) and _is_answered(row, rule, now)):
        return
    _ask(order, row, helpless[0] if helpless else None, has_left=left, now=now)


def _is_answered(row: Cancellation, rule: AnswerRule, now: datetime) -> bool:
    """Answer as the rule says; where that is not possible, a person is asked."""
    try:
        answering.answer_cancellation(
            cancellation=row,
            accepts=rule.reply is Reply.ACCEPT,
            reason=rule.reason,
            by=f"Rule: {rule.name}",
            rule=rule.name,
            now=now,
        )
    except NotPossible as error:
        log.warning("a rule could not answer", extra={"cancellation": row.external_id, "why": str(error)})
        return False
    return True


def _ask(order: Order, row: Cancellation, helpless: Mirror | None, *, has_left: bool, now: datetime) -> None:
    """Ask a person. A question that waits is not pushed aside, unless the store goes on packing meanwhile."""
    if order.attention not in ("", Attention.CANCEL_PENDING) and helpless is None:
        return
    detail: dict[str, Any] = {"reason": row.reason_text, "request": row.external_id, "has_left": has_left}
    if row.answer_by:
        detail["answer_by"] = row.answer_by.isoformat()
    if helpless is not None:
        detail |= {"store": label_of(helpless.store), "name": helpless.name, "url": helpless.url, "is_task": True}
    ask_for_attention(order=order, code=Attention.CANCEL_PENDING, now=now, detail=detail)


def has_left(order: Order) -> bool:
    """Whether a parcel of the order left one of its stores, in merchant_rows."""
    return order.fulfillments.exclude(state=FulfillmentState.CANCELLED).exists()


# It ends


def _end(order: Order, row: Cancellation, now: datetime, *, was_open: bool) -> None:
    """The order goes on, unless all of it is cancelled: that its own reading says."""
    if row.status in (S.AGREED, S.REFUNDED) and _is_whole(order, row):
        return
    pausing.go_on(order=order, subject=row.external_id, now=now)
    if not was_open and order.attention != Attention.CANCEL_PENDING:
        return
    if any(each.is_open for each in order.cancellations.all()):
        return
    clear_attention(order=order, now=now, codes=frozenset({Attention.CANCEL_PENDING}))
    outbox.resume(order=order, now=now)


def _is_whole(order: Order, row: Cancellation) -> bool:
    live = {line["external_id"] for line in order.snapshot.get("lines", []) if line["status"] != "CANCELLED"}
    return not row.lines or live <= set(stopping.ids_of(row.lines))


# Rules that changed


def apply_rules(*, source_store: ConnectedStore, now: datetime) -> int:
    """Have the requests answered that a rule fits now, in the caller's transaction. Returns how many were looked at."""
    waiting = Cancellation.objects.filter(store=source_store, status=S.REQUESTED, is_request=True, answer="")
    rules = rules_of(source_store.pk)
    for row in waiting.order_by("order_id", "pk"):
        open_request(order=answering.locked(row.order_id), row=row, rules=rules, now=now)
    return len(waiting)
