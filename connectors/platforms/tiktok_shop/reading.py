"""A row of TikTok Shop's JSON, read tolerantly: absent, empty, null and "0" all occur. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]


def rows_of(rows: Any) -> list[Row]:
    """The objects of a list; nothing where it is none."""
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def row_at(row: Row, name: str) -> Row:
    """The object of this name; an empty one where there is none."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def text_at(row: Row, name: str) -> str:
    """A text or number as text; anything else is as good as missing."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def texts_at(row: Row, name: str) -> list[str]:
    """The texts and numbers of a list, as texts."""
    values = row.get(name)
    found = [text_at({"": value}, "") for value in values] if isinstance(values, list) else []
    return [each for each in found if each]


def id_at(row: Row, name: str) -> str:
    """An id; "0" is none."""
    found = text_at(row, name)
    return "" if found == "0" else found


def flag_at(row: Row, name: str) -> bool:
    """Whether the flag is set; the reference's samples write some of them as text."""
    value = row.get(name)
    return value in (True, 1) or (isinstance(value, str) and value.strip().lower() in ("true", "1"))


def moment_at(row: Row, name: str) -> datetime | None:
    """Epoch seconds; some fields carry milliseconds in practice. 0 and nonsense are as good as missing."""
    try:
        seconds = int(text_at(row, name) or 0)
        seconds = seconds // 1000 if seconds > 10**11 else seconds
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
