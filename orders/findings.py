"""What is wrong now, over all merchants: from rows alone, by a few statements, so that it is seen also when the store
that it is about does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from connectors.models import StorePart, StoreState
from connectors.registry import connector_class
from orders.alert_rules import AlertRules
from orders.deadlines import DeadlineKind, DeadlineRules
from orders.models import AlertKind
from orders.queries.counts import MOST
from orders.queries.due import Pressing, pressing_of_all

K = AlertKind
LATEST_WARNING = 90  # days before an authorization ends; no merchant is warned earlier
SHOWN_IDS = 10
NEAR_LIMIT = 0.9  # of the calls that the platform allows: then what waits, waits for the platform


@dataclass(frozen=True, slots=True)
class Mark:
    """How many there are, and the moment of the newest, where it has one."""

    count: int
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong at one merchant. `marks` say how much of it there is, by steps, the graver the later."""

    merchant_id: int
    kind: AlertKind
    marks: Mapping[str, Mark]
    facts: Mapping[str, Any]
    subject: str = ""

    @property
    def key(self) -> tuple[int, str, str]:
        """What it is about; of each there is one alert at most."""
        return self.merchant_id, self.kind.value, self.subject


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules of one merchant that findings go by."""

    alerts: AlertRules = field(default_factory=AlertRules)
    deadlines: DeadlineRules = field(default_factory=DeadlineRules)


def look(*, now: datetime, chosen: Mapping[int, Chosen]) -> dict[tuple[int, str, str], Finding]:
    """Everything that is wrong, by what it is about. Two statements, in all_merchants."""
    found: dict[tuple[int, str, str], Finding] = {}
    usual = Chosen()
    for finding in (*_deadlines(now, chosen, usual), *_others(now, chosen, usual)):
        if chosen.get(finding.merchant_id, usual).alerts.wants(finding.kind):
            found[finding.key] = finding
    return found


def _deadlines(now: datetime, chosen: Mapping[int, Chosen], usual: Chosen) -> Iterator[Finding]:
    for merchant_id, kinds in pressing_of_all(now=now).items():
        rules = chosen.get(merchant_id, usual)
        asked = kinds.get(DeadlineKind.CANCEL_ANSWER)
        if asked:
            yield _pressing(merchant_id, K.CANCEL_REQUEST, {DeadlineKind.CANCEL_ANSWER: asked}, rules)
        wanted = {kind: pressing for kind, pressing in kinds.items() if kind.value in rules.alerts.deadlines}
        if wanted:
            yield _pressing(merchant_id, K.DEADLINE, wanted, rules)


def _pressing(merchant_id: int, kind: AlertKind, kinds: Mapping[DeadlineKind, Pressing], rules: Chosen) -> Finding:
    """Steps: within the first hours of warning, within the last, and past."""
    whole = list(kinds.values())
    late, near = sum(each.late for each in whole), sum(each.near for each in whole)
    soon = sum(each.count for each in whole) - late - near
    last = max(each.last for each in whole)
    facts = {
        "kinds": {name.value: {"count": each.count, "late": each.late} for name, each in kinds.items()},
        "count": soon + near + late,
        "late": late,
        "near": near,
        "first": min(each.first for each in whole).isoformat(),
        "first_hours": rules.deadlines.warn_first_hours,
        "last_hours": rules.deadlines.warn_last_hours,
    }
    marks = {"soon": Mark(soon + near + late, last), "near": Mark(near + late), "late": Mark(late)}
    return Finding(merchant_id, kind, {step: mark for step, mark in marks.items() if mark.count}, facts)


def _others(now: datetime, chosen: Mapping[int, Chosen], usual: Chosen) -> Iterator[Finding]:
    readers = {"store": _of_store, "asking": _of_asking, "gap": _of_gap, "silent": _of_silent, "limit": _of_limit}
    with connection.cursor() as cursor:
        cursor.execute(
            _OTHERS,
            {
                "now": now, "most": MOST + 1, "ids": SHOWN_IDS, "near_limit": NEAR_LIMIT,
                "warned_by": now + timedelta(days=LATEST_WARNING), "lately": now - timedelta(minutes=5),
                "grace": now - timedelta(minutes=15), "source": StorePart.SOURCE.value,
                "connected": StoreState.CONNECTED.value, "lost": StoreState.RECONNECT.value,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    for what, merchant_id, told in rows:
        facts = told if isinstance(told, dict) else json.loads(told)
        yield from readers[what](merchant_id, facts, chosen.get(merchant_id, usual).alerts, now)


def _of_store(merchant_id: int, told: dict[str, Any], rules: AlertRules, now: datetime) -> Iterator[Finding]:
    """An authorization that ended, or ends within the days that the merchant chose; not where it renews itself."""
    facts = {**_store_facts(told), "reason": told["reason"], "until": told["until"]}
    if told["state"] == StoreState.RECONNECT:
        steps = {"lost": Mark(1)}
    elif connector_class(told["platform"]).renews_itself or not told["until"]:
        return
    else:
        days = (datetime.fromisoformat(told["until"]) - now).total_seconds() / 86_400
        passed = [limit for limit in sorted(rules.days_left, reverse=True) if days <= limit]
        if not passed:
            return
        facts["days"] = max(0, int(days))
        steps = {f"days-{limit:03}": Mark(1) for limit in passed}
    yield Finding(merchant_id, K.AUTHORIZATION, steps, facts, subject=str(told["store"]))


def _of_asking(merchant_id: int, told: dict[str, Any], rules: AlertRules, _now: datetime) -> Iterator[Finding]:
    """Orders that need a person: too many, or one for too long; and those among them whose money does not balance."""
    newest, old = _moment(told["newest"]), told["old"]
    if told["count"] > rules.more_than or old:
        facts = {
            "count": told["count"], "old": old, "oldest": told["oldest"],
            "minutes": rules.older_than_minutes, "more_than": rules.more_than,
        }  # fmt: skip
        marks = {"many": Mark(told["count"], newest), **({"old": Mark(old)} if old else {})}
        yield Finding(merchant_id, K.ATTENTION, marks, facts)
    if told["money"]:
        marks = {"open": Mark(told["money"], _moment(told["money_newest"]))}
        yield Finding(merchant_id, K.MONEY, marks, {"count": told["money"]})


def _of_gap(merchant_id: int, told: dict[str, Any], rules: AlertRules, now: datetime) -> Iterator[Finding]:
    """What the dashboard's sum misses: orders that could not be kept, and still cannot."""
    if _moment(told["oldest"]) <= now - timedelta(minutes=rules.gap_minutes):
        yield Finding(merchant_id, K.LEDGER_GAP, {"open": Mark(told["count"], _moment(told["newest"]))}, told)


def _of_silent(merchant_id: int, told: dict[str, Any], rules: AlertRules, now: datetime) -> Iterator[Finding]:
    """A shop that tells us of changes, whose orders came by asking alone for some hours."""
    since = _moment(told["since"])
    if not connector_class(told["platform"]).features.webhooks or since > now - timedelta(hours=rules.silence_hours):
        return
    facts = {**_store_facts(told), "since": told["since"], "newest": told["newest"], "hours": rules.silence_hours}
    yield Finding(merchant_id, K.SILENCE, {"open": Mark(1)}, facts, subject=str(told["store"]))


def _of_limit(merchant_id: int, told: dict[str, Any], rules: AlertRules, now: datetime) -> Iterator[Finding]:
    """A store at its platform's limit, behind which work has waited for some time."""
    if _moment(told["oldest"]) <= now - timedelta(minutes=rules.limit_minutes):
        facts = {**_store_facts(told), "oldest": told["oldest"]}
        yield Finding(merchant_id, K.RATE_LIMIT, {"open": Mark(1)}, facts, subject=str(told["store"]))


def _store_facts(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "store": told["store"],
        "name": told["name"],
        "platform": told["platform"],
        "label": connector_class(told["platform"]).label,
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


_OLD = f"make_interval(mins => coalesce((r.alerts->>'older_than_minutes')::int, {AlertRules().older_than_minutes}))"
_STORE = "'store', s.id, 'name', s.name, 'platform', s.platform"
# What each part finds is read by the function that `_others` names for it. `asking` looks at MOST rows of a merchant,
# the oldest first; the others are few.
_OTHERS = f"""
select 'store', s.merchant_id, jsonb_build_object({_STORE}, 'state', s.state, 'reason', s.state_reason,
  'until', s.authorized_until)
from connectors_connectedstore s
where s.state = %(lost)s or (s.state = %(connected)s and s.authorized_until < %(warned_by)s)
union all
select 'asking', m.id, jsonb_build_object('count', a.found, 'old', a.old, 'oldest', a.oldest, 'newest', a.newest,
  'money', b.found, 'money_newest', b.newest)
from accounts_merchant m
left join orders_merchantrules r on r.merchant_id = m.id
cross join lateral (
  select count(*) as found, max(attention_at) as newest, min(attention_at) as oldest,
    count(*) filter (where attention_at <= %(now)s - {_OLD}) as old
  from (select coalesce(o.attention_at, o.read_at) as attention_at from orders_order o
        where o.merchant_id = m.id and o.attention <> '' order by o.attention_at limit %(most)s) asking
) a
cross join lateral (
  select count(*) as found, max(attention_at) as newest
  from (select coalesce(o.attention_at, o.read_at) as attention_at from orders_order o
        where o.merchant_id = m.id and o.attention <> '' and o.attention in ('MONEY_MISMATCH', 'CURRENCY_MISMATCH')
        order by o.attention_at limit %(most)s) money
) b
where a.found > 0
union all
select 'gap', g.merchant_id, jsonb_build_object('count', count(*), 'oldest', min(g.set_aside_at),
  'newest', max(g.set_aside_at), 'ids', (array_agg(g.external_id order by g.set_aside_at))[1:%(ids)s])
from orders_setaside g group by g.merchant_id
union all
select 'silent', s.merchant_id, jsonb_build_object({_STORE},
  'since', greatest(s.last_webhook_at, s.connected_at), 'newest', o.ordered_at)
from connectors_connectedstore s
cross join lateral (select o.ordered_at from orders_order o where o.source_store_id = s.id and o.ordered_at < %(grace)s
                    order by o.ordered_at desc, o.id desc limit 1) o
where s.state = %(connected)s and s.part = %(source)s
  and o.ordered_at > greatest(s.last_webhook_at, s.connected_at) + interval '1 minute'
union all
select 'limit', s.merchant_id, jsonb_build_object({_STORE}, 'oldest', i.not_before)
from orders_lane l join connectors_connectedstore s on s.id = l.store_id and s.state = %(connected)s
cross join lateral (select i.not_before from orders_outboxitem i where i.store_id = s.id and i.status = 'PENDING'
                    order by i.not_before limit 1) i
where l.calls_at > %(lately)s and l.calls_used >= l.calls_allowed * %(near_limit)s and i.not_before < %(now)s
"""
