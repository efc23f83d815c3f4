"""How far a shop is with its checklist, the merchant's word for steps, and the switch at their end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.db.models.fields.json import KT, KeyTransform

from connectors.models import ConnectedStore, StorePart, StoreState
from orders import hold, products, routing, versions
from orders.checklist import REQUIRED, Facts, Step, StepKey, first_open, steps_of
from orders.components import sku_key
from orders.models import (
    Attention,
    CarrierMapping,
    CatalogVariant,
    Concern,
    Lane,
    Order,
    OrderState,
    OrderTally,
    SettingsVersion,
    Setup,
    ShippingMapping,
)
from orders.states import advance_many

LOOKED_AT = 100  # newest orders, for SKUs and delivery options
CHUNK = 500


class NotReady(Exception):
    """A step without which nothing can be sent is not done."""

    def __init__(self, step: Step) -> None:
        super().__init__(f"Step {step.number} is not done: {step.why}")
        self.step = step


def facts_of(shop: ConnectedStore) -> Facts:
    """Read them, in the caller's transaction."""
    setup, _ = Setup.objects.get_or_create(store=shop, defaults={"merchant_id": shop.merchant_id})
    destinations, is_routed = _destinations(shop)
    skus, options = _seen(shop)
    ids = [store.pk for store in destinations]
    mapped = set(ShippingMapping.objects.filter(store__in=ids).values_list("delivery_option_id", flat=True))
    asking = OrderTally.objects.filter(source_store=shop, attention=Attention.CARRIER_UNMAPPED)
    return Facts(
        shop=shop,
        setup=setup,
        destinations=destinations,
        is_routed=is_routed,
        skus=skus,
        linked=_linked(shop, destinations, skus),
        options=options,
        mapped=frozenset(options) if "" in mapped else frozenset(mapped),
        carriers=CarrierMapping.objects.filter(source_store=shop).count(),
        asks_for_carrier=sum(asking.values_list("count", flat=True)),
        has_saved_rules=SettingsVersion.objects.filter(merchant_id=shop.merchant_id, concern=Concern.RULES).exists(),
    )


def look(shop: ConnectedStore) -> tuple[Facts, list[Step]]:
    """Judge now, and keep which step is open for pages that only name it. In the caller's transaction."""
    facts = facts_of(shop)
    steps = steps_of(facts)
    found = first_open(steps)
    number = found.number if found else None
    if number != facts.setup.open_step:
        Setup.objects.filter(store=shop).update(open_step=number)
        facts.setup.open_step = number
    return facts, steps


def keep_step(shop: ConnectedStore) -> None:
    """`look`, for a shop that is not switched on: so that lists name its step before anybody opened the dashboard."""
    if not routing.is_switched_on(shop):
        look(shop)


def vouch(*, shop: ConnectedStore, key: StepKey, is_so: bool, now: datetime) -> None:
    """The merchant's word for a step that only the merchant can judge, or that word taken back. In the caller's
    transaction; may be repeated."""
    Setup.objects.get_or_create(store=shop, defaults={"merchant_id": shop.merchant_id})
    setup = Setup.objects.select_for_update().get(store=shop)
    confirmed = {step: when for step, when in setup.confirmed.items() if step != key}
    if is_so:
        confirmed[key.value] = now.isoformat()
    seen = {"rules_seen_at": now if is_so else None} if key is StepKey.RULES else {}
    Setup.objects.filter(store=shop).update(confirmed=confirmed, **seen)


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """What came of it: orders planned at once, whether more follow, and how many were left out."""

    planned: int
    has_more: bool
    left_out: int


def switch_on(*, shop: ConnectedStore, by: str, now: datetime, leave_out_before: datetime | None = None) -> SwitchedOn:
    """From now on orders go to their stores, and those that waited, in the caller's transaction. May be repeated.

    Those ordered before `leave_out_before`, and those that were shipped meanwhile, are skipped by name. Many are
    planned by the next look at the shop, which is made at once. Raises NotReady.
    """
    for step in look(shop)[1]:
        if step.key in REQUIRED and not step.is_done:
            raise NotReady(step)
    with versions.saving(merchant_id=shop.merchant_id, concern=Concern.SYNC, about=str(shop.pk), author=by, now=now):
        Setup.objects.filter(store=shop, switched_on_at=None).update(switched_on_at=now, switched_on_by=by[:150])
    waiting = routing.waiting_orders(shop)
    left_out = _leave_out(waiting.filter(source_status__in=hold.SHIPPED), "Shipped before sync was switched on", now)
    if leave_out_before is not None:
        before = waiting.filter(ordered_at__lt=leave_out_before)
        left_out += _leave_out(before, "Left out when sync was switched on", now)
    planned = routing.plan_waiting(source_store=shop, now=now, limit=CHUNK)
    Lane.objects.filter(store=shop).update(poll_at=now)
    look(shop)
    return SwitchedOn(planned=planned, has_more=planned == CHUNK, left_out=left_out)


def switch_off(*, shop: ConnectedStore, by: str, now: datetime) -> None:
    """No new order goes to a store; what is planned, parcels and cancellations go on. In the caller's transaction."""
    with versions.saving(merchant_id=shop.merchant_id, concern=Concern.SYNC, about=str(shop.pk), author=by, now=now):
        Setup.objects.filter(store=shop).update(switched_on_at=None, switched_on_by="")
    look(shop)


def _leave_out(orders: QuerySet[Order], rule: str, now: datetime) -> int:
    """Skip them by name, in chunks. They can be created later, one by one."""
    count = 0
    while chunk := list(orders.order_by("pk")[:CHUNK]):
        moved = advance_many(orders=chunk, to=OrderState.SKIPPED, reason=rule, now=now)
        ids = [order.pk for order in moved]
        Order.objects.filter(pk__in=ids).update(skip_rule=rule, check_at=None, attention="", attention_detail={})
        count += len(moved)
        if not moved:
            break
    return count


def _destinations(shop: ConnectedStore) -> tuple[list[ConnectedStore], bool]:
    """The stores that get this shop's orders, and whether that is said or plain. Without a route: all there are."""
    if routes := routing.chosen_routes(shop):
        return list({route.destination_store_id: route.destination_store for route in routes}.values()), True
    stores = ConnectedStore.objects.filter(part=StorePart.DESTINATION).exclude(state=StoreState.DISCONNECTED)
    return list(stores.order_by("name")), False


def _seen(shop: ConnectedStore) -> tuple[dict[str, str], dict[str, str]]:
    """SKUs of the shop's catalog and newest orders, and delivery options of the latter, by key, with their names."""
    catalog = CatalogVariant.objects.filter(store=shop).exclude(sku_key="").values_list("sku_key", "sku")
    skus: dict[str, str] = dict(catalog)
    options: dict[str, str] = {}
    orders = Order.objects.filter(source_store=shop).order_by("-ordered_at", "-id")
    seen = orders.values_list(
        KeyTransform("lines", "snapshot"), KT("snapshot__delivery_option_id"), KT("snapshot__delivery_option_name")
    )
    for lines, option, name in seen[:LOOKED_AT]:
        skus |= {sku_key(line["sku"]): line["sku"].strip() for line in lines or () if line["sku"].strip()}
        if option:
            options.setdefault(option, name or option)
    return skus, options


def _linked(shop: ConnectedStore, stores: Iterable[ConnectedStore], skus: Mapping[str, str]) -> frozenset[str]:
    """Those of these SKUs that something of one of these stores stands for."""
    found: set[str] = set()
    for store in stores:
        exact = products.shops_minding_case(store).get(shop.pk, False)
        known = products.kept(store=store, skus=skus.values(), case_matters=exact).variants
        found |= {key for key, sku in skus.items() if sku_key(sku, case_matters=exact) in known}
    return frozenset(found)
