"""What the Returns page shows, and the boxes of an order's page about cancellations and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.access import merchant_rows
from orders import store_cancels
from orders.aftersale_wording import of_request
from orders.models import Attention, Cancellation, Mirror, MirrorState, Order, OrderEvent, Restock, Return, ReturnRecord
from orders.models.returns import OPEN, STANDS_FOR
from orders.queries.cases import cancellation_of, return_of
from orders.queries.rows import seller_center_url
from orders.queries.timeline import timeline_of

PAGE = 50
_REQUESTS = (Attention.CANCEL_PENDING, Attention.RETURN_PENDING)
_IS_OVER = Q(kind__in=STANDS_FOR, status="AGREED")
TABS: Mapping[str, tuple[str, Q]] = {
    "to_do": ("To do", (Q(answer_by__isnull=False) & ~Q(decisions=[])) | Q(restock=Restock.ASKED)),
    "open": ("Open", Q(status__in=OPEN) & ~_IS_OVER),
    "completed": ("Completed", Q(status="COMPLETED") | _IS_OVER),
    "all": ("All", Q()),
}


def returns_page(
    *, merchant_id: int, tab: str = "to_do", before: int = 0, can_act: bool, now: datetime
) -> dict[str, Any]:
    """The rows of one tab, newest first and in the first tab by what is due first, from below the return `before` on.
    Five queries, whatever the rows."""
    chosen = tab if tab in TABS else "to_do"
    with merchant_rows(merchant_id):
        counts = {name: Return.objects.filter(fits).count() for name, (_, fits) in TABS.items()}
        cases = _with_all(Return.objects.filter(TABS[chosen][1]))
        if chosen == "to_do":
            cases = cases.order_by(F("answer_by").asc(nulls_last=True), "-pk")
        else:
            cases = cases.order_by("-created_at", "-pk")
        last = Return.objects.filter(pk=before).first() if before and chosen != "to_do" else None
        if last is not None:
            cases = cases.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))
        found = list(cases[: PAGE + 1])
    return {
        "tab": chosen,
        "tabs": [{"name": name, "label": label, "count": counts[name]} for name, (label, _) in TABS.items()],
        "rows": [_row(case, now=now, can_act=can_act) for case in found[:PAGE]],
        "next": found[PAGE - 1].pk if len(found) > PAGE and chosen != "to_do" else None,
        "now": now,
    }


def return_page(*, merchant_id: int, return_id: int, can_act: bool, now: datetime) -> dict[str, Any] | None:
    """One return with its history, or None when this merchant has no such return."""
    with merchant_rows(merchant_id):
        case = _with_all(Return.objects.filter(pk=return_id)).first()
        if case is None:
            return None
        events = OrderEvent.objects.filter(order=case.order_id, facts__return=case.external_id).order_by("-id")
        history = timeline_of(list(events[:200]), [])
    return {"case": _row(case, now=now, can_act=can_act), "history": history, "now": now}


def _with_all(cases: QuerySet[Return]) -> QuerySet[Return]:
    records = ReturnRecord.objects.select_related("mirror__store")
    mirrors = Mirror.objects.select_related("store").order_by("pk")
    return cases.select_related("order__source_store").prefetch_related(
        Prefetch("records", queryset=records), Prefetch("order__mirrors", queryset=mirrors)
    )


def _row(case: Return, *, now: datetime, can_act: bool) -> dict[str, Any]:
    order = case.order
    shown = return_of(case, order, case.records.all(), order.mirrors.all(), now=now, can_act=can_act)
    return {
        **shown,
        "order": {
            "id": order.pk,
            "external_id": order.external_id,
            "url": reverse("order", args=[order.pk]),
            "buyer_name": order.buyer_name,
            "shop": order.source_store.name,
        },
        "replacement_url": reverse("order", args=[case.replacement_id]) if case.replacement_id else "",
        "seller_center_url": seller_center_url(order),
    }


def boxes_of(order: Order, *, now: datetime, can_act: bool) -> dict[str, Any]:
    """The cancel box and the return boxes of an order's page, in merchant_rows. `order` with its source store. Costs
    nothing but three queries."""
    cancellations = list(Cancellation.objects.filter(order=order).order_by("-created_at", "-pk"))
    cases = list(_with_all(Return.objects.filter(order=order)).order_by("-created_at", "-pk"))
    mirrors = list(order.mirrors.select_related("store").order_by("pk"))
    for case in cases:
        case.order = order
    return {
        "cancel": _cancel_box(order, cancellations, mirrors, now=now, can_act=can_act),
        "returns": [
            {
                **return_of(case, order, case.records.all(), mirrors, now=now, can_act=can_act),
                "stop_text": _stop_text(order, case.external_id),
                "replacement_url": reverse("order", args=[case.replacement_id]) if case.replacement_id else "",
            }
            for case in cases
        ],
    }


def ask_the_same(boxes: Mapping[str, Any], order: Order) -> bool:
    """Whether one of these boxes asks what the order's attention asks for, with buttons of its own."""
    if order.attention not in _REQUESTS or order.attention_detail.get("check"):
        return False
    about = order.attention_detail.get("request", "")
    asked = [boxes["cancel"]["request"], *boxes["returns"]]
    return any(each and each["is_open"] and each["external_id"] == about for each in asked)


def question_of(boxes: Mapping[str, Any]) -> dict[str, str] | None:
    """The sentence of an order's page while a return waits for an answer, the most urgent first."""
    asked = sorted(
        (each for each in boxes["returns"] if each["due"] and not each["is_late"]), key=lambda each: each["due"]
    )
    if not asked:
        return None
    due = date_format(localtime(asked[0]["due"]), "M j, g:i A")
    bold = f"{asked[0]['kind_text']}: TikTok Shop waits for your answer."
    return {"bold": bold, "plain": f"Answer below by {due}. Silence accepts it."}


def _stop_text(order: Order, external_id: str) -> str:
    """What a person is to stop by hand while this request is open."""
    if order.attention not in _REQUESTS or order.attention_detail.get("request") != external_id:
        return ""
    said = of_request(order.attention_detail)
    return f"{said['stop_words']}{said['stop_cure']}".strip()


def _cancel_box(
    order: Order, cancellations: Sequence[Cancellation], mirrors: Sequence[Mirror], *, now: datetime, can_act: bool
) -> dict[str, Any]:
    shown = [cancellation_of(row, order, now=now, can_act=can_act) for row in cancellations]
    request = next((each for each in shown if each["is_open"]), None)
    if request:
        request["stop_text"] = _stop_text(order, request["external_id"])
    why_not = store_cancels.why_not(order)
    return {
        "request": request,
        "past": [each for each in shown if each is not request],
        "paused_in": [mirror.name for mirror in mirrors if mirror.is_paused and mirror.state == MirrorState.CREATED],
        "can_cancel": can_act and not why_not and request is None,
        "why_not": why_not,
        "seller_center_url": seller_center_url(order),
    }
