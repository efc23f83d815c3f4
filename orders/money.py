"""The equation that must balance to the cent. Pure; amounts are integers of minor units of one currency.

TikTok's parts (contracts read 2026-11): `sub_total` = products - seller discount - platform discount;
`shipping_fee` = original - its discounts; `total_amount` = sub_total + shipping + fees, plus tax where prices are
before tax (US). Where tax is inside the prices it is only reported.

Where these parts miss the total by no more than `ROUNDING_PER_LINE` for each line, it is rounding, and a line of its
own; anything more is no rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base.types import LineItem, OrderDraft, Payment
from orders.rules import Discounts, RouteRules, Tax

ROUNDING_PER_LINE = 1  # minor units
ROUNDING = "rounding"


class MoneyMismatch(Exception):
    """The parts do not add up to the source's total; both sums are in minor units."""

    def __init__(self, what: str, *, computed: int, stated: int) -> None:
        super().__init__(f"{what}: {computed} computed, {stated} stated")
        self.what = what
        self.computed = computed
        self.stated = stated


@dataclass(frozen=True, slots=True)
class Proof:
    """That the source's own parts make its total; `tax_included` says which reading of the tax did. `rounding` is what
    the total has more than the parts."""

    tax_included: bool
    rounding: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """How a store is to see an order's money: `discount` is what it takes off, `added_back` what TikTok pays of it,
    `left_out` the tax on top that stays at TikTok. total = TikTok's + added_back - left_out."""

    discount: int
    shipping: int
    tax: int
    tax_included: bool
    added_back: int
    left_out: int
    rounding: int
    total: int


def prove(*, payment: Payment, lines: Sequence[LineItem]) -> Proof:
    """Check every sum the source states. Raises MoneyMismatch naming the first that fails; corrects nothing."""
    bound = ROUNDING_PER_LINE * len(lines)
    _near(
        "The lines' original prices against the product total", products_of(lines), payment.product_total, bound=bound
    )
    _near(
        "Products less discounts against the subtotal",
        payment.product_total - payment.seller_discount - payment.platform_discount,
        payment.subtotal,
        bound=bound,
    )
    proof = read(payment=payment, lines=lines)
    if abs(proof.rounding) > bound:
        raise MoneyMismatch(
            "Products, shipping, fees and tax against the total",
            computed=_before_tax(payment, products_of(lines)) + payment.tax,
            stated=payment.total,
        )
    return proof


def read(*, payment: Payment, lines: Sequence[LineItem], tax_included: bool | None = None) -> Proof:
    """The reading of the tax that comes nearest to the total, on top where both do, and what is left of it. Judges
    nothing: `prove` does. `tax_included` settles the reading, for a part of an order that was proved whole."""
    before = _before_tax(payment, products_of(lines))
    inside, on_top = payment.total - before, payment.total - before - payment.tax
    if tax_included is None:
        tax_included = payment.tax == 0 or abs(inside) < abs(on_top)
    return Proof(tax_included=tax_included, rounding=inside if tax_included else on_top)


def products_of(lines: Sequence[LineItem]) -> int:
    """The lines at their original prices."""
    return sum(line.original_price * line.quantity for line in lines)


def view(payment: Payment, proof: Proof, rules: RouteRules) -> View:
    """The money as these rules want it seen. A store's own tax (Tax.STORE) is not ours to know, so none is sent."""
    is_receiving = rules.discounts is Discounts.SELLER_RECEIVES
    back_of_products = payment.platform_discount if is_receiving else 0
    back_of_shipping = payment.shipping_platform_discount if is_receiving else 0
    has_tax = rules.tax is Tax.AS_GIVEN and payment.tax > 0
    left_out = payment.tax if not has_tax and not proof.tax_included else 0
    return View(
        discount=payment.seller_discount + payment.platform_discount - back_of_products,
        shipping=payment.shipping + back_of_shipping,
        tax=payment.tax if has_tax else 0,
        tax_included=proof.tax_included and has_tax,
        added_back=back_of_products + back_of_shipping,
        left_out=left_out,
        rounding=proof.rounding,
        total=payment.total + back_of_products + back_of_shipping - left_out,
    )


def total_of(draft: OrderDraft) -> int:
    """What the draft's own lines add up to; a destination computes the same."""
    products = sum(line.unit_price * line.quantity for line in draft.lines)
    charges = sum(charge.amount for charge in draft.charges)
    taxes = 0 if draft.tax_included else sum(tax.amount for tax in draft.taxes)
    return products - draft.discount + charges + taxes


def require_balance(draft: OrderDraft) -> None:
    """Raise MoneyMismatch unless the draft's lines make its total, and nothing in it is less than nothing."""
    if total_of(draft) != draft.total:
        what = "The order's lines against TikTok's total"
        raise MoneyMismatch(what, computed=total_of(draft), stated=draft.total)
    amounts = [draft.total, draft.discount, *(line.unit_price for line in draft.lines)]
    amounts += [charge.amount for charge in draft.charges] + [tax.amount for tax in draft.taxes]
    if min(amounts) < 0:
        raise MoneyMismatch("An amount is negative", computed=min(amounts), stated=draft.total)


def _before_tax(payment: Payment, products: int) -> int:
    discounts = payment.seller_discount + payment.platform_discount
    return products - discounts + payment.shipping + sum(payment.fees.values())


def _near(what: str, computed: int, stated: int, *, bound: int) -> None:
    if abs(computed - stated) > bound:
        raise MoneyMismatch(what, computed=computed, stated=stated)
