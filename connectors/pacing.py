"""One store's pace: how many calls its platform allows, mirrored from the platform's own answers.

A call takes its turn before it is sent, so that the platform never has to refuse one. Moments are seconds of the
machine's clock, which hosts share closely enough; what a lane knows goes with it from one process to the next.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PATIENCE = 20.0  # the longest that a call waits for its turn where it is; a longer wait belongs into a row
_SLOTS = 60  # a window is counted in so many parts
_LOOK_AGAIN = 0.05  # seconds, while a window is full of calls that are under way
_ALL = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform allows one store: `burst` calls at once, refilled at `rate` a second.

    With `window`, at most `burst` calls in any so many seconds instead. `is_per_operation`: each operation has its own.
    `costs` are points, the most that such a call may cost, or nothing because the call before paid for it; `cool_down`
    is the silence after a refusal that names no time.
    """

    rate: float
    burst: float
    window: float = 0.0
    is_per_operation: bool = False
    costs: Mapping[str, float] = field(default_factory=dict)
    default_cost: float = 1.0
    bursts: Mapping[str, float] = field(default_factory=dict)  # of operations that differ
    cool_down: float = 1.0

    @property
    def spare(self) -> float:
        """Points left unused, since calls may arrive closer together than they were sent."""
        return min(self.default_cost, self.burst / 10)


class OutOfTurn(Exception):
    """The call's turn is further away than it can wait for. Nothing was taken and nothing was sent."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"{wait:.1f} s")
        self.wait = wait


class Pace:
    """The buckets of one store. May be used by several threads."""

    def __init__(
        self,
        limits: Limits,
        *,
        share: float = 1.0,
        kept: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        """`share` of the allowance is ours to use; `kept` is what `state` gave before. `patience`: how many seconds a
        call waits for its turn."""
        self.limits = limits
        self.refused_count = 0
        self.taken = 0.0
        self._share = share
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket | _Window] = {}
        self._kept = dict(kept or {})
        self._costs = dict(limits.costs)
        self._under_way: Counter[str] = Counter()
        self._answered = 0
        self._own = threading.local()  # of each thread's call: how many had been answered when it took its turn

    def take(self, operation: str, *, within: float = math.inf) -> None:
        """Wait for the call's turn. Raises OutOfTurn where that is further away than `within`, or than we have
        patience."""
        cost, patience = self._cost(operation), min(self._patience, within)
        with self._lock:
            bucket, now = self._bucket(operation), self._clock()
            wait = bucket.wait_for(cost, now)
            if wait > patience:
                raise OutOfTurn(wait)
            if isinstance(bucket, _Bucket):
                self._begin(bucket, operation, cost, now + wait)
            else:
                bucket.waiting += cost
        if isinstance(bucket, _Window):
            self._stand_in_line(bucket, operation, cost, patience)
        elif wait > 0:
            self._sleep(wait)

    def _stand_in_line(self, line: _Window, operation: str, cost: float, patience: float) -> None:
        """When there will be room is known only once calls that are under way have ended: whoever is first in the line
        looks again. The time in the line counts. Raises OutOfTurn."""
        ends_at = self._clock() + patience
        with line.turnstile:
            while True:
                with self._lock:
                    now = self._clock()
                    wait = line.wait_of_first(cost, now)
                    is_too_far = wait > 0 and now + wait > ends_at
                    if wait <= 0 or is_too_far:
                        line.waiting -= cost
                    if is_too_far:
                        raise OutOfTurn(wait)
                    if wait <= 0:
                        self._begin(line, operation, cost, now)
                        return
                self._sleep(wait)

    def _begin(self, bucket: _Bucket | _Window, operation: str, cost: float, at: float) -> None:
        bucket.take(cost, at)
        self.taken += cost
        self._under_way[operation] += 1
        self._own.answered, self._own.cost = self._answered, cost

    def room(self, operation: str, *, within: float) -> int:
        """How many such calls may start within so many seconds."""
        cost = self._cost(operation)
        with self._lock:
            return self._bucket(operation).room(cost, self._clock(), within)

    def wait(self, operation: str) -> float:
        """Seconds until one such call may start."""
        cost = self._cost(operation)
        with self._lock:
            return self._bucket(operation).wait_for(cost, self._clock())

    def learn(
        self,
        operation: str,
        *,
        available: float | None = None,
        rate: float | None = None,
        burst: float | None = None,
        cost: float | None = None,
        actual: float | None = None,
    ) -> None:
        """What this thread's answer, just counted as `answered`, said of the allowance, in points; `cost` is what that
        call was charged at first, `actual` what it came to, the rest of which was given back. Others of its kind may
        ask for more: none counts as less than `Limits.costs` say.

        An answer that others overtook tells of a time before they were charged: what is left may be lowered by it, not
        raised.
        """
        with self._lock:
            if cost is not None:
                self._costs[operation] = max(cost, self.limits.costs.get(operation, 0.0))
            if available is not None:  # what is under way may be counted there already, or not yet
                available -= sum(count * self._cost(name) for name, count in self._under_way.items())
            bucket, now = self._bucket(operation), self._clock()
            if actual is not None:
                bucket.give_back(getattr(self._own, "cost", 0.0) - actual, now)
            is_overtaken = self._answered > getattr(self._own, "answered", self._answered) + 1
            bucket.learn(available, rate, burst, now, is_overtaken=is_overtaken)

    def heed(self, kept: Mapping[str, Any]) -> None:
        """What another process that asks the same store knows of the allowance, as `state` gave it there: no more than
        our share of what is left is thought to be ours."""
        with self._lock:
            for name, known in kept.items():
                self._bucket(name).heed(known, self._share, self._clock())

    def answered(self, operation: str) -> None:
        """A call that took its turn is over."""
        with self._lock:
            self._under_way[operation] -= 1
            self._answered += 1
            self._bucket(operation).answered(self._own.cost, self._clock())

    def refused(self, operation: str, *, retry_after: float | None) -> None:
        """The platform refused a call all the same: nothing goes out before the time it named."""
        with self._lock:
            self.refused_count += 1
            self._bucket(operation).rest(self._clock() + (retry_after or self.limits.cool_down))

    @property
    def allowed_per_minute(self) -> float:
        """Points a minute that the platform allows, all operations of one bucket."""
        with self._lock:
            rates = [bucket.rate for bucket in self._buckets.values()] or [self.limits.rate * self._share]
        return 60 * max(rates)

    def state(self) -> dict[str, Any]:
        """What the next process has to know, as JSON."""
        with self._lock:
            return {name: bucket.state(self._clock()) for name, bucket in self._buckets.items()}

    def _cost(self, operation: str) -> float:
        return self._costs.get(operation, self.limits.default_cost)

    def _bucket(self, operation: str) -> _Bucket | _Window:
        name = operation if self.limits.is_per_operation else _ALL
        if name not in self._buckets:
            kind = _Window if self.limits.window else _Bucket
            limits = replace(self.limits, burst=self.limits.bursts.get(name, self.limits.burst))
            self._buckets[name] = kind(limits, self._share, self._kept.get(name), self._clock())
        return self._buckets[name]


class _Bucket:
    """Points that come back at a rate. A level below nothing is promised to calls that wait."""

    def __init__(self, limits: Limits, share: float, kept: Any, now: float) -> None:
        self.rate, self.burst = limits.rate * share, max(limits.default_cost, limits.burst * share - limits.spare)
        self.level, self.at, self.resting_until = self.burst, now, 0.0
        if kept:
            self.level, self.at, self.resting_until, self.rate, self.burst = map(float, kept)
        self._share, self._spare = share, limits.spare

    def wait_for(self, cost: float, now: float) -> float:
        self._refill(now)
        short = min(cost, self.burst) - self.level
        return max(short / self.rate if short > 0 else 0.0, self.resting_until - now, 0.0)

    def take(self, cost: float, now: float) -> None:
        self.level -= cost

    def answered(self, cost: float, now: float) -> None:
        """It was counted when it began."""

    def room(self, cost: float, now: float, within: float) -> int:
        self._refill(now)
        open_for = now + within - max(now, self.resting_until)
        return max(0, int((self.level + self.rate * open_for) / cost)) if cost and open_for >= 0 else 0

    def give_back(self, points: float, now: float) -> None:
        self._refill(now)
        self.level = min(self.burst, self.level + points)

    def learn(
        self, available: float | None, rate: float | None, burst: float | None, now: float, *, is_overtaken: bool
    ) -> None:
        self._refill(now)
        self.rate = rate * self._share if rate else self.rate
        self.burst = burst * self._share - self._spare if burst else self.burst
        if available is not None:
            most = self.level if is_overtaken else self.burst
            self.level = min(most, available * self._share - self._spare)

    def heed(self, known: Any, share: float, now: float) -> None:
        level, at, resting_until, rate, _ = map(float, known)
        self._refill(now)
        self.level = min(self.level, share * (level + rate * max(0.0, now - at)))
        self.resting_until = max(self.resting_until, resting_until)

    def rest(self, until: float) -> None:
        self.resting_until = max(self.resting_until, until)
        self.level = min(self.level, 0.0)

    def state(self, now: float) -> list[float]:
        self._refill(now)
        return [round(value, 3) for value in (self.level, self.at, self.resting_until, self.rate, self.burst)]

    def _refill(self, now: float) -> None:
        self.level = min(self.burst, self.level + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)


class _Window:
    """So many calls in any span of so many seconds. A call counts while it is under way and, since the platform counts
    it at some moment before its answer, a whole span from the end of the slot in which it was answered."""

    def __init__(self, limits: Limits, share: float, kept: Any, now: float) -> None:
        self.most = max(1.0, limits.burst * share)
        self.rate = self.most / limits.window
        self.slot = limits.window / _SLOTS
        self.late = 1 if 0 in limits.costs.values() else 0  # slots, for calls that another paid for beforehand
        self.counts: dict[int, float] = {int(number): float(count) for number, count in (kept or {}).get("n", [])}
        self.resting_until = float((kept or {}).get("rest", 0.0))
        self.under_way = self.waiting = 0.0
        self.turnstile = threading.Lock()

    def wait_for(self, cost: float, now: float) -> float:
        """For whoever comes last in the line."""
        total = self.waiting + cost
        spans = max(0, math.ceil(total / self.most) - 1)
        return spans * _SLOTS * self.slot + self.wait_of_first(total - spans * self.most, now)

    def wait_of_first(self, cost: float, now: float) -> float:
        free_at = now
        self._forget(now)
        left = sum(self.counts.values()) + self.under_way
        for old in sorted(self.counts):
            if left + cost <= self.most:
                break
            left -= self.counts[old]
            free_at = (old + 1 + _SLOTS) * self.slot
        if left and left + cost > self.most:  # where it costs more than all, it waits until nothing else counts
            free_at = now + _LOOK_AGAIN
        return max(free_at, self.resting_until, now) - now

    def take(self, cost: float, now: float) -> None:
        self.under_way += cost

    def answered(self, cost: float, now: float) -> None:
        self.under_way -= cost
        number = int(now / self.slot) + self.late
        self.counts[number] = self.counts.get(number, 0.0) + cost

    def room(self, cost: float, now: float, within: float) -> int:
        if self.resting_until > now + within:
            return 0
        oldest = self._oldest(now + within)
        counted = sum(count for number, count in self.counts.items() if number >= oldest)
        return max(0, int((self.most - counted - self.under_way - self.waiting) / cost))

    def learn(
        self, available: float | None, rate: float | None, burst: float | None, now: float, *, is_overtaken: bool
    ) -> None:
        """Platforms that count in windows say nothing of it."""

    def give_back(self, points: float, now: float) -> None:
        """Nor do they give anything back."""

    def heed(self, known: Any, share: float, now: float) -> None:
        for number, count in known.get("n", []):
            self.counts[int(number)] = max(self.counts.get(int(number), 0.0), float(count))
        self.resting_until = max(self.resting_until, float(known.get("rest", 0.0)))
        self._forget(now)

    def rest(self, until: float) -> None:
        self.resting_until = max(self.resting_until, until)

    def state(self, now: float) -> dict[str, Any]:
        self._forget(now)
        counts = dict(self.counts)
        if self.under_way:
            number = int(now / self.slot)
            counts[number] = counts.get(number, 0.0) + self.under_way
        return {"n": sorted(counts.items()), "rest": round(self.resting_until, 3)}

    def _oldest(self, now: float) -> int:
        """The first slot that counts still."""
        return int(now / self.slot) - _SLOTS

    def _forget(self, now: float) -> None:
        oldest = self._oldest(now)
        self.counts = {number: count for number, count in self.counts.items() if number >= oldest}
