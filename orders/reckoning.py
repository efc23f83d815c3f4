"""Deadlines of open orders that name none: reckoned by the merchant's rules, kept beside them while they are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.access import all_merchants
from orders.deadlines import DeadlineRules, OrderSort, Told, reckon
from orders.models import MerchantRules, ReckonedDeadlines
from orders.models.orders import RUNNING

BATCH = 1000
MOST_BATCHES = 10  # in one go: the next minute goes on
_HOLD = timedelta(hours=1)
_READ = (
    "id", "merchant_id", "ordered_at", "paid_at", "released_at", "is_preorder", "ship_by", "auto_cancel_at",
    "deliver_by", "release_at",
)  # fmt: skip

_COLUMNS = ", ".join(f"o.{name}" for name in _READ)
_IS_RUNNING = "o.source_status in ({})".format(", ".join(f"'{each}'" for each in RUNNING))
# The conditions are those of the index "order_lacks_deadline".
_LACKING = f"""
select {_COLUMNS}, coalesce((o.snapshot->>'is_made_to_order')::bool, false) as made_to_order,
  (o.snapshot->>'handling_days')::int as handling_days, o.snapshot->>'release_date' as release_date
from orders_order o
where {_IS_RUNNING} and not (o.shipper = 'PLATFORM_WAREHOUSE')
  and (o.ship_by is null or o.auto_cancel_at is null or o.deliver_by is null)
  and not exists (select from orders_reckoneddeadlines k where k.order_id = o.id)
order by o.id limit %s
"""
_OVER = f"""
delete from orders_reckoneddeadlines k using orders_order o
where o.id = k.order_id and (not ({_IS_RUNNING})
  or (o.ship_by is not null and o.auto_cancel_at is not null and o.deliver_by is not null))
"""


def keep_reckoned() -> int:
    """Reckon for those that lack a deadline and have no row yet, and forget those that are over. Returns how many were
    reckoned. A few statements for all merchants; may be repeated, and run twice at once."""
    done = 0
    for _ in range(MOST_BATCHES):
        count = _reckon_batch()
        done += count
        if count < BATCH:
            break
    with all_merchants("orders that are over"), connection.cursor() as cursor:
        cursor.execute(_OVER)
    return done


def forget(*, merchant_id: int) -> None:
    """The merchant's rules changed: all of it is reckoned anew within a minute. In merchant_rows."""
    ReckonedDeadlines.objects.filter(merchant_id=merchant_id).delete()


def told_by(row: Mapping[str, Any]) -> Told:
    """What an order says of its deadlines. Pure."""
    is_made, closes_at = row["made_to_order"], row["release_date"]
    sort = OrderSort.PREORDER if row["is_preorder"] else OrderSort.CUSTOM if is_made else OrderSort.REGULAR
    released_at = row["released_at"] or row["release_at"] or (row["paid_at"] or row["ordered_at"]) + _HOLD
    return Told(
        ordered_at=row["ordered_at"],
        released_at=released_at,
        sort=sort,
        handling_days=row["handling_days"],
        closes_at=datetime.fromisoformat(closes_at) if closes_at else None,
        ship_by=row["ship_by"],
        auto_cancel_at=row["auto_cancel_at"],
        deliver_by=row["deliver_by"],
    )


def _reckon_batch() -> int:
    with all_merchants("orders of every merchant that lack a deadline"):
        rows = list(_lacking())
        if not rows:
            return 0
        wanted = {row["merchant_id"] for row in rows}
        kept = MerchantRules.objects.filter(merchant__in=wanted).values_list("merchant_id", "deadlines")
        rules = {merchant_id: DeadlineRules.from_json(said) for merchant_id, said in kept}
        made = [_row(row, rules.get(row["merchant_id"], DeadlineRules())) for row in rows]
        ReckonedDeadlines.objects.bulk_create(made, ignore_conflicts=True)
    return len(rows)


def _lacking() -> Iterable[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_LACKING, [BATCH])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _row(row: Mapping[str, Any], rules: DeadlineRules) -> ReckonedDeadlines:
    found = reckon(told=told_by(row), rules=rules)
    return ReckonedDeadlines(
        order_id=row["id"],
        merchant_id=row["merchant_id"],
        ship_by=found.ship_by,
        auto_cancel_at=found.auto_cancel_at,
        deliver_by=found.deliver_by,
    )
