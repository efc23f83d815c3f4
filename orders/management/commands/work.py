"""What a worker host runs: dispatch loop, task cluster, watchdog."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from connectors.checks import refuse_unsafe_start
from orders.supervisor import Supervisor

ASK_AGAIN_AFTER = 1.0


class Command(BaseCommand):
    help = "Do the work: find stores with due work, drain their lanes, watch the workers. Ctrl-C or SIGTERM ends it."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsafe_start()
        settings.DEBUG = False  # a worker shows no pages; Django would write down every statement
        self._set_schedules_up()
        self._say("Working. Ctrl-C ends it.")
        Supervisor(say=self._say).run()
        self._say("Stopped.")

    def _say(self, text: str) -> None:
        """At once, also where a file or a service manager reads it."""
        self.stdout.write(text)
        self.stdout.flush()

    def _set_schedules_up(self) -> None:
        """Waits for a database that does not answer, as it would be waited for later."""
        said = ""
        while True:
            try:
                call_command("setup_schedules", stdout=self.stdout)
                return
            except OperationalError as error:
                why = " ".join(str(error).split())
                if why != said:
                    self._say(f"The database does not answer; it is asked every second: {why}")
                    said = why
                time.sleep(ASK_AGAIN_AFTER)
            except ProgrammingError as error:
                raise CommandError("The database has no tables, or old ones: run `manage.py migrate` first.") from error
