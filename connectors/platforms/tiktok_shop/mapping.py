"""TikTok Shop's JSON as our dataclasses, and our words as TikTok's. Pure; tolerant of what is missing or odd.

https://partner.tiktokshop.com/docv2/page/get-order-detail-202507 and the pages it links (read 2026-11)
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.base.errors import UnreadableAnswer
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.money import AmountError, to_minor
from connectors.base.types import (
    Address,
    AddressState,
    LineItem,
    Package,
    Payment,
    PlatformOrder,
    Shipper,
    SourceStatus,
    StoreIdentity,
    Variant,
)
from connectors.platforms.tiktok_shop.reading import flag_at, id_at, moment_at, row_at, rows_of, text_at, texts_at

logger = logging.getLogger(__name__)

# The webhook writes CANCEL where the order says CANCELLED.
_STATUS = {status.value: status for status in SourceStatus if status is not SourceStatus.UNKNOWN}
_STATUS["CANCEL"] = SourceStatus.CANCELLED

CURRENCIES = {
    "US": "USD",
    "GB": "GBP",
    **dict.fromkeys(["DE", "ES", "FR", "IE", "IT"], "EUR"),
    "JP": "JPY",
    "VN": "VND",
    "ID": "IDR",
    "MY": "MYR",
    "PH": "PHP",
    "SG": "SGD",
    "TH": "THB",
    "BR": "BRL",
    "MX": "MXN",
}

# Added to the total beside shipping and tax, where the market has them. Names are TikTok's.
_FEES = (
    "small_order_fee",
    "retail_delivery_fee",
    "buyer_service_fee",
    "handling_fee",
    "shipping_insurance_fee",
    "item_insurance_fee",
    "item_insurance_tax",
    "distance_shipping_fee",
    "distance_fee",
)

_KINDS = {
    1: EventKind.ORDER_CHANGED,
    3: EventKind.ADDRESS_CHANGED,
    4: EventKind.PACKAGE_CHANGED,
    6: EventKind.DEAUTHORIZED,
    7: EventKind.AUTHORIZATION_EXPIRING,
    11: EventKind.CANCELLATION_CHANGED,
    12: EventKind.RETURN_CHANGED,
    67: EventKind.RETURN_CHANGED,  # money went back; what 64 and 65 bring is not documented, so the poll finds it
    **dict.fromkeys([2, 5, 13, 14, 15, 16, 18, 27, 33, 36, 37, 64, 65, 71], EventKind.IGNORED),
}

# No postal codes in use there, so a missing one does not make an address incomplete.
_NO_POSTAL_CODE = frozenset(["VN"])

_STATES = dict(
    re.findall(
        r"(\w+):([A-Z]{2})",
        """
        alabama:AL alaska:AK arizona:AZ arkansas:AR california:CA colorado:CO connecticut:CT delaware:DE
        district_of_columbia:DC florida:FL georgia:GA hawaii:HI idaho:ID illinois:IL indiana:IN iowa:IA kansas:KS
        kentucky:KY louisiana:LA maine:ME maryland:MD massachusetts:MA michigan:MI minnesota:MN mississippi:MS
        missouri:MO montana:MT nebraska:NE nevada:NV new_hampshire:NH new_jersey:NJ new_mexico:NM new_york:NY
        north_carolina:NC north_dakota:ND ohio:OH oklahoma:OK oregon:OR pennsylvania:PA rhode_island:RI
        south_carolina:SC south_dakota:SD tennessee:TN texas:TX utah:UT vermont:VT virginia:VA washington:WA
        west_virginia:WV wisconsin:WI wyoming:WY puerto_rico:PR guam:GU american_samoa:AS virgin_islands:VI
        northern_mariana_islands:MP
        """,
    )
)


def shop_of(value: Mapping[str, Any]) -> StoreIdentity:
    """A row of Get Authorized Shops."""
    region = text_at(value, "region")
    return StoreIdentity(
        external_id=text_at(value, "id"),
        name=text_at(value, "name") or text_at(value, "code"),
        region=region,
        currency=CURRENCIES.get(region, ""),
        extra={"cipher": text_at(value, "cipher"), "seller_type": text_at(value, "seller_type")},
    )


def order_of(value: Any, *, told_at: datetime | None = None) -> PlatformOrder:
    """An order as search and detail answer it. Raises UnreadableAnswer, with the id if known, only when id, status or
    times are missing; what else cannot be read is named in `problems`."""
    if not isinstance(value, Mapping):
        raise UnreadableAnswer("TikTok Shop sent an order that is no object")
    external_id = text_at(value, "id")
    created_at, updated_at = moment_at(value, "create_time"), moment_at(value, "update_time")
    status_text = text_at(value, "status")
    if not external_id or not status_text or created_at is None:
        raise UnreadableAnswer("TikTok Shop sent an order without id, status or time", external_id=external_id)
    problems: list[str] = []
    lines = tuple(_lines(value, problems))
    payment = _payment(value, problems)
    address, address_state = _address(value.get("recipient_address"))
    return PlatformOrder(
        external_id=external_id,
        status=_status(status_text, external_id),
        status_text=status_text,
        created_at=created_at,
        updated_at=updated_at or created_at,
        paid_at=moment_at(value, "paid_time"),
        is_on_hold_order=flag_at(value, "is_on_hold_order"),
        is_preorder=text_at(value, "order_type") == "PRE_ORDER",
        is_sample=flag_at(value, "is_sample_order"),
        shipper=_shipper(value, external_id),
        buyer_id=text_at(value, "user_id"),
        buyer_email=text_at(value, "buyer_email"),
        buyer_message=text_at(value, "buyer_message"),
        address=address,
        address_state=address_state,
        payment=payment,
        lines=lines,
        packages=_packages(value),
        warehouse_id=text_at(value, "warehouse_id"),
        delivery_option_id=text_at(value, "delivery_option_id"),
        delivery_option_name=text_at(value, "delivery_option_name"),
        ship_by=moment_at(value, "rts_sla_time") or moment_at(value, "tts_sla_time"),
        auto_cancel_at=moment_at(value, "shipping_due_time"),
        deliver_by=moment_at(value, "delivery_sla_time") or moment_at(value, "delivery_due_time"),
        cancel_requested=flag_at(value, "is_buyer_request_cancel") and text_at(value, "status") != "CANCELLED",
        cancel_requested_at=moment_at(value, "request_cancel_time"),
        cancel_reason=text_at(value, "cancel_reason"),
        cancelled_by=text_at(value, "cancellation_initiator"),
        release_date=moment_at(value, "release_date"),
        is_made_to_order=text_at(value, "order_type") in ("MADE_TO_ORDER", "BACK_ORDER"),
        handling_days=_handling_days(value.get("handling_duration")),
        replaces_id=id_at(value, "replaced_order_id") or id_at(value, "exchange_source_order_id"),
        problems=tuple(problems),
        told_at=told_at,
        raw=value,
    )


def orders_of(values: Any, *, told_at: datetime | None = None) -> list[PlatformOrder | UnreadableAnswer]:
    """Each order that can be read, and for each other one the reason. `told_at`: TikTok's clock when it told them."""
    found: list[PlatformOrder | UnreadableAnswer] = []
    for value in values if isinstance(values, list) else []:
        try:
            found.append(order_of(value, told_at=told_at))
        except UnreadableAnswer as error:
            logger.error("order not readable", extra={"order": error.external_id})
            found.append(error)
    return found


def events_of(value: Any) -> list[PlatformEvent]:
    """A webhook's body as one event per order that it is about: a package or a refund may hold several.

    Raises UnreadableAnswer when it is no object with a number as its type.
    """
    if not isinstance(value, Mapping):
        raise UnreadableAnswer("The webhook is no JSON object")
    try:
        number = int(str(value.get("type")))
    except ValueError as error:
        raise UnreadableAnswer("The webhook names no type") from error
    kind = _KINDS.get(number, EventKind.UNKNOWN)
    order_ids = _order_ids(row_at(value, "data"))
    if kind is EventKind.RETURN_CHANGED and not any(order_ids):
        kind = EventKind.IGNORED
    return [
        PlatformEvent(
            kind=kind,
            event_id=text_at(value, "tts_notification_id") or str(number),
            occurred_at=moment_at(value, "timestamp"),
            external_id=order_id,
            raw={"type": number},
        )
        for order_id in order_ids
    ]


def _order_ids(data: Mapping[str, Any]) -> list[str]:
    """Whose news it is: an order's, those in its packages, or those that its refunded lines belong to."""
    packed = [each for package in rows_of(data.get("package_list")) for each in texts_at(package, "order_id_list")]
    refunded = [text_at(line, "main_order_id") for line in rows_of(data.get("line_items"))]
    found = [each for each in (text_at(data, "order_id"), *packed, *refunded) if each]
    return list(dict.fromkeys(found)) or [""]


def _status(text: str, external_id: str) -> SourceStatus:
    if text not in _STATUS:
        logger.error("unknown order status", extra={"order": external_id, "status": text[:40]})
    return _STATUS.get(text, SourceStatus.UNKNOWN)


def _shipper(value: Mapping[str, Any], external_id: str) -> Shipper:
    if text_at(value, "fulfillment_type") not in ("", "FULFILLMENT_BY_SELLER"):
        return Shipper.PLATFORM_WAREHOUSE
    kind = text_at(value, "shipping_type")
    if kind not in ("", "SELLER", "TIKTOK", "TIKTOK_DIGITAL"):
        logger.error("unknown shipping type", extra={"order": external_id, "shipping_type": kind[:40]})
    return Shipper.SELLER if kind in ("", "SELLER") else Shipper.PLATFORM


def _lines(value: Mapping[str, Any], problems: list[str]) -> Iterable[LineItem]:
    """One line at TikTok Shop is one unit."""
    rows = value.get("line_items")
    if not isinstance(rows, list) or not rows:
        problems.append("The order has no lines")
        return
    for row in rows:
        if not isinstance(row, Mapping) or not text_at(row, "id"):
            problems.append("A line has no id")
            continue
        try:
            yield _line(row)
        except AmountError as error:
            problems.append(f"Line {text_at(row, 'id')}: {error}")


def _line(row: Mapping[str, Any]) -> LineItem:
    currency = text_at(row, "currency")
    variant = text_at(row, "sku_name")
    taxes = row.get("item_tax")
    return LineItem(
        external_id=text_at(row, "id"),
        product_id=text_at(row, "product_id"),
        variant_id=text_at(row, "sku_id"),
        sku=text_at(row, "seller_sku").strip(),
        title=text_at(row, "product_name"),
        variant_title="" if variant == "Default" else variant,
        quantity=1,
        original_price=to_minor(text_at(row, "original_price"), currency),
        sale_price=to_minor(text_at(row, "sale_price"), currency),
        seller_discount=to_minor(text_at(row, "seller_discount"), currency),
        platform_discount=to_minor(text_at(row, "platform_discount"), currency),
        tax=sum(to_minor(text_at(tax, "tax_amount"), currency) for tax in taxes or [] if isinstance(tax, Mapping)),
        status=text_at(row, "display_status"),
        is_gift=flag_at(row, "is_gift"),
        image_url=text_at(row, "sku_image"),
        package_id=text_at(row, "package_id"),
        cancel_reason=text_at(row, "cancel_reason"),
    )


def _payment(value: Mapping[str, Any], problems: list[str]) -> Payment | None:
    row = value.get("payment")
    if not isinstance(row, Mapping) or not text_at(row, "currency"):
        problems.append("The order has no payment")
        return None
    if missing := [name for name in ("total_amount", "sub_total") if not text_at(row, name)]:
        problems.append(f"The payment lacks {', '.join(missing)}")
        return None
    try:
        return _payment_of(row)
    except AmountError as error:
        problems.append(f"The payment cannot be read: {error}")
        return None


def _payment_of(row: Mapping[str, Any]) -> Payment:
    currency = text_at(row, "currency")

    def amount(name: str) -> int:
        return to_minor(text_at(row, name), currency)

    return Payment(
        currency=currency,
        product_total=amount("original_total_product_price"),
        seller_discount=amount("seller_discount"),
        platform_discount=amount("platform_discount"),
        subtotal=amount("sub_total"),
        original_shipping=amount("original_shipping_fee"),
        # Where the shipping discount is paid by both, it stands in a field of its own.
        shipping_seller_discount=amount("shipping_fee_cofunded_discount") or amount("shipping_fee_seller_discount"),
        shipping_platform_discount=amount("shipping_fee_platform_discount"),
        shipping=amount("shipping_fee"),
        product_tax=amount("product_tax"),
        shipping_tax=amount("shipping_fee_tax"),
        tax=amount("tax"),
        fees={name: amount(name) for name in _FEES if amount(name)},
        total=amount("total_amount"),
    )


def _packages(value: Mapping[str, Any]) -> tuple[Package, ...]:
    """TikTok hangs a parcel's facts on its lines; the list of packages has ids only."""
    lines = [row for row in value.get("line_items") or [] if isinstance(row, Mapping)]
    rows = value.get("packages")
    ids = [text_at(row, "id") for row in (rows if isinstance(rows, list) else []) if isinstance(row, Mapping)]
    ids += [text_at(row, "package_id") for row in lines]
    found = []
    for package_id in dict.fromkeys(each for each in ids if each and each != "0"):
        inside = [row for row in lines if text_at(row, "package_id") == package_id]
        shown = next((row for row in inside if text_at(row, "tracking_number")), {})
        found.append(
            Package(
                external_id=package_id,
                line_ids=tuple(text_at(row, "id") for row in inside),
                tracking_number=text_at(shown, "tracking_number"),
                carrier_id=text_at(shown, "shipping_provider_id"),
                carrier_name=text_at(shown, "shipping_provider_name"),
            )
        )
    return tuple(found)


def _address(row: Any) -> tuple[Address | None, AddressState]:
    """The address, and whether a parcel can be sent to it. A masked part is never passed on as if it were real."""
    if not isinstance(row, Mapping):
        return None, AddressState.MISSING
    address = _address_of(row)
    needed = [address.name, address.line1, address.city]
    if address.country_code not in _NO_POSTAL_CODE:
        needed.append(address.postal_code)
    if any("*" in part for part in (*needed, address.line2, address.line3, address.line4, address.postal_code)):
        return address, AddressState.MASKED
    if not all(needed) or not address.country_code:
        return (address if any(needed[:2]) else None), AddressState.MISSING
    return address, AddressState.COMPLETE


def _address_of(row: Mapping[str, Any]) -> Address:
    name = text_at(row, "name") or f"{text_at(row, 'first_name')} {text_at(row, 'last_name')}".strip()
    first, last = text_at(row, "first_name"), text_at(row, "last_name")
    if not last:
        first, _, last = name.rpartition(" ")
    country = text_at(row, "region_code")
    places = _places(row)
    province, code = _province(places, country)
    lines = [text_at(row, f"address_line{number}") for number in (1, 2, 3, 4)]
    if not any(lines):
        lines[0] = text_at(row, "address_detail")
    return Address(
        name=name,
        first_name=first,
        last_name=last,
        phone=_phone(text_at(row, "phone_number")),
        line1=lines[0],
        line2=lines[1],
        line3=lines[2],
        line4=lines[3],
        city=text_at(row, "post_town") or _city(places),
        province=province,
        province_code=code,
        postal_code=text_at(row, "postal_code"),
        country_code=country,
        full_text=text_at(row, "full_address"),
    )


def _places(row: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Level, its name, the place, its ISO code; the country left out."""
    rows = row.get("district_info")
    return [
        (
            text_at(each, "address_level"),
            text_at(each, "address_level_name"),
            text_at(each, "address_name"),
            text_at(each, "iso_code"),
        )
        for each in (rows if isinstance(rows, list) else [])
        if isinstance(each, Mapping) and text_at(each, "address_level") != "L0" and text_at(each, "address_name")
    ]


def _province(places: list[tuple[str, str, str, str]], country: str) -> tuple[str, str]:
    for level, _, name, iso_code in places:
        if level == "L1":
            code = iso_code.partition("-")[2] or (iso_code if len(iso_code) <= 3 else "")
            if not code and country == "US":
                bare = name.strip()
                code = bare if re.fullmatch("[A-Z]{2}", bare) else _STATES.get(bare.lower().replace(" ", "_"), "")
            return name, code
    return "", ""


def _city(places: list[tuple[str, str, str, str]]) -> str:
    """There is no field for it: the level called city or town, else the deepest below the province."""
    named = [name for _, kind, name, _ in places if any(word in kind.lower() for word in ("city", "town", "municipal"))]
    below = [name for level, _, name, _ in places if level in ("L2", "L3")]
    return (named or below or [""])[-1]


def _phone(text: str) -> str:
    """`(+1)2015550123` as +12015550123; a masked number is no number."""
    if not text or "*" in text:
        return ""
    digits = re.sub(r"[^0-9]", "", text)
    return f"+{digits}" if text.lstrip("( ").startswith("+") and digits else text


def variants(products: Any) -> Iterator[Variant]:
    """Every SKU of a page of products, by its `sku_id`: the seller's own SKU may be empty, or there twice.

    https://partner.tiktokshop.com/docv2/page/search-products-202502 (read 2026-11); the search names no variation.
    """
    for product in rows_of(products):
        for sku in rows_of(product.get("skus")):
            amounts = [row.get("quantity") for row in rows_of(sku.get("inventory"))]
            counted = [amount for amount in amounts if isinstance(amount, int) and not isinstance(amount, bool)]
            if text_at(sku, "id"):
                yield Variant(
                    external_id=text_at(sku, "id"),
                    sku=text_at(sku, "seller_sku"),
                    title=text_at(product, "title"),
                    stock=sum(counted) if counted else None,
                )


def _handling_days(value: Any) -> int | None:
    """Working days to make what is made to order; of calendar days five in seven, which is rather too early."""
    if not isinstance(value, Mapping) or not text_at(value, "days").isdigit():
        return None
    days = int(text_at(value, "days")[:4])
    return max(1, days * 5 // 7) if text_at(value, "type") == "CALENDAR_DAY" else days
