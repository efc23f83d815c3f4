"""The dataclasses that cross the border between a platform's dialect and our own code.

Money is an integer of minor units beside one currency per order; times are aware UTC; ids are strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class RawRequest:
    """An incoming HTTP request as it was: raw body, headers with lower-case names, query pairs."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets us speak for one store. Kept encrypted; never logged, never shown."""

    access_token: str = field(repr=False)
    access_expires_at: datetime | None = None
    refresh_token: str = field(default="", repr=False)
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """A shop or storefront as the platform names it. `extra` holds what each call needs, such as a shop cipher;
    `options` is what the merchant chose for it, by the names of the connector's StoreOptions."""

    external_id: str
    name: str
    region: str = ""
    currency: str = ""
    domain: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


class SourceStatus(StrEnum):
    """The source's order status in our spelling; UNKNOWN keeps the platform's own word beside it."""

    UNPAID = "UNPAID"
    ON_HOLD = "ON_HOLD"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PARTIALLY_SHIPPING = "PARTIALLY_SHIPPING"
    AWAITING_COLLECTION = "AWAITING_COLLECTION"
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


class Shipper(StrEnum):
    """Who moves the parcel: the seller, the platform's label, or the platform's own warehouse."""

    SELLER = "SELLER"
    PLATFORM = "PLATFORM"
    PLATFORM_WAREHOUSE = "PLATFORM_WAREHOUSE"


class AddressState(StrEnum):
    """COMPLETE can be shipped to; MASKED and MISSING mean: wait, and never make one up."""

    COMPLETE = "COMPLETE"
    MASKED = "MASKED"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes. `province_code` is an ISO 3166-2 part ("NJ") where one could be told, else empty."""

    name: str
    first_name: str
    last_name: str
    phone: str
    line1: str
    line2: str
    line3: str
    line4: str
    city: str
    province: str
    province_code: str
    postal_code: str
    country_code: str
    full_text: str = ""


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line at the source. On TikTok Shop one line is one unit; several may be grouped later."""

    external_id: str
    product_id: str
    variant_id: str
    sku: str
    title: str
    variant_title: str
    quantity: int
    original_price: int
    sale_price: int
    seller_discount: int
    platform_discount: int
    tax: int
    status: str
    is_gift: bool = False
    image_url: str = ""
    package_id: str = ""
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """What the buyer paid, part by part, in minor units of `currency`. `fees` maps a fee's own name to its amount."""

    currency: str
    product_total: int
    seller_discount: int
    platform_discount: int
    subtotal: int
    original_shipping: int
    shipping_seller_discount: int
    shipping_platform_discount: int
    shipping: int
    product_tax: int
    shipping_tax: int
    tax: int
    fees: Mapping[str, int]
    total: int


@dataclass(frozen=True, slots=True)
class Package:
    """A parcel as the source knows it."""

    external_id: str
    line_ids: tuple[str, ...] = ()
    tracking_number: str = ""
    carrier_id: str = ""
    carrier_name: str = ""


@dataclass(frozen=True, slots=True)
class PlatformOrder:
    """An order as it stands at the source. `raw` is what was read; nothing past mapping.py looks into it.

    `payment` is None when the platform sent no amounts that could be read; the reason is in `problems`.
    `replaces_id` is the order whose goods this one sends once more, or others in their place. `told_at` is the source's
    own clock when it told this, where it said so; it belongs to the reading, and is not kept.
    """

    external_id: str
    status: SourceStatus
    status_text: str
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    is_on_hold_order: bool
    is_preorder: bool
    is_sample: bool
    shipper: Shipper
    buyer_id: str
    buyer_email: str
    buyer_message: str
    address: Address | None
    address_state: AddressState
    payment: Payment | None
    lines: tuple[LineItem, ...]
    packages: tuple[Package, ...]
    warehouse_id: str
    delivery_option_id: str
    delivery_option_name: str
    ship_by: datetime | None
    auto_cancel_at: datetime | None
    deliver_by: datetime | None
    cancel_requested: bool
    cancel_requested_at: datetime | None
    cancel_reason: str
    cancelled_by: str
    release_date: datetime | None = None
    is_made_to_order: bool = False
    handling_days: int | None = None  # the seller's own time to make it, in working days, where it is told
    replaces_id: str = ""
    problems: tuple[str, ...] = ()
    told_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Tracking:
    """One parcel to report to the source: which lines are in it, who carries it, under which number."""

    line_ids: tuple[str, ...]
    carrier_id: str
    tracking_number: str
    package_ids: tuple[str, ...] = ()
    covers_whole_order: bool = False


@dataclass(frozen=True, slots=True)
class TrackingReceipt:
    """The source's answer to a tracking number. A warning means taken, but doubted."""

    package_id: str
    warning: str = ""
    already_there: bool = False


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier the source accepts."""

    external_id: str
    name: str


class Stock(StrEnum):
    """What a new order does to the store's stock."""

    DEDUCT = "DEDUCT"  # also below zero
    OBEY = "OBEY"  # the store refuses what it has not
    KEEP = "KEEP"


@dataclass(frozen=True, slots=True)
class ShippingSetup:
    """What a source says of a shop: who ships its orders, and from where and to where parcels go.

    `is_by_seller` is None where it does not say; `is_platform_offered`: the platform's own shipping is there as well.
    The warehouses are the names of the default one that is in use, and of one that takes returns; empty when none is.
    """

    is_by_seller: bool | None
    is_platform_offered: bool = False
    option_names: tuple[str, ...] = ()
    sales_warehouse: str = ""
    return_warehouse: str = ""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line as the destination will receive it. `unit_price` is before discounts; without `variant_id` it is a custom
    line."""

    variant_id: str
    sku: str
    title: str
    variant_title: str
    quantity: int
    unit_price: int
    source_line_ids: tuple[str, ...]
    is_gift: bool = False
    requires_shipping: bool = True


@dataclass(frozen=True, slots=True)
class DraftCharge:
    """An amount with a title that is no product: shipping, or a fee."""

    title: str
    code: str
    amount: int


@dataclass(frozen=True, slots=True)
class DraftTax:
    """A tax of the whole order. `rate` is a decimal text such as "0.0825"."""

    title: str
    rate: str
    amount: int


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """Everything a destination needs to create the order. The equation of orders/money.py holds for it.

    total = sum(lines) - discount + sum(charges) + (0 if tax_included else sum(taxes)). The first charge is shipping,
    its code being the destination's own method where the merchant mapped one; the others are fees.

    `address` is None for an order that the source ships, which shows none (only for a destination whose features say
    `without_address`), or that may not be shipped yet. `number` is the name it is to have, empty for the store's own
    numbering. `location_id` is the store's, empty for its own choice. `remarks`: what the merchant's rules ask for and
    this store cannot do, in sentences without buyers' data.
    """

    source_external_id: str
    source_store_id: str
    source_store_name: str
    source_url: str
    created_at: datetime
    currency: str
    buyer_id: str
    email: str
    phone: str
    address: Address | None
    lines: tuple[DraftLine, ...]
    discount: int
    charges: tuple[DraftCharge, ...]
    taxes: tuple[DraftTax, ...]
    tax_included: bool
    total: int
    tags: tuple[str, ...]
    note: str
    attributes: tuple[tuple[str, str], ...]
    number: str = ""
    is_own_email: bool = False  # the merchant's, not the buyer's: no customer is made of it
    stock: Stock = Stock.DEDUCT
    location_id: str = ""
    rounding: int = 0  # above 0 it is the charge with this code, below 0 a part of the discount
    is_on_hold: bool = False  # the source holds it: not paid yet, and whom it is for is not known
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A draft as the one request that makes the order, byte for byte; `path` is without the host, `headers` without
    the token. `remarks`: what is written otherwise than drafted, to fit the platform's limits."""

    method: str
    path: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenOut:
    """One of the destination's lines of whose `quantity` so many `units` were refunded or removed there, by whomever.
    `waiting` are still to be shipped: of those that are neither, the rest has left. `source_line_ids` as in
    ShipmentLine."""

    sku: str
    quantity: int
    units: int
    waiting: int
    source_line_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order as it stands at the destination. `total` is None where the platform did not say.

    `remarks`: what was written otherwise than drafted, to fit the platform's limits, in sentences without buyers' data.
    `problem`: why the platform will not fulfill it, with the stable reason; empty while all is well. `cancel_reason` is
    the platform's own word for why it was cancelled, where it has one. `taken_out` only where one order is read, by a
    platform that tells units that were taken out.
    """

    external_id: str
    name: str
    url: str
    reference: str = ""
    is_cancelled: bool = False
    total: int | None = None
    currency: str = ""
    updated_at: datetime | None = None
    remarks: tuple[str, ...] = ()
    problem: str = ""
    problem_reason: str = ""
    cancel_reason: str = ""
    taken_out: tuple[TakenOut, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelReceipt:
    """The destination's answer to a cancel: done, or still being worked on."""

    is_cancelled: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """Units in a shipment. `source_line_ids` are those we wrote into the destination's line, if any."""

    sku: str
    quantity: int
    source_line_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel that left the destination. No tracking number yet = `tracking_number` is empty.

    `lines` is None where the platform does not say what is in it; `postal_code`, where it went, if it says so.
    """

    external_id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    lines: tuple[ShipmentLine, ...] | None
    shipped_at: datetime | None
    is_cancelled: bool = False
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A product variant in the destination's catalog."""

    external_id: str
    sku: str
    title: str
    variant_title: str = ""
    stock: int | None = None
