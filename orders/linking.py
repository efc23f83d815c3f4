"""Links between the source's SKUs and a store's variants: found by themselves, or said by a person, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from accounts.access import merchant_rows
from connectors.base.errors import PlatformError
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.speaking import speaking_to_destination
from orders import attention, catalogs, products, versions
from orders.components import Component, sku_key
from orders.matches import Matches
from orders.models import Attention, CatalogVariant, Concern, Order, ProductLink
from orders.products import case_matters, component_of, keep_found, shops_minding_case
from orders.states import note

MOST_COMPONENTS = 20
MOST_QUANTITY = 999
MOST_RESUMED = 500
BATCH = 50
_ASKING = (Attention.NOT_LINKED, Attention.PRODUCT_DELETED)


class LinkRefused(Exception):
    """The link cannot be kept as it was said. The text says why; nothing was changed. `parts` is what was said."""

    def __init__(self, message: str, *, parts: Sequence[Component] = ()) -> None:
        super().__init__(message)
        self.parts = list(parts)


def read_and_link(*, store: ConnectedStore, clock: Callable[[], datetime]) -> bool:
    """Read a store's catalog, then link by SKU what it bears on: whether all of it was read. Makes calls: not inside a
    transaction. May be repeated."""
    if not catalogs.read(store=store, clock=clock):
        return False
    with merchant_rows(store.merchant_id):
        destinations = ConnectedStore.objects.filter(part=StorePart.DESTINATION).exclude(state=StoreState.DISCONNECTED)
        concerned = [store] if store.part == StorePart.DESTINATION else list(destinations.order_by("pk"))
    for destination in concerned:
        auto_link(store=destination, now=clock())
    return True


def auto_link(*, store: ConnectedStore, now: datetime) -> int:
    """Link every SKU of the source that exactly one variant of the store's kept catalog has; what was linked so before
    and fits no more is looked for afresh with its next order. Orders that waited go on. Returns how many SKUs fit now.
    Not inside a transaction. May be repeated; a link made by hand stays."""
    with merchant_rows(store.merchant_id):
        if not CatalogVariant.objects.filter(store=store).exists():
            return 0
        matches = Matches.of(store)
        fitting = matches.fitting()
        keep_found(store=store, variants=fitting, now=now)
        ours = ProductLink.objects.filter(store=store, is_manual=False)
        ours.exclude(sku__in=list(fitting)).update(checked_at=products.LONG_AGO)
    linked = {key: component.title for key, component in fitting.items()}
    resume_waiting(store=store, linked=linked, by="VeriSync", now=now, is_by_hand=False)
    return len(fitting)


def save_links(
    *, store: ConnectedStore, links: Mapping[str, Sequence[Component]], by: str, now: datetime
) -> versions.Saving:
    """Keep what a person said that these SKUs mean, as one version, in the caller's transaction. May be repeated.

    Raises LinkRefused. Locks the merchant: orders go on afterwards, in `resume_waiting`.
    """
    exact = case_matters(store)
    rows = [_link(store, sku_key(sku, case_matters=exact), parts, now) for sku, parts in links.items()]
    spelled = [] if exact else [sku_key(sku, case_matters=True) for sku in links]  # from when case mattered
    with _saving(store, by, now) as made:
        ProductLink.objects.filter(store=store, sku__in=spelled).delete()
        ProductLink.objects.bulk_create(
            sorted(rows, key=lambda row: row.sku),
            update_conflicts=True,
            unique_fields=["store", "sku"],
            update_fields=["variant_id", "title", "components", "is_manual", "checked_at"],
        )
    return made


def link_now(*, store: ConnectedStore, links: Mapping[str, Sequence[Component]], by: str, now: datetime) -> int:
    """Keep these links, by SKU, and let every order go on that waits for one of them: how many. Raises LinkRefused. Not
    inside a transaction. May be repeated."""
    with merchant_rows(store.merchant_id):
        save_links(store=store, links=links, by=by, now=now)
        exact = case_matters(store)
    linked = {sku_key(sku, case_matters=exact): title_of(parts) for sku, parts in links.items()}
    return resume_waiting(store=store, linked=linked, by=by, now=now)


def orders_go_on(count: int) -> str:
    """How many orders go on, in a sentence."""
    if not count:
        return "No order waited for it."
    return f"{count} order{'s' if count > 1 else ''} that waited for it {'go' if count > 1 else 'goes'} on now."


def remove_link(*, store: ConnectedStore, sku: str, by: str, now: datetime) -> versions.Saving:
    """Take back what a person said of this SKU: from now on it means what the store has under it. In the caller's
    transaction. May be repeated."""
    with _saving(store, by, now) as made:
        keys = [sku_key(sku), sku_key(sku, case_matters=True)]
        ProductLink.objects.filter(store=store, is_manual=True, sku__in=keys).delete()
    return made


def ask_store(*, store: ConnectedStore, sku: str, clock: Callable[[], datetime]) -> Component:
    """The one variant that the store has under this SKU, asked now. Makes a call: not inside a transaction. Raises
    LinkRefused when there is none, several, or no answer."""
    wanted = sku.strip()
    try:
        with speaking_to_destination(store, clock=clock) as destination:
            found = products.find(store=store, skus=[wanted], destination=destination, now=clock())[wanted]
    except PlatformError as error:
        raise LinkRefused(f"{store.name} could not be asked: {error.message}. Nothing was changed.") from error
    if len(found) != 1:
        how_many = "no variant" if not found else f"{len(found)} variants"
        raise LinkRefused(f"{store.name} has {how_many} with the SKU {wanted[:60]}. Nothing was changed.")
    return component_of(found[0])


def chosen(*, store: ConnectedStore, wanted: Iterable[tuple[str, int]]) -> list[Component]:
    """These variants of the store's kept catalog, with quantities, in the caller's transaction. Raises LinkRefused."""
    asked = list(wanted)
    ids = [variant_id for variant_id, _ in asked]
    there = {row.external_id: row for row in CatalogVariant.objects.filter(store=store, external_id__in=ids)}
    parts = [component_of(there[variant_id], quantity) for variant_id, quantity in asked if variant_id in there]
    if missing := [each for each in ids if each not in there]:
        message = f"{store.name} has no variant {missing[0][:60]}. Read its catalog again, then choose anew."
        raise LinkRefused(message, parts=parts)
    return parts


def resume_waiting(
    *, store: ConnectedStore, linked: Mapping[str, str], by: str, now: datetime, is_by_hand: bool = True
) -> int:
    """Let every order go on that waits for one of these SKUs at this store, and return how many. `linked` has what each
    means now, by `sku_key`; where case does not matter, what a person said of one spelling counts for all. Beyond
    MOST_RESUMED they go on by themselves within minutes. Not inside a transaction: order and merchant are locked
    elsewhere in the other order. May be repeated."""
    if not linked:
        return 0
    with merchant_rows(store.merchant_id):
        means = _Means(linked, shops_minding_case(store), is_by_hand)
        asked = Order.objects.filter(attention__in=_ASKING, attention_detail__store_id=store.pk)
        waiting = [
            pk
            for pk, shop, lines in asked.order_by("pk").values_list("pk", "source_store_id", "snapshot__lines")
            if means.keys_of(shop, lines)
        ][:MOST_RESUMED]
    count = 0
    for start in range(0, len(waiting), BATCH):
        count += _resume(store, waiting[start : start + BATCH], means, by=by, now=now)
    return count


class _Means:
    """What some SKUs mean now, and which of a shop's lines that bears on."""

    def __init__(self, linked: Mapping[str, str], minds_case: Mapping[int, bool], is_by_hand: bool) -> None:
        self.linked, self.minds_case = linked, minds_case
        self.by_any: dict[str, set[str]] = {}
        for key in linked:
            self.by_any.setdefault(sku_key(key) if is_by_hand else key, set()).add(key)

    def keys_of(self, shop: int, lines: Sequence[Mapping[str, Any]]) -> set[str]:
        """Those of the linked keys that these lines wait for."""
        if self.minds_case.get(shop):
            return {sku_key(line["sku"], case_matters=True) for line in lines} & self.linked.keys()
        return {key for line in lines for key in self.by_any.get(sku_key(line["sku"]), ())}


def _resume(store: ConnectedStore, ids: Sequence[int], means: _Means, *, by: str, now: datetime) -> int:
    with merchant_rows(store.merchant_id):
        locked = Order.objects.select_for_update(of=("self",)).select_related("source_store")
        orders = list(locked.filter(pk__in=ids, attention__in=_ASKING).order_by("pk"))
        for order in orders:
            for key in sorted(means.keys_of(order.source_store_id, order.snapshot["lines"])):
                facts = {"sku": key.strip().upper(), "title": means.linked[key]}
                note(order=order, kind="product.linked", facts=facts, by=by, now=now)
            attention.retry(order=order, by=by, now=now)
    return len(orders)


def _link(store: ConnectedStore, key: str, parts: Sequence[Component], now: datetime) -> ProductLink:
    if not key.strip():
        raise LinkRefused("An item without a SKU cannot be linked. Give it one in Seller Center.")
    if not parts:
        raise LinkRefused("Choose at least one variant.")
    if len(parts) > MOST_COMPONENTS:
        raise LinkRefused(f"At most {MOST_COMPONENTS} variants can stand for one SKU.")
    if len({part.variant_id for part in parts}) < len(parts):
        raise LinkRefused("A variant is named twice. Name it once, with the quantity of both.")
    if any(not 1 <= part.quantity <= MOST_QUANTITY for part in parts):
        raise LinkRefused(f"A quantity is a whole number from 1 to {MOST_QUANTITY}.")
    return ProductLink(
        merchant_id=store.merchant_id,
        store=store,
        sku=key,
        variant_id=parts[0].variant_id,
        title=title_of(parts)[:500],
        components=[asdict(part) for part in parts],
        is_manual=True,
        checked_at=now,
    )


def title_of(parts: Sequence[Component]) -> str:
    """What stands for a SKU, in words: 2 × Beeswax Tapers, pair + Matchbox, small."""
    return " + ".join(f"{part.quantity} × {part.title}" if part.quantity > 1 else part.title for part in parts)


def _saving(store: ConnectedStore, by: str, now: datetime) -> Any:
    return versions.saving(
        merchant_id=store.merchant_id, concern=Concern.LINKS, about=str(store.pk), author=by, now=now
    )
