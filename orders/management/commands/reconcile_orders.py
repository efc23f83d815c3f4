"""Back-fill: read every order of a source store that changed in a range of dates."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.access import all_merchants
from connectors.base.errors import PlatformError
from connectors.models import ConnectedStore, StorePart
from connectors.speaking import speaking_to_source
from orders import reconcile


class Command(BaseCommand):
    help = (
        "Read the orders of a TikTok shop that changed between two dates. Each is kept once; orders older than the "
        "connection are listed, not created. May be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("store", help="the shop's id here or at TikTok Shop")
        parser.add_argument("--since", required=True, help="first day, UTC: 2026-11-01")
        parser.add_argument("--until", help="last day, UTC, included; today by default")

    def handle(self, *args: Any, **options: Any) -> None:
        since = _day(options["since"])
        until = timezone.now()
        if options["until"]:
            until = min(until, _day(options["until"]) + timedelta(days=1))
        if since >= until:
            raise CommandError("--since must lie before --until.")
        store = _store(options["store"])
        count = 0
        while since < until:
            upto = min(since + timedelta(days=1), until)
            count += self._read(store, since, upto)
            self.stdout.write(f"{since:%Y-%m-%d}: {count} orders so far")
            since = upto
        self.stdout.write(self.style.SUCCESS(f"Read {count} orders of {store.name}."))

    def _read(self, store: ConnectedStore, since: datetime, until: datetime) -> int:
        try:
            with speaking_to_source(store, clock=timezone.now) as source:
                return reconcile.read_range(
                    store=store,
                    source=source,
                    since=since,
                    until=until,
                    clock=timezone.now,
                    still_mine=lambda: None,
                )
        except PlatformError as error:
            raise CommandError(f"{store.name}: {error.message}. What was read is kept; run it again.") from error


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise CommandError(f"{text} is not a day such as 2026-11-01.") from error


def _store(text: str) -> ConnectedStore:
    with all_merchants("an operator names any store"):
        sources = ConnectedStore.objects.filter(part=StorePart.SOURCE)
        found = sources.filter(external_id=text).first() or (
            sources.filter(pk=int(text)).first() if text.isdigit() and len(text) < 19 else None
        )
    if found is None:
        raise CommandError(f"No connected source store has the id {text}.")
    return found
