"""Reading a TikTok shop: its orders, and the products that are on sale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connectors.base.errors import UnreadableAnswer
from connectors.base.types import PlatformOrder, Variant
from connectors.platforms.tiktok_shop import mapping
from connectors.platforms.tiktok_shop.wire import Data, Wire

_PAGE = 50
# The most that a search shows: https://partner.tiktokshop.com/docv2/page/search-products-202502 (read 2026-11)
_MOST_PRODUCTS = 10_000
_PRODUCTS_PAGE = 100


class Orders(Wire):
    """What the shop holds."""

    def fetch_orders(self, external_ids: Sequence[str]) -> list[PlatformOrder | UnreadableAnswer]:
        """These orders as they stand, at most 50 ids a call; an id that is unknown there is left out."""
        found: list[PlatformOrder | UnreadableAnswer] = []
        for start in range(0, len(external_ids), _PAGE):
            query = {"ids": ",".join(external_ids[start : start + _PAGE])}
            data = self._call("GET", "/order/202507/orders", operation="orders.get", query=query)
            found += mapping.orders_of(data.get("orders"), told_at=data.told_at)
        return found

    def orders_updated_since(self, moment: datetime, *, until: datetime) -> Iterator[PlatformOrder | UnreadableAnswer]:
        """Every order with an update in [moment, until), oldest update first."""
        query = {"page_size": str(_PAGE), "sort_field": "update_time", "sort_order": "ASC"}
        body = {"update_time_ge": int(moment.timestamp()), "update_time_lt": int(until.timestamp()) + 1}

        def ask(query: Mapping[str, str]) -> Data:
            path = "/order/202309/orders/search"
            return self._call("POST", path, operation="orders.search", query=query, body=body, is_safe=True)

        for data in self._pages(ask, query):
            yield from mapping.orders_of(data.get("orders"), told_at=data.told_at)

    def list_variants(self) -> Iterator[Variant]:
        """Every SKU of the products that are on sale. SKUs of sellers are neither unique there nor always given."""
        yield from self._variants(since=0, until=int(self.clock().timestamp()) + 60)

    def _variants(self, *, since: int, until: int) -> Iterator[Variant]:
        """Those of the products made in [since, until]; where they are too many for one search, by halves."""
        query = {"page_size": str(_PRODUCTS_PAGE)}
        body = {"status": "ACTIVATE", "create_time_ge": since, "create_time_le": until}

        def ask(query: Mapping[str, str]) -> Data:
            path = "/product/202502/products/search"
            return self._call("POST", path, operation="products.list", query=query, body=body, is_safe=True)

        for place, data in enumerate(self._pages(ask, query)):
            total = data.get("total_count")
            if place == 0 and isinstance(total, int) and total > _MOST_PRODUCTS and since < until:
                middle = (since + until) // 2
                yield from self._variants(since=since, until=middle)
                yield from self._variants(since=middle + 1, until=until)
                return
            yield from mapping.variants(data.get("products"))
