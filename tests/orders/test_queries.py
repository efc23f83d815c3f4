"""What the screens are told, asked of the queries themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.models import ApiCall, ConnectedStore, StoreState
from orders import reason_words
from orders.models import Attention, Order, OrderState
from orders.queries import detail, lists, stores
from tests.factories import ApiCallFactory, FulfillmentFactory, MirrorFactory, OrderEventFactory, OrderFactory
from tests.orders.builders import HOUR, NOON, line, payment

DAY = timedelta(days=1)


def page_of(store: ConnectedStore, **query: str) -> dict[str, Any]:
    return lists.order_page(merchant_id=store.merchant_id, query=query, is_owner=True, now=NOON)


def poll(store: ConnectedStore, page: dict[str, Any]) -> dict[str, Any] | None:
    """What the page's own poll answers."""
    query = dict(parse_qsl(urlsplit(page["poll_url"]).query))
    shown = {row["id"]: row["version"] for row in page["page"]["rows"]}
    return lists.changed_rows(
        merchant_id=store.merchant_id, query=query, shown=shown, newest=int(query.pop("newest")), now=NOON
    )


def shown(order: Order, *, can_act: bool = True, now: Any = NOON) -> dict[str, Any]:
    context = detail.order_context(merchant_id=order.merchant_id, order_id=order.pk, can_act=can_act, now=now)
    assert context is not None
    found: dict[str, Any] = context["order"]
    return found


def placed(store: ConnectedStore, ago: timedelta, **changes: Any) -> Order:
    order: Order = OrderFactory(source_store=store, ordered_at=NOON - ago, **changes)
    return order


class TestNewOrders:
    def test_are_not_those_that_were_there_when_the_page_was_drawn(self, tiktok: ConnectedStore) -> None:
        for number in range(60):  # as a back-fill brings them: the last to come is the oldest
            placed(tiktok, number * HOUR)
        first = page_of(tiktok)
        assert poll(tiktok, first) is None
        second = page_of(tiktok, **dict(parse_qsl(urlsplit(first["page"]["next_url"]).query)))
        assert poll(tiktok, second) is None

    def test_are_counted_for_the_tab_that_is_open(self, tiktok: ConnectedStore) -> None:
        placed(tiktok, HOUR)
        page, held = page_of(tiktok), page_of(tiktok, tab="on_hold")
        placed(tiktok, timedelta(), mirrored=True)
        for drawn, count in ((page, 1), (held, 0)):
            news = poll(tiktok, drawn)
            assert (news["new_count"] if news else 0) == count


class TestHoldBanner:
    def test_counts_down_to_the_next_hold_that_still_runs(self, tiktok: ConnectedStore) -> None:
        placed(tiktok, 2 * HOUR)
        running = placed(tiktok, HOUR / 2)
        banner = page_of(tiktok)["hold_banner"]
        assert (banner["count"], banner["next_due"]) == (2, running.release_at)


class TestShipByFilter:
    @pytest.mark.parametrize(("value", "found"), [("late", 1), ("1", 2), ("3", 3), ("x", 4)])
    def test_leaves_out_what_has_left(self, tiktok: ConnectedStore, value: str, found: int) -> None:
        for left in (-DAY, HOUR, 2 * DAY):
            placed(tiktok, HOUR, mirrored=True, ship_by=NOON + left)
        placed(tiktok, HOUR, in_transit=True, ship_by=NOON - DAY)
        page = page_of(tiktok, ship_by=value)
        assert len(page["page"]["rows"]) == found
        assert bool(page["filters"].get("clear_url"))


class TestSetup:
    def test_asks_for_a_shop_then_for_a_store_then_for_nothing(
        self, tiktok: ConnectedStore, request: pytest.FixtureRequest
    ) -> None:
        setup = page_of(tiktok)["setup"]
        assert (setup["has_source"], setup["has_destination"]) == (True, False)
        shopify = request.getfixturevalue("shopify")
        assert page_of(tiktok)["setup"] is None
        with merchant_rows(shopify.merchant_id):
            ConnectedStore.objects.filter(pk=shopify.pk).update(state=StoreState.DISCONNECTED)
        assert page_of(tiktok)["setup"]["has_destination"] is False


class TestRow:
    def test_does_not_name_the_only_variant(self, tiktok: ConnectedStore) -> None:
        placed(tiktok, HOUR)
        assert page_of(tiktok)["page"]["rows"][0]["items_text"] == "Fig & Cedar Candle, 8 oz"

    @pytest.mark.parametrize("code", [code for code in Attention if code.value])
    def test_has_a_word_for_every_reason_that_fits_its_column(self, code: Attention) -> None:
        assert reason_words.short_reason(code.value) != code.value
        assert len(reason_words.short_reason(code.value)) <= 15


class TestAttention:
    def test_gives_a_day_to_answer_a_cancellation(self, tiktok: ConnectedStore) -> None:
        order = placed(
            tiktok,
            3 * HOUR,
            mirrored=True,
            attention=Attention.CANCEL_PENDING,
            cancel_requested_at=NOON - HOUR,
            ship_by=NOON + 2 * DAY,
        )
        asked = shown(order)["attention"]
        assert (asked["due"], asked["due_label"]) == (NOON + 23 * HOUR, "Answer by")
        assert asked["actions"][0]["link"].endswith(order.external_id)

    def test_gives_anything_else_until_it_has_to_be_shipped(self, tiktok: ConnectedStore) -> None:
        order = placed(tiktok, 3 * HOUR, unlinked=True, ship_by=NOON + DAY)
        asked = shown(order)["attention"]
        assert (asked["due"], asked["due_label"]) == (NOON + DAY, "Ship by")

    def test_has_one_primary_button_whatever_is_asked(self, tiktok: ConnectedStore) -> None:
        detail = {"carrier": "Post", "sku": "CND-FIG-08", "choices": [{"id": "1", "name": "USPS"}]}
        for code in Attention.values[1:]:
            asked = shown(placed(tiktok, HOUR, mirrored=True, attention=code, attention_detail=detail))["attention"]
            primary = [action for action in asked["actions"] if action["style"] == "primary"]
            assert len(primary) + bool(asked["choices"]) <= 1, code

    def test_offers_a_viewer_no_button(self, tiktok: ConnectedStore) -> None:
        asked = shown(placed(tiktok, HOUR, unlinked=True), can_act=False)["attention"]
        assert asked["actions"] == []

    def test_is_said_in_the_sentence_too(self, tiktok: ConnectedStore) -> None:
        sentence = shown(placed(tiktok, HOUR, unlinked=True))["sentence"]
        assert sentence["bold"] == "CND-FIG-08 is not linked."
        assert "Link it here" in sentence["plain"]

    def test_is_gray_where_nothing_is_wrong(self, tiktok: ConnectedStore) -> None:
        assert shown(placed(tiktok, HOUR, skipped=True))["attention"]["tone"] == "gray"


class TestMoney:
    @pytest.mark.parametrize(
        ("total", "currency", "difference", "is_balanced"),
        [
            (2400, "USD", "$0.00", True),
            (2600, "USD", "+$2.00", False),
            (2200, "USD", "−$2.00", False),
            (2400, "CAD", "Other currency", False),
        ],
    )
    def test_compares_totals_with_their_sign_and_currency(
        self, tiktok: ConnectedStore, total: int, currency: str, difference: str, is_balanced: bool
    ) -> None:
        mirror = MirrorFactory(
            order=placed(tiktok, 3 * HOUR, mirrored=True), money={"total": total, "currency": currency}
        )
        money = shown(mirror.order)["money"]
        assert money["rows"][-1]["difference"] == difference
        assert money["is_balanced"] is is_balanced


class TestOrderThatIsInAStoreInPart:
    """One candle of two lines is in the store; the tin is the merchant's to ship."""

    @pytest.fixture
    def order(self, tiktok: ConnectedStore) -> Order:
        lines = (line("1"), line("2", sku="TIN-LAV-04", title="Lavender Tin", price=1200))
        changes = {"lines": lines, "payment": payment(products=3600)}
        order: Order = placed(tiktok, HOUR, mirrored=True, changes=changes)
        MirrorFactory(order=order, line_ids=["1"], money={"total": 2400, "currency": "USD"})
        return order

    def test_names_what_is_yours_to_ship(self, order: Order) -> None:
        page = shown(order)
        assert "Yours to ship: 1 × TIN-LAV-04." in page["sentence"]["plain"]
        assert [each["link"] and each["link"]["state"] for each in page["lines"]] == [None, "Yours to ship"]
        (parcel,) = page["packages"]
        assert (parcel["number"], parcel["lines_text"]) == ("Yours to ship", "1 × TIN-LAV-04")
        assert page["attention"] is None

    def test_balances_less_what_is_yours(self, order: Order) -> None:
        money = shown(order)["money"]
        assert money["is_balanced"]
        assert (money["rows"][-2]["label"], money["rows"][-2]["source"]) == ("For what you ship yourself", "−12.00")
        assert money["rows"][-1]["note"] == "the buyer paid $36.00"
        assert money["rows"][-1]["difference"] == "$0.00"

    def test_is_marked_in_the_list(self, order: Order, tiktok: ConnectedStore) -> None:
        (row,) = page_of(tiktok)["page"]["rows"]
        assert row["kind_text"] == "Part by hand"

    def test_no_longer_asks_for_what_tiktok_shop_shows_as_shipped(self, order: Order) -> None:
        with merchant_rows(order.merchant_id):
            package = {"external_id": "7", "line_ids": ["2"], "tracking_number": "94001", "carrier_id": ""}
            order.snapshot["packages"] = [{**package, "carrier_name": ""}]
            order.save(update_fields=["snapshot"])
        page = shown(order)
        assert "Yours to ship" not in page["sentence"]["plain"]
        assert [parcel["number"] for parcel in page["packages"]] == ["Shipped by you"]


class TestDeadlines:
    def test_of_what_has_left_run_no_more(self, tiktok: ConnectedStore) -> None:
        order = placed(tiktok, 4 * DAY, in_transit=True, ship_by=NOON - DAY)
        (fact,) = (fact for fact in shown(order)["facts"] if fact["label"] == "Ship by")
        assert "due" not in fact

    def test_of_a_tracking_number_are_72_hours_from_the_upload(self, tiktok: ConnectedStore) -> None:
        order = placed(tiktok, 4 * DAY, in_transit=True)
        FulfillmentFactory(mirror=MirrorFactory(order=order), sent_at=NOON)
        assert shown(order)["packages"][0]["change_text"] == "1 change left, until Nov 27, 12:00 PM"
        assert shown(order, now=NOON + 3 * DAY + HOUR)["packages"][0]["change_text"] == ""


class TestSteps:
    def test_wait_where_only_time_or_the_buyer_can_help(self, tiktok: ConnectedStore) -> None:
        waits = placed(tiktok, HOUR, mirrored=True, attention=Attention.CANCEL_PENDING)
        fails = placed(tiktok, HOUR, mirrored=True, attention=Attention.TRACKING_INVALID)
        assert [shown(order)["steps"][4]["state"] for order in (waits, fails)] == ["paused", "failed"]

    def test_name_the_time_today_and_the_day_before(self, tiktok: ConnectedStore) -> None:
        with timezone.override("UTC"):
            first = [shown(placed(tiktok, ago))["steps"][0]["detail"] for ago in (HOUR, DAY)]
        assert first == ["11:00:00 AM", "Nov 23, 12:00 PM"]


class TestTimeline:
    def test_names_statuses_and_counts_in_words(self, tiktok: ConnectedStore) -> None:
        order = placed(tiktok, HOUR)
        facts = {"store": "Shopify", "carrier": "USPS", "tracking_number": "94001"}
        moved = {"from": "ON_HOLD", "to": "AWAITING_SHIPMENT"}
        OrderEventFactory(order=order, kind="source.status_changed", facts=moved)
        OrderEventFactory(order=order, kind="shipment.recorded", facts={**facts, "units": 1})
        OrderEventFactory(order=order, kind="shipment.changed", facts={"carrier": "UPS", "to": "1Z999"})
        assert {entry["title"] for entry in shown(order)["timeline"]} == {
            "TikTok Shop: On hold to Ready to ship",
            "Shopify shipped 1 unit with USPS 94001",
            "Tracking changed in the store to UPS 1Z999",
        }

    def test_says_what_a_call_asked_for_never_what_came_of_it(self, tiktok: ConnectedStore) -> None:
        order = placed(tiktok, HOUR)
        ApiCallFactory(order=order, operation="orderCreate")
        ApiCallFactory(order=order, operation="something.new", status=0)
        titles = {entry["title"] for entry in shown(order)["timeline"]}
        assert titles == {"TikTok Shop: create the order", "TikTok Shop: something.new"}

    def test_shows_only_this_orders_calls(self, tiktok: ConnectedStore) -> None:
        order, other = placed(tiktok, HOUR), placed(tiktok, HOUR)
        ApiCallFactory(order=other)
        assert shown(order)["timeline"] == []
        with merchant_rows(tiktok.merchant_id):
            assert ApiCall.objects.count() == 1


class TestStores:
    @pytest.mark.parametrize(
        ("changes", "tone"),
        [
            ({"authorized_until": NOON + 300 * DAY}, ""),
            ({"authorized_until": NOON + 6 * DAY}, "amber"),
            ({"state": StoreState.RECONNECT, "state_reason": "The token was refused"}, "red"),
            ({"state": StoreState.DISCONNECTED}, "gray"),
        ],
    )
    def test_say_what_is_wrong_and_the_cure(self, tiktok: ConnectedStore, changes: dict[str, Any], tone: str) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=tiktok.pk).update(**changes)
        context = stores.stores_context(merchant_id=tiktok.merchant_id, is_owner=True, can_manage=True, now=NOON)
        strip = context["sources"][0]["strip"]
        assert (strip["tone"] if strip else "") == tone

    def test_know_that_a_platform_has_one_already(self, tiktok: ConnectedStore, settings: Any) -> None:
        settings.PLATFORM_VALUES = {"SHOPIFY_CLIENT_ID": "c", "SHOPIFY_CLIENT_SECRET": "s"}
        context = stores.stores_context(merchant_id=tiktok.merchant_id, is_owner=True, can_manage=True, now=NOON)
        offered = {each["platform"]: (each["is_set_up"], each["is_another"]) for each in context["addable"]}
        assert (offered["shopify"], offered["tiktok_shop"]) == ((True, False), (False, True))


class TestStatesAreCovered:
    @pytest.mark.parametrize("state", list(OrderState))
    def test_every_state_has_a_page(self, tiktok: ConnectedStore, state: OrderState) -> None:
        order = placed(tiktok, HOUR, state=state, skip_rule="Older than the connection")
        assert shown(order)["sentence"]["bold"].endswith(".")
