"""What TikTok ships itself: the number that it shows is written into the store's order, and never the other way round.

Only for orders that a route sends without an address (`RouteRules.warehoused`, `platform_shipped`).
"""

from __future__ import annotations

from datetime import datetime

from accounts.access import merchant_rows
from connectors.base import snapshot
from connectors.base.connector import Destination
from connectors.base.types import LineItem, Package, PlatformOrder, Shipment, ShipmentLine
from connectors.registry import label_of
from connectors.speaking import speaking_to_destination
from orders import fulfillment, outbox
from orders.admission import is_ours_to_ship
from orders.models import Mirror, MirrorState, Order, OrderState, OutboxItem, OutboxKind, OutboxStatus
from orders.sent import Sent
from orders.states import note
from orders.work import Drain


def follow_source(*, order: Order, seen: PlatformOrder, now: datetime) -> None:
    """Say that each parcel with a number is to be written into the stores that have the order, in the caller's
    transaction, which holds the order's row. May be repeated: a parcel is copied into a store once."""
    if is_ours_to_ship(seen) or order.state == OrderState.CANCELLED:
        return
    numbered = [package for package in seen.packages if package.tracking_number]
    for mirror in order.mirrors.filter(state=MirrorState.CREATED).select_related("store") if numbered else ():
        for package in numbered:
            if mirror.line_ids and not set(mirror.line_ids).intersection(package.line_ids):
                continue
            outbox.enqueue(
                order=order,
                store=mirror.store,
                kind=OutboxKind.COPY_TRACKING,
                subject=package.external_id,
                reference=f"{order.external_id}-{package.external_id}"[:80],
                now=now,
            )


def follow_made(*, order: Order, seen: PlatformOrder, now: datetime) -> None:
    """What TikTok shows of an order that a store has from now on, in the caller's transaction: parcels that left before
    would be told by no later reading."""
    parcels = fulfillment.not_accepted([order]).get(order.pk, [])
    fulfillment.follow_source(order=order, seen=seen, parcels=parcels, now=now)
    follow_source(order=order, seen=seen, now=now)


def perform(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out COPY_TRACKING: look at the order's parcels in the store, and record the one that is not there.

    Makes calls: not inside a transaction. Raises PlatformError, outbox.LostLease. May be repeated.
    """
    with merchant_rows(item.merchant_id):
        order = Order.objects.get(pk=item.order_id)
        mirror = Mirror.objects.select_related("store").get(order=item.order_id, store=item.store_id)
    seen = snapshot.from_json(order.snapshot)
    package = next((each for each in seen.packages if each.external_id == item.subject), None)
    kind = ""
    if package is not None and order.state != OrderState.CANCELLED and mirror.state == MirrorState.CREATED:
        with speaking_to_destination(mirror.store, clock=drain.clock, pace=drain.pace) as destination:
            parcel = _parcel(package, seen, mirror)
            kind = _copy(item=item, parcel=parcel, mirror=mirror, destination=destination, now=drain.clock())
    now = drain.clock()
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE if kind else OutboxStatus.DROPPED, now=now)
        if kind and package is not None:
            facts = {"store": label_of(mirror.store), "tracking_number": package.tracking_number}
            note(order=order, kind=kind, facts={**facts, "carrier": package.carrier_name}, now=now)


def _copy(*, item: OutboxItem, parcel: Shipment, mirror: Mirror, destination: Destination, now: datetime) -> str:
    """The event that tells what was done; empty where the store's order is gone."""
    placed = destination.fetch_order(mirror.external_id)
    if placed is None or placed.is_cancelled:
        return ""
    there = destination.shipments_of(mirror.external_id)
    if any(each.tracking_number == parcel.tracking_number and not each.is_cancelled for each in there):
        return "parcel.found"
    outbox.require_sure(item=item, now=now, what="The store has not shown the parcel yet; it is looked for again")
    with outbox.sending(item=item, now=now):
        destination.record_shipment(mirror.external_id, parcel)
    return "parcel.copied"


def _parcel(package: Package, seen: PlatformOrder, mirror: Mirror) -> Shipment:
    """The parcel as the store is told it, with those of its lines that are in this store."""
    own = set(mirror.line_ids) or {line.external_id for line in seen.lines}
    inside = [line for line in seen.lines if line.external_id in own.intersection(package.line_ids)]
    kept = Sent.kept(mirror)
    lines = tuple(each for line in inside for each in _units_of(line, kept))
    return Shipment(
        external_id=package.external_id,
        carrier=package.carrier_name,
        tracking_number=package.tracking_number,
        tracking_url="",
        lines=None if len(inside) in (0, len(own)) else lines,
        shipped_at=seen.updated_at,
    )


def _units_of(line: LineItem, kept: Sent | None) -> list[ShipmentLine]:
    """What stands for a line in the store: itself, or so many units of each of its pieces, by their own SKUs."""
    pieces = kept.pieces.get(line.external_id) if kept else None
    if kept is None or not pieces:
        return [ShipmentLine(line.sku.strip(), line.quantity, (line.external_id,))]
    return [ShipmentLine(kept.skus.get(key, key), count, (line.external_id,)) for key, count in pieces.items()]
