"""One order, from the buyer's click to the tracking number back on TikTok Shop."""

from __future__ import annotations

from orders.models import Attention, FulfillmentState, MirrorState, OrderState, OutboxStatus
from tests.journeys.conftest import SHOPIFY_SHOP, Journey

NUMBER = "9400111899562537866361"


class TestOrder:
    def test_walks_the_whole_way(self, journey: Journey) -> None:
        order_id = journey.buy(lines=[{"sku": "CND-FIG-08", "quantity": 2}, {"sku": "ACC-TRM-BR", "quantity": 1}])
        journey.settle()
        assert journey.order(order_id).state == OrderState.HELD
        assert journey.shopify_orders(order_id) == []
        journey.wait(3605)
        assert journey.order(order_id).state == OrderState.MIRRORED
        placed = journey.shopify_order(order_id)
        assert {line["sku"]: line["quantity"] for line in placed["lines"]} == {"CND-FIG-08": 2, "ACC-TRM-BR": 1}
        assert float(placed["total"]) == float(journey.tiktok_order(order_id)["payment"]["total_amount"])
        journey.ship(order_id, NUMBER)
        journey.settle()
        lines = journey.tiktok_order(order_id)["line_items"]
        assert {line["tracking_number"] for line in lines} == {NUMBER}
        journey.control("tiktok_shop/in_transit", order_id=order_id)
        journey.settle()
        assert journey.order(order_id).state == OrderState.FULFILLED
        assert [each.state for each in journey.fulfillments(order_id)] == [FulfillmentState.ACCEPTED]
        assert len(journey.ledger("order.created", order_id)) == 1

    def test_completes(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        journey.ship(order_id)
        journey.settle()
        for verb in ("in_transit", "deliver", "complete"):
            journey.control(f"tiktok_shop/{verb}", order_id=order_id)
            journey.settle()
        assert journey.order(order_id).state == OrderState.COMPLETED

    def test_waits_while_tiktok_still_holds_it(self, journey: Journey) -> None:
        order_id = journey.buy(hold_seconds=3600 + 90)
        journey.settle()
        journey.wait(3605)
        assert journey.order(order_id).state == OrderState.HELD
        journey.wait(100)
        assert journey.order(order_id).state == OrderState.MIRRORED

    def test_that_tiktok_never_held_waits_our_hour(self, journey: Journey) -> None:
        order_id = journey.buy(hold=False)
        journey.settle()
        assert journey.order(order_id).state == OrderState.HELD
        journey.wait(3500)
        assert journey.shopify_orders(order_id) == []
        journey.wait(110)
        assert journey.shopify_order(order_id)

    def test_ships_in_two_parcels(self, journey: Journey) -> None:
        order_id = journey.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        journey.ship(order_id, NUMBER, lines={"CND-FIG-08": 1})
        journey.settle()
        journey.ship(order_id, "9400111899562537866378", lines={"CND-FIG-08": 1})
        journey.settle()
        numbers = {line["tracking_number"] for line in journey.tiktok_order(order_id)["line_items"]}
        assert numbers == {NUMBER, "9400111899562537866378"}

    def test_without_a_link_asks_and_goes_on_when_mended(self, journey: Journey) -> None:
        order_id = journey.buy_released(lines=[{"sku": "CND-PINE-12"}])
        order = journey.order(order_id)
        assert (order.attention, order.attention_detail["sku"]) == (Attention.NOT_LINKED, "CND-PINE-12")
        journey.control("shopify/add_variant", shop=SHOPIFY_SHOP, sku="CND-PINE-12", title="Winter Pine", price="34.00")
        journey.wait(400)
        assert journey.order(order_id).state == OrderState.MIRRORED
        assert journey.order(order_id).attention == ""

    def test_taken_out_of_the_store_by_hand_asks(self, journey: Journey) -> None:
        for verb in ("cancel", "delete"):
            order_id = journey.buy_released()
            name = journey.shopify_order(order_id)["name"]
            journey.control(f"shopify/{verb}", shop=SHOPIFY_SHOP, order=name)
            journey.wait(5)
            assert "still expects the order to be shipped" in journey.order(order_id).attention_detail["message"]


class TestCancelledOrder:
    def test_while_held_is_never_created(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.control("tiktok_shop/buyer_cancel", order_id=order_id)
        journey.wait(7200)
        assert journey.order(order_id).state == OrderState.CANCELLED
        assert journey.ledger("order.created", order_id) == []

    def test_at_the_last_moment_is_caught_by_the_guard(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        journey.world.advance(3700)
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        journey.settle()
        assert journey.ledger("order.created", order_id) == []

    def test_after_the_create_is_cancelled_in_the_store(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        journey.wait(30)
        assert journey.order(order_id).state == OrderState.CANCELLED
        assert journey.shopify_order(order_id)["is_cancelled"]
        assert journey.mirror(order_id).state == MirrorState.CANCELLED

    def test_on_request_waits_for_the_answer(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.fault("shopify", "orderCreate", "status", status=503, times=1)
        journey.wait(3605)
        journey.control("tiktok_shop/request_cancel", order_id=order_id)
        journey.wait(120)
        assert journey.order(order_id).attention == Attention.CANCEL_PENDING
        assert journey.shopify_orders(order_id) == []


class TestLostWebhook:
    def test_is_made_good_by_the_poll(self, journey: Journey) -> None:
        journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        order_id = journey.buy()
        journey.wait(200)
        assert journey.order(order_id).state == OrderState.HELD

    def test_about_a_parcel_is_made_good_by_the_poll(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        journey.fault("shopify", "*", "webhook_lose", times=-1)
        journey.ship(order_id, NUMBER)
        journey.wait(200)
        assert journey.tiktok_order(order_id)["line_items"][0]["tracking_number"] == NUMBER


class TestRepeatedWebhook:
    def test_thrice_and_shuffled_makes_one_order(self, journey: Journey) -> None:
        journey.fault("tiktok_shop", "*", "webhook_duplicate", times=-1)
        journey.fault("tiktok_shop", "*", "webhook_reorder", times=-1)
        order_id = journey.buy_released()
        journey.wait(200)
        assert len(journey.ledger("order.created", order_id)) == 1


class TestLostAnswer:
    def test_after_the_create_is_looked_up(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.fault("shopify", "orderCreate", "reset_after", times=1)
        journey.wait(3605)
        journey.wait(200)
        assert len(journey.ledger("order.created", order_id)) == 1
        assert journey.order(order_id).state == OrderState.MIRRORED

    def test_before_the_create_is_sent_again(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.fault("shopify", "orderCreate", "reset_before", times=1)
        journey.wait(3605)
        for _ in range(12):
            journey.wait(20)
        assert len(journey.ledger("order.created", order_id)) == 1
        assert journey.order(order_id).state == OrderState.MIRRORED

    def test_of_a_create_that_is_done_late_makes_no_second(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.fault("shopify", "orderCreate", "late_commit", seconds=30, times=1)
        journey.wait(3605)
        for _ in range(12):
            journey.wait(20)
        assert len(journey.ledger("order.created", order_id)) == 1

    def test_of_the_tracking_push_sends_no_second(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        journey.fault("tiktok_shop", "*", "error_after", times=1)
        journey.ship(order_id, NUMBER)
        journey.settle()
        journey.wait(60)
        assert len(journey.ledger("package.shipped", order_id)) == 1
        assert all(item.status == OutboxStatus.DONE for item in journey.items(order_id))


class TestLapsedToken:
    def test_is_renewed_in_the_middle(self, journey: Journey) -> None:
        order_id = journey.buy()
        journey.settle()
        journey.control("tiktok_shop/expire_tokens")
        journey.control("shopify/expire_tokens")
        journey.wait(3605)
        journey.wait(60)
        assert journey.order(order_id).state == OrderState.MIRRORED

    def test_that_cannot_be_renewed_loses_nothing(self, journey: Journey) -> None:
        journey.control("tiktok_shop/deauthorize")
        journey.settle()
        journey.wait(130)
        assert journey.store("tiktok_shop").state == "RECONNECT"
        order_id = journey.buy()
        journey.wait(60)
        journey.connect_tiktok()
        journey.settle()
        journey.wait(3605)
        assert journey.order(order_id).state == OrderState.MIRRORED
