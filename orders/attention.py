"""What a person answers when an order asks: each step mends the cause and lets the order go on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connectors.base.errors import PlatformError
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_destination
from orders import outbox, products, releasing, routing, versions
from orders.drafting import sku_key
from orders.models import (
    CarrierMapping,
    Concern,
    MirrorState,
    Order,
    OrderState,
    OutboxKind,
    OutboxStatus,
    ProductLink,
)
from orders.states import advance, clear_attention, note

UNTOUCHED = frozenset({OrderState.UNPAID, OrderState.HELD, OrderState.READY})


class NotPossible(Exception):
    """The order does not allow this step now. The text says why."""


def retry(*, order: Order, by: str, now: datetime) -> None:
    """Try at once what was given up or waits, in the caller's transaction. May be repeated.

    What surely was not sent yet goes by the routes as they are now: a route that was mended counts.
    """
    clear_attention(order=order, now=now, by=by)
    if not routing.plan_anew(order=order, now=now):
        outbox.resume(order=order, now=now)
    Order.objects.filter(pk=order.pk, state=OrderState.HELD).update(check_at=now)
    note(order=order, kind="order.retried", by=by, now=now)


def dismiss(*, order: Order, by: str, now: datetime) -> None:
    """Take the question away: a person settled it elsewhere. What was given up stays given up."""
    clear_attention(order=order, now=now, by=by)


def skip(*, order: Order, by: str, now: datetime) -> None:
    """Do not create this order. Raises NotPossible once a store may have it."""
    if order.state not in UNTOUCHED:
        raise NotPossible("The order is in a store already, or closed.")
    if order.outbox.filter(is_doubtful=True).exists() or order.outbox.filter(status=OutboxStatus.IN_FLIGHT).exists():
        raise NotPossible("It is being created at this moment. Wait until that is known.")
    outbox.drop(order=order, kinds=[OutboxKind.CHOOSE_STORES, OutboxKind.CREATE_ORDER], now=now)
    order.mirrors.filter(state=MirrorState.PLANNED).update(state=MirrorState.DROPPED)
    clear_attention(order=order, now=now, by=by)
    rule = f"Skipped by {by}"
    advance(order=order, to=OrderState.SKIPPED, reason=rule, now=now, skip_rule=rule[:120], check_at=None)


def create_anyway(*, order: Order, by: str, now: datetime) -> None:
    """Create an order that a rule skipped. The guard still keeps it back while TikTok Shop holds it."""
    if order.state != OrderState.SKIPPED:
        raise NotPossible("The order was not skipped.")
    order.mirrors.filter(state=MirrorState.DROPPED).update(state=MirrorState.PLANNED)
    order.outbox.filter(kind=OutboxKind.CREATE_ORDER, status=OutboxStatus.DROPPED).update(
        status=OutboxStatus.PENDING, not_before=now, attempts=0, settled_at=None
    )
    releasing.release_many(orders=[order], now=now, reason=f"Created on the word of {by}")


def link_product(
    *, order: Order, store: ConnectedStore, sku: str, wanted: str, clock: Callable[[], datetime]
) -> ProductLink:
    """Look for the variant with the SKU `wanted` in the store: a link to be saved. Makes a call, outside transactions.

    Raises NotPossible when there is none or several.
    """
    if not sku.strip() or sku_key(sku) not in {sku_key(line["sku"]) for line in order.snapshot["lines"]}:
        raise NotPossible("This order has no item with that SKU.")
    try:
        with speaking_to_destination(store, clock=clock) as destination:
            answers = products.find(store=store, skus=[wanted.strip()], destination=destination, now=clock())
            found = answers[wanted.strip()]
    except PlatformError as error:
        raise NotPossible(f"{store.name} could not be asked: {error.message}. Nothing was changed.") from error
    if len(found) != 1:
        how_many = "no variant" if not found else f"{len(found)} variants"
        raise NotPossible(f"{store.name} has {how_many} with the SKU {wanted.strip()[:60]}. Nothing was changed.")
    return ProductLink(
        merchant_id=order.merchant_id,
        store=store,
        sku=sku_key(sku),
        variant_id=found[0].external_id,
        title=found[0].title[:500],
        is_manual=True,
        checked_at=clock(),
    )


def save_link(*, order: Order, link: ProductLink, by: str, now: datetime) -> None:
    """Keep the link and go on, in the caller's transaction. May be repeated."""
    ProductLink.objects.update_or_create(
        store=link.store,
        sku=link.sku,
        defaults={
            "merchant_id": link.merchant_id,
            "variant_id": link.variant_id,
            "title": link.title,
            "is_manual": True,
            "checked_at": now,
        },
    )
    note(order=order, kind="product.linked", facts={"sku": link.sku.upper(), "title": link.title}, by=by, now=now)
    retry(order=order, by=by, now=now)


def choose_carrier(*, order: Order, carrier_id: str, by: str, now: datetime) -> None:
    """Remember what the store's word for a carrier means, and go on, in the caller's transaction."""
    detail = order.attention_detail
    chosen = next((each for each in detail.get("choices", []) if each["id"] == carrier_id), None)
    if chosen is None or not detail.get("carrier"):
        raise NotPossible("That carrier is not in TikTok Shop's list for this order.")
    about = str(order.source_store_id)
    with versions.saving(merchant_id=order.merchant_id, concern=Concern.CARRIERS, about=about, author=by, now=now):
        CarrierMapping.objects.update_or_create(
            source_store=order.source_store,
            delivery_option_id=order.snapshot.get("delivery_option_id", ""),
            carrier_text=detail["carrier"],
            defaults={"merchant_id": order.merchant_id, "carrier_id": chosen["id"], "carrier_name": chosen["name"]},
        )
    facts = {"carrier_text": detail["carrier"], "carrier": chosen["name"]}
    note(order=order, kind="carrier.chosen", facts=facts, by=by, now=now)
    retry(order=order, by=by, now=now)
