"""Orders that are in their store while TikTok holds them: kept back there, then filled in and let go.

A hold that comes late does no harm until the release: the order has no address and counts as unpaid (ADR 8). One that
came after it would never be taken off, so none is sent late, and the release waits until none can be under way.
"""

from __future__ import annotations

from accounts.access import merchant_rows
from connectors.base.errors import OutcomeUnknown
from connectors.base.types import AddressState, PlatformOrder, SourceStatus
from connectors.http import no_later_than
from connectors.registry import label_of
from connectors.speaking import speaking_to_destination
from orders import guard, locating, outbox, pausing, stopping
from orders.mirror import draft_for
from orders.models import Attention, Mirror, MirrorState, Order, OrderState, OutboxItem, OutboxStatus
from orders.states import advance, clear_attention, note
from orders.work import Drain, marked_until


def keep_back(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out HOLD_ORDER, unless the order was let go meanwhile. Makes calls: not inside a transaction.

    Raises PlatformError, outbox.NotYet, outbox.LostLease. May be repeated.
    """
    order, mirror = _load(item)
    is_wanted = order.state == OrderState.HELD and mirror.state == MirrorState.CREATED
    now = drain.clock()
    if not is_wanted and item.is_doubtful and item.sure_at is not None and now < item.sure_at:
        # A hold that is carried out after the release would never be taken off.
        left = (item.sure_at - now).total_seconds()
        raise OutcomeUnknown("Whether the store holds the order is not known yet", retry_after=left)
    if is_wanted:
        with speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination:
            send_by = marked_until()
            with outbox.sending(item=item, now=drain.clock()), no_later_than(send_by):
                destination.hold_order(mirror.external_id)
    _settle(item, mirror, drain, kind="mirror.held" if is_wanted else "")


def let_go(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out RELEASE_ORDER: read the order once more, then fill in the buyer and end the hold. Makes calls: not
    inside a transaction. Raises PlatformError, drafting.Blocked, outbox.NotYet, outbox.LostLease. May be repeated."""
    order, mirror = _load(item)
    is_wanted = order.state in (OrderState.READY, OrderState.MIRRORED) and mirror.state == MirrorState.CREATED
    if is_wanted:
        order, seen = guard.read_again(order=order, clock=drain.clock)
        is_wanted = order.state in (OrderState.READY, OrderState.MIRRORED)
    if is_wanted:
        _require_released(order, seen)
        with speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination:
            now = drain.clock()
            draft = draft_for(order=order, seen=seen, mirror=mirror, destination=destination, now=now)
            with outbox.sending(item=item, now=drain.clock()):
                destination.release_order(mirror.external_id, draft)
    _settle(item, mirror, drain, kind="mirror.let_go" if is_wanted else "")


def _load(item: OutboxItem) -> tuple[Order, Mirror]:
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_related("source_store").get(pk=item.order_id)
        mirror = Mirror.objects.select_related("store").get(order=item.order_id, store=item.store_id)
    return order, mirror


def _require_released(order: Order, seen: PlatformOrder) -> None:
    if seen.status in (SourceStatus.UNPAID, SourceStatus.ON_HOLD):
        raise outbox.NotYet(Attention.STILL_ON_HOLD, wait=30)
    if seen.cancel_requested:
        raise outbox.NotYet(Attention.CANCEL_PENDING, wait=60, detail={"reason": seen.cancel_reason})
    if seen.address_state is not AddressState.COMPLETE:
        raise outbox.NotYet(Attention.ADDRESS_NOT_RELEASED, wait=60, detail={"state": seen.address_state.value.lower()})
    if seen.status is not SourceStatus.AWAITING_SHIPMENT and not order.skip_rule:
        detail = {"status": seen.status_text, "is_shipped_elsewhere": True}
        raise outbox.NotYet(Attention.MIXED_FULFILMENT, wait=900, detail=detail)


def _settle(item: OutboxItem, mirror: Mirror, drain: Drain, *, kind: str) -> None:
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE if kind else OutboxStatus.DROPPED, now=now)
        if not kind:
            return
        label = label_of(mirror.store)
        note(order=order, kind=kind, facts={"store": label, "name": mirror.name}, now=now)
        if kind != "mirror.let_go":
            return
        Mirror.objects.filter(pk=mirror.pk).update(is_held=False)
        locating.follow_made(order=order, mirror=mirror, now=now)
        pausing.follow_mirror(order=order, now=now)
        if order.state == OrderState.READY and not order.mirrors.filter(state=MirrorState.PLANNED).exists():
            advance(order=order, to=OrderState.MIRRORED, reason=f"Let go in {label}", now=now)
        if not stopping.is_asked(order) and not outbox.is_stuck(order=order, besides=item):
            clear_attention(order=order, now=now)
