"""What a shop offers: the search of products, and what its seller changes about them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.calls import Call, page_of
from sandbox.tiktok_shop.cast import PRODUCTS, Product
from sandbox.tiktok_shop.envelope import INT, STRING, STRINGS, Refusal, bad_request, check_fields, query_int
from sandbox.tiktok_shop.state import Shop, State
from sandbox.world import ControlError

STATUSES = (
    "ALL", "DRAFT", "PENDING", "FAILED", "ACTIVATE", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "FREEZE", "DELETED",
)  # fmt: skip
FILTERS = {
    "status": STRING,
    "seller_skus": STRINGS,
    "sku_ids": STRINGS,
    "create_time_ge": INT,
    "create_time_le": INT,
    "update_time_ge": INT,
    "update_time_le": INT,
}
MOST_IDS = 10


@dataclass
class Listing:
    """A product with one SKU. `seller_sku` is what the seller calls it: maybe nothing, maybe another one's name."""

    product: Product
    seller_sku: str
    created: int
    updated: int
    status: str = "ACTIVATE"
    quantity: int = 100


def listings_of(state: State, shop: Shop) -> list[Listing]:
    """What the shop offers, oldest first; at first what the cast sells."""
    if shop.id not in state.listings:
        then = state.now() - 90 * 86_400
        state.listings[shop.id] = [Listing(each, each.sku, then, then) for each in PRODUCTS.values()]
    found: list[Listing] = state.listings[shop.id]
    return found


def search(call: Call) -> dict[str, Any]:
    """POST /product/202502/products/search: newest first [guess]."""
    size = query_int(call.query, "page_size", 1, 100)  # [guess] the most of a page
    check_fields(call.body, FILTERS)
    if call.body.get("status", "ALL") not in STATUSES:
        raise bad_request("param body.status is invalid")
    for name in ("seller_skus", "sku_ids"):
        if len(call.body.get(name) or ()) > MOST_IDS:
            raise bad_request(f"param body.{name} is invalid, at most {MOST_IDS}")
    rows = [_shown(each, call.shop) for each in reversed(listings_of(call.state, call.shop)) if _fits(each, call.body)]
    shown = page_of(rows[: call.shop.most_products], call.query, size, "products")
    if len(rows) > call.shop.most_products and not shown["next_page_token"]:
        raise Refusal(12052180, "The search has more results than can be shown")  # [guess] with the last page
    return {**shown, "total_count": len(rows)}


def _fits(listing: Listing, body: dict[str, Any]) -> bool:
    status = body.get("status") or "ALL"
    if status != "ALL" and listing.status != status:
        return False
    for name, moment in (("create_time", listing.created), ("update_time", listing.updated)):
        if body.get(f"{name}_ge") is not None and moment < body[f"{name}_ge"]:
            return False
        if body.get(f"{name}_le") is not None and moment > body[f"{name}_le"]:
            return False
    if body.get("sku_ids") and listing.product.sku_id not in body["sku_ids"]:
        return False
    return not body.get("seller_skus") or listing.seller_sku in body["seller_skus"]


def _shown(listing: Listing, shop: Shop) -> dict[str, Any]:
    price = money(listing.product.price * Decimal(shop.market.price_factor))
    return {
        "id": listing.product.product_id,
        "title": listing.product.title,
        "status": listing.status,
        "create_time": listing.created,
        "update_time": listing.updated,
        "sales_regions": [shop.region],
        "skus": [
            {
                "id": listing.product.sku_id,
                "seller_sku": listing.seller_sku,
                "price": {"currency": shop.market.currency, "tax_exclusive_price": price, "sale_price": price},
                "inventory": [{"warehouse_id": shop.warehouse_id, "quantity": listing.quantity}],
                "status_info": {"status": "NORMAL"},
            }
        ],
    }


class Shelf:
    """The seller's own doing in Seller Center."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"shop", "title", "sku": the seller's, may be empty or another's, "price", "status", "count"}."""
        shop = self.state.shop(body.get("shop"))
        listings, made = listings_of(self.state, shop), []
        for number in range(int(body.get("count", 1))):
            sku = str(body.get("sku", "")) + (f"-{number}" if "count" in body else "")
            key = len(listings) + 101
            product = Product(sku, str(body.get("title", sku)), Decimal(str(body.get("price", "10.00"))), key)
            status = str(body.get("status", "ACTIVATE"))
            listings.append(Listing(product, sku, self.state.now() + number, self.state.now() + number, status))
            made.append(product.sku_id)
        return {"sku_ids": made}

    def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"shop", "sku": what it is called now, "to": its new SKU, "status"}."""
        shop = self.state.shop(body.get("shop"))
        for listing in listings_of(self.state, shop):
            if listing.seller_sku == body["sku"]:
                listing.seller_sku = str(body.get("to", listing.seller_sku))
                listing.status = str(body.get("status", listing.status))
                listing.updated = self.state.now()
                return {"sku_id": listing.product.sku_id}
        raise ControlError(f"no such SKU: {body['sku']}")
