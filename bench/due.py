"""Orders that are due, loaded by COPY as the product itself would have kept them, for the engine to drain."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg

from bench import raw, rows
from connectors.base import snapshot
from connectors.platforms.tiktok_shop import mapping

FIRST_ID = 5_000_000  # above whatever the data set has
_TABLES = (
    "orders_order",
    "orders_mirror",
    "orders_outboxitem",
    "orders_orderevent",
    "connectors_apicall",
    "orders_orderversion",
    "orders_ordertally",
    "orders_searchword",
    "orders_fulfillment",
    "orders_setaside",
)


@dataclass(frozen=True, slots=True)
class Due:
    """One order: whose, its running number, and when it is to be sent (or asked about, while it is held).

    What has a deadline is to be sent before what has a later one. Of one that `has_left` its number is to be sent back.
    """

    merchant: int
    number: int
    at: datetime
    held_for: float = 0.0
    deadline: datetime | None = None
    has_left: bool = False

    @property
    def external_id(self) -> str:
        return raw.order_id(self.number, self.held_for)

    @property
    def tracking_number(self) -> str:
        return f"94001118993{self.number:011}"


def clear(admin: psycopg.Connection[Any]) -> None:
    """No orders at all, nothing to be done, and no lane busy; a worker that ends its last run is waited for."""
    for left in reversed(range(5)):
        try:
            admin.execute(f"truncate {', '.join(_TABLES)}, django_q_ormq, connectors_webhookdelivery cascade")
            break
        except psycopg.errors.DeadlockDetected:
            if not left:
                raise
            time.sleep(1)
    admin.execute("update orders_lane set lease_until = null, not_before = null, pace = '{}', served_at = null")
    admin.execute("update orders_catalogreading set due_at = now() + interval '180 days', heard_at = null")


def load(admin: psycopg.Connection[Any], orders: Sequence[Due], *, epoch: int) -> None:
    """Released orders with what is to be created; those that are held wait to be asked about. All appear at once."""
    released = [order for order in orders if not order.held_for]
    with admin.transaction():
        admin.execute("set local session_replication_role = replica")
        _copy(admin, "orders_order", _ORDER, (_order(order, epoch) for order in orders))
        _copy(admin, "orders_mirror", _MIRROR, map(_mirror, released))
        _copy(admin, "orders_fulfillment", _PARCEL, (_parcel(order) for order in released if order.has_left))
        _copy(admin, "orders_outboxitem", _ITEM, map(_item, released))
    for table in (*_TABLES[:3], "orders_fulfillment"):
        admin.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), 20000000)")
    admin.execute("analyze orders_order, orders_mirror, orders_outboxitem")


_ORDER = (
    "id merchant_id source_store_id external_id source_status source_status_text source_updated_at read_at state"
    " attention attention_detail skip_rule version ordered_at paid_at release_at check_at checks released_at ship_by"
    " auto_cancel_at is_sample is_on_hold_order is_preorder shipper currency total buyer_name buyer_place"
    " snapshot search_text"
)
_MIRROR = "id merchant_id order_id store_id line_ids reference state external_id name url money"
_PARCEL = (
    "id merchant_id order_id mirror_id external_id carrier_text tracking_number tracking_url line_ids state carrier_id"
    " package_id warning"
)
_ITEM = (
    "merchant_id store_id order_id kind subject reference facts status not_before deadline attempts is_doubtful fence"
    " give_up_reason last_error created_at"
)


def _order(due: Due, epoch: int) -> str:
    external_id, m = due.external_id, due.merchant
    text, columns = _kept(due.number % len(raw.PRODUCTS), bool(due.held_for), epoch)
    sku, title, price = raw.product_of(external_id)
    is_held = bool(due.held_for)
    state = "HELD" if is_held else "MIRRORED" if due.has_left else "READY"
    at, ship_by = columns["created_at"], columns["ship_by"]
    status = columns["status"]
    return (
        f"{FIRST_ID + due.number}\t{m}\t{rows.source_store(m)}\t{external_id}\t{status}\t{status}"
        f"\t{columns['updated_at']}\t{at}\t{state}\t\t{{}}\t\t1\t{at}\t{at}"
        f"\t{due.at.isoformat() if is_held else at}\t{due.at.isoformat() if is_held else _NULL}\t0"
        f"\t{_NULL if is_held else at}\t{ship_by}\t{ship_by}\tf\tt\tf\tSELLER\tUSD\t{price + raw.SHIPPING}"
        "\tJane Doe\tHoboken, NJ"
        f"\t{text.replace(_SAMPLE, external_id[4:])}\t{external_id}\\nJane Doe\\n{sku}\\n{title}\n"
    )


def _mirror(due: Due) -> str:
    m, order = due.merchant, FIRST_ID + due.number
    state, there = ("CREATED", f"gid://shopify/Order/{order}") if due.has_left else ("PLANNED", "")
    return (
        f"{order}\t{m}\t{order}\t{rows.destination_store(m)}\t[]\t{due.external_id}\t{state}\t{there}"
        f"\t{there and '#1'}\t\t{{}}\n"
    )


def _parcel(due: Due) -> str:
    order = FIRST_ID + due.number
    return (
        f"{order}\t{due.merchant}\t{order}\t{order}\tgid://shopify/Fulfillment/{order}\tUSPS\t{due.tracking_number}"
        f'\t\t["{due.external_id}1"]\tQUEUED\t\t\t\n'
    )


def _item(due: Due) -> str:
    m, order, at = due.merchant, FIRST_ID + due.number, due.at.isoformat()
    store, kind, subject = rows.destination_store(m), "CREATE_ORDER", ""
    if due.has_left:
        store, kind, subject = rows.source_store(m), "PUSH_TRACKING", str(order)
    deadline = (due.deadline or due.at).isoformat()
    return (
        f"{m}\t{store}\t{order}\t{kind}\t{subject}\t{due.external_id}\t{{}}\tPENDING"
        f"\t{at}\t{deadline}\t0\tf\t0\t\t\t{at}\n"
    )


_SAMPLE = "@" * 14
_NULL = "\\N"


@cache
def _kept(product: int, is_held: bool, epoch: int) -> tuple[str, dict[str, Any]]:
    """The snapshot of an order about this product, as the product keeps it, with a mark where its number stands."""
    sample = raw.order_id(len(raw.PRODUCTS) * 1000 + product, 9999 if is_held else 0)
    seen = mapping.order_of(raw.order_of(sample, epoch=epoch, now=epoch))
    kept = snapshot.to_json(seen)
    return json.dumps(kept).replace(sample[4:], _SAMPLE), kept


def _copy(admin: psycopg.Connection[Any], table: str, columns: str, rows: Iterable[str]) -> None:
    with admin.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns.split())}) from stdin") as copy:
        for row in rows:
            copy.write(row)


def now() -> datetime:
    """This moment, as rows have it."""
    return datetime.now(UTC)
