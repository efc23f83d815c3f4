"""What must hold of one order and its store, whatever was done in whatever order; judged by the platforms' ledger."""

from __future__ import annotations

from collections import Counter
from typing import Any

from accounts.access import all_merchants
from connectors.models import WebhookDelivery
from orders.models import Attention, Order, OrderState, OutboxItem, OutboxStatus, SetAside
from tests.simulation.books import CANCELS_SOME, Books
from tests.simulation.judge import require
from tests.simulation.one_order import OneOrder

BOUND = 60.0  # seconds, goals.md R5
CANCELS = ("shopify", "amazon", "wix")
_OPEN = (OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT)
_GOES_OUT = ("AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")
_REQUESTS = (Attention.CANCEL_PENDING, Attention.RETURN_PENDING)


class Verdict:
    """Of one order. Every method but `open_work` raises Broken."""

    def __init__(self, one: OneOrder) -> None:
        self.one, self.world, self.platform = one, one.world, one.platform
        self.books = Books(one)
        self.too_many_since: float | None = None

    # At any moment

    def at_once(self) -> None:
        """What may never be, not even for a moment."""
        require(not self.one.errors.found, self.one.errors.found)
        created = self.books.entries(self.platform, "order.created")
        require(len(created) <= 1, f"created {len(created)} times")
        numbers = Counter(each["tracking_number"] for each in self.books.entries("tiktok_shop", "package.shipped"))
        require(all(count == 1 for count in numbers.values()), f"reported more than once: {numbers}")
        text = f"there {brief(self.one.there())}"
        self.books.judge_units(text)
        self.books.judge_answers(text)
        self.books.judge_refunds_at_once(text)
        self.books.judge_returns_at_once(text)

    def in_time(self) -> None:
        """The store is not to send more than we know to be wanted for longer than the bound, with our lanes at work,
        unless a person is asked where it cannot be told. A parcel that left is another matter."""
        order, living = self.one.here(), self.books.living()
        if living <= self.books.wanted_here(order) or self.books.has_left() or self._is_left_to_a_person(order):
            self.too_many_since = None
            return
        if self.too_many_since is None:
            self.too_many_since = self.world.now()
        late = self.world.now() - self.too_many_since - BOUND
        require(late <= 0, f"{living} live in {self.platform} {late:.0f} s beyond the bound: {brief(self.one.there())}")

    # When all has come to rest

    def open_work(self) -> list[str]:
        """What is still to be done, and is not a person's."""
        with all_merchants("a test looks"):
            items = OutboxItem.objects.filter(status__in=_OPEN, order__attention="").order_by("id")
            found = [f"{each.kind} {each.status}: {each.last_error}" for each in items]
            found += ["a webhook is unread"] * WebhookDelivery.objects.filter(processed_at=None).count()
            found += [f"set aside: {each.reason}" for each in SetAside.objects.all()]
            parked = OutboxItem.objects.filter(status=OutboxStatus.PARKED, order__attention="")
            return found + [f"{each.kind} was given up, and nobody is asked: {each.last_error}" for each in parked]

    def at_rest(self) -> None:
        """Everything is settled, or a person is asked."""
        self.at_once()
        require(not (work := self.open_work()), f"still open: {work}")
        order, there = self.one.here(), self.one.there()
        status = self.one.judge.tiktok(self.one.order_id).status
        asked = f"{order.attention} {order.attention_detail}"
        text = f"{status} at TikTok Shop, here {order.state} {asked}, there {brief(there)}"
        require(order.source_status == status, f"not read: {text}")
        self.books.judge_known(text)
        if status == "CANCELLED":
            require(order.state == OrderState.CANCELLED, f"not cancelled with us: {text}")
            self._judge_cancelled(order, there, text)
            return
        self._judge_requests(order, there, text)
        is_needless = not self.books.wanted()
        require(there is not None or order.attention or is_needless, f"not in the store: {text}")
        require(status in _GOES_OUT, text)
        is_ended = order.state in (OrderState.SKIPPED, OrderState.CANCELLED)
        require(there is not None or order.attention or is_ended, f"never to be in the store, and not ended: {text}")
        if there is None:
            return
        self._judge_units(order, there, text)
        numbers = {each["tracking_number"] for each in self.books.entries("tiktok_shop", "package.shipped")}
        missing = self.one.bought[self.one.order_id].shipped.keys() - numbers
        require(not missing or order.attention, f"{missing} never came to TikTok Shop: {text}")
        self.books.judge_sum(text)
        self.books.judge_refunds(order, there, text)
        self.books.judge_returns(text)

    def _judge_cancelled(self, order: Order, there: dict[str, Any] | None, text: str) -> None:
        if there is None or there["is_cancelled"]:
            require(order.attention != Attention.ALREADY_CANCELLED, f"asked about what is done: {text}")
            return
        require(self.books.has_left() or self.platform not in CANCELS, f"live in the store: {text}")
        require(self._asks(order), f"live in the store, and nobody is told: {text}")

    def _judge_requests(self, order: Order, there: dict[str, Any] | None, text: str) -> None:
        """While the buyer asks, a person knows or the parcel waits; when nobody asks, neither does."""
        if self.books.is_asking():
            require(order.attention, f"the buyer asks, and nobody is told: {text}")
        elif self.books.is_stopping():
            waits = there is not None and (there["is_cancelled"] or there.get("is_on_hold"))
            require(waits or order.attention, f"money is asked back, and nobody keeps the parcel: {text}")
        else:
            require(order.attention not in _REQUESTS, f"a person is asked about what is over: {text}")
            is_kept = there is not None and not there["is_cancelled"] and there.get("is_on_hold")
            require(not is_kept, f"kept back for nothing: {text}")

    def _judge_units(self, order: Order, there: dict[str, Any], text: str) -> None:
        """The store is to send what is wanted; what is too many is a person's where the store cannot be told."""
        living, wanted = self.books.living(), self.books.wanted()
        if self.books.has_left():
            return
        if living > wanted:
            require(self._is_left_to_a_person(order), f"{living} live in the store, {wanted} wanted: {text}")
        require(living >= wanted or self._is_theirs(there), f"{living} live in the store, {wanted} wanted: {text}")

    def _is_theirs(self, there: dict[str, Any]) -> bool:
        """Whether the merchant cancelled it."""
        by = [each.get("by") for each in self.books.entries(self.platform, "order.cancelled")]
        return bool(there["is_cancelled"]) and by != ["app"]

    def _asks(self, order: Order) -> bool:
        return order.attention == Attention.ALREADY_CANCELLED

    def _is_left_to_a_person(self, order: Order) -> bool:
        """Whether somebody was asked to do what the store cannot be told: to cancel, or until a request is answered to
        send nothing."""
        can = CANCELS_SOME if self.books.wanted_here(order) else CANCELS
        is_stopped = order.attention in _REQUESTS and bool(order.attention_detail.get("is_task"))
        return self.platform not in can and (self._asks(order) or is_stopped)


def brief(there: dict[str, Any] | None) -> dict[str, Any]:
    """What matters of an order in a store."""
    names = ("name", "is_cancelled", "is_on_hold", "total", "lines", "fulfillments", "refunds", "returns")
    found = {name: there[name] for name in names if there and name in there}
    lines = [(line["sku"], line["quantity"], line["remaining"]) for line in found.get("lines", ())]
    return {**found, "lines": lines} if found else {}
