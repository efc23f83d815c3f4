"""Run the proof: a program of its own, since it kills what it starts and judges it from outside."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Show that no order is lost or doubled, whatever breaks. `prove --help` lists the options."

    def run_from_argv(self, argv: list[str]) -> None:
        """Every option is the proof's own."""
        raise SystemExit(self.prove(*argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        if status := self.prove(*args):
            raise SystemExit(status)

    def prove(self, *arguments: str) -> int:
        """The exit status of `python -m proof` with these arguments: 0 when every promise was held."""
        return subprocess.run(
            [sys.executable, "-m", "proof", *arguments], cwd=settings.BASE_DIR, check=False
        ).returncode
