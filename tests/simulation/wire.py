"""Webhooks and calls of which nothing is left to chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import urllib3

from connectors.exchange import Answer
from sandbox.world import World
from tests.simulation.network import CREATES, Network
from tests.simulation.post import Letter, Post
from tests.simulation.processes import Process, this_process

LATE = 30.0  # seconds until a call that was cut off is carried out after all


class Calm(random.Random):
    """Nothing happens by chance."""

    def random(self) -> float:
        return 1.0

    def shuffle(self, x: Any) -> None:
        """As they came."""


class Letters(Post):
    """Webhooks wait until they are handed in, or lost. Of those that say the same, the last one waits."""

    def __init__(self, world: World) -> None:
        super().__init__(world, random=Calm(), lost=0.0)

    def send(self, platform: str, url: str, headers: dict[str, str], body: bytes, event: str, key: str) -> None:
        """It waits."""
        now = self._world.now()
        self.letters = [each for each in self.letters if (each.platform, each.event) != (platform, event)]
        self.letters.append(Letter(now, now, platform, headers, body, event))

    def of(self, platform: str) -> list[Letter]:
        """Those that wait."""
        return [each for each in self.letters if each.platform == platform]

    def deliver_of(self, platform: str, take: Callable[[Letter], bool]) -> None:
        """Hand in those of this platform."""
        mine, others = self.of(platform), [each for each in self.letters if each.platform != platform]
        self.letters = mine
        self.deliver(take)
        self.letters += others


class Wire(Network):
    """The next create may be cut off, and the answer that `unheard` waits for gets lost."""

    next_create = ""
    unheard: Process | None = None

    def exchange(self, *said: Any) -> Answer:
        answer = super().exchange(*said)
        if self.unheard is not None and self.unheard is this_process():
            self.unheard = None
            raise urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
        return answer

    def _break(self, platform: str, operation: str) -> str:
        if not self.next_create or operation not in CREATES:
            return ""
        kind, self.next_create = self.next_create, ""
        settings: dict[str, Any] = {"status": 429} if kind == "status" else {}
        if kind == "late_commit":
            settings = {"seconds": LATE}
            self.moments.append(self.app.world.now() + LATE)
        self.app.world.faults.add(platform, operation, kind=kind, times=1, **settings)
        return kind
