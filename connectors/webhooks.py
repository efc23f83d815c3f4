"""The one endpoint for webhooks: verify over the raw bytes, keep durably, answer. Orders are not read here.

Nothing is woken: the dispatch loop looks for unread deliveries several times a second.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from psycopg_pool import ConnectionPool

from accounts.access import all_merchants
from connectors import registry
from connectors.base.connector import Connector
from connectors.base.errors import InvalidSignature, PlatformError
from connectors.base.types import RawRequest
from connectors.models import ConnectedStore, StoreState

log = logging.getLogger(__name__)

LARGEST_BODY = 2 * 1024 * 1024

# The narrow door for a sender that names its shop, not its merchant; see the migration that makes it.
_KEEP = "select connectors_keep_delivery(%s, %s, %s, %s, %s, %s)"


def raw_request(request: HttpRequest) -> RawRequest:
    """The request as a connector wants it. Reads the body."""
    return RawRequest(
        body=request.body,
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: request.GET[name] for name in request.GET},
    )


@csrf_exempt
@require_POST
def receive(request: HttpRequest, platform: str) -> HttpResponse:
    """The status that `accept` answers. Production's own front door leads there without coming by here."""
    if platform in registry.PLATFORMS and int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        return HttpResponse(status=413)
    return HttpResponse(status=accept(platform, raw_request(request)))


def accept(platform: str, raw: RawRequest) -> int:
    """200 once the delivery is durably stored (or was before), 401 for a wrong signature, 4xx for what can never be
    read, 5xx when we failed, so that the sender tries again."""
    try:
        connector = registry.verifier(platform, clock=timezone.now)
    except registry.UnknownPlatform:
        return 404
    try:
        if connector.has_store_secret:
            connector = _of_the_store(connector, raw)
        connector.verify_webhook(raw)
        shop, key = connector.store_of(raw), connector.delivery_key(raw)
        body = raw.body.decode()
    except InvalidSignature:
        return 401
    except (PlatformError, ValueError):
        log.warning("webhook not understood", extra={"platform": platform, "bytes": len(raw.body)})
        return 400
    if "\x00" in body:  # PostgreSQL cannot hold it, and no JSON document contains it
        return 400
    try:
        _keep(platform=platform, shop=shop, key=key, body=body, headers=_kept_headers(raw))
    except (DatabaseError, psycopg.Error):
        log.exception("webhook not stored", extra={"platform": platform})
        return 503
    return 200


def _of_the_store(connector: Connector, raw: RawRequest) -> Connector:
    """The connector of the store that the message claims to come from: only its secret can tell.

    Raises InvalidSignature for a store that nobody connected, since nothing can be verified then.
    """
    with all_merchants("a webhook names its shop, not its merchant"):
        found = ConnectedStore.objects.filter(platform=connector.platform, external_id=connector.store_of(raw))
        store = found.exclude(state=StoreState.DISCONNECTED).first()
    if store is None:
        raise InvalidSignature("No store of this name is connected")
    return registry.build(connector.platform, clock=timezone.now, store=store)


def _keep(*, platform: str, shop: str, key: str, body: str, headers: dict[str, str]) -> None:
    """One durable insert. A repeat, and a shop that nobody connected, leave no row, so it may be tried twice."""
    values: list[Any] = [platform, shop, key, json.dumps(headers), body, timezone.now()]
    pool = connection.pool  # type: ignore[attr-defined] # PostgreSQL's alone
    if pool is None or connection.connection is not None:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, values)
        return
    try:
        _keep_at_once(pool, values)
    except psycopg.OperationalError:  # the database was restarted since: the pool has a new connection by now
        _keep_at_once(pool, values)


def _keep_at_once(pool: ConnectionPool[Any], values: Sequence[Any]) -> None:
    """Over a pooled connection as it is, and by a prepared statement: half of what Django's own way costs."""
    pool.open()
    raw = pool.getconn()
    try:
        if not raw.autocommit:
            raw.autocommit = True
        psycopg.Cursor(raw).execute(_KEEP, values, prepare=True)
    finally:
        pool.putconn(raw)


def _kept_headers(raw: RawRequest) -> dict[str, str]:
    """The headers that say what the delivery is about; signatures are not kept."""
    return {
        name: value
        for name, value in raw.headers.items()
        if name.startswith("x-") and "hmac" not in name and "signature" not in name and "forwarded" not in name
    }
