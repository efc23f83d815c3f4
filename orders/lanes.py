"""Which store has due work, and whose turn it is. The rows are the queue; django-q2 is only the alarm clock.

A lane is one store's due work. Whoever drains it (`orders/draining.py`) holds its lease; a higher fence takes the lease
away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.access import all_merchants
from orders.models import Lane

WAKING_TAKES = timedelta(seconds=10)
MANY = 1_000_000
PART_OF_ONE_PLATFORM = 0.75

Woken = tuple[int, int]  # a store's id and its lane's fence

_NEW_LANES = """
insert into orders_lane (store_id, merchant_id, fence, poll_at, pace)
select id, merchant_id, 0, %(now)s, '{}' from connectors_connectedstore
where state = 'CONNECTED' and not exists (select 1 from orders_lane l where l.store_id = connectors_connectedstore.id)
on conflict do nothing
"""

# Each store's pending item that is due first: from store to store through the index, however many wait in each.
FIRST_ITEMS = """first_items as (
  (select store_id, not_before from orders_outboxitem where status = 'PENDING' order by store_id, not_before limit 1)
  union all
  select next.store_id, next.not_before from first_items, lateral (
    select store_id, not_before from orders_outboxitem
    where status = 'PENDING' and store_id > first_items.store_id order by store_id, not_before limit 1
  ) next
)"""

# Stores with due work; rank 0 is to be read, which is worth most at once, 1 to be sent. `orders/draining.py` says the
# same of one store.
DUE = """
    select source_store_id as store_id, 0 as rank from orders_order where check_at <= %(now)s
    union all select store_id, 0 from connectors_webhookdelivery where processed_at is null and not_before <= %(now)s
    union all select store_id, 1 from first_items where not_before <= %(now)s
    union all select store_id, 1 from orders_outboxitem where status = 'IN_FLIGHT' and lease_until < %(now)s
    union all select source_store_id, 1 from orders_setaside where not_before <= %(now)s
    union all select store_id, 1 from orders_lane where poll_at <= %(now)s
"""

_LEASE = f"""
with recursive {FIRST_ITEMS}, due as (
  select store_id, min(rank) as rank from ({DUE}) found group by store_id
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
"""  # noqa: S608 - of constants


def dispatch(*, now: datetime, wake: Callable[[Sequence[Woken]], object], limit: int = 50, slots: int = MANY) -> int:
    """Lease idle lanes with due work and call `wake` with them, if any. Returns how many.

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
        cursor.execute(_LEASE, asked)
        chosen = cursor.fetchall()
        if chosen:
            wake(chosen)
    return len(chosen)


def give_back(*, store_id: int, fence: int) -> None:
    """End the lease of a lane that nobody here began to drain. May be repeated."""
    with all_merchants("a task names its store, not its merchant"):
        Lane.objects.filter(store=store_id, fence=fence).update(lease_until=None)
