"""A thousand merchants and their orders, loaded by COPY: one merchant has a tenth of them.

Orders lie in the tables as they would have come: by time, merchants mixed. Indexes are made after the rows, and what
the database's own triggers would have kept is filled in at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from bench import raw, rows, stock
from bench.installation import Installation
from bench.rows import MERCHANTS, SPAN, destination_store, line, source_store, text
from connectors.base.types import Credentials
from connectors.crypto import encrypt
from connectors.models import write_credentials
from orders.components import sku_key

FILLED = ("orders_order", "orders_mirror", "orders_outboxitem", "orders_orderevent", "orders_fulfillment")
_DERIVED = ("orders_ordertally", "orders_searchword")
_BATCH = 2000

Admin = psycopg.Connection[Any]


def make_merchants(admin: Admin, *, merchants: Sequence[int] = range(1, MERCHANTS + 1), now: datetime) -> None:
    """Merchants with both their stores, connected, with a route and every product linked. Raises if there are any.

    What is done of a store once a day was done just now.
    """
    since, later = text(now - 2 * SPAN), text(now + SPAN)
    named = (line(m, f"Business {m}", "UTC", since) for m in merchants)
    _copy(admin, "accounts_merchant", "id name time_zone created_at", named)
    tokens = _tokens()
    stores = (
        one for m in merchants for one in rows.stores(m, tokens=tokens(m), since=since, later=later, now=text(now))
    )
    _copy(admin, "connectors_connectedstore", rows.STORE, stores)
    columns = (
        "id merchant_id source_store_id destination_store_id hold_mode extra_hold_hours is_on position rule skus"
        " least_share takes_part warehouse_ids"
    )
    mode = ("AFTER_HOLD", 0, "t", 0, "DEFAULT", "[]", 100, "f", "[]")
    _copy(admin, "orders_route", columns, (line(m, m, source_store(m), destination_store(m), *mode) for m in merchants))
    setups = (line(source_store(m), m, since, "", "{}", "{}", later) for m in merchants)
    _copy(
        admin,
        "orders_setup",
        "store_id merchant_id switched_on_at switched_on_by confirmed shipping checked_at",
        setups,
    )
    both = [(store, m) for m in merchants for store in (source_store(m), destination_store(m))]
    lanes = (line(store, m, 0, later, "{}") for store, m in both)
    _copy(admin, "orders_lane", "store_id merchant_id fence poll_at pace", lanes)
    read = (line(store, m, later, 0, "") for store, m in both)
    _copy(admin, "orders_catalogreading", "store_id merchant_id due_at count failure", read)
    links = (
        line(m, destination_store(m), sku_key(sku), rows.variant_id(m, place, sku), title, "f", text(now))
        for m in merchants
        for place, (sku, title, _) in enumerate(stock.PRODUCTS)
    )
    _copy(admin, "orders_productlink", "merchant_id store_id sku variant_id title is_manual checked_at", links)
    for table in ("accounts_merchant", "connectors_connectedstore", "orders_route"):
        _move_sequence(admin, table)
    admin.execute("analyze")


def _tokens() -> Callable[[int], tuple[str, str]]:
    """The encrypted tokens of both a merchant's stores; those of one platform are the same where an address names the
    store."""

    def made(token: str) -> str:
        return encrypt(write_credentials(Credentials(access_token=token, extra={"open_id": "bench"})))

    shared = made("bench-token-0123456789")

    def tokens(merchant: int) -> tuple[str, str]:
        platform = rows.platform_of(merchant)
        return shared, shared if platform == "shopify" else made(raw.token(platform, merchant))

    return tokens


@contextmanager
def others(installation: Installation) -> Iterator[None]:
    """Merchants who fulfill at the other platforms, as long as the block runs; nobody works for them afterwards."""
    merchants = [merchant for some in rows.OTHERS.values() for merchant in some]
    stores = [store for m in merchants for store in (source_store(m), destination_store(m))]
    state = "update connectors_connectedstore set state = %s where id = any(%s)"
    with installation.admin() as admin:
        if not admin.execute("select 1 from accounts_merchant where id = %s", [merchants[0]]).fetchone():
            make_merchants(admin, merchants=merchants, now=datetime.now(UTC))
        admin.execute(state, ["CONNECTED", stores])
    try:
        yield
    finally:
        with installation.admin() as admin:
            admin.execute(state, ["DISCONNECTED", stores])


def fill(admin: Admin, *, count: int, now: datetime, say: Callable[[str], object] = id) -> None:
    """Replace all orders by `count` of them, spread over half a year up to `now`, then ANALYZE."""
    admin.execute(f"truncate {', '.join((*FILLED, *_DERIVED))}, connectors_webhookdelivery cascade")
    admin.execute("alter table orders_searchword drop constraint orders_searchword_pkey")
    dropped = _drop_indexes(admin)
    say(f"copying {count:,} orders")
    with ThreadPoolExecutor(2) as copiers:
        list(copiers.map(lambda tables: _fill(admin.info.dsn, tables, count, now), (rows.TABLES[:1], rows.TABLES[1:])))
    say("making indexes")
    admin.execute("set maintenance_work_mem = '512MB'")
    for definition in dropped:
        admin.execute(definition)
    admin.execute("alter table orders_searchword add primary key (merchant_id, word, order_id)")
    _tally(admin)
    for table in FILLED:
        _move_sequence(admin, table)
    say("analyze")
    admin.execute("vacuum analyze")


def _fill(dsn: str, tables: Sequence[rows.Table], count: int, now: datetime) -> None:
    """Write these tables over a connection of its own, with triggers asleep."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")
        for table, columns, make in tables:
            _copy(admin, table, columns, make(count, now))


def _copy(admin: Admin, table: str, columns: str, lines: Iterable[str]) -> None:
    names = ", ".join(f'"{name}"' for name in columns.split())
    with admin.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin") as copy:
        batch: list[str] = []
        for each in lines:
            batch.append(each)
            if len(batch) >= _BATCH:
                copy.write("".join(batch))
                batch.clear()
        copy.write("".join(batch))


def _drop_indexes(admin: Admin) -> list[str]:
    """Drop the indexes that no constraint needs, and return what makes them again."""
    found = admin.execute(
        "select i.indexname, i.indexdef from pg_indexes i where i.tablename = any(%s) and not exists ("
        " select 1 from pg_constraint c"
        " where c.conindid = (i.schemaname || '.' || quote_ident(i.indexname))::regclass)",
        [list(FILLED)],
    ).fetchall()
    for name, _ in found:
        admin.execute(f'drop index "{name}"')
    return [definition for _, definition in found]


def _tally(admin: Admin) -> None:
    """What triggers would have kept: they were asleep while the rows were loaded."""
    admin.execute(
        "insert into orders_ordertally"
        " (merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, count)"
        " select merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder,"
        " cancel_requested_at is not null, count(*) from orders_order group by 1, 2, 3, 4, 5, 6, 7, 8"
    )


def _move_sequence(admin: Admin, table: str) -> None:
    admin.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) + 1 from {table}))")


def ensure(installation: Installation, *, count: int, now: datetime, say: Callable[[str], object]) -> None:
    """So many orders, unless they are there already."""
    with installation.admin() as admin:
        row = admin.execute("select count(*), max(id) from orders_order").fetchone()
        if row != (count, count):
            fill(admin, count=count, now=now, say=say)
