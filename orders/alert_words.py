"""What alerts say: a fact, what it means or what to do, and where. From a message's own facts alone, so that it can be
said of what is no more. No buyer's data is among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from orders.deadlines import DeadlineKind
from orders.models import AlertKind, AlertWord

K = AlertKind
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, and the one thing to do about it. `tone`: red where something is lost, late or stuck."""

    title: str
    text: str
    action_label: str
    action_url: str
    tone: str


# What each kind is for, as the settings say it.
ABOUT: Mapping[str, str] = {
    K.AUTHORIZATION: "A store's authorization ends, or was lost. Nothing is sent to or read from a lost store.",
    K.CANCEL_REQUEST: "A buyer asked to cancel. Without an answer in time TikTok Shop accepts it.",
    K.DEADLINE: "Something is due soon, or late: shipping, answers, changes of tracking numbers.",
    K.ATTENTION: "Orders wait for a person: too many, or one for too long.",
    K.MONEY: "An order's amounts do not add up, so it was not created.",
    K.LEDGER_GAP: "TikTok Shop has an order that could not be kept here.",
    K.SILENCE: "Orders come, and TikTok Shop tells us of none: they are found by asking, minutes later.",
    K.RATE_LIMIT: "A store gets as many calls as its platform allows, and orders wait for it.",
}
# What is due, one and many.
DUE: Mapping[str, tuple[str, str]] = {
    DeadlineKind.DISPATCH: ("order to ship", "orders to ship"),
    DeadlineKind.AUTO_CANCEL: ("order that TikTok Shop cancels", "orders that TikTok Shop cancels"),
    DeadlineKind.CANCEL_ANSWER: ("request to cancel", "requests to cancel"),
    DeadlineKind.RETURN_ANSWER: ("return to answer", "returns to answer"),
    DeadlineKind.DELIVERY: ("parcel to be delivered", "parcels to be delivered"),
    DeadlineKind.TRACKING_EDIT: ("changed tracking number to decide on", "changed tracking numbers to decide on"),
    DeadlineKind.HOLD_END: ("order still on hold", "orders still on hold"),
}


def words_of(*, kind: str, word: str, facts: Facts) -> Words:
    """What a message of this kind says. Times are in the zone that is active."""
    if word == AlertWord.TEST:
        return Words(
            "This is a test", "Alerts reach you this way. Nothing is wrong.", "See alerts", reverse("alerts"), "blue"
        )
    if word == AlertWord.RESOLVED:
        return _resolved(kind, facts)
    return _OPEN[kind](facts)


def _authorization(facts: Facts) -> Words:
    url = reverse("connect", args=[facts["platform"]])
    if "days" not in facts:
        reason = f"{facts['label']} no longer lets us in"
        reason += f": {facts['reason'].rstrip('.')}." if facts.get("reason") else "."
        text = (
            f"{reason} Nothing is lost; what happens meanwhile is fetched afterwards. Only its owner can reconnect it."
        )
        return Words(f"{facts['name']} has to be reconnected", text, "Reconnect", url, "red")
    days = facts["days"]
    left = "within a day" if days < 1 else f"in {_count(days, 'day', 'days')}"
    text = f"It ends on {_when(facts['until'])}. Renew it before: all data stays, and nothing stops."
    return Words(
        f"The authorization of {facts['name']} ends {left}", text, "Renew", url, "red" if days < 1 else "amber"
    )


def _cancel_request(facts: Facts) -> Words:
    count = facts["count"]
    title = "A buyer asked to cancel" if count == 1 else f"{count:,} buyers asked to cancel"
    if facts["late"]:
        text = f"The time to answer is over for {_some(facts['late'], count)}: TikTok Shop accepts by itself."
    else:
        text = f"Answer by {_when(facts['first'])}, or TikTok Shop accepts by itself."
    if facts["near"]:
        text += f" {_count(facts['near'], 'ends', 'end')} within {facts['last_hours']} h."
    tone = "red" if facts["late"] or facts["near"] else "amber"
    return Words(title, f"{text} Do not ship meanwhile.", "See requests", _work(DeadlineKind.CANCEL_ANSWER), tone)


def _deadline(facts: Facts) -> Words:
    late, near, count = facts["late"], facts["near"], facts["count"]
    if late:
        title = f"{_count(late, 'deadline has passed', 'deadlines have passed')}"
        title += f", {near:,} more within {facts['last_hours']} h" if near else ""
    elif near:
        title = f"{_count(near, 'deadline', 'deadlines')} within {facts['last_hours']} h"
    else:
        title = f"{_count(count, 'deadline', 'deadlines')} within {facts['first_hours']} h"
    kinds = sorted(facts["kinds"].items(), key=lambda each: list(DUE).index(DeadlineKind(each[0])))
    parts = [
        _count(said["count"], *DUE[name]) + (f" ({said['late']:,} late)" if said["late"] else "")
        for name, said in kinds
    ]
    text = f"{', '.join(parts)}. The first {'was' if late else 'is'} due {_when(facts['first'])}."
    return Words(title, text, "Open the work list", _work(), "red" if late or near else "amber")


def _attention(facts: Facts) -> Words:
    count = facts["count"]
    title = f"{_count(count, 'order needs', 'orders need')} attention"
    text = f"The oldest has waited since {_when(facts['oldest'])}."
    if facts["old"]:
        text += f" {_count(facts['old'], 'waits', 'wait')} for more than {_span(facts['minutes'])}."
    return Words(title, f"{text} Nothing goes on with them until you answer.", "See orders", _tab(), "red")


def _money(facts: Facts) -> Words:
    title = f"The money of {_count(facts['count'], 'order does', 'orders do')} not balance"
    return Words(
        title, "Nothing was sent. Compare it in Seller Center.", "See orders", _tab("MONEY_MISMATCH"), "red"
    )  # fmt: skip


def _ledger_gap(facts: Facts) -> Words:
    count, ids = facts["count"], facts.get("ids", [])
    text = f"The first since {_when(facts['oldest'])}. It is tried again by itself."
    if ids:
        more = f" and {count - len(ids):,} more" if count > len(ids) else ""
        text += f" {', '.join(ids)}{more}."
    title = f"{_count(count, 'order of TikTok Shop is', 'orders of TikTok Shop are')} not accounted for"
    return Words(title, text, "See the dashboard", reverse("dashboard"), "red")


def _silence(facts: Facts) -> Words:
    text = (
        f"The last word came {_when(facts['since'])}, an order since then {_when(facts['newest'])}. Orders are found "
        "by asking every few minutes, so none is missed; a cancellation is seen later than it could be."
    )
    return Words(
        f"{facts['label']} tells us nothing of {facts['name']}", text, "See connections", _store(facts), "amber"
    )


def _rate_limit(facts: Facts) -> Words:
    text = (
        f"{facts['label']} allows no more calls; the oldest order waits since {_when(facts['oldest'])}. They go out in "
        "turn, those with the nearest deadline first. There is nothing to do."
    )
    return Words(f"Orders wait for {facts['name']}", text, "See connections", _store(facts), "amber")


_OPEN: Mapping[str, Callable[[Facts], Words]] = {
    K.AUTHORIZATION: _authorization,
    K.CANCEL_REQUEST: _cancel_request,
    K.DEADLINE: _deadline,
    K.ATTENTION: _attention,
    K.MONEY: _money,
    K.LEDGER_GAP: _ledger_gap,
    K.SILENCE: _silence,
    K.RATE_LIMIT: _rate_limit,
}


def _resolved(kind: str, facts: Facts) -> Words:
    name = facts.get("name", "The store")
    title, text, label, url = {
        K.AUTHORIZATION: (f"{name} is connected", "What waited for it goes on.", "See connections", _store(facts)),
        K.CANCEL_REQUEST: ("No request to cancel is open", "", "See the work list", _work()),
        K.DEADLINE: ("Nothing is late or due soon", "", "See the work list", _work()),
        K.ATTENTION: ("Few orders need attention, none for long", "", "See orders", _tab()),
        K.MONEY: ("The money of all orders balances", "", "See orders", reverse("orders")),
        K.LEDGER_GAP: ("Every order is accounted for", "", "See the dashboard", reverse("dashboard")),
        K.SILENCE: (f"Webhooks of {name} come again", "", "See connections", _store(facts)),
        K.RATE_LIMIT: (f"No order waits for {name} any more", "", "See connections", _store(facts)),
    }[AlertKind(kind)]
    return Words(title, text, label, url, "green")


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _some(count: int, of: int) -> str:
    return "it" if of == 1 else "all of them" if count == of else f"{count:,} of them"


def _span(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _when(moment: str) -> str:
    return date_format(localtime(datetime.fromisoformat(moment)), "M j, g:i A")


def _work(kind: DeadlineKind | None = None) -> str:
    return f"{reverse('work')}?kind={kind.value.lower()}" if kind else reverse("work")


def _tab(reason: str = "") -> str:
    return f"{reverse('orders')}?tab=needs_attention{f'&reason={reason}' if reason else ''}"


def _store(facts: Facts) -> str:
    return f"{reverse('stores')}#store-{facts['store']}" if facts.get("store") else reverse("stores")
