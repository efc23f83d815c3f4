"""How far behind the work is, over all merchants, as Prometheus' gauges. docs/operations.md says what to do about each.

Each question reads a partial index of what is not done yet, or a small table: none counts orders.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from prometheus_client import CollectorRegistry, Gauge

from accounts.access import all_merchants


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge and the question that fills it: a value after the labels, a row for each combination."""

    name: str
    text: str
    question: str
    labels: tuple[str, ...] = ()
    known: tuple[str, ...] = ()  # values of the one label that are said as 0 when the question finds none


# A bounded number of looks for each lane, however much is due in it.
_LANES = """
select what, count(*) from (
  select case
    when l.lease_until >= now() then 'drained'
    when l.not_before > now() then 'resting'
    when l.poll_at <= now()
      or exists (select from orders_outboxitem i where i.store_id = l.store_id
                 and i.status = 'PENDING' and i.not_before <= now())
      or exists (select from connectors_webhookdelivery d where d.store_id = l.store_id
                 and d.processed_at is null and d.not_before <= now())
      or exists (select from orders_order o where o.source_store_id = l.store_id and o.check_at <= now())
      or exists (select from orders_setaside a where a.source_store_id = l.store_id and a.not_before <= now())
    then 'waiting' end as what
  from orders_lane l join connectors_connectedstore s on s.id = l.store_id and s.state = 'CONNECTED'
) each_lane where what is not null group by what
"""

FIGURES = (
    Figure(
        "verisync_oldest_unread_delivery_seconds",
        "Age of the oldest webhook of a connected store that was not read yet",
        "select extract(epoch from now() - d.received_at) from connectors_webhookdelivery d"
        " join connectors_connectedstore s on s.id = d.store_id and s.state = 'CONNECTED'"
        " where d.processed_at is null order by d.received_at limit 1",
    ),
    Figure(
        "verisync_oldest_overdue_call_seconds",
        "How long the oldest due call to a connected store has waited",
        "select extract(epoch from now() - i.not_before) from orders_outboxitem i"
        " join connectors_connectedstore s on s.id = i.store_id and s.state = 'CONNECTED'"
        " where i.status = 'PENDING' and i.not_before < now() order by i.not_before limit 1",
    ),
    Figure(
        "verisync_oldest_overdue_hold_seconds",
        "How long the oldest due release of a connected shop has waited to be asked about",
        "select extract(epoch from now() - o.check_at) from orders_order o"
        " join connectors_connectedstore s on s.id = o.source_store_id and s.state = 'CONNECTED'"
        " where o.check_at < now() order by o.check_at limit 1",
    ),
    Figure(
        "verisync_lanes",
        "Stores with due work that wait for a worker, that are drained now, or that rest after a failure or a limit",
        _LANES,
        labels=("state",),
        known=("waiting", "drained", "resting"),
    ),
    Figure(
        "verisync_calls_used_per_minute",
        "Calls made to a store whose lane was drained lately",
        "select s.id, s.platform, l.calls_used from orders_lane l join connectors_connectedstore s on s.id = l.store_id"
        " where l.calls_at > now() - interval '2 minutes' and l.calls_used is not null",
        labels=("store", "platform"),
    ),
    Figure(
        "verisync_calls_allowed_per_minute",
        "Calls the platform allows for that store",
        "select s.id, s.platform, l.calls_allowed from orders_lane l"
        " join connectors_connectedstore s on s.id = l.store_id"
        " where l.calls_at > now() - interval '2 minutes' and l.calls_allowed is not null",
        labels=("store", "platform"),
    ),
    Figure(
        "verisync_orders_asking",
        "Orders that wait for a person, by the reason",
        "select attention, count(*) from orders_order where attention <> '' group by attention",
        labels=("reason",),
    ),
    Figure(
        "verisync_parked_calls",
        "Calls that were given up until a person resumes them, by the reason",
        "select give_up_reason, count(*) from orders_outboxitem where status = 'PARKED' group by give_up_reason",
        labels=("reason",),
    ),
    Figure("verisync_orders_set_aside", "Orders that could not be read", "select count(*) from orders_setaside"),
    Figure(
        "verisync_stores",
        "Stores by their state",
        "select state, count(*) from connectors_connectedstore group by state",
        labels=("state",),
        known=("CONNECTED", "RECONNECT"),
    ),
    Figure(
        "verisync_worker_beat_age_seconds",
        "Since when a worker host was not heard",
        "select name, left(id::text, 8), extract(epoch from now() - beat_at) from orders_workerhost",
        labels=("host", "run"),
    ),
    Figure(
        "verisync_worker_cluster_restarts",
        "How often a worker host had to start its task cluster again, since it began",
        "select name, left(id::text, 8), restarts from orders_workerhost",
        labels=("host", "run"),
    ),
    Figure(
        "verisync_oldest_overdue_alert_seconds",
        "How long the oldest due message to a merchant has waited to be sent",
        "select extract(epoch from now() - not_before) from orders_alertdelivery"
        " where state = 'PENDING' and not_before < now() order by not_before limit 1",
    ),
    Figure("verisync_tasks_queued", "Tasks in django-q2's queue", "select count(*) from django_q_ormq"),
)


def gauges() -> CollectorRegistry:
    """Every figure, asked now."""
    registry = CollectorRegistry()
    with all_merchants("figures over all merchants"), connection.cursor() as cursor:
        for figure in FIGURES:
            gauge = Gauge(figure.name, figure.text, figure.labels, registry=registry)
            for value in figure.known:
                gauge.labels(value).set(0)
            cursor.execute(figure.question)
            for *labels, value in cursor.fetchall():
                (gauge.labels(*labels) if labels else gauge).set(float(value))
    return registry
