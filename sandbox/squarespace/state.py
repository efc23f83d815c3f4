"""What the platform remembers: the extension, the sites, their tokens, orders and subscriptions."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.goods import PRODUCTS
from sandbox.world import ControlError, World

CODE_LIFE = 120
ACCESS_LIFE = 1800
REFRESH_LIFE = 7 * 86_400
SITES = (
    ("5f3c3d55ac435e1a051f77b3", "alice", "Alice's Candles"),
    ("5f3c3d55ac435e1a051f77c4", "charlie", "Charlie's Cards"),
)


@dataclass
class App:
    client_id: str
    client_secret: str
    redirect_urls: tuple[str, ...]
    initiate_url: str = ""


@dataclass
class Grant:
    """What one site allowed: access tokens with their end, and the one refresh token that works."""

    scopes: tuple[str, ...]
    access: dict[str, float] = field(default_factory=dict)
    refresh: str = ""
    refresh_until: float = 0.0
    # A refresh is final once the access token that it brought was used: until then the old one works again.
    previous: str = ""
    fresh: str = ""


@dataclass
class Site:
    id: str
    seller: str
    title: str
    currency: str = "USD"
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)  # Idempotency-Key -> what it was and brought
    adjustments: dict[str, float] = field(default_factory=dict)  # Idempotency-Key -> when it was used
    calls: list[float] = field(default_factory=list)
    cooling_until: float = 0.0
    grant: Grant | None = None
    next_number: int = 1
    page_size: int = 50
    key_life: float = 86_400.0  # [guess] how long a key is known
    mismatch_status: int = 409  # [guess] the same key with other parameters
    strict_fields: bool = True  # [guess] an unknown field is refused
    null_arrays: bool = False  # an empty array may come as null
    drop_after: int = 8  # [guess] failures after which a subscription is deleted
    creates_per_hour: int = 0  # 100 with an API key; 0 is no limit, as with OAuth
    calls_per_minute: int = 300

    @property
    def domain(self) -> str:
        return f"{self.seller}.squarespace.com"


class State:
    def __init__(self, world: World) -> None:
        self.world = world
        self.clear()

    def clear(self) -> None:
        self.app: App | None = None
        self.sites: dict[str, Site] = {}
        self.codes: dict[str, dict[str, Any]] = {}

    def seed(self) -> None:
        for site_id, seller, title in SITES:
            if site_id in self.sites:
                continue
            site = self.sites[site_id] = Site(site_id, seller, title)
            for sku, name, price in PRODUCTS:
                self.add_variant(site, sku, name, price)

    def add_variant(self, site: Site, sku: str, title: str, price: str) -> dict[str, Any]:
        variant_id = str(uuid.uuid4())
        site.variants[variant_id] = {
            "id": variant_id,
            "productId": secrets.token_hex(12),
            "sku": sku,
            "title": title,
            "price": price,
            "quantity": 100,
            "is_unlimited": False,
        }
        return site.variants[variant_id]

    def site(self, wanted: str | None) -> Site:
        """By id, seller or title; the first one if none is named."""
        for site in self.sites.values():
            if wanted in (None, "", site.id, site.seller, site.title):
                return site
        raise ControlError(f"no such site: {wanted}")

    def order(self, site: Site, wanted: str) -> dict[str, Any]:
        """By id, number or reference."""
        if wanted in site.orders:
            return site.orders[wanted]
        for order in site.orders.values():
            if wanted.lstrip("#") in (order["id"], order["orderNumber"], order["externalOrderReference"]):
                return order
        raise ControlError(f"no such order: {wanted}")

    def site_of(self, token: str) -> tuple[Site, Grant] | None:
        """Whose access token this is, if it is still good."""
        for site in self.sites.values():
            if site.grant and site.grant.access.get(token, 0.0) > self.world.now():
                return site, site.grant
        return None

    def iso(self, moment: float | None = None) -> str:
        at = self.world.now() if moment is None else moment
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_token() -> str:
    return secrets.token_hex(24)
