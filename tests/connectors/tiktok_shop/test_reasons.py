"""For what reasons a seller may cancel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.base.types import SourceStatus as S
from connectors.platforms.tiktok_shop import reasons

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads/tiktok_shop"


def eligibility(*rows: dict[str, Any]) -> dict[str, Any]:
    told = [{"request_type": "CANCEL", "eligible": True, "order_line_items_ids": ["1"], **row} for row in rows]
    return {"sku_eligibility": [{"sku_id": "1", "line_item_eligibility": told}]}


def keys(data: dict[str, Any], region: str = "US", status: S = S.AWAITING_SHIPMENT) -> list[str]:
    return [each.key for each in reasons.offered(data, region=region, status=status)]


class TestOffered:
    def test_are_the_names_that_tiktok_says(self) -> None:
        names = ["seller_cancel_reason_out_of_stock", "seller_cancel_reason_meteor_strike"]
        told = eligibility({"available_reason_names": names}, {"available_reason_names": names[:1]})
        found = reasons.offered(told, region="US", status=S.ON_HOLD)
        assert [(each.key, each.text) for each in found] == [
            (names[0], "Out of stock"),
            (names[1], "seller cancel reason meteor strike"),
        ]

    def test_are_the_markets_keys_where_an_older_answer_has_no_names(self) -> None:
        assert keys(eligibility({})) == [
            "seller_cancel_reason_out_of_stock",
            "seller_cancel_reason_wrong_price",
            "seller_cancel_paid_reason_address_not_deliver",
            "seller_cancel_paid_reason_buyer_requested_cancellation",
        ]
        assert keys(eligibility({}), "GB") == [
            "seller_cancel_reason_out_of_stock_uk",
            "seller_cancel_reason_wrong_price_uk",
            "seller_cancel_paid_reason_address_not_deliver_uk",
        ]
        assert "seller_cancel_unable_to_deliver_to_buyer_address" in keys(eligibility({}), "SG")
        assert "seller_cancel_reason_wrong_price" not in keys(eligibility({}), "MX")

    def test_of_an_unpaid_order_are_its_own(self) -> None:
        assert "seller_cancel_unpaid_reason_out_of_stock" in keys(eligibility({}), status=S.UNPAID)
        assert "seller_cancel_unpaid_reason_out_of_stock_uk" in keys(eligibility({}), "GB", S.UNPAID)

    def test_are_none_where_the_order_may_not_be_cancelled(self) -> None:
        assert keys(eligibility({"eligible": False, "ineligible_code": 25001003})) == []

    @pytest.mark.parametrize(
        ("region", "status", "may_cancel"),
        [
            ("US", S.ON_HOLD, True),
            ("GB", S.AWAITING_SHIPMENT, True),
            ("US", S.AWAITING_COLLECTION, True),
            ("GB", S.AWAITING_COLLECTION, False),
            ("US", S.UNPAID, False),
            ("US", S.IN_TRANSIT, False),
            ("US", S.UNKNOWN, False),
        ],
    )
    def test_follow_the_status_where_nothing_is_said_of_cancelling(
        self, region: str, status: S, may_cancel: bool
    ) -> None:
        told = json.loads((PAYLOADS / "aftersale_eligibility.json").read_text())["data"]
        assert bool(keys(told, region, status)) is may_cancel


class TestKey:
    @pytest.mark.parametrize("region", ["US", "GB", "SG"])
    def test_is_found_by_itself_and_by_what_it_means(self, region: str) -> None:
        among = reasons.keys_of(region=region, status=S.AWAITING_SHIPMENT)
        for word in ("out_of_stock", "pricing_error", "unable_to_deliver"):
            key = reasons.key_for(word, among)
            assert key
            assert (reasons.key_for(key, among), reasons.meaning_of(key)) == (key, word)

    def test_of_a_reason_that_is_not_offered_is_none(self) -> None:
        among = reasons.keys_of(region="GB", status=S.AWAITING_SHIPMENT)
        assert reasons.key_for("buyer_requested", among) == ""
        assert reasons.key_for("seller_cancel_reason_out_of_stock", among) == ""
