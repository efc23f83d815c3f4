"""What the Returns page and the boxes of an order's page are given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import merchant_rows
from connectors.base.aftersales import CancelStatus, Decision, ReturnKind, ReturnStatus
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import answering, requests, returns
from orders.models import Cancellation, Order, Return
from orders.queries.aftersales import boxes_of, return_page, returns_page
from tests.factories import StoreFactory
from tests.orders.aftersale_builders import LATER, cancellation, mirrored, returned, shipped
from tests.orders.builders import HOUR

S, K = ReturnStatus, ReturnKind
DECISIONS = (Decision.APPROVE_RETURN, Decision.OFFER_PART, Decision.REJECT_RETURN)


@pytest.fixture
def order(tiktok: ConnectedStore, shopify: ConnectedStore) -> Order:
    made, mirror = mirrored(tiktok, shopify, status=SourceStatus.DELIVERED)
    shipped(mirror)
    return made


def keep(order: Order, *, cancels: Any = (), cases: Any = ()) -> None:
    with merchant_rows(order.merchant_id):
        locked = Order.objects.select_related("source_store").get(pk=order.pk)
        requests.keep(order=locked, seen=cancels, now=LATER)
        returns.keep(order=locked, seen=cases, now=LATER)


def page(order: Order, tab: str = "to_do", **more: Any) -> dict[str, Any]:
    said = {"merchant_id": order.merchant_id, "tab": tab, "can_act": True, "now": LATER, **more}
    return returns_page(**said)


def boxes(order: Order, *, can_act: bool = True) -> dict[str, Any]:
    with merchant_rows(order.merchant_id):
        fresh = Order.objects.select_related("source_store").get(pk=order.pk)
        return boxes_of(fresh, now=LATER, can_act=can_act)


class TestReturnsPage:
    def test_puts_what_is_due_first_at_the_front(self, order: Order) -> None:
        later = returned(decisions=DECISIONS, answer_by=LATER + 40 * HOUR, external_id="2")
        sooner = returned(decisions=DECISIONS, answer_by=LATER + 20 * HOUR, external_id="1")
        keep(order, cases=[later, sooner, returned(S.COMPLETED, external_id="3", kind=K.REFUND)])
        shown = page(order)
        assert [row["external_id"] for row in shown["rows"]] == ["1", "2"]
        assert {tab["name"]: tab["count"] for tab in shown["tabs"]} == {"to_do": 2, "open": 2, "completed": 1, "all": 3}

    def test_says_all_that_is_needed_to_answer(self, order: Order) -> None:
        keep(order, cases=[returned(decisions=DECISIONS, answer_by=LATER + 40 * HOUR)])
        (row,) = page(order)["rows"]
        assert (row["badge"].label, row["kind_text"], row["amount_text"]) == (
            "Waits for your answer",
            "Return and refund",
            "$24.00",
        )
        assert [each["label"] for each in row["decisions"]] == [
            "Accept the return",
            "Offer a part of the money",
            "Refuse the return",
        ]
        assert row["decisions"][2]["needs_reason"]
        assert (row["due"], row["items_text"]) == (LATER + 40 * HOUR, "1 × CND-FIG-08")
        assert row["records"][0]["text"] == "Nothing noted"

    def test_offers_no_answer_to_whoever_may_not_act_or_came_too_late(self, order: Order) -> None:
        keep(order, cases=[returned(decisions=DECISIONS, answer_by=LATER + HOUR)])
        assert page(order, can_act=False)["rows"][0]["decisions"] == []
        assert page(order, now=LATER + 2 * HOUR)["rows"][0]["decisions"] == []

    def test_costs_the_same_whatever_the_rows(self, order: Order) -> None:
        counts = []
        for number in (1, 30):
            cases = [returned(external_id=f"{number}-{each}") for each in range(number)]
            keep(order, cases=cases)
            with CaptureQueriesContext(
                connection,
            ) as seen:
                page(order, tab="all")
            counts.append(len(seen))
        assert counts[0] == counts[1]

    def test_goes_on_page_by_page(self, order: Order) -> None:
        cases = [returned(external_id=f"{each}", created_at=LATER + timedelta(minutes=each)) for each in range(60)]
        keep(order, cases=cases)
        first = page(order, tab="all")
        second = page(order, tab="all", before=first["next"])
        told = [row["external_id"] for row in [*first["rows"], *second["rows"]]]
        assert told == [f"{each}" for each in reversed(range(60))]
        assert second["next"] is None

    def test_shows_another_merchant_nothing(self, order: Order) -> None:
        keep(order, cases=[returned()])
        other = StoreFactory().merchant_id
        shown = returns_page(merchant_id=other, tab="all", can_act=True, now=LATER)
        assert shown["rows"] == []
        with merchant_rows(order.merchant_id):
            case = Return.objects.get()
        assert return_page(merchant_id=other, return_id=case.pk, can_act=True, now=LATER) is None

    def test_of_one_return_has_its_history(self, order: Order) -> None:
        keep(order, cases=[returned()])
        keep(order, cases=[returned(S.COMPLETED, updated_at=LATER + HOUR)])
        with merchant_rows(order.merchant_id):
            case = Return.objects.get()
        shown = return_page(merchant_id=order.merchant_id, return_id=case.pk, can_act=True, now=LATER)
        assert shown is not None
        titles = [entry["title"] for entry in shown["history"]]
        assert titles == ["Return and refund completed: 24.00 USD", "Return and refund requested"]


class TestCancelBox:
    def test_counts_down_to_the_sources_own_deadline(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancels=[cancellation()])
        request = boxes(order)["cancel"]["request"]
        assert (request["due"], request["reason"]) == (LATER + 48 * HOUR, "No longer needed")
        assert [each["value"] for each in request["decisions"]] == ["accept", "refuse"]

    def test_says_who_answered_what(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        order, _ = mirrored(tiktok, shopify)
        keep(order, cancels=[cancellation()])
        with merchant_rows(order.merchant_id):
            row = Cancellation.objects.get()
            answering.answer_cancellation(cancellation=row, accepts=True, by="Alice", now=LATER)
        request = boxes(order)["cancel"]["request"]
        assert (request["answered"], request["decisions"]) == ("Accepted by Alice; on its way to TikTok Shop", [])

    def test_offers_to_cancel_while_nothing_has_left(
        self, tiktok: ConnectedStore, shopify: ConnectedStore, order: Order
    ) -> None:
        assert boxes(order)["cancel"]["why_not"].startswith("A parcel of it has left")
        keep(order, cancels=[cancellation(CancelStatus.REFUNDED)])
        assert len(boxes(order)["cancel"]["past"]) == 1

    def test_has_the_returns_beside_it(self, order: Order) -> None:
        keep(order, cases=[returned(decisions=DECISIONS)])
        (shown,) = boxes(order)["returns"]
        assert shown["badge"].code == "REQUESTED"
        assert boxes(order, can_act=False)["returns"][0]["decisions"] == []
