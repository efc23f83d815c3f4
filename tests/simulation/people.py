"""What buyers, the seller, the warehouses and the carrier do."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from sandbox.world import ControlError
from tests.simulation.judge import Bought
from tests.simulation.stage import SHOP, STORES, Stage

GOODS = (
    "CND-FIG-08",
    "CND-SEA-08",
    "TPR-BEE-02",
    "CND-AMB-12",
    "TIN-LAV-04",
    "CND-VAN-3W",
    "MLT-SMP-06",
    "ACC-TRM-BR",
)
UNLINKED = "CND-PINE-12"
MOST_ORDERS = 14
ON_THE_WAY = {"AWAITING_COLLECTION": "in_transit", "IN_TRANSIT": "deliver", "DELIVERED": "complete"}


class People:
    """Each `act` is one thing that somebody does; what the platform refuses is not done."""

    def __init__(
        self, *, stage: Stage, random: random.Random, bought: dict[str, Bought], say: Callable[[str], None]
    ) -> None:
        self.stage, self.random, self.bought, self.say = stage, random, bought, say
        self.parcels = 0

    def act(self) -> None:
        """One of them does something."""
        acts = [self.buy, self.cancel, self.pay, self.answer, self.ship, self.carry]
        self.random.choices(acts, [6, 2, 1, 1, 5, 2])[0]()

    def buy(self) -> None:
        """One to three things, sometimes several buyers at once."""
        for _ in range(self.random.choice([1, 1, 2, 4])):
            if len(self.bought) < MOST_ORDERS:
                self._buy_one()

    def _buy_one(self) -> None:
        draw = self.random
        skus = {sku: draw.choice([1, 1, 2]) for sku in draw.sample(GOODS, draw.choice([1, 1, 2, 3]))}
        is_linked = draw.random() > 0.04
        if not is_linked:
            skus = {UNLINKED: 1}
        is_held = draw.random() > 0.2
        more: dict[str, Any] = {}
        if draw.random() < 0.3:
            more["discounts"] = {"seller": draw.choice(["1.11", "3.33", "0.01"])}
        if draw.random() < 0.15:
            more["pay"] = False
        if is_held and draw.random() < 0.2:
            more["hold_seconds"] = draw.choice([5, 1800, 3700, 9000])
        lines = [{"sku": sku, "quantity": count} for sku, count in skus.items()]
        answer = self.control("buy", shop=SHOP, lines=lines, hold=is_held, buyer=draw.randrange(4), **more)
        order_id = answer["order_id"]
        self.bought[order_id] = Bought(order_id, skus, is_held, is_linked)
        self.say(f"{order_id} is bought: {skus} {'held' if is_held else 'not held'} {more}")

    def cancel(self) -> None:
        """The buyer asks, or the seller cancels, at whatever moment."""
        order_id = self._one_of(lambda order: order.status not in ("CANCELLED", "COMPLETED"))
        if order_id:
            verb = self.random.choice(["buyer_cancel", "buyer_cancel", "seller_cancel"])
            self.control(verb, order_id=order_id)

    def pay(self) -> None:
        """A buyer pays late."""
        order_id = self._one_of(lambda order: order.status == "UNPAID")
        if order_id:
            self.control("pay", order_id=order_id)

    def answer(self) -> None:
        """The seller answers a buyer who asks to cancel."""
        for order in self._orders():
            if order.data.get("is_buyer_request_cancel"):
                self.control("seller_answer", order_id=order.id, approve=self.random.random() < 0.5)

    def answer_all(self) -> None:
        """Nothing is left unanswered or unpaid at the end."""
        self.answer()
        for order in self._orders():
            if order.status == "UNPAID" and self.random.random() < 0.5:
                self.control("pay", order_id=order.id)

    def ship(self) -> None:
        """A warehouse packs what one store has of one order."""
        ready = [
            (platform, order)
            for platform in STORES
            for order in self.stage.world.halves[platform].snapshot()["orders"]
            if not order["is_cancelled"] and platform not in self._shipped_from(order["reference"])
        ]
        if not ready:
            return
        platform, order = self.random.choice(ready)
        self.parcels += 1
        carrier, number = "USPS", f"94001118995625378{self.parcels:05d}"
        if platform == "amazon":  # its own, since TikTok suffers only few numbers of other carriers from there
            carrier, number = "AMZN_US", f"TBA{self.parcels:012d}"
        done = self._try(
            f"{platform}/ship", shop=order["shop"], order=order["name"], tracking_number=number, carrier=carrier
        )
        if done is not None:
            self.bought[order["reference"]].shipped[number] = platform

    def carry(self) -> None:
        """The carrier takes a parcel a step further."""
        order_id = self._one_of(lambda order: order.status in ON_THE_WAY)
        if order_id:
            order = self.stage.world.halves["tiktok_shop"].state.orders[order_id]  # type: ignore[attr-defined]
            self.control(ON_THE_WAY[order.status], order_id=order_id)

    def control(self, verb: str, **body: Any) -> dict[str, Any]:
        """A verb of TikTok's half; what it refuses changes nothing."""
        return self._try(f"tiktok_shop/{verb}", **body) or {}

    def _try(self, path: str, **body: Any) -> dict[str, Any] | None:
        try:
            answer = self.stage.control(path, **body)
        except ControlError as error:
            self.say(f"{path} {body.get('order_id', body.get('order', ''))}: no, {error}")
            return None
        self.say(f"{path} {body.get('order_id', body.get('order', ''))} {body.get('tracking_number', '')}")
        return answer

    def _shipped_from(self, order_id: str) -> set[str]:
        return set(self.bought[order_id].shipped.values())

    def _orders(self) -> list[Any]:
        known = self.stage.world.halves["tiktok_shop"].state.orders  # type: ignore[attr-defined]
        return [known[order_id] for order_id in self.bought]

    def _one_of(self, is_fit: Callable[[Any], bool]) -> str:
        found = [order.id for order in self._orders() if is_fit(order)]
        return self.random.choice(found) if found else ""
