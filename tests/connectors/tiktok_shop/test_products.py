"""The catalog of a TikTok shop, over real HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.base.types import Credentials, StoreIdentity, Variant
from connectors.http import HttpClient
from connectors.platforms.tiktok_shop import mapping
from connectors.platforms.tiktok_shop.connector import TikTokShop

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def product(number: int, made: int) -> dict[str, Any]:
    sku = {"id": f"17{number:06}", "seller_sku": f"SKU-{number}", "inventory": [{"quantity": 3}, {"quantity": 4}]}
    return {"id": str(number), "title": f"Product {number}", "create_time": made, "skus": [sku]}


class Shop:
    """12,000 products of one hour, of which a search shows 10,000."""

    def __init__(self) -> None:
        self.products = [product(number, int(NOW.timestamp()) - 3600 + number % 3600) for number in range(12_000)]
        self.calls = 0

    def search(self, request: Request) -> Response:
        self.calls += 1
        asked, start = json.loads(request.get_data()), int(request.args.get("page_token") or 0)
        low, high = asked["create_time_ge"], asked["create_time_le"]
        fitting = [each for each in self.products if low <= each["create_time"] <= high]
        end = start + int(request.args["page_size"])
        if start >= 10_000:
            return self.answer(12052180, None)
        following = str(end) if end < len(fitting) else ""
        data = {"products": fitting[start:end], "next_page_token": following, "total_count": len(fitting)}
        return self.answer(0, data)

    def answer(self, code: int, data: Any) -> Response:
        return Response(json.dumps({"code": code, "message": "", "data": data}), mimetype="application/json")


class TestCatalog:
    def test_with_more_products_than_a_search_shows_is_read_whole(self, httpserver: Any) -> None:
        shop = Shop()
        httpserver.expect_request("/product/202502/products/search").respond_with_handler(shop.search)
        speaking = TikTokShop(
            config={"APP_KEY": "key", "APP_SECRET": "secret", "API_URL": httpserver.url_for("").rstrip("/")},
            http=HttpClient(),
            clock=lambda: NOW,
            store=StoreIdentity("7495", "Alice's Candles", extra={"cipher": "ROW_1"}),
            credentials=Credentials("token"),
        )
        listed = list(speaking.list_variants())
        assert (len(listed), len({each.external_id for each in listed})) == (12_000, 12_000)
        assert shop.calls < 300


class TestVariants:
    def test_are_the_skus_with_what_the_seller_has_of_them(self) -> None:
        assert list(mapping.variants([product(7, 0)])) == [Variant("17000007", "SKU-7", "Product 7", stock=7)]

    def test_may_have_no_sku_and_no_stock(self) -> None:
        (found,) = mapping.variants([{"title": "Box", "skus": [{"id": 5, "seller_sku": ""}, {"seller_sku": "lost"}]}])
        assert found == Variant("5", "", "Box")

    def test_of_nonsense_are_none(self) -> None:
        for odd in (None, "x", [None, 5, {}], [{"skus": "x"}], [{"skus": [None, {"inventory": 3}]}]):
            assert list(mapping.variants(odd)) == []
