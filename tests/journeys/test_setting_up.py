"""From connecting to switched on, against the sandbox: the checklist, the watch over who ships, the dry run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import all_merchants
from orders.models import Order, Setup
from tests.journeys.conftest import Journey


@pytest.fixture
def newcomer(journey: Journey) -> Journey:
    """Alice right after she connected her shop and her store: nothing is switched on."""
    with all_merchants("a test sets the stage"):
        Setup.objects.update(switched_on_at=None)
    return journey


def shop_id(journey: Journey) -> int:
    return int(journey.store("tiktok_shop").pk)


def setup(journey: Journey) -> Setup:
    with all_merchants("a test looks"):
        return Setup.objects.get(store=shop_id(journey))


def page(journey: Journey, path: str = "/dashboard/") -> str:
    return str(journey.person.open(f"{journey.site}{path}").text)


def vouch(journey: Journey, *steps: str) -> None:
    for step in steps:
        page(journey)
        journey.person.submit(holding=f"vouch-{shop_id(journey)}-{step}")


def switch_on(journey: Journey, **chosen: Any) -> str:
    page(journey, f"/dashboard/{shop_id(journey)}/switch/")
    return str(journey.person.submit(holding="to", press=("to", "on"), **chosen).text)


class TestNewcomer:
    def test_is_mirrored_nothing_before_the_switch_and_everything_after(self, newcomer: Journey) -> None:
        order_id = newcomer.buy_released()
        assert newcomer.order(order_id).state == "READY"
        assert newcomer.shopify_orders(order_id) == []
        assert "Not ready: step 1" in page(newcomer, "/orders/")
        vouch(newcomer, "ACCOUNT")
        assert "Not ready: step 5" in page(newcomer)
        newcomer.person.submit(holding=f"check-{shop_id(newcomer)}-PRODUCTS")
        assert "1 waiting order is created." in switch_on(newcomer)
        newcomer.settle()
        assert newcomer.shopify_order(order_id)["total"]

    def test_may_leave_out_what_was_ordered_before_a_day(self, newcomer: Journey) -> None:
        old = newcomer.buy_released()
        newcomer.wait(3 * 86_400)
        new = newcomer.buy_released()
        vouch(newcomer, "ACCOUNT")
        page(newcomer)
        newcomer.person.submit(holding=f"check-{shop_id(newcomer)}-PRODUCTS")
        day = (newcomer.now() - timedelta(days=1)).date().isoformat()
        switch_on(newcomer, old="leave", before=day)
        newcomer.settle()
        assert newcomer.order(old).state == "SKIPPED"
        assert newcomer.shopify_orders(old) == []
        assert len(newcomer.shopify_orders(new)) == 1

    def test_that_shipped_by_hand_meanwhile_is_not_sent_twice(self, newcomer: Journey) -> None:
        order_id = newcomer.buy_released()
        newcomer.control(
            "tiktok_shop/seller_ship", order_id=order_id, tracking_number="9400111899562537866361",
            shipping_provider_id="7117858858072016686",
        )  # fmt: skip
        newcomer.settle()
        vouch(newcomer, "ACCOUNT")
        page(newcomer)
        newcomer.person.submit(holding=f"check-{shop_id(newcomer)}-PRODUCTS")
        switch_on(newcomer)
        newcomer.settle()
        assert newcomer.shopify_orders(order_id) == []
        assert newcomer.order(order_id).attention == ""

    def test_is_told_of_the_sku_that_no_store_has(self, newcomer: Journey) -> None:
        newcomer.buy_released(lines=[{"sku": "CND-PINE-12", "quantity": 1}])
        vouch(newcomer, "ACCOUNT")
        page(newcomer)
        text = newcomer.person.submit(holding=f"check-{shop_id(newcomer)}-PRODUCTS").text
        assert "0 of 1 SKUs are linked. Orders with CND-PINE-12 will wait" in text
        vouch(newcomer, "PRODUCTS")
        assert "is switched on" in switch_on(newcomer)


class TestSellerShipping:
    def test_is_read_from_warehouse_and_delivery_options(self, newcomer: Journey) -> None:
        assert setup(newcomer).shipping["ships"] == "SELLER"
        text = page(newcomer)
        assert "Orders are yours to ship." in text
        assert "Pick-up: Alice&#x27;s Candles workshop; returns: Returns." in text

    def test_lacks_a_return_warehouse(self, newcomer: Journey) -> None:
        newcomer.control("tiktok_shop/shop_settings", shop="Alice's Candles", has_return_warehouse=False)
        page(newcomer)
        newcomer.person.submit(holding=f"check-{shop_id(newcomer)}-SHIPPING")
        assert "shows no return warehouse" in page(newcomer)
        vouch(newcomer, "SHIPPING")
        assert "returns: the same" in page(newcomer)

    def test_is_asked_for_before_the_switch(self, newcomer: Journey) -> None:
        newcomer.control("tiktok_shop/shop_settings", shop="Alice's Candles", shipping_type="TIKTOK")
        page(newcomer)
        newcomer.person.submit(holding=f"check-{shop_id(newcomer)}-SHIPPING")
        vouch(newcomer, "ACCOUNT")
        assert "Step 2, Seller Shipping" in page(newcomer, f"/dashboard/{shop_id(newcomer)}/switch/")

    def test_is_watched_in_the_orders(self, journey: Journey) -> None:
        journey.control("tiktok_shop/shop_settings", shop="Alice's Candles", shipping_type="TIKTOK")
        journey.wait(60)
        journey.buy()
        journey.wait(300)
        assert setup(journey).shipping["flipped_from"] == "SELLER"
        assert "is no longer on Seller Shipping" in page(journey, "/orders/")

    def test_is_told_by_the_default_template_in_the_uk_and_japan(self, journey: Journey) -> None:
        with all_merchants("a test looks"):
            kept = {each.store.region: each.shipping.get("ships") for each in Setup.objects.select_related("store")}
        assert kept == {"US": "SELLER", "GB": "SELLER", "JP": "SELLER"}


class TestDryRun:
    def test_of_the_last_orders_is_what_is_then_created(self, newcomer: Journey) -> None:
        order_id = newcomer.buy_released(shipping_fee="4.99")
        held = newcomer.buy()
        newcomer.settle()
        newcomer.buy_released(lines=[{"sku": "CND-PINE-12", "quantity": 1}])
        path = f"/dry-runs/{shop_id(newcomer)}/"
        page(newcomer, path)
        text = newcomer.person.submit(holding="begin").text
        assert "3 orders tried" in text
        assert held[-6:] in text
        assert "CND-PINE-12 is not linked" in text
        assert newcomer.ledger("order.created") == []
        assert setup(newcomer).dry_run_seen_at is not None
        with all_merchants("a test looks"):
            total = Order.objects.get(external_id=order_id).total
        assert f"{total / 100:.2f}" in text
