"""The order as its store will receive it, or the reason why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.base.connector import Features
from connectors.base.types import AddressState, Shipper, SourceStatus, Stock
from orders.components import Component
from orders.drafting import Blocked, DraftRules, make_draft
from orders.models import Attention
from orders.rules import RouteRules, Unmapped, Warehoused
from tests.orders.builders import JANE, line, payment, seen

RULES = DraftRules(
    destination_currency="USD",
    destination_label="Shopify",
    source_store_id="7495123456789012345",
    source_store_name="Alice's Candles",
    variants={key: (Component(f"gid://{key}", key.upper()),) for key in ("cnd-fig-08", "tpr-bee-02", "gft-mtc-01")},
)


def released(**changes: Any) -> Any:
    return seen(SourceStatus.AWAITING_SHIPMENT, **changes)


def code_of(order: Any, rules: DraftRules = RULES) -> Blocked:
    with pytest.raises(Blocked) as blocked:
        make_draft(order, rules)
    return blocked.value


class TestDraft:
    def test_groups_equal_units_and_keeps_their_line_ids(self) -> None:
        draft = make_draft(released(lines=(line("1"), line("2")), payment=payment(products=4800)), RULES)
        assert [(each.quantity, each.source_line_ids) for each in draft.lines] == [(2, ("1", "2"))]

    def test_keeps_two_units_of_one_sku_at_different_prices_apart(self) -> None:
        lines = (line("1", price=2400), line("2", price=2000))
        draft = make_draft(released(lines=lines, payment=payment(products=4400)), RULES)
        assert [(each.quantity, each.unit_price) for each in draft.lines] == [(1, 2400), (1, 2000)]

    def test_marks_a_gift_at_zero(self) -> None:
        lines = (line("1"), line("2", sku="GFT-MTC-01", price=0, is_gift=True))
        draft = make_draft(released(lines=lines), RULES)
        assert [(each.is_gift, each.unit_price) for each in draft.lines] == [(False, 2400), (True, 0)]

    def test_tags_a_free_sample(self) -> None:
        draft = make_draft(released(is_sample=True, payment=payment(seller_discount=2400)), RULES)
        assert draft.tags == ("TikTok Shop", "tiktok-sample")
        assert draft.total == 0

    def test_keeps_discounts_of_seller_and_platform_apart(self) -> None:
        draft = make_draft(released(payment=payment(seller_discount=300, platform_discount=100)), RULES)
        assert draft.discount == 400
        assert ("Seller discount", "3.00 USD") in draft.attributes
        assert ("Platform discount, paid back by TikTok", "1.00 USD") in draft.attributes

    def test_carries_a_buyers_message(self) -> None:
        assert "Leave at the door" in make_draft(released(buyer_message=" Leave at the door "), RULES).note

    def test_carries_currencies_without_decimals(self) -> None:
        rules = replace(RULES, destination_currency="JPY")
        stated = payment(products=1200, currency="JPY", tax=109, tax_inside=True, seller_discount=100)
        draft = make_draft(released(lines=(line(price=1200),), payment=stated), rules)
        assert (draft.total, draft.tax_included) == (1100, True)
        assert ("Seller discount", "100 JPY") in draft.attributes

    def test_takes_an_emoji_name_a_leading_zero_and_a_long_title_as_they_are(self) -> None:
        jane = replace(JANE, name="🕯 Cher", first_name="", last_name="🕯 Cher")
        draft = make_draft(released(address=jane, lines=(line(title="Candle " * 80),)), RULES)
        assert (draft.address.last_name, draft.address.postal_code) == ("🕯 Cher", "07030")
        assert len(draft.lines[0].title) == 560


class TestBlocked:
    def test_names_the_line_that_is_not_linked(self) -> None:
        blocked = code_of(released(lines=(line(sku="CND-PINE-12"),)))
        assert blocked.code is Attention.NOT_LINKED
        assert blocked.detail["sku"] == "CND-PINE-12"

    def test_never_drops_a_line_with_an_empty_sku(self) -> None:
        assert code_of(released(lines=(line(sku=""),))).code is Attention.NOT_LINKED

    @pytest.mark.parametrize("state", [AddressState.MASKED, AddressState.MISSING])
    def test_waits_for_the_address(self, state: AddressState) -> None:
        assert code_of(released(address_state=state)).code is Attention.ADDRESS_NOT_RELEASED

    def test_gives_both_sums_when_the_money_does_not_balance(self) -> None:
        blocked = code_of(released(payment=replace(payment(), total=2398)))
        assert blocked.code is Attention.MONEY_MISMATCH
        assert (blocked.detail["computed"], blocked.detail["stated"]) == ("24.00", "23.98")

    def test_refuses_an_order_without_lines_or_amounts(self) -> None:
        assert code_of(released(lines=())).code is Attention.UNREADABLE
        assert code_of(released(payment=None, problems=("No payment",))).code is Attention.MONEY_MISMATCH

    def test_refuses_another_currency(self) -> None:
        assert code_of(released(payment=payment(currency="GBP"))).code is Attention.CURRENCY_MISMATCH


class TestPart:
    LINES = (line("1"), line("2", sku="TPR-BEE-02", price=1800))

    def test_has_its_lines_and_their_share_of_the_money(self) -> None:
        order = released(lines=self.LINES, payment=payment(products=4200, seller_discount=700, shipping=499, tax=210))
        parts = [make_draft(order, replace(RULES, line_ids=frozenset({each}))) for each in ("1", "2")]
        assert [part.lines[0].sku for part in parts] == ["CND-FIG-08", "TPR-BEE-02"]
        assert sum(part.total for part in parts) == order.payment.total
        assert all("tiktok-part" in part.tags for part in parts)
        assert ("Part of the order", "1 of 2 units") in parts[0].attributes

    def test_is_not_made_of_an_order_whose_money_is_wrong(self) -> None:
        wrong = released(lines=self.LINES, payment=payment(products=4100))
        assert code_of(wrong, replace(RULES, line_ids=frozenset({"1"}))).code == Attention.MONEY_MISMATCH


class TestPostalCode:
    @pytest.mark.parametrize("text", ["7030", "", "0703O"])
    def test_that_lost_its_zero_is_asked_about(self, text: str) -> None:
        blocked = code_of(released(address=replace(JANE, postal_code=text)))
        assert blocked.code == Attention.ADDRESS_INVALID
        assert "leading zero" in blocked.detail["message"]

    def test_of_nine_digits_is_fine(self) -> None:
        assert make_draft(released(address=replace(JANE, postal_code="07030-1234")), RULES)


class TestRules:
    def test_name_what_the_store_cannot_follow(self) -> None:
        asked = RouteRules(tags=("warm",), note="{order_id}", stock=Stock.KEEP, default_location="gid://here")
        draft = make_draft(released(), replace(RULES, rules=asked))
        assert len(draft.remarks) == 4
        able = Features(tags=True, order_notes=True, stock=True, locations=True)
        assert make_draft(released(), replace(RULES, rules=asked, features=able)).remarks == ()

    def test_give_each_warehouse_its_location_and_the_others_the_default(self) -> None:
        asked = RouteRules(default_location="here", locations={"7000714532876273420": "there"})
        assert make_draft(released(), replace(RULES, rules=asked)).location_id == "there"
        other = make_draft(released(warehouse_id="9"), replace(RULES, rules=asked))
        assert other.location_id == "here"
        assert ("Ship from", "here") in other.attributes

    @pytest.mark.parametrize(
        ("warehoused", "stock"),
        [(Warehoused.SKIP, Stock.KEEP), (Warehoused.MIRROR, Stock.KEEP), (Warehoused.MIRROR_AND_DEDUCT, Stock.DEDUCT)],
    )
    def test_leave_the_stock_alone_for_what_tiktoks_warehouse_ships(self, warehoused: Warehoused, stock: Stock) -> None:
        order = released(shipper=Shipper.PLATFORM_WAREHOUSE, address=None, address_state=AddressState.MISSING)
        draft = make_draft(order, replace(RULES, rules=RouteRules(warehoused=warehoused)))
        assert (draft.stock, draft.address) == (stock, None)
        assert "tiktok-fbt" in draft.tags

    def test_let_an_order_be_made_before_its_address_is_released_where_it_is_kept_on_hold(self) -> None:
        draft = make_draft(seen(SourceStatus.ON_HOLD), replace(RULES, is_on_hold=True))
        assert draft.address is None
        assert "tiktok-hold" in draft.tags

    @pytest.mark.parametrize(("option", "is_flagged"), [("7091146663229654785", True), ("", False)])
    def test_flag_a_delivery_option_without_a_method_of_its_own(self, option: str, is_flagged: bool) -> None:
        rules = replace(RULES, rules=RouteRules(unmapped_shipping=Unmapped.FLAG), shipping_titles={"": ("Std", "S")})
        draft = make_draft(released(delivery_option_id=option), rules)
        assert (("tiktok-shipping-unmapped" in draft.tags), draft.charges[0].code) == (is_flagged, "S")
