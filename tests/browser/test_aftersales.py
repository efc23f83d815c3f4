"""The owner answers buyers who think again, in a real browser against the sandbox: cancellations, returns, and several
orders cancelled at once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from orders.models import OrderState, ReturnStatus
from tests.browser.test_pages import Page, chromium, sync_api
from tests.browser.test_setup import require_good
from tests.journeys.after_sale import Shop
from tests.journeys.conftest import Journey, journey, world

__all__ = ["chromium", "journey", "world"]

pytestmark = [
    pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("chromium-browser")), reason="needs chromium"),
    pytest.mark.django_db(transaction=True),
]
PACKED = "Product has been packed"
NOT_RETURNABLE = "Product is not returnable"
LEFT = re.compile(r"\d+ [dh]")


@pytest.fixture
def shop(chromium: Any, journey: Journey) -> Iterator[Shop]:
    """Alice's orders go to Shopify. Time that passes there passes for the pages too: TikTok Shop takes no call whose
    clock is off."""
    with time_machine.travel(datetime.now(UTC)) as clock:

        def advance(seconds: float) -> None:
            clock.shift(seconds)
            journey.world.tick()

        journey.world.advance = advance  # type: ignore[method-assign]
        yield Shop(journey, "shopify")


@pytest.fixture
def alice(chromium: Any, live_server: Any, shop: Shop) -> Iterator[Page]:
    """The owner before her screen. Nothing on it goes wrong."""
    here = Page(chromium, live_server.url, (1440, 900))
    here.log_in()
    yield here
    assert here.faults == []


def asked_to_cancel(shop: Shop) -> str:
    """An order in the store whose buyer wants to cancel it."""
    order_id = shop.buy()
    shop.tiktok("buyer_cancel", order_id=order_id)
    return order_id


def asked_to_return(shop: Shop, **more: Any) -> tuple[str, str]:
    """A delivered order and the id of the buyer's request to return it."""
    order_id = shop.buy()
    shop.deliver(order_id)
    return order_id, shop.open_return(order_id, **more)


def open_order(alice: Page, order_id: str) -> Any:
    """The order's page, from its row on the list."""
    alice.page.goto(f"{alice.site}/orders/")
    alice.page.locator(".order", has_text=order_id[-6:]).locator(".order__link").click()
    alice.page.wait_for_selector(f"h1:has-text('{order_id}')")
    alice.page.wait_for_load_state()
    return alice.page


def answer(page: Any, label: str) -> None:
    """Press a button of a box and say yes to what it asks."""
    page.locator(".case").get_by_role("button", name=label, exact=True).click()
    page.click("#confirm [data-confirm-yes]")
    page.wait_for_selector(".toast:has-text('told to TikTok Shop')")


def send(page: Any, label: str) -> None:
    """Send the page that asks for a reason or an amount."""
    page.locator("form.case").get_by_role("button", name=label).click()
    page.wait_for_selector(".toast:has-text('told to TikTok Shop')")


def go_on(shop: Shop, page: Any, *, seconds: float = 5) -> str:
    """What was said is told, what follows from it happens; the timeline as it is then."""
    shop.settle()
    shop.wait(seconds)
    page.reload()
    return str(page.locator("#order-timeline").inner_text())


class TestRequestToCancel:
    def test_is_found_on_the_dashboard_and_accepted(self, alice: Page, shop: Shop) -> None:
        order_id = asked_to_cancel(shop)
        page = alice.page
        page.goto(f"{alice.site}/dashboard/")
        require_good(page)
        page.click("a.tile:has-text('Cancellation requested')")
        row = page.locator(".work tbody tr", has_text=order_id[-6:])
        sync_api.expect(row.locator(".countdown")).to_have_text(LEFT)
        require_good(page)
        row.locator(".work__act a").click()
        box = page.locator(".case", has_text="Cancellation requested · whole order")
        sync_api.expect(box.locator(".ring__text")).to_have_text(LEFT)
        sync_api.expect(box.locator(".countdown")).to_have_text(LEFT)
        require_good(page)
        answer(page, "Accept cancellation")
        assert page.locator(".case").get_by_role("button").count() == 0
        said = go_on(shop, page)
        assert "Request to cancel accepted" in said
        assert "TikTok Shop cancelled as the buyer asked" in said
        assert (shop.journey.tiktok_order(order_id)["status"], shop.there(order_id)["is_cancelled"]) == (
            "CANCELLED",
            True,
        )
        assert shop.order(order_id).state == OrderState.CANCELLED
        require_good(page)

    def test_is_found_on_the_list_and_refused_with_a_reason(self, alice: Page, shop: Shop) -> None:
        order_id = asked_to_cancel(shop)
        assert shop.there(order_id)["is_on_hold"]
        page = open_order(alice, order_id)
        page.locator(".case").get_by_role("link", name="Refuse").click()
        require_good(page)
        page.select_option("select[name=reason]", label=PACKED)
        page.fill("textarea[name=comment]", "It is on the truck.")
        send(page, "Refuse the cancellation")
        said = go_on(shop, page)
        assert "Request to cancel refused" in said
        assert "TikTok Shop told the buyer that you refused" in said
        assert (shop.order(order_id).state, shop.there(order_id)["is_on_hold"]) == (OrderState.MIRRORED, False)
        require_good(page)


class TestReturn:
    def test_is_approved_received_and_refunded_once(self, alice: Page, shop: Shop) -> None:
        order_id, return_id = asked_to_return(shop)
        page = alice.page
        page.goto(f"{alice.site}/returns/")
        require_good(page)
        page.locator(".work tbody tr", has_text=order_id[-6:]).locator(".work__act a").click()
        sync_api.expect(page.locator(".case .ring__text")).to_have_text(LEFT)
        require_good(page)
        answer(page, "Accept the return")
        assert "Return noted in Shopify" in go_on(shop, page)
        shop.come_back(return_id)
        page.reload()
        answer(page, "The goods are fine: refund")
        said = go_on(shop, page, seconds=200)
        assert "Return and refund completed" in said
        assert said.count("noted in Shopify, on") == 1
        assert shop.case(return_id).status == ReturnStatus.COMPLETED
        assert [each.refunded for each in shop.records(return_id)] == [shop.order(order_id).total]
        assert (len(shop.there(order_id)["returns"]), len(shop.journey.ledger("return.refunded", order_id))) == (1, 1)
        require_good(page)
        page.click("button:has-text('Put back into stock')")
        page.wait_for_selector(".toast:has-text('Remembered')")
        assert "What came back goes into the stock" in go_on(shop, page)
        assert shop.there(order_id)["returns"][0]["status"] == "CLOSED"

    def test_is_refused_with_a_reason_of_tiktoks(self, alice: Page, shop: Shop) -> None:
        order_id, return_id = asked_to_return(shop)
        page = open_order(alice, order_id)
        page.locator(".case").get_by_role("link", name="Refuse the return").click()
        require_good(page)
        page.select_option("select[name=reason]", label=NOT_RETURNABLE)
        send(page, "Refuse the return")
        assert "Return and refund refused" in go_on(shop, page)
        assert (shop.case(return_id).status, shop.there(order_id)["refunds"]) == (ReturnStatus.REFUSED, [])
        require_good(page)

    def test_is_settled_with_a_part_of_the_money(self, alice: Page, shop: Shop) -> None:
        order_id, return_id = asked_to_return(shop)
        page = open_order(alice, order_id)
        page.locator(".case").get_by_role("link", name="Offer a part of the money").click()
        require_good(page)
        page.fill("input[name=amount]", "5.00")
        send(page, "Offer a part of the money")
        assert "the buyer has your offer" in go_on(shop, page)
        require_good(page)
        shop.tiktok("answer_offer", return_id=return_id, accept=True)
        said = go_on(shop, page, seconds=200)
        assert "completed: 5.00 USD" in said
        assert shop.case(return_id).refund["total"] == 500
        page.goto(f"{alice.site}/returns/?tab=completed")
        assert "$5.00" in page.locator(".work tbody tr", has_text=order_id[-6:]).inner_text()
        require_good(page)


class TestSeveral:
    def test_are_chosen_on_the_list_and_cancelled_for_one_reason(self, alice: Page, shop: Shop) -> None:
        kept, gone, shipped = shop.buy(), [shop.buy(), shop.buy()], shop.buy()
        shop.ship(shipped)
        page = alice.page
        page.goto(f"{alice.site}/orders/")
        assert not page.locator(".picked").is_visible()
        for order_id in (*gone, shipped):
            box_of(page, order_id).check()
        assert page.locator("[data-picked-count]").inner_text() == "3 chosen"
        require_good(page)
        page.click("text=Cancel 2 of 3 with reason…")
        page.wait_for_selector("h1:has-text('Cancel 2 orders')")
        page.wait_for_load_state()
        assert shipped[-6:] in page.locator("section", has_text="1 of the chosen cannot be cancelled").inner_text()
        require_good(page)
        page.select_option("select[name=reason]", label="Out of stock")
        page.click("text=Cancel on TikTok Shop…")
        page.click("#confirm [data-confirm-yes]")
        page.wait_for_selector("text=What came of it")
        require_good(page)
        shop.settle()
        shop.wait(5)
        assert [shop.order(each).state for each in gone] == [OrderState.CANCELLED] * 2
        assert [shop.there(each)["is_cancelled"] for each in (*gone, kept, shipped)] == [True, True, False, False]

    def test_stay_chosen_while_their_rows_change(self, alice: Page, shop: Shop) -> None:
        order_id, other = shop.buy(), shop.buy()
        page = alice.page
        page.goto(f"{alice.site}/orders/")
        box_of(page, order_id).check()
        shop.tiktok("buyer_cancel", order_id=order_id)
        page.wait_for_selector(f".order:has-text('{order_id[-6:]}'):has-text('Cancellation requested')")
        assert box_of(page, order_id).is_checked()
        assert not box_of(page, other).is_checked()
        assert page.evaluate("document.activeElement.dataset.pick") == ""

    def test_are_chosen_by_keyboard(self, alice: Page, shop: Shop) -> None:
        first, *_, last = reversed([shop.buy() for _ in range(3)])
        page = alice.page
        page.goto(f"{alice.site}/orders/")
        for key in ("j", "x", "j", "j", "Shift+X"):
            page.keyboard.press(key)
        assert page.locator("[data-picked-count]").inner_text() == "3 chosen"
        assert box_of(page, first).is_checked()
        assert box_of(page, last).is_checked()
        page.keyboard.press("Escape")
        assert not page.locator(".picked").is_visible()
        page.check("[data-pick-all]")
        assert page.locator("[data-picked-count]").inner_text() == "3 chosen"
        page.click(".picked >> text=Clear")
        assert not page.locator(".picked").is_visible()

    def test_are_chosen_without_script(self, chromium: Any, live_server: Any, shop: Shop) -> None:
        order_id = shop.buy()
        page = Page(chromium, live_server.url, (390, 844), has_script=False).log_in()
        assert not page.locator(".picked").is_visible()
        box_of(page, order_id).check()
        page.click(".picked >> text=Cancel with reason…")
        assert page.locator("tbody input[name=order]:checked").count() == 1
        page.select_option("select[name=reason]", label="Pricing error")
        page.click("text=Cancel on TikTok Shop…")
        shop.settle()
        shop.wait(5)
        assert shop.order(order_id).state == OrderState.CANCELLED


def box_of(page: Any, order_id: str) -> Any:
    """The box of an order's row."""
    return page.locator(".order", has_text=order_id[-6:]).locator("[data-pick]")
