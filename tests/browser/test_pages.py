"""The pages as a person sees them: a real browser, wide and narrow, light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from demo import apps
from orders.ingest import store_order
from orders.models import Attention, Mirror, MirrorState, Order, Route
from orders.states import ask_for_attention
from tests.factories import OrderFactory
from tests.orders.builders import line, payment, seen
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "shopify", "tiktok"]

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.django_db(transaction=True),
]
SIZES = [(1440, 900), (1024, 800), (390, 844), (320, 640)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs a loop of its own in this thread
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def orders(tiktok: ConnectedStore, shopify: ConnectedStore, settings: Any) -> list[Order]:
    """One on hold, one ready and mirrored, one that asks for a person. Every platform is set up here."""
    settings.PLATFORM_VALUES = apps.settings_of(apps.make_keys(), sandbox="http://127.0.0.1:9")
    now = timezone.now()
    fresh = {"created_at": now, "updated_at": now, "paid_at": now, "ship_by": now + timedelta(hours=30)}
    stated = payment(products=4800, seller_discount=480, shipping=499, tax=357)
    released = seen(SourceStatus.AWAITING_SHIPMENT, lines=(line("1"), line("2")), payment=stated, **fresh)
    kept = [
        store_order(seen=replace(seen(**fresh), external_id="576461413038785001"), store=tiktok, now=now),
        store_order(seen=replace(released, external_id="576461413038785002"), store=tiktok, now=now),
        store_order(seen=replace(released, external_id="576461413038785003"), store=tiktok, now=now),
    ]
    with merchant_rows(tiktok.merchant_id):
        Mirror.objects.filter(order=kept[1]).update(
            state=MirrorState.CREATED, external_id="gid://1", name="#1001", money={"total": 5176, "currency": "USD"}
        )
        ask_for_attention(
            order=kept[2],
            code=Attention.NOT_LINKED,
            now=now,
            detail={"sku": "CND-FIG-08", "title": "Fig & Cedar Candle, 8 oz", "label": "Shopify"},
        )
    return kept


class Page:
    """A logged-in page that notes what it should not see."""

    def __init__(
        self, chromium: Any, site: str, size: tuple[int, int], scheme: str = "light", *, has_script: bool = True
    ) -> None:
        self.site = site
        viewport = {"width": size[0], "height": size[1]}
        self.context = chromium.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=has_script)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._note_request(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(text)

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.site, "data:")):
            self.faults.append(f"asked {url}")

    def log_in(self) -> Any:
        self.page.goto(f"{self.site}/accounts/login/")
        self.page.fill("input[name=login]", "alice@example.com")
        self.page.fill("input[name=password]", "candle-light-42")
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/orders/")
        return self.page


def settings_pages(orders: list[Order]) -> list[str]:
    """The dashboard and what it leads to, connections, a store's settings, a route, and connecting another platform."""
    with merchant_rows(orders[0].merchant_id):
        route = Route.objects.get()
    return [
        "/dashboard/",
        f"/dashboard/{route.source_store_id}/switch/",
        f"/dry-runs/{route.source_store_id}/",
        "/stores/",
        f"/stores/{route.destination_store_id}/",
        f"/routes/{route.pk}/",
        f"/stores/{route.source_store_id}/routes/new/",
        "/connect/amazon/",
    ]


class TestEveryPage:
    @pytest.mark.parametrize("size", SIZES)
    def test_fits_and_keeps_to_itself(
        self, chromium: Any, live_server: Any, orders: list[Order], size: tuple[int, int]
    ) -> None:
        here = Page(chromium, live_server.url, size)
        page = here.log_in()
        paths = [
            "/orders/",
            "/connect/shopify/",
            *settings_pages(orders),
            *(f"/orders/{order.pk}/" for order in orders),
        ]
        for path in paths:
            page.goto(f"{live_server.url}{path}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{path} is {overflow} too wide at {size[0]}"
        assert here.faults == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_can_be_read(self, chromium: Any, live_server: Any, orders: list[Order], scheme: str) -> None:
        here = Page(chromium, live_server.url, (1440, 900), scheme)
        page = here.log_in()
        for path in ("/orders/", *settings_pages(orders), f"/orders/{orders[2].pk}/"):
            page.goto(f"{live_server.url}{path}")
            weak = page.evaluate(CONTRAST)
            assert weak == [], f"{path} in {scheme}: {weak[:5]}"


class TestOrderList:
    @pytest.mark.parametrize("width", [1920, 1440, 1439, 1280, 1160, 1159, 900, 390])
    def test_always_leaves_room_for_the_items(
        self, chromium: Any, live_server: Any, orders: list[Order], width: int
    ) -> None:
        page = Page(chromium, live_server.url, (width, 900)).log_in()
        assert page.locator("td.cell-items").first.bounding_box()["width"] >= 120

    def test_shows_the_hold_running_down(self, chromium: Any, live_server: Any, orders: list[Order]) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        row = page.locator(f"#order-{orders[0].pk}")
        assert "On hold" in row.inner_text()
        first = row.locator("[data-due]").first.inner_text()
        page.wait_for_function(
            "([id, text]) => document.querySelector(`#order-${id} [data-due]`).innerText !== text",
            arg=[orders[0].pk, first],
        )

    def test_updates_a_row_by_itself(self, chromium: Any, live_server: Any, orders: list[Order]) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        row = page.locator(f"#order-{orders[0].pk}")
        assert "Cancelled" not in row.inner_text()
        now = timezone.now()
        gone = seen(SourceStatus.CANCELLED, created_at=orders[0].ordered_at, updated_at=now + timedelta(seconds=1))
        store_order(seen=replace(gone, external_id=orders[0].external_id), store=orders[0].source_store, now=now)
        page.wait_for_function(
            "id => document.querySelector(`#order-${id}`).innerText.includes('Cancelled')", arg=orders[0].pk
        )

    def test_announces_new_orders_without_moving_the_list(
        self, chromium: Any, live_server: Any, orders: list[Order], tiktok: ConnectedStore
    ) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        now = timezone.now()
        fresh = replace(seen(created_at=now, updated_at=now, paid_at=now), external_id="576461413038785999")
        store_order(seen=fresh, store=tiktok, now=now)
        page.wait_for_selector(".news__link")
        assert page.locator("tr[data-row]").count() == 3
        page.click(".news__link")
        page.wait_for_function("document.querySelectorAll('tr[data-row]').length === 4")

    def test_takes_the_banner_away_with_the_last_hold(
        self, chromium: Any, live_server: Any, orders: list[Order]
    ) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        assert page.locator("#hold-banner").is_visible()
        now = timezone.now()
        gone = seen(SourceStatus.CANCELLED, created_at=orders[0].ordered_at, updated_at=now + timedelta(seconds=1))
        store_order(seen=replace(gone, external_id=orders[0].external_id), store=orders[0].source_store, now=now)
        page.wait_for_selector("#hold-banner", state="hidden")

    def test_announces_nothing_when_nothing_came(
        self, chromium: Any, live_server: Any, orders: list[Order], tiktok: ConnectedStore
    ) -> None:
        # Back-filled: the newest row is the oldest order, and stands on the second page.
        for number in range(51):
            OrderFactory(source_store=tiktok, ordered_at=orders[0].ordered_at - timedelta(hours=number + 1))
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        with page.expect_response(lambda answer: "/orders/rows/" in answer.url) as polled:
            pass
        assert polled.value.status == 204
        assert page.locator(".news__link").count() == 0


class TestFirstRun:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_leads_to_connecting(
        self, chromium: Any, live_server: Any, alices: Any, scheme: str, settings: Any
    ) -> None:
        settings.PLATFORM_VALUES = {"SHOPIFY_CLIENT_ID": "c", "SHOPIFY_CLIENT_SECRET": "s"}
        here = Page(chromium, live_server.url, (390, 844), scheme)
        page = here.log_in()
        assert page.evaluate(CONTRAST) == []
        page.click("text=Connect Shopify")
        page.wait_for_url("**/connect/shopify/")
        assert here.faults == []


# The contrast of every text with what lies behind it, by WCAG 2.2; below 4.5 is reported (3 for large text).
CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part, index) => index < 3 ? part : part / 255);
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const light = (rgb) => rgb.map((part) => part / 255).map((c) => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement, style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const isSeen = node.data.trim() && box.width && style.visibility !== 'hidden';
    if (!isSeen || element.closest('[hidden],template,dialog:not([open])')) continue;
    const ground = behind(element), text = over(rgba(style.color), ground);
    const [a, b] = [light(text), light(ground)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05), size = parseFloat(style.fontSize);
    if (ratio < (size >= 24 ? 3 : 4.5) - .01) weak.push(`${node.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return weak;
}
"""
