"""Money that went back at the source is written down in the stores, where none moves: once for each return and store,
and never more than was paid. Where a store takes no such record it is the merchant's task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base import money as amounts
from connectors.base import snapshot
from connectors.base.aftersales import Refund
from connectors.base.errors import UnsupportedFeature
from connectors.base.types import PlatformOrder
from connectors.registry import label_of
from connectors.speaking import speaking_to_destination
from orders import goods, outbox
from orders.models import (
    Attention,
    Mirror,
    MirrorState,
    Order,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    Restock,
    Return,
    ReturnRecord,
)
from orders.refund_shares import Share, in_store_money, share_of
from orders.sent import Sent
from orders.splitting import items_of, part_of
from orders.states import NotPossible, ask_for_attention, clear_attention, note
from orders.work import Drain


def follow(*, order: Order, case: Return, besides: Collection[str] = (), now: datetime) -> None:
    """Say what is to be written down of the money, in the caller's transaction, which holds the order's row. Once for
    each return and store; may be repeated. `besides` are lines that are cancelled in their stores instead."""
    if not case.is_paid_back:
        return
    for mirror, line_ids in goods.involved(order, case):
        chosen = [line_id for line_id in line_ids if line_id not in besides]
        features = goods.features_of(mirror)
        if not chosen or _is_said(order, mirror, case):
            continue
        if features.refunds:
            if case.restock == Restock.ASKED and not features.returns:
                continue  # one call says both there
            _enqueue(order, mirror, case, chosen, restock=case.restock == Restock.YES and not features.returns, now=now)
        elif features.amounts:
            make_task(order=order, mirror=mirror, case=case, line_ids=chosen, now=now)


def _is_said(order: Order, mirror: Mirror, case: Return) -> bool:
    said = order.outbox.filter(kind=OutboxKind.RECORD_REFUND, store=mirror.store, subject=case.external_id)
    return said.exists() or ReturnRecord.objects.filter(case=case, mirror=mirror, is_task=True).exists()


def _enqueue(order: Order, mirror: Mirror, case: Return, line_ids: list[str], *, restock: bool, now: datetime) -> None:
    seen = snapshot.from_json(order.snapshot)
    assert case.refund is not None
    share = share_of(case_lines=case.lines, refund=case.refund, seen=seen, chosen=line_ids)
    wanted = in_store_money(share, refund=case.refund, seen=seen, mirror=mirror)
    amount = min(wanted, left_to_refund(order=order, mirror=mirror, seen=seen))
    facts = {"return": case.external_id, "store": label_of(mirror.store), "currency": order.currency}
    if amount < wanted:
        note(order=order, kind="return.over_paid", facts={**facts, "amount": wanted, "left": amount}, now=now)
    if amount <= 0:
        return
    fitted = share.within(amount)
    outbox.enqueue(
        order=order,
        store=mirror.store,
        kind=OutboxKind.RECORD_REFUND,
        subject=case.external_id,
        reference=f"{order.external_id}-{case.external_id}"[:80],
        now=now,
        facts={
            "amount": amount,
            "shipping": fitted.shipping,
            "lines": goods.quantities_of(order, case, _paid_back_whole(seen, share, line_ids)),
            "amounts": dict(fitted.by_line),
            "restock": restock,
        },
    )


def _paid_back_whole(seen: PlatformOrder, share: Share, line_ids: Sequence[str]) -> list[str]:
    """Those lines whose whole price went back: of a part of a price no store's items tell."""
    prices = {line.external_id: line.sale_price * line.quantity for line in seen.lines}
    return [line_id for line_id in line_ids if share.by_line.get(line_id, 0) >= prices.get(line_id, 0)]


def left_to_refund(*, order: Order, mirror: Mirror, seen: PlatformOrder) -> int:
    """How much of what this store's order cost is not refunded there, in merchant_rows."""
    payment = part_of(seen, mirror.line_ids).payment
    paid = Sent.total_of(mirror, payment) if payment else 0
    said = order.outbox.filter(kind=OutboxKind.RECORD_REFUND, store=mirror.store).exclude(status=OutboxStatus.DROPPED)
    return paid - sum(int(facts["amount"]) for facts in said.values_list("facts", flat=True))


# Where the store takes no refund


def make_task(*, order: Order, mirror: Mirror, case: Return, line_ids: Sequence[str], now: datetime) -> None:
    """The merchant notes it in the store by hand, in the caller's transaction, which holds the order's row. A question
    that waits is not pushed aside: the task stands on the return as well."""
    record = goods.record_of(case, mirror)
    ReturnRecord.objects.filter(pk=record.pk).update(is_task=True)
    assert case.refund is not None
    detail = {
        "return": case.external_id,
        "store": label_of(mirror.store),
        "name": mirror.name,
        "url": mirror.url,
        "amount": f"{amounts.to_text(case.refund['total'], order.currency)} {order.currency}",
        "items": items_of(order, line_ids),
        "goods_came_back": case.sent_back_at is not None,
        "is_in_store": True,
    }
    note(order=order, kind="return.left_to_you", facts=detail, now=now)
    if not order.attention:
        ask_for_attention(order=order, code=Attention.REFUND_BY_HAND, now=now, detail=detail)


def task_done(*, record: ReturnRecord, by: str, now: datetime) -> None:
    """The merchant noted it in the store, in the caller's transaction, which holds the order's row. May be repeated.
    Raises NotPossible."""
    if not record.is_task:
        raise NotPossible("There is nothing to note by hand.")
    if not ReturnRecord.objects.filter(pk=record.pk, settled_at=None).update(settled_at=now, settled_by=by[:150]):
        return
    order, case = record.case.order, record.case
    note(order=order, kind="return.noted_by_hand", facts={"return": case.external_id}, by=by, now=now)
    if order.attention_detail.get("return") == case.external_id:
        clear_attention(order=order, now=now, codes=frozenset({Attention.REFUND_BY_HAND}), by=by)


# In the store


def perform(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out RECORD_REFUND. Makes calls: not inside a transaction. May be repeated. Raises PlatformError,
    outbox.LostLease. A store that cannot take it leaves it to the merchant."""
    case, mirror = goods.load(item)
    facts = item.facts
    if mirror.state != MirrorState.CREATED:
        _settle(item, case, mirror, drain, is_done=False)
        return
    refund = Refund(
        amount=facts["amount"],
        currency=case.order.currency,
        line_quantities=facts["lines"],
        note=f"Refunded on TikTok Shop, return {case.external_id}",
        restock=facts["restock"],
        shipping=facts["shipping"],
        amounts=facts["amounts"],
    )
    try:
        with speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination:
            outbox.require_sure(item=item, now=drain.clock(), what="Whether the store has the refund is not known yet")
            with outbox.sending(item=item, now=drain.clock()):
                destination.record_refund(mirror.external_id, refund, reference=item.reference)
    except UnsupportedFeature as error:
        _settle(item, case, mirror, drain, is_done=False, why=error.message)
        return
    _settle(item, case, mirror, drain, is_done=True)


def _settle(item: OutboxItem, case: Return, mirror: Mirror, drain: Drain, *, is_done: bool, why: str = "") -> None:
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        status = OutboxStatus.DONE if is_done else OutboxStatus.DROPPED
        outbox.settle(item=item, status=status, now=now, error=why)
        if is_done:
            record = goods.record_of(case, mirror)
            ReturnRecord.objects.filter(pk=record.pk).update(refunded=item.facts["amount"], refunded_at=now)
            Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
            facts = {"return": case.external_id, "store": label_of(mirror.store), "name": mirror.name}
            money = {"amount": item.facts["amount"], "currency": order.currency}
            note(order=order, kind="return.refund_recorded", facts={**facts, **money}, now=now)
        elif why:
            make_task(order=order, mirror=mirror, case=case, line_ids=list(item.facts["amounts"]), now=now)
