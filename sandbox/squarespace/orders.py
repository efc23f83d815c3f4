"""Creating, listing and fulfilling orders."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.squarespace.errors import Refused, invalid, missing
from sandbox.squarespace.notices import Notices
from sandbox.squarespace.state import Site, State

REQUIRED = (
    "channelName",
    "externalOrderReference",
    "createdOn",
    "lineItems",
    "grandTotal",
    "priceTaxInterpretation",
    "fulfillments",
)
FIELDS = frozenset(REQUIRED) | {
    "customerEmail",
    "billingAddress",
    "shippingAddress",
    "inventoryBehavior",
    "fulfillmentStatus",
    "fulfilledOn",
    "shopperFulfillmentNotificationBehavior",
    "shippingLines",
    "discountLines",
    "subtotal",
    "shippingTotal",
    "discountTotal",
    "taxTotal",
}
LINE_FIELDS = frozenset({"lineItemType", "variantId", "quantity", "unitPricePaid", "nonSaleUnitPrice", "title"})
ADDRESS_FIELDS = frozenset(
    {"firstName", "lastName", "address1", "address2", "city", "state", "countryCode", "postalCode", "phone"}
)
SHIPMENT_FIELDS = frozenset({"shipDate", "carrierName", "service", "trackingNumber", "trackingUrl"})
CHOICES = {
    "priceTaxInterpretation": {"EXCLUSIVE", "INCLUSIVE"},
    "inventoryBehavior": {"DEDUCT", "SKIP"},
    "fulfillmentStatus": {"PENDING", "FULFILLED"},
    "shopperFulfillmentNotificationBehavior": {"SEND", "SKIP"},
}
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Orders:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    # Creating

    def create(self, site: Site, body: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
        """The order, and whether it is new or replayed. Raises Refused."""
        now = self.state.world.now()
        if not key:
            raise missing("Idempotency-Key")
        if not KEY.fullmatch(key):
            raise invalid("Idempotency-Key is not valid")
        sent = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        kept = site.keys.get(key)
        if kept and kept["at"] > now - site.key_life:
            if kept["sent"] != sent:
                raise Refused(site.mismatch_status, "Idempotency-Key was used with other parameters")
            return self.shown(site, site.orders[kept["order"]]), "replayed"
        if site.creates_per_hour:
            recent = sum(1 for order in site.orders.values() if order["made"] > now - 3600)
            if recent >= site.creates_per_hour:
                raise Refused(429, "Too many orders were created")
        self._check(site, body)
        if body.get("inventoryBehavior") == "DEDUCT":
            self._deduct(site, body["lineItems"])
        order = self._make(site, body)
        site.orders[order["id"]] = order
        site.keys[key] = {"at": now, "sent": sent, "order": order["id"]}
        self.state.world.ledger_add(
            "squarespace",
            "order.created",
            order["id"],
            shop=site.id,
            name=order["orderNumber"],
            reference=order["externalOrderReference"],
            total=order["grandTotal"]["value"],
            lines={line["sku"]: line["quantity"] for line in order["lineItems"]},
            content=body,
        )
        self.notices.order(site, "order.create", order["id"], None)
        return self.shown(site, order), "made"

    def _check(self, site: Site, body: dict[str, Any]) -> None:
        for name in REQUIRED:
            if body.get(name) is None:
                raise missing(name)
        if site.strict_fields:
            _only(FIELDS, body, "")
        for name, longest in (("channelName", 30), ("externalOrderReference", 200)):
            if not isinstance(body[name], str) or not 1 <= len(body[name]) <= longest:
                raise invalid(f"{name} must be a text of 1 to {longest} characters")
        for name, choices in CHOICES.items():
            if body.get(name) is not None and body[name] not in choices:
                raise invalid(f"{name} must be one of {sorted(choices)}")
        if body.get("fulfillmentStatus") == "FULFILLED" and not body.get("fulfilledOn"):
            raise missing("fulfilledOn")
        moment(body["createdOn"], "createdOn")
        for name in ("grandTotal", "subtotal", "shippingTotal", "discountTotal", "taxTotal"):
            if body.get(name) is not None:
                money(body[name], name)
        for name in ("shippingAddress", "billingAddress"):
            if body.get(name) is not None:
                _only(ADDRESS_FIELDS, _object(body[name], name), f"{name}.")
        _each(body, "shippingLines", ("method", "amount"))
        _each(body, "discountLines", ("name", "amount"))
        self._check_lines(site, body["lineItems"])
        _shipments(body["fulfillments"], "fulfillments")

    def _check_lines(self, site: Site, lines: Any) -> None:
        if not isinstance(lines, list) or not lines:
            raise missing("lineItems")
        for place, line in enumerate(lines):
            where = f"lineItems[{place}]"
            for name in ("lineItemType", "quantity", "unitPricePaid"):
                if _object(line, where).get(name) is None:
                    raise missing(f"{where}.{name}")
            if site.strict_fields:
                _only(LINE_FIELDS, line, f"{where}.")
            if line["lineItemType"] != "PHYSICAL_PRODUCT":
                raise invalid(f"{where}.lineItemType is not supported")
            if line.get("title") is not None:
                raise invalid("lineItems.title must be null or omitted")
            if type(line["quantity"]) is not int or line["quantity"] < 1:
                raise invalid(f"{where}.quantity must be a whole number of at least 1")
            money(line["unitPricePaid"], f"{where}.unitPricePaid")
            if not line.get("variantId"):
                raise missing(f"{where}.variantId")
            if line["variantId"] not in site.variants:
                raise invalid(f"{where}.variantId is not a product variant of this site")

    def _deduct(self, site: Site, lines: list[dict[str, Any]]) -> None:
        wanted: dict[str, int] = {}
        for line in lines:
            wanted[line["variantId"]] = wanted.get(line["variantId"], 0) + line["quantity"]
        if any(site.variants[variant_id]["quantity"] < count for variant_id, count in wanted.items()):
            raise Refused(409, "Not enough stock for a variant")
        for variant_id, count in wanted.items():
            site.variants[variant_id]["quantity"] -= count

    def _make(self, site: Site, body: dict[str, Any]) -> dict[str, Any]:
        now = self.state.world.now()
        number, site.next_number = str(site.next_number), site.next_number + 1
        nothing = {"currency": body["grandTotal"]["currency"], "value": "0.00"}
        return {
            "id": secrets.token_hex(12),
            "orderNumber": number,
            "made": now,
            "modified": now,
            "createdOn": body["createdOn"],
            "channel": "external",
            "testmode": False,
            "customerEmail": body.get("customerEmail"),
            "billingAddress": body.get("billingAddress"),
            "shippingAddress": body.get("shippingAddress"),
            "fulfillmentStatus": body.get("fulfillmentStatus") or "PENDING",
            "lineItems": [self._line(site, line) for line in body["lineItems"]],
            "shippingLines": body.get("shippingLines") or [],
            "discountLines": body.get("discountLines") or [],
            "fulfillments": list(body["fulfillments"]),
            **{name: body.get(name) or nothing for name in ("subtotal", "shippingTotal", "discountTotal", "taxTotal")},
            "refundedTotal": nothing,
            "grandTotal": body["grandTotal"],
            "channelName": body["channelName"],
            "externalOrderReference": body["externalOrderReference"],
            "fulfilledOn": body.get("fulfilledOn"),
            "priceTaxInterpretation": body["priceTaxInterpretation"],
            "paymentState": "PAID",
            "internalNotes": [],
            "sent": body,
        }

    def _line(self, site: Site, line: dict[str, Any]) -> dict[str, Any]:
        variant = site.variants[line["variantId"]]
        return {
            "id": secrets.token_hex(12),
            "variantId": variant["id"],
            "sku": variant["sku"],
            "weight": 0.0,
            "width": 0.0,
            "length": 0.0,
            "height": 0.0,
            "productId": variant["productId"],
            "productName": variant["title"],
            "quantity": line["quantity"],
            "unitPricePaid": line["unitPricePaid"],
            "variantOptions": None,
            "customizations": None,
            "imageUrl": None,
            "lineItemType": line["lineItemType"],
        }

    # Reading

    def shown(self, site: Site, order: dict[str, Any]) -> dict[str, Any]:
        """As the API tells it: every field there, an empty array perhaps as null."""
        told = {name: value for name, value in order.items() if name not in ("made", "modified", "sent")}
        told |= {"modifiedOn": self.state.iso(order["modified"]), "customerId": None, "formSubmission": []}
        told["fulfillments"] = [
            {name: one.get(name) for name in ("shipDate", "carrierName", "service", "trackingNumber", "trackingUrl")}
            for one in order["fulfillments"]
        ]
        return nulled(site, told)

    def listing(self, site: Site, query: dict[str, str]) -> dict[str, Any]:
        """Newest change first. Dates go together, and never with a cursor."""
        dates = [query.get("modifiedAfter"), query.get("modifiedBefore")]
        if any(dates) and not all(dates):
            raise invalid("modifiedAfter and modifiedBefore must be given together")
        if query.get("cursor") and any(dates):
            raise invalid("cursor cannot be used with a date range")
        if query.get("cursor"):
            after, before, status, start = _read_cursor(query["cursor"])
        else:
            after, before = (moment(date, "modifiedAfter") if date else None for date in dates)
            status, start = query.get("fulfillmentStatus", ""), 0
        found = [
            order
            for order in site.orders.values()
            if (after is None or order["modified"] >= after)
            and (before is None or order["modified"] <= before)
            and status in ("", order["fulfillmentStatus"])
        ]
        found.sort(key=lambda order: (-order["modified"], order["id"]))
        page, is_more = found[start : start + site.page_size], len(found) > start + site.page_size
        cursor = json.dumps([after, before, status, start + site.page_size]).encode().hex() if is_more else None
        url = f"/1.0/commerce/orders?cursor={cursor}" if cursor else None
        pagination = {"nextPageUrl": url, "nextPageCursor": cursor, "hasNextPage": is_more}
        return nulled(site, {"result": [self.shown(site, order) for order in page], "pagination": pagination})

    # Changing

    def fulfill(self, site: Site, order: dict[str, Any], shipments: Any) -> None:
        _shipments(shipments, "shipments")
        for shipment in shipments:
            order["fulfillments"].append(dict(shipment))
            place = len(order["fulfillments"])
            facts = {"tracking_number": shipment.get("trackingNumber"), "carrier": shipment.get("carrierName")}
            self.state.world.ledger_add(
                "squarespace", "fulfillment.created", f"{order['id']}/{place}", order=order["id"], **facts
            )
        order["fulfillmentStatus"], order["fulfilledOn"] = "FULFILLED", self.state.iso()
        self.touch(site, order, "FULFILLED")

    def touch(self, site: Site, order: dict[str, Any], update: str) -> None:
        order["modified"] = self.state.world.now()
        self.notices.order(site, "order.update", order["id"], update)


def nulled(site: Site, told: dict[str, Any]) -> dict[str, Any]:
    """An empty array is told as [] or as null."""
    return {name: None if site.null_arrays and value == [] else value for name, value in told.items()}


def money(value: Any, name: str) -> None:
    """{"currency", "value"}, the value a decimal text within the currency's decimals."""
    if not isinstance(value, dict) or set(value) != {"currency", "value"} or not isinstance(value["value"], str):
        raise invalid(f"{name} must be an amount with currency and value")
    digits = 0 if value["currency"] in ("JPY", "KRW") else 2
    try:
        exponent = Decimal(value["value"]).as_tuple().exponent
    except InvalidOperation as error:
        raise invalid(f"{name}.value is not a decimal number") from error
    if not re.fullmatch(r"[A-Z]{3}", str(value["currency"])) or not isinstance(exponent, int) or -exponent > digits:
        raise invalid(f"{name} is not an amount of its currency")


def moment(text: Any, name: str) -> float:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise invalid(f"{name} is not an ISO 8601 date") from error
    if at.tzinfo is None:
        raise invalid(f"{name} must be UTC")
    return at.timestamp()


def _shipments(value: Any, name: str) -> None:
    if not isinstance(value, list) or len(value) > 100:
        raise invalid(f"{name} must be a list of at most 100")
    for shipment in value:
        _only(SHIPMENT_FIELDS, _object(shipment, name), f"{name}.")


def _each(body: dict[str, Any], name: str, required: tuple[str, ...]) -> None:
    for place, line in enumerate(body.get(name) or []):
        for part in required:
            if _object(line, name).get(part) is None:
                raise missing(f"{name}[{place}].{part}")
        money(line["amount"], f"{name}[{place}].amount")


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    return value


def _only(known: frozenset[str], given: dict[str, Any], where: str) -> None:
    if unknown := sorted(set(given) - known):
        raise invalid(f"{where}{unknown[0]} is not known")


def _read_cursor(text: str) -> tuple[float | None, float | None, str, int]:
    try:
        after, before, status, start = json.loads(bytes.fromhex(text))
    except ValueError as error:
        raise invalid("cursor is not valid") from error
    return after, before, status, start
