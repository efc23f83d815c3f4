"""The frame around every page: navigation, alerts about stores, and whether we are in touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.access import merchant_rows
from accounts.models import Membership, Merchant
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.registry import connector_class
from orders import badges
from orders.queries.counts import MOST_NEWS, news, waiting
from orders.queries.setup import setup_of, shipping_alert
from orders.queries.stores import WARN_DAYS

_MAPPING = ("Mapping", "arrows-right-left", {"Shipping methods": "any_shipping", "Carriers": "any_carriers"})
_SETTINGS = (
    "Settings",
    "cog-6-tooth",
    {
        "All settings": "settings",
        "Cancellations and returns": "any_aftersales",
        "Deadlines": "deadline_settings",
        "Alerts": "alert_settings",
        "History": "settings_history",
    },
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """A context processor: what templates/base.html draws beside the page. Nothing for a person without a merchant."""
    membership: Membership | None = getattr(request, "membership", None)
    if not membership or request.path.startswith("/staff/") or request.headers.get("HX-Request"):
        return {}
    stores, asking, said = getattr(request, "frame", None) or _rows(membership.merchant_id)
    stores = [store for store in stores if store.state != StoreState.DISCONNECTED]
    alerts = _alerts(stores)
    return {
        "merchant": membership.merchant,
        "search_url": reverse("orders"),
        "nav": _nav(request.path, waiting=asking, alerts=alerts),
        "store_alerts": alerts,
        "sync_state": _sync_state(stores),
        "unread": _unread(membership, said),
    }


def _unread(membership: Membership, news: Sequence[datetime]) -> str:
    """How many alerts this member has not read, as the bell says it; empty for none."""
    count = sum(membership.news_read_at is None or said_at > membership.news_read_at for said_at in news)
    return f"{count}" if 0 < count < MOST_NEWS else f"{MOST_NEWS - 1}+" if count else ""


def _rows(merchant_id: int) -> tuple[list[ConnectedStore], int, Sequence[datetime]]:
    """Stores by part and name, how many orders wait for a person, and when the newest alerts were said. A view that has
    them sets `request.frame`."""
    with merchant_rows(merchant_id):
        stores = list(ConnectedStore.objects.select_related("setup").order_by("part", "name"))
        asked = Merchant.objects.filter(pk=merchant_id).annotate(waiting=waiting(), news=news())
        found = asked.values("waiting", "news").get()
    return stores, found["waiting"] or 0, found["news"] or ()


def _nav(path: str, *, waiting: int, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    dashboard, orders, work = reverse("dashboard"), reverse("orders"), reverse("work")
    products, stores, returns = reverse("products"), reverse("stores"), reverse("returns")
    need = "needs attention" if waiting == 1 else "need attention"
    return [
        {
            "label": "Dashboard",
            "url": dashboard,
            "icon": "home",
            "is_current": path.startswith(dashboard) or path.startswith(reverse("rehearsals")),
        },
        {
            "label": "Orders",
            "url": orders,
            "icon": "inbox",
            "badge": {"text": f"{waiting:,}", "tone": "red", "label": need} if waiting else None,
            "is_current": path.startswith((orders, returns)),
            "children": [
                {
                    "label": "Orders on TikTok Shop",
                    "url": orders,
                    "is_current": path.startswith(orders) and not path.startswith(work),
                },
                {"label": "Work list", "url": work, "is_current": path.startswith(work)},
                {"label": "Returns", "url": returns, "is_current": path.startswith(returns)},
            ],
        },
        {
            "label": "Products",
            "url": products,
            "icon": "cube",
            "is_current": path.startswith(products),
            "badge": None,
        },
        _section(path, *_MAPPING),
        _section(path, *_SETTINGS),
        {
            "label": "Connections",
            "url": stores,
            "icon": "link",
            "is_current": path.startswith(stores),
            "badge": {"tone": alerts[0]["tone"], "label": "A store needs you"} if alerts else None,
        },
    ]


def _section(path: str, label: str, icon: str, pages: Mapping[str, str]) -> dict[str, Any]:
    """Pages of one kind, shown while one of them is."""
    urls = {text: reverse(name) for text, name in pages.items()}
    first = next(iter(urls.values()))
    roots = ("/routes/", first) if label == "Settings" else (first.rsplit("/", 2)[0] + "/",)
    is_current = path.startswith(roots)
    at = max((url for url in urls.values() if path.startswith(url)), key=len, default=first)
    children = [{"label": text, "url": url, "is_current": url == at} for text, url in urls.items()]
    return {
        "label": label,
        "url": first,
        "icon": icon,
        "is_current": is_current,
        "badge": None,
        "children": children if is_current else [],
    }


def _alerts(stores: list[ConnectedStore]) -> list[dict[str, Any]]:
    """Lost stores first; then who ships, where that changed; then authorizations that end soon."""
    now = timezone.now()
    lost = [
        {
            "tone": "red",
            "title": f"{store.name} has to be reconnected.",
            "text": f"{connector_class(store.platform).label} no longer lets us in: {store.state_reason}. "
            "Nothing is lost; what happens meanwhile is fetched afterwards.",
            "action_label": "Reconnect",
            "action_url": reverse("connect", args=[store.platform]),
        }
        for store in stores
        if store.state == StoreState.RECONNECT
    ]
    ending = [
        {
            "tone": "amber",
            "title": f"The authorization of {store.name} ends in {(store.authorized_until - now).days} days.",
            "text": "Renew it before; all data stays.",
            "action_label": "Renew",
            "action_url": reverse("connect", args=[store.platform]),
        }
        for store in stores
        if store.state == StoreState.CONNECTED
        and store.authorized_until is not None
        and (store.authorized_until - now).days <= WARN_DAYS
        and not connector_class(store.platform).renews_itself
    ]
    return [*lost, *filter(None, (shipping_alert(store, now) for store in stores)), *ending]


def _sync_state(stores: list[ConnectedStore]) -> dict[str, Any]:
    if not stores:
        return {"tone": "gray", "label": "No store connected"}
    seen = [moment for store in stores for moment in (store.last_webhook_at, store.polled_until) if moment]
    if any(store.state == StoreState.RECONNECT for store in stores):
        return {"tone": "red", "label": "A store is lost", "seen_at": max(seen, default=None)}
    shops = [store for store in stores if store.part == StorePart.SOURCE]
    off = [setup for setup in map(setup_of, shops) if setup is None or setup.switched_on_at is None]
    if off or not shops:
        steps = [setup.open_step for setup in off if setup and setup.open_step]
        step = max(steps, default=None if shops else 1)
        label = badges.not_ready(step)
        if len(off) < len(shops):
            label = f"Sync is on for {len(shops) - len(off)} of {len(shops)} shops"
        return {
            "tone": "amber", "label": label, "url": reverse("dashboard"), "seen_at": max(seen, default=None),
        }  # fmt: skip
    return {"tone": "green", "label": "Sync is on", "seen_at": max(seen, default=None)}
