"""What a merchant fills in about cancellations and returns of one shop. Forms check shapes; `proposed` is what would be
kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from connectors.base import money
from orders import choices
from orders.aftersale_rules import AftersaleRules, AnswerRule, CancelReason, Reply, Restocking
from orders.fields import Choose, Rows

_MORE_ROWS = 2
_MOST_RULES = 20
_COLUMNS = ("name", "reply", "reasons", "at_most", "within_hours", "reason")


class AnswerRows(forms.Field):
    """Rules that answer by themselves, the first that fits. A row without a name is left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Rows(_COLUMNS), **kwargs)
        self.currency = "USD"

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        rows = [each if isinstance(each, dict) else self._said(each) for each in value or ()]
        rows = [row for row in rows if row["name"]]
        empty = dict.fromkeys(_COLUMNS, "") | {"reply": Reply.ACCEPT.value}
        return [*rows, *(dict(empty) for _ in range(_MORE_ROWS))]

    def clean(self, value: Any) -> tuple[AnswerRule, ...]:
        found = [self._read(number, row) for number, row in enumerate(value or (), 1) if row["name"]]
        if len(found) > _MOST_RULES:
            raise forms.ValidationError(f"At most {_MOST_RULES} rules.")
        if len({each.name for each in found}) < len(found):
            raise forms.ValidationError("Two rules have the same name. The timeline names the rule that answered.")
        return tuple(found)

    def _read(self, number: int, row: Mapping[str, str]) -> AnswerRule:
        if row["reply"] not in [each.value for each in Reply]:
            raise forms.ValidationError(f"Rule {number}: choose what it answers.")
        if row["reply"] == Reply.REFUSE and not row["reason"]:
            raise forms.ValidationError(f"Rule {number}: TikTok Shop takes no refusal without a reason.")
        hours = row["within_hours"] or "0"
        if not (hours.isascii() and hours.isdigit() and int(hours) <= 720):
            raise forms.ValidationError(f"Rule {number}: hours are a whole number, 720 at most.")
        try:
            at_most = money.to_minor(row["at_most"], self.currency) if row["at_most"] else 0
        except money.AmountError as error:
            raise forms.ValidationError(f"Rule {number}: {error}.") from error
        return AnswerRule(
            name=row["name"][:80],
            reply=Reply(row["reply"]),
            reasons=tuple(part for each in row["reasons"].split(",") if (part := each.strip()[:120])),
            at_most=at_most,
            within_hours=int(hours),
            reason=row["reason"][:120],
        )

    def _said(self, kept: AnswerRule) -> dict[str, str]:
        return {
            "name": kept.name,
            "reply": kept.reply.value,
            "reasons": ", ".join(kept.reasons),
            "at_most": money.to_text(kept.at_most, self.currency) if kept.at_most else "",
            "within_hours": str(kept.within_hours or ""),
            "reason": kept.reason,
        }


class ReasonRows(forms.Field):
    """TikTok Shop's reason for each word by which the stores say why an order was cancelled there."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Rows(("word", "reason")), **kwargs)

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        rows = value if isinstance(value, list) else [{"word": word, "reason": str(why)} for word, why in value.items()]
        rows = [row for row in rows if row["word"]]
        return [*rows, *({"word": "", "reason": CancelReason.OUT_OF_STOCK.value} for _ in range(_MORE_ROWS))]

    def clean(self, value: Any) -> dict[str, CancelReason]:
        rows = [row for row in value or () if row["word"]]
        if any(row["reason"] not in [each.value for each in CancelReason] for row in rows):
            raise forms.ValidationError("Choose a reason for each word.")
        return {row["word"][:60].upper(): CancelReason(row["reason"]) for row in rows}


class AftersaleForm(forms.Form):
    """The fields are those of the rules' dataclass."""

    answer_rules = AnswerRows(label=choices.NAMES["answer_rules"])
    restock_cancelled = forms.BooleanField(required=False, label="Put what is cancelled back into the store's stock")
    cancels_at_source = forms.BooleanField(
        required=False, label="Cancel on TikTok Shop what you cancel in the store, where TikTok Shop permits it"
    )
    cancel_reason = Choose("cancel_reason")
    store_reasons = ReasonRows(label=choices.NAMES["store_reasons"])
    restock_returns = Choose("restock_returns")

    def __init__(self, *args: Any, kept: AftersaleRules, currency: str, **kwargs: Any) -> None:
        self.kept = kept
        kwargs["initial"] = {name: getattr(kept, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.fields["answer_rules"].currency = currency or "USD"  # type: ignore[attr-defined]

    def proposed(self) -> AftersaleRules:
        """The rules as this valid form says them."""
        said = self.cleaned_data
        return AftersaleRules(
            answer_rules=said["answer_rules"],
            restock_cancelled=said["restock_cancelled"],
            cancels_at_source=said["cancels_at_source"],
            cancel_reason=CancelReason(said["cancel_reason"]),
            store_reasons=said["store_reasons"],
            restock_returns=Restocking(said["restock_returns"]),
        )

    def cards(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The choices of a field, with what is chosen now and what nobody changed."""
        default, chosen = getattr(AftersaleRules(), name), self[name].value()
        return [
            {"choice": each, "is_chosen": each.value == chosen, "is_default": each.value == default}
            for each in choices.CHOICES[name]
        ]
