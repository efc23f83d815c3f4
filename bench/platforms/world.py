"""What the platforms know, and the ledger of what was asked of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.platforms.buckets import Allowance


class Answer(NamedTuple):
    """Status, JSON, the seconds until it is sent, and further header lines."""

    status: int
    text: str
    wait: float = 0.0
    headers: str = ""


@dataclass
class Mode:
    """How a platform behaves to a shop: seconds until it answers, and a status instead of an answer."""

    latency: float = 0.0
    status: int = 200

    @property
    def is_down(self) -> bool:
        return self.status != 200

    @property
    def nothing(self) -> Answer:
        """What comes instead of an answer."""
        return Answer(self.status, "", self.latency)

    def says(self, text: str, status: int = 200, headers: str = "") -> Answer:
        return Answer(status, text, self.latency, headers)


Key = tuple[str, str, str]  # platform, shop, operation
Taken = tuple[float, float, float]  # when, how much, and what was left then


@dataclass
class World:
    """Orders by platform and shop, as each platform keeps them; the ledger is of all platforms."""

    epoch: int
    has_limits: bool
    modes: dict[str, Mode] = field(default_factory=lambda: {"": Mode()})
    orders: dict[tuple[str, str], Any] = field(default_factory=dict)
    created: list[tuple[str, str, float]] = field(default_factory=list)  # every create: reference, shop, moment
    calls: Counter[Key] = field(default_factory=Counter)
    refused: Counter[Key] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    buckets: dict[Key, Allowance] = field(default_factory=dict)
    taken: dict[Key, list[Taken]] = field(default_factory=lambda: defaultdict(list))

    def forget(self) -> None:
        """Begin anew, with the modes as they are."""
        for kept in (self.orders, self.created, self.calls, self.refused, self.unknown, self.buckets, self.taken):
            kept.clear()

    def came(self, platform: str, shop: str, operation: str) -> Mode:
        """A call came in: how it is to be answered."""
        self.calls[platform, shop, operation] += 1
        return self.modes.get(shop) or self.modes.get(platform) or self.modes[""]

    def may(self, key: Key, make: Callable[[], Allowance], *, operation: str, cost: float, now: float) -> bool:
        """Whether this call is within the allowance of that name. Always so without limits."""
        if not self.has_limits:
            return True
        if (bucket := self.buckets.get(key)) is None:
            bucket = self.buckets[key] = make()
        if not bucket.take(cost, now):
            self.refused[*key[:2], operation] += 1
            return False
        self.taken[key].append((now, cost, bucket.level(now)))
        return True

    def make_cheaper(self, key: Key, *, cost: float, now: float) -> float:
        """The last call of this allowance cost only so much in the end; what is left."""
        bucket, (at, charged, _) = self.buckets[key], self.taken[key][-1]
        bucket.give_back(charged - cost)
        left = bucket.level(now)
        self.taken[key][-1] = (at, cost, left)
        return left

    def made(self, reference: str, shop: str, now: float) -> None:
        """An order came into being."""
        self.created.append((reference, shop, now))

    def refuses_unknown(self, platform: str, what: str) -> Answer:
        """A call that nobody here can answer: listed, so that a yardstick can say that there was none."""
        self.unknown[f"{platform} {what}"] += 1
        return Answer(404, "{}")

    def control(self, path: str, body: bytes, now: float) -> str:
        """Our own door. Modes are set for `shops` or `platforms`, or for all that have none of their own."""
        if path == "/_bench/mode":
            said = json.loads(body)
            for name in said.pop("shops", []) + said.pop("platforms", []) or [""]:
                self.modes[name] = Mode(**said)
        elif path == "/_bench/forget":
            self.forget()
        elif path == "/_bench/count":
            return str(len(self.created))
        elif path == "/_bench/ledger":
            return json.dumps({"created": self.created, **self._counted(now)})
        elif path == "/_bench/counted":
            return json.dumps(self._counted(now))
        return "{}"

    def _counted(self, now: float) -> dict[str, Any]:
        named = {"calls": self.calls, "refused": self.refused}
        counts = {name: [[*key, count] for key, count in counter.items()] for name, counter in named.items()}
        allowances = [
            {"key": key, "rate": bucket.rate, "most": bucket.most, "taken": self.taken[key]}
            for key, bucket in self.buckets.items()
        ]
        return {**counts, "unknown": self.unknown, "allowances": allowances, "now": now}
