"""Tracking numbers on their way back: what is asked before they are sent, and the one change, spent knowingly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from accounts.access import all_merchants, merchant_rows
from connectors.base.types import Carrier
from connectors.speaking import speaking_to_source
from orders import draining, lanes, reconcile, saving
from orders.models import (
    Attention,
    CarrierMapping,
    Concern,
    Fulfillment,
    FulfillmentState,
    Lane,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    Route,
    SettingsVersion,
)
from tests.journeys.conftest import SHOPIFY_SHOP, Journey
from tests.journeys.test_stores import route

FIRST, OTHER = "9400111899562537866361", "9400111899562537866378"
UPS = "1Z999AA10123456784"
HOUR = 3600


class Parcels:
    """Alice at the page of one of her orders."""

    def __init__(self, journey: Journey, order_id: str) -> None:
        self.journey, self.order_id = journey, order_id

    def page(self) -> str:
        order = self.journey.order(self.order_id)
        return self.journey.person.open(f"{self.journey.site}/orders/{order.pk}/").text

    def press(self, button: str, **filled: str) -> None:
        """One of her buttons, and all that comes of it."""
        self.page()
        self.journey.person.submit(holding=f"/{button}/", **filled)
        self.journey.settle()

    def store_says(self, number: str, carrier: str = "USPS") -> None:
        name = self.journey.shopify_order(self.order_id)["name"]
        changed = {"shop": SHOPIFY_SHOP, "order": name, "tracking_number": number, "carrier": carrier}
        self.journey.control("shopify/add_tracking", **changed)
        self.journey.wait(5)

    @property
    def attention(self) -> str:
        return self.journey.order(self.order_id).attention

    @property
    def kept(self) -> Fulfillment:
        (kept,) = self.journey.fulfillments(self.order_id)
        return kept

    @property
    def told(self) -> set[tuple[str, str]]:
        """Carriers and numbers that TikTok Shop has."""
        lines = self.journey.tiktok_order(self.order_id)["line_items"]
        return {(line["shipping_provider_name"], line["tracking_number"]) for line in lines if line.get("rts_time")}

    def changes(self) -> int:
        return len(self.journey.ledger("package.tracking_updated", self.order_id))


def shipped(journey: Journey, number: str = FIRST, **more: Any) -> Parcels:
    order_id = journey.buy_released()
    journey.ship(order_id, number, **more)
    journey.settle()
    return Parcels(journey, order_id)


class TestNumber:
    def test_that_is_not_the_carriers_is_asked_about_before_it_is_sent(self, journey: Journey) -> None:
        parcel = shipped(journey, UPS)
        assert parcel.attention == Attention.TRACKING_INVALID
        assert "It looks like one of UPS." in parcel.page()
        assert parcel.told == set()

    def test_is_sent_all_the_same_where_alice_knows_better(self, journey: Journey) -> None:
        parcel = shipped(journey, "94001")
        parcel.press("parcel/send")
        assert parcel.told == {("USPS", "94001")}
        assert (parcel.attention, parcel.kept.waived["PATTERN"]["by"]) == ("", "Alice")

    def test_is_corrected_by_hand_and_stays_so_though_the_store_says_otherwise(self, journey: Journey) -> None:
        parcel = shipped(journey, "94001")
        parcel.press("parcel/correct", tracking_number=" 9400 1118 9956 2537 8663 61 ", carrier="USPS")
        assert parcel.told == {("USPS", FIRST)}
        journey.wait(HOUR)
        assert (parcel.attention, parcel.kept.tracking_number) == ("", FIRST)

    def test_is_corrected_in_the_store(self, journey: Journey) -> None:
        parcel = shipped(journey, "94001")
        parcel.store_says(FIRST)
        assert parcel.told == {("USPS", FIRST)}
        assert parcel.attention == ""

    def test_with_another_carrier_is_corrected_by_hand(self, journey: Journey) -> None:
        parcel = shipped(journey, UPS)
        parcel.press("parcel/correct", carrier="UPS")
        assert parcel.told == {("UPS", UPS)}

    def test_that_is_no_number_changes_nothing(self, journey: Journey) -> None:
        parcel = shipped(journey, "94001")
        parcel.press("parcel/correct", tracking_number="9400#1")
        assert parcel.kept.tracking_number == "94001"
        assert parcel.attention == Attention.TRACKING_INVALID

    def test_of_another_buyer_is_asked_about_and_can_be_corrected(self, journey: Journey) -> None:
        shipped(journey)
        order_id = journey.buy_released(buyer=1)
        journey.ship(order_id, FIRST)
        journey.settle()
        parcel = Parcels(journey, order_id)
        assert parcel.attention == Attention.TRACKING_DUPLICATE
        assert parcel.told == set()
        parcel.press("parcel/correct", tracking_number=OTHER)
        assert parcel.told == {("USPS", OTHER)}

    def test_of_another_buyer_is_sent_all_the_same_and_refused_by_tiktok(self, journey: Journey) -> None:
        shipped(journey)
        order_id = journey.buy_released(buyer=1)
        journey.ship(order_id, FIRST)
        journey.settle()
        parcel = Parcels(journey, order_id)
        parcel.press("parcel/send")
        assert (parcel.attention, parcel.kept.state) == (Attention.TRACKING_DUPLICATE, FulfillmentState.REFUSED)
        assert "TikTok Shop refused" in parcel.page()

    def test_of_the_same_buyer_may_serve_two_orders(self, journey: Journey) -> None:
        first, second = shipped(journey), shipped(journey)
        assert first.told == second.told == {("USPS", FIRST)}

    def test_of_two_parcels_of_one_order_is_asked_about(self, journey: Journey) -> None:
        order_id = journey.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        for _ in range(2):
            journey.ship(order_id, FIRST, lines={"CND-FIG-08": 1})
            journey.settle()
        assert journey.order(order_id).attention == Attention.TRACKING_DUPLICATE
        assert len(journey.ledger("package.shipped", order_id)) == 1

    def test_that_was_refused_is_sent_again(self, journey: Journey) -> None:
        journey.control("tiktok_shop/shop_settings", shop="Alice's Candles", tracking_check="refuse")
        parcel = shipped(journey, "94001")
        parcel.press("parcel/send")
        assert (parcel.attention, parcel.kept.state) == (Attention.TRACKING_INVALID, FulfillmentState.REFUSED)
        journey.control("tiktok_shop/shop_settings", shop="Alice's Candles", tracking_check="off")
        parcel.press("dismiss")
        parcel.press("parcel/resend")
        assert parcel.told == {("USPS", "94001")}
        assert parcel.attention == ""


class TestPostcode:
    def moved(self, journey: Journey, **to: str) -> Parcels:
        """The merchant corrects the address in Shopify, and ships there."""
        order_id = journey.buy_released()
        name = journey.shopify_order(order_id)["name"]
        journey.control("shopify/change_address", shop=SHOPIFY_SHOP, order=name, address=to)
        journey.ship(order_id, FIRST)
        journey.settle()
        return Parcels(journey, order_id)

    def test_that_is_not_the_buyers_is_asked_about_and_sent_where_alice_knows_better(self, journey: Journey) -> None:
        parcel = self.moved(journey, zip="90210")
        assert (parcel.attention, parcel.told) == (Attention.TRACKING_INVALID, set())
        page = parcel.page()
        assert "to another postcode than the buyer" in page
        assert "90210" not in page
        parcel.press("parcel/send")
        assert (parcel.attention, parcel.told) == ("", {("USPS", FIRST)})

    def test_with_the_four_digits_more_is_the_same(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        digits = journey.shopify_order(order_id)["shipping_address"]["zip"][:5]
        name = journey.shopify_order(order_id)["name"]
        journey.control("shopify/change_address", shop=SHOPIFY_SHOP, order=name, address={"zip": f"{digits}-1234"})
        journey.ship(order_id, FIRST)
        journey.settle()
        assert Parcels(journey, order_id).told == {("USPS", FIRST)}

    def test_that_shopify_does_not_show_us_stops_nothing(self, journey: Journey) -> None:
        journey.control("shopify/settings", shop=SHOPIFY_SHOP, shows_addresses=False)
        assert self.moved(journey, zip="90210").told == {("USPS", FIRST)}


class TestCarrier:
    def test_that_nobody_knows_is_asked_about_with_suggestions(self, journey: Journey) -> None:
        parcel = shipped(journey, UPS, carrier="Brown Vans")
        assert parcel.attention == Attention.CARRIER_UNMAPPED
        page = parcel.page()
        assert "The number is one of theirs" in page
        assert page.index("Suggested") < page.index("FedEx")

    def test_named_once_is_remembered_and_lets_all_go_on(self, journey: Journey) -> None:
        first, second = (shipped(journey, number, carrier="Brown Vans") for number in (UPS, "1Z5R89390357567127"))
        parcel = first
        shop = journey.store("tiktok_shop")
        choices = journey.order(first.order_id).attention_detail["choices"]
        ups = next(each["id"] for each in choices if each["name"] == "UPS")
        parcel.press("carrier", carrier=ups)
        assert (first.attention, second.attention) == ("", "")
        assert second.told == {("UPS", "1Z5R89390357567127")}
        with merchant_rows(shop.merchant_id):
            assert CarrierMapping.objects.get().delivery_option_id == ""
            version = SettingsVersion.objects.get(concern=Concern.CARRIERS)
        assert (version.about, version.author) == (str(shop.pk), "Alice")
        assert shipped(journey, UPS, carrier="brown vans").told == {("UPS", UPS)}

    def test_named_lets_only_those_go_on_that_wait_for_it(self, journey: Journey) -> None:
        brown, green = (
            shipped(journey, UPS, carrier="Brown Vans"),
            shipped(journey, UPS[:-1] + "5", carrier="Green Vans"),
        )
        choices = journey.order(brown.order_id).attention_detail["choices"]
        brown.press("carrier", carrier=next(each["id"] for each in choices if each["name"] == "UPS"))
        assert (brown.attention, green.attention) == ("", Attention.CARRIER_UNMAPPED)
        assert "order.retried" in journey.events(brown.order_id)
        assert "order.retried" not in journey.events(green.order_id)

    def test_of_one_of_two_parcels_lets_it_go_on_whichever_is_asked_about(self, journey: Journey) -> None:
        order_id = journey.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        for number, carrier in ((UPS, "Brown Vans"), (FIRST, "Green Vans")):
            journey.ship(order_id, number, carrier=carrier, lines={"CND-FIG-08": 1})
            journey.settle()
        parcel, shop = Parcels(journey, order_id), journey.store("tiktok_shop")
        asked = journey.order(order_id).attention_detail
        assert (parcel.attention, asked["carrier"]) == (Attention.CARRIER_UNMAPPED, "Green Vans")
        ups = next(Carrier(each["id"], "UPS") for each in asked["choices"] if each["name"] == "UPS")
        with merchant_rows(shop.merchant_id):
            by = saving.Author("Alice", journey.now())
            saving.save_carriers(source_store=shop, carriers={("", "brown vans"): ups}, by=by)
        journey.settle()
        assert parcel.told == {("UPS", UPS)}
        assert parcel.attention == Attention.CARRIER_UNMAPPED

    def test_other_is_asked_about(self, journey: Journey) -> None:
        assert shipped(journey, carrier="Other").attention == Attention.CARRIER_UNMAPPED


class TestHold:
    def test_queues_what_the_store_shipped_warns_and_sends_it_the_moment_it_ends(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        journey.control("tiktok_shop/set_status", order_id=order_id, status="ON_HOLD")
        journey.ship(order_id, FIRST)
        journey.settle()
        parcel = Parcels(journey, order_id)
        assert (parcel.attention, parcel.told) == (Attention.STILL_ON_HOLD, set())
        assert "Still on hold at TikTok Shop" in parcel.page()
        journey.control("tiktok_shop/set_status", order_id=order_id, status="AWAITING_SHIPMENT")
        journey.settle()
        assert (parcel.attention, parcel.told) == ("", {("USPS", FIRST)})
        assert len(journey.ledger("package.shipped", order_id)) == 1


class TestRequestToCancel:
    def test_keeps_the_number_back_until_it_is_answered(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        journey.control("tiktok_shop/request_cancel", order_id=order_id)
        journey.ship(order_id, FIRST)
        journey.settle()
        parcel = Parcels(journey, order_id)
        assert (parcel.attention, parcel.told) == (Attention.CANCEL_PENDING, set())
        journey.control("tiktok_shop/seller_answer", order_id=order_id, approve=False)
        journey.wait(70)
        assert (parcel.attention, parcel.told) == ("", {("USPS", FIRST)})


class TestLines:
    def test_that_tiktok_has_under_another_number_are_not_overwritten(self, journey: Journey) -> None:
        order_id = journey.buy_released(lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        line, rest = (each["id"] for each in journey.tiktok_order(order_id)["line_items"])
        by_hand(journey, order_id, OTHER, [line])
        journey.settle()
        journey.ship(order_id, FIRST)
        journey.settle()
        numbers = {each["id"]: each["tracking_number"] for each in journey.tiktok_order(order_id)["line_items"]}
        assert numbers == {line: OTHER, rest: FIRST}
        assert journey.order(order_id).attention == ""

    def test_that_all_left_under_another_number_ask_for_the_one_change(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        by_hand(journey, order_id, OTHER)
        journey.settle()
        journey.ship(order_id, FIRST)
        journey.settle()
        parcel = Parcels(journey, order_id)
        assert (parcel.attention, parcel.told) == (Attention.TRACKING_CHANGED, {("USPS", OTHER)})
        parcel.press("parcel/change")
        assert (parcel.attention, parcel.told) == ("", {("USPS", FIRST)})
        assert all(item.status in (OutboxStatus.DONE, OutboxStatus.DROPPED) for item in journey.items(order_id))


def by_hand(journey: Journey, order_id: str, number: str, line_ids: list[str] | None = None) -> None:
    """Alice enters a number in Seller Center."""
    shop, option = journey.store("tiktok_shop"), journey.order(order_id).snapshot["delivery_option_id"]
    with speaking_to_source(shop, clock=journey.now) as source:
        usps = next(carrier for carrier in source.carriers(option) if carrier.name == "USPS")
    some = {"line_ids": line_ids} if line_ids else {}
    facts = {"tracking_number": number, "shipping_provider_id": usps.external_id, **some}
    journey.control("tiktok_shop/seller_ship", order_id=order_id, **facts)


class TestAmazonsWarehouses:
    @pytest.fixture
    def amazon(self, journey: Journey) -> Journey:
        journey.connect("amazon")
        journey.settle()
        with merchant_rows(journey.store("amazon").merchant_id):
            Route.objects.all().delete()
        route(journey, "amazon")
        return journey

    def leave(self, journey: Journey, number: str, carrier: str) -> Parcels:
        order_id = journey.buy_released()
        journey.ship_from("amazon", order_id, number=number, carrier=carrier)
        journey.wait(130)
        return Parcels(journey, order_id)

    def test_name_amazon_and_at_most_four_others(self, amazon: Journey) -> None:
        own = self.leave(amazon, "TBA303000000001", "AMZN_US")
        assert own.told == {("Amazon Logistics", "TBA303000000001")}
        for number in range(4):
            assert self.leave(amazon, f"{FIRST[:-1]}{number}", "USPS").attention == ""
        fifth = self.leave(amazon, OTHER, "USPS")
        assert (fifth.attention, fifth.told) == (Attention.CARRIER_NOT_SUPPORTED, set())
        assert "switches such a warehouse off" in fifth.page()
        assert self.leave(amazon, "TBA303000000002", "AMZN_US").attention == ""
        fifth.press("parcel/send")
        assert fifth.told == {("USPS", OTHER)}

    def test_a_parcel_of_the_second_in_which_the_order_was_read_is_found_by_the_next_look(
        self, amazon: Journey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Amazon's moments have seconds, and no webhook tells of the second change within one."""
        monkeypatch.setattr(reconcile, "MOST_UNASKED", 0)  # as when hundreds are under way, and each waits long
        amazon.world.freeze()
        order_id = amazon.buy_released()
        with all_merchants("a test sets the stage"):
            Lane.objects.update(poll_at=amazon.now())
        amazon.settle()
        assert amazon.mirror(order_id).read_at == amazon.now()
        amazon.ship_from("amazon", order_id, number="TBA303000000001", carrier="AMZN_US")
        amazon.wait(130)
        assert Parcels(amazon, order_id).told == {("Amazon Logistics", "TBA303000000001")}


class TestChange:
    def test_is_asked_for_and_spent(self, journey: Journey) -> None:
        parcel = shipped(journey)
        assert "1 change left, until" in parcel.page()
        parcel.store_says(OTHER)
        assert (parcel.attention, parcel.told, parcel.changes()) == (
            Attention.TRACKING_CHANGED,
            {("USPS", FIRST)},
            0,
        )
        parcel.press("parcel/change")
        assert (parcel.attention, parcel.told, parcel.changes()) == ("", {("USPS", OTHER)}, 1)
        assert (parcel.kept.edits, parcel.kept.tracking_number) == (1, OTHER)
        assert parcel.kept.state == FulfillmentState.ACCEPTED
        assert "no change is left" in parcel.page()
        journey.wait(HOUR)
        assert parcel.attention == ""

    def test_is_not_spent_where_alice_keeps_the_first_number(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        parcel.press("parcel/keep")
        journey.wait(HOUR)
        assert (parcel.attention, parcel.told, parcel.changes()) == ("", {("USPS", FIRST)}, 0)
        assert "The store now says USPS" in parcel.page()
        parcel.press("parcel/change")  # she thought better of it
        assert parcel.told == {("USPS", OTHER)}

    def test_is_not_asked_for_any_more_once_the_store_says_the_first_number_again(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        parcel.store_says(FIRST)
        assert (parcel.attention, parcel.changes()) == ("", 0)

    def test_by_hand_is_asked_for_too(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.press("parcel/correct", tracking_number=OTHER)
        assert (parcel.attention, parcel.changes()) == (Attention.TRACKING_CHANGED, 0)
        parcel.press("parcel/change")
        assert parcel.told == {("USPS", OTHER)}
        journey.wait(HOUR)
        assert parcel.attention == ""

    def test_a_second_time_is_said_to_be_spent(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        parcel.press("parcel/change")
        parcel.store_says("9400111899562537866385")
        assert parcel.attention == Attention.TRACKING_EDIT_SPENT
        assert "Ask its support by ticket, until" in parcel.page()
        assert parcel.told == {("USPS", OTHER)}

    def test_a_second_time_is_refused_by_tiktok(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        parcel.press("parcel/change")
        parcel.store_says("9400111899562537866385")
        parcel.press("parcel/change")
        assert (parcel.attention, parcel.told, parcel.changes()) == (
            Attention.TRACKING_EDIT_SPENT,
            {("USPS", OTHER)},
            1,
        )
        assert "only once" in parcel.page()
        parcel.press("dismiss")
        journey.wait(HOUR)
        assert parcel.attention == ""

    def test_that_seller_center_spent_is_refused_and_counted(self, journey: Journey) -> None:
        parcel = shipped(journey)
        journey.world.halves["tiktok_shop"].state.orders[parcel.order_id].tracking_changes = 1  # type: ignore[attr-defined]
        parcel.store_says(OTHER)
        parcel.press("parcel/change")
        assert (parcel.attention, parcel.kept.edits) == (Attention.TRACKING_EDIT_SPENT, 1)
        assert (parcel.told, parcel.kept.tracking_number) == ({("USPS", FIRST)}, FIRST)

    def test_after_seventy_two_hours_is_too_late(self, journey: Journey) -> None:
        parcel = shipped(journey)
        journey.wait(72 * HOUR + 60)
        parcel.store_says(OTHER)
        assert parcel.attention == Attention.TRACKING_EDIT_SPENT
        parcel.press("parcel/change")  # TikTok Shop has the last word
        assert (parcel.attention, parcel.told) == (Attention.TRACKING_EDIT_SPENT, {("USPS", FIRST)})
        assert "within 72 hours" in parcel.page()

    def test_with_a_carrier_that_nobody_knows_waits_for_its_name(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(UPS, carrier="Brown Vans")
        parcel.press("parcel/change")
        assert parcel.attention == Attention.CARRIER_UNMAPPED
        choices = journey.order(parcel.order_id).attention_detail["choices"]
        parcel.press("carrier", carrier=next(each["id"] for each in choices if each["name"] == "UPS"))
        assert (parcel.attention, parcel.told) == ("", {("UPS", UPS)})


class Killed(BaseException):
    """The process is no more."""


def drain_until_killed(journey: Journey, is_time: Callable[[], bool]) -> None:
    """Drain what is due in a process that is gone the moment it next looks at the clock."""

    def clock() -> datetime:
        if is_time():
            raise Killed
        return journey.now()

    lanes.dispatch(now=journey.now(), wake=journey.woken.extend)
    for store_id, fence in journey.woken:
        with contextlib.suppress(Killed):
            draining.drain(store_id=store_id, fence=fence, clock=clock)


class TestChangeCutOff:
    @pytest.mark.parametrize("kind", ["error_after", "reset_after"])
    def test_after_it_was_done_is_found_and_spent_once(self, journey: Journey, kind: str) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        journey.fault("tiktok_shop", "packages.update", kind, times=1)
        parcel.press("parcel/change")
        for _ in range(4):
            journey.wait(30)
        assert (parcel.attention, parcel.told, parcel.changes()) == ("", {("USPS", OTHER)}, 1)
        assert parcel.kept.edits == 1

    def test_before_it_was_done_is_sent_again_once_that_is_sure(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        journey.fault("tiktok_shop", "packages.update", "reset_before", times=1)
        parcel.press("parcel/change")
        assert parcel.changes() == 0
        for _ in range(4):
            journey.wait(30)
        assert (parcel.attention, parcel.told, parcel.changes()) == ("", {("USPS", OTHER)}, 1)

    def test_and_carried_out_late_is_spent_once(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        journey.fault("tiktok_shop", "packages.update", "late_commit", seconds=30, times=1)
        parcel.press("parcel/change")
        for _ in range(8):
            journey.wait(20)
        assert (parcel.attention, parcel.told, parcel.changes()) == ("", {("USPS", OTHER)}, 1)

    def test_between_send_and_settle_is_found_by_the_next_process(self, journey: Journey) -> None:
        parcel = shipped(journey)
        parcel.store_says(OTHER)
        parcel.page()
        journey.person.submit(holding="/parcel/change/")
        drain_until_killed(journey, lambda: parcel.changes() == 1)
        with all_merchants("a test looks"):
            item = OutboxItem.objects.get(kind=OutboxKind.EDIT_TRACKING)
        assert (item.status, item.is_doubtful, parcel.changes()) == (OutboxStatus.IN_FLIGHT, True, 1)
        for _ in range(4):
            journey.wait(30)
        assert (parcel.attention, parcel.told, parcel.changes()) == ("", {("USPS", OTHER)}, 1)
        assert (parcel.kept.edits, journey.order(parcel.order_id).state) == (1, OrderState.FULFILLED)
