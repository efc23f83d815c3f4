"""TikTok Shop's clock, as its answers tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from connectors.exchange import Answer
from connectors.platforms.tiktok_shop.wire import clock_there

OURS = datetime(2026, 11, 2, 12, tzinfo=UTC)
EARLIEST = OURS - timedelta(seconds=30)


def told(date: str | None) -> datetime:
    return clock_there(Answer(200, {} if date is None else {"date": date}, b""), sent_at=OURS)


class TestClockThere:
    @pytest.mark.parametrize("seconds", [-30, -1, 0, 1, 300])
    def test_is_the_answers_date(self, seconds: int) -> None:
        there = OURS + timedelta(seconds=seconds)
        assert told(format_datetime(there, usegmt=True)) == there

    def test_may_be_told_in_any_zone(self) -> None:
        assert told(format_datetime(OURS.astimezone(timezone(timedelta(hours=8))))) == OURS
        assert told("Mon, 02 Nov 2026 12:00:00 -0000") == OURS

    @pytest.mark.parametrize(
        "date",
        [
            *[None, "", "yesterday", "0", "Mon, 32 Nov 2026 12:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"],
            *["Mon, 02 Nov 2026 11:59:29 GMT", "Mon, 02 Nov 2026 12:05:01 GMT", "Fri, 01 Jan 9999 00:00:00 GMT"],
            *["Mon, 02 Nov 99999999 12:00:00 GMT", "Mon, 02 Nov 2026 12:00:00 +999999999"],
        ],
    )
    def test_is_the_earliest_moment_that_it_can_be_where_the_date_cannot_be_right(self, date: str | None) -> None:
        assert told(date) == EARLIEST
