"""What the platform remembers: the app, the sellers, their stock, their fulfillment orders."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.goods import PRODUCTS
from sandbox.world import ControlError, World

TOKEN_LIFE = 3600
CODE_LIFE = 300  # [guess]
CONSENT_LIFE = 365 * 86_400  # [guess]
BURST, RATE = 30, 2.0
SELLERS = (("alice", "A2ALICE5CANDLE", "Alice's Candles"), ("charlie", "A3CHARLIE5CARD", "Charlie's Cards"))


@dataclass
class App:
    app_id: str
    client_id: str
    client_secret: str
    redirect_urls: tuple[str, ...]
    login_url: str = ""
    is_draft: bool = False  # then consent is asked for with version=beta only


@dataclass
class Seller:
    key: str
    id: str
    name: str
    region: str = "na"
    marketplace: str = "ATVPDKIKX0DER"
    currency: str = "USD"
    stock: dict[str, dict[str, Any]] = field(default_factory=dict)  # by SKU
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)  # by sellerFulfillmentOrderId
    access: dict[str, float] = field(default_factory=dict)
    refresh: str = ""
    refresh_until: float = 0.0
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)  # operation -> (left, at)
    repeat_id: str = "refuse"  # what a known order id brings [guess]: or "accept", without a second order
    upper_case_statuses: bool = False
    string_integers: bool = False
    list_empty_token: bool = True
    own_tracking_only: bool = False  # numbers stand in amazonFulfillmentTrackingNumber alone
    auto_plan_seconds: float = 0.0  # then picking begins by itself
    page_size: int = 50
    burst: int = BURST
    rate: float = RATE  # calls a second, for each operation
    blank_box: bool = True  # whether the goods may go in unbranded boxes
    login_hop: bool = False
    cancel_takes: float = 0.0  # seconds from the request to the status
    is_cancel_lost: bool = False  # a request that was accepted, and nothing came of it
    lowered_as: str = "quantity"  # [guess] how units that an update took away are told: or "cancelled"
    missing_status: int = 404  # [guess] what an unknown order id brings: or 400, with the same words
    refusal_status: int = 400  # the model lets a 200 carry errors as well


class State:
    def __init__(self, world: World) -> None:
        self.world = world
        self.clear()

    def clear(self) -> None:
        self.app: App | None = None
        self.sellers: dict[str, Seller] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.hops: dict[str, dict[str, Any]] = {}
        self.next_package = 1001
        self.moving: dict[tuple[str, str], dict[str, Any]] = {}  # (seller, order) of orders that time may move

    def seed(self) -> None:
        for key, seller_id, name in SELLERS:
            if key in self.sellers:
                continue
            seller = self.sellers[key] = Seller(key, seller_id, name)
            for sku, title, _ in PRODUCTS:
                self.add_offer(seller, sku, title)

    def add_offer(self, seller: Seller, sku: str, title: str) -> dict[str, Any]:
        asin = "B0" + secrets.token_hex(4).upper()
        seller.stock[sku] = {"sku": sku, "title": title, "asin": asin, "fnSku": "X0" + asin[2:], "quantity": 100}
        return seller.stock[sku]

    def seller(self, wanted: str | None) -> Seller:
        """By key, id or name; the first if none is named."""
        for seller in self.sellers.values():
            if wanted in (None, "", seller.key, seller.id, seller.name):
                return seller
        raise ControlError(f"no such seller: {wanted}")

    def order(self, seller: Seller, wanted: str) -> dict[str, Any]:
        """By its id, or by the id that is shown."""
        if wanted in seller.orders:
            return seller.orders[wanted]
        for order in seller.orders.values():
            if wanted in (order["id"], order["sent"]["displayableOrderId"]):
                return order
        raise ControlError(f"no such order: {wanted}")

    def iso(self, moment: float | None = None) -> str:
        at = self.world.now() if moment is None else moment
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_token(prefix: str) -> str:
    return f"{prefix}|{secrets.token_urlsafe(32)}"
