"""What an operator runs by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django_q.models import Schedule

from accounts.access import all_merchants
from connectors.models import WebhookDelivery
from orders.models import OrderState
from tests.journeys.conftest import Journey


class TestReconcileOrders:
    def test_reads_a_range_of_dates_and_repeats_safely(self, journey: Journey) -> None:
        journey.fault("tiktok_shop", "*", "webhook_lose", times=-1)
        order_id = journey.buy()
        today = f"{journey.now():%Y-%m-%d}"
        for _ in range(2):
            call_command("reconcile_orders", journey.store("tiktok_shop").external_id, since=today, until=today)
        assert journey.order(order_id).state == OrderState.HELD
        assert journey.events(order_id).count("order.received") == 1

    @pytest.mark.parametrize(
        ("shop", "since", "words"),
        [("1", "2026-11-01", "No connected source store"), ("shop", "yesterday", "is not a day")],
    )
    def test_says_what_is_wrong(self, journey: Journey, shop: str, since: str, words: str) -> None:
        wanted = journey.store("tiktok_shop").external_id if shop == "shop" else shop
        with pytest.raises(CommandError, match=words):
            call_command("reconcile_orders", wanted, since=since)

    def test_names_the_store_that_cannot_be_asked(self, journey: Journey) -> None:
        journey.fault("tiktok_shop", "orders.search", "status", status=503, times=-1)
        day = f"{journey.now() - timedelta(days=1):%Y-%m-%d}"
        with pytest.raises(CommandError, match="What was read is kept"):
            call_command("reconcile_orders", journey.store("tiktok_shop").external_id, since=day)


class TestReplayDeliveries:
    def test_reads_them_again_without_harm(self, journey: Journey) -> None:
        order_id = journey.buy_released()
        call_command("replay_deliveries", hours=48)
        with all_merchants("a test looks"):
            assert WebhookDelivery.objects.filter(processed_at=None).exists()
        journey.settle()
        with all_merchants("a test looks"):
            assert not WebhookDelivery.objects.filter(processed_at=None).exists()
        assert len(journey.ledger("order.created", order_id)) == 1


class TestSetupSchedules:
    def test_makes_each_schedule_once(self, db: None) -> None:
        Schedule.objects.create(name="clean_up", func="orders.tasks.clean_up", schedule_type=Schedule.DAILY)
        Schedule.objects.create(name="clean_up", func="orders.tasks.clean_up", schedule_type=Schedule.DAILY)
        for _ in range(2):
            call_command("setup_schedules")
        assert sorted(Schedule.objects.values_list("name", flat=True)) == [
            "clean_up",
            "judge_alerts",
            "read_catalogs",
            "refresh_tokens",
            "renew_webhooks",
        ]
