"""Open deadlines as the database tells them: which count, in which order, how many press, and what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import all_merchants, merchant_rows
from connectors.base.types import Shipper, SourceStatus
from connectors.models import ConnectedStore, StoreState
from orders.deadlines import DeadlineKind
from orders.models import Attention, Cancellation, MerchantRules, Order, ReckonedDeadlines, Return
from orders.queries.due import Due, due_after, pressing_of, pressing_of_all, read_key
from tests.factories import OrderFactory, StoreFactory
from tests.orders.builders import HOUR, NOON

K = DeadlineKind


def order_of(store: ConnectedStore, **changes: Any) -> Order:
    """A mirrored order without any deadline but those named."""
    made = {"mirrored": True, "ship_by": None, **changes}
    order: Order = OrderFactory(source_store=store, **made)
    return order


def listed(store: ConnectedStore, *kinds: DeadlineKind, after: str = "", most: int = 50) -> list[Due]:
    with merchant_rows(store.merchant_id):
        return due_after(merchant_id=store.merchant_id, kinds=kinds, after=read_key(after), now=NOON, most=most)


def rules(store: ConnectedStore, **deadlines: Any) -> None:
    with merchant_rows(store.merchant_id):
        MerchantRules.objects.update_or_create(merchant=store.merchant, defaults={"deadlines": deadlines})


class TestList:
    def test_has_the_nearest_first_and_the_late_before_all(self, tiktok: ConnectedStore) -> None:
        soon = order_of(tiktok, ship_by=NOON + HOUR)
        late = order_of(tiktok, ship_by=NOON - HOUR)
        asked = order_of(tiktok, cancel_requested_at=NOON - 22 * HOUR)
        doomed = order_of(tiktok, auto_cancel_at=NOON + 3 * HOUR)
        found = [(due.kind, due.order_id) for due in listed(tiktok)]
        assert found == [
            (K.DISPATCH, late.pk), (K.DISPATCH, soon.pk), (K.CANCEL_ANSWER, asked.pk), (K.AUTO_CANCEL, doomed.pk),
        ]  # fmt: skip

    def test_puts_what_costs_more_first_at_the_same_moment(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON + HOUR, auto_cancel_at=NOON + HOUR)
        assert [due.kind for due in listed(tiktok)] == [K.AUTO_CANCEL, K.DISPATCH]

    @pytest.mark.parametrize("kinds", [(), (K.DISPATCH,), (K.DISPATCH, K.AUTO_CANCEL)])
    def test_goes_on_behind_the_last_one_without_a_gap_or_a_repeat(
        self, tiktok: ConnectedStore, kinds: tuple[DeadlineKind, ...]
    ) -> None:
        for number in range(9):  # three share each moment, as deadlines at the cut-off do
            at = NOON + HOUR * (number // 3)
            order_of(tiktok, ship_by=at, auto_cancel_at=at)
        whole = listed(tiktok, *kinds)
        walked: list[Due] = []
        while page := listed(tiktok, *kinds, after=walked[-1].key if walked else "", most=2):
            walked += page
        assert walked == whole

    def test_names_what_is_far_away_only_where_it_is_asked_for(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON + 90 * HOUR, auto_cancel_at=NOON + 90 * HOUR)
        assert [due.kind for due in listed(tiktok)] == [K.DISPATCH]
        assert [due.kind for due in listed(tiktok, K.AUTO_CANCEL)] == [K.AUTO_CANCEL]

    def test_shows_a_hold_among_all_only_when_it_lasts_too_long(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ship_by=None, release_at=NOON - HOUR)
        stuck = OrderFactory(source_store=tiktok, ship_by=None, release_at=NOON - 3 * HOUR)
        assert [due.order_id for due in listed(tiktok)] == [stuck.pk]
        assert len(listed(tiktok, K.HOLD_END)) == 2

    def test_takes_up_the_change_of_a_number_that_waits_for_an_answer(self, tiktok: ConnectedStore) -> None:
        until = NOON + 5 * HOUR
        order_of(tiktok, attention=Attention.TRACKING_CHANGED, attention_detail={"until": until.isoformat()})
        order_of(tiktok, attention=Attention.TRACKING_CHANGED, attention_detail={"until": ""})
        (found,) = listed(tiktok)
        assert (found.kind, found.due_at) == (K.TRACKING_EDIT, until)

    @pytest.mark.parametrize(
        "changes",
        [
            {"status": SourceStatus.IN_TRANSIT, "ship_by": NOON, "auto_cancel_at": NOON},
            {"status": SourceStatus.CANCELLED, "ship_by": NOON, "deliver_by": NOON},
            {"status": SourceStatus.DELIVERED, "ship_by": NOON, "auto_cancel_at": NOON, "deliver_by": NOON},
            {"shipper": Shipper.PLATFORM_WAREHOUSE.value, "ship_by": NOON, "auto_cancel_at": NOON},
            {"cancelled": True, "mirrored": False, "cancel_requested_at": NOON},
        ],
    )
    def test_leaves_out_what_is_over_or_not_the_sellers(self, tiktok: ConnectedStore, changes: dict[str, Any]) -> None:
        order_of(tiktok, **changes)
        assert listed(tiktok, *DeadlineKind) == []

    def test_leaves_out_shops_that_were_disconnected(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON)
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.update(state=StoreState.DISCONNECTED)
        assert listed(tiktok) == []

    @pytest.mark.parametrize("text", ["", "x", "1-2", "nan-1-1", "1e999-0-1", "1.0-99-1", "1.0-0-0", "1-1-1-1"])
    def test_begins_anew_where_the_address_is_nonsense(self, text: str) -> None:
        assert read_key(text) is None


class TestReckonedDeadline:
    @pytest.fixture
    def lacking(self, tiktok: ConnectedStore) -> Order:
        order = order_of(tiktok)
        with merchant_rows(tiktok.merchant_id):
            ReckonedDeadlines.objects.create(order=order, merchant=order.merchant, ship_by=NOON + HOUR)
        return order

    def test_stands_in_for_the_orders_own(self, tiktok: ConnectedStore, lacking: Order) -> None:
        (found,) = listed(tiktok)
        assert (found.due_at, found.is_reckoned) == (NOON + HOUR, True)

    def test_is_forgotten_when_the_order_names_its_own(self, tiktok: ConnectedStore, lacking: Order) -> None:
        with merchant_rows(tiktok.merchant_id):
            Order.objects.update(ship_by=NOON + 2 * HOUR)
        (found,) = listed(tiktok)
        assert (found.due_at, found.is_reckoned) == (NOON + 2 * HOUR, False)

    def test_of_an_answer_follows_the_market_and_the_merchants_rules(self, tiktok: ConnectedStore) -> None:
        british = StoreFactory(merchant=tiktok.merchant, region="GB")
        order_of(tiktok, cancel_requested_at=NOON)
        order_of(british, cancel_requested_at=NOON)
        assert [due.due_at - NOON for due in listed(tiktok)] == [24 * HOUR, 48 * HOUR]
        rules(tiktok, cancel_answer_us_hours=12)
        assert [due.due_at - NOON for due in listed(tiktok)] == [12 * HOUR, 48 * HOUR]

    def test_is_met_by_the_upload_where_the_merchant_says_so(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, status=SourceStatus.AWAITING_COLLECTION, ship_by=NOON)
        assert len(listed(tiktok)) == 1
        rules(tiktok, dispatch_met="UPLOAD")
        assert listed(tiktok) == []


class TestAnswer:
    def request(self, order: Order, **changes: Any) -> Cancellation:
        made = {"external_id": "c1", "status": "REQUESTED", "is_request": True, "by": "BUYER", "answer_by": None}
        moments = dict.fromkeys(("created_at", "updated_at", "read_at"), NOON)
        with merchant_rows(order.merchant_id):
            return Cancellation.objects.create(
                merchant=order.merchant, store=order.source_store, order=order, **{**made, **moments, **changes}
            )

    def asked(self, order: Order, **changes: Any) -> Return:
        made = {"external_id": "r1", "kind": "RETURN", "status": "REQUESTED", "status_text": "PENDING", "by": "BUYER",
                "dispute": "NONE", "decisions": ["APPROVE_RETURN", "REJECT_RETURN"]}  # fmt: skip
        moments = dict.fromkeys(("created_at", "updated_at", "read_at"), NOON)
        with merchant_rows(order.merchant_id):
            return Return.objects.create(
                merchant=order.merchant, store=order.source_store, order=order, **{**made, **moments, **changes}
            )

    def test_to_a_request_is_due_when_the_request_says(self, tiktok: ConnectedStore) -> None:
        self.request(order_of(tiktok, cancel_requested_at=NOON), answer_by=NOON + 40 * HOUR)
        (found,) = listed(tiktok)
        assert (found.kind, found.due_at) == (K.CANCEL_ANSWER, NOON + 40 * HOUR)

    def test_to_a_request_that_names_no_moment_is_due_by_the_market(self, tiktok: ConnectedStore) -> None:
        self.request(order_of(tiktok, cancel_requested_at=NOON + HOUR))
        assert [due.due_at for due in listed(tiktok)] == [NOON + 24 * HOUR]

    @pytest.mark.parametrize("changes", [{"answer": "REFUSED"}, {"status": "WITHDRAWN"}, {"is_request": False}])
    def test_that_was_given_or_is_not_asked_for_is_not_due(
        self, tiktok: ConnectedStore, changes: dict[str, Any]
    ) -> None:
        asked = None if changes.get("status") == "WITHDRAWN" else NOON
        self.request(order_of(tiktok, cancel_requested_at=asked), answer_by=NOON + HOUR, **changes)
        assert listed(tiktok) == []

    @pytest.mark.parametrize(("kind", "hours"), [("RETURN", 48), ("REFUND", 48), ("REPLACEMENT", 24)])
    def test_to_a_return_is_due_when_it_says_or_by_its_kind(
        self, tiktok: ConnectedStore, kind: str, hours: int
    ) -> None:
        self.asked(order_of(tiktok), kind=kind)
        self.asked(order_of(tiktok), external_id="r2", kind=kind, answer_by=NOON + HOUR)
        assert [due.due_at - NOON for due in listed(tiktok, K.RETURN_ANSWER)] == [HOUR, hours * HOUR]

    def test_to_a_return_is_not_due_once_it_was_given_until_it_asks_anew(self, tiktok: ConnectedStore) -> None:
        case = self.asked(order_of(tiktok))
        case.answer, case.answered_for = {"decision": "APPROVE_RETURN"}, case.question
        with merchant_rows(tiktok.merchant_id):
            case.save()
        assert listed(tiktok) == []
        case.decisions, case.status_text = ["APPROVE_GOODS", "REJECT_GOODS"], "RECEIVED"
        with merchant_rows(tiktok.merchant_id):
            case.save()
        assert not case.is_answered
        assert len(listed(tiktok)) == 1

    def test_to_a_return_that_asks_for_nothing_is_not_due(self, tiktok: ConnectedStore) -> None:
        self.asked(order_of(tiktok), decisions=[], answer_by=NOON)
        assert listed(tiktok) == []


class TestPressing:
    def seen(self, store: ConnectedStore, kind: DeadlineKind, now: datetime = NOON) -> Any:
        with merchant_rows(store.merchant_id):
            return pressing_of(merchant_id=store.merchant_id, now=now).get(kind)

    def test_counts_what_is_late_near_and_coming(self, tiktok: ConnectedStore) -> None:
        for left in (-2 * HOUR, HOUR, 9 * HOUR, 30 * HOUR):
            order_of(tiktok, ship_by=NOON + left)
        found = self.seen(tiktok, K.DISPATCH)
        assert (found.count, found.late, found.near) == (3, 1, 1)
        assert (found.first, found.coming) == (NOON - 2 * HOUR, NOON + HOUR)

    def test_begins_when_the_merchant_wants_to_be_warned(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON + 30 * HOUR)
        assert self.seen(tiktok, K.DISPATCH) is None
        rules(tiktok, warn_first_hours=48)
        assert self.seen(tiktok, K.DISPATCH).count == 1

    def test_adds_up_what_was_named_and_what_was_reckoned(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON + 2 * HOUR)
        order = order_of(tiktok)
        with merchant_rows(tiktok.merchant_id):
            ReckonedDeadlines.objects.create(order=order, merchant=order.merchant, ship_by=NOON + HOUR)
        found = self.seen(tiktok, K.DISPATCH)
        assert (found.count, found.coming) == (2, NOON + HOUR)

    def test_of_all_merchants_is_one_statement(self, tiktok: ConnectedStore, db: None) -> None:
        other = StoreFactory()
        order_of(tiktok, ship_by=NOON + HOUR)
        order_of(other, ship_by=NOON - HOUR, cancel_requested_at=NOON)
        with (
            all_merchants("a test"),
            CaptureQueriesContext(
                connection,
            ) as asked,
        ):
            found = pressing_of_all(now=NOON)
        assert len(asked) == 1
        assert found[tiktok.merchant_id][K.DISPATCH].late == 0
        assert found[other.merchant_id][K.DISPATCH].late == 1
        assert found[other.merchant_id][K.CANCEL_ANSWER].count == 1

    def test_of_another_merchant_is_not_seen(self, tiktok: ConnectedStore) -> None:
        other = StoreFactory()
        order_of(other, ship_by=NOON)
        with merchant_rows(tiktok.merchant_id):
            assert pressing_of(merchant_id=other.merchant_id, now=NOON) == {}


class TestCost:
    def test_reads_an_index_and_never_every_order(self, tiktok: ConnectedStore) -> None:
        """The plan is what the server makes of it when it may not read tables whole."""
        order_of(tiktok, ship_by=NOON + timedelta(hours=1))
        with merchant_rows(tiktok.merchant_id), connection.cursor() as cursor:
            with CaptureQueriesContext(connection) as asked:
                pressing_of(merchant_id=tiktok.merchant_id, now=NOON)
            cursor.execute("set local enable_seqscan = off")
            cursor.execute(f"explain {asked[0]['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        names = ("dispatch", "auto_cancel", "deliver", "cancel_asked", "change_asked", "held")
        assert [name for name in names if f"using order_{name} " not in plan] == []
