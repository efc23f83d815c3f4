"""Draining one store's lane: what is due there is done, for some seconds, under the lane's lease.

Before each round one statement renews the lease, says which kinds of work are due, and, where none is, gives the lane
back. A lane's fixed cost counts: with many quiet stores a round does little more than to find its one order.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.access import all_merchants, merchant_rows
from accounts.rows import Rows, first_column
from connectors import calls, machine
from connectors.base.connector import Destination, Source
from connectors.base.errors import PlatformError, TemporaryError
from connectors.models import ConnectedStore, StorePart
from connectors.pacing import Pace
from connectors.registry import connector_class
from connectors.speaking import speaking
from orders import aftersales, crew, inbox, outbox, reading, reconcile, routing
from orders.models import Lane
from orders.work import DOWN_AFTER, Drain

log = logging.getLogger(__name__)

# The lane's lease only keeps two processes from one store's pace: what must not happen twice is fenced item by item.
LEASE = timedelta(seconds=40)
DRAIN_FOR = timedelta(seconds=5)
AFTER_FAILURE = timedelta(seconds=5)
POLL_AGAIN_AFTER = 30.0
AFTER_OWN_FAILURE = timedelta(seconds=30)
SEND_FOR = 25.0  # seconds of one run of senders; what is to be read is read meanwhile
HOLD_BATCH = 50
GUEST_SHARE = 0.25
# A platform that answers nothing is left alone for longer and longer; one whose holds end there never for long.
LONGEST_REST = {StorePart.SOURCE: 10, StorePart.DESTINATION: 60}

# What is due counts as in lanes.py. Where it is over the lane is given back, and where nothing is due or under way.
_TURN = """
with due as materialized (
  select
    exists (select 1 from connectors_webhookdelivery
      where store_id = %(store)s and processed_at is null and not_before <= %(now)s) as deliveries,
    exists (select 1 from orders_order where source_store_id = %(store)s and check_at <= %(now)s) as holds,
    exists (select 1 from orders_setaside where source_store_id = %(store)s and not_before <= %(now)s) as set_aside,
    exists (select 1 from orders_outboxitem
      where store_id = %(store)s and status = 'PENDING' and not_before <= %(now)s) as items,
    exists (select 1 from orders_outboxitem
      where store_id = %(store)s and status = 'IN_FLIGHT' and lease_until < %(now)s) as left_behind,
    exists (select 1 from orders_lane
      where store_id = %(store)s and coalesce(poll_at, %(now)s) <= %(now)s) as poll
), turn as (
  select *, not %(is_over)s and
    (%(is_busy)s or deliveries or holds or set_aside or items or left_behind or poll) as goes_on
  from due
)
update orders_lane l set
  lease_until = case when goes_on then %(until)s end,
  not_before = case when goes_on then l.not_before else %(rest_until)s end,
  served_at = case when goes_on then l.served_at else %(now)s end,
  pace = coalesce(%(pace)s::jsonb, l.pace), rests = coalesce(%(rests)s, l.rests),
  calls_used = coalesce(%(used)s, calls_used), calls_allowed = coalesce(%(allowed)s, calls_allowed),
  calls_at = case when %(used)s::float is null then calls_at else %(now)s end
from turn, connectors_connectedstore s
where l.store_id = %(store)s and l.fence = %(fence)s and s.id = l.store_id and s.state = 'CONNECTED'
returning goes_on, deliveries, holds, set_aside, items, left_behind, poll, l.pace, l.rests, s.credentials_version
"""


_STORE = Rows(ConnectedStore, "select {columns} from connectors_connectedstore t where t.id = %(id)s")


_HOLDS_OVER = """select external_id from orders_order
where source_store_id = %(store)s and check_at <= %(now)s order by check_at limit %(limit)s"""


class LaneLost(Exception):
    """Someone else drains this lane now, or its store is not connected any more."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is due in a lane at this moment. Nothing is to be done where it does not go on: the lane is given back."""

    goes_on: bool
    deliveries: bool
    holds: bool
    set_aside: bool
    items: bool
    left_behind: bool
    poll: bool
    pace: str  # JSON
    rests: int
    credentials_version: int


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
    opened = _open(store_id, fence, clock())
    if opened is None:
        return 0
    lane = _LaneHeld(*opened, fence=fence, clock=clock, most_senders=most_senders)
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
    except Exception:
        log.exception("lane failed", extra={"store": store_id})
        lane.give_back(not_before=clock() + AFTER_OWN_FAILURE)
    return done


def _open(store_id: int, fence: int, now: datetime) -> tuple[ConnectedStore, Turn] | None:
    with all_merchants("a task names its store, not its merchant"):
        turn = _take_turn(store_id, fence, now)
        if turn is None or not turn.goes_on:
            return None
        return _STORE(id=store_id)[0], turn


def _take_turn(store_id: int, fence: int, now: datetime, **said: Any) -> Turn | None:
    """Renew the lease, or give the lane back; None where it is not ours. In the caller's transaction."""
    unsaid = dict.fromkeys(("rest_until", "pace", "rests", "used", "allowed")) | {"is_over": False, "is_busy": False}
    asked = {"store": store_id, "fence": fence, "now": now, "until": now + LEASE}
    with connection.cursor() as cursor:
        cursor.execute(_TURN, unsaid | asked | said)
        row = cursor.fetchone()
    return None if row is None else Turn(*row)


class _LaneHeld:
    """A lane while it is drained."""

    def __init__(
        self,
        store: ConnectedStore,
        turn: Turn,
        *,
        fence: int,
        clock: Callable[[], datetime],
        most_senders: Callable[[], int],
    ) -> None:
        self.store = store
        self.turn = turn
        self.fence = fence
        self.clock = clock
        self.most_senders = most_senders
        self.began_at = clock()
        self.guests: dict[int, Pace] = {}
        kind = connector_class(store.platform)
        self.pace = _pace(store, kept=json.loads(turn.pace))
        create = kind.create_operation if issubclass(kind, Destination) else "orders.get"
        self.drain = Drain(store=store, clock=clock, pace=self.pace, create_operation=create, guest=self._guest)
        self.drain.unanswered = DOWN_AFTER - 1 if turn.rests else 0  # the first try tells whether it answers again

    def _guest(self, store: ConnectedStore) -> Pace:
        """How fast this lane may ask another store: a small share, since that store has a lane of its own."""
        if store.pk not in self.guests:
            self.guests[store.pk] = _pace(store, share=GUEST_SHARE)
        return self.guests[store.pk]

    def keep(self, *, is_over: bool = False, is_busy: bool = True) -> None:
        """Renew the lease and look what is due; where it is over, or nothing is due and nothing under way (`is_busy`),
        the lane is given back. Raises LaneLost."""
        with merchant_rows(self.store.merchant_id):
            now = self.clock()
            said = self._account(now) | {"is_over": is_over, "is_busy": is_busy}
            turn = _take_turn(self.store.pk, self.fence, now, **said)
            if turn is None:
                raise LaneLost
            if turn.credentials_version != self.store.credentials_version:
                self.store.refresh_from_db()
        self.turn = turn

    def give_back(self, *, not_before: datetime, **said: Any) -> None:
        """End the lease, and leave the lane alone until then. A lane that was lost is left as it is."""
        with merchant_rows(self.store.merchant_id):
            now = self.clock()
            told = self._account(now) | {"is_over": True, "rest_until": not_before} | said
            _take_turn(self.store.pk, self.fence, now, **told)

    def rest(self) -> None:
        """The platform answers nothing: leave it alone, twice as long each time until something is answered again."""
        pause = min(LONGEST_REST[StorePart(self.store.part)], 2 ** min(self.turn.rests + 1, 10))
        log.warning("lane rests", extra={"store": self.store.pk, "failure": "no answers", "seconds": pause})
        self.give_back(not_before=self.clock() + timedelta(seconds=pause), rests=min(self.turn.rests + 1, 99))

    def _account(self, now: datetime) -> dict[str, Any]:
        """What the next process, and the watchers, are to know of this store's pace."""
        wait = self.pace.wait(self.drain.create_operation)
        said: dict[str, Any] = {"pace": json.dumps(self.pace.state())}
        said["rest_until"] = now + timedelta(seconds=wait) if wait > 1 else None
        if self.pace.taken and not self.drain.unanswered:
            said["rests"] = 0
        if self.pace.taken:
            minutes = max(1.0, (now - self.began_at).total_seconds()) / 60
            said |= {"used": self.pace.taken / minutes, "allowed": self.pace.allowed_per_minute}
        return said

    def poll_in(self, seconds: float) -> None:
        """Poll the store again after so many seconds."""
        with merchant_rows(self.store.merchant_id):
            lane = Lane.objects.filter(store=self.store, fence=self.fence)
            lane.update(poll_at=self.clock() + timedelta(seconds=seconds))


def _pace(store: ConnectedStore, *, share: float = 1.0, kept: Mapping[str, Any] | None = None) -> Pace:
    here = machine.current()
    limits = connector_class(store.platform).limits
    return Pace(limits, share=share, kept=kept, clock=here.wall, sleep=here.sleep)


def _drain_once(*, lane: _LaneHeld) -> int:
    turn = lane.turn
    done = _read(lane=lane)
    if turn.items or turn.left_behind:
        done += _send_due(lane=lane)
    if turn.poll:
        _poll(lane=lane)
        done += 1
    return done


def _read(*, lane: _LaneHeld) -> int:
    """Read what is due to be read: deliveries, holds that should be over, orders that were set aside."""
    store, clock, turn = lane.store, lane.clock, lane.turn
    done = inbox.empty(store=store, clock=clock, pace=lane.pace) if turn.deliveries else 0
    if turn.holds:
        done += _check_holds(store=store, clock=clock, pace=lane.pace)
    if turn.set_aside:
        done += _try_set_aside(store=store, clock=clock, pace=lane.pace)
    if store.part == StorePart.DESTINATION:
        done += _plan_for_new_store(store=store, clock=clock)
    return done


def _send_due(*, lane: _LaneHeld) -> int:
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


def _check_holds(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace) -> int:
    """Ask the source about the orders whose hold should be over."""
    with merchant_rows(store.merchant_id):
        external_ids = first_column(_HOLDS_OVER, store=store.pk, now=clock(), limit=HOLD_BATCH)
    if external_ids:
        with speaking(store, clock=clock, pace=pace) as source:
            assert isinstance(source, Source)
            reading.check_holds(store=store, source=source, external_ids=external_ids, clock=clock)
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


def _poll(*, lane: _LaneHeld) -> None:
    """A poll that cannot be made now comes again soon; what else is due in the lane does not wait for it."""
    calls.take()
    try:
        with speaking(lane.store, clock=lane.clock, pace=lane.pace) as connector:
            if isinstance(connector, Source):
                reconcile.poll_source(store=lane.store, source=connector, clock=lane.clock, still_mine=lane.keep)
            elif isinstance(connector, Destination):
                reconcile.poll_destination(
                    store=lane.store, destination=connector, clock=lane.clock, still_mine=lane.keep
                )
    except TemporaryError as error:
        log.warning("poll failed", extra={"store": lane.store.pk, "failure": type(error).__name__})
        pause = min(settings.POLL_SECONDS, max(POLL_AGAIN_AFTER, min(error.retry_after or 0.0, 300.0)))
        lane.poll_in(pause)
        with merchant_rows(lane.store.merchant_id):
            calls.save(records=calls.take(), merchant_id=lane.store.merchant_id, subject="")
    else:
        lane.poll_in(settings.POLL_SECONDS)


def _rest(*, lane: _LaneHeld, error: PlatformError) -> None:
    """The platform does not answer this store now: leave it alone for some seconds. Nothing is lost, all is rows."""
    pause = AFTER_FAILURE
    if isinstance(error, TemporaryError) and error.retry_after is not None:
        pause = timedelta(seconds=min(error.retry_after, 300))
    log.warning("lane rests", extra={"store": lane.store.pk, "failure": type(error).__name__})
    now = lane.clock()
    with merchant_rows(lane.store.merchant_id):
        calls.save(records=calls.take(), merchant_id=lane.store.merchant_id, subject="")
    lane.give_back(not_before=now + pause)
