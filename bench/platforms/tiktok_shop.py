"""TikTok Shop for yardsticks: orders made from their ids, read and shipped; 50 calls a second of each kind.

Contracts sheet, "Envelope, errors, limits, paging". A shop goes by its cipher.
"""

from __future__ import annotations

from bench import raw
from bench.platforms.buckets import Window
from bench.platforms.request import Request, find, routes
from bench.platforms.world import Answer, World

NAME = "tiktok_shop"
CALLS = 50.0
CARRIER = ("7117858858072016686", "USPS")
_API = "/tiktok_shop/api"
_ROUTES = routes(
    ("orders.get", "GET", r"/order/\d+/orders"),
    ("orders.search", "POST", r"/order/\d+/orders/search"),
    ("packages.mark_shipped", "POST", r"/fulfillment/\d+/orders/(\d+)/packages"),
    ("carriers.list", "GET", r"/logistics/\d+/delivery_options/\d+/shipping_providers"),
    ("delivery_options.list", "GET", r"/logistics/\d+/warehouses/\d+/delivery_options"),
    ("warehouses.list", "GET", r"/logistics/\d+/warehouses"),
    ("products.list", "POST", r"/product/\d+/products/search"),
    ("webhooks.list", "GET", r"/event/\d+/webhooks"),
    ("webhooks.subscribe", "PUT", r"/event/\d+/webhooks"),
)
_EMPTY = {
    "orders.search": '"orders":[],"next_page_token":"","total_count":0',
    "carriers.list": f'"shipping_providers":[{{"id":"{CARRIER[0]}","name":"{CARRIER[1]}"}}]',
    "delivery_options.list": '"delivery_options":[]',
    "warehouses.list": '"warehouses":[]',
    "products.list": '"products":[],"next_page_token":"","total_count":0',
    "webhooks.list": '"webhooks":[],"total_count":0',
}


def answer(world: World, request: Request, now: float) -> Answer:
    """Whatever our connector asks of a shop."""
    operation, order = find(_ROUTES, request.method, request.path.removeprefix(_API))
    if not operation:
        return world.refuses_unknown(NAME, f"{request.method} {request.path}")
    shop = request.query.get("shop_cipher", "")
    mode = world.came(NAME, shop, operation)
    if mode.is_down:
        return mode.nothing
    if not world.may((NAME, shop, operation), _allowance, operation=operation, cost=1, now=now):
        return mode.says('{"code":36009002,"message":"Too many requests","data":null}', 429)
    if operation == "orders.get":
        data = f'"orders":[{",".join(_orders(world, shop, request.query.get("ids", ""), now))}]'
    elif operation == "packages.mark_shipped":
        data = f'"package_id":"{_ship(world, shop, order, request.said["tracking_number"], now)}"'
    else:
        data = _EMPTY.get(operation, "")
    return mode.says(f'{{"code":0,"message":"Success","data":{{{data}}}}}')


def _allowance() -> Window:
    return Window(most=CALLS, seconds=1.0)


def _orders(world: World, shop: str, ids: str, now: float) -> list[str]:
    shipped: dict[str, raw.Parcel] = world.orders.get((NAME, shop), {})
    wanted = ids.split(",") if ids else ()
    return [raw.order_text(each, epoch=world.epoch, now=now, parcel=shipped.get(each)) for each in wanted]


def _ship(world: World, shop: str, order: str, number: str, now: float) -> str:
    package = f"11{order[2:]}"
    world.orders.setdefault((NAME, shop), {})[order] = raw.Parcel(package, number, *CARRIER, int(now))
    return package
