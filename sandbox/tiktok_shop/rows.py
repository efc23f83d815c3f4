"""The rows of cancellations and returns: kept by order, searched, answered once per idempotency key."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sandbox.tiktok_shop.calls import Call, page_of
from sandbox.tiktok_shop.envelope import INT, STRING, STRINGS, Refusal, bad_request, check_fields, query_choice
from sandbox.tiktok_shop.state import VERSIONS_LIVE, Order, State

Row = dict[str, Any]
MOST_KEY = 255
TIMES = ("create_time", "update_time")
TIME_FIELDS = {f"{field}_{end}": INT for field in TIMES for end in ("ge", "lt")}
COMMON_FILTERS = {"order_ids": STRINGS, "buyer_user_ids": STRINGS, "locale": STRING, **TIME_FIELDS}


def id_of(row: Row) -> str:
    return str(row.get("cancel_id") or row["return_id"])


def status_of(row: Row) -> str:
    return str(row.get("cancel_status") or row["return_status"])


def lines_of(row: Row) -> list[Row]:
    lines: list[Row] = row["cancel_line_items"] if "cancel_id" in row else row["return_line_items"]
    return lines


def keep(state: State, row: Row, *, is_new: bool = False) -> None:
    """After every change: what a stale look-up finds is the row as it was."""
    now = state.world.now()
    if is_new:
        state.after_sales.setdefault(row["order_id"], []).append(row)
    versions = state.row_versions.setdefault(id_of(row), [])
    while len(versions) > 1 and versions[1][0] < now - VERSIONS_LIVE:
        del versions[0]
    versions.append((now, json.dumps(row)))


def line_row(state: State, order: Order, line: Row, id_name: str) -> Row:
    """A line as a cancellation or a return names it."""
    fields = ("sku_id", "sku_name", "product_name", "seller_sku")
    row = {id_name: state.new_id("4035"), "order_line_item_id": line["id"]}
    row |= {field: line[field] for field in fields if field in line}
    row["product_image"] = {"url": line.get("sku_image", ""), "width": 200, "height": 200}
    if id_name == "cancel_line_item_id" and not order.data.get("paid_time"):
        row.pop("seller_sku", None)  # missing on real rows of unpaid and cash-on-delivery orders
    return row


def search(
    call: Call,
    rows: Iterable[Row],
    *,
    size: int,
    name: str,
    filters: Mapping[str, str],
    shown: Callable[[Row], Row],
    words: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """One page of this shop's rows, the oldest first. `filters` maps a list in the body to the row's field, `words`
    says what such a list may hold: [guess] anything else is refused."""
    field = query_choice(call.query, "sort_field", TIMES, TIMES[0])
    direction = query_choice(call.query, "sort_order", ("ASC", "DESC"), "ASC")
    check_fields(call.body, {**dict.fromkeys(filters, STRINGS), **COMMON_FILTERS})
    for list_name, known in words.items():
        if unknown := set(call.body.get(list_name) or ()) - set(known):
            raise Refusal(25001001, f"{list_name} is invalid: {sorted(unknown)}")
    then = [_as_of(call.state, row, call.as_of) for row in rows if row["_shop_id"] == call.shop.id]
    every = {**filters, "order_ids": "order_id", "buyer_user_ids": "_user_id"}
    found = [row for row in then if row is not None and _matches(call.body, row, every)]
    found.sort(key=lambda row: (row[field], id_of(row)), reverse=direction == "DESC")
    page = page_of(found, call.query, size, name)
    page[name] = [shown(row) for row in page[name]]
    return page


def public(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def once(call: Call, target: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Acts, or repeats the first answer to this idempotency key. [guess] a key that comes back with another request
    is refused."""
    key = call.query.get("idempotency_key")
    if key is None:
        return act()
    if not key or len(key) > MOST_KEY:
        raise bad_request(f"param query.idempotency_key is invalid, at most {MOST_KEY}")
    place = (call.shop.id, call.operation, key)
    request = json.dumps([target, call.body], sort_keys=True)
    if place in call.state.answers:
        before, answer = call.state.answers[place]
        if before != request:
            raise Refusal(25001001, "idempotency_key was used for another request")
        return answer
    answer = act()
    call.state.answers[place] = (request, answer)
    return answer


def row_of(call: Call, rows: Mapping[str, Row], row_id: str) -> Row:
    row = rows.get(row_id)
    if row is None:
        raise Refusal(25007006, "The request is not found")
    if row["_shop_id"] != call.shop.id:
        raise Refusal(25020005, "No permission")
    return row


def _as_of(state: State, row: Row, moment: float | None) -> Row | None:
    if moment is None:
        return row
    known = [text for at, text in state.row_versions.get(id_of(row), ()) if at <= moment]
    return json.loads(known[-1]) if known else None


def _matches(body: Mapping[str, Any], row: Row, lists: Mapping[str, str]) -> bool:
    if any(body.get(name) and row.get(field) not in body[name] for name, field in lists.items()):
        return False
    for field in TIMES:
        low, high = body.get(f"{field}_ge"), body.get(f"{field}_lt")
        if (low is not None and row[field] < low) or (high is not None and row[field] >= high):
            return False
    return True
