"""Whatever is noted of an order has its words in the timeline."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import orders
from connectors.base.aftersales import Dispute
from orders.event_words import EVENTS, event_title
from orders.models import ReturnStatus

KIND = re.compile(
    r"(attention|cancellation|carrier|mirror|parcel|product|return|shipment|source|tracking)\.[a-z_]*[a-z]"
)
STEPS = [
    *(f"return.{each.value.lower()}" for each in ReturnStatus),
    *(f"return.dispute_{each.value.lower()}" for each in Dispute if each is not Dispute.NONE),
    "mirror.cancelled",
    "mirror.deleted",
]


def named() -> set[str]:
    """The kinds that the code names somewhere."""
    trees = [ast.parse(path.read_text()) for path in sorted(Path(orders.__file__).parent.rglob("*.py"))]
    texts = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and KIND.fullmatch(text)}


class TestTimeline:
    def test_has_words_for_all_that_is_noted(self) -> None:
        assert named() - set(EVENTS) == set()

    @pytest.mark.parametrize("kind", STEPS)
    def test_has_words_for_every_step_of_a_case(self, kind: str) -> None:
        title, _ = event_title(kind, {"kind": "Return", "store": "Shopify", "name": "#1001"}, "")
        assert kind not in title
        assert "{" not in title
