"""What a person says about a parcel: which carrier it is, another number, send it all the same, change what was sent.

Each step is taken in the caller's transaction, which holds the order's row, and may be repeated. Raises NotPossible.
"""

from __future__ import annotations

import re
from datetime import datetime

from connectors.base.types import Carrier
from orders import changing, outbox, saving
from orders.attention import retry
from orders.fulfillment import queue
from orders.models import (
    CancelAnswer,
    CarrierMapping,
    Fulfillment,
    FulfillmentState,
    Order,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
)
from orders.preflight import Check
from orders.states import NotPossible, clear_attention, note

S = FulfillmentState
OVERRULED = frozenset(
    {Check.PATTERN, Check.DUPLICATE, Check.FOREIGN, Check.POSTCODE, Check.CANCEL_REQUEST, Check.REFUND_REQUEST}
)
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,50}")  # what TikTok Shop takes at all


def parcel_of(*, order: Order, fulfillment_id: int) -> Fulfillment:
    """This parcel of the order."""
    kept = Fulfillment.objects.select_related("mirror__store").filter(order=order, pk=fulfillment_id).first()
    if kept is None:
        raise NotPossible("The order has no such parcel.")
    return kept


def choose_carrier(*, order: Order, carrier_id: str, by: str, now: datetime) -> None:
    """Remember what the store's word for a carrier means, as a version of the settings, and let every order of the shop
    go on that waits for it. Its turn is taken before the order's row: `versions.take_turn`."""
    detail = order.attention_detail
    chosen = next((each for each in detail.get("choices", []) if each["id"] == carrier_id), None)
    if chosen is None or not detail.get("carrier"):
        raise NotPossible("That carrier is not in TikTok Shop's list for this order.")
    shop, text = order.source_store, detail["carrier"]
    facts = {"carrier_text": text, "carrier": chosen["name"]}
    note(order=order, kind="carrier.chosen", facts=facts, by=by, now=now)
    retry(order=order, by=by, now=now)
    carrier = Carrier(external_id=chosen["id"], name=chosen["name"])
    option = _option_for(order=order, text=text)
    saving.save_carriers(source_store=shop, carriers={(option, text): carrier}, by=saving.Author(by, now))


def _option_for(*, order: Order, text: str) -> str:
    """Any delivery option (""); where the word was mapped for any before, and did not help, this order's alone."""
    mine = CarrierMapping.objects.filter(source_store=order.source_store, carrier_text__iexact=text)
    option: str = order.snapshot.get("delivery_option_id", "")
    is_known = mine.filter(delivery_option_id="").exists() or mine.filter(delivery_option_id=option).exists()
    return option if is_known else ""


def send_anyway(*, order: Order, fulfillment_id: int, by: str, now: datetime) -> None:
    """Send a number that a check of ours keeps back: for this number and carrier the check is overruled."""
    kept = parcel_of(order=order, fulfillment_id=fulfillment_id)
    detail = order.attention_detail
    check = detail.get("check", "")
    if detail.get("fulfillment") != kept.pk or check not in OVERRULED:
        raise NotPossible("Nothing is kept back any more.")
    if any(each.is_open and each.answer == CancelAnswer.ACCEPTED for each in order.cancellations.all()):
        raise NotPossible("The cancellation was accepted, and that is on its way to TikTok Shop.")
    kept.waived[check] = {"number": kept.tracking_number, "carrier": kept.carrier_text, "by": by}
    kept.save(update_fields=["waived"])
    facts = {"tracking_number": kept.tracking_number, "check": check}
    note(order=order, kind="tracking.sent_anyway", facts=facts, by=by, now=now)
    retry(order=order, by=by, now=now)


def correct(*, order: Order, fulfillment_id: int, number: str, carrier: str, by: str, now: datetime) -> None:
    """Another number or carrier than the store says. Before it was sent, it is sent; after, the change is asked for."""
    kept = parcel_of(order=order, fulfillment_id=fulfillment_id)
    number, carrier = changing.cleaned(number), carrier.strip()[:200] or kept.carrier_text
    if not _NUMBER.fullmatch(number):
        raise NotPossible("A tracking number has letters, digits and hyphens only. Nothing was changed.")
    if (number, carrier) == (kept.tracking_number, kept.carrier_text):
        raise NotPossible("That is what it was already. Nothing was changed.")
    facts = {"from": kept.tracking_number, "to": number, "carrier": carrier}
    note(order=order, kind="tracking.corrected", facts=facts, by=by, now=now)
    if kept.state in (S.SENT, S.ACCEPTED):
        changing.ask(order=order, kept=kept, now=now, carrier=carrier, number=number, by=by)
        return
    said_carrier, said_number = changing.said_of(kept)
    kept.said = {**kept.said, "carrier": said_carrier, "tracking_number": said_number}
    kept.tracking_number, kept.carrier_text, kept.tracking_url = number, carrier, ""
    kept.save(update_fields=["said", "tracking_number", "carrier_text", "tracking_url"])
    queue(kept=kept, order=order, now=now)
    _due_again(order=order, kind=OutboxKind.PUSH_TRACKING, subject=str(kept.pk), now=now)
    if order.state != "CANCELLED":
        retry(order=order, by=by, now=now)


def spend_change(*, order: Order, fulfillment_id: int, number: str, carrier: str, by: str, now: datetime) -> None:
    """Change the number at the source: through the outbox, once."""
    kept = parcel_of(order=order, fulfillment_id=fulfillment_id)
    if not _NUMBER.fullmatch(number):
        raise NotPossible("A tracking number has letters, digits and hyphens only. Nothing was changed.")
    subject = f"{kept.pk}:{number}"
    told = order.attention_detail.get("from") if changing.is_asked(order=order, kept=kept) else ""
    facts = {
        "fulfillment": kept.pk,
        "from": told or kept.tracking_number,
        "tracking_number": number,
        "carrier": carrier.strip()[:200] or kept.carrier_text,
        "by": by,
    }
    item = outbox.enqueue(
        order=order,
        store=order.source_store,
        kind=OutboxKind.EDIT_TRACKING,
        subject=subject,
        reference=f"{order.external_id}-{kept.pk}-{number}"[:80],
        now=now,
        facts=facts,
    )
    if item.status not in (OutboxStatus.PENDING, OutboxStatus.IN_FLIGHT):
        OutboxItem.objects.filter(pk=item.pk).update(facts=facts)
        _due_again(order=order, kind=OutboxKind.EDIT_TRACKING, subject=subject, now=now)
    note(order=order, kind="tracking.change_wanted", facts={"from": facts["from"], "to": number}, by=by, now=now)
    if changing.is_asked(order=order, kept=kept):
        clear_attention(order=order, now=now, by=by)


def keep_first(*, order: Order, fulfillment_id: int, by: str, now: datetime) -> None:
    """Leave the source with the number it has. The store's saying the other one again is no news."""
    kept = parcel_of(order=order, fulfillment_id=fulfillment_id)
    if not changing.is_asked(order=order, kept=kept):
        raise NotPossible("Nothing is asked any more.")
    facts = {"tracking_number": order.attention_detail.get("from", "")}
    note(order=order, kind="tracking.kept", facts=facts, by=by, now=now)
    if kept.state not in (S.SENT, S.ACCEPTED):  # the source has its lines under a number that is not ours
        push = OutboxItem.objects.filter(order=order, kind=OutboxKind.PUSH_TRACKING, subject=str(kept.pk))
        push.filter(status=OutboxStatus.PARKED).update(status=OutboxStatus.DROPPED, settled_at=now)
        warning = f"TikTok Shop keeps {facts['tracking_number']}"
        Fulfillment.objects.filter(pk=kept.pk).update(state=S.REFUSED, warning=warning)
    clear_attention(order=order, now=now, by=by)


def resend(*, order: Order, fulfillment_id: int, by: str, now: datetime) -> None:
    """Send a number again that was refused, given up, or that the source does not show; it is checked anew."""
    kept = parcel_of(order=order, fulfillment_id=fulfillment_id)
    if kept.state not in (S.QUEUED, S.REFUSED, S.SENT) or not kept.tracking_number or not kept.line_ids:
        raise NotPossible("There is nothing to send again.")
    if kept.state != S.SENT:
        queue(kept=kept, order=order, now=now)
    _due_again(order=order, kind=OutboxKind.PUSH_TRACKING, subject=str(kept.pk), now=now)
    facts = {"tracking_number": kept.tracking_number}
    note(order=order, kind="tracking.resent", facts=facts, by=by, now=now)
    if order.attention_detail.get("fulfillment") == kept.pk:
        clear_attention(order=order, now=now, by=by)


def _due_again(*, order: Order, kind: OutboxKind, subject: str, now: datetime) -> None:
    """What was settled or waits is done now; what is under way is left to whoever has it."""
    OutboxItem.objects.filter(order=order, kind=kind, subject=subject).exclude(status=OutboxStatus.IN_FLIGHT).update(
        status=OutboxStatus.PENDING, not_before=now, attempts=0, give_up_reason="", settled_at=None
    )
