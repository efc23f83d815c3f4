"""Cancellations and returns as a source would tell them, and an order that is in a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from accounts.access import merchant_rows
from connectors.base import aftersales as told
from connectors.base.aftersales import CancelStatus, Dispute, RefundSum, ReturnKind, ReturnStatus, TakenBack, Who
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders.models import Mirror, Order
from tests.factories import FulfillmentFactory, MirrorFactory, OrderFactory
from tests.orders.builders import HOUR, NOON, line, payment

LINE, OTHER, THIRD = "576461413038785752", "576461413038785753", "576461413038785754"
LATER = NOON + 3 * HOUR


def cancellation(status: CancelStatus = CancelStatus.REQUESTED, **changes: Any) -> told.Cancellation:
    """A buyer's request for the whole order, three hours after NOON."""
    is_open = status is CancelStatus.REQUESTED
    made = told.Cancellation(
        external_id="4035318504086604100",
        order_id="576461413038785751",
        status=status,
        status_text=f"CANCELLATION_{status.value}",
        is_request=True,
        by=Who.BUYER,
        reason="ecom_order_to_ship_canceled_reason_no_longer_needed",
        reason_text="No longer needed",
        created_at=LATER,
        updated_at=LATER if is_open else LATER + HOUR,
        answer_by=LATER + timedelta(hours=48) if is_open else None,
        lines=(TakenBack(LINE, "CND-FIG-08", refund=2400),),
        refund=RefundSum("USD", total=2400, subtotal=2400),
    )
    return replace(made, **changes)


def returned(
    status: ReturnStatus = ReturnStatus.REQUESTED, kind: ReturnKind = ReturnKind.RETURN, **changes: Any
) -> told.Return:
    """A return of the one candle, asked for three hours after NOON."""
    made = told.Return(
        external_id="4035999000000000001",
        order_id="576461413038785751",
        kind=kind,
        status=status,
        status_text=status.value,
        by=Who.BUYER,
        reason="ecom_order_delivered_refund_reason_wrong_product",
        reason_text="Wrong item",
        created_at=LATER,
        updated_at=LATER,
        lines=(TakenBack(LINE, "CND-FIG-08", refund=2400),),
        refund=RefundSum("USD", total=2400, subtotal=2400),
        dispute=Dispute.NONE,
    )
    return replace(made, **changes)


def two_candles(**changes: Any) -> dict[str, Any]:
    """What makes a reading one of two candles, 24.00 each, and 5.00 for shipping."""
    lines = (line(LINE), line(OTHER, sku="TIN-LAV-04"))
    return {"lines": lines, "payment": payment(products=4800, shipping=500), **changes}


def mirrored(
    store: ConnectedStore,
    destination: ConnectedStore,
    *,
    status: SourceStatus = SourceStatus.AWAITING_SHIPMENT,
    **changes: Any,
) -> tuple[Order, Mirror]:
    """An order of this shop that is in that store. `changes` are those of the reading."""
    made = {"source_store": store, "external_id": "576461413038785751", "status": status, "changes": changes}
    order = OrderFactory(mirrored=True, **made)
    return order, MirrorFactory(order=order, store=destination, name="#1001")


def shipped(mirror: Mirror, *line_ids: str) -> None:
    """These lines left the store in a parcel."""
    FulfillmentFactory(mirror=mirror, line_ids=list(line_ids) or [LINE])


def again(order: Order) -> Order:
    """The order as it is kept now."""
    with merchant_rows(order.merchant_id):
        return Order.objects.select_related("source_store").get(pk=order.pk)


def kinds_of(order: Order) -> list[str]:
    """What happened to it, in order."""
    with merchant_rows(order.merchant_id):
        return list(order.events.order_by("id").values_list("kind", flat=True))


def items_of(order: Order) -> list[tuple[str, str]]:
    """What is to be done for it: kind and status of each item."""
    with merchant_rows(order.merchant_id):
        return [(item.kind, item.status) for item in order.outbox.order_by("id")]
