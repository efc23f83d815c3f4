"""A web address that a merchant named for its alerts is a secret: encrypted in one row, and by its mark elsewhere."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.access import all_merchants, merchant_rows
from connectors.models import ConnectedStore
from orders import alert_addresses, alerts, delivering, muting
from orders.alert_rules import AlertRules
from orders.models import AlertAddress, AlertDelivery, AlertMessage, MerchantRules, SettingsVersion
from tests.factories import StoreFactory
from tests.orders.builders import NOON
from tests.orders.test_alert_pages import filled, rules_of
from tests.orders.test_alerts import choose
from tests.orders.test_due import order_of

FIRST = "https://hooks.example.com/services/T0CANARY/B0CANARY/first-canary?key=canary"
SECOND = "https://hooks.example.com/services/T0CANARY/B0CANARY/second-canary"


def database() -> str:
    """Every row of every table, as a dump would hold it."""
    with all_merchants("a test reads the whole database"), connection.cursor() as cursor:
        cursor.execute("select quote_ident(tablename) from pg_tables where schemaname = 'public'")
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"select t::text from {table} t")
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def save(alice: Client, **changes: Any) -> None:
    """Look first, then save what was looked at."""
    data = {**filled(alice.get("/settings/alerts/").context["form"]), **changes}
    looked = alice.post("/settings/alerts/", {**data, "step": "look"})
    assert looked.status_code == 200, looked.content.decode()
    if looked.context["look"].changes:
        alice.post("/settings/alerts/", {**data, "step": "save", "seen": looked.context["look"].digest})


def kept(store: ConnectedStore) -> str:
    """The address that messages go to now."""
    mark = AlertRules.from_json(rules_of(store).alerts).webhook_to
    with all_merchants("a test looks"):
        return alert_addresses.urls_of({(store.merchant_id, mark)}).get((store.merchant_id, mark), "")


class TestAddress:
    def test_stands_nowhere_in_the_database_but_encrypted(self, alice: Client, tiktok: ConnectedStore) -> None:
        save(alice, webhook_url=FIRST)
        save(alice, webhook_url=SECOND)
        order_of(tiktok, ship_by=timezone.now() - timedelta(hours=1))
        alerts.judge(now=timezone.now())
        with merchant_rows(tiktok.merchant_id):
            muting.send_test(merchant_id=tiktok.merchant_id, now=timezone.now())
            assert AlertDelivery.objects.filter(channel="WEBHOOK").exists()
            assert [each.url for each in AlertAddress.objects.order_by("pk")] == [FIRST, SECOND]
        delivering.deliver(clock=timezone.now)
        dump = database()
        assert "hooks.example.com#" in dump
        assert "canary" not in dump.lower()

    def test_is_shown_on_no_page_once_it_is_saved(self, alice: Client, tiktok: ConnectedStore) -> None:
        save(alice, webhook_url=FIRST)
        save(alice, webhook_url=SECOND)
        with merchant_rows(tiktok.merchant_id):
            muting.send_test(merchant_id=tiktok.merchant_id, now=timezone.now())
        for path in ("/settings/alerts/", "/settings/history/", "/settings/history/1/", "/alerts/"):
            page = alice.get(path).content.decode()
            assert "canary" not in page.lower()
            assert "hooks.example.com" in page

    def test_stays_where_none_is_entered(self, alice: Client, tiktok: ConnectedStore) -> None:
        save(alice, webhook_url=FIRST)
        save(alice, more_than="9")
        assert (kept(tiktok), AlertRules.from_json(rules_of(tiktok).alerts).more_than) == (FIRST, 9)

    def test_is_forgotten_by_the_box_and_comes_back_from_the_history(
        self, alice: Client, tiktok: ConnectedStore
    ) -> None:
        save(alice, webhook_url=FIRST)
        save(alice, webhook_off="on")
        assert AlertRules.from_json(rules_of(tiktok).alerts).webhook_to == ""
        seen = alice.get("/settings/history/1/").context["seen"]
        alice.post("/settings/history/1/restore/", {"seen": seen})
        assert kept(tiktok) == FIRST

    def test_entered_again_is_no_change(self, alice: Client, tiktok: ConnectedStore) -> None:
        save(alice, webhook_url=FIRST)
        save(alice, webhook_url=FIRST)
        with merchant_rows(tiktok.merchant_id):
            assert (SettingsVersion.objects.count(), AlertAddress.objects.count()) == (1, 1)

    def test_that_no_key_opens_says_so_and_stops_nobody_elses(
        self, tiktok: ConnectedStore, httpserver: Any, settings: Any
    ) -> None:
        settings.ALERTS_MAY_STAY_HERE = True
        other = StoreFactory()
        httpserver.expect_request("/other").respond_with_data("")
        for store, path in ((tiktok, "/mine"), (other, "/other")):
            choose(store, email=[], webhook_url=httpserver.url_for(path))
            order_of(store, ship_by=NOON - timedelta(hours=1))
            with merchant_rows(store.merchant_id):
                muting.new_secret(merchant_id=store.merchant_id)
        with merchant_rows(tiktok.merchant_id), connection.cursor() as cursor:
            cursor.execute("update orders_alertaddress set url = 'not a token'")
        alerts.judge(now=NOON)
        assert delivering.deliver(clock=lambda: NOON) == 1
        with merchant_rows(tiktok.merchant_id):
            delivery = AlertDelivery.objects.filter(channel="WEBHOOK").get()
            assert "enter it anew" in delivery.last_error
            alert_addresses.keep(merchant_id=tiktok.merchant_id, url=httpserver.url_for("/mine"))
        assert kept(tiktok) == httpserver.url_for("/mine")

    def test_of_another_merchant_is_not_seen(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            alert_addresses.keep(merchant_id=tiktok.merchant_id, url=FIRST)
        with merchant_rows(StoreFactory().merchant_id):
            assert not AlertAddress.objects.exists()


class TestMigration:
    @pytest.fixture
    def plain(self, tiktok: ConnectedStore) -> ConnectedStore:
        """Rows as they were before."""
        with merchant_rows(tiktok.merchant_id):
            rules = {"more_than": 9, "webhook_url": SECOND}
            MerchantRules.objects.keep(merchant_id=tiktok.merchant_id, alerts=rules)
            changes = [{"what": ["webhook_url"], "before": FIRST, "after": SECOND}]
            versions = [
                ({"webhook_url": FIRST}, [{"what": ["webhook_url"], "before": None, "after": FIRST}]),
                (rules, [{"what": ["more_than"], "before": None, "after": 9}, *changes]),
            ]
            for number, (document, changed) in enumerate(versions, start=1):
                SettingsVersion.objects.create(
                    merchant_id=tiktok.merchant_id, number=number, concern="ALERTS", document=document,
                    changes=changed, author="Alice", saved_at=NOON,
                )  # fmt: skip
            message = AlertMessage.objects.create(merchant_id=tiktok.merchant_id, word="TEST", said_at=NOON)
            for channel, address in (("WEBHOOK", SECOND), ("EMAIL", "alice@example.com")):
                AlertDelivery.objects.create(
                    merchant_id=tiktok.merchant_id, message=message, channel=channel, address=address, not_before=NOON
                )
        return tiktok

    def test_leaves_no_address_in_plain_text_and_every_one_in_force(self, plain: ConnectedStore) -> None:
        encrypt = import_module("orders.migrations.0029_encrypt_alert_addresses").encrypt
        for _ in range(2):
            with all_merchants("as the migration does"):
                encrypt(apps)
        assert "canary" not in database().lower()
        assert kept(plain) == SECOND
        first, second = (alert_addresses.mark_of(url) for url in (FIRST, SECOND))
        with merchant_rows(plain.merchant_id):
            assert rules_of(plain).alerts == {"more_than": 9, "webhook_to": second}
            one, two = SettingsVersion.objects.order_by("number")
            assert (one.document, two.document["webhook_to"]) == ({"webhook_to": first}, second)
            assert two.changes[1] == {"what": ["webhook_to"], "before": first, "after": second}
            addresses = AlertDelivery.objects.order_by("pk").values_list("address", flat=True)
            assert list(addresses) == [second, "alice@example.com"]
            assert AlertAddress.objects.count() == 2
