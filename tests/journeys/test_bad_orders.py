"""Orders that are odd or broken at the source: each ends clear, and none stops another."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import all_merchants
from orders.models import Attention, Mirror, OrderState, SetAside
from orders.troubles import TELL_AFTER
from tests.journeys.conftest import Journey


class TestOddOrder:
    def test_with_an_unknown_status_is_kept_and_asks(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.control("tiktok_shop/set_status", order_id=order_id, status="BACKORDERED")
        journey.settle()
        order = journey.order(order_id)
        assert (order.attention, order.source_status_text) == (Attention.UNKNOWN_STATUS, "BACKORDERED")

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"line_items": []}, Attention.UNREADABLE),
            ({"payment": "__absent__"}, Attention.UNREADABLE),
        ],
    )
    def test_that_cannot_be_read_whole_is_kept_and_never_created(
        self, journey: Journey, fields: dict[str, Any], code: Attention
    ) -> None:
        order_id = journey.buy()
        journey.control("tiktok_shop/update_fields", order_id=order_id, fields=fields)
        journey.settle()
        assert journey.order(order_id).attention == code
        journey.wait(3700)
        assert journey.ledger("order.created", order_id) == []

    def test_without_an_id_stops_no_other(self, journey: Journey) -> None:
        spoiled, good = journey.buy(), journey.buy()
        created = journey.tiktok_order(spoiled)["create_time"]
        journey.control("tiktok_shop/update_fields", order_id=spoiled, fields={"create_time": "__absent__"})
        journey.settle()
        assert journey.order(good).state == OrderState.HELD
        with all_merchants("a test looks"):
            assert SetAside.objects.get().external_id == spoiled
        journey.control("tiktok_shop/update_fields", order_id=spoiled, fields={"create_time": created})
        journey.wait(30)
        assert journey.order(spoiled).state == OrderState.HELD
        with all_merchants("a test looks"):
            assert not SetAside.objects.exists()

    def test_whose_row_is_spoiled_stops_no_other_of_its_store(self, journey: Journey) -> None:
        journey.fault("shopify", "*", "status", status=503, times=-1)
        spoiled, good = journey.buy(), journey.buy()
        journey.wait(3605)
        with all_merchants("a test spoils a row"):
            Mirror.objects.get(order__external_id=spoiled).delete()
        journey.world.faults.clear()
        journey.wait(120)
        assert len(journey.shopify_orders(good)) == 1
        for _ in range(TELL_AFTER):
            journey.wait(60)
        assert journey.order(spoiled).attention == Attention.REMOTE_ERROR

    def test_with_a_long_title_and_an_emoji_reaches_the_store(self, journey: Journey) -> None:
        order_id = journey.buy(
            lines=[{"sku": "CND-FIG-08", "quantity": 1}], message="🕯️ please", address={"name": "Cher 🕯"}
        )
        order = journey.tiktok_order(order_id)
        line = {**order["line_items"][0], "product_name": "Candle " * 72}
        journey.control("tiktok_shop/update_fields", order_id=order_id, fields={"line_items": [line]})
        journey.settle()
        journey.wait(3605)
        assert "🕯" in journey.shopify_order(order_id)["note"]

    def test_with_two_prices_of_one_sku_reaches_the_store_to_the_cent(self, journey: Journey) -> None:
        order_id = journey.buy_released(
            lines=[{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "CND-FIG-08", "quantity": 1, "price": "20.00"}],
            discounts={"seller": "3.33"},
            gift=True,
        )
        placed = journey.shopify_order(order_id)
        assert float(placed["total"]) == float(journey.tiktok_order(order_id)["payment"]["total_amount"])
        assert sorted((line["sku"], float(line["price"])) for line in placed["lines"]) == [
            ("CND-FIG-08", 20.0),
            ("CND-FIG-08", 24.0),
            ("GFT-MTC-01", 0.0),
        ]

    def test_of_a_tax_inclusive_market_asks_about_the_currency(self, journey: Journey) -> None:
        order_id = journey.buy_released(shop="Alice Tokyo")
        order = journey.order(order_id)
        assert (order.attention, order.currency) == (Attention.CURRENCY_MISMATCH, "JPY")

    def test_in_yen_reaches_a_store_in_yen(self, journey: Journey) -> None:
        journey.control("shopify/settings", currency="JPY")
        journey.connect("shopify")
        order_id = journey.buy_released(shop="Alice Tokyo")
        assert journey.order(order_id).attention == "", journey.order(order_id).attention_detail
        placed = journey.shopify_order(order_id)
        assert placed["taxes_included"]
        assert float(placed["total"]) == float(journey.tiktok_order(order_id)["payment"]["total_amount"])

    def test_whose_money_does_not_balance_is_not_created(self, journey: Journey) -> None:
        order_id = journey.buy()
        stated = journey.tiktok_order(order_id)["payment"]
        spoiled = {**stated, "total_amount": "1.00"}
        journey.control("tiktok_shop/update_fields", order_id=order_id, fields={"payment": spoiled})
        journey.settle()
        journey.wait(3605)
        order = journey.order(order_id)
        assert (order.attention, order.attention_detail["stated"]) == (Attention.MONEY_MISMATCH, "1.00")
        assert journey.ledger("order.created", order_id) == []
        journey.control("tiktok_shop/update_fields", order_id=order_id, fields={"payment": stated})
        journey.wait(130)
        assert journey.order(order_id).state == OrderState.MIRRORED
