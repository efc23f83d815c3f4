"""Every call that is served: its method, path, name, scope, handler, and the query it may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.tiktok_shop import eligibility, logistics, orders, products
from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellation_calls import CancellationCalls
from sandbox.tiktok_shop.return_calls import ReturnCalls
from sandbox.tiktok_shop.shipping import Shipping
from sandbox.tiktok_shop.subscriptions import Subscriptions

PAGING = frozenset({"page_size", "page_token", "sort_field", "sort_order"})
ORDER, SHIP, PRODUCTS = "seller.order.info", "seller.fulfillment.basic", "seller.product.basic"
LOGISTICS, RETURNS, SHOPS = "seller.logistics", "seller.return_refund.basic", "seller.authorization.info"
ONCE = frozenset({"idempotency_key"})
NEWER = "/return_refund/<any('202309','202602'):version>"  # what the newer version serves too
OLDER = "/return_refund/202309"


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    name: str
    scope: str
    handler: Callable[[Call], dict[str, Any]]
    query: frozenset[str] = frozenset()
    needs_cipher: bool = True


def order_operations() -> Iterator[Operation]:
    external = "/order/202406/orders"
    ids = frozenset({"ids"})
    yield Operation("POST", "/order/202309/orders/search", "orders.search", ORDER, orders.search, PAGING)
    yield Operation("GET", "/order/202507/orders", "orders.detail", ORDER, orders.detail, ids)
    yield Operation("GET", "/order/202309/orders", "orders.detail", ORDER, orders.detail, ids)
    yield Operation(
        "GET", "/order/202407/orders/<order_id>/price_detail", "orders.price_detail", ORDER, orders.price_detail
    )
    yield Operation("POST", f"{external}/external_orders", "external_orders.add", ORDER, orders.add_external)
    yield Operation(
        "GET",
        f"{external}/<order_id>/external_orders",
        "external_orders.get",
        ORDER,
        orders.get_external,
        frozenset({"platform"}),
    )
    yield Operation(
        "POST", f"{external}/external_order_search", "external_orders.search", ORDER, orders.search_external
    )


def shipping_operations(ships: Shipping) -> Iterator[Operation]:
    packages, ful = "/fulfillment/202309/packages/<package_id>", "/fulfillment/202309/orders/<order_id>"
    yield Operation("POST", f"{ful}/packages", "orders.ship", SHIP, ships.mark_shipped)
    yield Operation("POST", f"{packages}/ship", "packages.ship", SHIP, ships.ship_package)
    yield Operation("POST", f"{packages}/shipping_info/update", "packages.update", SHIP, ships.update_info)
    yield Operation("POST", f"{ful}/shipping_info/update", "packages.update", SHIP, ships.update_info)
    yield Operation("GET", packages, "packages.detail", SHIP, ships.package_detail)
    yield Operation("GET", f"{ful}/tracking", "orders.tracking", LOGISTICS, ships.tracking)


def shop_operations(hooks: Subscriptions) -> Iterator[Operation]:
    logi = "/logistics/202309"
    yield Operation(
        "GET",
        f"{logi}/delivery_options/<delivery_option_id>/shipping_providers",
        "providers",
        LOGISTICS,
        logistics.providers,
        frozenset({"warehouse_region", "buyer_region"}),
    )
    yield Operation("GET", f"{logi}/warehouses", "warehouses", LOGISTICS, logistics.warehouses)
    yield Operation(
        "GET",
        f"{logi}/warehouses/<warehouse_id>/delivery_options",
        "delivery_options",
        LOGISTICS,
        logistics.delivery_options,
        frozenset({"scope"}),
    )
    yield Operation(
        "GET", "/logistics/202510/seller_templates", "seller_templates", LOGISTICS, logistics.seller_templates
    )
    yield Operation(
        "POST",
        "/product/202502/products/search",
        "products.search",
        PRODUCTS,
        products.search,
        frozenset({"page_size", "page_token"}),
    )
    yield Operation("PUT", "/event/202309/webhooks", "webhooks.put", SHOPS, hooks.put)
    yield Operation("GET", "/event/202309/webhooks", "webhooks.list", SHOPS, hooks.listing)
    yield Operation("DELETE", "/event/202309/webhooks", "webhooks.delete", SHOPS, hooks.delete)


def cancellation_operations(cancels: CancellationCalls) -> Iterator[Operation]:
    one = f"{OLDER}/cancellations/<cancel_id>"
    yield Operation("POST", f"{NEWER}/cancellations", "cancellations.create", RETURNS, cancels.create)
    yield Operation("POST", f"{NEWER}/cancellations/search", "cancellations.search", RETURNS, cancels.search, PAGING)
    yield Operation("POST", f"{one}/approve", "cancellations.approve", RETURNS, cancels.approve, ONCE)
    yield Operation("POST", f"{one}/reject", "cancellations.reject", RETURNS, cancels.reject)


def return_operations(returns: ReturnCalls) -> Iterator[Operation]:
    one = f"{OLDER}/returns/<return_id>"
    rejected = "/return_refund/<any('202309','202606'):version>/returns/<return_id>/reject"
    yield Operation("POST", f"{NEWER}/returns", "returns.create", RETURNS, returns.create, ONCE)
    yield Operation("POST", f"{NEWER}/returns/search", "returns.search", RETURNS, returns.search, PAGING)
    yield Operation("POST", f"{one}/approve", "returns.approve", RETURNS, returns.approve, ONCE)
    yield Operation("POST", rejected, "returns.reject", RETURNS, returns.reject)
    yield Operation("GET", f"{one}/records", "returns.records", RETURNS, returns.records)
    yield Operation(
        "GET",
        f"{OLDER}/reject_reasons",
        "reject_reasons",
        RETURNS,
        returns.reject_reasons,
        frozenset({"return_or_cancel_id", "locale"}),
    )
    yield Operation("POST", f"{NEWER}/refunds/calculate", "refunds.calculate", RETURNS, eligibility.calculate)
    yield Operation(
        "GET",
        f"{NEWER}/orders/<order_id>/aftersale_eligibility",
        "aftersale_eligibility",
        RETURNS,
        eligibility.eligibility,
        frozenset({"initiate_aftersale_user"}),
    )
