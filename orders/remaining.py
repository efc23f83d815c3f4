"""What is left of an order of which some lines are cancelled: the other lines, and money that makes the source's total
less what was refunded. Pure, but for the look-up at the end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.base.errors import TemporaryError
from connectors.base.types import LineItem, Payment, PlatformOrder
from orders import unsent
from orders.models import Cancellation, CancellationStatus, Order, Return
from orders.money import MoneyMismatch, products_of, prove
from orders.splitting import spread

CANCELLED = "CANCELLED"
LOOK_AGAIN = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Refunded:
    """What the buyer got back for these lines, in minor units."""

    line_ids: tuple[str, ...]
    total: int
    subtotal: int
    shipping: int
    tax: int
    fees: int


def is_whole(seen: PlatformOrder) -> bool:
    """Whether no line of the reading is cancelled."""
    return all(line.status != CANCELLED for line in seen.lines)


def without(seen: PlatformOrder, line_ids: Collection[str]) -> PlatformOrder:
    """The order with these lines counted as cancelled."""
    if not line_ids:
        return seen
    lines = (replace(line, status=CANCELLED) if line.external_id in line_ids else line for line in seen.lines)
    return replace(seen, lines=tuple(lines))


def remaining(seen: PlatformOrder, refunds: Sequence[Refunded]) -> PlatformOrder:
    """The order without its cancelled lines. Raises MoneyMismatch where their refund is not known, or where what is
    left of the money does not balance; corrects nothing."""
    live = tuple(line for line in seen.lines if line.status != CANCELLED)
    if len(live) == len(seen.lines) or seen.payment is None:
        return replace(seen, lines=live)
    try:
        prove(payment=seen.payment, lines=seen.lines)
    except MoneyMismatch:  # then the source states the amounts of what is left
        prove(payment=seen.payment, lines=live)
        return replace(seen, lines=live)
    payment = _less(seen.payment, live, seen.lines, refunds)
    prove(payment=payment, lines=live)
    return replace(seen, lines=live, payment=payment)


def _less(whole: Payment, live: Sequence[LineItem], lines: Sequence[LineItem], refunds: Sequence[Refunded]) -> Payment:
    gone = {line.external_id for line in lines} - {line.external_id for line in live}
    known = {line_id for refund in refunds for line_id in refund.line_ids}
    total = whole.total - sum(refund.total for refund in refunds)
    if not gone <= known:
        what = "Some items are cancelled, and what was refunded for them is not known"
        raise MoneyMismatch(what, computed=whole.total, stated=whole.total)
    products = products_of(live)
    subtotal = whole.subtotal - sum(refund.subtotal for refund in refunds)
    shipping_back = sum(refund.shipping for refund in refunds)
    tax_back = sum(refund.tax for refund in refunds)
    discount = products - subtotal
    platform = min(max(discount, 0), sum(line.platform_discount for line in live))
    return replace(
        whole,
        product_total=products,
        seller_discount=discount - platform,
        platform_discount=platform,
        subtotal=subtotal,
        original_shipping=whole.original_shipping - shipping_back,
        shipping=whole.shipping - shipping_back,
        product_tax=whole.product_tax - tax_back,
        tax=whole.tax - tax_back,
        fees=_fees_less(whole.fees, sum(refund.fees for refund in refunds)),
        total=total,
    )


def _fees_less(fees: Mapping[str, int], back: int) -> dict[str, int]:
    names = list(fees)
    parts = spread(back, [fees[name] for name in names]) if back and names else [0] * len(names)
    return {name: fees[name] - part for name, part in zip(names, parts, strict=True)}


def refunds_of(order: Order) -> list[Refunded]:
    """What was refunded for cancelled lines of this order, or for those paid back before they left, as far as it was
    read, in merchant_rows."""
    done = (CancellationStatus.AGREED, CancellationStatus.REFUNDED)
    found: list[Refunded] = []
    cases: list[Cancellation | Return] = [case for case in unsent.cases(order) if unsent.lines_of(order, case)]
    for each in [*Cancellation.objects.filter(order=order, status__in=done).order_by("created_at", "pk"), *cases]:
        if each.refund and each.lines:
            parts = {name: each.refund.get(name, 0) for name in ("total", "subtotal", "shipping", "tax", "fees")}
            found.append(Refunded(line_ids=tuple(str(line["line_id"]) for line in each.lines), **parts))
    return found


def remaining_of(order: Order, seen: PlatformOrder) -> PlatformOrder:
    """`remaining` with what was read of this order's refunds, in merchant_rows. Raises MoneyMismatch; TemporaryError
    while the refund of a cancelled line is still to be read."""
    refunds = refunds_of(order)
    known = {line_id for refund in refunds for line_id in refund.line_ids}
    try:
        return remaining(seen, refunds)
    except MoneyMismatch:
        gone = {line.external_id for line in seen.lines if line.status == CANCELLED}
        if gone <= known:
            raise
        what = "Some items were cancelled, and what was refunded for them is not read yet"
        raise TemporaryError(what, retry_after=LOOK_AGAIN) from None
