"""Orders per hour of today, beside those of the same day a week before: the dashboard's chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import ExtractHour, TruncDate
from django.utils import timezone
from django.utils.formats import date_format

from orders.models import Order

HEIGHT = 200  # of the plot, in pixels; everything across is in percent, so that text keeps its size
_ROOM = 18  # above the highest bar, for its label
_SLOT = 100 / 24


def hours_of(*, merchant_id: int, now: datetime) -> dict[str, Any]:
    """The context of templates/dashboard/_hours.html, by the current time zone, in the merchant's rows."""
    here = timezone.localtime(now)
    days = (here.date(), here.date() - timedelta(days=7))
    today, before = (_counted(merchant_id, days)[day] for day in days)
    steps = _steps(max([*today, *before]))
    top = steps[-1] or 1
    peak = max(range(24), key=lambda hour: today[hour])
    return {
        "day": date_format(days[1], "l"),
        "today": sum(today),
        "before": sum(before),
        "height": HEIGHT,
        "steps": [{"count": count, "y": _y(count, top)} for count in steps],
        "bars": [_bar(hour, today[hour], top, is_open=hour == here.hour) for hour in range(24) if today[hour]],
        "line": " ".join(f"{hour + 0.5},{_y(count, top)}" for hour, count in enumerate(before)) if any(before) else "",
        "peak": _label(peak, today[peak], top, is_left=0 < here.hour - peak < 4) if peak != here.hour else None,
        "so_far": _beside(here.hour, today[here.hour]) if today[here.hour] else None,
        "rows": [
            {"hour": _hour(hour), "today": today[hour], "before": before[hour]}
            for hour in range(24)
            if today[hour] or before[hour]
        ],
    }


def _counted(merchant_id: int, days: Sequence[date]) -> Mapping[date, list[int]]:
    """How many orders came in each hour of these days. One query, over the days alone."""
    within = Q()
    for day in days:
        within |= Q(ordered_at__gte=_midnight(day), ordered_at__lt=_midnight(day + timedelta(days=1)))
    orders = Order.objects.filter(within, merchant_id=merchant_id)
    found = orders.values(day=TruncDate("ordered_at"), hour=ExtractHour("ordered_at")).annotate(count=Count("pk"))
    counts = {day: [0] * 24 for day in days}
    for each in found.order_by():
        counts[each["day"]][each["hour"]] += each["count"]
    return counts


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def _steps(most: int) -> list[int]:
    """The lines of the grid: three or four round counts that hold `most`."""
    size = next(
        number * 10**power for power in range(12) for number in (1, 2, 5) if number * 10**power * 3 >= max(most, 1)
    )
    return [size * step for step in range(-(-most // size) + 1)]


def _y(count: int, top: int) -> float:
    return round(HEIGHT - (HEIGHT - _ROOM) * count / top, 1)


def _bar(hour: int, count: int, top: int, *, is_open: bool) -> dict[str, Any]:
    y = min(_y(count, top), HEIGHT - 2)
    return {
        "x": round(hour * _SLOT + 0.15 * _SLOT, 2),
        "width": round(0.7 * _SLOT, 2),
        "y": y,
        "height": round(HEIGHT - y, 1),
        "is_open": is_open,
    }


def _label(hour: int, count: int, top: int, *, is_left: bool) -> dict[str, Any] | None:
    """Words above the highest bar, inside the plot; to its left where the open hour has words of its own."""
    if not count:
        return None
    anchor = "start" if hour < 4 else "end" if is_left or hour > 19 else "middle"
    x = (hour + {"start": 0.15, "middle": 0.5, "end": 0.85}[anchor]) * _SLOT
    return {"x": round(x, 2), "y": max(10, _y(count, top) - 6), "anchor": anchor, "count": count, "hour": _hour(hour)}


def _beside(hour: int, count: int) -> dict[str, Any]:
    """Words at the foot of the hour that is not over, or to its left at the end of the day."""
    is_late = hour > 20
    x = (hour + (0 if is_late else 1)) * _SLOT
    return {"x": round(x, 2), "y": HEIGHT - 6, "anchor": "end" if is_late else "start", "count": count}


def _hour(hour: int) -> str:
    return date_format(datetime(2000, 1, 1, hour), "g A")  # noqa: DTZ001 - an hour of any day
