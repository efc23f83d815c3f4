"""`python -m proof`: break everything, judge from the other side, print the table. `make proof` calls this."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from demo.processes import ROOT, DemoFailed
from proof import options, ours, plan, rows
from proof.clocks import Early
from proof.drill import Drill, drill
from proof.events import compare
from proof.inbox import Flood, flood
from proof.installation import Installation, installed
from proof.ledger import Ledger
from proof.options import Options
from proof.plan import Storm
from proof.storm import Outcome, weather
from proof.table import Row, drawn

KEPT = ROOT / ".var" / "proof"
R1_GOAL = "0 lost, 0 doubled, 0 unrecorded, settled within 60 s of the last fault"
R2_GOAL = "0 doubled; what nothing can decide is parked with a plain reason"


@dataclass(slots=True)
class Findings:
    """What all parts came to, so far."""

    storms: dict[str, list[Outcome]] = field(default_factory=dict)
    events: tuple[Outcome, int, int] | None = None
    inbox: Flood | None = None
    clocks: Early | None = None
    drill: Drill | None = None
    repeats: list[str] = field(default_factory=list)


class Proof:
    """One run, from the first program to the table."""

    def __init__(self, wanted: Options) -> None:
        self.wanted = wanted
        self.began = time.monotonic()
        self.found = Findings()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def run(self) -> int:
        """0 when every promise that was tried was held."""
        wanted, clocks = self.wanted, None
        try:
            if wanted.has("R6"):
                clocks = _start_clocks(wanted)
            for number, seed in enumerate(wanted.seeds):
                is_last = number == len(wanted.seeds) - 1
                if wanted.has("R1", "R2", "R5") or (is_last and wanted.has("R3", "R4", "R7")):
                    self._with_seed(seed, is_last=is_last)
            if clocks is not None:
                self.say("waiting for the clocks of R6") if clocks.poll() is None else None
                self.found.clocks = Early(**json.loads(clocks.communicate()[0]))
        finally:
            if clocks is not None:
                clocks.kill()
        return self._conclude()

    def _with_seed(self, seed: int, *, is_last: bool) -> None:
        wanted = self.wanted
        folder = Path(tempfile.mkdtemp(prefix="verisync-proof-"))
        self.say(f"seed {seed}")
        with installed(folder=folder, hold=wanted.hold, poll=wanted.poll, groups=2, say=self.say) as here:
            ledger = Ledger(here.ledger_file)
            try:
                if wanted.has("R1") or (wanted.has("R5") and not wanted.has("R2")):
                    self._storm(here, ledger, wanted.broken_calls(), seed)
                if wanted.has("R2"):
                    self._storm(here, ledger, wanted.late_calls(), seed)
                if is_last:
                    self._once(here, ledger, seed)
            except (DemoFailed, psycopg.Error):
                _keep_files(here, f"seed-{seed}-stopped")
                raise

    def _storm(self, here: Installation, ledger: Ledger, storm: Storm, seed: int) -> Outcome:
        self.say(f"{storm.name}: {storm.orders} orders in {storm.seconds:.0f} s")
        made = plan.draw(storm=storm, seed=seed)
        longest, patience = self.wanted.longest, self.wanted.patience
        outcome = weather(here=here, ledger=ledger, plan=made, longest=longest, patience=patience, say=self.say)
        is_broken = not outcome.verdict.is_clean or outcome.settled_after is None
        if is_broken or outcome.is_late:
            repeat = self.wanted.command(seed=seed, only=storm.name)
            self.found.repeats.append(repeat)
            self._tell(outcome)
        if is_broken or outcome.is_late or self.wanted.keep:
            _keep(here, f"seed-{seed}-{storm.name}", outcome)
        if storm.name != "R3":
            self.found.storms.setdefault(storm.name, []).append(outcome)
        settled = "not settled" if outcome.settled_after is None else f"settled after {outcome.settled_after:.0f} s"
        self.say(f"{storm.name} with seed {seed}: {'BROKEN' if is_broken else 'clean'}, {settled}")
        return outcome

    def _once(self, here: Installation, ledger: Ledger, seed: int) -> None:
        """What needs no second seed."""
        wanted = self.wanted
        if wanted.has("R3"):
            outcome = self._storm(here, ledger, wanted.scattered_events(), seed)
            self.found.events = (outcome, *compare(here=here, ledger=ledger, outcome=outcome))
        if wanted.has("R7"):
            self.say("R7: workers die and sleep with calls under way")
            self.found.drill = drill(here=here, ledger=ledger, patience=wanted.patience, say=self.say)
            _keep_drill(self.found.drill, self.say)
        if wanted.has("R4"):
            self.say(f"R4: {wanted.webhooks:,} webhooks while web server and PostgreSQL are killed")
            self.found.inbox = flood(
                here=here,
                wanted=wanted.webhooks,
                web_kills=8 if wanted.is_full else 2,
                database_kills=4 if wanted.is_full else 2,
                seed=seed,
                say=self.say,
            )

    def _tell(self, outcome: Outcome) -> None:
        for name, texts in outcome.verdict.wrongs.items():
            for text in texts[:5]:
                print(f"           {name}: {text}", flush=True)
        for text in outcome.verdict.lost_stores:
            print(f"           not spoken to any more: {text}", flush=True)

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
        if found.clocks is not None:
            table.append(rows.of_clocks(found.clocks, storms))
        if found.drill is not None:
            table.append(rows.of_drill(found.drill, storms))
        return table


def _start_clocks(wanted: Options) -> subprocess.Popen[str]:
    """R6's process, which gives way to all others."""
    return subprocess.Popen(
        [sys.executable, "-m", "proof.clocks", str(wanted.clock_orders), str(wanted.seeds[0])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.nice(10),
    )


def _keep(here: Installation, name: str, outcome: Outcome) -> None:
    """What a person needs to understand it: the ledger, the logs, every wrong, our rows of them and of the latest."""
    target = _keep_files(here, name)
    wrongs = {kind: texts for kind, texts in outcome.verdict.wrongs.items() if texts}
    (target / "wrongs.json").write_text(json.dumps(wrongs, indent=1))
    order_ids = {text.split()[0] for texts in wrongs.values() for text in texts[:20]} | set(outcome.latest[:20])
    rows = ours.told(here.tables, order_ids=sorted(order_ids))
    (target / "rows.json").write_text(json.dumps(rows, indent=1, default=str))
    print(f"           kept in {target.relative_to(ROOT)}", flush=True)


def _keep_files(here: Installation, name: str) -> Path:
    target = KEPT / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(here.programs.logs, target / "logs")
    for file in (here.ledger_file, here.site.folder / "postgres.log"):
        shutil.copy(file, target)
    return target


def _keep_drill(found: Drill, say: Any) -> None:
    for text in [*found.written, *(text for texts in found.verdict.wrongs.values() for text in texts)][:10]:
        say(f"R7: {text}")


def main() -> int:
    wanted = options.read()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return Proof(wanted).run()
    except (DemoFailed, psycopg.Error) as error:
        print(f"\nThe proof stops: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a signal handler
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
