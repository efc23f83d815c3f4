"""TikTok Shop's JSON as our dataclasses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.errors import UnreadableAnswer
from connectors.base.events import EventKind
from connectors.base.types import AddressState, PlatformOrder, Shipper, SourceStatus
from connectors.platforms.tiktok_shop.mapping import events_of, order_of, orders_of

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared/contracts/samples/tiktok"

ORDER: dict[str, Any] = {
    "id": "577958834469439754",
    "status": "AWAITING_SHIPMENT",
    "create_time": 1767225600,
    "update_time": 1767229300,
    "paid_time": 1767225660,
    "is_on_hold_order": True,
    "is_sample_order": False,
    "fulfillment_type": "FULFILLMENT_BY_SELLER",
    "shipping_type": "SELLER",
    "user_id": "7494845267308410001",
    "buyer_email": "v4b0001@scs.tiktok.com",
    "buyer_message": "",
    "delivery_option_id": "7091146663229654785",
    "delivery_option_name": "Standard shipping",
    "payment": {
        "currency": "USD",
        "original_total_product_price": "48",
        "seller_discount": "4.8",
        "platform_discount": "0",
        "sub_total": "43.2",
        "original_shipping_fee": "4.99",
        "shipping_fee": "4.99",
        "tax": "3.57",
        "product_tax": "3.57",
        "retail_delivery_fee": "0.28",
        "total_amount": "52.04",
    },
    "recipient_address": {
        "name": "Jane van Doe",
        "first_name": "",
        "last_name": "",
        "phone_number": "(+1)2015550123",
        "region_code": "US",
        "postal_code": "07030",
        "address_line1": "12 Harbor Street",
        "address_line2": "Apt 4",
        "district_info": [
            {"address_level": "L0", "address_level_name": "Country", "address_name": "United States"},
            {"address_level": "L1", "address_level_name": "State", "address_name": "New Jersey"},
            {"address_level": "L2", "address_level_name": "County", "address_name": "Hudson"},
            {"address_level": "L3", "address_level_name": "City", "address_name": "Hoboken"},
        ],
    },
    "line_items": [
        {
            "id": "577958834469570826",
            "product_name": "Fig & Cedar Candle, 8 oz",
            "sku_id": "1729382256910336387",
            "sku_name": "Default",
            "seller_sku": " CND-FIG-08 ",
            "currency": "USD",
            "original_price": "48",
            "seller_discount": "4.8",
            "platform_discount": "0",
            "sale_price": "43.2",
            "display_status": "AWAITING_SHIPMENT",
            "is_gift": False,
        }
    ],
}


def order(**changes: Any) -> PlatformOrder:
    return order_of({**copy.deepcopy(ORDER), **changes})


def address(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ORDER["recipient_address"]), **changes}


class TestOrder:
    def test_keeps_every_amount_in_minor_units(self) -> None:
        payment = order().payment
        assert payment is not None
        assert (payment.product_total, payment.seller_discount, payment.subtotal) == (4800, 480, 4320)
        assert (payment.shipping, payment.tax, payment.fees, payment.total) == (
            499,
            357,
            {"retail_delivery_fee": 28},
            5204,
        )

    def test_reads_currencies_without_decimals(self) -> None:
        payment = {**ORDER["payment"], "currency": "JPY", "sub_total": "1200", "total_amount": "1200"}
        lines = [{**ORDER["line_items"][0], "currency": "JPY", "original_price": "1200", "seller_discount": "0"}]
        lines[0]["sale_price"] = "1200"
        payment.update({name: "0" for name in payment if name not in ("currency", "sub_total", "total_amount")})
        read = order(payment=payment, line_items=lines)
        assert read.payment is not None
        assert (read.payment.total, read.lines[0].original_price) == (1200, 1200)

    def test_is_never_rounded(self) -> None:
        read = order(payment={**ORDER["payment"], "tax": "3.575"})
        assert read.payment is None
        assert "finer than one minor unit" in read.problems[0]

    def test_takes_an_unknown_status_as_unknown(self) -> None:
        read = order(status="BACKORDERED")
        assert (read.status, read.status_text) == (SourceStatus.UNKNOWN, "BACKORDERED")

    @pytest.mark.parametrize(
        ("changes", "shipper"),
        [
            ({}, Shipper.SELLER),
            ({"shipping_type": "TIKTOK"}, Shipper.PLATFORM),
            ({"shipping_type": "SOMETHING_NEW"}, Shipper.PLATFORM),
            ({"fulfillment_type": "FULFILLMENT_BY_TIKTOK"}, Shipper.PLATFORM_WAREHOUSE),
        ],
    )
    def test_knows_who_ships(self, changes: dict[str, str], shipper: Shipper) -> None:
        assert order(**changes).shipper is shipper

    @pytest.mark.parametrize("changes", [{"line_items": []}, {"line_items": None}, {"payment": None}, {"payment": {}}])
    def test_names_what_is_missing(self, changes: dict[str, Any]) -> None:
        assert order(**changes).problems

    @pytest.mark.parametrize("name", ["id", "status", "create_time"])
    def test_without_id_status_or_time_is_unreadable(self, name: str) -> None:
        with pytest.raises(UnreadableAnswer):
            order(**{name: None})

    def test_takes_numbers_for_ids(self) -> None:
        assert order(id=577958834469439754).external_id == "577958834469439754"

    def test_hangs_parcels_on_their_lines(self) -> None:
        line = {**ORDER["line_items"][0], "package_id": "115", "tracking_number": "1Z999AA10123456784"}
        (package,) = order(line_items=[line], packages=[{"id": "115"}]).packages
        assert (package.line_ids, package.tracking_number) == (("577958834469570826",), "1Z999AA10123456784")

    def test_bears_localised_cancel_text_as_text(self) -> None:
        assert order(cancel_reason="Không còn nhu cầu").cancel_reason == "Không còn nhu cầu"

    @pytest.mark.parametrize("name", ["replaced_order_id", "exchange_source_order_id"])
    def test_in_place_of_another_names_it(self, name: str) -> None:
        assert order(**{name: "577958834469439000"}).replaces_id == "577958834469439000"
        assert order(**{name: "0"}).replaces_id == ""

    def test_that_is_bad_hides_no_other(self) -> None:
        found = orders_of([None, {**ORDER, "status": ""}, ORDER])
        assert [type(each).__name__ for each in found] == ["UnreadableAnswer", "UnreadableAnswer", "PlatformOrder"]


class TestAddress:
    def test_is_read_from_the_districts(self) -> None:
        read = order().address
        assert read is not None
        assert (read.city, read.province, read.province_code) == ("Hoboken", "New Jersey", "NJ")
        assert (read.postal_code, read.phone) == ("07030", "+12015550123")
        assert (read.first_name, read.last_name) == ("Jane van", "Doe")

    def test_takes_a_name_of_one_word_as_the_family_name(self) -> None:
        read = order(recipient_address=address(name="Cher")).address
        assert read is not None
        assert (read.first_name, read.last_name) == ("", "Cher")

    @pytest.mark.parametrize("name", ["name", "address_line1", "postal_code", "address_line2"])
    def test_is_masked_when_a_part_is(self, name: str) -> None:
        assert order(recipient_address=address(**{name: "Ja***"})).address_state is AddressState.MASKED

    @pytest.mark.parametrize("name", ["name", "address_line1", "postal_code", "region_code"])
    def test_is_missing_when_a_part_is(self, name: str) -> None:
        assert order(recipient_address=address(**{name: ""})).address_state is AddressState.MISSING

    @pytest.mark.parametrize("value", [None, {}, [], "x"])
    def test_is_missing_when_there_is_none(self, value: Any) -> None:
        assert order(recipient_address=value).address_state is AddressState.MISSING

    def test_leaves_a_masked_phone_out(self) -> None:
        read = order(recipient_address=address(phone_number="(+1)201-***-0123"))
        assert read.address is not None
        assert (read.address.phone, read.address_state) == ("", AddressState.COMPLETE)


class TestEvent:
    def test_of_a_package_is_one_per_order(self) -> None:
        data = {"package_list": [{"package_id": "1", "order_id_list": ["11", "12"]}, {"order_id_list": ["12"]}]}
        events = events_of({"type": 4, "tts_notification_id": "n", "data": data})
        assert [(event.kind, event.external_id) for event in events] == [
            (EventKind.PACKAGE_CHANGED, "11"),
            (EventKind.PACKAGE_CHANGED, "12"),
        ]

    def test_of_an_unknown_type_is_unknown(self) -> None:
        assert events_of({"type": 999, "data": {}})[0].kind is EventKind.UNKNOWN

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["type", "data", "package_list", "order_id_list", "order_id"]), inner)
            ),
            max_leaves=12,
        )
    )
    def test_of_any_shape_is_read_or_named_unreadable(self, value: Any) -> None:
        try:
            assert events_of(value)
        except UnreadableAnswer:
            return


class TestSamples:
    def samples(self) -> list[Path]:
        if not SAMPLES.is_dir():
            pytest.skip("needs the contracts folder")
        return sorted(SAMPLES.glob("*.json"))

    def test_of_orders_are_all_read(self) -> None:
        read = []
        for path in self.samples():
            content = json.loads(path.read_text(), parse_float=str)
            body = content.get("response_body", content)
            rows = (body.get("data") or {}).get("orders") if "data" in body else body.get("orders", [body])
            read += [order_of(row) for row in rows or [] if "line_items" in row]
        assert len(read) >= 10
        assert not [each.problems for each in read if each.problems]

    def test_of_webhooks_are_all_read(self) -> None:
        kinds = set()
        for path in self.samples():
            content = json.loads(path.read_text())
            body = content.get("body", content.get("request_body", content))
            if path.name.startswith("doc-webhook-") and "type" in body:
                kinds.update(event.kind for event in events_of(body))
        assert {EventKind.CANCELLATION_CHANGED, EventKind.DEAUTHORIZED, EventKind.RETURN_CHANGED} <= kinds


class TestMadeToOrder:
    @pytest.mark.parametrize(
        ("kind", "duration", "days"),
        [
            ("MADE_TO_ORDER", {"days": "4", "type": "BUSINESS_DAY"}, 4),
            ("BACK_ORDER", {"days": "7", "type": "CALENDAR_DAY"}, 5),
            ("MADE_TO_ORDER", {"days": "1", "type": "CALENDAR_DAY"}, 1),
            ("MADE_TO_ORDER", {"days": "x"}, None),
            ("MADE_TO_ORDER", None, None),
        ],
    )
    def test_names_the_sellers_own_time_in_working_days(self, kind: str, duration: Any, days: int | None) -> None:
        found = order(order_type=kind, handling_duration=duration)
        assert (found.is_made_to_order, found.handling_days) == (True, days)

    def test_is_not_what_is_sold_from_stock(self) -> None:
        assert not order(order_type="NORMAL").is_made_to_order
