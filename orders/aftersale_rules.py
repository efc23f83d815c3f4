"""What a merchant says about the cancellations and returns of one shop: plain values with defaults, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from orders.models import Order, Setup
from orders.rules import differing, read_as


class Reply(StrEnum):
    """What a rule answers to a buyer who asks to cancel."""

    ACCEPT = "ACCEPT"
    REFUSE = "REFUSE"


class Restocking(StrEnum):
    """Whether goods that came back go into the store's stock."""

    NEVER = "NEVER"
    ALWAYS = "ALWAYS"
    ASK = "ASK"


class CancelReason(StrEnum):
    """Why a seller cancels, in the words that a source knows in any market (`Source.cancel_order`)."""

    OUT_OF_STOCK = "out_of_stock"
    PRICING_ERROR = "pricing_error"
    UNABLE_TO_DELIVER = "unable_to_deliver"


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """Requests that are answered without a person: all that is said of it has to fit.

    `reasons` are the source's keys, or a part of their text in any case; none means any. `at_most` is the order's total
    in minor units, `within_hours` its age when the buyer asked; 0 means any. `reason` is that for
    refusing, by the source's key or some of its words.
    """

    name: str
    reply: Reply = Reply.ACCEPT
    reasons: tuple[str, ...] = ()
    at_most: int = 0
    within_hours: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AftersaleRules:
    """Everything a merchant chose for a shop; `AftersaleRules()` is what nobody changed."""

    answer_rules: tuple[AnswerRule, ...] = ()  # the first that fits answers; without one a person does
    restock_cancelled: bool = True  # what is cancelled in the store goes back into its stock
    cancels_at_source: bool = False  # an order that was cancelled in the store is cancelled at the source
    cancel_reason: CancelReason = CancelReason.OUT_OF_STOCK
    restock_returns: Restocking = Restocking.ASK
    store_reasons: Mapping[str, CancelReason] = field(default_factory=dict)  # by the store's own word, in upper case

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> AftersaleRules:
        """What `to_json` made, of this version of the program or another."""
        return read_as(cls, kept)

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults."""
        return differing(self)


def rules_of(source_store_id: int) -> AftersaleRules:
    """The rules of this shop, in the caller's transaction."""
    kept = Setup.objects.filter(store=source_store_id).values_list("aftersales", flat=True).first()
    return AftersaleRules.from_json(kept or {})


def rule_for(
    rules: AftersaleRules, *, order: Order, reason: str, reason_text: str, asked_at: datetime
) -> AnswerRule | None:
    """The first rule that fits this request; None leaves it to a person. Pure."""
    for rule in rules.answer_rules:
        is_dear = rule.at_most > 0 and (order.total is None or order.total > rule.at_most)
        age = asked_at - (order.paid_at or order.ordered_at)
        is_old = rule.within_hours > 0 and age > timedelta(hours=rule.within_hours)
        said = reason_text.casefold()
        is_other = rule.reasons and not any(each == reason or each.casefold() in said for each in rule.reasons)
        if not (is_dear or is_old or is_other):
            return rule
    return None
