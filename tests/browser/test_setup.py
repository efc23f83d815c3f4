"""A newcomer goes from sign-up to switched on through the checklist alone, in a real browser."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from demo import apps
from tests.browser.test_pages import CONTRAST, Page, chromium
from tests.journeys.conftest import KEYS, SHOPIFY_SHOP, Journey, world

__all__ = ["chromium", "world"]

pytestmark = [
    pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("chromium-browser")), reason="needs chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def stage(world: Any, transactional_db: None, live_server: Any, settings: Any) -> Journey:
    """The product and the sandbox, and nobody in it."""
    settings.DEBUG = True
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PUBLIC_URL = live_server.url
    settings.PLATFORM_VALUES = apps.settings_of(KEYS, sandbox=world.public_url)
    journey = Journey(world=world, site=live_server.url)
    apps.register(journey.control, KEYS, site=live_server.url)
    return journey


class TestNewcomer:
    def test_comes_from_sign_up_to_switched_on_by_the_checklist(
        self, chromium: Any, live_server: Any, stage: Journey
    ) -> None:
        here = Page(chromium, live_server.url, (1440, 900))
        page = here.page
        sign_up(page, live_server.url)
        page.wait_for_url("**/dashboard/")
        assert "Not ready: step 1" in page.inner_text(".checklist")
        page.click("text=Connect TikTok Shop")
        page.click(".main button[type=submit], .main form button >> nth=0")
        page.click("button[value=allow]")
        page.wait_for_url("**/stores/**")
        stage.settle()
        go_on(page, "Connect a store")
        page.click("a[href='/connect/shopify/']")
        page.fill("input[name=shop]", SHOPIFY_SHOP)
        page.click(".main form button >> nth=0")
        page.click("button[value=allow]")
        page.wait_for_url("**/stores/**")
        stage.settle()
        order_id = stage.buy_released()
        page.click("nav a:has-text('Dashboard')")
        card = page.locator(".checklist", has_text="Set up Alice's Candles").first
        for label in ("They are verified", "That is fine", "Ask me when one is unknown", "Keep the defaults"):
            card.locator(f'button:has-text("{label}")').click()
            page.wait_for_load_state()
        card.locator("button:has-text('Look for them now')").click()
        card.locator("a:has-text('Look')").click()
        page.click("text=Try them")
        page.wait_for_selector("text=1 order tried")
        assert page.evaluate(CONTRAST) == []
        require_fit(page)
        page.click("text=Back to the dashboard")
        assert page.evaluate(CONTRAST) == []
        require_fit(page)
        card.locator("a:has-text('Switch on…')").click()
        require_fit(page)
        page.click("button:has-text('Switch on')")
        page.wait_for_selector("text=is switched on")
        stage.settle()
        assert len(stage.shopify_orders(order_id)) == 1
        assert [fault for fault in here.faults if stage.world.public_url not in fault] == []


def require_fit(page: Any) -> None:
    """At no width does the page scroll sideways."""
    for width in (320, 390, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{page.url} is {overflow} too wide at {width}"


def sign_up(page: Any, site: str) -> None:
    page.goto(f"{site}/accounts/signup/")
    page.fill("input[name=business_name]", "Alice's Candles")
    page.fill("input[name=name]", "Alice")
    page.fill("input[name=email]", "alice@example.com")
    page.fill("input[name=password1]", "candle-light-42")
    page.fill("input[name=password2]", "candle-light-42")
    page.click("button[type=submit]")
    page.wait_for_load_state()


def go_on(page: Any, label: str) -> None:
    """To the dashboard, and on by the step that says so."""
    page.click("nav a:has-text('Dashboard')")
    page.locator(f".checklist[open] a:has-text('{label}')").first.click()
