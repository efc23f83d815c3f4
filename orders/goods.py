"""Goods on their way back: written down in the stores that had them, closed when they arrived or it came to nothing,
and put into the stock as the merchant decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base.aftersales import GoodsBack, ReturnReceipt, ReturnStep
from connectors.base.connector import Features
from connectors.registry import connector_class, label_of
from connectors.speaking import speaking_to_destination
from orders import outbox
from orders.aftersale_rules import AftersaleRules, Restocking
from orders.models import (
    Mirror,
    MirrorState,
    Order,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    Restock,
    Return,
    ReturnKind,
    ReturnRecord,
    ReturnStatus,
)
from orders.pausing import own_ids
from orders.states import NotPossible, note
from orders.stopping import ids_of
from orders.work import Drain

S = ReturnStatus
_UNDER_WAY = (S.TO_BE_SENT, S.ON_THE_WAY, S.GOODS_REFUSED)
_DECISIONS = {Restocking.NEVER: Restock.NO, Restocking.ALWAYS: Restock.YES, Restocking.ASK: Restock.ASKED}


def comes_back(case: Return) -> bool:
    """Whether goods are to come back, come, or came."""
    if case.keeps_goods or case.kind == ReturnKind.REFUND:
        return False
    return case.status in _UNDER_WAY or (case.status in (S.AGREED, S.COMPLETED) and case.sent_back_at is not None)


def involved(order: Order, case: Return) -> list[tuple[Mirror, list[str]]]:
    """The stores that had goods of this case, with the source's lines of each, in merchant_rows."""
    named = ids_of(case.lines)
    found = []
    for mirror in order.mirrors.filter(state=MirrorState.CREATED).select_related("store").order_by("pk"):
        inside = [line_id for line_id in own_ids(mirror, order) if not named or line_id in named]
        if inside:
            found.append((mirror, inside))
    return found


def features_of(mirror: Mirror) -> Features:
    """What this mirror's store can do."""
    return connector_class(mirror.store.platform).features


def quantities_of(order: Order, case: Return, line_ids: list[str]) -> dict[str, int]:
    """How many units of these lines the case is about."""
    named = {str(line["line_id"]): int(line["quantity"]) for line in case.lines}
    known = {line["external_id"]: line["quantity"] for line in order.snapshot.get("lines", [])}
    return {line_id: named.get(line_id) or known.get(line_id, 1) for line_id in line_ids}


def follow(*, order: Order, case: Return, rules: AftersaleRules, now: datetime) -> None:
    """Say what is to be written down of the goods, in the caller's transaction, which holds the order's row. Each once;
    may be repeated."""
    _settle_restock(order, case, rules, now)
    for mirror, line_ids in involved(order, case):
        if not features_of(mirror).returns:
            continue
        if comes_back(case):
            facts = {"lines": quantities_of(order, case, line_ids)}
            _enqueue(OutboxKind.RECORD_RETURN, order, mirror, case, now, facts)
        _close(order, mirror, case, now)


def _settle_restock(order: Order, case: Return, rules: AftersaleRules, now: datetime) -> None:
    if case.status != S.COMPLETED or case.restock or not comes_back(case):
        return
    if not any(features_of(mirror).refunds for mirror, _ in involved(order, case)):
        return  # what a store books nothing of, it does not put into stock at our word
    case.restock = _DECISIONS[Restocking(rules.restock_returns)]
    Return.objects.filter(pk=case.pk).update(restock=case.restock)
    if case.restock == Restock.ASKED:
        note(order=order, kind="return.restock_asked", facts={"return": case.external_id}, now=now)


def _close(order: Order, mirror: Mirror, case: Return, now: datetime) -> None:
    said = order.outbox.filter(kind=OutboxKind.RECORD_RETURN, store=mirror.store, subject=case.external_id)
    if case.status == S.WITHDRAWN:
        waiting = [OutboxStatus.PENDING, OutboxStatus.PARKED]
        said.filter(status__in=waiting, is_doubtful=False).update(status=OutboxStatus.DROPPED, settled_at=now)
    elif case.status != S.COMPLETED or case.restock == Restock.ASKED:
        return
    if said.exclude(status=OutboxStatus.DROPPED).exists():
        has_arrived = case.status == S.COMPLETED and case.sent_back_at is not None
        facts = {"has_arrived": has_arrived, "restock": has_arrived and case.restock == Restock.YES}
        _enqueue(OutboxKind.CLOSE_RETURN, order, mirror, case, now, facts)


def _enqueue(
    kind: OutboxKind, order: Order, mirror: Mirror, case: Return, now: datetime, facts: Mapping[str, object]
) -> None:
    reference = f"{order.external_id}-{case.external_id}"[:80]
    outbox.enqueue(
        order=order, store=mirror.store, kind=kind, subject=case.external_id, reference=reference, now=now, facts=facts
    )


def require_restock(*, case: Return, restock: bool) -> bool:
    """Whether this decision is new. Raises NotPossible where nothing is to be decided, or it was decided otherwise."""
    wanted = Restock.YES if restock else Restock.NO
    if case.restock == wanted:
        return False
    if case.restock != Restock.ASKED:
        said = f"It was decided: {case.get_restock_display().lower()}." if case.restock else "No goods came back yet."
        raise NotPossible(said)
    return True


# In the store


def perform_record(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out RECORD_RETURN, unless it came to nothing. Makes calls: not inside a transaction. May be repeated.
    Raises PlatformError, outbox.LostLease."""
    case, mirror = load(item)
    if case.status == S.WITHDRAWN or mirror.state != MirrorState.CREATED:
        _drop(item, drain)
        return
    goods = GoodsBack(
        line_quantities=item.facts["lines"],
        reason_text=case.reason_text,
        tracking_number=case.tracking_number,
        carrier=case.carrier,
        restock=case.restock == Restock.YES,
    )
    with speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination:
        outbox.require_sure(item=item, now=drain.clock(), what="Whether the store has the return is not known yet")
        with outbox.sending(item=item, now=drain.clock()):
            receipt = destination.record_return(mirror.external_id, goods, reference=item.reference)
    kind = "return.recorded" if receipt.external_id else "return.not_recorded"
    step = ReturnStep.OPEN if receipt.external_id else ReturnStep.DROPPED
    _settle(item, case, mirror, receipt, drain, step=step, kind=kind)
    with merchant_rows(item.merchant_id):  # what had nothing to close has now
        closing = OutboxItem.objects.filter(order=item.order_id, store=item.store_id, subject=item.subject)
        closing.filter(kind=OutboxKind.CLOSE_RETURN, status=OutboxStatus.DROPPED).update(
            status=OutboxStatus.PENDING, not_before=drain.clock(), attempts=0, settled_at=None
        )


def perform_close(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out CLOSE_RETURN, where there is something to close. Makes calls: not inside a transaction. May be
    repeated. Raises PlatformError, outbox.LostLease."""
    case, mirror = load(item)
    with merchant_rows(item.merchant_id):
        record = ReturnRecord.objects.filter(case=case, mirror=mirror).first()
    if record is None or not record.external_id or mirror.state != MirrorState.CREATED:
        _drop(item, drain)
        return
    has_arrived, restock = bool(item.facts["has_arrived"]), bool(item.facts["restock"])
    with (
        speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination,
        outbox.sending(item=item, now=drain.clock()),
    ):
        receipt = destination.close_return(
            mirror.external_id, record.external_id, has_arrived=has_arrived, restock=restock
        )
    step = ReturnStep.DONE if has_arrived else ReturnStep.DROPPED
    kind = "return.closed_in_store" if has_arrived else "return.dropped_in_store"
    _settle(item, case, mirror, receipt, drain, step=step, kind=kind)


def load(item: OutboxItem) -> tuple[Return, Mirror]:
    """What an item about a return at a store is about."""
    with merchant_rows(item.merchant_id):
        case = Return.objects.select_related("order").get(order=item.order_id, external_id=item.subject)
        mirror = Mirror.objects.select_related("store").get(order=item.order_id, store=item.store_id)
    return case, mirror


def record_of(case: Return, mirror: Mirror) -> ReturnRecord:
    """The row of this return at this store, made where there is none, in the caller's transaction."""
    record, _ = ReturnRecord.objects.get_or_create(case=case, mirror=mirror, defaults={"merchant_id": case.merchant_id})
    return record


def _drop(item: OutboxItem, drain: Drain) -> None:
    with merchant_rows(item.merchant_id):
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=drain.clock())


def _settle(
    item: OutboxItem, case: Return, mirror: Mirror, receipt: ReturnReceipt, drain: Drain, *, step: ReturnStep, kind: str
) -> None:
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE, now=now)
        record = record_of(case, mirror)
        said = {
            "external_id": receipt.external_id or record.external_id,
            "name": (receipt.name or record.name)[:100],
            "url": (receipt.url or record.url)[:500],
            "detail": (receipt.detail or record.detail)[:300],
        }
        ReturnRecord.objects.filter(pk=record.pk).update(step=step.value, **said)
        Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
        facts = {"store": label_of(mirror.store), "name": said["name"] or mirror.name, "return": case.external_id}
        note(order=order, kind=kind, reason=receipt.detail, facts=facts, now=now)
