"""What a merchant chose about alerts: which kinds reach whom how, from when on, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.deadlines import DeadlineKind
from orders.models import AlertKind
from orders.rules import differing, read_as

ALL = tuple(kind.value for kind in AlertKind)
K = DeadlineKind


@dataclass(frozen=True, slots=True)
class AlertRules:
    """A merchant's rules about alerts; `AlertRules()` is what nobody changed."""

    in_app: tuple[str, ...] = ALL
    email: tuple[str, ...] = tuple(kind for kind in ALL if kind != AlertKind.RATE_LIMIT.value)
    webhook: tuple[str, ...] = ALL
    days_left: tuple[int, ...] = (30, 14, 7, 1)  # before an authorization ends
    more_than: int = 5  # orders that need a person
    older_than_minutes: int = 60  # or one that has waited for so long
    deadlines: tuple[str, ...] = (
        K.AUTO_CANCEL.value, K.RETURN_ANSWER.value, K.DISPATCH.value, K.TRACKING_EDIT.value, K.HOLD_END.value,
    )  # fmt: skip
    gap_minutes: int = 15
    silence_hours: int = 6
    limit_minutes: int = 15
    pause_minutes: int = 60  # between two messages of one alert, unless it becomes graver
    to_owners: bool = True
    addresses: tuple[str, ...] = ()
    webhook_to: str = ""  # a mark of orders/alert_addresses.py

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> AlertRules:
        """What `to_json` made, of this version of the program or another."""
        return read_as(cls, kept)

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults."""
        return differing(self)

    def wants(self, kind: AlertKind) -> bool:
        """Whether it is to be said anywhere at all."""
        return any(kind.value in channel for channel in (self.in_app, self.email, self.webhook))


def muted_until(mutes: Mapping[str, str], kind: str) -> datetime | None:
    """Until when this kind is kept quiet, by itself or with all others; None where it never was."""
    found = [datetime.fromisoformat(mutes[name]) for name in (kind, "") if mutes.get(name)]
    return max(found, default=None)


def is_muted(mutes: Mapping[str, str], kind: str, now: datetime) -> bool:
    """Whether messages of this kind go nowhere now."""
    until = muted_until(mutes, kind)
    return until is not None and until > now
