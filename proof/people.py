"""Buyers, warehouses and the carrier's labels: a thread that acts by the plan through the sandbox's own door."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Any

import requests

from demo import story
from demo.processes import DemoFailed
from demo.site import Site
from proof.ledger import Entry, Ledger
from proof.plan import Buy, Fate, Plan

PAUSE = 0.05


class People:
    """Everyone who acts on the platforms. `orders` maps the source's order ids to what was planned for them."""

    def __init__(self, *, site: Site, ledger: Ledger, plan: Plan) -> None:
        self.site = site
        self.ledger = ledger
        self.plan = plan
        self.orders: dict[str, Buy] = {}
        self.refused = 0  # what a platform did not allow any more, such as shipping what is cancelled
        self._error: Exception | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._stamp = 0
        self._is_busy = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._act, name="people", daemon=True)
        self._parcels = int(time.time()) % 1_000_000 * 10_000

    def begin(self) -> None:
        """From now on by the plan."""
        began = time.time()
        for buy in self.plan.buys:
            self._at(began + buy.at, partial(self._buy, buy))
        self._thread.start()

    def end(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)
        self._session.close()

    @property
    def are_done(self) -> bool:
        """Whether all that is due so far was done; what becomes of orders may bring more."""
        return not self._due and not self._is_busy

    def check(self) -> None:
        """Raises DemoFailed for what went wrong in the thread."""
        if self._error is not None:
            raise DemoFailed(f"The sandbox failed: {self._error!r}") from self._error

    def _at(self, moment: float, action: Callable[[], object]) -> None:
        self._stamp += 1
        heappush(self._due, (moment, self._stamp, action))

    def _act(self) -> None:
        try:
            while not self._stopped.is_set():
                for entry in self.ledger.read():
                    self._follow(entry)
                self._is_busy = True
                while self._due and self._due[0][0] <= time.time() and not self._stopped.is_set():
                    heappop(self._due)[2]()
                self._is_busy = False
                self._stopped.wait(PAUSE)
        except Exception as error:
            self._error = error

    def _buy(self, buy: Buy) -> None:
        answer = self._control("tiktok_shop/buy", shop=story.SHOP, **buy.order)
        order_id = str(answer["order_id"])
        self.orders[order_id] = buy
        now = time.time()
        if buy.fate is Fate.UNREADABLE:
            self._control("tiktok_shop/update_fields", order_id=order_id, fields={"create_time": "__absent__"})
        elif buy.fate is Fate.CANCEL_IN_HOLD:
            verb = "buyer_cancel" if buy.order["hold"] else "system_cancel"
            self._at(now + buy.after, partial(self._try, f"tiktok_shop/{verb}", order_id=order_id))
        elif buy.fate is Fate.CANCEL_AT_RELEASE:
            self._at(now + buy.after, partial(self._try, "tiktok_shop/system_cancel", order_id=order_id))

    def _follow(self, entry: Entry) -> None:
        """What an order's fate waits for: its creation in a store."""
        if entry["event"] != "order.created":
            return
        buy = self.orders.get(entry.get("reference") or "")
        if buy is None:
            return
        due = time.time() + buy.after
        if buy.fate is Fate.SHIP:
            self._at(due, partial(self._ship, entry))
        elif buy.fate is Fate.CANCEL_LATER:
            order = self.ledger.orders[entry["reference"]]
            if len(order.copies) == 1:
                self._at(due, partial(self._try, "tiktok_shop/system_cancel", order_id=order.order_id))

    def _ship(self, entry: Entry) -> None:
        """Amazon ships with its own carrier, the others with USPS."""
        self._parcels += 1
        platform, number = entry["platform"], self._parcels
        carrier, tracking = (
            ("AMZN_US", f"TBA{number:012d}") if platform == "amazon" else ("USPS", f"94001118995{number:011d}")
        )
        ship = {"shop": entry["shop"], "order": entry["key"], "tracking_number": tracking, "carrier": carrier}
        self._try(f"{platform}/ship", **ship)

    def _try(self, path: str, **body: object) -> None:
        """Something that a platform may not allow any more."""
        try:
            self._control(path, **body)
        except DemoFailed:
            self.refused += 1

    def _control(self, path: str, **body: object) -> dict[str, Any]:
        answer = self._session.post(f"{self.site.sandbox_url}/_sandbox/{path}", json=body, timeout=60)
        if answer.status_code >= 400:
            raise DemoFailed(f"The sandbox refuses {path}: {answer.text[:300]}")
        return dict(answer.json())
