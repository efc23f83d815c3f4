"""Connecting and staying connected. Platforms declare their part; this performs it, safely.

No call to a platform is made inside a transaction.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q, QuerySet

from accounts.access import all_merchants, merchant_rows
from accounts.models import User
from connectors import registry
from connectors.base.connector import AuthorizationAnswer, AuthorizationRequest
from connectors.base.errors import AuthorizationError, PlatformError
from connectors.base.types import Credentials, RawRequest, StoreIdentity
from connectors.models import AuthorizationAttempt, ConnectedStore, StoreState

log = logging.getLogger(__name__)

STATE_LIFE = timedelta(minutes=15)
REFRESH_EARLY = timedelta(minutes=10)
REFRESH_LEASE = timedelta(seconds=60)
CREDENTIALS_AND_LEASE = (
    *ConnectedStore.CREDENTIAL_FIELDS,
    "credentials_version",
    "refreshed_at",
    "refresh_lease_until",
)


class ConnectError(Exception):
    """A store could not be connected. The text says what failed, on whose side, and what to do."""


class UnboundInstall(Exception):
    """The platform started this install itself, so no merchant is named yet: ask the person, then go on."""

    def __init__(self, answer: AuthorizationAnswer) -> None:
        super().__init__("install started by the platform")
        self.answer = answer


def callback_url(platform: str) -> str:
    """Where the platform sends the browser back to."""
    return f"{settings.PUBLIC_URL}/connect/{platform}/callback/"


def webhook_url(platform: str) -> str:
    """Where the platform sends its webhooks."""
    return f"{settings.PUBLIC_URL}/webhooks/{platform}/"


def begin(
    *,
    platform: str,
    merchant_id: int,
    user: User,
    session_key: str,
    shop: str,
    now: datetime,
    carried: Mapping[str, str] | None = None,
) -> str:
    """Remember who asked, and return the platform's consent page. `carried` came with a landing.

    Raises ConnectError for a shop, or a landing, that the platform cannot mean.
    """
    state = secrets.token_hex(24)  # letters and digits only: some platforms sign the query before escaping it
    connector = registry.build(platform, clock=lambda: now)
    try:
        url = connector.authorize_url(
            AuthorizationRequest(
                state=state, redirect_url=callback_url(platform), shop=shop.strip(), carried=carried or {}
            )
        )
    except PlatformError as error:
        raise ConnectError(error.message) from error
    with merchant_rows(merchant_id):
        AuthorizationAttempt.objects.create(
            merchant_id=merchant_id,
            user=user,
            platform=platform,
            shop=shop.strip(),
            state_digest=_digest(state),
            session_digest=_digest(session_key),
            created_at=now,
        )
    return url


def finish(
    *, platform: str, request: RawRequest, user: User, session_key: str, now: datetime
) -> tuple[int, list[ConnectedStore]]:
    """Complete the journey that `begin` opened: the merchant's id and its stores.

    The state must be ours, fresh, unused, and of this session and person; it is spent before the code is.
    Raises ConnectError, or UnboundInstall when the platform sent no state at all.
    """
    connector = registry.build(platform, clock=lambda: now)
    try:
        answer = connector.read_callback(request)
    except PlatformError as error:
        raise ConnectError(f"{connector.label} did not sign this answer: {error.message}") from error
    if answer.error:
        if answer.state:
            _spend(platform=platform, state=answer.state, user=user, session_key=session_key, now=now)
        raise ConnectError(
            f"{connector.label} says that access was refused. Nothing was connected. "
            "Connect again and choose Allow, with the login of the shop's owner."
        )
    if not answer.state:
        raise UnboundInstall(answer)
    attempt = _spend(platform=platform, state=answer.state, user=user, session_key=session_key, now=now)
    if attempt.shop and answer.shop and attempt.shop.casefold() != answer.shop.casefold():
        raise ConnectError(f"You asked for {attempt.shop}, but the answer is for {answer.shop}. Nothing was connected.")
    answer = replace(answer, shop=answer.shop or attempt.shop)
    return attempt.merchant_id, connect(platform=platform, answer=answer, merchant_id=attempt.merchant_id, now=now)


def connect(*, platform: str, answer: AuthorizationAnswer, merchant_id: int, now: datetime) -> list[ConnectedStore]:
    """Exchange the code and keep one store per shop that it covers. Raises ConnectError."""
    connector = registry.build(platform, clock=lambda: now)
    answer = replace(answer, redirect_url=callback_url(platform))
    try:
        credentials = connector.exchange_code(answer)
        speaking = registry.build(platform, clock=lambda: now, credentials=credentials)
        speaking.store = StoreIdentity(external_id=answer.shop, name=answer.shop, domain=answer.shop)
        identities = speaking.list_stores()
    except PlatformError as error:
        raise ConnectError(f"{connector.label} did not complete the connection: {error.message}") from error
    if not identities:
        raise ConnectError(f"{connector.label} lists no shop for this login. Use the login of the shop's owner.")
    for identity in identities:
        _ask_predecessors(platform=platform, identity=identity, merchant_id=merchant_id, now=now)
    stores = [
        _keep(platform=platform, identity=identity, credentials=credentials, merchant_id=merchant_id, now=now)
        for identity in identities
    ]
    for store in stores:
        renew_webhooks(store=store, now=now)
    return stores


def _ask_predecessors(*, platform: str, identity: StoreIdentity, merchant_id: int, now: datetime) -> None:
    """A site comes under a new id: is the one we know by its domain gone? Its farewell may not have come yet.

    Whoever is told that it is gone marks it "Reconnect", and `_keep` goes on with its row, its routes and its orders.
    """
    if not identity.domain:
        return
    with merchant_rows(merchant_id):
        known = ConnectedStore.objects.filter(platform=platform, domain=identity.domain, state=StoreState.CONNECTED)
        others = list(known.exclude(external_id=identity.external_id))
    for store in others:
        try:
            refresh_if_needed(store=store, now=now, force=True)
        except PlatformError as error:
            log.info("the store known by this domain", extra={"store": store.pk, "failure": type(error).__name__})


def renew_webhooks(*, store: ConnectedStore, now: datetime) -> list[str]:
    """Make the subscriptions that are missing and return their names. A failure is logged; the poll still works."""
    connector = registry.build(store.platform, clock=lambda: now, store=store)
    try:
        subscribed = connector.ensure_webhooks(webhook_url(store.platform))
    except AuthorizationError as error:
        mark_reconnect(store=store, reason=error.message)
        return []
    except PlatformError as error:
        log.warning("webhooks not renewed", extra={"store": store.pk, "failure": type(error).__name__})
        return []
    with merchant_rows(store.merchant_id):
        ConnectedStore.objects.filter(pk=store.pk).update(webhooks_checked_at=now)
        if subscribed.secret:
            _keep_secret(store=store, secret=subscribed.secret)
    return list(subscribed.made)


def _keep_secret(*, store: ConnectedStore, secret: str) -> None:
    """Keep the secret that this store's webhooks are signed with, beside its tokens, in the caller's transaction."""
    kept = ConnectedStore.objects.select_for_update().get(pk=store.pk)
    if kept.credentials is not None:
        kept.credentials = replace(kept.credentials, extra={**kept.credentials.extra, "webhook_secret": secret})
        kept.save(update_fields=["credentials_text"])
        store.credentials_text = kept.credentials_text


def refresh_if_needed(*, store: ConnectedStore, now: datetime, force: bool = False) -> ConnectedStore:
    """The store with a token that lasts, refreshed when it is about to lapse or when `force` says it was refused.

    One refresh at a time per authorization, for all the shops it covers: whoever loses the race returns the store as
    it is. Both tokens are stored in one transaction. Raises AuthorizationError after marking the stores "Reconnect".
    """
    if not force and (store.access_expires_at is None or store.access_expires_at > now + REFRESH_EARLY):
        return store
    with merchant_rows(store.merchant_id):
        together = list(_covered(store).select_for_update().order_by("pk"))
        kept = next(each for each in together if each.pk == store.pk)
        is_leased = kept.refresh_lease_until is not None and kept.refresh_lease_until >= now
        if is_leased or kept.credentials_version != store.credentials_version or kept.state != StoreState.CONNECTED:
            return kept
        _covered(store).update(refresh_lease_until=now + REFRESH_LEASE)
    connector = registry.build(store.platform, clock=lambda: now, store=kept)
    try:
        fresh = connector.refresh()
    except AuthorizationError as error:
        for each in together:
            mark_reconnect(store=each, reason=error.message)
        raise
    except PlatformError:
        with merchant_rows(store.merchant_id):
            _covered(store).update(refresh_lease_until=None)
        raise
    with merchant_rows(store.merchant_id):
        for each in together:
            each.credentials = replace(fresh, extra={**_secret_of(each), **fresh.extra})
            each.credentials_version += 1
            each.refreshed_at, each.refresh_lease_until = now, None
            each.save(update_fields=[*CREDENTIALS_AND_LEASE])
    return kept


def is_replaced(*, store: ConnectedStore, now: datetime) -> bool:
    """Whether the token that this row was read with has a successor by now, or is just being replaced."""
    with merchant_rows(store.merchant_id):
        kept = ConnectedStore.objects.filter(pk=store.pk)
        versions = kept.values_list("credentials_version", "refresh_lease_until").first()
    if versions is None:
        return False
    version, leased_until = versions
    return version != store.credentials_version or (leased_until is not None and leased_until >= now)


def _secret_of(store: ConnectedStore) -> dict[str, str]:
    """The webhook secret, which a new token does not bring along."""
    kept = store.credentials
    secret = kept.extra.get("webhook_secret", "") if kept else ""
    return {"webhook_secret": secret} if secret else {}


def _covered(store: ConnectedStore) -> QuerySet[ConnectedStore]:
    """The store, and those that share its authorization."""
    same = Q(pk=store.pk)
    if store.authorization_id:
        same |= Q(platform=store.platform, authorization_id=store.authorization_id, state=StoreState.CONNECTED)
    return ConnectedStore.objects.filter(same, merchant_id=store.merchant_id)


def mark_reconnect(*, store: ConnectedStore, reason: str) -> None:
    """Say that a person has to reconnect this store. Orders go on being kept; nothing is dropped. May be repeated."""
    with merchant_rows(store.merchant_id):
        ConnectedStore.objects.filter(pk=store.pk, state=StoreState.CONNECTED).update(
            state=StoreState.RECONNECT, state_reason=reason[:300], refresh_lease_until=None
        )


def disconnect(*, store: ConnectedStore, now: datetime) -> bool:
    """Forget the tokens at once and stop all work for the store: whether access is revoked at the platform too.

    What the platform says changes nothing here. May be repeated. Makes a call: not inside a transaction.
    """
    credentials = store.credentials if store.state == StoreState.CONNECTED else None
    _forget(store)
    if credentials is None:
        return False
    connector = registry.build(store.platform, clock=lambda: now, store=store, credentials=credentials)
    try:
        return connector.leave(webhook_url(store.platform))
    except PlatformError as error:
        log.warning("not left at the platform", extra={"store": store.pk, "failure": type(error).__name__})
        return False


def _forget(store: ConnectedStore) -> None:
    with merchant_rows(store.merchant_id):
        store.credentials = None
        store.state, store.state_reason = StoreState.DISCONNECTED, ""
        store.save(update_fields=[*ConnectedStore.CREDENTIAL_FIELDS, "state", "state_reason"])


def missing_scopes(store: ConnectedStore) -> list[str]:
    """The permissions we need that were not granted; empty when the platform does not tell."""
    wanted: Sequence[str] = registry.connector_class(store.platform).scopes
    return [scope for scope in wanted if scope not in store.scopes] if store.scopes else []


def _spend(*, platform: str, state: str, user: User, session_key: str, now: datetime) -> AuthorizationAttempt:
    with all_merchants("a state names its merchant"):
        found = AuthorizationAttempt.objects.filter(
            state_digest=_digest(state),
            session_digest=_digest(session_key),
            user=user,
            platform=platform,
            used_at=None,
            created_at__gt=now - STATE_LIFE,
        )
        attempt = found.first()
        if attempt is None or not found.update(used_at=now):
            raise ConnectError(
                "This answer does not belong to a connection that you started in this browser in the last "
                "15 minutes, or it was used before. Nothing was connected. Start again from the Connections page."
            )
    return attempt


def _keep(
    *, platform: str, identity: StoreIdentity, credentials: Credentials, merchant_id: int, now: datetime
) -> ConnectedStore:
    with all_merchants("a shop belongs to one merchant at a time"):
        taken = (
            ConnectedStore.objects.filter(platform=platform, external_id=identity.external_id)
            .exclude(merchant_id=merchant_id)
            .exclude(state=StoreState.DISCONNECTED)
            .exists()
        )
    if taken:
        raise ConnectError(
            f"{identity.name} is already connected by another merchant here. Nothing was changed. "
            "Disconnect it there first."
        )
    try:
        with merchant_rows(merchant_id):
            own = ConnectedStore.objects.filter(platform=platform)
            store = own.filter(external_id=identity.external_id).first()
            if store is None and identity.domain:
                # The same site under a new id, as after the app was removed and added again: its orders are there.
                store = own.filter(domain=identity.domain).exclude(state=StoreState.CONNECTED).first()
            if store is None:
                store = ConnectedStore(merchant_id=merchant_id, platform=platform, connected_at=now)
            store.external_id = identity.external_id
            store.part = registry.part_of(platform)
            store.name, store.region = identity.name, identity.region
            store.currency, store.domain = identity.currency, identity.domain
            store.extra = dict(identity.extra)
            store.credentials = credentials
            store.credentials_version += 1
            store.state, store.state_reason = StoreState.CONNECTED, ""
            store.refreshed_at, store.refresh_lease_until = now, None
            store.save()
    except IntegrityError as error:
        raise ConnectError(f"{identity.name} was connected by someone else at this moment. Start again.") from error
    return store


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
