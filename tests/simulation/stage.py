"""Alice's shop and her four stores, connected once through the pages, and set up anew for each run."""

from __future__ import annotations

import json
import logging
import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import override_settings

from accounts.access import all_merchants, merchant_rows
from connectors.machine import Machine, running_on
from connectors.models import ConnectedStore
from demo import apps
from demo.browser import Browser
from orders import routing
from orders.models import Route, RouteRule, Setup
from sandbox.app import Sandbox
from sandbox.world import World
from tests.factories import switch_on
from tests.simulation.network import InProcess, Network, site
from tests.simulation.post import Post

SITE, SANDBOX = "http://127.0.0.1:8000", "http://127.0.0.1:8801"
START = datetime(2026, 3, 28, 22, 0, tzinfo=UTC).timestamp()  # summer time begins in the night that follows
SHOP = "Alice's Candles"
ASKED: dict[str, dict[str, str]] = {
    "shopify": {"shop": "alices-candles.myshopify.com"},
    "amazon": {"shop": "ATVPDKIKX0DER"},
}
STORES = ("shopify", "amazon", "wix", "squarespace")
# Which store gets what: the other items go to Shopify.
SKUS = {"amazon": ["TIN-*", "CND-AMB-12"], "wix": ["CND-SEA-08", "TPR-*"], "squarespace": ["ACC-*", "MLT-*"]}
_TABLES = """truncate orders_order, orders_orderversion, orders_orderevent, orders_mirror, orders_fulfillment,
  orders_outboxitem, orders_cancellation, orders_return, orders_returnrecord, orders_setaside, orders_lane,
  orders_productlink, orders_catalog, orders_catalogvariant, orders_catalogreading, orders_searchword,
  orders_ordertally, orders_reckoneddeadlines, connectors_webhookdelivery, connectors_apicall cascade"""

PASSWORD = "candle-light-42"


class Stage:
    """Made once for many runs: the platforms' state and our stores' rows as they are right after connecting."""

    def __init__(self) -> None:
        self.keys = apps.make_keys()
        self.person = Browser()
        self.rows: list[ConnectedStore] = []
        self.kept = b""
        self.merchant_id = 0
        self.world, self.app = self._world()

    @contextmanager
    def open(self) -> Iterator[None]:
        """The settings and the clock under which runs are made."""
        changed = {
            "DEBUG": True,
            "ACCOUNT_RATE_LIMITS": False,
            "PUBLIC_URL": SITE,
            "HOLD_SECONDS": 3600,
            "PLATFORM_VALUES": apps.settings_of(self.keys, sandbox=SANDBOX),
            "LOGGING_CONFIG": None,
        }
        with override_settings(**changed), time_machine.travel(START, tick=False) as self.traveller:
            self._connect_all()
            logging.disable(logging.WARNING)
            try:
                yield
            finally:
                logging.disable(logging.NOTSET)

    def _world(self) -> tuple[World, Sandbox]:
        world = World(public_url=SANDBOX, hold_seconds=3600)
        world.freeze(START)
        world.outgoing = Post(world, random=random.Random(0), lost=1.0)
        return world, Sandbox(world)

    def _connect_all(self) -> None:
        self.world, self.app = self._world()
        apps.register(lambda path, **body: self.control(path, **body), self.keys, site=SITE)
        with self.on_line():
            self.person.open(f"{SITE}/accounts/signup/")
            self.person.submit(
                holding="email",
                business_name=SHOP,
                name="Alice",
                email="alice@example.com",
                password1=PASSWORD,
                password2=PASSWORD,
            )
            self.connect("tiktok_shop")
            for platform in STORES:
                self.connect(platform)
        self.control("tiktok_shop/shop_settings", shop=SHOP, qps=1_000_000)  # its bucket runs in real time
        with all_merchants("a test looks"):
            shops = ConnectedStore.objects.order_by("id")
            self.source = next(each for each in shops if each.platform == "tiktok_shop" and each.name == SHOP)
            self.merchant_id = self.source.merchant_id
            ConnectedStore.objects.filter(platform="tiktok_shop").exclude(pk=self.source.pk).delete()
            self.rows = list(ConnectedStore.objects.order_by("id"))
        self._make_routes()
        switch_on(self.source)
        halves = {name: state_of(half) for name, half in self.world.halves.items()}
        self.kept = pickle.dumps(halves)

    @contextmanager
    def on_line(self) -> Iterator[None]:
        """A person's browser, and our own calls while connecting, reach site and platforms as `app` has them."""
        self.person.session.mount(SITE, InProcess(site()))
        self.person.session.mount(SANDBOX, InProcess(self.app))
        network = Network(
            app=self.app,
            random=random.Random(0),
            say=lambda _text: None,
            on_create=lambda *_: None,
            is_quick=True,
        )
        with running_on(Machine(exchange=network.exchange)):
            yield

    def connect(self, platform: str) -> None:
        """Through the pages, ours and the platform's."""
        self.person.open(f"{SITE}/connect/{platform}/")
        assert self.person.page is not None
        if "/accounts/login/" in self.person.page.url:  # two weeks have passed
            self.person.submit(holding="login", login="alice@example.com", password=PASSWORD)
        if self.person.page.url.startswith(SITE):
            self.person.submit(holding=f"/connect/{platform}/", **ASKED.get(platform, {}))
        seller = {"seller": "alice"} if platform == "tiktok_shop" else {}
        self.person.submit(holding="state", press=("decision", "allow"), **seller)

    def _make_routes(self) -> None:
        with merchant_rows(self.merchant_id):
            Route.objects.all().delete()
            for position, store in enumerate(each for each in self.rows if each.platform in STORES):
                skus = SKUS.get(store.platform, [])
                rule = RouteRule.SKU if skus else RouteRule.DEFAULT
                route = Route(
                    source_store=self.source,
                    destination_store=store,
                    rule=rule,
                    skus=skus,
                    position=position,
                    takes_part=bool(skus),
                )
                routing.save_route(route=route)

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        """The sandbox's own door. Raises ControlError through an assertion."""
        half, _, verb = path.partition("/")
        with self.world.lock:
            self.world.halves[half].tick()
            return self.world.halves[half].control(verb, json.loads(json.dumps(body)))

    def reset(self) -> None:
        """Everything as it was right after connecting; the orders are gone."""
        self.world, self.app = self._world()
        for name, facts in pickle.loads(self.kept).items():
            vars(self.world.halves[name].state).update(facts)  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
        with all_merchants("a test sets the stage"):
            for row in self.rows:
                row.save(force_update=True)
            Setup.objects.update(checked_at=None, shipping={})
        cache.clear()

    def store_of(self, platform: str) -> ConnectedStore:
        """The store as it is now."""
        with all_merchants("a test looks"):
            return ConnectedStore.objects.get(pk=next(row.pk for row in self.rows if row.platform == platform))


def state_of(half: Any) -> dict[str, Any]:
    """What a platform remembers."""
    return {name: value for name, value in vars(half.state).items() if name != "world"}


def skus_for(platform: str, skus: dict[str, int]) -> dict[str, int]:
    """The part of an order that the routes give to this store."""

    def taker(sku: str) -> str:
        for name, patterns in SKUS.items():
            if any(fnmatchcase(sku, pattern) for pattern in patterns):
                return name
        return "shopify"

    return {sku: count for sku, count in skus.items() if taker(sku) == platform}
