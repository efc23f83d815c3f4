"""What of an order a store is to get now, and whether it is: right before it is created."""

from __future__ import annotations

from accounts.access import merchant_rows
from connectors.base.errors import UnsupportedFeature
from connectors.base.types import AddressState, PlatformOrder, SourceStatus
from connectors.registry import connector_class
from orders import outbox, stopping, unsent
from orders.admission import is_ours_to_ship
from orders.drafting import blocked_by
from orders.models import Attention, Mirror, Order, OrderState
from orders.money import MoneyMismatch
from orders.remaining import CANCELLED, Left, is_whole, remaining_of, without
from orders.splitting import part_of


def wanted_of(*, order: Order, seen: PlatformOrder, mirror: Mirror) -> Left:
    """What is left of the order and of this store's part; the mirror is told what is not. Not in a transaction; asks
    nothing where the order has neither a cancelled line nor an open return. Raises outbox.NotYet while a refund is
    asked for, drafting.Blocked, TemporaryError."""
    if order.state not in (OrderState.READY, OrderState.HELD):
        return Left(seen, part_of(seen, mirror.line_ids))
    if order.return_requested_at is not None:
        with merchant_rows(order.merchant_id):
            stopping.require_no_refund(order=order, line_ids=mirror.line_ids)
            seen = without(seen, unsent.line_ids(order))
    gone = [line.external_id for line in seen.lines if line.status == CANCELLED]
    mirror.left_out = [line_id for line_id in gone if not mirror.line_ids or line_id in mirror.line_ids]
    return left_of(order, seen, mirror)


def left_of(order: Order, seen: PlatformOrder, mirror: Mirror) -> Left:
    """The order and this store's part of it without their cancelled lines; with all of them where nothing is left. Not
    in a transaction. Raises drafting.Blocked where its money does not balance; TemporaryError while a refund is still
    to be read."""
    if is_whole(seen) or all(line.status == CANCELLED for line in seen.lines):
        return Left(seen, part_of(seen, mirror.line_ids))
    try:
        with merchant_rows(order.merchant_id):
            return remaining_of(order, seen, line_ids=mirror.line_ids)
    except MoneyMismatch as error:
        raise blocked_by(error, currency=order.currency) from error


def is_wanted(*, order: Order, seen: PlatformOrder, mirror: Mirror) -> bool:
    """Whether the order may be created now. Raises outbox.NotYet when that is still open."""
    if _is_all_gone(seen, mirror):
        return False
    if order.state == OrderState.HELD and mirror.is_held:
        if seen.status is not SourceStatus.ON_HOLD:
            raise outbox.NotYet(Attention.UNKNOWN_STATUS, wait=300, detail={"status": seen.status_text[:100]})
        return True
    if order.state != OrderState.READY:
        return False
    kind = connector_class(mirror.store.platform)
    if not is_ours_to_ship(seen) and not kind.features.without_address:
        raise UnsupportedFeature(f"{kind.label} takes no order without an address, and TikTok shows none for this one")
    if seen.status in (SourceStatus.UNPAID, SourceStatus.ON_HOLD):
        raise outbox.NotYet(Attention.STILL_ON_HOLD, wait=30)
    if seen.cancel_requested:
        raise outbox.NotYet(Attention.CANCEL_PENDING, wait=60, detail={"reason": seen.cancel_reason})
    if is_ours_to_ship(seen) and seen.address_state is not AddressState.COMPLETE:
        raise outbox.NotYet(Attention.ADDRESS_NOT_RELEASED, wait=60, detail={"state": seen.address_state.value.lower()})
    if seen.status is SourceStatus.UNKNOWN:
        raise outbox.NotYet(Attention.UNKNOWN_STATUS, wait=300, detail={"status": seen.status_text[:100]})
    is_expected = seen.status is SourceStatus.AWAITING_SHIPMENT or not is_ours_to_ship(seen)
    if not is_expected and not order.skip_rule and not _is_rest(seen, mirror):
        raise outbox.NotYet(
            Attention.MIXED_FULFILMENT, wait=900, detail={"status": seen.status_text, "is_shipped_elsewhere": True}
        )
    return True


def _is_all_gone(seen: PlatformOrder, mirror: Mirror) -> bool:
    """Whether every line of this store's part is cancelled; `wanted_of` may have taken them out of the reading."""
    lines = [line for line in seen.lines if not mirror.line_ids or line.external_id in mirror.line_ids]
    return all(line.status == CANCELLED for line in lines) and bool(lines or mirror.left_out)


def _is_rest(seen: PlatformOrder, mirror: Mirror) -> bool:
    """Whether another store shipped its part of the order, and nothing of this one's part has left."""
    left = {line_id for package in seen.packages if package.tracking_number for line_id in package.line_ids}
    is_partly = seen.status is SourceStatus.PARTIALLY_SHIPPING
    return is_partly and bool(mirror.line_ids) and not left.intersection(mirror.line_ids)
