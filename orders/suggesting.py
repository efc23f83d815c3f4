"""Variants of a store's kept catalog: those that a search finds, and those that a SKU may well mean."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from django.db.models import Q

from connectors.models import ConnectedStore
from orders.components import sku_key
from orders.models import CatalogVariant

MOST_FOUND = 25
MOST_SUGGESTED = 6
MOST_WEIGHED = 200
LEAST_LIKE = 0.65


def search(*, store: ConnectedStore, words: str, limit: int = MOST_FOUND) -> list[CatalogVariant]:
    """The variants that have every one of these words in SKU or titles, in the caller's transaction."""
    found = CatalogVariant.objects.filter(store=store)
    for word in words.split()[:8]:
        found = found.filter(Q(sku__icontains=word) | Q(title__icontains=word) | Q(variant_title__icontains=word))
    return list(found.order_by("title", "variant_title", "sku", "id")[:limit])


def suggest(*, store: ConnectedStore, sku: str, title: str) -> list[CatalogVariant]:
    """The variants most like this SKU and title, the likest first, in the caller's transaction. Only ever shown: a
    person chooses."""
    like = Q(sku_key=sku_key(sku)) if sku.strip() else Q(pk=None)
    for part in re.split(r"[^0-9A-Za-z]+", sku)[:4]:
        if len(part) >= 3:
            like |= Q(sku_key__contains=part.casefold())
    for word in sorted(re.findall(r"\w{4,}", title), key=len, reverse=True)[:3]:
        like |= Q(title__icontains=word)
    weighed = CatalogVariant.objects.filter(like, store=store).order_by("id")[:MOST_WEIGHED]
    likeness = {row.pk: _likeness(row, sku, title) for row in weighed}
    fitting = [row for row in weighed if likeness[row.pk] >= LEAST_LIKE]
    return sorted(fitting, key=lambda row: (-likeness[row.pk], row.title, row.sku))[:MOST_SUGGESTED]


def why_like(row: CatalogVariant, *, sku: str, title: str) -> str:
    """What makes it likely, in words; empty where nothing in particular does."""
    if sku_key(row.sku) == sku_key(sku):
        return "same SKU"
    if row.title.strip().casefold() == title.strip().casefold():
        return "same title"
    return "SKU nearly the same" if _ratio(row.sku, sku) >= 0.85 else ""


def _likeness(row: CatalogVariant, sku: str, title: str) -> float:
    return max(_ratio(row.sku, sku), _ratio(" ".join([row.title, row.variant_title]), title))


def _ratio(one: str, other: str) -> float:
    a, b = one.strip().casefold()[:120], other.strip().casefold()[:120]
    return SequenceMatcher(None, a, b).ratio() if a and b else 0.0
