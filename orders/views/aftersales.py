"""The pages of cancellations and returns: the list of returns, and what a person answers or has cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Role
from connectors.base import money
from connectors.base.aftersales import Answer, Decision, Reason
from connectors.base.errors import PlatformError
from orders import answering, reasons, refunds, returns, store_cancels
from orders.aftersale_wording import DECISION_SENTENCES, DECISIONS
from orders.models import Cancellation, Order, Return, ReturnRecord
from orders.queries.aftersales import returns_page
from orders.queries.bulk import MOST, bulk_context
from orders.queries.cases import grouped, lines_of, lines_to_cancel
from orders.queries.rows import money_text
from orders.states import NotPossible
from orders.views.pages import may_change, membership_of, shop_time, zone_name

SAID = "Said. It is told to TikTok Shop at once; the page shows what comes of it."


@require_safe
@never_cache
@member_required()
def return_list(request: HttpRequest) -> HttpResponse:
    """Returns, refunds, replacements and exchanges, those to be answered first."""
    membership, before = membership_of(request), request.GET.get("before", "")
    context = returns_page(
        merchant_id=membership.merchant_id,
        tab=request.GET.get("tab", "to_do"),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0,
        can_act=may_change(membership),
        now=timezone.now(),
    )
    with shop_time(membership):
        return render(request, "returns/list.html", {**context, "zone_name": zone_name(membership)})


@require_POST
@member_required(at_least=Role.MANAGER)
def accept_cancellation(request: HttpRequest, cancellation_id: int) -> HttpResponse:
    """The buyer may cancel."""
    row = _of_merchant(request, Cancellation, cancellation_id)
    return _act(request, row, lambda by: answering.answer_cancellation(
        cancellation=row, accepts=True, by=by, now=timezone.now()
    ))  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def refuse_cancellation(request: HttpRequest, cancellation_id: int) -> HttpResponse:
    """Why the buyer may not cancel, in the reasons that TikTok Shop takes for this request."""
    row = _of_merchant(request, Cancellation, cancellation_id)
    if request.method == "POST":
        return _act(request, row, lambda by: answering.answer_cancellation(
            cancellation=row, accepts=False, by=by, now=timezone.now(),
            reason=request.POST.get("reason", "")[:120], comment=request.POST.get("comment", ""),
        ), back=request.path if not request.POST.get("reason") else "")  # fmt: skip
    found, failure = _asked(lambda: reasons.to_refuse(
        store=row.order.source_store, external_id=row.external_id, clock=timezone.now
    ))  # fmt: skip
    what = "Refuse the cancellation"
    sentence = "The order goes on, and its fulfillment in the store with it. TikTok Shop tells the buyer."
    return _answer_page(request, row, what=what, sentence=sentence, reasons=found, failure=failure, has_comment=True)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def answer_return(request: HttpRequest, return_id: int, decision: str) -> HttpResponse:
    """One answer to a return; a page of its own asks for what it needs: a reason, or an amount."""
    case = _of_merchant(request, Return, return_id)
    if decision not in Decision.__members__:
        raise Http404
    chosen = Decision(decision)
    if request.method == "POST":
        back = request.path if chosen.is_rejection or chosen is Decision.OFFER_PART else ""
        return _act(request, case, lambda by: answering.answer_return(
            return_=case, answer=_answer_of(request, chosen, case.order), by=by, now=timezone.now()
        ), back=back)  # fmt: skip
    if decision not in case.decisions or case.is_answered:
        messages.error(request, "TikTok Shop does not ask for that answer now.")
        return redirect("order", case.order_id)
    found: list[Reason] = []
    failure = ""
    if chosen.is_rejection:
        found, failure = _asked(lambda: reasons.to_refuse(
            store=case.order.source_store, external_id=case.external_id, clock=timezone.now
        ))  # fmt: skip
    return _answer_page(
        request,
        case,
        what=DECISIONS.get(decision, decision),
        sentence=DECISION_SENTENCES.get(decision, ""),
        reasons=found,
        failure=failure,
        has_comment=chosen.is_rejection,
        amount=_amounts(case) if chosen is Decision.OFFER_PART else None,
    )


@require_POST
@member_required(at_least=Role.MANAGER)
def restock(request: HttpRequest, return_id: int) -> HttpResponse:
    """Whether what came back goes into the store's stock."""
    case = _of_merchant(request, Return, return_id)
    wants = request.POST.get("restock") == "yes"
    return _act(
        request,
        case,
        lambda by: returns.restock_decision(return_=case, restock=wants, by=by, now=timezone.now()),
        said="Remembered. It is done in the store at once." if wants else "Remembered. Nothing goes into the stock.",
    )


@require_POST
@member_required(at_least=Role.MANAGER)
def noted(request: HttpRequest, record_id: int) -> HttpResponse:
    """The merchant wrote the refund down in a store that takes none from us."""
    with merchant_rows(membership_of(request).merchant_id):
        record = ReturnRecord.objects.select_related("case__order").filter(pk=record_id).first()
    if record is None:
        raise Http404

    def settle(by: str) -> None:
        answering.locked(record.case.order_id)
        refunds.task_done(record=record, by=by, now=timezone.now())

    return _act(request, record.case, settle, said="Marked as noted.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def cancel(request: HttpRequest, order_id: int) -> HttpResponse:
    """Have the order, or units of it, cancelled on TikTok Shop."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        order = Order.objects.select_related("source_store").filter(pk=order_id).first()
        why_not = store_cancels.why_not(order) if order else ""
    if order is None:
        raise Http404
    if request.method == "POST":
        wanted = request.POST.get("what") == "some"
        return _act(request, order, lambda by: store_cancels.cancel_at_source(
            order=order, reason=request.POST.get("reason", "")[:120], by=by, now=timezone.now(),
            line_quantities=_units(request, order) if wanted else None,
        ))  # fmt: skip
    found, failure = ([], "") if why_not else _asked(lambda: reasons.to_cancel(order=order, clock=timezone.now))
    if not found and not failure and not why_not:
        why_not = "TikTok Shop lets no seller cancel this order now."
    context = {
        "order": order,
        "lines": lines_to_cancel(order),
        "reasons": found,
        "failure": failure,
        "why_not": why_not,
    }
    with shop_time(membership):
        return render(request, "returns/cancel.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def cancel_several(request: HttpRequest) -> HttpResponse:
    """Have several orders cancelled for one reason: those that the address names, or some of all that can be. Each
    answers for itself, and none stops the others."""
    membership = membership_of(request)
    merchant_id, results = membership.merchant_id, []
    said = request.POST if request.method == "POST" else request.GET
    ids = [int(each) for each in said.getlist("order") if each.isascii() and each.isdigit() and len(each) < 19][:MOST]
    if request.method == "POST":
        reason = said.get("reason", "")[:120]
        if not ids or not reason:
            messages.error(request, "Choose a reason." if ids else "Choose at least one order.")
        else:
            results = [_cancelled(merchant_id, pk, reason, membership.user.name or membership.user.email) for pk in ids]
    query = request.GET.get("q", "")
    with shop_time(membership):
        context = bulk_context(merchant_id=merchant_id, query=query, chosen=ids, now=timezone.now())
        shown = {**context, "results": [each for each in results if each], "most": MOST}
        return render(request, "returns/cancel_several.html", shown)


def _cancelled(merchant_id: int, order_id: int, reason: str, by: str) -> dict[str, Any] | None:
    with merchant_rows(merchant_id):
        order = Order.objects.select_related("source_store").filter(pk=order_id).first()
    if order is None:
        return None
    try:
        with merchant_rows(merchant_id):
            store_cancels.cancel_at_source(order=order, reason=reason, by=by, now=timezone.now())
        return {"order": order, "is_said": True, "text": "Told to TikTok Shop; its page shows what comes of it."}
    except NotPossible as error:
        return {"order": order, "is_said": False, "text": str(error)}


def _of_merchant(request: HttpRequest, kind: type[models.Model], pk: int) -> Any:
    """This merchant's row with its order and shop, or 404."""
    with merchant_rows(membership_of(request).merchant_id):
        found = kind._default_manager.select_related("order__source_store").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _act(
    request: HttpRequest, row: Any, step: Callable[[str], object], *, said: str = SAID, back: str = ""
) -> HttpResponse:
    """Take a step, say what came of it, and show the order; or `back`, where something is missing."""
    membership = membership_of(request)
    order_id = row.pk if isinstance(row, Order) else row.order_id
    try:
        with merchant_rows(membership.merchant_id):
            step(membership.user.name or membership.user.email)
        messages.success(request, said)
    except NotPossible as error:
        messages.error(request, str(error))
        if back:
            return redirect(back)
    return redirect("order", order_id)


def _asked(ask: Callable[[], list[Reason]]) -> tuple[list[Reason], str]:
    """The reasons, or why they cannot be told now."""
    try:
        return ask(), ""
    except PlatformError as error:
        return [], error.message


def _answer_of(request: HttpRequest, decision: Decision, order: Order) -> Answer:
    amount = None
    if decision is Decision.OFFER_PART:
        try:
            amount = money.to_minor(request.POST.get("amount", "").strip(), order.currency)
        except money.AmountError as error:
            raise NotPossible("That is not an amount of money.") from error
    return Answer(
        decision=decision,
        reason=request.POST.get("reason", "")[:120],
        comment=request.POST.get("comment", "")[:300],
        amount=amount,
        currency=order.currency if amount is not None else "",
    )


def _amounts(case: Return) -> dict[str, str]:
    """What may be offered: more than nothing, and less than the whole refund."""
    most, currency = (case.refund or {}).get("total", 0), case.order.currency
    return {
        "least": money.to_text(1, currency),
        "most": money.to_text(max(most - 1, 1), currency),
        "whole_text": money_text(most, currency),
    }


def _answer_page(request: HttpRequest, row: Any, *, what: str, **shown: Any) -> HttpResponse:
    membership, order = membership_of(request), row.order
    with shop_time(membership):
        context = {
            "row": row,
            "order": order,
            "what": what,
            "lines": grouped(lines_of(order, row.lines), order.currency),
            **shown,
        }
        return render(request, "returns/answer.html", context)


def _units(request: HttpRequest, order: Order) -> dict[str, int]:
    """Of equal items the first lines are taken; too many fall to the last, and are refused there."""
    found: dict[str, int] = {}
    for line in lines_to_cancel(order):
        said = request.POST.get(f"units-{line['line_id']}", "")
        left = int(said[:4]) if said.isascii() and said.isdigit() else 0
        for line_id, quantity in line["units"]:
            found[line_id] = min(left, quantity)
            left -= found[line_id]
        found[line["units"][-1][0]] += left
    found = {line_id: count for line_id, count in found.items() if count}
    if not found:
        raise NotPossible("Choose how many of which items.")
    return found
