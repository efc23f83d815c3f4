"""Which orders can be cancelled together: not shipped, not closed, the newest first or those that a search finds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.access import merchant_rows
from orders.aftersale_rules import CancelReason
from orders.choices import choice_of
from orders.models import Order, OrderState
from orders.queries.cases import items_text
from orders.queries.rows import money_text
from orders.queries.searching import searched

MOST = 50
_OPEN = (OrderState.HELD, OrderState.READY, OrderState.MIRRORED, OrderState.SKIPPED)
_UNSHIPPED = ("ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION")


def bulk_context(*, merchant_id: int, query: str, now: datetime) -> dict[str, Any]:
    """Up to MOST such orders, and the reasons that TikTok Shop takes for any of them. One query."""
    with merchant_rows(merchant_id):
        fit = Order.objects.filter(state__in=_OPEN, source_status__in=_UNSHIPPED)
        orders = list(searched(fit, query).order_by("-ordered_at", "-pk")[:MOST])
    found = {each: choice_of("cancel_reason", each.value) for each in CancelReason}
    return {
        "rows": [
            {
                "id": order.pk,
                "external_id": order.external_id,
                "buyer": order.buyer_name,
                "items": items_text(order, []),
                "total": money_text(order.total, order.currency) if order.total is not None else "",
                "ordered_at": order.ordered_at,
            }
            for order in orders
        ],
        "reasons": [{"value": each.value, "label": told.title if told else each.value} for each, told in found.items()],
        "query": query,
        "now": now,
    }
