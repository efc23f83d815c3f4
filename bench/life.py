"""P13: what the whole life of an order costs the database, from the first webhook until its number is at TikTok Shop.

The product as the proof runs it: web server, worker, sandbox and their webhooks, and nothing that breaks.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench.installation import FOLDER, Installation, count_statements
from bench.report import Line
from bench.rounds import figure_of
from bench.run import Run
from bench.usage import statements
from demo import story
from proof.installation import Installation as Proving
from proof.installation import installed

HOLD = 15
SKU = "CND-FIG-08"  # which the demo's routes send to Shopify
IDLE_SECONDS = 10


def statements_of_a_life(_installation: Installation, run: Run) -> list[Line]:
    """Orders bought in one go, released, created, shipped and told back; what an idle installation does taken off."""
    count = 100 if run.is_quick else 500
    commits, sent = [], []
    with _standing(FOLDER / "life", run) as here, psycopg.connect(here.tables, autocommit=True) as admin:
        for number in range(run.rounds):
            before = statements(admin)
            time.sleep(IDLE_SECONDS)
            idle = statements(admin) - before
            began, before = time.monotonic(), statements(admin)
            _live(here, admin, count)
            took, share = statements(admin) - before, (time.monotonic() - began) / IDLE_SECONDS
            commits.append((took.commits - share * idle.commits) / count)
            sent.append((took.statements - share * idle.statements) / count)
            run.say(f"P13 round {number + 1}: a life {commits[-1]:.2f} commits, {sent[-1]:.2f} statements")
    commit, statement = figure_of(commits).median, figure_of(sent).median
    return [
        Line("P13", f"database cost of a whole life, {count} orders bought at once: commits and statements an order",
             f"{commit:.2f} and {statement:.2f}", "≤ 3 and ≤ 12", commit <= 3 and statement <= 12)
    ]  # fmt: skip


@contextlib.contextmanager
def _standing(folder: Path, run: Run) -> Iterator[Proving]:
    with installed(folder=folder, hold=HOLD, poll=86_400, groups=1, say=run.say) as here:
        count_statements(here.database)
        here.revive()
        time.sleep(20)  # catalogs and warehouses are read meanwhile
        yield here


def _live(here: Proving, admin: psycopg.Connection[Any], count: int) -> None:
    control = here.site.control
    bought = [
        str(control("tiktok_shop/buy", shop=story.SHOP, lines=[{"sku": SKU, "quantity": 1}])["order_id"])
        for _ in range(count)
    ]
    _wait(admin, bought, "MIRRORED")
    names = dict(
        admin.execute(
            "select o.external_id, m.name from orders_mirror m join orders_order o on o.id = m.order_id"
            " where o.external_id = any(%s)",
            [bought],
        ).fetchall()
    )
    for number, order_id in enumerate(bought):
        tracking = f"94001118995{int(time.time()) % 100_000:05}{number:06}"
        ship = {"shop": "alices-candles.myshopify.com", "order": names[order_id]}
        control("shopify/ship", **ship, tracking_number=tracking, carrier="USPS")
    _wait(admin, bought, "FULFILLED")


def _wait(admin: psycopg.Connection[Any], bought: list[str], state: str) -> None:
    ends_at = time.monotonic() + 240
    while time.monotonic() < ends_at:
        row = admin.execute(
            "select count(*) from orders_order where external_id = any(%s) and state = %s", [bought, state]
        ).fetchone()
        if row is not None and row[0] == len(bought):
            return
        time.sleep(0.5)
    raise TimeoutError(f"{row[0] if row else 0} of {len(bought)} orders were {state} within 240 s")
