"""Shopify's JSON to our dataclasses, and drafts to Shopify's JSON. Pure."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.base.errors import (
    PermanentError,
    PlatformError,
    RateLimited,
    TemporaryError,
    UnreadableAnswer,
)
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.money import AmountError, to_minor, to_text
from connectors.base.types import (
    Address,
    OrderDraft,
    PlacedOrder,
    Shipment,
    ShipmentLine,
    Stock,
    StoreIdentity,
    TakenOut,
    Variant,
)

logger = logging.getLogger(__name__)

NAMESPACE = "$app:verisync"
REFERENCE_KEY = "tiktok_order_id"
LINE_IDS = "_tiktok_line_ids"
MARK = "TikTok Shop"
# Only sales-channel apps have handles; others may send free text. A guess until a live store confirms it:
# https://shopify.dev/docs/api/admin-graphql/latest/input-objects/OrderCreateOrderInput (notes of 2026-09)
SOURCE_NAME = "tiktok-shop"

TOPICS = {
    **dict.fromkeys(
        [
            f"orders/{word}"
            for word in [
                "create",
                "updated",
                "edited",
                "paid",
                "fulfilled",
                "partially_fulfilled",
                "cancelled",
                "delete",
            ]
        ],
        EventKind.PLACED_ORDER_CHANGED,
    ),
    "fulfillments/create": EventKind.SHIPMENT_CHANGED,
    "fulfillments/update": EventKind.SHIPMENT_CHANGED,
    "refunds/create": EventKind.REFUND_CHANGED,
    "app/uninstalled": EventKind.DEAUTHORIZED,
    "app/scopes_update": EventKind.IGNORED,
    "order_transactions/create": EventKind.IGNORED,
    "customers/data_request": EventKind.PRIVACY_REQUEST,
    "customers/redact": EventKind.PRIVACY_REQUEST,
    "shop/redact": EventKind.PRIVACY_REQUEST,
}
_KINDS_BY_FAMILY = {
    "returns": EventKind.RETURN_CHANGED,
    "fulfillment_orders": EventKind.IGNORED,
    "fulfillment_holds": EventKind.IGNORED,
}
# https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentStatus (notes of 2026-09). None: has not left yet.
_IS_CANCELLED = {
    "SUCCESS": False,
    "CANCELLED": True,
    "ERROR": True,
    "FAILURE": True,
    "OPEN": None,
    "PENDING": None,
}
# https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderCreateInputsInventoryBehavior (read 2026-11)
_STOCK = {
    Stock.DEDUCT: "DECREMENT_IGNORING_POLICY",
    Stock.OBEY: "DECREMENT_OBEYING_POLICY",
    Stock.KEEP: "BYPASS",
}
_TOO_MANY = re.compile(r"throttl|too many|rate limit|limit.{0,40}(minute|exceeded|reached)|per minute", re.I)
_PERSONAL = re.compile(r"\S+@\S+|\+?\d[\d\s().-]{6,}\d")


def moment(text: Any) -> datetime | None:
    """An ISO 8601 text as aware UTC; None where there is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def iso(at: datetime) -> str:
    """UTC to the second, as Shopify's DateTime."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quoted(text: str) -> str:
    """A value for a search query: in double quotes, with what has a meaning there escaped."""
    return '"' + re.sub(r'([\\":])', r"\\\1", text) + '"'


# Reading


def store(data: Mapping[str, Any]) -> StoreIdentity:
    """The shop as a store; its id is the myshopify domain. Raises UnreadableAnswer without one."""
    shop = data.get("shop") or {}
    domain = str(shop.get("myshopifyDomain") or "").lower()
    if not domain:
        raise UnreadableAnswer("Shopify's answer about the shop names no domain")
    return StoreIdentity(
        external_id=domain,
        name=str(shop.get("name") or domain),
        currency=str(shop.get("currencyCode") or ""),
        domain=domain,
        extra={
            "shop_gid": str(shop.get("id") or ""),
            "taxes_included": "true" if shop.get("taxesIncluded") else "false",
            "admin_handle": domain.partition(".")[0],
        },
    )


def placed_order(node: Mapping[str, Any], shop_url: str) -> PlacedOrder:
    """An order of the shop. Its total is None where it cannot be read. Raises UnreadableAnswer without an id."""
    gid = str(node.get("id") or "")
    if not gid:
        raise UnreadableAnswer("Shopify sent an order without an id")
    money = (node.get("totalPriceSet") or {}).get("shopMoney") or {}
    currency, total = str(money.get("currencyCode") or ""), None
    try:
        total = to_minor(money["amount"], currency) if money.get("amount") not in (None, "") else None
    except AmountError:
        logger.warning("Shopify order %s has a total that cannot be read", gid)
    legacy = str(node.get("legacyResourceId") or gid.rpartition("/")[2])
    return PlacedOrder(
        external_id=gid,
        name=str(node.get("name") or ""),
        url=f"{shop_url}/admin/orders/{legacy}",
        reference=str(node.get("sourceIdentifier") or ""),
        is_cancelled=bool(node.get("cancelledAt")),
        cancel_reason=str(node.get("cancelReason") or ""),
        total=total,
        currency=currency,
        updated_at=moment(node.get("updatedAt")),
    )


def taken_out(lines: Iterable[Mapping[str, Any]]) -> tuple[TakenOut, ...]:
    """The lines of which units were removed or refunded."""
    found = []
    for line in lines:
        quantity, current = int(line.get("quantity") or 0), line.get("currentQuantity")
        if current is not None and int(current) < quantity:
            found.append(
                TakenOut(
                    sku=str(line.get("sku") or ""),
                    quantity=quantity,
                    units=quantity - int(current),
                    waiting=int(line.get("unfulfilledQuantity") or 0),
                    source_line_ids=source_line_ids(line.get("customAttributes") or []),
                )
            )
    return tuple(found)


def shipments(node: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], *, went_to: str = "") -> list[Shipment]:
    """One fulfillment as one shipment with all lines; each further number as `<id>/2` … without lines. `went_to` is the
    postcode of its order."""
    gid, status = str(node.get("id") or ""), str(node.get("status") or "")
    if status not in _IS_CANCELLED:
        logger.warning("Shopify fulfillment %s has the unknown status %s", gid, status[:40])
    is_cancelled = _IS_CANCELLED.get(status)
    if not gid or is_cancelled is None:
        return []
    parcels = [entry for entry in node.get("trackingInfo") or [] if entry and entry.get("number")]
    return [
        Shipment(
            external_id=gid if position == 1 else f"{gid}/{position}",
            carrier=str(parcel.get("company") or ""),
            tracking_number=str(parcel.get("number") or "").strip(),
            tracking_url=str(parcel.get("url") or ""),
            lines=tuple(_shipment_line(line) for line in lines) if position == 1 else (),
            shipped_at=moment(node.get("createdAt")),
            is_cancelled=is_cancelled,
            postal_code=went_to,
        )
        for position, parcel in enumerate(parcels or [{}], start=1)
    ]


def _shipment_line(line: Mapping[str, Any]) -> ShipmentLine:
    item = line.get("lineItem") or {}
    return ShipmentLine(
        sku=str(item.get("sku") or ""),
        quantity=int(line.get("quantity") or 0),
        source_line_ids=source_line_ids(item.get("customAttributes") or []),
    )


def source_line_ids(attributes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The source's line ids that we wrote into a line's properties, in their order."""
    found = {
        str(pair.get("key")): str(pair.get("value") or "")
        for pair in attributes
        if re.fullmatch(LINE_IDS + r"(_\d+)?", str(pair.get("key")))
    }
    texts = [found[key] for key in sorted(found, key=lambda key: (len(key), key))]
    return tuple(part for part in ",".join(texts).split(",") if part)


def variant(node: Mapping[str, Any]) -> Variant:
    """A variant of the catalog; a lone default variant has no title of its own."""
    own = str(node.get("title") or "")
    stock = node.get("inventoryQuantity")
    return Variant(
        external_id=str(node.get("id") or ""),
        sku=str(node.get("sku") or ""),
        title=str((node.get("product") or {}).get("title") or ""),
        variant_title="" if own == "Default Title" else own,
        stock=int(stock) if stock is not None else None,
    )


def event(topic: str, body: bytes, *, event_id: str, triggered_at: str) -> PlatformEvent:
    """What a webhook meant. Raises UnreadableAnswer if the body is no JSON object."""
    try:
        payload = json.loads(body, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("The webhook's body is not JSON") from error
    if not isinstance(payload, dict):
        raise UnreadableAnswer("The webhook's body is not a JSON object")
    kind = TOPICS.get(topic) or _KINDS_BY_FAMILY.get(topic.partition("/")[0]) or EventKind.UNKNOWN
    if kind is EventKind.UNKNOWN:
        logger.warning("Shopify sent the unknown topic %s (%s)", topic[:60], event_id[:60])
    return PlatformEvent(
        kind=kind,
        event_id=event_id,
        occurred_at=moment(triggered_at),
        external_id=_order_of(topic, payload),
        raw=payload,
    )


def _order_of(topic: str, payload: Mapping[str, Any]) -> str:
    """The order's gid. Bodies of orders carry the exact gid; samples show their number rounded."""
    if topic.startswith("orders/"):
        edit = payload.get("order_edit") or {}
        gid, number = payload.get("admin_graphql_api_id"), payload.get("id") or edit.get("order_id")
    else:
        order = payload.get("order") if isinstance(payload.get("order"), dict) else {}
        gid = (order or {}).get("admin_graphql_api_id")
        number = payload.get("order_id") or (order or {}).get("id")
    return str(gid) if gid else (f"gid://shopify/Order/{number}" if number else "")


# Writing


def order_create(draft: OrderDraft, reference: str) -> dict[str, Any]:
    """The variables of orderCreate. The sums are the draft's own; Shopify computes nothing for these.

    https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderCreate (notes of 2026-09)
    """
    order: dict[str, Any] = {
        "currency": draft.currency,
        "processedAt": iso(draft.created_at),
        "financialStatus": "PAID",
        "sourceName": SOURCE_NAME,
        "sourceIdentifier": reference,
        "buyerAcceptsMarketing": False,
        "taxesIncluded": draft.tax_included,
        "note": draft.note[:5000],
        "tags": _tags(draft.tags),
        "customAttributes": [{"key": key, "value": value} for key, value in draft.attributes if key and value][:250],
        "metafields": [{"namespace": NAMESPACE, "key": REFERENCE_KEY, "type": "id", "value": reference}],
        **({"name": draft.number} if draft.number else {}),
        **({"shippingAddress": _address(draft.address, draft.phone)} if draft.address else {}),
        **_lines_and_money(draft),
    }
    if draft.is_on_hold:
        order["financialStatus"] = "PENDING"
    elif draft.email and "*" not in draft.email:
        order["email"] = draft.email
        if not draft.is_own_email:  # an address of the merchant's own would make all buyers one customer
            names = {key: order.get("shippingAddress", {}).get(key) for key in ("firstName", "lastName")}
            customer = {"email": draft.email, **{key: name for key, name in names.items() if name}}
            order["customer"] = {"toUpsert": customer}
    if draft.source_url.startswith(("https://", "http://")):
        order["sourceUrl"] = draft.source_url
    options = {
        "inventoryBehaviour": _STOCK[draft.stock],
        "sendReceipt": False,
        "sendFulfillmentReceipt": False,
    }
    return {"order": order, "options": options}


def _lines_and_money(draft: OrderDraft) -> dict[str, Any]:
    """Lines, the one discount code an order may have, charges, taxes (on the order only), and the payment."""

    def bag(amount: int) -> dict[str, Any]:
        return {"shopMoney": {"amount": to_text(amount, draft.currency), "currencyCode": draft.currency}}

    parts: dict[str, Any] = {"lineItems": []}
    for line in draft.lines:
        names = {"variantId": line.variant_id, "variantTitle": line.variant_title, "sku": line.sku}
        item: dict[str, Any] = {"title": line.title, **{key: name for key, name in names.items() if name}}
        # Taxes of the order are spread over taxable lines only, so every line is taxable.
        item |= {"quantity": line.quantity, "requiresShipping": line.requires_shipping, "taxable": True}
        item |= {"priceSet": bag(line.unit_price), "properties": _line_ids(line.source_line_ids)}
        parts["lineItems"].append(item)
    if draft.discount > 0:
        code = {"code": "TIKTOK-SHOP", "amountSet": bag(draft.discount)}
        parts["discountCode"] = {"itemFixedDiscountCode": code}
    parts["shippingLines"] = [
        {"title": charge.title, "code": charge.code, "source": MARK, "priceSet": bag(charge.amount)}
        for charge in draft.charges
    ]
    parts["taxLines"] = [
        {"title": tax.title, "rate": tax.rate or "0", "priceSet": bag(tax.amount), "channelLiable": True}
        for tax in draft.taxes
        if tax.amount
    ]
    if draft.total > 0 and not draft.is_on_hold:
        payment = {"kind": "SALE", "status": "SUCCESS", "gateway": MARK, "amountSet": bag(draft.total)}
        parts["transactions"] = [payment]
    return parts


def _tags(tags: Iterable[str]) -> list[str]:
    """At most 250 of 40 characters, without commas. Ours is always there: the poll searches for it."""
    clean = (tag.replace(",", " ").strip()[:40] for tag in (MARK, *tags))
    return list(dict.fromkeys(tag for tag in clean if tag))[:250]


def _line_ids(ids: Iterable[str]) -> list[dict[str, str]]:
    """The source's line ids as hidden properties of at most 255 characters, no id torn apart."""
    chunks: list[str] = []
    for line_id in ids:
        if chunks and len(chunks[-1]) + 1 + len(line_id) <= 255:
            chunks[-1] += "," + line_id
        else:
            chunks.append(line_id)
    return [
        {"name": LINE_IDS if position == 1 else f"{LINE_IDS}_{position}", "value": chunk}
        for position, chunk in enumerate(chunks, start=1)
    ]


def _address(address: Address, phone: str) -> dict[str, str]:
    """The address with nothing lost: lines 2 to 4 share address2, and what does not fit goes to company."""
    first, last = address.first_name, address.last_name
    if not last:
        first, last = "", first or address.name
    lines = [line for line in (address.line1, address.line2, address.line3, address.line4) if line]
    rest = ", ".join(lines[1:])
    fits = len(rest) <= 255
    number = address.phone or phone
    parts = {
        "firstName": first,
        "lastName": last,
        "address1": lines[0] if lines else "",
        "address2": rest if fits else lines[1],
        "company": "" if fits else ", ".join(lines[2:]),
        "city": address.city,
        "provinceCode": address.province_code,
        # Deprecated, but the only place for a province whose code is not known.
        "province": "" if address.province_code else address.province,
        "zip": address.postal_code,
        "countryCode": address.country_code.upper(),
        # Only here: a phone that another customer has fails the whole order when it stands on the customer.
        "phone": "" if "*" in number else number,
    }
    return {key: part for key, part in parts.items() if part}


HOLD_TAG = "tiktok-hold"  # by which a draft says that TikTok holds the order
HOLD_HANDLE = "verisync-tiktok-hold"


def hold_input() -> dict[str, Any]:
    """Our hold: a second one with its handle is refused, so that it may be repeated."""
    return {
        "reason": "OTHER",
        "reasonNotes": "TikTok Shop holds this order; VeriSync releases it",
        "handle": HOLD_HANDLE,
        "notifyMerchant": False,
    }


def own_holds(node: Mapping[str, Any]) -> list[str]:
    """The ids of our own holds on a fulfillment order; those of others stay."""
    return [
        str(hold["id"])
        for hold in node.get("fulfillmentHolds") or []
        if hold.get("heldByRequestingApp") and hold.get("handle") == HOLD_HANDLE
    ]


def order_update(external_id: str, draft: OrderDraft) -> dict[str, Any]:
    """What was not known while the order was held: whom it is for. The customer's record cannot be made afterwards."""
    found: dict[str, Any] = {"id": external_id, "note": draft.note[:5000]}
    if draft.address is not None:
        found["shippingAddress"] = _address(draft.address, draft.phone)
    if draft.email and "*" not in draft.email:
        found["email"] = draft.email
    return found


def location_gid(text: str) -> str:
    """The location's gid, from it or from its number, as the address of its page has it. Raises PermanentError."""
    found = re.fullmatch(r"(?:gid://shopify/Location/)?([0-9]{1,20})", text.strip())
    if found is None:
        raise PermanentError(f"“{text.strip()[:60]}” is not the id of a location", reason="NOT_SUPPORTED")
    return f"gid://shopify/Location/{found[1]}"


def is_elsewhere(node: Mapping[str, Any], location: str) -> bool:
    """Whether a fulfillment order has anything to ship, and is at another location."""
    there = ((node.get("assignedLocation") or {}).get("location") or {}).get("id")
    return node.get("status") not in ("CLOSED", "CANCELLED", "INCOMPLETE") and there != location


def fulfillment_input(orders: Sequence[Mapping[str, Any]], parcel: Shipment) -> dict[str, Any]:
    """A parcel that left elsewhere, of all that is open or of the lines that hold the parcel's line ids; where one of
    them is made of several SKUs, each by its own.

    Raises PermanentError where less than that is open.
    """
    wanted: dict[str, dict[str, int]] = {}
    for line in parcel.lines or ():
        for line_id in line.source_line_ids:
            units = wanted.setdefault(line_id, {})
            units[_key(line.sku)] = units.get(_key(line.sku), 0) + line.quantity
    groups = []
    for each in orders:
        rows = []
        for item in (each.get("lineItems") or {}).get("nodes") or []:
            left = int(item.get("remainingQuantity") or 0)
            count = left if parcel.lines is None else _take(wanted, item.get("lineItem") or {}, left)
            if count:
                rows.append({"id": item["id"], "quantity": count})
        if rows:
            groups.append({"fulfillmentOrderId": each["id"], "fulfillmentOrderLineItems": rows})
    if any(any(units.values()) for units in wanted.values()) or not groups:
        raise PermanentError("Shopify's order has nothing open to be recorded as shipped", reason="REMOTE_ERROR")
    tracking = {"company": parcel.carrier, "number": parcel.tracking_number, "url": parcel.tracking_url}
    return {
        "lineItemsByFulfillmentOrder": groups,
        "trackingInfo": {key: text for key, text in tracking.items() if text},
        "notifyCustomer": False,
    }


def _take(wanted: Mapping[str, dict[str, int]], line: Mapping[str, Any], left: int) -> int:
    """How many of the wanted units this line of the order has; they are wanted no more."""
    count = 0
    for line_id in source_line_ids(line.get("customAttributes") or []):
        units = wanted.get(line_id, {})
        key = next(iter(units)) if len(units) == 1 else _key(str(line.get("sku") or ""))
        taken = min(left - count, units.get(key, 0))
        if taken:
            units[key] -= taken
            count += taken
    return count


def _key(sku: str) -> str:
    return sku.strip().casefold()


# Refusals


def refusal(
    errors: Sequence[Mapping[str, Any]], doing: str, variables: Mapping[str, Any] | None = None
) -> PlatformError:
    """A payload's userErrors as one failure: nothing was done. Names the field, never a buyer's value."""
    first = errors[0] or {}
    path = ".".join(str(part) for part in first.get("field") or [])
    code, said = str(first.get("code") or ""), str(first.get("message") or "")
    message = f"Shopify refused {doing}: {path + ': ' if path else ''}{_without_buyer(said, variables or {})}"
    if not path and _TOO_MANY.search(said):
        # Trial and development stores take 5 new orders a minute (page of orderCreate; words not given).
        return RateLimited(message, code=code, reason="RATE_LIMITED", retry_after=60.0)
    if code == "SHOP_DORMANT":
        return TemporaryError(message, code=code, reason="REMOTE_ERROR", retry_after=3600.0)
    return PermanentError(message, code=code, reason=_reason(path.lower(), code, said.lower()))


def _reason(path: str, code: str, said: str) -> str:
    if code == "INVENTORY_CLAIM_FAILED":
        return "OUT_OF_STOCK"
    is_taken = any(word in said for word in ("taken", "unique", "already")) or code == "TAKEN"
    if is_taken and any(word in path + " " + said for word in ("metafield", REFERENCE_KEY)):
        return "DUPLICATE_FOUND"
    if "address" in path:
        return "ADDRESS_INVALID"
    return "PRODUCT_DELETED" if "variant" in path or "variant" in said else "REMOTE_ERROR"


def _without_buyer(text: str, variables: Mapping[str, Any]) -> str:
    order = variables.get("order") or {}
    address, customer = (
        order.get("shippingAddress") or {},
        (order.get("customer") or {}).get("toUpsert") or {},
    )
    values = {str(value) for value in (*address.values(), *customer.values(), order.get("note")) if value}
    for value in sorted(values, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return _PERSONAL.sub("…", text)[:300]
