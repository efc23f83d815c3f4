"""How many orders each tab shows, without counting orders where that can be had from the tallies.

Tallies know a shop, a state, a reason and a kind, so under such filters every figure is exact whatever its size. A span
of time, a deadline and a search they do not know: there the orders are looked at, MOST for a figure and no more, and a
figure that is not exact says "at least".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, JSONObject

from accounts.models import Merchant
from orders.models import Order, OrderState, OrderTally
from orders.models.orders import TABS

MOST = 1000
_FITS = {"all": Q(), **{tab: Q(tab=tab) for tab in TABS}, "needs_attention": ~Q(attention="")}


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures of all tabs, and of which tabs there may be more orders. The others are of all the merchant's orders:
    those on hold, when the next hold ends, those that need a person, and the id of the last order that came."""

    tabs: Mapping[str, int]
    at_least: frozenset[str]
    on_hold: int
    next_due: datetime | None
    waiting: int
    newest: int


def counts_from_tallies(chosen: Q, *, now: datetime) -> Counts:
    """Exact figures under a filter that the tallies know. One query, in the merchant's rows."""
    figures = {f"tab_{tab}": Coalesce(Sum("count", filter=chosen & fits), 0) for tab, fits in _FITS.items()}
    facts = {name: Max(fact) for name, fact in _facts(now).items()}
    return _counts(OrderTally.objects.aggregate(**figures, **facts), at_least=frozenset())


def counts_of_span(orders: QuerySet[Order], *, merchant_id: int, now: datetime) -> Counts:
    """Figures of orders within a span of time: each is exact up to MOST. One query, in the merchant's rows."""
    figures = {f"tab_{tab}": _up_to_most(orders.filter(fits)) for tab, fits in _FITS.items()}
    found = _of_merchant(merchant_id, {**figures, **_facts(now)})
    return _counts(found, at_least=frozenset(tab for tab in _FITS if found[f"tab_{tab}"] > MOST))


def counts_of_few(orders: QuerySet[Order], *, merchant_id: int, now: datetime) -> Counts:
    """Figures of orders that were narrowed down to MOST and one more: all exact, or all "at least". One query."""
    looked_at = ArraySubquery(orders.order_by().values(seen=JSONObject(tab="tab", attention="attention"))[: MOST + 1])
    found = _of_merchant(merchant_id, {"looked_at": looked_at, **_facts(now)})
    seen = found["looked_at"]
    figures = {f"tab_{tab}": sum(order["tab"] == tab for order in seen) for tab in TABS}
    figures |= {"tab_all": len(seen), "tab_needs_attention": sum(bool(order["attention"]) for order in seen)}
    return _counts({**found, **figures}, at_least=frozenset(_FITS if len(seen) > MOST else ()))


def _facts(now: datetime) -> dict[str, Subquery]:
    """What the frame and the banner say, whatever the filter."""
    held = Order.objects.filter(state=OrderState.HELD, release_at__gt=now, tab="on_hold").order_by("release_at")
    return {
        "on_hold": Subquery(_sum(Q(tab="on_hold"))),
        "waiting": Subquery(_sum(~Q(attention=""))),
        "next_due": Subquery(held.values("release_at")[:1]),
        "newest": Subquery(Order.objects.order_by("-id").values("id")[:1]),
    }


def _sum(fits: Q) -> QuerySet[OrderTally, Any]:
    return OrderTally.objects.filter(fits).values(one=Value(1)).annotate(sum=Sum("count")).values("sum")


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
    )
