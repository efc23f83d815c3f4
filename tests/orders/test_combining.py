"""One creator's samples go to the store at the same moment, under one tag."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import routing
from orders.ingest import store_order
from orders.models import Mirror, OutboxItem, Route
from orders.rules import RouteRules, Samples
from tests.orders.builders import HOUR, NOON, seen

RELEASED_AT = NOON + HOUR


@pytest.fixture(autouse=True)
def combined(tiktok: ConnectedStore, shopify: ConnectedStore) -> Route:
    rules = RouteRules(samples=Samples.COMBINE, combine_hours=4)
    with merchant_rows(tiktok.merchant_id):
        made = Route(source_store=tiktok, destination_store=shopify, rules=rules.to_json())
        routing.save_route(route=made)
    return made


def released(tiktok: ConnectedStore, external_id: str, *, at: datetime, **changes: Any) -> tuple[str, datetime]:
    """The tag and the moment of going, of an order that is released at that time."""
    order = replace(seen(SourceStatus.AWAITING_SHIPMENT), external_id=external_id, is_sample=True, **changes)
    kept = store_order(seen=order, store=tiktok, now=at)
    with merchant_rows(tiktok.merchant_id):
        return Mirror.objects.get(order=kept).parcel_group, OutboxItem.objects.get(order=kept).not_before


class TestWindow:
    def test_begins_with_the_first_and_ends_for_all_at_once(self, tiktok) -> None:
        first = released(tiktok, "11", at=RELEASED_AT)
        second = released(tiktok, "12", at=RELEASED_AT + 3 * HOUR)
        assert first == ("tiktok-samples-11", RELEASED_AT + 4 * HOUR)
        assert second == first

    def test_is_the_creators_own(self, tiktok) -> None:
        released(tiktok, "11", at=RELEASED_AT)
        other = released(tiktok, "12", at=RELEASED_AT + HOUR, buyer_id="7")
        assert other == ("tiktok-samples-12", RELEASED_AT + 5 * HOUR)

    def test_takes_nobody_in_who_comes_after_its_end(self, tiktok) -> None:
        released(tiktok, "11", at=RELEASED_AT)
        late = released(tiktok, "12", at=RELEASED_AT + 4 * HOUR + timedelta(seconds=1))
        assert late[0] == "tiktok-samples-12"

    def test_keeps_no_order_that_is_paid_for(self, tiktok) -> None:
        order = replace(seen(SourceStatus.AWAITING_SHIPMENT), external_id="13")
        kept = store_order(seen=order, store=tiktok, now=RELEASED_AT)
        with merchant_rows(tiktok.merchant_id):
            assert OutboxItem.objects.get(order=kept).not_before == RELEASED_AT
            assert Mirror.objects.get(order=kept).parcel_group == ""

    def test_goes_on_for_the_others_when_the_first_is_cancelled(self, tiktok) -> None:
        first = released(tiktok, "11", at=RELEASED_AT)
        second = released(tiktok, "12", at=RELEASED_AT + HOUR)
        cancelled = replace(
            seen(SourceStatus.CANCELLED), external_id="11", is_sample=True, updated_at=RELEASED_AT + HOUR
        )
        store_order(seen=cancelled, store=tiktok, now=RELEASED_AT + HOUR)
        third = released(tiktok, "14", at=RELEASED_AT + 2 * HOUR)
        assert (second, third) == (first, first)

    @pytest.mark.parametrize("hours", [0.4, 24.5])
    def test_is_half_an_hour_to_a_day(self, tiktok, combined, hours) -> None:
        combined.rules = RouteRules(samples=Samples.COMBINE, combine_hours=hours).to_json()
        with merchant_rows(tiktok.merchant_id), pytest.raises(routing.RouteRefused, match="half an hour"):
            routing.save_route(route=combined)

    def test_lasts_at_least_as_long_as_the_extra_hold_of_the_route(self, tiktok, combined) -> None:
        combined.extra_hold_hours = 6
        with merchant_rows(tiktok.merchant_id):
            routing.save_route(route=combined)
        assert released(tiktok, "11", at=RELEASED_AT)[1] == RELEASED_AT + 6 * HOUR
