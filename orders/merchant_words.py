"""The merchant's own rules in words: what each is called, and its values as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orders.deadlines import DeadlineKind, DispatchFrom, DispatchMet

CHANNELS: Mapping[str, str] = {"in_app": "In the app", "email": "E-mail", "webhook": "Webhook"}
DEADLINES: Mapping[str, str] = {
    "dispatch_days": "Working days to dispatch",
    "dispatch_from": "They count from",
    "dispatch_met": "Dispatched means",
    "preorder_days": "Working days to dispatch a pre-order",
    "handling_days": "Working days to make an item to order",
    "custom_extra_days": "Working days to dispatch what was made",
    "capacity_days": "Working days more for your capacity",
    "auto_cancel_days": "Working days until TikTok Shop cancels",
    "auto_cancel_custom_days": "The same, made to order",
    "auto_cancel_preorder_days": "The same, pre-orders",
    "deliver_days": "Working days to deliver",
    "deliver_custom_days": "The same, made to order, beside making it",
    "cancel_answer_us_hours": "Hours to answer a request to cancel, US",
    "cancel_answer_hours": "The same, other markets",
    "return_answer_hours": "Hours to answer a return",
    "replacement_answer_hours": "Hours to answer a replacement",
    "has_federal_holidays": "US federal holidays are days off",
    "days_off": "Your own days off",
    "warn_first_hours": "First warning, hours before",
    "warn_last_hours": "Last warning, hours before",
    "hold_late_hours": "Hours after which a hold is too long",
    "late_dispatch_limit": "Limit of late dispatch, percent",
    "seller_cancel_limit": "Limit of cancellations by your fault, percent",
    "tracking_limit": "Least share of valid tracking, percent",
    "on_time_limit": "Least share delivered on time, percent",
    "on_time_express_limit": "The same, Express, percent",
}
ALERTS: Mapping[str, str] = {
    "days_left": "Days before an authorization ends",
    "more_than": "Orders that need attention, more than",
    "older_than_minutes": "Or one for so many minutes",
    "deadlines": "Deadlines that are warned of",
    "gap_minutes": "Minutes until an order counts as not accounted for",
    "silence_hours": "Hours without a webhook",
    "limit_minutes": "Minutes that orders wait at a platform's limit",
    "pause_minutes": "Minutes between two messages of one alert",
    "to_owners": "E-mail to the owners of the account",
    "addresses": "E-mail addresses",
    "webhook_to": "Webhook address",
}
DEADLINE_KINDS: Mapping[DeadlineKind, str] = {
    DeadlineKind.AUTO_CANCEL: "TikTok Shop cancels the order",
    DeadlineKind.CANCEL_ANSWER: "Answer to a request to cancel",
    DeadlineKind.RETURN_ANSWER: "Answer to a return",
    DeadlineKind.DISPATCH: "Dispatch",
    DeadlineKind.DELIVERY: "Delivery",
    DeadlineKind.TRACKING_EDIT: "Change of a tracking number",
    DeadlineKind.HOLD_END: "End of the hold",
}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "dispatch_from": {
        DispatchFrom.RELEASE: "The end of TikTok's hold",
        DispatchFrom.ORDER: "The order",
    },
    "dispatch_met": {
        DispatchMet.SCAN: "The carrier scanned the parcel",
        DispatchMet.UPLOAD: "TikTok Shop has the tracking number",
    },
}


def in_words(name: str, value: Any) -> str:
    """A value as people say it."""
    if name in CHOICES:
        return CHOICES[name][value]
    if name == "webhook_to" and value:
        host, _, mark = value.partition("#")
        return f"{host} (the rest is kept encrypted, mark {mark})"
    if name == "deadlines":
        return ", ".join(DEADLINE_KINDS[DeadlineKind(each)] for each in value) or "None"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "None"
    return f"{value:g}" if isinstance(value, float) else str(value) if value != "" else "None"
