"""What of an address is shown, and when."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.tiktok_shop.state import Shop

EMPTY_STATUSES = frozenset({"UNPAID", "ON_HOLD"})
MASKED_STATUSES = EMPTY_STATUSES | {"CANCELLED"}
MASKED_FIELDS = (
    "name",
    "first_name",
    "last_name",
    "phone_number",
    "address_detail",
    "address_line1",
    "address_line2",
)
DAYS_30 = 30 * 86_400


def shown_address(data: dict[str, Any], shop: Shop, now: float) -> dict[str, Any]:
    """The 2023 text empties the fields, the US text of 2025 puts asterisks; the shop's setting chooses."""
    address: dict[str, Any] = copy.deepcopy(data["recipient_address"])
    if data["shipping_type"] == "TIKTOK" or data["fulfillment_type"] != "FULFILLMENT_BY_SELLER":
        return _starred(address)
    if shop.masking == "empty" and data["status"] in EMPTY_STATUSES:
        return {name: _emptied(value) for name, value in address.items()}
    is_old = data["status"] == "COMPLETED" and now - data["update_time"] > DAYS_30
    if shop.masking == "asterisks" and (data["status"] in MASKED_STATUSES or is_old):
        return _starred(address)
    return address


def _emptied(value: Any) -> Any:
    if isinstance(value, list):
        return []
    return dict.fromkeys(value, "") if isinstance(value, dict) else ""


def _starred(address: dict[str, Any]) -> dict[str, Any]:
    for name in MASKED_FIELDS:
        address[name] = _star(address.get(name, ""))
    address["phone_number"] = address["phone_number"] and address["phone_number"][:5] + "*****"
    address["postal_code"] = ""
    address["delivery_preferences"] = {"drop_off_location": ""}
    for district in address["district_info"]:
        if district["address_level"] in ("L3", "L4"):
            district["address_name"] = _star(district["address_name"])
    places = [district["address_name"] for district in address["district_info"]]
    address["full_address"] = ", ".join([*places, address["address_detail"]])
    return address


def _star(text: str) -> str:
    return " ".join(word[:1] + "***" for word in text.split())
