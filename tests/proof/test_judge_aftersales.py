from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proof.ours import Kept
from proof.verdict import Verdict
from tests.proof.test_judge import CONTENT, PLACED, Case, at_source, created, in_store, wrongs

RECORD = "24.00 USD paid back at TikTok Shop. Refunded on TikTok Shop, return R1 [57-R1]"
LINE = {"sku": "CND-FIG-08", "total": "24.00", "shipping": "0", "subtotal": "24.00"}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "ledger.jsonl")


class Shop:
    """An order of two candles in Shopify, all of it known to us, and what happens to it afterwards."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.kept = Kept("MIRRORED", "DELIVERED", "", {}, mirrors={("shopify", "g1"): "CREATED"})

    def judged(self, *entries: dict[str, Any], **more: Any) -> Verdict:
        placed = {"lines": {"CND-FIG-08": 2}, "total": "48.00"}
        unit = {"seller_sku": "CND-FIG-08", "original_price": "24", "sale_price": "24"}
        line = {"quantity": 2, "priceSet": {"shopMoney": {"amount": "24.00"}}}
        address = CONTENT["shippingAddress"]
        assert isinstance(address, dict)
        content = {
            "lineItems": [line],
            "currency": "USD",
            "email": CONTENT["customerEmail"],
            "shippingAddress": {**address, "provinceCode": "NJ", "zip": address["postalCode"]},
        }
        made: dict[str, Any] = {"lines": {"CND-FIG-08": 2}, "total": "48.00", "content": content, "platform": "shopify"}
        return self.case.verdict(
            created("g1", **made), *entries, kept=self.kept, placed={**placed, "units": [unit, unit]}, **more
        )

    def refunded(self, *, of: str = "REFUND", **changed: Any) -> list[dict[str, Any]]:
        """The source pays one of them back, and we know that."""
        self.kept.cases["R1"] = ("COMPLETED", 2400)
        self.kept.records["shopify", "R1"] = (2400, False)
        sums = {"refund_total": "24.00", "currency": "USD"}
        return [
            at_source("return.opened", 30, return_id="R1", kind=of),
            *([at_source("return.handed_over", 31, return_id="R1")] if of != "REFUND" else []),
            at_source("return.refunded", 32, return_id="R1", refund=sums, lines=[{**LINE, **changed}]),
        ]


def there(event: str, key: str = "x1", at: float = 40, **more: Any) -> dict[str, Any]:
    """What Shopify has of it."""
    facts = {"order": "g1", "lines": {"CND-FIG-08": 1}, "note": RECORD, "amount": "0", "restock": {}}
    return {**in_store(event, at, key=key, **{**facts, **more}), "platform": "shopify"}


@pytest.fixture
def shop(case: Case) -> Shop:
    return Shop(case)


class TestRefund:
    def test_that_is_recorded_once_and_to_the_cent_is_clean(self, shop: Shop) -> None:
        verdict = shop.judged(*shop.refunded(), there("refund.created"))
        assert (wrongs(verdict), verdict.refunds, verdict.returns) == (set(), 1, 0)

    def test_that_is_not_in_the_store_is_missing(self, shop: Shop) -> None:
        assert wrongs(shop.judged(*shop.refunded())) == {"refund missing"}

    def test_that_is_there_twice_is_twice(self, shop: Shop) -> None:
        entries = [there("refund.created"), there("refund.created", "x2", 41)]
        assert wrongs(shop.judged(*shop.refunded(), *entries)) == {"refund twice"}

    @pytest.mark.parametrize(
        "changed",
        [
            {"note": RECORD.replace("24.00", "23.99")},
            {"note": RECORD.replace("USD", "EUR")},
            {"note": "return R1"},
            {"amount": "24.00"},  # money moved a second time
        ],
    )
    def test_of_another_sum_or_that_moves_money_is_wrong(self, shop: Shop, changed: dict[str, Any]) -> None:
        assert wrongs(shop.judged(*shop.refunded(), there("refund.created", **changed))) == {"money wrong"}

    def test_that_nobody_was_paid_is_wrong(self, shop: Shop) -> None:
        assert wrongs(shop.judged(there("refund.created"))) == {"money wrong"}

    def test_that_we_do_not_know_of_is_unrecorded(self, shop: Shop) -> None:
        entries = shop.refunded()
        shop.kept.cases.clear()
        assert wrongs(shop.judged(*entries, there("refund.created"))) == {"unrecorded"}

    def test_whose_record_we_do_not_know_of_is_unrecorded(self, shop: Shop) -> None:
        entries = shop.refunded()
        shop.kept.records.clear()
        assert wrongs(shop.judged(*entries, there("refund.created"))) == {"unrecorded"}

    def test_of_another_sum_in_our_tables_is_wrong(self, shop: Shop) -> None:
        entries = shop.refunded()
        shop.kept.cases["R1"] = ("COMPLETED", 2300)
        assert wrongs(shop.judged(*entries, there("refund.created"))) == {"money wrong"}

    def test_of_a_bare_sum_may_be_left_to_the_merchant(self, shop: Shop) -> None:
        entries = shop.refunded(subtotal="10.00", total="10.00")
        shop.kept.records["shopify", "R1"] = (None, True)
        verdict = shop.judged(*entries)
        assert (wrongs(verdict), verdict.refunds_by_hand) == (set(), 1)

    def test_of_whole_items_may_not(self, shop: Shop) -> None:
        entries = shop.refunded()
        shop.kept.records["shopify", "R1"] = (None, True)
        assert wrongs(shop.judged(*entries)) == {"refund missing"}

    def test_is_a_task_where_the_store_takes_none(self, case: Case) -> None:
        kept = case.kept
        kept.cases["R1"] = ("COMPLETED", 2400)
        entries = [
            created(),
            at_source("return.opened", 30, return_id="R1", kind="REFUND"),
            at_source(
                "return.refunded",
                32,
                return_id="R1",
                refund={"refund_total": "24.00", "currency": "USD"},
                lines=[{**LINE, "sku": "CND-SEA-08"}],
            ),
        ]
        assert wrongs(case.verdict(*entries, kept=kept)) == {"refund missing"}
        kept.records["squarespace", "R1"] = (None, True)
        verdict = case.verdict(*entries, kept=kept)
        assert (wrongs(verdict), verdict.refunds_by_hand) == (set(), 1)


class TestReturn:
    def back(self, shop: Shop) -> list[dict[str, Any]]:
        return shop.refunded(of="RETURN_AND_REFUND")

    def made(self, key: str = "r1", **more: Any) -> dict[str, Any]:
        return there("return.created", key, 38, note="Wrong product [57-R1] lines 1", **more)

    def test_that_is_recorded_once_and_closed_is_clean(self, shop: Shop) -> None:
        verdict = shop.judged(*self.back(shop), self.made(), there("return.closed", "r1"))
        assert (wrongs(verdict), verdict.returns) == (set(), 1)

    def test_that_is_not_there_or_stays_open_is_missing(self, shop: Shop) -> None:
        assert wrongs(shop.judged(*self.back(shop))) == {"return missing"}
        assert wrongs(shop.judged(*self.back(shop), self.made())) == {"return missing"}

    def test_that_is_there_twice_is_twice(self, shop: Shop) -> None:
        entries = [self.made(), self.made("r2"), there("return.closed", "r1")]
        assert wrongs(shop.judged(*self.back(shop), *entries)) == {"return twice"}

    def test_of_other_items_is_wrong(self, shop: Shop) -> None:
        entries = [self.made(lines={"CND-FIG-08": 2}), there("return.closed", "r1")]
        assert wrongs(shop.judged(*self.back(shop), *entries)) == {"wrong"}

    def test_with_shipping_paid_back_has_a_refund_too(self, shop: Shop) -> None:
        entries = [self.made(), there("return.closed", "r1")]
        before = shop.refunded(of="RETURN_AND_REFUND", shipping="4.00")
        assert wrongs(shop.judged(*before, *entries)) == {"refund missing"}
        assert wrongs(shop.judged(*before, *entries, there("refund.created"))) == set()


class TestRequest:
    def asked(self, *ends: str) -> list[dict[str, Any]]:
        names = ("cancellation.requested", *ends)
        return [at_source(name, 30 + place, cancel_id="C1") for place, name in enumerate(names)]

    def test_that_nobody_answers_is_unanswered(self, shop: Shop) -> None:
        shop.kept.requests["C1"] = "REQUESTED"
        assert wrongs(shop.judged(*self.asked())) == {"unanswered"}

    def test_that_is_over_is_clean_when_we_know_it(self, shop: Shop) -> None:
        shop.kept.requests["C1"] = "WITHDRAWN"
        verdict = shop.judged(*self.asked("cancellation.withdrawn"))
        assert (wrongs(verdict), verdict.requests) == (set(), 1)

    @pytest.mark.parametrize("known", ["REQUESTED", ""])
    def test_that_is_over_and_open_here_is_unrecorded(self, shop: Shop, known: str) -> None:
        shop.kept.requests |= {"C1": known} if known else {}
        assert wrongs(shop.judged(*self.asked("cancellation.withdrawn"))) == {"unrecorded"}

    def test_that_is_over_asks_the_merchant_nothing(self, shop: Shop) -> None:
        shop.kept.requests["C1"], shop.kept.attention = "WITHDRAWN", "CANCEL_PENDING"
        assert wrongs(shop.judged(*self.asked("cancellation.withdrawn"))) == {"unrecorded"}

    def test_that_is_over_keeps_nothing_back(self, shop: Shop) -> None:
        shop.kept.requests["C1"] = "WITHDRAWN"
        held = {**there("order.held", "g1", 31), "order": ""}
        entries = [*self.asked("cancellation.withdrawn"), held]
        assert wrongs(shop.judged(*entries)) == {"kept back"}
        ended = {**held, "event": "order.hold_ended", "at": 35, "still_held": False}
        assert wrongs(shop.judged(*entries, ended)) == set()


class TestOrderOfWhichAPartWasCancelled:
    def part(self, at: float) -> dict[str, Any]:
        refund = {"refund_total": "24.00", "currency": "USD"}
        return at_source("order.lines_cancelled", at, lines={"CND-FIG-08": 1}, refund=refund)

    def gone(self, at: float, units: int = 1) -> dict[str, Any]:
        entry = there("units.cancelled", "g1", at, lines={"CND-FIG-08": units})
        return {**entry, "order": ""}

    def test_loses_it_in_its_store_within_a_minute(self, shop: Shop) -> None:
        verdict = shop.judged(self.part(30), self.gone(85))
        assert (wrongs(verdict), verdict.in_part, verdict.longest_live) == (set(), 1, 55)

    def test_that_keeps_it_for_longer_lives_too_long(self, shop: Shop) -> None:
        assert wrongs(shop.judged(self.part(30), self.gone(95))) == {"live"}
        assert wrongs(shop.judged(self.part(30), now=100)) == {"live"}
        assert wrongs(shop.judged(self.part(30), now=80)) == {"alive"}

    def test_that_loses_more_than_that_is_wrong(self, shop: Shop) -> None:
        assert wrongs(shop.judged(self.part(30), self.gone(40, 2))) == {"wrong"}

    def test_is_left_to_the_merchant_where_the_store_cannot(self, shop: Shop) -> None:
        shop.kept.asked_at = 35
        verdict = shop.judged(self.part(30))
        assert (wrongs(verdict), verdict.by_hand, verdict.longest_live) == (set(), 1, 5)

    def test_moves_no_money_in_its_store(self, shop: Shop) -> None:
        record = there("refund.created", restock={"CND-FIG-08": "CANCEL"}, note="[57-1]")
        assert wrongs(shop.judged(self.part(30), self.gone(40), record)) == set()
        record["amount"] = "24.00"
        assert wrongs(shop.judged(self.part(30), self.gone(40), record)) == {"money wrong"}

    def test_may_be_created_without_it_when_that_was_before(self, case: Case) -> None:
        placed = {"lines": {"CND-SEA-08": 2}, "units": PLACED["units"] * 2, "total": "55.91"}  # type: ignore[operator]
        part = at_source(
            "order.lines_cancelled", 4, lines={"CND-SEA-08": 1}, refund={"refund_total": "24.00", "currency": "USD"}
        )
        assert wrongs(case.verdict(created(), part, placed=placed)) == set()
        part["at"] = 15
        assert wrongs(case.verdict(created(), part, placed=placed)) == {"wrong"}
