"""Where a merchant's webhooks go. The address may be a key to somebody's channel: it stands encrypted in one row, and
everywhere else by its mark, which leads to nobody who has not that row."""

from __future__ import annotations

import logging
from collections.abc import Collection
from urllib.parse import urlsplit

from django.db import connection
from django.utils.crypto import salted_hmac

from connectors.crypto import UnreadableSecret, decrypt
from orders.models import AlertAddress

log = logging.getLogger(__name__)


def mark_of(url: str) -> str:
    """The address's host, and a mark that is always the same for the same address: hooks.example.com#1f0c5a77b2d4."""
    host = urlsplit(url).netloc.rpartition("@")[2][:255]
    return f"{host}#{salted_hmac('orders.alert_addresses', url, algorithm='sha256').hexdigest()[:12]}"


def host_of(mark: str) -> str:
    """What of the address may be shown."""
    return mark.partition("#")[0]


def keep(*, merchant_id: int, url: str) -> str:
    """Keep the address and return its mark. In merchant_rows; may be repeated."""
    mark = mark_of(url)
    row = AlertAddress(merchant_id=merchant_id, mark=mark, url=url)
    AlertAddress.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["merchant", "mark"], update_fields=["url"]
    )  # one that no key opens any more is readable again
    return mark


def urls_of(wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """The addresses behind these marks, in all_merchants. One that no key opens any more is left out: it concerns
    nobody else's message."""
    found: dict[tuple[int, str], str] = {}
    with connection.cursor() as cursor:
        asked = "select merchant_id, mark, url from orders_alertaddress where merchant_id = any(%s) and mark = any(%s)"
        cursor.execute(asked, [[each[0] for each in wanted], [each[1] for each in wanted]])
        rows = cursor.fetchall()
    for merchant_id, mark, kept in rows:
        try:
            found[merchant_id, mark] = decrypt(kept)
        except UnreadableSecret:
            log.error("an alert address cannot be read", extra={"merchant": merchant_id})
    return found
