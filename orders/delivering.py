"""Messages on their way out of the app: claimed in one transaction, sent outside any, settled in another. A message may
arrive twice; one that cannot be delivered says so on the page, and is lost to nobody else."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import smtplib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.access import all_merchants
from connectors import outside
from connectors.crypto import UnreadableSecret, decrypt
from orders import alert_addresses
from orders.alert_words import Words, words_of
from orders.models import AlertChannel, AlertDelivery, DeliveryState

log = logging.getLogger(__name__)

BATCH = 24
AT_ONCE = 8  # webhooks; each ends within outside.WHOLE_SECONDS
LEASE = timedelta(minutes=2)  # longer than a whole batch takes
# Pauses after each failure; after the last one it is given up: about a day and a half.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 120, 240, 480, 720))

_GONE = (TimeoutError, ConnectionError, smtplib.SMTPServerDisconnected)

# One of each address, so that one that hangs keeps neither another's nor its own next message waiting for long.
_CLAIM = """
update orders_alertdelivery d set lease_until = %(lease)s, attempts = attempts + 1
from (
  select id from orders_alertdelivery where id in (
    select min(id) from orders_alertdelivery
    where state = 'PENDING' and not_before <= %(now)s and (lease_until is null or lease_until < %(now)s)
    group by merchant_id, channel, address order by min(not_before) limit %(most)s
  ) for update skip locked
) chosen
where d.id = chosen.id and d.state = 'PENDING' and (d.lease_until is null or d.lease_until < %(now)s)
returning d.id
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A claimed delivery with all that it takes to send it."""

    delivery: AlertDelivery
    words: Words
    merchant_name: str
    zone: str

    @property
    def url(self) -> str:
        """Where the action leads, as a person outside needs it."""
        return f"{settings.PUBLIC_URL}{self.words.action_url}"


def deliver(*, clock: Callable[[], datetime], most: int = BATCH) -> int:
    """Send what is due, a batch of it, and return how many were taken by the other side. Not inside a transaction; may
    be repeated, and run twice at once."""
    letters = _claim(now=clock(), most=most)
    if not letters:
        return 0
    outcomes: dict[int, str] = {}
    mails = [each for each in letters if each.delivery.channel == AlertChannel.EMAIL]
    hooks = [each for each in letters if each.delivery.channel == AlertChannel.WEBHOOK]
    outcomes |= _send_mails(mails)
    if hooks:
        secrets = _secrets({each.delivery.merchant_id for each in hooks})
        with all_merchants("where their messages go"):
            urls = alert_addresses.urls_of({(each.delivery.merchant_id, each.delivery.address) for each in hooks})
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="alert") as pool:
            at = clock()
            results = pool.map(
                lambda each: _send_hook(
                    each,
                    secret=secrets.get(each.delivery.merchant_id, ""),
                    url=urls.get((each.delivery.merchant_id, each.delivery.address), ""),
                    at=at,
                ),
                hooks,
            )
            outcomes |= {each.delivery.pk: said for each, said in zip(hooks, results, strict=True)}
    _settle([each.delivery for each in letters], outcomes, now=clock())
    return sum(not said for said in outcomes.values())


def signature(*, secret: str, at: int, body: bytes) -> str:
    """The header VeriSync-Signature: the moment in epoch seconds, and HMAC-SHA256 over it, a dot and the body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def payload(letter: Letter) -> dict[str, Any]:
    """What the merchant's own address gets, as JSON. A repeat has the same id."""
    message = letter.delivery.message
    return {
        "id": message.pk,
        "alert": message.alert_id,
        "merchant": letter.merchant_name,
        "kind": message.kind,
        "word": message.word,
        "title": letter.words.title,
        "text": letter.words.text,
        "url": letter.url,
        "said_at": message.said_at.isoformat(),
        "facts": message.facts,
    }


def _claim(*, now: datetime, most: int) -> list[Letter]:
    with all_merchants("messages of every merchant"):
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"now": now, "lease": now + LEASE, "most": most})
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        found = AlertDelivery.objects.filter(pk__in=ids).select_related("message", "merchant").order_by("pk")
        return [_letter(each) for each in found]


def _letter(delivery: AlertDelivery) -> Letter:
    message, merchant = delivery.message, delivery.merchant
    with timezone.override(_zone(merchant.time_zone)):
        words = words_of(kind=message.kind, word=message.word, facts=message.facts)
    return Letter(delivery=delivery, words=words, merchant_name=merchant.name, zone=merchant.time_zone)


def _send_mails(letters: Sequence[Letter]) -> dict[int, str]:
    """What became of each, "" for sent. One connection for all: a server that is gone fails all that are left at once,
    so that a batch never takes longer than its lease."""
    if not letters:
        return {}
    try:
        mailer = get_connection()
        mailer.open()
    except Exception as error:
        return {each.delivery.pk: _mail_failure(error) for each in letters}
    outcomes: dict[int, str] = {}
    try:
        gone = ""
        for each in letters:
            try:
                outcomes[each.delivery.pk] = gone or _send_mail(each, mailer)
            except _GONE as error:
                outcomes[each.delivery.pk] = gone = _mail_failure(error)
    finally:
        with contextlib.suppress(Exception):
            mailer.close()
    return outcomes


def _send_mail(letter: Letter, mailer: BaseEmailBackend) -> str:
    """Raises one of _GONE when the server is gone."""
    try:
        _mail(letter, mailer).send()
    except _GONE:
        raise
    except Exception as error:
        return _mail_failure(error)
    return ""


def _mail(letter: Letter, mailer: BaseEmailBackend) -> EmailMessage:
    message = letter.delivery.message
    with timezone.override(_zone(letter.zone)):
        said = {
            "words": letter.words,
            "url": letter.url,
            "settings_url": f"{settings.PUBLIC_URL}/settings/alerts/",
            "merchant_name": letter.merchant_name,
            "said_at": message.said_at,
            "zone_name": letter.zone.rpartition("/")[2].replace("_", " "),
        }
        text = render_to_string("alerts/mail.txt", said)
    # A name of a store is somebody's own text: no line of it may become a header.
    subject = " ".join(f"{letter.words.title} · {letter.merchant_name}".split())
    return EmailMessage(
        subject=subject,
        body=text,
        to=[letter.delivery.address],
        connection=mailer,
        headers={"Message-ID": f"<alert-{letter.delivery.pk}@{_host()}>", "Auto-Submitted": "auto-generated"},
    )


def _send_hook(letter: Letter, *, secret: str, url: str, at: datetime) -> str:
    if not url:
        return "The address cannot be read any more: enter it anew"
    if not secret:
        return "There is no secret to sign with: make a new one"
    body = json.dumps(payload(letter), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "VeriSync-Alerts/1",
        "VeriSync-Delivery": str(letter.delivery.pk),
        "VeriSync-Signature": signature(secret=secret, at=int(at.timestamp()), body=body),
    }
    try:
        status = outside.post(url, body=body, headers=headers, may_be_ours=settings.ALERTS_MAY_STAY_HERE)
    except (outside.AddressRefused, outside.NoAnswer) as error:
        return str(error)
    return "" if 200 <= status < 300 else f"Answered {status}"


def _settle(deliveries: Iterable[AlertDelivery], outcomes: Mapping[int, str], *, now: datetime) -> None:
    """Write down what became of each; whoever claimed it since then is left alone."""
    with all_merchants("messages of every merchant"):
        for each in deliveries:
            mine = AlertDelivery.objects.filter(pk=each.pk, attempts=each.attempts, state=DeliveryState.PENDING)
            failure = outcomes[each.pk]
            if not failure:
                mine.update(state=DeliveryState.SENT, sent_at=now, lease_until=None, last_error="")
            elif each.attempts > len(PAUSES):
                mine.update(state=DeliveryState.GIVEN_UP, lease_until=None, last_error=failure[:200])
            else:
                pause = PAUSES[each.attempts - 1]
                mine.update(not_before=now + pause, lease_until=None, last_error=failure[:200])


def _secrets(merchants: set[int]) -> dict[int, str]:
    """One that no key opens any more is as good as none: it concerns nobody else's message."""
    found: dict[int, str] = {}
    with all_merchants("whose messages are signed"), connection.cursor() as cursor:
        asked = "select merchant_id, alert_secret from orders_merchantrules where merchant_id = any(%s)"
        cursor.execute(asked, [list(merchants)])
        rows = cursor.fetchall()
    for merchant_id, kept in rows:
        try:
            found[merchant_id] = decrypt(kept) if kept else ""
        except UnreadableSecret:
            log.error("an alert secret cannot be read", extra={"merchant": merchant_id})
    return found


def _mail_failure(error: Exception) -> str:
    """Never the server's own words: they may repeat what was sent to it."""
    return f"The mail server did not take it ({type(error).__name__})"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _host() -> str:
    return settings.PUBLIC_URL.partition("//")[2].partition("/")[0].partition(":")[0] or "localhost"
