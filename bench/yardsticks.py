"""Which measurement answers which row of the table, in the order in which they are best made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import dataset, due, throughput
from bench.installation import Installation
from bench.report import Line

Measure = Callable[..., list[Line]]

YARDSTICKS: tuple[tuple[tuple[str, ...], Measure], ...] = (
    (("P4",), throughput.orders_per_cpu_second),
    (("P5",), throughput.efficiency),
    (("P11",), throughput.drain),
    (("P13",), throughput.statements_per_create),
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
