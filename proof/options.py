"""How much is done: some minutes by default, or the whole table of the goals."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from proof import faults
from proof.plan import Blow, Storm

PROMISES = ("R1", "R2", "R3", "R4", "R5", "R6", "R7")
BESIDE = (("R2",), ("R7", "R3", "R4"))  # beside R1; R4 last: it leaves thousands of webhooks behind


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, with every default filled in."""

    size: int
    seeds: tuple[int, ...]
    only: tuple[str, ...]
    share: float
    kills: int
    database_kills: int
    hold: int
    poll: int
    longest: float
    patience: float
    webhooks: int
    clock_orders: int
    silence: float
    rate: float
    keep: bool
    is_full: bool

    def command(self, *, seed: int, only: str) -> str:
        """What repeats one part with one seed."""
        full = "--full --seeds 1 " if self.is_full else ""
        size = f"--size {self.size} --share {self.share:g} --kills {self.kills} --database-kills {self.database_kills}"
        return f".venv/bin/python -m proof {full}{size} --seed {seed} --only {only}"

    def has(self, *names: str) -> bool:
        """Whether any of these promises is to be tried."""
        return any(name in self.only for name in names)

    @property
    def sides(self) -> list[tuple[str, ...]]:
        """What is tried in an installation, in the order of trying; the installations stand beside each other, since
        most of the time is spent waiting for what is sure only later. At full size there is one: it needs the machine.
        """
        storms = ("R1",) if self.has("R1") or (self.has("R5") and not self.has("R2")) else ()  # R5 needs one
        tried = [storms, *(tuple(name for name in part if self.has(name)) for part in BESIDE)]
        return [part for part in ([sum(tried, ())] if self.is_full else tried) if part]

    def broken_calls(self) -> Storm:
        """R1: calls to every platform break in every way, and every program but the sandbox dies."""
        kills, database = self.kills, self.database_kills
        blows = {
            Blow.GROUP: kills,
            Blow.ONE: kills // 4,
            Blow.STOP: kills // 4,
            Blow.WEB: (kills + 1) // 2,
            Blow.DATABASE: database,
        }
        broken = faults.any_call(share=self.share, silence=self.silence) if self.share else ()
        return Storm("R1", self.size, self.size / self.rate, self.hold, broken, blows)

    def late_calls(self) -> Storm:
        """R2: creates are carried out long after their connection broke, and look-ups are blind."""
        orders = self._part(3, 10)
        broken = faults.late_and_blind(share=self.share) if self.share else ()
        return Storm("R2", orders, orders / self.rate, self.hold, broken, {Blow.GROUP: self.kills // 4})

    def scattered_events(self) -> Storm:
        """R3: webhooks come up to five times, in any order, or never."""
        orders = self._part(3, 4)
        broken = faults.scattered(lost=0.05, copies=5, seconds=10)
        return Storm("R3", orders, orders / self.rate, self.hold, broken, {})

    def _part(self, quick: int, full: int) -> int:
        return max(8, self.size // (full if self.is_full else quick))


def parser() -> argparse.ArgumentParser:
    """The options as the command line knows them; what is left out depends on `--full`."""
    made = argparse.ArgumentParser(
        prog="python -m proof", description="Shows that no order is lost or doubled, whatever breaks."
    )
    made.add_argument("--full", action="store_true", help="the whole table: 10,000 orders, 20 seeds; takes hours")
    made.add_argument("--size", type=int, help="orders in the first storm (240; full: 10,000)")
    made.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    made.add_argument("--seeds", type=int, help="how many seeds, one after the other (1; full: 20)")
    made.add_argument("--only", help="which promises, such as R1,R4 (all)")
    made.add_argument("--share", type=float, default=0.2, help="share of calls that break (0.2); 0 breaks none")
    made.add_argument("--kills", type=int, help="how often a worker group is killed (4; full: 8)")
    made.add_argument("--database-kills", type=int, help="how often PostgreSQL is killed (1; full: 2)")
    made.add_argument("--webhooks", type=int, help="webhooks of R4 (3,000; full: 50,000)")
    made.add_argument("--hold", type=int, default=4, help="seconds for which an order is held (4)")
    made.add_argument("--poll", type=int, help="seconds between two looks at each store (5; full: 20)")
    made.add_argument("--rate", type=float, default=8.0, help="orders a second (8)")
    made.add_argument("--longest", type=float, help="seconds a storm may outlast its orders (60; full: 600)")
    made.add_argument("--patience", type=float, help="seconds to settle in, after which it is broken (150; full: 900)")
    made.add_argument("--keep", action="store_true", help="keep logs and ledger also of what was held")
    return made


def read(arguments: list[str] | None = None) -> Options:
    """The command line's options. Ends the program with a word for what makes no sense."""
    made = parser()
    given = made.parse_args(arguments)
    only = tuple(part.strip().upper() for part in given.only.split(",")) if given.only else PROMISES
    if unknown := sorted(set(only) - set(PROMISES)):
        made.error(f"--only knows {', '.join(PROMISES)}, not {', '.join(unknown)}")
    if given.size is not None and given.size < 8:
        made.error("--size must be 8 or more")
    if not 0 <= given.share < 0.9:
        made.error("--share must lie between 0 and 0.9")

    def chosen(value: float | None, quick: float, full: float) -> float:
        return value if value is not None else full if given.full else quick

    return Options(
        size=int(chosen(given.size, 240, 10_000)),
        seeds=tuple(range(given.seed, given.seed + int(chosen(given.seeds, 1, 20)))),
        only=only,
        share=given.share,
        kills=int(chosen(given.kills, 4, 8)),
        database_kills=int(chosen(given.database_kills, 1, 2)),
        hold=given.hold,
        poll=int(chosen(given.poll, 5, 20)),
        longest=chosen(given.longest, 60, 600),
        patience=chosen(given.patience, 150, 900),
        webhooks=int(chosen(given.webhooks, 3_000, 50_000)),
        clock_orders=100_000,
        silence=25.0 if given.full else 3.0,
        rate=given.rate,
        keep=given.keep,
        is_full=given.full,
    )
