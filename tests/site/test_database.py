"""What a process says to PostgreSQL when it connects."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.db import connection

from verisync_site.database import APPLICATION_ROLE, configuration


@pytest.mark.django_db
class TestConnections:
    @pytest.mark.parametrize(("pool_size", "mode"), [(0, "auto"), (4, "force_custom_plan")])
    def test_filters_of_pages_are_planned_for_their_values_and_what_a_worker_repeats_once(
        self, pool_size: int, mode: str
    ) -> None:
        entry = configuration(url="postgresql://there/it", data=Path(), role="application", pool_size=pool_size)
        here = connection.get_connection_params()
        address = {name: here[name] for name in ("host", "port", "dbname", "user", "password") if here.get(name)}
        with psycopg.connect(**address, options=entry["OPTIONS"]["options"]) as asked:
            assert asked.execute("show plan_cache_mode").fetchone() == (mode,)
            assert asked.execute("show role").fetchone() == (APPLICATION_ROLE,)
