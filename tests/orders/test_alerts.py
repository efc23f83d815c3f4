"""What is said when: grouped, again only when it got worse, once when it is over, and nothing while it is muted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import merchant_rows
from accounts.models import Membership, Role
from connectors.models import ConnectedStore, StoreState
from orders import alert_addresses, alerts, muting
from orders.alert_words import words_of
from orders.alerts import CALM, lowered, verdict
from orders.findings import Mark
from orders.models import (
    Alert,
    AlertDelivery,
    AlertKind,
    AlertMessage,
    Attention,
    Lane,
    MerchantRules,
    Order,
    OutboxItem,
    OutboxKind,
    SetAside,
)
from orders.states import ask_for_attention, clear_attention
from tests.factories import StoreFactory, UserFactory
from tests.orders.builders import HOUR, NOON
from tests.orders.test_due import order_of

MINUTE = timedelta(minutes=1)
HOURLY = {"pause": HOUR, "said_at": NOON}


def said(store: ConnectedStore) -> list[tuple[str, str]]:
    """Kind and word of every message, in the order in which they were said."""
    with merchant_rows(store.merchant_id):
        return list(AlertMessage.objects.order_by("pk").values_list("kind", "word"))


def title(store: ConnectedStore) -> str:
    """The title of the last message."""
    with merchant_rows(store.merchant_id):
        last = AlertMessage.objects.order_by("pk").last()
    assert last is not None
    return words_of(kind=last.kind, word=last.word, facts=last.facts).title


def deliveries(store: ConnectedStore) -> list[tuple[str, str]]:
    with merchant_rows(store.merchant_id):
        return list(AlertDelivery.objects.order_by("pk").values_list("channel", "address"))


def choose(store: ConnectedStore, *, webhook_url: str = "", **rules: Any) -> None:
    with merchant_rows(store.merchant_id):
        if webhook_url:
            rules["webhook_to"] = alert_addresses.keep(merchant_id=store.merchant_id, url=webhook_url)
        MerchantRules.objects.update_or_create(merchant=store.merchant, defaults={"alerts": rules})


def of_store(store: ConnectedStore, **columns: Any) -> None:
    with merchant_rows(store.merchant_id):
        ConnectedStore.objects.filter(pk=store.pk).update(**columns)


def asking(store: ConnectedStore, at: datetime = NOON, code: Attention = Attention.NOT_LINKED) -> Order:
    order = order_of(store)
    with merchant_rows(store.merchant_id):
        ask_for_attention(order=order, code=code, now=at, detail={"sku": "X"})
    return order


@pytest.fixture(autouse=True)
def heard(request: pytest.FixtureRequest) -> None:
    """Alice's shop tells us of everything, so that nothing here is about its silence but where that is asked."""
    if "tiktok" in request.fixturenames:
        of_store(request.getfixturevalue("tiktok"), last_webhook_at=NOON + timedelta(days=99))


class TestVerdict:
    @pytest.mark.parametrize(
        ("marks", "told", "after", "is_worse"),
        [
            ({"soon": Mark(3)}, {"soon": Mark(3)}, 90 * HOUR, False),
            ({"soon": Mark(4)}, {"soon": Mark(3)}, 59 * MINUTE, False),
            ({"soon": Mark(4)}, {"soon": Mark(3)}, HOUR, True),
            ({"soon": Mark(9)}, {"soon": Mark(3)}, MINUTE, True),  # three times as many
            ({"soon": Mark(7)}, {"soon": Mark(3)}, MINUTE, False),  # twice, and yet a few
            ({"soon": Mark(3), "near": Mark(1)}, {"soon": Mark(3)}, MINUTE, True),  # graver
            ({"soon": Mark(2)}, {"soon": Mark(2), "near": Mark(1)}, 90 * HOUR, False),  # less grave
            ({"soon": Mark(3, NOON + HOUR)}, {"soon": Mark(3, NOON)}, 2 * HOUR, True),  # one went, another came
        ],
    )
    def test_is_worse_only_when_something_came(
        self, marks: dict[str, Mark], told: dict[str, Mark], after: timedelta, is_worse: bool
    ) -> None:
        assert verdict(marks=marks, told=told, now=NOON + after, **HOURLY) is is_worse

    def test_counts_from_what_is_left_of_what_was_said(self) -> None:
        left = lowered(marks={"soon": Mark(1)}, told={"soon": Mark(5), "late": Mark(2)})
        assert left == {"soon": Mark(1)}
        assert verdict(marks={"soon": Mark(2)}, told=left, now=NOON + HOUR, **HOURLY)


class TestAlert:
    def test_is_said_once_for_many_and_not_repeated(self, tiktok: ConnectedStore) -> None:
        for _ in range(4):
            order_of(tiktok, ship_by=NOON + 9 * HOUR)
        for minute in range(30):
            alerts.judge(now=NOON + minute * MINUTE)
        assert said(tiktok) == [("DEADLINE", "OPENED")]
        assert title(tiktok) == "4 deadlines within 24 h"

    def test_is_said_again_at_each_graver_step(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON + 23 * HOUR)
        titles = []
        for hours in (0, 18, 20, 22, 24, 30):
            if alerts.judge(now=NOON + hours * HOUR):
                titles.append(title(tiktok))
        assert titles == ["1 deadline within 24 h", "1 deadline within 4 h", "1 deadline has passed"]

    def test_tells_of_more_after_a_pause(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON + 9 * HOUR)
        alerts.judge(now=NOON)
        order_of(tiktok, ship_by=NOON + 9 * HOUR)
        assert [alerts.judge(now=NOON + minutes * MINUTE) for minutes in (1, 59, 60, 61)] == [0, 0, 1, 0]
        assert said(tiktok)[-1] == ("DEADLINE", "WORSE")

    def test_is_said_to_be_over_once_and_after_a_calm(self, tiktok: ConnectedStore) -> None:
        order = order_of(tiktok, ship_by=NOON + HOUR)
        alerts.judge(now=NOON)
        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=order.pk).update(source_status="IN_TRANSIT")
        found = [alerts.judge(now=NOON + MINUTE + step) for step in (0 * MINUTE, CALM / 2, CALM, CALM + MINUTE)]
        assert found == [0, 0, 1, 0]
        assert said(tiktok) == [("DEADLINE", "OPENED"), ("DEADLINE", "RESOLVED")]

    def test_that_comes_back_within_the_calm_was_never_over(self, tiktok: ConnectedStore) -> None:
        order = order_of(tiktok, ship_by=NOON + HOUR)
        alerts.judge(now=NOON)
        for minute, status in ((1, "IN_TRANSIT"), (3, "AWAITING_SHIPMENT"), (7, "AWAITING_SHIPMENT")):
            with merchant_rows(tiktok.merchant_id):
                Order.objects.filter(pk=order.pk).update(source_status=status)
            alerts.judge(now=NOON + minute * MINUTE)
        assert said(tiktok) == [("DEADLINE", "OPENED")]

    def test_is_a_new_one_when_it_begins_again(self, tiktok: ConnectedStore) -> None:
        first = asking(tiktok, at=NOON - 2 * HOUR)
        alerts.judge(now=NOON)
        with merchant_rows(tiktok.merchant_id):
            clear_attention(order=first, now=NOON)
        alerts.judge(now=NOON + MINUTE)
        alerts.judge(now=NOON + MINUTE + CALM)
        asking(tiktok, at=NOON)
        alerts.judge(now=NOON + 2 * HOUR)
        assert [word for _, word in said(tiktok)] == ["OPENED", "RESOLVED", "OPENED"]

    def test_of_another_merchant_reaches_nobody_here(self, tiktok: ConnectedStore) -> None:
        other = StoreFactory()
        order_of(other, ship_by=NOON)
        alerts.judge(now=NOON)
        assert said(tiktok) == []
        assert len(said(other)) == 1


class TestKind:
    def test_counts_down_the_days_of_an_authorization(self, tiktok: ConnectedStore) -> None:
        of_store(tiktok, authorized_until=NOON + timedelta(days=31, hours=1))
        titles = []
        for day in range(34):
            if day == 32:
                of_store(tiktok, state=StoreState.RECONNECT, state_reason="The token was refused")
            if alerts.judge(now=NOON + timedelta(days=day, hours=2)):
                titles.append(title(tiktok))
        ends = "The authorization of Alice's Candles ends"
        assert titles == [
            f"{ends} in 29 days", f"{ends} in 13 days", f"{ends} in 6 days", f"{ends} within a day",
            "Alice's Candles has to be reconnected",
        ]  # fmt: skip

    def test_says_when_a_lost_store_is_back(self, tiktok: ConnectedStore) -> None:
        of_store(tiktok, state=StoreState.RECONNECT)
        alerts.judge(now=NOON)
        of_store(tiktok, state=StoreState.CONNECTED, authorized_until=NOON + timedelta(days=365))
        alerts.judge(now=NOON + MINUTE)
        alerts.judge(now=NOON + MINUTE + CALM)
        assert title(tiktok) == "Alice's Candles is connected"

    def test_leaves_authorizations_alone_that_renew_themselves(self, shopify: ConnectedStore) -> None:
        of_store(shopify, authorized_until=NOON + timedelta(days=1))
        assert alerts.judge(now=NOON) == 0

    @pytest.mark.parametrize(("count", "waited", "is_said"), [(5, 59, False), (6, 0, True), (1, 60, True)])
    def test_asks_for_attention_when_many_wait_or_one_for_long(
        self, tiktok: ConnectedStore, count: int, waited: int, is_said: bool
    ) -> None:
        for _ in range(count):
            asking(tiktok, at=NOON - waited * MINUTE)
        alerts.judge(now=NOON)
        assert said(tiktok) == ([("ATTENTION", "OPENED")] if is_said else [])

    def test_keeps_the_age_of_a_question_that_changes(self, tiktok: ConnectedStore) -> None:
        order = asking(tiktok, at=NOON - 2 * HOUR)
        with merchant_rows(tiktok.merchant_id):
            ask_for_attention(order=order, code=Attention.OUT_OF_STOCK, now=NOON)
        assert alerts.judge(now=NOON) == 1

    def test_tells_of_money_that_does_not_balance_at_once(self, tiktok: ConnectedStore) -> None:
        asking(tiktok, code=Attention.MONEY_MISMATCH)
        alerts.judge(now=NOON)
        assert said(tiktok) == [("MONEY", "OPENED")]
        assert title(tiktok) == "The money of 1 order does not balance"

    def test_tells_of_open_requests_and_of_their_last_hours(self, tiktok: ConnectedStore) -> None:
        order_of(tiktok, cancel_requested_at=NOON)
        assert [alerts.judge(now=NOON + hours * HOUR) for hours in (1, 10, 21, 25)] == [1, 0, 1, 1]
        assert {kind for kind, _ in said(tiktok)} == {"CANCEL_REQUEST"}

    def test_names_the_orders_that_are_not_accounted_for(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            SetAside.objects.create(
                merchant=tiktok.merchant, source_store=tiktok, external_id="576461413038785751", reason="",
                not_before=NOON, set_aside_at=NOON,
            )  # fmt: skip
        assert [alerts.judge(now=NOON + minutes * MINUTE) for minutes in (14, 15)] == [0, 1]
        with merchant_rows(tiktok.merchant_id):
            facts = AlertMessage.objects.get().facts
        assert "576461413038785751" in words_of(kind="LEDGER_GAP", word="OPENED", facts=facts).text

    def test_notices_silence_only_where_orders_came(self, tiktok: ConnectedStore) -> None:
        of_store(tiktok, last_webhook_at=NOON - 7 * HOUR)
        assert alerts.judge(now=NOON) == 0
        order_of(tiktok, ordered_at=NOON - 2 * HOUR)
        assert alerts.judge(now=NOON) == 1
        of_store(tiktok, last_webhook_at=NOON)
        alerts.judge(now=NOON + MINUTE)
        alerts.judge(now=NOON + MINUTE + CALM)
        assert said(tiktok) == [("SILENCE", "OPENED"), ("SILENCE", "RESOLVED")]

    @pytest.mark.parametrize(("used", "waits", "is_said"), [(95, 20, True), (50, 20, False), (95, 5, False)])
    def test_tells_of_a_platforms_limit_where_orders_wait_for_it(
        self, tiktok: ConnectedStore, shopify: ConnectedStore, used: int, waits: int, is_said: bool
    ) -> None:
        order = order_of(tiktok)
        with merchant_rows(tiktok.merchant_id):
            Lane.objects.create(
                merchant=tiktok.merchant, store=shopify, calls_used=used, calls_allowed=100, calls_at=NOON
            )
            OutboxItem.objects.create(
                merchant=tiktok.merchant, store=shopify, order=order, kind=OutboxKind.CREATE_ORDER, reference="r",
                not_before=NOON - waits * MINUTE, created_at=NOON,
            )  # fmt: skip
        alerts.judge(now=NOON)
        assert said(tiktok) == ([("RATE_LIMIT", "OPENED")] if is_said else [])

    def test_needs_no_store_that_answers(self, tiktok: ConnectedStore) -> None:
        """Judging makes no call: nothing here could be reached."""
        of_store(tiktok, state=StoreState.RECONNECT, credentials_text="")
        order_of(tiktok, ship_by=NOON)
        assert alerts.judge(now=NOON) == 2


class TestWords:
    def test_are_there_for_every_kind_open_and_over(self, tiktok: ConnectedStore) -> None:
        of_store(tiktok, state=StoreState.RECONNECT)
        order_of(tiktok, ship_by=NOON, cancel_requested_at=NOON - 25 * HOUR)
        alerts.judge(now=NOON)
        with merchant_rows(tiktok.merchant_id):
            facts = {alert.kind: alert.facts for alert in Alert.objects.all()}
        assert set(facts) == {"AUTHORIZATION", "DEADLINE", "CANCEL_REQUEST"}
        for kind, told in facts.items():
            for word in ("OPENED", "WORSE", "STILL", "RESOLVED"):
                words = words_of(kind=kind, word=word, facts=told)
                assert words.title
                assert words.action_url.startswith("/")
        for kind in AlertKind:
            assert words_of(kind=kind.value, word="RESOLVED", facts={}).tone == "green"


class TestChannels:
    def test_are_the_owners_and_the_chosen_addresses_each_once(self, tiktok: ConnectedStore) -> None:
        bob = UserFactory(email="bob@example.com")
        with merchant_rows(tiktok.merchant_id):
            Membership.objects.create(merchant=tiktok.merchant, user=bob, role=Role.MANAGER)
        choose(
            tiktok, addresses=["ops@example.com", "Alice@example.com"], webhook_url="https://hooks.example.com/verisync"
        )
        order_of(tiktok, ship_by=NOON)
        alerts.judge(now=NOON)
        assert deliveries(tiktok) == [
            ("EMAIL", "alice@example.com"),
            ("EMAIL", "ops@example.com"),
            ("WEBHOOK", alert_addresses.mark_of("https://hooks.example.com/verisync")),
        ]

    def test_are_chosen_for_each_kind(self, tiktok: ConnectedStore) -> None:
        choose(tiktok, email=["MONEY"], in_app=[], webhook=["DEADLINE"], webhook_url="https://hooks.example.com/")
        order_of(tiktok, ship_by=NOON)
        alerts.judge(now=NOON)
        assert deliveries(tiktok) == [("WEBHOOK", alert_addresses.mark_of("https://hooks.example.com/"))]
        with merchant_rows(tiktok.merchant_id):
            assert AlertMessage.objects.get().is_shown is False

    def test_may_be_none_at_all(self, tiktok: ConnectedStore) -> None:
        choose(tiktok, email=[], in_app=[], webhook=[])
        order_of(tiktok, ship_by=NOON)
        assert alerts.judge(now=NOON) == 0

    def test_leave_out_whoever_is_no_longer_active(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            owner = Membership.objects.get().user
        owner.is_active = False
        owner.save()
        order_of(tiktok, ship_by=NOON)
        alerts.judge(now=NOON)
        assert deliveries(tiktok) == []


class TestMute:
    def mute(self, store: ConnectedStore, kind: str, hours: int, now: datetime = NOON) -> None:
        with merchant_rows(store.merchant_id):
            muting.mute(merchant_id=store.merchant_id, kind=kind, hours=hours, now=now)

    @pytest.mark.parametrize("kind", ["DEADLINE", ""])
    def test_keeps_the_alert_and_says_it_when_the_time_is_over(self, tiktok: ConnectedStore, kind: str) -> None:
        self.mute(tiktok, kind, 4)
        order_of(tiktok, ship_by=NOON - HOUR)
        alerts.judge(now=NOON)
        assert deliveries(tiktok) == []
        with merchant_rows(tiktok.merchant_id):
            message = AlertMessage.objects.get()
            assert (message.is_muted, message.is_shown) == (True, False)
        assert [alerts.judge(now=NOON + hours * HOUR) for hours in (3, 5, 6)] == [0, 1, 0]
        assert said(tiktok)[-1] == ("DEADLINE", "STILL")
        assert deliveries(tiktok) == [("EMAIL", "alice@example.com")]

    def test_of_one_kind_leaves_the_others(self, tiktok: ConnectedStore) -> None:
        self.mute(tiktok, "MONEY", 4)
        order_of(tiktok, ship_by=NOON)
        alerts.judge(now=NOON)
        assert len(deliveries(tiktok)) == 1

    def test_does_not_tell_of_the_end_of_what_nobody_heard_of(self, tiktok: ConnectedStore) -> None:
        self.mute(tiktok, "", 1)
        order = order_of(tiktok, ship_by=NOON)
        alerts.judge(now=NOON)
        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=order.pk).update(source_status="IN_TRANSIT")
        alerts.judge(now=NOON + HOUR)
        alerts.judge(now=NOON + HOUR + CALM)
        assert [word for _, word in said(tiktok)] == ["OPENED", "RESOLVED"]
        assert deliveries(tiktok) == []

    def test_ends_when_a_person_says_so(self, tiktok: ConnectedStore) -> None:
        self.mute(tiktok, "", 4)
        self.mute(tiktok, "", 0)
        order_of(tiktok, ship_by=NOON)
        alerts.judge(now=NOON)
        assert len(deliveries(tiktok)) == 1

    def test_forgets_what_is_over(self, tiktok: ConnectedStore) -> None:
        self.mute(tiktok, "MONEY", 1)
        self.mute(tiktok, "DEADLINE", 1, now=NOON + 2 * HOUR)
        with merchant_rows(tiktok.merchant_id):
            assert list(MerchantRules.objects.get().mutes) == ["DEADLINE"]


class TestCost:
    def counted(self, now: datetime) -> int:
        with CaptureQueriesContext(connection) as asked:
            alerts.judge(now=now)
        return len([each for each in asked if "SAVEPOINT" not in each["sql"]])

    def test_is_a_handful_while_nothing_changes_however_many_there_are(self, tiktok: ConnectedStore) -> None:
        asking(tiktok, at=NOON - 2 * HOUR)
        alerts.judge(now=NOON)
        few = self.counted(NOON + MINUTE)
        others = [StoreFactory() for _ in range(12)]
        for other in others:
            asking(other, at=NOON - 2 * HOUR)
            order_of(other, ship_by=NOON + 90 * HOUR)
        alerts.judge(now=NOON + 2 * MINUTE)
        assert self.counted(NOON + 3 * MINUTE) == few <= 8

    def test_is_bounded_when_many_merchants_are_told_at_once(self, tiktok: ConnectedStore) -> None:
        for _ in range(12):
            order_of(StoreFactory(), ship_by=NOON)
        assert self.counted(NOON) <= 14
