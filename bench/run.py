"""How a run is made: full or small, how often, and where its progress is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """What every measurement is told. `say` gets one line of progress at a time."""

    is_quick: bool
    rounds: int
    say: Callable[[str], object]
