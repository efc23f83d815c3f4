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
from orders.models import Order
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
    prices = [line.original_price * line.quantity for line in lines]

    def by_line(amount: int, stated: Sequence[int] = ()) -> list[int]:
        return list(stated) if stated and sum(stated) == amount else spread(amount, prices)

    def part(values: Sequence[int]) -> int:
        return sum(value for value, is_in in zip(values, chosen, strict=True) if is_in)

    sellers, platforms = _discounts(whole, lines, prices)
    shipping, fees = by_line(whole.shipping), {name: by_line(amount) for name, amount in whole.fees.items()}
    product_taxes, shipping_taxes = (
        by_line(whole.product_tax, [line.tax for line in lines]),
        by_line(whole.shipping_tax),
    )
    is_sum = whole.tax == whole.product_tax + whole.shipping_tax
    taxes = _sums(product_taxes, shipping_taxes) if is_sum else by_line(whole.tax)
    reading = read(payment=whole, lines=lines)
    goods = [
        price - by_seller - by_platform
        for price, by_seller, by_platform in zip(prices, sellers, platforms, strict=True)
    ]
    totals = _sums(goods, shipping, *fees.values(), *([] if reading.tax_included else [taxes]))
    totals = _sums(totals, spread(reading.rounding, totals))  # what costs nothing is not rounded below it
    return Payment(
        currency=whole.currency,
        product_total=part(prices),
        seller_discount=part(sellers),
        platform_discount=part(platforms),
        subtotal=part(goods),
        original_shipping=part(by_line(whole.original_shipping)),
        shipping_seller_discount=part(by_line(whole.shipping_seller_discount)),
        shipping_platform_discount=part(by_line(whole.shipping_platform_discount)),
        shipping=part(shipping),
        product_tax=part(product_taxes),
        shipping_tax=part(shipping_taxes),
        tax=part(taxes),
        fees={name: part(values) for name, values in fees.items()},
        total=part(totals),
    )


def _discounts(whole: Payment, lines: Sequence[LineItem], prices: Sequence[int]) -> tuple[list[int], list[int]]:
    """The seller's and the platform's discount by line. One that the source does not state by line is spread over what
    the other one leaves, so that no line costs less than nothing."""
    sellers, platforms = [line.seller_discount for line in lines], [line.platform_discount for line in lines]
    is_platforms_stated = sum(platforms) == whole.platform_discount
    if sum(sellers) != whole.seller_discount:
        left = _less(prices, platforms) if is_platforms_stated else prices
        sellers = spread(whole.seller_discount, left)
    if not is_platforms_stated:
        platforms = spread(whole.platform_discount, _less(prices, sellers))
    return sellers, platforms


def _less(values: Sequence[int], others: Sequence[int]) -> list[int]:
    return [max(0, value - other) for value, other in zip(values, others, strict=True)]


def _sums(*rows: Sequence[int]) -> list[int]:
    return [sum(values) for values in zip(*rows, strict=True)]


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


def items_of(order: Order, line_ids: Collection[str]) -> list[str]:
    """These lines in words: 2 × CND-FIG-08."""
    inside = [line for line in order.snapshot.get("lines", []) if line["external_id"] in line_ids]
    return counted(line["sku"].strip() or line["title"] for line in inside for _ in range(line["quantity"]))
