"""What must hold of one order and its store, whatever was done in whatever order; judged by the platforms' ledger."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from accounts.access import all_merchants
from connectors.models import WebhookDelivery
from orders.models import Attention, Order, OrderState, OutboxItem, OutboxStatus, SetAside
from tests.simulation.judge import require
from tests.simulation.one_order import OneOrder

BOUND = 60.0  # seconds, goals.md R5
CANCELS = ("shopify", "amazon", "wix")
TAKES_REFUNDS = ("shopify", "wix")
_OPEN = (OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT)
_GOES_OUT = ("AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")

_RETURN = re.compile(r"\d{15,}")


class Verdict:
    """Of one order. Every method but `open_work` raises Broken."""

    def __init__(self, one: OneOrder) -> None:
        self.one, self.world, self.platform = one, one.world, one.platform

    # At any moment

    def at_once(self) -> None:
        """What may never be, not even for a moment."""
        require(not self.one.errors.found, self.one.errors.found)
        created = self._entries(self.platform, "order.created")
        require(len(created) <= 1, f"created {len(created)} times")
        numbers = Counter(each["tracking_number"] for each in self._entries("tiktok_shop", "package.shipped"))
        require(all(count == 1 for count in numbers.values()), f"reported more than once: {numbers}")
        too_much = self._recorded() - self._paid_back()
        require(not too_much, f"refunds in the store that TikTok Shop never made, or made once: {dict(too_much)}")

    def in_time(self, *, at_work_since: float) -> None:
        """No live mirror of a cancelled order beyond the bound, counted from when it was cancelled and we knew, the
        create was done, and our lanes were at work."""
        there = self.one.there()
        if there is None or there["is_cancelled"] or not self._is_cancelled():
            return
        order = self.one.here()
        known = self._known_at(order)
        if known is None or self._has_left() or (self._asks(order) and self._must_ask(there)):
            return
        created = self._entries(self.platform, "order.created")[0]["at"]
        since = max(known, created, at_work_since)
        late = self.world.now() - since - BOUND
        require(late <= 0, f"live in {self.platform} {late:.0f} s beyond the bound: {there}")

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
        text = f"{status} at TikTok Shop, here {order.state} {order.attention} {order.attention_detail}, there {there}"
        require(order.source_status == status, f"not read: {text}")
        if self._is_cancelled():
            require(order.state == OrderState.CANCELLED, f"not cancelled with us: {text}")
            self._judge_cancelled(order, there, text)
            return
        require(order.attention or not self._is_asking(), f"the buyer asks, and nobody is told: {text}")
        require(status in _GOES_OUT and (there is not None or order.attention), f"not in the store: {text}")
        if there is None:
            return
        by_us = [each for each in self._entries(self.platform, "order.cancelled") if each.get("by") == "app"]
        require(not by_us, f"cancelled in the store without need: {text}")
        numbers = {each["tracking_number"] for each in self._entries("tiktok_shop", "package.shipped")}
        missing = self.one.bought[self.one.order_id].shipped.keys() - numbers
        require(not missing or order.attention, f"{missing} never came to TikTok Shop: {text}")
        if not self._is_asking() and not there["is_cancelled"]:
            require(not there.get("is_on_hold"), f"kept back for nothing: {text}")
        self._judge_refunds(order, there, text)

    def _judge_cancelled(self, order: Order, there: dict[str, Any] | None, text: str) -> None:
        if there is None or there["is_cancelled"]:
            require(order.attention != Attention.ALREADY_CANCELLED, f"asked about what is done: {text}")
            return
        require(self._has_left() or self._must_ask(there), f"live in the store: {text}")
        require(self._asks(order), f"live in the store, and nobody is told: {text}")

    def _judge_refunds(self, order: Order, there: dict[str, Any], text: str) -> None:
        missing = self._paid_back() - self._recorded()
        if self.platform in TAKES_REFUNDS:
            require(not missing or there["is_cancelled"], f"refunds {dict(missing)} are not in the store: {text}")
        elif self.platform == "squarespace" and missing:
            require(order.attention, f"a refund is to be noted, and nobody is told: {text}")

    # The ledger

    def _entries(self, platform: str, event: str) -> list[dict[str, Any]]:
        return [each for each in self.world.ledger if each["platform"] == platform and each["event"] == event]

    def _paid_back(self) -> Counter[tuple[str, str]]:
        """TikTok's refunds: which return, how much."""
        found = self._entries("tiktok_shop", "return.refunded")
        return Counter((each["return_id"], f"{float(each['refund']['refund_total']):.2f}") for each in found)

    def _recorded(self) -> Counter[tuple[str, str]]:
        """What the store has of them. Where it records goods alone, the note says how much was paid back."""
        found = [each for each in self._entries(self.platform, "refund.created") if each["by"] == "app"]
        return Counter((_RETURN.findall(each["note"])[-1], _amount(each)) for each in found)

    def _is_cancelled(self) -> bool:
        return bool(self.one.judge.tiktok(self.one.order_id).status == "CANCELLED")

    def _is_asking(self) -> bool:
        return bool(self.one.judge.tiktok(self.one.order_id).data.get("is_buyer_request_cancel"))

    def _has_left(self) -> bool:
        return bool(self.one.bought[self.one.order_id].shipped)

    def _must_ask(self, there: dict[str, Any]) -> bool:
        """Whether the store cannot cancel it."""
        return self.platform not in CANCELS

    def _asks(self, order: Order) -> bool:
        return order.attention == Attention.ALREADY_CANCELLED

    def _known_at(self, order: Order) -> float | None:
        with all_merchants("a test looks"):
            event = order.events.filter(to_state=OrderState.CANCELLED).first()
        return event.happened_at.timestamp() if event else None


def _amount(entry: dict[str, Any]) -> str:
    moved = float(entry["amount"])
    return f"{moved:.2f}" if moved else str(entry["note"]).partition(" ")[0]
