"""A part of an order with its own money, for an order that goes to several stores. Pure.

Every amount of the order is given to its lines first: as the source states it by line, where those sums agree, else in
proportion to the lines' prices. A part is the sum of its lines, so that parts always add up to the order, whoever
computes which part when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from connectors.base.types import LineItem, Payment, PlatformOrder
from orders.money import read


def part_of(order: PlatformOrder, line_ids: Collection[str]) -> PlatformOrder:
    """The order with these lines only, and their share of every amount. No ids, or all of them: the order itself.

    The order's money has been proved (orders/money.py): a sum that was wrong before stays wrong in one of the parts.
    """
    chosen = [line.external_id in line_ids for line in order.lines]
    if not line_ids or all(chosen):
        return order
    lines = tuple(line for line, is_in in zip(order.lines, chosen, strict=True) if is_in)
    payment = _share(order.payment, order.lines, chosen) if order.payment else None
    return replace(order, lines=lines, payment=payment)


def rest_ids(line_ids: Iterable[str], parts: Sequence[Collection[str]]) -> list[str]:
    """Those lines that are in no part of an order: the merchant ships them by hand. A part without ids is the whole
    order; without parts nothing was shared out yet."""
    if not parts or not all(parts):
        return []
    taken = {line_id for part in parts for line_id in part}
    return [line_id for line_id in line_ids if line_id not in taken]


def counted(names: Iterable[str]) -> list[str]:
    """Equal names once, each with its number: 2 × TIN-LAV-04."""
    return [f"{count} × {name}" for name, count in Counter(names).items()]


def _share(whole: Payment, lines: Sequence[LineItem], chosen: Sequence[bool]) -> Payment:
    weights = [line.original_price * line.quantity for line in lines]

    def part(amount: int, stated: Sequence[int] | None = None) -> int:
        by_line = list(stated) if stated is not None and sum(stated) == amount else spread(amount, weights)
        return sum(value for value, is_in in zip(by_line, chosen, strict=True) if is_in)

    products = part(sum(weights), weights)
    seller_discount = part(whole.seller_discount, [line.seller_discount for line in lines])
    platform_discount = part(whole.platform_discount, [line.platform_discount for line in lines])
    subtotal = products - seller_discount - platform_discount
    shipping = part(whole.shipping)
    fees = {name: part(amount) for name, amount in whole.fees.items()}
    product_tax, shipping_tax = part(whole.product_tax, [line.tax for line in lines]), part(whole.shipping_tax)
    is_sum = whole.tax == whole.product_tax + whole.shipping_tax
    tax = product_tax + shipping_tax if is_sum else part(whole.tax)
    reading = read(payment=whole, lines=lines)
    rounding = part(reading.rounding, spread(reading.rounding, [1] * len(lines)))
    rest = rounding + (0 if reading.tax_included else tax)
    return Payment(
        currency=whole.currency,
        product_total=products,
        seller_discount=seller_discount,
        platform_discount=platform_discount,
        subtotal=subtotal,
        original_shipping=part(whole.original_shipping),
        shipping_seller_discount=part(whole.shipping_seller_discount),
        shipping_platform_discount=part(whole.shipping_platform_discount),
        shipping=shipping,
        product_tax=product_tax,
        shipping_tax=shipping_tax,
        tax=tax,
        fees=fees,
        total=subtotal + shipping + sum(fees.values()) + rest,
    )


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in whole minor units over the weights, by largest remainder, the earlier first. Sums up exactly."""
    if not sum(weights):
        weights = [1] * len(weights)
    total = sum(weights)
    shares = [divmod(amount * weight, total) for weight in weights]
    given = [share for share, _ in shares]
    order = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))
    for index in order[: amount - sum(given)]:
        given[index] += 1
    return given
