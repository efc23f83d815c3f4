"""What the database keeps beside the orders: figures that are exact at any moment, and words to search by."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders.models import Attention, Order, OrderState, OrderTally, SearchWord
from orders.queries import counts, lists
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import HOUR, NOON

KEY = ("source_store_id", "tab", "state", "attention", "is_sample", "is_preorder")


def counted() -> Counter[tuple[Any, ...]]:
    return Counter(Order.objects.values_list(*KEY))


def tallied() -> Counter[tuple[Any, ...]]:
    sums = OrderTally.objects.values(*KEY).annotate(sum=Sum("count")).values_list(*KEY, "sum")
    return Counter({tuple(row[:-1]): row[-1] for row in sums if row[-1]})


def page_of(store: ConnectedStore, **query: str) -> dict[str, Any]:
    return lists.order_page(merchant_id=store.merchant_id, query=query, is_owner=True, now=NOON)


def figures(page: dict[str, Any]) -> dict[str, Any]:
    return {tab["key"]: tab["count"] for tab in page["tabs"]}


class TestTallies:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
    @given(changes=st.lists(st.sampled_from(["new", "ready", "mirrored", "asks", "sample", "gone"]), max_size=25))
    def test_are_what_counting_would_find(self, tiktok: ConnectedStore, changes: list[str]) -> None:
        for change in changes:
            with merchant_rows(tiktok.merchant_id):
                first = Order.objects.order_by("?").values_list("pk", flat=True).first()
                some = Order.objects.filter(pk=first)
                if change == "new":
                    OrderFactory(source_store=tiktok)
                elif change == "gone":
                    some.delete()
                elif change == "asks":
                    some.update(attention=Attention.NOT_LINKED)
                elif change == "sample":
                    some.update(is_sample=True, source_status="IN_TRANSIT")
                else:
                    some.update(state=change.upper(), source_status="AWAITING_SHIPMENT")
                assert tallied() == counted()

    def test_are_folded_now_and_then(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            order = OrderFactory(source_store=tiktok)
            for number in range(300):
                state = OrderState.READY if number % 2 else OrderState.HELD
                Order.objects.filter(pk=order.pk).update(state=state)
            assert OrderTally.objects.count() < 120
            assert tallied() == counted()

    def test_of_another_merchant_are_not_seen(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok)
        with merchant_rows(StoreFactory().merchant_id):
            assert not OrderTally.objects.exists()
            assert not SearchWord.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestWriters:
    def test_of_one_merchant_do_not_wait_for_each_other(self, tiktok: ConnectedStore) -> None:
        orders = [OrderFactory(source_store=tiktok) for _ in range(60)]
        done: list[int] = []

        def change(own: list[Order]) -> None:
            for order in own:
                with merchant_rows(tiktok.merchant_id):
                    done.append(Order.objects.filter(pk=order.pk).update(state=OrderState.READY))
            connection.close()

        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=orders[0].pk).update(state=OrderState.READY)  # its tallies are not committed yet
            threads = [threading.Thread(target=change, args=(orders[1 + part :: 4],)) for part in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=20)
            assert len(done) == 59
        with merchant_rows(tiktok.merchant_id):
            assert tallied() == counted()

    def test_that_roll_back_leave_no_figure(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok)
        with merchant_rows(tiktok.merchant_id):
            Order.objects.update(state=OrderState.SKIPPED)
            transaction.set_rollback(True)
        with merchant_rows(tiktok.merchant_id):
            assert tallied() == counted()


class TestFigures:
    @pytest.mark.parametrize("query", [{}, {"sync": "held"}, {"kind": "sample"}, {"ordered": "7"}, {"q": "jane"}])
    def test_are_those_of_the_rows_under_any_filter(self, tiktok: ConnectedStore, query: dict[str, str]) -> None:
        for ago in (1, 30, 24 * 8):
            OrderFactory(source_store=tiktok, ordered_at=NOON - ago * HOUR)
            OrderFactory(source_store=tiktok, ordered_at=NOON - ago * HOUR, mirrored=True, is_sample=True)
        for tab in lists.TABS:
            page = page_of(tiktok, **query, tab=tab)
            assert figures(page)[tab] == len(page["page"]["rows"])
            assert not any(each["is_at_least"] for each in page["tabs"])

    def test_say_at_least_where_there_are_too_many_to_look_at(
        self, tiktok: ConnectedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counts, "MOST", 2)
        for _ in range(4):
            OrderFactory(source_store=tiktok, ordered_at=NOON - HOUR)
        tabs = {tab["key"]: (tab["count"], tab["is_at_least"]) for tab in page_of(tiktok, ordered="7")["tabs"]}
        assert (tabs["all"], tabs["on_hold"], tabs["ready"]) == ((2, True), (2, True), (0, False))

    def test_of_the_banner_are_of_all_orders_whatever_the_filter(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ordered_at=NOON - HOUR / 2)
        assert page_of(tiktok, q="nobody")["hold_banner"]["count"] == 1


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "is_found"),
        [("fig cedar", True), ("FIG & ced", True), ("cnd-fig", True), ("doe, jane", True), ("edar", False), ("x", True),
         ("jane fox", False), ("a\x00", True), ("%", True), ("_ane", False)],
    )  # fmt: skip
    def test_finds_words_by_their_beginning(self, tiktok: ConnectedStore, text: str, is_found: bool) -> None:
        OrderFactory(source_store=tiktok, mirrored=True, search_text="Jane Doe\nCND-FIG-08\nFig & Cedar Candle, 8 oz")
        assert bool(page_of(tiktok, q=text)["page"]["rows"]) == is_found

    def test_finds_an_order_by_the_last_six_digits_that_are_bold(self, tiktok: ConnectedStore) -> None:
        order = OrderFactory(source_store=tiktok)
        rows = page_of(tiktok, q=order.external_id[-6:])["page"]["rows"]
        assert [row["external_id"] for row in rows] == [order.external_id]

    def test_knows_words_that_were_added_and_forgets_those_that_went(self, tiktok: ConnectedStore) -> None:
        order = OrderFactory(source_store=tiktok, search_text="Jane Doe")
        for text, words in (("Jane Doe\n#1001", {"JANE", "DOE", "1001"}), ("Jack Doe", {"JACK", "DOE"})):
            with merchant_rows(tiktok.merchant_id):
                Order.objects.filter(pk=order.pk).update(search_text=text)
                assert set(SearchWord.objects.values_list("word", flat=True)) == words

    def test_shows_new_orders_within_the_span(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ordered_at=NOON - timedelta(days=31))
        assert not page_of(tiktok, ordered="30")["page"]["rows"]
