"""What the merchant answers to a buyer, by a person or by a rule: said here, and told to the source by the outbox.

Each step is taken in the caller's transaction and locks the order's row; it may be repeated: the same answer once more
changes nothing. Raises NotPossible, in plain words.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from django.db.models import F

from connectors.base import money
from connectors.base.aftersales import Answer, Decision
from orders import outbox
from orders.models import (
    CancelAnswer,
    Cancellation,
    Order,
    OutboxItem,
    OutboxKind,
    Return,
)
from orders.states import NotPossible, note

_LATE = "The time to answer is over. TikTok Shop decides by itself."


def answer_cancellation(
    *,
    cancellation: Cancellation,
    accepts: bool,
    by: str,
    now: datetime,
    reason: str = "",
    comment: str = "",
    rule: str = "",
) -> OutboxItem | None:
    """Accept or refuse a buyer's request to cancel; refusing needs a `reason`, a key of `reasons.to_refuse`. `rule` is
    the merchant's rule that answers. Returns what tells the source; None where it was said before and is told."""
    order = locked(cancellation.order_id)
    kept = Cancellation.objects.get(pk=cancellation.pk)
    wanted = CancelAnswer.ACCEPTED if accepts else CancelAnswer.REFUSED
    if kept.answer == wanted:
        return _item_of(order, OutboxKind.ANSWER_CANCEL, kept.external_id)
    if not kept.is_open:
        raise NotPossible(f"The request is over: {kept.get_status_display()}.")
    if kept.answer:
        who = kept.answered_by or "A rule"
        raise NotPossible(f"{who} answered already: {kept.get_answer_display()}. It is on its way to TikTok Shop.")
    if kept.answer_by and now > kept.answer_by:
        raise NotPossible(_LATE)
    if not accepts and not reason:
        raise NotPossible("Choose a reason. TikTok Shop takes no refusal without one.")
    Cancellation.objects.filter(pk=kept.pk).update(
        answer=wanted,
        answer_reason=reason[:120],
        answer_comment=comment[:300],
        answer_rule=rule[:80],
        answered_by=by[:150],
        answered_at=now,
        answer_problem="",
    )
    said: dict[str, Any] = {"accepts": accepts, "reason": reason, "comment": comment[:300], "by": by}
    kind = "cancellation.accepted" if accepts else "cancellation.refused"
    facts = {"cancellation": kept.external_id} | ({"rule": rule} if rule else {})
    return _say(order, OutboxKind.ANSWER_CANCEL, kept.external_id, said, kind=kind, facts=facts, by=by, now=now)


def answer_return(*, return_: Return, answer: Answer, by: str, now: datetime) -> OutboxItem | None:
    """Answer what the source asks about a return now. Returns what tells the source; None where it was said before and
    is told."""
    order = locked(return_.order_id)
    kept = Return.objects.get(pk=return_.pk)
    if answer.amount is not None and not answer.currency:
        answer = dataclasses.replace(answer, currency=order.currency)
    said = answer_to_json(answer)
    if kept.is_answered:
        if kept.answer == said:
            return _item_of(order, OutboxKind.ANSWER_RETURN, kept.external_id)
        raise NotPossible(f"{kept.answered_by} answered already. It is on its way to TikTok Shop.")
    _require_possible(kept, answer, now)
    Return.objects.filter(pk=kept.pk).update(
        answer=said, answered_for=kept.question, answered_by=by[:150], answered_at=now, answer_problem=""
    )
    facts = {"return": kept.external_id, "decision": answer.decision.value}
    if answer.amount is not None:
        facts["amount"] = f"{money.to_text(answer.amount, order.currency)} {order.currency}"
    said = {**said, "by": by}
    return _say(
        order, OutboxKind.ANSWER_RETURN, kept.external_id, said, kind="return.answered", facts=facts, by=by, now=now
    )


def _require_possible(kept: Return, answer: Answer, now: datetime) -> None:
    if not kept.decisions:
        raise NotPossible(f"TikTok Shop asks nothing about this return now: {kept.get_status_display()}.")
    if answer.decision.value not in kept.decisions:
        raise NotPossible("TikTok Shop does not take that answer now.")
    if kept.answer_by and now > kept.answer_by:
        raise NotPossible(_LATE)
    if answer.decision.is_rejection and not answer.reason:
        raise NotPossible("Choose a reason. TikTok Shop takes no refusal without one.")
    if answer.decision is Decision.OFFER_PART:
        most = (kept.refund or {}).get("total", 0)
        if answer.amount is None or not 0 < answer.amount < most:
            raise NotPossible("Offer more than nothing, and less than the whole refund.")


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """An answer as it is kept."""
    return {**dataclasses.asdict(answer), "decision": answer.decision.value}


def answer_from_json(said: dict[str, Any]) -> Answer:
    """The answer that `answer_to_json` wrote."""
    names = {each.name for each in dataclasses.fields(Answer)}
    return Answer(**{**{name: said[name] for name in names if name in said}, "decision": Decision(said["decision"])})


def locked(order_id: int) -> Order:
    """The order, with its row locked, in the caller's transaction."""
    return Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=order_id)


def _say(
    order: Order,
    kind_of_item: OutboxKind,
    subject: str,
    said: dict[str, Any],
    *,
    kind: str,
    facts: dict[str, Any],
    by: str,
    now: datetime,
) -> OutboxItem:
    """A case may be answered more than once: the request, then the goods, or again after the source took none."""
    before = order.outbox.filter(kind=kind_of_item, facts__case=subject).count()
    numbered = subject if not before else f"{subject}:{before + 1}"
    item = outbox.enqueue(
        order=order,
        store=order.source_store,
        kind=kind_of_item,
        subject=numbered,
        reference=f"{order.external_id}-{numbered}"[:80],
        now=now,
        facts={**said, "case": subject},
    )
    Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
    note(order=order, kind=kind, reason=said.get("comment", ""), facts=facts, by=by, now=now)
    return item


def _item_of(order: Order, kind: OutboxKind, subject: str) -> OutboxItem | None:
    return order.outbox.filter(kind=kind, facts__case=subject).order_by("-id").first()
