"""Cancelled in the store, or by a person here: cancelled at the source as well, where the merchant wants that and the
source permits it. Off by default, and never because of a cancellation of our own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from connectors.base.types import PlacedOrder, Shipment, Shipper
from connectors.registry import label_of
from orders import outbox, partial, stopping, taken_out
from orders.aftersale_rules import CancelReason, rules_of
from orders.answering import locked
from orders.models import (
    Attention,
    FulfillmentState,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.splitting import items_of
from orders.states import NotPossible, ask_for_attention, end_task, note, task_of

_WHOLE = "order"
_OVER = {
    OrderState.UNPAID: "The buyer has not paid yet. What is not paid cancels itself.",
    OrderState.COMPLETED: "TikTok Shop closed the order.",
    OrderState.CANCELLED: "The order is cancelled already.",
}


def cancel_at_source(
    *,
    order: Order,
    reason: str,
    by: str,
    now: datetime,
    line_quantities: Mapping[str, int] | None = None,
    unless: Collection[str] = (),
) -> OutboxItem:
    """Have the order, or these units of its lines, cancelled at the source, in the caller's transaction. `reason` is a
    key of `reasons.to_cancel`, or a CancelReason. A buyer's open request is accepted instead; where the source shows
    one of `unless` as cancelled by then, nothing is. May be repeated: the same once more returns what is said already.
    Raises NotPossible; what the source does not permit it says itself."""
    order = locked(order.pk)
    if order.state in _OVER:
        raise NotPossible(_OVER[OrderState(order.state)])
    lines = _whole_or_some(order, line_quantities)
    subject = ",".join(sorted(lines))[:80] if lines else _WHOLE
    before = order.outbox.filter(kind=OutboxKind.CANCEL_AT_SOURCE, facts__case=subject).order_by("-id")
    kept = before.first()
    if kept is not None and kept.status in (OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT, OutboxStatus.DONE):
        return kept
    if kept is not None and kept.status == OutboxStatus.PARKED:
        raise NotPossible("It was tried before. Try the order again instead.")
    _require_possible(order, lines, reason)
    numbered = subject if kept is None else f"{subject}:{before.count() + 1}"
    item = outbox.enqueue(
        order=order,
        store=order.source_store,
        kind=OutboxKind.CANCEL_AT_SOURCE,
        subject=numbered,
        reference=f"{order.external_id}-{numbered}"[:80],
        now=now,
        facts={"reason": reason, "lines": lines, "by": by, "case": subject, "unless": list(unless)},
    )
    facts: dict[str, Any] = {"reason": reason, "items": items_of(order, lines) if lines else []}
    note(order=order, kind="source.cancel_wanted", facts=facts, by=by, now=now)
    Order.objects.filter(pk=order.pk).update(version=F("version") + 1)
    return item


def why_not(order: Order, *, has_left: bool | None = None) -> str:
    """Why this order cannot be cancelled as the seller, as far as it is known here; empty where it may be tried. In
    merchant_rows, which are asked for parcels unless `has_left` tells."""
    if order.state in _OVER:
        return _OVER[OrderState(order.state)]
    if has_left is None:
        has_left = order.fulfillments.exclude(state=FulfillmentState.CANCELLED).exists()
    if has_left:
        return "A parcel of it has left. TikTok Shop decides about a return."
    return ""


def _whole_or_some(order: Order, line_quantities: Mapping[str, int] | None) -> dict[str, int]:
    """These units; nothing where they are all that is not cancelled yet."""
    live = {
        line["external_id"]: line["quantity"]
        for line in order.snapshot.get("lines", [])
        if line["status"] != "CANCELLED"
    }
    wanted = {line_id: count for line_id, count in (line_quantities or {}).items() if count > 0}
    if any(line_id not in live or count > live[line_id] for line_id, count in wanted.items()):
        raise NotPossible("The order has no such items, or they are cancelled already.")
    return {} if wanted == live else wanted


def _require_possible(order: Order, lines: Mapping[str, int], reason: str) -> None:
    if not reason:
        raise NotPossible("Choose a reason.")
    if lines and any(each.is_open for each in order.cancellations.all()):
        raise NotPossible("The buyer asks to cancel. Answer that first.")
    parcels = order.fulfillments.exclude(state=FulfillmentState.CANCELLED).values_list("line_ids", flat=True)
    left = {line_id for ids in parcels for line_id in ids}
    if left and (not lines or left & lines.keys()):
        raise NotPossible("A parcel with it has left. TikTok Shop decides about a return.")


# From the store


def follow(*, order: Order, mirror: Mirror, word: str, now: datetime) -> bool:
    """The store's order was cancelled there, in the caller's transaction, which holds the order's row; `word` is the
    store's own for why. Returns whether that is settled: cancelled at the source as well, or by our own wish. May be
    repeated."""
    if _is_ours(order, mirror):
        return True
    rules = rules_of(order.source_store_id)
    if not rules.cancels_at_source:
        return False
    live = {
        line["external_id"]: line["quantity"]
        for line in order.snapshot.get("lines", [])
        if line["status"] != "CANCELLED" and (not mirror.line_ids or line["external_id"] in mirror.line_ids)
    }
    reason = CancelReason(rules.store_reasons.get(word.upper(), rules.cancel_reason))
    label = label_of(mirror.store)
    try:
        cancel_at_source(order=order, reason=reason.value, line_quantities=live, by=f"Cancelled in {label}", now=now)
    except NotPossible:
        return False
    return True


def follow_part(
    *, order: Order, mirror: Mirror, placed: PlacedOrder, shipments: Sequence[Shipment], now: datetime
) -> None:
    """Units that the merchant took out of the store's order, in the caller's transaction, which holds the order's row:
    cancelled at the source as well, or asked about once. May be repeated. What they were asked to take out and did is
    settled; while another question about what is cancelled is open, the rest waits for the next reading."""
    is_open = order.state in (OrderState.READY, OrderState.MIRRORED) and mirror.state == MirrorState.CREATED
    if placed.is_cancelled or not is_open or mirror.is_held or order.shipper != Shipper.SELLER:
        return
    if partial.is_task_at(order, mirror) and taken_out.are_all_out(order, mirror, placed, shipments):
        end_task(order=order, now=now)
    if stopping.is_asked(order) or task_of(order):
        return
    found = taken_out.by_merchant(order=order, mirror=mirror, placed=placed, shipments=shipments)
    if not found:
        return
    taken_out.tell(order=order, mirror=mirror, line_ids=found, now=now)
    why = ""
    if rules_of(order.source_store_id).cancels_at_source:
        try:
            _cancel_part(order, mirror, found, now)
            return
        except NotPossible as error:
            why = f" It is not cancelled there: {error}"
    label = label_of(mirror.store)
    message = taken_out.in_words(order=order, mirror=mirror, line_ids=found) + why
    detail = {"label": label, "message": message, "is_in_store": True, "taken_out": list(found), "mirror": mirror.pk}
    ask_for_attention(order=order, code=Attention.REMOTE_ERROR, now=now, detail=detail)


def _cancel_part(order: Order, mirror: Mirror, found: Mapping[str, Collection[str]], now: datetime) -> None:
    """For the only reason for which TikTok Shop cancels a part. Which of several equal lines was meant is not known, so
    that none is cancelled where another of them is by then."""
    units = {line["external_id"]: line["quantity"] for line in order.snapshot["lines"]}
    others = {line_id for group in found.values() for line_id in group}.difference(found)
    cancel_at_source(
        order=order,
        reason=CancelReason.OUT_OF_STOCK.value,
        line_quantities={line_id: units[line_id] for line_id in found},
        by=f"Taken out in {label_of(mirror.store)}",
        unless=sorted(others),
        now=now,
    )


def _is_ours(order: Order, mirror: Mirror) -> bool:
    said = order.outbox.filter(kind=OutboxKind.CANCEL_ORDER, store=mirror.store)
    return said.exclude(status=OutboxStatus.DROPPED).exists()
