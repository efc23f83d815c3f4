"""Squarespace's JSON to our dataclasses, and drafts to Squarespace's JSON. Pure.

https://developers.squarespace.com/commerce-apis (read 2026-11); what only other people's captures show is marked.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base.errors import PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.money import AmountError, to_minor, to_text
from connectors.base.types import Address, OrderDraft, PlacedOrder, Shipment, Stock, StoreIdentity, Variant

logger = logging.getLogger(__name__)

CHANNEL = "TikTok Shop"  # at most 30 characters
LONGEST_REFERENCE = 200
# Not documented: how long a name or an address line may be (guess). What is longer is cut, and said.
LONGEST_TEXT = 100

# https://developers.squarespace.com/commerce-apis/webhook-subscriptions-overview (read 2026-11)
TOPICS = ("order.create", "order.update", "extension.uninstall")
_UPDATES = {
    "FULFILLED": EventKind.SHIPMENT_CHANGED,
    "REFUNDED": EventKind.REFUND_CHANGED,
    "CANCELED": EventKind.PLACED_ORDER_CHANGED,
    "MARKED_PENDING": EventKind.PLACED_ORDER_CHANGED,
    "EMAIL_UPDATED": EventKind.IGNORED,
}


def moment(text: Any) -> datetime | None:
    """An ISO 8601 text, with or without seconds, as aware UTC; None where there is none."""
    try:
        at = datetime.fromisoformat(str(text)) if text else None
    except (ValueError, OverflowError):
        return None
    return at.astimezone(UTC) if at and at.tzinfo else at and at.replace(tzinfo=UTC)


def unix_moment(text: Any) -> datetime | None:
    """A text of fractional Unix seconds, such as "1553532363.542" (other people's captures), as aware UTC."""
    try:
        return datetime.fromtimestamp(float(str(text)), UTC) if text else None
    except (ValueError, OverflowError, OSError):
        return None


def iso(at: datetime) -> str:
    """UTC to the millisecond, as Squarespace writes moments."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Reading


def store(said: Any) -> StoreIdentity:
    """The site that the token is for (keys other than the id are a guess). Raises UnreadableAnswer without an id."""
    site = said if isinstance(said, dict) else {}
    site_id = str(site.get("id") or "")  # webhooks name it "websiteId"; "siteId" beside it is another name of the site
    if not site_id:
        raise UnreadableAnswer("Squarespace's answer about the site names no id")
    address = str(site.get("url") or site.get("domain") or "")
    domain = re.sub(r"^https?://", "", address).strip("/").lower()
    return StoreIdentity(
        external_id=site_id,
        name=str(site.get("title") or domain or site_id),
        currency=str(site.get("currency") or ""),
        domain=domain,
    )


def is_ours(order: Mapping[str, Any]) -> bool:
    """Whether the order came over the API under our channel's name; trials of the merchant's do not count."""
    is_external = order.get("channel") == "external" and order.get("channelName") == CHANNEL
    return is_external and bool(order.get("externalOrderReference")) and not order.get("testmode")


def placed_order(order: Any, domain: str) -> PlacedOrder:
    """An order as it stands. Raises UnreadableAnswer without an id."""
    if not isinstance(order, dict) or not order.get("id"):
        raise UnreadableAnswer("Squarespace's answer holds no order")
    total, currency = money(order.get("grandTotal"))
    external_id = str(order["id"])
    return PlacedOrder(
        external_id=external_id,
        name=f"#{order['orderNumber']}" if order.get("orderNumber") else external_id,
        # The panel's address is a guess.
        url=f"https://{domain}/config/commerce/orders/{external_id}" if domain else "",
        reference=str(order.get("externalOrderReference") or ""),
        is_cancelled=_status(order) == "CANCELED",
        total=total,
        currency=currency,
        updated_at=moment(order.get("modifiedOn")),
    )


def _status(order: Mapping[str, Any]) -> str:
    status = str(order.get("fulfillmentStatus") or "").upper()
    if status not in ("PENDING", "FULFILLED", "CANCELED", ""):
        logger.warning("Squarespace has the unknown fulfillment status %s", status[:40])
    return status


def money(value: Any) -> tuple[int | None, str]:
    """{"currency", "value"} as minor units and currency; no amount where none can be read."""
    parts = value if isinstance(value, dict) else {}
    currency = str(parts.get("currency") or "")
    try:
        return (to_minor(parts["value"], currency), currency) if parts.get("value") is not None else (None, currency)
    except AmountError:
        return None, currency


def shipments(order: Mapping[str, Any]) -> list[Shipment]:
    """Every parcel. Squarespace gives them no id and does not say what is in which, so a parcel is known by its
    place in the list: a number that is edited later is then a correction of the same parcel. An order that was marked
    fulfilled without any is one parcel whose number is not known yet."""
    parcels = order.get("fulfillments") or ([{}] if _status(order) == "FULFILLED" else [])
    return [
        Shipment(
            external_id=str(place),
            carrier=str(parcel.get("carrierName") or parcel.get("service") or ""),
            tracking_number=str(parcel.get("trackingNumber") or "").strip(),
            tracking_url=str(parcel.get("trackingUrl") or ""),
            lines=None,
            shipped_at=moment(parcel.get("shipDate") or order.get("fulfilledOn")),
            postal_code=str((order.get("shippingAddress") or {}).get("postalCode") or ""),
        )
        for place, parcel in enumerate(parcels, start=1)
        if isinstance(parcel, dict)
    ]


def variants(said: Mapping[str, Any]) -> Iterator[Variant]:
    """The variants of the physical products on a page (the shape of stock and attributes is a guess)."""
    for product in said.get("products") or []:
        if product.get("type") not in (None, "PHYSICAL"):
            continue
        for variant in product.get("variants") or []:
            stock = variant.get("stock") or {}
            quantity = None if stock.get("unlimited") else stock.get("quantity")
            attributes = variant.get("attributes") or {}
            values = attributes.values() if isinstance(attributes, dict) else []
            yield Variant(
                external_id=str(variant.get("id") or ""),
                sku=str(variant.get("sku") or ""),
                title=str(product.get("name") or ""),
                variant_title=" / ".join(str(value) for value in values),
                stock=int(quantity) if isinstance(quantity, int) else None,
            )


def event(body: bytes) -> PlatformEvent:
    """What a webhook meant. It carries ids only. Raises UnreadableAnswer if it is no JSON object with an id."""
    said = notice(body)
    data = said.get("data") if isinstance(said.get("data"), dict) else {}
    topic, update = str(said.get("topic") or ""), str((data or {}).get("update") or "")
    if topic == "order.update":
        kind = _UPDATES.get(update, EventKind.PLACED_ORDER_CHANGED)
    elif topic == "order.create":
        kind = EventKind.PLACED_ORDER_CHANGED
    else:
        kind = EventKind.DEAUTHORIZED if topic == "extension.uninstall" else EventKind.UNKNOWN
    if kind is EventKind.UNKNOWN or (update and update not in _UPDATES):
        logger.warning("Squarespace sent the unknown topic %s %s", topic[:40], update[:40])
    return PlatformEvent(
        kind=kind,
        event_id=str(said["id"]),
        occurred_at=moment(said.get("createdOn")),
        external_id=str((data or {}).get("orderId") or ""),
        raw=said,
    )


def notice(body: bytes) -> dict[str, Any]:
    """A webhook's body. Raises UnreadableAnswer if it is no JSON object with an id."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("The webhook's body is not JSON") from error
    if not isinstance(said, dict) or not isinstance(said.get("id"), str):
        raise UnreadableAnswer("The webhook has no id")
    return said


# Writing


def order_create(draft: OrderDraft, reference: str, *, inventory: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body of "Create an order", and what had to be said otherwise than drafted.

    EXCLUSIVE: subtotal + shipping + tax - discount = grand total. INCLUSIVE: the tax is inside the prices, and only
    reported. There is no place for notes, tags or attributes. Raises UnsupportedFeature, PermanentError.
    """
    if len(reference) > LONGEST_REFERENCE:
        raise UnsupportedFeature(f"Squarespace takes references of at most {LONGEST_REFERENCE} characters")
    remarks: list[str] = []
    address = _address(draft.address, draft.phone, remarks) if draft.address else None
    body: dict[str, Any] = {
        "channelName": CHANNEL,
        "externalOrderReference": reference,
        "createdOn": iso(draft.created_at),
        **_lines_and_money(draft, remarks),
        **({"shippingAddress": address, "billingAddress": address} if address else {}),
        "fulfillments": [],
        "fulfillmentStatus": "PENDING",
        "inventoryBehavior": inventory,
        "shopperFulfillmentNotificationBehavior": "SKIP",
    }
    if draft.email and "*" not in draft.email:
        body["customerEmail"] = draft.email
    if len(draft.charges) > 1:
        names = ", ".join(charge.title for charge in draft.charges[1:])
        remarks.append(f"Squarespace has no place for fees: {names} stands among the shipping lines")
    return body, tuple(remarks)


def inventory_of(draft: OrderDraft, chosen: str) -> str:
    """What becomes of the stock: as the store was told, unless the route says otherwise. Deducting is refused where
    there is too little."""
    return {Stock.KEEP: "SKIP", Stock.OBEY: "DEDUCT"}.get(draft.stock, chosen)


def fulfillment(parcel: Shipment, *, now: datetime) -> dict[str, Any]:
    """The body of "Fulfill an order": a parcel that left elsewhere. The order counts as fulfilled after the first."""
    row = {
        "shipDate": iso(parcel.shipped_at or now),
        "carrierName": parcel.carrier or "TikTok Shop",
        "service": "Standard",
        "trackingNumber": parcel.tracking_number,
        "trackingUrl": parcel.tracking_url,
    }
    return {"shouldSendNotification": False, "shipments": [{name: text for name, text in row.items() if text}]}


def _lines_and_money(draft: OrderDraft, remarks: list[str]) -> dict[str, Any]:
    """Lines, charges and sums. A title beside PHYSICAL_PRODUCT is refused (a trial of 2026-08)."""

    def amount(minor: int) -> dict[str, str]:
        return {"currency": draft.currency, "value": to_text(minor, draft.currency)}

    sums = {
        "subtotal": sum(line.unit_price * line.quantity for line in draft.lines),
        "shippingTotal": sum(charge.amount for charge in draft.charges),
        "discountTotal": draft.discount,
        "taxTotal": sum(tax.amount for tax in draft.taxes),
        "grandTotal": draft.total,
    }
    parts: dict[str, Any] = {
        "priceTaxInterpretation": "INCLUSIVE" if draft.tax_included else "EXCLUSIVE",
        "lineItems": [
            {
                "lineItemType": "PHYSICAL_PRODUCT",
                "variantId": _variant_id(line.variant_id, line.sku),
                "quantity": line.quantity,
                "unitPricePaid": amount(line.unit_price),
            }
            for line in draft.lines
        ],
        "shippingLines": [
            {
                "method": _cut(charge.title, LONGEST_TEXT, "The shipping method's name", remarks),
                "amount": amount(charge.amount),
            }
            for charge in draft.charges
        ],
        **{name: amount(minor) for name, minor in sums.items()},
    }
    if draft.discount:
        parts["discountLines"] = [{"name": CHANNEL, "amount": amount(draft.discount)}]
    return parts


def _variant_id(variant_id: str, sku: str) -> str:
    if not variant_id:
        raise UnsupportedFeature(f"Squarespace takes no item without a product; {sku or 'an item'} is not linked")
    return variant_id


def _address(address: Address, phone: str, remarks: list[str]) -> dict[str, str]:
    """The address with nothing lost: lines 2 to 4 share address2."""
    first, last = address.first_name, address.last_name
    if not last:
        first, last = "", first or address.name
    number = address.phone or phone
    parts = {
        "firstName": _cut(first, LONGEST_TEXT, "The buyer's first name", remarks),
        "lastName": _cut(last, LONGEST_TEXT, "The buyer's last name", remarks),
        "address1": address.line1,
        "address2": ", ".join(line for line in (address.line2, address.line3, address.line4) if line),
        "city": address.city,
        "state": address.province_code or address.province,
        "countryCode": address.country_code.upper(),
        "postalCode": address.postal_code,
        "phone": "" if "*" in number else number,
    }
    for name, label in (("address1", "street"), ("city", "city"), ("countryCode", "country")):
        if not parts[name]:
            raise PermanentError(f"Squarespace needs a {label} in the address", reason="ADDRESS_INVALID")
    return {name: part for name, part in parts.items() if part}


def _cut(text: str, longest: int, what: str, remarks: list[str]) -> str:
    if len(text) > longest:
        remarks.append(f"{what} was cut to {longest} characters")
    return text[:longest]
