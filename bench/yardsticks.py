"""Which measurement answers which row of the table, in the order in which they are best made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import acks, dataset, due, fairness, growth, life, outage, pages, resting, saturation, throughput
from bench.installation import Installation
from bench.report import Line
from bench.run import Run

Measure = Callable[[Installation, Run], list[Line]]

YARDSTICKS: tuple[tuple[tuple[str, ...], Measure], ...] = (
    (("P10",), growth.growth_with_orders),
    (("P9",), pages.order_list),
    (("P1",), acks.acks_per_cpu_second),
    (("P2",), acks.ack_time),
    (("P12",), resting.memory),
    (("P14",), resting.idle),
    (("P4",), throughput.orders_per_cpu_second),
    (("P5",), throughput.efficiency),
    (("P6",), fairness.release),
    (("P7",), saturation.saturation),
    (("P8",), fairness.fairness),
    (("P8",), fairness.fairness_of_platforms),
    (("P11",), throughput.drain),
    (("P11",), outage.drain_after_outage),
    (("P13",), throughput.statements_per_create),
    (("P13",), life.statements_of_a_life),
)


def prepare(installation: Installation) -> None:
    """Merchants and their stores, which every yardstick needs."""
    with installation.admin() as admin:
        dataset.make_merchants(admin, now=due.now())


def chosen(numbers: Sequence[str]) -> list[Measure]:
    """The measurements that answer these rows; all where none is named. Raises KeyError for a row there is not."""
    wanted = {number.upper() for number in numbers}
    known = {number for rows, _ in YARDSTICKS for number in rows}
    if unknown := wanted - known:
        raise KeyError(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return [measure for rows, measure in YARDSTICKS if not wanted or wanted & set(rows)]
