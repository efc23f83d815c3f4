"""The demo's shops, products, buyers and carriers. All of it is made up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Market:
    currency: str
    decimals: int
    tax_inclusive: bool
    tax_rate: str
    shipping_fee: str
    price_factor: str  # from the catalog's dollars
    package_until_shipped: bool  # a package exists as soon as the order is paid
    marks_orders: bool  # Mark Package As Shipped; otherwise Ship Package


MARKETS = {
    "US": Market("USD", 2, False, "0.08", "5.99", "1", False, True),
    "GB": Market("GBP", 2, True, "0.2", "3.99", "0.8", False, True),
    "JP": Market("JPY", 0, True, "0.1", "600", "150", True, True),
    "VN": Market("VND", 0, True, "0.1", "30000", "25000", True, False),
}

SELLERS = {"alice": ("Alice", "US"), "charlie": ("Charlie", "US")}

SHOPS = (
    ("7495540000000000101", "Alice's Candles", "US", "alice"),
    ("7495540000000000102", "Alice's Candles UK", "GB", "alice"),
    ("7495540000000000103", "Alice Tokyo", "JP", "alice"),
    ("7495540000000000201", "Charlie's Cards", "US", "charlie"),
)


@dataclass(frozen=True)
class Product:
    sku: str
    title: str
    price: Decimal
    number: int
    is_gift: bool = False

    @property
    def product_id(self) -> str:
        return f"17295827183123{self.number:05d}"

    @property
    def sku_id(self) -> str:
        return f"17293854155781{self.number:05d}"


_PRODUCTS = (
    ("CND-FIG-08", "Fig & Cedar Candle, 8 oz", "24.00"),
    ("CND-SEA-08", "Sea Salt & Sage, 8 oz", "24.00"),
    ("TPR-BEE-02", "Beeswax Tapers, pair", "18.00"),
    ("CND-AMB-12", "Amber Oud Candle, 12 oz", "34.00"),
    ("TIN-LAV-04", "Lavender Travel Tin, 4 oz", "14.00"),
    ("CND-VAN-3W", "Vanilla Bean, three-wick", "42.00"),
    ("MLT-SMP-06", "Wax Melts, 6 pack", "16.00"),
    ("ACC-TRM-BR", "Wick Trimmer, brass", "16.00"),
    ("GFT-MTC-01", "Matchbox, small", "4.00"),
    ("CND-PINE-12", "Winter Pine Candle, 12 oz", "34.00"),
)
PRODUCTS = {
    sku: Product(sku, title, Decimal(price), number, sku.startswith("GFT-"))
    for number, (sku, title, price) in enumerate(_PRODUCTS, start=1)
}

CARRIERS = {
    "US": {
        "7117858858072016686": "USPS",
        "7117859084333745966": "UPS",
        "7129720299146184490": "FedEx",
        "7132708894357268270": "DHL eCommerce",
        "7132721393761781550": "Amazon Logistics",  # [guess] the id
    },
    "GB": {
        "7212608507307099397": "Royal Mail",
        "7212608603008567045": "DPD UK",
        "7212608640824424197": "Evri",
    },
    "JP": {"7397023498302113541": "Yamato Transport", "7397023510880651013": "Sagawa Express"},
    "VN": {"6844493619313019133": "J&T Express", "6841743441349706241": "GHTK"},
}
TIKTOK_DELIVERY_OPTION = "7091146663229650001"  # a label bought from TikTok: no carrier to choose


def delivery_option_id(region: str) -> str:
    return {"US": "7091146663229654785", "GB": "7091146663229654786", "JP": "7091146663229654787"}.get(
        region, "7091146663229654788"
    )


def _buyer(region: str, name: str, phone: str, postal: str, lines: tuple[str, str], districts: Any) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    district_info = [
        {"address_level": f"L{level}", "address_level_name": kind, "address_name": place}
        for level, (kind, place) in enumerate(districts)
    ]
    places = ", ".join(place for _, place in districts)
    return {
        "full_address": f"{places}, {', '.join(line for line in lines if line)}, {postal}",
        "name": name,
        "first_name": first,
        "last_name": last,
        "first_name_local_script": "",
        "last_name_local_script": "",
        "phone_number": phone,
        "region_code": region,
        "postal_code": postal,
        "post_town": districts[-1][1] if region == "GB" else "",
        "address_line1": lines[0],
        "address_line2": lines[1],
        "address_line3": "",
        "address_line4": "",
        "address_detail": " ".join(line for line in lines if line),
        "district_info": district_info,
        "delivery_preferences": {"drop_off_location": ""},
    }


def _us(state: str, county: str, city: str) -> tuple[tuple[str, str], ...]:
    return (("Country", "United States"), ("State", state), ("County", county), ("City", city))


def _gb(nation: str, town: str) -> tuple[tuple[str, str], ...]:
    return (("Country", "United Kingdom"), ("Nation", nation), ("Post town", town))


BUYERS: tuple[dict[str, Any], ...] = (
    _buyer(
        "US",
        "Dana Whitfield",
        "(+1)9735550142",
        "07102",
        ("41 Mulberry St", "Apt 3B"),
        _us("New Jersey", "Essex", "Newark"),
    ),
    _buyer(
        "US",
        "Marcus Oyelaran",
        "(+1)5035550117",
        "97214",
        ("2280 SE Hawthorne Blvd", ""),
        _us("Oregon", "Multnomah", "Portland"),
    ),
    _buyer(
        "US",
        "Prince",
        "(+1)6125550188",
        "55403",
        ("1805 Hennepin Ave", ""),
        _us("Minnesota", "Hennepin", "Minneapolis"),
    ),
    _buyer(
        "US",
        "Rosa Delgado-Vega",
        "(+1)5055550163",
        "87501",
        ("PO Box 1147", ""),
        _us("New Mexico", "Santa Fe", "Santa Fe"),
    ),
    _buyer(
        "GB",
        "Harriet Okafor",
        "(+44)7700900142",
        "BS1 4ST",
        ("Flat 2, 17 Corn Street", ""),
        _gb("England", "Bristol"),
    ),
    _buyer(
        "GB",
        "Callum Fraser",
        "(+44)7700900177",
        "EH3 9QG",
        ("5 Lauriston Place", ""),
        _gb("Scotland", "Edinburgh"),
    ),
    {
        **_buyer(
            "JP",
            "Sato Haruka",
            "(+81)9000000142",
            "150-0001",
            ("神宮前1-2-3", "コーポ青山 204"),
            (("Country", "Japan"), ("Prefecture", "東京都"), ("City", "渋谷区")),
        ),
        "name": "佐藤 遥",
        "first_name": "遥",
        "last_name": "佐藤",
        "first_name_local_script": "ハルカ",
        "last_name_local_script": "サトウ",
    },
    _buyer(
        "JP",
        "Tanaka Ren",
        "(+81)9000000177",
        "530-0001",
        ("梅田3-1-1", ""),
        (("Country", "Japan"), ("Prefecture", "大阪府"), ("City", "大阪市北区")),
    ),
    _buyer(
        "VN",
        "Nguyễn Văn An",
        "(+84)0890000002",
        "",
        ("12 Đường Láng", ""),
        (("Country", "Việt Nam"), ("Province", "Hà Nội"), ("District", "Đống Đa"), ("Ward", "Láng Thượng")),
    ),
)


def buyer_for(region: str, index: int | None) -> tuple[int, dict[str, Any]]:
    """The buyer by index, or the first of the shop's country."""
    if index is None:
        index = next(number for number, buyer in enumerate(BUYERS) if buyer["region_code"] == region)
    return index, BUYERS[index]
