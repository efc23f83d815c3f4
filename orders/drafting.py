"""An order as its destination will receive it, or the reason why not. Pure: the dry run is this and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.base import money as amounts
from connectors.base.types import (
    Address,
    AddressState,
    DraftCharge,
    DraftLine,
    DraftTax,
    LineItem,
    OrderDraft,
    Payment,
    PlatformOrder,
)
from orders.components import sku_key as sku_key
from orders.models import Attention
from orders.money import MoneyMismatch, prove, require_balance
from orders.splitting import part_of

TAG = "TikTok Shop"
# Postal codes that a parcel cannot go without: where they have one shape, another one means that something was lost.
_POSTAL_CODES = {"US": r"\d{5}(-?\d{4})?"}
SAMPLE_TAG = "tiktok-sample"
PREORDER_TAG = "tiktok-preorder"
PART_TAG = "tiktok-part"


class Blocked(Exception):
    """The order cannot be made as it is. `code` is a stable reason, `detail` the facts that name it."""

    def __init__(self, code: Attention, detail: Mapping[str, Any]) -> None:
        super().__init__(code.value)
        self.code = code
        self.detail = dict(detail)


@dataclass(frozen=True, slots=True)
class DraftRules:
    """What a route says about its drafts. `variants` maps a source SKU to the destination's variant id;
    `shipping_titles` a delivery option, or "" for any other, to a method's title and code; `line_ids` are the lines
    that go to this store, none named meaning all."""

    destination_currency: str
    destination_label: str
    source_store_id: str
    source_store_name: str
    variants: Mapping[str, str] = field(default_factory=dict)
    ambiguous_skus: frozenset[str] = frozenset()
    shipping_titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    line_ids: frozenset[str] = frozenset()


def make_draft(order: PlatformOrder, rules: DraftRules) -> OrderDraft:
    """The draft for this order under these rules. Raises Blocked with a stable reason; invents nothing."""
    payment = _readable_payment(order)
    if rules.destination_currency and payment.currency != rules.destination_currency:
        raise Blocked(
            Attention.CURRENCY_MISMATCH,
            {"order": payment.currency, "store": rules.destination_currency, "label": rules.destination_label},
        )
    address = _released_address(order)
    live = [line for line in order.lines if line.status != "CANCELLED"]
    try:
        if len(live) != len(order.lines):
            raise MoneyMismatch("Some lines are cancelled, the amounts are of all", computed=0, stated=payment.total)
        proof = prove(payment=payment, lines=order.lines)
        part = part_of(order, rules.line_ids)
        payment, live = part.payment or payment, list(part.lines)
        draft = OrderDraft(
            source_external_id=order.external_id,
            source_store_id=rules.source_store_id,
            source_store_name=rules.source_store_name,
            source_url="",
            created_at=order.created_at,
            currency=payment.currency,
            buyer_id=order.buyer_id,
            email=order.buyer_email,
            phone=address.phone,
            address=address,
            lines=_grouped(live, rules),
            discount=payment.seller_discount + payment.platform_discount,
            charges=_charges(part, payment, rules),
            taxes=_taxes(payment, tax_included=proof.tax_included),
            tax_included=proof.tax_included and payment.tax > 0,
            total=payment.total,
            tags=_tags(order, is_part=part is not order),
            note=_note(order, is_part=part is not order),
            attributes=_attributes(order, part, payment),
        )
        require_balance(draft)
    except MoneyMismatch as error:
        raise Blocked(
            Attention.MONEY_MISMATCH,
            {
                "what": error.what,
                "computed": amounts.to_text(error.computed, payment.currency),
                "stated": amounts.to_text(error.stated, payment.currency),
                "currency": payment.currency,
            },
        ) from error
    return draft


def _readable_payment(order: PlatformOrder) -> Payment:
    if not order.lines:
        raise Blocked(Attention.UNREADABLE, {"problems": [*order.problems, "The order has no lines"]})
    if order.payment is None:
        raise Blocked(Attention.MONEY_MISMATCH, {"what": "; ".join(order.problems) or "No amounts were sent"})
    return order.payment


def _released_address(order: PlatformOrder) -> Address:
    if order.address is None or order.address_state is not AddressState.COMPLETE:
        raise Blocked(Attention.ADDRESS_NOT_RELEASED, {"state": order.address_state.value})
    address = order.address
    pattern = _POSTAL_CODES.get(address.country_code.upper(), ".*")
    if not re.fullmatch(pattern, address.postal_code.strip()):
        said = address.postal_code or "nothing"
        message = f"The postal code is {said}, which is none in {address.country_code}; a leading zero may be lost"
        raise Blocked(Attention.ADDRESS_INVALID, {"message": message})
    return address


def _grouped(lines: Sequence[LineItem], rules: DraftRules) -> tuple[DraftLine, ...]:
    """One TikTok line is one unit: equal SKU, variant and price become one line that remembers all ids."""
    missing = [line for line in lines if sku_key(line.sku) not in rules.variants]
    if missing:
        line = missing[0]
        raise Blocked(
            Attention.NOT_LINKED,
            {
                "sku": line.sku.strip(),
                "title": line.title,
                "variant": line.variant_title,
                "lines": len({sku_key(each.sku) or each.external_id for each in missing}),
                "is_ambiguous": sku_key(line.sku) in rules.ambiguous_skus,
                "label": rules.destination_label,
            },
        )
    groups: dict[tuple[str, int, bool, str], list[LineItem]] = {}
    for line in lines:
        groups.setdefault((sku_key(line.sku), line.original_price, line.is_gift, line.variant_id), []).append(line)
    return tuple(
        DraftLine(
            variant_id=rules.variants[key[0]],
            sku=members[0].sku.strip(),
            title=members[0].title,
            variant_title=members[0].variant_title,
            quantity=sum(member.quantity for member in members),
            unit_price=key[1],
            source_line_ids=tuple(member.external_id for member in members),
            is_gift=key[2],
        )
        for key, members in groups.items()
    )


def _charges(order: PlatformOrder, payment: Payment, rules: DraftRules) -> tuple[DraftCharge, ...]:
    """Shipping always has a line, so that the store has a method even at 0; fees follow, each under its own name."""
    default = (order.delivery_option_name or "TikTok Shop shipping", order.delivery_option_id)
    titles = rules.shipping_titles
    title, code = titles.get(order.delivery_option_id) or titles.get("") or default
    fees = (
        DraftCharge(title=name.replace("_", " ").capitalize(), code=name, amount=amount)
        for name, amount in payment.fees.items()
        if amount
    )
    return (DraftCharge(title=title, code=code, amount=payment.shipping), *fees)


def _taxes(payment: Payment, *, tax_included: bool) -> tuple[DraftTax, ...]:
    if not payment.tax:
        return ()
    base = payment.subtotal + payment.shipping - (payment.tax if tax_included else 0)
    rate = Decimal(payment.tax) / Decimal(base) if base > 0 else Decimal(0)
    text = f"{rate.quantize(Decimal('0.000001'), ROUND_HALF_UP):f}"
    title = "Tax, included in prices" if tax_included else "Sales tax, collected by TikTok Shop"
    return (DraftTax(title=title, rate=text, amount=payment.tax),)


def _tags(order: PlatformOrder, *, is_part: bool) -> tuple[str, ...]:
    facts = {SAMPLE_TAG: order.is_sample, PREORDER_TAG: order.is_preorder, PART_TAG: is_part}
    return (TAG, *(tag for tag, is_so in facts.items() if is_so))


def _note(order: PlatformOrder, *, is_part: bool) -> str:
    lines = [f"TikTok Shop order {order.external_id}"]
    if is_part:
        lines.append("A part of it; the other items are sent from elsewhere")
    if order.is_sample:
        lines.append("Free sample")
    if order.buyer_message.strip():
        lines.append(f"Buyer's message: {order.buyer_message.strip()}")
    return "\n".join(lines)


def _attributes(order: PlatformOrder, part: PlatformOrder, payment: Payment) -> tuple[tuple[str, str], ...]:
    def text(amount: int) -> str:
        return amounts.to_text(amount, payment.currency)

    found = [("TikTok order id", order.external_id)]
    if part is not order:
        found.append(("Part of the order", f"{len(part.lines)} of {len(order.lines)} units"))
    if order.ship_by:
        found.append(("Ship by", order.ship_by.strftime("%Y-%m-%d %H:%M UTC")))
    if order.deliver_by:
        found.append(("Deliver by", order.deliver_by.strftime("%Y-%m-%d %H:%M UTC")))
    parts = {
        "Seller discount": payment.seller_discount,
        "Platform discount, paid back by TikTok": payment.platform_discount,
        "Shipping before discounts": payment.original_shipping if payment.original_shipping != payment.shipping else 0,
        "Shipping discount by seller": payment.shipping_seller_discount,
        "Shipping discount by platform": payment.shipping_platform_discount,
        "Product tax": payment.product_tax,
        "Shipping tax": payment.shipping_tax,
    }
    found += [(name, f"{text(amount)} {payment.currency}") for name, amount in parts.items() if amount]
    if order.is_sample:
        found.append(("Free sample", "yes"))
    return tuple(found)
