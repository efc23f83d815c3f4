"""What a buyer got back for items that do not go to a store any more: as it was read, and line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base.types import LineItem, PlatformOrder
from orders import unsent
from orders.models import Cancellation, CancellationStatus, Order, Return
from orders.splitting import spread


@dataclass(frozen=True, slots=True)
class Refunded:
    """What the buyer got back for these lines, in minor units. `by_line`: their totals, where all are told."""

    line_ids: tuple[str, ...]
    total: int
    subtotal: int
    shipping: int
    tax: int
    fees: int
    by_line: tuple[int, ...] = ()


def refunds_of(order: Order) -> list[Refunded]:
    """What was refunded for cancelled lines of this order, or for those paid back before they left, as far as it was
    read, in merchant_rows."""
    done = (CancellationStatus.AGREED, CancellationStatus.REFUNDED)
    found: list[Refunded] = []
    cases: list[Cancellation | Return] = [case for case in unsent.cases(order) if unsent.lines_of(order, case)]
    for each in [*Cancellation.objects.filter(order=order, status__in=done).order_by("created_at", "pk"), *cases]:
        if each.refund and each.lines:
            parts = {name: each.refund.get(name, 0) for name in ("total", "subtotal", "shipping", "tax", "fees")}
            told = [line.get("refund") for line in each.lines]
            by_line = tuple(int(amount) for amount in told if amount is not None)
            found.append(
                Refunded(
                    line_ids=tuple(str(line["line_id"]) for line in each.lines),
                    by_line=by_line if len(by_line) == len(told) else (),
                    **parts,
                )
            )
    return found


def line_by_line(refund: Refunded, bought: PlatformOrder) -> list[Refunded]:
    """The refund line by line, adding up to it: prices and taxes as the lines have them where these make the sums,
    totals as they were told; what is left of a line's total is its shipping. What is not told goes by what the line has
    of the order's, so that no line gets more back than it has."""
    assert bought.payment is not None
    known = {line.external_id: line for line in bought.lines}
    inside = [known.get(line_id) for line_id in refund.line_ids]
    prices = [line.sale_price * line.quantity if line else 0 for line in inside]
    subtotals = _stated(refund.subtotal, prices, prices)
    taxes = _stated(refund.tax, [line.tax if line else 0 for line in inside], prices)
    fees = spread(refund.fees, _had(sum(bought.payment.fees.values()), bought.lines, refund.line_ids))
    before = refund.subtotal + refund.shipping + refund.fees
    is_on_top = abs(refund.total - before - refund.tax) < abs(refund.total - before)
    goods = [sum(each) for each in zip(subtotals, fees, taxes if is_on_top else [0] * len(taxes), strict=True)]
    totals = list(refund.by_line)
    if not totals or sum(totals) != refund.total:
        had = _had(bought.payment.shipping, bought.lines, refund.line_ids)
        totals = [sum(each) for each in zip(goods, spread(refund.total - sum(goods), had), strict=True)]
    return [
        Refunded((line_id,), total=total, subtotal=subtotal, shipping=total - without_shipping, tax=tax, fees=fee)
        for line_id, total, subtotal, without_shipping, tax, fee in zip(
            refund.line_ids, totals, subtotals, goods, taxes, fees, strict=True
        )
    ]


def _had(amount: int, lines: Sequence[LineItem], line_ids: Sequence[str]) -> list[int]:
    shares = spread(amount, [line.original_price * line.quantity for line in lines])
    by_id = {line.external_id: share for line, share in zip(lines, shares, strict=True)}
    return [by_id.get(line_id, 0) for line_id in line_ids]


def _stated(amount: int, stated: Sequence[int], weights: Sequence[int]) -> list[int]:
    return list(stated) if sum(stated) == amount else spread(amount, weights)
