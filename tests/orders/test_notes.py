"""The merchant's own words on an order: a template is refused when saved, never when it is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base.types import Shipper, SourceStatus
from orders.notes import PLACEHOLDERS, UnknownPlaceholder, check_note, note_of, tags_of
from orders.rules import RouteRules
from tests.orders.builders import NOON, payment, seen

ORDER = seen(SourceStatus.AWAITING_SHIPMENT)


def note(template: str, **changes: object) -> str:
    return note_of(replace(ORDER, **changes), template=template, shop="Alice's Candles", is_part=False)  # type: ignore[arg-type]


class TestTemplate:
    def test_of_every_placeholder_is_taken(self) -> None:
        check_note("\n".join(f"{{{name}}}" for name in PLACEHOLDERS))

    @pytest.mark.parametrize("template", ["{order}", "{}", "{order_id:>20}", "{order_id!r}", "{0}"])
    def test_that_names_what_no_order_has_is_refused_by_name(self, template: str) -> None:
        with pytest.raises(UnknownPlaceholder, match="is not known"):
            check_note(template)

    @pytest.mark.parametrize("template", ["{order_id", "order_id}", "{{order_id}}"])
    def test_with_a_brace_alone_is_refused(self, template: str) -> None:
        with pytest.raises(UnknownPlaceholder, match="brace"):
            check_note(template)


class TestNote:
    def test_is_filled_in(self) -> None:
        said = note(
            "{order_id} of {shop}: {total} by {ship_by}, {delivery_option}",
            payment=payment(tax=199),
            ship_by=NOON + timedelta(days=2),
        )
        assert said == ("576461413038785751 of Alice's Candles: 25.99 USD by 2026-11-26 12:00 UTC, Standard shipping")

    def test_leaves_a_line_out_that_would_say_nothing(self) -> None:
        assert note("{order_id}\nBuyer: {buyer_message}\nBye") == "576461413038785751\nBye"

    def test_never_reads_a_placeholder_in_what_the_buyer_wrote(self) -> None:
        assert note("{buyer_message}", buyer_message="{order_id}") == "{order_id}"

    def test_of_what_tiktok_ships_says_so_in_any_case(self) -> None:
        said = note_of(replace(ORDER, shipper=Shipper.PLATFORM_WAREHOUSE), template="Mine", shop="", is_part=False)
        assert said == "Mine\nTikTok's warehouse ships it: do not send anything"

    def test_of_a_part_says_so_in_any_case(self) -> None:
        said = note_of(ORDER, template="Mine", shop="", is_part=True)
        assert said == "Mine\nA part of it; the other items are sent from elsewhere"


class TestTags:
    def test_are_ours_and_then_the_merchants_each_once(self) -> None:
        order = replace(ORDER, is_sample=True, shipper=Shipper.PLATFORM_WAREHOUSE)
        rules = RouteRules(tags=(" warm ", "TikTok Shop", "", "warm"))
        tags = tags_of(order, rules, is_part=False, is_unmapped=True)
        assert tags == ("TikTok Shop", "tiktok-sample", "tiktok-fbt", "tiktok-shipping-unmapped", "warm")

    def test_say_that_an_order_is_on_hold(self) -> None:
        assert "tiktok-hold" in tags_of(ORDER, RouteRules(), is_on_hold=True)

    def test_are_the_same_for_orders_of_one_parcel(self) -> None:
        assert tags_of(ORDER, RouteRules(tags=("warm",)), group="tiktok-samples-5")[-2:] == ("tiktok-samples-5", "warm")
