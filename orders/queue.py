"""The one door to django-q2. The rows do the remembering; a task may be lost, late or run twice."""

from __future__ import annotations

from typing import Any

from django_q.tasks import async_task


def enqueue(name: str, *ids: int) -> Any:
    """Ask a worker to call `orders.tasks.<name>` with these ids. Joins the caller's transaction on the ORM broker."""
    return async_task(f"orders.tasks.{name}", *ids)
