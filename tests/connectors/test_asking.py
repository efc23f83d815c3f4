"""Several questions at once: each answer stands by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from connectors import asking, calls
from connectors.asking import NotAsked, Reply, ask_all
from connectors.base.errors import (
    AuthorizationError,
    PermanentError,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TemporaryError,
)
from connectors.exchange import Answer
from connectors.http import CallRecord, HttpClient
from connectors.pacing import Limits, Pace

SOME = [pytest.param(1, id="in turn"), pytest.param(4, id="at once")]


def answers(value: int) -> Callable[[], int]:
    return lambda: value


def fails(error: PlatformError) -> Callable[[], int]:
    def question() -> int:
        raise error

    return question


def calling(operation: str) -> Callable[[], int]:
    def question() -> int:
        record = CallRecord(operation, "GET", "/", 200, 1, "", "")
        calls.add([(1, datetime(2026, 11, 27, tzinfo=UTC), record)])
        return 1

    return question


def asked(questions: Sequence[Callable[[], int]], at_once: int) -> list[Reply[int]]:
    replies = [reply for some in ask_all(questions, at_once=at_once) for reply in some]
    return sorted(replies, key=lambda reply: reply.place)


@pytest.mark.parametrize("at_once", SOME)
class TestAsking:
    def test_nothing_is_nothing(self, at_once: int) -> None:
        assert asked([], at_once) == []

    def test_a_failure_is_its_own(self, at_once: int) -> None:
        refused = PermanentError("No")
        replies = asked([answers(0), fails(refused), answers(2)], at_once)
        assert [(each.answer, each.error) for each in replies] == [(0, None), (None, refused), (2, None)]

    def test_each_reply_has_the_record_of_its_own_calls_and_the_threads_own_stay(self, at_once: int) -> None:
        calls.take()
        calling("before")()
        replies = asked([calling("one"), calling("two")], at_once)
        assert [[record.operation for _, _, record in each.records] for each in replies] == [["one"], ["two"]]
        assert [record.operation for _, _, record in calls.take()] == ["before"]

    def test_ends_where_nothing_is_answered(self, at_once: int) -> None:
        replies = asked([fails(TemporaryError("Not now"))] * 20, at_once)
        tried = [each for each in replies if not isinstance(each.error, NotAsked)]
        assert asking.GIVE_UP_AFTER <= len(tried) <= asking.GIVE_UP_AFTER + 2 * at_once
        assert len(replies) == 20

    def test_goes_on_where_others_are_answered(self, at_once: int) -> None:
        questions = [fails(TemporaryError("Not now")) if place % 2 else answers(place) for place in range(20)]
        assert sum(each.answer is not None for each in asked(questions, at_once)) == 10

    @pytest.mark.parametrize("error", [RateLimited("Slowly"), AuthorizationError("Who are you?")])
    def test_ends_at_once_where_more_would_be_refused_as_well(self, at_once: int, error: PlatformError) -> None:
        replies = asked([fails(error)] * 20, at_once)
        assert sum(isinstance(each.error, NotAsked) for each in replies) >= 20 - 2 * at_once

    def test_a_missing_permission_is_of_one_question(self, at_once: int) -> None:
        assert [each.answer for each in asked([fails(ScopeMissing("Not allowed")), answers(1)], at_once)] == [None, 1]

    def test_what_is_no_failure_of_the_platform_is_raised(self, at_once: int) -> None:
        def question() -> int:
            raise ValueError("ours")

        with pytest.raises(ValueError, match="ours"):
            asked([question, answers(1)], at_once)


class TestAtOnce:
    def test_one_that_hangs_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asking, "LONG", 0.2)
        go_on = threading.Event()

        def hangs() -> int:
            go_on.wait(20)
            return 1

        replies = asked([hangs, *[answers(place) for place in range(1, 6)]], 4)
        go_on.set()
        assert [each.answer for each in replies[1:]] == [1, 2, 3, 4, 5]
        assert isinstance(replies[0].error, NotAsked)

    def test_all_that_take_long_are_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asking, "LONG", 0.2)
        together = threading.Barrier(4)

        def slow() -> int:
            together.wait(20)
            threading.Event().wait(0.6)
            return 1

        assert [each.answer for each in asked([slow] * 4, 4)] == [1, 1, 1, 1]

    def test_what_waits_for_its_turn_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asking, "LONG", 0.2)
        wire = Pace(Limits(rate=2, burst=1), clock=time.time)
        client = HttpClient(exchange=lambda *_: Answer(200, {}, b""), pace=wire)

        def question() -> int:
            return client.send("GET", "https://example.com", operation="get", is_safe=True).status

        assert [each.answer for each in asked([question] * 4, 4)] == [200] * 4

    def test_not_more_than_so_many(self) -> None:
        lock, under_way, most = threading.Lock(), 0, 0

        def question() -> int:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            threading.Event().wait(0.01)
            with lock:
                under_way -= 1
            return 1

        asked([question] * 20, 3)
        assert most == 3
