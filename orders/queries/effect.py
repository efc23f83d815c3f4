"""The effect of a change that is not saved, as the pages of settings show it: three counts that open lists, one order
beside itself, and the whole as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orders import spreadsheet
from orders.differences import Difference
from orders.effect import Fate

COLUMNS = ("tiktok_order", "store", "outcome", "what", "before", "after")
_SHOWN = 8  # rows of a list at a time
_WORDS = {Fate.SAME: "Same", Fate.DIFFER: "Differ", Fate.BLOCKED: "Blocked"}
_OF = {Fate.SAME: "that stay the same", Fate.DIFFER: "that differ", Fate.BLOCKED: "that would wait"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One order or parcel of the effect. `preview` draws it beside itself: see queries/preview.py."""

    key: str
    external_id: str
    url: str
    store: str
    fate: Fate
    differences: Sequence[Difference]
    preview: Callable[[], Mapping[str, Any]]

    @property
    def first(self) -> Difference | None:
        """What differs, as far as it has room in one line."""
        return self.differences[0] if self.differences else None

    @property
    def more(self) -> int:
        """How many things differ besides."""
        return max(0, len(self.differences) - 1)


def effect_context(
    shown: Sequence[Shown], *, what: str, notes: Sequence[str], asked: Mapping[str, str]
) -> dict[str, Any]:
    """The context of templates/settings/_dry_run.html and _preview.html. `what` is counted: order or parcel. `asked`
    may name the list (`list`) and the row (`preview`) that are to be open."""
    by_fate = {fate: [each for each in shown if each.fate is fate] for fate in Fate}
    at = next((each for each in shown if each.key == asked.get("preview")), None)
    current = at.fate if at else _list_of(asked.get("list", ""), by_fate)
    rows = by_fate[current]
    place = rows.index(at) if at else 0
    first = place // _SHOWN * _SHOWN
    return {
        **_bar({fate: len(found) for fate, found in by_fate.items()}),
        "what": what,
        "notes": notes,
        "lists": [_tab(fate, len(found), is_current=fate is current) for fate, found in by_fate.items()],
        "rows": [
            {"shown": each, "is_current": number == place}
            for number, each in enumerate(rows[first : first + _SHOWN], first)
        ],
        "more": len(rows) - len(rows[first : first + _SHOWN]),
        "unlike": len(by_fate[Fate.DIFFER]) + len(by_fate[Fate.BLOCKED]),
        "preview": _preview(rows, place, current) if rows else None,
    }


def effect_table(shown: Iterable[Shown]) -> str:
    """Everything that differs or is blocked, as CSV: a line for each thing."""
    return spreadsheet.written(
        COLUMNS,
        (
            (each.external_id, each.store, _WORDS[each.fate], thing.what, thing.before, thing.after)
            for each in shown
            for thing in each.differences
        ),
    )


def _list_of(asked: str, by_fate: Mapping[Fate, Sequence[Shown]]) -> Fate:
    if asked in set(Fate):
        return Fate(asked)
    return next((fate for fate in (Fate.DIFFER, Fate.BLOCKED) if by_fate[fate]), Fate.SAME)


def _tab(fate: Fate, count: int, *, is_current: bool) -> dict[str, Any]:
    tone = "red" if fate is Fate.BLOCKED and count else ""
    return {"value": fate.value, "label": _WORDS[fate], "count": count, "is_current": is_current, "tone": tone}


def _preview(rows: Sequence[Shown], place: int, fate: Fate) -> dict[str, Any]:
    at = rows[place]
    return {
        **at.preview(),
        "external_id": at.external_id,
        "url": at.url,
        "place": f"{place + 1:,} of {len(rows):,} {_OF[fate]}",
        "previous": rows[place - 1].key if place else "",
        "next": rows[place + 1].key if place + 1 < len(rows) else "",
    }


def _bar(counts: Mapping[Fate, int]) -> dict[str, Any]:
    """Counts, and where each lies in a bar of 100: a single order of many is still to be seen."""
    whole = max(1, sum(counts.values()))
    widths = {fate: max(2.0, round(100 * count / whole, 2)) if count else 0.0 for fate, count in counts.items()}
    blocked_x = round(100 - widths[Fate.BLOCKED], 2)
    return {
        **{fate.value.lower(): count for fate, count in counts.items()},
        "blocked_width": widths[Fate.BLOCKED],
        "blocked_x": blocked_x,
        "differ_width": widths[Fate.DIFFER],
        "differ_x": round(blocked_x - widths[Fate.DIFFER], 2),
    }
