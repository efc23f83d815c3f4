"""The order's copy in a store: found or made, once, and only while the source still wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base import money as amounts
from connectors.base.connector import Destination
from connectors.base.errors import OutcomeUnknown, TemporaryError, UnreadableAnswer
from connectors.base.types import AddressState, LineItem, OrderDraft, PlacedOrder, PlatformOrder, SourceStatus
from connectors.models import ConnectedStore
from connectors.registry import label_of
from connectors.speaking import speaking_to_destination, speaking_to_source
from orders import cancellations, ingest, outbox
from orders.drafting import DraftRules, make_draft, sku_key
from orders.models import (
    Attention,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxStatus,
    ProductLink,
)
from orders.states import advance, ask_for_attention, clear_attention, note

# A call that was cut off may still be carried out for this long, and a search may lag: only after it is "absent" sure.
SURE_AFTER = timedelta(seconds=90)
LINK_LIFE = timedelta(hours=6)


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
        placed = destination.find_order(item.reference, since=order.ordered_at)
        if placed is None:
            _wait_until_sure(item=item, now=clock())
            if not _is_wanted(order=order, seen=seen):
                _withdraw(item=item, mirror=mirror, now=clock())
                return
            draft = _draft(order=order, seen=seen, mirror=mirror, destination=destination, now=clock())
            placed = _create_or_find(item=item, draft=draft, destination=destination, clock=clock)
    _settle(item=item, mirror=mirror, placed=placed, draft=draft, now=clock())


def _is_wanted(*, order: Order, seen: PlatformOrder) -> bool:
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
    if seen.status is not SourceStatus.AWAITING_SHIPMENT and not order.skip_rule:
        raise outbox.NotYet(
            Attention.MIXED_FULFILMENT, wait=900, detail={"status": seen.status_text, "is_shipped_elsewhere": True}
        )
    return True


def _wait_until_sure(*, item: OutboxItem, now: datetime) -> None:
    """An earlier try may still be carried out: absent is not sure before that time is over."""
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


def _draft(*, order: Order, seen: PlatformOrder, mirror: Mirror, destination: Destination, now: datetime) -> OrderDraft:
    """The draft under this route's rules. Looks up variants that are not linked. Raises drafting.Blocked."""
    variants, ambiguous = _variants(store=mirror.store, lines=seen.lines, destination=destination, now=now)
    rules = DraftRules(
        destination_currency=mirror.store.currency,
        destination_label=label_of(mirror.store),
        source_store_id=order.source_store.external_id,
        source_store_name=order.source_store.name,
        variants=variants,
        ambiguous_skus=ambiguous,
    )
    return make_draft(seen, rules)


def _variants(
    *, store: ConnectedStore, lines: Sequence[LineItem], destination: Destination, now: datetime
) -> tuple[dict[str, str], frozenset[str]]:
    """SKU key to variant id: kept links first, then a search by SKU. A SKU with several variants is ambiguous."""
    wanted = {sku_key(line.sku): line.sku.strip() for line in lines if line.sku.strip()}
    with merchant_rows(store.merchant_id):
        links = ProductLink.objects.filter(store=store, sku__in=wanted)
        known = {link.sku: link.variant_id for link in links if link.is_manual or link.checked_at > now - LINK_LIFE}
    missing = [sku for key, sku in wanted.items() if key not in known]
    if not missing:
        return known, frozenset()
    ambiguous: set[str] = set()
    fresh: list[ProductLink] = []
    for sku, found in destination.find_variants(missing).items():
        if len(found) == 1:
            known[sku_key(sku)] = found[0].external_id
            fresh.append(
                ProductLink(
                    merchant_id=store.merchant_id,
                    store=store,
                    sku=sku_key(sku),
                    variant_id=found[0].external_id,
                    title=found[0].title[:500],
                    checked_at=now,
                )
            )
        elif found:
            ambiguous.add(sku_key(sku))
    with merchant_rows(store.merchant_id):
        ProductLink.objects.bulk_create(
            fresh,
            update_conflicts=True,
            unique_fields=["store", "sku"],
            update_fields=["variant_id", "title", "checked_at"],
        )
    return known, frozenset(ambiguous)


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
        if order.state == OrderState.CANCELLED and mirror.state == MirrorState.CREATED:
            cancellations.cancel_mirror(mirror=mirror, order=order, has_left=False, now=now)
        elif order.state == OrderState.READY:
            clear_attention(order=order, now=now)
            if not order.mirrors.filter(state=MirrorState.PLANNED).exists():
                advance(order=order, to=OrderState.MIRRORED, reason=f"Created in {label_of(mirror.store)}", now=now)
        _compare_money(order=order, mirror=mirror, placed=placed, now=now)


def _compare_money(*, order: Order, mirror: Mirror, placed: PlacedOrder, now: datetime) -> None:
    if placed.total is None or order.total is None or (placed.total, placed.currency) == (order.total, order.currency):
        return
    ask_for_attention(
        order=order,
        code=Attention.MONEY_MISMATCH,
        now=now,
        detail={
            "what": f"The order in {label_of(mirror.store)} has another total",
            "computed": amounts.to_text(placed.total, placed.currency),
            "stated": amounts.to_text(order.total, order.currency),
            "currency": order.currency,
            "is_in_store": True,
        },
    )
