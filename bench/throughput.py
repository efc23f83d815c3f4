"""P4, P5, P11, P13's share of a create: how much one worker host does, and what an order costs it."""

from __future__ import annotations

from bench import due, engine, one_task_per_order
from bench.due import Due
from bench.engine import Platform
from bench.installation import Installation
from bench.report import Line
from bench.rounds import figure_of
from bench.rows import destination_store
from bench.run import Run
from bench.usage import Used, measured, statements

SENDERS = 64
LATENCY = 0.2


def orders_per_cpu_second(installation: Installation, run: Run) -> list[Line]:
    """P4: many orders of twenty stores on an instant platform; then the same by one task per order."""
    count = 2_000 if run.is_quick else 20_000
    ours, theirs, database, notes = [], [], [], []
    with engine.platform(installation) as played:
        for number in range(run.rounds):
            used = _drained(installation, played, count)
            ours.append(count / used.cpu)
            database.append(used.database_cpu / count * 1e6)
            run.say(
                f"P4 round {number + 1}: {count / used.cpu:.0f} per worker CPU-second, {count / used.seconds:.0f}/s"
            )
            peer = _by_single_tasks(installation, played, count // 10)
            theirs.append(count // 10 / peer.cpu)
            run.say(f"P4 round {number + 1}: one task per order {theirs[-1]:.0f} per worker CPU-second")
    mine, peer_figure = figure_of(ours), figure_of(theirs)
    ratio = mine.median / peer_figure.median
    notes.append(
        f"{1e6 / mine.median:.0f} µs of worker CPU and {figure_of(database).median:.0f} µs of database CPU an order"
    )
    notes.append(f"spread {mine.spread:.0%} ours, {peer_figure.spread:.0%} one task per order")
    return [
        Line(
            "P4", "orders mirrored per worker CPU-second, instant platform", f"{mine.median:,.0f}",
            "≥ 2,000 and ≥ 4 × one task per order", mine.median >= 2000 and ratio >= 4,
            f"{peer_figure.median:,.0f} (django-q2, one task per order)", f"{ratio:.1f}", tuple(notes),
        )
    ]  # fmt: skip


def efficiency(installation: Installation, run: Run) -> list[Line]:
    """P5: one store whose platform takes 200 ms: how busy the senders are kept."""
    count = 2_000 if run.is_quick else 8_000
    found = []
    with engine.platform(installation) as played, engine.worker(installation, played):
        played.tell("mode", latency=LATENCY)
        for number in range(run.rounds):
            engine.put(installation, played, _spread(count, stores=1))
            engine.wait_until_created(played, count)
            found.append(_steady_rate(played) / (SENDERS / LATENCY))
            run.say(f"P5 round {number + 1}: {found[-1]:.2f}")
    figure = figure_of(found)
    text = f"{figure.median:.2f} ({figure.median * SENDERS / LATENCY:.0f}/s)"
    return [
        Line("P5", f"share of {SENDERS} senders / {LATENCY * 1000:.0f} ms that is used", text, "≥ 0.95",
             figure.median >= 0.95, f"1.00 ({SENDERS / LATENCY:.0f}/s)", f"{figure.median:.2f}",
             (f"spread {figure.spread:.0%}",))
    ]  # fmt: skip


def drain(installation: Installation, run: Run) -> list[Line]:
    """P11: what an outage of an hour left behind: 36 orders of each of 1,000 stores."""
    count = 3_600 if run.is_quick else 36_000
    found = []
    with engine.platform(installation) as played, engine.worker(installation, played):
        for number in range(run.rounds):
            engine.put(installation, played, _spread(count, stores=count // 36))
            found.append(engine.wait_until_created(played, count))
            run.say(f"P11 round {number + 1}: {found[-1]:.1f} s")
    figure, goal = figure_of(found), 30 * count / 36_000
    return [
        Line("P11", f"drain of {count:,} due orders of {count // 36:,} stores, instant platform",
             f"{figure.median:.1f} s", f"≤ {goal:.0f} s", figure.median <= goal,
             notes=(f"spread {figure.spread:.0%}",))
    ]  # fmt: skip


def statements_per_create(installation: Installation, run: Run) -> list[Line]:
    """P13, the create: commits and statements of a released order until it is mirrored."""
    count = 2_000 if run.is_quick else 10_000
    commits, sent = [], []
    with engine.platform(installation) as played, engine.worker(installation, played), installation.admin() as admin:
        for number in range(run.rounds):
            engine.put(installation, played, _spread(count, stores=20))
            before = statements(admin)
            engine.wait_until_created(played, count)
            engine.wait_until(lambda: _is_settled(admin), seconds=20)
            took = statements(admin) - before
            commits.append(took.commits / count)
            sent.append(took.statements / count)
            run.say(f"P13 round {number + 1}: {commits[-1]:.2f} commits, {sent[-1]:.2f} statements")
    commit, statement = figure_of(commits).median, figure_of(sent).median
    return [
        Line("P13", "database cost of a create: commits and statements an order", f"{commit:.2f} and {statement:.2f}",
             "≤ 3 and ≤ 12 for a whole life", commit <= 3 and statement <= 12)
    ]  # fmt: skip


def _drained(installation: Installation, played: Platform, count: int) -> Used:
    with engine.worker(installation, played) as pid:
        engine.put(installation, played, _spread(count, stores=20))
        with measured(pid, database=installation.database_pid) as used, installation.admin() as admin:
            engine.wait_until_created(played, count)
            engine.wait_until(lambda: _is_settled(admin), seconds=20)
    return used


def _by_single_tasks(installation: Installation, played: Platform, count: int) -> Used:
    with engine.worker(installation, played, "manage.py", "qcluster") as pid:
        orders = _spread(count, stores=20)
        engine.put(installation, played, orders)
        with measured(pid, database=installation.database_pid) as used:
            for order in orders:
                one_task_per_order.enqueue(destination_store(order.merchant))
            engine.wait_until_created(played, count)
    return used


def _spread(count: int, *, stores: int) -> list[Due]:
    at = due.now()
    return [Due(merchant=1 + number % stores, number=number, at=at) for number in range(count)]


def _steady_rate(played: Platform) -> float:
    """Creates a second, the first and the last fifth left out."""
    moments = sorted(moment for _, _, moment in played.ledger()["created"])
    middle = moments[len(moments) // 5 : -len(moments) // 5]
    return (len(middle) - 1) / (middle[-1] - middle[0])


def _is_settled(admin: object) -> bool:
    row = admin.execute("select count(*) from orders_outboxitem where status <> 'DONE'").fetchone()  # type: ignore[attr-defined]
    return bool(row[0] == 0)
