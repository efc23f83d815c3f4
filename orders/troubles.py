"""What went wrong with an item is sorted into wait, ask a person, or give up by name. Nothing is dropped silently."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard

from accounts.access import merchant_rows
from connectors.base.errors import OutcomeUnknown, PlatformError, ScopeMissing, TemporaryError
from connectors.models import ConnectedStore
from connectors.registry import connector_class
from connectors.speaking import StoreWaits
from orders import outbox, preflight, products, telling
from orders.components import sku_key
from orders.drafting import Blocked
from orders.models import Attention, GiveUpReason, Mirror, Order, OrderState, OutboxItem, OutboxStatus
from orders.states import ask_for_attention

log = logging.getLogger(__name__)

TELL_AFTER = 5  # tries, before a failure that heals itself is shown to a person

# What may be mended without a person, with the seconds after which it is tried again.
_LOOKED_AT_AGAIN = {Attention.NOT_LINKED: 300.0, Attention.ADDRESS_NOT_RELEASED: 60.0}

# A product that is gone: seconds until it is looked for again, and how many tries before it is left to a person.
GONE_PAUSE, GONE_TRIES = 60.0, 5


def is_platforms(error: Exception | None) -> TypeGuard[TemporaryError]:
    """Whether it is no order's doing where the platform answers nobody: the try does not count, and what comes next is
    decided by deadlines and not by who tried most. Its lane rests meanwhile (orders/draining.py)."""
    return isinstance(error, TemporaryError) and error.retry_after is None and not error.reason


def sort_out(*, item: OutboxItem, error: Exception, now: datetime) -> None:
    """Wait, ask a person, or give up: whatever failed, the item stays written down. Raises outbox.LostLease."""
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
        elif isinstance(error, telling.NoCarrier):
            code, text = Attention.CARRIER_UNMAPPED, "The carrier is not mapped"
            _park(item=item, order=order, code=code, detail=error.detail, error=text, now=now)
        elif isinstance(error, preflight.Objection):
            _park(item=item, order=order, code=error.code, detail=error.detail, error=error.code.label, now=now)
        elif isinstance(error, TemporaryError):
            _retry(item=item, order=order, store=store, error=error, now=now)
        elif isinstance(error, PlatformError) and error.reason == Attention.PRODUCT_DELETED:
            _look_anew(item=item, order=order, store=store, error=error, now=now)
        elif isinstance(error, PlatformError):
            code = Attention(error.reason) if error.reason in Attention.values[1:] else _code_of(error)
            _park(item=item, order=order, code=code, detail=_detail(error, store), error=error.message, now=now)
        else:
            log.error("a step failed", exc_info=error, extra={"item": item.pk, "kind": item.kind})
            _fail(item=item, order=order, store=store, error=error, now=now)


def _retry(*, item: OutboxItem, order: Order, store: ConnectedStore, error: TemporaryError, now: datetime) -> None:
    if item.attempts >= outbox.MOST_ATTEMPTS:
        detail = {**_detail(error, store), "attempts": item.attempts}
        code, reason = Attention.REMOTE_ERROR, GiveUpReason.EXHAUSTED
        _park(item=item, order=order, code=code, detail=detail, error=error.message, now=now, reason=reason)
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
    """What waits by itself pushes no alarm aside that stands until the store is put right, and asks nothing about an
    order that is over: it may have been judged by a reading that another process has overtaken."""
    outbox.postpone(item=item, now=now, error=code.label, wait=wait, is_doubtful=item.is_doubtful)
    is_over = order.state in (OrderState.CANCELLED, OrderState.COMPLETED)
    if not is_over and order.attention != Attention.ALREADY_CANCELLED:
        ask_for_attention(order=order, code=code, now=now, detail={**detail, "will_retry": True})


def _look_anew(*, item: OutboxItem, order: Order, store: ConnectedStore, error: PlatformError, now: datetime) -> None:
    """A linked product is gone. What was linked by itself is looked for again; a link made by hand waits for a person,
    who names another variant."""
    line_ids = Mirror.objects.filter(order=order, store=store).values_list("line_ids", flat=True).first()
    lines = [line for line in order.snapshot["lines"] if not line_ids or line["external_id"] in line_ids]
    skus = {sku_key(line["sku"]): line["sku"].strip() for line in lines if line["sku"].strip()}
    by_hand = {link.sku: link.title for link in products.forget(store=store, skus=list(skus.values()))}
    asked = [{"sku": sku, "title": by_hand.get(key, "")} for key, sku in skus.items() if key in by_hand or not by_hand]
    detail = {**_detail(error, store), "store_id": store.pk, "products": asked, "is_by_hand": bool(by_hand)}
    if by_hand or item.attempts >= GONE_TRIES:
        _park(item=item, order=order, code=Attention.PRODUCT_DELETED, detail=detail, error=error.message, now=now)
    else:
        _wait(item=item, order=order, code=Attention.PRODUCT_DELETED, detail=detail, wait=GONE_PAUSE, now=now)


def _park(
    *,
    item: OutboxItem,
    order: Order,
    code: Attention,
    detail: Mapping[str, Any],
    error: str,
    now: datetime,
    reason: GiveUpReason = GiveUpReason.PERMANENT,
) -> None:
    """A person has to see to it. An earlier call that may still be carried out keeps its doubt."""
    is_doubtful, status = item.is_doubtful, OutboxStatus.PARKED
    outbox.settle(item=item, status=status, now=now, error=error, reason=reason, is_doubtful=is_doubtful)
    ask_for_attention(order=order, code=code, now=now, detail=detail)


def _fail(*, item: OutboxItem, order: Order, store: ConnectedStore, error: Exception, now: datetime) -> None:
    """Our own mistake. A few tries, since the cause may be passing; then a person, and never a silent end."""
    text = f"VeriSync failed ({type(error).__name__})"
    if item.attempts < TELL_AFTER:
        outbox.postpone(item=item, now=now, error=text, is_doubtful=item.is_doubtful)
        return
    detail = {"message": text, "side": "us", "store": store.name}
    code, reason = Attention.REMOTE_ERROR, GiveUpReason.INTERNAL
    _park(item=item, order=order, code=code, detail=detail, error=text, now=now, reason=reason)


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
