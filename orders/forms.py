"""What a merchant fills in about routes and stores. Forms check shapes; the steps they lead to keep the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from connectors.base.connector import StoreOption
from connectors.base.types import Carrier
from orders.models import RouteRule

INPUT = {"class": "input"}


class RouteForm(forms.Form):
    """Which items of which orders a store gets."""

    destination = forms.ChoiceField(label="Store", widget=forms.Select(attrs=INPUT))
    rule = forms.ChoiceField(label="Takes", choices=RouteRule.choices, widget=forms.Select(attrs=INPUT))
    skus = forms.CharField(
        label="SKUs",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={**INPUT, "rows": 4, "spellcheck": "false"}),
        help_text="One on each line; * stands for any characters, so CND-* means every SKU that begins with CND-.",
    )
    warehouse_ids = forms.CharField(
        label="TikTok Shop warehouses",
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={**INPUT, "rows": 2, "spellcheck": "false"}),
        help_text="Warehouse ids, one on each line.",
    )
    least_share = forms.IntegerField(
        label="At least this share of the order's units, in percent",
        min_value=1,
        max_value=100,
        initial=100,
        widget=forms.NumberInput(attrs=INPUT),
        help_text="100 means: only orders of which the store has everything.",
    )
    takes_part = forms.BooleanField(
        label="May take a part of an order, while the rest goes to another store",
        required=False,
        help_text="Each part is an order of its own, with its own parcels; TikTok Shop gets every parcel's number.",
    )
    leaves_rest = forms.BooleanField(
        label="Send what this store has; the rest is yours to ship by hand",
        required=False,
        help_text="Off: an order with an item that no store has waits whole, and asks you. On: this store gets what it "
        "has, other routes are asked for the rest, and what none takes is named on the order's page as yours to ship. "
        "Example: the candle is in Amazon's warehouse, the tin is not. Amazon ships the candle and TikTok Shop gets "
        "its number; you pack the tin and enter its number in Seller Center.",
    )
    position = forms.IntegerField(
        label="Asked as number",
        min_value=1,
        max_value=99,
        initial=1,
        widget=forms.NumberInput(attrs=INPUT),
        help_text="Routes are asked in this order, the default one always last. The first that takes an item gets it.",
    )

    def __init__(self, *args: Any, stores: Sequence[tuple[int, str]], warehouses: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["destination"].choices = stores  # type: ignore[attr-defined]
        if warehouses:
            self.fields["warehouse_ids"].help_text += f" Your orders so far came from {', '.join(warehouses)}."

    def clean_skus(self) -> list[str]:
        """The patterns, without repeats."""
        return lines_of(self.cleaned_data["skus"])

    def clean_warehouse_ids(self) -> list[str]:
        """The ids, without repeats."""
        return lines_of(self.cleaned_data["warehouse_ids"])

    def clean(self) -> dict[str, Any]:
        """A rule that names things needs at least one."""
        data = super().clean() or {}
        if data.get("rule") == RouteRule.SKU and not data.get("skus") and "skus" not in self.errors:
            self.add_error("skus", "Name at least one SKU.")
        if data.get("rule") == RouteRule.WAREHOUSE and not data.get("warehouse_ids"):
            self.add_error("warehouse_ids", "Name at least one warehouse.")
        if data.get("rule") == RouteRule.FOUND and data.get("leaves_rest") and data.get("least_share") == 100:
            self.add_error("least_share", "100 leaves no rest to ship by hand: name a smaller share, such as 1.")
        return data


class OptionsForm(forms.Form):
    """The choices that a platform offers for one store."""

    def __init__(self, *args: Any, options: Sequence[StoreOption], chosen: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in options:
            self.fields[option.name] = forms.ChoiceField(
                label=option.label,
                choices=option.choices,
                help_text=option.help,
                initial=chosen.get(option.name, option.choices[0][0]),
                widget=forms.Select(attrs=INPUT),
            )


class ShippingForm(forms.Form):
    """The store's method for one delivery option of TikTok Shop. Nothing said: as TikTok Shop calls it, or the store's
    default. Where the store takes only some methods, one of `methods` (code, title)."""

    title = forms.CharField(label="Title", required=False, max_length=200, widget=forms.TextInput(attrs=INPUT))
    code = forms.CharField(label="Code", required=False, max_length=100, widget=forms.TextInput(attrs=INPUT))

    def __init__(self, *args: Any, methods: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.methods = dict(methods)
        if methods:
            choices = [("", "The store's default"), *methods]
            select = forms.Select(attrs=INPUT)
            self.fields["code"] = forms.ChoiceField(label="Method", required=False, choices=choices, widget=select)
            del self.fields["title"]

    @property
    def was_asked(self) -> bool:
        """Whether the page that was sent had this row."""
        return self.add_prefix("code") in self.data

    @property
    def mapped(self) -> tuple[str, str] | None:
        """Title and code, or None where nothing was chosen."""
        code = self.cleaned_data["code"].strip()
        title = self.cleaned_data.get("title", "").strip() or self.methods.get(code, "")
        return (title or code, code or title) if title or code else None


class CarrierForm(forms.Form):
    """The source's carrier for one of the stores' words. `known` are its carriers, by id."""

    carrier = forms.ChoiceField(label="TikTok Shop's carrier", required=False, widget=forms.Select(attrs=INPUT))

    def __init__(self, *args: Any, row: Any, known: Mapping[str, str], **kwargs: Any) -> None:
        kwargs["initial"] = {"carrier": row.carrier_id}
        super().__init__(*args, **kwargs)
        self.known = {row.carrier_id: row.carrier_name, **known} if row.carrier_id else dict(known)
        nothing = f"By its name: {row.by_name}" if row.by_name else "Not mapped: its parcels wait"
        suggested = [(each.external_id, f"{each.name} · {why}") for each, why in row.suggestions]
        groups = [("Suggested", suggested)] if suggested else []
        self.fields["carrier"].choices = [("", nothing), *groups, *_carrier_groups(self.known)]  # type: ignore[attr-defined]

    @property
    def was_asked(self) -> bool:
        """Whether the page that was sent had this row."""
        return self.add_prefix("carrier") in self.data

    @property
    def chosen(self) -> Carrier | None:
        """The carrier, or None where the row is not mapped."""
        carrier_id = self.cleaned_data["carrier"]
        return Carrier(external_id=carrier_id, name=self.known[carrier_id]) if carrier_id else None


class NewCarrierForm(forms.Form):
    """A word that no parcel had yet, or one that means another carrier for one delivery option."""

    text = forms.CharField(
        label="The store's word", required=False, max_length=200, widget=forms.TextInput(attrs=INPUT)
    )
    option = forms.ChoiceField(label="Delivery option", required=False, widget=forms.Select(attrs=INPUT))
    carrier = forms.ChoiceField(label="TikTok Shop's carrier", required=False, widget=forms.Select(attrs=INPUT))

    def __init__(self, *args: Any, known: Mapping[str, str], options: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = dict(known)
        self.fields["option"].choices = [("", "Any"), *options]  # type: ignore[attr-defined]
        self.fields["carrier"].choices = [("", "Choose a carrier"), *_carrier_groups(known)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Word and carrier, or neither."""
        data = super().clean() or {}
        if bool(data.get("text")) != bool(data.get("carrier")):
            self.add_error("carrier" if data.get("text") else "text", "Give both: the word, and the carrier it means.")
        return data

    @property
    def chosen(self) -> dict[tuple[str, str], Carrier]:
        """The carrier by delivery option and word; empty where nothing was filled in."""
        said = self.cleaned_data
        if not said["text"]:
            return {}
        carrier = Carrier(external_id=said["carrier"], name=self.known[said["carrier"]])
        return {(said["option"], said["text"].strip()): carrier}


def _carrier_groups(known: Mapping[str, str]) -> list[Any]:
    return [("TikTok Shop's list", list(known.items()))] if known else []


def are_valid(checked: Sequence[forms.Form]) -> bool:
    """All of them, each asked, so that each shows what is wrong with it."""
    return {form.is_valid() for form in checked} <= {True}


def lines_of(text: str) -> list[str]:
    """The parts between line ends and commas, without repeats."""
    return list(dict.fromkeys(part.strip() for part in re.split(r"[\n,]", text) if part.strip()))
