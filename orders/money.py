"""The equation that must balance to the cent. Pure; amounts are integers of minor units of one currency.

TikTok's parts (contracts read 2026-11): `sub_total` = products - seller discount - platform discount;
`shipping_fee` = original - its discounts; `total_amount` = sub_total + shipping + fees, plus tax where prices are
before tax (US). Where tax is inside the prices it is only reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base.types import LineItem, OrderDraft, Payment


class MoneyMismatch(Exception):
    """The parts do not add up to the source's total; both sums are in minor units."""

    def __init__(self, what: str, *, computed: int, stated: int) -> None:
        super().__init__(f"{what}: {computed} computed, {stated} stated")
        self.what = what
        self.computed = computed
        self.stated = stated


@dataclass(frozen=True, slots=True)
class Proof:
    """That the source's own parts make its total; `tax_included` says which reading of the tax did."""

    tax_included: bool


def prove(*, payment: Payment, lines: Sequence[LineItem]) -> Proof:
    """Check every sum the source states. Raises MoneyMismatch naming the first that fails; corrects nothing."""
    _equal(
        "The lines' original prices against the product total",
        sum(line.original_price * line.quantity for line in lines),
        payment.product_total,
    )
    _equal(
        "Products less discounts against the subtotal",
        payment.product_total - payment.seller_discount - payment.platform_discount,
        payment.subtotal,
    )
    before_tax = payment.subtotal + payment.shipping + sum(payment.fees.values())
    if before_tax + payment.tax == payment.total:
        return Proof(tax_included=payment.tax == 0)
    if before_tax == payment.total:
        return Proof(tax_included=True)
    raise MoneyMismatch(
        "Products, shipping, fees and tax against the total",
        computed=before_tax + payment.tax,
        stated=payment.total,
    )


def total_of(draft: OrderDraft) -> int:
    """What the draft's own lines add up to; a destination computes the same."""
    products = sum(line.unit_price * line.quantity for line in draft.lines)
    charges = sum(charge.amount for charge in draft.charges)
    taxes = 0 if draft.tax_included else sum(tax.amount for tax in draft.taxes)
    return products - draft.discount + charges + taxes


def require_balance(draft: OrderDraft) -> None:
    """Raise MoneyMismatch unless the draft's lines make its total, and its total is no less than nothing."""
    _equal("The order's lines against TikTok's total", total_of(draft), draft.total)
    if draft.total < 0 or draft.discount < 0 or any(line.unit_price < 0 for line in draft.lines):
        raise MoneyMismatch("An amount is negative", computed=draft.total, stated=draft.total)


def _equal(what: str, computed: int, stated: int) -> None:
    if computed != stated:
        raise MoneyMismatch(what, computed=computed, stated=stated)
