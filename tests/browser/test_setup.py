"""A newcomer goes from sign-up to switched on through the checklist alone, in a real browser."""

from __future__ import annotations

import re
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
    def test_comes_from_sign_up_to_switched_on_by_the_checklist_alone(
        self, chromium: Any, live_server: Any, stage: Journey
    ) -> None:
        """Every page after the first comes of a press on the checklist, or on the page that the checklist led to: no
        address is typed, and the menu is not touched."""
        here = Page(chromium, live_server.url, (1440, 900))
        page = here.page
        sign_up(page, live_server.url)
        page.wait_for_url("**/dashboard/")
        require_step(page, 1)
        press(page, "Connect TikTok Shop")
        allow(page)
        order_id = stage.buy()
        stage.settle()
        page.reload()  # one of the seller's shops sells meanwhile: the checklist of that one is the way on
        go_on(page)
        require_step(page, 1)
        press(page, "They are verified")
        require_step(page, 3)  # who ships was read meanwhile
        press(page, "Connect a store")
        page.click("a[href='/connect/shopify/']")
        page.fill("input[name=shop]", SHOPIFY_SHOP)
        allow(page)
        stage.settle()
        stage.wait(stage.world.hold_seconds + 5)
        go_on(page)
        require_step(page, 5)
        press(page, "Look for them now")
        for number, label in ((6, "That is fine"), (7, "Ask me when one is unknown"), (8, "Keep the defaults")):
            require_step(page, number)
            press(page, label)
        require_step(page, 9)
        press(page, "Look")
        page.click("text=Try them")
        page.wait_for_selector("text=1 order tried")
        require_good(page)
        page.click("text=Back to the dashboard")
        require_step(page, 10)
        require_good(page)
        assert stage.shopify_orders(order_id) == []
        press(page, "Switch on…")
        require_fit(page)
        page.click("button:has-text('Switch on')")
        page.wait_for_selector("text=is switched on")
        stage.settle()
        assert len(stage.shopify_orders(order_id)) == 1
        assert [fault for fault in here.faults if stage.world.public_url not in fault] == []


def allow(page: Any) -> None:
    """On the page that asks before the platform's own, and there."""
    page.click(".main form button >> nth=0")
    page.click("button[value=allow]")
    page.wait_for_url("**/stores/**")


def go_on(page: Any) -> None:
    """Back to the checklist, as the page offers it."""
    page.click("text=Go on with the checklist")
    page.wait_for_url("**/dashboard/**")


def press(page: Any, label: str) -> None:
    """A button or a link of the open checklist that begins so."""
    page.locator(".checklist[open] :is(a, button)").filter(
        has_text=re.compile(f"^{re.escape(label)}(:|$)")
    ).first.click()
    page.wait_for_load_state()


def require_step(page: Any, number: int) -> None:
    """The checklist names the step to go on with."""
    page.wait_for_selector(f".checklist[open] .badge:has-text('Not ready: step {number}')")
    assert f", step {number}, " in page.locator(".checklist[open] .checklist__step.is-next h3").text_content()


def require_good(page: Any) -> None:
    page.wait_for_load_state("domcontentloaded")  # on a busy machine a page has no body yet right after a press
    assert page.evaluate(CONTRAST) == []
    require_fit(page)


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
