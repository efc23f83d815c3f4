"""What a store was told about an order, in its own words, beside what the buyer bought. Independent of the product."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from proof.ledger import Copy, Entry, Placed
from proof.plan import platform_of

STATES = {"New Jersey": "NJ", "Oregon": "OR", "Minnesota": "MN", "New Mexico": "NM"}
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a store has otherwise than it was bought."""

    what: str
    bought: Any
    there: Any

    def __str__(self) -> str:
        return f"{self.what}: {self.bought} was bought, {self.there} is there"


def differences(order: Placed, copy: Copy) -> list[Difference]:
    """Items, prices and address of one copy. What was cancelled before it was made may be left out of it: whether it is
    gone in the end is another question."""
    there = _THERE[copy.platform](copy.entry)
    found = []
    for items in _bought_at(order, copy.made_at):
        wanted = _wanted(order, copy.platform, items)
        found.append([Difference(name, wanted[name], there[name]) for name in there if wanted.get(name) != there[name]])
    return min(found, key=len)


def money_differences(order: Placed) -> list[Difference]:
    """The totals of all copies together. Where a store keeps none (Amazon), the others may not reach the whole; where
    some items were cancelled meanwhile, the money for them may be missing, and so may the share of a store that got
    nothing since all its items were."""
    total, told = Decimal(order.entry["total"]), [copy.entry["total"] for copy in order.copies]
    known = sum((Decimal(text) for text in told if text), Decimal(0))
    made_at = max(copy.made_at for copy in order.copies)
    parts = [part.refund for part in order.parts if part.at <= made_at]
    totals = [total - sum(parts[:count], Decimal(0)) for count in range(len(parts) + 1)]
    is_mixed = len(order.copies) > 1 and len(totals) > 1
    if _has_dropped_part(order):  # its share of the shipping is in no store
        paid = order.entry.get("payment", {})
        shipping = Decimal(paid.get("shipping_fee", "0")) + Decimal(paid.get("shipping_fee_tax", "0"))
        is_mixed, totals = True, [*totals, total - sum((part.refund for part in order.parts), shipping)]
    if all(told) and known not in totals and not (is_mixed and totals[-1] <= known <= total):
        return [Difference("total", " or ".join(map(str, totals)), known)]
    if any(told) and not all(told) and not 0 <= known <= total:
        return [Difference("total of the parts", f"less than {total}", known)]
    return []


def _has_dropped_part(order: Placed) -> bool:
    """Whether a store of the order has no copy, all items for it being cancelled."""
    missing = {platform_of(sku) for sku in order.bought} - {copy.platform for copy in order.copies}
    left = _bought_at(order, float("inf"))[-1]
    return any(missing) and not any(platform_of(sku) in missing for sku, count in left.items() if count > 0)


def _bought_at(order: Placed, moment: float) -> list[Counter[str]]:
    """The items as they were bought, and as they were after each cancellation of some of them until then."""
    states = [order.bought]
    for part in order.parts:
        if part.at <= moment:
            states.append(states[-1] - part.lines)
    return states


def _wanted(order: Placed, platform: str, items: Counter[str]) -> Facts:
    entry = order.entry
    prices = {unit["seller_sku"]: Decimal(unit["original_price"]) for unit in entry["units"]}
    lines = {sku: count for sku, count in items.items() if platform_of(sku) == platform}
    address = entry["address"]
    places = {one["address_level_name"]: one["address_name"] for one in address["district_info"]}
    return {
        "items": lines,
        "prices": sum((prices[sku] * count for sku, count in lines.items()), Decimal(0)),
        "currency": entry["currency"],
        "name": address["name"],
        "street": ", ".join(part for part in (address["address_line1"], address["address_line2"]) if part),
        "city": places["City"],
        "state": STATES[places["State"]],
        "zip": address["postal_code"],
        "country": address["region_code"],
        "phone": _digits(address["phone_number"]),
        "email": entry["email"],
    }


def _of_shopify(entry: Entry) -> Facts:
    content, address = entry["content"], entry["content"]["shippingAddress"]
    return {
        "items": entry["lines"],
        "prices": _sum((line["quantity"], line["priceSet"]["shopMoney"]["amount"]) for line in content["lineItems"]),
        "currency": content["currency"],
        "name": _joined(address.get("firstName"), address.get("lastName")),
        "street": _listed(address.get("address1"), address.get("address2")),
        "city": address["city"],
        "state": address.get("provinceCode") or STATES.get(address.get("province", ""), ""),
        "zip": address["zip"],
        "country": address["countryCode"],
        "phone": _digits(address.get("phone", "")),
        "email": content.get("email"),
    }


def _of_amazon(entry: Entry) -> Facts:
    content, address = entry["content"], entry["content"]["destinationAddress"]
    return {
        "items": entry["lines"],
        "prices": _sum((item["quantity"], item["perUnitDeclaredValue"]["value"]) for item in content["items"]),
        "name": address["name"],
        "street": _listed(address["addressLine1"], address.get("addressLine2")),
        "city": address["city"],
        "state": address["stateOrRegion"],
        "zip": address["postalCode"],
        "country": address["countryCode"],
        "phone": _digits(address.get("phone", "")),
    }


def _of_wix(entry: Entry) -> Facts:
    content = entry["content"]
    place = content["shippingInfo"]["logistics"]["shippingDestination"]
    address, contact = place["address"], place["contactDetails"]
    return {
        "items": entry["lines"],
        "prices": _sum((line["quantity"], line["price"]["amount"]) for line in content["lineItems"]),
        "currency": content["currency"],
        "name": _joined(contact.get("firstName"), contact.get("lastName")),
        "street": _listed(address["addressLine"], address.get("addressLine2")),
        "city": address["city"],
        "state": str(address["subdivision"]).removeprefix("US-"),
        "zip": address["postalCode"],
        "country": address["country"],
        "phone": _digits(contact.get("phone", "")),
        "email": content["buyerInfo"]["email"],
    }


def _of_squarespace(entry: Entry) -> Facts:
    content, address = entry["content"], entry["content"]["shippingAddress"]
    return {
        "items": entry["lines"],
        "prices": _sum((line["quantity"], line["unitPricePaid"]["value"]) for line in content["lineItems"]),
        "currency": content["grandTotal"]["currency"],
        "name": _joined(address.get("firstName"), address.get("lastName")),
        "street": _listed(address["address1"], address.get("address2")),
        "city": address["city"],
        "state": address["state"],
        "zip": address["postalCode"],
        "country": address["countryCode"],
        "phone": _digits(address.get("phone", "")),
        "email": content["customerEmail"],
    }


_THERE = {"shopify": _of_shopify, "amazon": _of_amazon, "wix": _of_wix, "squarespace": _of_squarespace}


def _sum(pairs: Any) -> Decimal:
    return sum((Decimal(str(amount)) * quantity for quantity, amount in pairs), Decimal(0))


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _listed(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _digits(phone: str) -> str:
    """The national number."""
    return re.sub(r"\D", "", phone)[-10:]
