"""One store's lane while it is drained here: its lease and fence, its pace, and what is due in it at this moment."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.access import all_merchants, merchant_rows
from accounts.rows import Rows
from connectors import machine
from connectors.base.connector import Destination
from connectors.models import ConnectedStore
from connectors.pacing import Pace
from connectors.registry import connector_class
from orders import resting
from orders.models import Lane
from orders.work import DOWN_AFTER, DOWN_AFTER_CALLS, Drain

log = logging.getLogger(__name__)

# The lane's lease only keeps two processes from one store's pace: what must not happen twice is fenced item by item.
LEASE = timedelta(seconds=40)
KEEP_AFTER = timedelta(seconds=10)  # of reading, before the lease is renewed
MOST_ASKED = 8  # questions at once of what is to be read
GUEST_SHARE = 0.25

# What is due counts as in lanes.py. Where it is over the lane is given back, and where nothing is due or under way.
_TURN = f"""
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
returning goes_on, deliveries, holds, set_aside, items, left_behind, poll, l.pace, l.rests, s.credentials_version,
  {resting.OTHERS_REST}
"""  # noqa: S608 - of constants


_STORE = Rows(ConnectedStore, "select {columns} from connectors_connectedstore t where t.id = %(id)s")


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
    others_rest: bool  # those of its platform that were called lately, as far as the reader may see them


def open_lane(store_id: int, fence: int, now: datetime) -> tuple[ConnectedStore, Turn] | None:
    """The store, and what is due there; None where the lane is not ours, or nothing is due: then it is given back."""
    with all_merchants("a task names its store, not its merchant"):
        turn = _take_turn(store_id, fence, now)
        if turn is None or not turn.goes_on:
            return None
        return _STORE(id=store_id)[0], turn


def _take_turn(store_id: int, fence: int, now: datetime, **said: Any) -> Turn | None:
    """Renew the lease, or give the lane back; None where it is not ours. In the caller's transaction."""
    unsaid = dict.fromkeys(("rest_until", "pace", "rests", "used", "allowed")) | {"is_over": False, "is_busy": False}
    asked = {"store": store_id, "fence": fence, "now": now, "until": now + LEASE, "lately": now - resting.LATELY}
    with connection.cursor() as cursor:
        cursor.execute(_TURN, unsaid | asked | said)
        row = cursor.fetchone()
    return None if row is None else Turn(*row)


class LaneHeld:
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
        self.began_at = self.kept_at = clock()
        self.guests: dict[int, Pace] = {}
        kind = connector_class(store.platform)
        self.pace = _pace(store, kept=json.loads(turn.pace))
        create = kind.create_operation if issubclass(kind, Destination) else "orders.get"
        self.drain = Drain(store=store, clock=clock, pace=self.pace, create_operation=create, guest=self._guest)
        self.drain.at_once = self.at_once
        if turn.rests:
            self.drain.unanswered = DOWN_AFTER - 1  # the first try tells whether it answers again
        elif turn.others_rest:
            self.drain.unanswered = DOWN_AFTER - DOWN_AFTER_CALLS

    @property
    def at_once(self) -> int:
        """How many questions of what is to be read may be under way now."""
        return min(MOST_ASKED, self.most_senders())

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
        if self.turn.rests and not turn.rests:
            resting.wake_others(store=self.store, now=now)
        self.turn, self.kept_at = turn, now

    def keep_in_time(self) -> None:
        """`keep`, where that is some time ago."""
        if self.clock() - self.kept_at > KEEP_AFTER:
            self.keep()

    def give_back(self, *, not_before: datetime, **said: Any) -> None:
        """End the lease, and leave the lane alone until then. A lane that was lost is left as it is."""
        with merchant_rows(self.store.merchant_id):
            now = self.clock()
            told = self._account(now) | {"is_over": True, "rest_until": not_before} | said
            _take_turn(self.store.pk, self.fence, now, **told)

    def rest(self) -> None:
        """The platform answers nothing: leave it alone."""
        pause = resting.pause_of(store=self.store, rests=self.turn.rests, now=self.clock())
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
