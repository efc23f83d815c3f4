"""The settings as a person changes them: look first, save, find it in the history, take it back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders.models import Order, ProductLink, Route
from orders.rules import RouteRules, Samples
from tests.browser.test_pages import CHROMIUM, CONTRAST, SIZES, Page, chromium, orders
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "chromium", "orders", "shopify", "tiktok"]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def route(orders: list[Order]) -> Route:
    """The one route; TikTok's list of carriers was read within the last hours."""
    option = orders[0].snapshot["delivery_option_id"]
    cache.set(f"carriers:{orders[0].source_store_id}:{option}", [("7001", "DHL"), ("7002", "USPS")], 600)
    with merchant_rows(orders[0].merchant_id):
        return Route.objects.get()


def paths(route: Route) -> list[str]:
    """Every page of settings."""
    groups = ("hold", "samples", "money", "order", "products", "stock", "filters")
    return [
        "/settings/",
        *(f"/routes/{route.pk}/rules/{group}/" for group in groups),
        f"/mapping/shipping/{route.destination_store_id}/",
        f"/mapping/carriers/{route.source_store_id}/",
        "/settings/history/",
        "/settings/history/1/",
    ]


def change(page: Any, site: str, route: Route, value: str) -> None:
    """Choose what becomes of samples, look first, and save."""
    page.goto(f"{site}/routes/{route.pk}/rules/samples/")
    page.check(f"input[name=samples][value={value}]")
    page.click("text=Look first")
    page.wait_for_selector("text=1 unsaved change.")
    page.click("text=Save version")
    page.wait_for_selector("text=Saved as version")


def samples_of(route: Route) -> Samples:
    with merchant_rows(route.merchant_id):
        return RouteRules.from_json(Route.objects.get(pk=route.pk).rules).samples


def look_at_note(page: Any, site: str, route: Route) -> None:
    """Fill in another note, and look at what it would do."""
    page.goto(f"{site}/routes/{route.pk}/rules/order/")
    page.fill("textarea[name=note]", "TikTok {order_id}")
    page.click("text=Look first")
    page.wait_for_selector("#preview")


@pytest.fixture
def linked(route: Route) -> Route:
    """The items of the orders are linked, so that the effect of a draft can be told."""
    with merchant_rows(route.merchant_id):
        ProductLink.objects.create(
            merchant_id=route.merchant_id, store=route.destination_store, sku="cnd-fig-08", variant_id="gid://fig",
            title="Fig & Cedar Candle, 8 oz", checked_at=timezone.now(),
        )  # fmt: skip
        return Route.objects.select_related("source_store", "destination_store").get()


class TestDraft:
    @pytest.mark.parametrize("has_script", [True, False])
    def test_shows_each_order_beside_itself_before_it_is_saved(
        self, chromium: Any, live_server: Any, linked: Route, has_script: bool
    ) -> None:
        here = Page(chromium, live_server.url, (1440, 900), has_script=has_script)
        page = here.log_in()
        look_at_note(page, live_server.url, linked)
        assert "0 same, 3 differ, 0 blocked" in page.locator("#effect").inner_text()
        preview = page.locator("#preview")
        assert "1 of 3 that differ" in preview.inner_text()
        assert preview.locator(".is-after").inner_text().split("\n")[0] == "Note"
        preview.get_by_label("Next order").click()
        page.wait_for_selector("#preview:has-text('2 of 3 that differ')")
        assert page.input_value("textarea[name=note]") == "TikTok {order_id}"
        page.locator(".effect__row").nth(2).click()
        page.wait_for_selector("#preview:has-text('3 of 3 that differ')")
        assert page.url.endswith("#preview")
        page.click("#preview summary")
        assert page.locator("#preview pre").count() == 2
        with page.expect_download() as download:
            page.click("text=Download all 3 as CSV")
        assert download.value.suggested_filename == "effect-order.csv"
        page.click("text=Save version 1")
        page.wait_for_selector("text=Saved as version 1")
        assert here.faults == []

    @pytest.mark.parametrize("size", SIZES)
    def test_fits_at_every_size(self, chromium: Any, live_server: Any, linked: Route, size: tuple[int, int]) -> None:
        page = Page(chromium, live_server.url, size).log_in()
        look_at_note(page, live_server.url, linked)
        page.click("#preview summary")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"the draft is {overflow} too wide at {size[0]}"

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_can_be_read(self, chromium: Any, live_server: Any, linked: Route, scheme: str) -> None:
        page = Page(chromium, live_server.url, (1440, 900), scheme).log_in()
        look_at_note(page, live_server.url, linked)
        page.click("#preview summary")
        assert page.evaluate(CONTRAST) == []


class TestSettings:
    @pytest.mark.parametrize("has_script", [True, False])
    def test_are_changed_seen_in_the_history_and_taken_back(
        self, chromium: Any, live_server: Any, route: Route, has_script: bool
    ) -> None:
        here = Page(chromium, live_server.url, (1440, 900), has_script=has_script)
        page = here.log_in()
        change(page, live_server.url, route, "SKIP")
        change(page, live_server.url, route, "COMBINE")
        assert samples_of(route) == Samples.COMBINE
        page.click("nav >> text=History")
        assert "Free samples" in page.locator("#version-2").inner_text()
        page.locator("#version-1 >> text=Look at it").click()
        restore = page.locator("#restore")
        assert restore.locator(".change__before").inner_text().endswith("Combine one creator's samples")
        assert restore.locator(".change__after").inner_text().endswith("Do not send")
        page.click("text=Restore version 1")
        page.wait_for_selector("text=Version 1 is back, as version 3.")
        assert samples_of(route) == Samples.SKIP
        page.locator("#version-2 button:has-text('Restore')").click()
        if has_script:
            asked = page.locator("#confirm")
            assert "Free samples: Do not send becomes Combine one creator's samples." in asked.inner_text()
            asked.locator("button[value=yes]").click()
        page.wait_for_selector("text=Version 2 is back, as version 4.")
        assert samples_of(route) == Samples.COMBINE
        assert here.faults == []

    @pytest.mark.parametrize("size", SIZES)
    def test_fit_at_every_size(
        self, chromium: Any, live_server: Any, route: Route, shopify: ConnectedStore, size: tuple[int, int]
    ) -> None:
        here = Page(chromium, live_server.url, size)
        page = here.log_in()
        change(page, live_server.url, route, "SKIP")
        for path in paths(route):
            page.goto(f"{live_server.url}{path}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{path} is {overflow} too wide at {size[0]}"
        assert here.faults == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_can_be_read(self, chromium: Any, live_server: Any, route: Route, scheme: str) -> None:
        page = Page(chromium, live_server.url, (1440, 900), scheme).log_in()
        change(page, live_server.url, route, "SKIP")
        for path in paths(route):
            page.goto(f"{live_server.url}{path}")
            weak = page.evaluate(CONTRAST)
            assert weak == [], f"{path} in {scheme}: {weak[:5]}"
