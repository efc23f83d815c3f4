"""The merchant's pages, asked for over the test client."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from accounts.access import merchant_rows
from accounts.models import Membership, Role
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders.ingest import store_order
from orders.models import Attention, Order, OrderState, OutboxItem
from orders.states import ask_for_attention
from tests.factories import UserFactory
from tests.orders.builders import NOON, line, payment, seen


def fill(tiktok: ConnectedStore, count: int = 3) -> list[Order]:
    return [
        store_order(
            seen=replace(
                seen(SourceStatus.AWAITING_SHIPMENT if number % 2 else SourceStatus.ON_HOLD),
                external_id=f"5764614130387857{number:02}",
                created_at=NOON - timedelta(minutes=number),
            ),
            store=tiktok,
            now=NOON,
        )
        for number in range(count)
    ]


class TestOrderList:
    def test_sends_nobody_to_log_in(self, client: Client) -> None:
        answer = client.get("/orders/?tab=on_hold")
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=/orders/")

    def test_shows_on_hold_with_its_end(self, alice: Client, tiktok: ConnectedStore) -> None:
        (held_order,) = fill(tiktok, 1)
        page = alice.get("/orders/").content.decode()
        assert "On hold" in page
        assert f'data-due="{held_order.release_at:%Y-%m-%d}' in page.replace("T", "T")

    def test_counts_every_tab(self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        fill(tiktok, 5)
        tabs = {tab["key"]: tab["count"] for tab in alice.get("/orders/").context["tabs"]}
        assert (tabs["all"], tabs["on_hold"], tabs["ready"], tabs["cancelled"]) == (5, 3, 2, 0)

    @pytest.mark.parametrize("text", ["576461413038785701", "fig & cedar", "cnd-fig-08", "JANE doe"])
    def test_finds_by_id_product_sku_and_buyer(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore, text: str
    ) -> None:
        fill(tiktok, 2)
        rows = alice.get("/orders/", {"q": text}).context["page"]["rows"]
        assert "576461413038785701" in [row["external_id"] for row in rows]

    def test_pages_by_key_without_gap_or_repeat(self, alice: Client, tiktok: ConnectedStore) -> None:
        orders = fill(tiktok, 99)
        shown: list[str] = []
        url = "/orders/"
        while url:
            page = alice.get(url).context["page"]
            shown += [row["external_id"] for row in page["rows"]]
            url = page["next_url"]
        assert shown == [order.external_id for order in orders]

    def test_asks_the_database_as_often_for_fifty_as_for_two(
        self, alice: Client, tiktok: ConnectedStore, django_assert_max_num_queries: object
    ) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        fill(tiktok, 2)
        with CaptureQueriesContext(connection) as few:
            alice.get("/orders/")
        fill(tiktok, 60)
        with CaptureQueriesContext(connection) as many:
            alice.get("/orders/")
        assert len(many) == len(few)

    @pytest.mark.parametrize("query", ["before=x", "store=1e9", "tab=none", "after=9-9", "q=%00", "newest=-1"])
    def test_takes_nonsense_in_the_address_for_nothing(self, alice: Client, tiktok: ConnectedStore, query: str) -> None:
        assert alice.get(f"/orders/?{query}").status_code == 200
        assert alice.get(f"/orders/rows/?{query}").status_code in (200, 204)


class TestRows:
    def test_are_silent_while_nothing_changed(self, alice: Client, tiktok: ConnectedStore) -> None:
        (order,) = fill(tiktok, 1)
        url = f"/orders/rows/?newest={order.pk}&rows={order.pk}:{order.version}"
        assert alice.get(url).status_code == 204

    def test_bring_a_changed_row_and_the_count_of_new_ones(self, alice: Client, tiktok: ConnectedStore) -> None:
        first, second = fill(tiktok, 2)
        page = alice.get(f"/orders/rows/?newest={first.pk}&rows={first.pk}:0").content.decode()
        assert f'id="order-{first.pk}"' in page
        assert "1 new order" in page
        assert f'id="order-{second.pk}"' not in page


class TestBoxes:
    def test_stand_before_every_row_and_outlive_its_news(self, alice: Client, tiktok: ConnectedStore) -> None:
        held, cancelled = fill(tiktok, 2)
        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=cancelled.pk).update(state=OrderState.CANCELLED)
        shown = alice.get("/orders/").content.decode()
        polled = alice.get(f"/orders/rows/?newest={held.pk}&rows={held.pk}:0,{cancelled.pk}:0").content.decode()
        for page in (shown, polled):
            boxes = re.findall(r'name="order"[^>]* value="(\d+)"[^>]* data-pick( data-cancels)? ', page)
            assert {int(pk): bool(cancels) for pk, cancels in boxes} == {held.pk: True, cancelled.pk: False}

    def test_are_not_for_a_viewer(self, client: Client, tiktok: ConnectedStore) -> None:
        (order,) = fill(tiktok, 1)
        bob = UserFactory(email="bob@example.com")
        with merchant_rows(tiktok.merchant_id):
            Membership.objects.create(merchant=tiktok.merchant, user=bob, role=Role.VIEWER)
        client.force_login(bob)
        for path in ("/orders/", f"/orders/rows/?newest={order.pk}&rows={order.pk}:0"):
            page = client.get(path).content.decode()
            assert order.external_id[-6:] in page
            assert "data-pick" not in page


class TestOrderPage:
    def test_shows_money_address_and_timeline(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        stated = payment(products=4800, seller_discount=480, shipping=499, tax=357)
        order = store_order(
            seen=seen(SourceStatus.AWAITING_SHIPMENT, payment=stated, lines=(line("1"), line("2"))),
            store=tiktok,
            now=NOON,
        )
        page = alice.get(f"/orders/{order.pk}/").content.decode()
        for words in ("51.76", "−4.80", "Jane Doe", "Hoboken, NJ 07030", "Order received", "Released", "2 ×"):
            assert words in page

    def test_says_what_failed_and_what_to_do(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        for code in Attention:
            if not code.value:
                continue
            with merchant_rows(tiktok.merchant_id):
                ask_for_attention(order=order, code=code, now=NOON, detail={"sku": "CND-FIG-08", "message": "No"})
            page = alice.get(f"/orders/{order.pk}/").content.decode()
            assert code.value in page
            assert "What to do" in page

    def test_escapes_what_buyers_write(self, alice: Client, tiktok: ConnectedStore) -> None:
        order = store_order(seen=seen(buyer_message="<script>alert(1)</script>"), store=tiktok, now=NOON)
        assert "<script>alert" not in alice.get(f"/orders/{order.pk}/").content.decode()

    def test_of_another_merchant_is_not_there(self, alice: Client, tiktok: ConnectedStore) -> None:
        assert alice.get("/orders/999999/").status_code == 404


class TestButtons:
    def test_skip_takes_the_intent_back_and_create_brings_it_again(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        alice.post(f"/orders/{order.pk}/skip/")
        with merchant_rows(tiktok.merchant_id):
            assert Order.objects.get().state == OrderState.SKIPPED
            assert OutboxItem.objects.get().status == "DROPPED"
        alice.post(f"/orders/{order.pk}/create/")
        with merchant_rows(tiktok.merchant_id):
            assert Order.objects.get().state == OrderState.READY
            assert OutboxItem.objects.get().status == "PENDING"

    def test_carrier_is_remembered(self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        choices = [{"id": "7117858858072016686", "name": "USPS"}]
        with merchant_rows(tiktok.merchant_id):
            detail = {"carrier": "Post", "choices": choices}
            ask_for_attention(order=order, code=Attention.CARRIER_UNMAPPED, now=NOON, detail=detail)
        alice.post(f"/orders/{order.pk}/carrier/", {"carrier": "7117858858072016686"})
        with merchant_rows(tiktok.merchant_id):
            assert tiktok.carrier_mappings.get().carrier_name == "USPS"
            assert Order.objects.get().attention == ""
