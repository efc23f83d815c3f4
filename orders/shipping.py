"""Which of a store's shipping methods stands for a delivery option of the source."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.models import ConnectedStore
from orders.models import ShippingMapping


@dataclass(frozen=True, slots=True)
class Method:
    """A delivery option's name at the source, and the store's method for it."""

    name: str
    title: str
    code: str


def save_mapping(*, store: ConnectedStore, option_id: str, name: str, to: tuple[str, str] | None) -> None:
    """Keep the method (title, code) for a delivery option, in the caller's transaction; None takes it away.

    An empty option stands for every other one. It counts for orders created from now on. May be repeated.
    """
    if to is None:
        ShippingMapping.objects.filter(store=store, delivery_option_id=option_id).delete()
        return
    ShippingMapping.objects.update_or_create(
        store=store,
        delivery_option_id=option_id,
        defaults={
            "merchant_id": store.merchant_id,
            "delivery_option_name": name,
            "title": to[0],
            "code": to[1],
        },
    )


def methods_of(store: ConnectedStore) -> dict[str, tuple[str, str]]:
    """Title and code by delivery option."""
    found = ShippingMapping.objects.filter(store=store)
    return {each.delivery_option_id: (each.title, each.code) for each in found}
