"""The checklist, and the switch at its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore, StoreState
from orders import readiness, routing
from orders.checklist import Facts, Step, StepKey, StepState, first_open, steps_of, steps_without_shop
from orders.ingest import store_order
from orders.models import Concern, Mirror, Order, OrderState, OutboxItem, ProductLink, SettingsVersion, Setup
from orders.queries import lists
from orders.seller_shipping import Ships
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import NOON, line, seen

SELLER = {
    "said": {"is_by_seller": True, "sales_warehouse": "Workshop", "return_warehouse": "Returns", "option_names": []},
    "ships": "SELLER",
}


@pytest.fixture
def shop(tiktok: ConnectedStore) -> ConnectedStore:
    """Alice's shop, not switched on, of which all is known but her own word."""
    with merchant_rows(tiktok.merchant_id):
        Setup.objects.filter(store=tiktok).update(switched_on_at=None, shipping=SELLER, checked_at=NOON)
    return tiktok


def step(facts: Facts, key: StepKey) -> Step:
    return next(each for each in steps_of(facts) if each.key is key)


def facts(shop: ConnectedStore, **changes: Any) -> Facts:
    setup = {name: changes.pop(name) for name in ("confirmed", "shipping") if name in changes}
    return Facts(shop=shop, setup=Setup(store=shop, **setup), **changes)


def make_ready(shop: ConnectedStore) -> None:
    with merchant_rows(shop.merchant_id):
        readiness.vouch(shop=shop, key=StepKey.ACCOUNT, is_so=True, now=NOON)
        ProductLink.objects.create(
            merchant_id=shop.merchant_id, store=routing.chosen_routes(shop)[0].destination_store, sku="cnd-fig-08",
            variant_id="gid://1", checked_at=NOON,
        )  # fmt: skip


def released(shop: ConnectedStore, number: int, **changes: Any) -> Order:
    order_id = f"57646141303878{number:04}"
    fresh = seen(SourceStatus.AWAITING_SHIPMENT, external_id=order_id, lines=(line(f"{order_id}1"),), **changes)
    return store_order(seen=fresh, store=shop, now=NOON)


class TestSteps:
    def test_are_numbered_from_the_account_to_the_switch(self) -> None:
        steps = steps_without_shop()
        assert [each.number for each in steps] == list(range(1, 11))
        assert (steps[0].key, steps[-1].key) == (StepKey.ACCOUNT, StepKey.SWITCH)

    def test_go_on_with_what_nothing_can_be_sent_without(self, shop: ConnectedStore) -> None:
        steps = [Step(StepKey.ACCOUNT, StepState.DONE, ""), Step(StepKey.METHODS, StepState.TO_DO, "")]
        assert first_open(steps) == steps[1]
        lost = Step(StepKey.CURRENCY, StepState.FAILED, "")
        assert first_open([*steps, lost]) == lost


class TestAccount:
    def test_waits_for_the_merchants_word(self, shop: ConnectedStore) -> None:
        assert step(facts(shop), StepKey.ACCOUNT).state is StepState.TO_DO
        assert step(facts(shop, confirmed={"ACCOUNT": "now"}), StepKey.ACCOUNT).is_done

    def test_fails_when_access_ended(self, shop: ConnectedStore) -> None:
        shop.state, shop.state_reason = StoreState.RECONNECT, "The owner took it back"
        found = step(facts(shop, confirmed={"ACCOUNT": "now"}), StepKey.ACCOUNT)
        assert found.state is StepState.FAILED
        assert "The owner took it back" in found.why


class TestShipping:
    @pytest.mark.parametrize(
        ("kept", "state"),
        [
            (SELLER, StepState.DONE),
            ({**SELLER, "ships": "BOTH"}, StepState.DONE),
            ({**SELLER, "ships": "PLATFORM"}, StepState.FAILED),
            ({}, StepState.TO_DO),
            ({"problem": "No permission"}, StepState.FAILED),
            ({"said": {"is_by_seller": True, "return_warehouse": "R"}, "ships": "SELLER"}, StepState.FAILED),
            ({"said": {"is_by_seller": True, "sales_warehouse": "W"}, "ships": "SELLER"}, StepState.TO_DO),
        ],
    )
    def test_is_judged_from_what_the_platform_said(
        self, shop: ConnectedStore, kept: dict[str, Any], state: StepState
    ) -> None:
        assert step(facts(shop, shipping=kept), StepKey.SHIPPING).state is state

    def test_takes_the_merchants_word_only_where_the_platform_is_silent(self, shop: ConnectedStore) -> None:
        word = {"SHIPPING": "now"}
        assert step(facts(shop, confirmed=word), StepKey.SHIPPING).is_done
        by_platform = {**SELLER, "ships": Ships.PLATFORM.value}
        assert not step(facts(shop, confirmed=word, shipping=by_platform), StepKey.SHIPPING).is_done


class TestStoreAndCurrency:
    def test_wait_for_a_store(self, shop: ConnectedStore) -> None:
        assert {step(facts(shop), key).state for key in (StepKey.STORE, StepKey.CURRENCY)} == {StepState.TO_DO}

    def test_ask_which_of_several_gets_what(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        two = [shopify, StoreFactory(merchant=shop.merchant, shopify=True)]
        found = step(facts(shop, destinations=two), StepKey.STORE)
        assert (found.state, "which gets what" in found.why) == (StepState.TO_DO, True)
        assert step(facts(shop, destinations=two, is_routed=True), StepKey.STORE).is_done

    def test_fail_where_currencies_differ(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        shopify.currency = "CAD"
        found = step(facts(shop, destinations=[shopify], is_routed=True), StepKey.CURRENCY)
        assert (found.state, "CAD" in found.why) == (StepState.FAILED, True)


class TestProducts:
    def test_names_the_skus_that_are_not_linked(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        skus = {"cnd-fig-08": "CND-FIG-08", "cnd-pine-12": "CND-PINE-12"}
        known = {"destinations": [shopify], "skus": skus}
        found = step(facts(shop, linked=frozenset(["cnd-fig-08"]), **known), StepKey.PRODUCTS)
        assert (found.state, "1 of 2" in found.why, "CND-PINE-12" in found.why) == (StepState.TO_DO, True, True)
        assert step(facts(shop, linked=frozenset(skus), **known), StepKey.PRODUCTS).is_done
        assert step(facts(shop, confirmed={"PRODUCTS": "now"}, **known), StepKey.PRODUCTS).is_done

    def test_are_read_from_the_newest_orders_and_the_kept_links(
        self, shop: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        released(shop, 1)
        with merchant_rows(shop.merchant_id):
            found = readiness.facts_of(shop)
            assert (dict(found.skus), found.linked) == ({"cnd-fig-08": "CND-FIG-08"}, frozenset())
        make_ready(shop)
        with merchant_rows(shop.merchant_id):
            assert readiness.facts_of(shop).linked == frozenset(["cnd-fig-08"])


class TestSwitchingOn:
    def test_is_refused_while_a_required_step_is_open(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        with merchant_rows(shop.merchant_id), pytest.raises(readiness.NotReady) as refused:
            readiness.switch_on(shop=shop, by="Alice", now=NOON)
        assert refused.value.step.key is StepKey.ACCOUNT

    def test_comes_before_anything_is_planned(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        order = released(shop, 1)
        with merchant_rows(shop.merchant_id):
            assert order.state == OrderState.READY
            assert not Mirror.objects.exists()
            assert not OutboxItem.objects.exists()

    def test_plans_what_waited_and_is_a_version(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        released(shop, 1)
        make_ready(shop)
        with merchant_rows(shop.merchant_id):
            done = readiness.switch_on(shop=shop, by="Alice", now=NOON)
            assert (done.planned, done.left_out) == (1, 0)
            assert Mirror.objects.get().store_id == shopify.pk
            version = SettingsVersion.objects.get()
            assert (version.concern, version.author, version.document) == (Concern.SYNC, "Alice", {"is_on": True})
            assert readiness.switch_on(shop=shop, by="Alice", now=NOON).planned == 0
            assert SettingsVersion.objects.count() == 1

    def test_leaves_out_those_of_before_a_day_and_those_shipped_meanwhile(
        self, shop: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        shop.connected_at = NOON - timedelta(days=9)
        old = released(shop, 1, created_at=NOON - timedelta(days=5))
        new = released(shop, 2)
        shipped = OrderFactory(
            source_store=shop, ready=True, changes={"lines": (line("9"),)}, status=SourceStatus.IN_TRANSIT
        )
        make_ready(shop)
        with merchant_rows(shop.merchant_id):
            done = readiness.switch_on(shop=shop, by="Alice", now=NOON, leave_out_before=NOON - timedelta(days=1))
            assert (done.planned, done.left_out) == (1, 2)
            states = {order.pk: (order.state, order.skip_rule) for order in Order.objects.all()}
        assert states[new.pk] == (OrderState.READY, "")
        assert states[old.pk] == (OrderState.SKIPPED, "Left out when sync was switched on")
        assert states[shipped.pk] == (OrderState.SKIPPED, "Shipped before sync was switched on")

    def test_can_be_taken_back_for_orders_to_come(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        make_ready(shop)
        with merchant_rows(shop.merchant_id):
            readiness.switch_on(shop=shop, by="Alice", now=NOON)
        planned = released(shop, 1)
        with merchant_rows(shop.merchant_id):
            readiness.switch_off(shop=shop, by="Bob", now=NOON)
        released(shop, 2)
        with merchant_rows(shop.merchant_id):
            assert list(Mirror.objects.values_list("order_id", flat=True)) == [planned.pk]
            assert OutboxItem.objects.get().status == "PENDING"


class TestPlanning:
    def test_of_many_goes_on_behind_the_last(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        for number in range(3):
            released(shop, number)
        make_ready(shop)
        with merchant_rows(shop.merchant_id):
            Setup.objects.update(switched_on_at=NOON)
            planned, last = routing.plan_chunk(source_store=shop, now=NOON, after=0, limit=2)
            assert planned == 2
            assert routing.plan_chunk(source_store=shop, now=NOON, after=last, limit=2)[0] == 1
            assert Mirror.objects.count() == 3


class TestOrderThatWaits:
    def test_says_which_step_is_missing(self, shop: ConnectedStore, shopify: ConnectedStore) -> None:
        released(shop, 1)
        with merchant_rows(shop.merchant_id):
            readiness.look(shop)
        page = lists.order_page(merchant_id=shop.merchant_id, query={}, is_owner=True, now=NOON)
        assert page["page"]["rows"][0]["sync"].label == "Not ready: step 1"

    def test_says_so_no_more_once_it_is_on(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        released(tiktok, 1)
        page = lists.order_page(merchant_id=tiktok.merchant_id, query={}, is_owner=True, now=NOON)
        assert page["page"]["rows"][0]["sync"].label == "Creating"
