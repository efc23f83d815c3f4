"""Fields of the settings that Django has none for: choices with their sentences, several short texts, rows of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from connectors.base import money
from orders import choices
from orders.forms import INPUT, lines_of
from orders.rules import Filter, FilterBy

_MORE_ROWS = 2
_MOST_FILTERS = 30


@dataclass(frozen=True, slots=True)
class Card:
    """A choice as the page shows it; `lack` says why the store cannot do it."""

    choice: choices.Choice
    is_chosen: bool
    is_default: bool
    lack: str


@dataclass(frozen=True, slots=True)
class Row:
    """A field as the page shows it. `is_draft`: it differs from what is saved."""

    bound: forms.BoundField
    cards: Sequence[Card]
    default: str
    lack: str
    is_draft: bool

    @property
    def looks_at(self) -> Sequence[choices.Choice]:
        """What a filter may look at."""
        return choices.CHOICES["filter_by"]


class Choose(forms.ChoiceField):
    """One of the choices of `orders/choices.py`, as radio buttons with their sentences."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        pairs = [(each.value, each.title) for each in choices.CHOICES[name]]
        super().__init__(choices=pairs, label=choices.NAMES[name], widget=forms.RadioSelect, **kwargs)


class Lines(forms.CharField):
    """Several short texts, one on each line."""

    def __init__(self, *, each: int, **kwargs: Any) -> None:
        self.each = each
        area = forms.Textarea(attrs={**INPUT, "rows": 3, "spellcheck": "false"})
        super().__init__(required=False, max_length=2000, widget=area, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        parts = tuple(lines_of(super().clean(value)))
        if long := [part for part in parts if len(part) > self.each]:
            raise forms.ValidationError(f"“{long[0][:30]}…” has more than {self.each} characters.")
        return parts


class Rows(forms.Widget):
    """A table of texts: `columns` in each row, and some empty rows to fill."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__()
        self.columns = columns

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]] | None:
        rows = []
        for number in range(200):
            if f"{name}-{number}-{self.columns[0]}" not in data:
                break
            rows.append({each: str(data.get(f"{name}-{number}-{each}", "")).strip() for each in self.columns})
        return rows

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        raise NotImplementedError("templates/settings/ draws the rows itself")


class FilterRows(forms.Field):
    """The filters: a name, what is looked at, and the value. A row without a name and a value is left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Rows(("name", "by", "value")), **kwargs)
        self.currency = "USD"

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        rows = [each if isinstance(each, dict) else self._said(each) for each in value or ()]
        while rows and not (rows[-1]["name"] or rows[-1]["value"]):
            rows.pop()
        return [*rows, *({"name": "", "by": FilterBy.SKU.value, "value": ""} for _ in range(_MORE_ROWS))]

    def clean(self, value: Any) -> tuple[Filter, ...]:
        found = [self._read(number, row) for number, row in enumerate(value or (), 1) if row["name"] or row["value"]]
        if len(found) > _MOST_FILTERS:
            raise forms.ValidationError(f"At most {_MOST_FILTERS} filters.")
        if len({each.name for each in found}) < len(found):
            raise forms.ValidationError("Two filters have the same name. An order shows the name of its filter.")
        return tuple(found)

    def _read(self, number: int, row: Mapping[str, str]) -> Filter:
        if not row["name"] or not row["value"]:
            raise forms.ValidationError(f"Row {number}: give the filter a name and a value.")
        if row["by"] not in [each.value for each in FilterBy]:
            raise forms.ValidationError(f"Row {number}: choose what it looks at.")
        value = row["value"][:200]
        if row["by"] in (FilterBy.TOTAL_ABOVE, FilterBy.TOTAL_BELOW):
            try:
                value = str(money.to_minor(value, self.currency))
            except money.AmountError as error:
                raise forms.ValidationError(f"Row {number}: {error}.") from error
        return Filter(name=row["name"][:80], by=FilterBy(row["by"]), value=value)

    def _said(self, kept: Filter) -> dict[str, str]:
        return {"name": kept.name, "by": kept.by.value, "value": value_in_words(kept, self.currency)}


def value_in_words(kept: Filter, currency: str) -> str:
    """A filter's value as people write it: amounts with decimals."""
    is_amount = kept.by in (FilterBy.TOTAL_ABOVE, FilterBy.TOTAL_BELOW) and kept.value.lstrip("-").isdigit()
    return money.to_text(int(kept.value), currency) if is_amount else kept.value


class LocationRows(forms.Field):
    """The store's location for each warehouse of the source; an empty one means the default location."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Rows(("warehouse", "location")), **kwargs)
        self.warehouses: Sequence[str] = ()

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        if isinstance(value, list):
            return value
        kept = dict(value or {})
        known = dict.fromkeys([*self.warehouses, *kept])
        rows = [{"warehouse": each, "location": kept.get(each, "")} for each in known]
        return [*rows, {"warehouse": "", "location": ""}]

    def clean(self, value: Any) -> dict[str, str]:
        rows = [row for row in value or () if row["location"]]
        if any(not row["warehouse"] for row in rows):
            raise forms.ValidationError("Name the warehouse of each location.")
        return {row["warehouse"][:64]: row["location"][:100] for row in rows}
