"""The connections page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.access import merchant_rows
from connectors import oauth, registry
from connectors.models import ConnectedStore, StorePart, StoreState
from orders.badges import Badge
from orders.models import Route, RouteRule
from orders.queries.settings import route_sentence, store_label
from orders.queries.setup import way_on
from orders.routing import currencies_differ

BADGES = {
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


def stores_context(*, merchant_id: int, is_owner: bool, can_manage: bool, now: datetime) -> dict[str, Any]:
    """The context of templates/stores/list.html."""
    with merchant_rows(merchant_id):
        stores = list(ConnectedStore.objects.select_related("setup").order_by("part", "name"))
        way = way_on([store for store in stores if _is_open_source(store)]) if can_manage else None
        routes = list(Route.objects.select_related("source_store", "destination_store"))
        webhooks = _webhooks(now)
    shown = [(store.part, _store(store, webhooks.get(store.pk, {}), now)) for store in stores]
    return {
        "sources": [each for part, each in shown if part == StorePart.SOURCE],
        "destinations": [each for part, each in shown if part == StorePart.DESTINATION],
        "shops": [_routes(store, routes, stores) for store in stores if _is_open_source(store)],
        "addable": platforms_to_add({store.platform for store in stores if store.state != StoreState.DISCONNECTED}),
        "is_owner": is_owner,
        "can_manage": can_manage,
        "way_on": way,
        "now": now,
    }


def _is_open_source(store: ConnectedStore) -> bool:
    return store.part == StorePart.SOURCE and store.state != StoreState.DISCONNECTED


def _routes(shop: ConnectedStore, routes: Sequence[Route], stores: Sequence[ConnectedStore]) -> dict[str, Any]:
    """The routes of one TikTok shop in the order they are asked, and the stores that get nothing from it."""
    own = [route for route in routes if route.source_store_id == shop.pk]
    own.sort(key=lambda route: (route.rule == RouteRule.DEFAULT, route.position, route.pk))
    reached = {route.destination_store_id for route in own}
    open_stores = [
        each for each in stores if each.part == StorePart.DESTINATION and each.state != StoreState.DISCONNECTED
    ]
    idle = [each for each in open_stores if not currencies_differ(shop, each)]
    return {
        "name": shop.name,
        "add_url": reverse("route_new", args=[shop.pk]),
        "routes": [
            {
                "destination": store_label(route.destination_store),
                "sentence": route_sentence(route),
                "hold": f"{route.extra_hold_hours} h more" if route.extra_hold_hours else "After TikTok's hold",
                "warning": _currency_warning(shop, route.destination_store),
                "url": reverse("route", args=[route.pk]),
                "remove_url": reverse("route_remove", args=[route.pk]),
            }
            for route in own
        ],
        "idle": [store_label(each) for each in idle if each.pk not in reached] if own or len(idle) > 1 else [],
        "has_default": any(route.rule == RouteRule.DEFAULT for route in own) or (not own and len(idle) == 1),
        "leaves_rest": any(route.leaves_rest and route.is_on for route in own),
        "can_add": bool(idle),
        "currency": shop.currency if open_stores and not idle else "",
        "warning": _currency_warning(shop, open_stores[0]) if len(open_stores) == 1 and not own else "",
    }


def _currency_warning(shop: ConnectedStore, store: ConnectedStore) -> str:
    """What is wrong between the two before the first order meets it; empty when nothing is."""
    if not currencies_differ(shop, store):
        return ""
    return f"{shop.name} sells in {shop.currency}, {store_label(store)} works in {store.currency}: nothing will be sent"


def _webhooks(now: datetime) -> dict[int, dict[int, int]]:
    """How many webhooks came in each of the last 48 half-hours, by store: 47 is the current one. In merchant_rows."""
    sql = """
        select store_id, 47 - floor(extract(epoch from (%s - received_at)) / 1800)::int, count(*)
        from connectors_webhookdelivery where received_at > %s group by 1, 2"""
    found: dict[int, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [now, now - timedelta(hours=24)])
        for store_id, half_hour, count in cursor.fetchall():
            found.setdefault(store_id, {})[half_hour] = count
    return found


def platforms_to_add(connected: Collection[str] = ()) -> list[dict[str, Any]]:
    """Every platform; `is_set_up` is false where this installation has no app of its own there. `connected` says where
    there is a store already."""
    return [
        {
            "label": kind.label,
            "platform": kind.platform,
            "url": reverse("connect", args=[kind.platform]),
            "is_source": registry.part_of(kind.platform) == StorePart.SOURCE,
            "is_another": kind.platform in connected,
            "is_set_up": registry.is_configured(kind.platform),
            "needs": kind.needs,
            "initials": kind.initials or kind.label[:1],
        }
        for kind in registry.all_classes()
    ]


def _store(store: ConnectedStore, webhooks: Mapping[int, int], now: datetime) -> dict[str, Any]:
    kind = registry.connector_class(store.platform)
    is_connected = store.state == StoreState.CONNECTED
    missing = oauth.missing_scopes(store) if is_connected else []
    strip = _strip(store, missing, now)
    received = sum(webhooks.values())
    return {
        "id": store.pk,
        "name": store.name,
        "platform": store.platform,
        "label": kind.label,
        "initials": kind.initials or kind.label[:1],
        "place": " · ".join(filter(None, [store.domain, store.region, store.currency])),
        "badge": BADGES[StoreState(store.state)],
        "strip": strip,
        "needs_owner": strip is not None and strip["tone"] != "gray",
        **authorization_of(store, now),
        "connected_at": store.connected_at,
        "last_webhook_at": store.last_webhook_at,
        "polled_until": store.polled_until,
        "bars": [{"x": 4 * place, "is_on": webhooks.get(place, 0) > 0} for place in range(48)],
        "webhooks_text": (f"{received:,} received" if kind.features.webhooks else "None: we ask instead"),
        "are_permissions_known": bool(store.scopes),
        "permissions": [
            {"text": kind.scope_names.get(scope, scope), "scope": scope, "is_missing": scope in missing}
            for scope in kind.scopes
        ],
        "test": _last_test(store) if is_connected else None,
        "test_url": reverse("test_store", args=[store.platform, store.pk]),
        "settings_url": reverse("store_settings", args=[store.pk]),
        "is_connected": is_connected,
        "is_disconnected": store.state == StoreState.DISCONNECTED,
        "is_self_renewing": kind.renews_itself,
        "connect_url": _connect_url(store),
        "connect_label": "Connect again" if missing else _CONNECT[StoreState(store.state)],
        "disconnect_url": reverse("disconnect", args=[store.platform, store.pk]),
    }


def authorization_of(store: ConnectedStore, now: datetime) -> dict[str, Any]:
    """How long we may speak for the store: words, and a bar whose whole is a year."""
    until = store.authorized_until
    renews = registry.connector_class(store.platform).renews_itself
    if store.state == StoreState.CONNECTED and renews:
        return {"authorization_text": "Renews itself", "bar_width": 100, "bar_tone": "green", "is_ending": False}
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
    renews = registry.connector_class(store.platform).renews_itself
    if not renews and store.authorized_until and (store.authorized_until - now).days <= WARN_DAYS:
        by = date_format(localtime(store.authorized_until), "M j")
        return {"tone": "amber", "bold": f"Renew {store.name} by {by}.", "plain": "All data stays, nothing stops."}
    return None


def _last_test(store: ConnectedStore) -> dict[str, Any] | None:
    if not store.last_test:
        return None
    return {
        "passed": store.last_test["passed"],
        "ms": store.last_test["ms"],
        "facts": store.last_test["facts"],
        "by": store.last_test["by"],
        "at": datetime.fromisoformat(store.last_test["at"]),
    }


def _connect_url(store: ConnectedStore) -> str:
    url = reverse("connect", args=[store.platform])
    return f"{url}?shop={store.domain}" if store.domain else url
