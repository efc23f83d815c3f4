"""What a merchant saves on the pages of settings: each a version with its author, in the caller's transaction, and what
waited for it goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from orders import alert_addresses, attention, reckoning, requests, routing, shipping, versions
from orders.aftersale_rules import AftersaleRules
from orders.alert_rules import AlertRules
from orders.deadlines import DeadlineRules
from orders.models import (
    Attention,
    CarrierMapping,
    Concern,
    Fulfillment,
    FulfillmentState,
    HoldMode,
    MerchantRules,
    Order,
    Route,
    SettingsVersion,
)
from orders.rules import RouteRules
from orders.versions import Saving, about_route, saving

MOST_RESUMED = 500
# The questions that a change of these rules may answer.
_ANSWERED_BY = {
    "unmapped_shipping": Attention.SHIPPING_UNMAPPED,
    "unlinked": Attention.NOT_LINKED,
    "sku_case_matters": Attention.NOT_LINKED,
    "discounts": Attention.MONEY_MISMATCH,
    "tax": Attention.MONEY_MISMATCH,
    "stock": Attention.OUT_OF_STOCK,
}
_ANSWERED = {
    Concern.SHIPPING: {Attention.SHIPPING_UNMAPPED},
    Concern.LINKS: {Attention.NOT_LINKED, Attention.PRODUCT_DELETED},
}


@dataclass(frozen=True, slots=True)
class Author:
    """Who saves, and when."""

    name: str
    now: datetime


@contextmanager
def _version(concern: Concern, merchant_id: int, about: str, by: Author) -> Iterator[Saving]:
    with saving(merchant_id=merchant_id, concern=concern, about=about, author=by.name, now=by.now) as made:
        yield made


def save_rules(*, route: Route, rules: RouteRules, by: Author) -> Saving:
    """Keep a route's rules. They count for orders created from now on."""
    about = about_route(route.source_store_id, route.destination_store_id)
    with _version(Concern.RULES, route.merchant_id, about, by) as made:
        Route.objects.filter(pk=route.pk).update(rules=rules.to_json())
    _go_on(codes=_answered(route.rules, rules.to_json()), stores=[route.source_store_id], by=by)
    return made


def save_hold(*, route: Route, mode: HoldMode, hours: int, by: Author) -> Saving:
    """Keep when a route sends. It counts for orders released from now on."""
    with _version(Concern.ROUTES, route.merchant_id, str(route.source_store_id), by) as made:
        Route.objects.filter(pk=route.pk).update(hold_mode=mode, extra_hold_hours=hours)
    return made


def save_route(*, route: Route, by: Author) -> Saving:
    """Keep a new or changed route, and plan the orders that had nowhere to go. Raises routing.RouteRefused."""
    with _version(Concern.ROUTES, route.merchant_id, str(route.source_store_id), by) as made:
        routing.save_route(route=route)
    routing.plan_waiting(source_store=route.source_store, now=by.now)
    return made


def remove_route(*, route: Route, by: Author) -> Saving:
    """Take a route away. Orders that were planned over it go on."""
    with _version(Concern.ROUTES, route.merchant_id, str(route.source_store_id), by) as made:
        routing.remove_route(route=route)
    return made


def save_aftersales(*, source_store: ConnectedStore, rules: AftersaleRules, by: Author) -> Saving:
    """Keep what a shop does about cancellations and returns. It counts from now on; requests that wait for an answer
    are answered where a rule fits them."""
    about = str(source_store.pk)
    with _version(Concern.AFTERSALES, source_store.merchant_id, about, by) as made:
        versions.put(
            concern=Concern.AFTERSALES, about=about, document=rules.to_json(), merchant_id=source_store.merchant_id
        )
    if made.is_change:
        requests.apply_rules(source_store=source_store, now=by.now)
    return made


def save_options(*, store: ConnectedStore, options: Mapping[str, str], by: Author) -> Saving:
    """Keep a store's choices. They count for orders created from now on."""
    with _version(Concern.STORE, store.merchant_id, str(store.pk), by) as made:
        ConnectedStore.objects.filter(pk=store.pk).update(options=dict(options))
    return made


def save_methods(*, store: ConnectedStore, methods: Mapping[str, shipping.Method | None], by: Author) -> Saving:
    """Keep a store's method for each of these delivery options, None taking it away. What waited for one goes on."""
    with _version(Concern.SHIPPING, store.merchant_id, str(store.pk), by) as made:
        for option_id, method in methods.items():
            to = (method.title, method.code) if method else None
            shipping.save_mapping(store=store, option_id=option_id, name=method.name if method else "", to=to)
    if made.is_change:
        stores = _sources_of(Concern.SHIPPING, str(store.pk))
        _go_on(codes=_ANSWERED[Concern.SHIPPING], stores=stores, by=by)
    return made


def save_carriers(
    *, source_store: ConnectedStore, carriers: Mapping[tuple[str, str], Carrier | None], by: Author
) -> Saving:
    """Keep the source's carrier for each pair of delivery option ("" for any) and the store's word for a carrier; None
    takes it away. The parcels that wait for one of these go on."""
    before = versions.state_of(concern=Concern.CARRIERS, about=str(source_store.pk))
    with _version(Concern.CARRIERS, source_store.merchant_id, str(source_store.pk), by) as made:
        for (option_id, text), carrier in carriers.items():
            kept = CarrierMapping.objects.filter(
                source_store=source_store, delivery_option_id=option_id, carrier_text__iexact=text
            )
            if carrier is None:
                kept.delete()
            elif not kept.update(carrier_id=carrier.external_id, carrier_name=carrier.name):
                CarrierMapping.objects.create(
                    merchant_id=source_store.merchant_id,
                    source_store=source_store,
                    delivery_option_id=option_id,
                    carrier_text=text,
                    carrier_id=carrier.external_id,
                    carrier_name=carrier.name,
                )
    if made.is_change:
        _ship_on(about=str(source_store.pk), before=before, by=by)
    return made


def save_deadlines(*, merchant_id: int, rules: DeadlineRules, by: Author) -> Saving:
    """Keep the rules about deadlines. What was reckoned by the old ones is reckoned anew within a minute."""
    with _version(Concern.DEADLINES, merchant_id, "", by) as made:
        MerchantRules.objects.keep(merchant_id=merchant_id, deadlines=rules.to_json())
    if made.is_change:
        reckoning.forget(merchant_id=merchant_id)
    return made


def save_alerts(*, merchant_id: int, rules: AlertRules, by: Author, webhook_url: str = "") -> Saving:
    """Keep the rules about alerts. They count for what is said from now on. `webhook_url` is the address that
    `rules.webhook_to` is the mark of, where it is a new one."""
    if webhook_url:
        alert_addresses.keep(merchant_id=merchant_id, url=webhook_url)
    with _version(Concern.ALERTS, merchant_id, "", by) as made:
        MerchantRules.objects.keep(merchant_id=merchant_id, alerts=rules.to_json())
    return made


def restore(*, version: SettingsVersion, by: Author) -> Saving:
    """Bring a version back, as a new one; what waited for it goes on. Raises versions.CannotRestore."""
    concern = Concern(version.concern)
    before = versions.state_of(concern=concern, about=version.about)
    made = versions.restore(version=version, author=by.name, now=by.now)
    if concern == Concern.ROUTES:
        routing.plan_waiting(source_store=ConnectedStore.objects.get(pk=int(version.about)), now=by.now)
    if concern == Concern.DEADLINES:
        reckoning.forget(merchant_id=version.merchant_id)
    if not version.about:
        return made
    if concern == Concern.AFTERSALES:
        requests.apply_rules(source_store=ConnectedStore.objects.get(pk=int(version.about)), now=by.now)
    if concern == Concern.CARRIERS:
        _ship_on(about=version.about, before=before, by=by)
        return made
    codes = _answered(before, version.document) if concern == Concern.RULES else _ANSWERED.get(concern, set())
    _go_on(codes=codes, stores=_sources_of(concern, version.about), by=by)
    return made


def _sources_of(concern: Concern, about: str) -> list[int]:
    if concern in (Concern.SHIPPING, Concern.LINKS):
        return list(Route.objects.filter(destination_store=int(about)).values_list("source_store_id", flat=True))
    return [int(about.split("-")[0])]


def _answered(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[Attention]:
    return {code for name, code in _ANSWERED_BY.items() if before.get(name) != after.get(name)}


def _go_on(*, codes: Collection[Attention], stores: Collection[int], by: Author) -> None:
    """Try the orders again that wait for what was just saved; those that still lack something ask again."""
    if not codes:
        return
    _retry(Order.objects.filter(source_store__in=stores, attention__in=codes), by)


def _ship_on(*, about: str, before: Mapping[str, Any], by: Author) -> None:
    """Try the orders again whose parcel waits for the carrier of a word that means another one now than `before`."""
    after = versions.state_of(concern=Concern.CARRIERS, about=about)
    changed = {
        (each["what"][0], each["what"][1].casefold())
        for each in versions.differences(before, after)
        if each["what"][1:]
    }
    waiting = Order.objects.filter(source_store=int(about), attention=Attention.CARRIER_UNMAPPED)
    parcels = Fulfillment.objects.filter(order__in=waiting, state=FulfillmentState.QUEUED)
    words: dict[int, set[str]] = {}
    for order_id, text in parcels.values_list("order_id", "carrier_text"):
        words.setdefault(order_id, set()).add(text.strip().casefold())
    concerned = []
    for pk, text, option in waiting.values_list("pk", "attention_detail__carrier", "snapshot__delivery_option_id"):
        said = words.get(pk, set()) | {str(text or "").strip().casefold()}
        if any((each, word) in changed for each in ("", option) for word in said):
            concerned.append(pk)
    _retry(Order.objects.filter(pk__in=concerned), by)


def _retry(orders: QuerySet[Order], by: Author) -> None:
    locked = orders.order_by("pk").select_for_update(of=("self",)).select_related("source_store")
    for order in locked[:MOST_RESUMED]:
        attention.retry(order=order, by=by.name, now=by.now)
