"""django-q2's entry points: look up, call one step, nothing else. Arguments are ids."""

from __future__ import annotations

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache

from django.db import close_old_connections, connection
from django.db.models import Q
from django.utils import timezone

from accounts.access import all_merchants
from connectors import oauth
from connectors.base.errors import PlatformError
from connectors.models import ApiCall, AuthorizationAttempt, ConnectedStore, StoreState, WebhookDelivery
from orders import alerts, catalogs, delivering, lanes, linking, queue, reckoning
from orders.models import Alert, AlertMessage
from orders.runner import Runner

log = logging.getLogger(__name__)

REFRESH_BEFORE = timedelta(hours=2)
CHECK_WEBHOOKS_AFTER = timedelta(hours=24)
KEEP_CALLS = timedelta(days=30)
KEEP_DELIVERIES = timedelta(days=30)
HAND_OVER_WITHIN = 2.0
KEEP_MESSAGES = timedelta(days=90)


@cache
def _runner() -> Runner:
    """This process's own: threads do not survive a fork."""
    return Runner(clock=timezone.now)


os.register_at_fork(after_in_child=_runner.cache_clear)


def drain_lanes(*stores_and_fences: int) -> int:
    """Begin to do the due work of these stores, each id followed by its lane's fence: how many were begun. Where this
    process has its hands full, lanes are given back."""
    begun, patient_until = 0, time.monotonic() + HAND_OVER_WITHIN
    for store_id, fence in zip(stores_and_fences[::2], stores_and_fences[1::2], strict=True):
        if _runner().take(store_id=store_id, fence=fence, within=max(0.0, patient_until - time.monotonic())):
            begun += 1
        else:
            lanes.give_back(store_id=store_id, fence=fence)
    return begun


@cache
def _readers() -> ThreadPoolExecutor:
    """Catalogs take longer than a task may."""
    return ThreadPoolExecutor(2, thread_name_prefix="catalog")


os.register_at_fork(after_in_child=_readers.cache_clear)


def read_catalogs() -> int:
    """Have every catalog read that is due. Returns how many."""
    due = catalogs.due(now=timezone.now())
    for store_id in due:
        queue.enqueue("read_catalog", store_id)
    return len(due)


def read_catalog(store_id: int) -> None:
    """Begin to read one store's catalog, in a thread of this process."""
    _readers().submit(_read_catalog, store_id)


def _read_catalog(store_id: int) -> None:
    try:
        close_old_connections()
        with all_merchants("a task names its store, not its merchant"):
            store = ConnectedStore.objects.filter(pk=store_id, state=StoreState.CONNECTED).first()
        if store is not None:
            linking.read_and_link(store=store, clock=timezone.now)
    except Exception:
        log.exception("a catalog could not be read", extra={"store": store_id})
    finally:
        connection.close()


def refresh_tokens() -> int:
    """Refresh the tokens of quiet stores before they lapse. One store's failure stops no other."""
    now = timezone.now()
    with all_merchants("every store's token"):
        soon = ConnectedStore.objects.filter(state=StoreState.CONNECTED, access_expires_at__lt=now + REFRESH_BEFORE)
        stores = list(soon.order_by("pk"))
    done = 0
    for store in stores:
        try:
            oauth.refresh_if_needed(store=store, now=timezone.now(), force=True)
            done += 1
        except PlatformError:
            continue  # said and marked by refresh_if_needed; the next round tries again
    return done


def renew_webhooks() -> int:
    """Check once a day that every store still tells us what happens there."""
    now = timezone.now()
    with all_merchants("every store's webhooks"):
        stale = Q(webhooks_checked_at=None) | Q(webhooks_checked_at__lt=now - CHECK_WEBHOOKS_AFTER)
        stores = list(ConnectedStore.objects.filter(stale, state=StoreState.CONNECTED).order_by("pk"))
    for store in stores:
        oauth.renew_webhooks(store=store, now=timezone.now())
    return len(stores)


@cache
def _messengers() -> ThreadPoolExecutor:
    """An address that hangs takes longer than it should, and must not take a task's time."""
    return ThreadPoolExecutor(1, thread_name_prefix="messages")


os.register_at_fork(after_in_child=_messengers.cache_clear)


def judge_alerts() -> int:
    """Reckon deadlines, look at what is wrong, and begin to send what is to be said. Returns how much is new."""
    try:
        reckoning.keep_reckoned()
    except Exception:
        log.exception("deadlines could not be reckoned")
    try:
        return alerts.judge(now=timezone.now())
    finally:
        send_messages()


def send_messages() -> None:
    """Begin to send what is due, in a thread of this process."""
    _messengers().submit(_send_messages)


def _send_messages() -> None:
    try:
        close_old_connections()
        while delivering.deliver(clock=timezone.now):
            pass
    except Exception:
        log.exception("messages could not be sent")
    finally:
        connection.close()


def clean_up() -> int:
    """Forget calls, read deliveries and spent authorization attempts after their time."""
    now = timezone.now()
    with all_merchants("old records of every merchant"):
        count, _ = ApiCall.objects.filter(called_at__lt=now - KEEP_CALLS).delete()
        read = WebhookDelivery.objects.filter(processed_at__lt=now - KEEP_DELIVERIES)
        count += read.delete()[0]
        count += AlertMessage.objects.filter(said_at__lt=now - KEEP_MESSAGES).delete()[0]
        count += Alert.objects.filter(resolved_at__lt=now - KEEP_MESSAGES).delete()[0]
        count += AuthorizationAttempt.objects.filter(created_at__lt=now - timedelta(days=1)).delete()[0]
    return count
