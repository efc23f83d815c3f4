"""The address that stands in where the source shows none."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base.types import AddressState, Shipper
from orders import stand_in
from orders.drafting import make_draft
from tests.orders.builders import JANE
from tests.orders.test_drafting import RULES, released


class TestStandIn:
    @pytest.mark.parametrize("state", [AddressState.MISSING, AddressState.MASKED])
    def test_is_taken_where_none_could_be_shipped_to(self, state: AddressState) -> None:
        seen = released(address=None, address_state=state)
        made = stand_in.with_address(seen, region="US")
        assert stand_in.is_needed(seen)
        assert make_draft(made, RULES).address is not None

    @pytest.mark.parametrize("changes", [{}, {"shipper": Shipper.PLATFORM, "address": None}])
    def test_is_not_taken_where_there_is_one_or_none_is_needed(self, changes: dict[str, Any]) -> None:
        seen = released(**changes)
        assert not stand_in.is_needed(seen)
        assert stand_in.with_address(seen, region="US") is seen

    def test_never_takes_the_place_of_a_whole_one(self) -> None:
        assert stand_in.with_address(released(), region="GB").address == JANE

    @pytest.mark.parametrize(
        ("region", "country", "place"),
        [
            ("US", "US", "Beverly Hills, CA 90210"),
            ("gb", "GB", "London, ENG SW1A 1AA"),
            ("SG", "SG", "Singapore, 018956"),
            ("", "US", "Beverly Hills, CA 90210"),
        ],
    )
    def test_lies_in_the_country_that_the_shop_sells_in(self, region: str, country: str, place: str) -> None:
        made = stand_in.with_address(released(address=None, address_state=AddressState.MISSING), region=region)
        assert made.address is not None
        assert (made.address.country_code, stand_in.place_of(region)) == (country, place)
        assert all([made.address.name, made.address.line1, made.address.city, made.address.postal_code])
