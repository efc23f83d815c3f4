"""A simulation in which nothing happens by itself: lanes, webhooks and time move when they are told to, and everything
can be taken back to an earlier moment.

A call may be split: `lane_sends` leaves a lane standing where the platform did its part and the answer is on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from accounts.access import all_merchants
from orders import lanes, waking
from tests.simulation.judge import require
from tests.simulation.moments import Moment, bring_back, keep
from tests.simulation.processes import Process
from tests.simulation.simulation import Simulation
from tests.simulation.stage import Stage
from tests.simulation.wire import Calm, Letters, Wire

ROUNDS = 30
LONGEST = 100.0


class Here:
    """This thread's connection, where a bell has one of its own."""

    def connection(self) -> Any:
        """Inside a transaction."""
        return connection.connection


class NotPossible(Exception):
    """This cannot be done now."""


class Led(Simulation):
    """`held` is the process whose call was carried out and not answered yet."""

    wire: Wire

    def __init__(self, *, stage: Stage, platform: str) -> None:
        super().__init__(seed=0, stage=stage)
        self.platform = platform
        self.crash_rate = self.stop_rate = 0.0
        self.random = Calm()
        self.poll_seconds = 300
        self.post = self.world.outgoing = self.letters = Letters(self.world)
        self.network = self.wire = Wire(
            app=stage.app, random=Calm(), say=self.say, on_create=self.judge.on_create, is_quick=True
        )
        self.lane_of = {"TikTok": stage.source.pk, "store": stage.store_of(platform).pk}
        self.teller_of = {"TikTok": "tiktok_shop", "store": platform}
        self.held: Process | None = None
        self.is_sending, self.effects_before = False, 0
        self.order_id = ""

    def say(self, text: str) -> None:
        """Nobody listens: a sequence tells it all."""

    # To and fro

    def moment(self, rows: dict[str, str]) -> Moment:
        """As it is."""
        kept = self.bought[self.order_id]
        return keep(rows, self.world, self.post, own=(dict(kept.shipped), list(self.network.moments)))

    def back_to(self, moment: Moment) -> None:
        """As it was."""
        if self.held is not None:
            self.kill()
        bring_back(moment, self.world, self.post)
        shipped, moments = moment.own
        self.bought[self.order_id].shipped = dict(shipped)
        self.network.moments = list(moments)
        self.wire.next_create, self.errors.found = "", ""
        self.now()

    # Lanes

    def lane_works(self, lane: str) -> None:
        """The webhooks that wait for it arrive, and all that is due there is done."""
        self.letters.deliver_of(self.teller_of[lane], self._receive)
        fence = self._fence(self.lane_of[lane])
        self.effects_before = len(self.world.ledger)
        self.run_process(f"lane {lane}", lambda: self._drain(self.lane_of[lane], fence))

    def lane_sends(self, lane: str) -> None:
        """Until the first call that changes something was carried out; the rest waits for its answer."""
        if self.held is not None:
            raise NotPossible
        self.is_sending = True
        try:
            self.lane_works(lane)
        finally:
            self.is_sending = False
        if self.held is None:
            raise NotPossible

    def answer_arrives(self) -> None:
        """And its lane goes on."""
        self._let_go()

    def answer_is_lost(self) -> None:
        """And its lane goes on."""
        self.wire.unheard = self.held
        self._let_go()

    def worker_dies(self) -> None:
        """Before it writes down what the call brought."""
        if self.held is None:
            raise NotPossible
        self.kill()

    def kill(self) -> None:
        """The process whose call is under way does nothing more."""
        assert self.held is not None
        self.held.is_dead = True
        self._let_go()

    def _let_go(self) -> None:
        if self.held is None:
            raise NotPossible
        process, self.held = self.held, None
        process.go_on()
        self._file(process)

    def on_point(self, process: Process, point: str, may_stop: bool) -> str:
        """Where a lane is to stand still."""
        has_changed = len(self.world.ledger) > self.effects_before
        if not (self.is_sending and may_stop and has_changed and point == "after a call"):
            return "on"
        self.is_sending = False
        return "stop"

    def _file(self, process: Process) -> None:
        if process.is_stopped:
            self.held = process
        else:
            self.idle.append(process)

    def _fence(self, store_id: int) -> int:
        """Of this lane, leased for us; others that are due wait."""
        woken: list[tuple[int, int]] = []
        lanes.dispatch(now=self.now(), wake=woken.extend)
        for each, fence in woken:
            if each != store_id:
                lanes.give_back(store_id=each, fence=fence)
        found = dict(woken).get(store_id)
        if found is None:
            raise NotPossible
        return found

    # Everything goes its way

    def work_on(self, *, look: Callable[[], bool] = lambda: False) -> bool:
        """Webhooks come in and lanes are drained until nothing is due, or `look`, asked after each, says that it is
        enough; whether it did. Raises Broken when that never is so."""
        for _ in range(ROUNDS):
            is_busy = self.post.deliver(self._receive) > 0
            woken: list[tuple[int, int]] = []
            lanes.dispatch(now=self.now(), wake=woken.extend)
            for place, (store_id, fence) in enumerate(sorted(woken)):
                self.run_process(f"lane {store_id}", lambda s=store_id, f=fence: self._drain(s, f))  # type: ignore[misc]
                if place == len(woken) - 1 and look():
                    return True
            if not is_busy and not woken:
                return False
        require(False, "the lanes do not come to rest")
        return False

    def pass_working(self, seconds: float, *, look: Callable[[], bool] = lambda: False) -> bool:
        """So much time, in which everything due is done at once; `look` as in `work_on`."""
        ends_at = self.world.now() + seconds
        while not self.work_on(look=look):
            left = ends_at - self.world.now()
            if left <= 0:
                return False
            self.wait(min(left, self._idle_for()))
        return True

    def _idle_for(self) -> float:
        """Seconds until something of ours falls due; the platforms have moments of their own."""
        with all_merchants("a test looks"):
            found = waking.look(bell=Here(), now=self.now())  # type: ignore[arg-type]
        due = [found.next_at.timestamp()] if found.next_at else []
        return max(0.01, min([*(at - self.world.now() for at in [*due, *self.network.moments]), LONGEST]))
