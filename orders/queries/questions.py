"""What an order asks of a person, with the buttons that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from orders import wording
from orders.models import Attention, Order, OrderState, OutboxItem, OutboxKind


def attention_of(order: Order, items: Sequence[OutboxItem], *, can_act: bool) -> dict[str, Any] | None:
    """What templates/orders/_attention.html draws: cause, cure, and the buttons for whoever may press them."""
    if not order.attention:
        return _create_anyway(order) if order.state == OrderState.SKIPPED and can_act else None
    words = wording.reason_of(order.attention, order.attention_detail)
    tried = next((item for item in reversed(items) if item.last_error), None)
    shown: dict[str, Any] = {
        "code": order.attention,
        "title": words.title,
        "what_failed": words.what_failed,
        "whose_side": words.whose_side,
        "what_was_sent": _what_was_sent(tried),
        "what_to_do": words.what_to_do,
        "will_retry": words.will_retry,
        "time_left": "",
        "actions": [],
    }
    if order.ship_by and order.state in (OrderState.READY, OrderState.MIRRORED):
        shown["due"], shown["hours"] = order.ship_by, 48
    if can_act:
        shown["actions"] = _actions(order)
        shown["choices"] = _carrier_choices(order)
    return shown


def _what_was_sent(tried: OutboxItem | None) -> str:
    if tried is None or not tried.sent_at:
        return "Nothing"
    return f"{OutboxKind(tried.kind).label}, last at {date_format(localtime(tried.sent_at), 'M j, g:i:s A')}"


def _actions(order: Order) -> list[dict[str, Any]]:
    retry = {
        "label": "Retry now",
        "url": reverse("order_retry", args=[order.pk]),
        "style": "primary",
        "busy": "Retrying",
    }
    skip = {
        "label": "Skip this order",
        "url": reverse("order_skip", args=[order.pk]),
        "style": "danger",
        "confirm": f"Skip order {order.external_id}?",
        "confirm_text": "It is not created in the store. You can have it created later.",
    }
    dismiss = {"label": "Mark as settled", "url": reverse("order_dismiss", args=[order.pk]), "style": "secondary"}
    if order.attention == Attention.NOT_LINKED:
        link = {
            "label": "Link and create order",
            "url": reverse("order_link", args=[order.pk]),
            "style": "secondary",
            "fields": [
                {"name": "sku", "value": order.attention_detail.get("sku", "")},
                {"name": "variant", "label": "SKU of the variant in the store", "type": "text"},
            ],
        }
        first = [retry, link] if order.attention_detail.get("sku") else [retry]
        return [*first, skip]
    if order.attention in (Attention.ALREADY_CANCELLED, Attention.TRACKING_EDIT_SPENT):
        return [dismiss]
    if order.state == OrderState.READY:
        return [retry, skip]
    return [retry, dismiss]


def _carrier_choices(order: Order) -> dict[str, Any] | None:
    detail = order.attention_detail
    if order.attention != Attention.CARRIER_UNMAPPED or not detail.get("choices"):
        return None
    return {
        "label": f"Which carrier is “{detail.get('carrier', '')}”?",
        "name": "carrier",
        "url": reverse("order_carrier", args=[order.pk]),
        "submit_label": "Choose and send tracking",
        "help": "TikTok Shop's list for this order's delivery option.",
        "options": [{"value": each["id"], "label": each["name"]} for each in detail["choices"]],
    }


def _create_anyway(order: Order) -> dict[str, Any] | None:
    if order.source_status not in ("AWAITING_SHIPMENT", "ON_HOLD"):
        return None
    return {
        "code": "SKIPPED",
        "title": order.skip_rule or "Skipped",
        "what_failed": "Nothing. A rule says that this order is not created by itself.",
        "whose_side": "Your rule",
        "what_was_sent": "Nothing",
        "what_to_do": "Create it if no store has it yet.",
        "will_retry": "",
        "actions": [
            {
                "label": "Create the order",
                "url": reverse("order_create", args=[order.pk]),
                "style": "primary",
                "confirm": f"Create order {order.external_id}?",
                "confirm_text": "If it was entered in the store by hand before, it will be there twice.",
            }
        ],
    }
