"""The page of a dry run over many orders."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from connectors.models import ConnectedStore
from orders import stand_in
from orders.badges import Badge
from orders.queries.rows import money_text
from orders.rehearsal import SIZES, Outcome, Rehearsal, Rehearsed

_MOST_REASONS = 6
BADGES = {
    Outcome.SAME: Badge("SAME", "Same", "tick", "green"),
    Outcome.DIFFERS: Badge("DIFFERS", "Differs", "half", "amber"),
    Outcome.BLOCKED: Badge("BLOCKED", "Blocked", "warning", "red"),
}


def rehearsal_context(*, shop: ConnectedStore, run: Rehearsal | None, shown: str) -> dict[str, Any]:
    """The context of templates/dashboard/rehearsal.html. `shown` is the outcome whose list is open; none means all."""
    context: dict[str, Any] = {"shop": shop, "sizes": SIZES, "run": None}
    if run is None:
        return context
    only = Outcome(shown) if shown in set(Outcome) else None
    rows = [each for each in run.done if only is None or each.outcome is only]
    whole = len(run.done) + len(run.todo)
    return context | {
        "run": {
            "key": run.key,
            "url": reverse("rehearsal", args=[shop.pk]),
            "done": len(run.done),
            "whole": whole,
            "share": round(100 * len(run.done) / whole) if whole else 100,
            "is_running": bool(run.todo),
            "delay": max(1, round(run.pause * 1000)),
            "only": only.value if only else "",
            "all_url": _address(shop, run, ""),
            "counts": [
                {
                    "badge": badge, "count": run.counts[outcome], "is_current": outcome is only,
                    "url": _address(shop, run, outcome.value),
                }
                for outcome, badge in BADGES.items()
            ],
            "rows": [_row(each) for each in rows],
            "reasons": Counter(words for each in rows for words in each.words).most_common(_MOST_REASONS),
            "stand_ins": sum(each.has_stand_in for each in run.done),
            "stand_in_place": stand_in.place_of(shop.region),
        }
    }  # fmt: skip


def _row(each: Rehearsed) -> dict[str, Any]:
    difference = None if each.total is None or each.sent_total is None else each.sent_total - each.total
    return {
        "external_id": each.external_id,
        "url": reverse("order_dry_run", args=[each.order_id]),
        "badge": BADGES[each.outcome],
        "stores": ", ".join(each.stores) or "None",
        "methods": ", ".join(each.methods),
        "total": money_text(each.total, each.currency),
        "sent": money_text(each.sent_total, each.currency),
        "difference": money_text(difference, each.currency) if difference is not None else "",
        "is_even": difference == 0,
        "words": ". ".join(each.words),
        "has_stand_in": each.has_stand_in,
    }


def _address(shop: ConnectedStore, run: Rehearsal, only: str) -> str:
    kept = {"run": run.key, **({"only": only} if only else {})}
    return f"{reverse('rehearsal', args=[shop.pk])}?{urlencode(kept)}"
