"""Carry out one outbox item: hand it to its step, and sort what went wrong into wait, ask, or give up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache

from accounts.access import merchant_rows
from connectors import calls
from connectors.base.connector import Source
from connectors.base.errors import (
    AuthorizationError,
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    ScopeMissing,
    TemporaryError,
)
from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from connectors.registry import connector_class
from connectors.speaking import StoreWaits, speaking_to_destination, speaking_to_source
from orders import cancellations, fulfillment, mirror, outbox, routing
from orders.drafting import Blocked
from orders.models import (
    Attention,
    Fulfillment,
    GiveUpReason,
    Mirror,
    MirrorState,
    Order,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.states import ask_for_attention

log = logging.getLogger(__name__)

CARRIERS_LIVE = 6 * 3600
TELL_AFTER = 5  # tries, before a failure that heals itself is shown to a person

# What may be mended without a person, with the seconds after which it is tried again.
_LOOKED_AT_AGAIN = {Attention.NOT_LINKED: 300.0, Attention.ADDRESS_NOT_RELEASED: 60.0}


def send(*, item: OutboxItem, clock: Callable[[], datetime]) -> None:
    """Carry out a claimed item and settle it, whatever happens. Not inside a transaction. Raises nothing.

    May be repeated after a crash at any point: each step looks before it sends.
    """
    calls.take()
    try:
        _STEPS[OutboxKind(item.kind)](item, clock)
    except outbox.LostLease:
        log.warning("item was taken over", extra={"item": item.pk})
    except Exception as error:
        try:
            _sort_out(item=item, error=error, now=clock())
        except outbox.LostLease:
            log.warning("item was taken over", extra={"item": item.pk})
    finally:
        _keep_calls(item)


def _cancel(item: OutboxItem, clock: Callable[[], datetime]) -> None:
    with merchant_rows(item.merchant_id):
        copy = Mirror.objects.select_related("store").get(order_id=item.order_id, store_id=item.store_id)
    outcome = "cancelled"
    if copy.state == MirrorState.CREATED:
        with speaking_to_destination(copy.store, clock=clock) as destination:
            outcome = cancellations.perform(item=item, mirror=copy, destination=destination, now=clock())
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        cancellations.settle(item=item, order=order, mirror=copy, outcome=outcome, now=clock())


def _push(item: OutboxItem, clock: Callable[[], datetime]) -> None:
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_related("source_store").get(pk=item.order_id)
        kept = Fulfillment.objects.get(pk=int(item.subject))
    order, seen = mirror.read_again(order=order, clock=clock)
    if order.state == "CANCELLED":
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.DROPPED, now=clock())
        return
    receipt, carrier_id = fulfillment.preflight(seen=seen, kept=kept), kept.carrier_id
    if receipt is None:
        with speaking_to_source(order.source_store, clock=clock) as source:
            choices = _carriers(store=order.source_store, source=source, delivery_option_id=seen.delivery_option_id)
            with merchant_rows(item.merchant_id):
                tracking = fulfillment.tracking_of(kept=kept, order=order, seen=seen, choices=choices)
            carrier_id = tracking.carrier_id
            try:
                with outbox.sending(item=item, now=clock()):
                    receipt = source.push_tracking(seen, tracking)
            except PermanentError as error:
                if isinstance(error, AuthorizationError):
                    raise
                _refused(item=item, kept=kept, error=error, now=clock())
                return
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        fulfillment.settle_sent(item=item, order=order, kept=kept, receipt=receipt, carrier_id=carrier_id, now=clock())
    _read_back(order=order, clock=clock)


def _refused(*, item: OutboxItem, kept: Fulfillment, error: PlatformError, now: datetime) -> None:
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        fulfillment.settle_refused(item=item, order=order, kept=kept, error=error, now=now)


def _read_back(*, order: Order, clock: Callable[[], datetime]) -> None:
    """Pushed is not accepted: read what the source shows now. A failure here leaves it to webhook and poll."""
    try:
        with merchant_rows(order.merchant_id):
            order = Order.objects.select_related("source_store").get(pk=order.pk)
        mirror.read_again(order=order, clock=clock)
    except PlatformError as error:
        log.info("status not read back", extra={"order": order.pk, "failure": type(error).__name__})


def _carriers(*, store: ConnectedStore, source: Source, delivery_option_id: str) -> list[Carrier]:
    """The carriers the source takes for this delivery option, asked for every few hours."""
    key = f"carriers:{store.pk}:{delivery_option_id}"
    kept = cache.get(key)
    if kept is None:
        kept = [(carrier.external_id, carrier.name) for carrier in source.carriers(delivery_option_id)]
        if kept:
            cache.set(key, kept, CARRIERS_LIVE)
    return [Carrier(external_id=each[0], name=each[1]) for each in kept]


def _sort_out(*, item: OutboxItem, error: Exception, now: datetime) -> None:
    """Wait, ask a person, or give up: whatever failed, the item stays written down."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=item.order_id)
        store = ConnectedStore.objects.get(pk=item.store_id)
        if isinstance(error, outbox.NotYet):
            _wait(item=item, order=order, code=error.code, detail=error.detail, wait=error.wait, now=now)
        elif isinstance(error, Blocked) and error.code in _LOOKED_AT_AGAIN:
            wait = _LOOKED_AT_AGAIN[error.code]
            detail = {**error.detail, "store_id": item.store_id}
            _wait(item=item, order=order, code=error.code, detail=detail, wait=wait, now=now)
        elif isinstance(error, Blocked):
            detail = {**error.detail, "store_id": item.store_id}
            _park(item=item, order=order, code=error.code, detail=detail, error=error.code.label, now=now)
        elif isinstance(error, fulfillment.NoCarrier):
            _park(
                item=item,
                order=order,
                code=Attention.CARRIER_UNMAPPED,
                detail=_carrier_detail(item, error),
                error="The carrier is not mapped",
                now=now,
            )
        elif isinstance(error, TemporaryError):
            _retry(item=item, order=order, store=store, error=error, now=now)
        elif isinstance(error, PlatformError):
            code = Attention(error.reason) if error.reason in Attention.values[1:] else _code_of(error)
            _park(item=item, order=order, code=code, detail=_detail(error, store), error=error.message, now=now)
        else:
            log.error("a step failed", exc_info=error, extra={"item": item.pk, "kind": item.kind})
            _fail(item=item, order=order, store=store, error=error, now=now)


def _retry(*, item: OutboxItem, order: Order, store: ConnectedStore, error: TemporaryError, now: datetime) -> None:
    if item.attempts >= outbox.MOST_ATTEMPTS:
        detail = {**_detail(error, store), "attempts": item.attempts}
        outbox.settle(
            item=item,
            status=OutboxStatus.PARKED,
            now=now,
            error=error.message,
            reason=GiveUpReason.EXHAUSTED,
            is_doubtful=item.is_doubtful,
        )
        ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=now, detail=detail)
        return
    wait = 60.0 if isinstance(error, StoreWaits) else error.retry_after
    is_doubtful = item.is_doubtful or isinstance(error, OutcomeUnknown)
    outbox.postpone(item=item, now=now, error=error.message, wait=wait, is_doubtful=is_doubtful)
    if error.reason in Attention.values[1:]:
        ask_for_attention(order=order, code=Attention(error.reason), now=now, detail=_detail(error, store))
    elif item.attempts >= TELL_AFTER and not order.attention and not isinstance(error, StoreWaits):
        detail = {**_detail(error, store), "will_retry": True}
        ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=now, detail=detail)


def _wait(
    *, item: OutboxItem, order: Order, code: Attention, detail: Mapping[str, Any], wait: float, now: datetime
) -> None:
    outbox.postpone(item=item, now=now, error=code.label, wait=wait, is_doubtful=item.is_doubtful)
    ask_for_attention(order=order, code=code, now=now, detail={**detail, "will_retry": True})


def _park(
    *, item: OutboxItem, order: Order, code: Attention, detail: Mapping[str, Any], error: str, now: datetime
) -> None:
    outbox.settle(item=item, status=OutboxStatus.PARKED, now=now, error=error, reason=GiveUpReason.PERMANENT)
    ask_for_attention(order=order, code=code, now=now, detail=detail)


def _fail(*, item: OutboxItem, order: Order, store: ConnectedStore, error: Exception, now: datetime) -> None:
    """Our own mistake. A few tries, since the cause may be passing; then a person, and never a silent end."""
    text = f"VeriSync failed ({type(error).__name__})"
    if item.attempts < TELL_AFTER:
        outbox.postpone(item=item, now=now, error=text, is_doubtful=item.is_doubtful)
        return
    outbox.settle(
        item=item,
        status=OutboxStatus.PARKED,
        now=now,
        error=text,
        reason=GiveUpReason.INTERNAL,
        is_doubtful=item.is_doubtful,
    )
    detail = {"message": text, "side": "us", "store": store.name}
    ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=now, detail=detail)


def _code_of(error: PlatformError) -> Attention:
    return Attention.SCOPE_MISSING if isinstance(error, ScopeMissing) else Attention.REMOTE_ERROR


def _detail(error: PlatformError, store: ConnectedStore) -> dict[str, Any]:
    return {
        "message": error.message,
        "code": error.code,
        "side": error.side,
        "store": store.name,
        "label": connector_class(store.platform).label,
    }


def _carrier_detail(item: OutboxItem, error: fulfillment.NoCarrier) -> dict[str, Any]:
    kept = Fulfillment.objects.get(pk=int(item.subject))
    return {
        "carrier": kept.carrier_text,
        "tracking_number": kept.tracking_number,
        "fulfillment": kept.pk,
        "choices": [{"id": each.external_id, "name": each.name} for each in error.choices][:300],
    }


def _keep_calls(item: OutboxItem) -> None:
    records = calls.take()
    if not records:
        return
    with merchant_rows(item.merchant_id):
        subject = Order.objects.values_list("external_id", flat=True).get(pk=item.order_id)
        calls.save(records=records, merchant_id=item.merchant_id, subject=subject)


_STEPS: Mapping[OutboxKind, Callable[[OutboxItem, Callable[[], datetime]], None]] = {
    OutboxKind.CHOOSE_STORES: lambda item, clock: routing.choose_stores(item=item, clock=clock),
    OutboxKind.CREATE_ORDER: lambda item, clock: mirror.create(item=item, clock=clock),
    OutboxKind.CANCEL_ORDER: _cancel,
    OutboxKind.PUSH_TRACKING: _push,
}
