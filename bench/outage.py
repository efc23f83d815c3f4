"""P11, after an outage of a whole platform: the backlog drains at the platform's pace, the nearest deadline first."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench import allowance, due, engine
from bench.due import Due
from bench.engine import Platform
from bench.installation import Installation
from bench.platforms import shopify
from bench.report import Line
from bench.rounds import figure_of
from bench.run import Run

LATENCY = 0.05
_TOLERANCE = 5.0  # seconds: orders are prepared two ahead, and one call's answer may overtake another's
_STALLED = 180.0


@dataclass(frozen=True, slots=True)
class _Drained:
    """Seconds from the outage's end to the first create and to the last, and how many came out of their turn."""

    first: float
    last: float
    out_of_turn: int


def drain_after_outage(installation: Installation, run: Run) -> list[Line]:
    """P11: all of Shopify answers 503, orders become due meanwhile, and then it is well again, with its limits."""
    stores, each, outage = (5, 300, 20.0) if run.is_quick else (20, 600, 60.0)
    least = (each * shopify.CREATE - shopify.POINTS) / shopify.POINTS_A_SECOND
    found = []
    with engine.platform(installation, limits=True) as played:
        for number in range(run.rounds):
            found.append(_drained(installation, played, stores, each, outage))
            run.say(
                f"P11 after an outage, round {number + 1}: {found[-1].out_of_turn} of {stores * each} out of turn,"
                f" {found[-1].last:.1f} s, {least:.1f} s at the least"
            )
    over, late = figure_of([one.last - least for one in found]), figure_of([one.out_of_turn for one in found])
    share, goal = late.median / (stores * each), 0.05 * least + 5
    first = figure_of([one.first for one in found])
    what = f"after {outage:.0f} s without Shopify, {each} due orders of each of {stores} stores"
    return [
        Line("P11", f"{what}: created out of the order of their deadlines", f"{share:.1%}", "≤ 1 %", share <= 0.01,
             notes=(
                 f"out of order: made more than {_TOLERANCE:.0f} s after its turn, and the n-th deadline's turn is the"
                 " moment of the store's n-th create",
             )),
        Line("P11", f"{what}: seconds over what Shopify's points alone take", f"{over.median:.1f} s",
             f"≤ {goal:.1f} s", over.median <= goal, f"{least:.1f} s ({shopify.CREATE} points an order)",
             f"{(least + over.median) / least:.2f}",
             (f"the first create came {first.median:.1f} s after the outage's end; rounds from {over.low:.1f} to"
              f" {over.high:.1f} s",)),
    ]  # fmt: skip


def _drained(installation: Installation, played: Platform, stores: int, each: int, outage: float) -> _Drained:
    orders = backlog(stores, each)
    with engine.worker(installation, played):
        played.tell("mode", platforms=["shopify"], latency=LATENCY, status=503)
        engine.put(installation, played, orders)
        time.sleep(outage)
        ended = time.time()
        played.tell("mode", platforms=["shopify"], latency=LATENCY)
        engine.wait_until_created(played, len(orders), stalled_after=_STALLED)
        created = played.ledger()["created"]
    moments = [moment - ended for _, _, moment in created]
    return _Drained(min(moments), max(moments), late_of(orders, created))


def backlog(stores: int, each: int) -> list[Due]:
    """Orders that are all due now, their deadlines in no order, a minute apart in each store."""
    at, places = due.now(), list(range(each))
    random.Random(each).shuffle(places)
    return [
        Due(1 + number % stores, number, at, deadline=at + timedelta(days=1, minutes=places[number // stores]))
        for number in range(stores * each)
    ]


def late_of(orders: Sequence[Due], created: Sequence[Sequence[Any]]) -> int:
    """How many creates of the ledger came out of their turn within their store."""
    deadlines: Mapping[str, Due] = {order.external_id: order for order in orders}
    made: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for reference, shop, moment in created:
        order = deadlines[reference]
        made[shop].append(((order.deadline or order.at).timestamp(), moment))
    return sum(allowance.out_of_turn(each, tolerance=_TOLERANCE) for each in made.values())
