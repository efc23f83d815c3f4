"""Who ships a shop's orders: asked once a day, and watched in the orders that come."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from accounts.access import merchant_rows
from connectors import calls
from connectors.base.connector import Source
from connectors.base.errors import AuthorizationError, PlatformError, ScopeMissing, TemporaryError
from connectors.base.types import Shipper, ShippingSetup
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_source
from orders.models import Order, Setup

ASK_AGAIN = timedelta(hours=24)
# The newest orders that are looked at, and how old one may be to say anything of today.
NEWEST = 20
FRESH = timedelta(days=14)


class Ships(StrEnum):
    """Who ships new orders of a shop."""

    SELLER = "SELLER"
    BOTH = "BOTH"  # some the seller, some the platform
    PLATFORM = "PLATFORM"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Shipped:
    """Who ships an order, and when the buyer placed it."""

    ordered_at: datetime
    is_by_seller: bool


def who_ships(said: ShippingSetup | None, *, asked_at: datetime | None, newest: Sequence[Shipped]) -> Ships:
    """Judge from what the platform said of the shop at `asked_at` and from its newest orders, newest first. Pure.

    An order's own word is sure, and a change counts for new orders only: one that came after the question outranks
    the answer.
    """
    ways = {each.is_by_seller for each in newest}
    if said is not None and said.is_by_seller and said.is_platform_offered:
        return Ships.BOTH if len(ways) != 1 else _one(ways.pop())
    if said is not None and said.is_by_seller is not None:
        is_newer = bool(newest) and asked_at is not None and newest[0].ordered_at > asked_at
        return _one(newest[0].is_by_seller if is_newer else said.is_by_seller)
    return _one(newest[0].is_by_seller) if newest else Ships.UNKNOWN


def _one(is_by_seller: bool) -> Ships:
    return Ships.SELLER if is_by_seller else Ships.PLATFORM


def keep_watch(*, store: ConnectedStore, source: Source, now: datetime) -> None:
    """Ask when it is time to, look at the newest orders, and keep what came of it. Not inside a transaction.

    What the platform refuses to say is kept as its words and asked again tomorrow, what only failed with the next look;
    nothing else waits for it. Raises AuthorizationError. May be repeated.
    """
    with merchant_rows(store.merchant_id):
        setup, _ = Setup.objects.get_or_create(store=store, defaults={"merchant_id": store.merchant_id})
    if setup.checked_at is None or now - setup.checked_at >= ASK_AGAIN:
        with suppress(TemporaryError):
            return _ask(store=store, source=source, now=now)
    return _keep(store=store, changes={}, now=now)


def check(*, shop: ConnectedStore, clock: Callable[[], datetime]) -> None:
    """Ask the platform now. Makes calls: not inside a transaction. What fails is kept in words, not raised."""
    with merchant_rows(shop.merchant_id):
        Setup.objects.get_or_create(store=shop, defaults={"merchant_id": shop.merchant_id})
    calls.take()
    try:
        with speaking_to_source(shop, clock=clock) as source:
            _ask(store=shop, source=source, now=clock())
    except PlatformError as error:
        _keep(store=shop, changes={"problem": error.message}, now=clock())
    with merchant_rows(shop.merchant_id):
        calls.save(records=calls.take(), merchant_id=shop.merchant_id, subject="")


def said_of(kept: Mapping[str, Any]) -> ShippingSetup | None:
    """What the platform said last, as `Setup.shipping` keeps it; None when it was never asked."""
    said = kept.get("said")
    if not said:
        return None
    names = {each.name for each in dataclasses.fields(ShippingSetup)}
    known = {name: value for name, value in said.items() if name in names}
    return ShippingSetup(**{**known, "option_names": tuple(known.get("option_names", ()))})


def _ask(*, store: ConnectedStore, source: Source, now: datetime) -> None:
    try:
        said = dataclasses.asdict(source.shipping_setup())
    except PlatformError as error:
        is_access = isinstance(error, AuthorizationError) and not isinstance(error, ScopeMissing)
        if is_access or isinstance(error, TemporaryError):
            raise
        _keep(store=store, changes={"problem": error.message}, now=now, checked_at=now)
        return
    _keep(store=store, changes={"said": {**said, "option_names": list(said["option_names"])}}, now=now, checked_at=now)


def _keep(
    *, store: ConnectedStore, changes: Mapping[str, Any], now: datetime, checked_at: datetime | None = None
) -> None:
    """Judge anew and write down what differs from what is kept, in a transaction of its own."""
    with merchant_rows(store.merchant_id):
        newest = _newest(store, now)
        setup = Setup.objects.select_for_update().get(store=store)
        kept = {name: value for name, value in setup.shipping.items() if not (changes and name == "problem")}
        kept |= changes
        asked_at = checked_at or setup.checked_at
        ships = who_ships(said_of(kept), asked_at=asked_at, newest=newest)
        before = Ships(kept.get("ships", Ships.UNKNOWN))
        if ships != before and Ships.UNKNOWN not in (ships, before):
            kept |= {"flipped_at": now.isoformat(), "flipped_from": before.value}
        by_seller = sum(each.is_by_seller for each in newest)
        kept |= {"ships": ships.value, "seller_orders": by_seller, "orders": len(newest)}
        if kept != setup.shipping or checked_at is not None:
            Setup.objects.filter(store=store).update(shipping=kept, checked_at=asked_at)


def _newest(store: ConnectedStore, now: datetime) -> list[Shipped]:
    """The platform's own warehouse says nothing about the shop's shipping option."""
    orders = Order.objects.filter(source_store=store, ordered_at__gte=now - FRESH).order_by("-ordered_at", "-id")
    found = orders.exclude(shipper=Shipper.PLATFORM_WAREHOUSE).values_list("ordered_at", "shipper")
    return [Shipped(ordered_at, shipper == Shipper.SELLER) for ordered_at, shipper in found[:NEWEST]]
