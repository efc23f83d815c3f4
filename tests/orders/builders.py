"""Orders as a source would tell them, for tests that start behind the border."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base.types import (
    Address,
    AddressState,
    LineItem,
    Payment,
    PlatformOrder,
    Shipper,
    SourceStatus,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

JANE = Address(
    name="Jane Doe",
    first_name="Jane",
    last_name="Doe",
    phone="+1 201 555 0123",
    line1="12 Harbor Street",
    line2="",
    line3="",
    line4="",
    city="Hoboken",
    province="New Jersey",
    province_code="NJ",
    postal_code="07030",
    country_code="US",
)


def line(
    external_id: str = "576461413038785752", *, sku: str = "CND-FIG-08", price: int = 2400, **changes: Any
) -> LineItem:
    """One unit of a candle."""
    made = LineItem(
        external_id=external_id,
        product_id="1729382256910270851",
        variant_id="1729382256910336387",
        sku=sku,
        title="Fig & Cedar Candle, 8 oz",
        variant_title="Default",
        quantity=1,
        original_price=price,
        sale_price=price,
        seller_discount=0,
        platform_discount=0,
        tax=0,
        status="AWAITING_SHIPMENT",
    )
    return replace(made, **changes)


def payment(*, products: int = 2400, currency: str = "USD", **changes: Any) -> Payment:
    """Amounts that balance: subtotal and total are computed from the parts; `tax_inside` puts the tax into prices."""
    parts: dict[str, Any] = {
        "seller_discount": 0,
        "platform_discount": 0,
        "shipping": 0,
        "tax": 0,
        "fees": {},
        "tax_inside": False,
        **changes,
    }
    inside = parts.pop("tax_inside")
    subtotal = products - parts["seller_discount"] - parts["platform_discount"]
    total = subtotal + parts["shipping"] + sum(parts["fees"].values()) + (0 if inside else parts["tax"])
    made = {
        "currency": currency,
        "product_total": products,
        "subtotal": subtotal,
        "original_shipping": parts["shipping"],
        "shipping_seller_discount": 0,
        "shipping_platform_discount": 0,
        "product_tax": parts["tax"],
        "shipping_tax": 0,
        "total": total,
    }
    return Payment(**{**made, **parts})


def seen(status: SourceStatus = SourceStatus.ON_HOLD, **changes: Any) -> PlatformOrder:
    """An order of one candle for Jane, paid at NOON; on hold there is no address yet."""
    is_known = status not in (SourceStatus.UNPAID, SourceStatus.ON_HOLD)
    made = PlatformOrder(
        external_id="576461413038785751",
        status=status,
        status_text=status.value,
        created_at=NOON,
        updated_at=NOON,
        paid_at=None if status is SourceStatus.UNPAID else NOON,
        is_on_hold_order=True,
        is_preorder=False,
        is_sample=False,
        shipper=Shipper.SELLER,
        buyer_id="7494544224327371970",
        buyer_email="v2b2V4@chat.seller.tiktok.com",
        buyer_message="",
        address=JANE if is_known else None,
        address_state=AddressState.COMPLETE if is_known else AddressState.MISSING,
        payment=payment(),
        lines=(line(),),
        packages=(),
        warehouse_id="7000714532876273420",
        delivery_option_id="7091146663229654785",
        delivery_option_name="Standard shipping",
        ship_by=NOON + timedelta(days=2),
        auto_cancel_at=None,
        deliver_by=None,
        cancel_requested=False,
        cancel_requested_at=None,
        cancel_reason="",
        cancelled_by="",
        raw={"id": "576461413038785751"},
    )
    return replace(made, **changes)
