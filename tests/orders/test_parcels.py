"""Parcels as the stores tell them, kept and checked."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import Carrier, PlatformOrder, Shipment, SourceStatus
from connectors.models import ConnectedStore
from orders import fulfillment, preflight, telling
from orders.carriers import Choices
from orders.models import Attention, Fulfillment, FulfillmentState, Mirror
from orders.preflight import Check, Objection
from tests.factories import FulfillmentFactory, MirrorFactory, OrderFactory, StoreFactory
from tests.orders.builders import JANE, NOON, seen

NUMBER = "9400111899562537866361"
CHOICES = [Carrier("1", "USPS"), Carrier("2", "UPS")]


def parcel(number: str = NUMBER, **changes: Any) -> Shipment:
    facts: dict[str, Any] = {"external_id": "1", "carrier": "USPS", "tracking_url": "", "lines": None}
    return Shipment(**{**facts, "tracking_number": number, "shipped_at": NOON, **changes})


@pytest.fixture
def mirror(tiktok: ConnectedStore) -> Mirror:
    made: Mirror = MirrorFactory(order=OrderFactory(source_store=tiktok, mirrored=True))
    return made


def record(mirror: Mirror, shipment: Shipment) -> Fulfillment:
    with merchant_rows(mirror.merchant_id):
        known = list(mirror.order.fulfillments.all())
        fulfillment.record_shipments(mirror=mirror, order=mirror.order, shipments=[shipment], known=known, now=NOON)
        return Fulfillment.objects.select_related("mirror__store").get(mirror=mirror)


def objection(kept: Fulfillment, order: PlatformOrder | None = None) -> Objection | None:
    with merchant_rows(kept.merchant_id):
        shop = kept.order.source_store
        uses = preflight.uses_of(source_store=shop, kept=[kept]).get(kept.tracking_number, ())
        try:
            telling.tracking_of(
                order=kept.order,
                kept=kept,
                seen=order or seen(SourceStatus.AWAITING_SHIPMENT),
                uses=uses,
                choices=Choices(CHOICES, shop, ""),
                now=NOON,
            )
        except Objection as error:
            return error
    return None


class TestParcel:
    def test_is_kept_without_the_spaces_of_its_label(self, mirror: Mirror) -> None:
        shown = parcel("9400 1118 9956 2537 8663 61")
        assert record(mirror, shown).tracking_number == NUMBER
        assert record(mirror, shown).state == FulfillmentState.QUEUED
        with merchant_rows(mirror.merchant_id):
            assert not mirror.order.events.filter(kind="shipment.changed").exists()

    def test_to_the_buyers_postcode_passes(self, mirror: Mirror) -> None:
        assert objection(record(mirror, parcel(postal_code=JANE.postal_code))) is None

    def test_to_another_postcode_is_asked_about_and_the_postcode_is_not_kept(self, mirror: Mirror) -> None:
        kept = record(mirror, parcel(postal_code="10001"))
        assert kept.said == {"is_elsewhere": True}
        found = objection(kept)
        assert found is not None
        assert (found.code, found.detail["check"]) == (Attention.TRACKING_INVALID, Check.POSTCODE)

    def test_to_another_postcode_passes_once_a_person_said_so_for_this_number(self, mirror: Mirror) -> None:
        kept = record(mirror, parcel(postal_code="10001"))
        kept.waived = {"POSTCODE": {"number": NUMBER, "carrier": "USPS", "by": "Alice"}}
        assert objection(kept) is None
        kept.tracking_number = "9400111899562537866378"
        assert objection(kept) is not None

    def test_of_another_shop_under_the_same_number_is_no_matter(self, mirror: Mirror) -> None:
        outlet = StoreFactory(merchant=mirror.merchant)
        order = OrderFactory(source_store=outlet, mirrored=True, changes={"buyer_id": "1", "address": None})
        FulfillmentFactory(mirror=MirrorFactory(order=order), tracking_number=NUMBER)
        assert objection(record(mirror, parcel())) is None

    def test_of_another_order_under_the_same_number_is_asked_about(
        self, mirror: Mirror, tiktok: ConnectedStore
    ) -> None:
        other = OrderFactory(source_store=tiktok, mirrored=True, changes={"buyer_id": "1", "address": None})
        FulfillmentFactory(mirror=MirrorFactory(order=other), tracking_number=NUMBER)
        found = objection(record(mirror, parcel()))
        assert found is not None
        assert (found.code, found.detail["other"]) == (Attention.TRACKING_DUPLICATE, other.external_id)

    def test_with_nothing_left_to_ship_is_asked_about(self, mirror: Mirror) -> None:
        order = seen(SourceStatus.AWAITING_SHIPMENT, lines=())
        found = objection(record(mirror, parcel()), order)
        assert found is not None
        assert found.code == Attention.MIXED_FULFILMENT


class TestForeignNumbers:
    def test_are_counted_for_each_shop_and_once_each(self, tiktok: ConnectedStore) -> None:
        def sent(number: str, carrier: str, *, shop: ConnectedStore = tiktok, platform: str = "amazon") -> None:
            order = OrderFactory(source_store=shop, mirrored=True)
            store = StoreFactory(shopify=True, merchant=tiktok.merchant, platform=platform)
            mirror = MirrorFactory(order=order, store=store)
            FulfillmentFactory(mirror=mirror, tracking_number=number, carrier_text=carrier)

        for number in ("1", "1", "2"):
            sent(number, "USPS")
        sent("TBA303000000001", "Amazon Logistics")
        sent("TBA303000000002", "AMZL")
        sent("3", "USPS", platform="shopify")
        sent("4", "USPS", shop=StoreFactory(merchant=tiktok.merchant))
        with merchant_rows(tiktok.merchant_id):
            assert preflight.foreign_sent(source_store=tiktok, besides=0) == 2
