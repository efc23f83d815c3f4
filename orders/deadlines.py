"""What must happen by when: the kinds of deadlines, the merchant's rules about them, and what is reckoned where
TikTok Shop names no moment itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from orders.rules import differing, read_as
from orders.workdays import Workdays


class DeadlineKind(StrEnum):
    """What ends at a deadline. Those that cost more come first where two end at the same moment."""

    AUTO_CANCEL = "AUTO_CANCEL"  # TikTok Shop cancels the order, by the seller's fault
    CANCEL_ANSWER = "CANCEL_ANSWER"  # silence lets the buyer's request through
    RETURN_ANSWER = "RETURN_ANSWER"
    DISPATCH = "DISPATCH"
    DELIVERY = "DELIVERY"
    TRACKING_EDIT = "TRACKING_EDIT"  # the one change of a number is asked for, and lapses
    HOLD_END = "HOLD_END"


class DispatchFrom(StrEnum):
    """From which moment the days to dispatch count: pages of TikTok Shop say one and the other."""

    ORDER = "ORDER"  # October 2025
    RELEASE = "RELEASE"  # January 2026: when it awaits shipment


class DispatchMet(StrEnum):
    """What ends the days to dispatch."""

    SCAN = "SCAN"  # 2026: the carrier's first scan, In transit
    UPLOAD = "UPLOAD"  # the tracking number


class OrderSort(StrEnum):
    """How an order is made, as far as its deadlines differ."""

    REGULAR = "REGULAR"
    PREORDER = "PREORDER"
    CUSTOM = "CUSTOM"  # made to order, back order


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """A merchant's rules about deadlines; `DeadlineRules()` is what nobody changed (product facts 11, US)."""

    dispatch_days: int = 2
    dispatch_from: DispatchFrom = DispatchFrom.RELEASE
    dispatch_met: DispatchMet = DispatchMet.SCAN
    preorder_days: int = 2  # after the day that the pre-order closes
    handling_days: int = 3  # of made-to-order items, where the order names none
    custom_extra_days: int = 1  # January 2026
    capacity_days: int = 0  # 1 for shops with order-handling capacity
    auto_cancel_days: int = 7  # after the order
    auto_cancel_custom_days: int = 4  # after the deadline to dispatch, as the next one
    auto_cancel_preorder_days: int = 5
    deliver_days: int = 6
    deliver_custom_days: int = 5  # beside the handling time
    cancel_answer_us_hours: int = 24
    cancel_answer_hours: int = 48  # other markets
    return_answer_hours: int = 48
    replacement_answer_hours: int = 24
    has_federal_holidays: bool = True
    days_off: tuple[str, ...] = ()  # ISO dates
    warn_first_hours: int = 24
    warn_last_hours: int = 4
    hold_late_hours: int = 2  # after the end of a hold: TikTok Shop still holds the order, and somebody should look
    late_dispatch_limit: float = 4.0  # percent, here and below
    seller_cancel_limit: float = 2.5
    tracking_limit: float = 95.0
    on_time_limit: float = 80.0
    on_time_express_limit: float = 95.0

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> DeadlineRules:
        """What `to_json` made, of this version of the program or another."""
        return read_as(cls, kept)

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults."""
        return differing(self)

    @property
    def workdays(self) -> Workdays:
        """The days that count for this merchant."""
        return Workdays(self.has_federal_holidays, frozenset(map(date.fromisoformat, self.days_off)))

    def cancel_answer(self, region: str) -> timedelta:
        """How long a seller of this market has to answer a request to cancel, where the request names no moment."""
        return timedelta(hours=self.cancel_answer_us_hours if region in ("US", "") else self.cancel_answer_hours)


@dataclass(frozen=True, slots=True)
class Told:
    """What an order itself says of its deadlines. `closes_at` is a pre-order's own day."""

    ordered_at: datetime
    released_at: datetime
    sort: OrderSort = OrderSort.REGULAR
    handling_days: int | None = None
    closes_at: datetime | None = None
    ship_by: datetime | None = None
    auto_cancel_at: datetime | None = None
    deliver_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reckoned:
    """Deadlines that were reckoned; None where the order names its own, or where nothing is known to count from."""

    ship_by: datetime | None
    auto_cancel_at: datetime | None
    deliver_by: datetime | None


def reckon(*, told: Told, rules: DeadlineRules) -> Reckoned:
    """What the rules say where the order says nothing. Pure."""
    days = rules.workdays
    handling = told.handling_days or rules.handling_days
    ship_by = told.ship_by or _ship_by(told, rules, handling)
    after_dispatch = {
        OrderSort.CUSTOM: rules.auto_cancel_custom_days,
        OrderSort.PREORDER: rules.auto_cancel_preorder_days,
    }
    auto_cancel_at: datetime | None = None
    if told.sort is OrderSort.REGULAR:
        auto_cancel_at = days.after(told.ordered_at, rules.auto_cancel_days)
    elif ship_by is not None:
        auto_cancel_at = days.after(ship_by, after_dispatch[told.sort])
    deliver_days = handling + rules.deliver_custom_days if told.sort is OrderSort.CUSTOM else rules.deliver_days
    begins = told.closes_at if told.sort is OrderSort.PREORDER else told.ordered_at
    return Reckoned(
        ship_by=None if told.ship_by else ship_by,
        auto_cancel_at=None if told.auto_cancel_at else auto_cancel_at,
        deliver_by=None if told.deliver_by or begins is None else days.after(begins, deliver_days),
    )


def _ship_by(told: Told, rules: DeadlineRules, handling: int) -> datetime | None:
    begins = told.ordered_at if rules.dispatch_from is DispatchFrom.ORDER else told.released_at
    if told.sort is OrderSort.PREORDER:
        if told.closes_at is None:
            return None
        return rules.workdays.after(told.closes_at, rules.preorder_days + rules.capacity_days)
    days = handling + rules.custom_extra_days if told.sort is OrderSort.CUSTOM else rules.dispatch_days
    return rules.workdays.after(begins, days + rules.capacity_days)
