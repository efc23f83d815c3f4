"""R7: workers that die or sleep while calls are under way. Others go on when the lease ends; sleepers write nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from demo import story
from proof.faults import CREATES
from proof.installation import Installation
from proof.ledger import Ledger
from proof.storm import judge_now
from proof.verdict import Verdict

SILENCE = 19.0  # shorter than the product's own patience with an answer
CARTS = {"shopify": "CND-FIG-08", "amazon": "CND-AMB-12", "wix": "TPR-BEE-02", "squarespace": "CND-SEA-08"}
SLEEPER, VICTIM, SUCCESSOR = "worker-1", "worker-2", "worker-3"
GOAL = 1.0


@dataclass(slots=True)
class Drill:
    """What came of it. `latest` is how long after its lease's end the last call was taken over, None if one never
    was; `written` are the rows that changed when the sleeper woke; `leases` is how long the longest one still ran."""

    under_way: int = 0
    latest: float | None = None
    leases: float = 0.0
    written: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


Rows = dict[int, tuple[Any, ...]]


def drill(*, here: Installation, ledger: Ledger, patience: float, say: Callable[[str], object]) -> Drill:
    """Stop one group and kill another while creates are under way at all four stores, and let a third take over."""
    found = Drill()
    for name in (SLEEPER, VICTIM):
        here.start_group(name)
    for platform, operation in CREATES.items():
        here.site.control("faults", platform=platform, operation=operation, kind="silence_after", seconds=SILENCE)
    order_ids = [
        str(here.site.control("tiktok_shop/buy", shop=story.SHOP, lines=[{"sku": sku, "quantity": 1}])["order_id"])
        for sku in CARTS.values()
    ]
    _wait_for_calls(here, ledger, order_ids)
    before = _in_flight(here.tables, order_ids)
    found.under_way = len(before)
    here.stop_group(SLEEPER)
    here.kill_group(VICTIM)
    here.end_faults()
    struck = time.time()
    found.leases = max((row[1] for row in before.values()), default=struck) - struck
    say(f"{len(before)} creates under way; their workers stopped or killed, leases end in {found.leases:.0f} s")
    here.start_group(SUCCESSOR)
    found.latest = _take_over(here.tables, before, patience=patience)
    _settle(found, here, ledger, order_ids, since=struck, patience=patience)
    kept = _rows(here.tables, order_ids)
    say("waking the group that was stopped")
    here.wake_group(SLEEPER)
    time.sleep(5)
    found.written = [
        f"{name} {row}" for name, rows in _rows(here.tables, order_ids).items() for row in rows if row not in kept[name]
    ]
    found.verdict = judge_now(here=here, ledger=_read(ledger), order_ids=order_ids, last_fault=struck)
    here.kill_group(SUCCESSOR)
    here.start_group(VICTIM)
    return found


def _wait_for_calls(here: Installation, ledger: Ledger, order_ids: list[str]) -> None:
    """Until each store has made its order and keeps silent about it, or for as long as the silence may last."""
    ends_at = time.monotonic() + here.site.hold_seconds + 15
    while time.monotonic() < ends_at:
        _read(ledger)
        if all(order_id in ledger.orders and ledger.orders[order_id].copies for order_id in order_ids):
            return
        time.sleep(0.1)


def _take_over(tables: str, before: Rows, *, patience: float) -> float | None:
    """How long after its lease's end the last of these calls got another holder; None if one never did."""
    waiting, latest = dict(before), 0.0
    ends_at = time.time() + patience
    with psycopg.connect(tables, autocommit=True) as connection:
        while waiting and time.time() < ends_at:
            now = time.time()
            rows = {row[0]: row[1:] for row in connection.execute(_ITEMS, [list(waiting)])}
            for item, (fence, status) in rows.items():
                if fence != waiting[item][0] or status != "IN_FLIGHT":
                    latest = max(latest, now - waiting.pop(item)[1])
            time.sleep(0.05)
    return None if waiting else latest


def _settle(
    found: Drill, here: Installation, ledger: Ledger, order_ids: list[str], *, since: float, patience: float
) -> None:
    ends_at = time.time() + patience
    while time.time() < ends_at:
        found.verdict = judge_now(here=here, ledger=_read(ledger), order_ids=order_ids, last_fault=since)
        if found.verdict.is_settled:
            return
        time.sleep(0.5)


def _read(ledger: Ledger) -> Ledger:
    ledger.read()
    return ledger


def _in_flight(tables: str, order_ids: list[str]) -> Rows:
    """Fence and lease's end of the calls under way, by item."""
    with psycopg.connect(tables) as connection:
        return {row[0]: row[1:] for row in connection.execute(_UNDER_WAY, [order_ids])}


def _rows(tables: str, order_ids: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    """All that may not change when a sleeper wakes."""
    with psycopg.connect(tables) as connection:
        return {name: connection.execute(query, [order_ids]).fetchall() for name, query in _WATCHED.items()}


_UNDER_WAY = """
select i.id, i.fence, extract(epoch from i.lease_until)::float8 from orders_outboxitem i
join orders_order o on o.id = i.order_id where o.external_id = any(%s) and i.status = 'IN_FLIGHT'
"""
_ITEMS = "select id, fence, status from orders_outboxitem where id = any(%s)"
_WATCHED = {
    "call": """
select o.external_id, i.kind, i.status, i.fence, i.settled_at from orders_outboxitem i
join orders_order o on o.id = i.order_id where o.external_id = any(%s) order by i.id
""",
    "mirror": """
select o.external_id, m.state, m.external_id, m.created_at from orders_mirror m
join orders_order o on o.id = m.order_id where o.external_id = any(%s) order by m.id
""",
    "event": """
select o.external_id, e.kind, e.id from orders_orderevent e
join orders_order o on o.id = e.order_id where o.external_id = any(%s) and e.kind like 'mirror.%%' order by e.id
""",
}
