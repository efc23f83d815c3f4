"""The sandbox's ledger, read from its file as it grows: what really happened, whoever was killed meanwhile."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from proof.plan import platform_of

Entry = dict[str, Any]
# What a store writes down of a return or a refund, and what became of it there.
RECORDED = frozenset({"refund.created", "return.created"})
CLOSED = frozenset({"return.closed", "return.processed", "return.cancelled"})


@dataclass(slots=True)
class Copy:
    """An order that was made in a store."""

    platform: str
    key: str
    reference: str
    made_at: float
    entry: Entry
    cancelled_at: float | None = None
    parcels: list[tuple[str, float]] = field(default_factory=list)  # tracking number, when it left
    gone: Counter[str] = field(default_factory=Counter)  # units that were cancelled in it, by SKU
    gone_at: float = 0.0
    is_held: bool = False
    records: list[Entry] = field(default_factory=list)  # of returns and refunds
    closed: set[str] = field(default_factory=set)  # returns that are over there

    def records_of(self, event: str, case_id: str) -> list[Entry]:
        """The records of this kind that name the case."""
        return [entry for entry in self.records if entry["event"] == event and case_id in entry["note"]]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of an order's items were cancelled at the source: when, which units by SKU, and the money for them."""

    at: float
    lines: Counter[str]
    refund: Decimal


@dataclass(slots=True)
class Case:
    """A return or refund at the source. `lines` are what was paid back for each: {sku, total, shipping, subtotal}."""

    case_id: str
    kind: str
    was_sent_back: bool = False
    refunded_at: float | None = None
    total: Decimal = Decimal(0)
    currency: str = ""
    lines: list[Entry] = field(default_factory=list)
    new_order_id: str = ""

    def units(self, platform: str) -> Counter[str]:
        """How many of which items of this store it is about."""
        return Counter(line["sku"] for line in self.lines if platform_of(line["sku"]) == platform)

    def amount(self, platform: str, name: str = "total") -> Decimal:
        """How much of the money fell on the items of this store, or how much shipping of it."""
        return sum((Decimal(line[name]) for line in self.lines if platform_of(line["sku"]) == platform), Decimal(0))


@dataclass(slots=True)
class Placed:
    """An order at the source, and all that came of it anywhere."""

    order_id: str
    entry: Entry
    paid_at: float | None = None
    released_at: float | None = None
    cancelled_at: float | None = None
    copies: list[Copy] = field(default_factory=list)
    pushed: dict[str, list[float]] = field(default_factory=dict)  # tracking number -> when the source was told
    requests: dict[str, bool] = field(default_factory=dict)  # of the buyer, to cancel -> whether it is open
    parts: list[Part] = field(default_factory=list)  # items that were cancelled, the first ones first
    cases: dict[str, Case] = field(default_factory=dict)

    @property
    def bought(self) -> Counter[str]:
        """How many of which items."""
        return Counter(self.entry["lines"])

    @property
    def wanted(self) -> Counter[str]:
        """Those that were not cancelled."""
        return self.bought - sum((part.lines for part in self.parts), Counter())


class Ledger:
    """Every order by its id. `read` takes in what is new; several threads may ask."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.orders: dict[str, Placed] = {}
        self.strangers: list[Copy] = []  # copies of no order that anybody placed
        self.lost_webhooks: dict[str, int] = defaultdict(int)
        self.last_at = 0.0
        self._copies: dict[tuple[str, str], Copy] = {}
        self._offset = 0
        self._lock = threading.Lock()

    def read(self) -> list[Entry]:
        """The entries since the last look, in their order. Only whole lines count."""
        with self._lock:
            with self.file.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._offset += len(whole)
            entries = [json.loads(line) for line in whole.splitlines()]
            for entry in entries:
                self._take(entry)
            return entries

    def _take(self, entry: Entry) -> None:
        self.last_at = max(self.last_at, entry["at"])
        if entry["event"] == "webhook.lost":
            self.lost_webhooks[entry["key"]] += 1
        elif entry["platform"] == "tiktok_shop":
            self._at_source(entry)
        else:
            self._in_store(entry)

    def _at_source(self, entry: Entry) -> None:
        event, at = entry["event"], entry["at"]
        if event == "order.placed":
            self.orders[entry["key"]] = Placed(order_id=entry["key"], entry=entry)
            return
        order = self.orders.get(entry["key"])
        if order is None:
            return
        if event == "order.paid":
            order.paid_at = at
        elif event == "order.released":
            order.released_at = order.released_at or at
        elif event == "order.cancelled":
            order.cancelled_at = at
        elif event == "order.lines_cancelled":
            refund = Decimal((entry["refund"] or {}).get("refund_total", "0"))
            order.parts.append(Part(at, Counter(entry["lines"]), refund))
        elif event == "package.shipped":
            order.pushed.setdefault(entry["tracking_number"], []).append(at)
        elif event.startswith("cancellation.") and event != "cancellation.refunded":
            order.requests[entry["cancel_id"]] = event == "cancellation.requested"
        elif event.startswith("return."):
            _come_back(order, entry)

    def _in_store(self, entry: Entry) -> None:
        event, platform = entry["event"], entry["platform"]
        if event == "order.created":
            self._made(entry)
            return
        copy = self._copies.get((platform, str(entry.get("order") or entry["key"])))
        if copy is None:
            return
        if event == "order.cancelled":
            copy.cancelled_at = entry["at"]
        elif event == "fulfillment.created":
            copy.parcels.append((entry.get("tracking_number") or "", entry["at"]))
        elif event == "units.cancelled":
            copy.gone += Counter(entry["lines"])
            copy.gone_at = entry["at"]
        elif event in ("order.held", "order.hold_ended"):
            copy.is_held = event == "order.held" or entry["still_held"]
        elif event in RECORDED:
            copy.records.append(entry)
        elif event in CLOSED:
            copy.closed.add(entry["key"])

    def _made(self, entry: Entry) -> None:
        copy = Copy(
            platform=entry["platform"],
            key=entry["key"],
            reference=entry.get("reference") or "",
            made_at=entry["at"],
            entry=entry,
        )
        self._copies[copy.platform, copy.key] = copy
        order = self.orders.get(copy.reference)
        (order.copies if order else self.strangers).append(copy)


def _come_back(order: Placed, entry: Entry) -> None:
    """A step of a return or refund at the source."""
    case_id, event = entry["return_id"], entry["event"]
    if event == "return.opened":
        order.cases[case_id] = Case(case_id, entry["kind"])
    elif event == "return.handed_over":
        order.cases[case_id].was_sent_back = True
    elif event == "return.replaced":
        order.cases[case_id].new_order_id = entry["new_order_id"]
    elif event == "return.refunded":
        case, sums = order.cases[case_id], entry["refund"]
        case.refunded_at, case.lines = entry["at"], entry["lines"]
        case.total, case.currency = Decimal(sums["refund_total"]), sums["currency"]
