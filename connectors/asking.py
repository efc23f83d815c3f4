"""Several things asked of a platform at once, so that an answer that is slow or fails costs nothing but itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from connectors import calls, machine
from connectors.base.errors import AuthorizationError, PlatformError, RateLimited, ScopeMissing, TemporaryError
from connectors.http import is_in_line

T = TypeVar("T")

# So many failures in a row, and the platform is asked nothing more now.
GIVE_UP_AFTER = 3
# What was answered within so many seconds of each other is handed over together, to share a commit.
LINGER = 0.25
MOST_TOGETHER = 20
LONG = 3.0  # seconds without any answer, after others were answered


class NotAsked(TemporaryError):
    """The platform was not asked, since what was asked before failed, or its answer was not waited for."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What came of the question at this `place`: an answer or an error, and the record of the calls made for it."""

    place: int
    answer: T | None = None
    error: PlatformError | None = None
    records: list[calls.Collected] = field(default_factory=list)


def ask_all(questions: Sequence[Callable[[], T]], *, at_once: int) -> Iterator[list[Reply[T]]]:
    """Ask all of these, up to so many at once, and hand the replies over as they come, a few together.

    A question makes calls that change nothing, and touches no row: it may run in any thread; with 1 at once all run in
    this one. Where the platform gives no answer long after others, what is left is not waited for: its threads end by
    themselves. Raises what a question raises other than PlatformError. May be repeated.
    """
    asked = _Asked(give_up_after=max(GIVE_UP_AFTER, at_once))
    if at_once == 1 or len(questions) <= 1:
        yield from _in_turn(questions, asked)
        return
    pool = ThreadPoolExecutor(min(at_once, len(questions)), thread_name_prefix="ask")
    waiting: dict[Future[Reply[T]], int] = {
        pool.submit(asked.ask, place, question): place for place, question in enumerate(questions)
    }
    try:
        while waiting:
            done, _ = wait(waiting, timeout=LONG if asked.has_answered else None, return_when=FIRST_COMPLETED)
            if not done and asked.is_in_line:
                continue
            if not done:
                yield [Reply(place, error=NotAsked("The platform takes long to answer")) for place in waiting.values()]
                return
            done, _ = wait(waiting, timeout=LINGER)
            replies = [each.result() for each in done if waiting.pop(each) >= 0]
            for start in range(0, len(replies), MOST_TOGETHER):
                yield replies[start : start + MOST_TOGETHER]
    finally:
        asked.is_over = True
        pool.shutdown(wait=False, cancel_futures=True)


def _in_turn(questions: Sequence[Callable[[], T]], asked: _Asked) -> Iterator[list[Reply[T]]]:
    clock = machine.current().steady
    replies: list[Reply[T]] = []
    began = clock()
    for place, question in enumerate(questions):
        replies.append(asked.ask(place, question))
        if len(replies) == MOST_TOGETHER or clock() - began > LINGER:
            yield replies
            replies, began = [], clock()
    if replies:
        yield replies


class _Asked:
    """Whether the platform answers, by what was asked so far."""

    def __init__(self, *, give_up_after: int) -> None:
        self.is_over = self.has_answered = False
        self._give_up_after = give_up_after
        self._threads: dict[int, int] = {}
        self._failures = 0
        self._lock = threading.Lock()

    def ask(self, place: int, question: Callable[[], T]) -> Reply[T]:
        if self.is_over:
            return Reply(place, error=NotAsked("The platform was not asked, since it did not answer before"))
        answer, failure = None, None
        self._threads[place] = threading.get_ident()
        with calls.apart() as records:
            try:
                answer = question()
            except PlatformError as error:
                failure = error
            finally:
                del self._threads[place]
        self._count(failure)
        return Reply(place, answer, failure, records)

    @property
    def is_in_line(self) -> bool:
        """Whether a question waits for its turn: it is our own pace then that takes long."""
        return any(is_in_line(thread) for thread in list(self._threads.values()))

    def _count(self, error: PlatformError | None) -> None:
        with self._lock:
            self.has_answered = self.has_answered or error is None
            self._failures = self._failures + 1 if isinstance(error, TemporaryError) else 0
            is_refused = isinstance(error, RateLimited | AuthorizationError) and not isinstance(error, ScopeMissing)
            self.is_over = self.is_over or is_refused or self._failures >= self._give_up_after
