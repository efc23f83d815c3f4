"""Which open requests stop an order's parcels: money back is asked for goods that no carrier has yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connectors.base.types import SourceStatus
from orders import outbox
from orders.models import Attention, Order, Return, ReturnKind
from orders.models.returns import UNSETTLED

# As long as the source says one of these, no carrier has the whole order.
BEFORE_DISPATCH = frozenset(
    {
        SourceStatus.UNPAID,
        SourceStatus.ON_HOLD,
        SourceStatus.AWAITING_SHIPMENT,
        SourceStatus.PARTIALLY_SHIPPING,
        SourceStatus.AWAITING_COLLECTION,
    }
)
LOOK_AGAIN = 60.0  # seconds


def stopping_returns(order: Order) -> list[Return]:
    """Requests for money back of goods that no carrier has yet, in merchant_rows."""
    if order.source_status not in BEFORE_DISPATCH:
        return []
    return list(order.returns.filter(kind__in=[ReturnKind.REFUND, ReturnKind.UNKNOWN], status__in=UNSETTLED))


def open_subjects(order: Order) -> dict[str, list[str]]:
    """Each request that stops the order now, with the lines that it names, none meaning all; in merchant_rows."""
    asked = {each.external_id: ids_of(each.lines) for each in order.cancellations.all() if each.is_open}
    return asked | {each.external_id: ids_of(each.lines) for each in stopping_returns(order)}


def is_asked(order: Order) -> bool:
    """Whether the order's question is that of an open request: only the end of the request answers it."""
    return (order.attention == Attention.CANCEL_PENDING and order.cancel_requested_at is not None) or (
        order.attention == Attention.RETURN_PENDING and order.return_requested_at is not None
    )


def require_no_refund(*, order: Order, line_ids: Collection[str], detail: Mapping[str, Any] | None = None) -> None:
    """Raises outbox.NotYet while money back is asked for one of these lines, none meaning all; in merchant_rows."""
    for each in stopping_returns(order):
        named = ids_of(each.lines)
        if not named or not line_ids or set(named).intersection(line_ids):
            facts = {"reason": each.reason_text, "request": each.external_id, **(detail or {})}
            raise outbox.NotYet(Attention.RETURN_PENDING, wait=LOOK_AGAIN, detail=facts)


def ids_of(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The source's lines that a request names."""
    return [str(line["line_id"]) for line in lines]
