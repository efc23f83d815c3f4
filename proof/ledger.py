"""The sandbox's ledger, read from its file as it grows: what really happened, whoever was killed meanwhile."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


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
        elif event == "package.shipped":
            order.pushed.setdefault(entry["tracking_number"], []).append(at)

    def _in_store(self, entry: Entry) -> None:
        event, at, platform = entry["event"], entry["at"], entry["platform"]
        if event == "order.created":
            copy = Copy(
                platform=platform,
                key=entry["key"],
                reference=entry.get("reference") or "",
                made_at=at,
                entry=entry,
            )
            self._copies[platform, copy.key] = copy
            order = self.orders.get(copy.reference)
            (order.copies if order else self.strangers).append(copy)
        elif event == "order.cancelled" and (platform, entry["key"]) in self._copies:
            self._copies[platform, entry["key"]].cancelled_at = at
        elif event == "fulfillment.created" and (platform, entry["order"]) in self._copies:
            self._copies[platform, entry["order"]].parcels.append((entry.get("tracking_number") or "", at))
