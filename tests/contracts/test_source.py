"""What a source must tell of an order that changes its mind, and what it must do with a seller's answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.base.aftersales import (
    Answer,
    Cancellation,
    CancelStatus,
    Decision,
    Dispute,
    Return,
    ReturnKind,
    ReturnStatus,
    Who,
)
from connectors.base.errors import OutcomeUnknown, PermanentError, RateLimited, TemporaryError, UnsupportedFeature
from connectors.base.events import EventKind
from connectors.base.types import PlatformOrder, RawRequest, SourceStatus
from sandbox.world import World
from tests.contracts.conftest import SITE, Place

SHOP = "Alice's Candles"
CARRIERS = {"US": "7117859084333745966", "GB": "7212608507307099397", "JP": "7397023498302113541"}
HOUR = 3600


class Shop(Place):
    """A merchant's TikTok shop, with buyers, a carrier and the platform."""

    def at(self, region: str) -> Shop:
        """In the seller's shop of that market; Vietnam's is opened for it."""
        if region == "VN":
            self.control("add_shop", name="Alice Hanoi", region="VN")
            self.connect()
        self.store = next(store for store in self.speak().list_stores() if store.region == region)
        return self

    def buy(self, **more: Any) -> str:
        """An order of two candles, to be shipped."""
        lines = [{"sku": "CND-FIG-08", "quantity": 2}]
        body = {"shop": self.store.external_id, "hold": False, "lines": lines, **more}  # type: ignore[union-attr]
        return str(self.control("buy", **body)["order_id"])

    def order(self, order_id: str = "") -> Any:
        (found,) = self.speak().fetch_orders([order_id])
        return found

    def lines(self, order_id: str) -> list[str]:
        return [line.external_id for line in self.order(order_id).lines]

    def ship(self, order_id: str = "", **more: Any) -> None:
        carrier = CARRIERS[self.store.region]  # type: ignore[union-attr]
        parcel = {"tracking_number": f"PK{order_id[-9:]}", "shipping_provider_id": carrier}
        self.control("seller_ship", order_id=order_id, **parcel)

    def delivered(self) -> str:
        order_id = self.buy()
        self.ship(order_id)
        self.control("deliver", order_id=order_id)
        return order_id

    def request(self, **lines: Any) -> tuple[str, str]:
        """An order whose buyer asks to cancel it, and the request."""
        order_id = self.buy()
        return order_id, str(self.control("buyer_cancel", order_id=order_id, **lines)["cancel_id"])

    def cancellation(self, order_id: str) -> Cancellation:
        (found,) = self.speak().cancellations_of([order_id])
        return found  # type: ignore[no-any-return]

    def opened(self, kind: str, order_id: str = "", **more: Any) -> str:
        order_id = order_id or self.delivered()
        return str(self.control("open_return", order_id=order_id, type=kind, **more)["return_id"])

    def returned(self, return_id: str) -> Return:
        since, until = self.now() - timedelta(days=30), self.now() + timedelta(seconds=1)
        (found,) = (
            each for each in self.speak().returns_updated_since(since, until=until) if each.external_id == return_id
        )
        assert found in self.speak().returns_of([found.order_id])
        return found  # type: ignore[no-any-return]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.world.ledger if entry["event"] == name]


@pytest.fixture
def shop(world: World) -> Shop:
    place = Shop("tiktok_shop", world)
    place.connect()
    return place.at("US")


class TestCancelReasons:
    @pytest.mark.parametrize("region", ["US", "GB", "JP", "VN"])
    def test_are_such_that_every_one_of_them_is_taken(self, shop: Shop, region: str) -> None:
        shop.at(region)
        reasons = shop.speak().cancel_reasons(shop.order(shop.buy()))
        assert len(reasons) >= 2
        for reason in reasons:
            order_id = shop.buy()
            assert shop.speak().cancel_order(order_id, reason=reason.key).is_cancelled
            assert shop.order(order_id).status is SourceStatus.CANCELLED

    def test_are_none_once_it_is_on_its_way(self, shop: Shop) -> None:
        assert shop.speak().cancel_reasons(shop.order(shop.delivered())) == []


class TestCancelOrder:
    @pytest.mark.parametrize("region", ["US", "GB"])
    @pytest.mark.parametrize("reason", ["out_of_stock", "pricing_error"])
    def test_is_done_and_done_again(self, shop: Shop, region: str, reason: str) -> None:
        order_id = shop.at(region).buy()
        for _ in range(2):
            assert shop.speak().cancel_order(order_id, reason=reason).is_cancelled
        assert len(shop.events("order.cancelled")) == 1
        found = shop.cancellation(order_id)
        assert (found.by, found.status, found.is_request) == (Who.SELLER, CancelStatus.AGREED, False)

    @pytest.mark.parametrize("region", ["US", "GB"])
    def test_of_single_items_leaves_the_others(self, shop: Shop, region: str) -> None:
        order_id = shop.at(region).buy()
        first, second = shop.lines(order_id)
        for _ in range(2):
            done = shop.speak().cancel_order(order_id, reason="out_of_stock", line_quantities={first: 1})
            assert done.is_cancelled
        statuses = {line.external_id: line.status for line in shop.order(order_id).lines}
        assert (statuses[first], statuses[second]) == ("CANCELLED", "AWAITING_SHIPMENT")
        assert [line.line_id for line in shop.cancellation(order_id).lines] == [first]
        shop.speak().cancel_order(order_id, reason="out_of_stock", line_quantities={second: 1})
        assert shop.order(order_id).status is SourceStatus.CANCELLED

    @pytest.mark.parametrize(
        ("region", "reason", "words"),
        [("JP", "out_of_stock", "US and the UK"), ("US", "pricing_error", "out of stock")],
    )
    def test_of_single_items_says_plainly_where_it_is_not_permitted(
        self, shop: Shop, region: str, reason: str, words: str
    ) -> None:
        order_id = shop.at(region).buy()
        with pytest.raises(UnsupportedFeature, match=words):
            shop.speak().cancel_order(order_id, reason=reason, line_quantities={shop.lines(order_id)[0]: 1})
        assert shop.speak().cancellations_of([order_id]) == []

    def test_while_the_buyer_asks_for_it_is_refused_by_name(self, shop: Shop) -> None:
        order_id, _ = shop.request()
        with pytest.raises(PermanentError) as caught:
            shop.speak().cancel_order(order_id, reason="out_of_stock")
        assert caught.value.reason in ("CANCEL_PENDING", "REMOTE_ERROR")

    def test_whose_answer_was_lost_is_found_and_never_done_twice(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.fault("reset_after", "cancellations.create")
        with pytest.raises(OutcomeUnknown):
            shop.speak().cancel_order(order_id, reason="out_of_stock")
        assert shop.speak().cancel_order(order_id, reason="out_of_stock").is_cancelled
        assert len(shop.events("order.cancelled")) == 1


class TestCancellations:
    def test_tell_of_a_request_with_its_deadline_and_what_it_costs(self, shop: Shop) -> None:
        order_id, cancel_id = shop.request()
        found = shop.cancellation(order_id)
        assert (found.external_id, found.status, found.is_request, found.by) == (
            cancel_id,
            CancelStatus.REQUESTED,
            True,
            Who.BUYER,
        )
        assert found.answer_by == shop.now().replace(microsecond=0) + timedelta(hours=48)
        assert {line.line_id for line in found.lines} == set(shop.lines(order_id))
        assert found.refund is not None
        assert found.refund.total == shop.order(order_id).payment.total

    def test_follow_it_to_the_money(self, shop: Shop) -> None:
        order_id, _ = shop.request()
        shop.control("seller_answer", order_id=order_id, approve=True)
        assert shop.cancellation(order_id).status is CancelStatus.AGREED
        shop.world.advance(60)
        assert shop.cancellation(order_id).status is CancelStatus.REFUNDED

    @pytest.mark.parametrize("word", ["CANCEL", "CANCELLED"])
    def test_know_one_that_was_withdrawn_in_either_spelling(self, shop: Shop, word: str) -> None:
        shop.control("shop_settings", cancelled_word=word)
        order_id, _ = shop.request()
        shop.control("withdraw_cancel", order_id=order_id)
        assert shop.cancellation(order_id).status is CancelStatus.WITHDRAWN

    def test_of_an_order_on_hold_are_no_requests(self, shop: Shop) -> None:
        order_id = shop.buy(hold=True)
        shop.control("buyer_cancel", order_id=order_id)
        found = shop.cancellation(order_id)
        assert (found.is_request, found.status) == (False, CancelStatus.AGREED)

    def test_by_the_platform_say_so(self, shop: Shop) -> None:
        order_id = shop.buy()
        shop.control("system_cancel", order_id=order_id)
        assert shop.cancellation(order_id).by is Who.PLATFORM

    def test_of_a_time_come_oldest_first_over_all_pages(self, shop: Shop) -> None:
        since = shop.now()
        made = []
        for _ in range(60):
            made.append(shop.request()[1])
            shop.world.advance(1)
        told = [
            each.external_id
            for each in shop.speak().cancellations_updated_since(since, until=shop.now() + timedelta(seconds=1))
        ]
        assert told == made
        later = shop.speak().cancellations_updated_since(shop.now() + timedelta(hours=1), until=shop.now())
        assert list(later) == []


class TestAnswerCancellation:
    def answer(self, shop: Shop, cancel_id: str, *, accepts: bool, reference: str = "a1") -> None:
        reasons = [] if accepts else shop.speak().reject_reasons(cancel_id)
        shop.speak().answer_cancellation(
            cancel_id, accepts=accepts, reference=reference, reason=reasons[0].key if reasons else ""
        )

    @pytest.mark.parametrize(("accepts", "status"), [(True, CancelStatus.AGREED), (False, CancelStatus.WITHDRAWN)])
    def test_is_given_and_given_again(self, shop: Shop, accepts: bool, status: CancelStatus) -> None:
        order_id, cancel_id = shop.request()
        reasons = shop.speak().reject_reasons(cancel_id)
        assert all(reason.text for reason in reasons)
        for reference in ("a1", "a1", "a2"):
            shop.speak().answer_cancellation(
                cancel_id, accepts=accepts, reference=reference, reason=reasons[0].key, comment="Packed already"
            )
        assert shop.cancellation(order_id).status is status
        assert len(shop.events("cancellation.approved")) + len(shop.events("cancellation.rejected")) == 1

    def test_that_contradicts_one_that_was_given_fails(self, shop: Shop) -> None:
        _, cancel_id = shop.request()
        reason = shop.speak().reject_reasons(cancel_id)[0].key
        self.answer(shop, cancel_id, accepts=True)
        with pytest.raises(PermanentError, match="accepted before"):
            shop.speak().answer_cancellation(cancel_id, accepts=False, reference="a2", reason=reason)

    def test_to_one_that_was_withdrawn_fails(self, shop: Shop) -> None:
        order_id, cancel_id = shop.request()
        shop.control("withdraw_cancel", order_id=order_id)
        with pytest.raises(PermanentError, match="withdrawn"):
            self.answer(shop, cancel_id, accepts=True)

    def test_whose_answer_was_lost_is_found(self, shop: Shop) -> None:
        order_id, cancel_id = shop.request()
        shop.fault("reset_after", "cancellations.approve")
        with pytest.raises(OutcomeUnknown):
            self.answer(shop, cancel_id, accepts=True)
        self.answer(shop, cancel_id, accepts=True)
        assert shop.cancellation(order_id).status is CancelStatus.AGREED


DECISIONS = [
    (Decision.APPROVE_REFUND, "REFUND", ReturnStatus.AGREED),
    (Decision.APPROVE_RETURN, "RETURN_AND_REFUND", ReturnStatus.TO_BE_SENT),
    (Decision.APPROVE_REFUND, "RETURN_AND_REFUND", ReturnStatus.AGREED),
    (Decision.APPROVE_REPLACEMENT, "REPLACEMENT", ReturnStatus.COMPLETED),
    (Decision.REFUND_INSTEAD, "REPLACEMENT", ReturnStatus.AGREED),
    (Decision.OFFER_PART, "REFUND", ReturnStatus.BUYER_ASKED),
    (Decision.OFFER_PART, "RETURN_AND_REFUND", ReturnStatus.BUYER_ASKED),
    (Decision.REJECT_REFUND, "REFUND", ReturnStatus.REFUSED),
    (Decision.REJECT_RETURN, "RETURN_AND_REFUND", ReturnStatus.REFUSED),
    (Decision.REJECT_REPLACEMENT, "REPLACEMENT", ReturnStatus.REFUSED),
]


class TestReturns:
    @pytest.mark.parametrize(
        ("kind", "wanted"),
        [
            ("REFUND", ReturnKind.REFUND),
            ("RETURN_AND_REFUND", ReturnKind.RETURN),
            ("REPLACEMENT", ReturnKind.REPLACEMENT),
            ("EXCHANGE", ReturnKind.EXCHANGE),
        ],
    )
    def test_tell_what_the_buyer_wants(self, shop: Shop, kind: str, wanted: ReturnKind) -> None:
        order_id = shop.delivered()
        found = shop.returned(shop.opened(kind, order_id))
        assert (found.kind, found.status, found.by, found.order_id) == (
            wanted,
            ReturnStatus.REQUESTED,
            Who.BUYER,
            order_id,
        )
        assert {line.line_id for line in found.lines} == set(shop.lines(order_id))
        assert bool(found.decisions) == bool(found.answer_by) == (kind != "EXCHANGE")

    def test_follow_goods_on_their_way_to_the_money(self, shop: Shop) -> None:
        return_id = shop.opened("RETURN_AND_REFUND")
        shop.control("seller_decides", return_id=return_id, decision="APPROVE_RETURN")
        assert shop.returned(return_id).status is ReturnStatus.TO_BE_SENT
        shop.control("hand_over", return_id=return_id, tracking_number="9400222")
        found = shop.returned(return_id)
        assert (found.status, found.tracking_number) == (ReturnStatus.ON_THE_WAY, "9400222")
        shop.control("return_arrives", return_id=return_id)
        assert shop.returned(return_id).decisions == (Decision.APPROVE_GOODS, Decision.REJECT_GOODS)
        shop.speak().answer_return(return_id, Answer(Decision.APPROVE_GOODS), reference="a1")
        assert shop.returned(return_id).status is ReturnStatus.AGREED
        shop.world.advance(60)
        assert shop.returned(return_id).status is ReturnStatus.COMPLETED

    def test_know_a_dispute_and_who_won_it(self, shop: Shop) -> None:
        return_id = shop.opened("REFUND")
        reason = shop.speak().reject_reasons(return_id)[0].key
        shop.speak().answer_return(return_id, Answer(Decision.REJECT_REFUND, reason=reason), reference="a1")
        shop.control("appeal", return_id=return_id)
        found = shop.returned(return_id)
        assert (found.dispute, found.decisions) == (Dispute.OPEN, ())
        shop.control("judge", return_id=return_id, **{"for": "buyer"})
        assert shop.returned(return_id).dispute is Dispute.FOR_BUYER

    def test_know_the_same_case_after_the_buyer_changed_it(self, shop: Shop) -> None:
        return_id = shop.opened("REFUND")
        changed = shop.control("change_return", return_id=return_id, type="RETURN_AND_REFUND")["return_id"]
        assert shop.returned(return_id).next_id == changed
        assert shop.returned(str(changed)).previous_id == return_id

    def test_that_were_paid_at_once_say_so(self, shop: Shop) -> None:
        assert shop.returned(shop.opened("RETURN_AND_REFUND", quick=True)).is_quick_refund

    @pytest.mark.parametrize("kind", ["REPLACEMENT", "EXCHANGE"])
    def test_lead_to_an_order_that_names_the_first(self, shop: Shop, kind: str) -> None:
        order_id = shop.delivered()
        return_id = shop.opened(kind, order_id)
        if kind == "REPLACEMENT":
            shop.speak().answer_return(return_id, Answer(Decision.APPROVE_REPLACEMENT), reference="a1")
        else:
            shop.control("finish_exchange", return_id=return_id)
        since = shop.now() - timedelta(hours=1)
        orders = shop.speak().orders_updated_since(since, until=shop.now() + timedelta(seconds=1))
        found = [each for each in orders if isinstance(each, PlatformOrder) and each.replaces_id]
        assert [each.replaces_id for each in found] == [order_id]

    def test_of_a_time_come_oldest_first_over_all_pages(self, shop: Shop) -> None:
        since = shop.now()
        made = []
        for _ in range(55):
            made.append(shop.opened("REFUND"))
            shop.world.advance(1)
        until = shop.now() + timedelta(seconds=1)
        assert [each.external_id for each in shop.speak().returns_updated_since(since, until=until)] == made


class TestAnswerReturn:
    def answer(self, shop: Shop, return_id: str, decision: Decision) -> Answer:
        reason = shop.speak().reject_reasons(return_id)[0].key if decision.is_rejection else ""
        if decision is not Decision.OFFER_PART:
            return Answer(decision, reason=reason)
        refund = shop.returned(return_id).refund
        assert refund is not None
        return Answer(decision, amount=refund.total // 2, currency=refund.currency)

    @pytest.mark.parametrize(("decision", "kind", "status"), DECISIONS)
    def test_is_given_and_given_again(self, shop: Shop, decision: Decision, kind: str, status: ReturnStatus) -> None:
        return_id = shop.opened(kind)
        assert decision in shop.returned(return_id).decisions
        answer = self.answer(shop, return_id, decision)
        for reference in ("a1", "a1", "a2"):
            shop.speak().answer_return(return_id, answer, reference=reference)
        found = shop.returned(return_id)
        assert found.status is status
        assert found.offered == answer.amount

    def test_that_refuses_the_goods_is_given_and_given_again(self, shop: Shop) -> None:
        return_id = shop.opened("RETURN_AND_REFUND")
        shop.control("seller_decides", return_id=return_id, decision="APPROVE_RETURN")
        shop.control("hand_over", return_id=return_id)
        shop.control("return_arrives", return_id=return_id)
        answer = self.answer(shop, return_id, Decision.REJECT_GOODS)
        for reference in ("a1", "a2"):
            shop.speak().answer_return(return_id, answer, reference=reference)
        assert shop.returned(return_id).status is ReturnStatus.GOODS_REFUSED

    @pytest.mark.parametrize(("decision", "kind", "status"), DECISIONS[:1] + DECISIONS[-1:])
    def test_whose_answer_was_lost_is_found(
        self, shop: Shop, decision: Decision, kind: str, status: ReturnStatus
    ) -> None:
        return_id = shop.opened(kind)
        answer = self.answer(shop, return_id, decision)
        shop.fault("reset_after", "returns.reject" if decision.is_rejection else "returns.approve")
        with pytest.raises(OutcomeUnknown):
            shop.speak().answer_return(return_id, answer, reference="a1")
        shop.speak().answer_return(return_id, answer, reference="a1")
        assert shop.returned(return_id).status is status

    def test_that_contradicts_one_that_was_given_fails(self, shop: Shop) -> None:
        return_id = shop.opened("REFUND")
        rejection = self.answer(shop, return_id, Decision.REJECT_REFUND)
        shop.speak().answer_return(return_id, Answer(Decision.APPROVE_REFUND), reference="a1")
        with pytest.raises(PermanentError):
            shop.speak().answer_return(return_id, rejection, reference="a2")

    def test_that_does_not_fit_the_case_fails(self, shop: Shop) -> None:
        with pytest.raises(PermanentError):
            shop.speak().answer_return(shop.opened("REFUND"), Answer(Decision.APPROVE_GOODS), reference="a1")


class TestTrouble:
    @pytest.mark.parametrize("operation", ["cancellations.search", "returns.search"])
    def test_while_reading_is_told_as_what_it_is(self, shop: Shop, operation: str) -> None:
        def read() -> Any:
            speaker = shop.speak()
            return (speaker.cancellations_of if operation.startswith("c") else speaker.returns_of)(["1"])

        shop.fault("status", operation, status=429)
        with pytest.raises(RateLimited):
            read()
        shop.fault("garbage", operation)
        with pytest.raises(TemporaryError):
            read()
        assert read() == []


class TestNews:
    def test_of_cancellations_and_returns_name_their_order(self, shop: Shop) -> None:
        caught: list[RawRequest] = []

        def catch(platform: str, url: str, headers: dict[str, str], body: bytes, *_: str) -> None:
            if url.startswith(SITE):
                caught.append(RawRequest(body=body, headers={name.lower(): value for name, value in headers.items()}))

        shop.world.outgoing.send = catch  # type: ignore[method-assign]  # the network is not the subject here
        asked, _ = shop.request()
        back = shop.delivered()
        shop.opened("REFUND", back)
        told = {
            (event.kind, event.external_id)
            for each in caught
            for event in shop.speak().parse_webhook(each)
            if event.kind in (EventKind.CANCELLATION_CHANGED, EventKind.RETURN_CHANGED)
        }
        assert told == {(EventKind.CANCELLATION_CHANGED, asked), (EventKind.RETURN_CHANGED, back)}
