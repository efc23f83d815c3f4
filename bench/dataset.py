"""A thousand merchants and their orders, loaded by COPY: one merchant has a tenth of them.

Orders lie in the tables as they would have come: by time, merchants mixed. Indexes are made after the rows, and what
the database's own triggers would have kept is filled in at the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench import stock
from connectors.base.types import Credentials
from connectors.crypto import encrypt
from connectors.models import write_credentials
from orders.drafting import sku_key

MERCHANTS = 1000
BIG = 1  # the merchant with a tenth of all orders
SPAN = timedelta(days=180)
FILLED = ("orders_order", "orders_mirror", "orders_outboxitem", "orders_orderevent", "orders_fulfillment")
_ALL = (*FILLED, "orders_lane", "orders_productlink", "orders_route", "connectors_webhookdelivery")
_BATCH = 2000

Admin = psycopg.Connection[Any]
Rows = Iterator[str]
_Table = tuple[str, str, Callable[[int, datetime], Rows]]


def source_store(merchant: int) -> int:
    """The id of the merchant's TikTok shop."""
    return 2 * merchant - 1


def destination_store(merchant: int) -> int:
    """The id of the merchant's storefront."""
    return 2 * merchant


def cipher(merchant: int) -> str:
    """What each call names the merchant's TikTok shop by."""
    return f"cipher-{merchant}"


def domain(merchant: int) -> str:
    """The merchant's storefront."""
    return f"business-{merchant}.myshopify.com"


def merchant_of(number: int) -> int:
    """Every tenth order is the big merchant's; the others are shared evenly, in no order."""
    return BIG if number % 10 == 0 else 2 + (number * 7919) % (MERCHANTS - 1)


def make_merchants(admin: Admin, *, now: datetime) -> None:
    """Merchants with both their stores, connected, with a route and every product linked. Raises if there are any."""
    token = encrypt(write_credentials(Credentials(access_token="bench-token-0123456789", extra={"open_id": "bench"})))  # noqa: S106
    since = _text(now - 2 * SPAN)
    later = _text(now + SPAN)
    every = range(1, MERCHANTS + 1)
    _copy(
        admin,
        "accounts_merchant",
        "id name time_zone created_at",
        (f"{m}\tBusiness {m}\tUTC\t{since}\n" for m in every),
    )
    columns = (
        "id merchant_id platform part external_id name region currency domain extra options state state_reason"
        " credentials_text authorization_id credentials_version access_expires_at scopes connected_at polled_until last_test webhooks_checked_at"
    )
    _copy(
        admin,
        "connectors_connectedstore",
        columns,
        (line for m in every for line in _stores(m, token, since, later, _text(now))),
    )
    columns = "id merchant_id source_store_id destination_store_id hold_mode extra_hold_hours is_on position rule skus least_share takes_part warehouse_ids"
    routes = (
        f"{m}\t{m}\t{source_store(m)}\t{destination_store(m)}\tAFTER_HOLD\t0\tt\t0\tDEFAULT\t[]\t100\tf\t[]\n"
        for m in every
    )
    _copy(admin, "orders_route", columns, routes)
    columns = "store_id merchant_id fence poll_at pace"
    lanes = (f"{store}\t{m}\t0\t{later}\t{{}}\n" for m in every for store in (source_store(m), destination_store(m)))
    _copy(admin, "orders_lane", columns, lanes)
    links = (
        f"{m}\t{destination_store(m)}\t{sku_key(sku)}\tgid://shopify/ProductVariant/{place}\t{title}\tf\t{_text(now)}\n"
        for m in every
        for place, (sku, title, _) in enumerate(stock.PRODUCTS)
    )
    _copy(admin, "orders_productlink", "merchant_id store_id sku variant_id title is_manual checked_at", links)
    for table in ("accounts_merchant", "connectors_connectedstore", "orders_route"):
        _move_sequence(admin, table)


def fill(admin: Admin, *, count: int, now: datetime, say: Callable[[str], object] = id) -> None:
    """Replace all orders by `count` of them, spread over half a year up to `now`, then ANALYZE."""
    admin.execute(f"truncate {', '.join(FILLED)}, connectors_webhookdelivery cascade")
    dropped = _drop_indexes(admin)
    say(f"copying {count:,} orders")
    with ThreadPoolExecutor(2) as copiers:
        list(copiers.map(lambda tables: _fill(admin.info.dsn, tables, count, now), (_TABLES[:1], _TABLES[1:])))
    say("making indexes")
    admin.execute("set maintenance_work_mem = '512MB'")
    for definition in dropped:
        admin.execute(definition)
    _fill_derived(admin)
    for table in FILLED:
        _move_sequence(admin, table)
    say("analyze")
    admin.execute("vacuum analyze")


def age_of(number: int, count: int) -> timedelta:
    """How long before `now` the order came; the last one just did."""
    return (count - number) * (SPAN / count)


def _fill(dsn: str, tables: Sequence[_Table], count: int, now: datetime) -> None:
    """Write these tables over a connection of its own, with triggers asleep."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")
        for table, columns, make in tables:
            _copy(admin, table, columns, make(count, now))


def _stores(merchant: int, token: str, since: str, later: str, now: str) -> Rows:
    shared = f"{{}}\tCONNECTED\t\t{token}\t\t1\t{later}\t[]\t{since}\t{now}\t{{}}\t{now}\n"
    shop = f"749512345678{merchant:07}"
    extra = f'{{"cipher": "{cipher(merchant)}"}}'
    yield f"{source_store(merchant)}\t{merchant}\ttiktok_shop\tSOURCE\t{shop}\tBusiness {merchant}\tUS\tUSD\t\t{extra}\t{shared}"
    shop = domain(merchant)
    yield f"{destination_store(merchant)}\t{merchant}\tshopify\tDESTINATION\t{shop}\tbusiness-{merchant}\t\tUSD\t{shop}\t{{}}\t{shared}"


def _orders(count: int, now: datetime) -> Rows:
    snapshots = [[stock.snapshot_text(p, c) for c in range(len(stock.CITIES))] for p in range(len(stock.PRODUCTS))]
    rng = random.Random(4)  # noqa: S311 - names
    for number in range(1, count + 1):
        age = age_of(number, count)
        fate = stock.fate_of(number, age.total_seconds() / 3600)
        at, product, city = _text(now - age), number % len(stock.PRODUCTS), number % len(stock.CITIES)
        name = f"{rng.choice(stock.FIRST_NAMES)} {rng.choice(stock.LAST_NAMES)}"
        sku, title, price = stock.PRODUCTS[product]
        told = {"id": external_id(number), "name": name, "at": at, "status": fate.source_status}
        text = snapshots[product][city] % told
        merchant, town, kind = merchant_of(number), stock.CITIES[city], number // 10
        mirrored = f"\\n#{number}" if fate.has_mirror else ""
        tracking = f"\\n{_tracking(number)}" if fate.has_left else ""
        detail = '{"sku": "' + sku + '", "label": "Shopify"}' if fate.attention else "{}"
        check = _text(now + timedelta(days=400)) if fate.state == "HELD" else "\\N"
        release, ship_by = _text(now - age + timedelta(hours=1)), _text(now - age + timedelta(days=3))
        yield (
            f"{number}\t{merchant}\t{source_store(merchant)}\t{external_id(number)}\t{fate.source_status}\t{fate.source_status}"
            f"\t{at}\t{at}\t{fate.state}\t{fate.attention}\t{detail}\t{'Older' if fate.state == 'SKIPPED' else ''}\t3\t{at}\t{at}"
            f"\t{release}\t{check}\t0\t{ship_by}\t{'t' if kind % 100 == 11 else 'f'}\tt\t{'t' if kind % 50 == 13 else 'f'}"
            f"\tSELLER\tUSD\t{price + 499}\t{name}\t{town[0]}, {town[1]}\t{text}"
            f"\t{external_id(number)}\\n{name}\\n{sku}\\n{title}{mirrored}{tracking}\n"
        )


def _mirrors(count: int, now: datetime) -> Rows:
    for number, fate, at in _fates(count, now):
        if fate.has_mirror:
            m = merchant_of(number)
            store, price = destination_store(m), stock.PRODUCTS[number % len(stock.PRODUCTS)][2] + 499
            yield (
                f"{m}\t{number}\t{store}\t[]\t{external_id(number)}\tCREATED\tgid://shopify/Order/{number}\t#{number}"
                f'\thttps://business-{m}.myshopify.com/admin/orders/{number}\t{{"total": {price}, "currency": "USD"}}\t{at}\n'
            )


def _outbox(count: int, now: datetime) -> Rows:
    for number, fate, at in _fates(count, now):
        if fate.has_mirror:
            m = merchant_of(number)
            yield f"{m}\t{destination_store(m)}\t{number}\tCREATE_ORDER\t\t{external_id(number)}\t{{}}\tDONE\t{at}\t1\tf\t1\t\t\t{at}\t{at}\n"


def _events(count: int, now: datetime) -> Rows:
    for number, fate, at in _fates(count, now):
        m = merchant_of(number)
        yield f"{m}\t{number}\torder.received\tOn hold\t\tHELD\t{{}}\t\t{at}\n"
        if fate.has_mirror:
            yield f'{m}\t{number}\tmirror.created\t\tREADY\tMIRRORED\t{{"store": "Shopify", "name": "#{number}"}}\t\t{at}\n'


def _fulfillments(count: int, now: datetime) -> Rows:
    mirror = 0
    for number, fate, at in _fates(count, now):
        mirror += fate.has_mirror  # mirrors are numbered by the database in the order in which they were written
        if fate.has_left:
            lines = f'["{external_id(number)}1"]'
            yield (
                f"{merchant_of(number)}\t{number}\t{mirror}\tgid://shopify/Fulfillment/{number}\tUSPS\t{_tracking(number)}"
                f"\t\t{lines}\tACCEPTED\t7117858858072016686\t\t\t{at}\n"
            )


_TABLES: tuple[_Table, ...] = (
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
)


def external_id(number: int) -> str:
    """The order's id at its source."""
    return f"5764{number:014}"


def _tracking(number: int) -> str:
    return f"94001118992{number:011}"


def _fates(count: int, now: datetime) -> Iterator[tuple[int, stock.Fate, str]]:
    for number in range(1, count + 1):
        age = age_of(number, count)
        yield number, stock.fate_of(number, age.total_seconds() / 3600), _text(now - age)


def _copy(admin: Admin, table: str, columns: str, rows: Rows) -> None:
    names = ", ".join(f'"{name}"' for name in columns.split())
    with admin.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin") as copy:
        batch: list[str] = []
        for row in rows:
            batch.append(row)
            if len(batch) >= _BATCH:
                copy.write("".join(batch))
                batch.clear()
        copy.write("".join(batch))


def _drop_indexes(admin: Admin) -> list[str]:
    """Drop the indexes that no constraint needs, and return what makes them again."""
    found = admin.execute(
        "select i.indexname, i.indexdef from pg_indexes i where i.tablename = any(%s) and not exists ("
        " select 1 from pg_constraint c where c.conindid = (i.schemaname || '.' || quote_ident(i.indexname))::regclass)",
        [list(FILLED)],
    ).fetchall()
    for name, _ in found:
        admin.execute(f'drop index "{name}"')
    return [definition for _, definition in found]


def _fill_derived(admin: Admin) -> None:
    """What triggers keep beside the orders: they were asleep while the rows were loaded."""


def _move_sequence(admin: Admin, table: str) -> None:
    admin.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) + 1 from {table}))")


def _text(moment: datetime) -> str:
    return moment.isoformat()
