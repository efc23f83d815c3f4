"""The lines of the data set, table by table, as COPY takes them. The same ones every time, but for the moment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache

from bench import raw, stock

MERCHANTS = 1000  # each with a shop of TikTok Shop and one of Shopify
BIG = 1  # the merchant with a tenth of all orders
OTHERS = {  # merchants who fulfill elsewhere, there only while a yardstick needs them: see dataset.others
    "amazon": range(1001, 1034),
    "wix": range(1034, 1067),
    "squarespace": range(1067, 1100),
}
SPAN = timedelta(days=180)
NULL = "\\N"
_MARKETPLACE = "ATVPDKIKX0DER"

Rows = Iterator[str]
Table = tuple[str, str, Callable[[int, datetime], Rows]]


def source_store(merchant: int) -> int:
    """The id of the merchant's TikTok shop."""
    return 2 * merchant - 1


def destination_store(merchant: int) -> int:
    """The id of the merchant's storefront."""
    return 2 * merchant


def platform_of(merchant: int) -> str:
    """Where the merchant fulfills."""
    return next((platform for platform, merchants in OTHERS.items() if merchant in merchants), "shopify")


def merchants_of(platform: str) -> range:
    """Who fulfills there."""
    return OTHERS.get(platform, range(1, MERCHANTS + 1))


def shop_of(merchant: int) -> str:
    """What the platforms of the yardsticks call the merchant's storefront."""
    platform = platform_of(merchant)
    return raw.domain(merchant) if platform == "shopify" else raw.token(platform, merchant)


def merchant_of(number: int) -> int:
    """Every tenth order is the big merchant's; the others are shared evenly, in no order."""
    return BIG if number % 10 == 0 else 2 + (number * 7919) % (MERCHANTS - 1)


def external_id(number: int) -> str:
    """The order's id at its source."""
    return f"5764{number:014}"


def text(moment: datetime) -> str:
    """A moment as the database reads it."""
    return moment.isoformat()


def line(*cells: object) -> str:
    """One row for COPY."""
    return "\t".join(map(str, cells)) + "\n"


def stores(merchant: int, *, tokens: tuple[str, str], since: str, later: str, now: str) -> Rows:
    """Both stores of a merchant, as `STORE` names their columns; the tokens are the source's and the destination's."""
    end = ("", 1, later, "[]", since, now, "{}", now)
    state = ("{}", "CONNECTED", "")
    shop, extra = f"749512345678{merchant:07}", f'{{"cipher": "{raw.cipher(merchant)}"}}'
    name, (source, destination) = f"Business {merchant}", tokens
    yield line(
        source_store(merchant), merchant, "tiktok_shop", "SOURCE", shop, name, "US", "USD", "", extra, *state, source,
        *end,
    )  # fmt: skip
    platform, identity = platform_of(merchant), _identity(merchant)
    yield line(
        destination_store(merchant), merchant, platform, "DESTINATION", identity[0], name, *identity[1:], *state,
        destination, *end,
    )  # fmt: skip


def _identity(merchant: int) -> tuple[str, str, str, str, str]:
    """External id, region, currency, domain and further facts of the storefront, as each connector names them."""
    platform, domain = platform_of(merchant), raw.domain(merchant)
    if platform == "amazon":
        seller = f"A2BENCH{merchant:07}"
        facts = {"marketplace_id": _MARKETPLACE, "region": "na", "selling_partner_id": seller}
        return f"{seller}-{_MARKETPLACE}", "US", "USD", "", json.dumps(facts)
    if platform == "wix":
        instance = _uuid(merchant, 0)
        return instance, "", "USD", f"business-{merchant}.example.com", f'{{"site_id": "{instance}"}}'
    if platform == "squarespace":
        return f"5f3c3d55ac435e1a{merchant:08}", "", "USD", f"business-{merchant}.example.com", "{}"
    return domain, "", "USD", domain, "{}"


def variant_id(merchant: int, place: int, sku: str) -> str:
    """The id of the variant that a SKU is linked to in the merchant's storefront."""
    platform = platform_of(merchant)
    if platform == "amazon":
        return sku
    if platform == "wix":
        return f"V3|{_uuid(merchant, place)}|{_uuid(place, 1)}"
    return _uuid(merchant, place) if platform == "squarespace" else f"gid://shopify/ProductVariant/{place}"


def _uuid(first: int, second: int) -> str:
    return f"{first:08}-0000-4000-8000-{second:012}"


STORE = (
    "id merchant_id platform part external_id name region currency domain extra options state state_reason"
    " credentials_text authorization_id credentials_version access_expires_at scopes connected_at polled_until"
    " last_test webhooks_checked_at"
)


def _orders(count: int, now: datetime) -> Rows:
    snapshots = [[stock.snapshot_text(p, c) for c in range(len(stock.CITIES))] for p in range(len(stock.PRODUCTS))]
    for number, fate, age in _fates(count):
        at, product, city = text(now - age), number % len(stock.PRODUCTS), number % len(stock.CITIES)
        name = " ".join(_name(number))
        sku, title, price = stock.PRODUCTS[product]
        merchant, town, order = merchant_of(number), stock.CITIES[city], external_id(number)
        kept = snapshots[product][city] % {"id": order, "name": name, "at": at, "status": fate.source_status}
        words = [order, name, sku, title, *([f"#{number}"] if fate.has_mirror else [])]
        words += [_tracking(number)] if fate.has_left else []
        yield line(
            number, merchant, source_store(merchant), order, fate.source_status, fate.source_status, at, at, fate.state,
            fate.attention, '{"sku": "CND", "label": "Shopify"}' if fate.attention else "{}",
            "Older" if fate.state == "SKIPPED" else "", 3, at, at, text(now - age + timedelta(hours=1)),
            text(now + 2 * SPAN) if fate.state == "HELD" else NULL, 0, text(now - age + timedelta(days=3)),
            "t" if number // 10 % 100 == 11 else "f", "t", "t" if number // 10 % 50 == 13 else "f", "SELLER", "USD",
            price + raw.SHIPPING, name, f"{town[0]}, {town[1]}", kept, "\\n".join(words),
        )  # fmt: skip


def _mirrors(count: int, now: datetime) -> Rows:
    for number, fate, age in _fates(count):
        if fate.has_mirror:
            m, total = merchant_of(number), stock.PRODUCTS[number % len(stock.PRODUCTS)][2] + raw.SHIPPING
            url = f"https://{raw.domain(m)}/admin/orders/{number}"
            money = f'{{"total": {total}, "currency": "USD"}}'
            gid, at = f"gid://shopify/Order/{number}", text(now - age)
            yield line(
                m, number, destination_store(m), "[]", external_id(number), "CREATED", gid, f"#{number}", url, money, at
            )  # fmt: skip


def _outbox(count: int, now: datetime) -> Rows:
    for number, fate, age in _fates(count):
        if fate.has_mirror:
            m, at = merchant_of(number), text(now - age)
            yield line(
                m, destination_store(m), number, "CREATE_ORDER", "", external_id(number), "{}", "DONE", at, 1, "f", 1,
                "", "", at, at,
            )  # fmt: skip


def _events(count: int, now: datetime) -> Rows:
    for number, fate, age in _fates(count):
        m, at = merchant_of(number), text(now - age)
        yield line(m, number, "order.received", "On hold", "", "HELD", "{}", "", at)
        if fate.has_mirror:
            facts = f'{{"store": "Shopify", "name": "#{number}"}}'
            yield line(m, number, "mirror.created", "", "READY", "MIRRORED", facts, "", at)


def _fulfillments(count: int, now: datetime) -> Rows:
    mirror = 0
    for number, fate, age in _fates(count):
        mirror += fate.has_mirror  # mirrors are numbered by the database in the order in which they were written
        if fate.has_left:
            lines, gid = f'["{external_id(number)}1"]', f"gid://shopify/Fulfillment/{number}"
            yield line(
                merchant_of(number), number, mirror, gid, "USPS", _tracking(number), "", lines, "ACCEPTED",
                "7117858858072016686", "", "", text(now - age),
            )  # fmt: skip


def _words(count: int, _now: datetime) -> Rows:
    """What orders_words() of the database makes of each order's search_text."""
    for number, fate, _ in _fates(count):
        m, order = merchant_of(number), external_id(number)
        words = {order, order[-6:], *(part.upper() for part in _name(number)), *_product_words(number)}
        words |= {str(number)} if fate.has_mirror and number > 9 else set()
        words |= {_tracking(number), _tracking(number)[-6:]} if fate.has_left else set()
        yield "".join(line(m, word, number) for word in words)


TABLES: tuple[Table, ...] = (
    (
        "orders_order",
        "id merchant_id source_store_id external_id source_status source_status_text source_updated_at read_at state"
        " attention attention_detail skip_rule version ordered_at paid_at release_at check_at checks ship_by is_sample"
        " is_on_hold_order is_preorder shipper currency total buyer_name buyer_place snapshot search_text",
        _orders,
    ),
    (
        "orders_mirror",
        "merchant_id order_id store_id line_ids reference state external_id name url money created_at",
        _mirrors,
    ),
    (
        "orders_outboxitem",
        "merchant_id store_id order_id kind subject reference facts status not_before attempts is_doubtful fence"
        " give_up_reason last_error created_at settled_at",
        _outbox,
    ),
    ("orders_orderevent", "merchant_id order_id kind reason from_state to_state facts by happened_at", _events),
    (
        "orders_fulfillment",
        "merchant_id order_id mirror_id external_id carrier_text tracking_number tracking_url line_ids state carrier_id"
        " package_id warning shipped_at",
        _fulfillments,
    ),
    ("orders_searchword", "merchant_id word order_id", _words),
)


def _name(number: int) -> tuple[str, str]:
    first, last = stock.FIRST_NAMES, stock.LAST_NAMES
    return first[number * 7 % len(first)], last[number * 11 // 3 % len(last)]


def _product_words(number: int) -> frozenset[str]:
    return _words_of_product(number % len(stock.PRODUCTS))


@cache
def _words_of_product(product: int) -> frozenset[str]:
    sku, title, _ = stock.PRODUCTS[product]
    pieces = [piece.strip(",") for piece in f"{sku} {title}".upper().split()]
    parts = [part for part in re.split("[^A-Z0-9]+", sku) if len(part) > 2]
    return frozenset(word for word in (*pieces, *parts) if len(word) > 1)


def _tracking(number: int) -> str:
    return f"94001118992{number:011}"


def _fates(count: int) -> Iterator[tuple[int, stock.Fate, timedelta]]:
    """Each order's number, what became of it, and how long ago it came; the last one just did."""
    step = SPAN / count
    for number in range(1, count + 1):
        age = (count - number) * step
        yield number, stock.fate_of(number, age.total_seconds() / 3600), age
