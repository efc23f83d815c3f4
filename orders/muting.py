"""What a merchant does with alerts beside its rules: keep a kind quiet for a time, sign anew, send a test."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from orders import alerts
from orders.alert_rules import AlertRules
from orders.models import AlertChannel, AlertDelivery, AlertKind, AlertMessage, AlertWord, MerchantRules

SPANS = {"1": "1 hour", "4": "4 hours", "24": "1 day", "168": "1 week"}


def mute(*, merchant_id: int, kind: str, hours: int, now: datetime) -> None:
    """Send nothing of this kind ("" for all) until then, and let it count at no bell; no hours: from now on again. What
    is open is kept, and said when the time is over. In merchant_rows; may be repeated."""
    mine = MerchantRules.objects.select_for_update().filter(merchant_id=merchant_id)
    before = mine.values_list("mutes", flat=True).first() or {}
    known = {"", *AlertKind.values}
    kept = {name: until for name, until in before.items() if name in known and datetime.fromisoformat(until) > now}
    kept.pop(kind, None)
    if hours and kind in known:
        kept[kind] = (now + timedelta(hours=hours)).isoformat()
    MerchantRules.objects.keep(merchant_id=merchant_id, mutes=kept)


def new_secret(*, merchant_id: int) -> str:
    """The secret that signs from now on. It is shown once, and kept encrypted. In merchant_rows."""
    secret = f"vsa_{secrets.token_urlsafe(32)}"
    MerchantRules.objects.keep(merchant_id=merchant_id, alert_secret=secret)
    return secret


def send_test(*, merchant_id: int, now: datetime) -> int:
    """Say that this is a test, by every way there is, whatever is muted. Returns how many ways. In merchant_rows."""
    kept = MerchantRules.objects.filter(merchant_id=merchant_id).values_list("alerts", flat=True).first()
    message = AlertMessage.objects.create(merchant_id=merchant_id, word=AlertWord.TEST, said_at=now)
    owners = alerts.owners_of([merchant_id]).get(merchant_id, [])
    ways = alerts.deliveries_of(message, AlertRules.from_json(kept or {}), owners, channels=AlertChannel.values)
    AlertDelivery.objects.bulk_create(ways)
    return len(ways)
