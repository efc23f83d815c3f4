"""What the pages of shipping methods and carriers show: what real orders and parcels said, and what it is mapped to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max
from django.db.models.fields.json import KT

from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from orders import carriers
from orders.models import CarrierMapping, Fulfillment, Order, ShippingMapping

LOOK_BACK = timedelta(days=30)
_PARCELS_BACK = timedelta(days=90)
_MOST = 60


@dataclass(frozen=True, slots=True)
class Option:
    """A delivery option of the source: its name, and how many orders of the last 30 days have it."""

    id: str
    name: str
    orders: int


def seen_options(*, merchant_id: int, now: datetime) -> list[Option]:
    """The delivery options of the merchant's orders of the last 30 days, the most used first, in the caller's
    transaction."""
    orders = Order.objects.filter(merchant_id=merchant_id, ordered_at__gte=now - LOOK_BACK)
    counted = (
        orders.values(option=KT("snapshot__delivery_option_id"))
        .annotate(count=Count("pk"), name=Max(KT("snapshot__delivery_option_name")))
        .order_by("-count")[:_MOST]
    )
    return [Option(each["option"], each["name"] or each["option"], each["count"]) for each in counted if each["option"]]


def shipping_rows(*, store: ConnectedStore, now: datetime) -> list[dict[str, Any]]:
    """Each delivery option with the store's method for it, the one for all others last, in the caller's transaction."""
    options = seen_options(merchant_id=store.merchant_id, now=now)
    kept = {each.delivery_option_id: each for each in ShippingMapping.objects.filter(store=store)}
    known = {each.id for each in options}
    gone = [Option(key, each.delivery_option_name or key, 0) for key, each in kept.items() if key and key not in known]
    return [_row(each, kept.get(each.id)) for each in [*options, *gone, Option("", "Any other option", 0)]]


def _row(option: Option, kept: ShippingMapping | None) -> dict[str, Any]:
    return {
        "option_id": option.id,
        "option_name": option.name,
        "orders": option.orders,
        "title": kept.title if kept else "",
        "code": kept.code if kept else "",
    }


@dataclass(frozen=True, slots=True)
class CarrierRow:
    """A store's word for a carrier, for one delivery option or ("") for any, and what the source calls it."""

    text: str
    option_id: str
    option_name: str
    parcels: int
    carrier_id: str
    carrier_name: str
    by_name: str  # the source's carrier of the same name, which needs no mapping
    suggestions: Sequence[tuple[Carrier, str]]

    @property
    def key(self) -> str:
        """Names the row in a form, whatever rows stand around it."""
        return hashlib.sha256(f"{self.option_id}\n{self.text.casefold()}".encode()).hexdigest()[:12]


def seen_carriers(*, source_store: ConnectedStore, now: datetime) -> Sequence[Mapping[str, Any]]:
    """The stores' words for carriers on the parcels of the last 90 days: how many, and a number of one, in the
    caller's transaction."""
    parcels = Fulfillment.objects.filter(
        order__source_store=source_store, order__ordered_at__gte=now - _PARCELS_BACK
    ).exclude(carrier_text="")
    counted = parcels.values("carrier_text").annotate(count=Count("pk"), number=Max("tracking_number"))
    return list(counted.order_by("-count")[:_MOST])


def carrier_rows(
    *,
    source_store: ConnectedStore,
    seen: Sequence[Mapping[str, Any]],
    known: Sequence[Carrier],
    options: Sequence[Option],
) -> list[CarrierRow]:
    """Each word that parcels had or that is mapped, in the caller's transaction."""
    kept = list(CarrierMapping.objects.filter(source_store=source_store).order_by("carrier_text", "delivery_option_id"))
    any_option = {each.carrier_text.casefold(): each for each in kept if not each.delivery_option_id}
    names = {each.id: each.name for each in options}
    rows = []
    for said in seen:
        mapping = any_option.pop(said["carrier_text"].casefold(), None)
        rows.append(_carrier_row(said["carrier_text"], said["count"], said["number"], mapping, known))
    rows += [_carrier_row(each.carrier_text, 0, "", each, known) for each in any_option.values()]
    for each in kept:
        if each.delivery_option_id:
            name = names.get(each.delivery_option_id, each.delivery_option_id)
            rows.append(
                CarrierRow(
                    each.carrier_text, each.delivery_option_id, name, 0, each.carrier_id, each.carrier_name, "", ()
                )
            )
    return rows


def _carrier_row(
    text: str, parcels: int, number: str, mapping: CarrierMapping | None, known: Sequence[Carrier]
) -> CarrierRow:
    same = carriers.named(text=text, carriers=known)
    by_name = same.name if same else ""
    suggestions = [] if by_name or mapping else _suggested(text, number, known)
    carrier_id, carrier_name = (mapping.carrier_id, mapping.carrier_name) if mapping else ("", "")
    return CarrierRow(text, "", "", parcels, carrier_id, carrier_name, by_name, suggestions)


def _suggested(text: str, number: str, known: Sequence[Carrier]) -> list[tuple[Carrier, str]]:
    found = carriers.suggest(text=text, tracking_number=number, carriers=known)
    return [(each.carrier, each.why) for each in found]
