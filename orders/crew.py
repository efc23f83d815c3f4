"""Preparers and senders of one lane, running free of each other; what they finished is settled together.

Waiting for the slowest of a batch would cost a quarter of the throughput and far more under faults. Preparers and the
lane's own thread touch rows; senders make calls and touch none, so that there may be many.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from django.db import connection

from orders import sending
from orders.work import Drain, Work

log = logging.getLogger(__name__)

CHUNK = 50  # as many orders as one call reads at the source
FEW = 4  # so many are not worth a crew, and enough to see whether a platform answers again
MOST_PREPARERS = 16
MOST_RUNNERS = 8  # of errands: what is seldom, and done each by itself
MOST_SENDERS = 64  # of all lanes of a process together, where they are busy
# Where a thread that slept waits so long for its turn again, other lanes are kept from the processor: a crew halves its
# senders then, and doubles them when there is room. Senders of slow calls keep nobody from it.
CROWDED = 0.02
SLOW_CALL = 0.3
ADJUST_EVERY = 0.25
HELD_UP = 0.2  # seconds that preparing takes where it waits for answers: only then is it worth more threads
HANGS = 2.0  # seconds without anything prepared, after which somebody else prepares the next
FEWEST_SENDERS = 2
SLOW = 0.004  # seconds without an answer, after which more senders help: they only do where calls are waited for
MEANWHILE_EVERY = 1.0
# What is finished is settled soon, but rarely enough that settling is a small part of the lane's time: where the
# processor is crowded it takes long, and then more is settled at once.
SETTLE_EVERY = 0.1
SETTLE_AT_LEAST_EVERY = 1.0
SETTLING_PART = 0.2
SETTLE_AT = 100
PAUSE = 0.02
# Seconds that are prepared for, by the store's allowance and by what was done lately: what was read is to be fresh when
# it is sent, and what waits longer than a mark is good for was prepared in vain.
AHEAD = 2.0
FEWEST_AHEAD = 8.0
_NONE = sending.Claimed()


def send_due(
    *,
    drain: Drain,
    seconds: float,
    most_senders: Callable[[], int],
    meanwhile: Callable[[], object] = lambda: None,
) -> int:
    """Carry out the store's due items until none is left or the time is over, and return how many.

    `most_senders` says how many calls may be under way now; 1 does one after another in this thread. `meanwhile` is
    called every second of a long run. Not inside a transaction. Raises DatabaseError, and what `meanwhile` raises.
    """
    most = most_senders()
    limit = _allowed(drain, FEW if drain.is_doubtful else CHUNK)
    claimed = sending.claim(drain=drain, limit=limit) if limit else sending.Claimed()
    if not claimed:
        return 0
    errands = sending.errands_of(claimed)
    if most == 1 or drain.is_doubtful or (len(claimed) <= FEW and not errands):
        works = sending.prepare(claimed=claimed, drain=drain)
        for work in works:
            if _is_to_be_sent(work):
                sending.send(work=work)
        sending.settle(works=works, drain=drain)
        for errand in errands:
            sending.carry_out(errand=errand, drain=drain)
        return len(claimed)
    return _Crew(drain, seconds, most_senders, meanwhile).run(claimed)


def _allowed(drain: Drain, most: int) -> int:
    """How many creates the store's pace has room for soon; what else waits in the lane needs little."""
    if drain.pace is None:
        return most
    return min(most, drain.pace.room(drain.create_operation, within=AHEAD))


def _plan_anew() -> None:
    """This thread's statements were planned for merchants with few orders, it may be: such a plan reads all orders of a
    merchant to find some by their ids, and a plan that is made for one with many does not."""
    with connection.cursor() as cursor:
        cursor.execute("discard plans")


def _is_to_be_sent(work: Work) -> bool:
    return work.is_open and work.is_marked


class _Crew:
    def __init__(
        self, drain: Drain, seconds: float, most_senders: Callable[[], int], meanwhile: Callable[[], object]
    ) -> None:
        self.drain = drain
        self.meanwhile = meanwhile
        self.ends_at = time.monotonic() + seconds
        self.most_senders = most_senders
        self.ready: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self.finished: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.begun = self.unsettled = 0
        self.ahead = float(most_senders())  # how many wait ready before preparing pauses
        self.preparing = self.sending = 0
        self.limit = most_senders()
        self.call_takes = float("inf")  # the fastest of late: what the platform needs, not the processor
        self.is_held_up = False
        self.preparers: list[threading.Thread] = []
        self.is_over = False
        self.senders: list[threading.Thread] = []
        self.errands: queue.SimpleQueue[sending.Errand] = queue.SimpleQueue()
        self.errands_left = self.running = 0
        self.runners: list[threading.Thread] = []
        self.last_sent = self.last_handed_over = time.monotonic()

    def run(self, claimed: sending.Claimed) -> int:
        _plan_anew()
        self._more_preparers(1, claimed)
        self._more_senders(FEWEST_SENDERS)
        try:
            self._settle()
        finally:
            self.is_over = True
            for thread in self.preparers + self.runners:
                thread.join()
            for _ in self.senders:
                self.ready.put(None)
            for thread in self.senders:
                thread.join()
            while works := self._drained():
                self._settle_now(works)
        return self.begun

    def _more_senders(self, count: int) -> None:
        count = max(0, min(count, self.limit - self.sending))
        with self.lock:
            self.sending += count
        self.senders += [self._start(self._send) for _ in range(count)]

    def _more_preparers(self, count: int, claimed: sending.Claimed = _NONE) -> None:
        count = min(count, self._most_preparers() - self.preparing)
        with self.lock:
            self.preparing += max(0, count)
        self.preparers += [self._start(self._prepare, claimed) for _ in range(count)]

    def _more_runners(self) -> None:
        with self.lock:
            count = min(self.errands.qsize(), min(MOST_RUNNERS, self._most_preparers()) - self.running)
            self.running += max(0, count)
        self.runners += [self._start(self._run_errands) for _ in range(count)]

    def _most_preparers(self) -> int:
        return min(MOST_PREPARERS, max(1, self.limit // 4))

    def _start(self, work: Callable[..., None], *given: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=given, daemon=False)
        thread.start()
        return thread

    # Threads

    def _prepare(self, claimed: sending.Claimed) -> None:
        """Keep the senders in work, a little ahead of them, until nothing is due."""
        asked = 0
        try:
            while True:
                if claimed:
                    self._hand_over(claimed)
                    if len(claimed) < asked:
                        return
                if self._is_late():
                    return
                if self.preparing > self._most_preparers():
                    return
                waiting = self.ready.qsize()
                allowed = _allowed(self.drain, CHUNK + waiting)
                is_enough = waiting and (waiting > self.ahead or waiting >= allowed)
                if is_enough or self.errands.qsize() >= CHUNK:
                    time.sleep(PAUSE)
                    claimed = _NONE
                    continue
                asked = max(0, allowed - waiting)
                claimed = sending.claim(drain=self.drain, limit=asked) if asked else _NONE
                if not claimed:
                    return
        except Exception:
            log.exception("a preparer failed", extra={"store": self.drain.store.pk})
        finally:
            connection.close()
            with self.lock:
                self.preparing -= 1

    def _is_late(self) -> bool:
        return self.is_over or self.drain.is_down or time.monotonic() > self.ends_at

    def _hand_over(self, claimed: sending.Claimed) -> None:
        began, busy = time.monotonic(), time.thread_time()
        errands = sending.errands_of(claimed)
        with self.lock:
            self.errands_left += len(errands)
        for errand in errands:
            self.errands.put(errand)
        self._more_runners()
        works = sending.prepare(claimed=claimed, drain=self.drain)
        with self.lock:
            self.begun += len(claimed)
            self.unsettled += len(works)
        for work in works:
            (self.ready if _is_to_be_sent(work) else self.finished).put(work)
        took, busy = time.monotonic() - began, time.thread_time() - busy
        self.is_held_up = len(claimed) == CHUNK and took > max(HELD_UP, 3 * busy)
        self.last_handed_over = time.monotonic()

    def _run_errands(self) -> None:
        """Carry out what is seldom beside what is prepared and sent, so that neither waits for the other."""
        try:
            while not self._is_late() and (errand := self._next_errand()) is not None:
                try:
                    sending.carry_out(errand=errand, drain=self.drain)
                finally:
                    self._end_errands(1)
        except Exception:
            log.exception("a runner failed", extra={"store": self.drain.store.pk})
        finally:
            connection.close()
            with self.lock:
                self.running -= 1

    def _next_errand(self) -> sending.Errand | None:
        try:
            return self.errands.get_nowait()
        except queue.Empty:
            return None

    def _end_errands(self, count: int) -> None:
        with self.lock:
            self.errands_left -= count

    def _send(self) -> None:
        while (work := self.ready.get()) is not None:
            began = time.monotonic()
            sending.send(work=work)
            self.last_sent = time.monotonic()
            self.call_takes = min(self.last_sent - began, self.call_takes * 1.05)
            self.finished.put(work)
            with self.lock:
                if self.sending > self.limit:
                    self.sending -= 1
                    return

    # The lane's own thread

    def _settle(self) -> None:
        last = last_meanwhile = last_adjusted = time.monotonic()
        pause, done_before, late = SETTLE_EVERY, 0, 0.0
        while True:
            with self.lock:
                if not self.preparing and not self.unsettled and not self.errands_left:
                    return
            if self._is_late():
                self._put_errands_off()
            elif self.errands.qsize() and not self.running:
                self._more_runners()
            now = time.monotonic()
            if now - last_meanwhile > MEANWHILE_EVERY:
                done = self.begun - self.unsettled
                self.ahead = max(FEWEST_AHEAD, (done - done_before) / (now - last_meanwhile) * AHEAD)
                self.meanwhile()
                last_meanwhile, done_before = time.monotonic(), done
                if not self.preparing and not self._is_late():
                    self._more_preparers(1)  # what became due meanwhile
            if now - last_adjusted > ADJUST_EVERY:
                self._adjust(late)
                last_adjusted, late = now, 0.0
            if self.ready.qsize() and now - self.last_sent > SLOW:
                self._more_senders(max(1, self.sending))
            if self.is_held_up and not self.ready.qsize():
                self.is_held_up = False
                self._more_preparers(self.preparing)
            elif self.preparing and not self.ready.qsize() and now - self.last_handed_over > HANGS:
                self.last_handed_over = now
                self._more_preparers(1)
            if self.finished.qsize() < SETTLE_AT and now - last < pause and not self._is_all_done():
                time.sleep(PAUSE)
                late = max(late, time.monotonic() - now - PAUSE)
                continue
            self._settle_now(self._drained())
            last = time.monotonic()
            pause = min(SETTLE_AT_LEAST_EVERY, max(SETTLE_EVERY, (last - now) / SETTLING_PART))

    def _put_errands_off(self) -> None:
        left: list[sending.Errand] = []
        while (errand := self._next_errand()) is not None:
            left.append(errand)
        if left:
            self._end_errands(len(left))
            sending.put_off(errands=left, drain=self.drain)

    def _is_all_done(self) -> bool:
        with self.lock:
            return not self.preparing and self.finished.qsize() == self.unsettled

    def _adjust(self, late: float) -> None:
        """`late`: how long this thread waited for its turn at worst."""
        share = self.most_senders()
        is_crowded = share < MOST_SENDERS and late > CROWDED and self.call_takes < SLOW_CALL
        self.limit = max(1, self.limit // 2) if is_crowded else min(share, self.limit * 2)

    def _drained(self) -> list[Work]:
        found: list[Work] = []
        while len(found) < SETTLE_AT * 2:
            try:
                found.append(self.finished.get_nowait())
            except queue.Empty:
                break
        return found

    def _settle_now(self, works: list[Work]) -> None:
        if not works:
            return
        sending.settle(works=works, drain=self.drain)
        with self.lock:
            self.unsettled -= len(works)
