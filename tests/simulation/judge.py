"""What must hold after every step and at the end, judged by the platforms' ledger beside our own tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from accounts.access import all_merchants
from connectors.models import WebhookDelivery
from orders import outbox
from orders.models import Attention, MirrorState, Order, OrderState, OutboxItem, OutboxStatus, SetAside
from orders.states import MOVES
from orders.work import SEND_WITHIN
from tests.simulation.stage import STORES, Stage, skus_for

# A read and the create that rests on it lie no further apart than the item's lease and the time to send it.
GUARD_HOLDS = outbox.LEASE.total_seconds() + SEND_WITHIN
MOST_SKEW = 2.0
_OPEN = (OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT)


class Broken(AssertionError):
    """An invariant does not hold."""


def require(holds: Any, text: str) -> None:
    """Raises Broken unless it holds."""
    if not holds:
        raise Broken(text)


@dataclass
class Bought:
    """What a buyer bought, and what the simulation knows of it."""

    order_id: str
    skus: dict[str, int]
    is_held: bool
    is_linked: bool = True
    shipped: dict[str, str] = field(default_factory=dict)  # tracking number -> store


class Judge:
    """Reads the ledger as it grows. `bought` are all orders by id."""

    def __init__(self, stage: Stage, bought: dict[str, Bought]) -> None:
        self.stage, self.world, self.bought = stage, stage.world, bought
        self.seen_until = len(self.world.ledger)
        self.created: Counter[tuple[str, str]] = Counter()
        self.totals: dict[str, dict[str, Decimal]] = {}
        self.pushed: Counter[tuple[str, str]] = Counter()
        self.states: dict[str, str] = {}

    def tiktok(self, order_id: str) -> Any:
        """The order as TikTok has it, every version of it too."""
        return self.world.halves["tiktok_shop"].state.orders[order_id]  # type: ignore[attr-defined]

    # As it happens

    def on_create(self, platform: str, body: bytes, process: Any) -> None:
        """Right before a request that creates an order reaches the platform."""
        for order_id in self.bought:
            if order_id.encode() in body:
                self._judge_create(order_id, platform, process)

    def _judge_create(self, order_id: str, platform: str, process: Any) -> None:
        now = self.world.now()
        status = self.tiktok(order_id).status
        require(status not in ("UNPAID", "ON_HOLD"), f"{order_id} is sent to {platform} while {status}")
        if not self.bought[order_id].is_held:
            paid_at = self.tiktok(order_id).data["paid_time"]
            require(now >= paid_at + 3600 - MOST_SKEW, f"{order_id} is sent to {platform} within our hour")
        at, read = process.reads.get(order_id, (0.0, ""))
        require(now - at <= GUARD_HOLDS, f"{order_id} is sent to {platform} {now - at:.1f} s after it was read")
        require(read != "CANCELLED", f"{order_id} is sent to {platform} though it was read as cancelled")

    def after_step(self) -> None:
        """What the ledger and our tables say now. Raises Broken."""
        entries, self.seen_until = self.world.ledger[self.seen_until :], len(self.world.ledger)
        for entry in entries:
            if entry["event"] == "order.created":
                self._judge_created(entry)
            if entry["event"] == "package.shipped":
                key = (entry["key"], entry["tracking_number"])
                self.pushed[key] += 1
                require(self.pushed[key] == 1, f"{key} was reported twice")
        with all_merchants("a test looks"):
            for order in Order.objects.order_by("id"):
                self._judge_moves(order)

    def _judge_created(self, entry: dict[str, Any]) -> None:
        platform, order_id = entry["platform"], entry["reference"]
        self.created[platform, order_id] += 1
        require(self.created[platform, order_id] == 1, f"{order_id} was created twice at {platform}")
        require(order_id in self.bought, f"{platform} got an order that nobody bought: {order_id}")
        wanted = skus_for(platform, self.bought[order_id].skus)
        require(entry["lines"] == wanted, f"{order_id} at {platform} has {entry['lines']}, not {wanted}")
        if entry["total"]:
            totals = self.totals.setdefault(order_id, {})
            totals[platform] = Decimal(entry["total"])
            paid = Decimal(self.tiktok(order_id).data["payment"]["total_amount"])
            is_whole = wanted == self.bought[order_id].skus
            is_right = totals[platform] == paid if is_whole else sum(totals.values()) <= paid
            require(is_right, f"{order_id} cost {paid}, and in the stores {totals}")

    def _judge_moves(self, order: Order) -> None:
        before = self.states.get(order.external_id)
        if before == order.state:
            return
        if before is not None:
            require(order.state in _reachable(before), f"{order.external_id} went from {before} to {order.state}")
        self.states[order.external_id] = order.state
        moves = list(order.events.exclude(to_state="").order_by("id").values_list("from_state", "to_state"))
        require(moves and moves[0][0] == "" and moves[-1][1] == order.state, f"{order.external_id}: {moves}")
        for (_, left), (entered, _) in pairwise(moves):
            require(left == entered, f"{order.external_id}: {moves}")

    # At the end

    def open_work(self) -> list[str]:
        """What is still to be done."""
        with all_merchants("a test looks"):
            items = OutboxItem.objects.filter(status__in=_OPEN).select_related("order")
            items = items.exclude(order__attention=Attention.NOT_LINKED)
            found = [f"{each.kind} of {each.order.external_id}: {each.last_error}" for each in items]
            unread = WebhookDelivery.objects.filter(processed_at=None).count()
            aside = SetAside.objects.values_list("external_id", flat=True)
            held = Order.objects.filter(state__in=[OrderState.UNPAID, OrderState.HELD]).exclude(
                source_status__in=["UNPAID"]
            )
            found += [f"{unread} deliveries"] * bool(unread) + [f"set aside: {each}" for each in aside]
            return found + [f"still {each.state}: {each.external_id}" for each in held]

    def at_the_end(self) -> None:
        """Every order is settled. Raises Broken."""
        self.after_step()
        for kept in self.bought.values():
            with all_merchants("a test looks"):
                order = Order.objects.filter(external_id=kept.order_id).first()
                require(order is not None, f"{kept.order_id} is lost")
                assert order is not None
                self._judge_settled(kept, order)

    def _judge_settled(self, kept: Bought, order: Order) -> None:
        status = self.tiktok(kept.order_id).status
        text = f"{kept.order_id} ({status} at TikTok, {order.state}, {order.attention} {order.attention_detail})"
        require(order.source_status == status, f"{text} is not as TikTok has it: {order.source_status}")
        if status == "UNPAID":
            require(not self._stores_with(kept), f"{text} is in a store")
            return
        if status == "CANCELLED":
            self._judge_cancelled(kept, order, text)
            return
        for platform in STORES:
            wanted = bool(skus_for(platform, kept.skus)) and kept.is_linked
            count = self.created[platform, kept.order_id]
            if wanted:
                require(count == 1, f"{text} is not in {platform}")
                require(not self._order_in(platform, kept)["is_cancelled"], f"{text} is cancelled in {platform}")
        if not kept.is_linked:
            require(order.attention == Attention.NOT_LINKED, f"{text} does not ask")
            return
        done = {OrderState.MIRRORED, OrderState.FULFILLED, OrderState.COMPLETED}
        require(order.state in done, f"{text} is not settled")
        self._judge_money(kept, text)
        self._judge_records(kept, order, text)
        for number, platform in kept.shipped.items():
            is_told = self.pushed[kept.order_id, number] == 1
            require(is_told, f"{text}: {number} from {platform} is not at TikTok")

    def _judge_cancelled(self, kept: Bought, order: Order, text: str) -> None:
        require(order.state == OrderState.CANCELLED, f"{text} is not cancelled with us")
        for platform in self._stores_with(kept):
            is_told = order.attention == Attention.ALREADY_CANCELLED
            require(self._order_in(platform, kept)["is_cancelled"] or is_told, f"{text} is live in {platform}")

    def _judge_money(self, kept: Bought, text: str) -> None:
        if skus_for("amazon", kept.skus):
            return
        paid = Decimal(self.tiktok(kept.order_id).data["payment"]["total_amount"])
        require(sum(self.totals[kept.order_id].values()) == paid, f"{text} cost {paid}: {self.totals[kept.order_id]}")

    def _judge_records(self, kept: Bought, order: Order, text: str) -> None:
        known = {mirror.store.platform: mirror for mirror in order.mirrors.select_related("store")}
        for platform in self._stores_with(kept):
            mirror = known.get(platform)
            is_known = mirror is not None and mirror.state == MirrorState.CREATED and mirror.external_id
            require(is_known, f"{text}: {platform} is not recorded")

    def _stores_with(self, kept: Bought) -> list[str]:
        return [platform for platform in STORES if self.created[platform, kept.order_id]]

    def _order_in(self, platform: str, kept: Bought) -> dict[str, Any]:
        found = [
            each for each in self.world.halves[platform].snapshot()["orders"] if each["reference"] == kept.order_id
        ]
        return dict(found[0])


def _reachable(state: str) -> set[str]:
    found = {state}
    ahead = [OrderState(state)]
    while ahead:
        for following in MOVES[ahead.pop()]:
            if following not in found:
                found.add(following)
                ahead.append(following)
    return found
