"""When the dispatch loop has to look again: one statement says whether an idle lane has due work, and what comes next.

What counts as due is what `lanes.dispatch` takes. Were the two to differ, a lane would be late by no more than
`SAFETY` seconds, since the supervisor dispatches that often whatever is said here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.rowsecurity import SYSTEM_ROLE
from orders.bell import WORK, Bell
from orders.lanes import DUE, FIRST_ITEMS

SAFETY = 60.0
TAKING_TAKES = timedelta(seconds=1)

# What is due or comes next stands at one end of an index. Lanes are few. A store with due items is looked at again when
# its lane is given back, so that of the others' first items only those matter that are not due yet.
_LOOK = f"""
with recursive {FIRST_ITEMS}
select
  exists (
    select 1 from ({DUE}) due
    join orders_lane lane on lane.store_id = due.store_id
      and (lane.lease_until is null or lane.lease_until < %(now)s)
      and (lane.not_before is null or lane.not_before <= %(now)s)
    join connectors_connectedstore store on store.id = lane.store_id and store.state = 'CONNECTED'
  ) or exists (
    select 1 from connectors_connectedstore store where store.state = 'CONNECTED'
      and not exists (select 1 from orders_lane lane where lane.store_id = store.id)
  ),
  least(
    (select min(not_before) from first_items where not_before > %(now)s),
    (select min(lease_until) from orders_outboxitem where status = 'IN_FLIGHT' and lease_until >= %(now)s),
    (select min(not_before) from connectors_webhookdelivery where processed_at is null and not_before > %(now)s),
    (select min(check_at) from orders_order where check_at > %(now)s),
    (select min(not_before) from orders_setaside where not_before > %(now)s),
    (select min(poll_at) from orders_lane where poll_at > %(now)s),
    (select min(lease_until) from orders_lane where lease_until >= %(now)s),
    (select min(not_before) from orders_lane where not_before > %(now)s)
  ),
  (select min(id) from django_q_ormq where lock <= %(waiting)s),
  (select max(id) from django_q_ormq)
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do now, and when there will be more. Tasks are known by their ids in the queue."""

    is_due: bool
    next_at: datetime | None
    untaken_task: int | None
    newest_task: int | None


def bell() -> Bell:
    """The bell of the dispatch loop, whose connection may ask about every merchant's lanes."""
    return Bell(channel=WORK, role=SYSTEM_ROLE)


def look(*, bell: Bell, now: datetime) -> Look:
    """One look, over the bell's connection. Raises psycopg.Error."""
    # Whoever takes a task moves its lock into the future; until then the lock is the moment it was put there.
    row = bell.connection().execute(_LOOK, {"now": now, "waiting": now - TAKING_TAKES}).fetchone()
    assert row is not None
    return Look(is_due=row[0], next_at=row[1], untaken_task=row[2], newest_task=row[3])
