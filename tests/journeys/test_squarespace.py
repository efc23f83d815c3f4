"""A Squarespace site over time: tokens that rotate, creates in doubt, and what only its merchant can do."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts.access import all_merchants, merchant_rows
from connectors import oauth
from connectors.models import ConnectedStore, StoreState, WebhookDelivery
from orders import tasks
from orders.models import MirrorState, OrderState
from tests.journeys.conftest import Journey
from tests.journeys.test_stores import TWO_LINES, route

NUMBER = "9400111899562537866361"


@pytest.fixture
def site(journey: Journey) -> Journey:
    """Alice's site, which gets every order."""
    journey.connect("squarespace")
    journey.settle()
    route(journey, "squarespace")
    return journey


def calls(journey: Journey, operation: str) -> int:
    return len([entry for entry in journey.world.journal if entry["operation"] == operation])


class TestTokens:
    def test_of_a_site_without_orders_are_refreshed_before_a_week_is_over(self, site: Journey) -> None:
        site.world.advance(timedelta(days=6).total_seconds())
        assert tasks.refresh_tokens()
        site.wait(timedelta(days=6).total_seconds())
        assert site.store("squarespace").state == StoreState.CONNECTED

    def test_are_refreshed_once_however_many_want_them(self, site: Journey) -> None:
        before, asked = site.store("squarespace"), calls(site, "token")
        site.fault("squarespace", "token", "stall", seconds=0.5)

        def refresh(store: ConnectedStore) -> None:
            oauth.refresh_if_needed(store=store, now=site.now(), force=True)
            connection.close()

        threads = [threading.Thread(target=refresh, args=(site.store("squarespace"),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = site.store("squarespace")
        assert calls(site, "token") == asked + 1
        assert after.credentials_version == before.credentials_version + 1
        assert before.credentials is not None
        assert after.credentials is not None
        assert after.credentials.access_token != before.credentials.access_token
        assert after.credentials.refresh_token != before.credentials.refresh_token
        assert after.credentials.extra["webhook_secret"] == before.credentials.extra["webhook_secret"]

    def test_survive_a_lost_answer(self, site: Journey) -> None:
        site.control("squarespace/expire_tokens")
        site.fault("squarespace", "token", "reset_after")
        for _ in range(3):
            site.wait(130)
        assert site.store("squarespace").state == StoreState.CONNECTED


class TestCreate:
    def test_in_doubt_for_longer_than_its_key_is_known_is_looked_for_and_not_repeated(self, site: Journey) -> None:
        site.fault("squarespace", "orders.create", "reset_after")
        site.fault("squarespace", "orders.list", "status", status=500, times=-1)
        order_id = site.buy_released()
        for _ in range(5):
            site.wait(6 * 3600)
        assert site.order(order_id).state == OrderState.READY
        site.world.faults.clear()
        for _ in range(4):
            site.wait(900)
        assert site.order(order_id).state == OrderState.MIRRORED
        assert calls(site, "orders.create") == 1
        assert "mirror.found" in site.events(order_id)

    def test_comes_back_as_a_webhook_and_makes_nothing(self, site: Journey) -> None:
        order_id = site.buy_released()
        with all_merchants("a test looks"):
            told = WebhookDelivery.objects.filter(platform="squarespace", body__contains="order.create")
            assert [delivery.processed_at is not None for delivery in told] == [True]
        assert len(site.ledger("order.created", order_id)) == 1
        assert site.events(order_id).count("mirror.created") == 1

    def test_without_the_stock_to_deduct_says_so_and_goes_on_when_there_is_some(self, site: Journey) -> None:
        store = site.store("squarespace")
        with merchant_rows(store.merchant_id):
            ConnectedStore.objects.filter(pk=store.pk).update(options={"inventory": "DEDUCT"})
        site.control("squarespace/set_stock", sku="CND-FIG-08", quantity=0)
        order_id = site.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 1}])
        order = site.order(order_id)
        assert order.attention == "OUT_OF_STOCK"
        page = site.person.open(f"{site.site}/orders/{order.pk}/")
        assert "Add stock, then retry" in page.text
        site.control("squarespace/set_stock", sku="CND-FIG-08", quantity=5)
        site.person.submit(holding=f"/orders/{order.pk}/retry/")
        site.wait(5)
        assert (site.order(order_id).attention, site.order(order_id).state) == ("", OrderState.MIRRORED)


class TestCancelledOrder:
    def cancelled(self, site: Journey) -> str:
        order_id = site.buy_released()
        site.control("tiktok_shop/seller_cancel", order_id=order_id)
        site.wait(10)
        return order_id

    def test_is_a_task_with_a_link(self, site: Journey) -> None:
        order = site.order(self.cancelled(site))
        mirror = site.mirror(order.external_id)
        page = site.person.open(f"{site.site}/orders/{order.pk}/").text
        assert f"Cancel {mirror.name} in Squarespace by hand" in page
        assert f'href="{mirror.url}"' in page
        assert mirror.url.endswith(mirror.external_id)

    def test_is_watched_though_no_webhook_comes(self, site: Journey) -> None:
        order_id = self.cancelled(site)
        there = site.order_in("squarespace", order_id)
        site.fault("squarespace", "order.update", "webhook_lose")
        site.control("squarespace/cancel", shop=there["shop"], order=there["name"])
        site.wait(600)
        assert site.mirror(order_id).state == MirrorState.CANCELLED
        assert site.order(order_id).attention == ""


class TestOrderMarkedFulfilled:
    def test_without_a_parcel_waits_for_its_number(self, site: Journey) -> None:
        order_id = site.buy_released(lines=TWO_LINES)
        there = site.order_in("squarespace", order_id)
        site.control("squarespace/mark_fulfilled", shop=there["shop"], order=there["name"])
        site.wait(5)
        (kept,) = site.fulfillments(order_id)
        assert (kept.state, kept.tracking_number, len(kept.line_ids)) == ("WAITING", "", 3)
        site.ship_from("squarespace", order_id, number=NUMBER)
        site.wait(130)
        (kept,) = site.fulfillments(order_id)
        assert (kept.state, kept.tracking_number) == ("ACCEPTED", NUMBER)
        assert site.order(order_id).state == OrderState.FULFILLED
