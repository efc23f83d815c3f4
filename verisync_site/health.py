"""Whether this process lives, whether it can serve, and how far behind the work is."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from accounts.access import all_merchants

_BEHIND = {
    "verisync_oldest_unread_delivery_seconds": (
        "Age of the oldest webhook that was not read yet",
        "select extract(epoch from now() - min(received_at)) from connectors_webhookdelivery"
        " where processed_at is null",
    ),
    "verisync_oldest_overdue_call_seconds": (
        "How long the oldest due call has waited",
        "select extract(epoch from now() - min(not_before)) from orders_outboxitem"
        " where status = 'PENDING' and not_before < now()",
    ),
    "verisync_oldest_overdue_hold_seconds": (
        "How long the oldest due hold has waited to be asked about",
        "select extract(epoch from now() - min(check_at)) from orders_order where check_at < now()",
    ),
    "verisync_parked_calls": (
        "Calls that wait for a person",
        "select count(*) from orders_outboxitem where status = 'PARKED'",
    ),
    "verisync_orders_set_aside": ("Orders that could not be read", "select count(*) from orders_setaside"),
}


@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return JsonResponse({"live": True})


@never_cache
def ready(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return JsonResponse({"ready": False, "failed": "database"}, status=503)
    return JsonResponse({"ready": True})


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """How far behind the work is, in Prometheus' format, for whoever has METRICS_TOKEN. 404 while none is set."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    registry = CollectorRegistry()
    with all_merchants("figures over all merchants"), connection.cursor() as cursor:
        for name, (text, question) in _BEHIND.items():
            cursor.execute(question)
            Gauge(name, text, registry=registry).set(float(cursor.fetchone()[0] or 0))
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4")
