"""What the documents say of the code is what the code says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from connectors.base.connector import StoreOption
from connectors.registry import all_classes
from orders import choices
from orders.forms import NewCarrierForm, RouteForm, ShippingForm
from orders.management.commands.draw_platforms import matrix
from orders.rules import RouteRules
from orders.rules_forms import (
    FiltersForm,
    HoldForm,
    MoneyForm,
    OrderForm,
    ProductsForm,
    SamplesForm,
    StockForm,
    UnmappedForm,
    settings_fields,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


def store_options() -> list[StoreOption]:
    return [option for kind in all_classes() for option in kind.options]


# What the forms offer, by the page of docs/settings/ that tells of it.
OFFERED = {
    "hold.md": HoldForm.base_fields,
    "samples-and-fbt.md": SamplesForm.base_fields,
    "discounts-and-tax.md": MoneyForm.base_fields,
    "order.md": OrderForm.base_fields,
    "product-matching.md": ProductsForm.base_fields,
    "stock-and-locations.md": StockForm.base_fields,
    "filters.md": FiltersForm.base_fields,
    "shipping-methods.md": [*ShippingForm.base_fields, *UnmappedForm.base_fields],
    "carriers.md": NewCarrierForm.base_fields,
    "order-sync.md": RouteForm.base_fields,
    "store-choices.md": [option.name for option in store_options()],
}


def rows_of(page: str) -> list[dict[str, str]]:
    """The rows of the tables of settings on a page, by the names of their columns."""
    found: list[dict[str, str]] = []
    head: list[str] = []
    for line in (DOCS / "settings" / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or not head:
            head = cells
        elif head[0] == "setting" and not set(cells[0]) <= set("-"):
            found.append(dict(zip(head, cells, strict=True)))
    return found


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

    @pytest.mark.parametrize(("page", "name"), [(page, name) for page, names in OFFERED.items() for name in names])
    def test_that_a_form_offers_have_a_row_with_an_example(self, page: str, name: str) -> None:
        rows = [row for row in rows_of(page) if f"`{name}`" in row["setting"]]
        assert len(rows) == 1, f"docs/settings/{page} has {len(rows)} rows about {name}"
        assert len(rows[0]["example"]) > 1

    @pytest.mark.parametrize(("page", "name"), [(page, name) for page, names in OFFERED.items() for name in names])
    def test_of_a_few_choices_name_each_of_them(self, page: str, name: str) -> None:
        text = " ".join((DOCS / "settings" / page).read_text().casefold().split())
        titles = [each.title for each in choices.CHOICES.get(name, ())]
        titles += [label for option in store_options() if option.name == name for _, label in option.choices]
        assert [title for title in titles if title.casefold() not in text] == []

    def test_of_every_form_are_in_one_of_the_pages(self) -> None:
        offered = {name for names in OFFERED.values() for name in names}
        assert offered >= {*settings_fields(), *RouteForm.base_fields, *(each.name for each in store_options())}

    def test_have_a_page_each_that_the_first_page_leads_to(self) -> None:
        first = (DOCS / "settings/README.md").read_text()
        for path in (DOCS / "settings").glob("*.md"):
            assert path.name == "README.md" or f"({path.name})" in first
            assert path.name == "README.md" or "xample" in path.read_text()

    def test_have_a_sentence_and_an_example_for_every_choice(self) -> None:
        for name, found in choices.CHOICES.items():
            assert all(each.title and each.sentence and each.example for each in found), name
