"""What the data set is made of: one order as a source tells it, as text with gaps, and the share of each fate."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bench.raw import PRODUCTS
from connectors.base import snapshot
from connectors.base.types import (
    Address,
    AddressState,
    LineItem,
    Payment,
    PlatformOrder,
    Shipper,
    SourceStatus,
)

FIRST_NAMES = (
    "Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hal", "Ida", "Jon", "Kim", "Lea",
    "Max", "Nia", "Otto", "Pia", "Quin", "Ray", "Sue", "Tom", "Uma", "Vic", "Wes", "Xia",
)  # fmt: skip
LAST_NAMES = (
    "Abbot", "Baker", "Carver", "Dyer", "Ellis", "Fisher", "Glover", "Hunter",
    "Irving", "Joiner", "Keller", "Lister", "Mason", "Nolan", "Potter",
)  # fmt: skip
CITIES = (
    ("Hoboken", "NJ", "New Jersey", "07030"),
    ("Austin", "TX", "Texas", "78701"),
    ("Reno", "NV", "Nevada", "89501"),
)
_MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an order: both words for it, and what exists because of it."""

    source_status: str
    state: str
    has_mirror: bool = False
    has_left: bool = False
    attention: str = ""


HELD = Fate("ON_HOLD", "HELD")
READY = Fate("AWAITING_SHIPMENT", "READY")
ASKS = Fate("AWAITING_SHIPMENT", "READY", attention="NOT_LINKED")
MIRRORED = Fate("AWAITING_SHIPMENT", "MIRRORED", has_mirror=True)
SHIPPED = Fate("IN_TRANSIT", "FULFILLED", has_mirror=True, has_left=True)
DELIVERED = Fate("DELIVERED", "FULFILLED", has_mirror=True, has_left=True)
COMPLETED = Fate("COMPLETED", "COMPLETED", has_mirror=True, has_left=True)
CANCELLED = Fate("CANCELLED", "CANCELLED")
SKIPPED = Fate("AWAITING_SHIPMENT", "SKIPPED")


def fate_of(number: int, age_in_hours: float) -> Fate:
    """By age, with the few that go another way, the same ones every time."""
    if age_in_hours < 1:
        return HELD
    kind = number // 10  # every merchant has all kinds: the last digit says whose the order is
    if kind % 20 == 3:
        return CANCELLED
    if kind % 200 == 7:
        return SKIPPED
    if age_in_hours < 72:
        return ASKS if kind % 50 == 9 else READY if age_in_hours < 1.02 else MIRRORED
    if age_in_hours < 192:
        return SHIPPED
    return DELIVERED if age_in_hours < 336 else COMPLETED


def snapshot_text(product: int, city: int) -> str:
    """The kept reading of an order of one unit as JSON, with id, name, at and status to be filled in by `%`."""
    sku, title, price = PRODUCTS[product]
    town, code, province, postal = CITIES[city]
    address = Address(
        "%(name)s",
        "%(name)s",
        "",
        "+1 201 555 0123",
        "12 Harbor Street",
        "",
        "",
        "",
        town,
        province,
        code,
        postal,
        "US",
    )
    line = LineItem(
        "%(id)s1",
        f"17293822569{product:08}",
        f"17293822570{product:08}",
        sku,
        title,
        "Default",
        1,
        price,
        price,
        0,
        0,
        0,
        "AWAITING_SHIPMENT",
    )
    payment = Payment("USD", price, 0, 0, price, 499, 0, 0, 499, 0, 0, 0, {}, price + 499)
    made = PlatformOrder(
        "%(id)s", SourceStatus.AWAITING_SHIPMENT, "AWAITING_SHIPMENT", _MOMENT, _MOMENT, _MOMENT, True, False, False,
        Shipper.SELLER, "7494544224327371970", "buyer@scs.tiktokw.us", "", address, AddressState.COMPLETE, payment,
        (line,), (), "7281312345678901234", "7091146663229654785", "Standard shipping", _MOMENT, _MOMENT, _MOMENT,
        False, None, "", "",
    )  # fmt: skip
    text = json.dumps(snapshot.to_json(replace(made)))
    return text.replace(_MOMENT.isoformat(), "%(at)s").replace('"AWAITING_SHIPMENT"', '"%(status)s"')
