"""P6 and P8: due moments are kept, and neither a store nor a whole platform delays another's."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import dataset, due, engine, first_come, raw
from bench.due import Due
from bench.engine import Platform
from bench.installation import Installation
from bench.report import Line
from bench.rounds import figure_of, percentile
from bench.rows import MERCHANTS, OTHERS
from bench.run import Run

_RATE, _CALM_RATE = 250, 25
_QUIET = 999
_FILL_AND_START = 6.0
_SPREAD = 20.0  # seconds within which the quiet stores' orders become due
LATENCY = 0.05
_BROKEN: dict[str, dict[str, Any]] = {
    "answering 503": {"latency": LATENCY, "status": 503},
    "taking 30 s": {"latency": 30.0},
}


def release(installation: Installation, run: Run) -> list[Line]:
    """P6: 250 orders a second whose holds end; the platform releases each at that moment and no sooner."""
    seconds = 6 if run.is_quick else 30
    late: dict[int, list[float]] = {_RATE: [], _CALM_RATE: []}
    early, after_restart = 0, []
    for number in range(run.rounds):
        with engine.platform(installation) as played:
            for rate, found in late.items():
                with engine.worker(installation, played):
                    took = _release(installation, played, seconds, rate)
                found.append(percentile(took, 0.99) * 1000)
                early += sum(one < 0 for one in took)
            after_restart.append(_restart(installation, played))
        run.say(
            f"P6 round {number + 1}: p99 {late[_RATE][-1]:.0f} ms late, {late[_CALM_RATE][-1]:.0f} ms at {_CALM_RATE} a"
            f" second, {after_restart[-1]:.1f} s after restart, {early} early"
        )
    figure, calm, restart = figure_of(late[_RATE]), figure_of(late[_CALM_RATE]), figure_of(after_restart)
    return [
        Line("P6", f"lateness of the release at {_RATE} due a second, p99", f"{figure.median:.0f} ms",
             "≤ 250 ms, none early", figure.median <= 250 and not early, "up to 30 s (a django-q2 schedule)", "",
             (f"{early} early; rounds from {figure.low:.0f} to {figure.high:.0f} ms",)),
        Line("P6", f"the same at {_CALM_RATE} due a second, which leaves the machine room", f"{calm.median:.0f} ms",
             "≤ 250 ms", calm.median <= 250, "", "", (f"rounds from {calm.low:.0f} to {calm.high:.0f} ms",)),
        Line("P6", "all that became due meanwhile is released after a restart", f"{restart.median:.1f} s", "≤ 5 s",
             restart.median <= 5),
    ]  # fmt: skip


def fairness(installation: Installation, run: Run) -> list[Line]:
    """P8: a store with 20,000 due beside 999 with one order each, its platform well, overloaded, or slow."""
    noisy, quiet = (2_000, 100) if run.is_quick else (20_000, _QUIET)
    well = {"latency": LATENCY}
    modes: dict[str, tuple[dict[str, Any], float]] = {
        "well": (well, _SPREAD),
        "well, the quiet ones spread over a minute, which leaves the machine room": (well, 3 * _SPREAD),
        **{case: (mode, _SPREAD) for case, mode in _BROKEN.items()},
    }
    lines, peer = [], 0.0
    for case, (mode, spread) in modes.items():
        late = []
        for number in range(run.rounds):
            with engine.platform(installation) as played:
                played.tell("mode", latency=LATENCY)
                played.tell("mode", shops=[raw.domain(1)], **mode)
                found = _quiet_late(installation, played, noisy, [1], range(2, 2 + quiet), spread)
                late.append(percentile(found, 0.99))
                run.say(f"P8 {case}, round {number + 1}: quiet stores p99 {late[-1]:.2f} s late")
                if not peer:
                    played.tell("forget")
                    seconds = 1.5 * noisy * LATENCY / first_come.SENDERS + 10
                    theirs = first_come.run(played.address, orders=noisy, shops=1, quiet=quiet, seconds=seconds)
                    peer = percentile(theirs["late"], 0.99)
        figure = figure_of(late)
        lines.append(
            Line("P8", f"quiet stores' lateness beside one with {noisy:,} due, its platform {case}, p99",
                 f"{figure.median:.2f} s", "≤ 2 s", figure.median <= 2,
                 f"{peer:.1f} s (first-come queue, platform well)", f"{figure.median / peer:.2f}")
        )  # fmt: skip
    return lines


def fairness_of_platforms(installation: Installation, run: Run) -> list[Line]:
    """P8: every store of Shopify has orders due and all of Shopify is broken; stores elsewhere have one order each."""
    noisy, stores, quiet = (500, 50, 10) if run.is_quick else (20_000, MERCHANTS, 33)
    few = [merchant for merchants in OTHERS.values() for merchant in merchants[:quiet]]
    lines = []
    for case, mode in _BROKEN.items():
        late, unknown = [], Counter[str]()
        for number in range(run.rounds):
            with engine.platform(installation) as played, dataset.others(installation):
                played.tell("mode", latency=LATENCY)
                played.tell("mode", platforms=["shopify"], **mode)
                late.append(percentile(_quiet_late(installation, played, noisy, range(1, 1 + stores), few), 0.99))
                unknown += Counter(played.counted()["unknown"])
            run.say(f"P8 all of Shopify {case}, round {number + 1}: stores elsewhere p99 {late[-1]:.2f} s late")
        figure = figure_of(late)
        lines.append(
            Line("P8", f"lateness at Amazon, Wix and Squarespace while all {stores:,} stores of Shopify, with {noisy:,}"
                 f" due, are {case}, p99", f"{figure.median:.2f} s", "≤ 2 s", figure.median <= 2,
                 notes=(f"rounds from {figure.low:.2f} to {figure.high:.2f} s; unknown calls: {unknown.total()}",))
        )  # fmt: skip
    return lines


def _release(installation: Installation, played: Platform, seconds: int, rate: int) -> list[float]:
    """Seconds between each hold's end and the release, below zero for one that came early."""
    count = rate * seconds
    starts_in = time.time() - played.epoch + _FILL_AND_START + count / 3000
    engine.put(installation, played, _held(played, count, lambda n: starts_in + n / rate))
    with installation.admin() as admin:
        engine.wait_until(lambda: _unreleased(admin) == 0, seconds=starts_in + seconds + 60)
        rows = admin.execute("select extract(epoch from released_at - release_at)::float from orders_order").fetchall()
    return [late for (late,) in rows if late is not None]


def _restart(installation: Installation, played: Platform) -> float:
    """Seconds from the start of a worker until nothing is overdue, after everything became due without one."""
    ends_in = time.time() - played.epoch + 2
    engine.put(installation, played, _held(played, _RATE * 4, lambda _: ends_in))
    time.sleep(2.5)
    pid = installation.start("worker", "manage.py", "work", env=played.env)
    began = time.monotonic()
    with installation.admin() as admin:
        engine.wait_until(lambda: _unreleased(admin) == 0, seconds=60)
    took = time.monotonic() - began
    installation.end("worker")
    assert pid
    return took


def _held(played: Platform, count: int, ends_in: Callable[[int], float]) -> list[Due]:
    made = []
    for number in range(count):
        seconds = round(ends_in(number), 2)
        at = datetime.fromtimestamp(played.epoch, UTC) + timedelta(seconds=seconds)
        made.append(Due(merchant=1 + number % 100, number=number, at=at, held_for=seconds))
    return made


def _unreleased(admin: Any) -> int:
    row = admin.execute("select count(*) from orders_order where released_at is null").fetchone()
    return int(row[0])


def _quiet_late(
    installation: Installation,
    played: Platform,
    noisy: int,
    loud: Sequence[int],
    quiet: Sequence[int],
    spread: float = _SPREAD,
) -> list[float]:
    """How late the only order of each quiet merchant was created beside so many of the loud ones, when they become due
    within `spread` seconds; what never came counts as the whole patience."""
    patience = 60.0
    with engine.worker(installation, played):
        now = due.now() + timedelta(seconds=noisy / 3000)  # loading takes a while
        crowd = [Due(loud[number % len(loud)], number, now) for number in range(noisy)]
        first = now + timedelta(seconds=5)
        few = [
            Due(merchant, noisy + n, first + timedelta(seconds=spread * n / len(quiet)))
            for n, merchant in enumerate(quiet)
        ]
        engine.put(installation, played, [*crowd, *few])
        engine.wait_until(lambda: _created(played, few) == len(few), seconds=spread + patience)
        moments = {reference: moment for reference, _, moment in played.ledger()["created"]}
    return [moments.get(each.external_id, each.at.timestamp() + patience) - each.at.timestamp() for each in few]


def _created(played: Platform, orders: Sequence[Due]) -> int:
    time.sleep(0.5)
    done = {reference for reference, _, _ in played.ledger()["created"]}
    return sum(order.external_id in done for order in orders)
