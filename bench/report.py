"""One line a yardstick: metric, ours, reference, ratio, goal, reached or not. To a screen, and as a table for docs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

_HEAD = ("", "metric", "ours", "reference", "ratio", "goal", "reached")


@dataclass(frozen=True, slots=True)
class Line:
    """What one yardstick found. `reached` is None where there is nothing to reach; `notes` are said below the table."""

    number: str
    metric: str
    ours: str
    goal: str
    reached: bool | None
    reference: str = ""
    ratio: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {True: "yes", False: "NO", None: "–"}[self.reached]
        return (self.number, self.metric, self.ours, self.reference, self.ratio, self.goal, verdict)


def plain(line: Line) -> str:
    """For a screen, as soon as it is known."""
    number, metric, ours, reference, ratio, goal, verdict = line.cells
    beside = " | ".join(
        filter(None, [f"ours {ours}", reference and f"reference {reference}", ratio and f"ratio {ratio}"])
    )
    text = f"{number:4} {metric}: {beside} | goal {goal} | {'reached' if line.reached else verdict}"
    return "\n".join([text, *(f"       {note}" for note in line.notes)])


def markdown(lines: Sequence[Line], *, command: str, began: datetime, ended: datetime) -> str:
    """The table with machine, date and command, as docs/proof.md shows it."""
    rows = [_row(_HEAD), _row(["---"] * len(_HEAD)), *(_row(line.cells) for line in lines)]
    notes = [f"- {line.number}: {note}" for line in lines for note in line.notes]
    took = (ended - began).total_seconds() / 60
    about = f"`{command}` on {machine()}, {began:%Y-%m-%d %H:%M} UTC, {took:.0f} minutes."
    return "\n".join([about, "", *rows, *(["", *notes] if notes else []), ""])


def machine() -> str:
    """The machine in a few words."""
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{psutil.cpu_count()} × {_processor()}, {memory:.0f} GB, {platform.system()}, Python {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
