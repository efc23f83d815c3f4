"""Wix, as its public documentation describes it; `[guess]` marks what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.wix.half import WixHalf
    from sandbox.world import World


def make_half(world: World) -> WixHalf:
    from sandbox.wix.half import WixHalf

    return WixHalf(world)
