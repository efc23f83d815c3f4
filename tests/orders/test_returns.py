"""Returns as the source tells them: kept, answered, written down in the stores, linked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.aftersales import Answer, Decision, Dispute, RefundSum, ReturnKind, ReturnStatus, TakenBack
from connectors.base.types import Package, SourceStatus
from connectors.models import ConnectedStore
from orders import aftersale_wording, answering, attention, refunds, returns, saving
from orders.aftersale_rules import AftersaleRules, Restocking
from orders.ingest import store_order
from orders.models import (
    Attention,
    Mirror,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    Restock,
    Return,
    ReturnRecord,
)
from orders.states import NotPossible
from tests.factories import StoreFactory
from tests.orders.aftersale_builders import (
    LATER,
    LINE,
    OTHER,
    again,
    items_of,
    kinds_of,
    mirrored,
    returned,
    shipped,
    two_candles,
)
from tests.orders.builders import HOUR, NOON, seen

S, K = ReturnStatus, ReturnKind


@pytest.fixture
def squarespace(tiktok: ConnectedStore) -> ConnectedStore:
    """A store whose orders have amounts, and that takes no refund from an app."""
    return StoreFactory(
        merchant=tiktok.merchant, platform="squarespace", part="DESTINATION", external_id="sq-1", name="Squarespace"
    )


def keep(order: Order, *told: Any, now: Any = LATER) -> None:
    with merchant_rows(order.merchant_id):
        locked = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=order.pk)
        returns.keep(order=locked, seen=told, now=now)


def case_of(order: Order) -> Return:
    with merchant_rows(order.merchant_id):
        return Return.objects.get(order=order)


def item_of(order: Order, kind: OutboxKind) -> OutboxItem | None:
    with merchant_rows(order.merchant_id):
        return OutboxItem.objects.filter(order=order, kind=kind).first()


def rules(tiktok: ConnectedStore, **said: Any) -> None:
    with merchant_rows(tiktok.merchant_id):
        by = saving.Author(name="Alice", now=NOON)
        saving.save_aftersales(source_store=tiktok, rules=AftersaleRules(**said), by=by)


@pytest.fixture
def delivered(tiktok: ConnectedStore, shopify: ConnectedStore) -> tuple[Order, Mirror]:
    """One candle, delivered."""
    order, mirror = mirrored(tiktok, shopify, status=SourceStatus.DELIVERED)
    shipped(mirror)
    return order, mirror


def at(minutes: int, status: ReturnStatus, **changes: Any) -> Any:
    return returned(status, updated_at=LATER + timedelta(minutes=minutes), **changes)


class TestReturn:
    def test_is_kept_once_and_never_moved_back_from_its_end(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        for told in [returned(), returned(), at(9, S.COMPLETED), at(5, S.TO_BE_SENT), at(12, S.REQUESTED)]:
            keep(order, told)
        assert case_of(order).status == S.COMPLETED
        assert [kind for kind in kinds_of(order) if kind.startswith("return.")] == [
            "return.requested",
            "return.completed",
        ]

    @pytest.mark.parametrize("ends", [Dispute.FOR_BUYER, Dispute.FOR_SELLER, Dispute.CLOSED])
    def test_tells_of_an_appeal_and_how_it_was_judged(self, delivered: tuple[Order, Mirror], ends: Dispute) -> None:
        order, _ = delivered
        for minutes, dispute in ((0, Dispute.NONE), (5, Dispute.OPEN), (6, Dispute.OPEN), (9, ends)):
            keep(order, at(minutes, S.REFUSED, dispute=dispute))
        told = [kind for kind in kinds_of(order) if "dispute" in kind]
        assert told == ["return.dispute_open", f"return.dispute_{ends.value.lower()}"]
        assert all(aftersale_wording.EVENTS[kind] for kind in told)

    def test_marks_the_order_while_it_is_open(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, returned())
        assert again(order).return_requested_at == LATER
        keep(order, at(9, S.WITHDRAWN))
        assert again(order).return_requested_at is None

    def test_of_goods_is_recorded_in_the_store_when_they_are_to_come_back(
        self, delivered: tuple[Order, Mirror]
    ) -> None:
        order, _ = delivered
        keep(order, returned())
        assert items_of(order) == []
        for minute in (5, 6):
            keep(order, at(minute, S.TO_BE_SENT))
        item = item_of(order, OutboxKind.RECORD_RETURN)
        assert item is not None
        assert item.facts["lines"] == {LINE: 1}
        assert len(items_of(order)) == 1

    def test_that_came_to_nothing_before_it_was_recorded_is_not_recorded(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, at(5, S.TO_BE_SENT))
        keep(order, at(9, S.WITHDRAWN))
        assert items_of(order) == [("RECORD_RETURN", "DROPPED")]

    def test_that_came_to_nothing_is_closed_in_the_store(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, at(5, S.TO_BE_SENT))
        with merchant_rows(order.merchant_id):
            OutboxItem.objects.update(status=OutboxStatus.DONE)
        keep(order, at(9, S.WITHDRAWN))
        item = item_of(order, OutboxKind.CLOSE_RETURN)
        assert item is not None
        assert item.facts == {"has_arrived": False, "restock": False}

    def test_where_the_buyer_keeps_the_goods_records_none(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, at(5, S.COMPLETED, keeps_goods=True))
        assert [kind for kind, _ in items_of(order)] == ["RECORD_REFUND"]


class TestRestock:
    @pytest.mark.parametrize(
        ("said", "restock", "closes"),
        [
            (Restocking.NEVER, Restock.NO, {"has_arrived": True, "restock": False}),
            (Restocking.ALWAYS, Restock.YES, {"has_arrived": True, "restock": True}),
            (Restocking.ASK, Restock.ASKED, None),
        ],
    )
    def test_follows_the_setting(
        self,
        tiktok: ConnectedStore,
        delivered: tuple[Order, Mirror],
        said: Restocking,
        restock: Restock,
        closes: dict[str, bool] | None,
    ) -> None:
        order, _ = delivered
        rules(tiktok, restock_returns=said)
        keep(order, at(5, S.ON_THE_WAY))
        keep(order, at(9, S.COMPLETED))
        item = item_of(order, OutboxKind.CLOSE_RETURN)
        assert (case_of(order).restock, item.facts if item else None) == (restock, closes)

    @pytest.mark.parametrize("restock", [True, False])
    def test_decided_by_a_person_closes_the_return(self, delivered: tuple[Order, Mirror], restock: bool) -> None:
        order, _ = delivered
        keep(order, at(5, S.ON_THE_WAY))
        keep(order, at(9, S.COMPLETED))
        for _ in range(2):
            with merchant_rows(order.merchant_id):
                returns.restock_decision(return_=case_of(order), restock=restock, by="Alice", now=LATER)
        item = item_of(order, OutboxKind.CLOSE_RETURN)
        assert item is not None
        assert item.facts["restock"] is restock
        with merchant_rows(order.merchant_id), pytest.raises(NotPossible, match="decided"):
            returns.restock_decision(return_=case_of(order), restock=not restock, by="Bob", now=LATER)

    def test_is_refused_while_nothing_came_back(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, returned())
        with merchant_rows(order.merchant_id), pytest.raises(NotPossible, match="No goods"):
            returns.restock_decision(return_=case_of(order), restock=True, by="Alice", now=LATER)


class TestRefund:
    def test_is_recorded_once_for_each_return_and_store(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        for minute in (5, 6, 7):
            keep(order, at(minute, S.COMPLETED, kind=K.REFUND))
        item = item_of(order, OutboxKind.RECORD_REFUND)
        assert item is not None
        assert (item.facts["amount"], item.facts["lines"]) == (2400, {LINE: 1})
        assert [kind for kind, _ in items_of(order)] == ["RECORD_REFUND"]

    def test_waits_until_the_money_is_back(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, at(5, S.AGREED, kind=K.REFUND))
        assert items_of(order) == []

    def test_that_was_paid_at_once_does_not_wait(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, at(5, S.ON_THE_WAY, is_quick_refund=True))
        assert "RECORD_REFUND" in dict(items_of(order))

    def test_is_never_more_than_was_paid(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        part = RefundSum("USD", total=2000, subtotal=2000)
        for number in (1, 2, 3):
            told = at(5, S.COMPLETED, kind=K.REFUND, refund=part, external_id=f"403599900000000000{number}")
            keep(order, told)
        with merchant_rows(order.merchant_id):
            said = OutboxItem.objects.filter(kind=OutboxKind.RECORD_REFUND).order_by("id")
            assert [item.facts["amount"] for item in said] == [2000, 400]
        assert "return.over_paid" in kinds_of(order)

    def test_of_a_part_of_the_price_names_no_items(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        part = {"refund": RefundSum("USD", total=500, subtotal=500), "lines": (TakenBack(LINE, "CND", refund=500),)}
        keep(order, at(5, S.COMPLETED, kind=K.REFUND, **part))
        item = item_of(order, OutboxKind.RECORD_REFUND)
        assert item is not None
        assert (item.facts["amount"], item.facts["lines"], item.facts["amounts"]) == (500, {}, {LINE: 500})

    def test_is_a_task_where_the_store_takes_none(self, tiktok: ConnectedStore, squarespace: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, squarespace, status=SourceStatus.DELIVERED)
        shipped(mirror)
        for minute in (5, 6):
            keep(order, at(minute, S.COMPLETED, kind=K.REFUND))
        order = again(order)
        assert (order.attention, order.attention_detail["amount"]) == (Attention.REFUND_BY_HAND, "24.00 USD")
        with merchant_rows(order.merchant_id):
            record = ReturnRecord.objects.select_related("case__order").get(is_task=True)
            for _ in range(2):
                refunds.task_done(record=record, by="Alice", now=LATER)
        assert again(order).attention == ""
        assert kinds_of(order).count("return.noted_by_hand") == 1

    def test_that_is_a_task_is_done_when_its_question_is_settled(
        self, tiktok: ConnectedStore, squarespace: ConnectedStore
    ) -> None:
        order, mirror = mirrored(tiktok, squarespace, status=SourceStatus.DELIVERED)
        shipped(mirror)
        keep(order, at(5, S.COMPLETED, kind=K.REFUND))
        with merchant_rows(order.merchant_id):
            attention.dismiss(order=again(order), by="Alice", now=LATER)
            record = ReturnRecord.objects.get(is_task=True)
        assert (again(order).attention, record.settled_at, record.settled_by) == ("", LATER, "Alice")

    def test_is_shown_only_where_orders_have_no_amounts(self, tiktok: ConnectedStore) -> None:
        amazon = StoreFactory(merchant=tiktok.merchant, platform="amazon", part="DESTINATION", external_id="a-1")
        order, mirror = mirrored(tiktok, amazon, status=SourceStatus.DELIVERED)
        shipped(mirror)
        keep(order, at(5, S.COMPLETED, kind=K.REFUND))
        assert again(order).attention == ""
        assert "RECORD_REFUND" not in dict(items_of(order))


class TestRefundBeforeDispatch:
    def test_stops_the_store_until_it_is_over(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, returned(kind=K.REFUND))
        assert items_of(order) == [("PAUSE_ORDER", "PENDING")]
        keep(order, at(9, S.WITHDRAWN, kind=K.REFUND))
        assert items_of(order) == [("PAUSE_ORDER", "DROPPED")]

    def test_is_an_alarm_where_the_store_cannot_keep_it_back(
        self, tiktok: ConnectedStore, squarespace: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, squarespace)
        keep(order, returned(kind=K.REFUND))
        order = again(order)
        assert (order.attention, order.attention_detail["is_task"]) == (Attention.RETURN_PENDING, True)
        keep(order, at(9, S.WITHDRAWN, kind=K.REFUND))
        assert again(order).attention == ""

    def test_that_is_granted_cancels_the_store_order_instead_of_refunding_it(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, returned(kind=K.REFUND))
        keep(order, at(9, S.COMPLETED, kind=K.REFUND))
        assert [kind for kind, _ in items_of(order)] == ["PAUSE_ORDER", "CANCEL_ORDER"]

    def test_of_some_items_takes_these_out(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify, **two_candles())
        keep(order, returned(kind=K.REFUND))
        keep(order, at(9, S.COMPLETED, kind=K.REFUND))
        item = item_of(order, OutboxKind.CANCEL_LINES)
        assert item is not None
        assert item.facts["lines"] == {LINE: 1}

    def test_of_a_part_of_the_price_lets_the_goods_go(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        part = {"refund": RefundSum("USD", total=500, subtotal=500), "lines": (TakenBack(LINE, "CND", refund=500),)}
        keep(order, returned(kind=K.REFUND, **part))
        keep(order, at(9, S.COMPLETED, kind=K.REFUND, **part))
        assert items_of(order) == [("PAUSE_ORDER", "DROPPED"), ("RECORD_REFUND", "PENDING")]

    def test_of_what_the_source_shows_in_a_parcel_cancels_nothing(
        self, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        packed = (Package("115", (LINE,), "9400111899562537866361"),)
        order, _ = mirrored(tiktok, shopify, packages=packed)
        keep(order, at(9, S.COMPLETED, kind=K.REFUND))
        assert [kind for kind, _ in items_of(order)] == ["RECORD_REFUND"]

    def test_before_the_create_creates_nothing(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        keep(order, at(9, S.COMPLETED, kind=K.REFUND))
        assert again(order).state == OrderState.SKIPPED
        assert items_of(order) == [("CREATE_ORDER", "DROPPED")]


class TestAnswer:
    def answer(self, order: Order, decision: Decision, **more: Any) -> OutboxItem | None:
        now = more.pop("now", LATER)
        with merchant_rows(order.merchant_id):
            said = Answer(decision, **more)
            return answering.answer_return(return_=case_of(order), answer=said, by="Alice", now=now)

    @pytest.fixture
    def asked(self, delivered: tuple[Order, Mirror]) -> Order:
        order, _ = delivered
        decisions = (Decision.APPROVE_RETURN, Decision.OFFER_PART, Decision.REJECT_RETURN)
        keep(order, returned(decisions=decisions, answer_by=LATER + 48 * HOUR))
        return order

    def test_goes_to_the_source_once(self, asked: Order) -> None:
        first, second = self.answer(asked, Decision.APPROVE_RETURN), self.answer(asked, Decision.APPROVE_RETURN)
        assert first is not None
        assert second is not None
        assert first.pk == second.pk
        with pytest.raises(NotPossible, match="Alice answered already"):
            self.answer(asked, Decision.REJECT_RETURN, reason="worn")

    @pytest.mark.parametrize(
        ("decision", "more", "why"),
        [
            (Decision.APPROVE_GOODS, {}, "does not take that answer"),
            (Decision.REJECT_RETURN, {}, "Choose a reason"),
            (Decision.OFFER_PART, {"amount": 2400}, "less than the whole"),
            (Decision.OFFER_PART, {"amount": 0}, "more than nothing"),
            (Decision.APPROVE_RETURN, {"now": LATER + 49 * HOUR}, "time to answer is over"),
        ],
    )
    def test_is_refused_plainly(self, asked: Order, decision: Decision, more: dict[str, Any], why: str) -> None:
        with pytest.raises(NotPossible, match=why):
            self.answer(asked, decision, **more)
        assert items_of(asked) == []

    def test_to_the_next_question_is_one_of_its_own(self, asked: Order) -> None:
        self.answer(asked, Decision.APPROVE_RETURN)
        keep(asked, at(9, S.ON_THE_WAY, decisions=(Decision.APPROVE_GOODS, Decision.REJECT_GOODS)))
        second = self.answer(asked, Decision.APPROVE_GOODS)
        assert second is not None
        assert second.subject.endswith(":2")


class TestReplacement:
    def told(self, status: ReturnStatus, **changes: Any) -> Any:
        return at(9, status, kind=K.REPLACEMENT, refund=None, **changes)

    def test_is_linked_when_its_order_comes(self, tiktok: ConnectedStore, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, self.told(S.COMPLETED))
        new = store_order(
            seen=seen(SourceStatus.AWAITING_SHIPMENT, external_id="5764", replaces_id=order.external_id),
            store=tiktok,
            now=LATER,
        )
        assert (case_of(order).replacement_id, case_of(order).new_order_id) == (new.pk, "5764")
        assert "order.stands_for" in kinds_of(new)

    def test_is_linked_when_its_order_was_there_first(
        self, tiktok: ConnectedStore, delivered: tuple[Order, Mirror]
    ) -> None:
        order, _ = delivered
        new = store_order(
            seen=seen(SourceStatus.AWAITING_SHIPMENT, external_id="5764", replaces_id=order.external_id),
            store=tiktok,
            now=LATER,
        )
        keep(order, self.told(S.COMPLETED))
        assert case_of(order).replacement_id == new.pk

    def test_refunds_nothing(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, self.told(S.COMPLETED))
        assert items_of(order) == []

    def test_for_which_money_was_given_is_recorded_and_over(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, at(9, S.AGREED, kind=K.REPLACEMENT))
        assert "RECORD_REFUND" in dict(items_of(order))
        assert again(order).return_requested_at is None


class TestOtherMerchant:
    def test_sees_no_return(self, delivered: tuple[Order, Mirror]) -> None:
        order, _ = delivered
        keep(order, returned())
        with merchant_rows(StoreFactory().merchant_id):
            assert not Return.objects.exists()


class TestSplitOrder:
    def test_is_refunded_in_the_store_that_had_the_item(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, mirror = mirrored(tiktok, shopify, status=SourceStatus.DELIVERED, **two_candles())
        with merchant_rows(order.merchant_id):
            Mirror.objects.filter(pk=mirror.pk).update(line_ids=[OTHER])
        shipped(mirror, OTHER)
        keep(order, at(5, S.COMPLETED, kind=K.REFUND))
        assert items_of(order) == []
