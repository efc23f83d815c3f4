"""Whether each order is where it belongs: once, whole, recorded, gone again when it was cancelled, its parcels told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from proof.content import differences, money_differences
from proof.ledger import Copy, Placed
from proof.ours import Kept, Ours
from proof.plan import platform_of

LIVE_AT_MOST = 60.0  # seconds for which a cancelled order may still live in a store
DONE = frozenset({"MIRRORED", "FULFILLED", "COMPLETED"})
TOLD = frozenset({"SENT", "ACCEPTED"})
FOR_GOOD = ("doubled", "wrong", "live", "told twice", "early", "stranger")
PASSING = ("lost", "late", "unrecorded", "alive", "untold")  # until all is settled


@dataclass(slots=True)
class Verdict:
    """What is wrong, with an order and a sentence for each; and what was only parked, or left to a person.

    "lost" is an order that nothing will be done for any more, "late" one that waits for its next try.
    """

    orders: int = 0
    created: int = 0
    cancelled: int = 0
    parcels: int = 0
    wrongs: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in (*PASSING, *FOR_GOOD)})
    parked: Counter[str] = field(default_factory=Counter)
    open: int = 0  # orders for which a call is still to be made, though nothing is wrong
    lost_stores: list[str] = field(default_factory=list)  # that the product does not speak to any more
    by_hand: int = 0  # cancelled orders that only the merchant can cancel, who was asked
    longest_live: float = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether nothing can change any more, for good or bad."""
        return not self.open and not self.count(*PASSING)

    @property
    def is_clean(self) -> bool:
        return not any(self.wrongs.values())

    def count(self, *names: str) -> int:
        return sum(len(self.wrongs[name]) for name in names)

    def add(self, name: str, order_id: str, text: str) -> None:
        self.wrongs[name].append(f"{order_id} {text}")


def judge(*, orders: Iterable[Placed], strangers: Iterable[Copy], ours: Ours, last_fault: float, now: float) -> Verdict:
    """Compare the ledger with what was bought, and our tables with the ledger. Pure.

    The sixty seconds of a cancelled order begin with its cancellation, its creation or the last fault, whichever came
    last; while they run, a live copy is no fault yet.
    """
    verdict = Verdict(lost_stores=ours.lost_stores)
    for order in orders:
        verdict.orders += 1
        kept = ours.orders.get(order.order_id)
        _judge_copies(verdict, order)
        if order.cancelled_at is None:
            _judge_wanted(verdict, order, kept, aside=ours.aside.get(order.order_id, ""))
        else:
            _judge_cancelled(verdict, order, kept, last_fault=last_fault, now=now)
        _judge_records(verdict, order, kept, is_aside=order.order_id in ours.aside)
        _judge_parcels(verdict, order, kept)
        if kept is not None and kept.pending and not reason_of(kept, ours.aside.get(order.order_id, "")):
            verdict.open += 1
    for copy in strangers:
        verdict.add("stranger", copy.reference or copy.key, f"is in {copy.platform}, and nobody bought it")
    if ours.rows > len(ours.orders):
        verdict.add("doubled", "orders_order", f"{ours.rows - len(ours.orders)} rows too many")
    return verdict


def wanted_places(order: Placed) -> set[str]:
    """The stores that must have it; an empty name stands for an item that no store has."""
    return {platform_of(sku) for sku in order.entry["lines"]}


def _judge_copies(verdict: Verdict, order: Placed) -> None:
    """Whoever's decision it was to create them: each once, in the right store, with the right content, not early."""
    wanted = wanted_places(order)
    for platform, times in Counter(copy.platform for copy in order.copies).items():
        if times > 1:
            verdict.add("doubled", order.order_id, f"was created {times} times in {platform}")
        if platform not in wanted:
            verdict.add("wrong", order.order_id, f"was created in {platform}, which does not get it")
    for copy in order.copies:
        verdict.created += 1
        for difference in differences(order, copy):
            verdict.add("wrong", order.order_id, f"{copy.platform}: {difference}")
        if order.released_at is None or copy.made_at < order.released_at:
            verdict.add("early", order.order_id, f"was created in {copy.platform} before its hold ended")
    if {copy.platform for copy in order.copies} == wanted and len(order.copies) == len(wanted):
        for difference in money_differences(order):
            verdict.add("wrong", order.order_id, str(difference))


def _judge_wanted(verdict: Verdict, order: Placed, kept: Kept | None, *, aside: str) -> None:
    """An order that was not cancelled."""
    missing = wanted_places(order) - {copy.platform for copy in order.copies}
    for copy in order.copies:
        if copy.cancelled_at is not None:
            verdict.add("wrong", order.order_id, f"was cancelled in {copy.platform} though the buyer wants it")
    if not missing:
        return
    reason = reason_of(kept, aside)
    if reason:
        verdict.parked[reason] += 1
    else:
        is_on_its_way = kept is not None and (bool(kept.pending) or kept.state in ("UNPAID", "HELD"))
        state = f"{kept.state}, {', '.join(kept.pending) or 'nothing'} to be done" if kept else "not even known"
        name = "late" if is_on_its_way else "lost"
        verdict.add(name, order.order_id, f"is not in {', '.join(sorted(missing))} ({state})")


def reason_of(kept: Kept | None, aside: str) -> str:
    """Why a person has to look at it, in words; empty when nobody was asked."""
    if kept is None:
        return f"set aside: {aside}" if aside else ""
    if kept.attention and not kept.detail.get("will_retry"):
        return kept.attention
    if kept.parked:
        return "; ".join(sorted(kept.parked))
    if kept.attention in ("NOT_LINKED", "NO_ROUTE", "UNREADABLE", "DUPLICATE_FOUND"):  # asked, and tried again too
        return kept.attention
    return f"set aside: {aside}" if aside else ""


def _judge_cancelled(verdict: Verdict, order: Placed, kept: Kept | None, *, last_fault: float, now: float) -> None:
    verdict.cancelled += 1
    assert order.cancelled_at is not None
    for copy in order.copies:
        begins = max(order.cancelled_at, copy.made_at)
        ends = copy.cancelled_at
        if ends is None and kept is not None and kept.attention == "ALREADY_CANCELLED":
            verdict.by_hand += 1
            ends = kept.asked_at
        lived = (now if ends is None else ends) - begins
        verdict.longest_live = max(verdict.longest_live, lived)
        is_late = begins + lived > max(begins, last_fault) + LIVE_AT_MOST
        if is_late:
            text = f"lived in {copy.platform} for {lived:.0f} s after it was cancelled"
            verdict.add("live", order.order_id, text if ends is not None else f"{text}, and still does")
        elif ends is None:
            verdict.add("alive", order.order_id, f"lives in {copy.platform}, its minute is not over")


def _judge_records(verdict: Verdict, order: Placed, kept: Kept | None, *, is_aside: bool) -> None:
    """Whether our tables know what happened."""
    if kept is None:
        if not is_aside:
            verdict.add("unrecorded", order.order_id, "is not in our tables")
        return
    for copy in order.copies:
        state = kept.mirrors.get((copy.platform, copy.key), "")
        if not state:
            verdict.add("unrecorded", order.order_id, f"its copy {copy.key} in {copy.platform} is not in our tables")
        elif (state == "CANCELLED") != (copy.cancelled_at is not None):
            verdict.add("unrecorded", order.order_id, f"is {state} in our tables, not in {copy.platform}")
    if order.cancelled_at is not None:
        if kept.state not in ("CANCELLED", "SKIPPED"):
            verdict.add("unrecorded", order.order_id, f"is {kept.state} in our tables, and was cancelled")
    elif order.copies and kept.state not in DONE and wanted_places(order) == {copy.platform for copy in order.copies}:
        verdict.add("unrecorded", order.order_id, f"is {kept.state} in our tables, and was created")


def _judge_parcels(verdict: Verdict, order: Placed, kept: Kept | None) -> None:
    """Each parcel that left a store is told to the source, once."""
    numbers = [number for copy in order.copies for number, _ in copy.parcels]
    verdict.parcels += len(numbers)
    for number in numbers:
        times = len(order.pushed.get(number, ()))
        if times > 1:
            verdict.add("told twice", order.order_id, f"parcel {number} was told {times} times")
        elif not times and order.cancelled_at is None:
            verdict.add("untold", order.order_id, f"parcel {number} was not told")
        elif times and kept is not None and kept.parcels.get(number) not in TOLD:
            state = kept.parcels.get(number, "unknown")
            verdict.add("unrecorded", order.order_id, f"parcel {number} is {state} in our tables, and was told")
    for number in order.pushed.keys() - set(numbers):
        verdict.add("wrong", order.order_id, f"parcel {number} was told, and never left a store")
