"""Messages on their way out: mail and signed webhooks, over real connections; what fails is tried again and said."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders import alerts, delivering, muting, tasks
from orders.models import AlertChannel, AlertDelivery, DeliveryState
from tests.factories import StoreFactory
from tests.orders.builders import HOUR, NOON
from tests.orders.test_alerts import choose
from tests.orders.test_due import order_of


def deliver(now: datetime = NOON) -> int:
    return delivering.deliver(clock=lambda: now)


def only(store: ConnectedStore) -> AlertDelivery:
    with merchant_rows(store.merchant_id):
        return AlertDelivery.objects.get()


def secret_of(store: ConnectedStore) -> str:
    with merchant_rows(store.merchant_id):
        return muting.new_secret(merchant_id=store.merchant_id)


@pytest.fixture
def late(tiktok: ConnectedStore) -> ConnectedStore:
    """A shop with an order that should have left."""
    order_of(tiktok, ship_by=NOON - HOUR)
    return tiktok


@pytest.fixture
def hook(late: ConnectedStore, httpserver: HTTPServer, settings: Any) -> Iterator[ConnectedStore]:
    """The same, its messages going to a server here and nowhere else."""
    settings.ALERTS_MAY_STAY_HERE = True
    choose(late, email=[], webhook_url=httpserver.url_for("/verisync"))
    return late


class TestMail:
    def test_says_a_fact_what_to_do_and_where(self, late: ConnectedStore, settings: Any) -> None:
        settings.PUBLIC_URL = "https://verisync.example.com"
        alerts.judge(now=NOON)
        assert deliver() == 1
        (letter,) = mail.outbox
        assert letter.to == ["alice@example.com"]
        assert letter.subject == "1 deadline has passed · Alice's Candles"
        assert "1 order to ship (1 late). The first was due Nov 24, 3:00 AM." in letter.body
        assert "https://verisync.example.com/orders/deadlines/" in letter.body
        assert "Los Angeles time" in letter.body
        assert only(late).state == DeliveryState.SENT

    def test_goes_out_once(self, late: ConnectedStore) -> None:
        alerts.judge(now=NOON)
        assert [deliver(), deliver(NOON + HOUR)] == [1, 0]
        assert len(mail.outbox) == 1

    def test_lets_no_name_of_a_store_become_a_header(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.update(name="Evil\r\nBcc: everybody@example.com", state="RECONNECT")
        alerts.judge(now=NOON)
        assert deliver() == 1
        assert mail.outbox[0].recipients() == ["alice@example.com"]
        assert "\n" not in mail.outbox[0].subject

    def test_waits_for_a_server_that_is_gone_and_says_so(self, late: ConnectedStore, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        alerts.judge(now=NOON)
        assert deliver() == 0
        kept = only(late)
        assert (kept.state, kept.attempts) == (DeliveryState.PENDING, 1)
        assert kept.last_error == "The mail server did not take it (ConnectionRefusedError)"
        assert kept.not_before == NOON + delivering.PAUSES[0]
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert [deliver(NOON + timedelta(seconds=59)), deliver(NOON + timedelta(minutes=1))] == [0, 1]


class TestWebhook:
    def test_is_signed_so_that_it_can_be_believed(self, hook: ConnectedStore, httpserver: HTTPServer) -> None:
        secret = secret_of(hook)
        httpserver.expect_request("/verisync", method="POST").respond_with_data("", status=204)
        alerts.judge(now=NOON)
        assert deliver() == 1
        request, _ = httpserver.log[0]
        parts = dict(part.split("=") for part in request.headers["VeriSync-Signature"].split(","))
        signed = f"{parts['t']}.".encode() + request.get_data()
        assert parts == {
            "t": str(int(NOON.timestamp())),
            "v1": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
        }
        said = json.loads(request.get_data())
        assert (said["kind"], said["word"], said["title"]) == ("DEADLINE", "OPENED", "1 deadline has passed")
        assert said["facts"]["late"] == 1
        assert request.headers["VeriSync-Delivery"] == str(only(hook).pk)

    def test_is_tried_again_with_growing_pauses_and_then_given_up(
        self, hook: ConnectedStore, httpserver: HTTPServer
    ) -> None:
        secret_of(hook)
        httpserver.expect_request("/verisync").respond_with_data("no", status=500)
        alerts.judge(now=NOON)
        moment, tries = NOON, 0
        while only(hook).state == DeliveryState.PENDING:
            deliver(moment)
            tries += 1
            kept = only(hook)
            assert kept.last_error == "Answered 500"
            assert kept.state == DeliveryState.GIVEN_UP or kept.not_before - moment == delivering.PAUSES[tries - 1]
            moment = kept.not_before
        assert (tries, len(httpserver.log)) == (len(delivering.PAUSES) + 1, len(delivering.PAUSES) + 1)
        assert moment - NOON > timedelta(hours=24)

    def test_carries_the_same_id_when_it_is_repeated(self, hook: ConnectedStore, httpserver: HTTPServer) -> None:
        secret_of(hook)
        answers = iter([500, 200])
        httpserver.expect_request("/verisync").respond_with_handler(lambda _: Response("", status=next(answers)))
        alerts.judge(now=NOON)
        deliver()
        deliver(NOON + HOUR)
        bodies = [json.loads(request.get_data()) for request, _ in httpserver.log]
        assert bodies[0] == bodies[1]

    def test_is_not_sent_without_a_secret(self, hook: ConnectedStore, httpserver: HTTPServer) -> None:
        alerts.judge(now=NOON)
        assert deliver() == 0
        assert httpserver.log == []
        assert "There is no secret" in only(hook).last_error

    def test_of_this_machine_is_refused_in_production(
        self, hook: ConnectedStore, httpserver: HTTPServer, settings: Any
    ) -> None:
        settings.ALERTS_MAY_STAY_HERE = False
        secret_of(hook)
        for url in (httpserver.url_for("/verisync"), "https://localhost/", "https://169.254.169.254/latest/"):
            choose(hook, email=[], webhook_url=url)
            with merchant_rows(hook.merchant_id):
                muting.send_test(merchant_id=hook.merchant_id, now=NOON)
        deliver()
        assert httpserver.log == []
        with merchant_rows(hook.merchant_id):
            hooks = AlertDelivery.objects.filter(channel=AlertChannel.WEBHOOK)
            assert {(each.state, bool(each.last_error)) for each in hooks} == {(DeliveryState.PENDING, True)}

    def test_that_fails_loses_no_mail(self, hook: ConnectedStore, httpserver: HTTPServer) -> None:
        secret_of(hook)
        choose(hook, webhook_url=httpserver.url_for("/verisync"))
        httpserver.expect_request("/verisync").respond_with_data("", status=503)
        alerts.judge(now=NOON)
        assert deliver() == 1
        assert len(mail.outbox) == 1

    def test_with_a_secret_that_no_key_opens_stops_nobody_elses(
        self, hook: ConnectedStore, httpserver: HTTPServer
    ) -> None:
        other = StoreFactory()
        order_of(other, ship_by=NOON - HOUR)
        choose(other, email=[], webhook_url=httpserver.url_for("/other"))
        secret_of(other)
        httpserver.expect_request("/other").respond_with_data("")
        with merchant_rows(hook.merchant_id), connection.cursor() as cursor:
            cursor.execute("update orders_merchantrules set alert_secret = 'not a token'")
        alerts.judge(now=NOON)
        assert deliver() == 1


class TestClaim:
    def test_is_not_taken_twice_at_once(self, hook: ConnectedStore, httpserver: HTTPServer) -> None:
        """While one sends, another finds nothing; what one left behind is taken up after its lease."""
        secret_of(hook)
        inner: list[int] = []

        def answer(_: Request) -> Response:
            return Response("", status=200)

        httpserver.expect_request("/verisync").respond_with_handler(answer)
        alerts.judge(now=NOON)
        letters = delivering._claim(now=NOON, most=9)
        inner.append(deliver())
        inner.append(deliver(NOON + delivering.LEASE + timedelta(seconds=1)))
        assert (len(letters), inner) == (1, [0, 1])

    def test_of_one_that_was_slow_changes_nothing_of_the_next(
        self, hook: ConnectedStore, httpserver: HTTPServer
    ) -> None:
        secret_of(hook)
        httpserver.expect_request("/verisync").respond_with_data("")
        alerts.judge(now=NOON)
        (slow,) = delivering._claim(now=NOON, most=9)
        assert deliver(NOON + delivering.LEASE + timedelta(seconds=1)) == 1
        delivering._settle([slow.delivery], {slow.delivery.pk: "No answer"}, now=NOON + HOUR)
        assert only(hook).state == DeliveryState.SENT

    def test_gives_each_address_its_turn(self, tiktok: ConnectedStore) -> None:
        """A merchant with a hundred messages does not keep another waiting for its first."""
        other = StoreFactory()
        choose(other, to_owners=False, addresses=["charlie@example.com"])
        for store, count in ((tiktok, 30), (other, 1)):
            with merchant_rows(store.merchant_id):
                for _ in range(count):
                    muting.send_test(merchant_id=store.merchant_id, now=NOON)
        deliver()
        assert sorted(letter.to[0] for letter in mail.outbox) == ["alice@example.com", "charlie@example.com"]


@pytest.mark.django_db(transaction=True)
class TestTask:
    def test_judges_and_sends_without_being_waited_for(self, tiktok: ConnectedStore) -> None:
        """Mail goes out in a thread of the worker, so that no address takes a task's time."""
        order_of(tiktok, ship_by=NOON)
        assert tasks.judge_alerts() >= 1
        ends_at = time.monotonic() + 20
        while not mail.outbox and time.monotonic() < ends_at:
            time.sleep(0.05)
        tasks._messengers().shutdown()
        tasks._messengers.cache_clear()
        assert mail.outbox[0].to == ["alice@example.com"]
