"""What the pages of routes and stores show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, F
from django.db.models.fields.json import KT
from django.db.models.lookups import IsNull
from django.urls import reverse

from connectors.base.connector import Destination, Features
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.registry import connector_class
from orders import choices, routing
from orders.models import Order, Route, RouteRule, SettingsVersion
from orders.rules import RouteRules
from orders.rules_forms import GROUPS, HoldForm

# What each feature means to a merchant, in the order the page shows them.
FEATURES = {
    "webhooks": "Tells us of changes at once",
    "search_by_reference": "Finds an order by its TikTok Shop number",
    "idempotency_key": "Carries out a repeated request only once",
    "hold": "Can keep an order back",
    "cancel": "Orders can be cancelled from here",
    "partial_cancel": "Single items can be cancelled from here",
    "partial_fulfillment": "Says which items are in which parcel",
    "refunds": "Refunds can be recorded",
    "returns": "Returns can be recorded",
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


def route_label(route: Route) -> str:
    """A route among others: TikTok Shop: Alice's Candles › Shopify: alices-candles."""
    return f"{store_label(route.source_store)} › {store_label(route.destination_store)}"


def shops_by_use() -> list[ConnectedStore]:
    """The TikTok shops, those that are switched on first, then by name, in the caller's transaction: a page that stands
    for one shop opens on the first."""
    shops = ConnectedStore.objects.filter(part=StorePart.SOURCE).exclude(state=StoreState.DISCONNECTED)
    return list(shops.order_by(IsNull(F("setup__switched_on_at"), True), "name", "pk"))


def stores_by_use() -> list[ConnectedStore]:
    """The stores that orders go to, in the order of the shops that send there; then those that get nothing, by name. In
    the caller's transaction."""
    stores = ConnectedStore.objects.filter(part=StorePart.DESTINATION).exclude(state=StoreState.DISCONNECTED)
    used = [route.destination_store_id for route in routes_by_shop()]
    rank = {store_id: place for place, store_id in reversed(list(enumerate(used)))}
    return sorted(stores.order_by("name", "pk"), key=lambda store: rank.get(store.pk, len(used)))


def picks_of(shown: ConnectedStore, to: str) -> list[tuple[str, str, bool]]:
    """The stores of the same part to choose from on the page `to`, in the caller's transaction."""
    stores = shops_by_use() if shown.part == StorePart.SOURCE else stores_by_use()
    return [(store_label(each), reverse(to, args=[each.pk]), each.pk == shown.pk) for each in stores]


def routes_by_shop() -> list[Route]:
    """Every route, shop by shop, as they are asked; one that nobody made yet is made where the answer is plain. In the
    caller's transaction."""
    found: list[Route] = []
    for shop in shops_by_use():
        for route in routing.chosen_routes(shop):
            route.source_store = shop
            found.append(route)
    return found


def settings_index(*, merchant_id: int) -> dict[str, Any]:
    """The context of templates/settings/index.html, in the caller's transaction."""
    stores = list(ConnectedStore.objects.exclude(state=StoreState.DISCONNECTED).order_by("part", "name"))
    newest = SettingsVersion.objects.filter(merchant_id=merchant_id).order_by("-number").first()
    return {
        "routes": [
            {"label": route_label(route), "sentence": route_sentence(route), "pk": route.pk, "pages": _pages(route)}
            for route in routes_by_shop()
        ],
        "destinations": [
            (each.pk, store_label(each), bool(connector_class(each.platform).options))
            for each in stores
            if each.part == StorePart.DESTINATION
        ],
        "shops": [
            (each.pk, store_label(each), bool(connector_class(each.platform).options))
            for each in stores
            if each.part == StorePart.SOURCE
        ],
        "newest": newest,
    }


def _pages(route: Route) -> list[dict[str, str]]:
    """Each page of the route's rules, and what is chosen there beside the defaults; empty where nothing is."""
    kept = RouteRules.from_json(route.rules)
    pages = []
    for slug, form in GROUPS.items():
        on_route = route if form is HoldForm else kept
        said = {name: getattr(on_route, name) for name in form.base_fields}
        chosen = [_chosen(name, value) for name, value in said.items() if value != form.default(name)]
        pages.append({"slug": slug, "title": form.title, "chosen": "; ".join(chosen)})
    return pages


def _chosen(name: str, value: Any) -> str:
    if name in ("filters", "locations"):
        return f"{len(value)} {name.rstrip('s') if len(value) == 1 else name}"
    return f"{choices.NAMES[name]}: {choices.in_words(name, value)}"


def store_settings(store: ConnectedStore) -> dict[str, Any]:
    """The context of templates/stores/settings.html, in the caller's transaction."""
    kind = connector_class(store.platform)
    return {
        "label": kind.label,
        "title": store_label(store),
        "features": features_of(kind.features),
        "options": kind.options,
        "is_destination": issubclass(kind, Destination),
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


def _some(names: Sequence[str]) -> str:
    return " or ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} or {len(names) - 3} more"
