"""The dashboard: what is missing, whether every order is accounted for, what presses, and what happened last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from accounts.access import merchant_rows
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.registry import connector_class
from orders import badges, event_words
from orders.models import Order, OrderEvent, OrderState, SetAside
from orders.queries.counts import Counts, counts_from_tallies
from orders.queries.hours import hours_of
from orders.queries.setup import checklists, setup_of
from orders.queries.stores import BADGES, authorization_of
from orders.queries.work import tiles

DAY = timedelta(hours=24)
NEWEST = 60  # orders among which activity is looked for: events have no index by merchant, and need none
SHOWN = 8
_MIRRORED = (OrderState.MIRRORED, OrderState.FULFILLED, OrderState.COMPLETED)
# The parts of the day's sum, each with its words, tone, and the list that holds it.
_PARTS = (
    ("mirrored", "mirrored", "green", "sync=synced", Q(attention="", state__in=_MIRRORED)),
    ("held", "held", "amber", "sync=held", Q(attention="", state=OrderState.HELD)),
    ("waiting", "waiting", "blue", "sync=creating", Q(attention="", state__in=[OrderState.READY, OrderState.UNPAID])),
    ("skipped", "skipped", "gray", "sync=skipped", Q(attention="", state=OrderState.SKIPPED)),
    ("cancelled", "cancelled", "dark", "tab=cancelled", Q(attention="", state=OrderState.CANCELLED)),
    ("attention", "need attention", "red", "tab=needs_attention", ~Q(attention="")),
)
_STATUSES = {
    "on_hold": "ON_HOLD", "ready": "AWAITING_SHIPMENT", "in_transit": "IN_TRANSIT", "delivered": "DELIVERED",
    "cancelled": "CANCELLED",
}  # fmt: skip


def dashboard_context(
    *, merchant_id: int, can_manage: bool, is_owner: bool, now: datetime, opened: str = ""
) -> dict[str, Any]:
    """The context of templates/dashboard/page.html. `opened` is the id of the shop whose checklist is open, else it is
    the first that is not on; `frame` is for orders/navigation.py."""
    with merchant_rows(merchant_id):
        stores = list(ConnectedStore.objects.select_related("setup").order_by("part", "name"))
        counts = counts_from_tallies(Q(), merchant_id=merchant_id, now=now)
        cards = checklists(stores, can_manage=can_manage, is_owner=is_owner, opened=opened)
        has_shop = any(store.part == StorePart.SOURCE for store in stores)
        shown = {
            "ledger": _ledger(merchant_id, now),
            "tiles": tiles(merchant_id=merchant_id, counts=counts, now=now),
            "hours": hours_of(merchant_id=merchant_id, now=now),
            "activity": _activity(merchant_id),
        }
    return {
        **(shown if has_shop else {}),
        "checklists": cards,
        "connections": _connections([store for store in stores if store.state != StoreState.DISCONNECTED], now),
        "statuses": [_status(tab, counts) for tab in _STATUSES] if has_shop else [],
        "frame": (stores, counts.waiting, counts.news),
        "now": now,
    }


def _ledger(merchant_id: int, now: datetime) -> dict[str, Any]:
    """Every order of the last day is in one part. What could not be kept has no part, and is what is missing."""
    asked = {name: Count("pk", filter=fits) for name, *_, fits in _PARTS}
    orders = Order.objects.filter(merchant_id=merchant_id, ordered_at__gte=now - DAY)
    found = orders.aggregate(all=Count("pk"), **asked)
    unread = SetAside.objects.filter(merchant_id=merchant_id).count()
    total = found["all"] + unread
    parts = [
        {"label": label, "count": found[name], "tone": tone, "url": f"{reverse('orders')}?ordered=1&{query}"}
        for name, label, tone, query, _ in _PARTS
    ]
    missing = total - sum(part["count"] for part in parts)
    return {
        "total": total,
        "total_url": f"{reverse('orders')}?ordered=1",
        "parts": parts,
        "bar": _bar([(part["count"], part["tone"]) for part in parts]),
        "missing": missing,
    }


def _bar(parts: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    """Where each part lies in a bar of 1000: none below 8, so that a single order is seen."""
    parts = [part for part in parts if part[0]]
    total, gap = sum(count for count, _ in parts), 3
    room = 1000 - gap * (len(parts) - 1) - 8 * len(parts)
    drawn, at = [], 0.0
    for count, tone in parts:
        width = 8 + room * count / total
        drawn.append({"x": round(at, 1), "width": round(width, 1), "tone": tone})
        at += width + gap
    return drawn


def _status(tab: str, counts: Counts) -> dict[str, Any]:
    badge = badges.STATUS[_STATUSES[tab]]
    return {"badge": badge, "count": counts.tabs[tab], "url": f"{reverse('orders')}?tab={tab}"}


def _connections(stores: Sequence[ConnectedStore], now: datetime) -> list[dict[str, Any]]:
    """Named by their platform; by their own name too where a platform has several."""
    several = Counter(store.platform for store in stores)
    return [{**_connection(store, now), "is_one_of_several": several[store.platform] > 1} for store in stores]


def _connection(store: ConnectedStore, now: datetime) -> dict[str, Any]:
    left = authorization_of(store, now)
    badge, setup = BADGES[StoreState(store.state)], setup_of(store)
    seen = store.last_webhook_at or store.polled_until
    is_off = store.part == StorePart.SOURCE and not (setup and setup.switched_on_at)
    return {
        "name": store.name,
        "label": connector_class(store.platform).label,
        "mark": badge.mark,
        "tone": "amber" if left["is_ending"] else badge.tone,
        "text": store.state_reason if store.state == StoreState.RECONNECT else "",
        "seen_at": seen,
        "left": left["authorization_text"],
        "is_ending": left["is_ending"] or store.state == StoreState.RECONNECT,
        "is_off": is_off,
        "url": f"{reverse('stores')}#store-{store.pk}",
    }


def _activity(merchant_id: int) -> list[dict[str, Any]]:
    """The last things that happened to the newest orders."""
    newest = Order.objects.filter(merchant_id=merchant_id).order_by("-id").values_list("id", flat=True)[:NEWEST]
    quiet = ("source.older_reading", "source.moved_back")
    events = OrderEvent.objects.filter(order__in=list(newest)).exclude(kind__in=quiet).order_by("-happened_at", "-id")
    shown = []
    for event in events.select_related("order").only(
        "kind", "facts", "reason", "happened_at", "order__external_id"
    )[:SHOWN]:  # fmt: skip
        title, tone = event_words.event_title(event.kind, event.facts, event.reason)
        url = reverse("order", args=[event.order_id])
        shown.append(
            {"title": title, "tone": tone, "url": url, "order": event.order.external_id, "at": event.happened_at}
        )
    return shown
