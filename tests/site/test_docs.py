"""What the documents say of the code is what the code says."""

from __future__ import annotations

from pathlib import Path

from orders.management.commands.draw_platforms import matrix

DOCS = Path(__file__).resolve().parents[2] / "docs"


class TestPlatforms:
    def test_are_told_as_their_connectors_declare(self) -> None:
        assert (DOCS / "platforms.md").read_text() == matrix()
