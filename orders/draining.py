"""Draining one store's lane: what is due there is done, for some seconds, under the lane's lease.

Before each round one statement renews the lease, says which kinds of work are due, and, where none is, gives the lane
back. A lane's fixed cost counts: with many quiet stores a round does little more than to find its one order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from accounts.access import merchant_rows
from accounts.rows import first_column
from connectors import calls, machine
from connectors.base.connector import Destination, Source
from connectors.base.errors import PlatformError, TemporaryError
from connectors.http import patiently
from connectors.models import ConnectedStore, StorePart
from connectors.pacing import Pace
from connectors.speaking import speaking
from orders import aftersales, crew, inbox, outbox, reading, reconcile, routing
from orders.held import LaneHeld, LaneLost, open_lane

log = logging.getLogger(__name__)

DRAIN_FOR = timedelta(seconds=5)
AFTER_FAILURE = timedelta(seconds=5)
POLL_AGAIN_AFTER = 30.0
AFTER_OWN_FAILURE = timedelta(seconds=30)
DATABASE_AWAY, DATABASE_TRIES = (OperationalError, InterfaceError), 20  # a try a second
SEND_FOR = 25.0  # seconds of one run of senders; what is to be read is read meanwhile
HOLD_BATCH, MOST_HOLD_BATCHES = 50, 4
LOOK_AGAIN = 0.2  # seconds, for what becomes due during a poll

_HOLDS_OVER = """select external_id from orders_order
where source_store_id = %(store)s and check_at <= %(now)s order by check_at limit %(limit)s"""


def one_sender() -> int:
    """Calls are made one after another, in the lane's own thread."""
    return 1


def drain(
    *,
    store_id: int,
    fence: int,
    clock: Callable[[], datetime],
    most_senders: Callable[[], int] = one_sender,
) -> int:
    """Do the store's due work for some seconds and give the lane back. Returns how many things were done.

    Does nothing when the lease is not ours. May be repeated. `most_senders` says how many calls may be under way now.
    """
    opened = open_lane(store_id, fence, clock())
    if opened is None:
        return 0
    lane = LaneHeld(*opened, fence=fence, clock=clock, most_senders=most_senders)
    done = 0
    try:
        ends_at = clock() + DRAIN_FOR
        while lane.turn.goes_on:
            step = _drain_once(lane=lane)
            done += step
            if lane.drain.is_down:
                lane.rest()
                break
            lane.keep(is_over=not step or clock() >= ends_at, is_busy=False)
    except LaneLost:
        log.warning("lane was taken over", extra={"store": store_id})
    except PlatformError as error:
        _rest(lane=lane, error=error)
    except DATABASE_AWAY:
        log.exception("lane failed", extra={"store": store_id})
        _give_back_once_it_is_there(lane=lane)
    except Exception:
        log.exception("lane failed", extra={"store": store_id})
        lane.give_back(not_before=clock() + AFTER_OWN_FAILURE)
    return done


def _give_back_once_it_is_there(*, lane: LaneHeld) -> None:
    """The database was away. Nobody else takes the lane before its lease lapses, which is long after it is back. Raises
    what it fails with when it does not come back soon."""
    for _ in range(DATABASE_TRIES - 1):
        connection.close()
        machine.current().sleep(1.0)
        try:
            lane.give_back(not_before=lane.clock())
            return
        except DATABASE_AWAY:
            continue
    lane.give_back(not_before=lane.clock())


def _drain_once(*, lane: LaneHeld) -> int:
    turn = lane.turn
    is_busy = turn.deliveries or turn.holds or turn.items
    if turn.poll and is_busy and lane.at_once > 1:
        return _work_beside_poll(lane=lane)
    done = _work(lane=lane)
    if turn.poll:
        _poll(lane=lane)
        done += 1
    return done


def _work(*, lane: LaneHeld) -> int:
    """All that is due but the poll."""
    turn = lane.turn
    done = _read(lane=lane)
    if turn.items or turn.left_behind:
        done += _send_due(lane=lane)
    return done


def _work_beside_poll(*, lane: LaneHeld) -> int:
    """A poll reads through all that changed, which takes long in a busy store: what is due meanwhile does not wait."""
    done = 1
    with ThreadPoolExecutor(1, thread_name_prefix="poll") as pool:
        poll = pool.submit(_poll_apart, lane)
        while not lane.drain.is_down:
            done += _work(lane=lane)
            if wait([poll], timeout=LOOK_AGAIN).done:
                break
            lane.keep()
        poll.result()
    return done


def _poll_apart(lane: LaneHeld) -> None:
    try:
        _poll(lane=lane)
    finally:
        connection.close()


def _read(*, lane: LaneHeld) -> int:
    """Read what is due to be read: deliveries, holds that should be over, orders that were set aside."""
    store, clock, turn = lane.store, lane.clock, lane.turn
    at_once = lane.at_once
    done = inbox.empty(store=store, clock=clock, pace=lane.pace, at_once=at_once) if turn.deliveries else 0
    if turn.holds:
        lane.keep_in_time()
        done += _check_holds(store=store, clock=clock, pace=lane.pace, at_once=at_once)
    if turn.set_aside:
        lane.keep_in_time()
        done += _try_set_aside(store=store, clock=clock, pace=lane.pace)
    if store.part == StorePart.DESTINATION:
        done += _plan_for_new_store(store=store, clock=clock)
    return done


def _send_due(*, lane: LaneHeld) -> int:
    """Carry out the store's due outbox items, and return how many."""
    if lane.turn.left_behind:
        with merchant_rows(lane.store.merchant_id):
            outbox.rescue(store=lane.store, now=lane.clock())

    def meanwhile() -> None:
        lane.keep()
        _read(lane=lane)

    done = crew.send_due(drain=lane.drain, seconds=SEND_FOR, most_senders=lane.most_senders, meanwhile=meanwhile)
    if not done:
        with merchant_rows(lane.store.merchant_id):
            outbox.wait_behind(store=lane.store, now=lane.clock())
    return done


def _check_holds(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace, at_once: int) -> int:
    """Ask the source about the orders whose hold should be over."""
    limit = HOLD_BATCH * min(at_once, MOST_HOLD_BATCHES)
    with merchant_rows(store.merchant_id):
        external_ids = first_column(_HOLDS_OVER, store=store.pk, now=clock(), limit=limit)
    if external_ids:
        with speaking(store, clock=clock, pace=pace) as source:
            assert isinstance(source, Source)
            reading.check_holds(store=store, source=source, external_ids=external_ids, clock=clock, at_once=at_once)
    return len(external_ids)


def _try_set_aside(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace) -> int:
    with speaking(store, clock=clock, pace=pace) as source:
        assert isinstance(source, Source)
        return aftersales.read_set_aside(store=store, source=source, clock=clock)


def _plan_for_new_store(*, store: ConnectedStore, clock: Callable[[], datetime]) -> int:
    """Orders that were released while there was nowhere to go."""
    done = 0
    if store.polled_until is None:
        with merchant_rows(store.merchant_id):
            for source_store in ConnectedStore.objects.filter(part=StorePart.SOURCE):
                done += routing.plan_waiting(source_store=source_store, now=clock())
    return done


def _poll(*, lane: LaneHeld) -> None:
    """A poll that cannot be made now comes again soon; what else is due in the lane does not wait for it."""
    calls.take()
    try:
        with patiently(), speaking(lane.store, clock=lane.clock, pace=lane.pace) as connector:
            if isinstance(connector, Source):
                reconcile.poll_source(store=lane.store, source=connector, clock=lane.clock, still_mine=lane.keep)
            elif isinstance(connector, Destination):
                reconcile.poll_destination(
                    store=lane.store,
                    destination=connector,
                    clock=lane.clock,
                    still_mine=lane.keep,
                    at_once=lane.at_once,
                )
    except TemporaryError as error:
        log.warning("poll failed", extra={"store": lane.store.pk, "failure": type(error).__name__})
        pause = min(settings.POLL_SECONDS, max(POLL_AGAIN_AFTER, min(error.retry_after or 0.0, 300.0)))
        lane.poll_in(pause)
        with merchant_rows(lane.store.merchant_id):
            calls.save(records=calls.take(), merchant_id=lane.store.merchant_id, subject="")
    else:
        lane.poll_in(settings.POLL_SECONDS)


def _rest(*, lane: LaneHeld, error: PlatformError) -> None:
    """The platform does not answer this store now: leave it alone for some seconds. Nothing is lost, all is rows."""
    pause = AFTER_FAILURE
    if isinstance(error, TemporaryError) and error.retry_after is not None:
        pause = timedelta(seconds=min(error.retry_after, 300))
    log.warning("lane rests", extra={"store": lane.store.pk, "failure": type(error).__name__})
    now = lane.clock()
    with merchant_rows(lane.store.merchant_id):
        calls.save(records=calls.take(), merchant_id=lane.store.merchant_id, subject="")
    lane.give_back(not_before=now + pause)
