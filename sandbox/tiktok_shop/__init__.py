"""TikTok Shop, as its public documentation describes it; `[guess]` marks what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tiktok_shop.half import TiktokShopHalf
    from sandbox.world import World


def make_half(world: World) -> TiktokShopHalf:
    from sandbox.tiktok_shop.half import TiktokShopHalf

    return TiktokShopHalf(world)
