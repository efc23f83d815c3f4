"""What the platform remembers: the app and its key pair, the sites, their orders."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.goods import PRODUCTS
from sandbox.world import ControlError, World

TOKEN_LIFE = 14_400  # [guess]
SITES = (("alice", "Alice's Candles Outlet"), ("charlie", "Charlie's Cards"))


@dataclass
class App:
    app_id: str
    app_secret: str
    redirect_urls: tuple[str, ...]
    webhook_url: str = ""


@dataclass
class Site:
    seller: str
    name: str
    currency: str = "USD"
    instance_id: str = ""  # of the app, while it is installed
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_reference: dict[str, list[str]] = field(default_factory=dict)  # TikTok's id -> orders
    tokens: dict[str, float] = field(default_factory=dict)
    calls: list[float] = field(default_factory=list)
    next_number: int = 10001
    catalog_version: str = "V3_CATALOG"
    index_delay: float = 3.0  # [guess] how long a search does not see a new order
    number_as_integer: bool = False  # published examples show integers
    payments_after_paid: bool = False  # [guess] whether PAID makes a payment by itself
    second_cancel: str = "error"  # [guess] or "noop"
    cancel_fulfilled: str = "allow"  # [guess] or "refuse", once a parcel left
    refund_result: str = "SUCCEEDED"  # or PENDING, or FAILED
    offline_refundable: bool = False  # [guess] or only by hand
    knows_tiktok: bool = True  # else the channel type TIKTOK is refused
    calls_per_minute: int = 200

    @property
    def id(self) -> str:
        return self.instance_id or self.seller


class State:
    def __init__(self, world: World) -> None:
        self.world = world
        self.private_key = ""
        self.clear()

    def clear(self) -> None:
        self.app: App | None = None
        self.sites: dict[str, Site] = {}
        self.private_key = self.private_key or _new_key()

    def seed(self) -> None:
        for seller, name in SITES:
            if seller in self.sites:
                continue
            site = self.sites[seller] = Site(seller, name)
            for sku, title, price in PRODUCTS:
                self.add_variant(site, sku, title, price)

    def add_variant(self, site: Site, sku: str, title: str, price: str) -> dict[str, Any]:
        variant_id = str(uuid.uuid4())
        made = {
            "id": variant_id,
            "productId": str(uuid.uuid4()),
            "sku": sku,
            "title": title,
            "price": price,
            "quantity": 100,
        }
        site.variants[variant_id] = made
        return made

    def site(self, wanted: str | None) -> Site:
        """By seller, name or instance; the first if none is named."""
        for site in self.sites.values():
            if wanted in (None, "", site.seller, site.name, site.instance_id):
                return site
        raise ControlError(f"no such site: {wanted}")

    def order(self, site: Site, wanted: str) -> dict[str, Any]:
        """By id, number or TikTok's id."""
        if wanted in site.orders:
            return site.orders[wanted]
        for order in site.orders.values():
            if wanted.lstrip("#") in (order["id"], order["number"], order["channelInfo"].get("externalOrderId")):
                return order
        raise ControlError(f"no such order: {wanted}")

    @property
    def public_key(self) -> str:
        key = serialization.load_pem_private_key(self.private_key.encode(), None)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def iso(self, moment: float | None = None) -> str:
        at = self.world.now() if moment is None else moment
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_token() -> str:
    return f"OauthNG.{secrets.token_hex(24)}"


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()
