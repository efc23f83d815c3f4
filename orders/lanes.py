"""Which store has due work, and draining one store's lane. The rows are the queue; django-q2 is only the alarm clock.

A lane is one store's due work. Whoever drains it holds its lease; a higher fence takes the lease away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.access import all_merchants, merchant_rows
from connectors import calls, machine
from connectors.base.connector import Destination, Source
from connectors.base.errors import PlatformError, TemporaryError
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.pacing import Pace
from connectors.registry import connector_class
from connectors.speaking import speaking
from orders import aftersales, crew, hold, inbox, outbox, reading, reconcile, routing
from orders.models import Lane, Order, OrderState
from orders.pace import record_pace
from orders.work import Drain

log = logging.getLogger(__name__)

# The lane's lease only keeps two processes from one store's pace: what must not happen twice is fenced item by item.
LEASE = timedelta(seconds=40)
WAKING_TAKES = timedelta(seconds=10)
DRAIN_FOR = timedelta(seconds=5)
AFTER_FAILURE = timedelta(seconds=5)
AFTER_OWN_FAILURE = timedelta(seconds=30)
SEND_FOR = 25.0  # seconds of one run of senders; what is to be read is read meanwhile
HOLD_BATCH = 50
GUEST_SHARE = 0.25
MANY = 1_000_000
PART_OF_ONE_PLATFORM = 0.75

_NEW_LANES = """
insert into orders_lane (store_id, merchant_id, fence, poll_at, pace)
select id, merchant_id, 0, %(now)s, '{}' from connectors_connectedstore
where state = 'CONNECTED' and not exists (select 1 from orders_lane l where l.store_id = connectors_connectedstore.id)
on conflict do nothing
"""

_DUE = """
with due as (
  select store_id, min(rank) as rank from (
    select source_store_id as store_id, 0 as rank from orders_order where check_at <= %(now)s
    union all select store_id, 0 from connectors_webhookdelivery where processed_at is null and not_before <= %(now)s
    union all select store_id, 1 from orders_outboxitem where status = 'PENDING' and not_before <= %(now)s
    union all select store_id, 1 from orders_outboxitem where status = 'IN_FLIGHT' and lease_until < %(now)s
    union all select source_store_id, 1 from orders_setaside where not_before <= %(now)s
    union all select store_id, 1 from orders_lane where poll_at <= %(now)s
  ) found group by store_id
), busy as (
  select s.platform, count(*) as lanes from orders_lane l
  join connectors_connectedstore s on s.id = l.store_id where l.lease_until >= %(now)s group by s.platform
), idle as (
  select l.store_id, s.platform, l.served_at, due.rank,
    row_number() over (partition by s.platform order by due.rank, l.served_at nulls first, l.store_id) as place
  from orders_lane l
  join due on due.store_id = l.store_id
  join connectors_connectedstore s on s.id = l.store_id and s.state = 'CONNECTED'
  where (l.lease_until is null or l.lease_until < %(now)s) and (l.not_before is null or l.not_before <= %(now)s)
)
update orders_lane lane set lease_until = %(until)s, fence = lane.fence + 1
from (
  select l.store_id from orders_lane l
  join idle on idle.store_id = l.store_id
  left join busy on busy.platform = idle.platform
  where (l.lease_until is null or l.lease_until < %(now)s)
    and idle.place <= %(slots_of_one)s - coalesce(busy.lanes, 0)
  order by idle.rank, idle.served_at nulls first, l.store_id
  limit least(%(limit)s, greatest(0, %(slots)s - (select coalesce(sum(lanes), 0) from busy)))
  for update of l skip locked
) chosen
where lane.store_id = chosen.store_id
returning lane.store_id, lane.fence
"""


class LaneLost(Exception):
    """Someone else drains this lane now."""


def dispatch(*, now: datetime, wake: Callable[[int, int], object], limit: int = 50, slots: int = MANY) -> int:
    """Lease idle lanes with due work and call `wake(store id, fence)` for each. Returns how many.

    `slots` is how many lanes all hosts together can drain at once: as long as they are taken, who waits longest comes
    next, what is to be read before what is to be sent: a release or a cancellation is worth most at once. Stores of one
    platform get no more than their part of them, so that one which answers slowly or not at all
    leaves room for the others. One statement finds and leases; several dispatchers may run. A wake-up that gets lost
    comes again with the lease's end. `wake` joins the transaction, so that either both happen or neither.
    """
    asked: dict[str, Any] = {"now": now, "until": now + WAKING_TAKES, "limit": limit, "slots": slots}
    asked["slots_of_one"] = max(1, int(slots * PART_OF_ONE_PLATFORM))
    with all_merchants("any store may have due work"), connection.cursor() as cursor:
        cursor.execute(_NEW_LANES, {"now": now})
        cursor.execute(_DUE, asked)
        chosen = cursor.fetchall()
        for store_id, fence in chosen:
            wake(store_id, fence)
    return len(chosen)


def drain(*, store_id: int, fence: int, clock: Callable[[], datetime], most_senders: int = 1) -> int:
    """Do the store's due work for some seconds and give the lane back. Returns how many things were done.

    Does nothing when the lease is not ours. May be repeated. `most_senders` calls may be under way at once.
    """
    with all_merchants("a task names its store, not its merchant"):
        store = ConnectedStore.objects.filter(pk=store_id, state=StoreState.CONNECTED).first()
    if store is None:
        return 0
    lane = _LaneHeld(store=store, fence=fence, clock=clock, most_senders=most_senders)
    done = 0
    try:
        lane.keep()
        ends_at = clock() + DRAIN_FOR
        while clock() < ends_at:
            step = _drain_once(lane=lane)
            done += step
            if not step:
                break
            lane.keep()
        lane.give_back()
    except LaneLost:
        log.warning("lane was taken over", extra={"store": store_id})
    except PlatformError as error:
        _rest(lane=lane, error=error)
    except Exception:
        log.exception("lane failed", extra={"store": store_id})
        lane.give_back(not_before=clock() + AFTER_OWN_FAILURE)
    return done


def give_back(*, store_id: int, fence: int) -> None:
    """End the lease of a lane that nobody here began to drain. May be repeated."""
    with all_merchants("a task names its store, not its merchant"):
        Lane.objects.filter(store=store_id, fence=fence).update(lease_until=None)


class _LaneHeld:
    """A lane while it is drained."""

    def __init__(self, *, store: ConnectedStore, fence: int, clock: Callable[[], datetime], most_senders: int) -> None:
        self.store = store
        self.fence = fence
        self.clock = clock
        self.most_senders = most_senders
        self.began_at = clock()
        self.guests: dict[int, Pace] = {}
        kind = connector_class(store.platform)
        with merchant_rows(store.merchant_id):
            kept = self._mine().values_list("pace", flat=True).first()
        self.pace = _pace(store, kept=kept)
        create = kind.create_operation if issubclass(kind, Destination) else "orders.get"
        self.drain = Drain(store=store, clock=clock, pace=self.pace, create_operation=create, guest=self._guest)

    def _guest(self, store: ConnectedStore) -> Pace:
        """How fast this lane may ask another store: a small share, since that store has a lane of its own."""
        if store.pk not in self.guests:
            self.guests[store.pk] = _pace(store, share=GUEST_SHARE)
        return self.guests[store.pk]

    def keep(self) -> None:
        """Renew the lease. Raises LaneLost."""
        now = self.clock()
        with merchant_rows(self.store.merchant_id):
            if not self._mine().update(lease_until=now + LEASE):
                raise LaneLost
            self.store.refresh_from_db()
        if self.store.state != StoreState.CONNECTED:
            raise LaneLost

    def give_back(self, *, not_before: datetime | None = None) -> None:
        now = self.clock()
        wait = self.pace.wait(self.drain.create_operation)
        if wait > 1 and not_before is None:
            not_before = now + timedelta(seconds=wait)
        with merchant_rows(self.store.merchant_id):
            self._mine().update(lease_until=None, not_before=not_before, served_at=now, pace=self.pace.state())
            if self.pace.taken:
                minutes = max(1.0, (now - self.began_at).total_seconds()) / 60
                used, allowed = self.pace.taken / minutes, self.pace.allowed_per_minute
                record_pace(store_id=self.store.pk, fence=self.fence, used=used, allowed=allowed, now=now)

    def polled(self) -> None:
        with merchant_rows(self.store.merchant_id):
            self._mine().update(poll_at=self.clock() + timedelta(seconds=settings.POLL_SECONDS))

    def is_poll_due(self) -> bool:
        with merchant_rows(self.store.merchant_id):
            return self._mine().filter(Q(poll_at=None) | Q(poll_at__lte=self.clock())).exists()

    def _mine(self) -> QuerySet[Lane]:
        return Lane.objects.filter(store=self.store, fence=self.fence)


def _pace(store: ConnectedStore, *, share: float = 1.0, kept: Mapping[str, Any] | None = None) -> Pace:
    here = machine.current()
    limits = connector_class(store.platform).limits
    return Pace(limits, share=share, kept=kept, clock=here.wall, sleep=here.sleep)


def _drain_once(*, lane: _LaneHeld) -> int:
    done = _read(lane=lane)
    done += send_due(lane=lane)
    if lane.is_poll_due():
        _poll(lane=lane)
        done += 1
    return done


def _read(*, lane: _LaneHeld) -> int:
    """Read what is due to be read: deliveries, holds that should be over, orders that were set aside."""
    store, clock = lane.store, lane.clock
    done = inbox.empty(store=store, clock=clock, pace=lane.pace)
    if store.part == StorePart.SOURCE:
        done += _check_holds(store=store, clock=clock, pace=lane.pace)
        done += _try_set_aside(store=store, clock=clock, pace=lane.pace)
    else:
        done += _plan_for_new_store(store=store, clock=clock)
    return done


def send_due(*, lane: _LaneHeld) -> int:
    """Carry out the store's due outbox items, and return how many."""
    with merchant_rows(lane.store.merchant_id):
        outbox.rescue(store=lane.store, now=lane.clock())

    def meanwhile() -> None:
        lane.keep()
        _read(lane=lane)

    return crew.send_due(drain=lane.drain, seconds=SEND_FOR, most_senders=lane.most_senders, meanwhile=meanwhile)


def _check_holds(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace) -> int:
    """Ask the source about the orders whose hold should be over."""
    with merchant_rows(store.merchant_id):
        due = Order.objects.filter(source_store=store).due(clock()).order_by("check_at")
        external_ids = list(due.values_list("external_id", flat=True)[:HOLD_BATCH])
    if not external_ids:
        return 0
    with speaking(store, clock=clock, pace=pace) as source:
        assert isinstance(source, Source)
        reading.read_orders(store=store, source=source, external_ids=external_ids, clock=clock)
    with merchant_rows(store.merchant_id):
        now = clock()
        checked = Order.objects.filter(source_store=store, external_id__in=external_ids, check_at__lte=now)
        for order in checked.filter(state=OrderState.HELD).select_for_update():
            hold.ask_again(order=order, now=now)
        checked.exclude(state=OrderState.HELD).update(check_at=None)
    return len(external_ids)


def _try_set_aside(*, store: ConnectedStore, clock: Callable[[], datetime], pace: Pace) -> int:
    with merchant_rows(store.merchant_id):
        if not store.set_aside.filter(not_before__lte=clock()).exists():
            return 0
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
    calls.take()
    with speaking(lane.store, clock=lane.clock, pace=lane.pace) as connector:
        if isinstance(connector, Source):
            reconcile.poll_source(store=lane.store, source=connector, clock=lane.clock, still_mine=lane.keep)
        elif isinstance(connector, Destination):
            reconcile.poll_destination(store=lane.store, destination=connector, clock=lane.clock, still_mine=lane.keep)
    lane.polled()


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
