"""A store's platform answers nothing for a while: it is left alone, and afterwards its orders come by deadline."""

from __future__ import annotations

from datetime import timedelta

from accounts.access import all_merchants
from connectors.models import ConnectedStore
from orders.crew import FEW
from orders.models import Lane, OutboxItem, OutboxStatus
from orders.resting import LOOK_EVERY, pause_of
from orders.work import DOWN_AFTER
from tests.journeys.conftest import Journey

ANOTHER = "another.myshopify.com"


def lane_of(journey: Journey, platform: str) -> Lane:
    with all_merchants("a test looks"):
        return Lane.objects.get(store=journey.store(platform))


def bought_at_once(journey: Journey, count: int) -> list[str]:
    bought = [journey.buy() for _ in range(count)]
    journey.settle()
    return bought


def another_store(
    journey: Journey, *, rests: int, rests_for: int, is_first: bool = True, number: int = 0, was_called: bool = False
) -> int:
    """Of Shopify, resting; where stores are in a row it comes before the journey's own, or after it."""
    with all_merchants("a test makes a store"):
        store = journey.store("shopify")
        store.pk, store.external_id = (-number if is_first else store.pk + 1), f"{number or ''}{ANOTHER}"
        store.save(force_insert=True)
        until = journey.now() + timedelta(seconds=rests_for)
        Lane.objects.create(
            store=store,
            merchant_id=store.merchant_id,
            rests=rests,
            not_before=until,
            poll_at=until,
            pace={},
            calls_at=journey.now() if was_called else None,
        )
    return int(store.pk)


class TestWhoLooks:
    def pauses(self, journey: Journey) -> list[int]:
        with all_merchants("a test looks"):
            ours = ConnectedStore.objects.filter(platform="shopify").exclude(external_id=ANOTHER).get()
        return [pause_of(store=ours, rests=rests, now=journey.now()) for rests in range(8)]

    def test_twice_as_long_each_time_where_another_looks(self, journey: Journey) -> None:
        another_store(journey, rests=3, rests_for=LOOK_EVERY)
        assert self.pauses(journey) == [2, 4, 8, 16, 32, 60, 60, 60]

    def test_soon_where_nobody_else_does(self, journey: Journey) -> None:
        another_store(journey, rests=3, rests_for=30)
        assert self.pauses(journey) == [LOOK_EVERY] * 8

    def test_soon_where_the_other_had_its_turn_and_nothing_to_do(self, journey: Journey) -> None:
        another_store(journey, rests=3, rests_for=-30)
        assert self.pauses(journey) == [LOOK_EVERY] * 8

    def test_two_never_leave_it_to_each_other(self, journey: Journey) -> None:
        other = another_store(journey, rests=3, rests_for=0, is_first=False)
        with all_merchants("a test looks"):
            Lane.objects.filter(store=other).update(lease_until=journey.now() + timedelta(seconds=30))
        assert self.pauses(journey) == [LOOK_EVERY] * 8

    def test_one_that_is_answered_says_so_to_the_others(self, journey: Journey) -> None:
        bought = bought_at_once(journey, DOWN_AFTER + 2)
        journey.fault("shopify", "*", "status", status=503, times=-1)
        journey.wait(journey.world.hold_seconds + 5)
        assert lane_of(journey, "shopify").rests
        other = another_store(journey, rests=5, rests_for=3600)
        journey.world.faults.clear()
        journey.wait(61)
        assert all(len(journey.shopify_orders(order_id)) == 1 for order_id in bought)
        with all_merchants("a test looks"):
            assert Lane.objects.get(store=other).not_before <= journey.now()


class TestWhatOthersFoundOut:
    def tried(self, journey: Journey, *, others_rest: list[int]) -> int:
        """How many of a store's orders are tried while others of its platform, called lately, rested so often."""
        bought, lane = bought_at_once(journey, DOWN_AFTER + 2), lane_of(journey, "shopify")
        journey.fault("shopify", "*", "status", status=503, times=-1)
        journey.world.advance(journey.world.hold_seconds + 5)
        for number, rests in enumerate(others_rest, 1):
            another_store(journey, rests=rests, rests_for=3600, number=number, was_called=True)
        journey.settle()
        with all_merchants("a test looks"):
            lane.refresh_from_db()
            assert lane.rests
            items = OutboxItem.objects.filter(order__external_id__in=bought)
            return items.exclude(last_error="").count()

    def test_saves_a_store_most_of_its_tries(self, journey: Journey) -> None:
        assert self.tried(journey, others_rest=[1, 2, 3]) == FEW

    def test_counts_only_where_most_of_them_rest(self, journey: Journey) -> None:
        assert self.tried(journey, others_rest=[1, 2, 3, 0, 0, 0]) == DOWN_AFTER + 2

    def test_counts_only_where_they_are_several(self, journey: Journey) -> None:
        assert self.tried(journey, others_rest=[1, 2]) == DOWN_AFTER + 2


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
