"""Parcels that left a store: recorded, checked, and reported to the source, whose own word closes the order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import F

from accounts.rows import Rows
from connectors.base.types import (
    PlatformOrder,
    Shipment,
    ShipmentLine,
    Shipper,
    SourceStatus,
)
from connectors.registry import label_of
from orders import changing, locating, outbox
from orders.components import Pieces, sku_key, whole_lines
from orders.models import (
    Attention,
    Fulfillment,
    FulfillmentState,
    Mirror,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.preflight import is_elsewhere, package_of
from orders.sent import Sent
from orders.states import advance, ask_for_attention, clear_attention, note

S = FulfillmentState
ACCEPTED_BY_STATUS = frozenset(
    {SourceStatus.AWAITING_COLLECTION, SourceStatus.IN_TRANSIT, SourceStatus.DELIVERED, SourceStatus.COMPLETED}
)

_NOT_ACCEPTED = Rows(
    Fulfillment,
    "select {columns} from orders_fulfillment t where t.order_id = any(%(ids)s::bigint[])"
    " and t.state in ('QUEUED', 'SENT', 'REFUSED') order by t.id",
)


# Recording what the store did


def record_shipments(
    *, mirror: Mirror, order: Order, shipments: Sequence[Shipment], known: Sequence[Fulfillment], now: datetime
) -> None:
    """Keep what left the store and say what is to be reported, in the caller's transaction, which holds the order.
    `known`: the order's parcels that are kept, of all its stores.

    One row per parcel and mirror; may be repeated. A parcel's lines are settled when it is first seen.
    """
    parcels = list(known)
    own = {kept.external_id: kept for kept in parcels if kept.mirror_id == mirror.pk}
    for shipment in shipments:
        kept = own.get(shipment.external_id)
        if kept is not None:
            kept.mirror = mirror
        if kept is None:
            if not shipment.is_cancelled:
                parcels.append(_record(mirror, order, shipment, among=shipments, parcels=parcels, now=now))
        elif shipment.is_cancelled:
            _recall(kept=kept, order=order, now=now)
        elif changing.said_of(kept) != (shipment.carrier[:200], changing.cleaned(shipment.tracking_number)):
            _correct(kept=kept, order=order, shipment=shipment, now=now)


def _record(
    mirror: Mirror,
    order: Order,
    shipment: Shipment,
    *,
    among: Sequence[Shipment],
    parcels: Sequence[Fulfillment],
    now: datetime,
) -> Fulfillment:
    line_ids, missing, is_waiting = _allocate(order, mirror, shipment, among=among, parcels=parcels)
    kept = Fulfillment(
        merchant_id=order.merchant_id,
        order=order,
        mirror=mirror,
        external_id=shipment.external_id,
        carrier_text=shipment.carrier[:200],
        tracking_number=changing.cleaned(shipment.tracking_number),
        tracking_url=shipment.tracking_url[:500],
        line_ids=line_ids,
        state=S.WAITING,
        shipped_at=shipment.shipped_at,
        said=_aside(order, shipment),
    )
    if _is_to_be_told(kept, order):
        kept.state = S.QUEUED
    kept.save(force_insert=True)
    facts = {
        "store": label_of(mirror.store),
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "units": len(line_ids),
    }
    note(order=order, kind="shipment.recorded", facts=facts, now=now)
    if locating.is_chosen(mirror):
        locating.follow_left(order=order, mirror=mirror, now=now)
    if order.state != OrderState.CANCELLED and (missing or not (line_ids or is_waiting)):
        ask_for_attention(
            order=order,
            code=Attention.MIXED_FULFILMENT,
            now=now,
            detail={
                "store": label_of(mirror.store),
                "shipment": shipment.external_id,
                "units_too_many": missing,
                "is_unsaid": shipment.lines is None,
                "tracking_number": shipment.tracking_number,
            },
        )
    queue(kept=kept, order=order, now=now)
    return kept


def _aside(order: Order, shipment: Shipment) -> dict[str, bool]:
    """Whether it left for another postcode than the buyer's: the fact, since the postcode itself is the buyer's."""
    address = order.snapshot.get("address")
    return {"is_elsewhere": True} if is_elsewhere(address=address, postal_code=shipment.postal_code) else {}


def queue(*, kept: Fulfillment, order: Order, now: datetime) -> None:
    """Say that the parcel is to be reported, once its number is known. A cancelled order asks instead."""
    if kept.tracking_number:
        order.search_text = f"{order.search_text}\n{kept.tracking_number}"
    Order.objects.filter(pk=order.pk).update(version=F("version") + 1, search_text=order.search_text)
    if order.state == OrderState.CANCELLED:
        mirror = kept.mirror
        facts = {"store": label_of(mirror.store), "name": mirror.name, "url": mirror.url, "has_left": True}
        ask_for_attention(order=order, code=Attention.ALREADY_CANCELLED, now=now, detail=facts)
        return
    if order.shipper != Shipper.SELLER:
        _compare_with_source(kept=kept, order=order, now=now)
        return
    if not _is_to_be_told(kept, order):
        return
    if kept.state != S.QUEUED:
        Fulfillment.objects.filter(pk=kept.pk).update(state=S.QUEUED)
    outbox.enqueue(
        order=order,
        store=order.source_store,
        kind=OutboxKind.PUSH_TRACKING,
        subject=str(kept.pk),
        reference=f"{order.external_id}-{kept.pk}",
        now=now,
    )


def _is_to_be_told(kept: Fulfillment, order: Order) -> bool:
    is_ours = order.state != OrderState.CANCELLED and order.shipper == Shipper.SELLER
    return is_ours and bool(kept.tracking_number and kept.line_ids)


def _compare_with_source(*, kept: Fulfillment, order: Order, now: datetime) -> None:
    """TikTok ships this order and takes no number for it: the store's parcel is TikTok's own, or a second one."""
    if not kept.tracking_number:
        return
    numbers = {package["tracking_number"] for package in order.snapshot.get("packages", [])}
    if kept.tracking_number in numbers:
        Fulfillment.objects.filter(pk=kept.pk).update(state=S.ACCEPTED, accepted_at=now)
        return
    message = f"{label_of(kept.mirror.store)} shipped it too, under {kept.tracking_number}."
    ask_for_attention(order=order, code=Attention.NOT_SELLER_SHIPPING, now=now, detail={"message": message})


def _recall(*, kept: Fulfillment, order: Order, now: datetime) -> None:
    """The store took the parcel back. What TikTok was told already stays told, and a person reads it."""
    if kept.state == S.CANCELLED:
        return
    _drop_push(order=order, kept=kept, now=now)
    was_sent = kept.state in (S.SENT, S.ACCEPTED)
    if not was_sent:
        kept.state = S.CANCELLED
        kept.save(update_fields=["state"])
    facts = {"tracking_number": kept.tracking_number, "was_sent": was_sent}
    note(order=order, kind="shipment.cancelled", facts=facts, now=now)


def _drop_push(*, order: Order, kept: Fulfillment, now: datetime) -> None:
    OutboxItem.objects.filter(
        order=order,
        kind=OutboxKind.PUSH_TRACKING,
        subject=str(kept.pk),
        is_doubtful=False,
        status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED],
    ).update(status=OutboxStatus.DROPPED, settled_at=now)


def _correct(*, kept: Fulfillment, order: Order, shipment: Shipment, now: datetime) -> None:
    """The store changed the carrier or the number. Before it was sent, ours follows; after, a person decides. Where
    the source ships, it was told nothing."""
    carrier, number = shipment.carrier[:200], changing.cleaned(shipment.tracking_number)
    facts = {"from": kept.tracking_number, "to": number, "carrier": carrier}
    is_told = kept.state in (S.SENT, S.ACCEPTED) and order.shipper == Shipper.SELLER
    if not is_told:
        kept.carrier_text, kept.tracking_number = carrier, number
        kept.tracking_url = shipment.tracking_url[:500]
    is_same = (kept.carrier_text, kept.tracking_number) == (carrier, number)
    kept.said = _aside(order, shipment) | ({} if is_same else {"carrier": carrier, "tracking_number": number})
    kept.save(update_fields=["carrier_text", "tracking_number", "tracking_url", "said"])
    if not is_told:
        note(order=order, kind="shipment.changed", facts=facts, now=now)
        queue(kept=kept, order=order, now=now)
        outbox.resume(order=order, now=now)
    elif is_same:
        note(order=order, kind="shipment.changed_back", facts=facts, now=now)
        if changing.is_asked(order=order, kept=kept):
            clear_attention(order=order, now=now)
    elif number:
        note(order=order, kind="shipment.changed_after_sent", facts=facts, now=now)
        changing.ask(order=order, kept=kept, now=now, carrier=carrier, number=number)


def _allocate(
    order: Order, mirror: Mirror, shipment: Shipment, *, among: Sequence[Shipment], parcels: Sequence[Fulfillment]
) -> tuple[list[str], int, bool]:
    """The source's line ids of this parcel, how many of its units could not be told, and whether some wait for the
    rest of their line: what is made of several units has left with the last of them.

    Where the store does not say what is in a parcel, the first one stands for all that the store was to send.
    """
    is_over = order.state == OrderState.CANCELLED  # then so are all lines, and the parcel holds them
    own = mirror.line_ids or [
        each["external_id"] for each in order.snapshot["lines"] if is_over or each["status"] != "CANCELLED"
    ]
    valid = [each for each in parcels if each.state != S.CANCELLED]
    taken = {line_id for each in valid for line_id in each.line_ids}
    if shipment.lines is None:
        return [each for each in own if each not in taken], 0, False
    kept = Sent.kept(mirror)
    pieces = {each: kept.pieces[each] for each in own if each in kept.pieces} if kept else {}
    found: list[str] = []
    missing, out = 0, Counter[str]()
    for line in shipment.lines:
        free = [each for each in _candidates(order, line) if each in own and each not in taken and each not in pieces]
        chosen = free[: line.quantity]
        taken.update(chosen)
        found += chosen
        if any(sku_key(line.sku) in units for units in pieces.values()):
            out[sku_key(line.sku)] += line.quantity - len(chosen)
        else:
            missing += line.quantity - len(chosen)
    if not pieces:
        return found, missing, False
    recorded = {each.external_id: each.line_ids for each in valid if each.mirror_id == mirror.pk}
    out.update(_left_before(order, recorded, among=among, pieces=pieces))
    whole, too_many, is_waiting = whole_lines(pieces, left=out, done=[each for each in pieces if each in taken])
    return found + whole, missing + too_many, is_waiting


def _left_before(
    order: Order, recorded: Mapping[str, Sequence[str]], *, among: Sequence[Shipment], pieces: Pieces
) -> Counter[str]:
    """The pieces in the parcels that are recorded: their units, less those of lines that are one unit each."""
    out = Counter[str]()
    for each in among:
        if each.external_id in recorded and not each.is_cancelled:
            for line in each.lines or ():
                out[sku_key(line.sku)] += line.quantity
    gone = {line_id for ids in recorded.values() for line_id in ids if line_id not in pieces}
    out.subtract(sku_key(each["sku"]) for each in order.snapshot["lines"] if each["external_id"] in gone)
    return out


def _candidates(order: Order, line: ShipmentLine) -> Sequence[str]:
    if line.source_line_ids:
        return line.source_line_ids
    wanted = line.sku.strip().casefold()
    return [
        each["external_id"] for each in order.snapshot["lines"] if wanted and each["sku"].strip().casefold() == wanted
    ]


# What the source makes of it


def not_accepted(orders: Iterable[Order]) -> dict[int, list[Fulfillment]]:
    """The parcels of these orders of which the source's word is open, by the order's key."""
    found: dict[int, list[Fulfillment]] = {}
    if ids := [order.pk for order in orders]:
        for kept in _NOT_ACCEPTED(ids=ids):
            found.setdefault(kept.order_id, []).append(kept)
    return found


def follow_source(*, order: Order, seen: PlatformOrder, parcels: Iterable[Fulfillment], now: datetime) -> None:
    """Take the source's word on the order's progress and on `parcels`, those of `not_accepted`, in the caller's
    transaction. May be repeated."""
    for kept in parcels:
        package = package_of(seen=seen, number=kept.tracking_number, line_ids=kept.line_ids)
        if package is None:
            continue
        Fulfillment.objects.filter(pk=kept.pk).update(
            state=S.ACCEPTED, accepted_at=now, package_id=package.external_id or kept.package_id
        )
        note(order=order, kind="tracking.accepted", facts={"tracking_number": kept.tracking_number}, now=now)
        if kept.state == S.REFUSED:
            _drop_push(order=order, kept=kept, now=now)
            clear_attention(order=order, now=now)
    if order.state == OrderState.MIRRORED and seen.status in ACCEPTED_BY_STATUS:
        advance(order=order, to=OrderState.FULFILLED, reason="TikTok Shop shows it as shipped", now=now)
    if order.state == OrderState.FULFILLED and seen.status is SourceStatus.COMPLETED:
        advance(order=order, to=OrderState.COMPLETED, reason="TikTok Shop closed the order", now=now)
