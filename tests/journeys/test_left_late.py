"""A parcel that leaves its store although TikTok Shop cancelled the order."""

from __future__ import annotations

import pytest

from orders.models import OrderState
from tests.journeys.conftest import Journey
from tests.journeys.test_stores import TWO_LINES, route, stores

__all__ = ["stores"]

NUMBER = "9400111899562537866361"


class TestParcelOfACancelledOrder:
    @pytest.fixture(params=["squarespace", "shopify"])
    def platform(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def left(self, stores: Journey, platform: str) -> str:
        """Cancelled at TikTok Shop, and packed before the store could be told."""
        route(stores, platform)
        order_id = stores.buy_released(lines=TWO_LINES)
        if platform == "shopify":
            stores.fault("shopify", "orderCancel", "status", status=500)
        stores.control("tiktok_shop/seller_cancel", order_id=order_id)
        stores.wait(1)
        stores.ship_from(platform, order_id, number=NUMBER)
        stores.wait(130)
        return order_id

    def test_is_asked_about_as_what_it_is(self, stores: Journey, platform: str) -> None:
        order_id = self.left(stores, platform)
        order, mirror = stores.order(order_id), stores.mirror(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, "ALREADY_CANCELLED")
        assert order.attention_detail["has_left"] is True
        assert (order.attention_detail["name"], order.attention_detail["url"]) == (mirror.name, mirror.url)
        (kept,) = stores.fulfillments(order_id)
        assert (kept.state, len(kept.line_ids)) == ("WAITING", 3)
        assert [item.kind for item in stores.items(order_id) if item.kind == "PUSH_TRACKING"] == []

    def test_is_named_on_the_page_with_what_to_do(self, stores: Journey, platform: str) -> None:
        order_id = self.left(stores, platform)
        mirror = stores.mirror(order_id)
        page = stores.person.open(f"{stores.site}/orders/{mirror.order_id}/").text
        assert "since its parcel left" in page
        assert "Stop the parcel if you still can" in page
        assert "Left too late" in page
        assert NUMBER in page
