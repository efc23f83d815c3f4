"""An order as its destination will receive it, or the reason why not. Pure: the dry run is this and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.base import money as amounts
from connectors.base.connector import Features
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
    Shipper,
    Stock,
)
from orders.availability import not_available
from orders.components import Component, divided, is_plain, sku_key
from orders.models import Attention
from orders.money import ROUNDING, MoneyMismatch, View, prove, read, require_balance, view
from orders.notes import attributes_of, note_of, tags_of
from orders.rules import Email, RouteRules, Unlinked, Unmapped, Warehoused
from orders.splitting import part_of

# Postal codes that a parcel cannot go without: where they have one shape, another one means that something was lost.
_POSTAL_CODES = {"US": r"\d{5}(-?\d{4})?"}


class Blocked(Exception):
    """The order cannot be made as it is. `code` is a stable reason, `detail` the facts that name it."""

    def __init__(self, code: Attention, detail: Mapping[str, Any]) -> None:
        super().__init__(code.value)
        self.code = code
        self.detail = dict(detail)


@dataclass(frozen=True, slots=True)
class DraftRules:
    """What a route says about its drafts. `variants` maps a source SKU (`sku_key`, as the rules compare it) to what
    stands for it at the destination; `shipping_titles` a delivery option, or "" for any other, to a method's title and
    code; `line_ids` are the lines that go to this store, none named meaning all. `is_on_hold`: the source holds the
    order, so that it is made without buyer and payment, and filled in later. `group` is a tag that orders of one parcel
    share."""

    destination_currency: str
    destination_label: str
    source_store_id: str
    source_store_name: str
    variants: Mapping[str, tuple[Component, ...]] = field(default_factory=dict)
    ambiguous_skus: frozenset[str] = frozenset()
    shipping_titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    line_ids: frozenset[str] = frozenset()
    rules: RouteRules = field(default_factory=RouteRules)
    features: Features = field(default_factory=Features)
    is_on_hold: bool = False
    group: str = ""

    def key(self, sku: str) -> str:
        """How this route compares SKUs."""
        return sku_key(sku, case_matters=self.rules.sku_case_matters)


def make_draft(order: PlatformOrder, rules: DraftRules, *, part: PlatformOrder | None = None) -> OrderDraft:
    """The draft for this order under these rules. `part` is the store's part, where it is not just the share of the
    rules' lines in the order. Raises Blocked with a stable reason; invents nothing."""
    payment = _readable_payment(order)
    if rules.destination_currency and payment.currency != rules.destination_currency:
        raise Blocked(
            Attention.CURRENCY_MISMATCH,
            {"order": payment.currency, "store": rules.destination_currency, "label": rules.destination_label},
        )
    address = _released_address(order, rules)
    try:
        if any(line.status == "CANCELLED" for line in order.lines):
            raise MoneyMismatch("Some lines are cancelled, the amounts are of all", computed=0, stated=payment.total)
        proof = prove(payment=payment, lines=order.lines)
        part = part or part_of(order, rules.line_ids)
        paid = part.payment or payment
        seen = view(paid, read(payment=paid, lines=part.lines, tax_included=proof.tax_included), rules.rules)
        draft = _draft(order, part, paid, seen, address, rules)
        require_balance(draft)
    except MoneyMismatch as error:
        raise blocked_by(error, currency=payment.currency) from error
    return draft


def blocked_by(error: MoneyMismatch, *, currency: str) -> Blocked:
    """Why the order cannot be made, where its money does not balance."""
    sums = {"computed": error.computed, "stated": error.stated}
    facts = {name: amounts.to_text(amount, currency) for name, amount in sums.items()}
    return Blocked(Attention.MONEY_MISMATCH, {"what": error.what, **facts, "currency": currency})


def _draft(
    order: PlatformOrder, part: PlatformOrder, paid: Payment, seen: View, address: Address | None, rules: DraftRules
) -> OrderDraft:
    said, is_part, is_unmapped = rules.rules, len(part.lines) < len(order.lines), _is_unmapped(part, rules)
    number = f"{said.number_prefix}{order.external_id}" if said.number_prefix else ""
    custom = _custom_lines(part.lines, rules)
    location = said.locations.get(order.warehouse_id) or said.default_location
    made = {"Tax kept by TikTok Shop": seen.left_out, "Rounding": seen.rounding}
    more = {"Order number": "" if rules.features.numbers else number}
    more["Ship from"] = "" if rules.features.locations else location
    return OrderDraft(
        source_external_id=order.external_id,
        source_store_id=rules.source_store_id,
        source_store_name=rules.source_store_name,
        source_url="",
        created_at=order.created_at,
        currency=paid.currency,
        buyer_id=order.buyer_id,
        email=_email(order, rules),
        phone=address.phone if address else "",
        address=address,
        lines=_grouped(part.lines, rules),
        discount=seen.discount + max(0, -seen.rounding),
        charges=_charges(part, paid, seen, rules),
        taxes=_taxes(paid, seen),
        tax_included=seen.tax_included,
        total=seen.total,
        tags=tags_of(
            order,
            said,
            is_part=is_part,
            is_unmapped=is_unmapped and said.unmapped_shipping is Unmapped.FLAG,
            is_on_hold=rules.is_on_hold,
            group=rules.group,
        ),
        note=note_of(order, template=said.note, shop=rules.source_store_name, is_part=is_part),
        attributes=attributes_of(order, part, paid, amounts=made, texts=more),
        number=number,
        is_own_email=said.email is Email.FIXED,
        is_on_hold=rules.is_on_hold,
        stock=_stock(order, said),
        rounding=seen.rounding,
        location_id=location,
        remarks=not_available(said, rules.features, label=rules.destination_label) + custom,
    )


def _readable_payment(order: PlatformOrder) -> Payment:
    if not order.lines:
        raise Blocked(Attention.UNREADABLE, {"problems": [*order.problems, "The order has no lines"]})
    if order.payment is None:
        raise Blocked(Attention.MONEY_MISMATCH, {"what": "; ".join(order.problems) or "No amounts were sent"})
    return order.payment


def _released_address(order: PlatformOrder, rules: DraftRules) -> Address | None:
    """None where the merchant does not ship it, or does not yet."""
    if order.shipper is not Shipper.SELLER or rules.is_on_hold:
        return None
    if order.address is None or order.address_state is not AddressState.COMPLETE:
        raise Blocked(Attention.ADDRESS_NOT_RELEASED, {"state": order.address_state.value})
    address = order.address
    pattern = _POSTAL_CODES.get(address.country_code.upper(), ".*")
    if not re.fullmatch(pattern, address.postal_code.strip()):
        said = address.postal_code or "nothing"
        message = f"The postal code is {said}, which is none in {address.country_code}; a leading zero may be lost"
        raise Blocked(Attention.ADDRESS_INVALID, {"message": message})
    return address


def _email(order: PlatformOrder, rules: DraftRules) -> str:
    if rules.is_on_hold or rules.rules.email is Email.NONE:
        return ""
    return rules.rules.fixed_email.strip() if rules.rules.email is Email.FIXED else order.buyer_email


def _grouped(lines: Sequence[LineItem], rules: DraftRules) -> tuple[DraftLine, ...]:
    """One TikTok line is one unit: equal SKU, variant and price become one line that remembers all ids."""
    _require_links(lines, rules)
    groups: dict[tuple[str, int, int, bool, str], list[LineItem]] = {}
    for line in lines:
        key = (rules.key(line.sku), line.original_price, line.quantity, line.is_gift, line.variant_id)
        if not rules.variants.get(key[0]):
            key = (f"{key[0]} {line.title}", *key[1:])  # without a product, only the same title is the same thing
        groups.setdefault(key, []).append(line)
    return tuple(made for members in groups.values() for made in _lines_of(members, rules))


def _lines_of(members: Sequence[LineItem], rules: DraftRules) -> list[DraftLine]:
    """The store's lines for some equal lines of the source's: one, or several for what is made of components."""
    first, units = members[0], sum(member.quantity for member in members)
    sku = first.sku.strip()
    linked = rules.variants.get(rules.key(sku), ()) or (Component(variant_id="", sku=sku),)
    is_same = is_plain(linked)
    return [
        DraftLine(
            variant_id=component.variant_id,
            sku=sku if is_same else component.sku or component.variant_id,
            title=first.title if is_same else component.title or first.title,
            variant_title=first.variant_title if is_same else "",
            quantity=each * units,
            unit_price=unit_price,
            source_line_ids=tuple(member.external_id for member in members),
            is_gift=first.is_gift,
        )
        for component, each, unit_price in divided(first.original_price, linked)
    ]


def _require_links(lines: Sequence[LineItem], rules: DraftRules) -> None:
    missing = [line for line in lines if not rules.variants.get(rules.key(line.sku))]
    if _may_be_custom(rules):
        missing = [line for line in missing if rules.key(line.sku) in rules.ambiguous_skus]
    if missing:
        line = missing[0]
        raise Blocked(
            Attention.NOT_LINKED,
            {
                "sku": line.sku.strip(),
                "title": line.title,
                "variant": line.variant_title,
                "lines": len({rules.key(each.sku) or each.external_id for each in missing}),
                "is_ambiguous": rules.key(line.sku) in rules.ambiguous_skus,
                "label": rules.destination_label,
            },
        )


def _may_be_custom(rules: DraftRules) -> bool:
    return rules.rules.unlinked is Unlinked.CUSTOM_LINE and rules.features.custom_lines


def _custom_lines(lines: Sequence[LineItem], rules: DraftRules) -> tuple[str, ...]:
    skus = dict.fromkeys(
        line.sku.strip() or line.title for line in lines if not rules.variants.get(rules.key(line.sku))
    )
    return (f"Not linked, so without a product in the store: {', '.join(skus)}",) if skus else ()


def _is_unmapped(order: PlatformOrder, rules: DraftRules) -> bool:
    """Whether the buyer's delivery option has no method of its own. Raises Blocked where the route wants one."""
    option = order.delivery_option_id
    is_so = bool(option) and option not in rules.shipping_titles
    if is_so and rules.rules.unmapped_shipping is Unmapped.BLOCK:
        named = {"option": order.delivery_option_name or option, "label": rules.destination_label}
        raise Blocked(Attention.SHIPPING_UNMAPPED, named)
    return is_so


def _charges(order: PlatformOrder, paid: Payment, seen: View, rules: DraftRules) -> tuple[DraftCharge, ...]:
    """Shipping always has a line, so that the store has a method even at 0; fees follow, each under its own name."""
    default = (order.delivery_option_name or "TikTok Shop shipping", order.delivery_option_id)
    titles = rules.shipping_titles
    title, code = titles.get(order.delivery_option_id) or titles.get("") or default
    named = [*paid.fees.items(), (ROUNDING, max(0, seen.rounding))]
    fees = (
        DraftCharge(title=name.replace("_", " ").capitalize(), code=name, amount=amount)
        for name, amount in named
        if amount
    )
    return (DraftCharge(title=title, code=code, amount=seen.shipping), *fees)


def _taxes(paid: Payment, seen: View) -> tuple[DraftTax, ...]:
    if not seen.tax:
        return ()
    base = paid.subtotal + paid.shipping - (seen.tax if seen.tax_included else 0)
    rate = Decimal(seen.tax) / Decimal(base) if base > 0 else Decimal(0)
    text = f"{rate.quantize(Decimal('0.000001'), ROUND_HALF_UP):f}"
    title = "Tax, included in prices" if seen.tax_included else "Sales tax, collected by TikTok Shop"
    return (DraftTax(title=title, rate=text, amount=seen.tax),)


def _stock(order: PlatformOrder, rules: RouteRules) -> Stock:
    """What TikTok's own warehouse ships is not taken from the store's stock, unless the merchant says so."""
    if order.shipper is Shipper.PLATFORM_WAREHOUSE:
        return Stock.DEDUCT if rules.warehoused is Warehoused.MIRROR_AND_DEDUCT else Stock.KEEP
    return rules.stock
