"""The pages of deadlines and alerts, and what their buttons do."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.access import merchant_rows
from accounts.models import Membership, Role
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore, StoreState
from orders import alerts, delivering
from orders.alert_rules import AlertRules
from orders.deadlines import DeadlineRules
from orders.models import AlertMessage, AlertWord, MerchantRules, ReckonedDeadlines, SettingsVersion
from orders.queries.work import work_context
from tests.factories import MirrorFactory, OrderFactory, UserFactory
from tests.orders.builders import HOUR, NOON
from tests.orders.test_alerts import choose, of_store
from tests.orders.test_due import order_of


def shown(store: ConnectedStore, **query: str) -> dict[str, Any]:
    return work_context(merchant_id=store.merchant_id, query=query, now=NOON)


def rules_of(store: ConnectedStore) -> MerchantRules:
    with merchant_rows(store.merchant_id):
        return MerchantRules.objects.get()


def filled(form: Any) -> dict[str, Any]:
    """What a browser sends for a form as it was shown."""
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.field.prepare_value(bound.value()) if hasattr(bound.field, "prepare_value") else bound.value()
        if isinstance(value, bool):
            data |= {bound.html_name: "on"} if value else {}
        elif isinstance(value, tuple | list):
            data[bound.html_name] = [str(each) for each in value]
        else:
            data[bound.html_name] = str(value)
    return data


@pytest.fixture(autouse=True)
def production(settings: Any) -> None:
    """What people name is judged as in production."""
    settings.ALERTS_MAY_STAY_HERE = False


@pytest.fixture
def viewer(client: Client, tiktok: ConnectedStore) -> Client:
    bob = UserFactory(email="bob@example.com")
    with merchant_rows(tiktok.merchant_id):
        Membership.objects.create(merchant=tiktok.merchant, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    return client


class TestWorkList:
    def test_says_what_to_do_about_each(self, tiktok: ConnectedStore) -> None:
        MirrorFactory(order=order_of(tiktok, ship_by=NOON), name="#1001")
        order_of(tiktok, ship_by=NOON + HOUR, status=SourceStatus.AWAITING_COLLECTION)
        OrderFactory(source_store=tiktok, skipped=True, ship_by=NOON + 2 * HOUR)
        OrderFactory(source_store=tiktok, unlinked=True, ship_by=NOON + 3 * HOUR)
        order_of(tiktok, ship_by=None, cancel_requested_at=NOON)
        assert [row["what"] for row in shown(tiktok)["rows"]] == [
            "Ship it: Shopify #1001.",
            "Hand the parcel to the carrier: only its first scan counts.",
            "Ship it by hand: older than the connection.",
            "CND-FIG-08 is not linked. Link it here, or give one variant in Shopify this SKU.",
            "Accept or refuse it, and ship nothing meanwhile.",
        ]

    def test_says_what_was_reckoned_and_what_it_costs(self, tiktok: ConnectedStore) -> None:
        order = order_of(tiktok)
        with merchant_rows(tiktok.merchant_id):
            ReckonedDeadlines.objects.create(order=order, merchant=order.merchant, ship_by=NOON)
        (row,) = shown(tiktok)["rows"]
        assert (row["is_reckoned"], row["costs"]) == (True, "Counts as late dispatch: limit 4 %")

    def test_costs_the_same_whatever_there_is(self, tiktok: ConnectedStore, django_assert_num_queries: Any) -> None:
        for number in range(6):
            MirrorFactory(order=order_of(tiktok, ship_by=NOON + number * HOUR))
        with django_assert_num_queries(9):  # a transaction, its merchant, and seven
            shown(tiktok)

    def test_goes_on_page_by_page(self, alice: Client, tiktok: ConnectedStore) -> None:
        for number in range(53):
            order_of(tiktok, ship_by=NOON + number * HOUR)
        page = alice.get("/orders/deadlines/?kind=dispatch")
        assert len(page.context["rows"]) == 50
        rest = alice.get(page.context["next_url"])
        assert len(rest.context["rows"]) == 3
        assert (rest.context["next_url"], rest.context["first_url"]) == ("", "/orders/deadlines/?kind=dispatch")

    def test_is_calm_while_nothing_is_due(self, alice: Client) -> None:
        assert "Nothing is due here" in alice.get("/orders/deadlines/?kind=nonsense&after=x").content.decode()


class TestBell:
    def test_counts_what_this_member_has_not_read(self, alice: Client, viewer: Client, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON - HOUR)
        of_store(tiktok, state=StoreState.RECONNECT)
        alerts.judge(now=timezone.now())
        for path in ("/stores/", "/orders/", "/dashboard/"):
            assert 'aria-label="Alerts, 2 not read"' in viewer.get(path).content.decode(), path
        assert viewer.post("/alerts/read/")["Location"] == "/alerts/"
        assert 'aria-label="Alerts"' in viewer.get("/stores/").content.decode()
        with merchant_rows(tiktok.merchant_id):
            owner = Membership.objects.get(role=Role.OWNER)
        assert owner.news_read_at is None

    def test_is_not_rung_by_what_is_over_muted_or_wanted_elsewhere_only(
        self, alice: Client, tiktok: ConnectedStore
    ) -> None:
        with merchant_rows(tiktok.merchant_id):
            for word, is_shown in ((AlertWord.RESOLVED, True), (AlertWord.TEST, True), (AlertWord.OPENED, False)):
                AlertMessage.objects.create(
                    merchant=tiktok.merchant, kind="MONEY", word=word, is_shown=is_shown, facts={"count": 1},
                    said_at=timezone.now(),
                )  # fmt: skip
        page = alice.get("/alerts/").content.decode()
        assert 'aria-label="Alerts"' in page
        assert "Mark all as read" not in page


class TestAlertPage:
    def test_shows_what_is_open_what_was_said_and_whom_it_reached(self, alice: Client, tiktok: ConnectedStore) -> None:
        order_of(tiktok, ship_by=NOON - HOUR)
        alerts.judge(now=timezone.now())
        assert "To be sent" in alice.get("/alerts/").content.decode()
        delivering.deliver(clock=timezone.now)
        page = alice.get("/alerts/").content.decode()
        assert page.count("1 deadline has passed") == 2
        assert "E-mail to alice@example.com" in page
        assert "Sent" in page

    def test_goes_back_through_what_was_said(self, alice: Client, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            for _ in range(33):
                AlertMessage.objects.create(merchant=tiktok.merchant, word=AlertWord.TEST, said_at=NOON)
        page = alice.get("/alerts/")
        older = alice.get(f"/alerts/?before={page.context['older']}")
        assert (len(page.context["said"]), len(older.context["said"]), older.context["older"]) == (30, 3, None)

    def test_mutes_and_unmutes(self, alice: Client, tiktok: ConnectedStore) -> None:
        alice.post("/alerts/mute/", {"kind": "MONEY", "hours": "4"})
        assert list(rules_of(tiktok).mutes) == ["MONEY"]
        for kind, hours in (("MONEY", ""), ("NONSENSE", "4"), ("", "5")):
            alice.post("/alerts/mute/", {"kind": kind, "hours": hours})
            assert rules_of(tiktok).mutes == {}

    @pytest.mark.parametrize("back", ["https://evil.example.com/", "//evil.example.com/", "/\\evil.example.com"])
    def test_leads_nobody_away(self, alice: Client, back: str) -> None:
        assert alice.post("/alerts/mute/", {"back": back})["Location"] == "/alerts/"

    def test_sends_a_test_by_every_way(self, alice: Client, tiktok: ConnectedStore) -> None:
        choose(tiktok, email=[], addresses=["ops@example.com"])
        answer = alice.post("/alerts/test/", follow=True).content.decode()
        assert "A test is on its way" in answer
        for _ in range(2):
            delivering.deliver(clock=timezone.now)
        assert sorted(letter.to[0] for letter in mail.outbox) == ["alice@example.com", "ops@example.com"]
        assert {letter.subject for letter in mail.outbox} == {"This is a test · Alice's Candles"}

    def test_says_where_there_is_nowhere_to_send_it(self, alice: Client, tiktok: ConnectedStore) -> None:
        choose(tiktok, to_owners=False)
        assert "nowhere to send it" in alice.post("/alerts/test/", follow=True).content.decode()

    def test_offers_a_viewer_no_button_but_to_read(self, viewer: Client, tiktok: ConnectedStore) -> None:
        of_store(tiktok, state=StoreState.RECONNECT)
        alerts.judge(now=timezone.now())
        page = viewer.get("/alerts/").content.decode()
        assert "/alerts/mute/" not in page
        assert "Mark all as read" in page
        for path in ("/alerts/mute/", "/alerts/test/", "/settings/alerts/secret/"):
            assert viewer.post(path).status_code == 403
        for path in ("/settings/alerts/", "/settings/deadlines/"):
            assert viewer.get(path).status_code == 200
            assert viewer.post(path).status_code == 403


class TestAlertSettings:
    def saved(self, alice: Client, **changes: Any) -> Any:
        """Look first, then save what was looked at."""
        data = {**filled(alice.get("/settings/alerts/").context["form"]), **changes}
        looked = alice.post("/settings/alerts/", {**data, "step": "look"})
        if looked.status_code == 400:
            return looked
        return alice.post("/settings/alerts/", {**data, "step": "save", "seen": looked.context["look"].digest})

    def test_are_looked_at_then_saved_as_a_version(self, alice: Client, tiktok: ConnectedStore) -> None:
        kinds = [kind for kind in AlertRules().email if kind != "MONEY"]
        self.saved(alice, email=kinds, days_left="7, 30", addresses="OPS@example.com\n")
        kept = AlertRules.from_json(rules_of(tiktok).alerts)
        assert (kept.days_left, kept.addresses, "MONEY" in kept.email) == ((30, 7), ("ops@example.com",), False)
        with merchant_rows(tiktok.merchant_id):
            version = SettingsVersion.objects.get()
        assert (version.concern, version.about) == ("ALERTS", "")
        page = alice.get("/settings/history/").content.decode()
        assert "Money does not balance: E-mail" in page
        assert "30, 7" in page

    def test_come_back_from_the_history(self, alice: Client, tiktok: ConnectedStore) -> None:
        self.saved(alice, more_than="9")
        self.saved(alice, more_than="3")
        seen = alice.get("/settings/history/1/").context["seen"]
        alice.post("/settings/history/1/restore/", {"seen": seen})
        assert AlertRules.from_json(rules_of(tiktok).alerts).more_than == 9

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("webhook_url", "http://hooks.example.com/"),
            ("webhook_url", "https://127.0.0.1/"),
            ("webhook_url", "https://user:pass@hooks.example.com/"),
            ("webhook_url", "javascript:alert(1)"),
            ("addresses", "not an address"),
            ("addresses", "a@example.com\nBcc: b@example.com"),
            ("addresses", "\n".join(f"a{number}@example.com" for number in range(11))),
            ("days_left", "0"),
            ("days_left", "91"),
            ("days_left", "x"),
            ("days_left", "٣"),
            ("pause_minutes", "1"),
            ("more_than", "-1"),
        ],
    )
    def test_refuse_what_makes_no_sense(self, alice: Client, tiktok: ConnectedStore, name: str, value: str) -> None:
        answer = self.saved(alice, **{name: value})
        assert answer.status_code == 400
        assert "Nothing was saved" in answer.content.decode()
        with merchant_rows(tiktok.merchant_id):
            assert not SettingsVersion.objects.exists()

    def test_show_a_secret_once_and_keep_it_encrypted(self, alice: Client, tiktok: ConnectedStore) -> None:
        secret = alice.post("/settings/alerts/secret/").context["secret"]
        assert rules_of(tiktok).alert_secret == secret
        for path in ("/settings/alerts/", "/settings/history/", "/alerts/"):
            assert secret not in alice.get(path).content.decode()


class TestDeadlineSettings:
    def test_are_saved_as_a_version_and_reckoned_anew(self, alice: Client, tiktok: ConnectedStore) -> None:
        order = order_of(tiktok)
        with merchant_rows(tiktok.merchant_id):
            ReckonedDeadlines.objects.create(order=order, merchant=order.merchant, ship_by=NOON)
        data = {**filled(alice.get("/settings/deadlines/").context["form"]), "dispatch_days": "3",
                "dispatch_from": "ORDER", "days_off": "2026-12-24\n2026-12-24"}  # fmt: skip
        looked = alice.post("/settings/deadlines/", {**data, "step": "look"})
        assert len(looked.context["look"].changes) == 3
        alice.post("/settings/deadlines/", {**data, "step": "save", "seen": looked.context["look"].digest})
        kept = rules_of(tiktok).deadlines
        assert kept == {"dispatch_days": 3, "dispatch_from": "ORDER", "days_off": ["2026-12-24"]}
        with merchant_rows(tiktok.merchant_id):
            assert not ReckonedDeadlines.objects.exists()
        assert DeadlineRules.from_json(kept).workdays.days_off

    @pytest.mark.parametrize(
        ("name", "value"),
        [("days_off", "24.12.2026"), ("warn_last_hours", "24"), ("dispatch_days", "0"), ("dispatch_from", "NEVER")],
    )
    def test_refuse_what_makes_no_sense(self, alice: Client, tiktok: ConnectedStore, name: str, value: str) -> None:
        data = filled(alice.get("/settings/deadlines/").context["form"])
        assert alice.post("/settings/deadlines/", {**data, name: value, "step": "look"}).status_code == 400
