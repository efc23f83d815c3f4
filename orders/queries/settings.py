"""What the pages of routes and stores show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from django.db.models.fields.json import KT

from connectors.base.connector import Destination, Features
from connectors.models import ConnectedStore
from connectors.registry import connector_class
from orders import shipping
from orders.models import Order, Route, RouteRule

# What each feature means to a merchant, in the order the page shows them.
FEATURES = {
    "webhooks": "Tells us of changes at once",
    "search_by_reference": "Finds an order by its TikTok Shop number",
    "idempotency_key": "Carries out a repeated request only once",
    "hold": "Can keep an order back",
    "cancel": "Orders can be cancelled from here",
    "partial_fulfillment": "Says which items are in which parcel",
    "refunds": "Refunds can be recorded",
    "custom_lines": "Items without a linked product can be ordered",
    "sku_search": "Products can be looked up by SKU",
    "amounts": "Orders have prices and totals",
    "numbers": "Orders can have your number",
    "emails": "Orders have an e-mail address",
    "tags": "Orders have tags",
    "order_notes": "Orders have a note",
    "stock": "Orders can leave the stock alone",
    "locations": "Orders can be given to a location",
    "store_tax": "The store reckons the tax itself",
    "without_address": "Takes orders without an address, which TikTok ships",
}


def store_label(store: ConnectedStore) -> str:
    """A store among others: Wix: Alice's Candles. The platform is not said twice."""
    label = connector_class(store.platform).label
    return store.name if store.name.startswith(label) else f"{label}: {store.name}"


def store_settings(store: ConnectedStore) -> dict[str, Any]:
    """The context of templates/stores/settings.html, in the caller's transaction."""
    kind = connector_class(store.platform)
    is_destination = issubclass(kind, Destination)
    mapped = shipping.methods_of(store)
    return {
        "label": kind.label,
        "title": store_label(store),
        "features": features_of(kind.features),
        "options": kind.options,
        "methods": kind.shipping_methods if issubclass(kind, Destination) else (),
        "shipping": [_method(option, mapped) for option in _delivery_options(store)] if is_destination else [],
    }


def features_of(features: Features) -> list[dict[str, Any]]:
    """Each feature: what it is, whether the platform has it, and the sentence about it."""
    return [
        {"text": text, "is_there": getattr(features, name), "note": features.notes.get(name, "")}
        for name, text in FEATURES.items()
    ]


def route_sentence(route: Route) -> str:
    """What a route takes, in words."""
    if route.rule == RouteRule.DEFAULT:
        taken = "Takes whatever no other route takes"
        return f"{taken}, if the store has it; the rest is yours to ship by hand" if route.leaves_rest else taken
    if route.rule == RouteRule.SKU:
        what = f"items with the SKU {_some(route.skus)}"
    elif route.rule == RouteRule.WAREHOUSE:
        what = f"orders from warehouse {_some(route.warehouse_ids)}"
    else:
        what = "items that the store has, if they are "
        what += "the whole order" if route.least_share == 100 else f"at least {route.least_share} % of the order"
    parts = "a part of an order too" if route.takes_part else "whole orders only"
    if route.leaves_rest:
        parts = "what no route takes of such an order is yours to ship by hand"
    return f"Takes {what}; {parts}"


def warehouses_of(source_store: ConnectedStore) -> list[str]:
    """The warehouses that orders came from so far, the most used first, in the caller's transaction."""
    orders = Order.objects.filter(source_store=source_store).exclude(snapshot__warehouse_id="")
    counted = orders.values(warehouse=KT("snapshot__warehouse_id")).annotate(count=Count("pk")).order_by("-count")
    return [each["warehouse"] for each in counted[:10] if each["warehouse"]]


def _delivery_options(store: ConnectedStore) -> list[tuple[str, str]]:
    """The delivery options of the merchant's orders so far, and the one that stands for all others."""
    orders = Order.objects.filter(merchant_id=store.merchant_id).exclude(snapshot__delivery_option_id="")
    names = orders.values_list(KT("snapshot__delivery_option_id"), KT("snapshot__delivery_option_name")).distinct()
    return [*sorted((key, name or key) for key, name in names[:40] if key), ("", "Any other")]


def _method(option: tuple[str, str], mapped: dict[str, tuple[str, str]]) -> dict[str, str]:
    option_id, name = option
    title, code = mapped.get(option_id, ("", ""))
    return {"option_id": option_id, "name": name, "option_name": name, "title": title, "code": code}


def _some(names: Sequence[str]) -> str:
    return " or ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} or {len(names) - 3} more"
