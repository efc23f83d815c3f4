"""Which variants of a store a source SKU means: kept links first, then the store's own word, never a guess."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from accounts.access import merchant_rows
from accounts.rows import Rows
from connectors.base.connector import Destination
from connectors.base.types import LineItem, Variant
from connectors.models import ConnectedStore
from orders import catalogs
from orders.components import Component, sku_key
from orders.models import Catalog, CatalogVariant, ProductLink, Route
from orders.rules import RouteRules

LINK_LIFE = timedelta(hours=6)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # when a link was checked that fits no more
# A catalog that cannot be searched is read whole: when it is old, and when it lacks a SKU, though not again at once.
CATALOG_LIFE = timedelta(hours=6)
CATALOG_PAUSE = timedelta(minutes=2)

# In the order of their keys, so that two who keep the same links wait for each other in one order.
_KEEP = """
insert into orders_productlink (merchant_id, store_id, sku, variant_id, title, components, is_manual, checked_at)
select %s, %s, found.sku, found.variant_id, left(found.title, 500), '[]', false, %s
from unnest(%s::text[], %s::text[], %s::text[]) as found(sku, variant_id, title)
where length(found.sku) <= 200 and length(found.variant_id) <= 100
order by found.sku
on conflict (store_id, sku) do update
set variant_id = excluded.variant_id, title = excluded.title, checked_at = excluded.checked_at
where not orders_productlink.is_manual
"""


# Those of these keys, and what a person said of any spelling of these.
_LINKS = Rows(
    ProductLink,
    """
select {columns} from orders_productlink t
where t.store_id = %(store)s and (t.sku = any(%(keys)s)
  or t.is_manual and t.sku like ' %%' and lower(trim(t.sku)) = any(%(folded)s)) order by t.id
""",
)

Links = Mapping[str, tuple[Component, ...]]  # what stands for a SKU, by `sku_key`


@dataclass(frozen=True, slots=True)
class Found:
    """What stands for some SKUs in a store, by `sku_key`. `ambiguous` are those with several variants."""

    variants: Links = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()


def look_up(
    *,
    store: ConnectedStore,
    lines: Sequence[LineItem],
    destination: Destination,
    now: datetime,
    case_matters: bool = False,
    linked: Links | None = None,
) -> Found:
    """What stands for these lines. Makes calls: not inside a transaction. Raises PlatformError. May be repeated.

    `linked` is what `linked_now` found of these lines' SKUs, where that was asked before.
    """
    wanted = _wanted((line.sku for line in lines), case_matters)
    if linked is None:
        with merchant_rows(store.merchant_id):
            linked = linked_now(store=store, skus=wanted.values(), now=now, case_matters=case_matters)
    known = {key: linked[key] for key in wanted if key in linked}
    missing = [sku for key, sku in wanted.items() if key not in known]
    if not missing:
        return Found(known)
    answers = {
        sku_key(sku, case_matters=case_matters): [each for each in found if not case_matters or each.sku.strip() == sku]
        for sku, found in find(store=store, skus=missing, destination=destination, now=now).items()
    }
    single = {key: component_of(found[0]) for key, found in answers.items() if len(found) == 1}
    with merchant_rows(store.merchant_id):
        keep_found(store=store, variants=single, now=now)
    known.update({key: (component,) for key, component in single.items()})
    return Found(known, frozenset(key for key, found in answers.items() if len(found) > 1))


def linked_now(*, store: ConnectedStore, skus: Iterable[str], now: datetime, case_matters: bool = False) -> Links:
    """The links of these SKUs that count now, in the caller's transaction."""
    kept = links_of(store, _wanted(skus, case_matters), since=now - LINK_LIFE)
    return {key: components_of(link) for key, link in kept.items()}


def _wanted(skus: Iterable[str], case_matters: bool) -> dict[str, str]:
    return {sku_key(sku, case_matters=case_matters): sku.strip() for sku in skus if sku.strip()}


def kept(*, store: ConnectedStore, skus: Iterable[str], case_matters: bool = False) -> Found:
    """What stands for these SKUs as far as that is kept, whatever its age: links, then the catalog. Asks no store. In
    the caller's transaction."""
    wanted = _wanted(skus, case_matters)
    known = {key: components_of(link) for key, link in links_of(store, wanted, since=LONG_AGO).items()}
    there: dict[str, list[CatalogVariant]] = {}
    for row in CatalogVariant.objects.filter(store=store, sku_key__in={sku_key(sku) for sku in wanted.values()}):
        there.setdefault(sku_key(row.sku, case_matters=case_matters), []).append(row)
    open_keys = wanted.keys() & there.keys() - known.keys()
    known |= {key: (component_of(there[key][0]),) for key in open_keys if len(there[key]) == 1}
    return Found(known, frozenset(key for key in open_keys if len(there[key]) > 1))


def case_matters(store: ConnectedStore) -> bool:
    """Whether what a person says of a SKU at this store is said of its very spelling: any of its routes says so. In the
    caller's transaction."""
    return any(shops_minding_case(store).values())


def shops_minding_case(store: ConnectedStore) -> dict[int, bool]:
    """Whether SKUs that differ in case are different ones, for each shop with a route to this store. In the caller's
    transaction."""
    kept = Route.objects.filter(destination_store=store, is_on=True).values_list("source_store_id", "rules")
    return {shop: RouteRules.from_json(rules).sku_case_matters for shop, rules in kept}


def links_of(store: ConnectedStore, wanted: Mapping[str, str], *, since: datetime) -> dict[str, ProductLink]:
    """The links that count now, by the keys of `wanted`: by hand, that of the very spelling before that of any, and
    where case does not matter before that of another; else what was found by itself after `since`. In the caller's
    transaction."""
    keys = {each for key, sku in wanted.items() for each in (key, *_both_keys(sku))}
    folded = [key for key in wanted if not key[:1].isspace()]
    links = _LINKS(store=store.pk, keys=list(keys), folded=folded) if keys else []
    kept = {link.sku: link for link in links if link.sku in keys}
    by_hand = {key: link for key, link in kept.items() if link.is_manual}
    found = {
        key: next((by_hand[each] for each in _both_keys(sku) if each in by_hand), None) for key, sku in wanted.items()
    }
    others = _of_other_spellings(links, {key for key, link in found.items() if link is None})
    found_lately = {key: link for key, link in kept.items() if link.checked_at > since}
    counted = {key: link or others.get(key) or found_lately.get(key) for key, link in found.items()}
    return {key: link for key, link in counted.items() if link is not None}


def _of_other_spellings(links: Iterable[ProductLink], keys: Collection[str]) -> dict[str, ProductLink]:
    """What a person said of one spelling, by the key of any, where all such links mean the same: another shop of the
    store minds the case, or this one did."""
    found: dict[str, list[ProductLink]] = {}
    for link in links:
        if link.is_manual and link.sku.startswith(" ") and sku_key(link.sku) in keys:
            found.setdefault(sku_key(link.sku), []).append(link)
    return {key: links[0] for key, links in found.items() if len({_meaning_of(link) for link in links}) == 1}


def _meaning_of(link: ProductLink) -> str:
    return json.dumps([link.variant_id, link.components], sort_keys=True)


def _both_keys(sku: str) -> tuple[str, str]:
    return sku_key(sku, case_matters=True), sku_key(sku)


def components_of(link: ProductLink) -> tuple[Component, ...]:
    """What stands for the link's SKU."""
    kept: Sequence[Mapping[str, Any]] = link.components
    if not kept:
        return (Component(link.variant_id, link.sku.strip(), link.title),)
    return tuple(Component(each["variant_id"], each["sku"], each["title"], each["quantity"]) for each in kept)


def component_of(variant: Variant | CatalogVariant, quantity: int = 1) -> Component:
    """So many of this variant."""
    title = " · ".join(part for part in (variant.title, variant.variant_title) if part)
    return Component(variant.external_id, variant.sku, title[:500], quantity)


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
        catalogs.read_whole(store=store, variants=destination.list_variants(), now=now)
        found = _in_catalog(store, skus)
    return found


def forget(*, store: ConnectedStore, skus: Sequence[str]) -> list[ProductLink]:
    """The store said that one of these is gone: what was found by itself is looked for afresh next time, and its
    catalog read anew. Returns the links made by hand, which stay until a person replaces them. In the caller's
    transaction; may be repeated."""
    keys = {key for sku in skus if sku.strip() for key in _both_keys(sku)}
    links = ProductLink.objects.filter(store=store, sku__in=keys)
    links.filter(is_manual=False).delete()
    Catalog.objects.filter(store=store).delete()
    return list(links.order_by("sku"))


def keep_found(*, store: ConnectedStore, variants: Mapping[str, Component], now: datetime) -> None:
    """Remember what was found by itself, by key, so that the next order need not ask. In the caller's transaction; a
    link made by hand stays as it is. May be repeated."""
    keys = sorted(variants)
    ids, titles = [variants[key].variant_id for key in keys], [variants[key].title for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [store.merchant_id, store.pk, now, keys, ids, titles])


def _in_catalog(store: ConnectedStore, skus: Sequence[str]) -> dict[str, list[Variant]]:
    by_key: dict[str, list[Variant]] = {sku_key(sku): [] for sku in skus}
    with merchant_rows(store.merchant_id):
        for row in CatalogVariant.objects.filter(store=store, sku_key__in=by_key).order_by("id"):
            by_key[row.sku_key].append(Variant(row.external_id, row.sku, row.title, row.variant_title, row.stock))
    return {sku: by_key[sku_key(sku)] for sku in skus}
