"""What may stand in a request: fields, lengths, enums. An unknown or read-only field is a violation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Violations = list[dict[str, str]]
GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)


def _wrong(where: str, rule: str, text: str) -> Violations:
    return [{"field": where, "description": text, "violatedRule": rule}]


@dataclass(frozen=True)
class Text:
    longest: int = 0
    shortest: int = 0
    pattern: str = ""

    def check(self, value: Any, where: str) -> Violations:
        if not isinstance(value, str):
            return _wrong(where, "FORMAT", "must be a string")
        if self.longest and len(value) > self.longest:
            return _wrong(where, "MAX_LENGTH", f"has size {len(value)}, expected {self.longest} or less")
        if len(value) < self.shortest:
            return _wrong(where, "MIN_LENGTH", f"must have at least {self.shortest} characters")
        if self.pattern and not re.fullmatch(self.pattern, value):
            return _wrong(where, "FORMAT", "does not have the expected format")
        return []


@dataclass(frozen=True)
class Choice:
    values: frozenset[str]

    def check(self, value: Any, where: str) -> Violations:
        return [] if value in self.values else _wrong(where, "INVALID_ENUM_VALUE", "is not a value of the enum")


@dataclass(frozen=True)
class Number:
    least: float | None = None
    most: float | None = None

    def check(self, value: Any, where: str) -> Violations:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong(where, "FORMAT", "must be a number")
        if self.least is not None and value < self.least:
            return _wrong(where, "MIN", f"must be at least {self.least}")
        if self.most is not None and value > self.most:
            return _wrong(where, "MAX", f"must be at most {self.most}")
        return []


@dataclass(frozen=True)
class Flag:
    def check(self, value: Any, where: str) -> Violations:
        return [] if isinstance(value, bool) else _wrong(where, "FORMAT", "must be true or false")


@dataclass(frozen=True)
class Moment:
    def check(self, value: Any, where: str) -> Violations:
        try:
            return [] if datetime.fromisoformat(value).tzinfo else _wrong(where, "FORMAT", "needs a time zone")
        except (TypeError, ValueError):
            return _wrong(where, "FORMAT", "is not a date")


@dataclass(frozen=True)
class Anything:
    def check(self, value: Any, where: str) -> Violations:
        return []


@dataclass(frozen=True)
class Shape:
    fields: Mapping[str, Any]
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    def check(self, value: Any, where: str) -> Violations:
        if not isinstance(value, dict):
            return _wrong(where, "FORMAT", "must be an object")
        before = f"{where}." if where else ""
        found: Violations = []
        for name in self.required:
            if value.get(name) is None:
                found += _wrong(before + name, "REQUIRED_FIELD", "must not be empty")
        if self.one_of and not any(value.get(name) for name in self.one_of):
            found += _wrong(where, "REQUIRED_ONE_OF_FIELD", f"must have one of {', '.join(self.one_of)}")
        for name, part in value.items():
            if name not in self.fields:
                found += _wrong(before + name, "FIELD_NOT_ALLOWED", "is unknown or read-only")
            elif part is not None:
                found += self.fields[name].check(part, before + name)
        return found


@dataclass(frozen=True)
class Many:
    of: Any
    most: int = 0
    least: int = 0

    def check(self, value: Any, where: str) -> Violations:
        if not isinstance(value, list):
            return _wrong(where, "FORMAT", "must be an array")
        if self.most and len(value) > self.most:
            return _wrong(where, "MAX_SIZE", f"has size {len(value)}, expected {self.most} or less")
        if len(value) < self.least:
            return _wrong(where, "MIN_SIZE", f"must have at least {self.least} entries")
        return [each for place, part in enumerate(value) for each in self.of.check(part, f"{where}[{place}]")]


def _choice(text: str) -> Choice:
    return Choice(frozenset(text.split()))


GUID_TEXT = Text(pattern=GUID.pattern.replace("a-f", "a-fA-F"))
PRICE = Shape({"amount": Text(pattern=r"-?\d+(\.\d+)?")}, ("amount",))
TAX_INFO = Shape(
    {
        "taxAmount": PRICE,
        "taxableAmount": PRICE,
        "taxRate": Text(pattern=r"\d+(\.\d{1,6})?"),
        "taxGroupId": GUID_TEXT,
        "taxIncludedInPrice": Flag(),
        "taxBreakdown": Many(Anything(), 7),
    }
)
ADDRESS = Shape(
    {
        "country": Text(pattern=r"[A-Z]{2}"),
        "subdivision": Text(50),
        "city": Text(50),
        "postalCode": Text(50),
        "streetAddress": Anything(),
        "addressLine": Text(150),
        "addressLine2": Text(100),
        "geocode": Anything(),
    }
)
CONTACT = Shape(
    {
        "firstName": Text(100),
        "lastName": Text(100),
        "phone": Text(pattern=r"[+0-9 ().-]{3,50}"),
        "company": Text(1000),
        "vatId": Anything(),
    }
)
PLACE = Shape({"address": ADDRESS, "contactDetails": CONTACT})
LINE = Shape(
    {
        "id": GUID_TEXT,
        "productName": Shape({"original": Text(200, 1), "translated": Text(400, 1)}, ("original",)),
        "catalogReference": Shape(
            {"catalogItemId": Text(36, 1), "appId": Text(0, 1), "options": Anything()}, ("catalogItemId", "appId")
        ),
        "quantity": Number(1, 100_000),
        "descriptionLines": Many(
            Shape(
                {
                    "plainText": Shape({"original": Text(600), "translated": Text(600)}),
                    "colorInfo": Anything(),
                    "name": Shape({"original": Text(100), "translated": Text(200)}),
                }
            ),
            20,
        ),
        "image": Anything(),
        "physicalProperties": Shape({"weight": Number(), "sku": Text(40), "shippable": Flag()}),
        "itemType": Shape(
            {"preset": _choice("UNRECOGNISED PHYSICAL DIGITAL GIFT_CARD SERVICE"), "custom": Text()},
            one_of=("preset", "custom"),
        ),
        "fulfillerId": GUID_TEXT,
        "price": PRICE,
        "paymentOption": _choice(
            "FULL_PAYMENT_ONLINE FULL_PAYMENT_OFFLINE MEMBERSHIP DEPOSIT_ONLINE MEMBERSHIP_OFFLINE"
        ),
        "taxInfo": TAX_INFO,
        "taxDetails": Anything(),
        "locations": Many(Anything(), 5),
        "lineItemPrice": PRICE,
        "extendedFields": Anything(),
    },
    ("itemType", "price", "productName", "quantity"),
)
ORDER = Shape(
    {
        "lineItems": Many(LINE, 300, 1),
        "buyerInfo": Shape(
            {
                "visitorId": GUID_TEXT,
                "memberId": GUID_TEXT,
                "contactId": GUID_TEXT,
                "email": Text(pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+"),
            }
        ),
        "paymentStatus": _choice(
            "NOT_PAID PAID PARTIALLY_REFUNDED FULLY_REFUNDED PENDING PARTIALLY_PAID PENDING_MERCHANT CANCELED DECLINED"
        ),
        "buyerLanguage": Text(),
        "weightUnit": _choice("KG LB"),
        "currency": Text(pattern=r"[A-Z]{3}"),
        "currencyConversionDetails": Shape(
            {"originalCurrency": Text(pattern=r"[A-Z]{3}"), "conversionRate": Text()},
            ("originalCurrency", "conversionRate"),
        ),
        "taxIncludedInPrices": Flag(),
        "priceSummary": Shape(
            dict.fromkeys(("subtotal", "shipping", "tax", "discount", "total", "totalAdditionalFees"), PRICE)
        ),
        "billingInfo": PLACE,
        "recipientInfo": PLACE,
        "shippingInfo": Shape(
            {
                "carrierId": Text(100, 1),
                "code": Text(100, 1),
                "title": Text(250),
                "logistics": Shape(
                    {
                        "shippingDestination": PLACE,
                        "deliveryTime": Text(500),
                        "instructions": Text(1000),
                        "pickupDetails": Anything(),
                        "deliveryTimeSlot": Anything(),
                    }
                ),
                "cost": Shape({"price": PRICE, "taxInfo": TAX_INFO}),
                "region": Anything(),
            }
        ),
        "buyerNote": Text(1000),
        "status": _choice("INITIALIZED APPROVED CANCELED PENDING REJECTED"),
        "archived": Flag(),
        "taxInfo": Shape({"totalTax": PRICE, "taxBreakdown": Many(Anything(), 50)}),
        "appliedDiscounts": Many(
            Shape(
                {
                    "merchantDiscount": Shape(
                        {"discountReason": Anything(), "description": Text(200), "amount": PRICE}
                    ),
                    "coupon": Shape({"id": Text(), "code": Text(), "name": Text(), "amount": PRICE}),
                    "discountRule": Anything(),
                    "discountType": _choice("GLOBAL SPECIFIC_ITEMS SHIPPING"),
                    "id": GUID_TEXT,
                    "lineItemDiscounts": Many(Anything(), 300),
                }
            ),
            320,
        ),
        "attributionSource": Anything(),
        "channelInfo": Shape(
            {
                "type": _choice("WEB POS EBAY AMAZON OTHER_PLATFORM WISH FACEBOOK ETSY TIKTOK FAIRE_COM WIX_APP_STORE"),
                "externalOrderId": Text(100),
                "externalOrderUrl": Text(300),
            },
            ("type",),
        ),
        "seenByAHuman": Flag(),
        "checkoutId": GUID_TEXT,
        "customFields": Many(
            Shape({"value": Anything(), "title": Text(500, 1), "translatedTitle": Text(500, 1)}, ("title",))
        ),
        "additionalFees": Many(
            Shape(
                {
                    "code": Text(100, 1),
                    "name": Text(50, 1),
                    "price": PRICE,
                    "taxInfo": TAX_INFO,
                    "priceBeforeTax": PRICE,
                    "priceAfterTax": PRICE,
                    "id": GUID_TEXT,
                    "lineItemIds": Many(GUID_TEXT),
                }
            ),
            100,
        ),
        "extendedFields": Anything(),
        "tags": Anything(),
        "purchasedDate": Moment(),
        "businessLocation": Anything(),
    },
    ("channelInfo", "lineItems", "priceSummary"),
)
CREATE = Shape(
    {
        "order": ORDER,
        "settings": Shape(
            {
                "orderApprovalStrategy": _choice("DEFAULT PAYMENT_RECEIVED PAYMENT_METHOD_SAVED"),
                "notifications": Shape({"sendNotificationToBuyer": Flag(), "sendNotificationsToBusiness": Flag()}),
                "editableByOwnerApps": Anything(),
                "editableByEveryone": Flag(),
            }
        ),
    },
    ("order",),
)
SORTS = Shape({"fieldName": Text(512), "order": _choice("ASC DESC"), "origin": Anything()})
SEARCH = Shape(
    {
        "search": Shape(
            {
                "cursorPaging": Shape({"limit": Number(1, 100), "cursor": Text(16_000)}),
                "filter": Anything(),
                "sort": Many(SORTS, 4),
            }
        )
    }
)
VARIANTS = Shape(
    {
        "query": Shape(
            {
                "cursorPaging": Shape({"limit": Number(1, 1000), "cursor": Text(16_000)}),
                "filter": Anything(),
                "sort": Many(Shape({"fieldName": Text(512), "order": _choice("ASC DESC")}), 5),
            }
        ),
        "fields": Many(_choice("CURRENCY MERCHANT_DATA SUBSCRIPTION_PRICES_INFO WEIGHT_MEASUREMENT_UNIT_INFO"), 100),
    }
)
CANCEL = Shape({"sendOrderCanceledEmail": Flag(), "restockAllItems": Flag(), "customMessage": Text(1000, 1)})
FULFILLMENT = Shape(
    {
        "fulfillment": Shape(
            {
                "lineItems": Many(Shape({"id": GUID_TEXT, "quantity": Number(1, 100_000)}, ("id",)), 300),
                "trackingInfo": Shape(
                    {"trackingNumber": Text(100, 1), "shippingProvider": Text(100, 1), "trackingLink": Text(2048, 1)}
                ),
                "customInfo": Anything(),
                "status": Text(100, 1),
                "completed": Flag(),
            }
        )
    },
    ("fulfillment",),
)
PAYMENTS = Shape(
    {
        "payments": Many(
            Shape(
                {
                    "amount": PRICE,
                    "createdDate": Moment(),
                    "refundDisabled": Flag(),
                    "status": _choice("APPROVED PENDING PENDING_MERCHANT CANCELED DECLINED REFUNDED"),
                    "regularPaymentDetails": Shape(
                        {
                            "offlinePayment": Flag(),
                            "paymentMethod": Text(150),
                            "paymentMethodName": Anything(),
                            "providerTransactionId": Text(100),
                            "gatewayTransactionId": Text(100),
                            "paymentOrderId": Text(100),
                            "status": _choice("APPROVED PENDING PENDING_MERCHANT CANCELED DECLINED REFUNDED"),
                        }
                    ),
                },
                ("amount",),
            ),
            50,
            1,
        )
    },
    ("payments",),
)
