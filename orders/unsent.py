"""Goods that were paid back before they left: they are not to be created, and are cancelled where they are."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min

from orders import outbox, pausing
from orders.models import MirrorState, Order, OrderState, OutboxKind, Return, ReturnKind
from orders.states import advance


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


def end(*, order: Order, now: datetime) -> None:
    """Where all of the order was paid back before a store got any of it, it is not created any more: at once, or when
    it is known that a create without an answer came to nothing. In the caller's transaction, which holds the order's
    row; may be repeated."""
    live = {line["external_id"] for line in order.snapshot.get("lines", []) if line["status"] != "CANCELLED"}
    if order.state != OrderState.READY or not live <= set(line_ids(order)):
        return
    outbox.drop(order=order, kinds=[OutboxKind.CHOOSE_STORES, OutboxKind.CREATE_ORDER], now=now)
    outbox.find_out(order=order, kind=OutboxKind.CREATE_ORDER, now=now)
    if order.outbox.filter(kind=OutboxKind.CREATE_ORDER, is_doubtful=True).exists():
        return
    order.mirrors.filter(state=MirrorState.PLANNED).update(state=MirrorState.DROPPED)
    rule = "Refunded before it was shipped"
    advance(order=order, to=OrderState.SKIPPED, reason=rule, now=now, skip_rule=rule, check_at=None)
    mark(order)
