"""From what was found to the table's rows: what was done, what came of it, whether the promise was held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from proof.clocks import Early
from proof.drill import GOAL, Drill
from proof.inbox import Flood
from proof.plan import Blow
from proof.storm import Outcome
from proof.table import Row
from proof.verdict import Verdict

_AFTER_SALES = (
    *("unanswered", "kept back", "refund missing", "refund twice", "return missing", "return twice", "money wrong"),
)
_WRONG = ("lost", "late", "doubled", "wrong", "unrecorded", "untold", "told twice", "stranger", *_AFTER_SALES)
_WORDS = {
    "untold": "parcels not told",
    "told twice": "parcels told twice",
    "stranger": "copies of no order",
    "unanswered": "requests not answered",
    "kept back": "orders kept back",
    "refund missing": "refunds missing",
    "refund twice": "refunds twice",
    "return missing": "returns missing",
    "return twice": "returns twice",
}


def of_storms(name: str, outcomes: Sequence[Outcome], *, goal: str) -> Row:
    """R1 and R2, over all seeds."""
    orders = sum(each.verdict.orders for each in outcomes)
    calls, broken = (sum(getattr(each.traffic, part) for each in outcomes) for part in ("calls", "broken"))
    share = f"{100 * broken / max(1, calls):.0f} %"
    struck: Counter[Blow] = sum((Counter(each.struck) for each in outcomes), Counter())
    blows = ", ".join(f"{_times(times)} {blow.value}" for blow, times in struck.items())
    if revived := sum(each.revived for each in outcomes):
        blows += f", {_times(revived)} a program ended by itself and was started again"
    seeds = f"{len(outcomes)} seeds, " if len(outcomes) > 1 else ""
    done = f"{seeds}{orders:,} orders, {broken:,} of {calls:,} calls broken ({share})" + (f"; {blows}" if blows else "")
    settled = [each.settled_after for each in outcomes]
    is_held = not any(each.is_late or not each.verdict.is_clean or each.verdict.lost_stores for each in outcomes)
    stores = {text for each in outcomes for text in each.verdict.lost_stores}
    given_up = f"; the product gave a store up: {', '.join(sorted(stores))}" if stores else ""
    return Row(name, done, f"{_counts(outcomes)}; {_settled(settled)}{given_up}{_parked(outcomes)}", goal, is_held)


def of_aftersales(outcomes: Sequence[Outcome]) -> Row:
    """R5, from the same storms."""
    verdicts = [each.verdict for each in outcomes]

    def total(name: str) -> int:
        return sum(getattr(each, name) for each in verdicts)

    too_long = sum(each.count("live", "alive") for each in verdicts)
    longest = max((each.longest_live for each in verdicts), default=0.0)
    always = ("refund missing", "refund twice", "money wrong")
    counts = {name: sum(each.count(name) for each in verdicts) for name in _AFTER_SALES}
    rest = ", ".join(f"{count} {_WORDS.get(name, name)}" for name, count in counts.items() if count or name in always)
    asked = [
        f"{_times(total(name))} {what}"
        for name, what in (("by_hand", "to cancel"), ("refunds_by_hand", "to note a refund"))
        if total(name)
    ]
    by_hand = f"; the merchant was asked {' and '.join(asked)}, where a store takes neither from us" if asked else ""
    done = (
        f"{total('cancelled'):,} orders cancelled and {total('in_part'):,} in part, in the hold, as it ended, and "
        f"after they were created; {total('requests'):,} requests of buyers; {total('refunds'):,} refunds, "
        f"{total('returns'):,} of them of goods that came back; {total('replaced'):,} replaced; "
        f"{sum(each.over for each in outcomes):,} of these while calls broke"
    )
    return Row(
        "R5",
        done,
        f"{too_long} lived too long; the longest for {longest:.0f} s; {rest}{by_hand}",
        "no live copy 60 s after the cancellation or the last fault; each refund once, to the cent",
        total("cancelled") > 0 and not too_long and not any(counts.values()),
    )


def of_events(outcome: Outcome, *, differing: int, unheard: int) -> Row:
    """R3."""
    seen, settled = outcome.traffic, outcome.settled_after
    found = f"{differing} differ from the platform, {outcome.verdict.count('doubled')} doubled; {_settled([settled])}"
    return Row(
        "R3",
        f"{outcome.verdict.orders:,} orders, {seen.webhooks:,} webhooks sent up to 5 times within 10 s in any order, "
        f"{seen.lost:,} of them never; {unheard:,} orders missed at least one",
        f"{found}{_parked([outcome])}",
        "one order per order, its state the platform's; what is missing found by the next look",
        not differing and outcome.verdict.is_clean and settled is not None,
    )


def of_inbox(found: Flood) -> Row:
    """R4."""
    return Row(
        "R4",
        f"{found.answered:,} webhooks answered 200 in {found.seconds:.0f} s, {found.refused:,} tries otherwise; "
        f"web server killed {_times(found.web_kills)}, PostgreSQL {_times(found.database_kills)}",
        f"{found.missing} of {found.answered:,} have no row",
        "0 without a row",
        found.answered > 0 and not found.missing,
    )


def of_clocks(found: Early, outcomes: Sequence[Outcome]) -> Row:
    """R6: made up clocks, and what the storms created."""
    early = found.held + found.free
    created = sum(each.verdict.created for each in outcomes)
    too_soon = sum(each.verdict.count("early") for each in outcomes)
    return Row(
        "R6",
        f"{found.orders:,} orders looked at {found.looks:,} times, clocks stepping, summer time beginning and ending; "
        f"and {created:,} creates of the storms",
        f"{early:,} released early; {too_soon} created early",
        "0 early",
        not early and not too_soon,
    )


def of_drill(found: Drill, outcomes: Sequence[Outcome]) -> Row:
    """R7."""
    poisoned = sum(sum(each.verdict.parked.values()) for each in outcomes)
    late = "never" if found.latest is None else f"{found.latest:.1f} s after the lease"
    wrongs = sum(found.verdict.count(name) for name in _WRONG)
    is_on_time = found.latest is not None and found.latest <= GOAL
    return Row(
        "R7",
        f"{found.under_way} creates under way while one worker group was stopped and another killed; the stopped one "
        f"woken when a third had taken over; {poisoned} poisoned orders in the storms",
        f"taken over {late} (which ran {found.leases:.0f} s); {len(found.written)} rows written by the sleeper, "
        f"{wrongs} orders lost, doubled or unrecorded",
        f"within the lease + {GOAL:.0f} s, 0 rows, and nobody blocked",
        found.under_way > 0 and is_on_time and not found.written and not wrongs,
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _counts(outcomes: Sequence[Outcome]) -> str:
    verdicts: list[Verdict] = [each.verdict for each in outcomes]
    counts = {name: sum(each.count(name) for each in verdicts) for name in _WRONG}
    always = ("lost", "doubled", "unrecorded")
    return ", ".join(f"{n} {_WORDS.get(name, name)}" for name, n in counts.items() if n or name in always)


def _settled(settled: Sequence[float | None]) -> str:
    if any(each is None for each in settled):
        return "not settled"
    return f"settled {max((each for each in settled if each is not None), default=0.0):.0f} s after the last fault"


def _parked(outcomes: Sequence[Outcome]) -> str:
    reasons: Counter[str] = sum((each.verdict.parked for each in outcomes), Counter())
    return f"; {sum(reasons.values())} parked: {', '.join(reasons)}" if reasons else ""
