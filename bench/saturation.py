"""P7: each platform's allowance is used while a store has a backlog, and never exceeded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import allowance, dataset, due, engine, first_come
from bench.due import Due
from bench.engine import Platform
from bench.installation import Installation
from bench.platforms import amazon, shopify, squarespace, tiktok_shop, wix
from bench.report import Line
from bench.rounds import figure_of
from bench.rows import merchants_of
from bench.run import Run

_BEGINNING = 45.0  # the longest that using up a full allowance is waited for


@dataclass(frozen=True, slots=True)
class _Subject:
    """A platform, which of its allowances is looked at, and how much of it an order takes."""

    platform: str
    metric: str
    operation: str
    rate: float
    most: float
    cost: float

    def orders(self, seconds: float) -> int:
        """More than a store can have done in that time."""
        return int((self.most + self.rate * seconds) / self.cost * 1.1) + 10


_SHOPIFY = _Subject("shopify", "Shopify, points", "points", shopify.POINTS_A_SECOND, shopify.POINTS, shopify.CREATE)
_TIKTOK = _Subject(
    "tiktok_shop", "TikTok Shop, tracking numbers sent back", "packages.mark_shipped", tiktok_shop.CALLS,
    tiktok_shop.CALLS, 1,
)  # fmt: skip
_STORES = (
    _SHOPIFY,
    _Subject("amazon", "Amazon, creates", "orders.create", amazon.RATE, amazon.MOST, 1),
    _Subject("wix", "Wix, calls", "calls", wix.CALLS / wix.SECONDS, wix.CALLS, 3),
    _Subject("squarespace", "Squarespace, calls", "calls", squarespace.CALLS / squarespace.SECONDS,
             squarespace.CALLS, 1),
)  # fmt: skip


@dataclass(slots=True)
class _Found:
    """What the rounds found of one platform."""

    shares: list[float] = field(default_factory=list)
    lowest: float = 1.0
    refused: Counter[str] = field(default_factory=Counter)
    unpaid: int = 0


def saturation(installation: Installation, run: Run) -> list[Line]:
    """P7: some stores of each platform with a backlog, all at once; then a shop whose parcels are told of."""
    stores, seconds, short = (2, 65.0, 10.0) if run.is_quick else (5, 130.0, 30.0)
    found = {subject.platform: _Found() for subject in (*_STORES, _TIKTOK)}
    unknown: Counter[str] = Counter()
    with engine.platform(installation, limits=True) as played, dataset.others(installation):
        for number in range(run.rounds):
            for subjects, count, lasting in ((_STORES, stores, seconds), ((_TIKTOK,), 1, short)):
                unknown += _round(installation, played, subjects, count, lasting, found)
            told = ", ".join(f"{name} {each.shares[-1]:.3f}" for name, each in found.items())
            run.say(f"P7 round {number + 1}: {told}; {sum(each.refused.total() for each in found.values())} refused")
        played.tell("forget")
        peer = first_come.run(played.address, orders=200 * stores, shops=stores, quiet=0, seconds=20)
    theirs = f"{peer['refused'] / max(1, peer['sent']):.0%} of its calls refused (first-come queue)"
    return [_line(subject, found[subject.platform], theirs, unknown) for subject in (*_STORES, _TIKTOK)]


def _round(
    installation: Installation,
    played: Platform,
    subjects: Sequence[_Subject],
    stores: int,
    seconds: float,
    found: Mapping[str, _Found],
) -> Counter[str]:
    """One measurement of these platforms at once, added to what was found; the calls that nobody knew."""
    orders = _backlog(subjects, stores, _BEGINNING + seconds)
    with engine.worker(installation, played):
        engine.put(installation, played, orders)
        engine.wait_until(lambda: _is_used_up(played, subjects, stores), seconds=_BEGINNING)
        time.sleep(seconds)
        ledger = played.counted()
    for subject in subjects:
        shares = [
            allowance.share_used(each["taken"], rate=each["rate"], most=each["most"], until=ledger["now"])
            for each in _allowances(ledger, subject)
        ]
        kept = found[subject.platform]
        kept.shares.append(sum(shares) / stores)
        kept.lowest = min([kept.lowest, *shares])
    for platform, _, operation, count in ledger["refused"]:
        found[platform].refused[operation] += count
    calls: Counter[str] = Counter()
    for platform, _, operation, count in ledger["calls"]:
        calls[f"{platform} {operation}"] += count
    if "wix" in {subject.platform for subject in subjects}:
        found["wix"].unpaid += calls["wix orders.create"] - calls["wix payments.add"]
    return Counter(ledger["unknown"])


def _backlog(subjects: Sequence[_Subject], stores: int, seconds: float) -> list[Due]:
    at, orders = due.now(), list[Due]()
    for subject in subjects:
        for merchant in merchants_of(subject.platform)[:stores]:
            first, count = len(orders), subject.orders(seconds)
            has_left = subject is _TIKTOK
            orders += [Due(merchant, number, at, has_left=has_left) for number in range(first, first + count)]
    return orders


def _allowances(ledger: Mapping[str, Any], subject: _Subject) -> list[dict[str, Any]]:
    wanted = (subject.platform, subject.operation)
    return [each for each in ledger["allowances"] if (each["key"][0], each["key"][2]) == wanted]


def _is_used_up(played: Platform, subjects: Sequence[_Subject], stores: int) -> bool:
    """Whether what the allowances held at the beginning is gone, so that only what comes back can be used."""
    ledger = played.counted()
    known = [each for subject in subjects for each in _allowances(ledger, subject)]
    gone = [each for each in known if allowance.first_used_up(each["taken"], most=each["most"]) is not None]
    return len(gone) == stores * len(subjects)


def _line(subject: _Subject, found: _Found, theirs: str, unknown: Counter[str]) -> Line:
    figure, refused = figure_of(found.shares), found.refused.total()
    which = ", ".join(f"{count} {operation}" for operation, count in found.refused.items())
    notes = [
        f"{subject.metric}: {refused} calls refused{f' ({which})' if which else ''}; rounds from {figure.low:.3f} to"
        f" {figure.high:.3f}, the lowest store {found.lowest:.3f}"
    ]
    if found.unpaid:
        notes.append(f"Wix: {found.unpaid} orders without the record of their payment at the end")
    if subject is _SHOPIFY:
        notes.append(f"calls that the imitations do not know: {_listed(unknown)}")
    metric = f"share of the platform's allowance used while a store has a backlog: {subject.metric}"
    return Line(
        "P7", metric, f"{figure.median:.3f}", "≥ 0.95, none refused", figure.median >= 0.95 and not refused,
        theirs if subject is _SHOPIFY else "", "", tuple(notes),
    )  # fmt: skip


def _listed(unknown: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in unknown.most_common(5)) or "0"
