"""What the source is told of a parcel, or the question that comes first: its carrier, its lines, the checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.cache import cache

from connectors.base.connector import Source
from connectors.base.types import Carrier, PlatformOrder, SourceStatus, Tracking, TrackingReceipt
from connectors.models import ConnectedStore
from connectors.registry import label_of
from orders import changing, outbox, preflight, stopping
from orders.carriers import Choices
from orders.models import Attention, Fulfillment, Order
from orders.preflight import Check

CARRIERS_LIVE = 6 * 3600


class NoCarrier(Exception):
    """No carrier of the source is surely the one of this parcel; `choices` are those it takes."""

    def __init__(self, *, kept: Fulfillment, text: str, number: str, choices: Sequence[Carrier]) -> None:
        super().__init__("carrier not mapped")
        self.detail = {
            "carrier": text,
            "tracking_number": number,
            "fulfillment": kept.pk,
            "choices": [{"id": each.external_id, "name": each.name} for each in choices][:300],
        }


def choices_of(*, store: ConnectedStore, source: Source, delivery_option_id: str) -> Choices:
    """`carriers_of`, for those who have to choose one of them."""
    listed = carriers_of(store=store, source=source, delivery_option_id=delivery_option_id)
    return Choices(listed, store, delivery_option_id)


def carriers_of(*, store: ConnectedStore, source: Source, delivery_option_id: str) -> list[Carrier]:
    """The carriers the source takes for this delivery option, asked for every few hours."""
    key = f"carriers:{store.pk}:{delivery_option_id}"
    kept = cache.get(key)
    if kept is None:
        kept = [(carrier.external_id, carrier.name) for carrier in source.carriers(delivery_option_id)]
        if kept:
            cache.set(key, kept, CARRIERS_LIVE)
    return [Carrier(external_id=each[0], name=each[1]) for each in kept]


def told_already(*, seen: PlatformOrder, kept: Fulfillment) -> TrackingReceipt | None:
    """The guard, right after the order was read again: a receipt if the source has the number already.

    Raises outbox.NotYet while the source holds the order, or the buyer asks to cancel: sending might refuse that, so a
    person has to want it.
    """
    package = preflight.package_of(seen=seen, number=kept.tracking_number, line_ids=kept.line_ids)
    if package is not None:
        return TrackingReceipt(package_id=package.external_id, already_there=True)
    if seen.status in (SourceStatus.ON_HOLD, SourceStatus.UNPAID):
        raise outbox.NotYet(Attention.STILL_ON_HOLD, wait=30, detail={"tracking_number": kept.tracking_number})
    if seen.cancel_requested and Check.CANCEL_REQUEST.value not in waived_of(kept):
        detail = {"reason": seen.cancel_reason, "check": Check.CANCEL_REQUEST.value, **_facts(kept)}
        raise outbox.NotYet(Attention.CANCEL_PENDING, wait=60, detail=detail)
    return None


def require_no_refund(*, order: Order, kept: Fulfillment) -> None:
    """Raises outbox.NotYet while money is asked back for what is in the parcel, unless a person wants it sent; in
    merchant_rows. Asks nothing where no return of the order is open."""
    if order.return_requested_at is not None and Check.REFUND_REQUEST.value not in waived_of(kept):
        detail = {"check": Check.REFUND_REQUEST.value, **_facts(kept)}
        stopping.require_no_refund(order=order, line_ids=kept.line_ids, detail=detail)


def waived_of(kept: Fulfillment) -> frozenset[str]:
    """The checks that a person overruled for the parcel as it is."""
    is_for_this = {"number": kept.tracking_number, "carrier": kept.carrier_text}
    return frozenset(check for check, waiver in kept.waived.items() if is_for_this.items() <= waiver.items())


def tracking_of(
    *,
    order: Order,
    kept: Fulfillment,
    seen: PlatformOrder,
    uses: Sequence[preflight.Use],
    choices: Choices,
    now: datetime,
) -> Tracking:
    """What the source is to be told, in merchant_rows: the pre-flight. `uses` are those of preflight.uses_of.

    Raises NoCarrier, and preflight.Objection where a person has to answer first.
    """
    line_ids = preflight.lines_to_ship(seen=seen, line_ids=kept.line_ids)
    if not line_ids:
        raise _nothing_to_ship(order, kept, seen, now)
    carrier = carrier_of(kept=kept, choices=choices, text=kept.carrier_text)
    parcel = _parcel(order, kept, carrier, uses)
    try:
        preflight.object_to(parcel=parcel, seen=seen, rules=preflight.rules_of(order.source_store))
    except preflight.Objection as objection:
        objection.detail |= _facts(kept, carrier_name=carrier.name)
        raise
    live = {line.external_id for line in seen.lines if line.status != "CANCELLED"}
    return Tracking(
        line_ids=line_ids,
        carrier_id=carrier.external_id,
        tracking_number=kept.tracking_number,
        covers_whole_order=live <= set(line_ids),
    )


def _parcel(order: Order, kept: Fulfillment, carrier: Carrier, uses: Sequence[preflight.Use]) -> preflight.Parcel:
    parcel = preflight.Parcel(
        number=kept.tracking_number,
        carrier_text=kept.carrier_text,
        carrier_name=carrier.name,
        own_carrier=preflight.own_carrier_of(kept.mirror.store),
        is_elsewhere=bool(kept.said.get("is_elsewhere")),
        uses=uses,
        waived=waived_of(kept),
    )
    if preflight.is_foreign(parcel):
        before = preflight.foreign_sent(source_store=order.source_store, besides=kept.pk)
        parcel = replace(parcel, foreign_before=before)
    return parcel


def _nothing_to_ship(order: Order, kept: Fulfillment, seen: PlatformOrder, now: datetime) -> preflight.Objection:
    """Why none of the parcel's lines is waited for: the source has them under another number, or they are cancelled."""
    package = preflight.package_holding(seen=seen, line_ids=kept.line_ids)
    if package is None:
        message = f"None of what is in the parcel {kept.tracking_number} is to be shipped any more at TikTok Shop."
        detail = {"message": message, "is_cancelled": True}
        return preflight.Objection(Attention.MIXED_FULFILMENT, preflight.Check.LINES, {**_facts(kept), **detail})
    code, detail = changing.question_about(
        order=order,
        kept=kept,
        now=now,
        carrier=kept.carrier_text,
        number=kept.tracking_number,
        told=(package.carrier_name, package.tracking_number),
    )
    return preflight.Objection(code, preflight.Check.LINES, detail)


def _facts(kept: Fulfillment, *, carrier_name: str = "") -> dict[str, Any]:
    return {
        "fulfillment": kept.pk,
        "tracking_number": kept.tracking_number,
        "carrier": kept.carrier_text,
        "carrier_name": carrier_name,
        "store": label_of(kept.mirror.store),
    }


def carrier_of(*, kept: Fulfillment, choices: Choices, text: str, number: str = "") -> Carrier:
    """The source's carrier for the store's word, in merchant_rows. Raises NoCarrier. `number`, where another than the
    parcel's is meant."""
    carrier = choices.of(text)
    if carrier is None:
        raise NoCarrier(kept=kept, text=text, number=number or kept.tracking_number, choices=choices.listed)
    return carrier
