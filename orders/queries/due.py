"""Every open deadline, from the rows that know it: the nearest first, and how many press. One statement each, whatever
the rows: each source reads its index from the nearest end, MOST rows for a figure and a page for a list.

A new kind of deadline is one more function in `SOURCES`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from orders.deadlines import DeadlineKind, DeadlineRules
from orders.models.orders import TO_DELIVER, TO_DISPATCH, TO_NUMBER
from orders.queries.counts import MOST

K = DeadlineKind
_DEFAULTS = DeadlineRules()
_STORE = "join connectors_connectedstore s on s.id = o.source_store_id and s.state <> 'DISCONNECTED'"
_ORDERS = f"orders_order o {_STORE}"
_RECKONED = f"orders_reckoneddeadlines k join orders_order o on o.id = k.order_id {_STORE}"
_OURS = "not (o.shipper = 'PLATFORM_WAREHOUSE')"


def _hours(name: str) -> str:
    """A setting of the merchant's, as SQL: `r` is the row of its rules, which may be missing."""
    default = int(getattr(_DEFAULTS, name))
    return f"make_interval(hours => coalesce((r.deadlines->>'{name}')::int, {default}))"


_CANCEL_HOURS = (
    f"case when s.region in ('US', '') then {_hours('cancel_answer_us_hours')} else {_hours('cancel_answer_hours')} end"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where deadlines of one kind come from, as SQL about an order `o` of the merchant `m` with the rules `r`.

    `due` is the moment, `key` the column by which the index has it. It presses, and is shown among all others, from so
    long before it ends; None means from the beginning.
    """

    kind: DeadlineKind
    rows: str
    where: str
    due: str
    key: str = ""
    owner: str = "o.merchant_id"
    presses: str | None = _hours("warn_first_hours")
    is_listed_when_pressing: bool = False
    is_reckoned: bool = False

    @property
    def order_by(self) -> str:
        """The column that the index is sorted by."""
        return self.key or self.due


def _to_dispatch() -> Source:
    # By the merchant's choice a parcel that the carrier has not scanned is not dispatched yet.
    met = "(o.source_status <> 'AWAITING_COLLECTION' or coalesce(r.deadlines->>'dispatch_met', 'SCAN') = 'SCAN')"
    where = f"o.ship_by is not null and {_in(TO_DISPATCH)} and {_OURS} and {met}"
    return Source(K.DISPATCH, _ORDERS, where, "o.ship_by")


def _to_number() -> Source:
    where = f"o.auto_cancel_at is not null and {_in(TO_NUMBER)} and {_OURS}"
    return Source(K.AUTO_CANCEL, _ORDERS, where, "o.auto_cancel_at", is_listed_when_pressing=True)


def _to_deliver() -> Source:
    where = f"o.deliver_by is not null and {_in(TO_DELIVER)} and {_OURS}"
    return Source(K.DELIVERY, _ORDERS, where, "o.deliver_by", is_listed_when_pressing=True)


def _reckoned(of: Source) -> Source:
    """The same deadline, for orders that name none of their own."""
    column = of.due.removeprefix("o.")
    where = of.where.replace(f"{of.due} is not null", f"{of.due} is null and k.{column} is not null")
    return dataclasses.replace(
        of, rows=_RECKONED, where=where, due=f"k.{column}", owner="k.merchant_id", is_reckoned=True
    )


def _to_answer_cancellation() -> Source:
    """Requests that wait for an answer; the moment is their own, else counted from the request by the shop's market."""
    rows = f"orders_cancellation c join orders_order o on o.id = c.order_id {_STORE}"
    return Source(
        K.CANCEL_ANSWER,
        rows,
        "c.status = 'REQUESTED' and c.is_request and c.answer = ''",
        f"coalesce(c.answer_by, c.created_at + {_CANCEL_HOURS})",
        key="c.answer_by",
        owner="c.merchant_id",
        presses=None,
    )


def _to_answer_unread_cancellation() -> Source:
    """Requests that only the order tells of: the cancellation itself was not read yet."""
    is_read = "exists (select from orders_cancellation c where c.order_id = o.id and c.status = 'REQUESTED')"
    return Source(
        K.CANCEL_ANSWER,
        _ORDERS,
        f"o.cancel_requested_at is not null and o.state <> 'CANCELLED' and not {is_read}",
        f"o.cancel_requested_at + {_CANCEL_HOURS}",
        key="o.cancel_requested_at",
        presses=None,
    )


def _to_answer_return() -> Source:
    """Returns that ask for a decision which was not given here: orders/models/returns.py, `is_answered`."""
    rows = f"orders_return x join orders_order o on o.id = x.order_id {_STORE}"
    decisions = "array_to_string(array(select jsonb_array_elements_text(x.decisions)), ',')"
    question = f"left(coalesce(nullif(x.status_text, ''), x.status) || ': ' || {decisions}, 300)"
    replacement, other = _hours("replacement_answer_hours"), _hours("return_answer_hours")
    hours = f"case when x.kind in ('REPLACEMENT', 'EXCHANGE') then {replacement} else {other} end"
    return Source(
        K.RETURN_ANSWER,
        rows,
        f"not (x.decisions = '[]') and (x.answer = '{{}}' or x.answered_for <> {question})",
        f"coalesce(x.answer_by, x.updated_at + {hours})",
        key="x.updated_at",
        owner="x.merchant_id",
        presses=None,
    )


def _to_change_tracking() -> Source:
    until = "(nullif(o.attention_detail->>'until', ''))::timestamptz"
    where = f"o.attention = 'TRACKING_CHANGED' and {until} is not null"
    return Source(K.TRACKING_EDIT, _ORDERS, where, until, key="o.id")


def _to_be_released() -> Source:
    """Nobody has to do anything about a hold, until TikTok Shop keeps it up for too long."""
    late = f"-{_hours('hold_late_hours')}"
    return Source(
        K.HOLD_END, _ORDERS, "o.state = 'HELD'", "o.release_at", presses=late, is_listed_when_pressing=True
    )  # fmt: skip


def _in(statuses: Collection[str]) -> str:
    return "o.source_status in ({})".format(", ".join(f"'{each}'" for each in statuses))


SOURCES: tuple[Source, ...] = (
    _to_dispatch(),
    _to_number(),
    _to_deliver(),
    _reckoned(_to_dispatch()),
    _reckoned(_to_number()),
    _reckoned(_to_deliver()),
    _to_answer_cancellation(),
    _to_answer_unread_cancellation(),
    _to_answer_return(),
    _to_change_tracking(),
    _to_be_released(),
)
RANKS = {kind: rank for rank, kind in enumerate(DeadlineKind)}
# Which kinds there is a source for: a page shows no others.
KINDS = tuple(kind for kind in DeadlineKind if any(source.kind is kind for source in SOURCES))


@dataclass(frozen=True, slots=True)
class Pressing:
    """How much of one kind presses. `near`: within the last hours of warning; `coming`: the nearest not yet past;
    `first` and `last`: of all that press. Each figure is exact up to MOST of a source."""

    count: int
    late: int
    near: int
    first: datetime
    last: datetime
    coming: datetime | None

    def __add__(self, other: Pressing) -> Pressing:
        ahead = [moment for moment in (self.coming, other.coming) if moment]
        return Pressing(
            count=self.count + other.count,
            late=self.late + other.late,
            near=self.near + other.near,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
            coming=min(ahead, default=None),
        )


@dataclass(frozen=True, slots=True)
class Due:
    """One deadline of one order."""

    kind: DeadlineKind
    order_id: int
    due_at: datetime
    is_reckoned: bool

    @property
    def key(self) -> str:
        """Where it stands in the list, for the address of the page after it."""
        return f"{self.due_at.timestamp():.6f}-{RANKS[self.kind]}-{self.order_id}"


def pressing_of(*, merchant_id: int, now: datetime) -> dict[DeadlineKind, Pressing]:
    """What presses at one merchant, by kind. One statement, in merchant_rows."""
    return _pressing("m.id = %(merchant)s", {"merchant": merchant_id, "now": now}).get(merchant_id, {})


def pressing_of_all(*, now: datetime) -> dict[int, dict[DeadlineKind, Pressing]]:
    """What presses at every merchant that has a store. One statement, in all_merchants."""
    has_store = "exists (select from connectors_connectedstore c where c.merchant_id = m.id and c.state <> %(gone)s)"
    return _pressing(has_store, {"gone": "DISCONNECTED", "now": now})


def due_after(
    *,
    merchant_id: int,
    kinds: Collection[DeadlineKind],
    after: tuple[datetime, int, int] | None,
    now: datetime,
    most: int,
) -> list[Due]:
    """Open deadlines of these kinds from behind a key on, the nearest first; of all kinds where none is named, what is
    far away left out where it asks for nothing yet. One statement, in merchant_rows."""
    wanted = [source for source in SOURCES if not kinds or source.kind in kinds]
    asked: dict[str, Any] = {"merchant": merchant_id, "now": now, "most": most}
    if after:
        asked |= {"after": after[0], "after_id": after[2]}
    parts = [_listed(source, rank=after[1] if after else None, is_among_all=not kinds) for source in wanted]
    sql = f"""
        select d.kind, d.order_id, d.due, d.is_reckoned from accounts_merchant m
        left join orders_merchantrules r on r.merchant_id = m.id
        cross join lateral ({" union all ".join(parts)}) d
        where m.id = %(merchant)s order by d.due, d.rank, d.order_id limit %(most)s"""
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return [Due(DeadlineKind(kind), pk, due, is_reckoned) for kind, pk, due, is_reckoned in cursor.fetchall()]


def _pressing(whose: str, asked: Mapping[str, Any]) -> dict[int, dict[DeadlineKind, Pressing]]:
    parts = [_figures(place, source) for place, source in enumerate(SOURCES)]
    sql = f"""
        select m.id, d.place, d.found, d.late, d.near, d.first, d.last, d.coming from accounts_merchant m
        left join orders_merchantrules r on r.merchant_id = m.id
        cross join lateral ({" union all ".join(parts)}) d
        where d.found > 0 and {whose}"""
    found: dict[int, dict[DeadlineKind, Pressing]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        for merchant_id, place, *figures in cursor.fetchall():
            kinds, kind, here = found.setdefault(merchant_id, {}), SOURCES[place].kind, Pressing(*figures)
            kinds[kind] = kinds[kind] + here if kind in kinds else here
    return found


def _figures(place: int, source: Source) -> str:
    until = f"and {source.due} < %(now)s + {source.presses}" if source.presses else ""
    near = f"due >= %(now)s and due < %(now)s + {_hours('warn_last_hours')}"
    return f"""
        select {place} as place, count(*) as found, count(*) filter (where due < %(now)s) as late,
          count(*) filter (where {near}) as near, min(due) as first, max(due) as last,
          min(due) filter (where due >= %(now)s) as coming
        from (select {source.due} as due from {source.rows} where {source.owner} = m.id and {source.where} {until}
              order by {source.order_by} limit {MOST + 1}) pressing_{place}"""


def _listed(source: Source, *, rank: int | None, is_among_all: bool) -> str:
    """`rank` is that of the last kind before: at the same moment the kinds follow each other by their ranks."""
    own, order_id = RANKS[source.kind], "k.order_id" if source.is_reckoned else "o.id"
    conditions = [f"{source.owner} = m.id", source.where]
    if is_among_all and source.is_listed_when_pressing:
        conditions.append(f"{source.due} < %(now)s + {source.presses}")
    if rank is not None and own == rank:
        conditions.append(f"({source.due}, {order_id}) > (%(after)s, %(after_id)s)")
    elif rank is not None:
        conditions.append(f"{source.due} {'>=' if own > rank else '>'} %(after)s")
    return f"""
        (select {own} as rank, '{source.kind.value}' as kind, {order_id} as order_id, {source.due} as due,
           {str(source.is_reckoned).lower()} as is_reckoned
         from {source.rows} where {" and ".join(conditions)} order by {source.order_by}, {order_id} limit %(most)s)"""


def read_key(text: str) -> tuple[datetime, int, int] | None:
    """What `Due.key` wrote; None for anything else."""
    parts: Sequence[str] = text.split("-")
    try:
        moment, rank, order_id = float(parts[0]), int(parts[1]), int(parts[2])
        if len(parts) != 3 or not (0 <= rank < len(RANKS) and 0 < order_id < 2**62):
            return None
        return datetime.fromtimestamp(moment, UTC), rank, order_id
    except (ValueError, IndexError, OverflowError, OSError):
        return None
