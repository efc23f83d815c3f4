"""The change of a number that was sent already: how many are left, and the question that comes before one is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum

from connectors.base.types import SourceStatus
from connectors.registry import label_of
from orders.models import Attention, Fulfillment, FulfillmentState, Order
from orders.preflight import rules_of
from orders.states import ask_for_attention

ASKED = frozenset({Attention.TRACKING_CHANGED, Attention.TRACKING_EDIT_SPENT})
_OVER = frozenset({SourceStatus.DELIVERED, SourceStatus.COMPLETED, SourceStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a parcel's number may still be changed. `until` is None where the first upload was not ours."""

    left: int
    until: datetime | None
    support_until: datetime

    def allows(self, now: datetime) -> bool:
        """As far as we know; the source has the last word."""
        return self.left > 0 and (self.until is None or now <= self.until)


def standing_of(*, order: Order, kept: Fulfillment) -> Standing:
    """How many changes the source allows for this parcel, counted over the whole order. In merchant_rows."""
    spent = Fulfillment.objects.filter(order=order).aggregate(spent=Sum("edits"))["spent"] or 0
    return standing_with(order=order, kept=kept, spent=spent)


def standing_with(*, order: Order, kept: Fulfillment, spent: int) -> Standing:
    """`standing_of`, where the order's spent changes were counted already. Reads nothing."""
    rules = rules_of(order.source_store)
    is_over = order.source_status in _OVER
    return Standing(
        left=0 if is_over else max(rules.changes - spent, 0),
        until=kept.sent_at + rules.change_within if kept.sent_at else None,
        support_until=order.ordered_at + rules.support_within,
    )


def question_about(
    *,
    order: Order,
    kept: Fulfillment,
    now: datetime,
    carrier: str,
    number: str,
    told: tuple[str, str] | None = None,
    by: str = "",
) -> tuple[Attention, dict[str, Any]]:
    """What a person is asked before the number at the source is changed to this one, or after that is too late.

    `told` is the carrier and number that the source has, where it is not ours; `by` who wants it, if not the store.
    """
    standing = standing_of(order=order, kept=kept)
    code = Attention.TRACKING_CHANGED if standing.allows(now) else Attention.TRACKING_EDIT_SPENT
    told_carrier, told_number = told or (kept.carrier_text, kept.tracking_number)
    to_text, from_text = f"{carrier} {number}".strip(), f"{told_carrier} {told_number}".strip()
    detail: dict[str, Any] = {
        "fulfillment": kept.pk,
        "from": told_number,
        "to": number,
        "carrier": carrier,
        "message": f"{by or label_of(kept.mirror.store)} now says {to_text}; TikTok Shop was told {from_text}.",
        "until": standing.until.isoformat() if standing.until else "",
        "support_until": standing.support_until.isoformat(),
    }
    return code, detail


def ask(*, order: Order, kept: Fulfillment, now: datetime, carrier: str, number: str, by: str = "") -> None:
    """Put the question before a person, in the caller's transaction. May be repeated."""
    code, detail = question_about(order=order, kept=kept, now=now, carrier=carrier, number=number, by=by)
    ask_for_attention(order=order, code=code, now=now, detail=detail)


def is_asked(*, order: Order, kept: Fulfillment) -> bool:
    """Whether the order's question is about a change of this parcel."""
    return order.attention in ASKED and order.attention_detail.get("fulfillment") == kept.pk


def wanted_of(kept: Fulfillment) -> Mapping[str, str] | None:
    """What the store says now of a parcel that was sent otherwise: carrier and number; None where it says the same."""
    carrier, number = said_of(kept)
    is_told = kept.state in (FulfillmentState.SENT, FulfillmentState.ACCEPTED)
    if not is_told or not number or (carrier, number) == (kept.carrier_text, kept.tracking_number):
        return None
    return {"carrier": carrier, "tracking_number": number}


def said_of(kept: Fulfillment) -> tuple[str, str]:
    """The carrier and the number that the store last said."""
    return kept.said.get("carrier", kept.carrier_text), kept.said.get("tracking_number", kept.tracking_number)


def cleaned(number: str) -> str:
    """A number without the spaces that labels print between its groups: the source takes none."""
    return "".join(number.split())[:100]
