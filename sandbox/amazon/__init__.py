"""Amazon Multi-Channel Fulfillment, as its public documentation describes it; `[guess]` marks what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.amazon.half import AmazonHalf
    from sandbox.world import World


def make_half(world: World) -> AmazonHalf:
    from sandbox.amazon.half import AmazonHalf

    return AmazonHalf(world)
