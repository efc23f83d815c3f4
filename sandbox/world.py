"""The state that all halves of the sandbox share: the clock, the journal, the ledger, the faults."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from werkzeug.wrappers import Request, Response

from sandbox.faults import Faults
from sandbox.outgoing import Outgoing

JOURNAL_LIMIT = 20_000


class Half(Protocol):
    """One platform, as the sandbox plays it.

    The app calls every method with `world.lock` held. A half may also have
    `not_found(request) -> Response` and `fault_response(fault) -> Response` to answer in its own shape.
    """

    name: str

    def operation_of(self, request: Request) -> str | None:
        """A stable name for what is asked, or None for a request the platform does not know."""

    def handle(self, request: Request, operation: str) -> Response:
        """Answers; may read `sandbox.as_of` and set `sandbox.note` in `request.environ`."""

    def tick(self) -> None:
        """Does what time alone brings about."""

    def reset(self) -> None:
        """Forgets everything, the registered app included."""

    def seed(self) -> None:
        """Sets up the cast: shops and products. May be repeated."""

    def snapshot(self) -> dict[str, Any]:
        """What the pages and the tests look at."""

    def control(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """The half's own control verbs. Raises ControlError for what it does not know."""


class ControlError(Exception):
    """A control verb that cannot be done; the text goes back with status 400."""


class World:
    def __init__(
        self,
        *,
        public_url: str = "http://127.0.0.1:8801",
        hold_seconds: int = 3600,
        ledger_file: Path | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.public_url = public_url.rstrip("/")
        self.hold_seconds = hold_seconds
        self.halves: dict[str, Half] = {}
        self.journal: deque[dict[str, Any]] = deque(maxlen=JOURNAL_LIMIT)
        self.keeps_bodies = False  # whether the journal has what was sent, word for word
        self.ledger: list[dict[str, Any]] = []
        self.faults = Faults()
        self.calls: Counter[tuple[str, str, str]] = Counter()  # (platform, operation, kind of fault or "")
        self.outgoing = Outgoing(self)
        self._ledger_file = ledger_file.open("a", encoding="utf-8") if ledger_file else None
        self._journal_seq = 0
        self._offset = 0.0
        self._frozen_at: float | None = None
        self._later: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        if self._frozen_at is not None:
            return self._frozen_at
        return time.time() + self._offset

    @property
    def is_frozen(self) -> bool:
        return self._frozen_at is not None

    def freeze(self, at: float | None = None) -> None:
        with self.lock:
            self._frozen_at = self.now() if at is None else float(at)

    def unfreeze(self) -> None:
        """Lets time run on from where it stands."""
        with self.lock:
            if self._frozen_at is not None:
                self._offset = self._frozen_at - time.time()
                self._frozen_at = None

    def advance(self, seconds: float) -> None:
        with self.lock:
            if self._frozen_at is not None:
                self._frozen_at += seconds
            else:
                self._offset += seconds
        self.tick()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Runs the action under the lock once the world's clock has moved that far."""
        with self.lock:
            self._later.append((self.now() + seconds, action))

    def tick(self) -> None:
        with self.lock:
            now = self.now()
            due = [entry for entry in self._later if entry[0] <= now]
            self._later = [entry for entry in self._later if entry[0] > now]
            for _, action in due:
                action()
            for half in self.halves.values():
                half.tick()

    def journal_add(self, **fields: Any) -> dict[str, Any]:
        with self.lock:
            self._journal_seq += 1
            blank = dict.fromkeys(("direction", "platform", "method", "path", "operation", "status", "note", "ms"))
            entry = {"seq": self._journal_seq, "at": self.now(), **blank, **fields}
            self.journal.append(entry)
            return entry

    def ledger_add(self, platform: str, event: str, key: str, **facts: Any) -> dict[str, Any]:
        """Records an effect that happened. On disk before the answer is sent, so a killed sandbox remembers."""
        with self.lock:
            entry = {"at": self.now(), "platform": platform, "event": event, "key": key, **facts}
            entry = {"seq": len(self.ledger) + 1, **entry}
            self.ledger.append(entry)
            if self._ledger_file:
                self._ledger_file.write(json.dumps(entry) + "\n")
                self._ledger_file.flush()
            return entry

    def close(self) -> None:
        """Closes the ledger's file; effects after it stay in memory."""
        with self.lock:
            if self._ledger_file:
                self._ledger_file.close()
                self._ledger_file = None

    def reset(self) -> None:
        """Back to an empty world; the clock too. The ledger's file is kept, since it is append-only."""
        with self.lock:
            self.journal.clear()
            self.ledger.clear()
            self.calls.clear()
            self.faults.clear()
            self.outgoing.clear()
            self._later.clear()
            self._offset, self._frozen_at = 0.0, None
            for half in self.halves.values():
                half.reset()
                half.seed()

    def seed(self) -> None:
        with self.lock:
            for half in self.halves.values():
                half.seed()
