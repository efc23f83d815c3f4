"""How many orders each tab shows, without counting orders where that can be had from the tallies.

Tallies know a shop, a state, a reason and a kind, so under such filters every figure is exact whatever its size. A span
of time, a deadline and a search they do not know: there the orders are looked at, MOST for a figure and no more, and a
figure that is not exact says "at least".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, DateTimeField, Func, IntegerField, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import JSONObject

from accounts.models import Merchant
from orders.models import Order, OrderState, OrderTally
from orders.models.orders import TABS

MOST = 1000
MOST_NEWS = 100  # as _NEWS says
_FITS = {"all": Q(), **{tab: Q(tab=tab) for tab in TABS}, "needs_attention": ~Q(attention="")}


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures of all tabs, and of which tabs there may be more orders. The others are of all the merchant's orders:
    those on hold, when the next hold ends, those that need a person, the id of the last order that came, and when the
    newest alerts were said that count at the bell."""

    tabs: Mapping[str, int]
    at_least: frozenset[str]
    on_hold: int
    next_due: datetime | None
    waiting: int
    newest: int
    news: Sequence[datetime] = ()


def counts_from_tallies(chosen: Q, *, merchant_id: int, now: datetime) -> Counts:
    """Exact figures under a filter that the tallies know. One query, in the merchant's rows."""
    seen = JSONObject(tab="tab", attention="attention", count="count")
    found = _of_merchant(
        merchant_id, {"alike": ArraySubquery(OrderTally.objects.filter(chosen).values(seen=seen)), **_facts(now)}
    )
    return _counts({**found, **_figures(found["alike"])}, at_least=frozenset())


def counts_of_span(orders: QuerySet[Order], *, merchant_id: int, now: datetime) -> Counts:
    """Figures of orders within a span of time: each is exact up to MOST. One query, in the merchant's rows."""
    figures = {f"tab_{tab}": _up_to_most(orders.filter(fits)) for tab, fits in _FITS.items()}
    found = _of_merchant(merchant_id, {**figures, **_facts(now)})
    return _counts(found, at_least=frozenset(tab for tab in _FITS if found[f"tab_{tab}"] > MOST))


def counts_of_few(orders: QuerySet[Order], *, merchant_id: int, now: datetime) -> Counts:
    """Figures of orders that were narrowed down to MOST and one more: all exact, or all "at least". One query."""
    alike = JSONObject(tab="tab", attention="attention", count=Value(1))
    looked_at = ArraySubquery(orders.order_by().values(seen=alike)[: MOST + 1])
    found = _of_merchant(merchant_id, {"looked_at": looked_at, **_facts(now)})
    seen = found["looked_at"]
    return _counts({**found, **_figures(seen)}, at_least=frozenset(_FITS if len(seen) > MOST else ()))


def _figures(alike: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Each tab's figure, from groups of orders that are alike."""
    figures = {f"tab_{tab}": sum(group["count"] for group in alike if group["tab"] == tab) for tab in TABS}
    figures["tab_all"] = sum(group["count"] for group in alike)
    figures["tab_needs_attention"] = sum(group["count"] for group in alike if group["attention"])
    return figures


def _facts(now: datetime) -> dict[str, RawSQL]:
    """What the frame and the banner say, whatever the filter. As SQL: put together by the ORM for every answer it would
    cost as much as the rest of the page's queries."""
    return {
        "on_hold": RawSQL(_ON_HOLD, [], IntegerField()),  # noqa: S611 - constants, here and below
        "waiting": waiting(),
        "next_due": RawSQL(_NEXT_DUE, [OrderState.HELD.value, now], DateTimeField()),  # noqa: S611
        "newest": RawSQL(_NEWEST, [], BigIntegerField()),  # noqa: S611
        "news": news(),
    }


_ON_HOLD = "select sum(count) from orders_ordertally where tab = 'on_hold'"
_WAITING = "select sum(count) from orders_ordertally where attention <> ''"
_NEWEST = "select max(id) from orders_order"
_NEXT_DUE = "select min(release_at) from orders_order where state = %s and tab = 'on_hold' and release_at > %s"


def news() -> RawSQL:
    """When the newest alerts were said that count at the bell; which of them a member has read, the member knows."""
    return RawSQL(_NEWS, [], ArrayField(DateTimeField()))  # noqa: S611


_NEWS = """
array(select said_at from orders_alertmessage
where merchant_id = accounts_merchant.id and is_shown and not (word in ('RESOLVED', 'TEST'))
order by said_at desc limit 100)
"""


def waiting() -> RawSQL:
    """How many orders wait for a person."""
    return RawSQL(_WAITING, [], IntegerField())  # noqa: S611


def _up_to_most(orders: QuerySet[Order]) -> Func:
    """How many, but no more than MOST and one are looked at."""
    ids = ArraySubquery(orders.order_by("-ordered_at", "-id").values("pk")[: MOST + 1])
    return Func(ids, function="cardinality", output_field=IntegerField())


def _of_merchant(merchant_id: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answers in one row, which is there whether or not there are orders."""
    return Merchant.objects.filter(pk=merchant_id).annotate(**asked).values(*asked).get()


def _counts(found: Mapping[str, Any], *, at_least: frozenset[str]) -> Counts:
    return Counts(
        tabs={tab: min(found[f"tab_{tab}"], MOST) if tab in at_least else found[f"tab_{tab}"] for tab in _FITS},
        at_least=at_least,
        on_hold=found["on_hold"] or 0,
        next_due=found["next_due"],
        waiting=found["waiting"] or 0,
        newest=found["newest"] or 0,
        news=found["news"] or (),
    )
