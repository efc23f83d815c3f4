"""What monitoring is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.access import all_merchants, merchant_rows
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore, WebhookDelivery
from orders import beats
from orders.ingest import store_order
from orders.models import GiveUpReason, Lane, Order, OutboxItem, OutboxStatus, WorkerHost
from tests.orders.builders import seen
from tests.orders.conftest import alices, shopify, tiktok
from verisync_site.figures import FIGURES

__all__ = ["alices", "shopify", "tiktok"]

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def metrics(client: Client, settings: Any) -> Any:
    """The figures as Prometheus reads them: a value by name and labels."""
    settings.METRICS_TOKEN = "watcher"

    def ask() -> dict[str, float]:
        answer = client.get("/metrics", headers={"authorization": "Bearer watcher"})
        assert answer.status_code == 200
        lines = answer.content.decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    return ask


class TestReady:
    def test_needs_a_worker_that_was_heard_lately(self, client: Client, db: None) -> None:
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["failed"]) == (503, "workers")
        beats.begin(name="north", now=timezone.now())
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "degraded": []})

    def test_tells_of_a_worker_that_fell_silent_while_others_work(self, client: Client, db: None) -> None:
        beats.begin(name="north", now=timezone.now() - MINUTE)
        assert client.get("/health/ready").status_code == 503
        beats.begin(name="south", now=timezone.now())
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["degraded"]) == (200, ["1 of 2 workers fell silent"])
        assert "north" not in answer.content.decode()

    def test_needs_every_migration(self, client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        beats.begin(name="north", now=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("delete from django_migrations where app = 'orders' and name >= '0014'")
        monkeypatch.setattr("verisync_site.health._migrations.count", None)
        answer = client.get("/health/ready")
        monkeypatch.setattr("verisync_site.health._migrations.count", None)
        assert (answer.status_code, answer.json()["failed"]) == (503, "migrations")

    def test_asks_few_questions(self, client: Client, db: None, django_assert_max_num_queries: Any) -> None:
        client.get("/health/ready")
        with django_assert_max_num_queries(2):
            client.get("/health/ready")


class TestMetrics:
    def test_are_for_who_has_the_token(self, client: Client, settings: Any, db: None) -> None:
        for token, given in (("", ""), ("watcher", ""), ("watcher", "Bearer other"), ("watcher", "Bearer wätcher")):
            settings.METRICS_TOKEN = token
            assert client.get("/metrics", headers={"authorization": given}).status_code == 404

    def test_say_nothing_is_behind_when_nothing_is(self, metrics: Any, db: None) -> None:
        told = metrics()
        assert told['verisync_lanes{state="waiting"}'] == 0
        assert not any(told.values())

    def test_tell_the_oldest_of_each_kind_and_who_waits(self, metrics: Any, tiktok: ConnectedStore) -> None:
        now = timezone.now()
        with merchant_rows(tiktok.merchant_id):
            Lane.objects.create(store=tiktok, merchant_id=tiktok.merchant_id, poll_at=now + MINUTE)
            WebhookDelivery.objects.create(
                merchant_id=tiktok.merchant_id,
                store=tiktok,
                platform="tiktok_shop",
                delivery_key="a",
                body="{}",
                received_at=now - 5 * MINUTE,
                not_before=now + MINUTE,
            )
        store_order(seen=seen(SourceStatus.ON_HOLD), store=tiktok, now=now)
        with merchant_rows(tiktok.merchant_id):
            Order.objects.update(check_at=now - 2 * MINUTE)
        told = metrics()
        assert told["verisync_oldest_unread_delivery_seconds"] == pytest.approx(300, abs=30)
        assert told["verisync_oldest_overdue_hold_seconds"] == pytest.approx(120, abs=30)
        assert told['verisync_lanes{state="waiting"}'] == 1
        with merchant_rows(tiktok.merchant_id):
            Lane.objects.update(lease_until=now + MINUTE)
        assert metrics()['verisync_lanes{state="drained"}'] == 1

    def test_leave_out_what_waits_for_its_merchant(self, metrics: Any, tiktok: ConnectedStore) -> None:
        store_order(seen=seen(SourceStatus.ON_HOLD), store=tiktok, now=timezone.now())
        with merchant_rows(tiktok.merchant_id):
            Order.objects.update(check_at=timezone.now() - 2 * MINUTE)
            ConnectedStore.objects.update(state="RECONNECT")
        told = metrics()
        assert told["verisync_oldest_overdue_hold_seconds"] == 0
        assert told['verisync_stores{state="RECONNECT"}'] == 1

    def test_tell_failures_by_reason(self, metrics: Any, tiktok: ConnectedStore, shopify: ConnectedStore) -> None:
        store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=timezone.now())
        with merchant_rows(tiktok.merchant_id):
            Order.objects.update(attention="NOT_LINKED")
            OutboxItem.objects.update(status=OutboxStatus.PARKED, give_up_reason=GiveUpReason.INTERNAL)
        told = metrics()
        assert told['verisync_orders_asking{reason="NOT_LINKED"}'] == 1
        assert told['verisync_parked_calls{reason="internal"}'] == 1

    def test_tell_calls_used_of_those_allowed(self, metrics: Any, tiktok: ConnectedStore) -> None:
        now = timezone.now()
        with all_merchants("a test sets the scene"):
            Lane.objects.create(store=tiktok, merchant_id=tiktok.merchant_id)
            Lane.objects.filter(store=tiktok).update(calls_used=40, calls_allowed=120, calls_at=now)
        store = f'store="{tiktok.pk}"'
        assert metrics()[f'verisync_calls_used_per_minute{{platform="tiktok_shop",{store}}}'] == 40
        with all_merchants("a test moves time"):
            Lane.objects.filter(store=tiktok).update(calls_used=40, calls_allowed=120, calls_at=now - 3 * MINUTE)
        assert not [name for name in metrics() if "calls_used" in name]

    def test_tell_each_worker_and_its_frozen_clusters(self, metrics: Any, db: None) -> None:
        host = beats.begin(name="north", now=timezone.now())
        beats.beat(host=host, restarts=3, now=timezone.now() - MINUTE)
        told = metrics()
        run = str(WorkerHost.objects.get().pk)[:8]
        assert told[f'verisync_worker_beat_age_seconds{{host="north",run="{run}"}}'] == pytest.approx(60, abs=10)
        assert told[f'verisync_worker_cluster_restarts{{host="north",run="{run}"}}'] == 3

    def test_are_explained_each(self) -> None:
        text = OPERATIONS.read_text()
        for figure in FIGURES:
            assert text.count(figure.name) >= 2, f"{figure.name} wants its line and an alert"
