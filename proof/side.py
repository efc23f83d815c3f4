"""One installation and the promises that are tried in it, one after the other.

Where several stand beside each other, each is a process of its own: programs end with the thread that started them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from demo.processes import ROOT, DemoFailed
from proof import ours, plan
from proof.drill import Drill, drill
from proof.events import compare
from proof.inbox import Flood, flood
from proof.installation import Installation, installed
from proof.ledger import Ledger
from proof.options import Options
from proof.plan import Storm
from proof.storm import Outcome, weather

KEPT = ROOT / ".var" / "proof"


@dataclass(slots=True)
class Findings:
    """What it came to, so far."""

    storms: dict[str, list[Outcome]] = field(default_factory=dict)
    events: tuple[Outcome, int, int] | None = None
    inbox: Flood | None = None
    drill: Drill | None = None
    repeats: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """What was found in another installation."""
        for name, outcomes in other.storms.items():
            self.storms.setdefault(name, []).extend(outcomes)
        self.events = self.events or other.events
        self.inbox = self.inbox or other.inbox
        self.drill = self.drill or other.drill
        self.repeats += other.repeats


class Side:
    """Tries some of the promises, with every seed. `began` is the monotonic time at which the proof began."""

    def __init__(self, *, wanted: Options, promises: tuple[str, ...], began: float) -> None:
        self.wanted = wanted
        self.promises = promises
        self.began = began
        self.at = promises[0]
        self.found = Findings()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  {self.at}  {text}", flush=True)

    def run(self) -> Findings:
        """All of it. Raises DemoFailed and psycopg.Error where an installation cannot go on."""
        *others, last = self.wanted.seeds
        every_time = tuple(name for name in self.promises if name in ("R1", "R2"))
        for seed in others if every_time else []:
            self._in_one_installation(seed, every_time)
        self._in_one_installation(last, self.promises)
        return self.found

    def _in_one_installation(self, seed: int, promises: tuple[str, ...]) -> None:
        wanted, self.at = self.wanted, promises[0]
        folder = Path(tempfile.mkdtemp(prefix="verisync-proof-"))
        with installed(folder=folder, hold=wanted.hold, poll=wanted.poll, groups=2, say=self.say) as here:
            ledger = Ledger(here.ledger_file)
            try:
                for self.at in promises:
                    self._try(here, ledger, seed)
            except (DemoFailed, psycopg.Error):
                _keep_files(here, f"seed-{seed}-{self.at}-stopped")
                raise

    def _try(self, here: Installation, ledger: Ledger, seed: int) -> None:
        wanted, found = self.wanted, self.found
        match self.at:
            case "R1":
                found.storms.setdefault("R1", []).append(self._storm(here, ledger, wanted.broken_calls(), seed))
            case "R2":
                found.storms.setdefault("R2", []).append(self._storm(here, ledger, wanted.late_calls(), seed))
            case "R3":
                outcome = self._storm(here, ledger, wanted.scattered_events(), seed)
                found.events = (outcome, *compare(here=here, ledger=ledger, outcome=outcome))
            case "R4":
                found.inbox = self._flood(here, seed)
            case "R7":
                found.drill = self._drill(here, ledger)

    def _storm(self, here: Installation, ledger: Ledger, storm: Storm, seed: int) -> Outcome:
        self.say(f"{storm.orders} orders in {storm.seconds:.0f} s")
        made = plan.draw(storm=storm, seed=seed)
        longest, patience = self.wanted.longest, self.wanted.patience
        outcome = weather(here=here, ledger=ledger, plan=made, longest=longest, patience=patience, say=self.say)
        is_broken = not outcome.verdict.is_clean or outcome.settled_after is None
        if is_broken or outcome.is_late:
            self.found.repeats.append(self.wanted.command(seed=seed, only=storm.name))
            self._tell(outcome)
        if is_broken or outcome.is_late or self.wanted.keep:
            self._keep(here, f"seed-{seed}-{storm.name}", outcome)
        settled = "not settled" if outcome.settled_after is None else f"settled after {outcome.settled_after:.0f} s"
        self.say(f"with seed {seed}: {'BROKEN' if is_broken else 'clean'}, {settled}")
        return outcome

    def _flood(self, here: Installation, seed: int) -> Flood:
        webhooks, is_full = self.wanted.webhooks, self.wanted.is_full
        self.say(f"{webhooks:,} webhooks while web server and PostgreSQL are killed")
        kills = {"web_kills": 8 if is_full else 2, "database_kills": 4 if is_full else 2}
        return flood(here=here, wanted=webhooks, **kills, seed=seed, say=self.say)

    def _drill(self, here: Installation, ledger: Ledger) -> Drill:
        self.say("workers die and sleep with calls under way")
        found = drill(here=here, ledger=ledger, patience=self.wanted.patience, say=self.say)
        for text in [*found.written, *(text for texts in found.verdict.wrongs.values() for text in texts)][:10]:
            self.say(text)
        return found

    def _tell(self, outcome: Outcome) -> None:
        for name, texts in outcome.verdict.wrongs.items():
            for text in texts[:5]:
                self.say(f"{name}: {text}")
        for text in outcome.verdict.lost_stores:
            self.say(f"not spoken to any more: {text}")

    def _keep(self, here: Installation, name: str, outcome: Outcome) -> None:
        """What a person needs to understand it: the ledger, the logs, every wrong, our rows of them and of the
        latest."""
        target = _keep_files(here, name)
        wrongs = {kind: texts for kind, texts in outcome.verdict.wrongs.items() if texts}
        (target / "wrongs.json").write_text(json.dumps(wrongs, indent=1))
        order_ids = {text.split()[0] for texts in wrongs.values() for text in texts[:20]} | set(outcome.latest[:20])
        rows = ours.told(here.tables, order_ids=sorted(order_ids))
        (target / "rows.json").write_text(json.dumps(rows, indent=1, default=str))
        self.say(f"kept in {target.relative_to(ROOT)}")


def _keep_files(here: Installation, name: str) -> Path:
    target = KEPT / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(here.programs.logs, target / "logs")
    for file in (here.ledger_file, here.site.folder / "postgres.log"):
        shutil.copy(file, target)
    return target
