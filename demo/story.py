"""What happens in the demo: buyers buy, the warehouse ships, the carrier scans. Or one order, the whole way."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from demo.browser import Browser
from demo.processes import DemoFailed, Programs, wait_until
from demo.site import EMAIL, PASSWORD, STAFF_EMAIL, Site

__all__ = ["EMAIL", "PASSWORD", "STAFF_EMAIL"]

SHOP = "Alice's Candles"
SHOPIFY_SHOP = "alices-candles.myshopify.com"
BUY_EVERY = 25.0
SHIP_AFTER = 20.0
SCAN_AFTER = 20.0

# What buyers put into their carts, in turn. The pine candle is not in the Shopify store: it asks for a person.
CARTS: tuple[dict[str, Any], ...] = (
    {"lines": [{"sku": "CND-FIG-08", "quantity": 2}, {"sku": "ACC-TRM-BR", "quantity": 1}], "shipping_fee": "4.99"},
    {"lines": [{"sku": "CND-AMB-12", "quantity": 1}], "message": "Please leave it at the side door."},
    {"lines": [{"sku": "TIN-LAV-04", "quantity": 3}], "discounts": {"seller": "4.20"}, "gift": True},
    {"lines": [{"sku": "CND-PINE-12", "quantity": 1}]},
    {"lines": [{"sku": "MLT-SMP-06", "quantity": 1}], "sample": True},
    {"lines": [{"sku": "CND-VAN-3W", "quantity": 1}, {"sku": "CND-SEA-08", "quantity": 1}], "is_cancelled": True},
    {"lines": [{"sku": "TPR-BEE-02", "quantity": 2}], "shipping_fee": "4.99", "discounts": {"platform": "3.00"}},
)
FIRST = 4
BUYERS = 4


def connect_stores(site: Site, person: Browser) -> None:
    """Connect both stores as a merchant would: our page, the platform's consent page, and back. Repeats do nothing."""
    page = person.open(f"{site.url}/stores/").text
    if SHOPIFY_SHOP in page and "Alice&#x27;s Candles" in page:
        return
    person.open(f"{site.url}/connect/tiktok_shop/")
    if person.page is not None and person.page.url.startswith(site.url):
        person.submit(holding="/connect/tiktok_shop/")
    person.submit(holding="state", press=("decision", "allow"), seller="alice")
    _require_connected(site, person, "TikTok Shop")
    person.open(f"{site.url}/connect/shopify/")
    person.submit(holding="shop", shop=SHOPIFY_SHOP)
    person.submit(holding="state", press=("decision", "allow"))
    _require_connected(site, person, "Shopify")


def _require_connected(site: Site, person: Browser, platform: str) -> None:
    assert person.page is not None
    if not person.page.url.startswith(f"{site.url}/stores"):
        raise DemoFailed(f"{platform} was not connected; the browser ended at {person.page.url}.")


# The demo that stays


def keep_busy(site: Site, programs: Programs) -> None:
    """Buyers, the warehouse and the carrier go about their work until Ctrl-C."""
    carts = itertools.cycle(CARTS)
    for _ in range(FIRST):
        _buy(site, next(carts))
    next_buy = time.monotonic() + BUY_EVERY
    bought = FIRST
    cancel_at: list[tuple[float, str]] = []
    while True:
        programs.check()
        now = time.monotonic()
        if now >= next_buy:
            cart = next(carts)
            order_id = _buy(site, cart)
            if cart.get("is_cancelled"):
                cancel_at.append((now + site.hold_seconds / 3, order_id))
            bought += 1
            next_buy = now + BUY_EVERY * (1 if bought < 12 else 6)
        for entry in [each for each in cancel_at if each[0] <= now]:
            cancel_at.remove(entry)
            site.control("tiktok_shop/buyer_cancel", order_id=entry[1])
        _ship_what_waits(site)
        _scan_what_was_shipped(site)
        time.sleep(1)


def _buy(site: Site, cart: dict[str, Any]) -> str:
    wanted = {name: value for name, value in cart.items() if name != "is_cancelled"}
    buyer = CARTS.index(cart) % BUYERS
    return str(site.control("tiktok_shop/buy", shop=SHOP, buyer=buyer, **wanted)["order_id"])


def _ship_what_waits(site: Site) -> None:
    """The warehouse packs what has been in Shopify for a while."""
    now = float(str(site.look("clock")["now"]))
    for order in _shopify_orders(site):
        if not order["is_cancelled"] and not order["fulfillments"] and now - order["created_at"] > SHIP_AFTER:
            site.control(
                "shopify/ship", shop=SHOPIFY_SHOP, order=order["name"], tracking_number=_number(order), carrier="USPS"
            )


def _scan_what_was_shipped(site: Site) -> None:
    """The carrier picks up, and delivers."""
    now = float(str(site.look("clock")["now"]))
    for order in _tiktok_orders(site):
        waited = now - order["update_time"]
        if order["status"] == "AWAITING_COLLECTION" and waited > SCAN_AFTER:
            site.control("tiktok_shop/in_transit", order_id=order["id"])
        elif order["status"] == "IN_TRANSIT" and waited > 3 * SCAN_AFTER:
            site.control("tiktok_shop/deliver", order_id=order["id"])


def _number(order: dict[str, Any]) -> str:
    """A tracking number as USPS writes them."""
    return f"94001118995{int(order['reference'][-11:]):011d}"


# The check


def walk_one_order(site: Site, person: Browser) -> int:
    """Follow one order the whole way and compare with the sandbox's own ledger. 0 only if all of it is right."""
    steps = _Steps()
    order_id = _buy(site, CARTS[0])
    steps.done(f"A buyer ordered {order_id} on TikTok Shop")
    steps.wait("The page shows it On hold", lambda: _row_says(site, person, order_id, "On hold"), seconds=20)
    steps.wait("TikTok Shop ended the hold", lambda: _status(site, order_id) != "ON_HOLD", seconds=60)
    steps.wait("It is in Shopify", lambda: _placed(site, order_id) is not None, seconds=60)
    placed = _placed(site, order_id)
    assert placed is not None
    _require_contents(site, order_id, placed)
    steps.done(f"Shopify's {placed['name']} has the right contents and total")
    number = _number(placed)
    site.control("shopify/ship", shop=SHOPIFY_SHOP, order=placed["name"], tracking_number=number, carrier="USPS")
    steps.done(f"The warehouse shipped it with USPS {number}")
    steps.wait("TikTok Shop has the tracking number", lambda: _has_tracking(site, order_id, number), seconds=60)
    site.control("tiktok_shop/in_transit", order_id=order_id)
    steps.wait("The page shows it In transit", lambda: _row_says(site, person, order_id, "In transit"), seconds=40)
    _require_ledger(site, order_id, number)
    steps.done("The sandbox's ledger shows one Shopify order and the tracking number once")
    print(f"\nAll of it took {steps.total():.1f} s, the hold of {site.hold_seconds} s included.")
    return 0


class _Steps:
    def __init__(self) -> None:
        self.began = self.last = time.monotonic()

    def wait(self, text: str, is_so: Callable[[], bool], *, seconds: float) -> None:
        if not wait_until(is_so, seconds=seconds):
            raise DemoFailed(f"Not within {seconds:.0f} s: {text}.")
        self.done(text)

    def done(self, text: str) -> None:
        now = time.monotonic()
        print(f"  {now - self.began:6.2f} s  {text}", flush=True)
        self.last = now

    def total(self) -> float:
        return time.monotonic() - self.began


def _row_says(site: Site, person: Browser, order_id: str, words: str) -> bool:
    page = person.open(f"{site.url}/orders/?q={order_id}").text
    row = page.partition("<tbody")[2]
    return order_id[-4:] in row and words in row


def _require_contents(site: Site, order_id: str, placed: dict[str, Any]) -> None:
    bought = next(order for order in _tiktok_orders(site) if order["id"] == order_id)
    address = bought["recipient_address"]
    expected = {
        "total": float(bought["payment"]["total_amount"]),
        "currency": bought["payment"]["currency"],
        "email": bought["buyer_email"],
        "skus": {"CND-FIG-08": 2, "ACC-TRM-BR": 1},
        "zip": address["postal_code"],
        "name": address["name"],
        "is_tagged": True,
    }
    found = {
        "total": float(placed["total"]),
        "currency": placed["currency"],
        "email": placed["email"],
        "skus": {line["sku"]: line["quantity"] for line in placed["lines"]},
        "zip": placed["shipping_address"]["zip"],
        "name": f"{placed['shipping_address']['firstName'] or ''} {placed['shipping_address']['lastName']}".strip(),
        "is_tagged": "TikTok Shop" in placed["tags"],
    }
    if wrong := {name: (expected[name], found[name]) for name in expected if expected[name] != found[name]}:
        raise DemoFailed(f"Shopify's order differs from TikTok's (expected, found): {wrong}")


def _require_ledger(site: Site, order_id: str, number: str) -> None:
    effects = list(_ledger(site))
    created = [each for each in effects if each["event"] == "order.created" and each.get("reference") == order_id]
    shipped = [
        each
        for each in effects
        if each["platform"] == "tiktok_shop" and each["event"] == "package.shipped" and each["key"] == order_id
    ]
    if len(created) != 1 or [each.get("tracking_number") for each in shipped] != [number]:
        raise DemoFailed(f"The ledger shows {len(created)} Shopify orders and these packages: {shipped}")


def _ledger(site: Site) -> Iterator[dict[str, Any]]:
    yield from site.look("ledger")["ledger"]  # type: ignore[misc]


def _tiktok_orders(site: Site) -> list[dict[str, Any]]:
    return list(site.look("tiktok_shop")["orders"])  # type: ignore[call-overload]


def _shopify_orders(site: Site) -> list[dict[str, Any]]:
    return list(site.look("shopify")["orders"])  # type: ignore[call-overload]


def _status(site: Site, order_id: str) -> str:
    return str(next(order["status"] for order in _tiktok_orders(site) if order["id"] == order_id))


def _placed(site: Site, order_id: str) -> dict[str, Any] | None:
    return next((order for order in _shopify_orders(site) if order["reference"] == order_id), None)


def _has_tracking(site: Site, order_id: str, number: str) -> bool:
    order = next(order for order in _tiktok_orders(site) if order["id"] == order_id)
    return any(line.get("tracking_number") == number for line in order["line_items"])
