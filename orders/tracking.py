"""Parcels are reported to the source: one parcel is one push, checked right before, accepted once it is shown there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.cache import cache

from accounts.access import merchant_rows
from connectors.base.connector import Source
from connectors.base.errors import AuthorizationError, PermanentError, PlatformError
from connectors.base.types import Carrier, PlatformOrder, SourceStatus, Tracking, TrackingReceipt
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_source
from orders import carriers, guard, outbox
from orders.models import (
    Attention,
    Fulfillment,
    FulfillmentState,
    Order,
    OrderState,
    OutboxItem,
    OutboxStatus,
)
from orders.states import ask_for_attention, clear_attention, note
from orders.work import Drain, Work, fail, marked_until, still_open

log = logging.getLogger(__name__)

S = FulfillmentState
CARRIERS_LIVE = 6 * 3600


class NoCarrier(Exception):
    """No carrier of the source is surely the store's; `choices` are those it takes."""

    def __init__(self, choices: Sequence[Carrier]) -> None:
        super().__init__("carrier not mapped")
        self.choices = choices


@dataclass(slots=True)
class Push(Work):
    """A PUSH_TRACKING on its way. `receipt` without `tracking`: the source had the number already."""

    kept: Fulfillment = field(kw_only=True)
    tracking: Tracking | None = None
    receipt: TrackingReceipt | None = None
    source: Source | None = None


class PushStep:
    """Carry out PUSH_TRACKING: read the orders again, check the parcels, report them, read back what is shown."""

    def prepare(self, items: Sequence[OutboxItem], drain: Drain) -> list[Push]:
        pushes = _load(items, drain)
        guard.read_all_again(works=pushes, drain=drain)
        try:
            with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
                for push in still_open(pushes):
                    _check(push, source, drain)
        except PlatformError as error:
            fail(pushes, error)
        _mark([push for push in pushes if push.is_open and push.tracking is not None], drain)
        return pushes

    def call(self, work: Work) -> None:
        assert isinstance(work, Push)
        assert work.source is not None
        assert work.tracking is not None
        assert work.seen is not None
        with outbox.answer_of(item=work.item):
            work.receipt = work.source.push_tracking(work.seen, work.tracking)

    def settle(self, works: Sequence[Work], drain: Drain) -> None:
        sent = [work for work in works if isinstance(work, Push) and work.receipt is not None]
        with merchant_rows(drain.store.merchant_id):
            for push in sorted(sent, key=lambda each: each.order.pk):
                try:
                    _settle_sent(push, drain.clock())
                    push.is_settled = True
                except outbox.LostLease as error:
                    push.error = error
        _read_back([push for push in sent if push.is_settled], drain)


def refused(*, push: Push, error: PermanentError, now: datetime) -> None:
    """Write down that the source refused the parcel for good: parked, with the reason a person can act on."""
    with merchant_rows(push.item.merchant_id):
        order = Order.objects.select_for_update().get(pk=push.item.order_id)
        settle_refused(item=push.item, order=order, kept=push.kept, error=error, now=now)


def _load(items: Sequence[OutboxItem], drain: Drain) -> list[Push]:
    ids = [item.order_id for item in items]
    with merchant_rows(drain.store.merchant_id):
        orders = Order.objects.in_bulk(ids)
        kept = Fulfillment.objects.in_bulk([int(item.subject) for item in items])
    for order in orders.values():
        order.source_store = drain.store
    return [Push(item=item, order=orders[item.order_id], kept=kept[int(item.subject)]) for item in items]


def _check(push: Push, source: Source, drain: Drain) -> None:
    """The pre-flight: what is to be told, or why not yet."""
    assert push.seen is not None
    try:
        if push.order.state == OrderState.CANCELLED:
            with merchant_rows(push.item.merchant_id):
                outbox.settle(item=push.item, status=OutboxStatus.DROPPED, now=drain.clock())
            push.is_settled = True
            return
        push.receipt = preflight(seen=push.seen, kept=push.kept)
        if push.receipt is not None:
            return
        choices = carriers_of(store=drain.store, source=source, delivery_option_id=push.seen.delivery_option_id)
        with merchant_rows(push.item.merchant_id):
            push.tracking = tracking_of(kept=push.kept, order=push.order, seen=push.seen, choices=choices)
        push.source = source
    except AuthorizationError:
        raise
    except Exception as error:  # one parcel that cannot be checked stops no other
        push.error = error


def _mark(pushes: Sequence[Push], drain: Drain) -> None:
    if not pushes:
        return
    send_by = marked_until()
    with merchant_rows(drain.store.merchant_id):
        ours = outbox.mark_sending(items=[push.item for push in pushes], now=drain.clock())
    for push in pushes:
        if push.item in ours:
            push.mark(send_by=send_by)
        else:
            push.error = outbox.LostLease(f"item {push.item.pk}")


def _settle_sent(push: Push, now: datetime) -> None:
    assert push.receipt is not None
    order = Order.objects.select_for_update().get(pk=push.item.order_id)
    carrier_id = push.tracking.carrier_id if push.tracking else push.kept.carrier_id
    settle_sent(item=push.item, order=order, kept=push.kept, receipt=push.receipt, carrier_id=carrier_id, now=now)


def _read_back(pushes: Sequence[Push], drain: Drain) -> None:
    """Pushed is not accepted: read what the source shows now. A failure here leaves it to webhook and poll."""
    if not pushes:
        return
    with merchant_rows(drain.store.merchant_id):
        orders = Order.objects.in_bulk([push.item.order_id for push in pushes])
    for push in pushes:
        push.order = orders[push.item.order_id]
        push.order.source_store = drain.store
    again = [Work(item=push.item, order=push.order) for push in pushes]
    guard.read_all_again(works=again, drain=drain)
    for work in again:
        if work.error is not None:
            log.info("status not read back", extra={"order": work.order.pk, "failure": type(work.error).__name__})


def carriers_of(*, store: ConnectedStore, source: Source, delivery_option_id: str) -> list[Carrier]:
    """The carriers the source takes for this delivery option, asked for every few hours."""
    key = f"carriers:{store.pk}:{delivery_option_id}"
    kept = cache.get(key)
    if kept is None:
        kept = [(carrier.external_id, carrier.name) for carrier in source.carriers(delivery_option_id)]
        if kept:
            cache.set(key, kept, CARRIERS_LIVE)
    return [Carrier(external_id=each[0], name=each[1]) for each in kept]


def preflight(*, seen: PlatformOrder, kept: Fulfillment) -> TrackingReceipt | None:
    """The guard, right after the order was read again: a receipt if the source has the number already.

    Raises outbox.NotYet while the source holds the order or the buyer asks to cancel.
    """
    for package in seen.packages:
        if package.tracking_number and package.tracking_number == kept.tracking_number:
            return TrackingReceipt(package_id=package.external_id, already_there=True)
    if seen.status in (SourceStatus.ON_HOLD, SourceStatus.UNPAID):
        raise outbox.NotYet(Attention.STILL_ON_HOLD, wait=30, detail={"tracking_number": kept.tracking_number})
    if seen.cancel_requested:
        raise outbox.NotYet(Attention.CANCEL_PENDING, wait=60, detail={"reason": seen.cancel_reason})
    return None


def tracking_of(*, kept: Fulfillment, order: Order, seen: PlatformOrder, choices: Sequence[Carrier]) -> Tracking:
    """What the source is to be told. Raises NoCarrier."""
    carrier = carriers.choose(
        text=kept.carrier_text,
        carriers=choices,
        source_store=order.source_store,
        delivery_option_id=seen.delivery_option_id,
    )
    if carrier is None:
        raise NoCarrier(choices)
    live = {line.external_id for line in seen.lines if line.status != "CANCELLED"}
    return Tracking(
        line_ids=tuple(kept.line_ids),
        carrier_id=carrier.external_id,
        tracking_number=kept.tracking_number,
        covers_whole_order=live <= set(kept.line_ids),
    )


def settle_sent(
    *, item: OutboxItem, order: Order, kept: Fulfillment, receipt: TrackingReceipt, carrier_id: str, now: datetime
) -> None:
    """Write down that the source took the parcel, in the caller's transaction, which holds the order's row."""
    outbox.settle(item=item, status=OutboxStatus.DONE, now=now)
    Fulfillment.objects.filter(pk=kept.pk).update(
        state=S.ACCEPTED if receipt.already_there else S.SENT,
        sent_at=now,
        carrier_id=carrier_id or kept.carrier_id,
        package_id=receipt.package_id,
        warning=receipt.warning[:300],
    )
    facts = {"tracking_number": kept.tracking_number, "carrier": kept.carrier_text}
    if receipt.warning:
        facts["warning"] = receipt.warning
    kind = "tracking.found" if receipt.already_there else "tracking.sent"
    note(order=order, kind=kind, facts=facts, now=now)
    is_about_parcels = bool(order.attention_detail.get("shipment"))
    if not outbox.is_stuck(order=order, besides=item) and not is_about_parcels:
        clear_attention(order=order, now=now)


def settle_refused(*, item: OutboxItem, order: Order, kept: Fulfillment, error: PlatformError, now: datetime) -> None:
    """Write down that the source refused it for good: parked, with the reason a person can act on."""
    code = Attention(error.reason) if error.reason in Attention.values else Attention.REMOTE_ERROR
    outbox.settle(item=item, status=OutboxStatus.PARKED, now=now, error=error.message, reason="permanent")
    Fulfillment.objects.filter(pk=kept.pk).update(state=S.REFUSED, warning=error.message[:300])
    ask_for_attention(
        order=order,
        code=code,
        now=now,
        detail={
            "message": error.message,
            "code": error.code,
            "side": error.side,
            "step": "tracking",
            "carrier": kept.carrier_text,
            "tracking_number": kept.tracking_number,
        },
    )
