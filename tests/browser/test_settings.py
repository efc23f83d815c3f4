"""The settings as a person changes them: look first, save, find it in the history, take it back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders.models import Order, Route
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
