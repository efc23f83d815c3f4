"""What a seed of tests/simulation found once, told as a story, since a seed's meaning changes with the simulation."""

from __future__ import annotations

from accounts.access import merchant_rows
from orders.models import Attention, OrderState, Route
from tests.journeys.conftest import Journey


class TestGatewaysPage:
    def test_in_place_of_tiktoks_answer_gives_nothing_up(self, journey: Journey) -> None:
        """Seed 22: one page of HTML at the guard's reading parked the orders of a whole batch for a person."""
        with merchant_rows(journey.store("tiktok_shop").merchant_id):
            Route.objects.update(extra_hold_hours=1, hold_mode="EXTRA_HOLD")
        bought = [journey.buy() for _ in range(3)]
        journey.settle()
        journey.wait(3605)
        journey.fault("tiktok_shop", "orders.detail", "garbage", times=1)
        journey.wait(3605)
        journey.wait(30)
        assert [journey.order(each).state for each in bought] == [OrderState.MIRRORED] * 3
        assert [journey.order(each).attention for each in bought] == [""] * 3


class TestParcelOfACancelledOrder:
    def test_is_the_question_that_stays(self, journey: Journey) -> None:
        """Seed 107: recorded after the cancellation, it was asked about as "fulfilled from several places"."""
        order_id = journey.buy_released()
        journey.ship(order_id)
        journey.world.outgoing.clear()
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        for _ in range(5):
            journey.wait(60)
        order = journey.order(order_id)
        assert (order.state, order.attention) == (OrderState.CANCELLED, Attention.ALREADY_CANCELLED)
        assert order.attention_detail["has_left"]
        assert len(journey.fulfillments(order_id)) == 1
