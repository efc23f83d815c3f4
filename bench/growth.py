"""P10: what a page, a look-up, an ack and a claim cost with 10,000 orders, and with a hundred times as many."""

from __future__ import annotations

from bench import acks, dataset, due, pages, rows
from bench.installation import Installation
from bench.report import Line
from bench.rounds import growth
from bench.run import Run
from bench.usage import measured

Costs = dict[str, float]


def growth_with_orders(installation: Installation, run: Run) -> list[Line]:
    """P10, in CPU of web server and database together, which a busy machine bends less than time."""
    sizes = (2_000, 20_000) if run.is_quick else (10_000, 100_000, 1_000_000)
    repeat = 10 if run.is_quick else 40
    costs: dict[str, list[float]] = {}
    offset: list[float] = []
    for size in sizes:
        dataset.ensure(installation, count=size, now=due.now(), say=run.say)
        for name, cost in _costs(installation, size, repeat, run.rounds).items():
            costs.setdefault(name, []).append(cost)
        offset.append(pages.by_offset(installation, size))
        run.say(f"P10 {size:,}: " + ", ".join(f"{name} {found[-1]:.2f} ms" for name, found in costs.items()))
    slopes = {name: growth(sizes, found) for name, found in costs.items()}
    peer = growth(sizes, offset)
    worst = max(slopes.values())
    text = ", ".join(f"{name} {slope:.2f}" for name, slope in slopes.items())
    notes = tuple(f"{name}: {' → '.join(f'{cost:.2f}' for cost in found)} ms" for name, found in costs.items())
    return [
        Line("P10", f"growth from {sizes[0]:,} to {sizes[-1]:,} orders (log-log slope)", text, "≤ 0.10", worst <= 0.10,
             f"{peer:.2f} (OFFSET page and count)", "", notes)
    ]  # fmt: skip


def _costs(installation: Installation, size: int, repeat: int, rounds: int) -> Costs:
    found: dict[str, list[float]] = {}
    newest = rows.external_id(size - size % 10)
    asked = {"page": "/orders/", "look-up": f"/orders/?q={newest}"}
    with pages.serving(installation) as (pid, people):
        for path in asked.values():
            people[0].get(path)
        for _ in range(rounds):
            for name, path in asked.items():
                with measured(pid, database=installation.database_pid) as used:
                    for _ in range(repeat):
                        people[0].get(path)
                found.setdefault(name, []).append((used.cpu + used.database_cpu) / repeat * 1000)
    costs = {name: sorted(several)[len(several) // 2] for name, several in found.items()}
    return {**costs, "ack": _ack(installation, rounds), "claim": _claim(installation, repeat)}


def _ack(installation: Installation, rounds: int) -> float:
    found = [acks.cost_of_ack(installation) for _ in range(rounds)]
    return sorted(found)[len(found) // 2] * 1000


def _claim(installation: Installation, repeat: int) -> float:
    """The dispatch loop's own question and a claim of twenty, taken back each time; milliseconds of the database."""
    from django.db import transaction
    from django.utils import timezone

    from accounts.access import all_merchants
    from connectors.models import ConnectedStore
    from orders import lanes, sending
    from orders.work import Drain

    _make_due(installation, 200)
    with all_merchants("a yardstick"):
        store = ConnectedStore.objects.get(pk=rows.destination_store(rows.BIG))
    drain = Drain(store=store, clock=timezone.now)
    with measured(database=installation.database_pid) as used:
        for _ in range(repeat):
            with transaction.atomic():
                lanes.dispatch(now=timezone.now(), wake=lambda _chosen: None)
                sending.claim(drain=drain, limit=20)
                transaction.set_rollback(True)
    return used.database_cpu / repeat * 1000


def _make_due(installation: Installation, count: int) -> None:
    """Some of the big merchant's last orders are to be created again."""
    with installation.admin() as admin:
        admin.execute(
            "update orders_outboxitem set status = 'PENDING', not_before = now() where id in (select id from"
            " orders_outboxitem where merchant_id = %s and kind = 'CREATE_ORDER' order by id desc limit %s)",
            [rows.BIG, count],
        )
        admin.execute("update orders_lane set lease_until = null, not_before = null")
