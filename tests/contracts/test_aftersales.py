"""What every destination must do with an order that changes its mind: done once, or said to be impossible."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base.aftersales import GoodsBack, Refund
from connectors.base.errors import OutcomeUnknown, PermanentError, UnsupportedFeature
from tests.contracts.conftest import Place

FIRST, SECOND, GIFT = "577086512123755100", "577086512123755101", "577086512123755102"
GOODS = GoodsBack({FIRST: 1}, "Item is defective", tracking_number="9400", carrier="USPS", restock=True)


def events(place: Place, name: str) -> list[dict[str, Any]]:
    return [entry for entry in place.world.ledger if entry["event"] == name]


def nobody_was_told(place: Place) -> bool:
    return events(place, "buyer.mailed") == []


class TestCancelLines:
    def cancel(self, place: Place, external_id: str, lines: dict[str, int], reference: str = "c1") -> Any:
        return place.speak().cancel_lines(external_id, lines, reason="Out of stock", restock=True, reference=reference)

    def test_is_done_once_or_said_to_be_impossible(self, place: Place) -> None:
        made = place.create()
        if not place.kind.features.partial_cancel:
            with pytest.raises(UnsupportedFeature):
                self.cancel(place, made.external_id, {FIRST: 1})
            return
        for _ in range(2):
            assert self.cancel(place, made.external_id, {FIRST: 1}).is_cancelled
        assert not place.speak().fetch_order(made.external_id).is_cancelled
        assert nobody_was_told(place)
        place.ship(tracking_number="94001")
        (parcel,) = place.speak().shipments_of(made.external_id)
        assert {line.sku: line.quantity for line in parcel.lines} == {"CND-FIG-08": 1, "GFT-MTC-01": 1}

    def test_whose_answer_was_lost_is_found_and_never_done_twice(self, place: Place) -> None:
        if not place.kind.features.partial_cancel:
            pytest.skip("the platform cancels no single items")
        made = place.create()
        place.fault("reset_after", "refundCreate")
        with pytest.raises(OutcomeUnknown):
            self.cancel(place, made.external_id, {FIRST: 1})
        assert self.cancel(place, made.external_id, {FIRST: 1}).is_cancelled
        assert len(events(place, "refund.created")) == 1

    def test_that_comes_too_late_says_so(self, place: Place) -> None:
        if not place.kind.features.partial_cancel:
            pytest.skip("the platform cancels no single items")
        made = place.create()
        place.ship(tracking_number="94001")
        with pytest.raises(PermanentError) as caught:
            self.cancel(place, made.external_id, {FIRST: 1})
        assert caught.value.reason == "ALREADY_CANCELLED"

    def test_of_what_is_not_in_the_order_fails_as_a_whole(self, place: Place) -> None:
        if not place.kind.features.partial_cancel:
            pytest.skip("the platform cancels no single items")
        made = place.create()
        with pytest.raises(PermanentError):
            self.cancel(place, made.external_id, {FIRST: 1, "999": 1})
        assert events(place, "refund.created") == []


class TestRefund:
    def record(self, place: Place, external_id: str, refund: Refund, reference: str = "r1") -> None:
        place.speak().record_refund(external_id, refund, reference=reference)

    def test_is_recorded_once_or_said_to_be_impossible(self, place: Place) -> None:
        made = place.create()
        refund = Refund(2899, "USD", {FIRST: 1}, "Damaged", shipping=499)
        if not place.kind.features.refunds:
            with pytest.raises(UnsupportedFeature):
                self.record(place, made.external_id, refund)
            return
        for _ in range(2):
            self.record(place, made.external_id, refund)
        assert len(events(place, "refund.created")) == 1
        assert nobody_was_told(place)

    def test_of_goods_that_left_is_recorded_too(self, place: Place) -> None:
        if not place.kind.features.refunds:
            pytest.skip("the platform records no refunds")
        made = place.create()
        place.ship(tracking_number="94001")
        self.record(place, made.external_id, Refund(2400, "USD", {SECOND: 1}, "Damaged"))
        assert len(events(place, "refund.created")) == 1

    def test_of_more_than_was_bought_is_refused_as_a_whole(self, place: Place) -> None:
        if not place.kind.features.refunds:
            pytest.skip("the platform records no refunds")
        made = place.create()
        both = Refund(4800, "USD", {FIRST: 1, SECOND: 1}, "Damaged")
        self.record(place, made.external_id, both)
        with pytest.raises(PermanentError):
            self.record(place, made.external_id, both, "r2")
        assert len(events(place, "refund.created")) == 1

    def test_of_shipping_is_never_more_than_was_paid_for_it(self, place: Place) -> None:
        if not place.kind.features.refunds:
            pytest.skip("the platform records no refunds")
        made = place.create()
        self.record(place, made.external_id, Refund(2900, "USD", {FIRST: 1}, "Late", shipping=500))
        self.record(place, made.external_id, Refund(1900, "USD", {SECOND: 1}, "Late", shipping=500), "r2")
        assert len(events(place, "refund.created")) == 2

    def test_whose_answer_was_lost_is_found_and_never_recorded_twice(self, place: Place) -> None:
        if not place.kind.features.refunds:
            pytest.skip("the platform records no refunds")
        made = place.create()
        refund = Refund(2400, "USD", {FIRST: 1}, "Damaged")
        place.fault("reset_after", "refundCreate" if place.platform == "shopify" else "refunds.create")
        with pytest.raises(OutcomeUnknown):
            self.record(place, made.external_id, refund)
        self.record(place, made.external_id, refund)
        assert len(events(place, "refund.created")) == 1


class TestReturn:
    @pytest.fixture
    def shipped(self, place: Place) -> str:
        """An order whose goods left, of a store that records their return if its platform can."""
        made = place.create()
        place.ship(tracking_number="94001")
        return str(made.external_id)

    def speak(self, place: Place) -> Any:
        return place.speak(returns_to="amazon")

    def test_is_recorded_once_or_said_to_be_impossible(self, place: Place, shipped: str) -> None:
        if not place.kind.features.returns:
            with pytest.raises(UnsupportedFeature):
                self.speak(place).record_return(shipped, GOODS, reference="r1")
            with pytest.raises(UnsupportedFeature):
                self.speak(place).close_return(shipped, "x", has_arrived=True, restock=True)
            return
        first, second = (self.speak(place).record_return(shipped, GOODS, reference="r1") for _ in range(2))
        assert first.external_id == second.external_id != ""
        assert first.url.startswith(("https://", "http://"))
        assert nobody_was_told(place)
        other = self.speak(place).record_return(shipped, GoodsBack({SECOND: 1}, ""), reference="r2")
        assert other.external_id != first.external_id

    def test_of_more_than_left_is_refused_as_a_whole(self, place: Place, shipped: str) -> None:
        if not place.kind.features.returns:
            pytest.skip("the platform records no returns")
        self.speak(place).record_return(shipped, GOODS, reference="r1")
        with pytest.raises(PermanentError):
            self.speak(place).record_return(shipped, GoodsBack({FIRST: 1, SECOND: 1}, ""), reference="r2")
        with pytest.raises(PermanentError):
            self.speak(place).record_return(shipped, GoodsBack({"999": 1}, ""), reference="r3")

    def test_of_what_has_not_left_is_refused(self, place: Place) -> None:
        if not place.kind.features.returns:
            pytest.skip("the platform records no returns")
        made = place.create()
        with pytest.raises(PermanentError):
            self.speak(place).record_return(made.external_id, GOODS, reference="r1")

    def test_whose_answer_was_lost_is_found_and_never_recorded_twice(self, place: Place, shipped: str) -> None:
        if not place.kind.features.returns:
            pytest.skip("the platform records no returns")
        place.fault("reset_after", "returnCreate" if place.platform == "shopify" else "returns.create")
        with pytest.raises(OutcomeUnknown):
            self.speak(place).record_return(shipped, GOODS, reference="r1")
        both = GoodsBack({SECOND: 1}, "")
        assert self.speak(place).record_return(shipped, GOODS, reference="r1").external_id
        assert self.speak(place).record_return(shipped, both, reference="r2").external_id

    @pytest.mark.parametrize("has_arrived", [True, False])
    def test_is_closed_and_closed_again(self, place: Place, shipped: str, has_arrived: bool) -> None:
        if not place.kind.features.returns:
            pytest.skip("the platform records no returns")
        made = self.speak(place).record_return(shipped, GOODS, reference="r1")
        for _ in range(2):
            closed = self.speak(place).close_return(
                shipped, made.external_id, has_arrived=has_arrived, restock=has_arrived
            )
            assert closed.external_id == made.external_id
        assert nobody_was_told(place)

    def test_of_nothing_has_nothing_to_close(self, place: Place, shipped: str) -> None:
        if not place.kind.features.returns:
            pytest.skip("the platform records no returns")
        assert self.speak(place).close_return(shipped, "", has_arrived=True, restock=True).external_id == ""

    def test_and_its_refund_are_reckoned_once(self, place: Place, shipped: str) -> None:
        if not (place.kind.features.returns and place.kind.features.refunds):
            pytest.skip("the platform does not record both")
        made = self.speak(place).record_return(shipped, GOODS, reference="r1")
        refund = Refund(2400, "USD", {FIRST: 1}, "Defective")
        place.speak().record_refund(shipped, refund, reference="f1")
        self.speak(place).close_return(shipped, made.external_id, has_arrived=True, restock=True)
        place.speak().record_refund(shipped, refund, reference="f1")
        assert events(place, "refund.created") == []
