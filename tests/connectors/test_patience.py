"""A call that changes nothing is made again where the platform fails for a moment, if its caller has the patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import requests

from connectors import machine
from connectors.base.errors import OutcomeUnknown, TemporaryError
from connectors.exchange import Answer
from connectors.http import PATIENT_TRIES, HttpClient, patiently

OK, BUSY = Answer(200, {}, b"{}"), Answer(503, {"retry-after": "2"}, b"")
HANGS = requests.exceptions.ReadTimeout("no answer")


class Wire:
    """Says these, one after another."""

    def __init__(self, *said: Answer | Exception) -> None:
        self.said = list(said)
        self.count = 0

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        self.count += 1
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def send(wire: Wire, *, is_safe: bool = True) -> int:
    client = HttpClient(exchange=wire)
    return client.send("GET", "https://example.com/orders", operation="orders.get", is_safe=is_safe).status


@pytest.fixture(autouse=True)
def slept() -> object:
    pauses: list[float] = []
    with machine.running_on(replace(machine.Machine(), sleep=pauses.append)):
        yield pauses


class TestPatiently:
    def test_a_failure_that_passes_is_not_seen(self, slept: list[float]) -> None:
        wire = Wire(BUSY, BUSY, OK)
        with patiently():
            assert send(wire) == 200
        assert slept == [2, 2]

    def test_one_that_lasts_is(self) -> None:
        wire = Wire(*[BUSY] * 10)
        with patiently():
            assert send(wire) == 503
        assert wire.count == PATIENT_TRIES

    def test_goes_on_after_another_in_it(self) -> None:
        wire = Wire(OK, BUSY, OK)
        with patiently():
            with patiently(tries=1):
                assert send(wire) == 200
            assert send(wire) == 200

    def test_a_refusal_is_an_answer(self) -> None:
        wire = Wire(Answer(404, {}, b""), OK)
        with patiently():
            assert send(wire) == 404

    def test_a_call_that_may_change_something_is_made_once(self) -> None:
        wire = Wire(HANGS, OK)
        with patiently(), pytest.raises(OutcomeUnknown):
            send(wire, is_safe=False)
        assert wire.count == 1

    def test_a_platform_that_hangs_is_not_waited_for_twice(self) -> None:
        wire = Wire(HANGS, OK)
        with patiently(), pytest.raises(TemporaryError):
            send(wire)
        assert wire.count == 1

    def test_one_call_that_hangs_among_others_is(self) -> None:
        wire = Wire(OK, HANGS, OK)
        with patiently():
            assert [send(wire), send(wire)] == [200, 200]

    def test_nobody_else_is_patient(self) -> None:
        wire = Wire(BUSY, OK)
        with patiently():
            pass
        assert send(wire) == 503
