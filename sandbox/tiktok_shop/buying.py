"""Makes an order, with numbers that satisfy the platform's own equations."""

from __future__ import annotations

import copy
import hashlib
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.tiktok_shop.cast import PRODUCTS, TIKTOK_DELIVERY_OPTION, buyer_for
from sandbox.tiktok_shop.state import Order, Shop, State
from sandbox.world import ControlError

OPTIONS = frozenset(
    [
        "shop",
        "lines",
        "pay",
        "hold",
        "hold_seconds",
        "sample",
        "gift",
        "preorder",
        "release_date",
        "cod",
        "buyer",
        "discounts",
        "tax",
        "tax_rate",
        "shipping_fee",
        "shipping_discounts",
        "retail_delivery_fee",
        "message",
        "currency",
        "shipping_type",
        "fulfillment_type",
        "order_type",
        "address",
    ]
)


def money(amount: Decimal) -> str:
    """A decimal string without fixed scale, the way the platform writes it: "119", "4.9"."""
    return f"{amount.normalize():f}" if amount else "0"


def place_order(state: State, body: dict[str, Any]) -> Order:
    """Builds an UNPAID order from a `buy` control and keeps it. Raises ControlError for what it cannot sell."""
    if unknown := set(body) - OPTIONS:
        raise ControlError(f"unknown: {sorted(unknown)}")
    shop = state.shop(body.get("shop"))
    index, buyer = buyer_for(shop.region, body.get("buyer"))
    currency = str(body.get("currency") or shop.market.currency)
    lines = _lines(state, shop, body, currency)
    now = state.now()
    shipping_type = str(body.get("shipping_type") or shop.shipping_type)
    hold = bool(body.get("hold", shop.is_hold))
    order_type = body.get("order_type") or ("PRE_ORDER" if body.get("preorder") else "NORMAL")
    data: dict[str, Any] = {
        "id": state.new_id(),
        "user_id": f"749484526730841{index:04d}",
        "warehouse_id": shop.warehouse_id,
        "status": "UNPAID",
        "order_type": order_type,
        "create_time": now,
        "update_time": now,
        "is_on_hold_order": hold,
        "is_sample_order": bool(body.get("sample")),
        "is_replacement_order": False,
        "is_exchange_order": False,
        "is_cod": bool(body.get("cod")),
        "buyer_email": f"v4b{hashlib.sha256(str(index).encode()).hexdigest()[:20].upper()}@scs.tiktok.com",
        "buyer_message": str(body.get("message", "")),
        "seller_note": "",
        "payment": _payment(shop, body, currency, lines),
        "payment_method_name": "Cash on delivery" if body.get("cod") else "Credit/debit card",
        "recipient_address": {**copy.deepcopy(buyer), **body.get("address", {})},
        "has_updated_recipient_address": False,
        "line_items": lines,
        "packages": [],
        "fulfillment_type": str(body.get("fulfillment_type", "FULFILLMENT_BY_SELLER")),
        "shipping_type": shipping_type,
        "delivery_option_id": shop.delivery_option_id if shipping_type == "SELLER" else TIKTOK_DELIVERY_OPTION,
        "delivery_option_name": "Standard shipping",
        "delivery_type": "HOME_DELIVERY",
        "is_buyer_request_cancel": False,
        "commerce_platform": "TIKTOK_SHOP",
    }
    if body.get("preorder"):
        data["release_date"] = int(body.get("release_date", now + 14 * 86_400))
    seconds = int(body["hold_seconds"]) if body.get("hold_seconds") is not None else None
    order = Order(data, shop.id, index, hold_wanted=hold, hold_seconds=seconds)
    state.save(order)
    return order


def bought(order: Order) -> dict[str, Any]:
    """What the buyer bought, for the ledger: items, sums, and where it goes."""
    units: dict[str, int] = {}
    for line in order.lines:
        units[line["seller_sku"]] = units.get(line["seller_sku"], 0) + 1
    prices = ("seller_sku", "original_price", "sale_price", "item_tax")
    return {
        "total": order.data["payment"]["total_amount"],
        "currency": order.data["payment"]["currency"],
        "lines": units,
        "units": [{name: line[name] for name in prices} for line in order.lines],
        "payment": dict(order.data["payment"]),
        "address": copy.deepcopy(order.data["recipient_address"]),
        "email": order.data["buyer_email"],
        "is_held": order.hold_wanted,
    }


def _lines(state: State, shop: Shop, body: dict[str, Any], currency: str) -> list[dict[str, Any]]:
    """One line item is one unit; the platform has no quantity."""
    wanted = list(body.get("lines") or [{"sku": "CND-FIG-08", "quantity": 1}])
    if body.get("gift"):
        wanted.append({"sku": "GFT-MTC-01", "quantity": 1, "gift": True})
    lines: list[dict[str, Any]] = []
    for entry in wanted:
        product = PRODUCTS.get(entry["sku"])
        if product is None:
            raise ControlError(f"no such SKU: {entry['sku']}")
        price = _round(Decimal(str(entry.get("price", product.price * Decimal(shop.market.price_factor)))), shop)
        for _ in range(int(entry.get("quantity", 1))):
            is_gift = bool(entry.get("gift", False))
            amount = Decimal(0) if is_gift else price
            lines.append(
                {
                    "id": state.new_id(),
                    "product_id": product.product_id,
                    "product_name": product.title,
                    "sku_id": product.sku_id,
                    "sku_name": "Default",
                    "seller_sku": entry.get("seller_sku", product.sku),
                    "sku_image": f"https://img.example.invalid/{product.sku.lower()}.jpeg",
                    "sku_type": "NORMAL",
                    "currency": currency,
                    "original_price": money(amount),
                    "sale_price": money(amount),
                    "seller_discount": "0",
                    "platform_discount": "0",
                    "display_status": "UNPAID",
                    "is_gift": is_gift,
                    "gift_retail_price": money(price) if is_gift else "0",
                    "is_dangerous_good": False,
                    "needs_prescription": False,
                }
            )
    if body.get("sample"):
        # [guess] a free sample costs the buyer nothing: the seller's discount takes the whole price
        body = {**body, "discounts": {"seller": str(sum(Decimal(line["original_price"]) for line in lines))}}
    for kind in ("seller", "platform"):
        _spread(lines, f"{kind}_discount", Decimal(str(body.get("discounts", {}).get(kind, "0"))), shop)
    _tax_lines(shop, body, lines)
    return lines


def _spread(lines: list[dict[str, Any]], field: str, discount: Decimal, shop: Shop) -> None:
    """Shares a discount over the lines by price; the last one takes the remainder."""
    paying = [line for line in lines if Decimal(line["sale_price"]) > 0]
    total = sum((Decimal(line["sale_price"]) for line in paying), Decimal(0))
    if discount < 0 or discount > total:
        raise ControlError(f"{field} {discount} is not within 0 and {total}")
    left = discount
    for number, line in enumerate(paying, start=1):
        price = Decimal(line["sale_price"])
        share = left if number == len(paying) else _round(discount * price / total, shop)
        share = min(share, left, price)
        left -= share
        line[field] = money(share)
        line["sale_price"] = money(price - share)
    if left:
        raise ControlError(f"{field} {discount} does not fit the lines")


def _tax_lines(shop: Shop, body: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    for line in lines:
        tax = _tax(shop, body, Decimal(line["sale_price"]))
        line["item_tax"] = [{"tax_type": "SALES_TAX", "tax_amount": money(tax), "tax_rate": _rate(shop, body)}]


def _rate(shop: Shop, body: dict[str, Any]) -> str:
    return "0" if body.get("tax") == "none" else str(body.get("tax_rate", shop.market.tax_rate))


def _is_inclusive(shop: Shop, body: dict[str, Any]) -> bool:
    style = body.get("tax") or ("inclusive" if shop.market.tax_inclusive else "exclusive")
    if style not in ("inclusive", "exclusive", "none"):
        raise ControlError("tax is inclusive, exclusive or none")
    return bool(style == "inclusive")


def _tax(shop: Shop, body: dict[str, Any], amount: Decimal) -> Decimal:
    rate = Decimal(_rate(shop, body))
    base = amount / (1 + rate) if _is_inclusive(shop, body) else amount
    return _round(base * rate, shop)


def _payment(shop: Shop, body: dict[str, Any], currency: str, lines: list[dict[str, Any]]) -> dict[str, str]:
    def total_of(field: str) -> Decimal:
        return sum((Decimal(line[field]) for line in lines), Decimal(0))

    shipping_list = _round(
        Decimal(str(body.get("shipping_fee", "0" if body.get("sample") else shop.market.shipping_fee))), shop
    )
    cuts = {kind: Decimal(str(body.get("shipping_discounts", {}).get(kind, "0"))) for kind in ("seller", "platform")}
    shipping = shipping_list - cuts["seller"] - cuts["platform"]
    product_tax = sum((Decimal(line["item_tax"][0]["tax_amount"]) for line in lines), Decimal(0))
    shipping_tax = _tax(shop, body, shipping)
    delivery_fee = Decimal(str(body.get("retail_delivery_fee", "0")))
    total = total_of("sale_price") + shipping + delivery_fee
    if not _is_inclusive(shop, body):
        total += product_tax + shipping_tax
    amounts = {
        "sub_total": total_of("sale_price"),
        "shipping_fee": shipping,
        "seller_discount": total_of("seller_discount"),
        "platform_discount": total_of("platform_discount"),
        "original_total_product_price": total_of("original_price"),
        "original_shipping_fee": shipping_list,
        "shipping_fee_seller_discount": cuts["seller"],
        "shipping_fee_platform_discount": cuts["platform"],
        "shipping_fee_cofunded_discount": Decimal(0),
        "tax": product_tax + shipping_tax,
        "product_tax": product_tax,
        "shipping_fee_tax": shipping_tax,
        "total_amount": total,
    }
    if delivery_fee:
        amounts["retail_delivery_fee"] = delivery_fee
    return {"currency": currency, **{name: money(amount) for name, amount in amounts.items()}}


def _round(amount: Decimal, shop: Shop) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-shop.market.decimals), ROUND_HALF_UP)
