"""What can go wrong on purpose."""

from __future__ import annotations

import itertools
import random
import threading
from dataclasses import asdict, dataclass, replace
from typing import Any

REQUEST_KINDS = frozenset(
    {
        "status",
        "stall",
        "reset_before",
        "reset_after",
        "error_after",
        "silence_after",
        "late_commit",
        "stale_lookup",
        "garbage",
    }
)
WEBHOOK_KINDS = frozenset({"webhook_lose", "webhook_duplicate", "webhook_delay", "webhook_reorder", "webhook_scatter"})


@dataclass
class Fault:
    id: int
    platform: str
    operation: str
    kind: str
    times: int = 1  # -1: until cleared
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 500
    retry_after: float | None = None
    copies: int = 2  # webhook_duplicate: how many arrive in all; webhook_scatter: at most
    is_up_to: bool = False  # `seconds` is the most, each time another share of it

    def matches(self, platform: str, operation: str) -> bool:
        return self.platform in ("*", platform) and self.operation in ("*", operation)


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self._seed = 0
        self._randoms: dict[tuple[str, str], random.Random] = {}

    def add(self, platform: str, operation: str = "*", *, kind: str, **settings: Any) -> Fault:
        """Raises ValueError for a kind or a setting that does not exist."""
        if kind not in REQUEST_KINDS | WEBHOOK_KINDS:
            raise ValueError(f"unknown kind of fault: {kind}")
        try:
            fault = Fault(next(self._ids), platform, operation, kind, **settings)
        except TypeError as error:
            raise ValueError(str(error)) from error
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, platform: str, operation: str) -> Fault | None:
        """The next fault for a request, counted down; None for none."""
        return self._take(platform, operation, REQUEST_KINDS)

    def take_webhook(self, platform: str, event: str) -> Fault | None:
        return self._take(platform, event, WEBHOOK_KINDS)

    def scatter(self, fault: Fault, platform: str, event: str) -> list[float]:
        """When each copy of a webhook goes out, in seconds from now: one copy to `copies` of them, in any order."""
        with self._lock:
            dice = self._dice(platform, event)
            return [dice.uniform(0, fault.seconds) for _ in range(dice.randint(1, fault.copies))]

    def _take(self, platform: str, operation: str, kinds: frozenset[str]) -> Fault | None:
        with self._lock:
            dice = self._dice(platform, operation)
            for fault in self._faults:
                if fault.kind not in kinds or not fault.matches(platform, operation):
                    continue
                if dice.random() >= fault.probability:
                    continue
                if fault.times > 0:
                    fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return replace(fault, seconds=dice.uniform(0, fault.seconds)) if fault.is_up_to else fault
        return None

    def _dice(self, platform: str, operation: str) -> random.Random:
        """Each operation has its own, so that calls of one do not change what befalls another."""
        key = (platform, operation)
        if key not in self._randoms:
            self._randoms[key] = random.Random(f"{self._seed} {platform} {operation}")
        return self._randoms[key]

    def clear(self, platform: str | None = None) -> None:
        with self._lock:
            self._faults = [fault for fault in self._faults if platform and fault.platform != platform]

    def remove(self, fault_id: int) -> None:
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def seed(self, number: int) -> None:
        with self._lock:
            self._seed = number
            self._randoms.clear()

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults]
