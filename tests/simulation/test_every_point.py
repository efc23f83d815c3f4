"""One order, and one process that dies or stands still at each point of its work in turn. Nothing is drawn.

EVERY_POINT=1 make test ARGS=tests/simulation/test_every_point.py     leaves none out
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from accounts.access import merchant_rows
from orders import outbox
from orders.models import HoldMode, Route
from tests.simulation.judge import Bought
from tests.simulation.processes import Process
from tests.simulation.simulation import Simulation
from tests.simulation.stage import SHOP, Stage

AWAY = 2.5 * outbox.LEASE.total_seconds()
STRIDE = 6  # in the suite, for time
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
        self.effects: list[int] = []  # what the platforms' ledger held at each point

    def on_point(self, process: Process, point: str, may_stop: bool) -> str:
        """Counts the points."""
        if not self.is_watching or self.has_happened or not process.name.startswith(self.prefix):
            return "on"
        if not self.counts(process):
            return "on"
        if self.what == "stop" and not may_stop:
            return "on"
        self.points += 1
        self.effects.append(len(self.world.ledger))
        if self.points < self.at:
            return "on"
        self.has_happened = True
        self.say(f"{process.name}: {self.what} {point}")
        return self.what

    def counts(self, process: Process) -> bool:
        """Whether its points count from now on."""
        return bool(process.reads)

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


class KeptBack(Scripted):
    """The order goes to Shopify at once, is kept back there, and goes to another location once it is let go."""

    def __init__(self, **said: Any) -> None:
        super().__init__(platform="shopify", **said)
        self.network.on_create = lambda *_: None  # the judge lets nothing go to a store on hold
        shop = next(iter(self.world.halves["shopify"].state.shops.values()))  # type: ignore[attr-defined]
        _, self.annex = shop.locations

    def counts(self, process: Process) -> bool:
        """From the first on."""
        return True

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """The route, as long as it lasts."""
        with merchant_rows(self.stage.merchant_id):
            route = Route.objects.filter(destination_store=self.stage.store_of("shopify"))
            route.update(hold_mode=HoldMode.AT_ONCE, rules={"default_location": self.annex})
        try:
            yield
        finally:
            with merchant_rows(self.stage.merchant_id):
                route.update(hold_mode=HoldMode.AFTER_HOLD, rules={})

    def live(self, *, watched: str) -> None:
        """A purchase, kept back, and let go after its hour, or in the midst of it; the process is watched meanwhile."""
        self.work()
        with self.at_once():
            answer = self.people.control("buy", shop=SHOP, lines=[{"sku": "CND-FIG-08", "quantity": 1}], buyer=0)
            self.bought[answer["order_id"]] = Bought(answer["order_id"], {"CND-FIG-08": 1}, is_held=True)
            self.is_watching = watched in ("keep back", "overtaken")
            self.work()
            if watched == "overtaken":
                self.people.control("end_hold", order_id=answer["order_id"])
            self.pass_slowly()
            if watched != "overtaken":
                self.is_watching = watched == "let go"
                there = self.there()
                assert (there["is_on_hold"], there["financial_status"]) == (True, "PENDING"), there
                assert there["shipping_address"] is None
            self.wait(3605)
            self.pass_slowly()
            self.is_watching = False
            self.settle()
        self.judge.at_the_end()
        there = self.there()
        assert (there["is_on_hold"], there["financial_status"], there["location"]) == (False, "PAID", self.annex), there
        assert there["shipping_address"]["zip"]

    def there(self) -> dict[str, Any]:
        """The one order that Shopify has."""
        (order,) = self.world.halves["shopify"].snapshot()["orders"]
        return dict(order)


class TestOrderThatIsKeptBack:
    @pytest.mark.parametrize("what", ["stop", "crash"])
    @pytest.mark.parametrize("watched", ["keep back", "overtaken", "let go"])
    def test_comes_to_the_same_whatever_point_its_process_ends_at(self, stage: Stage, what: str, watched: str) -> None:
        stride = 1 if os.environ.get("EVERY_POINT") else STRIDE
        for at in count(1, stride):
            simulation = KeptBack(stage=stage, what=what, at=at)
            with simulation.on_machine():
                simulation.live(watched=watched)
            if not simulation.has_happened:
                break
        assert at > 5


class TestProcess:
    @pytest.mark.parametrize("what", ["stop", "crash"])
    @pytest.mark.parametrize(("watched", "platform"), [("create", "shopify"), ("parcel", "tiktok_shop")])
    def test_may_be_away_from_any_point_on(self, stage: Stage, what: str, watched: str, platform: str) -> None:
        stride = 1 if os.environ.get("EVERY_POINT") else STRIDE
        for at in count(1, stride):
            if not lead(stage, platform=platform, watched=watched, what=what, at=at).has_happened:
                break
        assert at > 5

    @pytest.mark.parametrize(("watched", "platform"), [("create", "shopify"), ("parcel", "tiktok_shop")])
    def test_may_stand_still_right_after_its_mark(self, stage: Stage, watched: str, platform: str) -> None:
        """Seed 9: it counted the time that it had for sending from when it woke up, and made a second order."""
        undisturbed = lead(stage, platform=platform, watched=watched, what="stop", at=1_000)
        effects = undisturbed.effects
        sent_at = next(place for place, held in enumerate(effects) if held > effects[0])
        assert lead(stage, platform=platform, watched=watched, what="stop", at=sent_at).has_happened


def lead(stage: Stage, *, platform: str, watched: str, what: str, at: int) -> Scripted:
    """One life of one order."""
    simulation = Scripted(stage=stage, platform=platform, what=what, at=at)
    with simulation.on_machine():
        simulation.live(watched=watched)
    return simulation
