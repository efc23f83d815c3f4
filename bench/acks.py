"""P1 and P2: what a webhook's 200 costs the web server, and how soon it comes. Beside it the least that is possible."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from bench import bare, due, engine
from bench.installation import ROOT, Installation
from bench.load import Answers
from bench.report import Line
from bench.rounds import figure_of, percentile
from bench.run import Run
from bench.usage import measured

RATE = 400
_OURS = ("web", "verisync_site.wsgi", "/webhooks/tiktok_shop/")
_BARE = ("bare", "bench.bare", "/")


@dataclass(frozen=True, slots=True)
class Acks:
    """How a run of webhooks was answered."""

    count: int
    failed: int
    per_cpu_second: float
    database_cpu: float
    p50: float
    p99: float


def acks_per_cpu_second(installation: Installation, run: Run) -> list[Line]:
    """P1, closed loop: signature checked, one durable row."""
    seconds = 2 if run.is_quick else 8
    ours, theirs, ratios, database = [], [], [], []
    _make_bare(installation)
    for number in range(run.rounds):
        theirs.append(_run(installation, _BARE, "--seconds", str(seconds)).per_cpu_second)
        acks = _run(installation, _OURS, "--seconds", str(seconds))
        ours.append(acks.per_cpu_second)
        database.append(acks.database_cpu)
        ratios.append(ours[-1] / theirs[-1])
        run.say(f"P1 round {number + 1}: ours {ours[-1]:,.0f}, bare {theirs[-1]:,.0f} acks per CPU-second")
    mine, peer, ratio = figure_of(ours), figure_of(theirs), figure_of(ratios)
    notes = (
        f"{1e6 / mine.median:.0f} µs of web CPU and {figure_of(database).median * 1e6:.0f} µs of database CPU an ack",
        f"spread of the ratio {ratio.low:.2f} to {ratio.high:.2f}",
    )
    return [
        Line("P1", "webhook acks per server CPU-second", f"{mine.median:,.0f}", "≥ 0.6 of bare", ratio.median >= 0.6,
             f"{peer.median:,.0f} (bare WSGI and psycopg)", f"{ratio.median:.2f}", notes)
    ]  # fmt: skip


def ack_time(installation: Installation, run: Run) -> list[Line]:
    """P2, open loop: by itself, and while a worker drains at full speed."""
    load = ("--seconds", "3" if run.is_quick else "15", "--rate", str(RATE), "--connections", "64")
    ours, theirs, busy = [], [], []
    _make_bare(installation)
    for number in range(run.rounds):
        theirs.append(_run(installation, _BARE, *load).p99)
        ours.append(_run(installation, _OURS, *load).p99)
        busy.append(_while_draining(installation, load, 4_000 if run.is_quick else 30_000))
        run.say(
            f"P2 round {number + 1}: p99 {ours[-1]:.1f} ms, bare {theirs[-1]:.1f} ms, while draining {busy[-1]:.1f} ms"
        )
    mine, peer, draining = figure_of(ours), figure_of(theirs), figure_of(busy)
    return [
        Line("P2", f"ack time at {RATE}/s, p99", f"{mine.median:.1f} ms", "≤ 10 ms", mine.median <= 10,
             f"{peer.median:.1f} ms (bare)", f"{mine.median / peer.median:.1f}",
             (f"rounds from {mine.low:.1f} to {mine.high:.1f} ms, bare {peer.low:.1f} to {peer.high:.1f} ms",)),
        Line("P2", "the same while a worker drains at full speed", f"{draining.median:.1f} ms", "≤ 100 ms",
             draining.median <= 100),
    ]  # fmt: skip


def cost_of_ack(installation: Installation) -> float:
    """Seconds of CPU, the database's included."""
    _make_bare(installation)
    acks = _run(installation, _OURS, "--seconds", "2")
    return 1 / acks.per_cpu_second + acks.database_cpu


def _run(installation: Installation, server: tuple[str, str, str], *load: str) -> Acks:
    """One server, one load generator, each a process of its own."""
    name, application, path = server
    with installation.admin() as admin:
        admin.execute("truncate bench_delivery, connectors_webhookdelivery")
    pid, address = installation.start_web(name, application)
    try:
        _send(address + path, "--seconds", "0.5")
        with measured(pid, database=installation.database_pid) as used:
            said = _send(address + path, *load)
    finally:
        installation.end(name)
    seconds = said.seconds
    if not seconds or said.failed > len(seconds) / 100:
        raise RuntimeError(f"{said.failed} of {said.failed + len(seconds)} webhooks were not answered by {name}")
    return Acks(
        count=len(seconds),
        failed=said.failed,
        per_cpu_second=len(seconds) / used.cpu,
        database_cpu=used.database_cpu / len(seconds),
        p50=percentile(seconds, 0.5) * 1000,
        p99=percentile(seconds, 0.99) * 1000,
    )


def _while_draining(installation: Installation, load: tuple[str, ...], count: int) -> float:
    at = due.now()
    orders = [due.Due(merchant=1 + number % 20, number=number, at=at) for number in range(count)]
    with engine.platform(installation) as played, engine.worker(installation, played):
        engine.put(installation, played, orders)
        return _run(installation, _OURS, *load).p99


def _send(url: str, *load: str) -> Answers:
    command = [sys.executable, "-m", "bench.load", url, *load]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    found: Answers = Answers(**json.loads(done.stdout))
    return found


def _make_bare(installation: Installation) -> None:
    with installation.admin() as admin:
        admin.execute(bare.MAKE)
        admin.execute("grant all on bench_delivery to public")
