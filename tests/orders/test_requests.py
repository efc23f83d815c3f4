"""A buyer's request to cancel: kept, answered by a person or a rule, over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.aftersales import CancelStatus
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import answering, requests, saving
from orders.aftersale_rules import AftersaleRules, AnswerRule, Reply
from orders.ingest import store_order
from orders.models import Attention, CancelAnswer, Cancellation, Order, OutboxItem, OutboxKind, OutboxStatus
from orders.states import NotPossible
from tests.factories import StoreFactory
from tests.orders.aftersale_builders import LATER, again, cancellation, items_of, kinds_of, mirrored, shipped
from tests.orders.builders import HOUR, NOON, seen

C = CancelStatus


@pytest.fixture
def wix(tiktok: ConnectedStore) -> ConnectedStore:
    """A store that cannot keep an order back."""
    return StoreFactory(merchant=tiktok.merchant, platform="wix", part="DESTINATION", external_id="wix-1", name="Wix")


def keep(order: Order, *told: Any, now: Any = LATER) -> None:
    with merchant_rows(order.merchant_id):
        locked = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=order.pk)
        requests.keep(order=locked, seen=told, now=now)


def kept_of(order: Order) -> Cancellation:
    with merchant_rows(order.merchant_id):
        return Cancellation.objects.get(order=order)


def answer(order: Order, *, accepts: bool = True, now: Any = LATER, **more: Any) -> OutboxItem | None:
    with merchant_rows(order.merchant_id):
        row = Cancellation.objects.get(order=order)
        return answering.answer_cancellation(cancellation=row, accepts=accepts, by="Alice", now=now, **more)


class TestCancellation:
    def test_is_kept_once_however_often_it_is_told(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        for _ in range(3):
            keep(order, cancellation())
        assert kinds_of(order).count("cancellation.opened") == 1
        assert items_of(order) == [("PAUSE_ORDER", "PENDING")]

    def test_is_never_moved_back_by_an_older_reading(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation(C.REFUNDED))
        keep(order, cancellation())
        keep(order, cancellation(updated_at=LATER + 2 * HOUR))
        assert kept_of(order).status == C.REFUNDED

    def test_with_an_unknown_word_changes_nothing_that_is_known(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        keep(order, cancellation(C.UNKNOWN, updated_at=LATER + HOUR))
        assert kept_of(order).is_open

    def test_belongs_to_one_merchant(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        with merchant_rows(StoreFactory().merchant_id):
            assert not Cancellation.objects.exists()


class TestOpenRequest:
    def test_stops_the_store_and_asks_with_its_deadline(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        order = again(order)
        assert order.attention == Attention.CANCEL_PENDING
        assert order.attention_detail["answer_by"] == (LATER + timedelta(hours=48)).isoformat()
        assert items_of(order) == [("PAUSE_ORDER", "PENDING")]

    def test_is_a_task_where_the_store_cannot_keep_it_back(self, tiktok: ConnectedStore, wix: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, wix)
        keep(order, cancellation())
        detail = again(order).attention_detail
        assert (detail["is_task"], detail["store"], detail["name"]) == (True, "Wix", "#1001")
        assert detail["url"]
        assert items_of(order) == []

    def test_of_a_shipped_order_stops_nothing_and_says_so(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, shopify)
        shipped(mirror)
        keep(order, cancellation())
        assert again(order).attention_detail["has_left"]
        assert items_of(order) == []

    def test_leaves_another_question_alone(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        with merchant_rows(order.merchant_id):
            Order.objects.filter(pk=order.pk).update(attention=Attention.TRACKING_CHANGED)
        keep(order, cancellation())
        assert again(order).attention == Attention.TRACKING_CHANGED


class TestAnswer:
    def test_goes_to_the_source_once(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        first, second = answer(order), answer(order)
        assert first is not None
        assert second is not None
        assert first.pk == second.pk
        assert (first.store_id, first.facts["accepts"]) == (tiktok.pk, True)
        row = kept_of(order)
        assert (row.answer, row.answered_by, row.answered_at) == (CancelAnswer.ACCEPTED, "Alice", LATER)

    def test_of_the_other_kind_is_refused_while_the_first_is_on_its_way(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        answer(order)
        with pytest.raises(NotPossible, match="Alice answered already"):
            answer(order, accepts=False, reason="packed")

    @pytest.mark.parametrize(
        ("told", "more", "why"),
        [
            (cancellation(C.WITHDRAWN), {}, "over"),
            (cancellation(), {"accepts": False}, "reason"),
            (cancellation(), {"now": LATER + timedelta(hours=49)}, "time to answer is over"),
        ],
    )
    def test_is_refused_plainly(
        self, tiktok: ConnectedStore, shopify: ConnectedStore, told: Any, more: dict[str, Any], why: str
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, told)
        with pytest.raises(NotPossible, match=why):
            answer(order, **more)
        assert not [kind for kind, _ in items_of(order) if kind == OutboxKind.ANSWER_CANCEL]

    def test_that_the_source_did_not_take_may_be_given_anew(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        answer(order, accepts=False, reason="wrong")
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.filter(kind=OutboxKind.ANSWER_CANCEL).update(status=OutboxStatus.DROPPED)
            Cancellation.objects.update(answer="", answer_problem="Unknown reason")
        second = answer(order, accepts=False, reason="packed")
        assert second is not None
        assert second.subject == f"{kept_of(order).external_id}:2"


class TestRule:
    def rules(self, tiktok: ConnectedStore, *rules: AnswerRule) -> None:
        with merchant_rows(tiktok.merchant_id):
            by = saving.Author(name="Alice", now=NOON)
            saving.save_aftersales(source_store=tiktok, rules=AftersaleRules(answer_rules=rules), by=by)

    @pytest.mark.parametrize(
        ("rule", "is_fitting"),
        [
            (AnswerRule("any"), True),
            (AnswerRule("small", at_most=2400), True),
            (AnswerRule("smaller", at_most=2399), False),
            (AnswerRule("early", within_hours=3), True),
            (AnswerRule("earlier", within_hours=2), False),
            (AnswerRule("by key", reasons=("ecom_order_to_ship_canceled_reason_no_longer_needed",)), True),
            (AnswerRule("by words", reasons=("NEEDED",)), True),
            (AnswerRule("other", reasons=("price",)), False),
        ],
    )
    def test_answers_what_fits_all_that_it_says(
        self, tiktok: ConnectedStore, shopify: ConnectedStore, rule: AnswerRule, is_fitting: bool
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        self.rules(tiktok, rule)
        keep(order, cancellation())
        row = kept_of(order)
        assert (row.answer, row.answer_rule) == (("ACCEPTED", rule.name) if is_fitting else ("", ""))
        assert (again(order).attention == "") is is_fitting

    def test_refuses_with_its_reason(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        self.rules(tiktok, AnswerRule("packed", reply=Reply.REFUSE, reason="seller_reject_packed"))
        keep(order, cancellation())
        with merchant_rows(order.merchant_id):
            item = OutboxItem.objects.get(kind=OutboxKind.ANSWER_CANCEL)
        assert (item.facts["accepts"], item.facts["reason"]) == (False, "seller_reject_packed")

    def test_accepts_nothing_whose_parcel_has_left(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, shopify)
        shipped(mirror)
        self.rules(tiktok, AnswerRule("any"))
        keep(order, cancellation())
        assert kept_of(order).answer == ""
        assert again(order).attention == Attention.CANCEL_PENDING

    def test_that_is_saved_answers_what_waits(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        self.rules(tiktok, AnswerRule("any"))
        assert kept_of(order).answer == CancelAnswer.ACCEPTED


class TestEndOfRequest:
    def test_lets_the_store_go_on_behind_the_stop(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.update(status=OutboxStatus.DONE)
        keep(order, cancellation(C.WITHDRAWN))
        assert items_of(order) == [("PAUSE_ORDER", "DONE"), ("RESUME_ORDER", "PENDING")]
        assert again(order).attention == ""

    def test_takes_back_a_stop_that_was_not_begun(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        keep(order, cancellation(C.WITHDRAWN))
        assert items_of(order) == [("PAUSE_ORDER", "DROPPED")]

    def test_by_cancelling_all_never_lets_the_store_go_on(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation())
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.update(status=OutboxStatus.DONE)
        keep(order, cancellation(C.AGREED))
        assert items_of(order) == [("PAUSE_ORDER", "DONE")]

    def test_leaves_the_question_while_another_request_is_open(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancellation(), cancellation(external_id="4035318504086604101"))
        keep(order, cancellation(C.WITHDRAWN))
        assert again(order).attention == Attention.CANCEL_PENDING


class TestReading:
    """What a reading of the order says of cancellations has them read."""

    def test_of_a_request_has_it_read(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        asked = seen(SourceStatus.AWAITING_SHIPMENT, cancel_requested=True, cancel_requested_at=LATER, updated_at=LATER)
        for _ in range(2):
            store_order(seen=asked, store=tiktok, now=LATER)
        with merchant_rows(order.merchant_id):
            assert order.outbox.filter(kind=OutboxKind.READ_CANCELS, store=tiktok).count() == 1

    def test_of_an_order_like_any_other_has_nothing_read(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        store_order(seen=seen(SourceStatus.IN_TRANSIT, updated_at=LATER), store=tiktok, now=LATER)
        assert OutboxKind.READ_CANCELS not in dict(items_of(order))

    def test_of_an_order_from_before_the_connection_leaves_it_to_the_poll(self, tiktok: ConnectedStore) -> None:
        old = seen(SourceStatus.CANCELLED, created_at=tiktok.connected_at - HOUR)
        order = store_order(seen=old, store=tiktok, now=NOON)
        assert items_of(order) == []
