"""Who is drained next, when more lanes have work than can be drained at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.access import all_merchants
from accounts.models import Merchant
from connectors.models import ConnectedStore, StorePart
from orders import lanes
from orders.models import Lane
from tests.factories import MerchantFactory, StoreFactory
from tests.orders.builders import NOON

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def due_lanes(merchant: Merchant, platform: str, count: int) -> list[ConnectedStore]:
    """Stores whose lanes are due; the first was served longest ago."""
    stores = []
    for place in range(count):
        store = StoreFactory(
            merchant=merchant, platform=platform, part=StorePart.DESTINATION, external_id=f"{platform} {place}"
        )
        with all_merchants("a test sets the scene"):
            Lane.objects.create(store=store, merchant=merchant, poll_at=NOON, served_at=NOON - (count - place) * SECOND)
        stores.append(store)
    return stores


def dispatched(*, slots: int, limit: int = 50) -> set[int]:
    woken: set[int] = set()
    lanes.dispatch(now=NOON, wake=lambda chosen: woken.update(store for store, _ in chosen), limit=limit, slots=slots)
    return woken


class TestDispatch:
    def test_leaves_room_beside_a_platform_whose_stores_are_all_busy(self) -> None:
        merchant = MerchantFactory()
        slow, quiet = due_lanes(merchant, "shopify", 6), due_lanes(merchant, "wix", 1)
        assert dispatched(slots=4) == {store.pk for store in [*slow[:3], *quiet]}

    def test_takes_no_more_than_can_be_drained(self) -> None:
        merchant = MerchantFactory()
        due_lanes(merchant, "shopify", 2)
        due_lanes(merchant, "wix", 2)
        assert len(dispatched(slots=3)) == 3
        assert dispatched(slots=3) == set()

    def test_takes_who_waits_longest_first(self) -> None:
        stores = due_lanes(MerchantFactory(), "shopify", 5)
        assert dispatched(slots=100, limit=2) == {store.pk for store in stores[:2]}
        assert dispatched(slots=100, limit=2) == {store.pk for store in stores[2:4]}

    def test_goes_on_as_lanes_are_given_back(self) -> None:
        stores = due_lanes(MerchantFactory(), "shopify", 2)
        assert dispatched(slots=1) == {stores[0].pk}
        with all_merchants("its drain is over"):
            Lane.objects.filter(store=stores[0]).update(lease_until=None, served_at=NOON)
        assert dispatched(slots=1) == {stores[1].pk}
