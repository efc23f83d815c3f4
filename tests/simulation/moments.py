"""A moment of a simulation, to come back to: our rows, the platforms, the post and the clock. And what it amounts to,
so that equal moments are known as such."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Model

from accounts.access import all_merchants
from connectors.models import ConnectedStore, WebhookDelivery
from orders import models as ours
from sandbox.world import World
from tests.simulation.post import Letter, Post
from tests.simulation.stage import STORES, state_of

_KEPT: tuple[type[Model], ...] = (
    ours.Order,
    ours.OrderEvent,
    ours.Mirror,
    ours.Fulfillment,
    ours.OutboxItem,
    ours.Cancellation,
    ours.Return,
    ours.ReturnRecord,
    ours.SetAside,
    ours.Lane,
    ours.ProductLink,
    WebhookDelivery,
)
_FORGOTTEN = ("connectors_apicall", "orders_orderversion", "orders_reckoneddeadlines")  # records that nobody acts on


def _columns(model: type[Model]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not field.generated]


def _insert(model: type[Model]) -> str:
    table, columns = model._meta.db_table, ", ".join(_columns(model))
    return f"insert into {table} ({columns}) select {columns} from json_populate_recordset(null::{table}, %s::json)"


_ALL = (*_KEPT, ConnectedStore)
_READ = " union all ".join(
    f"select '{model._meta.db_table}', coalesce(json_agg(t), '[]')::text "
    f"from (select * from {model._meta.db_table} order by {model._meta.pk.column}) t"
    for model in _ALL
)
_STORES = ", ".join(f"{name} = said.{name}" for name in _columns(ConnectedStore) if name != "id")
_EMPTY = (
    "with "
    + ", ".join(
        f"gone{place} as (delete from {table})"
        for place, table in enumerate([*_FORGOTTEN, *(model._meta.db_table for model in _KEPT)])
    )
    + " select 1"
)
_FILL = (
    "with "
    + ", ".join(f"back{place} as ({_insert(model)})" for place, model in enumerate(_KEPT))
    + f" update connectors_connectedstore s set {_STORES}"
    + " from json_populate_recordset(null::connectors_connectedstore, %s::json) said where said.id = s.id"
)


@dataclass(frozen=True)
class Moment:
    """Everything that what happens next depends on."""

    rows: dict[str, str]
    halves: bytes
    now: float
    ledger: tuple[dict[str, Any], ...]
    later: tuple[tuple[float, Callable[[], None]], ...]
    letters: tuple[Letter, ...]
    own: Any  # of whoever keeps it


def read_rows() -> dict[str, str]:
    """Our rows, table by table, as JSON."""
    with all_merchants("a test looks"), connection.cursor() as cursor:
        cursor.execute(_READ)
        return dict(cursor.fetchall())


def keep(rows: dict[str, str], world: World, post: Post, *, own: Any) -> Moment:
    """This moment, with the rows as they were just read. No process may be in the midst of its work."""
    halves = {name: state_of(half) for name, half in world.halves.items()}
    return Moment(
        rows=rows,
        halves=pickle.dumps(halves, pickle.HIGHEST_PROTOCOL),
        now=world.now(),
        ledger=tuple(world.ledger),
        later=tuple(world._later),
        letters=tuple(post.letters),
        own=own,
    )


def bring_back(moment: Moment, world: World, post: Post) -> None:
    """Everything as it was at that moment; no webhook, call or fault of another one is left."""
    world.freeze(moment.now)
    for name, facts in pickle.loads(moment.halves).items():
        vars(world.halves[name].state).update(facts)  # type: ignore[attr-defined]
    world.ledger[:] = moment.ledger
    world._later[:] = moment.later
    world.faults.clear()
    world.journal.clear()
    post.letters = list(moment.letters)
    said = [moment.rows[model._meta.db_table] for model in _ALL]
    with all_merchants("a test sets the stage"), connection.cursor() as cursor:
        cursor.execute(_EMPTY)
        cursor.execute(_FILL, said)
    cache.clear()


# What it amounts to

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)|(?<![\w.])17[78]\d{7}(?:\.\d+)?(?![\w.])"
)
_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{11,}|[0-9a-f]{16,}")
_JUDGED = frozenset(
    [
        *("order.created", "order.cancelled", "units.cancelled", "package.shipped", "refund.created"),
        *("return.created", "cancellation.rejected"),
    ]
)
# What is only remembered, or numbered anew with each step.
_MUTE = frozenset(
    [
        *("id", "merchant_id", "order_id", "mirror_id", "fence", "version", "pace", "calls_used", "calls_allowed"),
        *("last_error", "search_text", "rests", "polled_until", "aftersales_until", "checks", "note"),
        *("delivery_key", "headers"),
    ]
)


def fingerprint(rows: dict[str, str], world: World, post: Post) -> bytes:
    """Equal where what may happen next is equal: times that are over count as such, those ahead by how soon they come,
    and names only by where else they stand."""
    now = world.now()
    tables = {model._meta.db_table: json.loads(rows[model._meta.db_table]) for model in _KEPT}
    del tables["orders_orderevent"]
    tables["connectors_webhookdelivery"] = [
        each for each in tables["connectors_webhookdelivery"] if each["processed_at"] is None
    ]
    places = {each["id"]: place for place, each in enumerate(tables["orders_return"])}
    for each in tables["orders_returnrecord"]:
        each["case_id"] = places[each["case_id"]]
    said = [
        [{key: each[key] for key in each if key not in _MUTE} for each in found] for _, found in sorted(tables.items())
    ]
    tiktok = world.halves["tiktok_shop"].snapshot()
    there = {name: world.halves[name].snapshot()["orders"] for name in STORES}
    content = [
        said,
        {name: tiktok[name] for name in ("orders", "cancellations", "returns")},
        there,
        sorted(f"{each.platform} {each.event}" for each in post.letters),
        [round(at - now) for at, _ in world._later],
        sorted(
            f"{each['platform']} {each['event']} {each.get('by')}" for each in world.ledger if each["event"] in _JUDGED
        ),
    ]
    text = json.dumps(content, sort_keys=True, default=str)
    text = _MOMENT.sub(lambda found: _how_soon(found[0], now), text)
    names: dict[str, str] = {}
    text = _NAME.sub(lambda found: names.setdefault(found[0], f"#{len(names)}"), text)
    return hashlib.blake2b(text.encode(), digest_size=12).digest()


def _how_soon(text: str, now: float) -> str:
    at = datetime.fromisoformat(text).timestamp() if "T" in text else float(text)
    left = at - now
    if left <= 0:
        return '"over"' if "T" not in text else "over"
    bounds = ((6, f"in {left:.0f}"), (61, "in a minute"), (600, "soon"))
    said = next((word for most, word in bounds if left <= most), "later")
    return said if "T" in text else f'"{said}"'
