"""Statements are written down for whoever asks, not whenever DEBUG is on: a worker would lose a tenth of its time."""

from __future__ import annotations

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """What Django looks for under this name."""

    @property
    def queries_logged(self) -> bool:
        """Whether each statement is put together once more for `connection.queries`: in tests that count them."""
        return bool(self.force_debug_cursor)
