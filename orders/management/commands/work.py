"""What a worker host runs: dispatch loop, task cluster, watchdog."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from connectors.checks import refuse_unsafe_start
from orders.supervisor import Supervisor


class Command(BaseCommand):
    help = "Do the work: find stores with due work, drain their lanes, watch the workers. Ctrl-C or SIGTERM ends it."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsafe_start()
        settings.DEBUG = False  # a worker shows no pages; Django would write down every statement
        call_command("setup_schedules", stdout=self.stdout)
        self.stdout.write("Working. Ctrl-C ends it.")
        Supervisor(say=self.stdout.write).run()
        self.stdout.write("Stopped.")
