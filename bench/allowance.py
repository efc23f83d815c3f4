"""How much of a platform's allowance was used, from the moments at which it was. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.platforms.world import Taken

USED_UP = 0.1  # of what the allowance holds: with less left it counts as used up


def first_used_up(taken: Sequence[Taken], *, most: float) -> int | None:
    """Which call used up what the allowance held at the beginning; None where it still holds some."""
    return next((place for place, (_, _, left) in enumerate(taken) if left < USED_UP * most), None)


def share_used(taken: Sequence[Taken], *, rate: float, most: float, until: float) -> float:
    """What was taken, over what might have been, once the beginning's stock was used up; 0 of nothing.

    Counted from one moment at which it was used up to the last such, so that a burst each minute counts as often as
    its pause; to `until` where the second half had none. What was left at the first belongs to what might have been.
    """
    if not taken:
        return 0.0
    first = first_used_up(taken, most=most) or 0
    began, _, left_then = taken[first]
    again = [place for place, (_, _, left) in enumerate(taken) if left < USED_UP * most]
    last, ended, left_at_end = len(taken) - 1, until, 0.0
    if again and taken[again[-1]][0] - began >= (until - began) / 2:
        last = again[-1]
        ended, _, left_at_end = taken[last]
    used = sum(cost for _, cost, _ in taken[first + 1 : last + 1])
    allowed = rate * (ended - began) + max(0.0, left_then - left_at_end)
    return used / allowed if allowed else 0.0


def out_of_turn(made: Sequence[tuple[float, float]], *, tolerance: float) -> int:
    """How many of these deadlines and moments came more than so many seconds after their turn.

    The turn of the n-th deadline is the moment of the n-th create. So one that is much too early or too late makes
    others a place late, which is no time, and is counted once.
    """
    turns = sorted(moment for _, moment in made)
    return sum(moment - turn > tolerance for (_, moment), turn in zip(sorted(made), turns, strict=True))
