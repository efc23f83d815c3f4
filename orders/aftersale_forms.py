"""What a merchant fills in about cancellations and returns of a shop. The form checks shapes; `proposed` is what would
be kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms

from connectors.base import money
from connectors.models import ConnectedStore
from orders import choices
from orders.aftersale_rules import AftersaleRules, AnswerRule, CancelReason, Reply, rules_of
from orders.fields import Card, Choose, Row, Rows

_MORE_ROWS = 2
_MOST_RULES = 20


class AnswerRows(forms.Field):
    """The rules that answer requests to cancel: a name, the answer, and what has to fit. An empty row is left out."""

    columns = ("name", "reply", "reasons", "at_most", "within_hours", "reason")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Rows(self.columns), **kwargs)
        self.currency = "USD"

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        rows = [each if isinstance(each, dict) else self._said(each) for each in value or ()]
        while rows and not rows[-1]["name"]:
            rows.pop()
        empty = dict.fromkeys(self.columns, "") | {"reply": Reply.ACCEPT.value}
        return [*rows, *(dict(empty) for _ in range(_MORE_ROWS))]

    def clean(self, value: Any) -> tuple[AnswerRule, ...]:
        found = [self._read(number, row) for number, row in enumerate(value or (), 1) if _is_filled(row)]
        if len(found) > _MOST_RULES:
            raise forms.ValidationError(f"At most {_MOST_RULES} rules.")
        if len({each.name for each in found}) < len(found):
            raise forms.ValidationError("Two rules have the same name. The timeline names the rule that answered.")
        return tuple(found)

    def _read(self, number: int, row: Mapping[str, str]) -> AnswerRule:
        where = f"Rule {number}"
        if not row["name"]:
            raise forms.ValidationError(f"{where}: give the rule a name.")
        if row["reply"] not in [each.value for each in Reply]:
            raise forms.ValidationError(f"{where}: choose the answer.")
        if row["reply"] == Reply.REFUSE and not row["reason"]:
            raise forms.ValidationError(
                f"{where}: TikTok Shop takes no refusal without a reason. Name one, such as “packed”."
            )
        if row["within_hours"] and not row["within_hours"].isdigit():
            raise forms.ValidationError(f"{where}: say whole hours.")
        try:
            at_most = money.to_minor(row["at_most"], self.currency) if row["at_most"] else 0
        except money.AmountError as error:
            raise forms.ValidationError(f"{where}: {error}.") from error
        return AnswerRule(
            name=row["name"][:80],
            reply=Reply(row["reply"]),
            reasons=tuple(each.strip()[:120] for each in row["reasons"].split(",") if each.strip()),
            at_most=at_most,
            within_hours=int(row["within_hours"] or 0),
            reason=row["reason"][:120],
        )

    def _said(self, rule: AnswerRule) -> dict[str, str]:
        return {
            "name": rule.name,
            "reply": rule.reply.value,
            "reasons": ", ".join(rule.reasons),
            "at_most": money.to_text(rule.at_most, self.currency) if rule.at_most else "",
            "within_hours": str(rule.within_hours or ""),
            "reason": rule.reason,
        }


def _is_filled(row: Mapping[str, str]) -> bool:
    return any(value for name, value in row.items() if name != "reply")


class ReasonRows(forms.Field):
    """The reason that the source is told for a word of the store. An empty row is left out."""

    columns = ("word", "reason")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Rows(self.columns), **kwargs)

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        rows = value if isinstance(value, list) else [{"word": each, "reason": said} for each, said in value.items()]
        return [*rows, {"word": "", "reason": CancelReason.OUT_OF_STOCK.value}]

    def clean(self, value: Any) -> dict[str, CancelReason]:
        rows = [row for row in value or () if row["word"]]
        if any(row["reason"] not in [each.value for each in CancelReason] for row in rows):
            raise forms.ValidationError("Choose a reason for each word.")
        return {row["word"].upper()[:60]: CancelReason(row["reason"]) for row in rows}


def _yes_no(name: str, **kwargs: Any) -> forms.TypedChoiceField:
    pairs = [("yes", choices.in_words(name, value=True)), ("no", choices.in_words(name, value=False))]
    return forms.TypedChoiceField(
        choices=pairs, coerce=lambda said: said == "yes", label=choices.NAMES[name], widget=forms.RadioSelect, **kwargs
    )


class AftersalesForm(forms.Form):
    """The page about cancellations and returns of one shop. In merchant_rows."""

    title: ClassVar[str] = "Cancellations and returns"
    lead: ClassVar[str] = (
        "What happens when a buyer thinks again. TikTok Shop decides about returns and refunds; the stores follow."
    )

    answer_rules = AnswerRows(
        label=choices.NAMES["answer_rules"],
        help_text="The first rule that fits answers; what no rule fits waits for you. Reasons are TikTok's keys or "
        "parts of its words, separated by commas; empty fits any. Nothing whose parcel has left is accepted by a rule. "
        "Example: “Small and early”, Accept, up to 20.00, within 2 hours; “Too late”, Refuse, for the reason “packed”.",
    )
    restock_cancelled = _yes_no(
        "restock_cancelled", help_text="Where the store can say it. Example: 10 candles, one ordered, cancelled: 10."
    )
    cancels_at_source = _yes_no(
        "cancels_at_source",
        help_text="Off unless you switch it on: such cancellations count as yours on TikTok Shop. A buyer's open "
        "request is accepted instead. Example: you cancel #1001 in the store, and TikTok Shop refunds the buyer.",
    )
    cancel_reason = Choose("cancel_reason", help_text="Where no row below names another.")
    store_reasons = ReasonRows(
        label=choices.NAMES["store_reasons"],
        help_text="The store's own word for why it was cancelled. Example: INVENTORY means out of stock.",
    )
    restock_returns = Choose("restock_returns", help_text="Counts for returns that are completed from now on.")

    def __init__(self, *args: Any, source_store: ConnectedStore, **kwargs: Any) -> None:
        self.kept = rules_of(source_store.pk)
        kwargs["initial"] = {name: self._initial(name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        answers = self.fields["answer_rules"]
        assert isinstance(answers, AnswerRows)
        answers.currency = source_store.currency or "USD"

    def _initial(self, name: str) -> Any:
        value = getattr(self.kept, name)
        return ("yes" if value else "no") if isinstance(value, bool) else value

    def proposed(self) -> AftersaleRules:
        """The rules as this valid form says."""
        return AftersaleRules(**{name: self.cleaned_data[name] for name in self.fields})

    def rows(self) -> Sequence[Row]:
        """The fields as the page shows them."""
        return [self._row(bound) for bound in self]

    def _row(self, bound: forms.BoundField) -> Row:
        value, default = str(bound.value()), str(getattr(AftersaleRules(), bound.name))
        found = choices.CHOICES.get(bound.name, ())
        cards = [Card(each, each.value == value, each.value == default, "") for each in found]
        is_read = self.is_bound and bound.name in getattr(self, "cleaned_data", {})
        is_draft = is_read and self.cleaned_data[bound.name] != getattr(self.kept, bound.name)
        return Row(bound, cards, choices.default_in_words(bound.name), "", is_draft)


def fields_of() -> set[str]:
    """Every rule that the page has a field for."""
    return set(AftersalesForm.base_fields) & {each.name for each in dataclasses.fields(AftersaleRules)}
