"""What the product itself says, from its own tables. Compared with the ledger, never believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row


@dataclass(slots=True)
class Kept:
    """An order as the product has it."""

    state: str
    status: str
    attention: str
    detail: dict[str, Any]
    asked_at: float | None = None  # when a person was first asked to cancel by hand
    mirrors: dict[tuple[str, str], str] = field(default_factory=dict)  # (platform, its id) -> state
    planned: dict[str, str] = field(default_factory=dict)  # platform -> state
    parked: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)  # kinds of calls that are still to be made
    parcels: dict[str, str] = field(default_factory=dict)  # tracking number -> state
    requests: dict[str, str] = field(default_factory=dict)  # a buyer's request to cancel -> status
    cases: dict[str, tuple[str, int | None]] = field(default_factory=dict)  # a return -> status, cents that went back
    # (platform, return) -> cents that were recorded there, whether that is the merchant's task
    records: dict[tuple[str, str], tuple[int | None, bool]] = field(default_factory=dict)


@dataclass(slots=True)
class Ours:
    """Everything at one moment. `aside` says why orders could not be read, by id; `lost_stores` to which stores the
    product does not speak any more, and why."""

    orders: dict[str, Kept]
    rows: int
    aside: dict[str, str]
    lost_stores: list[str] = field(default_factory=list)


def look(tables: str, *, order_ids: Sequence[str]) -> Ours:
    """Read the tables in one transaction. Raises psycopg.Error while the database is away."""
    wanted = list(order_ids)
    with psycopg.connect(tables, connect_timeout=5) as connection:
        connection.execute("set transaction isolation level repeatable read")
        orders = {row[0]: Kept(*row[1:]) for row in connection.execute(_ORDERS, [wanted])}
        for order_id, at in connection.execute(_ASKED, [wanted]):
            orders[order_id].asked_at = at
        for order_id, platform, external_id, state in connection.execute(_MIRRORS, [wanted]):
            orders[order_id].mirrors[platform, external_id] = state
            orders[order_id].planned[platform] = state
        for order_id, kind, status, error in connection.execute(_CALLS, [wanted]):
            if status == "PARKED":
                orders[order_id].parked.append(f"{kind}: {error}")
            else:
                orders[order_id].pending.append(kind)
        for order_id, number, state in connection.execute(_PARCELS, [wanted]):
            orders[order_id].parcels[number] = state
        for order_id, request_id, status in connection.execute(_REQUESTS, [wanted]):
            orders[order_id].requests[request_id] = status
        for order_id, case_id, status, cents in connection.execute(_CASES, [wanted]):
            orders[order_id].cases[case_id] = (status, cents)
        for order_id, platform, case_id, cents, is_task in connection.execute(_RECORDS, [wanted]):
            orders[order_id].records[platform, case_id] = (cents, is_task)
        rows = connection.execute(_ROWS, [wanted]).fetchone()
        aside = {row[0]: row[1] for row in connection.execute(_ASIDE, [wanted])}
        lost = [f"{platform}: {state}, {reason}" for platform, state, reason in connection.execute(_LOST_STORES)]
    return Ours(orders=orders, rows=rows[0] if rows else 0, aside=aside, lost_stores=lost)


def told(tables: str, *, order_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """All that the product knows of these orders, for a person who wants to understand it. Times become text."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with psycopg.connect(tables, row_factory=dict_row) as connection:
        for name, query in _TOLD.items():
            found = connection.execute(query, [list(order_ids)])
            rows[name] = [{column: value for column, value in row.items() if column != "snapshot"} for row in found]
    return rows


_TOLD = {
    "orders": "select * from orders_order where external_id = any(%s)",
    "calls to make": """
select o.external_id, i.* from orders_outboxitem i join orders_order o on o.id = i.order_id
where o.external_id = any(%s) order by i.id
""",
    "mirrors": """
select o.external_id as source_id, m.* from orders_mirror m join orders_order o on o.id = m.order_id
where o.external_id = any(%s) order by m.id
""",
    "returns": """
select o.external_id as source_id, r.* from orders_return r join orders_order o on o.id = r.order_id
where o.external_id = any(%s) order by r.id
""",
    "return records": """
select r.external_id as return_id, d.* from orders_returnrecord d join orders_return r on r.id = d.case_id
join orders_order o on o.id = r.order_id where o.external_id = any(%s) order by d.id
""",
    "events": """
select o.external_id, e.happened_at, e.kind, e.reason, e.facts from orders_orderevent e
join orders_order o on o.id = e.order_id where o.external_id = any(%s) order by e.id
""",
    "calls made": """
select subject, called_at, operation, status, milliseconds, error from connectors_apicall
where subject = any(%s) order by called_at
""",
}
_ORDERS = """
select external_id, state, source_status, attention, attention_detail from orders_order where external_id = any(%s)
"""
_ROWS = "select count(*) from orders_order where external_id = any(%s)"
_ASKED = """
select o.external_id, extract(epoch from min(e.happened_at))::float8
from orders_orderevent e join orders_order o on o.id = e.order_id
where o.external_id = any(%s) and e.kind = 'attention.asked' and e.facts->>'code' = 'ALREADY_CANCELLED'
group by o.external_id
"""
_MIRRORS = """
select o.external_id, s.platform, m.external_id, m.state from orders_mirror m
join orders_order o on o.id = m.order_id join connectors_connectedstore s on s.id = m.store_id
where o.external_id = any(%s)
"""
_CALLS = """
select o.external_id, i.kind, i.status, coalesce(nullif(i.last_error, ''), i.give_up_reason) from orders_outboxitem i
join orders_order o on o.id = i.order_id
where o.external_id = any(%s) and i.status in ('PENDING', 'IN_FLIGHT', 'PARKED')
"""
_PARCELS = """
select o.external_id, f.tracking_number, f.state from orders_fulfillment f
join orders_order o on o.id = f.order_id where o.external_id = any(%s)
"""
_REQUESTS = """
select o.external_id, c.external_id, c.status from orders_cancellation c join orders_order o on o.id = c.order_id
where o.external_id = any(%s)
"""
_CASES = """
select o.external_id, r.external_id, r.status, (r.refund->>'total')::bigint from orders_return r
join orders_order o on o.id = r.order_id where o.external_id = any(%s)
"""
_RECORDS = """
select o.external_id, s.platform, r.external_id, d.refunded, d.is_task from orders_returnrecord d
join orders_return r on r.id = d.case_id join orders_order o on o.id = r.order_id
join orders_mirror m on m.id = d.mirror_id join connectors_connectedstore s on s.id = m.store_id
where o.external_id = any(%s)
"""
_LOST_STORES = "select platform, state, state_reason from connectors_connectedstore where state <> 'CONNECTED'"
_ASIDE = "select external_id, reason from orders_setaside where external_id = any(%s)"
