"""The one endpoint for webhooks: verify over the raw bytes, keep durably, answer. Orders are not read here.

Nothing is woken: the dispatch loop looks for unread deliveries several times a second.
"""

from __future__ import annotations

import json
import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.access import all_merchants
from connectors import registry
from connectors.base.connector import Connector
from connectors.base.errors import InvalidSignature, PlatformError
from connectors.base.types import RawRequest
from connectors.models import ConnectedStore, StoreState

log = logging.getLogger(__name__)

LARGEST_BODY = 2 * 1024 * 1024

_KEEP = """
insert into connectors_webhookdelivery
  (merchant_id, store_id, platform, delivery_key, headers, body, received_at, not_before, attempts, outcome)
select merchant_id, id, platform, %s, %s::jsonb, %s, %s, %s, 0, ''
from connectors_connectedstore
where platform = %s and external_id = %s and state <> 'DISCONNECTED'
on conflict (platform, delivery_key) do nothing
"""


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
    """200 once the delivery is durably stored (or was before), 401 for a wrong signature, 4xx for what can never be
    read, 5xx when we failed, so that the sender tries again."""
    try:
        kind = registry.connector_class(platform)
    except registry.UnknownPlatform:
        return HttpResponse(status=404)
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        return HttpResponse(status=413)
    raw = raw_request(request)
    connector = registry.build(platform, clock=timezone.now)
    try:
        if kind.has_store_secret:
            connector = _of_the_store(connector, raw)
        connector.verify_webhook(raw)
        shop, key = connector.store_of(raw), connector.delivery_key(raw)
        body = raw.body.decode()
    except InvalidSignature:
        return HttpResponse(status=401)
    except (PlatformError, ValueError):
        log.warning("webhook not understood", extra={"platform": kind.platform, "bytes": len(raw.body)})
        return HttpResponse(status=400)
    if "\x00" in body:  # PostgreSQL cannot hold it, and no JSON document contains it
        return HttpResponse(status=400)
    try:
        _keep(platform=platform, shop=shop, key=key, body=body, headers=_kept_headers(raw))
    except DatabaseError:
        log.exception("webhook not stored", extra={"platform": kind.platform})
        return HttpResponse(status=503)
    return HttpResponse(status=200)


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
    """One durable insert. A repeat, and a shop that nobody connected, leave no row."""
    now = timezone.now()
    with all_merchants("a webhook names its shop, not its merchant"), connection.cursor() as cursor:
        cursor.execute(_KEEP, [key, json.dumps(headers), body, now, now, platform, shop])


def _kept_headers(raw: RawRequest) -> dict[str, str]:
    """The headers that say what the delivery is about; signatures are not kept."""
    return {
        name: value
        for name, value in raw.headers.items()
        if name.startswith("x-") and "hmac" not in name and "signature" not in name and "forwarded" not in name
    }
