"""What was answered or decided here is told to the source: looked at first, said once, read back."""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base.connector import Source
from connectors.base.errors import AuthorizationError, PermanentError, PlatformError, UnsupportedFeature
from connectors.base.types import PlatformOrder
from connectors.registry import label_of
from connectors.speaking import speaking_to_source
from orders import aftersales, guard, outbox, reading, reasons, requests
from orders.answering import answer_from_json
from orders.models import (
    Attention,
    Cancellation,
    CancellationStatus,
    Order,
    OutboxItem,
    OutboxStatus,
    Return,
)
from orders.splitting import items_of
from orders.states import ask_for_attention, note
from orders.work import Drain

log = logging.getLogger(__name__)

S = CancellationStatus


# A buyer's request to cancel


def answer_cancel(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out ANSWER_CANCEL, unless the request is over. Makes calls: not inside a transaction. May be repeated.
    Raises PlatformError, outbox.LostLease. What the source does not take is asked about."""
    refusal: PermanentError | None = None
    with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
        _look(item, source, drain)
        kept = _cancellation(item)
        if was_open := kept.is_open:
            refusal = _left_before_its_rule(item, kept) or _say_cancel(item, kept, source, drain)
        if refusal is not None:
            _look(item, source, drain)
    kept = _cancellation(item)
    if refusal is not None and kept.is_open:
        _cancel_refused(item, kept, refusal, drain)
        return
    done = (S.AGREED, S.REFUNDED) if item.facts["accepts"] else (S.WITHDRAWN,)
    is_told = refusal is None and was_open
    with merchant_rows(item.merchant_id):
        status = OutboxStatus.DONE if is_told or kept.status in done else OutboxStatus.DROPPED
        outbox.settle(item=item, status=status, now=drain.clock())
    if is_told:
        read_back(item=item, drain=drain)


def _look(item: OutboxItem, source: Source, drain: Drain) -> None:
    with merchant_rows(item.merchant_id):
        order_id = Order.objects.values_list("external_id", flat=True).get(pk=item.order_id)
    aftersales.read_cancellations(store=drain.store, source=source, order_ids=[order_id], clock=drain.clock)


def _cancellation(item: OutboxItem) -> Cancellation:
    with merchant_rows(item.merchant_id):
        return Cancellation.objects.get(store=item.store_id, external_id=item.facts["case"])


def _left_before_its_rule(item: OutboxItem, kept: Cancellation) -> PermanentError | None:
    """A rule accepts nothing whose parcel left, neither since it answered: then a person is asked."""
    if not kept.answer_rule or not item.facts["accepts"]:
        return None
    with merchant_rows(item.merchant_id):
        if not requests.has_left(Order.objects.get(pk=item.order_id)):
            return None
    return PermanentError(f"A parcel left before your rule “{kept.answer_rule}” could accept it")


def _say_cancel(item: OutboxItem, kept: Cancellation, source: Source, drain: Drain) -> PermanentError | None:
    accepts, reason = item.facts["accepts"], item.facts.get("reason", "")
    try:
        if kept.answer_rule and not accepts:
            reason = reasons.fitting(source.reject_reasons(kept.external_id), reason)
        with outbox.sending(item=item, now=drain.clock()):
            source.answer_cancellation(
                kept.external_id,
                accepts=accepts,
                reference=item.reference,
                reason=reason,
                comment=item.facts.get("comment", ""),
            )
    except AuthorizationError:
        raise
    except PermanentError as error:
        return error
    return None


def _cancel_refused(item: OutboxItem, kept: Cancellation, error: PermanentError, drain: Drain) -> None:
    """The source did not take it, and the request is open still: it may be answered anew."""
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = _locked(item)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now, error=error.message, reason="permanent")
        Cancellation.objects.filter(pk=kept.pk).update(answer="", answer_rule="", answer_problem=error.message[:300])
        facts = {"cancellation": kept.external_id}
        note(order=order, kind="cancellation.answer_refused", reason=error.message, facts=facts, now=now)
        detail: dict[str, Any] = {"request": kept.external_id, "reason": kept.reason_text, "message": error.message}
        if kept.answer_by:
            detail["answer_by"] = kept.answer_by.isoformat()
        ask_for_attention(order=order, code=Attention.CANCEL_PENDING, now=now, detail=detail)


# A return


def answer_return(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out ANSWER_RETURN, unless the source asks something else by now. Makes calls: not inside a transaction. May
    be repeated. Raises PlatformError, outbox.LostLease. What the source does not take is asked about."""
    refusal: PermanentError | None = None
    with merchant_rows(item.merchant_id):
        order_id = Order.objects.values_list("external_id", flat=True).get(pk=item.order_id)
    with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
        aftersales.read_returns(store=drain.store, source=source, order_ids=[order_id], clock=drain.clock)
        was_open = _case(item).is_answered
        if was_open:
            refusal = _say_return(item, source, drain)
        if refusal is not None:
            aftersales.read_returns(store=drain.store, source=source, order_ids=[order_id], clock=drain.clock)
    kept = _case(item)
    if refusal is not None and kept.is_answered:
        _return_refused(item, kept, refusal, drain)
        return
    with merchant_rows(item.merchant_id):
        is_over = refusal is not None or not (was_open or item.is_doubtful)
        status = OutboxStatus.DROPPED if is_over else OutboxStatus.DONE
        outbox.settle(item=item, status=status, now=drain.clock())
    if was_open and refusal is None:
        read_back(item=item, drain=drain)


def _case(item: OutboxItem) -> Return:
    with merchant_rows(item.merchant_id):
        return Return.objects.get(store=item.store_id, external_id=item.facts["case"])


def _say_return(item: OutboxItem, source: Source, drain: Drain) -> PermanentError | None:
    try:
        with outbox.sending(item=item, now=drain.clock()):
            source.answer_return(item.facts["case"], answer_from_json(item.facts), reference=item.reference)
    except AuthorizationError:
        raise
    except PermanentError as error:
        return error
    return None


def _return_refused(item: OutboxItem, kept: Return, error: PermanentError, drain: Drain) -> None:
    """The source did not take it, and asks still: it may be answered anew."""
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = _locked(item)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now, error=error.message, reason="permanent")
        Return.objects.filter(pk=kept.pk).update(answer={}, answered_for="", answer_problem=error.message[:300])
        note(
            order=order,
            kind="return.answer_refused",
            reason=error.message,
            facts={"return": kept.external_id, "decision": item.facts["decision"]},
            now=now,
        )
        if not order.attention:
            _ask_about(order, error, drain, message=error.message)


# Cancelling as the seller


def cancel_at_source(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out CANCEL_AT_SOURCE: read the order again, accept a request of the buyer's that is open, else cancel.
    Makes calls: not inside a transaction. May be repeated. Raises PlatformError, outbox.LostLease. What the source does
    not permit is said plainly."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_related("source_store").get(pk=item.order_id)
    order, seen = guard.read_again(order=order, clock=drain.clock)
    unless = item.facts.get("unless", ())
    if any(line.status == "CANCELLED" and line.external_id in unless for line in seen.lines):
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.DROPPED, now=drain.clock())
        return
    if not _is_cancelled(seen, item):
        refusal: PermanentError | None = None
        with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
            aftersales.read_cancellations(
                store=drain.store, source=source, order_ids=[order.external_id], clock=drain.clock
            )
            try:
                _cancel(item, order, seen, source, drain)
            except AuthorizationError:
                raise
            except PermanentError as error:
                refusal = error
        if refusal is not None:
            _not_permitted(item, refusal, drain)
            return
    with merchant_rows(item.merchant_id):
        kept = _locked(item)
        outbox.settle(item=item, status=OutboxStatus.DONE, now=drain.clock())
        note(order=kept, kind="source.cancel_told", by=item.facts["by"], now=drain.clock())
    read_back(item=item, drain=drain)


def _is_cancelled(seen: PlatformOrder, item: OutboxItem) -> bool:
    wanted = item.facts["lines"] or [line.external_id for line in seen.lines]
    return all(line.status == "CANCELLED" for line in seen.lines if line.external_id in wanted)


def _cancel(item: OutboxItem, order: Order, seen: PlatformOrder, source: Source, drain: Drain) -> None:
    with merchant_rows(item.merchant_id):
        asked = next((each for each in order.cancellations.all() if each.is_open), None)
    if asked is not None and not item.facts["lines"]:
        with outbox.sending(item=item, now=drain.clock()):
            source.answer_cancellation(asked.external_id, accepts=True, reference=item.reference)
        return
    if not _is_permitted(seen, source):
        raise PermanentError(f"{source.label} lets you cancel no order that is {seen.status_text.lower()}")
    outbox.require_sure(item=item, now=drain.clock(), what=f"Whether {source.label} cancelled it is not known yet")
    with outbox.sending(item=item, now=drain.clock()):
        source.cancel_order(order.external_id, reason=item.facts["reason"], line_quantities=item.facts["lines"] or None)


def _is_permitted(seen: PlatformOrder, source: Source) -> bool:
    try:
        return bool(source.cancel_reasons(seen))
    except UnsupportedFeature:
        return True  # it says so when it is asked to cancel


def _not_permitted(item: OutboxItem, error: PermanentError, drain: Drain) -> None:
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = _locked(item)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now, error=error.message, reason="permanent")
        facts = {"by_whom": item.facts["by"]}
        note(order=order, kind="source.cancel_refused", reason=error.message, facts=facts, now=now)
        who = item.facts["by"]
        is_from_store = who.startswith(("Cancelled in ", "Taken out in "))
        more = ""
        if is_from_store:
            items = ", ".join(items_of(order, item.facts["lines"]))
            more = (
                f" {who}: {items}, still to be shipped here."
                if items
                else f" {who}, and the order still waits here to be shipped."
            )
        if is_from_store or not order.attention:
            _ask_about(order, error, drain, message=f"{error.message}.{more}".replace("..", "."))


# Both


def read_back(*, item: OutboxItem, drain: Drain) -> None:
    """What the source shows now. A failure here leaves it to webhook and poll."""
    with merchant_rows(item.merchant_id):
        order_id = Order.objects.values_list("external_id", flat=True).get(pk=item.order_id)
    try:
        with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
            reading.read_orders(store=drain.store, source=source, external_ids=[order_id], clock=drain.clock)
            aftersales.read(store=drain.store, source=source, order_ids=[order_id], clock=drain.clock)
    except PlatformError as error:
        log.info("not read back", extra={"order": item.order_id, "failure": type(error).__name__})


def _locked(item: OutboxItem) -> Order:
    order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=item.order_id)
    Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
    return order


def _ask_about(order: Order, error: PermanentError, drain: Drain, *, message: str) -> None:
    detail = {
        "message": message,
        "code": error.code,
        "side": error.side,
        "store": order.source_store.name,
        "label": label_of(order.source_store),
    }
    ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=drain.clock(), detail=detail)
