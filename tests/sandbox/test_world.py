from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from sandbox.faults import Faults
from sandbox.world import World


class TestClock:
    def test_stands_still_when_frozen_and_moves_when_advanced(self) -> None:
        world = World()
        world.freeze(100.0)
        world.advance(50)
        assert world.now() == 150.0

    def test_runs_what_is_due_later_only_then(self, world: World) -> None:
        done: list[int] = []
        world.later(10, lambda: done.append(1))
        world.advance(9)
        assert not done
        world.advance(1)
        assert done == [1]

    def test_is_what_every_answer_is_dated_by(self, world: World, url: str) -> None:
        world.freeze(1_800_000_000)
        answers = [requests.get(f"{url}/{each}/nowhere", timeout=5) for each in ("tiktok_shop", "shopify", "wix")]
        assert {answer.headers["Date"] for answer in answers} == {"Fri, 15 Jan 2027 08:00:00 GMT"}


class TestFaults:
    def test_are_counted_down(self) -> None:
        faults = Faults()
        faults.add("tiktok_shop", "orders.search", kind="status", times=2, status=503)
        taken = [faults.take("tiktok_shop", "orders.search") for _ in range(3)]
        assert [one is not None for one in taken] == [True, True, False]

    def test_refuse_an_unknown_kind(self) -> None:
        with pytest.raises(ValueError, match="unknown kind"):
            Faults().add("*", kind="earthquake")


class TestLedger:
    def test_is_on_disk_at_once(self, world: World, tmp_path: Path) -> None:
        world.ledger_add("tiktok_shop", "order.placed", "1")
        line = json.loads((tmp_path / "ledger.jsonl").read_text().splitlines()[0])
        assert line["event"] == "order.placed"


class TestControl:
    def test_journals_an_unknown_request(self, url: str) -> None:
        assert requests.get(f"{url}/tiktok_shop/api/nowhere", timeout=5).status_code == 404
        entries = requests.get(f"{url}/_sandbox/journal?unknown=1", timeout=5).json()["journal"]
        assert [entry["path"] for entry in entries] == ["/tiktok_shop/api/nowhere"]

    def test_drops_the_connection_when_asked(self, url: str) -> None:
        fault = {"platform": "tiktok_shop", "operation": "authorize", "kind": "reset_before"}
        assert requests.post(f"{url}/_sandbox/faults", json=fault, timeout=5).ok
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/tiktok_shop/services/open/authorize", timeout=5)

    def test_keeps_the_connection_alive(self, url: str) -> None:
        with requests.Session() as session:
            for _ in range(3):
                assert "close" not in session.get(f"{url}/_sandbox/clock", timeout=5).headers.get("Connection", "")
