"""The pages of products as a person sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.base.types import Variant
from connectors.models import ConnectedStore
from orders import catalogs, linking
from orders.components import Component
from orders.models import Attention, CatalogReading, ProductLink
from tests.browser.test_pages import CONTRAST, SIZES, Page, chromium, pytestmark
from tests.factories import OrderFactory
from tests.orders.builders import line, seen
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "chromium", "pytestmark", "shopify", "tiktok"]

SOLD = [
    ("CND-FIG-08", "Fig & Cedar Candle, 8 oz"),
    ("CND-SEA-08", "Sea Salt & Sage, 8 oz"),
    ("TPR-BEE-02", "Beeswax Tapers, pair"),
    ("CND-PINE-12", "Winter Pine Candle, 12 oz"),
    ("SET-GIFT-03", "Gift set: two candles, one matchbox, and a name that is longer than any column could ever be"),
    ("CND-VAN-3W", "Vanilla Bean, three-wick"),
    ("A-SKU-THAT-IS-MUCH-LONGER-THAN-ITS-COLUMN-001", "Wax Melts, 6 pack"),
    ("ACC-TRM-BR", "Wick Trimmer, brass"),
    ("ACC-TRM-BR", "Wick Trimmer, brass, old"),
    ("", "Mystery box"),
]
KEPT = [
    ("CND-FIG-08", "Fig & Cedar Candle, 8 oz"),
    ("CND-SEA-08", "Sea Salt & Sage, 8 oz"),
    ("CND-SEA-08", "Sea Salt & Sage, 8 oz, second"),
    ("TPR-BEE-02", "Beeswax Tapers, pair"),
    ("CND-PIN-12", "Winter Pine Candle, 12 oz"),
    ("CND-PIN-08", "Winter Pine Candle, 8 oz"),
    ("GFT-MTC-01", "Matchbox, small"),
    ("ACC-TRM-BR", "Wick Trimmer, brass"),
    ("CND-VAN-3W", "Vanilla Bean, three-wick"),
]


def fill(store: ConnectedStore, goods: list[tuple[str, str]]) -> None:
    rows = [Variant(f"v{place}", sku, title, stock=84 - place) for place, (sku, title) in enumerate(goods)]
    catalogs.read_whole(store=store, variants=iter(rows), now=timezone.now())


@pytest.fixture
def shelves(tiktok: ConnectedStore, shopify: ConnectedStore) -> ConnectedStore:
    """Two catalogs with some of everything, one of them being read, and an order that waits."""
    now = timezone.now()
    later = now + timedelta(hours=24)
    fill(tiktok, SOLD)
    fill(shopify, KEPT)
    linking.auto_link(store=shopify, now=now)
    bundle = [
        Component("v0", "CND-FIG-08", "Fig & Cedar Candle, 8 oz", 2),
        Component("v6", "OLD", "Matchbox, small", 1),
    ]
    with merchant_rows(tiktok.merchant_id):
        linking.save_links(store=shopify, links={"SET-GIFT-03": bundle}, by="Alice", now=now)
        CatalogReading.objects.create(
            merchant=tiktok.merchant, store=tiktok, due_at=later, began_at=now, heard_at=now, count=3, expected=9
        )
        CatalogReading.objects.create(merchant=tiktok.merchant, store=shopify, due_at=later, ended_at=now, count=9)
    OrderFactory(
        source_store=tiktok,
        merchant=tiktok.merchant,
        source=seen(lines=(line(sku="CND-PINE-12", title="Winter Pine Candle, 12 oz"),)),
        ready=True,
        attention=Attention.NOT_LINKED,
        attention_detail={"sku": "CND-PINE-12", "title": "Winter Pine Candle, 12 oz", "store_id": shopify.pk},
    )
    return shopify


def paths(store: ConnectedStore) -> list[str]:
    root = f"/products/{store.pk}/"
    return [root, f"{root}link/?sku=SET-GIFT-03", f"{root}link/?sku=CND-PINE-12", f"{root}import/"]


class TestProductPages:
    @pytest.mark.parametrize("size", SIZES)
    def test_fit_and_keep_to_themselves(
        self, chromium: Any, live_server: Any, shelves: ConnectedStore, size: tuple[int, int]
    ) -> None:
        here = Page(chromium, live_server.url, size)
        page = here.log_in()
        for path in paths(shelves):
            page.goto(f"{live_server.url}{path}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{path} is {overflow} too wide at {size[0]}"
        assert here.faults == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_can_be_read(self, chromium: Any, live_server: Any, shelves: ConnectedStore, scheme: str) -> None:
        page = Page(chromium, live_server.url, (1440, 900), scheme).log_in()
        for path in paths(shelves):
            page.goto(f"{live_server.url}{path}")
            weak = page.evaluate(CONTRAST)
            assert weak == [], f"{path} in {scheme}: {weak[:5]}"

    def test_have_rows_of_one_height(self, chromium: Any, live_server: Any, shelves: ConnectedStore) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        page.goto(f"{live_server.url}/products/{shelves.pk}/")
        heights = page.evaluate("[...document.querySelectorAll('tr.product')].map((row) => row.offsetHeight)")
        assert set(heights) == {52}

    def test_load_again_when_the_catalog_was_read(
        self, chromium: Any, live_server: Any, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        page.goto(f"{live_server.url}/products/{shelves.pk}/")
        assert "3 of about 9" in page.locator("#catalogs").inner_text()
        with merchant_rows(tiktok.merchant_id):
            CatalogReading.objects.filter(store=tiktok).update(heard_at=None, ended_at=timezone.now(), count=10)
        page.wait_for_selector("#catalogs:has-text('10 variants')")

    def test_make_a_bundle_without_script(self, chromium: Any, live_server: Any, shelves: ConnectedStore) -> None:
        here = Page(chromium, live_server.url, (390, 844))
        cookies = here.log_in().context.cookies()
        context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(f"{live_server.url}/products/{shelves.pk}/")
        page.click("text=Link CND-PINE-12")
        page.click("button:has-text('Choose') >> nth=0")
        page.fill("main input[name=q]", "matchbox")
        page.press("main input[name=q]", "Enter")
        page.click("button:has-text('Add')")
        page.fill("input[name=quantity] >> nth=0", "2")
        page.click("button:has-text('Link and create 1 order')")
        assert "1 order that waited for it goes on now." in page.inner_text("body")
        with merchant_rows(shelves.merchant_id):
            link = ProductLink.objects.get(store=shelves, sku="cnd-pine-12")
        assert [(part["sku"], part["quantity"]) for part in link.components] == [("CND-PIN-12", 2), ("GFT-MTC-01", 1)]
