"""For what reasons a seller may cancel: what TikTok Shop offers for the order, else the keys of its market. Pure.

https://partner.tiktokshop.com/docv2/page/67e61eee427345048595487d, "Cancel reasons" (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.base.aftersales import Reason
from connectors.base.types import SourceStatus
from connectors.platforms.tiktok_shop.reading import flag_at, rows_of, text_at, texts_at

# What each reason means in every market: the word we know it by, what its keys have in common, and how it is shown.
_MEANINGS = (
    ("out_of_stock", "out_of_stock", "Out of stock"),
    ("pricing_error", "wrong_price", "Pricing error"),
    ("unable_to_deliver", "address_not_deliver", "Unable to deliver to the buyer's address"),
    ("unable_to_deliver", "unable_to_deliver", "Unable to deliver to the buyer's address"),
    ("buyer_requested", "buyer_requested_cancellation", "The buyer asked for it"),
    ("not_paid", "buyer_hasnt_paid", "The buyer did not pay in time"),
)
_UNPAID = {
    "out_of_stock": "seller_cancel_unpaid_reason_out_of_stock",
    "pricing_error": "seller_cancel_unpaid_reason_wrong_price",
    "not_paid": "seller_cancel_unpaid_reason_buyer_hasnt_paid_within_time_allowed",
    "buyer_requested": "seller_cancel_unpaid_reason_buyer_requested_cancellation",
}
_PAID = {
    "out_of_stock": "seller_cancel_reason_out_of_stock",
    "pricing_error": "seller_cancel_reason_wrong_price",
    "unable_to_deliver": "seller_cancel_paid_reason_address_not_deliver",
    "buyer_requested": "seller_cancel_paid_reason_buyer_requested_cancellation",
}
# What a market does not have, or calls otherwise. Singapore has a key of its own.
_LACKS = {
    **dict.fromkeys(["GB", "ID", "MY", "TH", "VN"], frozenset(["buyer_requested"])),
    "SG": frozenset(["buyer_requested", "not_paid"]),
    "MX": frozenset(["pricing_error"]),
}
_OWN = {("SG", "unable_to_deliver"): "seller_cancel_unable_to_deliver_to_buyer_address"}
_SUFFIX = {"GB": "_uk"}
_FALLBACK = frozenset([SourceStatus.ON_HOLD, SourceStatus.AWAITING_SHIPMENT])
OUT_OF_STOCK = "out_of_stock"


def offered(data: Mapping[str, Any], *, region: str, status: SourceStatus) -> list[Reason]:
    """The reasons for this order, by the answer to "aftersale eligibility" for the seller. Its names count; an older
    answer has none, and then the market's keys do; one that says nothing of cancelling leaves it to the status."""
    rows = [
        row
        for sku in rows_of(data.get("sku_eligibility"))
        for row in rows_of(sku.get("line_item_eligibility"))
        if text_at(row, "request_type") == "CANCEL"
    ]
    eligible = [row for row in rows if flag_at(row, "eligible")]
    if names := [name for row in eligible for name in texts_at(row, "available_reason_names")]:
        return _named(dict.fromkeys(names))
    may_cancel = bool(eligible) if rows else _may_cancel(region, status)
    return keys_of(region=region, status=status) if may_cancel else []


def keys_of(*, region: str, status: SourceStatus) -> list[Reason]:
    """The keys of this market for an order in this status."""
    keys = _UNPAID if status is SourceStatus.UNPAID else _PAID
    return _named(
        _OWN.get((region, word), key) + _SUFFIX.get(region, "")
        for word, key in keys.items()
        if word not in _LACKS.get(region, ())
    )


def key_for(reason: str, among: Sequence[Reason]) -> str:
    """The key that stands for this reason, which is a key itself or one of our words; empty where none does."""
    fitting = [each.key for each in among if reason in (each.key, meaning_of(each.key))]
    return fitting[0] if fitting else ""


def meaning_of(key: str) -> str:
    """Our word for a key; empty for a reason that we have none for."""
    return next((word for word, part, _ in _MEANINGS if part in key), "")


def _named(keys: Iterable[str]) -> list[Reason]:
    texts = {part: text for _, part, text in _MEANINGS}
    return [
        Reason(key, next((text for part, text in texts.items() if part in key), key.replace("_", " "))) for key in keys
    ]


def _may_cancel(region: str, status: SourceStatus) -> bool:
    """https://partner.tiktokshop.com/docv2/page/650512b42f024f02be19755f, the overview (read 2026-11): until it is
    handed over, in the US until it is collected; an unpaid order is the buyer's."""
    return status in _FALLBACK or (region == "US" and status is SourceStatus.AWAITING_COLLECTION)
