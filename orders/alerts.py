"""Alerts: what is wrong becomes one row, what is to be said of it a message, and each way to say it a delivery. Rows
first, in one transaction; sending is orders/delivering.py's."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.access import all_merchants
from accounts.models import Membership, Role
from orders import findings
from orders.alert_rules import AlertRules, is_muted
from orders.deadlines import DeadlineRules
from orders.findings import Chosen, Finding, Mark
from orders.models import Alert, AlertChannel, AlertDelivery, AlertMessage, AlertWord, MerchantRules

log = logging.getLogger(__name__)

CALM = timedelta(minutes=5)  # so long nothing may be wrong before it is said to be over
DOUBLED_FROM = 5  # so many more, and twice as many, are said before the pause is over
_LOCK = 0x76730006  # one judge at a time


@dataclass(frozen=True, slots=True)
class _Preferences:
    """A merchant's rules, and what is kept quiet. Never the secret: judging reads none."""

    chosen: Chosen
    mutes: Mapping[str, str]


_USUAL = _Preferences(Chosen(), {})


@dataclass(slots=True)
class Said:
    """What a message is to say, of which alert."""

    alert: Alert
    word: AlertWord


def judge(*, now: datetime) -> int:
    """Look at everything that is wrong, and write down what has to be said. Returns how many messages.

    A handful of statements for all merchants while nothing changes. May be repeated: what was said is not said again
    until something new came. Two at once do no harm: the second goes home.
    """
    with all_merchants("alerts of every merchant"):
        if not _is_alone():
            return 0
        preferences = _preferences()
        found = findings.look(now=now, chosen={pk: each.chosen for pk, each in preferences.items()})
        kept = {(each.merchant_id, each.kind, each.subject): each for each in Alert.objects.filter(resolved_at=None)}
        said, changed = [], []
        for key in {**found, **kept}:
            alert, preference = kept.get(key), preferences.get(key[0], _USUAL)
            before = _state(alert)
            said_of = _follow(alert, found.get(key), preference, now=now)
            if said_of:
                said.append(said_of)
            elif alert is not None and _state(alert) != before:
                changed.append(alert)
        _write(said, changed, preferences, now=now)
    return len(said)


def verdict(
    *, marks: Mapping[str, Mark], told: Mapping[str, Mark], said_at: datetime, pause: timedelta, now: datetime
) -> bool:
    """Whether an open alert got worse since it was said last: a graver step at once; more of the same after the pause,
    or when there are twice as many. `told` is what was said, less what is no longer so. Pure."""
    if any(step not in told for step in marks):
        return True
    if not any(_is_more(mark, told[step]) for step, mark in marks.items()):
        return False
    whole, before = (max((mark.count for mark in each.values()), default=0) for each in (marks, told))
    return now - said_at >= pause or whole >= max(2 * before, before + DOUBLED_FROM)


def lowered(*, marks: Mapping[str, Mark], told: Mapping[str, Mark]) -> dict[str, Mark]:
    """What was said, less what is no longer so: only from there is more of it news. Pure."""
    return {step: Mark(min(mark.count, marks[step].count), mark.newest) for step, mark in told.items() if step in marks}


def deliveries_of(
    message: AlertMessage, rules: AlertRules, owners: Sequence[str], *, channels: Sequence[str] | None = None
) -> list[AlertDelivery]:
    """Every way that a message goes, by the merchant's rules; `channels` instead of those of its kind. Pure."""
    wanted = channels if channels is not None else [
        channel
        for channel, kinds in ((AlertChannel.EMAIL, rules.email), (AlertChannel.WEBHOOK, rules.webhook))
        if message.kind in kinds
    ]  # fmt: skip
    to: list[tuple[str, str]] = []
    if AlertChannel.EMAIL in wanted:
        people = [*(owners if rules.to_owners else ()), *rules.addresses]
        to += [(AlertChannel.EMAIL.value, each) for each in dict.fromkeys(each.lower() for each in people)]
    if AlertChannel.WEBHOOK in wanted and rules.webhook_to:
        to.append((AlertChannel.WEBHOOK.value, rules.webhook_to))
    return [
        AlertDelivery(
            merchant_id=message.merchant_id, message=message, channel=channel, address=address[:500],
            not_before=message.said_at,
        )
        for channel, address in to
    ]  # fmt: skip


def _follow(alert: Alert | None, finding: Finding | None, preference: _Preferences, *, now: datetime) -> Said | None:
    """Take one alert to how things stand, in memory: what is to be said of it, if anything."""
    if alert is None:
        assert finding is not None
        return _open(finding, now)
    if finding is None:
        alert.clear_since = alert.clear_since or now
        if now - alert.clear_since < CALM:
            return None
        alert.resolved_at = now
        return Said(alert, AlertWord.RESOLVED)
    alert.clear_since, alert.facts = None, dict(finding.facts)
    told = lowered(marks=finding.marks, told=read_marks(alert.marks))
    pause = timedelta(minutes=preference.chosen.alerts.pause_minutes)
    if verdict(marks=finding.marks, told=told, said_at=alert.said_at, pause=pause, now=now):
        word = AlertWord.WORSE
    elif "quiet" in alert.marks and not is_muted(preference.mutes, alert.kind, now):
        word = AlertWord.STILL
    else:
        alert.marks = {**write_marks(told), **({"quiet": True} if "quiet" in alert.marks else {})}
        return None
    alert.marks, alert.said_at = write_marks(finding.marks), now
    return Said(alert, word)


def _open(finding: Finding, now: datetime) -> Said:
    alert = Alert(
        merchant_id=finding.merchant_id,
        kind=finding.kind,
        subject=finding.subject,
        facts=dict(finding.facts),
        marks=write_marks(finding.marks),
        opened_at=now,
        said_at=now,
    )
    return Said(alert, AlertWord.OPENED)


def _write(
    said: Sequence[Said], changed: list[Alert], preferences: Mapping[int, _Preferences], *, now: datetime
) -> None:
    """A handful of statements, however many merchants are told."""
    messages = [_message(each, preferences.get(each.alert.merchant_id, _USUAL), now) for each in said]
    for message in messages:
        if message.is_muted and message.alert is not None and message.word != AlertWord.RESOLVED:
            message.alert.marks = {**message.alert.marks, "quiet": True}  # to be said when the quiet is over
    Alert.objects.bulk_create([each.alert for each in said if each.alert.pk is None])
    changed += [each.alert for each in said if each.word != AlertWord.OPENED]
    Alert.objects.bulk_update(changed, ["facts", "marks", "said_at", "clear_since", "resolved_at"], batch_size=200)
    AlertMessage.objects.bulk_create(messages)
    outward = [each for each in messages if not each.is_muted]
    owners = owners_of({each.merchant_id for each in outward}) if outward else {}
    AlertDelivery.objects.bulk_create(
        delivery
        for message in outward
        for delivery in deliveries_of(
            message,
            preferences.get(message.merchant_id, _USUAL).chosen.alerts,
            owners.get(message.merchant_id, ()),
        )
    )
    if messages:
        log.info("alerts", extra={"messages": len(messages)})


def _message(said: Said, preference: _Preferences, now: datetime) -> AlertMessage:
    """Of an end that follows on nothing but quiet messages nobody is told."""
    alert = said.alert
    quiet = is_muted(preference.mutes, alert.kind, now) or (
        said.word == AlertWord.RESOLVED and "quiet" in alert.marks
    )  # fmt: skip
    return AlertMessage(
        merchant_id=alert.merchant_id,
        alert=alert,
        kind=alert.kind,
        word=said.word,
        facts=alert.facts,
        is_muted=quiet,
        is_shown=not quiet and alert.kind in preference.chosen.alerts.in_app,
        said_at=now,
    )


def write_marks(marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Marks as JSON."""
    return {step: [mark.count, mark.newest.isoformat() if mark.newest else None] for step, mark in marks.items()}


def read_marks(kept: Mapping[str, Any]) -> dict[str, Mark]:
    """What `write_marks` made; the note of quietness beside it is no mark."""
    return {
        step: Mark(said[0], datetime.fromisoformat(said[1]) if said[1] else None)
        for step, said in kept.items()
        if isinstance(said, list)
    }


def _is_more(mark: Mark, told: Mark) -> bool:
    return mark.count > told.count or bool(mark.newest and told.newest and mark.newest > told.newest)


def _state(alert: Alert | None) -> tuple[Any, ...]:
    return (alert.facts, alert.marks, alert.clear_since) if alert else ()


def _preferences() -> dict[int, _Preferences]:
    kept = MerchantRules.objects.values_list("merchant_id", "alerts", "deadlines", "mutes")
    return {
        merchant_id: _Preferences(Chosen(AlertRules.from_json(alerts), DeadlineRules.from_json(deadlines)), mutes)
        for merchant_id, alerts, deadlines, mutes in kept
    }


def owners_of(merchants: Collection[int]) -> dict[int, list[str]]:
    """The addresses of the owners of these merchants, in the caller's transaction."""
    found: dict[int, list[str]] = {}
    members = Membership.objects.filter(merchant__in=merchants, role=Role.OWNER, user__is_active=True)
    for merchant_id, email in members.order_by("id").values_list("merchant_id", "user__email"):
        found.setdefault(merchant_id, []).append(email)
    return found


def _is_alone() -> bool:
    """Until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
