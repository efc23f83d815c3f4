"""The connections page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.access import merchant_rows
from connectors import oauth, registry
from connectors.models import ConnectedStore, StorePart, StoreState
from orders.wording import Badge

_BADGES = {
    StoreState.CONNECTED: Badge("CONNECTED", "Connected", "disc", "green"),
    StoreState.RECONNECT: Badge("RECONNECT", "Reconnect", "half", "amber"),
    StoreState.DISCONNECTED: Badge("DISCONNECTED", "Not connected", "dashed", "gray"),
}


def stores_context(*, merchant_id: int, is_owner: bool, now: datetime) -> dict[str, Any]:
    """The context of templates/stores/list.html."""
    with merchant_rows(merchant_id):
        stores = list(ConnectedStore.objects.order_by("part", "name"))
    return {
        "sources": [_store(store, now) for store in stores if store.part == StorePart.SOURCE],
        "destinations": [_store(store, now) for store in stores if store.part == StorePart.DESTINATION],
        "addable": [
            {
                "label": kind.label,
                "platform": kind.platform,
                "url": reverse("connect", args=[kind.platform]),
                "is_source": registry.part_of(kind.platform) == StorePart.SOURCE,
            }
            for kind in registry.all_classes()
            if registry.is_configured(kind.platform)
        ],
        "is_owner": is_owner,
        "now": now,
    }


def _store(store: ConnectedStore, now: datetime) -> dict[str, Any]:
    days = (store.authorized_until - now).days if store.authorized_until else None
    return {
        "id": store.pk,
        "name": store.name,
        "platform": store.platform,
        "label": registry.connector_class(store.platform).label,
        "place": " · ".join(filter(None, [store.domain, store.region, store.currency])),
        "badge": _BADGES[StoreState(store.state)],
        "reason": store.state_reason,
        "days_left": days,
        "is_ending": days is not None and days <= 30,
        "connected_at": store.connected_at,
        "last_webhook_at": store.last_webhook_at,
        "polled_until": store.polled_until,
        "missing_scopes": oauth.missing_scopes(store) if store.state == StoreState.CONNECTED else [],
        "is_connected": store.state == StoreState.CONNECTED,
        "is_disconnected": store.state == StoreState.DISCONNECTED,
        "connect_url": _connect_url(store),
        "disconnect_url": reverse("disconnect", args=[store.platform, store.pk]),
    }


def _connect_url(store: ConnectedStore) -> str:
    url = reverse("connect", args=[store.platform])
    return f"{url}?shop={store.domain}" if store.domain else url
