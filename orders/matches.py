"""What each SKU of the source is in a store: linked, to be linked, ambiguous, or changed since; in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from django.db import connection

from connectors.models import ConnectedStore, StorePart, StoreState
from orders import products
from orders.components import Component, sku_key
from orders.models import CatalogVariant, Route


class Match(StrEnum):
    """Where a SKU of the source stands in one store."""

    LINKED = "LINKED"  # what it means is in the store's catalog
    UNLINKED = "UNLINKED"  # nothing there has its SKU, and nobody said what it means
    AMBIGUOUS = "AMBIGUOUS"  # several variants have its SKU
    CHANGED = "CHANGED"  # a variant that it is linked to is gone, or has another SKU now
    NO_SKU = "NO_SKU"  # the seller gave it none, so nothing can be said of it


@dataclass(frozen=True, slots=True)
class Row:
    """One SKU of the source; `external_id` only where it has no SKU. `found` variants of the store have the SKU."""

    key: str
    sku: str
    title: str
    is_double: bool
    in_catalog: bool
    link_id: int | None
    linked_title: str
    variant_id: str
    components: list[dict[str, Any]]
    is_manual: bool
    found: int
    waiting: int
    state: Match


@dataclass(frozen=True, slots=True)
class Waiting:
    """The orders that wait for SKUs at a store: by key, how many for want of a link, and how many since it is gone."""

    skus: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # key: the SKU as it is written, and its title
    unlinked: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)


_WAITING = """
select line->>'sku', min(line->>'title'), o.attention, o.source_store_id = any(%s), count(distinct o.id)
from orders_order o
cross join lateral jsonb_array_elements(o.snapshot->'lines') line
where o.attention in ('NOT_LINKED', 'PRODUCT_DELETED') and o.attention_detail->>'store_id' = %s
  and line->>'status' <> 'CANCELLED'
  and (o.attention = 'NOT_LINKED' or exists (
    select from jsonb_array_elements(o.attention_detail->'products') gone where gone->>'sku' = btrim(line->>'sku')
  ))
group by 1, 3, 4
"""

# Keys are those of `sku_key`: of shops that mind the case they begin with a space.
_ROWS = """
with source as (
  select case when v.sku <> '' and v.store_id = any(%(exact)s) then ' ' || v.sku else v.sku_key end as key,
    v.sku_key as folded, min(v.sku) as sku, min(v.title) as title,
    count(*) > count(distinct v.store_id) as is_double
  from orders_catalogvariant v where v.store_id = any(%(sources)s)
  group by 1, 2, case when v.sku_key = '' then v.id end
),
candidate as (
  select key, count(*) as n, min(external_id) as variant_id,
    min(concat_ws(' · ', title, nullif(variant_title, ''))) as title
  from (
    select v.sku_key as key, v.external_id, v.title, v.variant_title
    from orders_catalogvariant v where v.store_id = %(store)s and v.sku_key <> ''
    union all
    select ' ' || v.sku, v.external_id, v.title, v.variant_title
    from orders_catalogvariant v
    where v.store_id = %(store)s and v.sku_key <> '' and cardinality(%(exact)s::bigint[]) > 0
  ) v group by 1
),
asked as (
  select * from unnest(%(keys)s::text[], %(skus)s::text[], %(titles)s::text[], %(unlinked)s::int[], %(gone)s::int[])
    as asked(key, sku, title, unlinked, gone)
),
link as (
  select * from orders_productlink where store_id = %(store)s
),
other as (
  select lower(btrim(sku)) as folded, min(id) as id from link where is_manual and sku like ' %%'
  group by 1 having count(distinct (variant_id, components)) = 1
),
named as (
  select key, folded, sku, title, is_double, true as in_catalog from source
  union all
  select key, lower(btrim(key)), sku, title, false, false from asked
  where key <> '' and not exists (select from source where source.key = asked.key)
  union all
  select l.sku, lower(btrim(l.sku)), btrim(l.sku), '', false, false from link l
  where (l.is_manual or not exists (select from source))
    and not exists (select from source where source.key = l.sku)
    and not exists (select from source where source.folded = l.sku)
    and not exists (select from source where ' ' || source.sku = l.sku)
    and not exists (select from asked where asked.key = l.sku)
    and not exists (select from asked where ' ' || asked.sku = l.sku)
),
rows as (
  select n.key, n.sku, n.title, n.is_double, n.in_catalog, l.id as link_id, coalesce(l.title, '') as linked_title,
    coalesce(l.variant_id, '') as variant_id, coalesce(l.components, '[]') as components,
    coalesce(l.is_manual, false) as is_manual, coalesce(c.n, 0) as found,
    case
      when n.key = '' then 'NO_SKU'
      when l.id is null then case when c.n > 1 then 'AMBIGUOUS' else 'UNLINKED' end
      when not %(is_read)s then 'LINKED'
      when l.is_manual then case when {changed} then 'CHANGED' else 'LINKED' end
      when c.n > 1 then 'AMBIGUOUS'
      when c.n = 1 and c.variant_id = l.variant_id then 'LINKED'
      else 'CHANGED'
    end as state,
    coalesce(a.unlinked, 0) as unlinked, coalesce(a.gone, 0) as gone
  from named n
  left join link spelled on spelled.is_manual and spelled.sku = ' ' || n.sku
  left join link said on said.is_manual and said.sku = n.folded
  left join link seen on not seen.is_manual and seen.sku = n.key
  left join other on other.folded = n.folded and n.key not like ' %%'
  left join link l on l.id = coalesce(spelled.id, said.id, other.id, seen.id)
  left join candidate c on c.key = n.key
  left join asked a on a.key = n.key
),
shown as (
  select key, sku, title, is_double, in_catalog, link_id, linked_title, variant_id, components, is_manual, found,
    gone + case when state = 'LINKED' then 0 else unlinked end as waiting, state
  from rows
)
"""
# A component whose variant is gone, or no longer has the SKU under which it was chosen.
_CHANGED = """exists (
  select from jsonb_array_elements(case when l.components = '[]'::jsonb
    then jsonb_build_array(jsonb_build_object('variant_id', l.variant_id)) else l.components end) part
  left join orders_catalogvariant v on v.store_id = %(store)s and v.external_id = part->>'variant_id'
  where v.id is null or (part->>'sku' <> '' and lower(part->>'sku') <> lower(v.sku))
)"""
_SEARCH = """(sku ilike %(like)s or title ilike %(like)s or linked_title ilike %(like)s or variant_id ilike %(like)s
  or components::text ilike %(like)s)"""


def sources_of(store: ConnectedStore) -> list[int]:
    """The shops whose SKUs are linked to this store: those with a route to it, or all where there is none. In the
    caller's transaction."""
    routed = Route.objects.filter(destination_store=store, is_on=True).values_list("source_store", flat=True)
    shops = ConnectedStore.objects.filter(part=StorePart.SOURCE).exclude(state=StoreState.DISCONNECTED)
    return list(routed) or list(shops.order_by("pk").values_list("pk", flat=True))


def waiting_at(store: ConnectedStore, *, exact: Sequence[int]) -> Waiting:
    """What orders wait for at this store, in the caller's transaction; `exact` are the shops that mind the case."""
    skus: dict[str, tuple[str, str]] = {}
    counts: dict[str, dict[str, int]] = {"NOT_LINKED": {}, "PRODUCT_DELETED": {}}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [list(exact), str(store.pk)])
        for sku, title, attention, is_exact, count in cursor.fetchall():
            key = sku_key(sku, case_matters=is_exact)
            skus.setdefault(key, (sku.strip(), title))
            counts[attention][key] = counts[attention].get(key, 0) + count
    return Waiting(skus, counts["NOT_LINKED"], counts["PRODUCT_DELETED"])


@dataclass(frozen=True, slots=True)
class Matches:
    """The SKUs of the source as they stand in one store. Made and asked in the caller's transaction. `exact`: what is
    said of one is said of its very spelling."""

    sql: str
    parameters: Mapping[str, Any]
    exact: bool

    @classmethod
    def of(cls, store: ConnectedStore) -> Matches:
        """How things stand now."""
        exact = [shop for shop, minds_case in products.shops_minding_case(store).items() if minds_case]
        waiting = waiting_at(store, exact=exact)
        keys = list(waiting.skus)
        parameters = {
            "store": store.pk,
            "sources": sources_of(store),
            "exact": exact,
            "is_read": CatalogVariant.objects.filter(store=store).exists(),
            "keys": keys,
            "skus": [waiting.skus[key][0] for key in keys],
            "titles": [waiting.skus[key][1] for key in keys],
            "unlinked": [waiting.unlinked.get(key, 0) for key in keys],
            "gone": [waiting.gone.get(key, 0) for key in keys],
        }
        return cls(_ROWS.format(changed=_CHANGED), parameters, bool(exact))

    def counts(self) -> dict[str, int]:
        """How many SKUs are in each state; `DOUBLE` are several times in one shop, `WAITING` have orders waiting."""
        counted = dict.fromkeys([*Match, "DOUBLE", "WAITING", "ALL"], 0)
        select = "select state, count(*), count(*) filter (where is_double), count(*) filter (where waiting > 0)"
        for state, count, double, waiting in self._ask(f"{select} from shown group by state", {}):
            counted[state] += count
            counted["ALL"] += count
            counted["DOUBLE"] += double
            counted["WAITING"] += waiting
        return counted

    def rows(self, *, show: str = "ALL", search: str = "", limit: int | None = None, offset: int = 0) -> list[Row]:
        """Those of a state, or that `counts` counts under this name; what orders wait for comes first."""
        wanted = {"ALL": "true", "DOUBLE": "is_double", "WAITING": "waiting > 0"}.get(show, "state = %(show)s")
        like = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        select = f"select * from shown where {wanted} and {_SEARCH if search else 'true'}"  # noqa: S608 - of these words only
        ordered = f"{select} order by waiting desc, key = '', sku, title, key limit %(limit)s offset %(offset)s"
        found = self._ask(ordered, {"show": show, "like": like, "limit": limit, "offset": offset})
        return [_row(each) for each in found]

    def of_keys(self, keys: Sequence[str]) -> dict[str, Row]:
        """The rows with these keys, or with that of any spelling, by the keys asked for; a SKU that nobody knows has
        none."""
        folded = {key: sku_key(key) for key in keys}
        asked = {"asked": [*folded, *folded.values()]}
        rows = {row.key: row for row in map(_row, self._ask("select * from shown where key = any(%(asked)s)", asked))}
        found = {key: rows.get(key) or rows.get(folded[key]) for key in keys}
        return {key: row for key, row in found.items() if row is not None}

    def fitting(self) -> dict[str, Component]:
        """The one variant of the store's catalog that has the SKU, by key, where there is exactly one."""
        select = "select distinct n.key, n.sku, c.variant_id, c.title from named n join candidate c on c.key = n.key"
        found = self._ask(f"{select} where c.n = 1", {})
        return {key: Component(variant_id, sku, title, 1) for key, sku, variant_id, title in found}

    def _ask(self, select: str, more: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql + select, {**self.parameters, **more})
            return list(cursor.fetchall())


def _row(values: Sequence[Any]) -> Row:
    made = Row(*values)
    return replace(made, components=json.loads(str(made.components)), state=Match(made.state))
