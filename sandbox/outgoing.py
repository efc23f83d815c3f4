"""Delivers webhooks over real HTTP, to loopback only, with each platform's own schedule of retries."""

from __future__ import annotations

import http.client
import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sandbox.world import World

QUEUE_LIMIT = 1_000_000  # a guard for this machine's memory; what is above it is lost
WORKERS = 8
REORDER_PATIENCE = 5.0


@dataclass(frozen=True)
class Schedule:
    retries: tuple[float, ...] = (60.0,)  # seconds after the failure before
    timeout: float = 5.0
    accepts: frozenset[int] = frozenset(range(200, 300))
    tried: Callable[[str, bool], None] | None = None  # told of every try: the address, and whether it was accepted


@dataclass
class Item:
    platform: str
    url: str
    headers: dict[str, str]
    body: bytes
    event: str
    key: str
    due_at: float
    attempt: int = 1


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Outgoing:
    def __init__(self, world: World) -> None:
        self._world = world
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Item]] = []  # a heap by due time, then by order of sending
        self._held: dict[str, Item] = {}
        self._schedules: dict[str, Schedule] = {}
        self._in_flight = 0
        self._stamp = 0
        self._generation = 0
        self._is_started = False
        self._stopped = threading.Event()
        self.automatic = True

    def set_schedule(self, platform: str, schedule: Schedule) -> None:
        self._schedules[platform] = schedule

    def send(self, platform: str, url: str, headers: dict[str, str], body: bytes, event: str, key: str) -> None:
        """Queues one webhook, or what its fault makes of it. Never blocks on the network."""
        now = self._world.now()
        item = Item(platform, url, headers, body, event, key, now)
        if not is_loopback(url):
            self._note(item, None, "not loopback, not sent", 0)
            return
        fault = self._world.faults.take_webhook(platform, event)
        kind = fault.kind if fault else ""
        self._world.calls[platform, f"webhook {event}", kind] += 1
        if kind == "webhook_lose":
            self._world.ledger_add(platform, "webhook.lost", key, what=event)
            self._note(item, None, "lost on purpose", 0)
            return
        with self._changed:
            if kind == "webhook_reorder" and platform not in self._held:
                item.due_at = now + REORDER_PATIENCE
                self._held[platform] = item
                return
            if fault and kind == "webhook_delay":
                item.due_at = now + fault.seconds
            copies = fault.copies if fault and kind == "webhook_duplicate" else 1
            waits = self._world.faults.scatter(fault, platform, event) if fault and kind == "webhook_scatter" else ()
            for due_at in [now + wait for wait in waits] or [item.due_at] * copies:
                self._push(Item(platform, url, headers, body, event, key, due_at))
            if held := self._held.pop(platform, None):
                held.due_at = item.due_at
                self._push(held)

    def clear(self) -> None:
        with self._changed:
            self._queue.clear()
            self._held.clear()
            self._generation += 1

    def waiting(self) -> int:
        with self._changed:
            return len(self._queue) + len(self._held)

    def drain(self, seconds: float = 30.0) -> int:
        """Delivers everything due now and waits for what is under way; returns the number of tries made."""
        tries = 0
        with self._changed:
            for held in list(self._held.values()):
                held.due_at = self._world.now()
                self._push(held)
            self._held.clear()
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            item = self._claim()
            if item:
                self._deliver(item)
                tries += 1
                continue
            with self._changed:
                if not self._in_flight:
                    break
                self._changed.wait(0.05)
        return tries

    def start(self) -> None:
        """Starts the threads that deliver by themselves."""
        if not self._is_started:
            self._is_started = True
            for number in range(WORKERS):
                threading.Thread(target=self._run, name=f"sandbox-webhook-{number}", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def is_stopped(self, *, within: float) -> bool:
        """Waits so many seconds for the end."""
        return self._stopped.wait(within)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._release_held()
            item = self._claim() if self.automatic else None
            if item:
                self._deliver(item)
                continue
            with self._changed:
                self._changed.wait(0.1)

    def _release_held(self) -> None:
        with self._changed:
            for platform, held in list(self._held.items()):
                if held.due_at <= self._world.now():
                    self._push(self._held.pop(platform))

    def _push(self, item: Item) -> None:
        if len(self._queue) >= QUEUE_LIMIT:
            return  # not noted: the journal's lock must never be taken inside this one
        self._stamp += 1
        heappush(self._queue, (item.due_at, self._stamp, item))
        self._changed.notify()

    def _claim(self) -> Item | None:
        now = self._world.now()
        with self._changed:
            if not self._queue or self._queue[0][0] > now:
                return None
            self._in_flight += 1
            return heappop(self._queue)[2]

    def _deliver(self, item: Item) -> None:
        generation = self._generation
        schedule = self._schedules.get(item.platform, Schedule())
        started = time.monotonic()
        try:
            status, note = self._post(item, schedule.timeout)
            self._note(item, status, note, round((time.monotonic() - started) * 1000))
            if schedule.tried:
                schedule.tried(item.url, status in schedule.accepts)
            if status not in schedule.accepts:
                self._again(item, schedule, generation)
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _again(self, item: Item, schedule: Schedule, generation: int) -> None:
        if item.attempt > len(schedule.retries):
            self._note(item, None, "dropped for good", 0)
            return
        with self._changed:
            if generation != self._generation:
                return
            item.due_at = self._world.now() + schedule.retries[item.attempt - 1]
            item.attempt += 1
            self._push(item)

    def _post(self, item: Item, timeout: float) -> tuple[int | None, str]:
        address = urlsplit(item.url)
        maker = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = maker(address.hostname or "", address.port, timeout=timeout)
        try:
            target = (address.path or "/") + (f"?{address.query}" if address.query else "")
            connection.request("POST", target, body=item.body, headers=item.headers)
            answer = connection.getresponse()
            answer.read(65_536)
            return answer.status, f"try {item.attempt}"
        except (OSError, http.client.HTTPException) as error:
            return None, f"try {item.attempt}: {type(error).__name__}"
        finally:
            connection.close()

    def _note(self, item: Item, status: int | None, note: str, ms: int) -> None:
        self._world.journal_add(
            direction="out",
            platform=item.platform,
            method="POST",
            path=item.url,
            operation=item.event,
            status=status,
            note=f"{item.key} {note}",
            ms=ms,
        )
