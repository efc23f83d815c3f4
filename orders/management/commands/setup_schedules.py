"""Make django-q2's schedules as they should be. May be repeated: each name exists once afterwards."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django_q.models import Schedule

# Coarse jobs only: a schedule is looked at every 30 seconds. Holds, webhooks and polls are the dispatch loop's.
SCHEDULES = {"judge_alerts": 1, "read_catalogs": 1, "refresh_tokens": 10, "renew_webhooks": 60, "clean_up": 360}


class Command(BaseCommand):
    help = "Make the schedules of alerts, catalogs, token refresh, webhook renewal and cleaning up."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            Schedule.objects.select_for_update().filter(func__startswith="orders.tasks.").exclude(
                name__in=SCHEDULES
            ).delete()
            for name, minutes in SCHEDULES.items():
                kept, *spare = Schedule.objects.filter(name=name).order_by("id") or [Schedule(name=name)]
                kept.func, kept.schedule_type, kept.minutes = f"orders.tasks.{name}", Schedule.MINUTES, minutes
                kept.repeats = -1
                kept.save()
                Schedule.objects.filter(pk__in=[each.pk for each in spare]).delete()
        self.stdout.write(f"{len(SCHEDULES)} schedules")
