"""A platform that answers nothing is left alone, for longer and longer; one of its stores looks every few seconds
whether it answers again, and says so to all others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.access import all_merchants
from connectors.models import ConnectedStore, StorePart
from orders.bell import WORK, ring

# One whose holds end there is never left alone for long.
LONGEST_REST = {StorePart.SOURCE: 10, StorePart.DESTINATION: 60}
LOOK_EVERY = 2  # seconds: a thousand stores that looked as often would keep the workers from all others
_TURN_TAKES = 10  # seconds: who has not come after its rest has nothing to do there, and looks at nothing

_OTHERS = """l.rests > 0 and s.id = l.store_id and s.platform = %(platform)s and s.state = 'CONNECTED'"""
# Whoever is first of those that rest: were any other meant, two that end at one moment would leave it to each other.
_SOMEBODY_LOOKS = f"""select exists (select 1 from orders_lane l, connectors_connectedstore s
  where l.store_id < %(store)s and {_OTHERS}
    and (l.lease_until >= %(now)s or l.not_before between %(lately)s and %(soon)s))"""  # noqa: S608 - of constants
_WAKE = f"""update orders_lane l set not_before = %(now)s from connectors_connectedstore s
where l.store_id <> %(store)s and {_OTHERS} and l.not_before > %(now)s"""  # noqa: S608 - of constants

# Whether most stores of the platform that were called lately rest: then it answers nobody, and a store that has not
# found out yet tries little. In SQL, of the lane `l` of the store `s`.
LATELY = timedelta(seconds=10)
OTHERS_REST = """case when exists (select 1 from orders_lane where rests > 0) then (
  select count(*) filter (where o.rests > 0) > greatest(2, count(*) filter (where o.rests = 0))
  from orders_lane o join connectors_connectedstore p on p.id = o.store_id
  where p.platform = s.platform and o.store_id <> l.store_id and o.calls_at > %(lately)s
) else false end"""


def pause_of(*, store: ConnectedStore, rests: int, now: datetime) -> int:
    """Seconds for which the store's lane rests, after so many rests in a row: twice as long each time, unless nobody
    else would look in the meantime."""
    pause = min(LONGEST_REST[StorePart(store.part)], 2 ** min(rests + 1, 10))
    if pause <= LOOK_EVERY:
        return pause
    asked: dict[str, Any] = {"platform": store.platform, "store": store.pk, "now": now}
    with all_merchants("others of the same platform may look for it"), connection.cursor() as cursor:
        lately, soon = now - timedelta(seconds=_TURN_TAKES), now + timedelta(seconds=LOOK_EVERY + 1)
        cursor.execute(_SOMEBODY_LOOKS, asked | {"lately": lately, "soon": soon})
        (is_looked_at,) = cursor.fetchone()
    return pause if is_looked_at else LOOK_EVERY


def wake_others(*, store: ConnectedStore, now: datetime) -> None:
    """The platform answers this store again: the others that rest have their turn now. May be repeated."""
    with all_merchants("all who wait for the same platform"), connection.cursor() as cursor:
        cursor.execute(_WAKE, {"platform": store.platform, "store": store.pk, "now": now})
        if cursor.rowcount:
            ring(WORK)
