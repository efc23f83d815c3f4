"""The table at the end: a row for each promise."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One promise of goals R1 to R7: what was done to it, what was found, what was asked for."""

    name: str
    done: str
    found: str
    goal: str
    is_held: bool


_WIDTHS = (4, 44, 44, 34, 7)
_HEADS = ("", "what was done", "what was found", "goal", "")


def drawn(rows: Sequence[Row]) -> str:
    """The rows as text of a fixed width."""
    lines = [_line(_HEADS), _rule()]
    for row in rows:
        cells = (row.name, row.done, row.found, row.goal, "held" if row.is_held else "BROKEN")
        wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, _WIDTHS, strict=True)]
        for number in range(max(map(len, wrapped))):
            lines.append(_line([part[number] if number < len(part) else "" for part in wrapped]))
        lines.append(_rule())
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return " | ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _rule() -> str:
    return "-+-".join("-" * width for width in _WIDTHS)
