"""What the platform remembers: the app, the shops, the grants, the orders."""

from __future__ import annotations

import base64
import json
import time
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any

from sandbox.tiktok_shop.cast import MARKETS, SHOPS, Market, delivery_option_id
from sandbox.world import ControlError, World

SCOPES = (
    "seller.order.info",
    "seller.fulfillment.basic",
    "seller.logistics",
    "seller.return_refund.basic",
    "seller.authorization.info",
    "seller.product.basic",
)
TOKEN_LIFE = 7 * 86_400
REFRESH_LIFE = 365 * 86_400  # [guess] about a year in the reference's example
CODE_LIFE = 30 * 60
VERSIONS_LIVE = 600.0  # how far back a stale look-up can see


@dataclass
class App:
    app_key: str
    app_secret: str
    service_id: str
    redirect_url: str
    webhook_url: str = ""
    scopes: tuple[str, ...] = SCOPES


@dataclass
class Shop:
    id: str
    name: str
    region: str
    seller: str
    is_hold: bool = True
    masking: str = "empty"  # or "asterisks", "none"
    qps: int = 50
    shipping_type: str = "SELLER"  # the default option: what new orders get
    offers_both: bool = False  # TikTok's shipping beside the seller's
    warehouse_status: str = "ENABLED"  # or "DISABLED", "RESTRICTED"
    has_return_warehouse: bool = True
    tracking_check: str = "warn"  # or "refuse", "off"
    locale: str = "en-US"
    most_products: int = 10_000  # that a search shows
    # After the sale. Where the documentation leaves something open, both readings can be set.
    cancel_answer_hours: int = 48  # for the seller, before the platform approves
    return_answer_hours: int = 48
    replacement_answer_hours: int = 24
    auto_approve_hours: int = 0  # after the hold, within which a buyer's cancellation needs no answer
    refund_seconds: int = 60  # [guess] from success to the money
    rejects_by_api: bool = True  # the US is to lose it: there shipping will be the only way to reject a cancellation
    seller_cancels_unpaid: bool = False  # the overview says no, and yet there are reason keys for it
    edits_move_time: bool = True  # [guess] whether edits that change no status move an order's `update_time`
    cancelled_word: str = "CANCEL"  # or "CANCELLED": how a withdrawn cancellation's status ends in a search
    payment_after_cancel: str = "kept"  # [guess] or "reduced", when some of the lines are cancelled
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def market(self) -> Market:
        return MARKETS[self.region]

    @property
    def cipher(self) -> str:
        return "ROW_" + base64.urlsafe_b64encode(f"sandbox-{self.id}".encode()).decode().rstrip("=")

    @property
    def code(self) -> str:
        return f"{self.region}LC{self.id[-6:]}"

    @property
    def warehouse_id(self) -> str:
        return f"70007145328{self.id[-8:]}"

    @property
    def delivery_option_id(self) -> str:
        return delivery_option_id(self.region)


@dataclass
class Grant:
    """One seller's authorization of the app."""

    seller: str
    shop_ids: tuple[str, ...]
    scopes: tuple[str, ...]
    refresh_token: str = ""
    refresh_expires_at: int = 0
    access: dict[str, int] = field(default_factory=dict)  # token -> expires at
    is_revoked: bool = False
    warned_day: int = -1


@dataclass
class Code:
    value: str
    seller: str
    shop_ids: tuple[str, ...]
    expires_at: float
    is_used: bool = False


@dataclass
class Order:
    data: dict[str, Any]  # as the API shows it, unmasked
    shop_id: str
    buyer: int
    hold_until: float | None = None
    hold_wanted: bool = True
    hold_seconds: int | None = None  # None: the world's
    tracking_changes: int = 0
    external: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: list[tuple[float, str]] = field(default_factory=list)  # as JSON, of the last minutes

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def status(self) -> str:
        return str(self.data["status"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.data["line_items"]
        return lines

    def as_of(self, moment: float | None) -> dict[str, Any] | None:
        """The order as it was at that moment; None when it was not there yet."""
        if moment is None:
            return self.data
        known = [text for at, text in self.versions if at <= moment]
        return json.loads(known[-1]) if known else None


class State:
    def __init__(self, world: World) -> None:
        self.world = world
        # The clock is in the ids, so that a sandbox started again never hands out an id twice.
        self._next_id = int(time.time() * 1000) * 10
        self.clear()

    def clear(self) -> None:
        self.app: App | None = None
        self.shops: dict[str, Shop] = {}
        self.codes: dict[str, Code] = {}
        self.grants: list[Grant] = []
        self.orders: dict[str, Order] = {}
        self.listings: dict[str, list[Any]] = {}  # shop -> what it offers, see products.py
        self.cancellations: dict[str, dict[str, Any]] = {}
        self.returns: dict[str, dict[str, Any]] = {}
        self.after_sales: dict[str, list[dict[str, Any]]] = {}  # order -> its cancellations and returns
        self.row_versions: dict[str, list[tuple[float, str]]] = {}  # cancellation or return -> as JSON, of late
        self.answers: dict[tuple[str, ...], tuple[str, dict[str, Any]]] = {}  # idempotency key -> request, answer
        self.refusals: dict[str, list[tuple[int, str]]] = {}  # operation -> what it is going to say, made by control
        # What each tick looks at, so that its cost does not grow with all that ever happened.
        self.holds: list[tuple[float, str]] = []  # a heap of (ends at, order)
        self.open_cancellations: dict[str, dict[str, Any]] = {}
        self.open_returns: dict[str, dict[str, Any]] = {}
        self.changes: list[tuple[int, str]] = []  # sorted (update time, order), an entry for every edit
        self.tracked: dict[str, set[str]] = {}  # tracking number -> the orders that ever had it
        self.muted_events: set[str] = set()

    def seed(self) -> None:
        for shop_id, name, region, seller in SHOPS:
            self.shops.setdefault(shop_id, Shop(shop_id, name, region, seller))

    def new_id(self, prefix: str = "5769") -> str:
        self._next_id += 1
        return f"{prefix}{self._next_id:014d}"

    def now(self) -> int:
        return int(self.world.now())

    def shop(self, wanted: str | None) -> Shop:
        """By id or name; the first when none is named."""
        if not wanted:
            return next(iter(self.shops.values()))
        for shop in self.shops.values():
            if wanted in (shop.id, shop.name):
                return shop
        raise ControlError(f"no such shop: {wanted}")

    def order(self, order_id: str) -> Order:
        if order_id not in self.orders:
            raise ControlError(f"no such order: {order_id}")
        return self.orders[order_id]

    def save(self, order: Order, *, moves_time: bool = True) -> None:
        """Keeps a version for stale look-ups. `update_time` moves with every edit [guess]."""
        if moves_time:
            order.data["update_time"] = self.now()
        now = self.world.now()
        while len(order.versions) > 1 and order.versions[1][0] < now - VERSIONS_LIVE:
            del order.versions[0]
        order.versions.append((now, json.dumps(order.data)))
        self.orders[order.id] = order
        insort(self.changes, (_whole(order.data.get("update_time")), order.id))

    def changed_since(self, moment: int | None) -> list[Order]:
        """Every order that was edited at or after that moment, or any that has no readable time; all without one."""
        if moment is None:
            return list(self.orders.values())
        found = [
            *self.changes[: bisect_left(self.changes, (0, ""))],
            *self.changes[bisect_left(self.changes, (moment, "")) :],
        ]
        return [self.orders[order_id] for order_id in dict.fromkeys(order_id for _, order_id in found)]


def _whole(value: Any) -> int:
    """A time as a number, -1 for what is none."""
    return value if type(value) is int else -1
