"""Put deliveries that were read back into the inbox."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.access import all_merchants
from connectors.models import WebhookDelivery


class Command(BaseCommand):
    help = "Read webhook deliveries again: what they name is fetched afresh, so a repeat does no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hours", type=int, default=24, help="those received within the last hours (24)")
        parser.add_argument("--platform", help="only this platform's")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["hours"] < 1:
            raise CommandError("--hours must be 1 or more.")
        now = timezone.now()
        with all_merchants("an operator replays any delivery"):
            read = WebhookDelivery.objects.exclude(processed_at=None).filter(
                received_at__gte=now - timedelta(hours=options["hours"])
            )
            if options["platform"]:
                read = read.filter(platform=options["platform"])
            count = read.update(processed_at=None, not_before=now, attempts=0)
        self.stdout.write(f"{count} deliveries will be read again.")
