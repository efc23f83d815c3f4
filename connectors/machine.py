"""What a process takes from the machine it runs on: the clocks, sleep, and the network.

Everything below the entry points gets its clock as an argument; what is left is here, so that a simulation can run the
same steps with a time and a network of its own. Nothing else may replace it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Machine:
    """`steady` runs on whatever becomes of the wall clock or of the process; `exchange` None means the real network."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    exchange: Exchange | None = None


_current = Machine()


def current() -> Machine:
    """The machine that this process runs on."""
    return _current


@contextmanager
def running_on(machine: Machine) -> Iterator[None]:
    """For all threads of this process: run on another machine. For simulations."""
    global _current
    before, _current = _current, machine
    try:
        yield
    finally:
        _current = before
