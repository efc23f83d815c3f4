"""What the buyer paid beside what the stores were told, part by part. Pure; amounts in minor units of one currency.

Both columns add up, and differ in no total: where a rule makes a part differ, the same amount stands once more under
its own name, such as what TikTok pays back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.base.types import LineItem, Payment
from orders.money import products_of, read
from orders.sent import Sent


@dataclass(frozen=True, slots=True)
class Row:
    """One part. `store` is None while no store was told anything. `why`: in words, what it is or why it differs."""

    label: str
    source: int
    store: int | None = None
    why: str = ""
    is_counted: bool = True  # False for a tax that is inside the prices, and only reported

    @property
    def difference(self) -> int | None:
        """What the store has more than the source."""
        return None if self.store is None else self.store - self.source


@dataclass(frozen=True, slots=True)
class Comparison:
    """The parts, and the totals that they make. `paid` is the buyer's; `is_adjusted` says that ours is another."""

    rows: tuple[Row, ...]
    paid: int
    source_total: int
    store_total: int | None

    @property
    def is_adjusted(self) -> bool:
        """Whether the rules make the stores' total another than the buyer's."""
        return self.source_total != self.paid


def compare(
    *, payment: Payment, lines: Sequence[LineItem], stores: Sequence[Sent] = (), by_hand: Payment | None = None
) -> Comparison:
    """The order's payment beside what its stores were told together; `by_hand` is the share of what no store has."""
    whole, reading = _sum(stores), read(payment=payment, lines=lines)
    ours = _less(payment, by_hand) if by_hand else payment
    rows = [
        Row("Products", products_of(lines), whole.products),
        *_discounts(payment, ours, whole),
        *_shipping(payment, whole),
        *(
            Row(name.replace("_", " ").capitalize(), amount, whole.fees.get(name, 0))
            for name, amount in payment.fees.items()
            if amount
        ),
        *_tax(payment, whole, is_inside=reading.tax_included),
        *([Row("Rounding", reading.rounding, whole.rounding)] if reading.rounding else []),
    ]
    if stores:
        rows = [*_explained(rows, by_hand), *_adjustments(ours, whole, is_inside=reading.tax_included)]
    if by_hand:
        rows.append(Row("For what you ship yourself", -by_hand.total, 0, "in no store"))
    return Comparison(
        rows=tuple(rows if stores else [replace(row, store=None) for row in rows]),
        paid=payment.total,
        source_total=sum(row.source for row in rows if row.is_counted),
        store_total=sum(row.store or 0 for row in rows if row.is_counted) if stores else None,
    )


def _discounts(payment: Payment, ours: Payment, whole: Sent) -> list[Row]:
    """A store has one discount: what of it is more than the seller's is TikTok's."""
    sellers = min(whole.discount, ours.seller_discount)
    rows = []
    if payment.seller_discount:
        rows.append(Row("Seller discount", -payment.seller_discount, -sellers))
    if payment.platform_discount:
        store = -(whole.discount - sellers)
        rows.append(Row("Platform discount", -payment.platform_discount, store, "TikTok pays this back to you"))
    return rows


def _shipping(payment: Payment, whole: Sent) -> list[Row]:
    """The fee and its discounts, where they make what the buyer paid for shipping; the store has one amount."""
    parts = (payment.shipping_seller_discount, payment.shipping_platform_discount)
    store = whole.shipping
    if not any(parts) or payment.original_shipping - sum(parts) != payment.shipping:
        return [Row("Shipping", payment.shipping, store)]
    labels = ("Shipping discount by you", "Shipping discount by TikTok")
    return [
        Row("Shipping fee", payment.original_shipping, store, "The store has fee and discount in one line"),
        *(Row(label, -amount, 0) for label, amount in zip(labels, parts, strict=True) if amount),
    ]


def _tax(payment: Payment, whole: Sent, *, is_inside: bool) -> list[Row]:
    if not payment.tax:
        return []
    if is_inside:
        return [Row("Tax", payment.tax, whole.tax, "included in prices", is_counted=False)]
    return [Row("Sales tax", payment.tax, whole.tax, "Collected and remitted by TikTok")]


def _explained(rows: Sequence[Row], by_hand: Payment | None) -> list[Row]:
    said = "part of it is for what you ship" if by_hand else ""
    return [replace(row, why=said) if said and row.difference and not row.why else row for row in rows]


def _adjustments(ours: Payment, whole: Sent, *, is_inside: bool) -> list[Row]:
    """What the rules made of the total, so that both columns come to the same."""
    back = ours.seller_discount + ours.platform_discount - whole.discount + whole.shipping - ours.shipping
    kept = ours.tax - whole.tax if not is_inside else 0
    rows = [Row("Paid back by TikTok", back, 0, "Your rule adds it to the order")] if back else []
    return rows + ([Row("Tax that stays at TikTok", -kept, 0, "Your rule leaves it out")] if kept else [])


def _sum(stores: Sequence[Sent]) -> Sent:
    fees: dict[str, int] = {}
    for name, amount in (pair for each in stores for pair in each.fees.items()):
        fees[name] = fees.get(name, 0) + amount
    return Sent(
        products=sum(each.products for each in stores),
        discount=sum(each.discount for each in stores),
        shipping=sum(each.shipping for each in stores),
        fees=fees,
        tax=sum(each.tax for each in stores),
        tax_included=any(each.tax_included for each in stores),
        rounding=sum(each.rounding for each in stores),
        total=sum(each.total for each in stores),
    )


def _less(payment: Payment, share: Payment) -> Payment:
    """What of the payment is for the stores, in the parts that rules change."""
    return replace(
        payment,
        seller_discount=payment.seller_discount - share.seller_discount,
        platform_discount=payment.platform_discount - share.platform_discount,
        shipping=payment.shipping - share.shipping,
        tax=payment.tax - share.tax,
        total=payment.total - share.total,
    )
