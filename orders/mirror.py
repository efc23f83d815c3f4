"""The order's copy in a store: found or made, once, and only while the source still wants it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base import money as amounts
from connectors.base.connector import Destination
from connectors.base.errors import OutcomeUnknown, TemporaryError, UnreadableAnswer
from connectors.base.types import AddressState, OrderDraft, PlacedOrder, PlatformOrder, SourceStatus
from connectors.registry import label_of
from connectors.speaking import speaking_to_destination, speaking_to_source
from orders import cancellations, ingest, outbox, products, shipping
from orders.drafting import DraftRules, make_draft
from orders.models import (
    Attention,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxStatus,
)
from orders.splitting import part_of
from orders.states import advance, ask_for_attention, clear_attention, note

# A call that was cut off may still be carried out for this long, and a search may lag: only after it is "absent" sure.
SURE_AFTER = timedelta(seconds=90)
# How long an idempotency key is surely remembered; Squarespace promises "a while" (2026-11), we count on half a day.
KEY_LIFE = timedelta(hours=12)


def read_again(*, order: Order, clock: Callable[[], datetime]) -> tuple[Order, PlatformOrder]:
    """The guard: the order as its source has it at this moment, kept and drawn consequences from.

    Makes a call: not inside a transaction. Raises PlatformError; TemporaryError when the source does not show it.
    """
    with speaking_to_source(order.source_store, clock=clock) as source:
        found = source.fetch_orders([order.external_id])
    if not found:
        raise TemporaryError("TikTok Shop did not show the order when it was read again")
    if isinstance(found[0], UnreadableAnswer):
        raise TemporaryError(found[0].message, reason=Attention.UNREADABLE)
    kept = ingest.store_order(seen=found[0], store=order.source_store, now=clock())
    return kept, ingest.seen_of(kept)


def create(*, item: OutboxItem, clock: Callable[[], datetime]) -> None:
    """Carry out CREATE_ORDER: read the order again, look for it in the store, create it if surely absent.

    May be repeated: what is there is adopted. Raises PlatformError, drafting.Blocked, outbox.NotYet, outbox.LostLease.
    """
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_related("source_store").get(pk=item.order_id)
        mirror = Mirror.objects.select_related("store").get(order_id=item.order_id, store_id=item.store_id)
    if mirror.state == MirrorState.CREATED:
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.DONE, now=clock())
        return
    order, seen = read_again(order=order, clock=clock)
    draft: OrderDraft | None = None
    with speaking_to_destination(mirror.store, clock=clock) as destination:
        placed = None
        if destination.features.search_by_reference or item.is_doubtful:
            placed = destination.find_order(item.reference, since=order.ordered_at)
        if placed is None:
            _wait_until_sure(item=item, destination=destination, now=clock())
            if not _is_wanted(order=order, seen=seen, mirror=mirror):
                _withdraw(item=item, mirror=mirror, now=clock())
                return
            draft = draft_for(order=order, seen=seen, mirror=mirror, destination=destination, now=clock())
            placed = _create_or_find(item=item, draft=draft, destination=destination, clock=clock)
    _settle(item=item, mirror=mirror, placed=placed, draft=draft, now=clock())


def _is_wanted(*, order: Order, seen: PlatformOrder, mirror: Mirror) -> bool:
    """Whether the order may be created now. Raises outbox.NotYet when that is still open."""
    if order.state != OrderState.READY:
        return False
    if seen.status in (SourceStatus.UNPAID, SourceStatus.ON_HOLD):
        raise outbox.NotYet(Attention.STILL_ON_HOLD, wait=30)
    if seen.cancel_requested:
        raise outbox.NotYet(Attention.CANCEL_PENDING, wait=60, detail={"reason": seen.cancel_reason})
    if seen.address_state is not AddressState.COMPLETE:
        raise outbox.NotYet(Attention.ADDRESS_NOT_RELEASED, wait=60, detail={"state": seen.address_state.value.lower()})
    if seen.status is SourceStatus.UNKNOWN:
        raise outbox.NotYet(Attention.UNKNOWN_STATUS, wait=300, detail={"status": seen.status_text[:100]})
    if seen.status is not SourceStatus.AWAITING_SHIPMENT and not order.skip_rule and not _is_rest(seen, mirror):
        raise outbox.NotYet(
            Attention.MIXED_FULFILMENT, wait=900, detail={"status": seen.status_text, "is_shipped_elsewhere": True}
        )
    return True


def _is_rest(seen: PlatformOrder, mirror: Mirror) -> bool:
    """Whether another store shipped its part of the order, and nothing of this one's part has left."""
    left = {line_id for package in seen.packages if package.tracking_number for line_id in package.line_ids}
    is_partly = seen.status is SourceStatus.PARTIALLY_SHIPPING
    return is_partly and bool(mirror.line_ids) and not left.intersection(mirror.line_ids)


def _wait_until_sure(*, item: OutboxItem, destination: Destination, now: datetime) -> None:
    """An earlier try may still be carried out: absent is not sure before that time is over.

    Where the platform carries out a repeated key only once, nothing has to be waited for while it knows the key.
    """
    if destination.features.idempotency_key and item.sent_at is not None and now < item.sent_at + KEY_LIFE:
        return
    if item.is_doubtful and item.sent_at is not None and now < item.sent_at + SURE_AFTER:
        left = (item.sent_at + SURE_AFTER - now).total_seconds()
        raise OutcomeUnknown("The store has not shown the order yet; it is looked for again", retry_after=min(left, 15))


def _create_or_find(
    *, item: OutboxItem, draft: OrderDraft, destination: Destination, clock: Callable[[], datetime]
) -> PlacedOrder:
    try:
        with outbox.sending(item=item, now=clock()):
            return destination.create_order(draft, reference=item.reference)
    except OutcomeUnknown:
        placed = destination.find_order(item.reference, since=draft.created_at)
        if placed is None:
            raise
        return placed


def draft_for(
    *, order: Order, seen: PlatformOrder, mirror: Mirror, destination: Destination, now: datetime
) -> OrderDraft:
    """What this store will receive, under its route's rules; the dry run shows the same. Looks up variants that are
    not linked: makes calls, not inside a transaction. Raises drafting.Blocked, PlatformError."""
    part = part_of(seen, mirror.line_ids)
    found = products.look_up(store=mirror.store, lines=part.lines, destination=destination, now=now)
    with merchant_rows(mirror.merchant_id):
        methods = shipping.methods_of(mirror.store)
    rules = DraftRules(
        destination_currency=mirror.store.currency,
        destination_label=label_of(mirror.store),
        source_store_id=order.source_store.external_id,
        source_store_name=order.source_store.name,
        variants=found.variants,
        ambiguous_skus=found.ambiguous,
        shipping_titles=methods,
        line_ids=frozenset(mirror.line_ids),
    )
    return make_draft(seen, rules)


def _withdraw(*, item: OutboxItem, mirror: Mirror, now: datetime) -> None:
    """Surely not created, and no longer wanted."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now)
        Mirror.objects.filter(pk=mirror.pk).update(state=MirrorState.DROPPED)
        note(order=order, kind="mirror.dropped", facts={"store": label_of(mirror.store)}, now=now)


def _settle(*, item: OutboxItem, mirror: Mirror, placed: PlacedOrder, draft: OrderDraft | None, now: datetime) -> None:
    """Write down what is in the store now. `draft` is None when the order was found there."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE, now=now)
        mirror.state = MirrorState.CANCELLED if placed.is_cancelled else MirrorState.CREATED
        mirror.external_id, mirror.name, mirror.url = placed.external_id, placed.name[:100], placed.url[:500]
        mirror.money = {"total": placed.total, "currency": placed.currency}
        mirror.created_at = now
        mirror.save(update_fields=["state", "external_id", "name", "url", "money", "created_at"])
        Order.objects.filter(pk=order.pk).update(
            version=F("version") + 1, search_text=f"{order.search_text}\n{placed.name}"
        )
        facts = {"store": label_of(mirror.store), "name": placed.name, "url": placed.url}
        note(order=order, kind="mirror.created" if draft else "mirror.found", facts=facts, now=now)
        if placed.remarks:
            adapted = {"store": facts["store"], "remarks": placed.remarks}
            note(order=order, kind="mirror.adapted", facts=adapted, now=now)
        if order.state == OrderState.CANCELLED and mirror.state == MirrorState.CREATED:
            cancellations.cancel_mirror(mirror=mirror, order=order, has_left=False, now=now)
        elif order.state == OrderState.READY:
            if not outbox.is_stuck(order=order, besides=item):
                clear_attention(order=order, now=now)
            if not order.mirrors.filter(state=MirrorState.PLANNED).exists():
                advance(order=order, to=OrderState.MIRRORED, reason=f"Created in {label_of(mirror.store)}", now=now)
        _compare_money(order=order, mirror=mirror, placed=placed, now=now)


def _compare_money(*, order: Order, mirror: Mirror, placed: PlacedOrder, now: datetime) -> None:
    payment = part_of(ingest.seen_of(order), mirror.line_ids).payment
    if placed.total is None or payment is None or (placed.total, placed.currency) == (payment.total, payment.currency):
        return
    ask_for_attention(
        order=order,
        code=Attention.MONEY_MISMATCH,
        now=now,
        detail={
            "what": f"The order in {label_of(mirror.store)} has another total",
            "computed": amounts.to_text(placed.total, placed.currency),
            "stated": amounts.to_text(payment.total, payment.currency),
            "currency": payment.currency,
            "is_in_store": True,
        },
    )
