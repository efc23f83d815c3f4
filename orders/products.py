"""Which variant of a store a source SKU means: kept links first, then the store's own word, never a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.access import merchant_rows
from connectors.base.connector import Destination
from connectors.base.types import LineItem, Variant
from connectors.models import ConnectedStore
from orders.drafting import sku_key
from orders.models import Catalog, CatalogVariant, ProductLink

LINK_LIFE = timedelta(hours=6)
# A catalog that cannot be searched is read whole: when it is old, and when it lacks a SKU, though not again at once.
CATALOG_LIFE = timedelta(hours=6)
CATALOG_PAUSE = timedelta(minutes=2)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What a store has for some SKUs, by `sku_key`. `ambiguous` are those with several variants."""

    variants: Mapping[str, str] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()


def look_up(*, store: ConnectedStore, lines: Sequence[LineItem], destination: Destination, now: datetime) -> Found:
    """The variants for these lines. Makes calls: not inside a transaction. Raises PlatformError. May be repeated."""
    wanted = {sku_key(line.sku): line.sku.strip() for line in lines if line.sku.strip()}
    with merchant_rows(store.merchant_id):
        links = ProductLink.objects.filter(store=store, sku__in=wanted)
        known = {link.sku: link.variant_id for link in links if link.is_manual or link.checked_at > now - LINK_LIFE}
    missing = [sku for key, sku in wanted.items() if key not in known]
    if not missing:
        return Found(known)
    answers = find(store=store, skus=missing, destination=destination, now=now)
    single = {sku_key(sku): found[0] for sku, found in answers.items() if len(found) == 1}
    _keep(store=store, variants=single, now=now)
    known.update({key: variant.external_id for key, variant in single.items()})
    return Found(known, frozenset(sku_key(sku) for sku, found in answers.items() if len(found) > 1))


def find(
    *, store: ConnectedStore, skus: Sequence[str], destination: Destination, now: datetime
) -> dict[str, list[Variant]]:
    """Every variant with these SKUs, by the SKU as it was asked for. Makes calls: not inside a transaction."""
    if destination.features.sku_search:
        return destination.find_variants(skus)
    found = _in_catalog(store, skus)
    with merchant_rows(store.merchant_id):
        catalog = Catalog.objects.filter(store=store).first()
    age = now - catalog.read_at if catalog else None
    if age is None or age > CATALOG_LIFE or (age > CATALOG_PAUSE and not all(found.values())):
        read_catalog(store=store, destination=destination, now=now)
        found = _in_catalog(store, skus)
    return found


def read_catalog(*, store: ConnectedStore, destination: Destination, now: datetime) -> int:
    """Read the store's whole catalog and return how many variants it has. What we kept is replaced only once all of it
    was read. Makes calls: not inside a transaction."""
    rows = [
        CatalogVariant(
            merchant_id=store.merchant_id,
            store=store,
            external_id=variant.external_id,
            sku=variant.sku[:200],
            sku_key=sku_key(variant.sku)[:200],
            title=variant.title[:500],
            variant_title=variant.variant_title[:300],
            stock=variant.stock,
        )
        for variant in destination.list_variants()
    ]
    with merchant_rows(store.merchant_id):
        Catalog.objects.update_or_create(store=store, defaults={"merchant_id": store.merchant_id, "read_at": now})
        CatalogVariant.objects.filter(store=store).delete()
        CatalogVariant.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


def forget(*, store: ConnectedStore, skus: Sequence[str]) -> list[ProductLink]:
    """The store said that one of these is gone: what was found by itself is looked for afresh next time, and its
    catalog read anew. Returns the links made by hand, which stay until a person replaces them. In the caller's
    transaction; may be repeated."""
    links = ProductLink.objects.filter(store=store, sku__in={sku_key(sku) for sku in skus if sku.strip()})
    links.filter(is_manual=False).delete()
    Catalog.objects.filter(store=store).delete()
    return list(links.order_by("sku"))


def _in_catalog(store: ConnectedStore, skus: Sequence[str]) -> dict[str, list[Variant]]:
    found: dict[str, list[Variant]] = {sku: [] for sku in skus}
    asked = {sku_key(sku): sku for sku in skus}
    with merchant_rows(store.merchant_id):
        for row in CatalogVariant.objects.filter(store=store, sku_key__in=asked).order_by("id"):
            found[asked[row.sku_key]].append(
                Variant(
                    external_id=row.external_id,
                    sku=row.sku,
                    title=row.title,
                    variant_title=row.variant_title,
                    stock=row.stock,
                )
            )
    return found


def _keep(*, store: ConnectedStore, variants: Mapping[str, Variant], now: datetime) -> None:
    """Remember single answers, so that the next order need not ask. A link made by hand is left alone by `look_up`."""
    links = [
        ProductLink(
            merchant_id=store.merchant_id,
            store=store,
            sku=key,
            variant_id=variant.external_id,
            title=variant.title[:500],
            checked_at=now,
        )
        for key, variant in variants.items()
    ]
    with merchant_rows(store.merchant_id):
        ProductLink.objects.bulk_create(
            links,
            update_conflicts=True,
            unique_fields=["store", "sku"],
            update_fields=["variant_id", "title", "checked_at"],
        )
