"""One order of one shop and the one store that it goes to, led step by step: what anybody may do, at any moment.

A call may be split: `sends` leaves a lane standing where the platform did its part and the answer is still on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from accounts.access import all_merchants, merchant_rows
from orders import answering, lanes
from orders.models import Cancellation, CancellationStatus, Lane, Order
from sandbox.tiktok_shop.reasons import PACKED
from sandbox.world import ControlError
from tests.simulation.judge import Bought, require
from tests.simulation.moments import Moment, bring_back, keep
from tests.simulation.processes import Process
from tests.simulation.simulation import Simulation
from tests.simulation.stage import SHOP, Stage
from tests.simulation.wire import Calm, Letters, Wire

SKU = {"shopify": "CND-FIG-08", "amazon": "TIN-LAV-04", "wix": "CND-SEA-08", "squarespace": "ACC-TRM-BR"}
PARCEL = {"amazon": ("AMZN_US", "TBA303000000001")}
FAR = 10**8
ROUNDS = 30


class NotPossible(Exception):
    """This cannot be done now."""


class OneOrder(Simulation):
    """Nothing happens by itself. `held` is the process whose call was carried out and not answered yet."""

    wire: Wire

    def __init__(self, *, stage: Stage, platform: str) -> None:
        super().__init__(seed=0, stage=stage)
        self.platform = platform
        self.crash_rate = self.stop_rate = 0.0
        self.random = Calm()
        self.poll_seconds = 300
        self.post = self.world.outgoing = Letters(self.world)
        self.network = self.wire = Wire(
            app=stage.app, random=Calm(), say=self.say, on_create=self.judge.on_create, is_quick=True
        )
        self.lane_of = {"TikTok": stage.source.pk, "store": stage.store_of(platform).pk}
        self.held: Process | None = None
        self.is_sending, self.effects_before = False, 0
        self.is_told = False
        self.order_id = ""

    def say(self, text: str) -> None:
        """Only where somebody listens."""
        if self.is_told:
            super().say(text)

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

    # How it begins

    def buy(self) -> None:
        """Bought, known to us, its hold just over at TikTok Shop; nobody told us that."""
        self.work_on()
        lines = [{"sku": SKU[self.platform], "quantity": 2}]
        answer = self.people.control("buy", shop=SHOP, lines=lines, buyer=0)
        self.order_id = answer["order_id"]
        self.bought[self.order_id] = Bought(self.order_id, {SKU[self.platform]: 2}, is_held=True)
        self.work_on()
        with all_merchants("other stores' lanes stand still"):
            others = Lane.objects.exclude(store__in=self.lane_of.values())
            others.update(poll_at=self._in(FAR))
            Lane.objects.filter(store__in=self.lane_of.values()).update(poll_at=self._in(3605 + self.poll_seconds))
        self.wait(3605)

    def mirror(self) -> None:
        """Bought, and in the store."""
        self.buy()
        self.pass_working(70)

    def deliver(self) -> None:
        """Bought, shipped, and with the buyer."""
        self.mirror()
        self.store_ships()
        self.pass_working(400)
        for verb in ("in_transit", "deliver"):
            self._control(f"tiktok_shop/{verb}", order_id=self.order_id)
            self.pass_working(10)

    # People

    def buyer_asks(self) -> None:
        """To cancel, which the seller has to answer."""
        self._control("tiktok_shop/buyer_cancel", order_id=self.order_id)

    def tiktok_cancels(self) -> None:
        """By itself, whoever asks for what."""
        self._control("tiktok_shop/system_cancel", order_id=self.order_id)

    def tiktok_refunds(self) -> None:
        """One more unit, without goods coming back."""
        tiktok = self.world.halves["tiktok_shop"].snapshot()
        refunded = {line["order_line_item_id"] for each in tiktok["returns"] for line in each["return_line_items"]}
        left = [line["id"] for line in self.judge.tiktok(self.order_id).lines if line["id"] not in refunded]
        if not left:
            raise NotPossible
        self._control("tiktok_shop/platform_refund", order_id=self.order_id, line_ids=left[:1])

    def store_ships(self) -> None:
        """All of it, once."""
        there, kept = self.there(), self.bought[self.order_id]
        if there is None or there["is_cancelled"] or kept.shipped:
            raise NotPossible
        carrier, number = PARCEL.get(self.platform, ("USPS", "9400111899562537866361"))
        said = {"shop": there["shop"], "order": there["name"], "tracking_number": number, "carrier": carrier}
        self._control(f"{self.platform}/ship", **said)
        kept.shipped[number] = self.platform

    def store_cancels(self) -> None:
        """The merchant does, in the store's own pages."""
        there = self.there()
        if there is None or there["is_cancelled"] or self.bought[self.order_id].shipped:
            raise NotPossible
        self._control(f"{self.platform}/cancel", shop=there["shop"], order=there["name"])

    def owner_answers(self, *, accepts: bool) -> None:
        """The request that is open, as we know it."""
        with merchant_rows(self.stage.merchant_id):
            asked = Cancellation.objects.filter(status=CancellationStatus.REQUESTED, is_request=True, answer="").first()
            if asked is None:
                raise NotPossible
            answering.answer_cancellation(
                cancellation=asked, accepts=accepts, by="Alice", reason="" if accepts else PACKED, now=self.now()
            )

    def _control(self, path: str, **body: Any) -> None:
        try:
            self.stage.control(path, **body)
        except ControlError as error:
            raise NotPossible(str(error)) from error
        self.say(path)
        self.wait(1)

    # Webhooks, polls, time

    def webhooks_arrive(self) -> None:
        """All that wait, in the order in which they were sent."""
        if not self.post.letters:
            raise NotPossible
        self.post.deliver(self._receive)

    def webhooks_are_lost(self) -> None:
        """All that wait."""
        if not self.post.letters:
            raise NotPossible
        self.post.letters = []

    def poll_is_due(self, lane: str) -> None:
        """The hour of this lane's poll has come."""
        with all_merchants("a test moves a poll"):
            if not Lane.objects.filter(store=self.lane_of[lane], poll_at__gt=self.now()).update(poll_at=self.now()):
                raise NotPossible

    def minute_passes(self) -> None:
        """And nobody works: leases end, and what was cut off is carried out."""
        self.wait(61)

    # Lanes

    def lane_works(self, lane: str) -> None:
        """All that is due there."""
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

    def create_is_cut_off(self, kind: str) -> None:
        """The store's lane works, and hears nothing of its create: it is carried out later, or never."""
        if self.held is not None or self.there() is not None:
            raise NotPossible
        self.wire.next_create = kind
        self.lane_works("store")
        if self.wire.next_create:
            self.wire.next_create = ""
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

    def work_on(self) -> None:
        """Webhooks come in and lanes are drained until nothing is due. Raises Broken when that never is so."""
        for _ in range(ROUNDS):
            is_busy = self.post.deliver(self._receive) > 0
            woken: list[tuple[int, int]] = []
            lanes.dispatch(now=self.now(), wake=woken.extend)
            for store_id, fence in sorted(woken):
                self.run_process(f"lane {store_id}", lambda s=store_id, f=fence: self._drain(s, f))  # type: ignore[misc]
            if not is_busy and not woken:
                return
        require(False, "the lanes do not come to rest")

    def pass_working(self, seconds: float, *, look: Callable[[], None] = lambda: None) -> None:
        """So much time, in which everything due is done at once; `look` is called after each bit of it."""
        self.work_on()
        ends_at = self.world.now() + seconds
        step = 1.0
        while (left := ends_at - self.world.now()) > 0:
            self.wait(min(step, left))
            self.work_on()
            look()
            step = min(20.0, step * 2)

    # What there is

    def there(self) -> dict[str, Any] | None:
        """The order as the store has it."""
        return next(iter(self.world.halves[self.platform].snapshot()["orders"]), None)

    def here(self) -> Order:
        """The order as we have it."""
        with all_merchants("a test looks"):
            return Order.objects.get(external_id=self.order_id)

    def _in(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)
