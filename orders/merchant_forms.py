"""What a merchant fills in about deadlines and alerts. Forms check shapes; `proposed` is what would be kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from connectors import outside
from orders import alert_addresses
from orders import merchant_words as words
from orders.alert_rules import AlertRules
from orders.alert_words import ABOUT
from orders.deadlines import DeadlineRules
from orders.fields import Lines, Row
from orders.forms import INPUT
from orders.models import AlertKind
from orders.queries.due import KINDS

MOST_ADDRESSES = 10
MOST_DAYS_OFF = 100


def _number(name: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    label = words.DEADLINES.get(name) or words.ALERTS[name]
    widget = forms.NumberInput(attrs=INPUT)
    return forms.IntegerField(label=label, min_value=least, max_value=most, widget=widget, help_text=help_text)


def _percent(name: str, help_text: str) -> forms.FloatField:
    widget = forms.NumberInput(attrs={**INPUT, "step": "0.1"})
    return forms.FloatField(
        label=words.DEADLINES[name], min_value=0, max_value=100, widget=widget, help_text=help_text
    )  # fmt: skip


def _choice(name: str, help_text: str) -> forms.ChoiceField:
    pairs = [(str(value), text) for value, text in words.CHOICES[name].items()]
    select = forms.Select(attrs=INPUT)
    return forms.ChoiceField(label=words.DEADLINES[name], choices=pairs, widget=select, help_text=help_text)


class _OwnForm(forms.Form):
    """A page of the merchant's own rules. The fields are those of the rules' dataclass."""

    def __init__(self, *args: Any, kept: Any, **kwargs: Any) -> None:
        self.kept = kept
        kwargs["initial"] = {name: getattr(kept, name) for name in self.base_fields if hasattr(kept, name)}
        super().__init__(*args, **kwargs)

    def proposed(self) -> Any:
        """The rules with what this valid form says."""
        return dataclasses.replace(self.kept, **{name: self.cleaned_data[name] for name in self.fields})

    def row(self, name: str) -> Row:
        """One field as the page shows it."""
        default = words.in_words(name, getattr(type(self.kept)(), name))
        is_read = self.is_bound and name in getattr(self, "cleaned_data", {})
        is_draft = is_read and self.cleaned_data[name] != self.initial[name]
        return Row(self[name], [], default, "", is_draft)


class DeadlinesForm(_OwnForm):
    """What is reckoned where TikTok Shop names no deadline, and when is warned."""

    warn_first_hours = _number("warn_first_hours", 2, 168, "Shown in amber from then on.")
    warn_last_hours = _number("warn_last_hours", 1, 48, "Shown in red from then on.")
    dispatch_days = _number("dispatch_days", 1, 30, "Some pages of TikTok Shop still say 3.")
    dispatch_from = _choice("dispatch_from", "TikTok Shop's page of January 2026 counts from the end of the hold.")
    dispatch_met = _choice("dispatch_met", "Since 2026 only the first scan counts.")
    preorder_days = _number("preorder_days", 1, 30, "After the day that the pre-order closes.")
    handling_days = _number("handling_days", 1, 60, "Where the order names no handling time.")
    custom_extra_days = _number("custom_extra_days", 0, 30, "After the handling time.")
    capacity_days = _number("capacity_days", 0, 5, "1 where your shop has order-handling capacity.")
    auto_cancel_days = _number("auto_cancel_days", 1, 60, "After the order, without a tracking number.")
    auto_cancel_custom_days = _number("auto_cancel_custom_days", 1, 60, "After the deadline to dispatch.")
    auto_cancel_preorder_days = _number("auto_cancel_preorder_days", 1, 60, "After the deadline to dispatch.")
    deliver_days = _number("deliver_days", 1, 60, "After the order.")
    deliver_custom_days = _number("deliver_custom_days", 1, 60, "Beside the handling time.")
    cancel_answer_us_hours = _number("cancel_answer_us_hours", 1, 168, "Where the request names no moment.")
    cancel_answer_hours = _number("cancel_answer_hours", 1, 168, "Where the request names no moment.")
    return_answer_hours = _number("return_answer_hours", 1, 336, "Where the return names no moment.")
    replacement_answer_hours = _number("replacement_answer_hours", 1, 336, "Where the return names no moment.")
    hold_late_hours = _number("hold_late_hours", 1, 48, "Then the work list shows the order.")
    has_federal_holidays = forms.BooleanField(
        label=words.DEADLINES["has_federal_holidays"],
        required=False,
        help_text="Also the day on which one is observed, where it falls on a weekend.",
    )
    days_off = Lines(
        each=10, label=words.DEADLINES["days_off"], help_text="One on each line, as year-month-day: 2026-12-24."
    )  # fmt: skip
    late_dispatch_limit = _percent("late_dispatch_limit", "TikTok Shop's own page.")
    seller_cancel_limit = _percent("seller_cancel_limit", "Trade pages of 2026, as the next two.")
    tracking_limit = _percent("tracking_limit", "")
    on_time_limit = _percent("on_time_limit", "")
    on_time_express_limit = _percent("on_time_express_limit", "TikTok Shop's own page.")

    GROUPS = (
        ("When you are warned", ("warn_first_hours", "warn_last_hours", "hold_late_hours")),
        (
            "Dispatch",
            (
                "dispatch_days", "dispatch_from", "dispatch_met", "preorder_days", "handling_days",
                "custom_extra_days", "capacity_days",
            ),
        ),
        ("TikTok Shop cancels by itself", ("auto_cancel_days", "auto_cancel_custom_days", "auto_cancel_preorder_days")),
        ("Delivery", ("deliver_days", "deliver_custom_days")),
        (
            "Answers",
            ("cancel_answer_us_hours", "cancel_answer_hours", "return_answer_hours", "replacement_answer_hours"),
        ),
        ("Days off", ("has_federal_holidays", "days_off")),
        (
            "Limits of TikTok Shop",
            (
                "late_dispatch_limit", "seller_cancel_limit", "tracking_limit", "on_time_limit",
                "on_time_express_limit",
            ),
        ),
    )  # fmt: skip

    def clean_days_off(self) -> tuple[str, ...]:
        """Days, each once, in order."""
        found = set()
        for text in self.cleaned_data["days_off"]:
            try:
                found.add(date.fromisoformat(text).isoformat())
            except ValueError as error:
                raise ValidationError(f"“{text}” is no day. Write it as 2026-12-24.") from error
        if len(found) > MOST_DAYS_OFF:
            raise ValidationError(f"At most {MOST_DAYS_OFF} days.")
        return tuple(sorted(found))

    def clean(self) -> dict[str, Any]:
        """The last warning comes after the first."""
        data = super().clean() or {}
        first, last = data.get("warn_first_hours"), data.get("warn_last_hours")
        if first and last and last >= first:
            self.add_error("warn_last_hours", "The last warning has to come after the first: name fewer hours.")
        return data

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """The fields under their headings."""
        for title, names in self.GROUPS:
            yield title, [self.row(name) for name in names]

    def proposed(self) -> DeadlineRules:
        """The rules with what this valid form says."""
        rules: DeadlineRules = super().proposed()
        return DeadlineRules.from_json(dataclasses.asdict(rules))


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of alert as the page shows it: where it goes, and from when on."""

    kind: AlertKind
    about: str
    channels: Sequence[tuple[str, str, str, bool]]  # name, value, words, is it chosen
    rows: Sequence[Row]


class AlertsForm(_OwnForm):
    """Which kinds reach whom how, and from when on."""

    in_app = forms.MultipleChoiceField(choices=AlertKind.choices, required=False)
    email = forms.MultipleChoiceField(choices=AlertKind.choices, required=False)
    webhook = forms.MultipleChoiceField(choices=AlertKind.choices, required=False)
    days_left = forms.CharField(
        label=words.ALERTS["days_left"],
        max_length=60,
        widget=forms.TextInput(attrs=INPUT),
        help_text="Up to 90, with commas between. A lost authorization is always said.",
    )
    more_than = _number("more_than", 0, 1000, "0: any order.")
    older_than_minutes = _number("older_than_minutes", 1, 10_080)
    deadlines = forms.MultipleChoiceField(
        label=words.ALERTS["deadlines"],
        choices=[(kind.value, words.DEADLINE_KINDS[kind]) for kind in KINDS if kind.value != "CANCEL_ANSWER"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    gap_minutes = _number("gap_minutes", 1, 1440)
    silence_hours = _number("silence_hours", 1, 168, "Only where orders came meanwhile.")
    limit_minutes = _number("limit_minutes", 1, 1440)
    pause_minutes = _number(
        "pause_minutes", 5, 1440, "What becomes graver, or twice as many, is said at once all the same."
    )
    to_owners = forms.BooleanField(label=words.ALERTS["to_owners"], required=False)
    addresses = Lines(
        each=254, label="Other e-mail addresses", help_text=f"One on each line, at most {MOST_ADDRESSES}."
    )
    webhook_url = forms.CharField(
        label=words.ALERTS["webhook_to"],
        required=False,
        max_length=outside.LONGEST_URL,
        widget=forms.URLInput(attrs={**INPUT, "spellcheck": "false"}),
        help_text="Gets each message as JSON, signed. Begins with https://, and is reached over the internet.",
    )
    webhook_off = forms.BooleanField(label="Send to no web address any more", required=False)

    OF_KIND: Mapping[AlertKind, tuple[str, ...]] = {
        AlertKind.AUTHORIZATION: ("days_left",),
        AlertKind.DEADLINE: ("deadlines",),
        AlertKind.ATTENTION: ("more_than", "older_than_minutes"),
        AlertKind.LEDGER_GAP: ("gap_minutes",),
        AlertKind.SILENCE: ("silence_hours",),
        AlertKind.RATE_LIMIT: ("limit_minutes",),
    }

    def __init__(self, *args: Any, kept: AlertRules, **kwargs: Any) -> None:
        super().__init__(*args, kept=kept, **kwargs)
        self.initial["days_left"] = ", ".join(map(str, kept.days_left))
        self.initial["addresses"] = list(kept.addresses)
        self.initial.update(webhook_url="", webhook_off=False)
        if kept.webhook_to:
            host = alert_addresses.host_of(kept.webhook_to)
            self.fields[
                "webhook_url"
            ].help_text = (
                f"An address at {host} is kept, encrypted, and not shown again. Enter another one to change it."
            )
        else:
            del self.fields["webhook_off"]

    def clean_days_left(self) -> tuple[int, ...]:
        """Days, the most first."""
        parts = [part.strip() for part in self.cleaned_data["days_left"].split(",") if part.strip()]
        if not parts or len(parts) > 8 or not all(part.isascii() and part.isdigit() for part in parts):
            raise ValidationError("Name up to eight numbers of days, with commas between: 30, 14, 7, 1.")
        days = {int(part[:4]) for part in parts}
        if min(days) < 1 or max(days) > 90:
            raise ValidationError("From 1 to 90 days.")
        return tuple(sorted(days, reverse=True))

    def clean_addresses(self) -> tuple[str, ...]:
        """Addresses, each once."""
        found = tuple(dict.fromkeys(each.lower() for each in self.cleaned_data["addresses"]))
        for each in found:
            try:
                validate_email(each)
            except ValidationError as error:
                raise ValidationError(f"“{each}” is no e-mail address.") from error
        if len(found) > MOST_ADDRESSES:
            raise ValidationError(f"At most {MOST_ADDRESSES} addresses.")
        return found

    def clean_webhook_url(self) -> str:
        """An address that may be called, by its looks; where its name leads is judged with each call."""
        url: str = self.cleaned_data["webhook_url"].strip()
        if url:
            try:
                outside.judge(url, may_be_ours=settings.ALERTS_MAY_STAY_HERE)
            except outside.AddressRefused as error:
                raise ValidationError(str(error)) from error
        return url

    def proposed(self) -> AlertRules:
        """The rules with what this valid form says, kinds in their own order."""
        said = {name: value for name, value in self.cleaned_data.items() if hasattr(self.kept, name)}
        said["webhook_to"] = self._webhook_to()
        for name in words.CHANNELS:
            said[name] = tuple(kind.value for kind in AlertKind if kind.value in said[name])
        # A kind that has no source yet stands as it was.
        listed = [value for value, _ in AlertsForm.base_fields["deadlines"].choices]  # type: ignore[attr-defined]
        unlisted = [each for each in self.kept.deadlines if each not in listed]
        said["deadlines"] = tuple(
            each.value for each in words.DEADLINE_KINDS if each.value in (*said["deadlines"], *unlisted)
        )
        return dataclasses.replace(self.kept, **said)

    def _webhook_to(self) -> str:
        if url := self.cleaned_data["webhook_url"]:
            return alert_addresses.mark_of(url)
        return "" if self.cleaned_data.get("webhook_off") else self.kept.webhook_to

    def kinds(self) -> Iterator[KindRow]:
        """The table of kinds and channels, each with what can be tuned about it."""
        for kind in AlertKind:
            yield KindRow(
                kind=kind,
                about=ABOUT[kind],
                channels=[
                    (name, kind.value, text, kind.value in (self[name].value() or ()))
                    for name, text in words.CHANNELS.items()
                ],
                rows=[self.row(name) for name in self.OF_KIND.get(kind, ())],
            )

    def row(self, name: str) -> Row:
        """One field as the page shows it."""
        default = words.in_words(name, getattr(AlertRules(), name, False if name == "webhook_off" else ""))
        return Row(self[name], [], default, "", False)

    def reach(self) -> list[Row]:
        """Whom messages reach, and how often."""
        names = ("to_owners", "addresses", "webhook_url", "webhook_off", "pause_minutes")
        return [self.row(name) for name in names if name in self.fields]
