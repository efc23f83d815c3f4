"""The hold: who may go to the store, and when. TikTok's own status decides; the clock only says when to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from connectors.base.types import PlatformOrder, Shipper, SourceStatus
from connectors.models import ConnectedStore
from orders.models import Attention, Order, OrderState
from orders.states import ask_for_attention

# Seconds until TikTok is asked again while it still says ON_HOLD after the hold should have ended.
PAUSES = (2, 5, 10, 20, 30, 60, 120, 300)
ALARM_AFTER = timedelta(hours=2)

SHIPPED = frozenset(
    {
        SourceStatus.PARTIALLY_SHIPPING,
        SourceStatus.AWAITING_COLLECTION,
        SourceStatus.IN_TRANSIT,
        SourceStatus.DELIVERED,
        SourceStatus.COMPLETED,
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order that is not released yet stands. `check_at` is when its source has to be asked again."""

    state: OrderState
    reason: str = ""
    release_at: datetime | None = None
    check_at: datetime | None = None
    is_unknown: bool = False


def standing_of(
    seen: PlatformOrder,
    *,
    was_held: bool,
    connected_at: datetime,
    now: datetime,
    skip_rule: str = "",
    imposes_hold: bool = True,
) -> Standing:
    """Judge an order that has not been released. Pure.

    `was_held`: TikTok had this order on hold before, so that its word alone releases it. An order that TikTok never
    held waits the same hour (HOLD_SECONDS), counted from the payment, unless `imposes_hold` is off: by the source's own
    clock where it told that, since ours may be wrong. `skip_rule` is the rule by which no route sends it. What TikTok
    ships itself goes to the store however far its parcel is.
    """
    release_at = (seen.paid_at or seen.created_at) + timedelta(seconds=settings.HOLD_SECONDS)
    if seen.release_date and seen.release_date > release_at:
        release_at = seen.release_date
    soon = now + timedelta(seconds=PAUSES[0])
    if seen.status is SourceStatus.CANCELLED:
        return Standing(OrderState.CANCELLED, seen.cancel_reason)
    if seen.created_at < connected_at.replace(microsecond=0):  # the source counts in seconds
        return Standing(OrderState.SKIPPED, "Older than the connection")
    if skip_rule:
        return Standing(OrderState.SKIPPED, skip_rule)
    if seen.status in SHIPPED:
        if seen.shipper is Shipper.SELLER:
            return Standing(OrderState.SKIPPED, "Shipped outside VeriSync")
        return Standing(OrderState.READY, "TikTok ships it", release_at=release_at)
    if seen.status is SourceStatus.UNPAID:
        return Standing(OrderState.UNPAID, release_at=release_at)
    if seen.status is SourceStatus.AWAITING_SHIPMENT:
        if was_held or seen.is_on_hold_order:
            return Standing(OrderState.READY, "TikTok Shop ended the hold", release_at=release_at)
        if not imposes_hold:
            return Standing(OrderState.READY, "Not held by TikTok Shop", release_at=release_at)
        if release_at <= (seen.told_at or now):
            return Standing(OrderState.READY, "Not held by TikTok Shop; our hour is over", release_at=release_at)
        return Standing(OrderState.HELD, release_at=release_at, check_at=release_at if release_at > now else soon)
    return Standing(
        OrderState.HELD,
        release_at=release_at,
        check_at=max(release_at, soon),
        is_unknown=seen.status is SourceStatus.UNKNOWN,
    )


def is_imposed_by(store: ConnectedStore) -> bool:
    """Whether orders that the source never held wait the hour too: unless the merchant chose otherwise."""
    return store.options.get("imposes_hold") != "no"


def ask_all_again(*, store: ConnectedStore, external_ids: Sequence[str], now: datetime) -> None:
    """These were read when they were due: what the source still holds is due again later, the rest never, in the
    caller's transaction."""
    if not external_ids:
        return
    checked = Order.objects.filter(source_store=store, external_id__in=external_ids, check_at__lte=now)
    for order in checked.filter(state=OrderState.HELD).select_for_update().order_by("pk"):
        ask_again(order=order, now=now)
    checked.exclude(state=OrderState.HELD).update(check_at=None)


def try_again(*, store: ConnectedStore, external_ids: Sequence[str], now: datetime) -> None:
    """The source could not be asked about these, in the caller's transaction: they are due again soon."""
    due = Order.objects.filter(source_store=store, external_id__in=external_ids, check_at__lte=now)
    due.update(check_at=now + timedelta(seconds=PAUSES[0]))


def ask_again(*, order: Order, now: datetime) -> None:
    """The source still holds it after the due moment: ask again with growing pauses, in the caller's transaction.

    After two hours a person is told, unless the order is a pre-order, which may be held for weeks.
    """
    pause = PAUSES[min(order.checks, len(PAUSES) - 1)]
    Order.objects.filter(pk=order.pk, state=OrderState.HELD).update(
        check_at=now + timedelta(seconds=pause), checks=F("checks") + 1
    )
    if order.release_at and now - order.release_at >= ALARM_AFTER and not order.is_preorder and not order.attention:
        ask_for_attention(
            order=order,
            code=Attention.STILL_ON_HOLD,
            now=now,
            detail={"is_late_release": True, "due": order.release_at.isoformat()},
        )
