"""The new order with which a replacement or an exchange ends."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from sandbox.tiktok_shop.buying import bought, place_order
from sandbox.tiktok_shop.cast import PRODUCTS
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.paying import take_payment
from sandbox.tiktok_shop.state import Order, State

MARKS = {
    "REPLACEMENT": ("is_replacement_order", "replaced_order_id"),
    "EXCHANGE": ("is_exchange_order", "exchange_source_order_id"),
}


def place_new_order(
    state: State,
    notices: Notices,
    order: Order,
    lines: Sequence[dict[str, Any]],
    kind: str,
    wanted: list[dict[str, Any]] | None,
) -> Order:
    """[guess] The buyer pays nothing for it: as with a sample, the seller's discount takes the whole price. [guess] It
    is not held. `wanted` are other goods, as the control `buy` takes them."""
    new = place_order(
        state,
        {
            "shop": order.shop_id,
            "buyer": order.buyer,
            "lines": wanted or [_same(line) for line in lines],
            "currency": order.data["payment"]["currency"],
            "sample": True,
            "hold": False,
        },
    )
    flag, source = MARKS[kind]
    new.data |= {
        "is_sample_order": False,
        flag: True,
        source: order.id,
        "user_id": order.data["user_id"],
        "buyer_email": order.data["buyer_email"],
        "recipient_address": copy.deepcopy(order.data["recipient_address"]),
    }
    state.save(new)
    facts = {"shop_id": new.shop_id, source: order.id, **bought(new)}
    state.world.ledger_add("tiktok_shop", "order.placed", new.id, **facts)
    notices.status(new)
    take_payment(state, notices, new)
    return new


def _same(line: dict[str, Any]) -> dict[str, Any]:
    sku = next(name for name, product in PRODUCTS.items() if product.sku_id == line["sku_id"])
    price = line["gift_retail_price"] if line["is_gift"] else line["original_price"]
    return {"sku": sku, "seller_sku": line["seller_sku"], "price": price, "gift": line["is_gift"]}
