"""An address where the source shows none: before it releases an order, and after it takes the buyer's data back.

For trying out only: with it everything but the address can be told of an order. It is never sent anywhere, and whoever
shows what came of it says that it was used.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.base.types import Address, AddressState, PlatformOrder, Shipper

NOT_SHOWN = "Not shown"
# A place of each country that TikTok Shop sells in, with a state and a postal code that are real there: a store judges
# them by its country's rules. City, state, its part of ISO 3166-2, postal code.
_PLACES = {
    "BR": ("São Paulo", "São Paulo", "SP", "01310-100"),
    "DE": ("Berlin", "Berlin", "BE", "10117"),
    "ES": ("Madrid", "Madrid", "MD", "28013"),
    "FR": ("Paris", "Île-de-France", "IDF", "75001"),
    "GB": ("London", "England", "ENG", "SW1A 1AA"),
    "ID": ("Jakarta Pusat", "DKI Jakarta", "JK", "10110"),
    "IE": ("Dublin", "Dublin", "D", "D02 AF30"),
    "IT": ("Roma", "Roma", "RM", "00184"),
    "JP": ("Tokyo", "Tokyo", "13", "100-0001"),
    "MX": ("Ciudad de México", "Ciudad de México", "CMX", "06000"),
    "MY": ("Kuala Lumpur", "Kuala Lumpur", "14", "50000"),
    "PH": ("Manila", "Metro Manila", "00", "1000"),
    "SG": ("Singapore", "", "", "018956"),
    "TH": ("Bangkok", "Bangkok", "10", "10200"),
    "US": ("Beverly Hills", "California", "CA", "90210"),
    "VN": ("Hà Nội", "Hà Nội", "HN", "100000"),
}


def is_needed(seen: PlatformOrder) -> bool:
    """Whether an order of the seller's own to ship has no address that could be shipped to."""
    is_complete = seen.address is not None and seen.address_state is AddressState.COMPLETE
    return seen.shipper is Shipper.SELLER and not is_complete


def with_address(seen: PlatformOrder, *, region: str) -> PlatformOrder:
    """The order, with a stand-in where it needs one. `region`: the shop's, a code of two letters; a shop sells within
    it."""
    if not is_needed(seen):
        return seen
    return replace(seen, address=_address(region), address_state=AddressState.COMPLETE)


def place_of(region: str) -> str:
    """Where the stand-in lies, in words: Beverly Hills, CA 90210."""
    address = _address(region)
    return f"{address.city}, {' '.join(filter(None, [address.province_code, address.postal_code]))}"


def _address(region: str) -> Address:
    country = region.upper() if region.upper() in _PLACES else "US"
    city, province, province_code, postal_code = _PLACES[country]
    return Address(
        name=NOT_SHOWN, first_name="", last_name=NOT_SHOWN, phone="", line1=NOT_SHOWN, line2="", line3="", line4="",
        city=city, province=province, province_code=province_code, postal_code=postal_code, country_code=country,
    )  # fmt: skip
