"""Empty the inbox: a webhook is a hint, so what it names is read afresh. A delivery stays unread until that worked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from accounts.access import merchant_rows
from accounts.rows import Rows
from connectors import calls, oauth, registry
from connectors.base.connector import Connector, Destination, Source
from connectors.base.errors import PlatformError
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.types import RawRequest
from connectors.http import scrub_text
from connectors.models import ConnectedStore, StorePart, StoreState, WebhookDelivery
from connectors.pacing import Pace
from connectors.speaking import speaking, still_hears_us
from orders import aftersales, reading
from orders.models import Mirror

log = logging.getLogger(__name__)

BATCH = 100
LONGEST_PAUSE = 900
# What a platform's clock and ours may differ by: a message stamped closer to our connecting may be from before it.
CLOCKS_DIFFER = timedelta(minutes=5)

_DUE = Rows(
    WebhookDelivery,
    "select {columns} from connectors_webhookdelivery t where t.store_id = %(store)s and t.processed_at is null"
    " and t.not_before <= %(now)s order by t.id limit %(limit)s",
)
_MARK_READ = """update connectors_webhookdelivery d set processed_at = %s, outcome = r.outcome, body = r.body
from json_to_recordset(%s::json) as r(id bigint, outcome text, body text) where d.id = r.id"""
_HEARD = "update connectors_connectedstore set last_webhook_at = %s where id = %s"

_ABOUT_SOURCE_ORDER = frozenset(
    {
        EventKind.ORDER_CHANGED,
        EventKind.ADDRESS_CHANGED,
        EventKind.PACKAGE_CHANGED,
        EventKind.CANCELLATION_CHANGED,
        EventKind.RETURN_CHANGED,
    }
)
_ABOUT_STORE_ORDER = frozenset({EventKind.SHIPMENT_CHANGED, EventKind.PLACED_ORDER_CHANGED, EventKind.REFUND_CHANGED})


def empty(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace | None = None) -> int:
    """Read the store's due deliveries, oldest first, and return how many. Not inside a transaction.

    Safe to repeat and to break off: a delivery is marked only after what it names was read and kept.
    """
    with merchant_rows(store.merchant_id):
        deliveries = _DUE(store=store.pk, now=clock(), limit=BATCH)
    if not deliveries:
        return 0
    parser = registry.build(store.platform, clock=clock, store=store)
    parsed = {delivery.pk: _events(delivery, parser) for delivery in deliveries}
    try:
        events = [event for found in parsed.values() for event in found]
        outcomes = _act(store=store, events=events, clock=clock, pace=pace)
    except PlatformError as error:
        _put_back(store=store, deliveries=deliveries, error=error, now=clock())
        return len(deliveries)
    for delivery in deliveries:
        delivery.outcome = "; ".join(dict.fromkeys(_outcome(event, outcomes) for event in parsed[delivery.pk]))[:300]
        delivery.outcome = delivery.outcome or "It could not be read"
    _mark_read(store=store, deliveries=deliveries, connector=parser, now=clock())
    return len(deliveries)


def _events(delivery: WebhookDelivery, parser: Connector) -> list[PlatformEvent]:
    request = RawRequest(body=delivery.body.encode(), headers=delivery.headers)
    try:
        return parser.parse_webhook(request)
    except PlatformError as error:
        log.warning("delivery not readable", extra={"delivery": delivery.pk, "failure": type(error).__name__})
        return []


def _act(
    *, store: ConnectedStore, events: Iterable[PlatformEvent], clock: Callable[[], datetime], pace: Pace | None
) -> dict[str, str]:
    """Read what the events name: outcome by external id, or by kind for what is about no order.

    Raises PlatformError when the platform can't be asked.
    """
    events = list(events)
    outcomes: dict[str, str] = {}
    if farewells := [event for event in events if event.kind is EventKind.DEAUTHORIZED]:
        outcomes[EventKind.DEAUTHORIZED] = _hear_farewell(store=store, events=farewells, clock=clock, pace=pace)
    is_source = store.part == StorePart.SOURCE
    about = _ABOUT_SOURCE_ORDER if is_source else _ABOUT_STORE_ORDER
    wanted = list(dict.fromkeys(event.external_id for event in events if event.kind in about and event.external_id))
    if wanted and not is_source:
        wanted = _ours(store, wanted)
    if not wanted:
        return outcomes
    with speaking(store, clock=clock, pace=pace) as connector:
        if isinstance(connector, Source):
            outcomes |= reading.read_orders(store=store, source=connector, external_ids=wanted, clock=clock)
            _read_after_sale(store=store, source=connector, events=events, clock=clock)
            return outcomes
        assert isinstance(connector, Destination)
        return outcomes | reading.read_mirrors(store=store, destination=connector, external_ids=wanted, clock=clock)


def _read_after_sale(
    *, store: ConnectedStore, source: Source, events: Iterable[PlatformEvent], clock: Callable[[], datetime]
) -> None:
    """What these events say of cancellations and returns, once their orders are kept. Raises PlatformError."""
    named: dict[EventKind, list[str]] = {}
    for event in events:
        if event.external_id:
            named.setdefault(event.kind, []).append(event.external_id)
    if asked := list(dict.fromkeys(named.get(EventKind.CANCELLATION_CHANGED, []))):
        aftersales.read_cancellations(store=store, source=source, order_ids=asked, clock=clock)
    if returned := list(dict.fromkeys(named.get(EventKind.RETURN_CHANGED, []))):
        aftersales.read_returns(store=store, source=source, order_ids=returned, clock=clock)


def _hear_farewell(
    *, store: ConnectedStore, events: Iterable[PlatformEvent], clock: Callable[[], datetime], pace: Pace | None
) -> str:
    """Believe that access was taken away, unless it may have been before the store was connected again: platforms
    repeat such a message for up to 48 hours. Then the token is tried. Returns the outcome; raises PlatformError."""
    with merchant_rows(store.merchant_id):
        current = ConnectedStore.objects.get(pk=store.pk)
    if current.state != StoreState.CONNECTED:
        return "Access was taken away"
    label = registry.connector_class(store.platform).label
    known = max(current.connected_at, current.refreshed_at or current.connected_at) + CLOCKS_DIFFER
    is_sure = any(event.occurred_at is not None and event.occurred_at > known for event in events)
    if not is_sure and still_hears_us(current, clock=clock, pace=pace):
        return "Access was taken away before it was given again; it still works"
    oauth.mark_reconnect(store=current, reason=f"Access was taken away on {label}")
    return "Access was taken away"


def _ours(store: ConnectedStore, external_ids: list[str]) -> list[str]:
    with merchant_rows(store.merchant_id):
        found = Mirror.objects.filter(store=store, external_id__in=external_ids)
        return list(found.values_list("external_id", flat=True))


def _outcome(event: PlatformEvent, outcomes: dict[str, str]) -> str:
    if (about := event.external_id or event.kind.value) in outcomes:
        return outcomes[about]
    if event.kind is EventKind.UNKNOWN:
        log.warning("unknown event", extra={"event": event.event_id})
        return "An event we do not know"
    if event.kind in _ABOUT_STORE_ORDER:
        return "Not an order of ours"
    return event.kind.value


def _put_back(*, store: ConnectedStore, deliveries: list[WebhookDelivery], error: PlatformError, now: datetime) -> None:
    """The platform could not be asked: the deliveries stay unread and come again, with growing pauses."""
    retry_after = getattr(error, "retry_after", None)
    tries = min(delivery.attempts for delivery in deliveries)
    pause = retry_after if retry_after is not None else min(LONGEST_PAUSE, 2 ** min(tries + 1, 10))
    with merchant_rows(store.merchant_id):
        WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
            attempts=F("attempts") + 1, not_before=now + timedelta(seconds=pause), outcome=error.message[:300]
        )
        calls.save(records=calls.take(), merchant_id=store.merchant_id, subject="")


def _mark_read(
    *, store: ConnectedStore, deliveries: list[WebhookDelivery], connector: Connector, now: datetime
) -> None:
    """Done: the body is kept without buyers' data."""
    read = [
        {
            "id": delivery.pk,
            "outcome": delivery.outcome,
            "body": scrub_text(delivery.body, connector.private_keys) or json.dumps(""),
        }
        for delivery in deliveries
    ]
    last_at = max(delivery.received_at for delivery in deliveries)
    with merchant_rows(store.merchant_id), connection.cursor() as cursor:
        cursor.execute(_MARK_READ, [now, json.dumps(read, ensure_ascii=False)])
        cursor.execute(_HEARD, [last_at, store.pk])
