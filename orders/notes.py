"""What an order says in words in its store: the note by the merchant's template, tags, and attributes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from connectors.base.money import to_text
from connectors.base.types import Payment, PlatformOrder, Shipper
from orders.rules import RouteRules

TAG = "TikTok Shop"
SAMPLE_TAG = "tiktok-sample"
PREORDER_TAG = "tiktok-preorder"
PART_TAG = "tiktok-part"
HOLD_TAG = "tiktok-hold"
WAREHOUSED_TAG = "tiktok-fbt"
PLATFORM_SHIPPED_TAG = "tiktok-shipped"
UNMAPPED_TAG = "tiktok-shipping-unmapped"
PLACEHOLDERS: Mapping[str, str] = {
    "order_id": "TikTok Shop's order id",
    "shop": "The shop's name",
    "buyer_message": "What the buyer wrote",
    "ship_by": "When it must be shipped",
    "deliver_by": "When it must arrive",
    "delivery_option": "The delivery option that the buyer chose",
    "total": "What the buyer paid",
}
# Whoever packs reads it, whatever the template says.
_SHIPPED_BY_SOURCE = {
    Shipper.PLATFORM_WAREHOUSE: "TikTok's warehouse ships it: do not send anything",
    Shipper.PLATFORM: "It goes with TikTok's own label: print it in Seller Center",
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class UnknownPlaceholder(ValueError):
    """A template names something that no order has. The text says what, and what there is."""


def check_note(template: str) -> None:
    """Raise UnknownPlaceholder unless every {placeholder} is one that orders have, and every brace belongs to one."""
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            raise UnknownPlaceholder(f"{{{name[:40]}}} is not known. You can use {known}.")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise UnknownPlaceholder(f"A brace stands alone. You can use {known}.")


def note_of(order: PlatformOrder, *, template: str, shop: str, is_part: bool) -> str:
    """The note by the template, or the built-in one. A line of which every placeholder is empty is left out."""
    lines = _filled(order, template, shop) if template.strip() else [f"TikTok Shop order {order.external_id}"]
    if is_part:
        lines.append("A part of it; the other items are sent from elsewhere")
    if order.shipper in _SHIPPED_BY_SOURCE:
        lines.append(_SHIPPED_BY_SOURCE[order.shipper])
    if not template.strip():
        lines += ["Free sample"] if order.is_sample else []
        message = order.buyer_message.strip()
        lines += [f"Buyer's message: {message}"] if message else []
    return "\n".join(lines)


def _filled(order: PlatformOrder, template: str, shop: str) -> list[str]:
    paid = order.payment
    values = {
        "order_id": order.external_id,
        "shop": shop,
        "buyer_message": order.buyer_message.strip(),
        "ship_by": _moment(order.ship_by),
        "deliver_by": _moment(order.deliver_by),
        "delivery_option": order.delivery_option_name,
        "total": f"{to_text(paid.total, paid.currency)} {paid.currency}" if paid else "",
    }
    found = []
    for line in template.splitlines():
        names = _PLACEHOLDER.findall(line)
        if not names or any(values.get(name) for name in names):
            found.append(_PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), line))
    return found


def kind_tags(order: PlatformOrder) -> tuple[str, ...]:
    """The tags that say what kind of order this is, whichever store it goes to."""
    facts = {
        SAMPLE_TAG: order.is_sample,
        PREORDER_TAG: order.is_preorder,
        WAREHOUSED_TAG: order.shipper is Shipper.PLATFORM_WAREHOUSE,
        PLATFORM_SHIPPED_TAG: order.shipper is Shipper.PLATFORM,
    }
    return (TAG, *(tag for tag, is_so in facts.items() if is_so))


def tags_of(
    order: PlatformOrder,
    rules: RouteRules,
    *,
    is_part: bool = False,
    is_unmapped: bool = False,
    is_on_hold: bool = False,
    group: str = "",
) -> tuple[str, ...]:
    """Ours, by which the order is known, then the merchant's. `group` is what orders of one parcel share."""
    facts = {HOLD_TAG: is_on_hold, PART_TAG: is_part, UNMAPPED_TAG: is_unmapped, group: bool(group)}
    more = [tag for tag, is_so in facts.items() if is_so]
    return tuple(dict.fromkeys([*kind_tags(order), *more, *filter(None, map(str.strip, rules.tags))]))


def attributes_of(
    order: PlatformOrder,
    part: PlatformOrder,
    payment: Payment,
    *,
    amounts: Mapping[str, int],
    texts: Mapping[str, str],
) -> tuple[tuple[str, str], ...]:
    """Facts by name; amounts of 0 and empty texts are left out. `amounts` and `texts` are those that the rules made."""

    def text(amount: int) -> str:
        return f"{to_text(amount, payment.currency)} {payment.currency}"

    found = [("TikTok order id", order.external_id)]
    if len(part.lines) < len(order.lines):
        found.append(("Part of the order", f"{len(part.lines)} of {len(order.lines)} units"))
    found += [(name, _moment(at)) for name, at in (("Ship by", order.ship_by), ("Deliver by", order.deliver_by)) if at]
    parts = {
        "Seller discount": payment.seller_discount,
        "Platform discount, paid back by TikTok": payment.platform_discount,
        "Shipping before discounts": payment.original_shipping if payment.original_shipping != payment.shipping else 0,
        "Shipping discount by seller": payment.shipping_seller_discount,
        "Shipping discount by platform": payment.shipping_platform_discount,
        "Product tax": payment.product_tax,
        "Shipping tax": payment.shipping_tax,
        **amounts,
    }
    found += [(name, text(amount)) for name, amount in parts.items() if amount]
    if order.is_sample:
        found.append(("Free sample", "yes"))
    return (*found, *((name, said) for name, said in texts.items() if said))


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else ""
