"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """After the owner has migrated, act as the application role, as the product does."""
    from django.db import connection

    from verisync_site.database import APPLICATION_ROLE

    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(f"grant truncate on all tables in schema public to {APPLICATION_ROLE}")
        connection.close()
        connection.settings_dict["CONN_MAX_AGE"] = 0  # a live server's threads must leave the database when they end
        connection.settings_dict["OPTIONS"]["options"] = f"-c role={APPLICATION_ROLE}"
    yield
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["OPTIONS"].pop("options")
