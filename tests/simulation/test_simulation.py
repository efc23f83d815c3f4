"""Seeds, each a small world in which anything happens at any moment; the invariants hold after every step.

SEEDS=123 make test ARGS=tests/simulation            repeats one
SEEDS=0-4999 make test ARGS="tests/simulation -s"    runs many, and says how it goes
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest

from tests.simulation.simulation import Simulation
from tests.simulation.stage import Stage

SHARES = 2  # so that several processes may share the work
SECONDS = 25.0  # of each share, where no seeds are named
REPEATED = 3
TOLD = 90  # lines of the trace


class TestSimulation:
    @pytest.mark.parametrize("share", range(SHARES))
    def test_holds_whatever_the_seed(self, stage: Stage, share: int) -> None:
        ends_at = time.perf_counter() + SECONDS
        days = count = 0.0
        for seed in _seeds(share):
            if not os.environ.get("SEEDS") and time.perf_counter() > ends_at:
                break
            days += run(stage, seed)
            count += 1
            if os.environ.get("SEEDS") and count % 20 == 0:
                print(f"share {share}: {count:.0f} seeds, {days:.0f} simulated days, the last {seed}", flush=True)
        assert count or os.environ.get("SEEDS")


class TestSeed:
    def test_means_the_same_each_time(self, stage: Stage) -> None:
        traces = []
        for _ in range(2):
            simulation = Simulation(seed=REPEATED, stage=stage)
            simulation.run()
            traces.append(simulation.trace)
        assert len(traces[0]) > 20
        assert _plain(traces[0]) == _plain(traces[1])


def _plain(trace: list[str]) -> list[str]:
    """Without the numbers of leases, which the database goes on counting."""
    return [re.sub(r"lane \d+/\d+", "lane", line) for line in trace]


def run(stage: Stage, seed: int) -> float:
    """One seed; what breaks is told with its trace and the command that repeats it. Returns the simulated days."""
    simulation = Simulation(seed=seed, stage=stage)
    try:
        simulation.run()
    except BaseException as error:
        lines = "\n".join(simulation.trace if os.environ.get("SEEDS") else simulation.trace[-TOLD:])
        history = simulation.history(str(error))
        pytest.fail(f"{lines}\n\n{history}\n\n{error!r}\n\nAgain: SEEDS={seed} make test ARGS=tests/simulation")
    return simulation.days


def _seeds(share: int) -> Iterator[int]:
    """This share's seeds: those named in SEEDS, or a fixed sequence as far as the time reaches."""
    first, _, last = os.environ.get("SEEDS", "0-9999").partition("-")
    for seed in range(int(first), int(last or first) + 1):
        if seed % SHARES == share:
            yield seed
