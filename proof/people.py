"""Buyers, warehouses and the carrier's labels: a thread that acts by the plan through the sandbox's own door."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from heapq import heappop, heappush
from typing import Any

import requests

from demo import story
from demo.processes import DemoFailed
from demo.site import Site
from proof.ledger import Entry, Ledger
from proof.plan import COMING_BACK, RULED, SHIPPED, Buy, Fate, Plan

PAUSE = 0.05
ANSWERED_AFTER = 1.5
_KINDS = {Fate.RETURN: "RETURN_AND_REFUND", Fate.REFUND: "REFUND", Fate.REPLACE: "REPLACEMENT"}
_STEPS = {
    Fate.RETURN: (
        ("seller_decides", "APPROVE_RETURN"),
        ("hand_over", ""),
        ("return_arrives", ""),
        ("seller_decides", "APPROVE_RECEIVED_PACKAGE"),
    ),
    Fate.REFUND: (("seller_decides", "APPROVE_REFUND"),),
    Fate.REPLACE: (("seller_decides", "APPROVE_REPLACEMENT"),),
}


class People:
    """Everyone who acts on the platforms. `orders` maps the source's order ids to what was planned for them."""

    def __init__(self, *, site: Site, ledger: Ledger, plan: Plan) -> None:
        self.site = site
        self.ledger = ledger
        self.plan = plan
        self.orders: dict[str, Buy] = {}  # those that stand for others, too
        self.bought = 0
        self.over = 0  # returns and refunds that are
        self._open_cases: set[str] = set()
        self.refused = 0  # what a platform did not allow any more, such as shipping what is cancelled
        self._error: Exception | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._stamp = 0
        self._is_busy = False
        self._hurries = False
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
        """Whether all that is due so far was done, and every case is over; what becomes of orders may bring more."""
        return not self._due and not self._is_busy and not self._open_cases

    def check(self) -> None:
        """Raises DemoFailed for what went wrong in the thread."""
        if self._error is not None:
            raise DemoFailed(f"The sandbox failed: {self._error!r}") from self._error

    def hurry(self) -> None:
        """From now on everybody acts at once, so that whatever is waited for is waited for from the product."""
        self._hurries = True

    def _is_next_due(self) -> bool:
        return self._hurries or self._due[0][0] <= time.time()

    def _at(self, moment: float, action: Callable[[], object]) -> None:
        self._stamp += 1
        heappush(self._due, (moment, self._stamp, action))

    def _act(self) -> None:
        try:
            while not self._stopped.is_set():
                self._is_busy = True
                for entry in self.ledger.read():
                    self._follow(entry)
                while self._due and self._is_next_due() and not self._stopped.is_set():
                    heappop(self._due)[2]()
                self._is_busy = False
                self._stopped.wait(PAUSE)
        except Exception as error:
            self._error = error

    def _buy(self, buy: Buy) -> None:
        answer = self._control("tiktok_shop/buy", shop=story.SHOP, **buy.order)
        order_id = str(answer["order_id"])
        self.orders[order_id] = buy
        self.bought += 1
        now = time.time()
        if buy.fate is Fate.UNREADABLE:
            self._control("tiktok_shop/update_fields", order_id=order_id, fields={"create_time": "__absent__"})
        elif buy.fate in (Fate.CANCEL_IN_HOLD, Fate.CANCEL_AT_RELEASE):
            self._at(now + buy.after, partial(self._ask_to_cancel, order_id))
        elif buy.fate is Fate.PART_IN_HOLD:
            self._at(now + buy.after, partial(self._ask_to_cancel, order_id, skus=buy.part, reason=RULED))

    def _ask_to_cancel(self, order_id: str, **more: object) -> None:
        """In the hold a buyer's word is enough; after it the seller has to answer, and says yes, unless the rule of the
        installation does."""
        answer = self._try("tiktok_shop/buyer_cancel", order_id=order_id, **more)
        if answer.get("cancel_status") == "CANCELLATION_REQUEST_PENDING" and more.get("reason") != RULED:
            approve = partial(self._try, "tiktok_shop/seller_answer", order_id=order_id, approve=True)
            self._at(time.time() + ANSWERED_AFTER, approve)

    def _follow(self, entry: Entry) -> None:
        """What an order's fate waits for: its creation in a store, its parcels, the end of a case."""
        event = entry["event"]
        if event == "order.created":
            self._follow_created(entry)
        elif event == "order.placed":
            if entry.get("replaced_order_id") in self.orders:  # the goods instead: an order like any other
                first = self.orders[entry["replaced_order_id"]]
                self.orders[entry["key"]] = replace(first, fate=Fate.KEEP, part={}, share=None)
        elif event == "package.shipped":
            buy = self.orders.get(entry["key"])
            if buy is not None and buy.fate in COMING_BACK:
                self._at(time.time() + buy.pace, partial(self._deliver, entry["key"], buy))
        elif event in ("return.refunded", "return.replaced"):
            self._open_cases.discard(entry["return_id"])
            self.over += 1

    def _follow_created(self, entry: Entry) -> None:
        buy = self.orders.get(entry.get("reference") or "")
        if buy is None:
            return
        due, order = time.time() + buy.after, self.ledger.orders[entry["reference"]]
        if buy.fate in SHIPPED:
            self._at(due, partial(self._ship, entry))
        elif len(order.copies) > 1:
            return
        elif buy.fate is Fate.CANCEL_LATER:
            self._at(due, partial(self._try, "tiktok_shop/system_cancel", order_id=order.order_id))
        elif buy.fate is Fate.ASK_TO_CANCEL:
            self._at(due, partial(self._ask_to_cancel, order.order_id, reason=RULED))
        elif buy.fate is Fate.TAKE_BACK:
            self._at(due, partial(self._try, "tiktok_shop/buyer_cancel", order_id=order.order_id))
            self._at(due + 2 * buy.pace, partial(self._try, "tiktok_shop/withdraw_cancel", order_id=order.order_id))
        elif buy.fate is Fate.PART_LATER and buy.number % 2:
            self._at(due, partial(self._ask_to_cancel, order.order_id, skus=buy.part, reason=RULED))
        elif buy.fate is Fate.PART_LATER:
            self._at(due, partial(self._try, "tiktok_shop/seller_cancel", order_id=order.order_id, skus=buy.part))

    def _deliver(self, order_id: str, buy: Buy) -> None:
        """Once all of its parcels are on their way; then what the buyer has to say about it."""
        if self._try("tiktok_shop/deliver", order_id=order_id):
            self._at(time.time() + buy.pace, partial(self._open_case, order_id, buy))

    def _open_case(self, order_id: str, buy: Buy) -> None:
        """The buyer asks and the seller says yes in Seller Center; or the seller pays a part of his own accord."""
        if buy.share is not None:
            paid = self.ledger.orders[order_id].entry
            amount = (Decimal(paid["total"]) * buy.share).quantize(Decimal("0.01"))
            asked = {"refund_total": str(amount), "currency": paid["currency"], "return_type": "REFUND"}
            answer = self._control("tiktok_shop/seller_return", order_id=order_id, **asked)
        else:
            kind = _KINDS[buy.fate]
            answer = self._control("tiktok_shop/open_return", order_id=order_id, type=kind, skus=buy.part)
        case_id = answer["return_id"]
        self._open_cases.add(case_id)
        self._go_on(buy, case_id, () if buy.share is not None else _STEPS[buy.fate])

    def _go_on(self, buy: Buy, case_id: str, steps: Sequence[tuple[str, str]]) -> None:
        """The next step of a case at its pace, and those after it."""
        if not steps:
            return

        def act() -> None:
            verb, decision = steps[0]
            self._control(f"tiktok_shop/{verb}", return_id=case_id, **({"decision": decision} if decision else {}))
            self._go_on(buy, case_id, steps[1:])

        self._at(time.time() + buy.pace, act)

    def _ship(self, entry: Entry) -> None:
        """Amazon ships with its own carrier, the others with USPS."""
        self._parcels += 1
        platform, number = entry["platform"], self._parcels
        carrier, tracking = (
            ("AMZN_US", f"TBA{number:012d}") if platform == "amazon" else ("USPS", f"94001118995{number:011d}")
        )
        ship = {"shop": entry["shop"], "order": entry["key"], "tracking_number": tracking, "carrier": carrier}
        self._try(f"{platform}/ship", **ship)

    def _try(self, path: str, **body: object) -> dict[str, Any]:
        """Something that a platform may not allow any more; then the answer is empty."""
        try:
            return self._control(path, **body)
        except DemoFailed:
            self.refused += 1
            return {}

    def _control(self, path: str, **body: object) -> dict[str, Any]:
        answer = self._session.post(f"{self.site.sandbox_url}/_sandbox/{path}", json=body, timeout=60)
        if answer.status_code >= 400:
            raise DemoFailed(f"The sandbox refuses {path}: {answer.text[:300]}")
        return dict(answer.json())
