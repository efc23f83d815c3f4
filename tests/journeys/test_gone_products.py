"""A product that an order is linked to is taken out of its store."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from orders.models import OrderState, ProductLink
from tests.journeys.conftest import SHOPIFY_SHOP, Journey
from tests.journeys.test_stores import TWO_LINES, route, stores

__all__ = ["stores"]

CANDLE = [{"sku": "CND-FIG-08", "quantity": 1}]
PINE = [{"sku": "CND-PINE-12", "quantity": 1}]


@pytest.fixture(params=["squarespace", "shopify"])
def platform(request: pytest.FixtureRequest, stores: Journey) -> str:
    """A store that gets every order, and whose links were found before."""
    route(stores, request.param)
    stores.buy_released(lines=TWO_LINES)
    return str(request.param)


def catalog(journey: Journey, platform: str, action: str, **body: Any) -> None:
    shop = {"shop": SHOPIFY_SHOP} if platform == "shopify" else {}
    journey.control(f"{platform}/{action}", **shop, **body)


def open_order(journey: Journey, order_id: str) -> tuple[int, str]:
    pk = journey.order(order_id).pk
    return pk, journey.person.open(f"{journey.site}/orders/{pk}/").text


class TestProductThatIsGone:
    @pytest.fixture
    def gone(self, stores: Journey, platform: str) -> str:
        """An order for it."""
        catalog(stores, platform, "remove_variant", sku="CND-FIG-08")
        return stores.buy_released(lines=CANDLE)

    def test_is_asked_about_with_a_form_to_link_another(self, stores: Journey, platform: str, gone: str) -> None:
        order = stores.order(gone)
        assert (order.attention, order.attention_detail["is_by_hand"]) == ("PRODUCT_DELETED", False)
        pk, page = open_order(stores, gone)
        assert "The product of CND-FIG-08 is gone" in page
        assert "Product gone" in page
        stores.person.submit(holding=f"/orders/{pk}/link/", variant="TPR-BEE-02")
        stores.wait(5)
        assert len(stores.orders_in(platform, gone)) == 1
        assert (stores.order(gone).attention, stores.order(gone).state) == ("", OrderState.MIRRORED)

    def test_is_found_again_by_a_retry_once_the_store_has_one_with_its_sku(
        self, stores: Journey, platform: str, gone: str
    ) -> None:
        catalog(stores, platform, "add_variant", sku="CND-FIG-08", title="Fig & Cedar Candle, 8 oz")
        pk, _ = open_order(stores, gone)
        stores.person.submit(holding=f"/orders/{pk}/retry/")
        stores.wait(5)
        assert len(stores.orders_in(platform, gone)) == 1
        assert stores.order(gone).attention == ""

    def test_becomes_one_that_is_not_linked_by_a_retry(self, stores: Journey, platform: str, gone: str) -> None:
        pk, _ = open_order(stores, gone)
        stores.person.submit(holding=f"/orders/{pk}/retry/")
        stores.wait(5)
        order = stores.order(gone)
        assert (order.attention, order.attention_detail["sku"]) == ("NOT_LINKED", "CND-FIG-08")

    def test_is_looked_for_again_by_itself(self, stores: Journey, platform: str, gone: str) -> None:
        catalog(stores, platform, "add_variant", sku="CND-FIG-08", title="Fig & Cedar Candle, 8 oz")
        stores.wait(65)
        assert len(stores.orders_in(platform, gone)) == 1
        assert stores.order(gone).attention == ""

    def test_is_one_of_several_that_can_be_chosen(self, stores: Journey, platform: str, gone: str) -> None:
        catalog(stores, platform, "remove_variant", sku="TIN-LAV-04")
        catalog(stores, platform, "add_variant", sku="CND-FIG-08", title="Fig & Cedar Candle, 8 oz")
        other = stores.buy_released(lines=[{"sku": "TIN-LAV-04", "quantity": 1}, {"sku": "TPR-BEE-02", "quantity": 1}])
        assert stores.order(other).attention == "PRODUCT_DELETED"
        pk, page = open_order(stores, other)
        assert '<option value="TIN-LAV-04">' in page
        stores.person.submit(holding=f"/orders/{pk}/link/", sku="TIN-LAV-04", variant="TPR-BEE-02")
        stores.wait(5)
        assert len(stores.orders_in(platform, other)) == 1


class TestProductThatWasLinkedByHand:
    @pytest.fixture
    def gone(self, stores: Journey, platform: str) -> str:
        first = stores.buy_released(lines=PINE)
        pk, _ = open_order(stores, first)
        stores.person.submit(holding=f"/orders/{pk}/link/", variant="TPR-BEE-02")
        stores.wait(5)
        assert len(stores.orders_in(platform, first)) == 1
        catalog(stores, platform, "remove_variant", sku="TPR-BEE-02")
        return stores.buy_released(lines=PINE)

    def test_waits_until_the_link_is_replaced(self, stores: Journey, platform: str, gone: str) -> None:
        order = stores.order(gone)
        assert (order.attention, order.attention_detail["is_by_hand"]) == ("PRODUCT_DELETED", True)
        stores.wait(600)
        assert stores.order(gone).attention == "PRODUCT_DELETED"
        pk, page = open_order(stores, gone)
        assert "linked to by hand" in page
        assert "Replace the link and create order" in page
        stores.person.submit(holding=f"/orders/{pk}/link/", variant="CND-FIG-08")
        stores.wait(5)
        assert len(stores.orders_in(platform, gone)) == 1
        with merchant_rows(order.merchant_id):
            link = ProductLink.objects.get(store=stores.store(platform), sku="cnd-pine-12")
        assert link.is_manual
        assert "Fig" in link.title
