"""Which orders a route sends, and the name of the rule by which it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import AddressState, Shipper, SourceStatus
from connectors.models import ConnectedStore
from orders import admission, routing
from orders.components import Component
from orders.drafting import DraftRules, make_draft
from orders.ingest import store_order
from orders.models import Mirror, OrderState, Route, RouteRule
from orders.rules import Filter, FilterBy, PlatformShipped, RouteRules, Samples, Warehoused
from tests.factories import StoreFactory
from tests.orders.builders import HOUR, NOON, line, payment, seen

RELEASED = seen(SourceStatus.AWAITING_SHIPMENT)
FBT = replace(RELEASED, shipper=Shipper.PLATFORM_WAREHOUSE, address_state=AddressState.MASKED)
LABELLED = replace(FBT, shipper=Shipper.PLATFORM)
SAMPLE = replace(RELEASED, is_sample=True)
LINKED = {"cnd-fig-08": (Component("9", "CND-FIG-08"),)}


def filtered(by: FilterBy, value: str, **more: Any) -> RouteRules:
    return RouteRules(filters=(Filter("No candles", by, value),), **more)


class TestRefusal:
    @pytest.mark.parametrize(
        ("order", "name"),
        [
            (RELEASED, ""),
            (SAMPLE, ""),
            (FBT, "TikTok's warehouse ships it"),
            (LABELLED, "Shipped by TikTok"),
        ],
    )
    def test_is_as_it_always_was_while_nobody_changed_anything(self, order, name) -> None:
        assert admission.refusal(order, RouteRules()) == name

    @pytest.mark.parametrize(
        ("order", "rules"),
        [
            (FBT, RouteRules(warehoused=Warehoused.MIRROR)),
            (FBT, RouteRules(warehoused=Warehoused.MIRROR_AND_DEDUCT)),
            (LABELLED, RouteRules(platform_shipped=PlatformShipped.MIRROR)),
        ],
    )
    def test_is_none_where_the_merchant_wants_what_tiktok_ships(self, order, rules) -> None:
        assert admission.refusal(order, rules) == ""

    def test_names_the_rule_about_samples(self) -> None:
        assert admission.refusal(SAMPLE, RouteRules(samples=Samples.SKIP)) == "Free samples are not mirrored"
        assert admission.refusal(RELEASED, RouteRules(samples=Samples.SKIP)) == ""

    @pytest.mark.parametrize(
        ("rules", "is_refused"),
        [
            (filtered(FilterBy.SKU, "cnd-*"), True),
            (filtered(FilterBy.SKU, " CND-FIG-08 "), True),
            (filtered(FilterBy.SKU, "cnd-*", sku_case_matters=True), False),
            (filtered(FilterBy.SKU, "TIN-*"), False),
            (filtered(FilterBy.TAG, "tiktok shop"), True),
            (filtered(FilterBy.TAG, "tiktok-sample"), False),
            (filtered(FilterBy.TAG, "candles", tags=("Candles",)), True),
            (filtered(FilterBy.TOTAL_ABOVE, "2399"), True),
            (filtered(FilterBy.TOTAL_ABOVE, "2400"), False),
            (filtered(FilterBy.TOTAL_BELOW, "2401"), True),
            (filtered(FilterBy.TOTAL_BELOW, "2400"), False),
        ],
    )
    def test_is_by_a_filter_that_fits_and_has_its_name(self, rules, is_refused) -> None:
        assert admission.refusal(RELEASED, rules) == ("Rule: No candles" if is_refused else "")

    @pytest.mark.parametrize(
        ("changes", "tag"),
        [
            ({"is_sample": True}, "tiktok-sample"),
            ({"is_preorder": True}, "tiktok-preorder"),
            ({"shipper": Shipper.PLATFORM_WAREHOUSE}, "tiktok-fbt"),
            ({"shipper": Shipper.PLATFORM}, "tiktok-shipped"),
        ],
    )
    def test_knows_the_tags_that_the_draft_would_have(self, changes, tag) -> None:
        order = replace(RELEASED, **changes)
        rules = filtered(FilterBy.TAG, tag, warehoused=Warehoused.MIRROR, platform_shipped=PlatformShipped.MIRROR)
        assert admission.refusal(order, rules) == "Rule: No candles"
        draft = make_draft(order, DraftRules("USD", "Shopify", "1", "Alice's", variants=LINKED))
        assert tag in draft.tags

    def test_by_amount_never_hits_an_order_whose_amounts_are_not_known(self) -> None:
        order = replace(RELEASED, payment=None)
        assert admission.refusal(order, filtered(FilterBy.TOTAL_BELOW, "99999")) == ""


class TestDraftWithoutAddress:
    def test_invents_none(self) -> None:
        rules = DraftRules("USD", "Shopify", "1", "Alice's", variants=LINKED)
        draft = make_draft(FBT, rules)
        assert (draft.address, draft.phone) == (None, "")
        assert "do not send anything" in draft.note

    def test_has_the_tag_of_its_parcel(self) -> None:
        rules = DraftRules("USD", "Shopify", "1", "Alice's", variants=LINKED, group="tiktok-samples-5")
        assert make_draft(SAMPLE, rules).tags[-1] == "tiktok-samples-5"


def kept_route(tiktok: ConnectedStore, store: ConnectedStore, rules: RouteRules, **changes: Any) -> Route:
    with merchant_rows(tiktok.merchant_id):
        made = Route(source_store=tiktok, destination_store=store, rules=rules.to_json(), **changes)
        routing.save_route(route=made)
    return made


class TestRoutes:
    def taken(self, tiktok: ConnectedStore, order=RELEASED):
        """The state the order comes to, the rule it shows, and the stores it goes to."""
        kept = store_order(seen=order, store=tiktok, now=NOON + HOUR)
        with merchant_rows(tiktok.merchant_id):
            kept.refresh_from_db()
            names = list(Mirror.objects.filter(order=kept).values_list("store__platform", flat=True))
        return kept.state, kept.skip_rule, sorted(names)

    def test_skip_an_order_that_none_of_them_sends_and_name_the_rule(self, tiktok, shopify) -> None:
        kept_route(tiktok, shopify, filtered(FilterBy.SKU, "CND-*"))
        assert self.taken(tiktok) == (OrderState.SKIPPED, "Rule: No candles", [])

    def test_give_it_to_the_one_that_sends_it(self, tiktok, shopify) -> None:
        wix = StoreFactory(shopify=True, merchant=tiktok.merchant, platform="wix", currency="USD")
        kept_route(tiktok, shopify, filtered(FilterBy.SKU, "CND-*"), rule=RouteRule.SKU, skus=["*"], position=0)
        kept_route(tiktok, wix, RouteRules(), position=1)
        assert self.taken(tiktok) == (OrderState.READY, "", ["wix"])

    def test_skip_it_where_the_others_would_not_have_taken_it_anyway(self, tiktok, shopify) -> None:
        wix = StoreFactory(shopify=True, merchant=tiktok.merchant, platform="wix", currency="USD")
        kept_route(tiktok, wix, RouteRules(), rule=RouteRule.SKU, skus=["TIN-*"], takes_part=True)
        kept_route(tiktok, shopify, filtered(FilterBy.SKU, "CND-*"))
        assert self.taken(tiktok) == (OrderState.SKIPPED, "Rule: No candles", [])

    def test_skip_the_whole_order_where_a_rule_keeps_back_a_part_of_it(self, tiktok, shopify) -> None:
        wix = StoreFactory(shopify=True, merchant=tiktok.merchant, platform="wix", currency="USD")
        kept_route(tiktok, wix, RouteRules(), rule=RouteRule.SKU, skus=["TIN-*"], takes_part=True)
        kept_route(tiktok, shopify, filtered(FilterBy.SKU, "CND-*"))
        lines = (line("1"), line("2", sku="TIN-LAV-04"))
        order = replace(RELEASED, lines=lines, payment=payment(products=4800))
        assert self.taken(tiktok, order) == (OrderState.SKIPPED, "Rule: No candles", [])

    def test_send_nothing_without_an_address_to_a_store_that_needs_one(self, tiktok) -> None:
        amazon = StoreFactory(shopify=True, merchant=tiktok.merchant, platform="amazon", currency="USD")
        with pytest.raises(routing.RouteRefused, match="not available on this store"):
            kept_route(tiktok, amazon, RouteRules(warehoused=Warehoused.MIRROR))
        kept_route(tiktok, amazon, RouteRules())
        with merchant_rows(tiktok.merchant_id):
            Route.objects.update(rules=RouteRules(warehoused=Warehoused.MIRROR).to_json())
        state, rule, stores = self.taken(tiktok, FBT)
        assert (state, stores) == (OrderState.SKIPPED, [])
        assert rule.endswith("takes no order without an address")

    @pytest.mark.parametrize("by", [FilterBy.TOTAL_ABOVE, FilterBy.TOTAL_BELOW])
    def test_are_not_saved_with_a_filter_that_says_nothing(self, tiktok, shopify, by) -> None:
        with pytest.raises(routing.RouteRefused, match="whole number"):
            kept_route(tiktok, shopify, filtered(by, "25.00"))

    def test_may_change_while_an_order_is_held(self, tiktok, shopify) -> None:
        kept_route(tiktok, shopify, RouteRules())
        held = store_order(seen=seen(), store=tiktok, now=NOON)
        assert held.state == OrderState.HELD
        with merchant_rows(tiktok.merchant_id):
            Route.objects.update(rules=filtered(FilterBy.SKU, "CND-*").to_json())
        later = replace(RELEASED, updated_at=NOON + HOUR)
        assert self.taken(tiktok, later)[:2] == (OrderState.SKIPPED, "Rule: No candles")


class TestHoldOfOurOwn:
    def test_is_kept_for_orders_that_tiktok_never_held(self, tiktok) -> None:
        order = store_order(seen=replace(RELEASED, is_on_hold_order=False), store=tiktok, now=NOON)
        assert order.state == OrderState.HELD

    def test_is_left_out_where_the_merchant_wants_none(self, tiktok, shopify) -> None:
        tiktok.options = {"imposes_hold": "no"}
        order = store_order(seen=replace(RELEASED, is_on_hold_order=False), store=tiktok, now=NOON)
        assert order.state == OrderState.READY

    def test_makes_no_difference_to_what_tiktok_holds(self, tiktok) -> None:
        tiktok.options = {"imposes_hold": "no"}
        assert store_order(seen=seen(), store=tiktok, now=NOON).state == OrderState.HELD
