"""Parcels are reported to the source: one parcel is one push, checked right before, accepted once it is shown there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection

from accounts.access import merchant_rows
from accounts.bulk import gathered
from connectors.base.connector import Source
from connectors.base.errors import AuthorizationError, PermanentError, PlatformError
from connectors.base.types import Tracking, TrackingReceipt
from connectors.speaking import speaking_to_source
from orders import guard, outbox, preflight, stopping, telling
from orders.carriers import Choices
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
from orders.work import READ_ORDERS, TAKE_ORDERS, Drain, Work, fail, marked_until, still_open

log = logging.getLogger(__name__)

S = FulfillmentState


@dataclass(slots=True)
class Push(Work):
    """A PUSH_TRACKING on its way. `receipt` without `tracking`: the source had the number already."""

    kept: Fulfillment = field(kw_only=True)
    tracking: Tracking | None = None
    receipt: TrackingReceipt | None = None
    source: Source | None = None
    uses: Sequence[preflight.Use] = ()
    choices: Choices | None = None


class PushStep:
    """Carry out PUSH_TRACKING: read the orders again, check the parcels, report them, read back what is shown."""

    def load(self, items: Sequence[OutboxItem], drain: Drain) -> list[Push]:
        orders = {order.pk: order for order in READ_ORDERS(ids=[item.order_id for item in items])}
        kept = Fulfillment.objects.select_related("mirror__store").in_bulk([int(item.subject) for item in items])
        uses = preflight.uses_of(source_store=drain.store, kept=list(kept.values()))
        for order in orders.values():
            order.source_store = drain.store
        pushes = [Push(item=item, order=orders[item.order_id], kept=kept[int(item.subject)]) for item in items]
        for push in pushes:
            push.uses = uses.get(push.kept.tracking_number, ())
        return pushes

    def prepare(self, works: Sequence[Work], drain: Drain) -> None:
        pushes = [work for work in works if isinstance(work, Push)]
        guard.read_all_again(works=pushes, drain=drain)
        try:
            with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
                choices: dict[str, Choices] = {}
                for push in still_open(pushes):
                    _ask(push, source, drain, choices)
        except PlatformError as error:
            fail(pushes, error)
        _check_and_mark([push for push in still_open(pushes) if push.source is not None], drain)

    def call(self, work: Work) -> None:
        assert isinstance(work, Push)
        assert work.source is not None
        assert work.tracking is not None
        assert work.seen is not None
        with outbox.answer_of(item=work.item):
            work.receipt = work.source.push_tracking(work.seen, work.tracking)

    def settle(self, works: Sequence[Work], drain: Drain) -> None:
        sent = [work for work in works if isinstance(work, Push) and work.receipt is not None]
        _keep_sent(sent, drain)

    def follow(self, works: Sequence[Work], drain: Drain) -> None:
        read_back(works=[work for work in works if isinstance(work, Push) and work.receipt is not None], drain=drain)


def refused(*, push: Push, error: PermanentError, now: datetime) -> None:
    """Write down that the source refused the parcel for good: parked, with the reason a person can act on."""
    with merchant_rows(push.item.merchant_id):
        order = Order.objects.select_for_update().get(pk=push.item.order_id)
        settle_refused(item=push.item, order=order, kept=push.kept, error=error, now=now)


def _ask(push: Push, source: Source, drain: Drain, choices: dict[str, Choices]) -> None:
    """What has to be known before the parcel can be checked; one that the source has already needs no more. `choices`
    are the carriers by delivery option, which are asked for once."""
    assert push.seen is not None
    try:
        if push.order.state == OrderState.CANCELLED:
            with merchant_rows(push.item.merchant_id):
                outbox.settle(item=push.item, status=OutboxStatus.DROPPED, now=drain.clock())
            push.is_settled = True
            return
        push.receipt = telling.told_already(seen=push.seen, kept=push.kept)
        if push.receipt is None:
            option = push.seen.delivery_option_id
            if option not in choices:
                choices[option] = telling.choices_of(store=drain.store, source=source, delivery_option_id=option)
            push.choices = choices[option]
            push.source = source
    except AuthorizationError:
        raise
    except Exception as error:  # one parcel that cannot be checked stops no other
        push.error = error


def _check_and_mark(pushes: Sequence[Push], drain: Drain) -> None:
    """The pre-flight of each: what is to be told, or why not yet; what may be told is marked."""
    if not pushes:
        return
    send_by = marked_until()
    with merchant_rows(drain.store.merchant_id):
        for push in pushes:
            assert push.seen is not None
            assert push.choices is not None
            try:
                telling.require_no_refund(order=push.order, kept=push.kept)
                push.tracking = telling.tracking_of(
                    order=push.order,
                    kept=push.kept,
                    seen=push.seen,
                    uses=push.uses,
                    choices=push.choices,
                    now=drain.clock(),
                )
            except DatabaseError:
                raise
            except Exception as error:
                push.error = error
        checked = still_open(pushes)
        ours = outbox.mark_sending(items=[push.item for push in checked], now=drain.clock()) if checked else []
    for push in checked:
        if push.item in ours:
            push.mark(send_by=send_by)
        else:
            push.error = outbox.LostLease(f"item {push.item.pk}")


def _keep_sent(pushes: Sequence[Push], drain: Drain) -> None:
    """Write down that the source took these parcels; the orders are taken in the order of their keys."""
    if not pushes:
        return
    now = drain.clock()
    with gathered():
        orders = {order.pk: order for order in TAKE_ORDERS(ids=[push.item.order_id for push in pushes])}
        ours = outbox.settle_done(items=[push.item for push in pushes], now=now)
        kept = [push for push in pushes if push.item.pk in ours]
        _keep_parcels(kept, now)
        for push in kept:
            assert push.receipt is not None
            _note_sent(item=push.item, order=orders[push.item.order_id], kept=push.kept, receipt=push.receipt, now=now)
    for push in pushes:
        push.is_settled = push.item.pk in ours
        if not push.is_settled:
            push.error = outbox.LostLease(f"item {push.item.pk}")


_KEEP_PARCELS = """
update orders_fulfillment f set state = p.state, sent_at = %s, carrier_id = p.carrier_id, package_id = p.package_id,
  warning = p.warning
from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
  as p(id, state, carrier_id, package_id, warning)
where f.id = p.id
"""


def _keep_parcels(pushes: Sequence[Push], now: datetime) -> None:
    columns: list[list[Any]] = [[], [], [], [], []]
    for push in pushes:
        receipt, carrier_id = push.receipt, push.tracking.carrier_id if push.tracking else ""
        assert receipt is not None
        state = S.ACCEPTED if receipt.already_there else S.SENT
        row = (push.kept.pk, state.value, carrier_id or push.kept.carrier_id, receipt.package_id, receipt.warning[:300])
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_PARCELS, [now, *columns])


def read_back(*, works: Sequence[Work], drain: Drain) -> None:
    """Pushed is not accepted: read what the source shows now. A failure here leaves it to webhook and poll."""
    if not works:
        return
    with merchant_rows(drain.store.merchant_id):
        orders = Order.objects.in_bulk([work.item.order_id for work in works])
    for order in orders.values():
        order.source_store = drain.store
    again = [Work(item=work.item, order=orders[work.item.order_id]) for work in works]
    guard.read_all_again(works=again, drain=drain)
    for work in again:
        if work.error is not None:
            log.info("status not read back", extra={"order": work.order.pk, "failure": type(work.error).__name__})


def _note_sent(*, item: OutboxItem, order: Order, kept: Fulfillment, receipt: TrackingReceipt, now: datetime) -> None:
    facts = {"tracking_number": kept.tracking_number, "carrier": kept.carrier_text}
    if receipt.warning:
        facts["warning"] = receipt.warning
    kind = "tracking.found" if receipt.already_there else "tracking.sent"
    note(order=order, kind=kind, facts=facts, now=now)
    if order.attention and not _is_asked_elsewhere(order, kept) and not outbox.is_stuck(order=order, besides=item):
        clear_attention(order=order, now=now)


def _is_asked_elsewhere(order: Order, kept: Fulfillment) -> bool:
    detail = order.attention_detail
    return stopping.is_asked(order) or bool(detail.get("shipment")) or detail.get("fulfillment", kept.pk) != kept.pk


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
            "fulfillment": kept.pk,
        },
    )
