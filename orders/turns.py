"""Whose turn it is: in which order the items of one order at one store are done. Constants of SQL."""

from __future__ import annotations

from orders.models import OutboxKind

# What is asked and said at the source about a request must not wait behind a parcel that waits for its answer.
AHEAD = [
    kind.value
    for kind in (
        OutboxKind.READ_CANCELS,
        OutboxKind.ANSWER_CANCEL,
        OutboxKind.ANSWER_RETURN,
        OutboxKind.CANCEL_AT_SOURCE,
    )
]
# `b` stands before `o`, an item of the same order at the same store.
_BEFORE = """b.order_id = o.order_id and b.store_id = o.store_id and (
  b.status = 'IN_FLIGHT' or b.status = 'PENDING' and
  (b.kind = any(%(ahead)s) and b.not_before <= %(now)s, -b.id) > (o.kind = any(%(ahead)s), -o.id))"""
NONE_BEFORE = f"not exists (select 1 from orders_outboxitem b where {_BEFORE})"  # noqa: S608 - constants
WAIT_BEHIND = f"""
update orders_outboxitem o set not_before = least(
  greatest(%(now)s + interval '1 second', (
    select min(case when b.status = 'PENDING' then b.not_before else b.lease_until end) from orders_outboxitem b
    where {_BEFORE})), %(now)s + interval '5 seconds')
where o.store_id = %(store)s and o.status = 'PENDING' and o.not_before <= %(now)s
  and exists (select 1 from orders_outboxitem b where {_BEFORE})
"""  # noqa: S608 - constants
