"""A store's platform answers nothing for a while: it is left alone, and afterwards its orders come by deadline."""

from __future__ import annotations

from accounts.access import all_merchants
from orders.models import Lane, OutboxItem, OutboxStatus
from orders.work import DOWN_AFTER
from tests.journeys.conftest import Journey


def lane_of(journey: Journey, platform: str) -> Lane:
    with all_merchants("a test looks"):
        return Lane.objects.get(store=journey.store(platform))


def bought_at_once(journey: Journey, count: int) -> list[str]:
    bought = [journey.buy() for _ in range(count)]
    journey.settle()
    return bought


class TestOutage:
    def test_is_waited_for_without_blaming_single_orders(self, journey: Journey) -> None:
        bought = bought_at_once(journey, DOWN_AFTER + 10)
        journey.fault("shopify", "*", "status", status=503, times=-1)
        journey.wait(journey.world.hold_seconds + 5)
        for _ in range(40):
            journey.wait(60)
        assert lane_of(journey, "shopify").rests > 5
        with all_merchants("a test looks"):
            waiting = list(OutboxItem.objects.filter(order__external_id__in=bought).order_by("deadline", "id"))
        assert {item.status for item in waiting} == {OutboxStatus.PENDING}
        assert max(item.attempts for item in waiting) < 20

        journey.world.faults.clear()
        journey.wait(61)
        assert all(len(journey.shopify_orders(order_id)) == 1 for order_id in bought)
        assert lane_of(journey, "shopify").rests == 0

    def test_leaves_other_stores_alone(self, journey: Journey) -> None:
        bought = bought_at_once(journey, DOWN_AFTER + 2)
        journey.fault("shopify", "*", "status", status=503, times=-1)
        journey.wait(journey.world.hold_seconds + 5)
        assert lane_of(journey, "shopify").not_before is not None
        assert lane_of(journey, "tiktok_shop").not_before is None
        assert not any(journey.shopify_orders(order_id) for order_id in bought)
