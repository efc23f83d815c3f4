"""When a platform counts as down: then its lane rests, and no order is blamed."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.base.errors import PermanentError, TemporaryError
from connectors.http import PATIENT_TRIES, TooLate
from connectors.models import ConnectedStore
from orders.work import DOWN_AFTER, DOWN_AFTER_CALLS, Drain


def drained() -> Drain:
    return Drain(store=ConnectedStore(), clock=lambda: datetime.now(UTC))


def failed(drain: Drain, *, orders: int, calls: int = 1) -> None:
    """So many calls failed, each for so many orders."""
    for _ in range(calls):
        error = TemporaryError("Not now")
        for _ in range(orders):
            drain.count(error, is_unanswered=True)


class TestDown:
    def test_after_so_many_orders_where_nothing_was_answered(self) -> None:
        drain = drained()
        failed(drain, orders=DOWN_AFTER - 1)
        assert not drain.is_down
        failed(drain, orders=1)
        assert drain.is_down

    def test_one_call_for_many_is_one_failure_where_others_are_answered(self) -> None:
        drain = drained()
        drain.count(None, is_unanswered=False)
        failed(drain, orders=50, calls=DOWN_AFTER_CALLS - 1)
        assert not drain.is_down
        failed(drain, orders=50)
        assert drain.is_down

    def test_an_answer_begins_it_anew(self) -> None:
        drain = drained()
        failed(drain, orders=1, calls=DOWN_AFTER - 1)
        drain.count(PermanentError("No"), is_unanswered=False)
        failed(drain, orders=1)
        assert not drain.is_down

    def test_what_was_not_sent_was_not_answered(self) -> None:
        drain = drained()
        drain.count(TooLate("Too late"), is_unanswered=False)
        failed(drain, orders=DOWN_AFTER)
        assert drain.is_down

    def test_calls_are_made_again_only_where_something_is_answered(self) -> None:
        drain = drained()
        assert drain.tries == PATIENT_TRIES
        failed(drain, orders=1)
        assert drain.tries == 1
        drain.count(None, is_unanswered=False)
        failed(drain, orders=1)
        assert drain.tries == PATIENT_TRIES
