"""R6: nobody is released early, whatever the clocks do. The product's own judgement is asked, with made up clocks."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

ZONE = "America/New_York"
# Moments around which orders are paid: ordinary days, and both ends of summer time there and in Europe.
TURNS = (
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2027, 3, 14, 7, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2027, 3, 28, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
)
# How wrong our clock may be. TikTok Shop refuses a call that is stamped more than 30 s ahead or 300 s behind
# (sandbox/tiktok_shop/half.py), so that with a clock beyond those nothing is read and nothing is judged. What it
# answers bears its own clock, or, once in a while, some moment that a gateway made up, or none.
STEPS = (0.0, 0.0, 0.0, -7200.0, -299.0, -60.0, -1.0, 1.0, 10.0, 30.0, 60.0, 3600.0, 7200.0)
MOST_AHEAD, MOST_BEHIND = 30.0, 300.0


@dataclass(slots=True)
class Early:
    """How many orders there were, and how many were released before their hold ended."""

    orders: int = 0
    looks: int = 0
    held: int = 0  # of those that TikTok held
    free: int = 0  # of those that it never held, whose hour is ours to keep


def early_releases(*, orders: int, seed: int) -> Early:
    """Look at each order several times, at true moments that our clock may get wrong, and in a zone with summer time.

    Early is what the product would release before the true end of its hold. The process has to be one of its own: it
    moves to another time zone, and gives way to all others.
    """
    os.nice(10)
    os.environ["TZ"] = ZONE
    time.tzset()
    judgement = _judgement()
    dice = random.Random(f"{seed} R6")
    found = Early()
    for _ in range(orders):
        found.orders += 1
        _follow(found, judgement, dice)
    return found


def _judgement() -> Any:
    """The product's modules, which need its settings, and no database."""
    os.environ.setdefault("DEBUG", "true")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verisync_site.settings")
    import django

    django.setup()
    from orders import hold

    return hold


def _follow(found: Early, judgement: Any, dice: random.Random) -> None:
    from django.conf import settings

    paid_at = dice.choice(TURNS) + timedelta(seconds=dice.randint(-7200, 7200))
    ends_at = paid_at + timedelta(seconds=settings.HOLD_SECONDS)
    is_held = dice.random() < 0.8
    if is_held:  # TikTok ends its hold by its own clock, never before the hour
        ends_at += timedelta(seconds=dice.choice([0, 0, 1, 30, 3600]))
    for at in _looks(dice, paid_at, ends_at):
        step = dice.choice(STEPS)
        if not -MOST_BEHIND <= step <= MOST_AHEAD:
            continue
        found.looks += 1
        status = "ON_HOLD" if is_held and at < ends_at else "AWAITING_SHIPMENT"
        ours = at + timedelta(seconds=step)
        seen = _order(status=status, paid_at=paid_at, updated_at=at, is_held=is_held, told_at=_told(dice, at, ours))
        standing = judgement.standing_of(seen, was_held=is_held, connected_at=paid_at - timedelta(days=1), now=ours)
        if standing.state == "READY" and at < ends_at:
            if is_held:
                found.held += 1
            else:
                found.free += 1
            return


def _looks(dice: random.Random, paid_at: datetime, ends_at: datetime) -> Iterator[datetime]:
    """By webhook, by poll, and near the end of the hold, on both sides of it."""
    span = (ends_at - paid_at).total_seconds()
    moments = [paid_at + timedelta(seconds=dice.uniform(0, span)) for _ in range(2)]
    moments += [ends_at + timedelta(seconds=each) for each in (-1.0, -0.001, 0.0, dice.uniform(0, 60))]
    yield from sorted(moments)


def _told(dice: random.Random, at: datetime, ours: datetime) -> datetime:
    """What our connector takes for TikTok Shop's clock."""
    from connectors.exchange import Answer
    from connectors.platforms.tiktok_shop.wire import clock_there

    said = dice.choice([format_datetime(at, usegmt=True)] * 6 + ["", "yesterday", "Thu, 01 Jan 2099 00:00:00 GMT"])
    return clock_there(Answer(200, {"date": said}, b""), sent_at=ours)


def _order(*, status: str, paid_at: datetime, updated_at: datetime, is_held: bool, told_at: datetime) -> Any:
    from connectors.base.types import AddressState, PlatformOrder, Shipper, SourceStatus

    return PlatformOrder(
        external_id="1",
        status=SourceStatus(status),
        status_text=status,
        created_at=paid_at - timedelta(seconds=30),
        updated_at=updated_at,
        paid_at=paid_at,
        is_on_hold_order=is_held,
        is_preorder=False,
        is_sample=False,
        shipper=Shipper.SELLER,
        buyer_id="",
        buyer_email="",
        buyer_message="",
        address=None,
        address_state=AddressState.MISSING,
        payment=None,
        lines=(),
        packages=(),
        warehouse_id="",
        delivery_option_id="",
        delivery_option_name="",
        ship_by=None,
        auto_cancel_at=None,
        deliver_by=None,
        cancel_requested=False,
        cancel_requested_at=None,
        cancel_reason="",
        cancelled_by="",
        told_at=told_at,
    )
