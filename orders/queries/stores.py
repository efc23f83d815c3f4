"""The connections page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.access import merchant_rows
from connectors import oauth, registry
from connectors.models import ConnectedStore, StorePart, StoreState
from orders.models import Route
from orders.wording import Badge

_BADGES = {
    StoreState.CONNECTED: Badge("CONNECTED", "Connected", "disc", "green"),
    StoreState.RECONNECT: Badge("RECONNECT", "Reconnect", "half", "amber"),
    StoreState.DISCONNECTED: Badge("DISCONNECTED", "Not connected", "dashed", "gray"),
}


_CONNECT = {
    StoreState.CONNECTED: "Renew",
    StoreState.RECONNECT: "Reconnect",
    StoreState.DISCONNECTED: "Connect",
}
WARN_DAYS = 30


def stores_context(*, merchant_id: int, is_owner: bool, now: datetime) -> dict[str, Any]:
    """The context of templates/stores/list.html."""
    with merchant_rows(merchant_id):
        stores = list(ConnectedStore.objects.order_by("part", "name"))
        routes = list(Route.objects.select_related("source_store", "destination_store").order_by("source_store__name"))
    return {
        "sources": [_store(store, now) for store in stores if store.part == StorePart.SOURCE],
        "destinations": [_store(store, now) for store in stores if store.part == StorePart.DESTINATION],
        "routes": [
            {
                "id": route.pk,
                "source": route.source_store.name,
                "destination": registry.label_of(route.destination_store),
                "hours": route.extra_hold_hours,
                "url": reverse("route_hold", args=[route.pk]),
            }
            for route in routes
        ],
        "addable": platforms_to_add({store.platform for store in stores if store.state != StoreState.DISCONNECTED}),
        "is_owner": is_owner,
        "now": now,
    }


def platforms_to_add(connected: Collection[str] = ()) -> list[dict[str, Any]]:
    """The platforms that this installation can connect; `connected` says where there is a store already."""
    return [
        {
            "label": kind.label,
            "platform": kind.platform,
            "url": reverse("connect", args=[kind.platform]),
            "is_source": registry.part_of(kind.platform) == StorePart.SOURCE,
            "is_another": kind.platform in connected,
        }
        for kind in registry.all_classes()
        if registry.is_configured(kind.platform)
    ]


def _store(store: ConnectedStore, now: datetime) -> dict[str, Any]:
    is_connected = store.state == StoreState.CONNECTED
    missing = oauth.missing_scopes(store) if is_connected else []
    strip = _strip(store, missing, now)
    return {
        "id": store.pk,
        "name": store.name,
        "platform": store.platform,
        "label": registry.connector_class(store.platform).label,
        "place": " · ".join(filter(None, [store.domain, store.region, store.currency])),
        "badge": _BADGES[StoreState(store.state)],
        "strip": strip,
        "needs_owner": strip is not None and strip["tone"] != "gray",
        **_authorization(store, now),
        "connected_at": store.connected_at,
        "last_webhook_at": store.last_webhook_at,
        "polled_until": store.polled_until,
        "missing_scopes": missing,
        "is_connected": is_connected,
        "is_disconnected": store.state == StoreState.DISCONNECTED,
        "connect_url": _connect_url(store),
        "connect_label": "Connect again" if missing else _CONNECT[StoreState(store.state)],
        "disconnect_url": reverse("disconnect", args=[store.platform, store.pk]),
    }


def _authorization(store: ConnectedStore, now: datetime) -> dict[str, Any]:
    """How long we may speak for the store: words, and a bar whose whole is a year."""
    until = store.authorized_until
    if store.state != StoreState.CONNECTED:
        ended = "Ended" if store.state == StoreState.RECONNECT else "None"
        return {"authorization_text": ended, "authorized_until": None, "bar_width": None, "is_ending": False}
    if until is None:
        return {"authorization_text": "No end", "authorized_until": None, "bar_width": None, "is_ending": False}
    days = (until - now).days
    return {
        "authorization_text": "Ended" if days < 0 else f"{days} day{'' if days == 1 else 's'} left",
        "authorized_until": until,
        "bar_width": max(0, min(100, round(days / 365 * 100))),
        "bar_tone": "amber" if days <= WARN_DAYS else "green",
        "is_ending": days <= WARN_DAYS,
    }


def _strip(store: ConnectedStore, missing: Sequence[str], now: datetime) -> dict[str, str] | None:
    """What is wrong with the store, and the cure; None when nothing is."""
    is_source = store.part == StorePart.SOURCE
    if store.state == StoreState.DISCONNECTED:
        what = "No new orders are read from it" if is_source else "Nothing is sent to it"
        return {"tone": "gray", "bold": "Not connected.", "plain": f"{what}. Its orders stay here."}
    if store.state == StoreState.RECONNECT:
        waits = "New orders are fetched" if is_source else "Its orders wait, and go out"
        reason = f"{store.state_reason.rstrip('.')}. " if store.state_reason else ""
        return {"tone": "red", "bold": f"Reconnect {store.name}.", "plain": f"{reason}{waits} after you reconnect."}
    if missing:
        names = ", ".join(missing)
        return {"tone": "red", "bold": f"Not granted: {names}.", "plain": "Connect again and leave every box ticked."}
    if store.authorized_until and (store.authorized_until - now).days <= WARN_DAYS:
        by = date_format(localtime(store.authorized_until), "M j")
        return {"tone": "amber", "bold": f"Renew {store.name} by {by}.", "plain": "All data stays, nothing stops."}
    return None


def _connect_url(store: ConnectedStore) -> str:
    url = reverse("connect", args=[store.platform])
    return f"{url}?shop={store.domain}" if store.domain else url
