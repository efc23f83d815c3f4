"""What a merchant says about the orders of one route: plain values with defaults, kept as JSON beside the route."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from connectors.base.types import Stock


class Email(StrEnum):
    """Which address the store gets."""

    RELAY = "RELAY"  # TikTok's relay address, as given
    FIXED = "FIXED"  # one of the merchant's own, `RouteRules.fixed_email`
    NONE = "NONE"


class Discounts(StrEnum):
    """What the store's total is."""

    BUYER_PAID = "BUYER_PAID"
    SELLER_RECEIVES = "SELLER_RECEIVES"  # the part that TikTok funds is added back


class Tax(StrEnum):
    """Which tax the store's order has."""

    AS_GIVEN = "AS_GIVEN"
    NONE = "NONE"
    STORE = "STORE"  # by the store's own rules


class Samples(StrEnum):
    """What becomes of free samples."""

    MIRROR = "MIRROR"
    COMBINE = "COMBINE"  # one creator's samples within `combine_hours` in one parcel
    SKIP = "SKIP"


class Warehoused(StrEnum):
    """What becomes of orders that TikTok's own warehouse fulfills (FBT)."""

    SKIP = "SKIP"
    MIRROR = "MIRROR"  # the store's stock stays as it is
    MIRROR_AND_DEDUCT = "MIRROR_AND_DEDUCT"


class PlatformShipped(StrEnum):
    """What becomes of orders that go with TikTok's own label."""

    SKIP = "SKIP"
    MIRROR = "MIRROR"  # without an address; status and number are copied into the store


class Unlinked(StrEnum):
    """What becomes of an order with a line whose product is not linked."""

    BLOCK = "BLOCK"
    CUSTOM_LINE = "CUSTOM_LINE"


class Unmapped(StrEnum):
    """What becomes of an order whose delivery option has no method of its own."""

    DEFAULT = "DEFAULT"  # the default method
    FLAG = "FLAG"  # the default method, and the order says so
    BLOCK = "BLOCK"


class FilterBy(StrEnum):
    """What a filter looks at."""

    SKU = "SKU"  # any line's SKU, * stands for any characters
    TAG = "TAG"  # one of the order's tags
    TOTAL_ABOVE = "TOTAL_ABOVE"  # minor units
    TOTAL_BELOW = "TOTAL_BELOW"


@dataclass(frozen=True, slots=True)
class Filter:
    """Orders that this route does not send; `name` is what the order shows."""

    name: str
    by: FilterBy
    value: str


@dataclass(frozen=True, slots=True)
class RouteRules:
    """Everything a merchant chose for a route; `RouteRules()` is what nobody changed."""

    number_prefix: str = ""
    tags: tuple[str, ...] = ()  # beside our own
    note: str = ""  # a template, see orders/drafting.py; none means the built-in note
    email: Email = Email.RELAY
    fixed_email: str = ""
    discounts: Discounts = Discounts.BUYER_PAID
    tax: Tax = Tax.AS_GIVEN
    samples: Samples = Samples.MIRROR
    combine_hours: float = 4.0  # 0.5 to 24
    warehoused: Warehoused = Warehoused.SKIP
    platform_shipped: PlatformShipped = PlatformShipped.SKIP
    stock: Stock = Stock.DEDUCT
    unlinked: Unlinked = Unlinked.BLOCK
    unmapped_shipping: Unmapped = Unmapped.DEFAULT
    sku_case_matters: bool = False
    default_location: str = ""
    locations: Mapping[str, str] = field(default_factory=dict)  # the source's warehouse id: the store's location id
    filters: tuple[Filter, ...] = ()

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> RouteRules:
        """What `to_json` made, of this version of the program or another: what is not known is left out."""
        return read_as(cls, kept)

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults."""
        return differing(self)


R = TypeVar("R")


def read_as(kind: type[R], kept: Mapping[str, Any]) -> R:
    """Rules of this kind from what `differing` made, of this version of the program or another: what is not known is
    left out."""
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], value) for name, value in kept.items() if name in hints})


def differing(rules: Any) -> dict[str, Any]:
    """What of these rules differs from the defaults, as plain JSON values."""
    plain, defaults = dataclasses.asdict(rules), dataclasses.asdict(type(rules)())
    return {name: value for name, value in plain.items() if value != defaults[name]}


def _hints(kind: Any) -> dict[str, Any]:
    """A class's types: reading them is slow, and rules are read for every order."""
    return _read_hints(kind)


_read_hints = cache(get_type_hints)


def _read(hint: Any, value: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    if dataclasses.is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{name: _read(hints[name], part) for name, part in value.items() if name in hints})  # type: ignore[operator]
    if getattr(hint, "__origin__", None) is tuple:
        return tuple(_read(get_args(hint)[0], part) for part in value)
    return value
