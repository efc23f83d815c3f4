"""Draw docs/order-lifecycle.md from the table of allowed moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from orders.models import OrderState
from orders.states import MOVES


class Command(BaseCommand):
    help = "Write docs/order-lifecycle.md anew from orders/states.py."

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(settings.BASE_DIR) / "docs" / "order-lifecycle.md"
        target.write_text(drawing())
        self.stdout.write(str(target.relative_to(settings.BASE_DIR)))


def drawing() -> str:
    """The page: each state with its sentence, and a Mermaid drawing of the moves."""
    lines = [
        "# The life of an order",
        "",
        "Drawn from `orders/states.py` by `manage.py draw_order_states`; a test compares the two.",
        "TikTok Shop's own status stands beside our state and never mixes with it. A question for a person",
        "(`attention`) is a reason beside the state, too.",
        "",
        "| state | meaning |",
        "|---|---|",
        *(f"| {state.value} | {state.label} |" for state in OrderState),
        "",
        "```mermaid",
        "flowchart LR",
    ]
    for state, targets in MOVES.items():
        lines += [f"    {state.value} --> {to.value}" for to in OrderState if to in targets]
    return "\n".join([*lines, "```", ""])
