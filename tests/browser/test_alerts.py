"""The work list, alerts and their settings in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.models import ConnectedStore, StoreState
from orders import alerts
from orders.models import Order
from tests.browser.test_pages import CHROMIUM, CONTRAST, SIZES, Page, chromium, orders
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "chromium", "orders", "shopify", "tiktok"]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.django_db(transaction=True),
]
PATHS = ("/orders/deadlines/", "/alerts/", "/settings/alerts/", "/settings/deadlines/", "/settings/", "/dashboard/")


@pytest.fixture
def alarmed(orders: list[Order], shopify: ConnectedStore) -> list[Order]:
    """One order is late, one is asked to be cancelled, one store is lost; all of it was said."""
    now = timezone.now()
    with merchant_rows(orders[0].merchant_id):
        Order.objects.filter(pk=orders[1].pk).update(ship_by=now - timedelta(hours=3), cancel_requested_at=now)
        ConnectedStore.objects.filter(pk=shopify.pk).update(state=StoreState.RECONNECT, state_reason="Token refused")
    alerts.judge(now=now)
    return orders


class TestEveryPage:
    @pytest.mark.parametrize("size", SIZES)
    def test_fits_and_keeps_to_itself(
        self, chromium: Any, live_server: Any, alarmed: list[Order], size: tuple[int, int]
    ) -> None:
        here = Page(chromium, live_server.url, size)
        page = here.log_in()
        for path in PATHS:
            page.goto(f"{live_server.url}{path}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{path} is {overflow} too wide at {size[0]}"
        assert here.faults == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_can_be_read(self, chromium: Any, live_server: Any, alarmed: list[Order], scheme: str) -> None:
        page = Page(chromium, live_server.url, (1440, 900), scheme).log_in()
        for path in PATHS:
            page.goto(f"{live_server.url}{path}")
            weak = page.evaluate(CONTRAST)
            assert weak == [], f"{path} in {scheme}: {weak[:5]}"


class TestBell:
    def test_rings_until_the_alerts_were_looked_at(self, chromium: Any, live_server: Any, alarmed: list[Order]) -> None:
        here = Page(chromium, live_server.url, (1440, 900))
        page = here.log_in()
        assert page.locator(".bell__count").inner_text() == "3"
        page.click(".bell")
        with page.expect_response("**/alerts/read/"):
            page.wait_for_selector("text=Open now")
        page.goto(f"{live_server.url}/orders/")
        assert page.locator(".bell__count").count() == 0
        assert here.faults == []

    def test_is_silenced_without_script_too(self, chromium: Any, live_server: Any, alarmed: list[Order]) -> None:
        page = Page(chromium, live_server.url, (390, 844), has_script=False).log_in()
        page.goto(f"{live_server.url}/alerts/")
        page.click("text=Mark all as read")
        assert page.locator(".bell__count").count() == 0


class TestWorkList:
    def test_leads_from_a_tile_to_the_order(self, chromium: Any, live_server: Any, alarmed: list[Order]) -> None:
        page = Page(chromium, live_server.url, (1440, 900)).log_in()
        page.goto(f"{live_server.url}/dashboard/")
        page.click("a.tile >> text=Overdue")
        row = page.locator(".work tbody tr").first
        row.locator("text=Late 3 h").first.wait_for()  # the script draws it
        row.locator("a.order__link").click()
        page.wait_for_url(f"**/orders/{alarmed[1].pk}/")


class TestSettings:
    def test_mute_a_kind_and_hear_it_again(self, chromium: Any, live_server: Any, alarmed: list[Order]) -> None:
        here = Page(chromium, live_server.url, (390, 844))
        page = here.log_in()
        page.goto(f"{live_server.url}/alerts/")
        alert = page.locator("li.alert", has_text="has passed").first
        alert.locator("summary").click()
        alert.locator("text=For 4 hours").click()
        page.wait_for_selector("text=Muted for 4 hours")
        page.click("text=Unmute")
        page.wait_for_selector("text=Heard again")
        assert here.faults == []

    def test_choose_where_alerts_go(self, chromium: Any, live_server: Any, alarmed: list[Order]) -> None:
        here = Page(chromium, live_server.url, (1440, 900))
        page = here.log_in()
        page.goto(f"{live_server.url}/settings/alerts/")
        page.uncheck("input[name=email][value=MONEY]")
        page.fill("textarea[name=addresses]", "ops@example.com")
        page.click("text=Look first")
        page.wait_for_selector("text=2 unsaved changes.")
        page.click("text=Save version")
        page.wait_for_selector("text=Saved as version")
        assert not page.is_checked("input[name=email][value=MONEY]")
        assert here.faults == []
