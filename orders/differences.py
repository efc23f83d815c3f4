"""A draft in words, part by part, and what differs between two of them. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base.types import Address, DraftLine, OrderDraft
from orders import choices
from orders.queries.rows import money_text

NOTHING = "None"
PRODUCTS, LACKS = "Products in the store", "What the store cannot do"
# What a preview shows of every draft; all else only where it differs.
ALWAYS = ("Items", "Shipping method", "Method code", "Shipping price", "Ship to", "Total")
# Fields of a draft that are in the words of another, or the same whatever the settings say.
_ELSEWHERE = frozenset({
    "source_external_id", "source_store_id", "source_store_name", "source_url", "created_at", "currency", "buyer_id",
    "phone", "is_own_email",
})  # fmt: skip
_SAID = frozenset({
    "email", "address", "lines", "discount", "charges", "taxes", "tax_included", "total", "tags", "note", "attributes",
    "number", "stock", "location_id", "rounding", "is_on_hold", "remarks",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the store would get otherwise, in words."""

    what: str
    before: str
    after: str


def differences(before: OrderDraft, after: OrderDraft) -> tuple[Difference, ...]:
    """What differs, in the order of `told`."""
    old, new = told(before), told(after)
    return tuple(
        Difference(what, old.get(what, NOTHING), new.get(what, NOTHING))
        for what in dict.fromkeys([*old, *new])
        if old.get(what, NOTHING) != new.get(what, NOTHING)
    )


def in_requests(before: str, after: str) -> tuple[Difference, ...]:
    """What differs between two requests in JSON, value by value, each under its own name there: what a store's own
    choices change, and no draft has words for."""
    old, new = dict(_leaves(json.loads(before))), dict(_leaves(json.loads(after)))
    return tuple(
        Difference(".".join(path), old.get(path, NOTHING), new.get(path, NOTHING))
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    )


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, (*path, str(name)))
    elif isinstance(value, list):
        for number, part in enumerate(value, 1):
            yield from _leaves(part, (*path, str(number)))
    else:
        yield path, _plain(value)


def told(draft: OrderDraft) -> dict[str, str]:
    """Each part of the draft by what it is called. The order's details stand under their own names."""
    method, *fees = draft.charges

    def money(amount: int) -> str:
        return money_text(amount, draft.currency)

    said = {
        "Order number": draft.number or "The store's own",
        "Items": _all(_item(line, money(line.unit_price)) for line in draft.lines),
        PRODUCTS: _all(line.variant_id or f"{line.title}, without a product" for line in draft.lines),
        "Discount": money(draft.discount),
        "Shipping method": method.title or NOTHING,
        "Method code": method.code or NOTHING,
        "Shipping price": money(method.amount),
        "Fees": _all(f"{fee.title} {money(fee.amount)}" for fee in fees),
        "Tax": _all(f"{tax.title} {money(tax.amount)}" for tax in draft.taxes),
        "Tax inside prices": _yes(draft.tax_included),
        "Rounding": money(draft.rounding),
        "Ship to": _place(draft.address),
        "E-mail": draft.email or NOTHING,
        "Tags": _all(draft.tags),
        "Note": draft.note or NOTHING,
        "Stock": choices.in_words("stock", draft.stock),
        "Location": draft.location_id or "The store chooses",
        "Kept on hold": _yes(draft.is_on_hold),
        LACKS: _all(draft.remarks),
        "Total": money(draft.total),
    }
    return said | _details(draft.attributes, said) | _others(draft)


def _item(line: DraftLine, price: str) -> str:
    return f"{line.quantity} × {line.sku or line.title} at {price}"


def _place(address: Address | None) -> str:
    if address is None:
        return "No address"
    place = " ".join(filter(None, [address.province_code or address.province, address.postal_code]))
    return ", ".join(filter(None, [address.city, place])) or address.country_code


def _details(attributes: Iterable[tuple[str, str]], said: Mapping[str, str]) -> dict[str, str]:
    """The order's details; one whose name is that of a part of the draft is told apart."""
    return {f"{name} (detail)" if name in said else name: value for name, value in attributes}


def _others(draft: OrderDraft) -> dict[str, str]:
    """What has no words here, under its own name: nothing that differs is kept silent."""
    names = [each.name for each in dataclasses.fields(draft) if each.name not in _SAID | _ELSEWHERE]
    return {name.replace("_", " ").capitalize(): _plain(getattr(draft, name)) for name in names}


def _plain(value: Any) -> str:
    return _yes(value) if isinstance(value, bool) else str(value) if value not in ("", None) else NOTHING


def _yes(is_so: bool) -> str:
    return "Yes" if is_so else "No"


def _all(texts: Iterable[str]) -> str:
    return ", ".join(filter(None, texts)) or NOTHING
