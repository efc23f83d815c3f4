"""A table as a file that spreadsheets open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# What a spreadsheet would take for a formula. https://owasp.org/www-community/attacks/CSV_Injection (read 2026-11)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table as CSV, no cell of it a formula. Begins with a byte order mark: spreadsheets know then that it is
    UTF-8."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(columns)
    table.writerows([_safe(text) for text in row] for row in rows)
    return f"\ufeff{out.getvalue()}"


def plain(text: str) -> str:
    """What a cell of such a file said before it was made safe."""
    text = text.strip()
    return text[1:].strip() if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _safe(text: str) -> str:
    """What would be a formula begins with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text
