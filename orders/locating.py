"""An order goes to the location that its route's rules chose, right after it was made in a store that has locations.

A crash in between loses nothing: what is to be moved is said together with what was made. Where it cannot be moved the
order stays where the store put it, and a person is told.
"""

from __future__ import annotations

from datetime import datetime

from accounts.access import merchant_rows
from connectors.base.errors import AuthorizationError, PermanentError
from connectors.registry import connector_class, label_of
from connectors.speaking import speaking_to_destination
from orders import outbox
from orders.models import (
    Attention,
    GiveUpReason,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.sent import location_of
from orders.states import ask_for_attention, clear_attention, note
from orders.work import Drain

CHECK = "LOCATION"  # by which a question names itself


def is_chosen(mirror: Mirror) -> bool:
    """Whether this store can be told which of its locations ships the order, and is to be."""
    return bool(location_of(mirror)) and connector_class(mirror.store.platform).features.locations


def follow_made(*, order: Order, mirror: Mirror, now: datetime) -> None:
    """Say that an order that is in its store now is to be moved to the location it was made for, if any, in the
    caller's transaction. May be repeated."""
    is_there = mirror.state == MirrorState.CREATED and order.state != OrderState.CANCELLED
    if is_there and is_chosen(mirror):
        facts = {"location": location_of(mirror)}
        kind, reference = OutboxKind.MOVE_ORDER, mirror.reference
        outbox.enqueue(order=order, store=mirror.store, kind=kind, reference=reference, now=now, facts=facts)


def follow_left(*, order: Order, mirror: Mirror, now: datetime) -> None:
    """A parcel left: from where is settled, in the caller's transaction. May be repeated."""
    order.outbox.filter(
        store=mirror.store, kind=OutboxKind.MOVE_ORDER, status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED]
    ).update(status=OutboxStatus.DROPPED, settled_at=now, is_doubtful=False)
    if order.attention_detail.get("check") == CHECK:
        clear_attention(order=order, now=now)


def perform(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out MOVE_ORDER. Makes calls: not inside a transaction. Raises PlatformError, outbox.LostLease. May be
    repeated: what is at the location already stays there."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.get(pk=item.order_id)
        mirror = Mirror.objects.select_related("store").get(order=item.order_id, store=item.store_id)
    refused: PermanentError | None = None
    is_wanted = order.state != OrderState.CANCELLED and mirror.state == MirrorState.CREATED
    if is_wanted:
        try:
            with (
                speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination,
                outbox.sending(item=item, now=drain.clock()),
            ):
                destination.move_order(mirror.external_id, item.facts["location"])
        except AuthorizationError:
            raise
        except PermanentError as error:
            refused = error
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        if refused is not None:
            _settle_refused(item, order, mirror, refused, drain.clock())
        else:
            _settle(item, order, mirror, is_done=is_wanted, now=drain.clock())


def _settle(item: OutboxItem, order: Order, mirror: Mirror, *, is_done: bool, now: datetime) -> None:
    outbox.settle(item=item, status=OutboxStatus.DONE if is_done else OutboxStatus.DROPPED, now=now)
    if is_done:
        facts = {"store": label_of(mirror.store), "name": mirror.name, "location": item.facts["location"]}
        note(order=order, kind="mirror.moved", facts=facts, now=now)
    is_healed = order.attention == Attention.REMOTE_ERROR and bool(order.attention_detail.get("will_retry"))
    if order.attention_detail.get("check") == CHECK or (is_healed and not outbox.is_stuck(order=order, besides=item)):
        clear_attention(order=order, now=now)


def _settle_refused(item: OutboxItem, order: Order, mirror: Mirror, error: PermanentError, now: datetime) -> None:
    outbox.settle(item=item, status=OutboxStatus.PARKED, now=now, error=error.message, reason=GiveUpReason.PERMANENT)
    facts = {"name": mirror.name, "location": item.facts["location"], "message": error.message}
    note(order=order, kind="mirror.not_moved", facts={**facts, "store": label_of(mirror.store)}, now=now)
    detail = {
        **facts,
        "label": label_of(mirror.store),
        "store": mirror.store.name,
        "check": CHECK,
        "is_in_store": True,
    }
    ask_for_attention(order=order, code=Attention.NOT_SUPPORTED, now=now, detail=detail)
