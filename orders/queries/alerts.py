"""What the pages of alerts show: what is open, what was said, and whom it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Prefetch

from accounts.access import merchant_rows
from orders.alert_addresses import host_of
from orders.alert_rules import is_muted, muted_until
from orders.alert_words import words_of
from orders.models import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertKind,
    AlertMessage,
    AlertWord,
    DeliveryState,
    MerchantRules,
)

PAGE = 30
_TONES = {DeliveryState.PENDING: "amber", DeliveryState.SENT: "green", DeliveryState.GIVEN_UP: "red"}
_MARKS = {DeliveryState.PENDING: "half", DeliveryState.SENT: "tick", DeliveryState.GIVEN_UP: "cross"}
_GRAVEST = {"red": 0, "amber": 1}


def alerts_context(*, merchant_id: int, before: int, read_at: datetime | None, now: datetime) -> dict[str, Any]:
    """The context of templates/alerts/page.html, messages from below the id `before`. Four statements."""
    with merchant_rows(merchant_id):
        mutes = mutes_of(merchant_id)
        opened = list(Alert.objects.filter(merchant_id=merchant_id, resolved_at=None)) if not before else []
        messages = AlertMessage.objects.filter(merchant_id=merchant_id).order_by("-id")
        if before:
            messages = messages.filter(pk__lt=before)
        deliveries = Prefetch("deliveries", AlertDelivery.objects.order_by("pk"))
        found = list(messages.prefetch_related(deliveries)[: PAGE + 1])
        shown = [_open(alert, mutes, now) for alert in opened]
        said = [_message(each, read_at) for each in found[:PAGE]]
    return {
        "open": sorted(shown, key=lambda each: (_GRAVEST.get(each["words"].tone, 2), each["opened_at"])),
        "said": said,  # "messages" are Django's own
        "has_unread": any(each["is_unread"] for each in said),
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "is_newest": not before,
        "all_muted_until": muted_until(mutes, "") if is_muted(mutes, "", now) else None,
        "now": now,
    }


def mutes_of(merchant_id: int) -> Mapping[str, str]:
    """Until when which kind is kept quiet, in merchant_rows."""
    kept = MerchantRules.objects.filter(merchant_id=merchant_id).values_list("mutes", flat=True).first()
    return kept or {}


def muted_kinds(mutes: Mapping[str, str], now: datetime) -> Sequence[tuple[str, str, datetime]]:
    """Each kind that is quiet by itself, or all of them together: its value, its words, and until when."""
    names = {"": "All alerts", **{kind.value: str(kind.label) for kind in AlertKind}}
    found = [(kind, words, datetime.fromisoformat(mutes[kind])) for kind, words in names.items() if mutes.get(kind)]
    return [each for each in found if each[2] > now]


def _open(alert: Alert, mutes: Mapping[str, str], now: datetime) -> dict[str, Any]:
    return {
        "kind": alert.kind,
        "kind_text": AlertKind(alert.kind).label,
        "words": words_of(kind=alert.kind, word=AlertWord.OPENED, facts=alert.facts),
        "opened_at": alert.opened_at,
        "muted_until": muted_until(mutes, alert.kind) if is_muted(mutes, alert.kind, now) else None,
    }


def _message(message: AlertMessage, read_at: datetime | None) -> dict[str, Any]:
    return {
        "id": message.pk,
        "word": AlertWord(message.word).label,
        "words": words_of(kind=message.kind, word=message.word, facts=message.facts),
        "said_at": message.said_at,
        "is_muted": message.is_muted,
        "is_unread": is_at_the_bell(message) and (read_at is None or message.said_at > read_at),
        "deliveries": [_delivery(each) for each in message.deliveries.all()],
    }


def is_at_the_bell(message: AlertMessage) -> bool:
    """Whether it counts at the bell until it is read: what `counts.NEWS` asks the database for."""
    return message.is_shown and message.word not in (AlertWord.RESOLVED, AlertWord.TEST)


def _delivery(delivery: AlertDelivery) -> dict[str, Any]:
    state = DeliveryState(delivery.state)
    is_waiting = state is DeliveryState.PENDING and delivery.attempts > 0
    return {
        "channel": delivery.get_channel_display(),
        "address": _shown_address(delivery),
        "tone": _TONES[state],
        "mark": _MARKS[state],
        "text": {
            DeliveryState.PENDING: "To be sent",
            DeliveryState.SENT: "Sent",
            DeliveryState.GIVEN_UP: "Not delivered",
        }[state],
        "sent_at": delivery.sent_at,
        "error": delivery.last_error,
        "again_at": delivery.not_before if is_waiting else None,
    }


def _shown_address(delivery: AlertDelivery) -> str:
    """Of a web address the host alone: what follows may be a key to it."""
    return host_of(delivery.address) if delivery.channel == AlertChannel.WEBHOOK else delivery.address
