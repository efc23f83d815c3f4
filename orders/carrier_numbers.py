"""What the carriers' own tracking numbers look like. Pure; a carrier that is not here has no pattern, and passes.

Each line of the table is what the carrier's public pages say of its formats, in our words; the source stands above
it. They were written down in 2026 from general knowledge of those pages, so a number that does not fit is a question
to the merchant and never a refusal. To change one, change its line, and its examples in tests/orders/test_preflight.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One format of a carrier: the whole number, upper case, without spaces and hyphens; `check` is its check digit.

    `is_telling`: a number like this is hardly anybody else's.
    """

    pattern: re.Pattern[str]
    check: Callable[[str], bool] = lambda _number: True
    is_telling: bool = False

    def fits(self, number: str) -> bool:
        """Whether the number, as `plain` gives it, has this format."""
        return self.pattern.fullmatch(number) is not None and self.check(number)


def plain(number: str) -> str:
    """A number as it is compared: upper case, without the spaces and hyphens that labels print between its groups."""
    return re.sub(r"[\s-]", "", number).upper()


def fits(*, carrier: str, number: str) -> bool | None:
    """Whether the number has a format of this carrier, named as carriers.key_of does; None where we know none."""
    shapes = SHAPES.get(carrier)
    return any(shape.fits(plain(number)) for shape in shapes) if shapes else None


def carriers_like(number: str) -> dict[str, bool]:
    """The short names of the carriers with such numbers, and whether the number tells, those where it does first."""
    wanted = plain(number)
    found = {
        carrier: any(shape.is_telling for shape in shapes if shape.fits(wanted))
        for carrier, shapes in SHAPES.items()
        if any(shape.fits(wanted) for shape in shapes)
    }
    return dict(sorted(found.items(), key=lambda each: not each[1]))


# Check digits


def is_ups(number: str) -> bool:
    """1Z numbers: letters count as digits, every second one twice, and the last digit fills up to ten."""
    values = [int(each) if each.isdigit() else (ord(each) - 63) % 10 for each in number[2:]]
    total = sum(value * (2 if place % 2 else 1) for place, value in enumerate(values[:-1]))
    return number[-1].isdigit() and -total % 10 == values[-1]


def is_s10(number: str) -> bool:
    """The Universal Postal Union's standard S10: eight digits, weighted, and their check digit."""
    total = sum(int(digit) * weight for digit, weight in zip(number[2:10], (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11) == int(number[10])


def is_seven(number: str) -> bool:
    """Japan's carriers: the last digit is what remains of the others, divided by seven."""
    return int(number[:-1]) % 7 == int(number[-1])


def _shape(pattern: str, *, check: Callable[[str], bool] = lambda _number: True, tells: bool = False) -> Shape:
    return Shape(re.compile(pattern, re.ASCII), check, tells)


def _s10(country: str) -> Shape:
    return _shape(rf"[A-Z]{{2}}\d{{9}}{country}", check=is_s10, tells=True)


# As people write them.
NAMES: Mapping[str, str] = {
    "usps": "USPS",
    "ups": "UPS",
    "fedex": "FedEx",
    "dhlexpress": "DHL Express",
    "dhlecommerce": "DHL eCommerce",
    "ontrac": "OnTrac",
    "amazonlogistics": "Amazon Logistics",
    "royalmail": "Royal Mail",
    "parcelforce": "Parcelforce",
    "evri": "Evri",
    "dpd": "DPD",
    "yamato": "Yamato",
    "sagawa": "Sagawa",
    "japanpost": "Japan Post",
}
_IMPB = _shape(r"(420\d{5}(\d{4})?)?9[1-5]\d{18,24}", tells=True)

SHAPES: Mapping[str, tuple[Shape, ...]] = {
    # usps.com, "Where is my tracking number?", and Publication 199 (the Intelligent Mail package barcode, with or
    # without the postcode in front); 20 digits for certified and registered mail, 10 for Global Express Guaranteed.
    "usps": (_IMPB, _shape(r"(70|71|73|77|14|23|03)\d{18}"), _shape(r"82\d{8}"), _s10("US")),
    # ups.com, "Tracking number formats": 1Z with its check digit, T for freight, 9 or 12 digits, Mail Innovations.
    "ups": (
        _shape(r"1Z[0-9A-Z]{16}", check=is_ups, tells=True),
        _shape(r"T\d{10}|MI\d{6}[0-9A-Z]{1,22}", tells=True),
        _shape(r"\d{9}|\d{12}"),
        _shape(r"9[2-4]\d{20,24}"),
    ),
    # fedex.com, "How to find your tracking number": 12 or 15 digits, 20 or 22 for Ground, 34 as barcode, DT on a door.
    "fedex": (_shape(r"\d{12}|\d{14,15}|\d{20}|\d{22}|\d{34}"), _shape(r"DT\d{12}", tells=True)),
    # dhl.com, "Waybill and piece numbers" of DHL Express.
    "dhlexpress": (
        _shape(r"(JJ?D|JVGL)[0-9A-Z]{8,24}", tells=True),
        _shape(r"\d{10,11}|000\d{7,17}|[A-Z]{3}\d{6,9}"),
    ),
    # dhl.com, DHL eCommerce: letters (GM, LX, RX, …) before 10 to 39 characters, or a number of the postal service.
    "dhlecommerce": (
        _shape(r"GM[0-9A-Z]{8,37}", tells=True),
        _shape(r"(LX|RX|UV|CN|SG|TH|IN|HK|MY)[0-9A-Z]{8,37}|\d{10,16}"),
        Shape(_IMPB.pattern),
    ),
    # ontrac.com, "Tracking": C or D and 14 digits, and those of LaserShip, which it took over.
    "ontrac": (_shape(r"[CD]\d{14}|1LS[0-9A-Z]{12,16}", tells=True), _shape(r"L[A-Z]\d{8,13}")),
    # amazon.com, "Track your package": TBA, and its sisters in Canada, Mexico and elsewhere.
    "amazonlogistics": (_shape(r"TB[ABCMZ]\d{9,15}", tells=True),),
    # royalmail.com, "Find your reference number": S10 numbers of the UK, or 16, 21 or 22 characters under the barcode.
    "royalmail": (_s10("GB"), _shape(r"[0-9A-F]{16}|[0-9A-Z]{21,22}")),
    # parcelforce.com, "Track": S10 numbers of the UK, or letters and digits.
    "parcelforce": (_s10("GB"), _shape(r"[A-Z]{2}\d{7}|[A-Z]{4}\d{10}")),
    # evri.com, "Where is my tracking number?": 16 characters, or the 8 digits of a calling card.
    "evri": (_shape(r"[A-Z]\d{2}[0-9A-Z]{13}", tells=True), _shape(r"\d{16}|\d{8}")),
    # dpd.co.uk, "Track": 14 digits, with or without their check character, or the 10 of a consignment.
    "dpd": (_shape(r"\d{14}[0-9A-Z]?|\d{10}"),),
    # kuronekoyamato.co.jp: 12 digits, the last one what remains of the others divided by seven.
    "yamato": (_shape(r"\d{12}", check=is_seven),),
    # sagawa-exp.co.jp: the same.
    "sagawa": (_shape(r"\d{12}", check=is_seven),),
    # post.japanpost.jp: 11 or 12 digits for parcels, S10 numbers of Japan.
    "japanpost": (_s10("JP"), _shape(r"\d{11,12}")),
}
