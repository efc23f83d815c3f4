"""Everything a merchant said about the orders of one store, read together: rules, methods, and which version it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from accounts.access import merchant_rows
from connectors.base.connector import Features
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from connectors.registry import label_of
from orders import shipping, versions
from orders.drafting import DraftRules
from orders.models import Mirror, Order, Route
from orders.products import Found
from orders.rules import RouteRules


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for the orders of one store now; `number` is the version of the settings."""

    store: ConnectedStore
    features: Features
    rules: Mapping[int, RouteRules]  # by the source store
    methods: Mapping[str, tuple[str, str]]
    number: int | None

    def rules_of(self, order: Order) -> RouteRules:
        """The rules of the route by which this order comes."""
        return self.rules.get(order.source_store_id) or RouteRules()

    def of(self, mirror: Mirror, order: Order, *, found: Found) -> DraftRules:
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
            features=self.features,
            is_on_hold=mirror.is_held and order.source_status == SourceStatus.ON_HOLD,
            group=mirror.parcel_group,
        )


def read(store: ConnectedStore, sources: Collection[int], *, features: Features) -> Terms:
    """The terms of these source stores' orders at this store, in one short transaction."""
    with merchant_rows(store.merchant_id):
        routes = Route.objects.filter(destination_store=store, source_store__in=sources)
        rules = {source: RouteRules.from_json(said) for source, said in routes.values_list("source_store_id", "rules")}
        methods, number = shipping.methods_of(store), versions.latest_number(store.merchant_id)
    return Terms(store, features, rules, methods, number)
