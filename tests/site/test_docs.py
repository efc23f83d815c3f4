"""What the documents say of the code is what the code says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from orders import choices
from orders.management.commands.draw_platforms import matrix
from orders.rules import RouteRules
from orders.rules_forms import settings_fields

DOCS = Path(__file__).resolve().parents[2] / "docs"


class TestPlatforms:
    def test_are_told_as_their_connectors_declare(self) -> None:
        assert (DOCS / "platforms.md").read_text() == matrix()


class TestSettings:
    @pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(RouteRules)])
    def test_of_a_route_are_each_told_and_each_have_a_field(self, name: str) -> None:
        pages = {path.name: path.read_text() for path in (DOCS / "settings").glob("*.md")}
        assert [page for page, text in pages.items() if f"`{name}`" in text], f"docs/settings/ does not name {name}"
        assert settings_fields()[name].help_text, f"{name} has no field with a sentence"
        assert choices.NAMES[name]

    def test_have_a_page_each_that_the_first_page_leads_to(self) -> None:
        first = (DOCS / "settings/README.md").read_text()
        for path in (DOCS / "settings").glob("*.md"):
            assert path.name == "README.md" or f"({path.name})" in first
            assert path.name == "README.md" or "xample" in path.read_text()

    def test_have_a_sentence_and_an_example_for_every_choice(self) -> None:
        for name, found in choices.CHOICES.items():
            assert all(each.title and each.sentence and each.example for each in found), name
