"""Wix's JSON to our dataclasses, and drafts to Wix's JSON. Pure.

https://dev.wix.com/docs/rest/business-solutions/e-commerce/orders and the typings of npm @wix/auto_sdk_ecom_orders
1.0.300 (read 2026-11).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base.errors import PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.money import AmountError, to_minor, to_text
from connectors.base.types import (
    Address,
    DraftLine,
    OrderDraft,
    PlacedOrder,
    Shipment,
    ShipmentLine,
    StoreIdentity,
    Variant,
)
from connectors.platforms.wix import signing

logger = logging.getLogger(__name__)

CHANNELS = ("TIKTOK", "OTHER_PLATFORM")
# The Stores app in a catalog reference: the current package's, and the one that public code uses for V1 (guess).
STORES_APP = {"V3": "215238eb-22a5-4c36-9e7b-e7c08025e04e", "V1": "1380b703-ce81-ff05-f115-39571d94dfcd"}
MOST_LINES, MOST_UNITS, LONGEST_SKU = 300, 100_000, 40
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# The carriers that Wix knows by a code of its own; others are free text.
CARRIERS = {"fedex": "FedEx", "ups": "UPS", "usps": "USPS", "dhl": "DHL", "canadaPost": "Canada Post"}
_KINDS = {
    "wix.ecom.v1.order": EventKind.PLACED_ORDER_CHANGED,
    "wix.ecom.v1.fulfillments": EventKind.SHIPMENT_CHANGED,
    "wix.ecom.v1.order_transactions": EventKind.REFUND_CHANGED,
}
_STATUSES = frozenset(["INITIALIZED", "APPROVED", "CANCELED", "PENDING", "REJECTED"])
LINES_FIELD = "TikTok Shop lines"
_GONE = "AppRemoved"
_IGNORED = frozenset(["AppInstalled"])


def moment(text: Any) -> datetime | None:
    """An ISO 8601 text as aware UTC; None where there is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def iso(at: datetime) -> str:
    """UTC to the millisecond, as Wix writes dates."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Reading


def part(said: Any, name: str) -> dict[str, Any]:
    """The object of this name; an empty one where there is none."""
    found = said.get(name) if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}


def parts(said: Any, name: str) -> list[dict[str, Any]]:
    """The objects in the list of this name."""
    found = said.get(name) if isinstance(said, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def store(said: Any, instance_id: str) -> StoreIdentity:
    """The site that the instance is on. Raises UnreadableAnswer if the answer is of another instance."""
    instance = (said.get("instance") if isinstance(said, dict) else None) or {}
    site = (said.get("site") if isinstance(said, dict) else None) or {}
    if str(instance.get("instanceId") or "") != instance_id:
        raise UnreadableAnswer("Wix's answer is about another installation")
    url = str(site.get("url") or "")
    return StoreIdentity(
        external_id=instance_id,
        name=str(site.get("siteDisplayName") or url or instance_id),
        currency=str(site.get("paymentCurrency") or site.get("currency") or ""),
        domain=url.partition("://")[2].strip("/"),
        extra={"site_id": str(site.get("siteId") or "")},
    )


def is_ours(order: Mapping[str, Any], app_id: str) -> bool:
    """Whether this app made the order: buyers and people can fill in a channel too. An order that does not say who
    made it counts by its channel."""
    channel = part(order, "channelInfo")
    if channel.get("type") not in CHANNELS or not channel.get("externalOrderId"):
        return False
    maker = {name: value for name, value in part(order, "createdBy").items() if value}
    return not maker or maker.get("appId") == app_id


def placed_order(order: Any, site_id: str) -> PlacedOrder:
    """An order as it stands; its number may be text or a number. Raises UnreadableAnswer without an id."""
    if not isinstance(order, dict) or not order.get("id"):
        raise UnreadableAnswer("Wix's answer holds no order")
    external_id, currency = str(order["id"]), str(order.get("currency") or "")
    status = str(order.get("status") or "")
    if status and status not in _STATUSES:
        logger.warning("Wix has the unknown order status %s", status[:40])
    # The dashboard's address is a guess.
    url = f"https://manage.wix.com/dashboard/{site_id}/ecom-platform/order-details/{external_id}" if site_id else ""
    return PlacedOrder(
        external_id=external_id,
        name=f"#{order['number']}" if order.get("number") else external_id,
        url=url,
        reference=str((order.get("channelInfo") or {}).get("externalOrderId") or ""),
        is_cancelled=status == "CANCELED",
        total=minor((order.get("priceSummary") or {}).get("total"), currency),
        currency=currency,
        updated_at=moment(order.get("updatedDate")),
    )


def minor(price: Any, currency: str) -> int | None:
    """A price of Wix's in minor units; None where it is not said or cannot be read."""
    amount = price.get("amount") if isinstance(price, dict) else None
    try:
        return to_minor(str(amount), currency) if amount not in (None, "") else None
    except AmountError:
        return None


def shipments(said: Any, order: Mapping[str, Any]) -> list[Shipment]:
    """Every parcel with its lines; truth is in the quantities, the status is only a word."""
    skus = {
        str(line.get("id")): str((line.get("physicalProperties") or {}).get("sku") or "")
        for line in order.get("lineItems") or []
    }
    parcels = (said.get("orderWithFulfillments") if isinstance(said, dict) else None) or {}
    place = ((order.get("shippingInfo") or {}).get("logistics") or {}).get("shippingDestination") or {}
    went_to = str((place.get("address") or {}).get("postalCode") or "")
    told = parcels.get("fulfillments") or []
    return [_shipment(parcel, skus, went_to) for parcel in told if isinstance(parcel, dict)]


def _shipment(parcel: Mapping[str, Any], skus: Mapping[str, str], went_to: str) -> Shipment:
    tracking = parcel.get("trackingInfo") or {}
    provider = str(tracking.get("shippingProvider") or "")
    return Shipment(
        external_id=str(parcel.get("id") or ""),
        carrier=CARRIERS.get(provider, provider),
        tracking_number=str(tracking.get("trackingNumber") or "").strip(),
        tracking_url=str(tracking.get("trackingLink") or ""),
        lines=tuple(
            ShipmentLine(sku=skus.get(str(line.get("id")), ""), quantity=int(line.get("quantity") or 0))
            for line in parcel.get("lineItems") or []
        ),
        shipped_at=moment(parcel.get("createdDate")),
        postal_code=went_to,
    )


def variants_v3(said: Mapping[str, Any]) -> list[Variant]:
    """Variant ids are not unique across products: the pair is the key."""
    found = []
    for one in said.get("variants") or []:
        product = one.get("productData") or {}
        product_id, variant_id = product.get("productId"), one.get("variantId") or one.get("id")
        if not product_id or not variant_id:
            continue
        choices = (choice.get("optionChoiceNames") or {} for choice in one.get("optionChoices") or [])
        names = [str(choice.get("choiceName")) for choice in choices if choice.get("choiceName")]
        found.append(
            Variant(
                external_id=f"V3|{product_id}|{variant_id}",
                sku=str(one.get("sku") or ""),
                title=str(product.get("name") or ""),
                variant_title=" / ".join(names),
            )
        )
    return found


def variants_v1(said: Mapping[str, Any]) -> list[Variant]:
    """An id of product and variant, with a dot or a hyphen between (the typings' note shows both)."""
    found = []
    for one in said.get("variants") or []:
        text = str(one.get("id") or "")
        product_id, variant_id = text[:36], text[37:]
        stock = one.get("stock") or {}
        found.append(
            Variant(
                external_id=f"V1|{product_id}|{variant_id}",
                sku=str(one.get("sku") or ""),
                title=str(one.get("productName") or ""),
                variant_title=" / ".join(str(value) for value in (one.get("choices") or {}).values()),
                stock=int(stock["quantity"]) if isinstance(stock.get("quantity"), int) else None,
            )
        )
    return found


# Webhooks


def notice(claims: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The envelope, the event in it, and who caused it: JSON in JSON, whose parts may be text again.

    Raises UnreadableAnswer without an envelope.
    """
    envelope = _opened(claims.get("data"))
    if not envelope.get("eventType") or not envelope.get("instanceId"):
        raise UnreadableAnswer("The webhook names no event or no installation")
    return envelope, _opened(envelope.get("data")), _opened(envelope.get("identity"))


def event(body: bytes, *, event_id: str, app_id: str) -> PlatformEvent:
    """What a webhook meant; what our own app did comes back too, and is ignored. Raises UnreadableAnswer."""
    envelope, said, identity = notice(signing.unverified_claims(body))
    name, fqdn = str(envelope["eventType"]), str(said.get("entityFqdn") or "")
    is_our_own = identity.get("identityType") == "APP" and identity.get("appId") == app_id
    if name == _GONE:
        kind = EventKind.DEAUTHORIZED
    elif name in _IGNORED or is_our_own:
        kind = EventKind.IGNORED
    else:
        kind = _KINDS.get(fqdn) or EventKind.UNKNOWN
    if kind is EventKind.UNKNOWN:
        logger.warning("Wix sent the unknown event %s (%s)", name[:80], event_id[:60])
    return PlatformEvent(
        kind=kind,
        event_id=event_id,
        occurred_at=moment(said.get("eventTime")),
        external_id=_order_of(said),
        raw=said,
    )


def _order_of(said: Mapping[str, Any]) -> str:
    changed = _opened(said.get("updatedEvent")).get("currentEntity")
    body = _opened(_opened(said.get("actionEvent")).get("body"))
    for each in (_opened(changed), body, _opened(body.get("orderTransactions"))):
        if each.get("orderId"):
            return str(each["orderId"])
    return str(_opened(body.get("order")).get("id") or said.get("entityId") or "")


def _opened(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


# Writing


def order_create(draft: OrderDraft, reference: str, *, channel: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body of "Create Order", and what was fitted to Wix's limits. Wix computes nothing: the sums are the draft's.

    Raises UnsupportedFeature, PermanentError.
    """
    _require_size(draft)
    remarks: list[str] = []
    shipping = draft.charges[0]
    place = _place(draft.address, draft.phone, remarks) if draft.address else None
    order: dict[str, Any] = {
        "channelInfo": {"type": channel, "externalOrderId": reference},
        "status": "APPROVED",
        "paymentStatus": "PAID",
        "currency": draft.currency,
        "weightUnit": "LB" if draft.address and draft.address.country_code.upper() == "US" else "KG",
        "taxIncludedInPrices": draft.tax_included,
        "purchasedDate": iso(draft.created_at),
        "lineItems": [_line(line, place_no, draft, remarks) for place_no, line in enumerate(draft.lines, start=1)],
        **_money(draft, remarks),
        **({"recipientInfo": place, "billingInfo": place} if place else {}),
        # Without shipping info Wix takes an order as fulfilled, so it is there even where no address is.
        "shippingInfo": {
            "title": _cut(shipping.title, 250, "The shipping method's name", remarks),
            **({"logistics": {"shippingDestination": place}} if place else {}),
            "cost": {"price": _price(shipping.amount, draft.currency)},
        },
        "customFields": _fields(draft, remarks),
    }
    if shipping.code:
        order["shippingInfo"]["code"] = _cut(shipping.code, 100, "The shipping method's code", remarks)
    if _EMAIL.fullmatch(draft.email) and "*" not in draft.email:
        order["buyerInfo"] = {"email": draft.email}
    elif draft.email and "*" not in draft.email:
        remarks.append("The buyer's e-mail was left out, since it is none")
    if draft.note:
        order["buyerNote"] = _cut(draft.note, 1000, "The note", remarks)
    # Both default to true: https://dev.wix.com/docs/rest/business-solutions/e-commerce/orders (read 2026-11)
    silent = {"sendNotificationToBuyer": False, "sendNotificationsToBusiness": False}
    return {"order": order, "settings": {"notifications": silent}}, tuple(remarks)


def _price(minor: int, currency: str) -> dict[str, str]:
    return {"amount": to_text(minor, currency)}


def _money(draft: OrderDraft, remarks: list[str]) -> dict[str, Any]:
    """The sums, and what stands behind them: one discount of the whole order, taxes, and fees under their own names."""
    shipping, fees = draft.charges[0], draft.charges[1:]
    tax = sum(each.amount for each in draft.taxes)
    sums = {
        "subtotal": sum(line.unit_price * line.quantity for line in draft.lines),
        "shipping": shipping.amount,
        "tax": tax,
        "discount": draft.discount,
        "totalAdditionalFees": sum(fee.amount for fee in fees),
        "total": draft.total,
    }
    parts: dict[str, Any] = {
        "priceSummary": {name: _price(amount, draft.currency) for name, amount in sums.items()},
        "taxInfo": {"totalTax": _price(tax, draft.currency)},
    }
    if draft.discount:
        merchant = {"description": "TikTok Shop discounts", "amount": _price(draft.discount, draft.currency)}
        parts["appliedDiscounts"] = [{"discountType": "GLOBAL", "merchantDiscount": merchant}]
    if fees:
        parts["additionalFees"] = [
            {
                "code": _cut(fee.code, 100, "A fee's code", remarks),
                "name": _cut(fee.title, 50, "A fee's name", remarks),
                "price": _price(fee.amount, draft.currency),
            }
            for fee in fees
        ]
    return parts


def _require_size(draft: OrderDraft) -> None:
    if len(draft.lines) > MOST_LINES:
        raise UnsupportedFeature(f"Wix takes {MOST_LINES} lines in an order; this one has {len(draft.lines)}")
    for line in draft.lines:
        if line.quantity > MOST_UNITS:
            raise UnsupportedFeature(f"Wix takes {MOST_UNITS} units in a line; {line.sku} has {line.quantity}")
        if len(line.sku) > LONGEST_SKU:
            raise UnsupportedFeature(
                f"Wix takes SKUs of at most {LONGEST_SKU} characters; {line.sku[:60]} has {len(line.sku)}"
            )


def _line(line: DraftLine, place_no: int, draft: OrderDraft, remarks: list[str]) -> dict[str, Any]:
    zero = {"amount": to_text(0, draft.currency)}
    name = line.title.strip() or line.sku or f"Item {place_no}"
    item: dict[str, Any] = {
        "productName": {"original": _cut(name, 200, f"The name of item {place_no}", remarks)},
        "quantity": line.quantity,
        "price": {"amount": to_text(line.unit_price, draft.currency)},
        "itemType": {"preset": "PHYSICAL"},
        "physicalProperties": {"shippable": line.requires_shipping, **({"sku": line.sku} if line.sku else {})},
        # The order's tax is not spread over lines; public code always sends a zero here.
        "taxInfo": {
            "taxAmount": zero,
            "taxableAmount": zero,
            "taxRate": "0",
            "taxIncludedInPrice": draft.tax_included,
        },
    }
    if line.variant_title:
        value = {"original": _cut(line.variant_title, 600, f"The variant of item {place_no}", remarks)}
        item["descriptionLines"] = [{"name": {"original": "Variant"}, "plainText": value}]
    if line.variant_id:
        version, product_id, variant_id = line.variant_id.split("|")
        options = {"variantId": variant_id} if variant_id else {}
        item["catalogReference"] = {"catalogItemId": product_id, "appId": STORES_APP[version], "options": options}
    return item


def _place(address: Address, phone: str, remarks: list[str]) -> dict[str, Any]:
    """Address and person. Lines 2 to 4 share the second line."""
    if not address.country_code or not address.line1:
        missing = "country" if not address.country_code else "street"
        raise PermanentError(f"Wix needs a {missing} in the address", reason="ADDRESS_INVALID")
    if len(address.postal_code) > 50:
        raise PermanentError("Wix takes postal codes of at most 50 characters", reason="ADDRESS_INVALID")
    first, last = address.first_name, address.last_name
    if not last:
        first, last = "", first or address.name
    country = address.country_code.upper()
    rest = ", ".join(line for line in (address.line2, address.line3, address.line4) if line)
    number = address.phone or phone
    province = _cut(address.province, 50, "The state", remarks)
    where = {
        "country": country,
        "subdivision": f"{country}-{address.province_code}" if address.province_code else province,
        "city": _cut(address.city, 50, "The city", remarks),
        "postalCode": address.postal_code,
        "addressLine": _cut(address.line1, 150, "The address's first line", remarks),
        "addressLine2": _cut(rest, 100, "The address's second line", remarks),
    }
    person = {
        "firstName": _cut(first, 100, "The buyer's first name", remarks),
        "lastName": _cut(last, 100, "The buyer's last name", remarks),
        "phone": "" if "*" in number else number,
    }
    return {
        "address": {name: part for name, part in where.items() if part},
        "contactDetails": {name: part for name, part in person.items() if part},
    }


def _fields(draft: OrderDraft, remarks: list[str]) -> list[dict[str, str]]:
    """Tags are ids in Wix, so ours stand among the custom fields; and so do the source's ids of each line, by its
    place, since lines have no room for them."""
    lines = "; ".join(f"{place}: {', '.join(line.source_line_ids)}" for place, line in enumerate(draft.lines, start=1))
    pairs = [("Tags", ", ".join(draft.tags)), *draft.attributes, (LINES_FIELD, lines)]
    return [{"title": _cut(title, 500, "A field's name", remarks), "value": value} for title, value in pairs if value]


def fulfillment(order: Mapping[str, Any], said: Any, parcel: Shipment) -> dict[str, Any]:
    """The body of "Create Fulfillment" for a parcel that left elsewhere: all that is open, or its SKUs.

    Raises PermanentError where less than that is open.
    """
    shipped: dict[str, int] = {}
    for each in ((said.get("orderWithFulfillments") if isinstance(said, dict) else None) or {}).get(
        "fulfillments"
    ) or []:
        for part in each.get("lineItems") or []:
            shipped[str(part.get("id"))] = shipped.get(str(part.get("id")), 0) + int(part.get("quantity") or 0)
    wanted: dict[str, int] = {}
    for line in parcel.lines or ():
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    rows = []
    for item in order.get("lineItems") or []:
        sku = str((item.get("physicalProperties") or {}).get("sku") or "")
        left = int(item.get("quantity") or 0) - shipped.get(str(item.get("id")), 0)
        count = left if parcel.lines is None else min(left, wanted.get(sku, 0))
        if count > 0:
            wanted[sku] = wanted.get(sku, 0) - count
            rows.append({"id": str(item["id"]), "quantity": count})
    if not rows or (parcel.lines is not None and any(wanted.values())):
        raise PermanentError("Wix's order has nothing open to be recorded as shipped", reason="REMOTE_ERROR")
    preset = {label: name for name, label in CARRIERS.items()}
    tracking = {
        "trackingNumber": parcel.tracking_number[:100],
        "shippingProvider": preset.get(parcel.carrier, parcel.carrier)[:100],
        "trackingLink": parcel.tracking_url,
    }
    return {"fulfillment": {"lineItems": rows, "trackingInfo": {name: text for name, text in tracking.items() if text}}}


def _cut(text: str, longest: int, what: str, remarks: list[str]) -> str:
    if len(text) > longest:
        remarks.append(f"{what} was cut to {longest} characters")
    return text[:longest]
