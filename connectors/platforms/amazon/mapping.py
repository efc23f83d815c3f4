"""Amazon's JSON to our dataclasses, and drafts to Amazon's JSON. Pure.

Fulfillment Outbound 2020-07-01: https://developer-docs.amazon.com/sp-api/docs/fulfillment-outbound-api (read 2026-11,
from amzn/selling-partner-api-models @34dc93fe).
"""

from __future__ import annotations

import logging
import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.base.errors import PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.money import to_text
from connectors.base.types import (
    Address,
    DraftLine,
    OrderDraft,
    PlacedOrder,
    Shipment,
    ShipmentLine,
    StoreIdentity,
    TakenOut,
    Variant,
)
from connectors.platforms.amazon.markets import Market

logger = logging.getLogger(__name__)

PREFIX = "TT-"
SPEEDS = ("Standard", "Expedited", "Priority")
MOST_LINES, MOST_UNITS, LONGEST_ID = 100, 250, 40
LONGEST_SKU, LONGEST_ITEM_ID = 50, 50
LONGEST_NAME, LONGEST_LINE, MOST_ADDRESS_LINES = 50, 60, 3  # the lengths are guesses: the model names none
COMMENT = "Thank you for your order on TikTok Shop"
AMAZON_LOGISTICS = "Amazon Logistics"
# Its numbers, and the names it goes by in carrierCode, which is free text: AMZN_US, AMZL, "Amazon Shipping".
_OWN_NUMBER = re.compile(r"TB[ACMZ]\d+", re.I)
_OWN_CARRIER = re.compile(r"amz[nl]|amazon", re.I)
# Statuses with their case and underscores taken away: the official file itself shows both spellings.
CANCELLABLE = frozenset(["new", "received", "planning"])
_KNOWN = CANCELLABLE | {"processing", "cancelled", "complete", "completepartialled", "unfulfillable", "invalid"}
_PROBLEMS = {
    "unfulfillable": ("Amazon could not ship any of it", "OUT_OF_STOCK"),
    "invalid": ("Amazon says that the address is not valid", "ADDRESS_INVALID"),
    "completepartialled": ("Amazon shipped only a part; the rest was cancelled or could not be", "MIXED_FULFILMENT"),
}


def moment(text: Any) -> datetime | None:
    """An ISO 8601 text as aware UTC; None where there is none."""
    try:
        at = datetime.fromisoformat(str(text)) if text else None
    except (ValueError, OverflowError):
        return None
    return at.astimezone(UTC) if at and at.tzinfo else at and at.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    """UTC to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def whole(value: Any) -> int:
    """A whole number, which public clients have seen written as text; 0 for anything else."""
    try:
        return int(str(value))
    except ValueError:
        return 0


def order_id(reference: str) -> str:
    """Our deterministic sellerFulfillmentOrderId. Raises UnsupportedFeature where none can be made.

    Ids with spaces could not be read again in public reports, so only letters, digits and hyphens are used.
    """
    made = PREFIX + reference
    if len(made) > LONGEST_ID or not re.fullmatch(r"[A-Za-z0-9-]+", made):
        raise UnsupportedFeature(f"Amazon takes order ids of at most {LONGEST_ID} letters, digits and hyphens")
    return made


def status_of(text: Any) -> str:
    """A status without case and underscores; one that is not known is logged and stays neutral."""
    status = _spelled(text)
    if status and status not in _KNOWN:
        logger.warning("Amazon has the unknown order status %s", status[:40])
    return status


def _spelled(text: Any) -> str:
    return str(text or "").replace("_", "").lower()


# Reading


def store(market: Market, seller_id: str) -> StoreIdentity:
    """A selling account in one marketplace. No call that we may make tells a name."""
    return StoreIdentity(
        external_id=f"{seller_id}-{market.id}",
        name=f"Amazon {market.country} ({seller_id})",
        region=market.country,
        currency=market.currency,
        extra={"marketplace_id": market.id, "region": market.region, "selling_partner_id": seller_id},
    )


def placed_order(head: Any, host: str) -> PlacedOrder:
    """A fulfillment order as it stands; it has no money. Raises UnreadableAnswer without an id."""
    if not isinstance(head, dict) or not head.get("sellerFulfillmentOrderId"):
        raise UnreadableAnswer("Amazon's answer holds no order")
    external_id = str(head["sellerFulfillmentOrderId"])
    status = status_of(head.get("fulfillmentOrderStatus"))
    problem, reason = _PROBLEMS.get(status, ("", ""))
    return PlacedOrder(
        external_id=external_id,
        name=external_id,
        url=f"https://{host}/mcf/orders/{external_id}" if host else "",  # the address is a guess
        reference=external_id.removeprefix(PREFIX),
        is_cancelled=status == "cancelled",
        updated_at=moment(head.get("statusUpdatedDate")),
        problem=problem,
        problem_reason=reason,
    )


def taken_out(payload: Mapping[str, Any]) -> tuple[TakenOut, ...]:
    """The items of which units were cancelled, by the seller or by Amazon."""
    found = []
    for item in payload.get("fulfillmentOrderItems") or []:
        quantity, gone = whole(item.get("quantity")), whole(item.get("cancelledQuantity"))
        if gone > 0:
            line = _shipment_line(item)
            found.append(TakenOut(line.sku, quantity, gone, 0, line.source_line_ids))
    return tuple(found)


def shipments(payload: Mapping[str, Any]) -> list[Shipment]:
    """One parcel for each package; items without a package number are not packed yet."""
    found: list[Shipment] = []
    place = (payload.get("fulfillmentOrder") or {}).get("destinationAddress") or {}
    for shipment in payload.get("fulfillmentShipments") or []:
        lines: dict[int, list[ShipmentLine]] = {}
        for item in shipment.get("fulfillmentShipmentItem") or []:
            lines.setdefault(whole(item.get("packageNumber")), []).append(_shipment_line(item))
        status = _spelled(shipment.get("fulfillmentShipmentStatus"))
        if status == "pending":  # not all of its packages have left, and it may still be taken back
            continue
        for package in shipment.get("fulfillmentShipmentPackage") or []:
            number = whole(package.get("packageNumber"))
            if number and number in lines:
                is_cancelled = status.startswith("cancelled")
                found.append(_parcel(shipment, package, number, tuple(lines[number]), is_cancelled=is_cancelled))
    return [replace(parcel, postal_code=str(place.get("postalCode") or "")) for parcel in found]


def _parcel(
    shipment: Mapping[str, Any],
    package: Mapping[str, Any],
    number: int,
    lines: tuple[ShipmentLine, ...],
    *,
    is_cancelled: bool,
) -> Shipment:
    tracking = str(package.get("trackingNumber") or package.get("amazonFulfillmentTrackingNumber") or "").strip()
    carrier = str(package.get("carrierCode") or "")
    return Shipment(
        external_id=f"{shipment.get('amazonShipmentId')}/{number}",
        carrier=AMAZON_LOGISTICS if _OWN_NUMBER.fullmatch(tracking) or _OWN_CARRIER.match(carrier) else carrier,
        tracking_number=tracking,
        tracking_url="",
        lines=lines,
        shipped_at=moment(shipment.get("shippingDate")),
        is_cancelled=is_cancelled,
    )


def _shipment_line(item: Mapping[str, Any]) -> ShipmentLine:
    item_id = str(item.get("sellerFulfillmentOrderItemId") or "")
    return ShipmentLine(
        sku=source_sku(item_id) or str(item.get("sellerSku") or ""),
        quantity=whole(item.get("quantity")),
        source_line_ids=source_line_ids(item_id),
    )


def variant(row: Mapping[str, Any]) -> Variant:
    """What is offered from Amazon's stock, with what can be shipped now."""
    return Variant(
        external_id=str(row.get("sellerSku") or ""),
        sku=str(row.get("sellerSku") or ""),
        title=str(row.get("productName") or row.get("sellerSku") or ""),
        stock=whole((row.get("inventoryDetails") or {}).get("fulfillableQuantity", row.get("totalQuantity"))),
    )


def is_for(head: Mapping[str, Any], reference: str) -> bool:
    """Whether an order that may be shipped names this reference in its id, or in the id that is shown."""
    names = f"{head.get('sellerFulfillmentOrderId')} {head.get('displayableOrderId')}"
    is_named = re.search(rf"(?<![A-Za-z0-9]){re.escape(reference)}(?![A-Za-z0-9])", names)
    return bool(is_named) and _spelled(head.get("fulfillmentOrderStatus")) not in (
        "cancelled",
        "unfulfillable",
        "invalid",
    )


def preview(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What Amazon says it would do, by speed."""
    sentences: list[str] = []
    for one in (said.get("payload") or {}).get("fulfillmentPreviews") or []:
        speed = str(one.get("shippingSpeedCategory") or "")
        if one.get("isFulfillable"):
            sentences.append(f"{speed}: arrives {_dates(one)}{_fees(one)}")
        else:
            items = one.get("unfulfillablePreviewItems") or []
            skus = ", ".join(str(item.get("sellerSku")) for item in items)
            reasons = ", ".join(str(reason) for reason in one.get("orderUnfulfillableReasons") or [])
            sentences.append(
                f"{speed}: cannot be fulfilled{f' ({skus})' if skus else ''}{f': {reasons}' if reasons else ''}"
            )
    return tuple(sentences)


def _dates(one: Mapping[str, Any]) -> str:
    shipments_ = one.get("fulfillmentPreviewShipments") or []
    first = [moment(each.get("earliestArrivalDate")) for each in shipments_]
    last = [moment(each.get("latestArrivalDate")) for each in shipments_]
    days = [f"{min(at for at in each if at):%b %d}" for each in (first, last) if any(each)]
    return " to ".join(dict.fromkeys(days)) or "on a day that Amazon does not name"


def _fees(one: Mapping[str, Any]) -> str:
    fees = [fee.get("amount") or {} for fee in one.get("estimatedFees") or []]
    texts = [f"{fee.get('value')} {fee.get('currencyCode')}" for fee in fees if fee.get("value")]
    return f", fees {' + '.join(texts)}" if texts else ""


# Writing


def order_create(
    draft: OrderDraft, reference: str, *, marketplace_id: str, options: Mapping[str, str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body of createFulfillmentOrder, and what was fitted to Amazon's limits.

    An MCF order has no prices, discounts, taxes or shipping totals; the buyer is not mailed. Raises UnsupportedFeature,
    PermanentError.
    """
    remarks: list[str] = []
    body: dict[str, Any] = {
        "marketplaceId": marketplace_id,
        "sellerFulfillmentOrderId": order_id(reference),
        "displayableOrderId": _cut(draft.number or draft.source_external_id, LONGEST_ID, "The number", remarks),
        "displayableOrderDate": iso(draft.created_at),
        "displayableOrderComment": COMMENT,
        "shippingSpeedCategory": speed_of(draft, options),
        "destinationAddress": address(needed_address(draft), draft.phone, remarks),
        "fulfillmentAction": "Ship",
        "fulfillmentPolicy": options.get("fulfillment_policy") or "FillOrKill",
        "items": items(draft),
    }
    if constraints := features(options):
        body["featureConstraints"] = constraints
    return body, tuple(remarks)


def speed_of(draft: OrderDraft, options: Mapping[str, str]) -> str:
    """The merchant's mapped speed for this delivery option, else the store's default."""
    code = draft.charges[0].code
    return code if code in SPEEDS else options.get("shipping_speed") or SPEEDS[0]


def features(options: Mapping[str, str]) -> list[dict[str, str]]:
    """What the parcel must or must not be."""
    wanted = {"BLANK_BOX": options.get("blank_box", "yes"), "BLOCK_AMZL": options.get("block_amzl", "no")}
    return [
        {"featureName": name, "featureFulfillmentPolicy": "Required"}
        for name, value in wanted.items()
        if value == "yes"
    ]


def items(draft: OrderDraft) -> list[dict[str, Any]]:
    """The lines, each under an id that holds the source's line ids where they fit."""
    units = sum(line.quantity for line in draft.lines)
    if len(draft.lines) > MOST_LINES:
        raise UnsupportedFeature(f"Amazon takes {MOST_LINES} lines in an order; this one has {len(draft.lines)}")
    if units > MOST_UNITS:
        raise UnsupportedFeature(f"Amazon takes {MOST_UNITS} units in an order; this one has {units}")
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for place, line in enumerate(draft.lines, start=1):
        seen[line.source_line_ids] += 1  # the components of a line have the same ids
        found.append(_item(line, place, seen[line.source_line_ids], draft.currency))
    return found


def _item(line: DraftLine, place: int, copy: int, currency: str) -> dict[str, Any]:
    sku = line.variant_id or line.sku
    if len(sku) > LONGEST_SKU:
        raise UnsupportedFeature(f"Amazon takes SKUs of at most {LONGEST_SKU} characters; {sku[:60]} has {len(sku)}")
    if not line.variant_id:
        raise UnsupportedFeature(f"Amazon ships only what is in its stock; {sku or 'an item'} has no FBA offer")
    return {
        "sellerSku": sku,
        "sellerFulfillmentOrderItemId": _item_id(line, place, copy),
        "quantity": line.quantity,
        "perUnitDeclaredValue": {"currencyCode": currency, "value": to_text(line.unit_price, currency)},
    }


def _item_id(line: DraftLine, place: int, copy: int) -> str:
    """The source's line ids, with a number where several items have the same; where they do not fit, the line's place,
    and the source's SKU if Amazon has another."""
    joined, named = ".".join(line.source_line_ids) + (f"-{copy}" if copy > 1 else ""), f"L{place}:{line.sku}"
    if 0 < len(joined) <= LONGEST_ITEM_ID:
        return joined
    return named if line.sku not in ("", line.variant_id) and len(named) <= LONGEST_ITEM_ID else f"L{place}"


def source_line_ids(item_id: str) -> tuple[str, ...]:
    """The source's line ids that `items` wrote into an item's id; none where they did not fit."""
    ids = re.sub(r"-\d+$", "", item_id)
    return () if re.match(r"L\d+(:|$)", item_id) or not ids else tuple(ids.split("."))


def source_sku(item_id: str) -> str:
    """The source's SKU that `items` wrote into an item's id; empty where it is Amazon's as well."""
    return item_id.partition(":")[2] if re.match(r"L\d+:", item_id) else ""


def needed_address(draft: OrderDraft) -> Address:
    """Raises UnsupportedFeature for an order without one: Amazon itself ships it."""
    if draft.address is None:
        raise UnsupportedFeature("Amazon ships the order itself, so it needs the buyer's address")
    return draft.address


def address(address: Address, phone: str, remarks: list[str]) -> dict[str, str]:
    """The address in at most three lines. Raises PermanentError naming what Amazon needs and is not there."""
    number = address.phone or phone
    parts = {
        "name": _cut(address.name.strip(), LONGEST_NAME, "The buyer's name", remarks),
        **{f"addressLine{place}": line for place, line in enumerate(_lines(address), start=1)},
        "city": address.city.strip(),
        "stateOrRegion": address.province_code or address.province,
        "postalCode": address.postal_code.strip(),
        "countryCode": address.country_code.strip().upper(),
        "phone": "" if "*" in number else number,
    }
    needed = {"name": "name", "addressLine1": "street", "postalCode": "postal code", "countryCode": "country"}
    if parts["countryCode"] != "JP":
        needed["city"] = "city"
    for part, label in needed.items():
        if not parts.get(part):
            raise PermanentError(f"Amazon needs a {label} in the address", reason="ADDRESS_INVALID")
    if not re.fullmatch(r"[A-Z]{2}", parts["countryCode"]):
        raise PermanentError("Amazon needs the country as its code of two letters", reason="ADDRESS_INVALID")
    return {name: part for name, part in parts.items() if part}


def _lines(address: Address) -> list[str]:
    """The street in three lines: as it is where it fits, else the same words broken anew. Nothing of it is cut: what
    does not fit at all is a PermanentError."""
    given = [line.strip() for line in (address.line1, address.line2, address.line3, address.line4) if line.strip()]
    lines = [*given[:2], *filter(None, [", ".join(given[2:])])]
    if any(len(line) > LONGEST_LINE for line in lines):
        lines = textwrap.wrap(", ".join(given), LONGEST_LINE, break_on_hyphens=False)
    if len(lines) > MOST_ADDRESS_LINES:
        most = f"{MOST_ADDRESS_LINES} lines of {LONGEST_LINE} characters"
        raise PermanentError(f"Amazon takes a street of {most}; this one is longer", reason="ADDRESS_INVALID")
    return lines


def is_same(body: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Whether the order that is there is the one that was sent: the same units by SKU, to the same postal address."""
    there = (payload.get("fulfillmentOrder") or {}).get("destinationAddress") or {}
    sent = body["destinationAddress"]
    place = ("name", "addressLine1", "postalCode", "countryCode")
    return _units(payload.get("fulfillmentOrderItems") or []) == _units(body["items"]) and all(
        _bare(there.get(part)) == _bare(sent.get(part)) for part in place
    )


def _units(items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for item in items:
        sku = str(item.get("sellerSku") or "")
        units[sku] = units.get(sku, 0) + whole(item.get("quantity"))
    return units


def _bare(text: Any) -> str:
    return re.sub(r"\W", "", str(text or "")).casefold()


def _cut(text: str, longest: int, what: str, remarks: list[str]) -> str:
    if len(text) > longest:
        remarks.append(f"{what} was cut to {longest} characters")
    return text[:longest]
