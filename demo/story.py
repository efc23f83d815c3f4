"""What happens in the demo: buyers buy, the warehouse ships, the carrier scans. Or one order, the whole way."""

from __future__ import annotations

import html
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from demo.browser import Browser
from demo.processes import DemoFailed, Programs, wait_until
from demo.site import EMAIL, PASSWORD, STAFF_EMAIL, Site

__all__ = ["EMAIL", "PASSWORD", "STAFF_EMAIL"]

SHOP = "Alice's Candles"
BUY_EVERY = 25.0
SHIP_AFTER = 20.0
SCAN_AFTER = 20.0

# Each store: its name, what is asked for before its consent page, and the SKUs that it gets. Shopify has the rest.
STORES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "shopify": ("Shopify", "alices-candles.myshopify.com", ()),
    "amazon": ("Amazon", "ATVPDKIKX0DER", ("CND-AMB-12", "TIN-*")),
    "wix": ("Wix", "", ("MLT-*", "TPR-*")),
    "squarespace": ("Squarespace", "", ("CND-VAN-3W", "CND-SEA-08")),
}
# What buyers put into their carts, in turn: one for each store first, then one that goes to two of them. The pine
# candle is in no store: it asks for a person.
CARTS: tuple[dict[str, Any], ...] = (
    {"lines": [{"sku": "CND-FIG-08", "quantity": 2}, {"sku": "ACC-TRM-BR", "quantity": 1}], "shipping_fee": "4.99"},
    {"lines": [{"sku": "CND-AMB-12", "quantity": 1}], "message": "Please leave it at the side door."},
    {"lines": [{"sku": "TPR-BEE-02", "quantity": 2}], "shipping_fee": "4.99", "discounts": {"platform": "3.00"}},
    {"lines": [{"sku": "CND-VAN-3W", "quantity": 1}], "shipping_fee": "4.99"},
    {
        "lines": [{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "TIN-LAV-04", "quantity": 3}],
        "discounts": {"seller": "4.20"},
    },
    {"lines": [{"sku": "CND-PINE-12", "quantity": 1}]},
    {"lines": [{"sku": "MLT-SMP-06", "quantity": 1}], "sample": True},
    {"lines": [{"sku": "CND-VAN-3W", "quantity": 1}, {"sku": "CND-SEA-08", "quantity": 1}], "is_cancelled": True},
)
WALKS = dict(zip(STORES, CARTS, strict=False))
FIRST = 4
BUYERS = 4


def connect_stores(site: Site, person: Browser, *, say: Callable[[str], None]) -> None:
    """Connect the shop and the four stores as a merchant would, by our pages and each platform's consent page, say
    which store gets what, and switch on. What is there already stays as it is."""
    page = person.open(f"{site.url}/stores/").text
    for platform, (label, _, _) in {"tiktok_shop": ("TikTok Shop", "", ()), **STORES}.items():
        if f"/connect/{platform}/disconnect/" not in page:
            say(f"Connecting {label}")
            _connect(site, person, platform)
    for position, (label, _, skus) in enumerate(STORES.values()):
        if not re.search(rf"<h3>{label}[: ]", _routes(site, person)):
            _add_route(site, person, label, skus, position=max(position, 1))
    _switch_on(site, person, say)


def _routes(site: Site, person: Browser) -> str:
    """The part of the Connections page on which store gets what of the demo's shop."""
    parts = person.open(f"{site.url}/stores/").text.split("<h2")
    found = [part for part in parts if f"Which store gets what: {html.escape(SHOP)}<" in part]
    return found[0] if found else ""


def _connect(site: Site, person: Browser, platform: str) -> None:
    person.open(f"{site.url}/connect/{platform}/")
    shop: dict[str, Any] = {"shop": STORES[platform][1]} if STORES.get(platform, ("", "", ()))[1] else {}
    person.submit(holding=f"/connect/{platform}/", **shop)
    page = person.submit(holding="state", press=("decision", "allow"), seller="alice")
    if not page.url.startswith(f"{site.url}/stores"):
        raise DemoFailed(f"{platform} was not connected; the browser ended at {page.url}.")


def _add_route(site: Site, person: Browser, label: str, skus: Sequence[str], *, position: int) -> None:
    """A route for some SKUs, or the default one."""
    links = re.findall(r'href="(/stores/\d+/routes/new/)"', _routes(site, person))
    if not links:
        raise DemoFailed("The Connections page offers no route.")
    page = person.open(f"{site.url}{links[0]}").text
    store = re.search(rf'<option value="(\d+)"[^>]*>{re.escape(label)}[: ]', page)
    if store is None:
        raise DemoFailed(f"{label} is not among the stores that a route can lead to.")
    said: dict[str, Any] = {
        "destination": store[1],
        "rule": "SKU" if skus else "DEFAULT",
        "skus": "\n".join(skus),
        "takes_part": "on",
    }
    answer = person.submit(holding="least_share", **said, position=str(position))
    if "/routes/" in answer.url:
        raise DemoFailed(f"The route to {label} was not accepted.")


def _switch_on(site: Site, person: Browser, say: Callable[[str], None]) -> None:
    """Go through the dashboard's checklist of the demo's shop, and switch it on at its end."""
    shops = re.findall(r'id="setup-(\d+)"[^>]*>\s*<summary[^>]*>\s*<h2>Set up ([^<]*)<', _dashboard(site, person))
    shop = next((number for number, name in shops if html.unescape(name) == SHOP), None)
    if shop is None or "Switch off" in person.open(f"{site.url}/dashboard/{shop}/switch/").text:
        return
    say("Switching on")
    _dashboard(site, person)
    person.submit(holding=f"check-{shop}-SHIPPING")
    for step in ("ACCOUNT", "METHODS", "CARRIERS", "RULES"):
        if f"vouch-{shop}-{step}" in _dashboard(site, person):
            person.submit(holding=f"vouch-{shop}-{step}")
    person.open(f"{site.url}/dry-runs/{shop}/")
    person.submit(holding="begin")
    person.open(f"{site.url}/dashboard/{shop}/switch/")
    page = person.submit(holding="to", press=("to", "on"))
    if "is switched on" not in page.text:
        raise DemoFailed("The shop could not be switched on; its dashboard says why.")


def _dashboard(site: Site, person: Browser) -> str:
    return person.open(f"{site.url}/dashboard/").text


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
    """The warehouses pack what has been in their store for a while."""
    now = float(str(site.look("clock")["now"]))
    for platform in STORES:
        for order in _orders_in(site, platform):
            is_open = not order["is_cancelled"] and not order["fulfillments"]
            if is_open and now - order["created_at"] > SHIP_AFTER:
                _ship(site, platform, order)


def _ship(site: Site, platform: str, order: dict[str, Any]) -> str:
    """Amazon ships with its own carrier, the others with USPS."""
    number = int(order["reference"][-11:])
    carrier, tracking = (
        ("AMZN_US", f"TBA{number:012d}") if platform == "amazon" else ("USPS", f"94001118995{number:011d}")
    )
    ship = {"shop": order["shop"], "order": order["name"], "tracking_number": tracking, "carrier": carrier}
    site.control(f"{platform}/ship", **ship)
    return tracking


def _scan_what_was_shipped(site: Site) -> None:
    """The carrier picks up, and delivers."""
    now = float(str(site.look("clock")["now"]))
    for order in _tiktok_orders(site):
        waited = now - order["update_time"]
        if order["status"] == "AWAITING_COLLECTION" and waited > SCAN_AFTER:
            site.control("tiktok_shop/in_transit", order_id=order["id"])
        elif order["status"] == "IN_TRANSIT" and waited > 3 * SCAN_AFTER:
            site.control("tiktok_shop/deliver", order_id=order["id"])


# The check


def walk_all(site: Site, person: Browser) -> int:
    """Follow one order through each store and compare with the sandbox's own ledger. 0 only if all of it is right."""
    began = time.monotonic()
    for platform, cart in WALKS.items():
        print(f"{STORES[platform][0]}", flush=True)
        _walk(site, person, platform, cart)
    print(f"\nFour walks took {time.monotonic() - began:.1f} s, four holds of {site.hold_seconds} s included.")
    return 0


def _walk(site: Site, person: Browser, platform: str, cart: dict[str, Any]) -> None:
    label = STORES[platform][0]
    steps = _Steps()
    order_id = _buy(site, cart)
    steps.done(f"A buyer ordered {order_id} on TikTok Shop")
    steps.wait("The page shows it On hold", lambda: _row_says(site, person, order_id, "On hold"), seconds=20)
    steps.wait("TikTok Shop ended the hold", lambda: _status(site, order_id) != "ON_HOLD", seconds=60)
    steps.wait(f"It is in {label}", lambda: _placed(site, platform, order_id) is not None, seconds=60)
    placed = _placed(site, platform, order_id)
    assert placed is not None
    _require_contents(site, platform, order_id, placed, cart)
    steps.done(f"{label}'s {placed['name']} has the right contents{' and total' if placed['total'] else ''}")
    number = _ship(site, platform, placed)
    steps.done(f"The warehouse shipped it under {number}")
    steps.wait("TikTok Shop has the tracking number", lambda: _has_tracking(site, order_id, number), seconds=60)
    site.control("tiktok_shop/in_transit", order_id=order_id)
    steps.wait("The page shows it In transit", lambda: _row_says(site, person, order_id, "In transit"), seconds=40)
    _require_ledger(site, platform, order_id, number)
    steps.done(f"The ledger shows one order, in {label}, and the tracking number once")


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


def _require_contents(site: Site, platform: str, order_id: str, placed: dict[str, Any], cart: dict[str, Any]) -> None:
    bought = next(order for order in _tiktok_orders(site) if order["id"] == order_id)
    address, there = bought["recipient_address"], placed["shipping_address"]
    name = there.get("name") or f"{there.get('firstName') or ''} {there['lastName']}".strip()
    expected: dict[str, Any] = {
        "skus": {line["sku"]: line["quantity"] for line in cart["lines"]},
        "zip": address["postal_code"],
        "name": address["name"],
    }
    found: dict[str, Any] = {
        "skus": {line["sku"]: line["quantity"] for line in placed["lines"]},
        "zip": there["zip"],
        "name": name,
    }
    if placed["total"]:
        expected |= {"total": float(bought["payment"]["total_amount"]), "email": bought["buyer_email"]}
        found |= {"total": float(placed["total"]), "email": placed["email"]}
    if wrong := {part: (expected[part], found[part]) for part in expected if expected[part] != found[part]}:
        raise DemoFailed(f"{STORES[platform][0]}'s order differs from TikTok's (expected, found): {wrong}")


def _require_ledger(site: Site, platform: str, order_id: str, number: str) -> None:
    effects = list(_ledger(site))
    created = [each for each in effects if each["event"] == "order.created" and each.get("reference") == order_id]
    shipped = [
        each
        for each in effects
        if each["platform"] == "tiktok_shop" and each["event"] == "package.shipped" and each["key"] == order_id
    ]
    where = [each["platform"] for each in created]
    if where != [platform] or {each.get("tracking_number") for each in shipped} != {number}:
        raise DemoFailed(f"The ledger shows orders in {where} and these packages: {shipped}")


def _ledger(site: Site) -> Iterator[dict[str, Any]]:
    yield from site.look("ledger")["ledger"]  # type: ignore[misc]


def _tiktok_orders(site: Site) -> list[dict[str, Any]]:
    return list(site.look("tiktok_shop")["orders"])  # type: ignore[call-overload]


def _orders_in(site: Site, platform: str) -> list[dict[str, Any]]:
    return list(site.look(platform)["orders"])  # type: ignore[call-overload]


def _status(site: Site, order_id: str) -> str:
    return str(next(order["status"] for order in _tiktok_orders(site) if order["id"] == order_id))


def _placed(site: Site, platform: str, order_id: str) -> dict[str, Any] | None:
    return next((order for order in _orders_in(site, platform) if order["reference"] == order_id), None)


def _has_tracking(site: Site, order_id: str, number: str) -> bool:
    order = next(order for order in _tiktok_orders(site) if order["id"] == order_id)
    return any(line.get("tracking_number") == number for line in order["line_items"])
