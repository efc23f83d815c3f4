"""P6, P7, P8: due moments are kept, the platform's allowance is used and not exceeded, and no store delays another."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import due, engine, raw
from bench.due import Due
from bench.engine import Platform
from bench.installation import ROOT, Installation
from bench.report import Line
from bench.rounds import figure_of, percentile
from bench.run import Run

_RATE = 250
_QUIET = 999
_POINTS_A_SECOND = 100.0
_FILL_AND_START = 6.0


def release(installation: Installation, run: Run) -> list[Line]:
    """P6: 250 orders a second whose holds end; the platform releases each at that moment and no sooner."""
    seconds = 6 if run.is_quick else 30
    late, early, after_restart = [], 0, []
    for number in range(run.rounds):
        with engine.platform(installation) as played:
            with engine.worker(installation, played):
                found = _release(installation, played, seconds)
            late.append(percentile(found, 0.99) * 1000)
            early += sum(one < 0 for one in found)
            after_restart.append(_restart(installation, played))
        run.say(
            f"P6 round {number + 1}: p99 {late[-1]:.0f} ms late, {after_restart[-1]:.1f} s after restart, {early} early"
        )
    figure, restart = figure_of(late), figure_of(after_restart)
    return [
        Line("P6", f"lateness of the release at {_RATE} due a second, p99", f"{figure.median:.0f} ms",
             "≤ 250 ms, none early", figure.median <= 250 and not early, "up to 30 s (a django-q2 schedule)", "",
             (f"{early} early; rounds from {figure.low:.0f} to {figure.high:.0f} ms",)),
        Line("P6", "all that became due meanwhile is released after a restart", f"{restart.median:.1f} s", "≤ 5 s",
             restart.median <= 5),
    ]  # fmt: skip


def saturation(installation: Installation, run: Run) -> list[Line]:
    """P7: five stores with a backlog at Shopify's standard pace: the share of the points that is used, and refusals."""
    seconds, stores = (10, 2) if run.is_quick else (40, 5)
    shares, refusals = [], 0
    with engine.platform(installation, limits=True) as played:
        for number in range(run.rounds):
            at = due.now()
            with engine.worker(installation, played):
                orders = [Due(1 + n % stores, n, at) for n in range(stores * (400 + 9 * (seconds + 60)))]
                engine.put(installation, played, orders)
                if not engine.wait_until(lambda: _are_spent(played, stores), seconds=90):
                    raise TimeoutError("the full buckets of the beginning were not spent within 90 s")
                before = played.ledger()
                time.sleep(seconds)
                after = played.ledger()
            spent = sum(after["spent"].values()) - sum(before["spent"].values())
            shares.append(spent / (_POINTS_A_SECOND * seconds * stores))
            refusals += sum(count for *_, count in after["refused"])
            run.say(f"P7 round {number + 1}: {shares[-1]:.3f} of the points, {refusals} refused so far")
        played.tell("forget")
        peer = _first_come(played, orders=200 * stores, shops=stores, quiet=0, seconds=20)
    figure = figure_of(shares)
    theirs = f"{peer['refused'] / max(1, peer['sent']):.0%} of its calls refused (first-come queue)"
    return [
        Line("P7", "share of the platform's allowance used while a store has a backlog", f"{figure.median:.3f}",
             "≥ 0.95, none refused", figure.median >= 0.95 and not refusals, theirs, "",
             (f"{refusals} calls refused; rounds from {figure.low:.3f} to {figure.high:.3f}",))
    ]  # fmt: skip


def fairness(installation: Installation, run: Run) -> list[Line]:
    """P8: a store with 20,000 due beside 999 with one order each, its platform well, overloaded, or slow."""
    noisy, quiet = (2_000, 100) if run.is_quick else (20_000, _QUIET)
    cases: dict[str, dict[str, Any]] = {
        "well": {"latency": 0.05},
        "answering 503": {"latency": 0.05, "status": 503},
        "taking 30 s": {"latency": 30.0},
    }
    lines, peer = [], 0.0
    for case, mode in cases.items():
        late = []
        for number in range(run.rounds):
            with engine.platform(installation) as played:
                played.tell("mode", latency=0.05)
                played.tell("mode", shops=[raw.domain(1)], **mode)
                late.append(percentile(_quiet_late(installation, played, noisy, quiet), 0.99))
                run.say(f"P8 {case}, round {number + 1}: quiet stores p99 {late[-1]:.2f} s late")
                if not peer:
                    played.tell("forget")
                    seconds = 1.5 * noisy * 0.05 / 64 + 10
                    peer = percentile(
                        _first_come(played, orders=noisy, shops=1, quiet=quiet, seconds=seconds)["late"], 0.99
                    )
        figure = figure_of(late)
        lines.append(
            Line("P8", f"quiet stores' lateness beside one with {noisy:,} due, its platform {case}, p99",
                 f"{figure.median:.2f} s", "≤ 2 s", figure.median <= 2,
                 f"{peer:.1f} s (first-come queue, platform well)", f"{figure.median / peer:.2f}")
        )  # fmt: skip
    return lines


def _are_spent(played: Platform, stores: int) -> bool:
    """Whether what a bucket holds at the beginning is gone, so that from now on only what is restored can be used."""
    levels = played.levels()
    return len(levels) == stores and max(levels.values()) < 400


def _release(installation: Installation, played: Platform, seconds: int) -> list[float]:
    """Seconds between each hold's end and the release, below zero for one that came early."""
    count = _RATE * seconds
    starts_in = time.time() - played.epoch + _FILL_AND_START + count / 3000
    engine.put(installation, played, _held(played, count, lambda n: starts_in + n / _RATE))
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


def _quiet_late(installation: Installation, played: Platform, noisy: int, quiet: int) -> list[float]:
    """How late each quiet store's only order was created; what never came counts as the whole patience."""
    spread, patience = 20.0, 60.0
    with engine.worker(installation, played):
        now = due.now() + timedelta(seconds=noisy / 3000)  # loading takes a while
        crowd = [Due(1, number, now) for number in range(noisy)]
        first = now + timedelta(seconds=5)
        few = [Due(2 + n, noisy + n, first + timedelta(seconds=spread * n / quiet)) for n in range(quiet)]
        engine.put(installation, played, [*crowd, *few])
        engine.wait_until(lambda: _created(played, few) == len(few), seconds=spread + patience)
        moments = {reference: moment for reference, _, moment in played.ledger()["created"]}
    return [moments.get(each.external_id, each.at.timestamp() + patience) - each.at.timestamp() for each in few]


def _created(played: Platform, orders: Sequence[Due]) -> int:
    time.sleep(0.5)
    done = {reference for reference, _, _ in played.ledger()["created"]}
    return sum(order.external_id in done for order in orders)


def _first_come(played: Platform, *, orders: int, shops: int, quiet: int, seconds: float) -> dict[str, Any]:
    options = {"orders": orders, "shops": shops, "quiet": quiet, "seconds": seconds}
    command = [sys.executable, "-m", "bench.first_come", played.address]
    command += [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
