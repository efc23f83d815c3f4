"""A model checker over the real product: every sequence of up to four things that may happen to one order.

INTERLEAVINGS=6 make test ARGS="tests/simulation/test_interleavings.py -s"     goes further, and says how far it came

Four steps take about 25 s of a busy core for each store. Six, three stores at a time on two cores, took 16 minutes for
all four (2026-11-27), and found nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.simulation.interleavings import Walk, follow
from tests.simulation.judge import Broken
from tests.simulation.one_order import OneOrder
from tests.simulation.stage import STORES, Stage

DEPTH = int(os.environ.get("INTERLEAVINGS", "4"))
SPLIT = ("store lane works", "store lane sends", "answer arrives", "answer is lost", "worker dies")
WAYS = {
    "create": (
        OneOrder.release,
        (
            "TikTok cancels",
            "buyer asks",
            "store ships",
            "TikTok lane works",
            *SPLIT,
            "create comes late",
            "a minute passes",
        ),
    ),
    "answer": (
        OneOrder.mirror,
        (
            "buyer asks",
            "owner accepts",
            "owner refuses",
            "store ships",
            "TikTok lane works",
            "TikTok lane sends",
            *SPLIT,
        ),
    ),
    "cancel": (
        OneOrder.mirror,
        ("TikTok cancels", "store cancels", "store ships", "webhooks are lost", "TikTok lane works", *SPLIT),
    ),
    "refund": (
        OneOrder.deliver,
        ("TikTok refunds", "webhooks are lost", "TikTok poll is due", "TikTok lane works", *SPLIT),
    ),
}


# What a walk found once, by platform, beginning and steps.
FOUND = (
    # A question that only the end of a request answers was taken back when the create's answer came.
    ("shopify", OneOrder.release, ["store lane sends", "buyer asks", "TikTok lane works", "answer arrives"]),
    # A create that was carried out half a minute late had been given up, since it was not there and not wanted.
    ("squarespace", OneOrder.release, ["create comes late", "TikTok cancels"]),
)


class TestOrder:
    @pytest.mark.parametrize("platform", STORES)
    def test_ends_well_in_whatever_order_things_happen(self, stage: Stage, platform: str) -> None:
        for way, (begin, actions) in WAYS.items():
            began = time.process_time()
            one = OneOrder(stage=stage, platform=platform)
            walk = Walk(one, actions=actions)
            with one.on_machine():
                begin(one)
                walk.explore(depth=DEPTH)
            took = time.process_time() - began
            print(
                f"{way} {platform}: {walk.sequences} sequences, {len(walk.seen)} states, {walk.steps} steps, "
                f"{walk.rests} rests, {took:.0f} s",
                flush=True,
            )
            assert len(walk.seen) > 10

    @pytest.mark.parametrize(("platform", "begin", "names"), FOUND)
    def test_ends_well_where_it_once_did_not(
        self, stage: Stage, platform: str, begin: Callable[[OneOrder], None], names: list[str]
    ) -> None:
        one = OneOrder(stage=stage, platform=platform)
        with one.on_machine():
            begin(one)
            follow(one, names)


class TestWalk:
    def test_tells_the_shortest_sequence_that_breaks(self, stage: Stage) -> None:
        one = OneOrder(stage=stage, platform="shopify")
        walk = Walk(one, actions=["store ships", "TikTok cancels", "TikTok lane works", "store lane works"])
        with one.on_machine():
            one.mirror()
            stage.control("shopify/settings", is_cancel_refused=True)
            with pytest.raises(Broken, match=r"^\[.TikTok cancels.\]\n"):
                walk.explore(depth=3)
