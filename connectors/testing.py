"""Test connection: does the platform still know us, by every name that matters."""

from __future__ import annotations

import time
from datetime import datetime

from accounts.access import merchant_rows
from connectors import calls, oauth
from connectors.base.errors import PlatformError
from connectors.models import ConnectedStore
from connectors.speaking import speaking


def test_store(*, store: ConnectedStore, by: str, now: datetime) -> bool:
    """Ask the platform for the store, compare what it says with what we keep, and check the webhooks.

    The result is kept on the store: its words, whether it passed, how long the call took. Answers whether it passed.
    Makes calls: not inside a transaction. May be repeated.
    """
    calls.take()
    began = time.monotonic()
    try:
        with speaking(store, clock=lambda: now) as connector:
            there = {each.external_id: each for each in connector.list_stores()}
        milliseconds = round((time.monotonic() - began) * 1000)
        identity = there.get(store.external_id)
        wrong, right = _judge(store, currency=identity.currency if identity else None)
        if identity is not None:
            oauth.renew_webhooks(store=store, now=now)
    except PlatformError as error:
        milliseconds, wrong, right = round((time.monotonic() - began) * 1000), [error.message], []
    result = {"at": now.isoformat(), "by": by, "ms": milliseconds, "passed": not wrong, "facts": wrong or right}
    with merchant_rows(store.merchant_id):
        ConnectedStore.objects.filter(pk=store.pk).update(last_test=result)
        calls.save(records=calls.take(), merchant_id=store.merchant_id, subject="")
    return not wrong


def _judge(store: ConnectedStore, *, currency: str | None) -> tuple[list[str], list[str]]:
    """What is wrong, and what is right; `currency` is None when the platform does not list the store at all."""
    if currency is None:
        return [f"This login no longer sees {store.name}. Reconnect with the login that owns it."], []
    wrong, right = [], ["Token valid"]
    if missing := oauth.missing_scopes(store):
        wrong.append(f"Not granted: {', '.join(missing)}. Connect again and allow all permissions.")
    elif store.scopes:
        right.append("All permissions granted")
    if currency and store.currency and currency != store.currency:
        wrong.append(f"It works in {currency} now, and was connected with {store.currency}. Connect it again.")
    elif currency:
        right.append(f"Currency {currency}")
    return wrong, right
