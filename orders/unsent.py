"""Goods that were paid back before they left: they are not to be created, and are cancelled where they are."""

from __future__ import annotations

from django.db.models import Min

from orders import pausing
from orders.models import Order, OrderState, Return, ReturnKind


def line_ids(order: Order) -> list[str]:
    """The source's lines that were paid back before they left, in merchant_rows."""
    return list(dict.fromkeys(line_id for case in cases(order) for line_id in lines_of(order, case)))


def cases(order: Order) -> list[Return]:
    """The order's returns of which no goods come back, in merchant_rows."""
    return list(order.returns.filter(kind=ReturnKind.REFUND).order_by("created_at", "pk"))


def lines_of(order: Order, case: Return) -> list[str]:
    """Those lines of the case that were paid back whole and are in no parcel, neither of a store nor at the source; in
    merchant_rows."""
    if case.kind != ReturnKind.REFUND or not case.is_paid_back:
        return []
    packed = {line_id for mirror in order.mirrors.all() for line_id in pausing.parcel_ids(mirror)}
    for package in order.snapshot.get("packages", []):
        packed.update(package["line_ids"] if package["tracking_number"] else ())
    prices = {line["external_id"]: line["sale_price"] * line["quantity"] for line in order.snapshot.get("lines", [])}
    told_refunds = {str(line["line_id"]): line.get("refund") for line in case.lines}
    if not told_refunds:
        is_whole = order.total is not None and (case.refund or {}).get("total", 0) >= order.total
        told_refunds = dict.fromkeys(prices) if is_whole else {}
    return [
        line_id
        for line_id, refund in told_refunds.items()
        if line_id in prices and line_id not in packed and (refund is None or refund >= prices[line_id])
    ]


def mark(order: Order) -> None:
    """Since when a return of the order is open, or paid back and to be left out where it is still to be created, in the
    caller's transaction, which holds the order's row. May be repeated."""
    oldest = Return.objects.filter(order=order).still_open().aggregate(oldest=Min("created_at"))["oldest"]
    if order.state in (OrderState.UNPAID, OrderState.HELD, OrderState.READY):
        paid_back = [case.created_at for case in cases(order) if lines_of(order, case)]
        oldest = min([*paid_back, *([oldest] if oldest else [])], default=None)
    if oldest != order.return_requested_at:
        Order.objects.filter(pk=order.pk).update(return_requested_at=oldest)
        order.return_requested_at = oldest
