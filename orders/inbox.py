"""Empty the inbox: a webhook is a hint, so what it names is read afresh. A delivery stays unread until that worked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection

from accounts.access import merchant_rows
from accounts.rows import Rows
from connectors import calls, oauth, registry
from connectors.asking import NotAsked
from connectors.base.connector import Connector, Destination, Source
from connectors.base.errors import PlatformError
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.types import RawRequest
from connectors.models import ConnectedStore, StorePart, StoreState, WebhookDelivery
from connectors.pacing import Pace
from connectors.scrubbing import scrub_text
from connectors.speaking import speaking, still_hears_us
from orders import aftersales, outbox, reading, store_reading
from orders.models import Mirror
from orders.reading import Readings

log = logging.getLogger(__name__)

BATCH, MOST_AT_ONCE = 100, 400
# What a platform's clock and ours may differ by: a message stamped closer to our connecting may be from before it.
CLOCKS_DIFFER = timedelta(minutes=5)

_DUE = Rows(
    WebhookDelivery,
    "select {columns} from connectors_webhookdelivery t where t.store_id = %(store)s and t.processed_at is null"
    " and t.not_before <= %(now)s order by t.id limit %(limit)s",
)
_MARK_READ = """update connectors_webhookdelivery d set processed_at = %s, outcome = r.outcome, body = r.body
from json_to_recordset(%s::json) as r(id bigint, outcome text, body text) where d.id = r.id"""
_POSTPONE = """update connectors_webhookdelivery d
set attempts = r.attempts, not_before = r.not_before, outcome = r.outcome
from json_to_recordset(%s::json) as r(id bigint, attempts int, not_before timestamptz, outcome text)
where d.id = r.id"""
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


def empty(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace | None = None, at_once: int = 1) -> int:
    """Read the store's due deliveries, oldest first, and return how many. Makes calls, up to `at_once` together: not
    inside a transaction.

    Safe to repeat and to break off: a delivery is marked only after what it names was read and kept. What cannot be
    read now keeps only the deliveries that name it unread.
    """
    with merchant_rows(store.merchant_id):
        deliveries = _DUE(store=store.pk, now=clock(), limit=BATCH if at_once == 1 else MOST_AT_ONCE)
    if not deliveries:
        return 0
    parser = registry.build(store.platform, clock=clock, store=store)
    parsed = {delivery.pk: _events(delivery, parser) for delivery in deliveries}
    events = [event for found in parsed.values() for event in found]
    try:
        readings = _act(store=store, events=events, clock=clock, pace=pace, at_once=at_once)
    except PlatformError as error:
        _put_back(store=store, failed=[(delivery, error) for delivery in deliveries], now=clock())
        with merchant_rows(store.merchant_id):
            calls.save(records=calls.take(), merchant_id=store.merchant_id, subject="")
        return len(deliveries)
    read, failed = [], []
    for delivery in deliveries:
        named = parsed[delivery.pk]
        errors = [readings.failed[event.external_id] for event in named if event.external_id in readings.failed]
        if errors:
            failed.append((delivery, next((each for each in errors if not isinstance(each, NotAsked)), errors[0])))
            continue
        outcome = "; ".join(dict.fromkeys(_outcome(event, readings.outcomes) for event in named))[:300]
        delivery.outcome = outcome or "It could not be read"
        read.append(delivery)
    _put_back(store=store, failed=failed, is_down=not read, now=clock())
    _mark_read(store=store, deliveries=read, connector=parser, now=clock())
    return len(deliveries)


def _events(delivery: WebhookDelivery, parser: Connector) -> list[PlatformEvent]:
    request = RawRequest(body=delivery.body.encode(), headers=delivery.headers)
    try:
        return parser.parse_webhook(request)
    except PlatformError as error:
        log.warning("delivery not readable", extra={"delivery": delivery.pk, "failure": type(error).__name__})
        return []


def _act(
    *,
    store: ConnectedStore,
    events: Sequence[PlatformEvent],
    clock: Callable[[], datetime],
    pace: Pace | None,
    at_once: int,
) -> Readings:
    """Read what the events name: what came of it by external id, or by kind for what is about no order.

    Raises PlatformError when the platform can't be asked at all.
    """
    readings = Readings()
    if farewells := [event for event in events if event.kind is EventKind.DEAUTHORIZED]:
        readings.outcomes[EventKind.DEAUTHORIZED] = _hear_farewell(
            store=store, events=farewells, clock=clock, pace=pace
        )
    is_source = store.part == StorePart.SOURCE
    about = _ABOUT_SOURCE_ORDER if is_source else _ABOUT_STORE_ORDER
    wanted = list(dict.fromkeys(event.external_id for event in events if event.kind in about and event.external_id))
    if wanted and not is_source:
        wanted = _ours(store, wanted)
    if not wanted:
        return readings
    with speaking(store, clock=clock, pace=pace) as connector:
        if isinstance(connector, Source):
            found = reading.try_orders(store=store, source=connector, external_ids=wanted, clock=clock, at_once=at_once)
            for external_id, error in list(found.failed.items()):
                if error.permanent:  # a person sees it, and it is tried again
                    reading.set_aside(store=store, external_id=external_id, reason=error.message, now=clock())
                    found.outcomes[external_id] = "Set aside: the source refused to show it"
                    del found.failed[external_id]
            found.failed.update(_read_after_sale(store, connector, events, clock, at_once, besides=found.failed))
        else:
            assert isinstance(connector, Destination)
            found = store_reading.try_mirrors(
                store=store, destination=connector, external_ids=wanted, clock=clock, at_once=at_once
            )
    readings.outcomes.update(found.outcomes)
    readings.failed.update(found.failed)
    return readings


def _read_after_sale(
    store: ConnectedStore,
    source: Source,
    events: Iterable[PlatformEvent],
    clock: Callable[[], datetime],
    at_once: int,
    besides: Collection[str],
) -> dict[str, PlatformError]:
    """What these events say of cancellations and returns, once their orders are kept; `besides` are not. Returns the
    orders of which it could not be told now."""
    named: dict[EventKind, list[str]] = {}
    for event in events:
        if event.external_id and event.external_id not in besides:
            named.setdefault(event.kind, []).append(event.external_id)
    asked, returned = (
        list(dict.fromkeys(named.get(kind, []))) for kind in (EventKind.CANCELLATION_CHANGED, EventKind.RETURN_CHANGED)
    )
    if not asked and not returned:
        return {}
    return aftersales.try_named(
        store=store, source=source, asked=asked, returned=returned, clock=clock, at_once=at_once
    )


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


def _put_back(
    *,
    store: ConnectedStore,
    failed: Sequence[tuple[WebhookDelivery, PlatformError]],
    now: datetime,
    is_down: bool = False,
) -> None:
    """What these name could not be read: they stay unread and come again, with growing pauses; soon what was not asked
    about, and where nothing could be read (`is_down`), since that is not their doing."""
    if not failed:
        return
    news = []
    for delivery, error in failed:
        retry_after, is_asked = getattr(error, "retry_after", None), not isinstance(error, NotAsked)
        attempts = delivery.attempts + (1 if is_asked else 0)
        pause = outbox.pause_after(attempts if is_asked else 1)
        pause = retry_after if retry_after is not None else min(pause, outbox.QUICK_PAUSE) if is_down else pause
        again_at = now + timedelta(seconds=pause)
        news.append(
            {
                "id": delivery.pk,
                "attempts": attempts,
                "not_before": again_at.isoformat(),
                "outcome": error.message[:300],
            }
        )
    with merchant_rows(store.merchant_id), connection.cursor() as cursor:
        cursor.execute(_POSTPONE, [json.dumps(news, ensure_ascii=False)])


def _mark_read(
    *, store: ConnectedStore, deliveries: list[WebhookDelivery], connector: Connector, now: datetime
) -> None:
    """Done: the body is kept without buyers' data."""
    if not deliveries:
        return
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
