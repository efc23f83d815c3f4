"""Working days as TikTok Shop counts them: Monday to Friday without US federal holidays, each ending at the cut-off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

# The cut-off is named in Pacific time whatever the shop's own zone (product facts 11).
ZONE = ZoneInfo("America/Los_Angeles")
CUT_OFF = time(23, 59)


@dataclass(frozen=True, slots=True)
class Workdays:
    """Which days count. `days_off` are the merchant's own, beside the federal holidays."""

    has_federal_holidays: bool = True
    days_off: frozenset[date] = frozenset()

    def counts(self, day: date) -> bool:
        """Whether it is a working day."""
        if day.weekday() >= 5 or day in self.days_off:
            return False
        return not (self.has_federal_holidays and day in _federal(day.year))

    def after(self, moment: datetime, days: int) -> datetime:
        """The cut-off of the last of so many working days after the day of this moment.

        The day itself does not count, whatever its hour: of two readings of the rule the earlier deadline is taken.
        """
        day, left = moment.astimezone(ZONE).date(), days
        while left > 0:
            day += timedelta(days=1)
            left -= self.counts(day)
        return datetime.combine(day, CUT_OFF, tzinfo=ZONE)


@cache
def _federal(year: int) -> Mapping[date, str]:
    """The year's federal holidays, the days on which they are observed among them."""
    import holidays  # here, since it takes 16 MB, and most processes never reckon a deadline

    return dict(holidays.country_holidays("US", years=[year]))
