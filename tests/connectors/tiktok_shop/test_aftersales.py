"""TikTok Shop's cancellations and returns as our dataclasses."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.aftersales import (
    CancelStatus,
    Decision,
    Dispute,
    RefundSum,
    ReturnKind,
    ReturnStatus,
    TakenBack,
    Who,
)
from connectors.base.errors import UnreadableAnswer
from connectors.base.events import EventKind
from connectors.platforms.tiktok_shop import aftersales
from connectors.platforms.tiktok_shop.mapping import events_of

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads/tiktok_shop"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def cancellation(**changes: Any) -> Any:
    return aftersales.cancellation_of({**payload("cancellations_search")["data"]["cancellations"][0], **changes})


def case(**changes: Any) -> Any:
    return aftersales.return_of({**payload("returns_search")["data"]["return_orders"][0], **changes})


class TestCancellation:
    def test_of_the_reference_is_a_request_with_its_deadline_lines_and_sums(self) -> None:
        read = cancellation()
        assert (read.external_id, read.order_id) == ("4035318504086604100", "577087614418520388")
        assert (read.status, read.is_request, read.by) == (CancelStatus.REQUESTED, True, Who.BUYER)
        assert read.answer_by == datetime.fromtimestamp(1690554680, UTC)
        assert (read.reason, read.reason_text) == (
            "ecom_order_to_ship_canceled_reason_created_by_mistakes",
            "Order created by mistake",
        )
        assert read.lines == (TakenBack("576468844534141348", "YYAPC23078TRT30", 1, 123),)

    def test_keeps_every_sum_in_minor_units(self) -> None:
        said = {"currency": "USD", "refund_total": "12.3", "refund_subtotal": "10", "refund_shipping_fee": "2"}
        read = cancellation(refund_amount={**said, "refund_tax": "0.3", "retail_delivery_fee": "0.28"})
        assert read.refund == RefundSum("USD", total=1230, subtotal=1000, shipping=200, tax=30, fees=28)

    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("CANCELLATION_REQUEST_PENDING", CancelStatus.REQUESTED),
            ("CANCELLATION_REQUEST_SUCCESS", CancelStatus.AGREED),
            ("CANCELLATION_REQUEST_COMPLETE", CancelStatus.REFUNDED),
            ("CANCELLATION_REQUEST_CANCEL", CancelStatus.WITHDRAWN),
            ("CANCELLATION_REQUEST_CANCELLED", CancelStatus.WITHDRAWN),
        ],
    )
    def test_stands_where_its_status_says_in_both_spellings(self, word: str, status: CancelStatus) -> None:
        read = cancellation(cancel_status=word)
        assert (read.status, read.status_text) == (status, word)
        assert (read.answer_by is not None) == (status is CancelStatus.REQUESTED)

    @pytest.mark.parametrize(
        ("kind", "role", "is_request"),
        [("BUYER_CANCEL", "BUYER", True), ("CANCEL", "BUYER", False), ("CANCEL", "SELLER", False), ("", "BUYER", True)],
    )
    def test_is_a_request_where_the_seller_decides(self, kind: str, role: str, is_request: bool) -> None:
        assert cancellation(cancel_type=kind, role=role).is_request is is_request

    @pytest.mark.parametrize("role", ["OPERATOR", "SYSTEM"])
    def test_by_the_platform_says_so(self, role: str) -> None:
        assert cancellation(role=role).by is Who.PLATFORM

    def test_of_an_unpaid_order_has_no_sums_and_perhaps_no_sku(self) -> None:
        read = cancellation(refund_amount=None, cancel_line_items=[{"order_line_item_id": "1"}])
        assert (read.refund, read.lines) == (None, (TakenBack("1", "", 1, None),))

    def test_with_a_sum_that_cannot_be_read_has_none_rather_than_a_wrong_one(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert cancellation(refund_amount={"currency": "JPY", "refund_total": "1.5"}).refund is None
        assert "refund not readable" in caplog.text

    @pytest.mark.parametrize(
        ("name", "field", "unknown"),
        [
            ("cancel_status", "status", CancelStatus.UNKNOWN),
            ("role", "by", Who.UNKNOWN),
        ],
    )
    def test_in_words_that_are_not_known_is_unknown_and_logged(
        self, caplog: pytest.LogCaptureFixture, name: str, field: str, unknown: Any
    ) -> None:
        caplog.set_level(logging.ERROR)
        assert getattr(cancellation(**{name: "SOMETHING_NEW"}), field) is unknown
        assert [(each.field, each.word) for each in caplog.records] == [(name, "SOMETHING_NEW")]  # type: ignore[attr-defined]

    def test_may_say_whether_the_stock_is_to_be_filled_up(self) -> None:
        said = [cancellation(**more).restocks for more in ({}, {"should_replenish_stock": False})]
        assert [*said, cancellation(should_replenish_stock=True).restocks] == [None, False, True]

    @pytest.mark.parametrize("missing", [["cancel_id"], ["order_id"], ["create_time", "update_time"]])
    def test_without_ids_or_times_hides_no_other(self, missing: list[str], caplog: pytest.LogCaptureFixture) -> None:
        row = payload("cancellations_search")["data"]["cancellations"][0]
        bad = {name: value for name, value in row.items() if name not in missing}
        assert len(aftersales.cancellations_of([bad, None, "x", row])) == 1
        assert "not readable" in caplog.text


class TestReturn:
    def test_of_the_reference_is_read_whole(self) -> None:
        read = case()
        assert (read.external_id, read.order_id, read.kind) == (
            "4035318504086604100",
            "577686530908261117",
            ReturnKind.REFUND,
        )
        assert (read.status, read.dispute, read.by) == (ReturnStatus.REQUESTED, Dispute.OPEN, Who.BUYER)
        assert read.decisions == (Decision.APPROVE_REFUND, Decision.OFFER_PART, Decision.REJECT_REFUND)
        assert read.answer_by == datetime.fromtimestamp(1690554680, UTC)
        assert read.refund == RefundSum("USD", total=123, subtotal=100, shipping=20, tax=3, fees=20, by_platform=20)
        assert read.lines == (TakenBack("576473917261451851", "PUTIH 1 TALI", 1, 123),)
        assert (read.carrier, read.tracking_number) == ("J&T Express", "213456789098765433456")
        assert (read.previous_id, read.next_id, read.keeps_goods) == (
            "4035310341095393452",
            "4035310341095393463",
            True,
        )
        assert read.offered is None  # the sample offers rupiahs for dollars

    @pytest.mark.parametrize(
        ("kind", "word", "status"),
        [
            ("REFUND", "RETURN_OR_REFUND_REQUEST_PENDING", ReturnStatus.REQUESTED),
            ("REFUND", "REFUND_OR_RETURN_REQUEST_REJECT", ReturnStatus.REFUSED),
            ("RETURN_AND_REFUND", "AWAITING_BUYER_SHIP", ReturnStatus.TO_BE_SENT),
            ("RETURN_AND_REFUND", "BUYER_SHIPPED_ITEM", ReturnStatus.ON_THE_WAY),
            ("RETURN_AND_REFUND", "REJECT_RECEIVE_PACKAGE", ReturnStatus.GOODS_REFUSED),
            ("REFUND", "RETURN_OR_REFUND_REQUEST_SUCCESS", ReturnStatus.AGREED),
            ("REFUND", "RETURN_OR_REFUND_REQUEST_CANCEL", ReturnStatus.WITHDRAWN),
            ("REFUND", "RETURN_OR_REFUND_REQUEST_COMPLETE", ReturnStatus.COMPLETED),
            ("REFUND", "AWAITING_BUYER_RESPONSE", ReturnStatus.BUYER_ASKED),
            ("REPLACEMENT", "REPLACEMENT_REQUEST_PENDING", ReturnStatus.REQUESTED),
            ("REPLACEMENT", "REPLACEMENT_REQUEST_REJECT", ReturnStatus.REFUSED),
            ("REPLACEMENT", "REPLACEMENT_REQUEST_REFUND_SUCCESS", ReturnStatus.AGREED),
            ("REPLACEMENT", "REPLACEMENT_REQUEST_CANCEL", ReturnStatus.WITHDRAWN),
            ("REPLACEMENT", "REPLACEMENT_REQUEST_COMPLETE", ReturnStatus.COMPLETED),
            ("EXCHANGE", "EXCHANGE_REQUEST_PENDING", ReturnStatus.REQUESTED),
            ("EXCHANGE", "EXCHANGE_REQUEST_REFUND_SUCCESS", ReturnStatus.AGREED),
            ("EXCHANGE", "EXCHANGE_REQUEST_CANCEL", ReturnStatus.WITHDRAWN),
            ("EXCHANGE", "EXCHANGE_REQUEST_COMPLETE", ReturnStatus.COMPLETED),
        ],
    )
    def test_stands_where_its_status_says(self, kind: str, word: str, status: ReturnStatus) -> None:
        read = case(return_type=kind, return_status=word)
        assert (read.status, read.status_text, read.kind is not ReturnKind.UNKNOWN) == (status, word, True)

    @pytest.mark.parametrize(
        ("action", "decisions"),
        [
            ("SELLER_RESPOND_RETURN", ("APPROVE_RETURN", "APPROVE_REFUND", "OFFER_PART", "REJECT_RETURN")),
            ("SELLER_RESPOND_RECEIVE_PACKAGE", ("APPROVE_GOODS", "REJECT_GOODS")),
            ("SELLER_RESPOND_REPLACEMENT", ("APPROVE_REPLACEMENT", "REFUND_INSTEAD", "REJECT_REPLACEMENT")),
        ],
    )
    def test_says_what_may_be_answered(self, action: str, decisions: tuple[str, ...]) -> None:
        read = case(seller_next_action_response=[{"action": action, "deadline": 1690554680}])
        assert tuple(read.decisions) == decisions

    def test_that_was_paid_at_once_cannot_be_refused_for_its_goods(self) -> None:
        asked = [{"action": "SELLER_RESPOND_RECEIVE_PACKAGE"}]
        assert case(seller_next_action_response=asked, is_quick_refund=True).decisions == (Decision.APPROVE_GOODS,)

    def test_that_waits_for_nothing_has_no_decisions_and_no_deadline(self) -> None:
        read = case(seller_next_action_response=None, arbitration_status="")
        assert (read.decisions, read.answer_by, read.dispute) == ((), None, Dispute.NONE)

    @pytest.mark.parametrize(
        ("word", "dispute"),
        [
            ("IN_PROGRESS", Dispute.OPEN),
            ("SUPPORT_BUYER", Dispute.FOR_BUYER),
            ("SUPPORT_SELLER", Dispute.FOR_SELLER),
            ("CLOSED", Dispute.CLOSED),
            ("SOMETHING_NEW", Dispute.OPEN),
        ],
    )
    def test_says_who_judges(self, word: str, dispute: Dispute) -> None:
        assert case(arbitration_status=word).dispute is dispute

    def test_offered_in_part_keeps_the_sum(self) -> None:
        assert case(partial_refund={"currency": "USD", "amount": "0.5"}).offered == 50

    def test_with_zeros_for_ids_has_none(self) -> None:
        read = case(pre_return_id="0", next_return_id="0")
        assert (read.previous_id, read.next_id) == ("", "")

    def test_reads_flags_that_are_written_as_text(self) -> None:
        assert case(can_buyer_keep_item="true ").keeps_goods
        assert not case(can_buyer_keep_item="false").keeps_goods

    @given(
        st.dictionaries(
            st.sampled_from(list(payload("returns_search")["data"]["return_orders"][0])),
            st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.lists(st.none() | st.text(max_size=3)),
        )
    )
    def test_of_any_shape_is_read_or_named_unreadable(self, changes: dict[str, Any]) -> None:
        try:
            assert case(**changes).order_id
        except UnreadableAnswer:
            return


class TestNews:
    def test_of_a_cancellation_and_of_a_return_name_their_order(self) -> None:
        for name, kind in (
            ("webhook_cancellation_status_change", EventKind.CANCELLATION_CHANGED),
            ("webhook_return_status_change", EventKind.RETURN_CHANGED),
        ):
            (event,) = events_of(payload(name))
            assert (event.kind, event.external_id) == (kind, "576486316948490001")

    def test_of_money_that_went_back_is_one_for_each_order(self) -> None:
        lines = [{"main_order_id": order_id, "return_line_item_id": "1"} for order_id in ("11", "12", "11")]
        events = events_of({"type": 67, "data": {"refund_status": "SUCCESS", "line_items": lines}})
        assert [(event.kind, event.external_id) for event in events] == [
            (EventKind.RETURN_CHANGED, "11"),
            (EventKind.RETURN_CHANGED, "12"),
        ]

    @pytest.mark.parametrize("number", [12, 64, 65, 67])
    def test_that_names_no_order_is_left_to_the_poll(self, number: int) -> None:
        (event,) = events_of({"type": number, "data": {"aftersales_request_id": "1"}})
        assert event.kind is EventKind.IGNORED
