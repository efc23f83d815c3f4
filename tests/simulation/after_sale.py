"""What buyer, seller, carrier and TikTok Shop do about one order after the sale: parts of it, requests, goods that come
back."""

from __future__ import annotations

from typing import Any

from accounts.access import merchant_rows
from connectors.base.aftersales import Answer, Decision
from orders import answering, returns
from orders.models import Cancellation, CancellationStatus, Restock, Return
from sandbox.tiktok_shop.reasons import PACKED, reject_reasons
from sandbox.tiktok_shop.statuses import ENDED, PENDING, SHIPPED, TO_SHIP
from sandbox.world import ControlError
from tests.simulation.led import Led, NotPossible

# The seller's next step in Seller Center, by what was asked for and where it stands.
GRANTS = {
    ("REFUND", PENDING): "APPROVE_REFUND",
    ("RETURN_AND_REFUND", PENDING): "APPROVE_RETURN",
    ("RETURN_AND_REFUND", SHIPPED): "APPROVE_RECEIVED_PACKAGE",
}
REFUSES = {
    ("REFUND", PENDING): "REJECT_REFUND",
    ("RETURN_AND_REFUND", PENDING): "REJECT_RETURN",
    ("RETURN_AND_REFUND", SHIPPED): "REJECT_RECEIVED_PACKAGE",
}
Row = dict[str, Any]


class AfterSale(Led):
    """Everything here raises NotPossible where a platform, or the product, does not allow it."""

    # Cancelling

    def buyer_asks(self, *, some: bool = False) -> None:
        """To cancel all of it, or one unit; the seller has to answer."""
        self.control("buyer_cancel", **({"line_ids": [self._live()[0]["id"]]} if some else {}))

    def buyer_withdraws(self) -> None:
        """The request to cancel, or that for money or to send goods back."""
        row = self.open_return()
        if row is not None:
            self.act("tiktok_shop/withdraw_return", return_id=row["return_id"])
        else:
            self.control("withdraw_cancel")

    def tiktok_cancels(self, *, some: bool = False) -> None:
        """By itself, whoever asks for what; all of it, or one more unit."""
        self.control("system_cancel", **({"line_ids": [self._live()[-1]["id"]]} if some else {}))

    def seller_cancels_some(self) -> None:
        """One more unit, in Seller Center."""
        self.control("seller_cancel", line_ids=[self._live()[-1]["id"]])

    def owner_answers(self, *, accepts: bool) -> None:
        """The request to cancel that is open, as we know it."""
        with merchant_rows(self.stage.merchant_id):
            asked = Cancellation.objects.filter(status=CancellationStatus.REQUESTED, is_request=True, answer="").first()
            if asked is None:
                raise NotPossible
            answering.answer_cancellation(
                cancellation=asked, accepts=accepts, by="Alice", reason="" if accepts else PACKED, now=self.now()
            )

    # Money and goods

    def tiktok_refunds(self) -> None:
        """One more unit, without goods coming back."""
        refunded = {line["order_line_item_id"] for each in self.returns() for line in each["return_line_items"]}
        left = [line["id"] for line in self._live() if line["id"] not in refunded]
        if not left:
            raise NotPossible
        self.control("platform_refund", line_ids=left[:1])

    def buyer_wants_money(self, *, some: bool = False) -> None:
        """Before the parcel left."""
        chosen = {"line_ids": [self._live()[0]["id"]]} if some else {}
        self.control("open_return", type="REFUND", early=True, **chosen)

    def buyer_returns(self) -> None:
        """One unit is to go back."""
        self.control("open_return", type="RETURN_AND_REFUND", line_ids=[self._live()[0]["id"]])

    def return_goes_on(self) -> None:
        """Granted, handed over, arrived, found right: what comes next, in Seller Center or on the road."""
        row = self._required()
        if row["return_status"] == TO_SHIP:
            self.act("tiktok_shop/hand_over", return_id=row["return_id"])
        elif row["return_status"] == SHIPPED and not row.get("_arrived"):
            self.act("tiktok_shop/return_arrives", return_id=row["return_id"])
        else:
            self._decide(row, GRANTS)

    def seller_refuses(self) -> None:
        """What is asked for, or the goods that came, in Seller Center."""
        self._decide(self._required(), REFUSES)

    def _decide(self, row: Row, decisions: dict[tuple[str, str], str]) -> None:
        decision = decisions.get((row["return_type"], row["return_status"]))
        if decision is None:
            raise NotPossible
        self.act("tiktok_shop/seller_decides", return_id=row["return_id"], decision=decision)

    def owner_answers_return(self, *, accepts: bool) -> None:
        """What is asked about a return, as we know it."""
        with merchant_rows(self.stage.merchant_id):
            case = next((each for each in Return.objects.exclude(decisions=[]) if not each.is_answered), None)
            if case is None:
                raise NotPossible
            word = "APPROVE" if accepts else "REJECT"
            decision = next(each for each in case.decisions if each.startswith(word))
            reason = "" if accepts else reject_reasons(decision)[0]
            answer = Answer(Decision(decision), reason=reason)
            answering.answer_return(return_=case, answer=answer, by="Alice", now=self.now())

    def owner_restocks(self) -> None:
        """What came back."""
        with merchant_rows(self.stage.merchant_id):
            case = Return.objects.filter(restock=Restock.ASKED).first()
            if case is None:
                raise NotPossible
            returns.restock_decision(return_=case, restock=True, by="Alice", now=self.now())

    # What there is

    def returns(self) -> list[Row]:
        """The order's returns as TikTok Shop has them."""
        return list(self.world.halves["tiktok_shop"].state.returns.values())  # type: ignore[attr-defined]

    def open_return(self) -> Row | None:
        """The return that is not over."""
        return next((each for each in self.returns() if each["return_status"] not in ENDED), None)

    def _required(self) -> Row:
        row = self.open_return()
        if row is None:
            raise NotPossible
        return row

    def _live(self) -> list[Row]:
        live = [line for line in self.judge.tiktok(self.order_id).lines if line["display_status"] != "CANCELLED"]
        if not live:
            raise NotPossible
        return live

    def control(self, verb: str, **body: Any) -> None:
        """TikTok Shop's half, about the order."""
        self.act(f"tiktok_shop/{verb}", order_id=self.order_id, **body)

    def act(self, path: str, **body: Any) -> None:
        """The sandbox's own door."""
        try:
            self.stage.control(path, **body)
        except ControlError as error:
            raise NotPossible(str(error)) from error
        self.wait(1)
