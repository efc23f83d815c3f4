"""One order of one shop and the one store that it goes to: how its story begins, and what anybody may do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.access import all_merchants, merchant_rows
from orders import answering
from orders.models import Cancellation, CancellationStatus, Lane, Order
from sandbox.tiktok_shop.reasons import PACKED
from sandbox.world import ControlError
from tests.simulation.judge import Bought
from tests.simulation.led import Led, NotPossible
from tests.simulation.stage import SHOP

SKU = {"shopify": "CND-FIG-08", "amazon": "TIN-LAV-04", "wix": "CND-SEA-08", "squarespace": "ACC-TRM-BR"}
PARCEL = {"amazon": ("AMZN_US", "TBA303000000001")}
HOLD = 3605.0
FAR = timedelta(days=1000)


class OneOrder(Led):
    """What people do about it, and what is to be seen of it."""

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
        self.wait(1)

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
