"""The shapes in which platforms count calls. The clock is an argument."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Allowance(Protocol):
    """What a platform lets one store do; `rate` is how much of it comes back a second, `most` what it holds."""

    rate: float
    most: float

    def level(self, now: float) -> float:
        """How much is left."""
        ...

    def take(self, cost: float, now: float) -> bool:
        """Whether there was so much; it is gone then. What is refused costs nothing."""
        ...

    def give_back(self, points: float) -> None:
        """So much was taken too much."""
        ...


class Bucket:
    """Holds `most` and is refilled at `rate` a second."""

    def __init__(self, *, rate: float, most: float, now: float) -> None:
        self.rate, self.most = rate, most
        self._left, self._at = most, now

    def level(self, now: float) -> float:
        self._left = min(self.most, self._left + max(0.0, now - self._at) * self.rate)
        self._at = max(self._at, now)
        return self._left

    def take(self, cost: float, now: float) -> bool:
        if self.level(now) < cost:
            return False
        self._left -= cost
        return True

    def give_back(self, points: float) -> None:
        self._left = min(self.most, self._left + points)


class Window:
    """At most `most` in any span of so many seconds; with `silence`, who goes beyond is refused for so long."""

    def __init__(self, *, most: float, seconds: float, silence: float = 0.0) -> None:
        self.rate, self.most = most / seconds, most
        self._seconds, self._silence, self._silent_until = seconds, silence, 0.0
        self._taken: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def level(self, now: float) -> float:
        while self._taken and self._taken[0][0] <= now - self._seconds:
            self._sum -= self._taken.popleft()[1]
        return 0.0 if now < self._silent_until else self.most - self._sum

    def take(self, cost: float, now: float) -> bool:
        if self.level(now) < cost:
            if now >= self._silent_until:
                self._silent_until = now + self._silence
            return False
        self._taken.append((now, cost))
        self._sum += cost
        return True

    def give_back(self, points: float) -> None:
        """Windows count whole calls."""
