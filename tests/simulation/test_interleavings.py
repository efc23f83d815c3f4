"""A model checker over the real product: every sequence of up to six things that may happen to one order.

INTERLEAVINGS=7 make test ARGS="tests/simulation/test_interleavings.py -s"     goes further, and says how far it came
"""

from __future__ import annotations

import os
import time

import pytest

from tests.simulation.interleavings import Walk
from tests.simulation.one_order import OneOrder
from tests.simulation.stage import STORES, Stage

DEPTH = int(os.environ.get("INTERLEAVINGS", "6"))
SPLIT = ("store lane works", "store lane sends", "answer arrives", "answer is lost", "worker dies")
WAYS = {
    "release": (
        OneOrder.buy,
        ("TikTok cancels", "buyer asks", "store ships", "webhooks arrive", "TikTok lane works", "a minute passes"),
    ),
    "answer": (
        OneOrder.mirror,
        (
            "buyer asks",
            "owner accepts",
            "owner refuses",
            "store ships",
            "webhooks arrive",
            "TikTok lane works",
            "TikTok lane sends",
        ),
    ),
    "store": (
        OneOrder.mirror,
        (
            "TikTok cancels",
            "store cancels",
            "store ships",
            "store poll is due",
            "webhooks arrive",
            "webhooks are lost",
            "TikTok lane works",
        ),
    ),
    "refund": (
        OneOrder.deliver,
        (
            "TikTok refunds",
            "webhooks arrive",
            "webhooks are lost",
            "TikTok poll is due",
            "TikTok lane works",
            "a minute passes",
        ),
    ),
}


class TestOrder:
    @pytest.mark.parametrize("platform", STORES)
    @pytest.mark.parametrize("way", WAYS)
    def test_ends_well_in_whatever_order_things_happen(self, stage: Stage, platform: str, way: str) -> None:
        begin, actions = WAYS[way]
        one = OneOrder(stage=stage, platform=platform)
        walk = Walk(one, actions=(*actions, *SPLIT))
        began = time.process_time()
        with one.on_machine():
            begin(one)
            walk.explore(depth=DEPTH)
        took = time.process_time() - began
        print(
            f"{way} {platform}: {walk.sequences} sequences, {len(walk.seen)} states, {walk.steps} steps, "
            f"{walk.rests} rests, {took:.0f} s"
        )
        assert len(walk.seen) > 5
