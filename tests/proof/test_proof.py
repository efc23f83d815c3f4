"""Short forms of R1 to R6: real processes, some of them killed, judged from the sandbox's ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "DATABASE_ROLE", "DJANGO_SETTINGS_MODULE")


def prove(*arguments: str, seconds: float) -> str:
    """What the proof says. It runs as a user would run it, without this test run's own database."""
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "manage.py", "prove", *arguments],
        cwd=ROOT,
        env={**env, "DEBUG": "true"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert "what was found" in done.stdout, done.stdout + done.stderr
    return " ".join(done.stdout.split())


class TestProof:
    def test_in_small_finds_nothing_lost_doubled_or_unrecorded(self) -> None:
        said = prove("--size", "24", "--kills", "1", "--only", "R1,R4,R5", "--webhooks", "300", seconds=400)
        assert "R1 with seed 1: clean" in said, said
        assert "0 of 30" in said, said  # R4: a few more than 300 were under way
        assert "0 lived too long" in said, said

    def test_in_small_finds_nothing_doubled_though_creates_come_late_and_look_ups_are_blind(self) -> None:
        said = prove("--size", "36", "--kills", "0", "--only", "R2", seconds=300)
        assert "R2 with seed 1: clean" in said, said
        assert "0 lost, 0 doubled" in said, said

    def test_in_small_finds_every_order_though_webhooks_come_late_often_or_never(self) -> None:
        said = prove("--size", "60", "--only", "R3", seconds=200)
        assert "0 differ from the platform, 0 doubled" in said, said
        assert "R3 with seed 1: clean" in said, said
