"""Shopify, as its public documentation describes it; `[guess]` marks what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.shopify.half import ShopifyHalf
    from sandbox.world import World


def make_half(world: World) -> ShopifyHalf:
    from sandbox.shopify.half import ShopifyHalf

    return ShopifyHalf(world)
