"""Everything a merchant said about the orders of one store, read together: rules, methods, and which version it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from connectors.base.connector import Features
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from connectors.registry import label_of
from orders.drafting import DraftRules
from orders.models import Mirror, Order
from orders.products import Found
from orders.rules import RouteRules


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for the orders of one store now; `number` is the version of the settings."""

    store: ConnectedStore
    rules: Mapping[int, RouteRules]  # by the source store
    methods: Mapping[str, tuple[str, str]]
    number: int | None

    def rules_of(self, order: Order) -> RouteRules:
        """The rules of the route by which this order comes."""
        return self.rules.get(order.source_store_id) or RouteRules()

    def of(self, mirror: Mirror, order: Order, *, found: Found, features: Features) -> DraftRules:
        """All that a draft of this order needs to know beside the order."""
        return DraftRules(
            destination_currency=self.store.currency,
            destination_label=label_of(self.store),
            source_store_id=order.source_store.external_id,
            source_store_name=order.source_store.name,
            variants=found.variants,
            ambiguous_skus=found.ambiguous,
            shipping_titles=self.methods,
            line_ids=frozenset(mirror.line_ids),
            rules=self.rules_of(order),
            features=features,
            is_on_hold=mirror.is_held and order.source_status == SourceStatus.ON_HOLD,
            group=mirror.parcel_group,
        )


_READ = """
select
  (select json_object_agg(source_store_id, rules) from orders_route
    where destination_store_id = %(store)s and source_store_id = any(%(sources)s::bigint[])),
  (select json_object_agg(delivery_option_id, json_build_array(title, code)) from orders_shippingmapping
    where store_id = %(store)s),
  (select max(number) from orders_settingsversion where merchant_id = %(merchant)s)
"""


def read(store: ConnectedStore, sources: Collection[int]) -> Terms:
    """The terms of these source stores' orders at this store, in the caller's transaction."""
    asked: dict[str, Any] = {"store": store.pk, "sources": list(sources), "merchant": store.merchant_id}
    with connection.cursor() as cursor:
        cursor.execute(_READ, asked)
        rules, methods, number = cursor.fetchone()
    said = {int(source): RouteRules.from_json(each) for source, each in (rules or {}).items()}
    return Terms(store, said, {option: (title, code) for option, (title, code) in (methods or {}).items()}, number)
