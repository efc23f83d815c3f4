"""The stage on which each run is set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.stage import Stage


@pytest.fixture
def stage(transactional_db: None) -> Iterator[Stage]:
    """Alice's shop and stores, connected."""
    stage = Stage()
    with stage.open():
        yield stage
