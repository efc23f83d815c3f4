"""Whole lives of orders: the product against the sandbox, over real HTTP, with the sandbox's clock as ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from accounts.access import all_merchants
from connectors.models import ConnectedStore, StorePart
from demo import apps
from demo.browser import Browser
from orders import draining, lanes
from orders.models import Fulfillment, Mirror, Order, OutboxItem
from sandbox.app import serve
from sandbox.world import World
from tests.factories import switch_on
from tests.journeys.workers import Worker

SHOPIFY_SHOP = "alices-candles.myshopify.com"
STORES = ("shopify", "amazon", "wix", "squarespace")
KEYS = apps.make_keys()
# Where the official schema is at hand, Shopify's half executes on it.
OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared/contracts/shopify-admin.schema.graphql"
if OFFICIAL.is_file():
    os.environ.setdefault("SANDBOX_SHOPIFY_SCHEMA", str(OFFICIAL))


class Journey:
    """Alice's two stores, connected, and whoever acts on them."""

    def __init__(self, *, world: World, site: str) -> None:
        self.world = world
        self.site = site
        self.person = Browser()
        self.woken: list[tuple[int, int]] = []
        self.ahead = timedelta()  # how far our clock runs ahead of the platforms'

    # Time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.now(), UTC) + self.ahead

    def wait(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen."""
        self.world.advance(seconds)
        self.settle()

    # The product

    def settle(self) -> None:
        """Deliver webhooks and drain lanes until nothing is due."""
        for _ in range(60):
            delivered = self.world.outgoing.drain()
            self.woken.clear()
            lanes.dispatch(now=self.now(), wake=self.woken.extend)
            for store_id, fence in self.woken:
                draining.drain(store_id=store_id, fence=fence, clock=self.now)
            if not delivered and not self.woken:
                return
        raise AssertionError("it never comes to rest")

    def order(self, external_id: str) -> Order:
        with all_merchants("a test looks"):
            return Order.objects.select_related("source_store").get(external_id=external_id)

    def events(self, external_id: str) -> list[str]:
        with all_merchants("a test looks"):
            return list(self.order(external_id).events.order_by("id").values_list("kind", flat=True))

    def mirror(self, external_id: str) -> Mirror:
        with all_merchants("a test looks"):
            return Mirror.objects.get(order__external_id=external_id)

    def items(self, external_id: str) -> list[OutboxItem]:
        with all_merchants("a test looks"):
            return list(OutboxItem.objects.filter(order__external_id=external_id).order_by("id"))

    def fulfillments(self, external_id: str) -> list[Fulfillment]:
        with all_merchants("a test looks"):
            return list(Fulfillment.objects.filter(order__external_id=external_id).order_by("id"))

    def store(self, platform: str) -> ConnectedStore:
        with all_merchants("a test looks"):
            return ConnectedStore.objects.filter(platform=platform).order_by("id")[0]

    # The platforms

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.world.public_url}/_sandbox/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return dict(answer.json())

    def fault(self, platform: str, operation: str, kind: str, **more: Any) -> None:
        self.control("faults", platform=platform, operation=operation, kind=kind, **more)

    def buy(self, **wanted: Any) -> str:
        return str(self.control("tiktok_shop/buy", **{"shop": "Alice's Candles", **wanted})["order_id"])

    def buy_released(self, **wanted: Any) -> str:
        """An order whose hold is over, on its way to the store."""
        order_id = self.buy(**wanted)
        self.settle()
        self.wait(self.world.hold_seconds + 5)
        return order_id

    def tiktok_order(self, order_id: str) -> dict[str, Any]:
        return next(order for order in self.look("tiktok_shop")["orders"] if order["id"] == order_id)

    def orders_in(self, platform: str, order_id: str) -> list[dict[str, Any]]:
        """What a store has for TikTok's order."""
        return [order for order in self.look(platform)["orders"] if order["reference"] == order_id]

    def order_in(self, platform: str, order_id: str) -> dict[str, Any]:
        (found,) = self.orders_in(platform, order_id)
        return found

    def ship_from(self, platform: str, order_id: str, number: str = "9400111899562537866361", **more: Any) -> None:
        """The warehouse of that store packs what is left of the order, or `lines`."""
        order = self.order_in(platform, order_id)
        ship = {"shop": order["shop"], "order": order["name"], "tracking_number": number, "carrier": "USPS", **more}
        self.control(f"{platform}/ship", **ship)

    def shopify_orders(self, order_id: str) -> list[dict[str, Any]]:
        return [order for order in self.look("shopify")["orders"] if order["reference"] == order_id]

    def shopify_order(self, order_id: str) -> dict[str, Any]:
        (found,) = self.shopify_orders(order_id)
        return found

    def ship(self, order_id: str, number: str = "9400111899562537866361", **more: Any) -> None:
        name = self.shopify_order(order_id)["name"]
        ship = {"shop": SHOPIFY_SHOP, "order": name, "tracking_number": number, "carrier": "USPS", **more}
        self.control("shopify/ship", **ship)

    def ledger(self, event: str, key: str = "") -> list[dict[str, Any]]:
        """What really happened at the platforms."""
        return [
            entry
            for entry in self.world.ledger
            if entry["event"] == event and (not key or key in (entry["key"], entry.get("reference")))
        ]

    def look(self, half: str) -> dict[str, Any]:
        return dict(requests.get(f"{self.world.public_url}/_sandbox/{half}", timeout=10).json())

    # Connecting, through the pages

    def connect_all(self) -> None:
        self.person.open(f"{self.site}/accounts/signup/")
        self.person.submit(
            holding="email",
            business_name="Alice's Candles",
            name="Alice",
            email="alice@example.com",
            password1="candle-light-42",
            password2="candle-light-42",
        )
        self.connect_tiktok()
        self.connect("shopify")

    def switch_all_on(self) -> None:
        """Every shop, as if its checklist were done: tests/journeys/test_setting_up.py walks it."""
        with all_merchants("a test sets the stage"):
            shops = list(ConnectedStore.objects.filter(part=StorePart.SOURCE))
        for shop in shops:
            switch_on(shop)

    def connect(self, platform: str, **chosen: str) -> None:
        """Connect one of Alice's stores through the pages, ours and the platform's."""
        self.person.open(f"{self.site}/connect/{platform}/")
        asked = {"shopify": {"shop": SHOPIFY_SHOP}, "amazon": {"shop": "ATVPDKIKX0DER"}}.get(platform, {})
        self.person.submit(holding=f"/connect/{platform}/", **{**asked, **chosen})
        self.person.submit(holding="state", press=("decision", "allow"))

    def connect_tiktok(self) -> None:
        self.person.open(f"{self.site}/connect/tiktok_shop/")
        if self.person.page is not None and self.person.page.url.startswith(self.site):
            self.person.submit(holding="/connect/tiktok_shop/")
        self.person.submit(holding="state", press=("decision", "allow"), seller="alice")


@pytest.fixture
def world() -> Iterator[World]:
    world = World(hold_seconds=3600)
    world.outgoing.automatic = False
    server = serve(world, 0)
    world.public_url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield world
    server.shutdown()
    server.server_close()
    world.outgoing.stop()
    unknown = [entry for entry in world.journal if entry["note"] == "unknown"]
    assert not unknown, f"requests the sandbox does not know: {unknown}"


@pytest.fixture
def journey(world: World, transactional_db: None, live_server: Any, settings: Any) -> Journey:
    """Alice's shop and store, connected through the pages, and everything at rest."""
    sandbox = world.public_url
    settings.DEBUG = True
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PUBLIC_URL = live_server.url
    settings.HOLD_SECONDS = world.hold_seconds
    settings.PLATFORM_VALUES = apps.settings_of(KEYS, sandbox=sandbox)
    journey = Journey(world=world, site=live_server.url)
    apps.register(journey.control, KEYS, site=live_server.url)
    journey.connect_all()
    journey.switch_all_on()
    journey.settle()
    return journey


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts a worker group each time it is called."""
    started: list[Worker] = []

    def start(**more: str) -> Worker:
        started.append(Worker(tmp_path / "work.log", **more))
        return started[-1]

    yield start
    for worker in started:
        worker.end()
