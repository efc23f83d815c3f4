"""What an order asks of a person, with the buttons that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from orders import reason_words, suggesting
from orders.models import Attention, CatalogVariant, Order, OrderState, OutboxItem, OutboxKind
from orders.queries.parcels import carrier_choices, parcel_actions
from orders.queries.rows import seller_center_url
from orders.queries.work import rules_of


def attention_of(
    order: Order, items: Sequence[OutboxItem], *, can_act: bool, likely: Sequence[CatalogVariant] = ()
) -> dict[str, Any] | None:
    """What templates/orders/_attention.html draws: cause, cure, and the buttons for whoever may press them.

    `likely` are the variants of the store that an item without a link may mean.
    """
    if not order.attention:
        return _create_anyway(order) if order.state == OrderState.SKIPPED and can_act else None
    words = reason_words.reason_of(order.attention, order.attention_detail)
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
        "tone": "red",
        "actions": [],
        **_deadline(order),
    }
    if can_act:
        shown["choices"] = carrier_choices(order) or _variant_choices(order, likely)
        shown["actions"] = _actions(order, has_choices=bool(shown["choices"]))
    return shown


def _deadline(order: Order) -> dict[str, Any]:
    """By when, and for what: a request is to be answered, anything else is to be shipped."""
    due: datetime | None = None
    label, hours = "", 0
    if order.attention == Attention.CANCEL_PENDING and order.cancel_requested_at:
        told = order.attention_detail.get("answer_by")
        within = rules_of(order.merchant_id).cancel_answer(order.source_store.region)
        due = datetime.fromisoformat(told) if told else order.cancel_requested_at + within
        label, hours = "Answer by", round(within.total_seconds() / 3600)
    elif order.ship_by and order.state in (OrderState.READY, OrderState.MIRRORED):
        due, label, hours = order.ship_by, "Ship by", 48
    return {"due": due, "due_label": label, "hours": hours}


def _what_was_sent(tried: OutboxItem | None) -> str:
    if tried is None or not tried.sent_at:
        return "Nothing"
    return f"{OutboxKind(tried.kind).label}, last at {date_format(localtime(tried.sent_at), 'M j, g:i:s A')}"


def _actions(order: Order, *, has_choices: bool) -> list[dict[str, Any]]:
    retry: dict[str, Any] = {
        "label": "Retry now",
        "url": reverse("order_retry", args=[order.pk]),
        "style": "secondary" if has_choices else "primary",
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
    if order.attention in (Attention.NOT_LINKED, Attention.PRODUCT_DELETED):
        link = None if has_choices else _link(order)
        if link and link["style"] == "primary":
            retry["style"] = "secondary"
        return [
            retry,
            *([link] if link else []),
            *_to_catalog(order),
            skip if order.state == OrderState.READY else dismiss,
        ]
    if about_parcel := parcel_actions(order, dismiss=dismiss):
        return about_parcel
    is_flag = order.attention == Attention.SHIPPING_UNMAPPED and order.state != OrderState.READY
    if is_flag or order.attention in (Attention.ALREADY_CANCELLED, Attention.TRACKING_EDIT_SPENT):
        return [dismiss]
    if order.attention == Attention.CANCEL_PENDING:
        answer = {"label": "Answer in Seller Center", "link": seller_center_url(order), "style": "primary"}
        return [answer, {**retry, "label": "Look again now", "style": "secondary", "busy": "Looking"}, dismiss]
    if order.attention == Attention.REFUND_BY_HAND:
        return [{"label": "See the refund", "link": "#returns", "is_here": True, "style": "primary"}, dismiss]
    if order.state == OrderState.READY:
        return [retry, skip]
    return [retry, dismiss]


def _link(order: Order) -> dict[str, Any] | None:
    """The form that links an item to a variant: the one item that is not linked, or those whose product is gone."""
    detail = order.attention_detail
    asked = [detail] if order.attention == Attention.NOT_LINKED else detail.get("products", [])
    skus = [each["sku"] for each in asked if each.get("sku")]
    if not skus:
        return None
    sku: dict[str, Any] = {"name": "sku", "value": skus[0]}
    if len(skus) > 1:
        sku = {"name": "sku", "label": "Item", "options": [{"value": each, "label": each} for each in skus]}
    is_by_hand = bool(detail.get("is_by_hand"))
    return {
        "label": "Replace the link and create order" if is_by_hand else "Link and create order",
        "url": reverse("order_link", args=[order.pk]),
        "style": "primary" if is_by_hand else "secondary",
        "fields": [sku, {"name": "variant", "label": "SKU of the variant in the store", "type": "text"}],
    }


def _to_catalog(order: Order) -> list[dict[str, Any]]:
    """The page on which the store's whole catalog can be searched, and bundles be made."""
    detail = order.attention_detail
    asked = [detail] if order.attention == Attention.NOT_LINKED else detail.get("products", [])
    sku = next((each["sku"] for each in asked if each.get("sku")), "")
    if not sku or not detail.get("store_id"):
        return []
    url = reverse("product_link", args=[detail["store_id"]])
    address = f"{url}?{urlencode({'sku': sku, 'order': order.pk})}"
    return [{"label": "Search the catalog, or make a bundle", "link": address, "is_here": True}]


def _variant_choices(order: Order, likely: Sequence[CatalogVariant]) -> dict[str, Any] | None:
    detail = order.attention_detail
    sku, title = detail.get("sku", ""), detail.get("title", "")
    if order.attention != Attention.NOT_LINKED or not sku or not likely:
        return None
    return {
        "label": f"Link {sku} now",
        "name": "variant_id",
        "url": reverse("order_link", args=[order.pk]),
        "submit_label": "Link and create order",
        "help": f"It is kept for every later order. All orders that wait for {sku} go on.",
        "hidden": [{"name": "sku", "value": sku}],
        "options": [
            {
                "value": row.external_id,
                "label": " · ".join(part for part in (row.title, row.variant_title) if part),
                "sub": row.sku or "No SKU",
                "badge": suggesting.why_like(row, sku=sku, title=title),
                "note": f"{row.stock} in stock" if row.stock is not None else "",
            }
            for row in likely
        ],
    }


def _create_anyway(order: Order) -> dict[str, Any] | None:
    if order.source_status not in ("AWAITING_SHIPMENT", "ON_HOLD"):
        return None
    return {
        "code": "SKIPPED",
        "tone": "gray",
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
