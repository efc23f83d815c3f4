"""Webhooks on their way to us: lost, sent twice, late, and out of order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.outgoing import Outgoing

if TYPE_CHECKING:
    from sandbox.world import World

RETRIES = (5.0, 60.0, 600.0)


@dataclass
class Letter:
    """One webhook on its way."""

    sent_at: float
    due_at: float
    platform: str
    headers: dict[str, str]
    body: bytes
    event: str
    tries: int = 0


class Post(Outgoing):
    """Takes the place of the sandbox's own delivery over HTTP. `lost` is the share that never arrives."""

    def __init__(self, world: World, *, random: random.Random, lost: float) -> None:
        super().__init__(world)
        self.random, self.lost = random, lost
        self.letters: list[Letter] = []

    def send(self, platform: str, url: str, headers: dict[str, str], body: bytes, event: str, key: str) -> None:
        """Draws what becomes of a webhook."""
        if self.random.random() < self.lost:
            return
        copies = self.random.choices([1, 2, 3], [8, 2, 1])[0]
        for _ in range(copies):
            wait = self.random.choices([0.0, self.random.uniform(0, 20), self.random.uniform(0, 7200)], [6, 3, 1])[0]
            self.letters.append(Letter(self._world.now(), self._world.now() + wait, platform, headers, body, event))

    def hurry(self) -> None:
        """What is on its way arrives now."""
        for letter in self.letters:
            letter.due_at = min(letter.due_at, self._world.now())

    def deliver(self, take: Callable[[Letter], bool]) -> int:
        """Hand in what is due, in any order; what is not taken comes again, a few times. Returns how many tries."""
        now = self._world.now()
        due = [letter for letter in self.letters if letter.due_at <= now]
        self.letters = [letter for letter in self.letters if letter.due_at > now]
        self.random.shuffle(due)
        for letter in due:
            if not take(letter) and letter.tries < len(RETRIES):
                letter.due_at = now + RETRIES[letter.tries]
                letter.tries += 1
                self.letters.append(letter)
        return len(due)
