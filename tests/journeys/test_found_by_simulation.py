"""What a seed of tests/simulation found once, told as a story, since a seed's meaning changes with the simulation."""

from __future__ import annotations

from decimal import Decimal

from accounts.access import merchant_rows
from orders import dryrun, routing
from orders.models import Attention, OrderState, OutboxStatus, Route, RouteRule
from orders.queries.money import draft_money
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


def split_by_sku(journey: Journey) -> None:
    """Tins go to Squarespace, the rest to Shopify."""
    journey.connect("squarespace")
    source = journey.store("tiktok_shop")
    with merchant_rows(source.merchant_id):
        Route.objects.all().delete()
        part = {"rule": RouteRule.SKU, "skus": ["TIN-LAV-04"], "takes_part": True}
        for platform, more in (("shopify", {}), ("squarespace", part)):
            route = Route(source_store=source, destination_store=journey.store(platform), **more)
            routing.save_route(route=route)


class TestPartOfWhichNothingIsLeft:
    def test_is_not_created(self, journey: Journey) -> None:
        """`make proof` with 3,000 orders: an order without items was sent to the store, refused, and parked."""
        split_by_sku(journey)
        journey.fault("squarespace", "orders.create", "status", status=503, times=-1)
        order_id = journey.buy_released(lines=[{"sku": sku, "quantity": 2} for sku in ("CND-FIG-08", "TIN-LAV-04")])
        lines = journey.tiktok_order(order_id)["line_items"]
        first_candle = next(line["id"] for line in lines if line["seller_sku"] == "CND-FIG-08")
        tins = [line["id"] for line in lines if line["seller_sku"] == "TIN-LAV-04"]
        journey.control("tiktok_shop/seller_cancel", order_id=order_id, line_ids=[first_candle, *tins])
        journey.settle()
        journey.world.faults.clear()
        for _ in range(4):
            journey.wait(130)
        assert journey.orders_in("squarespace", order_id) == []
        order = journey.order(order_id)
        assert (order.state, order.attention) == (OrderState.MIRRORED, "")
        assert {item.status for item in journey.items(order_id)} <= {OutboxStatus.DONE, OutboxStatus.DROPPED}

    def test_leaves_what_was_not_refunded_with_it_to_the_other(self, journey: Journey) -> None:
        """As long as no store has any of the order."""
        split_by_sku(journey)
        for platform, create in (("shopify", "orderCreate"), ("squarespace", "orders.create")):
            journey.fault(platform, create, "status", status=503, times=-1)
        order_id = journey.buy_released(lines=[{"sku": sku, "quantity": 1} for sku in ("CND-FIG-08", "TIN-LAV-04")])
        cancel_tins(journey, order_id, 1)
        journey.settle()
        journey.world.faults.clear()
        for _ in range(4):
            journey.wait(130)
        assert journey.orders_in("squarespace", order_id) == []
        assert total_at(journey, "shopify", order_id) == paid_for(journey, order_id)


class TestPartOfWhichSomeIsLeft:
    def test_keeps_its_shipping_where_another_store_has_its_own_part(self, journey: Journey) -> None:
        """`make proof` with 1,200 orders: the shipping that fell on the cancelled items was told to no store."""
        split_by_sku(journey)
        journey.fault("squarespace", "orders.create", "status", status=503, times=-1)
        order_id = journey.buy_released(
            lines=[{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "TIN-LAV-04", "quantity": 3}]
        )
        cancel_tins(journey, order_id, 2)
        journey.settle()
        journey.world.faults.clear()
        for _ in range(4):
            journey.wait(130)
        told = total_at(journey, "shopify", order_id) + total_at(journey, "squarespace", order_id)
        assert told == paid_for(journey, order_id)
        assert journey.order(order_id).attention == ""


class TestDryRunOfWhatIsLeft:
    def test_compares_it_with_what_is_left_at_the_source(self, journey: Journey) -> None:
        """The page set the whole order's amounts beside the draft's, and called them different."""
        journey.fault("shopify", "orderCreate", "status", status=503, times=-1)
        order_id = journey.buy_released(lines=[{"sku": "TIN-LAV-04", "quantity": 3}])
        cancel_tins(journey, order_id, 1)
        journey.settle()
        journey.wait(30)
        (run,) = dryrun.dry_run(order=journey.order(order_id), clock=journey.now)
        assert run.part is not None
        assert run.draft is not None
        assert draft_money(run.part, run.draft, label="Shopify")["is_balanced"]


def total_at(journey: Journey, platform: str, order_id: str) -> Decimal:
    return Decimal(str(journey.order_in(platform, order_id)["total"]))


def paid_for(journey: Journey, order_id: str) -> Decimal:
    """What the buyer paid, less what went back."""
    (entry,) = journey.ledger("order.lines_cancelled", order_id)
    paid = Decimal(journey.tiktok_order(order_id)["payment"]["total_amount"])
    return paid - Decimal(entry["refund"]["refund_total"])


def cancel_tins(journey: Journey, order_id: str, count: int) -> None:
    lines = journey.tiktok_order(order_id)["line_items"]
    tins = [line["id"] for line in lines if line["seller_sku"] == "TIN-LAV-04"]
    journey.control("tiktok_shop/seller_cancel", order_id=order_id, line_ids=tins[:count])


class TestSplitOrderThatWasCancelled:
    def test_asks_about_each_store_until_it_is_closed_there(self, journey: Journey) -> None:
        """Seed 145: the part that was cancelled by itself took away the question about the one a person closes."""
        split_by_sku(journey)
        order_id = journey.buy_released(lines=[{"sku": sku, "quantity": 1} for sku in ("CND-FIG-08", "TIN-LAV-04")])
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        for _ in range(3):
            journey.wait(130)
        assert journey.order_in("shopify", order_id)["is_cancelled"]
        order = journey.order(order_id)
        assert (order.attention, order.attention_detail["store"]) == (Attention.ALREADY_CANCELLED, "Squarespace")
        there = journey.order_in("squarespace", order_id)
        journey.control("squarespace/cancel", shop=there["shop"], order=there["name"])
        journey.wait(130)
        assert journey.order(order_id).attention == ""
