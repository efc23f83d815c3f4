"""What the pages of products show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from accounts.access import merchant_rows
from connectors.models import ConnectedStore, StoreState
from connectors.registry import label_of
from orders import suggesting
from orders.components import Component, sku_key
from orders.matches import Match, Matches, Row
from orders.models import CatalogReading, CatalogVariant
from orders.queries.settings import store_label, stores_by_use

PAGE = 50
LONGEST_SEARCH = 100

# Tab: its label, and the tone of its count where that is to be seen.
_TABS = {
    "ALL": ("All", ""),
    "UNLINKED": ("To link", "red"),
    "AMBIGUOUS": ("Ambiguous", "amber"),
    "CHANGED": ("Changed", "amber"),
    "LINKED": ("Linked", ""),
    "WAITING": ("Orders waiting", "red"),
    "DOUBLE": ("SKU twice", "amber"),
    "NO_SKU": ("No SKU", ""),
}
_ALWAYS = ("ALL", "UNLINKED", "AMBIGUOUS", "CHANGED", "LINKED")
# State: its badge's label, mark and tone.
_BADGES = {
    Match.LINKED: ("Linked", "tick", "green"),
    Match.UNLINKED: ("To link", "cross", "red"),
    Match.AMBIGUOUS: ("Ambiguous", "question", "amber"),
    Match.CHANGED: ("Changed", "warning", "amber"),
    Match.NO_SKU: ("No SKU", "dashed", "gray"),
}
_EMPTY = {
    "ALL": ("dashed", "gray", "No products yet", "They show up once the catalog of your TikTok shop was read."),
    "UNLINKED": ("tick", "green", "Nothing to link", "Every SKU of your TikTok shop has its variant in this store."),
    "AMBIGUOUS": ("tick", "green", "Nothing ambiguous", "No SKU belongs to several variants of this store."),
    "CHANGED": ("tick", "green", "Nothing changed", "A link whose variant is gone or renamed shows up here."),
    "LINKED": ("ring", "gray", "Nothing linked yet", "SKUs that are equal on both sides are linked by themselves."),
}


def product_page(
    *, merchant_id: int, store_id: int, query: Mapping[str, str], can_manage: bool, now: datetime
) -> dict[str, Any]:
    """The context of templates/products/list.html. Raises Http404 when this merchant has no such store."""
    show = query.get("show", "ALL") if query.get("show") in _TABS else "ALL"
    search = query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    text = query.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 else 1
    number = max(1, number)
    with merchant_rows(merchant_id):
        stores = stores_by_use()
        store = next((each for each in stores if each.pk == store_id), None)
        if store is None:
            raise Http404
        matches = Matches.of(store)
        counts = matches.counts()
        rows = matches.rows(show=show, search=search, limit=PAGE + 1, offset=(number - 1) * PAGE)
        now_called = _called_now(store, rows)
        readings = readings_of(store, matches.parameters["sources"], now=now)
    url = reverse("store_products", args=[store.pk])
    kept = {name: value for name, value in (("show", show if show != "ALL" else ""), ("q", search)) if value}
    mark, tone, title, empty_text = _EMPTY.get(show, ("ring", "gray", "Nothing here", ""))
    return {
        "store": {"id": store.pk, "label": store_label(store), "platform": label_of(store)},
        "stores": [_choice(each, store) for each in stores] if len(stores) > 1 else [],
        "tabs": [_tab(key, counts[key], show, url, search) for key in _TABS if key in _ALWAYS or counts[key]],
        "rows": [_row(row, store, now_called) for row in rows[:PAGE]],
        "search": search,
        "show": show,
        "can_manage": can_manage,
        "previous_url": _url(url, kept, page=number - 1) if number > 1 else "",
        "next_url": _url(url, kept, page=number + 1) if len(rows) > PAGE else "",
        "empty": {"mark": mark, "tone": tone, "title": title, "text": empty_text},
        "counts": counts,
        **readings,
    }


def readings_of(store: ConnectedStore, sources: Sequence[int], *, now: datetime) -> dict[str, Any]:
    """How the catalogs of both sides are, in the caller's transaction: the context of templates/products/_catalogs."""
    shops = ConnectedStore.objects.filter(pk__in=[*sources, store.pk]).order_by("-part", "name")
    found = {each.store_id: each for each in CatalogReading.objects.filter(store__in=[*sources, store.pk])}
    shown = [_reading(each, found.get(each.pk), now) for each in shops]
    return {"catalogs": shown, "is_reading": any(each["is_reading"] for each in shown), "now": now}


def link_page(
    *, store: ConnectedStore, sku: str, parts: Sequence[Component] | None, search: str, error: str = ""
) -> dict[str, Any]:
    """The context of templates/products/link.html, in the caller's transaction. `parts` are those of the draft; None
    begins with what the SKU means now."""
    matches = Matches.of(store)
    key = sku_key(sku, case_matters=matches.exact)
    row = matches.of_keys([key]).get(key)
    title, kept = row.title if row else "", _parts_of(store, row)
    if parts is None:
        parts = kept
    taken = {part.variant_id for part in parts}
    found = suggesting.search(store=store, words=search) if search else []
    suggested = [] if search else suggesting.suggest(store=store, sku=sku, title=title)
    return {
        "store": {"id": store.pk, "label": store_label(store), "platform": label_of(store)},
        "sku": sku.strip(),
        "title": title,
        "waiting": row.waiting if row else 0,
        "is_manual": bool(row and row.is_manual),
        "parts": parts,
        "is_draft": {each.variant_id: each.quantity for each in parts}
        != {each.variant_id: each.quantity for each in kept},
        "search": search,
        "found": [_variant(each, taken, sku, title) for each in found or suggested],
        "is_suggested": bool(suggested),
        "is_most": len(found) == suggesting.MOST_FOUND,
        "is_read": matches.parameters["is_read"],
        "error": error,
        "page_url": reverse("product_link", args=[store.pk]),
        "back_url": reverse("store_products", args=[store.pk]),
    }


def _parts_of(store: ConnectedStore, row: Row | None) -> list[Component]:
    """What the SKU means now, as far as the store's catalog still has it."""
    if row is None or row.link_id is None:
        return []
    wanted = {each["variant_id"]: each["quantity"] for each in row.components} or {row.variant_id: 1}
    there = CatalogVariant.objects.filter(store=store, external_id__in=wanted).in_bulk(field_name="pk")
    kept = {each.external_id: each for each in there.values()}
    return [
        Component(key, kept[key].sku, _title(kept[key]), quantity) for key, quantity in wanted.items() if key in kept
    ]


def _called_now(store: ConnectedStore, rows: Sequence[Row]) -> dict[str, str]:
    """The SKUs that the variants of changed links have now; one that is gone is missing."""
    changed = [row for row in rows if row.state is Match.CHANGED]
    ids = {row.variant_id for row in changed} | {each["variant_id"] for row in changed for each in row.components}
    kept = CatalogVariant.objects.filter(store=store, external_id__in=ids) if ids else CatalogVariant.objects.none()
    return dict(kept.values_list("external_id", "sku"))


def _row(row: Row, store: ConnectedStore, now_called: Mapping[str, str]) -> dict[str, Any]:
    label, mark, tone = _BADGES[row.state]
    count = sum(each["quantity"] for each in row.components)
    by = "By hand" if row.is_manual else "By SKU"
    link = reverse("product_link", args=[store.pk])
    return {
        "sku": row.sku,
        "title": row.title or "Not in TikTok Shop's catalog",
        "remark": _remark(row),
        "linked": row.linked_title or (row.variant_id if row.link_id else ""),
        "linked_remark": (f"{by}, bundle of {count}" if count > 1 else by) if row.link_id else "",
        "badge": {"label": label, "mark": mark, "tone": tone},
        "why": _why(row, now_called),
        "waiting": row.waiting,
        "orders_url": f"{reverse('orders')}?{urlencode({'q': row.sku, 'tab': 'needs_attention'})}",
        "link_url": f"{link}?{urlencode({'sku': row.sku})}" if row.sku else "",
        "link_label": "Change" if row.link_id else "Link",
        "can_unlink": row.is_manual,
    }


def _remark(row: Row) -> str:
    if row.is_double:
        return "Several items of the shop have this SKU"
    return "" if row.in_catalog else "Known from orders or links only"


def _why(row: Row, now_called: Mapping[str, str]) -> str:
    """What the state comes of, in a few words."""
    if row.state is Match.AMBIGUOUS:
        return f"{row.found} variants have it"
    if row.state is Match.NO_SKU:
        return "Give it one in Seller Center"
    if row.state is not Match.CHANGED:
        return ""
    parts = row.components or [{"variant_id": row.variant_id, "sku": row.sku}]
    for part in parts:
        if part["variant_id"] not in now_called:
            return f"{part['sku'] or 'The variant'} is gone"
        if sku_key(now_called[part["variant_id"]]) != sku_key(part["sku"]):
            return f"{part['sku']} is {now_called[part['variant_id']] or 'without SKU'} now"
    return "Its variant changed"


def _reading(store: ConnectedStore, reading: CatalogReading | None, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {"label": store_label(store), "is_reading": False, "tone": "gray", "text": "Not read yet"}
    if store.state != StoreState.CONNECTED:
        return {**shown, "tone": "amber", "text": "Has to be reconnected before its catalog can be read"}
    if reading is None:
        return shown
    if reading.heard_at:
        share = min(100, 100 * reading.count // reading.expected) if reading.expected else None
        of = f" of about {reading.expected:,}" if reading.expected else " so far"
        return {**shown, "is_reading": True, "tone": "blue", "text": f"{reading.count:,}{of}", "share": share}
    if reading.due_at <= now:
        return {**shown, "is_reading": True, "tone": "blue", "text": "begins in a moment"}
    if reading.failure:
        return {**shown, "tone": "red", "text": reading.failure, "at": reading.ended_at, "again": reading.due_at}
    return {**shown, "tone": "green", "text": f"{reading.count:,} variants", "at": reading.ended_at}


def _variant(row: CatalogVariant, taken: set[str], sku: str, title: str) -> dict[str, Any]:
    return {
        "id": row.external_id,
        "sku": row.sku or "No SKU",
        "title": _title(row),
        "stock": row.stock,
        "why": suggesting.why_like(row, sku=sku, title=title),
        "is_taken": row.external_id in taken,
    }


def _title(row: CatalogVariant) -> str:
    return " · ".join(part for part in (row.title, row.variant_title) if part) or row.sku


def _tab(key: str, count: int, show: str, url: str, search: str) -> dict[str, Any]:
    label, tone = _TABS[key]
    kept = {name: value for name, value in (("show", key if key != "ALL" else ""), ("q", search)) if value}
    return {
        "key": key,
        "label": label,
        "count": count,
        "tone": tone if count else "",
        "is_current": key == show,
        "url": _url(url, kept),
    }


def _choice(each: ConnectedStore, store: ConnectedStore) -> dict[str, Any]:
    url = reverse("store_products", args=[each.pk])
    return {"label": store_label(each), "url": url, "is_current": each.pk == store.pk}


def _url(url: str, kept: Mapping[str, str], page: int = 1) -> str:
    asked = {**kept, **({"page": str(page)} if page > 1 else {})}
    return f"{url}?{urlencode(asked)}" if asked else url
