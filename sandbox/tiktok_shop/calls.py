"""One signed call, as its handler receives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.tiktok_shop.envelope import Refusal
from sandbox.tiktok_shop.state import Grant, Order, Shop, State


@dataclass
class Call:
    state: State
    grant: Grant
    shop: Shop
    query: dict[str, str]
    body: dict[str, Any]
    args: dict[str, str] = field(default_factory=dict)
    as_of: float | None = None
    operation: str = ""

    @property
    def version(self) -> str:
        """The month in the path, where an operation is served in several."""
        return self.args.get("version", "202309")

    def order(self, order_id: str, *, code: int = 21008111, unknown: int | None = None) -> Order:
        """This shop's order; a foreign and [guess] an unknown one are refused alike, unless that has its own code."""
        order = self.state.orders.get(order_id)
        if order is None and unknown is not None:
            raise Refusal(unknown, f"Order {order_id} is not found")
        if order is None or order.shop_id != self.shop.id:
            raise Refusal(code, f"Order {order_id} does not belong to the current seller")
        return order


def page_of(rows: list[dict[str, Any]], query: dict[str, str], size: int, name: str) -> dict[str, Any]:
    """One page; the token is opaque and is empty at the end."""
    token = query.get("page_token") or ""
    start = 0
    if token:
        try:
            start = int(bytes.fromhex(token).decode().removeprefix("from:"))
        except ValueError as error:
            raise Refusal(36009004, "page_token is invalid", 400) from error
    after = start + size
    next_token = f"from:{after}".encode().hex() if after < len(rows) else ""
    return {name: rows[start:after], "next_page_token": next_token, "total_count": len(rows)}
