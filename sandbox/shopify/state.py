"""What the platform remembers: the app, the shops, the installs, the orders."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.goods import PRODUCTS
from sandbox.world import ControlError, World

TOKEN_LIFE = 3600
REFRESH_LIFE = 7_776_000
CODE_LIFE = 60
SHOPS = (
    ("alices-candles.myshopify.com", "Alice's Candles", "USD"),
    ("charlies-cards.myshopify.com", "Charlie's Cards", "USD"),
)
LOCATIONS = ("Main warehouse", "Annex")


@dataclass
class App:
    client_id: str
    client_secret: str
    redirect_urls: tuple[str, ...]
    app_url: str = ""
    webhook_url: str = ""


@dataclass
class Install:
    """The app in one shop: what was granted, and the tokens that speak for it."""

    scopes: tuple[str, ...]
    access: dict[str, float] = field(default_factory=dict)  # token -> lapses at
    refresh: str = ""
    refresh_lapses_at: float = 0.0
    previous_refresh: str = ""  # may be tried again until the pair that replaced it was used
    is_replacement_used: bool = False


@dataclass
class Shop:
    domain: str
    name: str
    currency: str
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    definitions: dict[tuple[str, str], bool] = field(default_factory=dict)  # (namespace, key) -> unique values
    customers: dict[str, str] = field(default_factory=dict)  # e-mail -> phone
    subscriptions: list[dict[str, str]] = field(default_factory=list)
    install: Install | None = None
    next_number: int = 1001
    by_metafield: dict[tuple[tuple[str, str], str], str] = field(default_factory=dict)  # its value -> the first order
    by_source: dict[str, list[str]] = field(default_factory=dict)  # source identifier -> orders
    bucket: float = 2000.0
    bucket_at: float = 0.0
    bucket_size: float = 2000.0
    restore_rate: float = 100.0  # points a second
    index_delay: float = 3.0  # [guess] how long a search does not see a new order
    cancel_takes: float = 0.0
    is_cancel_refused: bool = False
    orders_per_minute: int = 0  # 5 on a development shop; 0 is no limit
    duplicate_creates: bool = False  # [guess] what a taken unique metafield does inside orderCreate
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)  # idempotency key -> what it made
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)  # by id; the first has every order until it is moved
    never_stocked: set[tuple[str, str]] = field(default_factory=set)  # (location, SKU)
    routing_takes: float = 0.0  # [guess] seconds until an order has its fulfillment orders
    shows_addresses: bool = True  # whether the app was approved for protected customer data
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)  # sessions of order editing that are open
    return_of: dict[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)  # part -> order, return
    location_id: str = ""
    is_location_active: bool = True
    restocks_unclaimed: bool = False  # [guess] whether cancelled units that stock was never taken for are added to it
    takes_empty_refunds: bool = True  # [guess] whether a refund may have neither items nor amounts

    def keep(self, order: dict[str, Any]) -> None:
        self.orders[order["id"]] = order
        for key, value in order["metafields"].items():
            self.by_metafield.setdefault((key, str(value)), order["id"])
        if order["sourceIdentifier"]:
            self.by_source.setdefault(order["sourceIdentifier"], []).append(order["id"])

    def forget(self, order: dict[str, Any]) -> None:
        del self.orders[order["id"]]
        for key, value in order["metafields"].items():
            if self.by_metafield.get((key, str(value))) == order["id"]:
                del self.by_metafield[key, str(value)]
        if order["sourceIdentifier"]:
            self.by_source[order["sourceIdentifier"]].remove(order["id"])


class State:
    def __init__(self, world: World) -> None:
        self.world = world
        self._next_id = int(time.time() * 1000) * 10
        self.clear()

    def clear(self) -> None:
        self.app: App | None = None
        self.shops: dict[str, Shop] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.lose_next_refresh = False

    def seed(self) -> None:
        for domain, name, currency in SHOPS:
            if domain in self.shops:
                continue
            locations = {self.new_gid("Location"): place for place in LOCATIONS}
            shop = self.shops[domain] = Shop(
                domain, name, currency, locations=locations, location_id=next(iter(locations))
            )
            for sku, title, price in PRODUCTS:
                self.add_variant(shop, sku, title, price)

    def add_variant(self, shop: Shop, sku: str, title: str, price: str) -> dict[str, Any]:
        gid = self.new_gid("ProductVariant")
        shop.variants[gid] = {
            "id": gid,
            "sku": sku,
            "title": "Default Title",
            "inventoryQuantity": 100,
            "product": {"title": title},
            "price": Decimal(price),
        }
        return shop.variants[gid]

    def new_gid(self, kind: str) -> str:
        self._next_id += 1
        return f"gid://shopify/{kind}/{self._next_id}"

    def shop(self, domain: str | None) -> Shop:
        if not domain:
            return next(iter(self.shops.values()))
        if domain not in self.shops:
            raise ControlError(f"no such shop: {domain}")
        return self.shops[domain]

    def order(self, shop: Shop, wanted: str) -> dict[str, Any]:
        """By gid or name."""
        if wanted in shop.orders:
            return shop.orders[wanted]
        for order in shop.orders.values():
            if wanted in (order["id"], order["name"]):
                return order
        raise ControlError(f"no such order: {wanted}")

    def touch(self, order: dict[str, Any]) -> None:
        order["updated"] = self.world.now()

    def iso(self, moment: float | None = None) -> str:
        at = self.world.now() if moment is None else moment
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_token(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def digits(gid: str) -> str:
    return gid.rpartition("/")[2]
