"""Which orders can be cancelled together: those chosen on the list, or what is not shipped and not closed, the newest
first or those that a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.access import merchant_rows
from orders.aftersale_rules import CancelReason
from orders.choices import choice_of
from orders.models import Fulfillment, FulfillmentState, Order
from orders.queries.cases import items_text
from orders.queries.rows import STATES_TO_CANCEL, STATUSES_TO_CANCEL, money_text
from orders.queries.searching import searched
from orders.store_cancels import why_not

MOST = 50


def bulk_context(*, merchant_id: int, query: str, chosen: Sequence[int] = (), now: datetime) -> dict[str, Any]:
    """Up to MOST orders to choose from, why the rest of the `chosen` cannot be cancelled, and the reasons that TikTok
    Shop takes for any of them. One query."""
    parcels = Fulfillment.objects.filter(order=OuterRef("pk")).exclude(state=FulfillmentState.CANCELLED)
    with merchant_rows(merchant_id):
        orders: QuerySet[Order] = Order.objects.annotate(has_left=Exists(parcels))
        if chosen:
            orders = orders.filter(pk__in=chosen[:MOST])
        else:
            fit = orders.filter(~Exists(parcels), state__in=STATES_TO_CANCEL, source_status__in=STATUSES_TO_CANCEL)
            orders = searched(fit, query)
        found = [(order, _why_not(order)) for order in orders.order_by("-ordered_at", "-pk")[:MOST]]
    told = {each: choice_of("cancel_reason", each.value) for each in CancelReason}
    return {
        "rows": [_row(order) for order, why in found if not why],
        "left_out": [{**_row(order), "why": why} for order, why in found if why],
        "reasons": [{"value": each.value, "label": said.title if said else each.value} for each, said in told.items()],
        "query": query,
        "has_chosen": bool(chosen),
        "now": now,
    }


def _why_not(order: Order) -> str:
    has_left = order.has_left or order.source_status not in STATUSES_TO_CANCEL  # type: ignore[attr-defined]
    return why_not(order, has_left=has_left)


def _row(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "external_id": order.external_id,
        "buyer": order.buyer_name,
        "items": items_text(order, []),
        "total": money_text(order.total, order.currency) if order.total is not None else "",
        "ordered_at": order.ordered_at,
    }
