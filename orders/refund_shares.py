"""How much of a refund falls on which lines, and what that is in a store whose total was made otherwise. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.types import PlatformOrder
from orders.models import Mirror
from orders.money import read
from orders.sent import Sent
from orders.splitting import part_of, spread


@dataclass(frozen=True, slots=True)
class Share:
    """What one store is told of a refund, in minor units of the order's currency; `by_line`, by the source's lines, is
    without the shipping."""

    amount: int
    shipping: int
    by_line: Mapping[str, int]

    def within(self, amount: int) -> Share:
        """The same with no more than this amount: shipping gives way first, then the lines in proportion."""
        ids, own = list(self.by_line), list(self.by_line.values())
        if sum(own) > amount:
            own = spread(amount, own)
        return Share(amount, min(self.shipping, amount - sum(own)), dict(zip(ids, own, strict=True)))


def share_of(
    *, case_lines: Sequence[Mapping[str, Any]], refund: Mapping[str, Any], seen: PlatformOrder, chosen: Collection[str]
) -> Share:
    """The part of a refund that falls on the `chosen` lines. Pure; all shares of a case add up to its total.

    A line's own refund is its own, where all are told; what is left over, such as shipping, goes by their weights.
    Where the lines' own refunds hold the shipping already, as TikTok Shop's do, it is taken out of them.
    """
    prices = {line.external_id: line.sale_price * line.quantity for line in seen.lines}
    ids = [str(line["line_id"]) for line in case_lines] or list(prices)
    told = [line.get("refund") for line in case_lines]
    total, shipping = int(refund["total"]), int(refund.get("shipping", 0))
    weights = [prices.get(line_id, 0) for line_id in ids]
    own = [int(each) for each in told if each is not None]
    if not told or len(own) < len(told) or sum(own) > total:
        own = spread(total, weights)
    rest = spread(total - sum(own), own)
    freight = spread(shipping, own)
    held = spread(max(0, shipping - (total - sum(own))), own)
    inside = [index for index, line_id in enumerate(ids) if line_id in chosen]
    return Share(
        amount=sum(own[index] + rest[index] for index in inside),
        shipping=sum(freight[index] for index in inside),
        by_line={ids[index]: own[index] - held[index] for index in inside},
    )


def in_store_money(share: Share, *, refund: Mapping[str, Any], seen: PlatformOrder, mirror: Mirror) -> int:
    """The share as the store's total was made: less the tax that stayed at the source, and with the platform's part of
    the discounts where that was added back. Pure."""
    sent = Sent.kept(mirror)
    part = part_of(seen, mirror.line_ids)
    total = int(refund["total"])
    if sent is None or part.payment is None or not total:
        return share.amount
    paid, amount = part.payment, share.amount
    tax_back, by_platform = int(refund.get("tax", 0)), int(refund.get("by_platform", 0))
    if paid.tax and not sent.tax and not read(payment=paid, lines=part.lines).tax_included:
        amount -= min(tax_back * share.amount // total, amount)
    if sent.discount < paid.seller_discount + paid.platform_discount:
        amount += by_platform * share.amount // total
    return amount
