"""Returns at TikTok Shop, over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.base.aftersales import Answer, Decision, ReturnStatus
from connectors.base.errors import AuthorizationError, OutcomeUnknown, PermanentError
from tests.connectors.tiktok_shop.conftest import DONE, GONE, NOW, Shop
from tests.connectors.tiktok_shop.test_aftersales import payload

RETURN_ID = "4035318504086604100"
ASKS = {
    "REFUND": "SELLER_RESPOND_REFUND",
    "RETURN_AND_REFUND": "SELLER_RESPOND_RETURN",
    "REPLACEMENT": "SELLER_RESPOND_REPLACEMENT",
}


def page(kind: str = "REFUND", status: str = "RETURN_OR_REFUND_REQUEST_PENDING", **changes: Any) -> dict[str, Any]:
    (row,) = payload("returns_search")["data"]["return_orders"]
    action = ASKS[kind] if status.endswith("_PENDING") else ""
    if status == "BUYER_SHIPPED_ITEM":
        action = "SELLER_RESPOND_RECEIVE_PACKAGE"
    asked = [{"action": action, "deadline": 1690554680}] if action else []
    told = {**row, "return_type": kind, "return_status": status, "seller_next_action_response": asked, **changes}
    return {"return_orders": [told], "next_page_token": "", "total_count": 1}


def answer(decision: Decision, **more: Any) -> Answer:
    return Answer(decision, reason="seller_reject_x" if decision.is_rejection else "", **more)


class TestSearch:
    def test_of_orders_is_whole_over_all_pages(self, shop: Shop) -> None:
        shop.says("search", {**page(), "next_page_token": "t"}, page("RETURN_AND_REFUND"))
        assert len(shop.speaking.returns_of(["1"])) == 2
        path, query, body = shop.asked[0]
        assert path == "/return_refund/202602/returns/search"
        assert (query["page_size"], query["sort_field"], query["sort_order"]) == ("50", "update_time", "ASC")
        assert body == {"order_ids": ["1"], "locale": "en-US"}

    def test_of_a_time_asks_for_it(self, shop: Shop) -> None:
        shop.says("search", page())
        (found,) = shop.speaking.returns_updated_since(NOW - timedelta(hours=1), until=NOW)
        assert found.status is ReturnStatus.REQUESTED
        body = shop.asked[0][2]
        assert (body["update_time_ge"], body["update_time_lt"]) == (
            int(NOW.timestamp()) - 3600,
            int(NOW.timestamp()) + 1,
        )


class TestAnswer:
    @pytest.mark.parametrize(
        ("decision", "kind", "status", "verb", "word"),
        [
            (Decision.APPROVE_REFUND, "REFUND", "", "approve", "APPROVE_REFUND"),
            (Decision.APPROVE_RETURN, "RETURN_AND_REFUND", "", "approve", "APPROVE_RETURN"),
            (Decision.APPROVE_GOODS, "RETURN_AND_REFUND", "BUYER_SHIPPED_ITEM", "approve", "APPROVE_RECEIVED_PACKAGE"),
            (Decision.APPROVE_REPLACEMENT, "REPLACEMENT", "", "approve", "APPROVE_REPLACEMENT"),
            (Decision.REFUND_INSTEAD, "REPLACEMENT", "", "approve", "ISSUE_REPLACEMENT_REFUND"),
            (Decision.REJECT_REFUND, "REFUND", "", "reject", "REJECT_REFUND"),
            (Decision.REJECT_RETURN, "RETURN_AND_REFUND", "", "reject", "REJECT_RETURN"),
            (Decision.REJECT_GOODS, "RETURN_AND_REFUND", "BUYER_SHIPPED_ITEM", "reject", "REJECT_RECEIVED_PACKAGE"),
            (Decision.REJECT_REPLACEMENT, "REPLACEMENT", "", "reject", "REJECT_REPLACEMENT"),
        ],
    )
    def test_is_said_in_tiktoks_word_under_the_reference(
        self, shop: Shop, decision: Decision, kind: str, status: str, verb: str, word: str
    ) -> None:
        shop.says("search", page(kind, status or "RETURN_OR_REFUND_REQUEST_PENDING"))
        shop.says(verb, DONE)
        shop.speaking.answer_return(RETURN_ID, answer(decision), reference="ref-1")
        path, query, body = shop.asked[-1]
        assert path == f"/return_refund/202309/returns/{RETURN_ID}/{verb}"
        assert query.get("idempotency_key") == ("ref-1" if verb == "approve" else None)
        assert body == {"decision": word, **({"reject_reason": "seller_reject_x"} if verb == "reject" else {})}

    def test_offers_a_part_with_its_currency(self, shop: Shop) -> None:
        shop.says("search", page())
        shop.says("approve", DONE)
        offer = Answer(Decision.OFFER_PART, amount=550, currency="USD")
        shop.speaking.answer_return(RETURN_ID, offer, reference="ref-1")
        assert shop.asked[-1][2] == {
            "decision": "OFFER_PARTIAL_REFUND",
            "partial_refund": {"currency": "USD", "amount": "5.50"},
        }

    def test_pays_without_the_goods_by_approving_that_they_stay(self, shop: Shop) -> None:
        shop.says("search", page("RETURN_AND_REFUND"))
        shop.says("approve", DONE)
        shop.speaking.answer_return(RETURN_ID, answer(Decision.APPROVE_REFUND), reference="ref-1")
        assert shop.asked[-1][2] == {"decision": "APPROVE_RETURN", "buyer_keep_item": True}

    @pytest.mark.parametrize(
        "lacking",
        [
            Answer(Decision.REJECT_REFUND),
            Answer(Decision.OFFER_PART, amount=550),
            Answer(Decision.OFFER_PART, currency="USD"),
            Answer(Decision.OFFER_PART, amount=-1, currency="USD"),
        ],
    )
    def test_that_lacks_a_reason_or_a_sum_is_not_sent(self, shop: Shop, lacking: Answer) -> None:
        shop.says("search", page())
        with pytest.raises(PermanentError):
            shop.speaking.answer_return(RETURN_ID, lacking, reference="ref-1")
        assert [name for name, _, _ in shop.asked if not name.endswith("search")] == []

    @pytest.mark.parametrize(
        ("decision", "kind", "status"),
        [
            (Decision.APPROVE_REFUND, "REFUND", "RETURN_OR_REFUND_REQUEST_SUCCESS"),
            (Decision.APPROVE_REFUND, "REFUND", "RETURN_OR_REFUND_REQUEST_COMPLETE"),
            (Decision.APPROVE_RETURN, "RETURN_AND_REFUND", "AWAITING_BUYER_SHIP"),
            (Decision.APPROVE_RETURN, "RETURN_AND_REFUND", "BUYER_SHIPPED_ITEM"),
            (Decision.APPROVE_GOODS, "RETURN_AND_REFUND", "RETURN_OR_REFUND_REQUEST_SUCCESS"),
            (Decision.APPROVE_REPLACEMENT, "REPLACEMENT", "REPLACEMENT_REQUEST_COMPLETE"),
            (Decision.REFUND_INSTEAD, "REPLACEMENT", "REPLACEMENT_REQUEST_REFUND_SUCCESS"),
            (Decision.REJECT_REFUND, "REFUND", "REFUND_OR_RETURN_REQUEST_REJECT"),
            (Decision.REJECT_RETURN, "RETURN_AND_REFUND", "RETURN_OR_REFUND_REQUEST_CANCEL"),
            (Decision.REJECT_GOODS, "RETURN_AND_REFUND", "REJECT_RECEIVE_PACKAGE"),
            (Decision.REJECT_REPLACEMENT, "REPLACEMENT", "REPLACEMENT_REQUEST_REJECT"),
        ],
    )
    def test_that_was_given_before_is_not_sent_again(
        self, shop: Shop, decision: Decision, kind: str, status: str
    ) -> None:
        shop.says("search", page(kind, status))
        shop.speaking.answer_return(RETURN_ID, answer(decision), reference="ref-1")
        assert len(shop.asked) == 1

    def test_that_offers_another_part_is_not_taken_for_the_one_that_stands(self, shop: Shop) -> None:
        stands = {"partial_refund": {"currency": "USD", "amount": "5.50"}}
        shop.says("search", page(status="AWAITING_BUYER_RESPONSE", **stands))
        shop.says("approve", 25011032)
        shop.speaking.answer_return(RETURN_ID, Answer(Decision.OFFER_PART, amount=550, currency="USD"), reference="r")
        with pytest.raises(PermanentError):
            shop.speaking.answer_return(
                RETURN_ID, Answer(Decision.OFFER_PART, amount=600, currency="USD"), reference="r"
            )

    def test_that_came_in_between_is_seen_when_it_is_refused(self, shop: Shop) -> None:
        shop.says("search", page(), page(status="RETURN_OR_REFUND_REQUEST_SUCCESS"))
        shop.says("approve", 25011012)
        shop.speaking.answer_return(RETURN_ID, answer(Decision.APPROVE_REFUND), reference="ref-1")

    @pytest.mark.parametrize("code", [25011012, 25011010, 25020004])
    def test_that_is_refused_fails_with_tiktoks_words(self, shop: Shop, code: int) -> None:
        shop.says("search", page())
        shop.says("approve", code)
        with pytest.raises(PermanentError, match=f"says {code}"):
            shop.speaking.answer_return(RETURN_ID, answer(Decision.APPROVE_REFUND), reference="ref-1")

    def test_to_a_return_that_is_not_there_fails(self, shop: Shop) -> None:
        shop.says("search", {"return_orders": []})
        with pytest.raises(PermanentError, match="does not know"):
            shop.speaking.answer_return(RETURN_ID, answer(Decision.APPROVE_REFUND), reference="ref-1")

    def test_whose_answer_was_lost_is_a_question(self, shop: Shop) -> None:
        shop.says("search", page())
        shop.says("approve", GONE)
        with pytest.raises(OutcomeUnknown):
            shop.speaking.answer_return(RETURN_ID, answer(Decision.APPROVE_REFUND), reference="ref-1")

    def test_with_a_lapsed_token_looks_no_further(self, shop: Shop) -> None:
        shop.says("search", page())
        shop.says("approve", 105002)
        with pytest.raises(AuthorizationError):
            shop.speaking.answer_return(RETURN_ID, answer(Decision.APPROVE_REFUND), reference="ref-1")
        assert len(shop.asked) == 2
