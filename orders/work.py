"""An item of the outbox on its way: what its step found out about it, until all of it is written down together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from accounts.rows import Rows
from connectors import calls, machine
from connectors.base.types import PlatformOrder
from connectors.http import PATIENT_TRIES, TooLate
from connectors.models import ConnectedStore
from connectors.pacing import Pace
from orders.models import Order, OutboxItem

# A marked item is not sent any more after so many seconds: whoever took it over must be able to count on that.
SEND_WITHIN = 5.0
# After so many orders in a row without a usable answer the platform counts as down. One call may have been for all of
# them: where others were answered lately, so many calls have to fail.
DOWN_AFTER, DOWN_AFTER_CALLS = 10, 3

_OF_THESE = "select {columns} from orders_order t where t.id = any(%(ids)s::bigint[]) order by t.id"
READ_ORDERS = Rows(Order, _OF_THESE, defer=("search_text",))
TAKE_ORDERS = Rows(Order, f"{_OF_THESE} for update", defer=("snapshot", "search_text"))  # what is settled changes them
TAKE_WHOLE_ORDERS = Rows(Order, f"{_OF_THESE} for update")
READ_STORES = Rows(
    ConnectedStore, "select {columns} from connectors_connectedstore t where t.id = any(%(ids)s::bigint[])"
)


@dataclass(slots=True)
class Drain:
    """Whose work is done, by which clock and at which pace; `guest` gives the pace of the other store of a call.

    `asked` are the records of calls for several orders at once, until they are written down. `unanswered` counts the
    orders since the last one that had an answer, be it a refusal, and `failures` what they failed with; `has_answered`
    says that there was an answer at all. `at_once` is how many questions may be asked together.
    """

    store: ConnectedStore
    clock: Callable[[], datetime]
    pace: Pace | None = None
    create_operation: str = ""
    guest: Callable[[ConnectedStore], Pace | None] = field(default=lambda _store: None)
    asked: list[calls.Collected] = field(default_factory=list)
    unanswered: int = 0
    failures: list[Exception] = field(default_factory=list)
    has_answered: bool = False
    at_once: int = 1

    @property
    def tries(self) -> int:
        """How often a call that changes nothing is made, where it fails for now: once where nothing is answered."""
        return 1 if self.is_doubtful else PATIENT_TRIES

    @property
    def is_doubtful(self) -> bool:
        """Whether it may answer nothing now: something failed, and nothing was answered in here."""
        return self.unanswered > 0 and not self.has_answered

    @property
    def is_down(self) -> bool:
        """Whether the platform answers nothing now: then it is left alone, and no single order is to blame."""
        is_sure = not self.has_answered or len(self.failures) >= DOWN_AFTER_CALLS
        return is_sure and self.unanswered >= DOWN_AFTER

    def count(self, error: Exception | None, *, is_unanswered: bool) -> None:
        """One more order was tried, and this came of it."""
        if not is_unanswered:
            self.unanswered, self.failures = 0, []
            self.has_answered = self.has_answered or not isinstance(error, TooLate)
            return
        self.unanswered += 1
        if error is not None and not any(error is each for each in self.failures):
            self.failures = [*self.failures, error][-DOWN_AFTER_CALLS:]


@dataclass(slots=True)
class Work:
    """One claimed item. `error` is why it could not be done; `is_settled` says that nothing is left to write down."""

    item: OutboxItem
    order: Order
    seen: PlatformOrder | None = None
    error: Exception | None = None
    is_settled: bool = False
    is_marked: bool = False
    send_by: float = 0.0
    calls: list[calls.Collected] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it may still be taken further."""
        return self.error is None and not self.is_settled

    def mark(self, *, send_by: float) -> None:
        """The row says that the call is made now."""
        self.is_marked, self.send_by = True, send_by


def marked_until() -> float:
    """Until when what is marked now may be sent, by the steady clock. To be asked before the mark is written: a process
    may be stopped right after its commit, and counts from when it was awake."""
    return machine.current().steady() + SEND_WITHIN


W = TypeVar("W", bound=Work)


class Step(Protocol):
    """How items of one kind are carried out, many at a time. Each part may be repeated after a crash."""

    def load(self, items: Sequence[OutboxItem], drain: Drain) -> Sequence[Work]:
        """The items with what our own rows say of them, in the caller's transaction."""

    def prepare(self, works: Sequence[Work], drain: Drain) -> None:
        """Read, look and decide; mark what is to be sent. Raises nothing for one item: its `error` says it."""

    def call(self, work: Work) -> None:
        """Make the call of a marked item. Touches no row, so that many may run at once. Raises PlatformError."""

    def settle(self, works: Sequence[Work], drain: Drain) -> None:
        """Write down what was done, in the caller's transaction; works whose item was lost are left out."""

    def follow(self, works: Sequence[Work], drain: Drain) -> None:
        """What comes after what was written down, outside any transaction; it may make calls."""


def fail(works: Iterable[Work], error: Exception) -> None:
    """None of these could be taken further, for the same reason."""
    for work in works:
        if work.is_open:
            work.error = error


def still_open(works: Iterable[W]) -> list[W]:
    """Those that may be taken further."""
    return [work for work in works if work.is_open]
