"""Squarespace, as its public documentation describes it; `[guess]` marks what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.squarespace.half import SquarespaceHalf
    from sandbox.world import World


def make_half(world: World) -> SquarespaceHalf:
    from sandbox.squarespace.half import SquarespaceHalf

    return SquarespaceHalf(world)
