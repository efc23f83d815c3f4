"""What the lines, requests, returns and refunds of one order have come to, at TikTok Shop and in its store: by the
ledger and the platforms' own pages."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Any

from accounts.access import all_merchants
from orders.models import CancelAnswer, Cancellation, Order, OrderState, Restock, Return, ReturnKind, ReturnStatus
from sandbox.tiktok_shop.statuses import CAME_TO_NOTHING, NOT_RECEIVED, PAID_BACK, SHIPPED, TO_SHIP
from tests.simulation.judge import require
from tests.simulation.one_order import OneOrder

Row = dict[str, Any]
CANCELS_SOME = ("shopify",)
TAKES_REFUNDS = ("shopify", "wix")
TAKES_RETURNS = ("shopify",)
_UNDER_WAY = (TO_SHIP, SHIPPED, NOT_RECEIVED)
_RETURN = re.compile(r"\d{15,}")


class Books:
    """Of one order. Methods with a sentence of what must hold raise Broken."""

    def __init__(self, one: OneOrder) -> None:
        self.one, self.world, self.platform = one, one.world, one.platform

    def entries(self, platform: str, event: str) -> list[Row]:
        """The ledger's, in their order."""
        return [each for each in self.world.ledger if each["platform"] == platform and each["event"] == event]

    # Units

    def wanted(self) -> int:
        """What TikTok Shop has of it: neither cancelled nor paid back without goods."""
        paid_back = {line_id for row in self._refunds() for line_id in _line_ids(row)}
        lines = self.one.judge.tiktok(self.one.order_id).lines
        return sum(line["display_status"] != "CANCELLED" and line["id"] not in paid_back for line in lines)

    def wanted_here(self, order: Order) -> int:
        """The same as far as we know."""
        if order.state == OrderState.CANCELLED:
            return 0
        with all_merchants("a test looks"):
            cases = list(order.returns.filter(kind=ReturnKind.REFUND, status=ReturnStatus.COMPLETED))
        paid_back = {line["line_id"] for case in cases for line in case.lines}
        lines = [line for line in order.snapshot["lines"] if line["status"] != "CANCELLED"]
        return sum(line["quantity"] for line in lines if line["external_id"] not in paid_back)

    def living(self) -> int:
        """What the store is still to send."""
        there = self.one.there()
        return 0 if there is None or there["is_cancelled"] else sum(line["remaining"] for line in there["lines"])

    def has_left(self) -> bool:
        """Whether the store sent it."""
        return bool(self.one.bought[self.one.order_id].shipped)

    def judge_units(self, text: str) -> None:
        """Nothing is taken out of the store's order that TikTok Shop still wants, and all of it only where it is."""
        wanted, bought = self.wanted(), sum(self.one.bought[self.one.order_id].skus.values())
        by_us = [each for each in self.entries(self.platform, "order.cancelled") if each.get("by") == "app"]
        require(not by_us or not wanted, f"cancelled in the store without need, {wanted} are wanted: {text}")
        cancelled = self._cancelled_by_us()
        require(
            cancelled <= bought - wanted, f"{cancelled} cancelled in the store, {wanted} of {bought} wanted: {text}"
        )

    def _cancelled_by_us(self) -> int:
        found = [each for each in self.entries(self.platform, "units.cancelled") if each["by"] == "app"]
        return sum(sum(each["lines"].values()) for each in found)

    def judge_sum(self, text: str) -> None:
        """The store's order costs what its units cost at TikTok Shop, less what was paid back for those left out."""
        created = self.entries(self.platform, "order.created")
        if not created or not created[0]["total"]:
            return
        tiktok = self.one.judge.tiktok(self.one.order_id)
        left_out = sum(self.one.bought[self.one.order_id].skus.values()) - sum(created[0]["lines"].values())
        cancelled = [each["refund"] for each in self.entries("tiktok_shop", "order.lines_cancelled")]
        back = [*cancelled, *(row["refund_amount"] for row in self._refunds())]
        wanted = Decimal(tiktok.data["payment"]["total_amount"])
        wanted -= sum((Decimal(each["refund_total"]) for each in back[:left_out]), Decimal(0))
        require(Decimal(created[0]["total"]) == wanted, f"costs {created[0]['total']}, not {wanted}: {text}")

    # Requests

    def is_asking(self) -> bool:
        """Whether the buyer waits for an answer about cancelling."""
        return bool(self.one.judge.tiktok(self.one.order_id).data.get("is_buyer_request_cancel"))

    def is_stopping(self) -> bool:
        """Whether the parcel is to wait: for that answer, or for money that is asked back before it left."""
        if self.is_asking():
            return True
        is_before = self.one.judge.tiktok(self.one.order_id).status in ("AWAITING_SHIPMENT", "AWAITING_COLLECTION")
        rows = [row for row in self.one.returns() if row["return_type"] == "REFUND"]
        return is_before and any(_may_be_paid(row) for row in rows)

    def judge_answers(self, text: str) -> None:
        """No request is refused without a person's word."""
        refused = [each["cancel_id"] for each in self.entries("tiktok_shop", "cancellation.rejected")]
        if refused:
            with all_merchants("a test looks"):
                said = Cancellation.objects.filter(external_id__in=refused, answer=CancelAnswer.REFUSED).count()
            require(said == len(refused), f"a request was refused, and nobody said so: {text}")

    def judge_known(self, text: str) -> None:
        """What became of every request and return is known here."""
        with all_merchants("a test looks"):
            here = dict(Cancellation.objects.values_list("external_id", "status_text"))
            here |= dict(Return.objects.values_list("external_id", "status_text"))
        tiktok = self.world.halves["tiktok_shop"].state  # type: ignore[attr-defined]
        there = {row["cancel_id"]: row["cancel_status"] for row in tiktok.cancellations.values()}
        there |= {row["return_id"]: row["return_status"] for row in self.one.returns()}
        require(here == there, f"{there} at TikTok Shop, {here} here: {text}")

    # Money

    def judge_refunds_at_once(self, text: str) -> None:
        """The store has no refund that TikTok Shop did not make, and none twice."""
        too_much = self._recorded() - self._paid_back()
        require(
            not too_much, f"refunds in the store that TikTok Shop never made, or made once: {dict(too_much)}: {text}"
        )

    def judge_refunds(self, order: Order, there: Row, text: str) -> None:
        """Every refund of goods that left is in a store that takes refunds, or is a person's task."""
        unsent = Counter(self._told(row) for row in self._refunds() if not self.has_left())
        returned = Counter(self._told(row) for row in self._paid() if self._return_there(row))
        missing = self._paid_back() - self._recorded() - unsent - returned
        if self.platform in TAKES_REFUNDS:
            is_told = there["is_cancelled"] or self._is_task() or self._waits_for_restock()
            require(not missing or is_told, f"refunds {dict(missing)} are not in the store: {text}")
        elif self.platform == "squarespace" and missing:
            require(order.attention or self._is_task(), f"a refund is to be noted, and nobody is told: {text}")

    def _is_task(self) -> bool:
        with all_merchants("a test looks"):
            return Return.objects.filter(records__is_task=True).exists()

    def _waits_for_restock(self) -> bool:
        with all_merchants("a test looks"):
            return Return.objects.filter(restock=Restock.ASKED).exists()

    def _paid(self) -> list[Row]:
        return [row for row in self.one.returns() if row["return_status"] in PAID_BACK]

    def _refunds(self) -> list[Row]:
        return [row for row in self._paid() if row["return_type"] == "REFUND"]

    def _paid_back(self) -> Counter[tuple[str, str]]:
        """TikTok's refunds: which return, how much."""
        return Counter(self._told(row) for row in self._paid())

    def _told(self, row: Row) -> tuple[str, str]:
        return row["return_id"], f"{float(row['refund_amount']['refund_total']):.2f}"

    def _recorded(self) -> Counter[tuple[str, str]]:
        """What the store has of them. Where it records goods alone, the note says how much was paid back."""
        found = [each for each in self.entries(self.platform, "refund.created") if each["by"] == "app"]
        refunds = [each for each in found if set(each.get("restock", {}).values()) != {"CANCEL"}]
        return Counter((_RETURN.findall(each["note"])[-1], _amount(each)) for each in refunds)

    # Goods that come back

    def judge_returns_at_once(self, text: str) -> None:
        """A return is made once in the store."""
        for row in self.one.returns():
            made = self._made(row)
            require(len(made) <= 1, f"{len(made)} returns of {row['return_id']} in the store: {text}")

    def judge_returns(self, text: str) -> None:
        """What is on its way is open in the store, and what is over is closed there, unless a person has to say
        something."""
        if self.platform not in TAKES_RETURNS:
            return
        for row in self.one.returns():
            there, status = self._return_there(row), row["return_status"]
            if row["return_type"] != "REFUND" and status in _UNDER_WAY:
                require(there == "OPEN", f"{row['return_id']} is {status}, in the store {there}: {text}")
            if status in CAME_TO_NOTHING or (status in PAID_BACK and not self._waits_for_restock()):
                require(there != "OPEN", f"{row['return_id']} is {status}, and open in the store: {text}")
            if status in PAID_BACK and row.get("_arrived"):
                require(there, f"{row['return_id']} came back, and the store knows nothing of it: {text}")

    def _made(self, row: Row) -> list[Row]:
        found = self.entries(self.platform, "return.created")
        return [each for each in found if row["return_id"] in each["note"]]

    def _return_there(self, row: Row) -> str:
        """Where the store's return of it stands; empty where there is none, or it came to nothing."""
        keys = {each["key"] for each in self._made(row)}
        found = [each["status"] for each in (self.one.there() or {}).get("returns", ()) if each["id"] in keys]
        return next((status for status in found if status != "CANCELED"), "")


def _line_ids(row: Row) -> set[str]:
    return {line["order_line_item_id"] for line in row["return_line_items"]}


def _may_be_paid(row: Row) -> bool:
    return row["return_status"] not in (*CAME_TO_NOTHING, *PAID_BACK, "REFUND_OR_RETURN_REQUEST_REJECT")


def _amount(entry: Row) -> str:
    moved = float(entry["amount"])
    return f"{moved:.2f}" if moved else str(entry["note"]).partition(" ")[0]
