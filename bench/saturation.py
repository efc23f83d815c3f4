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
from bench.rows import destination_store, merchants_of
from bench.run import Run
from orders import queue

_BEGINNING = 45.0  # the longest that using up a full allowance is waited for
_READING = 30.0  # the longest that the reading of some catalogs is waited for, and what it leads to after that
_AFTER_READING = 5.0
_UNREAD = "not asked for"
_CATALOG = frozenset(
    ["Catalog", "inventory.list", "catalog.version", "products.list"]
)  # the first call of each reading


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
    # Few stores: with five of each platform the machine is what limits them, not their allowances.
    stores, seconds, short = (2, 65.0, 10.0) if run.is_quick else (2, 130.0, 30.0)
    found = {subject.platform: _Found() for subject in (*_STORES, _TIKTOK)}
    unknown, reading = Counter[str](), Counter[str]()
    with engine.platform(installation, limits=True) as played, dataset.others(installation):
        for number in range(run.rounds):
            with engine.worker(installation, played):
                _round(installation, played, _STORES, stores, seconds, found)
                reading += _refused_while_reading(installation, played, stores)
                unknown += Counter(played.counted()["unknown"])
            with engine.worker(installation, played):
                _round(installation, played, (_TIKTOK,), 1, short, found)
                unknown += Counter(played.counted()["unknown"])
            told = ", ".join(f"{name} {each.shares[-1]:.3f}" for name, each in found.items())
            run.say(f"P7 round {number + 1}: {told}; {sum(each.refused.total() for each in found.values())} refused")
        played.tell("forget")
        peer = first_come.run(played.address, orders=200 * stores, shops=stores, quiet=0, seconds=20)
    theirs = f"{peer['refused'] / max(1, peer['sent']):.0%} of its calls refused (first-come queue)"
    lines = [_line(subject, found[subject.platform], theirs, unknown) for subject in (*_STORES, _TIKTOK)]
    what = f"calls refused while the catalogs of {4 * stores} such stores are read, of {run.rounds} rounds together"
    unread = reading.pop(_UNREAD, 0)
    text = ", ".join(f"{count} {name}" for name, count in reading.items()) or "0"
    notes = (f"{unread} catalogs gave way to the backlog for more than {_READING:.0f} s",) if unread else ()
    return [*lines, Line("P7", what, text, "0", not reading, notes=notes)]


def _round(
    installation: Installation,
    played: Platform,
    subjects: Sequence[_Subject],
    stores: int,
    seconds: float,
    found: Mapping[str, _Found],
) -> None:
    """One measurement of these platforms at once, added to what was found."""
    engine.put(installation, played, _backlog(subjects, stores, _BEGINNING + seconds + _READING + _AFTER_READING))
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


def _refused_while_reading(installation: Installation, played: Platform, stores: int) -> Counter[str]:
    """The refusals by platform of some seconds in which a worker reads the catalog of each store, as it does daily."""
    before = _refused(played)
    chosen = [
        destination_store(merchant) for subject in _STORES for merchant in merchants_of(subject.platform)[:stores]
    ]
    with installation.admin() as admin:
        admin.execute("update orders_catalogreading set due_at = now() where store_id = any(%s)", [chosen])
    for store in chosen:
        queue.enqueue("read_catalog", store)
    engine.wait_until(lambda: _catalogs_asked_for(played) == len(chosen), seconds=_READING)
    time.sleep(_AFTER_READING)
    unread = Counter({_UNREAD: len(chosen) - _catalogs_asked_for(played)})
    return _refused(played) - before + unread


def _catalogs_asked_for(played: Platform) -> int:
    return sum(operation in _CATALOG for _, _, operation, _ in played.counted()["calls"])


def _refused(played: Platform) -> Counter[str]:
    found: Counter[str] = Counter()
    for platform, _, operation, count in played.counted()["refused"]:
        found[f"{platform} {operation}"] += count
    return found


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
