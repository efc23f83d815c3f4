"""A draft in words, and what differs between two."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from connectors.base.types import DraftCharge, DraftTax, OrderDraft, Stock
from orders import differences
from orders.differences import Difference, told
from orders.drafting import make_draft
from tests.orders.builders import JANE, payment
from tests.orders.test_drafting import RULES, released


@pytest.fixture
def draft() -> OrderDraft:
    return make_draft(released(payment=payment(shipping=499, tax=120)), RULES)


CHANGED: dict[str, Any] = {
    "email": "orders@alices-candles.example",
    "address": replace(JANE, city="Newark"),
    "discount": 100,
    "charges": (DraftCharge("Economy", "ECO", 499), DraftCharge("Gift wrap", "wrap", 100)),
    "taxes": (DraftTax("Tax", "0.05", 121),),
    "tax_included": True,
    "total": 1,
    "tags": ("other",),
    "note": "Other",
    "attributes": (("Buyer's message", "Ring twice"),),
    "number": "TT-1",
    "stock": Stock.KEEP,
    "location_id": "gid://1",
    "rounding": 1,
    "is_on_hold": True,
    "remarks": ("Has no place for a note",),
}


class TestDifferences:
    @pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(OrderDraft)])
    def test_are_told_of_every_part(self, draft: OrderDraft, name: str) -> None:
        if name == "lines":
            changed = replace(draft, lines=tuple(replace(line, quantity=7) for line in draft.lines))
        elif name in differences._ELSEWHERE:
            return
        else:
            changed = replace(draft, **{name: CHANGED[name]})
        assert differences.differences(draft, changed)

    def test_of_equal_drafts_are_none(self, draft: OrderDraft) -> None:
        assert differences.differences(draft, replace(draft)) == ()

    def test_name_the_product_where_the_sku_is_the_same(self, draft: OrderDraft) -> None:
        changed = replace(draft, lines=tuple(replace(line, variant_id="gid://other") for line in draft.lines))
        assert differences.differences(draft, changed) == (
            Difference("Products in the store", "gid://cnd-fig-08", "gid://other"),
        )

    def test_tell_title_code_and_price_of_the_method_apart(self, draft: OrderDraft) -> None:
        said = told(draft)
        assert (said["Shipping method"], said["Method code"]) == ("Standard shipping", "7091146663229654785")
        assert (said["Shipping price"], said["Fees"]) == ("$4.99", "None")

    def test_tell_a_detail_apart_that_is_called_like_a_part(self, draft: OrderDraft) -> None:
        said = told(replace(draft, attributes=(("Discount", "3 %"),)))
        assert (said["Discount"], said["Discount (detail)"]) == ("$0.00", "3 %")

    def test_of_two_requests_are_told_value_by_value(self) -> None:
        found = differences.in_requests('{"a": {"b": [1, true]}, "c": ""}', '{"a": {"b": [2, true, "x"]}, "c": ""}')
        assert [(each.what, each.before, each.after) for each in found] == [("a.b.1", "1", "2"), ("a.b.3", "None", "x")]
