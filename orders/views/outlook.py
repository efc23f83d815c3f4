"""What a draft would do to recent orders or parcels, as a part of a page or as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse

from connectors.models import ConnectedStore
from orders.carrier_effect import Told
from orders.effect import effect
from orders.models import Route
from orders.proposals import Proposal
from orders.queries.effect import Shown, effect_context, effect_table
from orders.queries.preview import notes_of, shown_orders
from orders.queries.preview_ways import notes_of_parcels, notes_of_ways, shown_parcels, shown_ways
from orders.route_effect import Rerouted


@dataclass(frozen=True, slots=True)
class Outlook:
    """Each order or parcel (`what`), and in `notes` what the counts are of."""

    what: str
    shown: Sequence[Shown]
    notes: Sequence[str]

    def context(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """What templates/settings/_dry_run.html and _preview.html draw. `asked` may say which list and row are open."""
        return effect_context(self.shown, what=self.what, notes=self.notes, asked=asked)

    def table(self, name: str) -> HttpResponse:
        """What differs, as a file."""
        answer = HttpResponse(effect_table(self.shown), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="effect-{name}.csv"'
        return answer


def outlook_on_orders(
    *, merchant_id: int, proposals: Iterable[tuple[Route, Proposal]], number: int, now: datetime
) -> Outlook:
    """What is proposed for these routes would have done to the orders of the last 30 days. `number` is that of the
    version that saving makes. Not inside a transaction."""
    by_shop: dict[int, tuple[ConnectedStore, dict[int, Proposal]]] = {}
    for route, proposal in proposals:
        _, proposed = by_shop.setdefault(route.source_store_id, (route.source_store, {}))
        proposed[route.destination_store_id] = proposal
    found = [
        effect(merchant_id=merchant_id, source_store=shop, proposed=proposed, now=now)
        for shop, proposed in by_shop.values()
    ]
    region = next((shop.region for shop, _ in by_shop.values()), "")
    return Outlook("order", shown_orders(found, number=number - 1 or None), notes_of(found, region=region))


def outlook_on_parcels(told: Sequence[Told]) -> Outlook:
    """What other carriers would have done to the parcels of the last 30 days."""
    return Outlook("parcel", shown_parcels(told), notes_of_parcels(told))


def outlook_on_ways(rerouted: Sequence[Rerouted], stores: Iterable[ConnectedStore]) -> Outlook:
    """Where other routes would have sent the orders of the last 30 days. `stores` are the merchant's."""
    return Outlook("order", shown_ways(rerouted, {store.pk: store for store in stores}), notes_of_ways(rerouted))
