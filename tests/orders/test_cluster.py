"""How a task cluster behaves beside other programs of its machine."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

_PROGRAM = """
import os
import django
django.setup()
from orders.cluster import stand_back
before = os.nice(0)
stand_back(3)
print(os.nice(0) - before)
"""


class TestStandBack:
    def test_leaves_the_machine_to_others_where_it_is_scarce(self) -> None:
        run = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "verisync_site.settings", "DEBUG": "true"},
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        assert run.stdout.strip() == "3"
