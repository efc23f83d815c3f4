"""An order as TikTok Shop's API tells it, made from its id alone, so that data set and platform need not talk.

An id is `5765`, seven digits of a running number, and seven digits that say when its hold ends: hundredths of a second
after the run's epoch, 0 for an order that is not held. No Django here.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

PREFIX = "5765"
PRODUCTS = tuple(
    (f"{kind[:3].upper()}-{scent[:3].upper()}-{size:02}", f"{scent} {kind}, {size} oz", 900 + 100 * size)
    for kind in ("Candle", "Diffuser", "Soap")
    for scent in ("Amber", "Birch", "Cedar", "Fig", "Linen", "Moss", "Plum")
    for size in (4, 8)
)
SHIPPING = 499
_DAY = 86_400


def cipher(merchant: int) -> str:
    """What each call names the merchant's TikTok shop by."""
    return f"cipher-{merchant}"


def domain(merchant: int) -> str:
    """The merchant's storefront."""
    return f"business-{merchant}.myshopify.com"


def token(platform: str, merchant: int) -> str:
    """What calls to the merchant's store are allowed by, and what they are told apart by, where no address names it."""
    return f"bench-{platform}-{merchant}-0123456789"


class Parcel(NamedTuple):
    """What TikTok Shop was told of an order: its package, number and carrier, and the second in which it was."""

    package: str
    number: str
    carrier: str
    carrier_name: str
    at: int


def order_id(number: int, held_for: float = 0.0) -> str:
    """The id of one order whose hold ends so many seconds after the epoch."""
    return f"{PREFIX}{number:07}{round(held_for * 100):07}"


def product_of(order: str) -> tuple[str, str, int]:
    """SKU, title and price in cents of what it is about."""
    return PRODUCTS[int(order[4:11]) % len(PRODUCTS)]


def released_at(order: str, epoch: int) -> float:
    """When its hold ends; long ago for one that is not held."""
    return epoch + int(order[11:18]) / 100 if order[11:18] != "0000000" else 0.0


def total_of(order: str) -> str:
    """What the buyer pays."""
    return _money(product_of(order)[2] + SHIPPING)


def order_text(order: str, *, epoch: int, now: float, parcel: Parcel | None = None) -> str:
    """The order's JSON as it stands at `now`, with the parcel that was told of."""
    end = released_at(order, epoch)
    status = "ON_HOLD" if now < end else "AWAITING_COLLECTION" if parcel else "AWAITING_SHIPMENT"
    updated = int(end) if end and now >= end else epoch - 2 * 3600
    sku, title, price = product_of(order)
    return _TEXT % {
        "id": order,
        "status": status,
        "at": epoch - 2 * 3600,
        "updated": parcel.at if parcel else updated,
        "package": parcel.package if parcel else "",
        "tracking": parcel.number if parcel else "",
        "carrier": parcel.carrier if parcel else "",
        "carrier_name": parcel.carrier_name if parcel else "",
        "ship_by": epoch + 3 * _DAY,
        "sku": sku,
        "title": title,
        "price": _money(price),
        "total": _money(price + SHIPPING),
    }


def order_of(order: str, *, epoch: int, now: float) -> dict[str, Any]:
    """The same, parsed."""
    parsed: dict[str, Any] = json.loads(order_text(order, epoch=epoch, now=now))
    return parsed


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


_TEXT = (
    json.dumps(
        {
            "id": "%(id)s",
            "status": "%(status)s",
            "create_time": "@at@",
            "update_time": "@updated@",
            "paid_time": "@at@",
            "rts_sla_time": "@ship_by@",
            "shipping_due_time": "@ship_by@",
            "is_on_hold_order": True,
            "is_sample_order": False,
            "is_buyer_request_cancel": False,
            "shipping_type": "SELLER",
            "fulfillment_type": "FULFILLMENT_BY_SELLER",
            "user_id": "7494544224327371970",
            "buyer_email": "v2x7y@scs.tiktokw.us",
            "buyer_message": "",
            "warehouse_id": "7281312345678901234",
            "delivery_option_id": "7091146663229654785",
            "delivery_option_name": "Standard shipping",
            "line_items": [
                {
                    "id": "%(id)s1",
                    "product_id": "1729382256910270851",
                    "sku_id": "1729382256910336387",
                    "seller_sku": "%(sku)s",
                    "product_name": "%(title)s",
                    "sku_name": "Default",
                    "currency": "USD",
                    "original_price": "%(price)s",
                    "sale_price": "%(price)s",
                    "seller_discount": "0",
                    "platform_discount": "0",
                    "display_status": "AWAITING_SHIPMENT",
                    "is_gift": False,
                    "item_tax": [],
                    "package_id": "%(package)s",
                    "tracking_number": "%(tracking)s",
                    "shipping_provider_id": "%(carrier)s",
                    "shipping_provider_name": "%(carrier_name)s",
                }
            ],
            "packages": [],
            "payment": {
                "currency": "USD",
                "original_total_product_price": "%(price)s",
                "seller_discount": "0",
                "platform_discount": "0",
                "sub_total": "%(price)s",
                "original_shipping_fee": _money(SHIPPING),
                "shipping_fee": _money(SHIPPING),
                "product_tax": "0",
                "tax": "0",
                "total_amount": "%(total)s",
            },
            "recipient_address": {
                "name": "Jane Doe",
                "first_name": "Jane",
                "last_name": "Doe",
                "phone_number": "(+1)201 555 0123",
                "address_line1": "12 Harbor Street",
                "address_detail": "12 Harbor Street",
                "full_address": "United States, New Jersey, Hoboken, 12 Harbor Street",
                "postal_code": "07030",
                "region_code": "US",
                "district_info": [
                    {"address_level": "L0", "address_level_name": "Country", "address_name": "United States"},
                    {
                        "address_level": "L1",
                        "address_level_name": "State",
                        "address_name": "New Jersey",
                        "iso_code": "NJ",
                    },
                    {"address_level": "L3", "address_level_name": "City", "address_name": "Hoboken"},
                ],
            },
        }
    )
    .replace('"@at@"', "%(at)d")
    .replace('"@updated@"', "%(updated)d")
    .replace('"@ship_by@"', "%(ship_by)d")
)
