"""What a merchant fills in about routes and stores. Forms check shapes; the steps they lead to keep the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from connectors.base.connector import StoreOption
from orders.models import RouteRule

_INPUT = {"class": "input"}


class RouteForm(forms.Form):
    """Which items of which orders a store gets, and when."""

    destination = forms.ChoiceField(label="Store", widget=forms.Select(attrs=_INPUT))
    rule = forms.ChoiceField(label="Takes", choices=RouteRule.choices, widget=forms.Select(attrs=_INPUT))
    skus = forms.CharField(
        label="SKUs",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={**_INPUT, "rows": 4, "spellcheck": "false"}),
        help_text="One on each line; * stands for any characters, so CND-* means every SKU that begins with CND-.",
    )
    warehouse_ids = forms.CharField(
        label="TikTok Shop warehouses",
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={**_INPUT, "rows": 2, "spellcheck": "false"}),
        help_text="Warehouse ids, one on each line.",
    )
    least_share = forms.IntegerField(
        label="At least this share of the order's units, in percent",
        min_value=1,
        max_value=100,
        initial=100,
        widget=forms.NumberInput(attrs=_INPUT),
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
        widget=forms.NumberInput(attrs=_INPUT),
        help_text="Routes are asked in this order, the default one always last. The first that takes an item gets it.",
    )
    hours = forms.IntegerField(
        label="Extra hours after TikTok's hold",
        min_value=0,
        max_value=72,
        initial=0,
        widget=forms.NumberInput(attrs=_INPUT),
        help_text="0 sends an order when TikTok ends its hold. Up to 72 outlasts a longer window in which buyers may "
        "cancel. It counts for orders released from now on.",
    )

    def __init__(self, *args: Any, stores: Sequence[tuple[int, str]], warehouses: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["destination"].choices = stores  # type: ignore[attr-defined]
        if warehouses:
            self.fields["warehouse_ids"].help_text += f" Your orders so far came from {', '.join(warehouses)}."

    def clean_skus(self) -> list[str]:
        """The patterns, without repeats."""
        return _lines(self.cleaned_data["skus"])

    def clean_warehouse_ids(self) -> list[str]:
        """The ids, without repeats."""
        return _lines(self.cleaned_data["warehouse_ids"])

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
                widget=forms.Select(attrs=_INPUT),
            )


class ShippingForm(forms.Form):
    """One delivery option of TikTok Shop, and the store's method for it. Nothing said: as TikTok Shop calls it."""

    option_id = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())
    option_name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput())
    title = forms.CharField(required=False, max_length=200, widget=forms.TextInput(attrs=_INPUT))
    code = forms.CharField(required=False, max_length=100, widget=forms.TextInput(attrs=_INPUT))

    def __init__(self, *args: Any, methods: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.methods = dict(methods)
        if methods:
            choices = [("", "The store's default"), *methods]
            self.fields["code"] = forms.ChoiceField(required=False, choices=choices, widget=forms.Select(attrs=_INPUT))
            del self.fields["title"]

    @property
    def mapped(self) -> tuple[str, str] | None:
        """Title and code, or None where nothing was chosen."""
        code = self.cleaned_data["code"].strip()
        title = self.cleaned_data.get("title", "").strip() or self.methods.get(code, "")
        return (title or code, code or title) if title or code else None


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in re.split(r"[\n,]", text) if part.strip()))
