"""What is reckoned where TikTok Shop names no deadline: working days, holidays, the cut-off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.base import snapshot
from connectors.base.types import SourceStatus
from orders.deadlines import DeadlineRules, DispatchFrom, OrderSort, Told, reckon
from orders.workdays import ZONE, Workdays
from tests.orders.builders import seen

RULES = DeadlineRules()


def pacific(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def cut_off(month: int, day: int) -> datetime:
    return pacific(month, day, 23, 59)


def told(at: datetime, **changes: Any) -> Told:
    return replace(Told(ordered_at=at, released_at=at + timedelta(hours=1)), **changes)


class TestWorkdays:
    @pytest.mark.parametrize(
        ("moment", "days", "end"),
        [
            (pacific(11, 3), 2, cut_off(11, 5)),  # Tuesday to Thursday
            (pacific(11, 6), 2, cut_off(11, 10)),  # over a weekend
            (pacific(11, 7), 2, cut_off(11, 10)),  # from a Saturday: Monday and Tuesday
            (pacific(11, 10), 1, cut_off(11, 12)),  # over Veterans Day
            (pacific(11, 24), 2, cut_off(11, 27)),  # over Thanksgiving
            (pacific(7, 2), 1, cut_off(7, 6)),  # Independence Day is a Saturday, observed on Friday
            (pacific(12, 31), 1, datetime(2027, 1, 4, 23, 59, tzinfo=ZONE)),  # over New Year's Day and a weekend
        ],
    )
    def test_end_at_the_cut_off_of_the_last_one(self, moment: datetime, days: int, end: datetime) -> None:
        assert Workdays().after(moment, days) == end

    def test_begin_with_the_day_in_pacific_time(self) -> None:
        late_on_monday = datetime(2026, 11, 3, 7, 30, tzinfo=UTC)  # 23:30 on Monday, Pacific
        assert Workdays().after(late_on_monday, 1) == cut_off(11, 3)

    def test_keep_the_hour_when_summer_time_ends(self) -> None:
        end = Workdays().after(pacific(10, 30), 1)  # Friday; clocks go back on Sunday, November 1
        assert (end, end.astimezone(UTC).hour) == (cut_off(11, 2), 7)

    def test_leave_out_the_merchants_own_days_off(self) -> None:
        assert Workdays(days_off=frozenset({date(2026, 11, 4)})).after(pacific(11, 3), 1) == cut_off(11, 5)

    def test_know_no_holidays_where_the_merchant_says_so(self) -> None:
        assert Workdays(has_federal_holidays=False).after(pacific(11, 10), 1) == cut_off(11, 11)


class TestReckoning:
    def test_says_nothing_where_the_order_says_it_itself(self) -> None:
        at = pacific(11, 3)
        found = reckon(told=told(at, ship_by=at, auto_cancel_at=at, deliver_by=at), rules=RULES)
        assert (found.ship_by, found.auto_cancel_at, found.deliver_by) == (None, None, None)

    def test_of_a_regular_order(self) -> None:
        found = reckon(told=told(pacific(11, 3)), rules=RULES)
        assert found.ship_by == cut_off(11, 5)
        assert found.auto_cancel_at == cut_off(11, 13)  # seven, over Veterans Day and a weekend
        assert found.deliver_by == cut_off(11, 12)

    def test_counts_from_the_release_or_from_the_order_as_the_merchant_says(self) -> None:
        late = told(pacific(11, 3, 23, 30))  # released half an hour after midnight
        assert reckon(told=late, rules=RULES).ship_by == cut_off(11, 6)
        from_order = replace(RULES, dispatch_from=DispatchFrom.ORDER)
        assert reckon(told=late, rules=from_order).ship_by == cut_off(11, 5)

    def test_gives_a_shop_with_capacity_a_day_more(self) -> None:
        assert reckon(told=told(pacific(11, 3)), rules=replace(RULES, capacity_days=1)).ship_by == cut_off(11, 6)

    def test_of_a_pre_order_counts_from_its_close(self) -> None:
        found = reckon(told=told(pacific(11, 3), sort=OrderSort.PREORDER, closes_at=pacific(12, 1)), rules=RULES)
        assert (found.ship_by, found.auto_cancel_at) == (cut_off(12, 3), cut_off(12, 10))

    def test_of_a_pre_order_without_a_close_is_not_guessed(self) -> None:
        found = reckon(told=told(pacific(11, 3), sort=OrderSort.PREORDER), rules=RULES)
        assert (found.ship_by, found.auto_cancel_at, found.deliver_by) == (None, None, None)

    def test_of_what_is_made_to_order_adds_its_own_handling_time(self) -> None:
        found = reckon(told=told(pacific(11, 2), sort=OrderSort.CUSTOM, handling_days=4), rules=RULES)
        assert found.ship_by == cut_off(11, 9)  # four, and one
        assert found.auto_cancel_at == cut_off(11, 16)  # four after that, over Veterans Day
        assert found.deliver_by == cut_off(11, 16)  # four and five

    def test_counts_the_days_to_cancel_from_the_orders_own_deadline_where_there_is_one(self) -> None:
        own = pacific(11, 16, 12)
        found = reckon(told=told(pacific(11, 2), sort=OrderSort.CUSTOM, ship_by=own), rules=RULES)
        assert (found.ship_by, found.auto_cancel_at) == (None, cut_off(11, 20))


class TestRules:
    def test_are_kept_as_what_differs(self) -> None:
        changed = replace(RULES, dispatch_days=3, dispatch_from=DispatchFrom.ORDER, days_off=("2026-12-24",))
        kept = changed.to_json()
        assert kept == {"dispatch_days": 3, "dispatch_from": "ORDER", "days_off": ("2026-12-24",)}
        assert DeadlineRules.from_json({**kept, "of_a_later_version": 1}) == changed

    def test_answer_to_a_request_differs_by_market(self) -> None:
        assert RULES.cancel_answer("US") == timedelta(hours=24)
        assert RULES.cancel_answer("GB") == timedelta(hours=48)


class TestBorder:
    def test_tells_what_is_made_to_order_and_is_silent_of_all_other_orders(self) -> None:
        plain, made = seen(), seen(SourceStatus.AWAITING_SHIPMENT, is_made_to_order=True, handling_days=4)
        assert not {"is_made_to_order", "handling_days"} & snapshot.to_json(plain).keys()
        assert snapshot.from_json(snapshot.to_json(made)).handling_days == 4
        assert snapshot.from_json(snapshot.to_json(plain)).is_made_to_order is False
