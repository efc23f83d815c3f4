"""What the source says of returns is kept, and decides: requests stop a parcel that no carrier has, goods and money are
written down in the stores, an order that stands for another is linked to it. Nothing goes from the stores to the
source."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from connectors.base import aftersales as told
from connectors.base.types import PlatformOrder
from connectors.registry import label_of
from orders import goods, outbox, partial, pausing, refunds, stopping, unsent
from orders.aftersale_rules import rules_of
from orders.answering import locked
from orders.models import (
    Attention,
    Mirror,
    Order,
    OutboxKind,
    OutboxStatus,
    Restock,
    Return,
    ReturnKind,
    ReturnStatus,
)
from orders.models.returns import STANDS_FOR
from orders.states import ask_for_attention, clear_attention, note

log = logging.getLogger(__name__)

S = ReturnStatus
_OVER = frozenset({S.COMPLETED, S.WITHDRAWN})
_SENT_BACK = frozenset({S.ON_THE_WAY, S.GOODS_REFUSED})


def keep(*, order: Order, seen: Sequence[told.Return], now: datetime) -> list[Return]:
    """Keep these returns of the order and draw their consequences, in the caller's transaction, which holds the order's
    row. An older reading changes nothing; a repeat changes nothing. Returns those that brought news."""
    if not seen:
        return []
    known = {each.external_id: each for each in order.returns.all()}
    news = []
    for each in sorted(seen, key=lambda one: (one.created_at, one.external_id)):
        kept = known.get(each.external_id)
        before = (S(kept.status), kept.question, kept.dispute) if kept else (None, "", "NONE")
        row = _keep_one(order, kept, each, now)
        if row is not None:
            news.append(row)
            row.order = order
            _tell(order, row, before, now)
            unsent.mark(order)
            follow(order=order, case=row, now=now)
            unsent.mark(order)
    if news:
        Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
    return news


def _keep_one(order: Order, kept: Return | None, seen: told.Return, now: datetime) -> Return | None:
    """The row, where the reading says something new."""
    columns = _columns(seen)
    is_sent_back = columns["status"] in _SENT_BACK or bool(seen.tracking_number)
    if kept is None:
        return Return.objects.create(
            merchant_id=order.merchant_id,
            store_id=order.source_store_id,
            order=order,
            external_id=seen.external_id,
            read_at=now,
            sent_back_at=seen.updated_at if is_sent_back else None,
            new_order_id=seen.new_order_id,
            **columns,
        )
    is_over = kept.status in _OVER and columns["status"] != kept.status
    is_unknown = columns["status"] == S.UNKNOWN and kept.status != S.UNKNOWN
    is_same = all(getattr(kept, name) == value for name, value in columns.items())
    is_same = is_same and seen.new_order_id in ("", kept.new_order_id)
    if seen.updated_at < kept.updated_at or is_over or is_unknown or is_same:
        Return.objects.filter(pk=kept.pk).update(read_at=now)
        return None
    if is_sent_back and kept.sent_back_at is None:
        columns["sent_back_at"] = seen.updated_at
    columns["new_order_id"] = seen.new_order_id or kept.new_order_id
    if columns["status"] != kept.status or _is_asked_anew(order, kept, columns):
        columns["answered_for"] = ""
    Return.objects.filter(pk=kept.pk).update(read_at=now, **columns)
    for name, value in columns.items():
        setattr(kept, name, value)
    return kept


def _is_asked_anew(order: Order, kept: Return, columns: Mapping[str, Any]) -> bool:
    """Whether what the last answer led to is over unseen, and the same is asked with a deadline of its own."""
    if not kept.answered_for or columns["answer_by"] in (None, kept.answer_by):
        return False
    said = order.outbox.filter(kind=OutboxKind.ANSWER_RETURN, facts__case=kept.external_id)
    return not said.exclude(status__in=[OutboxStatus.DONE, OutboxStatus.DROPPED]).exists()


def _columns(seen: told.Return) -> dict[str, Any]:
    if seen.status is told.ReturnStatus.UNKNOWN:
        log.error("unknown status of a return", extra={"return": seen.external_id})
    return {
        "kind": ReturnKind(seen.kind.value),
        "status": S(seen.status.value),
        "status_text": seen.status_text[:64],
        "by": seen.by.value,
        "reason": seen.reason[:120],
        "reason_text": seen.reason_text[:300],
        "lines": [dataclasses.asdict(line) for line in seen.lines],
        "refund": dataclasses.asdict(seen.refund) if seen.refund else None,
        "offered": seen.offered,
        "decisions": [decision.value for decision in seen.decisions],
        "answer_by": seen.answer_by,
        "dispute": seen.dispute.value,
        "keeps_goods": seen.keeps_goods,
        "carrier": seen.carrier[:200],
        "tracking_number": seen.tracking_number[:100],
        "is_quick_refund": seen.is_quick_refund,
        "next_id": seen.next_id,
        "previous_id": seen.previous_id,
        "created_at": seen.created_at,
        "updated_at": seen.updated_at,
    }


def _tell(order: Order, row: Return, before: tuple[ReturnStatus | None, str, str], now: datetime) -> None:
    facts: dict[str, Any] = {"return": row.external_id, "kind": ReturnKind(row.kind).label}
    if row.refund:
        facts |= {"amount": row.refund["total"], "currency": row.refund["currency"]}
    if row.status != before[0]:
        note(order=order, kind=f"return.{row.status.lower()}", reason=row.reason_text, facts=facts, now=now)
    if row.dispute not in (before[2], "NONE"):
        note(order=order, kind=f"return.dispute_{row.dispute.lower()}", facts=facts, now=now)
    if row.question and row.question != before[1] and row.status == before[0]:
        facts["decisions"] = row.decisions
        note(order=order, kind="return.asked", facts=facts, now=now)


# What follows


def follow(*, order: Order, case: Return, now: datetime) -> None:
    """Draw the consequences of a case as it stands, in the caller's transaction, which holds the order's row. May be
    repeated: whatever follows is said once."""
    rules = rules_of(order.source_store_id)
    gone = _stop_or_go_on(order, case, now)
    goods.follow(order=order, case=case, rules=rules, now=now)
    refunds.follow(order=order, case=case, besides=gone, now=now)
    _link(order, case, now)


def _stop_or_go_on(order: Order, case: Return, now: datetime) -> list[str]:
    """Stop the parcel while money is asked back for what no carrier has; afterwards the order goes on without what was
    refunded. Returns the lines that are cancelled in their stores instead of refunded."""
    subject, named = case.external_id, stopping.ids_of(case.lines)
    if any(each.pk == case.pk for each in stopping.stopping_returns(order)):
        helpless = pausing.stop(order=order, subject=subject, now=now, line_ids=named)
        packed = [mirror for mirror, ids in goods.involved(order, case) if pausing.parcel_ids(mirror) & set(ids)]
        if helpless or packed:
            _ask_to_stop(order, case, (packed or helpless)[0], has_left=bool(packed), now=now)
        return []
    gone = unsent.lines_of(order, case)
    if gone:
        partial.take_out(order=order, line_ids=gone, now=now)
        unsent.end(order=order, now=now)
    pausing.go_on(order=order, subject=subject, now=now)
    if order.attention == Attention.RETURN_PENDING and order.attention_detail.get("request") == subject:
        clear_attention(order=order, now=now)
        outbox.resume(order=order, now=now)
    return gone


def _ask_to_stop(order: Order, case: Return, mirror: Mirror, *, has_left: bool, now: datetime) -> None:
    detail: dict[str, Any] = {
        "request": case.external_id,
        "reason": case.reason_text,
        "store": label_of(mirror.store),
        "name": mirror.name,
        "url": mirror.url,
        "is_task": True,
        "has_left": has_left,
    }
    if case.answer_by:
        detail["answer_by"] = case.answer_by.isoformat()
    ask_for_attention(order=order, code=Attention.RETURN_PENDING, now=now, detail=detail)


# Orders that stand for others


def _link(order: Order, case: Return, now: datetime) -> None:
    if case.kind not in STANDS_FOR or case.replacement_id is not None:
        return
    others = Order.objects.filter(source_store=order.source_store_id)
    if case.new_order_id:
        made = others.filter(external_id=case.new_order_id).first()
    else:
        taken = Return.objects.filter(order=order, replacement__isnull=False).values("replacement")
        made = others.filter(replaces_id=order.external_id).exclude(pk__in=taken).order_by("ordered_at", "pk").first()
        if made is not None and case.status != S.COMPLETED:
            made = None
    if made is not None:
        _linked(order, case, made, now)


def _linked(order: Order, case: Return, made: Order, now: datetime) -> None:
    case.replacement, case.new_order_id = made, made.external_id
    Return.objects.filter(pk=case.pk).update(replacement=made, new_order_id=made.external_id)
    kind = ReturnKind(case.kind).label
    facts = {"return": case.external_id, "kind": kind, "order": made.external_id}
    note(order=order, kind="return.replaced", facts=facts, now=now)
    note(order=made, kind="order.stands_for", facts={"kind": kind, "order": order.external_id}, now=now)


def link_new(*, order: Order, seen: PlatformOrder, now: datetime) -> None:
    """An order is met that stands for another, in the caller's transaction: the case it belongs to is told, where that
    is known already; else the case finds it when it is read."""
    first = Order.objects.filter(source_store=order.source_store_id, external_id=seen.replaces_id).first()
    if first is None:
        return
    open_cases = Return.objects.filter(order=first, kind__in=STANDS_FOR, replacement=None).exclude(status=S.WITHDRAWN)
    case = open_cases.filter(new_order_id__in=["", order.external_id]).order_by("-new_order_id", "created_at").first()
    if case is not None:
        _linked(first, case, order, now)


# Restocking


def restock_decision(*, return_: Return, restock: bool, by: str, now: datetime) -> None:
    """Whether what came back goes into the store's stock, in the caller's transaction. May be repeated. Raises
    NotPossible where there is nothing to decide, or it was decided otherwise."""
    order = locked(return_.order_id)
    case = Return.objects.get(pk=return_.pk)
    if not goods.require_restock(case=case, restock=restock):
        return
    case.restock = Restock.YES if restock else Restock.NO
    Return.objects.filter(pk=case.pk).update(restock=case.restock, restock_by=by[:150])
    kind = "return.restocked" if restock else "return.not_restocked"
    note(order=order, kind=kind, facts={"return": case.external_id}, by=by, now=now)
    Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
    case.order = order
    follow(order=order, case=case, now=now)
