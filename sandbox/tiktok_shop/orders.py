"""Order search, order detail, price detail, foreign order ids."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.calls import Call, page_of
from sandbox.tiktok_shop.envelope import (
    BOOL,
    INT,
    OBJECTS,
    STRING,
    STRINGS,
    bad_request,
    check_fields,
    query_choice,
    query_int,
)
from sandbox.tiktok_shop.masking import shown_address

STATUSES = (
    "UNPAID",
    "ON_HOLD",
    "AWAITING_SHIPMENT",
    "PARTIALLY_SHIPPING",
    "AWAITING_COLLECTION",
    "IN_TRANSIT",
    "DELIVERED",
    "COMPLETED",
    "CANCELLED",
)
FILTERS = {
    "order_status": STRING,
    "create_time_ge": INT,
    "create_time_lt": INT,
    "update_time_ge": INT,
    "update_time_lt": INT,
    "shipping_type": STRING,
    "buyer_user_id": STRING,
    "is_buyer_request_cancel": BOOL,
    "warehouse_ids": STRINGS,
}
EXTERNAL_PLATFORMS = frozenset(
    [
        "SHOPIFY",
        "WOOCOMMERCE",
        "BIGCOMMERCE",
        "MAGENTO",
        "SALESFORCE_COMMERCE_CLOUD",
        "CHANNEL_ADVISOR",
        "AMAZON",
        "ORDER_MANAGEMENT_SYSTEM",
        "WAREHOUSE_MANAGEMENT_SYSTEM",
        "ERP_SYSTEM",
    ]
)


def search(call: Call) -> dict[str, Any]:
    size = query_int(call.query, "page_size", 1, 100)
    sort_field = query_choice(call.query, "sort_field", ("create_time", "update_time"), "create_time")
    direction = query_choice(call.query, "sort_order", ("DESC", "ASC"), "DESC")
    check_fields(call.body, FILTERS)
    if call.body.get("order_status", STATUSES[0]) not in STATUSES:
        raise bad_request("param body.order_status is invalid")
    if call.body.get("shipping_type", "SELLER") not in ("SELLER", "TIKTOK"):
        raise bad_request("param body.shipping_type is invalid")
    changed = call.state.changed_since(call.body.get("update_time_ge"))
    known = [order.as_of(call.as_of) for order in changed if order.shop_id == call.shop.id]
    rows = [data for data in known if data is not None and _matches(data, call.body)]
    rows.sort(key=lambda data: (data[sort_field], data["id"]), reverse=direction == "DESC")
    page = page_of(rows, call.query, size, "orders")
    page["orders"] = [shown(call, data) for data in page["orders"]]
    return page


def _matches(data: dict[str, Any], body: dict[str, Any]) -> bool:
    for field in ("create_time", "update_time"):
        if body.get(f"{field}_ge") is not None and data[field] < body[f"{field}_ge"]:
            return False
        if body.get(f"{field}_lt") is not None and data[field] >= body[f"{field}_lt"]:
            return False
    wanted = {"order_status": "status", "shipping_type": "shipping_type", "buyer_user_id": "user_id"}
    for name, field in (*wanted.items(), ("is_buyer_request_cancel", "is_buyer_request_cancel")):
        if body.get(name) not in (None, "") and data.get(field) != body[name]:
            return False
    return not body.get("warehouse_ids") or data["warehouse_id"] in body["warehouse_ids"]


def detail(call: Call) -> dict[str, Any]:
    ids = [one for one in call.query.get("ids", "").split(",") if one]
    if not ids:
        raise bad_request("Ids is a required field")
    if len(ids) > 50:
        raise bad_request("param query.ids is invalid, at most 50")
    found = []
    for order_id in ids:
        if order_id in call.state.orders:  # unknown ids are simply absent [guess]
            found.append(shown(call, call.order(order_id).data))
    return {"orders": found}


def shown(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """What the platform shows of an order to this shop now."""
    view = copy.deepcopy(data)
    if "recipient_address" in view:
        view["recipient_address"] = shown_address(data, call.shop, call.state.world.now())
    return view


def price_detail(call: Call) -> dict[str, Any]:
    data = call.order(call.args["order_id"]).data
    payment, lines = data["payment"], data["line_items"]
    total = _prices(
        payment["currency"],
        payment["total_amount"],
        payment["original_total_product_price"],
        payment["sub_total"],
        payment["product_tax"],
        payment["seller_discount"],
        payment["platform_discount"],
    )
    total |= {
        "shipping_list_price": payment["original_shipping_fee"],
        "shipping_sale_price": payment["shipping_fee"],
        "shipping_fee_deduction_seller": payment["shipping_fee_seller_discount"],
        "shipping_fee_deduction_platform": payment["shipping_fee_platform_discount"],
        "tax_amount": payment["tax"],
    }
    total["line_items"] = [{"id": line["id"], **_line_prices(line)} for line in lines]
    return total


def _line_prices(line: dict[str, Any]) -> dict[str, Any]:
    tax = line["item_tax"][0]["tax_amount"]
    return _prices(
        line["currency"],
        money(Decimal(line["sale_price"])),
        line["original_price"],
        line["sale_price"],
        tax,
        line["seller_discount"],
        line["platform_discount"],
    )


def _prices(currency: str, total: str, listed: str, sale: str, tax: str, seller: str, platform: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "total": total,
        "payment": total,
        "sku_list_price": listed,
        "sku_sale_price": sale,
        "subtotal": sale,
        "subtotal_deduction_seller": seller,
        "subtotal_deduction_platform": platform,
        "subtotal_tax_amount": tax,
        "voucher_deduction_platform": "0",
        "voucher_deduction_seller": "0",
    }


def add_external(call: Call) -> dict[str, Any]:
    """Stores foreign order ids; a bad entry fails alone, inside an envelope of success."""
    check_fields(call.body, {"orders": OBJECTS}, ("orders",))
    if len(call.body["orders"]) > 100:
        raise bad_request("param body.orders is invalid, at most 100")
    errors = []
    for entry in call.body["orders"]:
        external = entry.get("external_order") or {}
        order = call.state.orders.get(str(entry.get("id")))
        is_known = order is not None and order.shop_id == call.shop.id
        if (
            order is None
            or not is_known
            or external.get("platform") not in EXTERNAL_PLATFORMS
            or not external.get("id")
        ):
            field = "platform" if is_known else "order_id"
            detail = {"order_id": entry.get("id"), "external_order": external}
            errors.append({"code": "36020001", "message": f"Invalid {field}", "detail": detail})
            continue
        order.external[external["platform"]] = external
        call.state.world.ledger_add("tiktok_shop", "order.external_set", order.id, external_id=external["id"])
    return {"errors": errors} if errors else {}


def get_external(call: Call) -> dict[str, Any]:
    order = call.order(call.args["order_id"])
    platform = call.query.get("platform", "")
    if platform not in EXTERNAL_PLATFORMS:
        raise bad_request("param query.platform is invalid")
    found = order.external.get(platform)
    return {"external_orders": [found] if found else []}


def search_external(call: Call) -> dict[str, Any]:
    """[guess] the body's names."""
    check_fields(call.body, {"platform": STRING, "external_order_ids": STRINGS}, ("platform", "external_order_ids"))
    rows = [
        {"id": order.id, "external_order": external}
        for order in call.state.orders.values()
        if order.shop_id == call.shop.id
        for external in [order.external.get(call.body["platform"])]
        if external and external["id"] in call.body["external_order_ids"]
    ]
    return {"orders": rows}
