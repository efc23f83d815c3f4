"""What a merchant fills in about a route's rules, a page each. Forms check shapes; `proposed` is what would be kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms

from connectors.base.connector import Features
from orders import choices
from orders.fields import Card, Choose, FilterRows, Lines, LocationRows, Row
from orders.forms import INPUT
from orders.models import HoldMode, Route
from orders.notes import UnknownPlaceholder, check_note
from orders.rules import RouteRules


class RulesForm(forms.Form):
    """One page of a route's rules: its fields are fields of RouteRules. What the store cannot do cannot be chosen."""

    title: ClassVar[str]
    lead: ClassVar[str]

    def __init__(self, *args: Any, route: Route, features: Features, warehouses: Sequence[str], **kwargs: Any) -> None:
        self.kept, self.route, self.features = RouteRules.from_json(route.rules), route, features
        kwargs["initial"] = {name: self.kept_of(name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.disabled = bool(choices.lack_of(features, choices.NEEDS.get(name, "")))
            if isinstance(field, FilterRows):
                field.currency = route.source_store.currency or "USD"
            if isinstance(field, LocationRows):
                field.warehouses = warehouses

    def clean(self) -> dict[str, Any]:
        """A choice that the store cannot do is refused, unless it stands there already."""
        data = super().clean() or {}
        for name in choices.CHOICES.keys() & self.fields.keys():
            chosen = choices.choice_of(name, str(data.get(name, "")))
            lack = choices.lack_of(self.features, chosen.needs) if chosen else ""
            if lack and str(self.initial[name]) != str(data[name]):
                self.add_error(name, f"Not available on this store: {lack}.")
        return data

    def proposed(self) -> RouteRules:
        """The rules with what this valid form says."""
        said = {name: self.cleaned_data[name] for name in self.fields if hasattr(self.kept, name)}
        return RouteRules.from_json({**dataclasses.asdict(self.kept), **_plain(said)})

    def rows(self) -> list[Row]:
        """The fields as the page shows them."""
        return [self._row(bound) for bound in self]

    def _row(self, bound: forms.BoundField) -> Row:
        value = str(bound.value())
        default = str(self.default(bound.name))
        cards = [
            Card(each, each.value == value, each.value == default, choices.lack_of(self.features, each.needs))
            for each in choices.CHOICES.get(bound.name, ())
        ]
        is_read = self.is_bound and bound.name in getattr(self, "cleaned_data", {})
        is_draft = is_read and _differs(self.cleaned_data[bound.name], self.initial[bound.name])
        lack = choices.lack_of(self.features, choices.NEEDS.get(bound.name, ""))
        return Row(bound, cards, choices.default_in_words(bound.name), lack, is_draft)

    def kept_of(self, name: str) -> Any:
        """What counts now."""
        value = getattr(self.kept, name)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @classmethod
    def default(cls, name: str) -> Any:
        """What counts while nobody chose anything."""
        return getattr(RouteRules(), name)


def _differs(said: Any, kept: Any) -> bool:
    return bool(said != kept) and str(said) != str(kept)


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """As `RouteRules.to_json` writes them."""
    plain = dict(said)
    if "filters" in plain:
        plain["filters"] = [dataclasses.asdict(each) for each in plain["filters"]]
    return plain


class HoldForm(RulesForm):
    """When an order goes to the store. These two stand on the route itself, and count as what it takes."""

    title = "Hold"
    lead = "TikTok Shop holds a paid order for an hour, in which the buyer may cancel. This says when it goes on."

    hold_mode = Choose(
        "hold_mode", help_text="Whatever you choose, TikTok's own status releases an order, not a clock."
    )
    extra_hold_hours = forms.IntegerField(
        label=choices.NAMES["extra_hold_hours"],
        min_value=0,
        max_value=72,
        widget=forms.NumberInput(attrs=INPUT),
        help_text="Only for “some hours more”: 1 to 72, counted from the release. Example: 5 outlasts a window of "
        "5 hours.",
    )

    def clean(self) -> dict[str, Any]:
        """Hours and mode say the same."""
        data = super().clean()
        if data.get("hold_mode") == HoldMode.EXTRA_HOLD and data.get("extra_hold_hours") == 0:
            self.add_error("extra_hold_hours", "Say how many hours: 1 to 72.")
        if data.get("hold_mode") in (HoldMode.AFTER_HOLD, HoldMode.AT_ONCE):
            data["extra_hold_hours"] = 0
        return data

    def kept_of(self, name: str) -> Any:
        """What counts now."""
        return getattr(self.route, name)

    @classmethod
    def default(cls, name: str) -> Any:
        """What counts while nobody chose anything."""
        return {"hold_mode": HoldMode.AFTER_HOLD, "extra_hold_hours": 0}[name]


class SamplesForm(RulesForm):
    """Orders that are not sold, or not ours to ship."""

    title = "Samples and FBT"
    lead = "Free samples for creators, and orders that TikTok ships: from its own warehouse (FBT) or with its label."

    samples = Choose("samples", help_text="TikTok Shop wants samples shipped within about 7 days.")
    combine_hours = forms.FloatField(
        label=choices.NAMES["combine_hours"],
        min_value=0.5,
        max_value=24,
        widget=forms.NumberInput(attrs={**INPUT, "step": "0.5"}),
        help_text="Only for “combine”: 0.5 to 24, counted from the first sample. Example: 4.",
    )
    warehoused = Choose("warehoused", help_text="No tracking number is ever sent to TikTok Shop for these.")
    platform_shipped = Choose(
        "platform_shipped", help_text="A warning shows on top of every page when your shop changes who ships."
    )


class MoneyForm(RulesForm):
    """What the store's total is."""

    title = "Discounts and tax"
    lead = "Every amount of a store's order is proven against TikTok's to the cent, or nothing is created."

    discounts = Choose("discounts", help_text="TikTok Shop pays its own part of a discount back to you.")
    tax = Choose(
        "tax", help_text="TikTok Shop collects sales tax in the US and pays it; the store must not add its own."
    )


class OrderForm(RulesForm):
    """How the store's order is named and marked."""

    title = "Order"
    lead = "How the store's order is named and marked. It always carries TikTok's order id and the tag TikTok Shop."

    number_prefix = forms.CharField(
        label=choices.NAMES["number_prefix"],
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={**INPUT, "spellcheck": "false"}),
        help_text="Stands before TikTok's order id where the store lets an app name orders. "
        "Example: TT- makes TT-576461413038785751.",
    )
    tags = Lines(
        each=40,
        label=choices.NAMES["tags"],
        help_text="Beside our own, one on each line. Example: marketplace.",
    )
    note = forms.CharField(
        label=choices.NAMES["note"],
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={**INPUT, "rows": 3}),
        help_text="Instead of the built-in note. {order_id}, {shop}, {buyer_message}, {ship_by}, {deliver_by}, "
        "{delivery_option} and {total} stand for the order's own. Example: TikTok {order_id}, ship by {ship_by}.",
    )
    email = Choose("email", help_text="The store must send the buyer no mail; TikTok Shop does.")
    fixed_email = forms.EmailField(
        label=choices.NAMES["fixed_email"],
        required=False,
        widget=forms.EmailInput(attrs=INPUT),
        help_text="Only for “one of your own”. Example: orders@alices-candles.example.",
    )

    def clean_note(self) -> str:
        """The template, naming only what orders have."""
        note: str = self.cleaned_data["note"]
        try:
            check_note(note)
        except UnknownPlaceholder as error:
            raise forms.ValidationError(str(error)) from error
        return note

    def clean(self) -> dict[str, Any]:
        """An own address is needed where it is chosen."""
        data = super().clean()
        if data.get("email") == "FIXED" and not data.get("fixed_email") and "fixed_email" not in self.errors:
            self.add_error("fixed_email", "Name the address.")
        return data


class ProductsForm(RulesForm):
    """How items find their products."""

    title = "Product matching"
    lead = "An item is sent as the product it is linked to, by hand or by an equal SKU. This says what else may happen."

    unlinked = Choose("unlinked", help_text="An item is never left out in silence.")
    sku_case_matters = forms.BooleanField(
        label="Upper and lower case matter in SKUs",
        required=False,
        help_text="Off: cnd-fig-08 and CND-FIG-08 are the same SKU. On: they are two. Spaces around never matter.",
    )


class StockForm(RulesForm):
    """What an order does to the store's stock, and at which location."""

    title = "Stock and locations"
    lead = "What a new order does to the store's stock, and from which of its locations it is shipped."

    stock = Choose("stock", help_text="Counts for new orders. A cancelled order gives its stock back.")
    default_location = forms.CharField(
        label="Location for any other warehouse",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={**INPUT, "spellcheck": "false"}),
        help_text="The store's own id of the location, as at the end of its address there; empty leaves the choice to "
        "the store. Where the store chooses by itself, the order names yours as “Ship from”. Example: 655441491.",
    )
    locations = LocationRows(
        label="Location of each TikTok Shop warehouse",
        help_text="Your orders' warehouses so far. An empty location means the one above.",
    )


class FiltersForm(RulesForm):
    """Orders that are not sent."""

    title = "Filters"
    lead = "Orders that this route does not send. Each shows “Skipped” with the filter's name, and can be sent by hand."

    filters = FilterRows(
        label=choices.NAMES["filters"],
        help_text="An order that fits any row is not sent. To take a filter away, empty its row. "
        "Example: “No gift cards”, SKU, GIFT-*.",
    )


GROUPS: Mapping[str, type[RulesForm]] = {
    "hold": HoldForm,
    "samples": SamplesForm,
    "money": MoneyForm,
    "order": OrderForm,
    "products": ProductsForm,
    "stock": StockForm,
    "filters": FiltersForm,
}


class UnmappedForm(RulesForm):
    """On the page of the shipping methods: what becomes of an option without a method."""

    title = "If an option is not mapped"
    lead = "TikTok Shop may bring a delivery option that stands in no row."

    unmapped_shipping = Choose("unmapped_shipping", help_text="Counts for options without a method of their own.")


def settings_fields() -> dict[str, forms.Field]:
    """Every field of every page of rules, by name."""
    pages: list[type[RulesForm]] = [*GROUPS.values(), UnmappedForm]
    return {name: field for page in pages for name, field in page.base_fields.items()}
