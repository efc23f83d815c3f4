"""What is checked of a parcel before its number is sent, and what the carriers' numbers look like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.connector import TrackingRules
from connectors.base.types import AddressState, Package, PlatformOrder, SourceStatus
from orders import carrier_numbers, preflight
from orders.carrier_numbers import carriers_like, fits, is_s10, is_seven, is_ups
from orders.models import Attention
from orders.preflight import Check, Objection, Parcel, Use
from tests.orders.builders import JANE, line, seen

USPS, UPS, AMAZON = "9400111899562537866361", "1Z999AA10123456784", "Amazon Logistics"
RULES = TrackingRules(changes=1, orders_per_number=20, foreign_numbers=5)

REAL = [
    ("usps", "9400 1118 9956 2537 8663 61"),
    ("usps", "420070309400111899562537866361"),
    ("usps", "EE123456785US"),
    ("usps", "70123456789012345678"),
    ("ups", "1Z999AA10123456784"),
    ("ups", "1Z 5R8 939 03 5756 712 7"),
    ("ups", "T1234567890"),
    ("fedex", "123456789012"),
    ("fedex", "9612804882227378545377"),
    ("fedex", "DT123456789012"),
    ("dhlexpress", "1234567890"),
    ("dhlexpress", "JJD0099999999"),
    ("dhlecommerce", "GM60511234500000001"),
    ("dhlecommerce", "9361289878900000000000"),
    ("ontrac", "C10999911320231"),
    ("ontrac", "1LSCXYZ00012345"),
    ("amazonlogistics", "TBA303000000001"),
    ("amazonlogistics", "tbc303000000001"),
    ("royalmail", "RB123456785GB"),
    ("royalmail", "3200203040001234"),
    ("parcelforce", "PBTM1234567890"),
    ("evri", "H00HYA0012345678"),
    ("evri", "T00A1B2012345678"),
    ("dpd", "15501234567890"),
    ("dpd", "15501234567890Z"),
    ("yamato", "1234-5678-9013"),
    ("sagawa", "123456789013"),
    ("japanpost", "12345678901"),
    ("japanpost", "EE123456785JP"),
]
WRONG = [
    ("usps", "94001"),
    ("usps", "EE123456789US"),
    ("usps", UPS),
    ("ups", "1Z999AA10123456785"),
    ("ups", "1Z"),
    ("ups", USPS + "000000"),
    ("fedex", "1234567"),
    ("dhlexpress", "12345"),
    ("dhlecommerce", "GM1"),
    ("ontrac", "C123"),
    ("amazonlogistics", "TBA1"),
    ("amazonlogistics", USPS),
    ("royalmail", "RB123456789GB"),
    ("royalmail", "RB123456785US"),
    ("evri", "H00"),
    ("dpd", "1550"),
    ("yamato", "123456789014"),
    ("sagawa", "12345"),
    ("japanpost", "EE123456789JP"),
]


class TestNumbers:
    @pytest.mark.parametrize(("carrier", "number"), REAL)
    def test_of_the_carriers_own_formats_fit(self, carrier: str, number: str) -> None:
        assert fits(carrier=carrier, number=number) is True
        assert carrier in carriers_like(number)

    @pytest.mark.parametrize(("carrier", "number"), WRONG)
    def test_of_other_formats_do_not_fit(self, carrier: str, number: str) -> None:
        assert fits(carrier=carrier, number=number) is False

    @given(st.text())
    def test_of_a_carrier_that_we_do_not_know_are_not_judged(self, number: str) -> None:
        assert fits(carrier="pigeonpost", number=number) is None

    @given(st.text())
    def test_of_any_kind_are_judged_without_failing(self, number: str) -> None:
        for carrier in carrier_numbers.SHAPES:
            assert fits(carrier=carrier, number=number) == (carrier in carriers_like(number))

    @given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=15, max_size=15))
    def test_of_ups_have_one_right_check_digit(self, body: str) -> None:
        assert sum(is_ups(f"1Z{body}{digit}") for digit in range(10)) == 1

    @given(st.text("0123456789", min_size=8, max_size=8), st.sampled_from("0123456789"), st.integers(0, 7))
    def test_of_the_post_tell_of_one_wrong_digit(self, serial: str, digit: str, place: int) -> None:
        (check,) = [each for each in "0123456789" if is_s10(f"RR{serial}{each}GB")]
        other = serial[:place] + digit + serial[place + 1 :]
        # 0 and 10 share a check digit in S10, and so do 5 and 11: one wrong digit in a few goes unseen.
        assert other == serial or not is_s10(f"RR{other}{check}GB") or check in "05"

    @given(st.text("0123456789", min_size=11, max_size=11))
    def test_of_japan_have_a_last_digit_under_seven(self, body: str) -> None:
        assert [digit for digit in range(10) if is_seven(f"{body}{digit}")] == [int(body) % 7]

    def test_name_the_telling_carriers_first(self) -> None:
        assert carriers_like(USPS)["usps"]
        assert next(iter(carriers_like(USPS))) == "usps"
        assert not any(carriers_like("123456789012").values())


def parcel(number: str = USPS, *, carrier: str = "USPS", **changes: Any) -> Parcel:
    return Parcel(number=number, carrier_text=carrier, carrier_name=carrier, **changes)


def ready(**changes: Any) -> PlatformOrder:
    return seen(SourceStatus.AWAITING_SHIPMENT, **changes)


def objection(judged: Parcel, order: PlatformOrder | None = None) -> tuple[str, Any] | None:
    try:
        preflight.object_to(parcel=judged, seen=order or ready(), rules=RULES)
    except Objection as error:
        return error.code, error.detail["check"]
    return None


class TestNumber:
    def test_that_fits_its_carrier_passes(self) -> None:
        assert objection(parcel()) is None

    def test_that_does_not_fit_is_asked_about_with_whose_it_looks_like(self) -> None:
        with pytest.raises(Objection) as caught:
            preflight.object_to(parcel=parcel(UPS), seen=ready(), rules=RULES)
        assert (caught.value.code, caught.value.detail["like"]) == (Attention.TRACKING_INVALID, ["UPS"])

    def test_of_an_unknown_carrier_passes(self) -> None:
        assert objection(parcel("whatever", carrier="Pigeon Post")) is None

    @pytest.mark.parametrize(
        "broken",
        [
            parcel(UPS),
            parcel(uses=[Use("577", "somebody else", "1")]),
            parcel(own_carrier=AMAZON, foreign_before=4),
            parcel(is_elsewhere=True),
        ],
    )
    def test_that_a_person_overruled_passes(self, broken: Parcel) -> None:
        found = objection(broken)
        assert found is not None
        assert objection(replace(broken, waived=frozenset([found[1]]))) is None
        assert objection(replace(broken, waived=frozenset(set(Check) - {found[1]}))) == found

    def test_of_another_order_passes_for_one_buyer_at_one_address(self) -> None:
        at_janes = " ".join([JANE.name, JANE.line1, JANE.postal_code]).casefold()
        assert objection(parcel(uses=[Use("577", at_janes, "other")])) is None
        assert objection(parcel(uses=[Use("577", "elsewhere", ready().buyer_id)])) == (
            Attention.TRACKING_DUPLICATE,
            Check.DUPLICATE,
        )

    def test_of_another_order_passes_for_one_buyer_whose_address_is_gone(self) -> None:
        assert objection(parcel(uses=[Use("577", "", ready().buyer_id)])) is None
        assert objection(parcel(uses=[Use("577", "", "")])) is not None
        masked = ready(address_state=AddressState.MASKED)
        assert objection(parcel(uses=[Use("577", "anything", masked.buyer_id)]), masked) is None

    def test_serves_twenty_orders_and_no_more(self) -> None:
        uses = [Use(str(number), "", ready().buyer_id) for number in range(20)]
        assert objection(parcel(uses=uses[:19])) is None
        assert objection(parcel(uses=uses)) is not None

    def test_of_another_parcel_of_the_order_is_asked_about(self) -> None:
        order = ready(packages=(Package("115", ("other",), USPS),))
        assert objection(parcel(), order) == (Attention.TRACKING_DUPLICATE, Check.DUPLICATE)

    def test_of_another_carrier_from_amazons_warehouses_is_the_fifth_at_most_asked_about(self) -> None:
        assert objection(parcel(own_carrier=AMAZON, foreign_before=3)) is None
        assert objection(parcel(own_carrier=AMAZON, foreign_before=4)) == (
            Attention.CARRIER_NOT_SUPPORTED,
            Check.FOREIGN,
        )

    def test_of_amazons_own_carrier_is_amazons_to_judge(self) -> None:
        assert objection(parcel("Q77", carrier="AMZL", own_carrier=AMAZON, foreign_before=9)) is None


class TestLines:
    def test_to_ship_are_neither_cancelled_nor_shipped_and_named_once(self) -> None:
        order = ready(
            lines=(line("1"), line("2", status="CANCELLED"), line("3"), line("4")),
            packages=(Package("115", ("3",), "94001"), Package("116", ("4",))),
        )
        assert preflight.lines_to_ship(seen=order, line_ids=["1", "1", "2", "3", "4", "5"]) == ("1", "4")

    def test_tell_which_package_a_number_means(self) -> None:
        order = ready(packages=(Package("115", ("1",), USPS), Package("116", ("2",), USPS), Package("117", ("3",))))
        for line_id, package in (("1", "115"), ("2", "116")):
            found = preflight.package_of(seen=order, number=USPS, line_ids=[line_id])
            assert found is not None
            assert found.external_id == package
        assert preflight.package_of(seen=order, number=USPS, line_ids=["3"]) is None
        assert preflight.package_of(seen=order, number="", line_ids=["3"]) is None


class TestPostcode:
    @pytest.mark.parametrize(
        ("ours", "theirs", "is_elsewhere"),
        [
            ("07030", "07030", False),
            ("07030", "07030-1234", False),
            ("BS1 4ST", "bs14st", False),
            ("07030", "10001", True),
            ("07030", "", False),
            ("", "10001", False),
            ("0****", "10001", False),
        ],
    )
    def test_is_compared_where_both_are_known(self, ours: str, theirs: str, is_elsewhere: bool) -> None:
        assert preflight.is_elsewhere(address={"postal_code": ours}, postal_code=theirs) is is_elsewhere

    def test_without_an_address_is_not_compared(self) -> None:
        assert not preflight.is_elsewhere(address=None, postal_code="07030")
