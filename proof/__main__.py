"""`python -m proof`: break everything, judge from the other side, print the table. `make proof` calls this."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack
from functools import partial

import psycopg

from demo.processes import DemoFailed
from proof import options, rows
from proof.beside import Beside, interrupt
from proof.clocks import Early, early_releases
from proof.options import Options
from proof.side import Findings, Side
from proof.table import Row, drawn

R1_GOAL = "0 lost, 0 doubled, 0 unrecorded, settled within 60 s of the last fault"
R2_GOAL = "0 doubled; what nothing can decide is parked with a plain reason"


class Proof:
    """One run, from the first program to the table."""

    def __init__(self, wanted: Options) -> None:
        self.wanted = wanted
        self.began = time.monotonic()
        self.found = Findings()
        self.early: Early | None = None

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def run(self) -> int:
        """0 when every promise that was tried was held. Raises DemoFailed and psycopg.Error."""
        sides = [Side(wanted=self.wanted, promises=each, began=self.began) for each in self.wanted.sides]
        with ExitStack() as stack:
            clocks = stack.enter_context(Beside("R6", self._clocks())) if self.wanted.has("R6") else None
            others = [stack.enter_context(Beside(", ".join(side.promises), side.run)) for side in sides[1:]]
            for side in sides[:1]:
                self.found.add(side.run())
            for other in others:
                self.found.add(other.found())
            if clocks is not None:
                self.say("waiting for the clocks of R6") if not clocks.is_done else None
                self.early = clocks.found()
        return self._conclude()

    def _clocks(self) -> partial[Early]:
        return partial(early_releases, orders=self.wanted.clock_orders, seed=self.wanted.seeds[0])

    def _conclude(self) -> int:
        table = self._rows()
        print(f"\n{drawn(table)}")
        print(f"\nTook {time.monotonic() - self.began:.0f} s.", flush=True)
        for repeat in self.found.repeats:
            print(f"To repeat what broke: {repeat}")
        return 0 if all(row.is_held for row in table) else 1

    def _rows(self) -> list[Row]:
        wanted, found = self.wanted, self.found
        storms = [outcome for outcomes in found.storms.values() for outcome in outcomes]
        table = [
            rows.of_storms(name, found.storms[name], goal=goal)
            for name, goal in (("R1", R1_GOAL), ("R2", R2_GOAL))
            if wanted.has(name) and name in found.storms
        ]
        if found.events is not None:
            outcome, differing, unheard = found.events
            table.append(rows.of_events(outcome, differing=differing, unheard=unheard))
        if found.inbox is not None:
            table.append(rows.of_inbox(found.inbox))
        if wanted.has("R5") and storms:
            table.append(rows.of_aftersales(storms))
        if self.early is not None:
            table.append(rows.of_clocks(self.early, storms))
        if found.drill is not None:
            table.append(rows.of_drill(found.drill, storms))
        return table


def main() -> int:
    wanted = options.read()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        return Proof(wanted).run()
    except (DemoFailed, psycopg.Error) as error:
        print(f"\nThe proof stops: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
