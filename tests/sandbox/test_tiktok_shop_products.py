"""The search of products, as strict as TikTok Shop's."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok_shop.state import SCOPES
from tests.sandbox.client import APP, Client

SEARCH = "/product/202502/products/search"


def skus(answer: dict[str, Any]) -> list[str]:
    return [sku["seller_sku"] for product in answer["data"]["products"] for sku in product["skus"]]


class TestProductSearch:
    def test_shows_the_shops_products_page_by_page(self, client: Client) -> None:
        first = client.call("POST", SEARCH, {"status": "ACTIVATE"}, page_size="6")
        token = first["data"]["next_page_token"]
        second = client.call("POST", SEARCH, {"status": "ACTIVATE"}, page_size="6", page_token=token)
        assert (first["data"]["total_count"], second["data"]["next_page_token"]) == (10, "")
        assert len({*skus(first), *skus(second)}) == 10

    def test_refuses_what_the_platform_refuses(self, client: Client) -> None:
        wrong: list[tuple[dict[str, Any], dict[str, str]]] = [
            ({"status": "ALL"}, {}),
            ({"status": "ALL"}, {"page_size": "101"}),
            ({"status": "LIVE"}, {"page_size": "10"}),
            ({"seller_skus": [str(number) for number in range(11)]}, {"page_size": "10"}),
            ({"create_time_lt": 5}, {"page_size": "10"}),
            ({"create_time_ge": "5"}, {"page_size": "10"}),
            ({}, {"page_size": "10", "sort_field": "create_time"}),
        ]
        for body, query in wrong:
            assert client.call("POST", SEARCH, body, status=400, **query)["code"] == 36009004

    def test_wants_the_permission(self, client: Client) -> None:
        client.control("app", **APP, scopes=[scope for scope in SCOPES if scope != "seller.product.basic"])
        client.connect()
        assert client.call("POST", SEARCH, {"status": "ALL"}, page_size="10")["code"] == 105005

    def test_shows_no_more_than_it_may(self, client: Client) -> None:
        client.control("shop_settings", most_products=4)
        first = client.call("POST", SEARCH, {"status": "ALL"}, page_size="3")
        assert (first["code"], first["data"]["total_count"]) == (0, 10)
        token = first["data"]["next_page_token"]
        assert client.call("POST", SEARCH, {"status": "ALL"}, page_size="3", page_token=token)["code"] == 12052180

    def test_knows_what_the_seller_changed(self, client: Client) -> None:
        client.control("add_product", title="Match set", sku="")
        client.control("change_product", sku="CND-FIG-08", to="CND-FIG-09")
        client.control("change_product", sku="CND-SEA-08", status="SELLER_DEACTIVATED")
        shown = skus(client.call("POST", SEARCH, {"status": "ACTIVATE"}, page_size="100"))
        assert "" in shown
        assert "CND-FIG-09" in shown
        assert not {"CND-FIG-08", "CND-SEA-08"} & set(shown)
        found = client.call("POST", SEARCH, {"seller_skus": ["CND-FIG-09"]}, page_size="100")
        assert skus(found) == ["CND-FIG-09"]
