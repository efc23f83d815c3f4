"""Speaking for a store: a connector with a token that lasts, and the one place that reacts to a refused one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import cast

from connectors import calls, oauth, registry
from connectors.base.connector import Connector, Destination, Source
from connectors.base.errors import AuthorizationError, ScopeMissing, TemporaryError
from connectors.models import ConnectedStore, StoreState
from connectors.pacing import Pace

FRESH = timedelta(seconds=30)


class StoreWaits(TemporaryError):
    """Nothing can be said to this store until a person reconnects it. Nothing was sent."""


class TokenRenewed(TemporaryError):
    """The token had lapsed in between and was refreshed. Nothing was done; the same call works now."""


@contextmanager
def speaking(store: ConnectedStore, *, clock: Callable[[], datetime], pace: Pace | None = None) -> Iterator[Connector]:
    """A connector for the store, its token refreshed when about to lapse. Not inside a transaction. `pace` is a lane's.

    A token refused in between is refreshed once: TokenRenewed. Refused again while fresh, or not to be refreshed: the
    store is marked "Reconnect", and StoreWaits is raised. A missing permission goes through as ScopeMissing. Several
    threads may speak for one store: the connector keeps a copy of it, with the token that it speaks with.
    """
    spoken_for = store
    if store.state != StoreState.CONNECTED:
        raise StoreWaits(f"{store.name} has to be reconnected first")
    try:
        current = oauth.refresh_if_needed(store=store, now=clock())
        if current.state != StoreState.CONNECTED:
            raise StoreWaits(f"{store.name} has to be reconnected first")
        store.credentials_text, store.credentials_version = current.credentials_text, current.credentials_version
        store.access_expires_at, store.refreshed_at = current.access_expires_at, current.refreshed_at
        spoken_for = copy.copy(current)
        record = calls.recorder(store, clock=clock)
        yield registry.build(store.platform, clock=clock, store=spoken_for, record=record, pace=pace)
    except ScopeMissing:
        raise
    except AuthorizationError as error:
        raise renewed(store=spoken_for, error=error, now=clock()) from error


@contextmanager
def speaking_to_source(
    store: ConnectedStore, *, clock: Callable[[], datetime], pace: Pace | None = None
) -> Iterator[Source]:
    """`speaking`, for a store that orders come from."""
    with speaking(store, clock=clock, pace=pace) as connector:
        yield cast(Source, connector)


@contextmanager
def speaking_to_destination(
    store: ConnectedStore, *, clock: Callable[[], datetime], pace: Pace | None = None
) -> Iterator[Destination]:
    """`speaking`, for a store that orders go to."""
    with speaking(store, clock=clock, pace=pace) as connector:
        yield cast(Destination, connector)


def still_hears_us(store: ConnectedStore, *, clock: Callable[[], datetime], pace: Pace | None = None) -> bool:
    """Whether the platform still lists the store for our token, asked now. Not inside a transaction.

    A refused token is refreshed as ever, and the store marked "Reconnect" if that fails. Raises PlatformError where
    that cannot be told now.
    """
    try:
        with speaking(store, clock=clock, pace=pace) as connector:
            return store.external_id in {each.external_id for each in connector.list_stores()}
    except StoreWaits:
        return False


def renewed(*, store: ConnectedStore, error: AuthorizationError, now: datetime) -> TemporaryError:
    """React to a refused token, as `speaking` does, and return the failure that stands for it: TokenRenewed or
    StoreWaits. `store` is the row with the token that was refused: the connector's own. Makes a call: not inside a
    transaction. Raises PlatformError where the refresh could not be tried.

    A fresh token that was replaced while the call was under way says nothing about its successor.
    """
    is_fresh = store.refreshed_at is not None and now - store.refreshed_at < FRESH
    if is_fresh and not oauth.is_replaced(store=store, now=now):
        oauth.mark_reconnect(store=store, reason=error.message)
        return StoreWaits(f"{store.name} has to be reconnected: {error.message}")
    try:
        oauth.refresh_if_needed(store=store, now=now, force=True)
    except AuthorizationError as refused:
        return StoreWaits(f"{store.name} has to be reconnected: {refused.message}")
    return TokenRenewed(f"The token of {store.name} was renewed", retry_after=0)
