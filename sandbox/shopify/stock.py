"""Units that go back into the shop's stock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.shopify.state import Shop, State
from sandbox.shopify.units import by_sku


def trouble_at(shop: Shop, location_id: str) -> str:
    """Why nothing can be put into stock there, or nothing."""
    if location_id != shop.location_id:
        return "Location does not exist"
    return "" if shop.is_location_active else "Location is deactivated"


def give_back(
    state: State, shop: Shop, order: dict[str, Any], units: Mapping[str, int], *, is_claimed: bool, why: str
) -> None:
    """Of a cancelled unit only what the order took out of stock ("the inventory committed to the order"), unless the
    shop's knob says otherwise [guess]; of returned goods (`is_claimed` is False) all. Custom lines have no stock."""
    given = {}
    for line_id, count in units.items():
        line = next(line for line in order["lines"] if line["id"] == line_id)
        variant = shop.variants.get(line["variant"])
        if variant is None or not count or (is_claimed and not line["is_claimed"] and not shop.restocks_unclaimed):
            continue
        variant["inventoryQuantity"] += count
        given[line_id] = count
    if given:
        state.world.ledger_add(
            "shopify",
            "stock.restocked",
            order["id"],
            reference=order["sourceIdentifier"],
            lines=by_sku(order, given.items()),
            why=why,
        )
