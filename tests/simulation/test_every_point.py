"""One order, and one process that dies or stands still at each point of its work in turn. Nothing is drawn."""

from __future__ import annotations

import pytest

from orders import outbox
from tests.simulation.judge import Bought
from tests.simulation.processes import Process
from tests.simulation.simulation import Simulation
from tests.simulation.stage import SHOP, Stage

AWAY = 2.5 * outbox.LEASE.total_seconds()
NUMBER = "9400111899562537800001"


class Scripted(Simulation):
    """The first process that drains this store's lane, once it is watched, suffers `what` at its point `at`, counted
    from the guard's reading on: what comes before it changes nothing at any platform."""

    def __init__(self, *, stage: Stage, platform: str, what: str, at: int) -> None:
        super().__init__(seed=0, stage=stage)
        self.network.fault_rate = self.crash_rate = self.stop_rate = self.post.lost = 0.0
        self.poll_seconds = 100_000
        self.prefix = f"lane {stage.store_of(platform).pk}/"
        self.what, self.at = what, at
        self.points, self.is_watching, self.has_happened = 0, False, False

    def on_point(self, process: Process, point: str, may_stop: bool) -> str:
        """Counts the points."""
        if not self.is_watching or self.has_happened or not process.name.startswith(self.prefix):
            return "on"
        if not process.reads:
            return "on"
        if self.what == "stop" and not may_stop:
            return "on"
        self.points += 1
        if self.points < self.at:
            return "on"
        self.has_happened = True
        self.say(f"{process.name}: {self.what} {point}")
        return self.what

    def _file(self, process: Process) -> None:
        if process.is_stopped:
            self.stopped.append((self.world.now() + AWAY, process))
        else:
            self.idle.append(process)

    def live(self, *, watched: str) -> None:
        """A purchase, its create and its parcel; the process is watched in one of these steps."""
        self.work()
        answer = self.people.control("buy", shop=SHOP, lines=[{"sku": "CND-FIG-08", "quantity": 1}], buyer=0)
        kept = Bought(answer["order_id"], {"CND-FIG-08": 1}, is_held=True)
        self.bought[kept.order_id] = kept
        self.work()
        self.is_watching = watched == "create"
        self.wait(3605)
        self.pass_slowly()
        self.is_watching = watched == "parcel"
        (order,) = self.world.halves["shopify"].snapshot()["orders"]
        ship = {"shop": order["shop"], "order": order["name"], "tracking_number": NUMBER, "carrier": "USPS"}
        self.stage.control("shopify/ship", **ship)
        kept.shipped[NUMBER] = "shopify"
        self.pass_slowly()
        self.is_watching = False
        self.settle()
        self.judge.at_the_end()

    def pass_slowly(self) -> None:
        """Long enough that others take over; whoever stood still goes on in the midst of it."""
        for _ in range(3):
            self.work()
            self.wait(AWAY / 2 + 1)


class TestProcess:
    @pytest.mark.parametrize("what", ["stop", "crash"])
    @pytest.mark.parametrize(("watched", "platform"), [("create", "shopify"), ("parcel", "tiktok_shop")])
    def test_may_be_away_from_any_point_on(self, stage: Stage, what: str, watched: str, platform: str) -> None:
        at = 0
        while True:
            at += 1
            simulation = Scripted(stage=stage, platform=platform, what=what, at=at)
            with simulation.on_machine():
                simulation.live(watched=watched)
            if not simulation.has_happened:
                break
        assert at > 5
