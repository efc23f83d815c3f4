"""The imitations answer what our connectors ask, refuse in the platforms' shapes, and keep a true ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bench import raw, rows
from bench.platforms.line import answer
from bench.platforms.request import Request
from bench.platforms.world import World
from connectors import registry
from connectors.base.connector import Destination
from connectors.base.errors import RateLimited, TemporaryError
from connectors.base.types import (
    AddressState,
    Credentials,
    OrderDraft,
    PlacedOrder,
    SourceStatus,
    StoreIdentity,
    Tracking,
)
from connectors.exchange import Answer
from connectors.http import HttpClient
from connectors.platforms.tiktok_shop import mapping
from connectors.platforms.tiktok_shop.connector import TikTokShop
from orders.components import Component, sku_key
from orders.drafting import DraftRules, make_draft
from tests.orders.builders import NOON

EPOCH = int(NOON.timestamp())
ORDER = raw.order_id(3)
ADDRESSES = {
    "tiktok_shop": ("API_URL", "http://bench/tiktok_shop/api"),
    "shopify": ("BASE_URL", "http://bench/shopify/{shop}"),
    "amazon": ("API_URL", "http://bench/amazon/api/{region}"),
    "wix": ("API_URL", "http://bench/wix/api"),
    "squarespace": ("API_URL", "http://bench/squarespace/api"),
}
MERCHANTS = {"shopify": 1, **{platform: merchants[0] for platform, merchants in rows.OTHERS.items()}}


@pytest.fixture
def world() -> World:
    return World(epoch=EPOCH, has_limits=True)


class Clock:
    """Stands still unless it is moved."""

    now = float(EPOCH)


def connected(platform: str, world: World, clock: type[Clock] = Clock) -> Any:
    """Our connector for a store of the data set, whose calls the imitation answers."""

    def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        head = "".join(f"\r\n{name}: {value}" for name, value in headers.items()).encode()
        said = answer(world, Request(method, url.removeprefix("http://bench"), head, body or b""), clock.now)
        told = (line.partition(": ") for line in said.headers.split("\r\n") if line)
        return Answer(said.status, {name.lower(): value for name, _, value in told}, said.text.encode())

    merchant = MERCHANTS.get(platform, 1)
    kind = registry.connector_class(platform)
    setting, address = ADDRESSES[platform]
    return kind(
        config={**{each.name: each.default or "bench" for each in kind.settings}, setting: address},
        http=HttpClient(exchange=exchange),
        clock=lambda: NOON,
        store=identity_of(merchant, is_source=platform == "tiktok_shop"),
        credentials=Credentials(access_token=raw.token(platform, merchant)),
    )


def identity_of(merchant: int, *, is_source: bool = False) -> StoreIdentity:
    """As the lines of the data set have it."""
    source, destination = rows.stores(merchant, tokens=("", ""), since="", later="", now="")
    cells = dict(zip(rows.STORE.split(), (source if is_source else destination).rstrip("\n").split("\t"), strict=True))
    return StoreIdentity(
        cells["external_id"],
        cells["name"],
        cells["region"],
        cells["currency"],
        cells["domain"],
        json.loads(cells["extra"]),
    )


def draft_of(platform: str, order: str = ORDER) -> OrderDraft:
    """The draft of an order, its product linked as in the data set."""
    seen = mapping.order_of(raw.order_of(order, epoch=EPOCH, now=EPOCH))
    sku = raw.product_of(order)[0]
    linked = Component(rows.variant_id(MERCHANTS[platform], 3, sku), sku)
    rules = DraftRules("USD", platform, "1", "Alice's Candles", variants={sku_key(sku): (linked,)})
    return make_draft(seen, rules)


def create_many(store: Destination, platform: str, count: int) -> None:
    for number in range(count):
        store.create_order(draft_of(platform, raw.order_id(number)), reference=raw.order_id(number))


@pytest.mark.parametrize("platform", list(MERCHANTS))
class TestDestinations:
    def test_create_find_and_read_an_order(self, platform: str, world: World) -> None:
        store: Destination = connected(platform, world)
        assert store.find_orders([ORDER], since=NOON - timedelta(hours=2)) == {}
        made = store.create_order(draft_of(platform), reference=ORDER)
        assert made.reference == ORDER
        assert made.remarks == ()
        found = store.find_orders([ORDER], since=NOON - timedelta(hours=2))[ORDER]
        assert isinstance(found, PlacedOrder)
        assert found.external_id == made.external_id
        assert world.created == [(ORDER, rows.shop_of(MERCHANTS[platform]), EPOCH)]
        assert not world.unknown

    def test_have_an_empty_catalog(self, platform: str, world: World) -> None:
        store: Destination = connected(platform, world)
        assert list(store.list_variants()) == []
        assert not world.unknown

    def test_are_found_among_more_orders_than_a_page_has(self, platform: str, world: World) -> None:
        store: Destination = connected(platform, World(epoch=EPOCH, has_limits=False))
        create_many(store, platform, 120)
        asked = [raw.order_id(number) for number in (0, 119)]
        assert list(store.find_orders(asked, since=NOON - timedelta(hours=2))) == asked

    def test_refuse_what_is_over_the_limit_in_the_platforms_words(self, platform: str, world: World) -> None:
        store: Destination = connected(platform, world)
        with pytest.raises(RateLimited):
            create_many(store, platform, 400)
        made, refused = {"shopify": (133, 1), "amazon": (30, 1), "wix": (67, 2), "squarespace": (300, 1)}[platform]
        assert len(world.created) == made
        assert {name for name, _, _ in world.refused} == {platform}
        assert world.refused.total() == refused

    def test_answer_with_the_status_they_were_told(self, platform: str, world: World) -> None:
        store: Destination = connected(platform, world)
        world.control("/_bench/mode", json.dumps({"platforms": [platform], "status": 503}).encode(), EPOCH)
        with pytest.raises(TemporaryError):
            store.find_order(ORDER, since=NOON)
        world.control("/_bench/mode", json.dumps({"platforms": [platform]}).encode(), EPOCH)
        assert store.find_order(ORDER, since=NOON) is None


class TestTikTokShop:
    @pytest.mark.parametrize(
        ("held_for", "after", "status"),
        [(0.0, 0, SourceStatus.AWAITING_SHIPMENT), (5.0, 4.9, SourceStatus.ON_HOLD), (5.0, 5, "AWAITING_SHIPMENT")],
    )
    def test_releases_an_order_at_the_moment_in_its_id(self, held_for: float, after: float, status: str) -> None:
        seen = mapping.order_of(raw.order_of(raw.order_id(7, held_for), epoch=EPOCH, now=EPOCH + after))
        assert seen.status == status
        assert (seen.problems, seen.address_state) == ((), AddressState.COMPLETE)

    def test_shows_the_parcel_it_was_told_of(self, world: World) -> None:
        shop: TikTokShop = connected("tiktok_shop", world)
        (before,) = shop.fetch_orders([ORDER])
        (carrier,) = shop.carriers("7091146663229654785")
        told = Tracking(
            line_ids=(f"{ORDER}1",), carrier_id=carrier.external_id, tracking_number="94001", covers_whole_order=True
        )
        receipt = shop.push_tracking(before, told)
        (seen,) = shop.fetch_orders([ORDER])
        assert seen.status == SourceStatus.AWAITING_COLLECTION
        (package,) = seen.packages
        assert (package.external_id, package.tracking_number) == (receipt.package_id, "94001")
        assert package.line_ids == (f"{ORDER}1",)

    def test_answers_what_a_worker_asks_by_itself(self, world: World) -> None:
        shop: TikTokShop = connected("tiktok_shop", world)
        assert list(shop.list_variants()) == []
        assert shop.shipping_setup().is_by_seller is None
        assert list(shop.orders_updated_since(NOON, until=NOON)) == []
        assert not world.unknown

    @pytest.mark.parametrize(("has_limits", "refused"), [(True, 10), (False, 0)])
    def test_refuses_what_is_over_the_shops_own_bucket(self, has_limits: bool, refused: int) -> None:
        world = World(epoch=EPOCH, has_limits=has_limits)
        asked = Request("GET", "/tiktok_shop/api/order/202507/orders?ids=&shop_cipher=one")
        statuses = [answer(world, asked, EPOCH).status for _ in range(60)]
        assert statuses.count(429) == refused


class TestLedger:
    @pytest.mark.parametrize("name", [*ADDRESSES, "elsewhere"])
    def test_lists_the_calls_that_nobody_knows(self, name: str, world: World) -> None:
        body = b'{"query": "mutation Uninstall {", "variables": {}}'
        assert answer(world, Request("POST", f"/{name}/api/na/uninstall", body=body), EPOCH).status == 404
        assert json.loads(world.control("/_bench/counted", b"", EPOCH))["unknown"] == dict(world.unknown)
        assert world.unknown.total() == 1

    def test_keeps_every_create(self) -> None:
        world = World(epoch=EPOCH, has_limits=False)
        said = {"query": "mutation OrderCreate($o", "variables": {"order": {"sourceIdentifier": ORDER}}}
        asked = Request("POST", "/shopify/a.myshopify.com/graphql.json", body=json.dumps(said).encode())
        for _ in range(2):
            answer(world, asked, EPOCH)
        assert [reference for reference, _, _ in world.created] == [ORDER, ORDER]

    def test_tells_how_an_allowance_was_used(self, world: World) -> None:
        store: Destination = connected("shopify", world)
        store.find_order(ORDER, since=NOON)
        store.create_order(draft_of("shopify"), reference=ORDER)
        (told,) = json.loads(world.control("/_bench/counted", b"", EPOCH))["allowances"]
        assert [cost for _, cost, _ in told["taken"]] == [1, 2, 15]  # a look that finds nothing costs little in the end
        assert told["taken"][-1][2] == 2000 - 18

    def test_of_a_key_that_is_repeated_has_one_create(self, world: World) -> None:
        store: Destination = connected("squarespace", world)
        first = store.create_order(draft_of("squarespace"), reference=ORDER)
        assert store.create_order(draft_of("squarespace"), reference=ORDER) == first
        assert len(world.created) == 1
