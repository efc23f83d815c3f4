"""Which carrier a store's word means, and which ones are suggested where that is not sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.access import merchant_rows
from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from orders import carriers
from orders.models import CarrierMapping

NAMES = ("USPS", "UPS", "FedEx", "DHL", "DHL eCommerce", "Amazon Logistics", "OnTrac", "Royal Mail", "Other", "Others")
LIST = [Carrier(external_id=str(number), name=name) for number, name in enumerate(NAMES)]
UPS_NUMBER = "1Z999AA10123456784"


def named(text: str) -> str:
    found = carriers.named(text=text, carriers=LIST)
    return found.name if found else ""


def suggested(text: str, number: str = "") -> list[str]:
    return [each.carrier.name for each in carriers.suggest(text=text, tracking_number=number, carriers=LIST)]


class TestName:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("usps", "USPS"),
            ("United States Postal Service", "USPS"),
            ("Federal Express", "FedEx"),
            ("DHL Express", "DHL"),
            ("DHL Global Mail", "DHL eCommerce"),
            ("AMZN_US", "Amazon Logistics"),
            ("Amazon", "Amazon Logistics"),
            ("Pigeon Post", ""),
            ("", ""),
        ],
    )
    def test_means_a_carrier_only_where_that_is_sure(self, text: str, name: str) -> None:
        assert named(text) == name

    @pytest.mark.parametrize("text", ["Other", "other", "Others"])
    def test_other_is_never_chosen_by_itself(self, text: str) -> None:
        assert named(text) == ""

    def test_of_two_that_mean_the_same_is_the_one_so_spelled(self) -> None:
        both = [Carrier("1", "DPD"), Carrier("2", "DPD UK")]
        found = carriers.named(text="dpd", carriers=both)
        assert found == both[0]


class TestSuggestion:
    def test_begins_with_the_same_name(self) -> None:
        first, *_ = carriers.suggest(text="U.S.P.S.", tracking_number="", carriers=LIST)
        assert (first.carrier.name, first.why) == ("USPS", "The same name")

    def test_comes_from_a_close_spelling(self) -> None:
        assert suggested("Fedx")[0] == "FedEx"
        assert suggested("Royal Mial")[0] == "Royal Mail"

    def test_comes_from_a_part_of_the_name(self) -> None:
        assert suggested("UPS Ground")[0] == "UPS"
        assert suggested("Tracked by Royal Mail")[0] == "Royal Mail"

    def test_comes_from_the_number(self) -> None:
        (first, *_) = carriers.suggest(text="My carrier", tracking_number=UPS_NUMBER, carriers=LIST)
        assert (first.carrier.name, first.why) == ("UPS", "The number is one of theirs")

    def test_puts_what_name_and_number_say_before_what_one_of_them_says(self) -> None:
        assert suggested("USPS or UPS", UPS_NUMBER)[0] == "UPS"

    def test_is_none_where_nothing_speaks_for_any(self) -> None:
        assert suggested("Pigeon Post", "abc") == []

    @given(st.text(), st.text())
    def test_is_never_other_and_never_twice_the_same(self, text: str, number: str) -> None:
        found = suggested(text, number)
        assert not {"Other", "Others"} & set(found)
        assert len(found) == len(set(found)) <= carriers.MOST_SUGGESTED

    @pytest.mark.parametrize("text", ["Other", "Others", "other carrier"])
    def test_is_not_other_for_that_very_word(self, text: str) -> None:
        assert not {"Other", "Others"} & set(suggested(text))


class TestMapping:
    def test_of_the_merchant_may_name_other(self, tiktok: ConnectedStore) -> None:
        other = next(carrier for carrier in LIST if carrier.name == "Other")
        with merchant_rows(tiktok.merchant_id):
            CarrierMapping.objects.create(
                merchant_id=tiktok.merchant_id,
                source_store=tiktok,
                carrier_text="Pigeon Post",
                carrier_id=other.external_id,
                carrier_name=other.name,
            )
            chosen = carriers.choose(
                text=" pigeon post", carriers=LIST, source_store=tiktok, delivery_option_id="7091146663229654785"
            )
        assert chosen == other
