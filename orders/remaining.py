"""What is left of an order of which some lines are cancelled: the other lines, and money that makes the source's total
less what was refunded; the same for one store's part of it. Pure, but for the look-up at the end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.base.errors import TemporaryError
from connectors.base.types import LineItem, Payment, PlatformOrder
from orders.models import MirrorState, Order
from orders.money import MoneyMismatch, products_of, prove
from orders.refunded import Refunded, line_by_line, refunds_of
from orders.splitting import part_of, rest_ids, spread

CANCELLED = "CANCELLED"
LOOK_AGAIN = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of an order, and of one store's part of it."""

    order: PlatformOrder
    part: PlatformOrder


def is_whole(seen: PlatformOrder) -> bool:
    """Whether no line of the reading is cancelled."""
    return all(line.status != CANCELLED for line in seen.lines)


def without(seen: PlatformOrder, line_ids: Collection[str]) -> PlatformOrder:
    """The order with these lines counted as cancelled."""
    if not line_ids:
        return seen
    lines = (replace(line, status=CANCELLED) if line.external_id in line_ids else line for line in seen.lines)
    return replace(seen, lines=tuple(lines))


def remaining(
    seen: PlatformOrder, refunds: Sequence[Refunded], *, line_ids: Collection[str] = (), dead: Collection[str] = ()
) -> Left:
    """The order without its cancelled lines, and the part of these lines. Raises MoneyMismatch where the refund of a
    cancelled line is not known, or where what is left of the money does not balance; corrects nothing.

    The part is shared out as it was bought and its own refunds are taken from it: so the parts add up to what is left
    of the order, however much was cancelled between the making of one and of another. `dead` are the lines of parts
    that no store gets: what was not refunded with those is shared out among the others.
    """
    live = _live(seen.lines)
    if seen.payment is None or len(live) == len(seen.lines):
        left = replace(seen, lines=live)
        return Left(left, part_of(left, line_ids))
    bought: PlatformOrder | None = seen
    if _is_balanced(seen.payment, seen.lines):
        left = replace(seen, lines=live, payment=_less(seen.payment, live, seen.lines, refunds))
    else:  # then the source states the amounts of what is left
        left, bought = replace(seen, lines=live), _as_bought(seen, live, refunds)
    assert left.payment is not None
    prove(payment=left.payment, lines=live)
    part = _part(bought, refunds, line_ids, dead) if bought and line_ids else None
    return Left(left, part or part_of(left, line_ids))


def _part(
    bought: PlatformOrder, refunds: Sequence[Refunded], line_ids: Collection[str], dead: Collection[str]
) -> PlatformOrder | None:
    """None where an amount of what is left would be less than nothing: the source shared out otherwise than we."""
    single = [each for refund in refunds for each in line_by_line(refund, bought)]
    part = part_of(_take(bought, dead, _of(single, dead)), line_ids)
    own = [line.external_id for line in part.lines]
    gone = [line.external_id for line in part.lines if line.status == CANCELLED]
    part = _take(part, gone, _of(single, own))
    paid = part.payment
    assert paid is not None
    least = min(paid.seller_discount, paid.shipping, paid.tax, paid.total, *paid.fees.values())
    return part if least >= 0 else None


def _as_bought(seen: PlatformOrder, live: Sequence[LineItem], refunds: Sequence[Refunded]) -> PlatformOrder | None:
    """The order before its refunds, whose source states what is left; None where they are not known."""
    assert seen.payment is not None
    if any(line.status == CANCELLED and line.external_id not in _known(refunds) for line in seen.lines):
        return None
    back = [
        Refunded(
            each.line_ids,
            total=-each.total,
            subtotal=-each.subtotal,
            shipping=-each.shipping,
            tax=-each.tax,
            fees=-each.fees,
        )
        for each in refunds
    ]
    payment = _less(seen.payment, seen.lines, live, back)
    return replace(seen, payment=payment) if _is_balanced(payment, seen.lines) else None


def _live(lines: Sequence[LineItem]) -> tuple[LineItem, ...]:
    return tuple(line for line in lines if line.status != CANCELLED)


def _is_balanced(payment: Payment, lines: Sequence[LineItem]) -> bool:
    try:
        prove(payment=payment, lines=lines)
    except MoneyMismatch:
        return False
    return True


def _less(whole: Payment, live: Sequence[LineItem], lines: Sequence[LineItem], refunds: Sequence[Refunded]) -> Payment:
    gone = {line.external_id for line in lines} - {line.external_id for line in live}
    total = whole.total - sum(refund.total for refund in refunds)
    if not gone <= _known(refunds):
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


def _known(refunds: Sequence[Refunded]) -> set[str]:
    return {line_id for refund in refunds for line_id in refund.line_ids}


def _fees_less(fees: Mapping[str, int], back: int) -> dict[str, int]:
    names = list(fees)
    parts = spread(back, [fees[name] for name in names]) if back and names else [0] * len(names)
    return {name: fees[name] - part for name, part in zip(names, parts, strict=True)}


def _take(order: PlatformOrder, gone: Collection[str], refunds: Sequence[Refunded]) -> PlatformOrder:
    """The order without these lines, and without what was refunded."""
    if not gone and not refunds:
        return order
    assert order.payment is not None
    kept = tuple(line for line in order.lines if line.external_id not in gone)
    return replace(order, lines=kept, payment=_less(order.payment, kept, order.lines, refunds))


def _of(single: Sequence[Refunded], line_ids: Collection[str]) -> list[Refunded]:
    return [each for each in single if each.line_ids[0] in line_ids]


def remaining_of(order: Order, seen: PlatformOrder, *, line_ids: Collection[str] = ()) -> Left:
    """`remaining` with what was read of this order's refunds, in merchant_rows. Raises MoneyMismatch; TemporaryError
    while the refund of a cancelled line is still to be read."""
    refunds = refunds_of(order)
    gone = {line.external_id for line in seen.lines if line.status == CANCELLED}
    try:
        return remaining(seen, refunds, line_ids=line_ids, dead=_dead(order, gone) if line_ids else ())
    except MoneyMismatch:
        if gone <= _known(refunds):
            raise
        what = "Some items were cancelled, and what was refunded for them is not read yet"
        raise TemporaryError(what, retry_after=LOOK_AGAIN) from None


def _dead(order: Order, gone: set[str]) -> set[str]:
    """The lines of those parts of which nothing is wanted any more. Once a store has its part there are none: what it
    got was shared out with them."""
    parts = list(order.mirrors.values_list("line_ids", flat=True))
    if order.mirrors.exclude(state__in=[MirrorState.PLANNED, MirrorState.DROPPED]).exists():
        return set()
    all_ids = [line["external_id"] for line in order.snapshot.get("lines", [])]
    return {line_id for part in (*parts, rest_ids(all_ids, parts)) if gone.issuperset(part) for line_id in part}
