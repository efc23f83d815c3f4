"""A model checker over the real product: every sequence of up to four things that may happen to one order.

INTERLEAVINGS=6 make test ARGS="tests/simulation/test_interleavings.py -s"     goes further, and says how far it came

Four steps take about 65 s of a busy core for each store: 25 s of whole orders, 35 s of parts and of requests, 5 s of
goods that come back. Six of whole orders, three stores at a time on two cores, took 16 minutes for all four
(2026-11-27), and found nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.simulation.interleavings import Walk, follow
from tests.simulation.judge import Broken
from tests.simulation.led import NotPossible
from tests.simulation.one_order import OneOrder
from tests.simulation.stage import STORES, Stage

DEPTH = int(os.environ.get("INTERLEAVINGS", "4"))
SPLIT = ("store lane works", "store lane sends", "answer arrives", "answer is lost", "worker dies")


@dataclass(frozen=True)
class Way:
    """How a story begins, what may happen in it, and by how many steps it is walked less far than others."""

    begin: Callable[[OneOrder], None]
    actions: Sequence[str]
    less: int = 0


WAYS = {
    "whole": {
        "create": Way(
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
        "answer": Way(
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
        "cancel": Way(
            OneOrder.mirror,
            ("TikTok cancels", "store cancels", "store ships", "webhooks are lost", "TikTok lane works", *SPLIT),
        ),
        "refund": Way(
            OneOrder.deliver,
            ("TikTok refunds", "webhooks are lost", "TikTok poll is due", "TikTok lane works", *SPLIT),
        ),
    },
    "parts and requests": {
        "some": Way(
            OneOrder.release,
            ("TikTok cancels some", "store ships", "TikTok lane works", *SPLIT, "create comes late"),
            less=1,
        ),
        "some asked": Way(
            OneOrder.mirror,
            (
                "seller cancels some",
                "buyer asks for some",
                "buyer withdraws",
                "owner accepts",
                "store ships",
                "TikTok lane works",
                "store lane works",
            ),
        ),
        "withdrawn": Way(
            OneOrder.mirror,
            ("buyer asks", "buyer withdraws", "store ships", "TikTok lane works", *SPLIT),
        ),
        "money": Way(
            OneOrder.mirror,
            (
                "buyer wants some money",
                "owner grants",
                "owner denies",
                "buyer withdraws",
                "store ships",
                "TikTok lane works",
                "TikTok lane sends",
                *SPLIT,
            ),
        ),
        "money early": Way(
            OneOrder.want_money,
            ("return goes on", "a minute passes", "TikTok lane works", *SPLIT, "create comes late"),
        ),
    },
    "goods back": {
        "return": Way(
            OneOrder.deliver,
            ("buyer returns", "return goes on", "seller refuses", "buyer withdraws", "TikTok lane works", *SPLIT),
        ),
        "back": Way(
            OneOrder.send_back,
            (
                "return goes on",
                "seller refuses",
                "a minute passes",
                "owner restocks",
                "webhooks are lost",
                "TikTok lane works",
                *SPLIT,
            ),
        ),
    },
}


# What a walk found once, by platform, beginning and steps.
FOUND = (
    # A question that only the end of a request answers was taken back when the create's answer came.
    ("shopify", OneOrder.release, ["store lane sends", "buyer asks", "TikTok lane works", "answer arrives"]),
    # A create that was carried out half a minute late had been given up, since it was not there and not wanted.
    ("squarespace", OneOrder.release, ["create comes late", "TikTok cancels"]),
    # The task to take a unit out of the store was pushed aside by a request, and lost with it.
    ("wix", OneOrder.mirror, ["TikTok cancels some", "buyer asks for some", "TikTok lane works", "buyer withdraws"]),
    # That task was asked still when all of the order was cancelled in the store.
    ("wix", OneOrder.mirror, ["TikTok cancels some", "TikTok lane works", "TikTok cancels some"]),
    # A unit that was paid back before the create was created.
    ("shopify", OneOrder.want_money, ["return goes on", "a minute passes", "TikTok lane works"]),
    # What was paid back while the create was under way stayed alive in the store.
    ("wix", OneOrder.want_money, ["create comes late", "return goes on", "a minute passes", "TikTok lane works"]),
    # The refund of what was to be cancelled, and had left unseen, was in no books.
    (
        "shopify",
        OneOrder.mirror,
        ["buyer wants money", "TikTok lane works", "store ships", "return goes on", "a minute passes"],
    ),
    # An order that was paid back while its create was lost stayed ready for ever.
    (
        "shopify",
        OneOrder.release,
        [
            "create gets lost",
            "buyer wants money",
            "TikTok lane works",
            "return goes on",
            "a minute passes",
            "TikTok lane works",
        ],
    ),
    # A question that only the end of a request answers was taken back when a number turned out to be told.
    (
        "wix",
        OneOrder.mirror,
        ["store ships", "store lane works", "TikTok lane sends", "buyer wants some money", "answer is lost"],
    ),
)


class TestOrder:
    @pytest.mark.parametrize("platform", STORES)
    @pytest.mark.parametrize("ways", WAYS)
    def test_ends_well_in_whatever_order_things_happen(self, stage: Stage, ways: str, platform: str) -> None:
        for name, way in WAYS[ways].items():
            began = time.process_time()
            one = OneOrder(stage=stage, platform=platform)
            walk = Walk(one, actions=way.actions)
            with one.on_machine():
                way.begin(one)
                walk.explore(depth=DEPTH - way.less)
            took = time.process_time() - began
            print(
                f"{name} {platform}: {walk.sequences} sequences, {len(walk.seen)} states, {walk.steps} steps, "
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

    @pytest.mark.parametrize("platform", STORES)
    def test_ends_well_where_its_create_was_refused_while_the_first_one_may_still_come(
        self, stage: Stage, platform: str
    ) -> None:
        one = OneOrder(stage=stage, platform=platform)
        with one.on_machine():
            one.release()
            one.create_is_cut_off("late_commit")
            one.wait(3)
            with contextlib.suppress(NotPossible):  # where a key may not be repeated, it waits
                one.create_is_cut_off("status")
            one.tiktok_cancels()
            follow(one, ["TikTok lane works"])


class TestWalk:
    def test_tells_the_shortest_sequence_that_breaks(self, stage: Stage) -> None:
        one = OneOrder(stage=stage, platform="shopify")
        walk = Walk(one, actions=["store ships", "TikTok cancels", "TikTok lane works", "store lane works"])
        with one.on_machine():
            one.mirror()
            stage.control("shopify/settings", is_cancel_refused=True)
            with pytest.raises(Broken, match=r"^\[.TikTok cancels.\]\n"):
                walk.explore(depth=3)
