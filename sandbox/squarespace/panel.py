"""What a merchant does in the panel once an order is there, and the API cannot: cancel, refund, restock, note."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.squarespace.orders import Orders
from sandbox.squarespace.state import Site, State


class Panel:
    """Raises ValueError for what the panel would not do."""

    def __init__(self, state: State, orders: Orders) -> None:
        self.state = state
        self.orders = orders

    def cancel(self, site: Site, order: dict[str, Any], *, is_restocked: bool) -> None:
        """[guess] Fulfilled orders are not cancelled, nor is one twice."""
        if order["fulfillmentStatus"] != "PENDING":
            raise ValueError(f"the order is {order['fulfillmentStatus'].lower()}")
        order["fulfillmentStatus"] = "CANCELED"
        self._enter(order, "order.cancelled", restocked=is_restocked, by="merchant")
        if is_restocked:
            self.restock(site, order, None, why="cancel")
        self.orders.touch(site, order, "CANCELED")

    def refund(self, site: Site, order: dict[str, Any], amount: Decimal | None, *, note: str) -> None:
        """So much more, or all that is left. An imported order has no payment to refund; its figure changes all the
        same [guess]."""
        paid, back = (Decimal(order[name]["value"]) for name in ("grandTotal", "refundedTotal"))
        amount = paid - back if amount is None else amount
        if not 0 < amount <= paid - back:
            raise ValueError("more than is left to refund")
        order["refundedTotal"] = {**order["refundedTotal"], "value": f"{back + amount:.2f}"}
        key = f"{order['id']}/{secrets.token_hex(4)}"
        self._enter(order, "refund.created", key, amount=f"{amount:.2f}", note=note, by="merchant")
        self.orders.touch(site, order, "REFUNDED")

    def restock(
        self, site: Site, order: dict[str, Any], wanted: Mapping[str, int] | None, *, why: str = "return"
    ) -> None:
        """Units by SKU, or all of the order; a variant that is gone has no stock."""
        left = dict(wanted) if wanted is not None else None
        moved: dict[str, int] = {}
        for line in order["lineItems"]:
            sku = line["sku"]
            count = line["quantity"] if left is None else min(line["quantity"], left.get(sku, 0))
            if left is not None:
                left[sku] = left.get(sku, 0) - count
            if count and line["variantId"] in site.variants:
                moved[line["variantId"]] = moved.get(line["variantId"], 0) + count
        if left and any(left.values()):
            raise ValueError("not that many were ordered")
        for variant_id, count in moved.items():
            site.variants[variant_id]["quantity"] += count
        lines = {site.variants[variant_id]["sku"]: count for variant_id, count in moved.items()}
        self._enter(order, "stock.restocked", lines=lines, why=why)

    def note(self, order: dict[str, Any], text: str) -> None:
        """An internal note; its shape is a [guess]."""
        order["internalNotes"].append({"content": text})
        order["modified"] = self.state.world.now()
        self._enter(order, "note.added", text=text, by="merchant")

    def _enter(self, order: dict[str, Any], event: str, key: str = "", **facts: Any) -> None:
        named = {"order": order["id"], "reference": order["externalOrderReference"]}
        self.state.world.ledger_add("squarespace", event, key or order["id"], **named, **facts)
