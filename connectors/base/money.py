"""Amounts as integers of minor units. Platforms write decimal text; nothing here ever rounds."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

# ISO 4217, the currencies whose minor unit is not a hundredth.
_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


class AmountError(ValueError):
    """The text is no amount, or is finer than the currency's smallest unit."""


def digits_of(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency.upper(), 2)


def to_minor(text: str | int | Decimal | None, currency: str) -> int:
    """`"12.5"`, USD -> 1250. Empty and missing are 0. Raises AmountError rather than round."""
    if text is None or text == "":
        return 0
    try:
        scaled = Decimal(str(text).strip()).scaleb(digits_of(currency))
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise AmountError(f"{text!r} is not an amount") from error
    if scaled != whole:
        raise AmountError(f"{text!r} is finer than one minor unit of {currency}")
    return whole


def to_decimal(amount: int, currency: str) -> Decimal:
    """1250, USD -> Decimal("12.50"), with the currency's own number of decimals."""
    return Decimal(amount).scaleb(-digits_of(currency)).quantize(Decimal(1).scaleb(-digits_of(currency)))


def to_text(amount: int, currency: str) -> str:
    """1250, USD -> "12.50"; 1200, JPY -> "1200"."""
    return f"{to_decimal(amount, currency):f}"
