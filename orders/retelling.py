"""A number that the source has is changed there, on a person's word: looked up first, sent once, read back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F

from accounts.access import merchant_rows
from connectors.base.errors import AuthorizationError, OutcomeUnknown, PermanentError
from connectors.base.types import Package, PlatformOrder, Tracking, TrackingReceipt
from connectors.registry import label_of
from connectors.speaking import speaking_to_source
from orders import changing, guard, outbox, preflight, telling, tracking
from orders.models import (
    Attention,
    Fulfillment,
    FulfillmentState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.states import ask_for_attention, clear_attention, note
from orders.work import Drain, Work


def change(*, item: OutboxItem, drain: Drain) -> None:
    """Carry out EDIT_TRACKING. Makes calls: not inside a transaction. May be repeated after a crash at any point: what
    the source shows already is not sent again, and what may still be under way is waited for.

    Raises PlatformError, NoCarrier, LostLease.
    """
    with merchant_rows(item.merchant_id):
        order = Order.objects.get(pk=item.order_id)
        kept = Fulfillment.objects.select_related("mirror__store").get(pk=item.facts["fulfillment"])
    order.source_store = drain.store
    work = Work(item=item, order=order)
    guard.read_all_again(works=[work], drain=drain)
    if work.error is not None:
        raise work.error
    assert work.seen is not None
    if work.order.state == OrderState.CANCELLED:
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.DROPPED, now=drain.clock())
        return
    try:
        told, receipt = _call(item, kept, work.seen, drain)
    except AuthorizationError:
        raise
    except PermanentError as error:
        _settle_refused(item, kept, error, drain.clock())
        return
    _settle(item, kept, told, receipt, drain.clock())
    tracking.read_back(works=[work], drain=drain)


def _call(item: OutboxItem, kept: Fulfillment, seen: PlatformOrder, drain: Drain) -> tuple[Tracking, TrackingReceipt]:
    number, text = item.facts["tracking_number"], item.facts["carrier"]
    package = _package(kept, seen, number)
    with speaking_to_source(drain.store, clock=drain.clock, pace=drain.pace) as source:
        choices = telling.choices_of(store=drain.store, source=source, delivery_option_id=seen.delivery_option_id)
        with merchant_rows(item.merchant_id):
            carrier = telling.carrier_of(kept=kept, choices=choices, text=text, number=number)
        told = Tracking(
            line_ids=tuple(kept.line_ids),
            carrier_id=carrier.external_id,
            tracking_number=number,
            package_ids=(package.external_id,) if package else (),
        )
        if package and (package.tracking_number, package.carrier_id) == (number, carrier.external_id):
            return told, TrackingReceipt(package_id=package.external_id, already_there=True)
        _wait_until_sure(item, drain.clock())
        with outbox.sending(item=item, now=drain.clock()):
            return told, source.change_tracking(seen, told)


def _package(kept: Fulfillment, seen: PlatformOrder, number: str) -> Package | None:
    """The parcel at the source, under its new number, its old one, or by what is in it."""
    for known in (number, kept.tracking_number):
        if (found := preflight.package_of(seen=seen, number=known, line_ids=kept.line_ids)) is not None:
            return found
    return preflight.package_holding(seen=seen, line_ids=kept.line_ids)


def _wait_until_sure(item: OutboxItem, now: datetime) -> None:
    """An earlier try may still be carried out: that it was not is sure only after a while."""
    if item.is_doubtful and item.sure_at is not None and now < item.sure_at:
        left = (item.sure_at - now).total_seconds()
        raise OutcomeUnknown("TikTok Shop does not show the new number yet; it is looked for again", retry_after=left)


def _settle(item: OutboxItem, kept: Fulfillment, told: Tracking, receipt: TrackingReceipt, now: datetime) -> None:
    facts = {"from": item.facts["from"], "to": told.tracking_number, "carrier": item.facts["carrier"]}
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DONE, now=now)
        kept.refresh_from_db()
        said_by_store = changing.said_of(kept)
        is_same = said_by_store == (item.facts["carrier"], told.tracking_number)
        said = {name: value for name, value in kept.said.items() if name == "is_elsewhere"}
        if not is_same:  # entered by hand: what the store says is kept beside it, and is no news
            said |= dict(zip(("carrier", "tracking_number"), said_by_store, strict=True))
        Fulfillment.objects.filter(pk=kept.pk).update(
            tracking_number=told.tracking_number,
            carrier_text=item.facts["carrier"],
            carrier_id=told.carrier_id,
            package_id=receipt.package_id or kept.package_id,
            state=FulfillmentState.SENT,
            sent_at=kept.sent_at or now,
            edits=F("edits") + 1,
            warning=receipt.warning[:300],
            said=said,
            tracking_url="",
        )
        Order.objects.filter(pk=order.pk).update(
            version=F("version") + 1, search_text=f"{order.search_text}\n{told.tracking_number}"
        )
        _drop_push(kept, now)
        note(order=order, kind="tracking.changed", facts=facts, now=now)
        if changing.is_asked(order=order, kept=kept):
            clear_attention(order=order, now=now)


def _settle_refused(item: OutboxItem, kept: Fulfillment, error: PermanentError, now: datetime) -> None:
    """The source refused it for good. Says what is left to do, and that the change is not ours to spend any more."""
    code = Attention(error.reason) if error.reason in Attention.values[1:] else Attention.REMOTE_ERROR
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update(of=("self",)).select_related("source_store").get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now, error=error.message, reason="permanent")
        if code is Attention.TRACKING_EDIT_SPENT:
            most = preflight.rules_of(order.source_store).changes
            Fulfillment.objects.filter(pk=kept.pk, edits__lt=most).update(edits=most)
        standing = changing.standing_of(order=order, kept=kept)
        detail: dict[str, Any] = {
            "message": error.message,
            "code": error.code,
            "side": error.side,
            "fulfillment": kept.pk,
            "carrier": item.facts["carrier"],
            "tracking_number": item.facts["tracking_number"],
            "from": item.facts["from"],
            "to": item.facts["tracking_number"],
            "store": order.source_store.name,
            "label": label_of(order.source_store),
            "support_until": standing.support_until.isoformat(),
            "is_refused": True,
        }
        ask_for_attention(order=order, code=code, now=now, detail=detail)


def _drop_push(kept: Fulfillment, now: datetime) -> None:
    """What was to be sent under this parcel's name was said by the change."""
    OutboxItem.objects.filter(
        order_id=kept.order_id,
        kind=OutboxKind.PUSH_TRACKING,
        subject=str(kept.pk),
        status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED],
    ).update(status=OutboxStatus.DROPPED, settled_at=now)
