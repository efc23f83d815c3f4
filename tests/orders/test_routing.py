"""Which store gets which lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.access import merchant_rows
from orders import routing
from orders.models import Attention, Mirror, OutboxItem, OutboxKind, Route, RouteRule
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import NOON, line, payment, seen

CANDLE, WAX, TIN = line("1"), line("2", sku="MLT-SMP-06"), line("3", sku="TIN-LAV-04")
ORDER = replace(seen(), lines=(CANDLE, WAX, TIN), payment=payment(products=7200))


def route(pk: int, rule: RouteRule, **more) -> Route:
    return Route(pk=pk, rule=rule, **more)


DEFAULT = route(9, RouteRule.DEFAULT)


class TestShareOut:
    def shares(self, *routes: Route, order=ORDER, stocked=None):
        return {route.pk: ids for route, ids in routing.share_out(order, routes, stocked or {})}

    def test_gives_all_to_the_default_when_no_other_route_takes_anything(self):
        assert self.shares(DEFAULT) == {9: ("1", "2", "3")}

    def test_gives_a_route_by_sku_its_lines_and_the_rest_to_the_default(self):
        by_sku = route(1, RouteRule.SKU, skus=["mlt-*", "TIN-LAV-04"], takes_part=True)
        assert self.shares(by_sku, DEFAULT) == {1: ("2", "3"), 9: ("1",)}

    def test_passes_a_route_by_that_takes_only_whole_orders(self):
        by_sku = route(1, RouteRule.SKU, skus=["MLT-*"])
        assert self.shares(by_sku, DEFAULT) == {9: ("1", "2", "3")}
        assert self.shares(route(1, RouteRule.SKU, skus=["*"]), DEFAULT) == {1: ("1", "2", "3")}

    def test_asks_the_routes_in_their_order(self):
        first, second = (route(pk, RouteRule.SKU, skus=["*"], takes_part=True) for pk in (1, 2))
        assert self.shares(second, first, DEFAULT) == {2: ("1", "2", "3")}

    def test_gives_the_orders_of_a_warehouse_to_its_route(self):
        here = route(1, RouteRule.WAREHOUSE, warehouse_ids=[ORDER.warehouse_id])
        assert self.shares(here, DEFAULT) == {1: ("1", "2", "3")}
        assert self.shares(here, DEFAULT, order=replace(ORDER, warehouse_id="7")) == {9: ("1", "2", "3")}

    @pytest.mark.parametrize(("least", "taken"), [(66, ("1", "2")), (67, ())])
    def test_gives_a_route_what_its_store_has_if_the_share_is_large_enough(self, least, taken):
        found = route(1, RouteRule.FOUND, least_share=least, takes_part=True)
        shares = self.shares(found, DEFAULT, stocked={1: {"cnd-fig-08", "mlt-smp-06"}})
        assert shares.get(1, ()) == taken

    @pytest.mark.parametrize(
        "rule",
        [
            {"rule": RouteRule.DEFAULT},
            {"rule": RouteRule.FOUND, "least_share": 1},
            {"rule": RouteRule.SKU, "skus": ["*"]},
            {"rule": RouteRule.WAREHOUSE, "warehouse_ids": [ORDER.warehouse_id]},
        ],
    )
    def test_leaves_what_the_store_does_not_have_to_the_merchant_if_he_says_so(self, rule):
        stocked = {1: {"cnd-fig-08", "mlt-smp-06"}}
        assert self.shares(Route(pk=1, leaves_rest=True, **rule), stocked=stocked) == {1: ("1", "2")}

    def test_offers_the_rest_to_the_routes_that_follow(self):
        first = route(1, RouteRule.FOUND, least_share=1, leaves_rest=True)
        assert self.shares(first, DEFAULT, stocked={1: {"cnd-fig-08"}}) == {1: ("1",), 9: ("2", "3")}
        second = route(2, RouteRule.FOUND, least_share=1, takes_part=True)
        assert self.shares(first, second, stocked={1: {"cnd-fig-08"}, 2: {"tin-lav-04"}}) == {1: ("1",), 2: ("3",)}

    def test_leaves_nothing_to_the_merchant_that_only_other_routes_would_split(self):
        first = route(1, RouteRule.FOUND, least_share=1, takes_part=True)
        idle = route(2, RouteRule.FOUND, least_share=1, leaves_rest=True)
        with pytest.raises(routing.NoRoute):
            self.shares(first, idle, stocked={1: {"cnd-fig-08"}})

    def test_asks_about_an_order_of_which_the_store_has_nothing(self):
        default = route(9, RouteRule.DEFAULT, leaves_rest=True)
        assert self.shares(default, stocked={9: set()}) == {9: ("1", "2", "3")}
        with pytest.raises(routing.NoRoute):
            self.shares(route(1, RouteRule.FOUND, least_share=1, leaves_rest=True), stocked={1: set()})

    def test_sends_nothing_when_a_line_has_no_place(self):
        by_sku = route(1, RouteRule.SKU, skus=["MLT-*"], takes_part=True)
        with pytest.raises(routing.NoRoute) as caught:
            self.shares(by_sku)
        assert [each.sku for each in caught.value.lines] == ["CND-FIG-08", "TIN-LAV-04"]


@pytest.mark.django_db
class TestPlan:
    @pytest.fixture
    def order(self):
        return OrderFactory(ready=True, changes={"lines": ORDER.lines, "payment": ORDER.payment})

    def routes(self, order, *wanted):
        made = []
        for position, rule in enumerate(wanted):
            store = StoreFactory(merchant=order.merchant, shopify=True)
            with merchant_rows(order.merchant_id):
                made.append(
                    Route.objects.create(
                        merchant=order.merchant,
                        source_store=order.source_store,
                        destination_store=store,
                        position=position,
                        **rule,
                    )
                )
        return made

    def plan(self, order):
        with merchant_rows(order.merchant_id):
            routing.plan_mirrors(order=order, now=NOON)
            mirrors = list(Mirror.objects.filter(order=order).order_by("id"))
            kinds = list(OutboxItem.objects.filter(order=order).values_list("kind", flat=True))
        return mirrors, kinds

    def test_makes_one_mirror_per_store_with_the_lines_it_gets(self, order):
        self.routes(order, {"rule": "SKU", "skus": ["TIN-*"], "takes_part": True}, {"rule": "DEFAULT"})
        mirrors, kinds = self.plan(order)
        assert [mirror.line_ids for mirror in mirrors] == [["3"], ["1", "2"]]
        assert kinds == [OutboxKind.CREATE_ORDER] * 2

    def test_names_no_lines_when_one_store_gets_all(self, order):
        self.routes(order, {"rule": "DEFAULT"})
        mirrors, _ = self.plan(order)
        assert [mirror.line_ids for mirror in mirrors] == [[]]

    def test_plans_nothing_twice(self, order):
        self.routes(order, {"rule": "DEFAULT"})
        self.plan(order)
        mirrors, kinds = self.plan(order)
        assert (len(mirrors), kinds) == (1, [OutboxKind.CREATE_ORDER])

    def test_asks_a_person_when_no_store_takes_the_items(self, order):
        self.routes(order, {"rule": "SKU", "skus": ["TIN-*"], "takes_part": True})
        mirrors, kinds = self.plan(order)
        assert (mirrors, kinds, order.attention) == ([], [], Attention.NO_ROUTE)
        assert order.attention_detail["skus"] == ["CND-FIG-08", "MLT-SMP-06"]

    @pytest.mark.parametrize(
        "rules", [[{"rule": "FOUND"}, {"rule": "DEFAULT"}], [{"rule": "DEFAULT", "leaves_rest": True}]]
    )
    def test_asks_the_stores_first_when_a_rule_needs_to_know_what_they_have(self, order, rules):
        self.routes(order, *rules)
        mirrors, kinds = self.plan(order)
        assert (mirrors, kinds) == ([], [OutboxKind.CHOOSE_STORES])
