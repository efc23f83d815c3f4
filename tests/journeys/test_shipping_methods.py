"""A merchant maps a delivery option on the page, and the store receives that method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.conftest import STORES, Journey
from tests.journeys.test_stores import route, stores

__all__ = ["stores"]

OPTION = "7091146663229654785"  # the sandbox's standard shipping in the US
# How the sandbox's stores show the method of an order.
METHOD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "shopify": lambda order: (order["shipping_lines"][0]["title"], order["shipping_lines"][0]["code"]),
    "amazon": lambda order: order["shipping_method"],
    "wix": lambda order: order["shipping_method"],
    "squarespace": lambda order: order["shipping_method"],
}
SAID = {"amazon": {"code": "Expedited"}}
RECEIVED = {"shopify": ("Ground, 3 days", "GROUND-3"), "amazon": "Expedited"}


def map_option(journey: Journey, platform: str, *, option: str = OPTION, **said: str) -> None:
    """Fill in the page of shipping methods, look first, and save."""
    person, store = journey.person, journey.store(platform)
    person.open(f"{journey.site}/mapping/shipping/{store.pk}/")
    filled = {f"method-{option}-{name}": value for name, value in said.items() if name in ("title", "code")}
    filled |= {name: value for name, value in said.items() if name.startswith("route-")}
    page = person.submit(holding="step", press=("step", "look"), **filled)
    assert "unsaved change" in page.text
    page = person.submit(holding="seen", press=("step", "save"))
    assert "Saved. It counts for orders created from now on." in page.text


class TestShippingMethod:
    @pytest.mark.parametrize("platform", STORES)
    def test_that_was_mapped_on_the_page_is_what_the_store_gets(self, stores: Journey, platform: str) -> None:
        route(stores, platform)
        before = stores.order_in(platform, stores.buy_released())
        map_option(stores, platform, **SAID.get(platform, {"title": "Ground, 3 days", "code": "GROUND-3"}))
        after = stores.order_in(platform, stores.buy_released())
        received = RECEIVED.get(platform, "Ground, 3 days")
        assert METHOD[platform](after) == received
        assert METHOD[platform](before) != received

    @pytest.mark.parametrize("platform", STORES)
    def test_that_is_missing_keeps_the_order_until_it_is_mapped(self, stores: Journey, platform: str) -> None:
        kept = route(stores, platform)
        stores.buy_released()
        map_option(stores, platform, **{f"route-{kept.pk}-unmapped_shipping": "BLOCK"})
        order_id = stores.buy_released()
        assert stores.order(order_id).attention == "SHIPPING_UNMAPPED"
        assert stores.orders_in(platform, order_id) == []
        map_option(stores, platform, **SAID.get(platform, {"title": "Ground, 3 days", "code": "GROUND-3"}))
        stores.wait(5)
        received = METHOD[platform](stores.order_in(platform, order_id))
        assert received == RECEIVED.get(platform, "Ground, 3 days")
        assert stores.order(order_id).attention == ""
