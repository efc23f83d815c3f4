"""Cancelling at TikTok Shop, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base.aftersales import CancelStatus, Reason
from connectors.base.errors import (
    AuthorizationError,
    OutcomeUnknown,
    PermanentError,
    TemporaryError,
    UnsupportedFeature,
)
from tests.connectors.tiktok_shop.conftest import DONE, GONE, Shop
from tests.connectors.tiktok_shop.test_aftersales import payload
from tests.connectors.tiktok_shop.test_mapping import ORDER
from tests.connectors.tiktok_shop.test_reasons import eligibility

ORDER_ID = ORDER["id"]
LINES = ("577958834469570826", "577958834469570827")
SUCCESS = {"cancel_id": "4035", "cancel_status": "CANCELLATION_REQUEST_SUCCESS"}
ELIGIBLE = eligibility({"available_reason_names": ["seller_cancel_reason_out_of_stock"]})


def orders(status: str = "AWAITING_SHIPMENT", *, gone: tuple[str, ...] = ()) -> dict[str, Any]:
    rows = [
        {**ORDER["line_items"][0], "id": line_id, "display_status": "CANCELLED" if line_id in gone else status}
        for line_id in LINES
    ]
    return {"orders": [{**ORDER, "status": status, "line_items": rows}]}


@pytest.fixture
def us(shop: Shop) -> Shop:
    shop.says("orders", orders())
    shop.says("aftersale_eligibility", ELIGIBLE)
    shop.says("cancellations", SUCCESS)
    return shop


class TestReasons:
    def test_are_asked_for_the_seller_in_the_version_that_names_them(self, us: Shop) -> None:
        (order,) = us.speaking.fetch_orders([ORDER_ID])
        assert us.speaking.cancel_reasons(order) == [Reason("seller_cancel_reason_out_of_stock", "Out of stock")]  # type: ignore[arg-type]
        path, query, _ = us.asked[-1]
        assert path == f"/return_refund/202602/orders/{ORDER_ID}/aftersale_eligibility"
        assert query["initiate_aftersale_user"] == "SELLER"

    @pytest.mark.parametrize("code", [36009009, 36009014])
    def test_are_asked_in_the_older_version_where_the_newer_is_not_there(self, us: Shop, code: int) -> None:
        us.says("aftersale_eligibility", code, payload("aftersale_eligibility")["data"])
        (order,) = us.speaking.fetch_orders([ORDER_ID])
        assert len(us.speaking.cancel_reasons(order)) == 4  # type: ignore[arg-type]
        assert "/202309/" in us.asked[-1][0]

    def test_are_told_by_market_and_status_where_no_version_is_there(self, us: Shop) -> None:
        us.says("aftersale_eligibility", 36009014)
        (order,) = us.speaking.fetch_orders([ORDER_ID])
        assert len(us.speaking.cancel_reasons(order)) == 4  # type: ignore[arg-type]

    def test_that_cannot_be_asked_are_no_reasons(self, us: Shop) -> None:
        us.says("aftersale_eligibility", 36009003)
        (order,) = us.speaking.fetch_orders([ORDER_ID])
        with pytest.raises(TemporaryError):
            us.speaking.cancel_reasons(order)  # type: ignore[arg-type]


class TestCancel:
    def cancel(self, shop: Shop, reason: str = "out_of_stock", lines: dict[str, int] | None = None) -> Any:
        return shop.speaking.cancel_order(ORDER_ID, reason=reason, line_quantities=lines)

    def sent(self, shop: Shop) -> Any:
        ((_, _, body),) = shop.named("cancellations")
        return body

    @pytest.mark.parametrize("reason", ["out_of_stock", "seller_cancel_reason_out_of_stock"])
    def test_of_the_whole_order_names_no_lines(self, us: Shop, reason: str) -> None:
        assert self.cancel(us, reason).is_cancelled
        assert self.sent(us) == {"order_id": ORDER_ID, "cancel_reason": "seller_cancel_reason_out_of_stock"}

    def test_of_one_item_names_its_line(self, us: Shop) -> None:
        self.cancel(us, lines={LINES[1]: 1})
        assert self.sent(us)["order_line_item_ids"] == [LINES[1]]

    def test_of_every_item_that_is_left_is_of_the_whole_order(self, us: Shop) -> None:
        us.says("orders", orders(gone=LINES[:1]))
        self.cancel(us, lines=dict.fromkeys(LINES, 1))
        assert "order_line_item_ids" not in self.sent(us)

    def test_that_waits_to_be_let_through_is_not_done_yet(self, us: Shop) -> None:
        us.says("cancellations", {"cancel_id": "4035", "cancel_status": "CANCELLATION_REQUEST_PENDING"})
        assert not self.cancel(us).is_cancelled

    def test_of_one_item_elsewhere_is_said_to_be_impossible(self, us: Shop) -> None:
        us.region = "DE"
        with pytest.raises(UnsupportedFeature, match="US and the UK only"):
            self.cancel(us, lines={LINES[0]: 1})
        assert us.named("cancellations") == []

    def test_of_one_item_for_another_reason_is_said_to_be_impossible(self, us: Shop) -> None:
        with pytest.raises(UnsupportedFeature, match="out of stock"):
            self.cancel(us, "pricing_error", {LINES[0]: 1})

    def test_of_one_item_on_hold_is_said_to_be_impossible(self, us: Shop) -> None:
        us.says("orders", orders("ON_HOLD"))
        with pytest.raises(UnsupportedFeature, match="wait to be shipped"):
            self.cancel(us, lines={LINES[0]: 1})

    @pytest.mark.parametrize("lines", [{}, {LINES[0]: 0}, {"999": 1}])
    def test_of_items_that_are_not_there_is_never_taken_for_the_whole_order(
        self, us: Shop, lines: dict[str, int]
    ) -> None:
        with pytest.raises(PermanentError, match="no such items"):
            self.cancel(us, lines=lines)
        assert us.named("cancellations") == []

    def test_for_a_reason_that_is_not_offered_says_which_are(self, us: Shop) -> None:
        with pytest.raises(PermanentError, match="It takes: Out of stock"):
            self.cancel(us, "buyer_requested")

    def test_that_is_allowed_no_more_says_so(self, us: Shop) -> None:
        us.says("aftersale_eligibility", eligibility({"eligible": False}))
        with pytest.raises(PermanentError, match="no more"):
            self.cancel(us)

    def test_that_was_done_before_sends_nothing(self, us: Shop) -> None:
        us.says("orders", orders("CANCELLED"))
        assert self.cancel(us).is_cancelled
        us.says("orders", orders(gone=LINES[:1]))
        assert self.cancel(us, lines={LINES[0]: 1}).is_cancelled
        assert us.named("cancellations") == []

    @pytest.mark.parametrize("code", [25001011, 25001051, 25020009])
    def test_that_is_said_to_be_done_is_believed_when_the_order_shows_it(self, us: Shop, code: int) -> None:
        us.says("orders", orders(), orders("CANCELLED"))
        us.says("cancellations", code)
        assert self.cancel(us).is_cancelled

    def test_that_is_said_to_be_done_and_is_not_fails_with_a_reason(self, us: Shop) -> None:
        us.says("cancellations", 25001011)
        with pytest.raises(PermanentError) as caught:
            self.cancel(us)
        assert (caught.value.code, caught.value.reason) == ("25001011", "CANCEL_PENDING")

    def test_is_made_as_the_reference_says_for_as_long_as_that_is_served(self, us: Shop) -> None:
        us.says("cancellations", 36009014, SUCCESS)
        assert self.cancel(us).is_cancelled
        assert [path.split("/")[2] for path, _, _ in us.named("cancellations")] == ["202309", "202602"]

    def test_whose_answer_was_lost_is_a_question(self, us: Shop) -> None:
        us.says("cancellations", GONE)
        with pytest.raises(OutcomeUnknown):
            self.cancel(us)

    def test_of_an_order_whose_lines_cannot_be_read_is_not_taken_for_done(self, us: Shop) -> None:
        unread = {"orders": [{**orders()["orders"][0], "line_items": []}]}
        us.says("orders", unread)
        assert self.cancel(us).is_cancelled
        assert len(us.named("cancellations")) == 1


class TestSearch:
    def test_of_orders_is_whole_over_all_pages(self, shop: Shop) -> None:
        page = payload("cancellations_search")["data"]
        shop.says("search", {**page, "next_page_token": "t"}, page)
        assert len(shop.speaking.cancellations_of([ORDER_ID])) == 2
        (path, first, body), (_, second, again) = shop.asked
        assert path == "/return_refund/202602/cancellations/search"
        assert (first["page_size"], first["sort_field"], first["sort_order"]) == ("50", "update_time", "ASC")
        assert body == again == {"order_ids": [ORDER_ID], "locale": "en-US"}
        assert ("page_token" not in first, second["page_token"]) == (True, "t")

    def test_of_many_orders_asks_for_some_at_a_time(self, shop: Shop) -> None:
        shop.says("search", {"cancellations": None})
        assert shop.speaking.cancellations_of([str(number) for number in range(120)]) == []
        assert [len(body["order_ids"]) for _, _, body in shop.asked] == [50, 50, 20]

    def test_of_a_time_asks_for_whole_seconds_that_hold_it(self, shop: Shop) -> None:
        shop.says("search", payload("cancellations_search")["data"])
        moment = datetime(2026, 11, 2, 12, 0, 0, 900_000, tzinfo=UTC)
        (found,) = shop.speaking.cancellations_updated_since(moment, until=moment)
        assert found.status is CancelStatus.REQUESTED
        body = shop.asked[0][2]
        assert body["update_time_lt"] - body["update_time_ge"] == 1

    def test_is_made_in_the_older_version_where_the_newer_is_not_there(self, shop: Shop) -> None:
        shop.says("search", 36009014, payload("cancellations_search")["data"])
        assert len(shop.speaking.cancellations_of([ORDER_ID])) == 1
        assert [path.split("/")[2] for path, _, _ in shop.asked] == ["202602", "202309"]


class TestAnswer:
    def answer(self, shop: Shop, *, accepts: bool, **more: str) -> None:
        shop.speaking.answer_cancellation("4035", accepts=accepts, reference="ref-1", **more)

    def found(self, status: str) -> Any:
        (row,) = payload("cancellations_search")["data"]["cancellations"]
        return {"cancellations": [{**row, "cancel_id": "4035", "cancel_status": status}]}

    def test_accepts_under_the_reference_without_a_body(self, shop: Shop) -> None:
        shop.says("approve", DONE)
        self.answer(shop, accepts=True)
        ((path, query, body),) = shop.asked
        assert path == "/return_refund/202309/cancellations/4035/approve"
        assert (query["idempotency_key"], body) == ("ref-1", None)

    def test_refuses_with_a_reason_and_a_comment_that_no_record_keeps(self, shop: Shop) -> None:
        shop.says("reject", DONE)
        self.answer(shop, accepts=False, reason="seller_reject_apply_product_has_been_packed", comment="Dear Jane")
        ((_, query, body),) = shop.asked
        assert body == {"reject_reason": "seller_reject_apply_product_has_been_packed", "comment": "Dear Jane"}
        assert "idempotency_key" not in query
        assert "Jane" not in shop.records[0].request

    def test_is_not_sent_without_a_reason_to_refuse(self, shop: Shop) -> None:
        with pytest.raises(PermanentError, match="reason"):
            self.answer(shop, accepts=False)
        assert shop.asked == []

    @pytest.mark.parametrize(
        ("accepts", "status"),
        [
            (True, "CANCELLATION_REQUEST_SUCCESS"),
            (True, "CANCELLATION_REQUEST_COMPLETE"),
            (False, "CANCELLATION_REQUEST_CANCEL"),
            (False, "CANCELLATION_REQUEST_CANCELLED"),
        ],
    )
    def test_that_was_given_before_is_no_failure(self, shop: Shop, accepts: bool, status: str) -> None:
        shop.says("approve", 25011012)
        shop.says("reject", 25011011)
        shop.says("search", self.found(status))
        self.answer(shop, accepts=accepts, reason="r")
        assert shop.asked[-1][2]["cancel_ids"] == ["4035"]

    @pytest.mark.parametrize(
        ("accepts", "status", "words"),
        [
            (True, "CANCELLATION_REQUEST_CANCEL", "withdrawn or refused"),
            (False, "CANCELLATION_REQUEST_SUCCESS", "accepted before"),
            (True, "CANCELLATION_REQUEST_PENDING", "says 25011012"),
            (True, "SOMETHING_NEW", "says 25011012"),
        ],
    )
    def test_that_was_given_otherwise_or_not_at_all_fails(
        self, shop: Shop, accepts: bool, status: str, words: str
    ) -> None:
        shop.says("approve", 25011012)
        shop.says("reject", 25020010)
        shop.says("search", self.found(status))
        with pytest.raises(PermanentError, match=words):
            self.answer(shop, accepts=accepts, reason="r")

    def test_whose_answer_was_lost_is_a_question(self, shop: Shop) -> None:
        shop.says("approve", GONE)
        with pytest.raises(OutcomeUnknown):
            self.answer(shop, accepts=True)

    def test_with_a_lapsed_token_looks_no_further(self, shop: Shop) -> None:
        shop.says("approve", 105002)
        with pytest.raises(AuthorizationError):
            self.answer(shop, accepts=True)
        assert len(shop.asked) == 1


class TestRejectReasons:
    def test_are_tiktoks_own_for_this_case(self, shop: Shop) -> None:
        shop.says("reject_reasons", {"reasons": [{"name": "k", "text": "In words"}, {"name": "a_b"}, {"text": "lost"}]})
        assert shop.speaking.reject_reasons("4035") == [Reason("k", "In words"), Reason("a_b", "a b")]
        assert shop.asked[0][1]["return_or_cancel_id"] == "4035"
