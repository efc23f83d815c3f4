"""Warehouses, delivery options, carriers."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cast import CARRIERS, TIKTOK_DELIVERY_OPTION
from sandbox.tiktok_shop.envelope import Refusal, bad_request
from sandbox.tiktok_shop.state import Shop

PLACES = {
    "US": ("United States", "New Jersey", "Newark", "07102"),
    "GB": ("United Kingdom", "England", "Bristol", "BS1 4ST"),
    "JP": ("Japan", "東京都", "渋谷区", "150-0001"),
    "VN": ("Việt Nam", "Hà Nội", "Đống Đa", ""),
}


def warehouses(call: Call) -> dict[str, Any]:
    region, state, city, postal = PLACES[call.shop.region]
    address = {
        "region": region,
        "state": state,
        "city": city,
        "distict": "",
        "town": "",
        "contact_person": "Alice",
        "postal_code": postal,
        "full_address": f"1 Workshop Lane, {city}",
        "region_code": call.shop.region,
        "phone_number": "188****2234",
        "address_line1": "1 Workshop Lane",
        "address_line2": "",
        "address_line3": "",
        "address_line4": "",
    }
    row: dict[str, Any] = {
        "id": call.shop.warehouse_id,
        "entity_id": "7395366865142499073",
        "name": f"{call.shop.name} workshop",
        "effect_status": call.shop.warehouse_status,
        "type": "SALES_WAREHOUSE",
        "sub_type": "DOMESTIC_WAREHOUSE",
        "is_default": True,
        "address": address,
    }
    if not call.shop.has_return_warehouse:
        return {"warehouses": [row]}
    back = {
        **row,
        "id": row["id"][:-1] + "9",
        "name": "Returns",
        "type": "RETURN_WAREHOUSE",
        "is_default": False,
    }
    return {"warehouses": [row, back]}


def delivery_options(call: Call) -> dict[str, Any]:
    if call.args["warehouse_id"] != call.shop.warehouse_id:
        raise bad_request("warehouse_id is invalid")
    if call.query.get("scope", "WAREHOUSE") != "WAREHOUSE":  # [guess] the reference names no other
        raise bad_request("scope is invalid")
    by_seller = call.shop.shipping_type == "SELLER"
    ways = (True, False) if call.shop.offers_both else (by_seller,)
    return {"delivery_options": [_delivery_option(call.shop, is_seller) for is_seller in ways]}


def _delivery_option(shop: Shop, by_seller: bool) -> dict[str, Any]:
    return {
        "id": shop.delivery_option_id if by_seller else TIKTOK_DELIVERY_OPTION,
        "name": "Shipped from seller" if by_seller else "Standard shipping",
        "type": "SEND_BY_SELLER" if by_seller else "STANDARD",
        "description": "",
        "dimension_limit": {"max_height": 100, "max_length": 100, "max_width": 100, "unit": "INCH"},
        "weight_limit": {"max_weight": 50_000, "min_weight": 0, "unit": "GRAM"},
        "platform": ["TIKTOK_SHOP"],
    }


def seller_templates(call: Call) -> dict[str, Any]:
    """Which party's shipping template is the default: 1 the platform's, 2 the seller's. Japan and the UK only."""
    if call.shop.region not in ("JP", "GB"):
        raise bad_request("seller templates are not available in this market")  # [guess] the text
    is_seller = call.shop.shipping_type == "SELLER"
    return {
        "templates": [
            {
                "template": {
                    "template_id": f"73{party}{call.shop.id[-8:]}",
                    "template_name": name,
                    "template_party": party,
                    "is_default": (party == 2) == is_seller,
                },
                "template_is_available": True,
            }
            for party, name in ((1, "Shipped via TikTok"), (2, "Shipped by seller"))
        ]
    }


def providers(call: Call) -> dict[str, Any]:
    option = call.args["delivery_option_id"]
    if option == TIKTOK_DELIVERY_OPTION:
        raise Refusal(21008117, "The delivery option is provided by TikTok Shop")
    if option != call.shop.delivery_option_id:
        raise Refusal(21008116, "The seller has not subscribed to this delivery option")
    return {"shipping_providers": [{"id": key, "name": name} for key, name in CARRIERS[call.shop.region].items()]}
