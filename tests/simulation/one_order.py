"""One order of one shop and the one store that it goes to: how its story begins, and what anybody may do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.access import all_merchants
from orders.models import Lane, Order
from tests.simulation.after_sale import AfterSale
from tests.simulation.judge import Bought
from tests.simulation.led import NotPossible
from tests.simulation.stage import SHOP

SKU = {"shopify": "CND-FIG-08", "amazon": "TIN-LAV-04", "wix": "CND-SEA-08", "squarespace": "ACC-TRM-BR"}
PARCEL = {"amazon": ("AMZN_US", "TBA303000000001")}
HOLD = 3605.0
FAR = timedelta(days=1000)


class OneOrder(AfterSale):
    """How it begins, what its store and time do about it, and what is to be seen of it."""

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
            lanes_here = Lane.objects.filter(store__in=self.lane_of.values())
            lanes_here.update(poll_at=self.now() + timedelta(seconds=HOLD + self.poll_seconds))
            Lane.objects.exclude(store__in=self.lane_of.values()).update(poll_at=self.now() + FAR)
        self.wait(HOLD)

    def release(self) -> None:
        """Bought, and released: its create is due."""
        self.buy()
        self.lane_works("TikTok")

    def mirror(self) -> None:
        """Bought, and in the store."""
        self.buy()
        self.pass_working(70)

    def want_money(self) -> None:
        """Bought and released, and money for one unit is asked back before its create; nobody told us that."""
        self.release()
        self.buyer_wants_money(some=True)

    def deliver(self) -> None:
        """Bought, shipped, and with the buyer."""
        self.mirror()
        self.store_ships()
        self.pass_working(400)
        for verb in ("in_transit", "deliver"):
            self.control(verb)
            self.pass_working(10)

    def send_back(self) -> None:
        """Bought, shipped, delivered, and one unit of it on its way back."""
        self.deliver()
        self.buyer_returns()
        for _ in ("granted", "handed over"):
            self.return_goes_on()
            self.pass_working(10)

    # The store

    def store_ships(self) -> None:
        """All of it, once."""
        there, kept = self.there(), self.bought[self.order_id]
        if there is None or there["is_cancelled"] or kept.shipped:
            raise NotPossible
        carrier, number = PARCEL.get(self.platform, ("USPS", "9400111899562537866361"))
        said = {"shop": there["shop"], "order": there["name"], "tracking_number": number, "carrier": carrier}
        self.act(f"{self.platform}/ship", **said)
        kept.shipped[number] = self.platform

    def store_cancels(self) -> None:
        """The merchant does, in the store's own pages."""
        there = self.there()
        if there is None or there["is_cancelled"] or self.bought[self.order_id].shipped:
            raise NotPossible
        self.act(f"{self.platform}/cancel", shop=there["shop"], order=there["name"])

    # Webhooks, polls, time

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

    def create_is_cut_off(self, kind: str) -> None:
        """The store's lane works, and hears nothing of its create: it is carried out later, or never."""
        if self.held is not None or self.there() is not None:
            raise NotPossible
        self.wire.next_create = kind
        self.lane_works("store")
        if self.wire.next_create:
            self.wire.next_create = ""
            raise NotPossible

    def minute_passes(self) -> None:
        """And nobody works: leases end, and what was cut off is carried out."""
        self.wait(61)

    # What there is

    def there(self) -> dict[str, Any] | None:
        """The order as the store has it."""
        return next(iter(self.world.halves[self.platform].snapshot()["orders"]), None)

    def here(self) -> Order:
        """The order as we have it."""
        with all_merchants("a test looks"):
            return Order.objects.get(external_id=self.order_id)
