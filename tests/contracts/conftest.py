"""One platform at a time: its connector, connected to the sandbox by its own consent page, and what is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

from connectors import registry
from connectors.base.connector import AuthorizationAnswer, AuthorizationRequest, Connector
from connectors.base.types import (
    Address,
    Credentials,
    OrderDraft,
    PlatformOrder,
    RawRequest,
    SourceStatus,
    StoreIdentity,
)
from connectors.exchange import Answer
from connectors.http import HttpClient
from demo import apps
from demo.browser import _Forms
from orders.components import Component
from orders.drafting import DraftRules, make_draft
from sandbox.app import serve
from sandbox.world import World
from tests.contracts.judge import Judge
from tests.orders.builders import line, payment, seen

SITE = "http://127.0.0.1:9"
KEYS = apps.make_keys()
DESTINATIONS = ("shopify", "amazon", "wix", "squarespace")
NAMED = {"shopify": "alices-candles.myshopify.com", "amazon": "ATVPDKIKX0DER"}
REFERENCE = "576461413038785751"
JANE = Address(
    name="Jane van der Doe",
    first_name="Jane van der",
    last_name="Doe",
    phone="+1 201 555 0123",
    line1="12 Harbor Street",
    line2="Apt 4",
    line3="",
    line4="",
    city="Hoboken",
    province="New Jersey",
    province_code="NJ",
    postal_code="07030",
    country_code="US",
)


def full_order(**changes: Any) -> PlatformOrder:
    """Two candles and a gift, with discounts of both kinds, shipping, tax on top, and a message."""
    lines = (
        line("577086512123755100", seller_discount=150),
        line("577086512123755101", seller_discount=150),
        line("577086512123755102", sku="GFT-MTC-01", price=0, is_gift=True, title="Matchbox, small"),
    )
    paid = payment(products=4800, seller_discount=300, platform_discount=100, shipping=499, tax=321)
    made = seen(SourceStatus.AWAITING_SHIPMENT, lines=lines, payment=paid, buyer_message="Leave it at the door")
    return replace(made, external_id=REFERENCE, address=JANE, **changes)


class JudgedClient(HttpClient):
    """Shows every call and its answer to the judge."""

    judge: Judge

    def send(self, method: str, url: str, *, operation: str, **more: Any) -> Answer:
        answer = super().send(method, url, operation=operation, **more)
        self.judge.look(operation, path=url, request=more.get("body"), status=answer.status, answer=answer.body)
        return answer


class Place:
    """A merchant's store on one platform, as the connector reaches it."""

    def __init__(self, platform: str, world: World) -> None:
        self.platform = platform
        self.world = world
        self.kind = registry.connector_class(platform)
        values = apps.settings_of(KEYS, sandbox=world.public_url)
        prefix = f"{platform.upper()}_"
        self.config = {each.name: values.get(prefix + each.name) or each.default for each in self.kind.settings}
        self.shop = NAMED.get(platform, "")
        self.judge = Judge(platform)
        self.redirect_url = f"{SITE}/connect/{platform}/callback/"
        self.credentials: Credentials | None = None
        self.store: StoreIdentity | None = None

    # The connector

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.now(), UTC)

    def speak(self, credentials: Credentials | None = None, **options: str) -> Any:
        """A fresh connector, with the store's tokens unless others are given."""
        store = replace(self.store, options=options) if self.store else None
        return self.kind(
            config=self.config,
            http=self._http(),
            clock=self.now,
            store=store,
            credentials=credentials or self.credentials,
        )

    def _http(self) -> HttpClient:
        client = JudgedClient(private_keys=self.kind.private_keys)
        client.judge = self.judge
        return client

    def connect(self) -> Place:
        answer = self.answer(state="s1")
        self.credentials = self.speak().exchange_code(answer)
        connector: Connector = self.speak()
        connector.store = StoreIdentity(external_id=answer.shop, name=answer.shop, domain=answer.shop)
        self.store = connector.list_stores()[0]
        subscribed = self.speak().ensure_webhooks(f"{SITE}/webhooks/{self.platform}/")
        if subscribed.secret:
            extra = {**self.credentials.extra, "webhook_secret": subscribed.secret}
            self.credentials = replace(self.credentials, extra=extra)
        return self

    def answer(self, *, state: str, decision: str = "allow") -> AuthorizationAnswer:
        """What the callback reads after the person decided at the platform's own page."""
        answer = self.speak().read_callback(self.callback(state=state, decision=decision))
        return replace(answer, shop=answer.shop or self.shop, redirect_url=self.redirect_url)

    def callback(self, *, state: str, decision: str = "allow") -> RawRequest:
        asked = AuthorizationRequest(state=state, redirect_url=self.redirect_url, shop=self.shop)
        page = requests.get(self.speak().authorize_url(asked), timeout=10)
        assert page.ok, page.text
        parser = _Forms()
        parser.feed(page.text)
        form = parser.forms[0]
        values = {**form.values, "decision": decision}
        if self.platform == "tiktok_shop":
            values["seller"] = "alice"
        target = urljoin(page.url, form.action or page.url)
        back = requests.post(target, data=values, timeout=10, allow_redirects=False)
        assert back.headers["Location"].startswith(SITE), back.headers
        return RawRequest(body=b"", headers={}, query=dict(parse_qsl(urlsplit(back.headers["Location"]).query)))

    # What is there

    def control(self, verb: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.world.public_url}/_sandbox/{self.platform}/{verb}", json=body, timeout=10)
        assert answer.ok, answer.text
        return dict(answer.json())

    def fault(self, kind: str, operation: str = "*", **more: Any) -> None:
        self.world.faults.add(self.platform, operation, kind=kind, **more)

    def orders(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.world.public_url}/_sandbox/{self.platform}", timeout=10)
        return [order for order in answer.json()["orders"] if order["reference"] == REFERENCE]

    def order(self) -> dict[str, Any]:
        (found,) = self.orders()
        return found

    def ship(self, **more: Any) -> None:
        order = self.order()
        self.control("ship", **{"shop": order["shop"], "order": order["name"], "carrier": "USPS", **more})

    # What is sent

    @property
    def create_operation(self) -> str:
        return "orderCreate" if self.platform == "shopify" else "orders.create"

    def draft(self, order: PlatformOrder | None = None, **rules: Any) -> OrderDraft:
        """The draft that the product makes, its items linked by what the platform's own catalog says."""
        order = order or full_order()
        skus = list(dict.fromkeys(each.sku for each in order.lines))
        found = self.speak().find_variants(skus)
        variants = {sku.casefold(): (Component(some[0].external_id, sku),) for sku, some in found.items() if some}
        return make_draft(order, self.rules(variants=variants, **rules))

    def rules(self, **rules: Any) -> DraftRules:
        """Those of a route to this store."""
        return DraftRules(
            destination_currency="USD",
            destination_label=self.kind.label,
            source_store_id="7",
            source_store_name="Alice's Candles",
            **rules,
        )

    def create(self, **rules: Any) -> Any:
        return self.speak().create_order(self.draft(**rules), reference=REFERENCE)


@pytest.fixture
def world() -> Iterator[World]:
    world = World(hold_seconds=3600)
    world.freeze()
    world.outgoing.automatic = False
    server = serve(world, 0)
    world.public_url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    apps.register(lambda path, **body: _told(world, path, body), KEYS, site=SITE)
    yield world
    server.shutdown()
    server.server_close()
    world.outgoing.stop()
    unknown = [entry for entry in world.journal if entry["note"] == "unknown"]
    assert not unknown, f"requests the sandbox does not know: {unknown}"


def _told(world: World, path: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"{world.public_url}/_sandbox/{path}", json=body, timeout=10)
    assert answer.ok, answer.text


@pytest.fixture(params=registry.PLATFORMS)
def anyone(request: pytest.FixtureRequest, world: World) -> Iterator[Place]:
    """Each of the five platforms, connected; its own model judges every call."""
    yield from _judged(Place(request.param, world))


@pytest.fixture(params=DESTINATIONS)
def place(request: pytest.FixtureRequest, world: World) -> Iterator[Place]:
    """Each of the four destinations, connected; its own model judges every call."""
    yield from _judged(Place(request.param, world))


def _judged(place: Place) -> Iterator[Place]:
    yield place.connect()
    assert place.judge.wrong == []
