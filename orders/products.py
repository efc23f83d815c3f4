"""Which variant of a store a source SKU means: kept links first, then the store's own word, never a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.access import merchant_rows
from connectors.base.connector import Destination
from connectors.base.types import LineItem, Variant
from connectors.models import ConnectedStore
from orders.components import Component as Component
from orders.components import sku_key
from orders.models import Catalog, CatalogVariant, ProductLink

LINK_LIFE = timedelta(hours=6)
# A catalog that cannot be searched is read whole: when it is old, and when it lacks a SKU, though not again at once.
CATALOG_LIFE = timedelta(hours=6)
CATALOG_PAUSE = timedelta(minutes=2)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What stands for some SKUs in a store, by `sku_key`. `ambiguous` are those with several variants."""

    variants: Mapping[str, tuple[Component, ...]] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()


def look_up(
    *,
    store: ConnectedStore,
    lines: Sequence[LineItem],
    destination: Destination,
    now: datetime,
    case_matters: bool = False,
) -> Found:
    """What stands for these lines. Makes calls: not inside a transaction. Raises PlatformError. May be repeated."""
    wanted = {sku_key(line.sku, case_matters=case_matters): line.sku.strip() for line in lines if line.sku.strip()}
    known = _linked(store, wanted, now=now)
    missing = [sku for key, sku in wanted.items() if key not in known]
    if not missing:
        return Found(known)
    answers = find(store=store, skus=missing, destination=destination, now=now)
    if case_matters:
        answers = {sku: [each for each in found if each.sku.strip() == sku] for sku, found in answers.items()}
    by_key = {sku_key(sku, case_matters=case_matters): found for sku, found in answers.items()}
    single = {key: found[0] for key, found in by_key.items() if len(found) == 1}
    _keep(store=store, variants=single, now=now)
    known.update({key: (Component(each.external_id, each.sku, each.title),) for key, each in single.items()})
    return Found(known, frozenset(key for key, found in by_key.items() if len(found) > 1))


def _linked(store: ConnectedStore, wanted: Mapping[str, str], *, now: datetime) -> dict[str, tuple[Component, ...]]:
    """Those that are linked by hand, however their case is written, or were found a while ago."""
    spelled = {key: sku_key(key) for key in wanted}
    with merchant_rows(store.merchant_id):
        kept = {
            link.sku: link for link in ProductLink.objects.filter(store=store, sku__in={*spelled, *spelled.values()})
        }
    by_hand = {sku: link for sku, link in kept.items() if link.is_manual}
    fresh = {sku: link for sku, link in kept.items() if link.checked_at > now - LINK_LIFE}
    found = {key: by_hand.get(key) or by_hand.get(other) or fresh.get(key) for key, other in spelled.items()}
    return {key: components_of(link) for key, link in found.items() if link is not None}


def components_of(link: ProductLink) -> tuple[Component, ...]:
    """What a kept link means."""
    if not link.components:
        return (Component(link.variant_id, link.sku, link.title),)
    return tuple(
        Component(
            variant_id=str(each["variant_id"]),
            sku=str(each.get("sku") or ""),
            title=str(each.get("title") or ""),
            quantity=int(each.get("quantity") or 1),
        )
        for each in link.components
    )


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
    keys = {sku_key(sku, case_matters=each) for sku in skus if sku.strip() for each in (True, False)}
    links = ProductLink.objects.filter(store=store, sku__in=keys)
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
