"""The guard: right before anything is sent, the order is read once more as its source has it at this moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime

from accounts.access import merchant_rows
from connectors.base import snapshot
from connectors.base.connector import Source
from connectors.base.errors import AuthorizationError, PlatformError, TemporaryError, UnreadableAnswer
from connectors.base.types import PlatformOrder
from connectors.http import patiently
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_source
from orders import aftersales, ingest
from orders.models import Attention, Order, OrderState
from orders.work import Drain, Work, fail, still_open

Answers = dict[str, PlatformOrder | UnreadableAnswer]


def read_again(*, order: Order, clock: Callable[[], datetime]) -> tuple[Order, PlatformOrder]:
    """The order as its source has it now, kept and drawn consequences from.

    Makes a call: not inside a transaction. Raises PlatformError; TemporaryError when the source does not show it.
    """
    with speaking_to_source(order.source_store, clock=clock) as source:
        found = source.fetch_orders([order.external_id])
    seen = _shown({order.external_id: found[0]} if found else {}, order)
    kept = keep(order=order, seen=seen, now=clock())
    return kept, ingest.seen_of(kept) if kept is not order else seen


def read_all_again(*, works: Sequence[Work], drain: Drain) -> None:
    """`read_again` for many at once: fills in `seen` and the order as it stands. Not inside a transaction."""
    for store, group in _by_source(still_open(works)):
        try:
            pace = drain.pace if store.pk == drain.store.pk else drain.guest(store)
            with patiently(tries=drain.tries), speaking_to_source(store, clock=drain.clock, pace=pace) as source:
                found = source.fetch_orders([work.order.external_id for work in group])
                _read_returns(store, source, group, drain)
        except PlatformError as error:
            fail(group, error)
            continue
        answers = {each.external_id: each for each in found}
        _keep_news([work for work in group if not _is_known(work, answers)], answers, drain.clock())


def _read_returns(store: ConnectedStore, source: Source, works: Sequence[Work], drain: Drain) -> None:
    """Of the orders of which a return was open when we looked last: others cost no call, and do not wait for it."""
    asking = [work for work in works if work.order.return_requested_at is not None]
    if not asking:
        return
    ids = [work.order.external_id for work in asking]
    try:
        aftersales.read_returns(store=store, source=source, order_ids=ids, clock=drain.clock)
    except AuthorizationError:
        raise
    except PlatformError as error:
        fail(asking, error)
        return
    with merchant_rows(store.merchant_id):
        fresh = Order.objects.filter(source_store=store, external_id__in=ids)
        open_since = dict(fresh.values_list("external_id", "return_requested_at"))
    for work in asking:
        work.order.return_requested_at = open_since[work.order.external_id]


def keep(*, order: Order, seen: PlatformOrder, now: datetime) -> Order:
    """Keep what was read, and the order as it then stands. A reading that says nothing new costs no statement."""
    return ingest.store_order(seen=seen, store=order.source_store, now=now) if _is_news(order, seen) else order


def _is_news(order: Order, seen: PlatformOrder) -> bool:
    is_news = order.state == OrderState.HELD or seen.updated_at != order.source_updated_at
    return is_news or snapshot.to_json(seen) != order.snapshot


def _is_known(work: Work, answers: Answers) -> bool:
    """Whether the work may go on as it is, since the reading says nothing new."""
    seen = answers.get(work.order.external_id)
    if not isinstance(seen, PlatformOrder) or _is_news(work.order, seen):
        return False
    _go_on(work, work.order, dataclasses.replace(seen, raw={}))
    return True


def _keep_news(works: Sequence[Work], answers: Answers, now: datetime) -> None:
    """One that is not shown, or cannot be kept, stops no other."""
    shown: dict[str, PlatformOrder] = {}
    for work in works:
        try:
            shown[work.order.external_id] = _shown(answers, work.order)
        except TemporaryError as error:
            work.error = error
    if not shown:
        return
    store = works[0].order.source_store
    kept = ingest.store_orders(seen=list(shown.values()), store=store, now=now)
    for work in still_open(works):
        order = kept[work.order.external_id]
        if isinstance(order, Exception):
            work.error = order
        else:
            _go_on(work, order, ingest.seen_of(order))


def _go_on(work: Work, order: Order, seen: PlatformOrder) -> None:
    """Hundreds of works wait at once: what is kept in the row is read from there by whoever needs it still."""
    work.order, work.seen = order, seen
    order.__dict__.pop("snapshot", None)


def _shown(answers: Answers, order: Order) -> PlatformOrder:
    seen = answers.get(order.external_id)
    if seen is None:
        raise TemporaryError("TikTok Shop did not show the order when it was read again")
    if isinstance(seen, UnreadableAnswer):
        raise TemporaryError(seen.message, reason=Attention.UNREADABLE)
    return seen


def _by_source(works: Sequence[Work]) -> list[tuple[ConnectedStore, list[Work]]]:
    groups: dict[int, tuple[ConnectedStore, list[Work]]] = {}
    for work in works:
        store = work.order.source_store
        groups.setdefault(store.pk, (store, []))[1].append(work)
    return list(groups.values())
