"""R4: whatever was answered 200 is in the inbox, however often web server and database are killed meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

from proof.installation import Installation

SENDERS = 6
KIND = 15  # "product information changed": kept and marked, nothing is read at the platform for it
AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Flood:
    """What came of it: answered 200, answered otherwise or not at all, and those answered that have no row."""

    answered: int
    refused: int
    missing: int
    web_kills: int
    database_kills: int
    seconds: float


class Senders:
    """TikTok Shop's webhooks from several threads, as fast as they are taken. Their own list says what was taken."""

    def __init__(self, here: Installation, *, wanted: int, seed: int) -> None:
        self.here = here
        self.wanted = wanted
        self.seed = seed
        self.taken: list[str] = []
        self.refused = 0
        self.stopped = threading.Event()
        shops: Any = here.site.look("tiktok_shop")["shops"]
        self.shop_id = shops[0]["id"]
        self.threads = [threading.Thread(target=self._send, args=(each,), daemon=True) for each in range(SENDERS)]

    def _send(self, sender: int) -> None:
        address = urlsplit(self.here.site.url)
        connection: http.client.HTTPConnection | None = None
        number = 0
        while len(self.taken) < self.wanted and not self.stopped.is_set():
            number += 1
            key = f"proof-{self.seed}-{sender}-{number}"
            try:
                connection = connection or http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
                body, headers = self._signed(key)
                connection.request("POST", "/webhooks/tiktok_shop/", body=body, headers=headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.taken.append(key)
                    continue
                self.refused += 1
            except (OSError, http.client.HTTPException):
                self.refused += 1
                connection = None
            self.stopped.wait(0.05)

    def _signed(self, key: str) -> tuple[bytes, dict[str, str]]:
        content = {"type": KIND, "tts_notification_id": key, "shop_id": self.shop_id, "timestamp": int(time.time())}
        body = json.dumps({**content, "data": {"product_id": "1"}}).encode()
        keys = self.here.keys
        secret, app = keys["TIKTOK_SHOP_APP_SECRET"].encode(), keys["TIKTOK_SHOP_APP_KEY"].encode()
        signature = hmac.new(secret, app + body, hashlib.sha256).hexdigest()
        return body, {"Content-Type": "application/json", "Authorization": signature}


def flood(
    *, here: Installation, wanted: int, web_kills: int, database_kills: int, seed: int, say: Callable[[str], object]
) -> Flood:
    """Send until so many were answered 200, killing at moments drawn from the seed; then count the rows."""
    began = time.monotonic()
    dice = random.Random(f"{seed} R4")
    blows = [(dice.uniform(0.05, 0.95) * wanted, "web") for _ in range(web_kills)]
    blows += [(dice.uniform(0.05, 0.95) * wanted, "database") for _ in range(database_kills - 1)]
    blows.sort()
    senders = Senders(here, wanted=wanted, seed=seed)
    for thread in senders.threads:
        thread.start()
    try:
        _beat(here, senders, blows, say)
        here.kill_database()  # at once after the last answer
        here.start_database()
    finally:
        senders.stopped.set()
    for thread in senders.threads:
        thread.join(timeout=15)
    missing = _missing(here.tables, senders.taken)
    took = time.monotonic() - began
    return Flood(len(senders.taken), senders.refused, missing, web_kills, database_kills, took)


def _beat(here: Installation, senders: Senders, blows: list[tuple[float, str]], say: Callable[[str], object]) -> None:
    next_word, last, still_since = time.monotonic() + 5, 0, time.monotonic()
    while any(thread.is_alive() for thread in senders.threads):
        now, taken = time.monotonic(), len(senders.taken)
        if taken != last:
            last, still_since = taken, now
        if now - still_since > 60:
            return  # nothing is taken any more: what was taken is counted
        if now > next_word:
            say(f"{taken} of {senders.wanted} webhooks were answered 200")
            next_word = now + 5
        if blows and blows[0][0] <= taken:
            _, what = blows.pop(0)
            say(f"killing the {what} after {taken} answers")
            if what == "web":
                here.kill_web()
                here.start_web()
                here.wait_for_web()
            else:
                here.kill_database()
                here.start_database()
        time.sleep(0.01)


def _missing(tables: str, keys: list[str]) -> int:
    missing = 0
    with psycopg.connect(tables, connect_timeout=10) as connection:
        for start in range(0, len(keys), AT_ONCE):
            row = connection.execute(_MISSING, [keys[start : start + AT_ONCE]]).fetchone()
            missing += row[0] if row else 0
    return missing


_MISSING = """
select count(*) from unnest(%s::text[]) wanted(key) where not exists
(select 1 from connectors_webhookdelivery d where d.platform = 'tiktok_shop' and d.delivery_key = wanted.key)
"""
