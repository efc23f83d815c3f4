"""One cancellation or return as pages show it: words, badge, sums, lines, by when to answer, and what may be answered.

Reads only what it is given: no query of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.registry import label_of
from orders.aftersale_wording import DECISION_SENTENCES, DECISIONS
from orders.badges import Badge
from orders.models import (
    CancelAnswer,
    Cancellation,
    CancellationStatus,
    Mirror,
    Order,
    Restock,
    Return,
    ReturnKind,
    ReturnRecord,
    ReturnStatus,
)
from orders.queries.rows import money_text, variant_of
from orders.splitting import counted

S, C = ReturnStatus, CancellationStatus
_RETURN_TONES = {
    S.REQUESTED: ("half", "red"),
    S.BUYER_ASKED: ("half", "amber"),
    S.TO_BE_SENT: ("dashed", "amber"),
    S.ON_THE_WAY: ("ring", "blue"),
    S.GOODS_REFUSED: ("cross", "red"),
    S.REFUSED: ("cross", "gray"),
    S.AGREED: ("ring", "amber"),
    S.COMPLETED: ("tick", "green"),
    S.WITHDRAWN: ("cross", "gray"),
    S.UNKNOWN: ("question", "gray"),
}
_CANCEL_TONES = {
    C.REQUESTED: ("half", "red"),
    C.AGREED: ("cross", "red"),
    C.REFUNDED: ("cross", "red-outline"),
    C.WITHDRAWN: ("cross", "gray"),
    C.UNKNOWN: ("question", "gray"),
}
_WHO = {"BUYER": "The buyer", "SELLER": "You", "PLATFORM": "TikTok Shop", "UNKNOWN": "Somebody"}
_DISPUTES = {
    "OPEN": "TikTok Shop was called in, and judges",
    "FOR_BUYER": "TikTok Shop judged for the buyer",
    "FOR_SELLER": "TikTok Shop judged for you",
    "CLOSED": "TikTok Shop closed the dispute",
}
_PARTS = (("subtotal", "Items"), ("shipping", "Shipping"), ("tax", "Tax"), ("fees", "Fees"))


def cancellation_of(row: Cancellation, order: Order, *, now: datetime, can_act: bool) -> dict[str, Any]:
    """A cancellation, and what may be answered to it."""
    mark, tone = _CANCEL_TONES[C(row.status)]
    is_late = row.answer_by is not None and row.answer_by <= now
    may_answer = can_act and row.is_open and not row.answer and not is_late
    return {
        "id": row.pk,
        "external_id": row.external_id,
        "badge": Badge(row.status, "Cancellation requested" if row.is_open else C(row.status).label, mark, tone),
        "is_open": row.is_open,
        "is_request": row.is_request,
        "by": _WHO.get(row.by, row.by),
        "reason": row.reason_text or row.reason,
        "lines": grouped(lines_of(order, row.lines), order.currency),
        "is_whole": _is_whole(order, row.lines),
        **sums_of(row.refund, order.currency),
        "asked_at": row.created_at,
        "due": row.answer_by if row.is_open else None,
        "hours": _hours(row.answer_by - row.created_at) if row.answer_by else 0,
        "is_late": is_late,
        "silence": "Silence accepts it." if row.is_open else "",
        "money_text": {C.AGREED: "goes back to the buyer", C.REFUNDED: "went back to the buyer"}.get(C(row.status), ""),
        "answered": _answered(row),
        "problem": row.answer_problem,
        "decisions": [
            {"value": "accept", "label": "Accept", "needs_reason": False, "sentence": "The order is cancelled."},
            {"value": "refuse", "label": "Refuse", "needs_reason": True, "sentence": "The order goes on."},
        ]
        if may_answer
        else [],
    }


def _hours(span: timedelta) -> int:
    return max(1, round(span.total_seconds() / 3600))


def _answered(row: Cancellation) -> str:
    if not row.answer:
        return ""
    said = CancelAnswer(row.answer).label
    return f"{said} by {row.answered_by}" + ("" if not row.is_open else "; on its way to TikTok Shop")


def _is_whole(order: Order, lines: Sequence[Mapping[str, Any]]) -> bool:
    return not lines or len(lines) >= len(order.snapshot.get("lines", []))


def return_of(
    case: Return,
    order: Order,
    records: Iterable[ReturnRecord],
    mirrors: Iterable[Mirror],
    *,
    now: datetime,
    can_act: bool,
) -> dict[str, Any]:
    """A return, what may be answered to it, and what became of it in the stores. `records` with their mirrors' stores,
    `mirrors` with their stores."""
    is_late = case.answer_by is not None and case.answer_by <= now
    is_asked = bool(case.decisions) and not case.is_answered
    may_answer = can_act and is_asked and not is_late
    kept = {record.mirror_id: record for record in records}
    return {
        "id": case.pk,
        "external_id": case.external_id,
        "kind": case.kind,
        "kind_text": ReturnKind(case.kind).label,
        "badge": _badge_of(case),
        "is_open": case.is_open,
        "by": _WHO.get(case.by, case.by),
        "reason": case.reason_text or case.reason,
        "lines": grouped(lines_of(order, case.lines), order.currency),
        "items_text": items_text(order, case.lines),
        **sums_of(case.refund, order.currency),
        "amount_label": {S.COMPLETED: "Refunded", S.AGREED: "Goes back"}.get(S(case.status), "Asked for"),
        "offered_text": money_text(case.offered, order.currency) if case.offered is not None else "",
        "asked_at": case.created_at,
        "updated_at": case.updated_at,
        "due": case.answer_by if is_asked else None,
        "is_late": is_asked and is_late,
        "dispute": _DISPUTES.get(case.dispute, ""),
        "keeps_goods": case.keeps_goods,
        "tracking_text": " ".join(part for part in (case.carrier, case.tracking_number) if part),
        "is_quick_refund": case.is_quick_refund,
        "answered": _return_answered(case, order),
        "problem": case.answer_problem,
        "decisions": [_decision(each, case, order) for each in case.decisions] if may_answer else [],
        "restock": _restock(case, can_act=can_act),
        "records": [_record(kept.get(mirror.pk), mirror, order) for mirror in mirrors if mirror.external_id],
        "new_order_id": case.new_order_id,
        "replacement_id": case.replacement_id,
        "previous_id": case.previous_id,
        "next_id": case.next_id,
    }


def _badge_of(case: Return) -> Badge:
    """Its status; or, where that says less, that TikTok Shop judges, or that the goods are here and wait."""
    if case.dispute == "OPEN":
        return Badge(case.status, "TikTok Shop judges", "half", "amber")
    if case.status == S.ON_THE_WAY and case.decisions:
        return Badge(case.status, "Arrived, waits for your answer", "half", "red")
    return Badge(case.status, S(case.status).label, *_RETURN_TONES[S(case.status)])


def _decision(value: str, case: Return, order: Order) -> dict[str, Any]:
    most = (case.refund or {}).get("total", 0)
    return {
        "value": value,
        "label": DECISIONS.get(value, value),
        "sentence": DECISION_SENTENCES.get(value, ""),
        "is_rejection": value.startswith("REJECT_"),
        "needs_reason": value.startswith("REJECT_"),
        "needs_amount": value == "OFFER_PART",
        "most_text": money_text(most, order.currency) if value == "OFFER_PART" else "",
    }


def _return_answered(case: Return, order: Order) -> str:
    if not case.answer:
        return ""
    said = DECISIONS.get(case.answer["decision"], case.answer["decision"])
    if case.answer.get("amount") is not None:
        said += f" ({money_text(case.answer['amount'], order.currency)})"
    return f"{said}, by {case.answered_by}" + (
        "; on its way to TikTok Shop" if case.is_answered and case.decisions else ""
    )


def _restock(case: Return, *, can_act: bool) -> dict[str, Any] | None:
    if not case.restock:
        return None
    text = Restock(case.restock).label
    return {
        "state": case.restock,
        "text": f"{text}, by {case.restock_by}" if case.restock_by else text,
        "can_decide": can_act and case.restock == Restock.ASKED,
    }


def _record(record: ReturnRecord | None, mirror: Mirror, order: Order) -> dict[str, Any]:
    """What this store has of it; a store without anything says so."""
    facts = {"store": label_of(mirror.store), "order_name": mirror.name, "order_url": mirror.url}
    if record is None:
        return {
            **facts,
            "id": None,
            "text": "Nothing noted",
            "url": "",
            "is_task": False,
            "is_done": False,
            "detail": "",
        }
    said = []
    if record.external_id:
        said.append(f"Return {record.name} {_STEPS.get(record.step, '')}".strip())
    if record.refunded is not None:
        said.append(f"Refund of {money_text(record.refunded, order.currency)} noted")
    if record.is_task:
        said.append("Noted by hand" if record.settled_at else "Yours to note by hand")
    return {
        **facts,
        "id": record.pk,
        "text": "; ".join(said) or "Nothing noted",
        "url": record.url,
        "detail": record.detail,
        "is_task": record.is_task,
        "is_done": record.settled_at is not None,
    }


_STEPS = {"OPEN": "is open", "DONE": "is closed", "DROPPED": "was cancelled"}


def sums_of(refund: Mapping[str, Any] | None, currency: str) -> dict[str, Any]:
    """What goes back: in all, part by part, and what TikTok Shop bears of it."""
    if not refund:
        return {"amount": None, "amount_text": "", "parts": [], "by_platform_text": ""}
    parts = [(label, refund.get(name, 0)) for name, label in _PARTS]
    by_platform = refund.get("by_platform", 0)
    return {
        "amount": refund["total"],
        "amount_text": money_text(refund["total"], refund.get("currency") or currency),
        "parts": [{"label": label, "text": money_text(amount, currency)} for label, amount in parts if amount],
        "by_platform_text": money_text(by_platform, currency) if by_platform else "",
    }


def lines_of(order: Order, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The order's lines that a case names, or all; each with its own refund, where it is told."""
    known = {line["external_id"]: line for line in order.snapshot.get("lines", [])}
    named = [(str(each["line_id"]), each) for each in lines] or [(line_id, {}) for line_id in known]
    shown = []
    for line_id, told in named:
        line = known.get(line_id, {})
        refund = told.get("refund")
        shown.append(
            {
                "line_id": line_id,
                "title": line.get("title") or told.get("sku") or line_id,
                "sku": line.get("sku") or told.get("sku") or "No SKU",
                "variant": variant_of(line) if line else "",
                "quantity": told.get("quantity") or line.get("quantity", 1),
                "refund": refund,
                "refund_text": money_text(refund, order.currency) if refund is not None else "",
            }
        )
    return shown


def grouped(lines: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """Equal items as one line, with their units and refunds added up: the source has a line for every unit."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in lines:
        same = found.setdefault((line["title"], line["variant"], line["sku"]), {**line, "quantity": 0, "refund": None})
        same["quantity"] += line["quantity"]
        same.setdefault("units", []).append((line["line_id"], line["quantity"]))
        if line["refund"] is not None:
            same["refund"] = (same["refund"] or 0) + line["refund"]
    for same in found.values():
        same["refund_text"] = money_text(same["refund"], currency) if same["refund"] is not None else ""
    return list(found.values())


def lines_to_cancel(order: Order) -> list[dict[str, Any]]:
    """What of the order is not cancelled yet, equal items together; `units` are the lines behind them."""
    gone = {line["external_id"] for line in order.snapshot.get("lines", []) if line["status"] == "CANCELLED"}
    live = [line for line in lines_of(order, []) if line["line_id"] not in gone]
    return grouped(live, order.currency)


def items_text(order: Order, lines: Sequence[Mapping[str, Any]]) -> str:
    """2 × CND-FIG-08, 1 × TIN-LAV-04."""
    shown = lines_of(order, lines)
    return ", ".join(counted(line["sku"] if line["sku"] != "No SKU" else line["title"] for line in shown))
