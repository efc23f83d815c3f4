"""Figures from repeated measurements: median, spread, percentile, growth. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several rounds, and how far they lie apart."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """(highest - lowest) / median."""
        return (self.high - self.low) / self.median if self.median else 0.0


def figure_of(rounds: Sequence[float]) -> Figure:
    """The rounds in one figure. Raises statistics.StatisticsError when there are none."""
    return Figure(statistics.median(rounds), min(rounds), max(rounds))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of them do not exceed; 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1)] if ranked else 0.0


def growth(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The log-log slope: 0 when the size does not matter, 1 when twice the size costs twice as much."""
    return statistics.linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs]).slope
