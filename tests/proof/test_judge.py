from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proof.judge import judge
from proof.ledger import Ledger
from proof.ours import Kept, Ours
from proof.verdict import Verdict

ADDRESS = {
    "name": "Ada Ito-7",
    "first_name": "Ada",
    "last_name": "Ito-7",
    "phone_number": "(+1)9735550007",
    "region_code": "US",
    "postal_code": "07102",
    "address_line1": "8 Mulberry St",
    "address_line2": "Apt 3B",
    "district_info": [
        {"address_level_name": "State", "address_name": "New Jersey"},
        {"address_level_name": "City", "address_name": "Newark"},
    ],
}
PLACED = {
    "platform": "tiktok_shop",
    "event": "order.placed",
    "key": "57",
    "total": "31.91",
    "currency": "USD",
    "lines": {"CND-SEA-08": 1},
    "units": [{"seller_sku": "CND-SEA-08", "original_price": "24"}],
    "address": ADDRESS,
    "email": "v4b@scs.tiktok.com",
}
CONTENT = {
    "lineItems": [{"variantId": "v", "quantity": 1, "unitPricePaid": {"currency": "USD", "value": "24.00"}}],
    "grandTotal": {"currency": "USD", "value": "31.91"},
    "customerEmail": "v4b@scs.tiktok.com",
    "shippingAddress": {
        "firstName": "Ada",
        "lastName": "Ito-7",
        "address1": "8 Mulberry St",
        "address2": "Apt 3B",
        "city": "Newark",
        "state": "NJ",
        "postalCode": "07102",
        "countryCode": "US",
        "phone": "+19735550007",
    },
}


def created(key: str = "c1", at: float = 10, **changed: Any) -> dict[str, Any]:
    fields = {"reference": "57", "shop": "s", "total": "31.91", "lines": {"CND-SEA-08": 1}, "content": CONTENT}
    return {"at": at, "platform": "squarespace", "event": "order.created", "key": key, **fields, **changed}


def at_source(event: str, at: float, **more: Any) -> dict[str, Any]:
    return {"at": at, "platform": "tiktok_shop", "event": event, "key": "57", **more}


def in_store(event: str, at: float, **more: Any) -> dict[str, Any]:
    return {"at": at, "platform": "squarespace", "event": event, **more}


class Case:
    """One order, what the ledger says of it, and what our tables say."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.kept = Kept("MIRRORED", "AWAITING_SHIPMENT", "", {}, mirrors={("squarespace", "c1"): "CREATED"})

    def verdict(
        self,
        *entries: dict[str, Any],
        kept: Kept | None = None,
        now: float = 200,
        rows: int = 1,
        placed: dict[str, Any] | None = None,
    ) -> Verdict:
        begin = [{"at": 1, **PLACED, **(placed or {})}, at_source("order.paid", 1), at_source("order.released", 5)]
        lines = sorted([*begin, *entries], key=lambda entry: entry["at"])
        self.file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        ledger = Ledger(self.file)
        ledger.read()
        ours = Ours(orders={"57": kept or self.kept}, rows=rows, aside={})
        orders = ledger.orders.values()
        return judge(orders=orders, strangers=ledger.strangers, ours=ours, last_fault=20, now=now)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "ledger.jsonl")


def wrongs(verdict: Verdict) -> set[str]:
    return {name for name, texts in verdict.wrongs.items() if texts}


class TestOrder:
    def test_that_is_there_once_and_whole_is_clean(self, case: Case) -> None:
        verdict = case.verdict(created())
        assert verdict.is_clean, verdict.wrongs

    def test_that_nothing_is_done_for_is_lost(self, case: Case) -> None:
        assert wrongs(case.verdict(kept=Kept("READY", "AWAITING_SHIPMENT", "", {}))) == {"lost"}

    def test_that_waits_for_its_next_try_is_late(self, case: Case) -> None:
        waiting = Kept("READY", "AWAITING_SHIPMENT", "", {}, pending=["CREATE_ORDER"])
        assert wrongs(case.verdict(kept=waiting)) == {"late"}

    def test_that_a_person_was_asked_about_is_parked(self, case: Case) -> None:
        verdict = case.verdict(kept=Kept("READY", "AWAITING_SHIPMENT", "OUT_OF_STOCK", {}))
        assert (wrongs(verdict), dict(verdict.parked)) == (set(), {"OUT_OF_STOCK": 1})

    def test_that_a_person_was_asked_something_else_about_is_lost(self, case: Case) -> None:
        verdict = case.verdict(kept=Kept("READY", "AWAITING_SHIPMENT", "ALREADY_CANCELLED", {}))
        assert (wrongs(verdict), dict(verdict.parked)) == ({"lost"}, {})

    def test_that_nobody_heard_of_is_lost_and_unrecorded(self, case: Case) -> None:
        case.file.parent.mkdir(exist_ok=True)
        verdict = case.verdict(kept=Kept("HELD", "ON_HOLD", "", {}))
        assert wrongs(verdict) == {"late"}

    def test_that_was_created_twice_is_doubled(self, case: Case) -> None:
        verdict = case.verdict(created(), created("c2", at=11))
        assert "doubled" in wrongs(verdict)
        assert verdict.count("doubled") == 1

    def test_with_two_rows_of_ours_is_doubled(self, case: Case) -> None:
        assert wrongs(case.verdict(created(), rows=2)) == {"doubled"}

    def test_that_is_in_another_store_is_wrong_and_lost(self, case: Case) -> None:
        stray = {**created(), "platform": "amazon", "total": ""}
        stray["content"] = {
            "items": [{"sellerSku": "CND-SEA-08", "quantity": 1, "perUnitDeclaredValue": {"value": "24.00"}}],
            "destinationAddress": {
                "name": "Ada Ito-7",
                "addressLine1": "8 Mulberry St",
                "addressLine2": "Apt 3B",
                "city": "Newark",
                "stateOrRegion": "NJ",
                "postalCode": "07102",
                "countryCode": "US",
                "phone": "+19735550007",
            },
        }
        assert {"wrong", "lost"} <= wrongs(case.verdict(stray))

    @pytest.mark.parametrize(
        ("changed", "what"),
        [
            ({"total": "31.90"}, "total"),
            ({"lines": {"CND-SEA-08": 2}}, "items"),
            ({"content": {**CONTENT, "customerEmail": "other@example.com"}}, "email"),
            ({"content": {**CONTENT, "shippingAddress": {**CONTENT["shippingAddress"], "city": "Newton"}}}, "city"),  # type: ignore[dict-item]
        ],
    )
    def test_with_other_content_or_money_is_wrong(self, case: Case, changed: dict[str, Any], what: str) -> None:
        verdict = case.verdict(created(**changed))
        assert wrongs(verdict) == {"wrong"}
        assert what in verdict.wrongs["wrong"][0]

    def test_that_we_do_not_know_of_is_unrecorded(self, case: Case) -> None:
        known = Kept("READY", "AWAITING_SHIPMENT", "", {}, mirrors={("squarespace", ""): "PLANNED"})
        assert wrongs(case.verdict(created(), kept=known)) == {"unrecorded"}

    def test_that_was_created_before_its_hold_ended_is_early(self, case: Case) -> None:
        assert wrongs(case.verdict(created(at=4))) == {"early"}

    def test_that_nobody_bought_is_a_stranger(self, case: Case) -> None:
        assert wrongs(case.verdict(created(), created("c9", reference="99"))) == {"stranger"}


class TestCancelledOrder:
    def gone(self) -> Kept:
        return Kept("CANCELLED", "CANCELLED", "", {}, mirrors={("squarespace", "c1"): "CANCELLED"})

    def test_that_was_never_created_is_clean(self, case: Case) -> None:
        verdict = case.verdict(at_source("order.cancelled", 4), kept=Kept("CANCELLED", "CANCELLED", "", {}))
        assert (wrongs(verdict), verdict.cancelled) == (set(), 1)

    def test_that_is_cancelled_in_its_store_within_a_minute_is_clean(self, case: Case) -> None:
        entries = [created(), at_source("order.cancelled", 30), in_store("order.cancelled", 85, key="c1")]
        verdict = case.verdict(*entries, kept=self.gone())
        assert (wrongs(verdict), verdict.longest_live) == (set(), 55)

    def test_that_lived_for_longer_is_not(self, case: Case) -> None:
        entries = [created(), at_source("order.cancelled", 30), in_store("order.cancelled", 95, key="c1")]
        assert wrongs(case.verdict(*entries, kept=self.gone())) == {"live"}

    def test_that_still_lives_after_a_minute_is_not(self, case: Case) -> None:
        known = Kept("CANCELLED", "CANCELLED", "", {}, mirrors={("squarespace", "c1"): "CREATED"})
        assert wrongs(case.verdict(created(), at_source("order.cancelled", 30), kept=known, now=100)) == {"live"}

    def test_is_left_to_the_merchant_where_a_store_takes_no_cancellation(self, case: Case) -> None:
        asked = Kept(
            "CANCELLED", "CANCELLED", "ALREADY_CANCELLED", {}, asked_at=40, mirrors={("squarespace", "c1"): "CREATED"}
        )
        verdict = case.verdict(created(), at_source("order.cancelled", 30), kept=asked)
        assert (wrongs(verdict), verdict.by_hand, verdict.longest_live) == (set(), 1, 10)


class TestParcel:
    def kept(self, **parcels: str) -> Kept:
        kept = Kept("FULFILLED", "AWAITING_COLLECTION", "", {}, mirrors={("squarespace", "c1"): "CREATED"})
        kept.parcels = parcels
        return kept

    def left(self) -> dict[str, Any]:
        return in_store("fulfillment.created", 20, key="c1/1", order="c1", tracking_number="T1")

    def told(self, at: float, number: str = "T1") -> dict[str, Any]:
        return at_source("package.shipped", at, tracking_number=number)

    def test_that_was_told_once_is_clean(self, case: Case) -> None:
        assert case.verdict(created(), self.left(), self.told(21), kept=self.kept(T1="ACCEPTED")).is_clean

    def test_that_was_not_told_is_untold(self, case: Case) -> None:
        assert wrongs(case.verdict(created(), self.left(), kept=self.kept(T1="QUEUED"))) == {"untold"}

    def test_that_was_told_twice_is_one_too_many(self, case: Case) -> None:
        entries = [created(), self.left(), self.told(21), self.told(22)]
        assert wrongs(case.verdict(*entries, kept=self.kept(T1="ACCEPTED"))) == {"told twice"}

    def test_that_never_left_is_wrong(self, case: Case) -> None:
        assert wrongs(case.verdict(created(), self.told(21, "T9"))) == {"wrong"}


class TestSplitOrder:
    TWO = {
        "total": "57.91",
        "lines": {"CND-SEA-08": 1, "CND-FIG-08": 1},
        "units": [{"seller_sku": sku, "original_price": "24"} for sku in ("CND-SEA-08", "CND-FIG-08")],
        "payment": {"shipping_fee": "4.00", "shipping_fee_tax": "0"},
    }
    GONE = at_source("order.lines_cancelled", 12, lines={"CND-FIG-08": 1}, refund={"refund_total": "24.00"})

    def test_the_part_of_which_nothing_is_left_is_not_missed(self, case: Case) -> None:
        """A share of the shipping fell on it."""
        verdict = case.verdict(created(), self.GONE, placed=self.TWO)
        assert verdict.is_clean, verdict.wrongs

    def test_the_part_of_which_something_is_left_is(self, case: Case) -> None:
        assert wrongs(case.verdict(created(), placed=self.TWO)) == {"lost"}

    def test_less_than_what_is_left_is_wrong(self, case: Case) -> None:
        assert "wrong" in wrongs(case.verdict(created(total="29.90"), self.GONE, placed=self.TWO))
