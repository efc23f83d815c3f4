"""Whether this process lives, whether the installation can do its work, and how far behind it is."""

from __future__ import annotations

import secrets
import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from prometheus_client import generate_latest

from orders import beats
from verisync_site.figures import gauges

MIGRATIONS_ARE_KNOWN_FOR = 10.0


@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return JsonResponse({"live": True})


@never_cache
def ready(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers, is migrated, and a worker was heard lately; else 503 and the reason.

    A worker that fell silent while others work is told in `degraded`, still with 200.
    """
    try:
        failed, reason = _what_fails()
        workers = beats.workers(now=timezone.now()) if not failed else None
    except DatabaseError:
        failed, reason, workers = "database", "The database does not answer", None
    if workers is not None and not workers.alive:
        seconds = beats.SILENT_AFTER.total_seconds()
        failed, reason = "workers", f"No worker was heard in the last {seconds:.0f} seconds"
    if failed:
        return JsonResponse({"ready": False, "failed": failed, "reason": reason}, status=503)
    assert workers is not None
    degraded = [f"{workers.silent} of {workers.alive + workers.silent} workers fell silent"] if workers.silent else []
    return JsonResponse({"ready": True, "degraded": degraded})


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """How far behind the work is, in Prometheus' format, for whoever has METRICS_TOKEN. 404 while none is set."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    return HttpResponse(generate_latest(gauges()), content_type="text/plain; version=0.0.4")


def _what_fails() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    waiting = _migrations.waiting(now=time.monotonic())
    return ("migrations", f"{waiting} migrations were not applied") if waiting else ("", "")


class _Migrations:
    """How many of this program's migrations the database lacks: asked again while there are some, then never."""

    def __init__(self) -> None:
        self.count: int | None = None
        self.asked_at = 0.0

    def waiting(self, *, now: float) -> int:
        if self.count is None or (self.count and now - self.asked_at > MIGRATIONS_ARE_KNOWN_FOR):
            executor = MigrationExecutor(connection)
            self.count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
            self.asked_at = now
        return self.count


_migrations = _Migrations()
