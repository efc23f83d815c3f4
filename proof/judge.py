"""Whether each order is where it belongs: once, whole, recorded, gone again when it was cancelled, its parcels told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from proof.aftersales import judge_aftersales
from proof.content import differences, money_differences
from proof.ledger import Copy, Placed
from proof.ours import Kept, Ours
from proof.plan import platform_of
from proof.verdict import Verdict

LIVE_AT_MOST = 60.0  # seconds for which what was cancelled may still live in a store
DONE = frozenset({"MIRRORED", "FULFILLED", "COMPLETED"})
TOLD = frozenset({"SENT", "ACCEPTED"})
# Questions about what was cancelled, asked for or paid back: none of them is a reason not to create the rest.
BESIDE = frozenset({"ALREADY_CANCELLED", "CANCEL_PENDING", "RETURN_PENDING", "REFUND_BY_HAND"})


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
        _judge_cancelled(verdict, order, kept, last_fault=last_fault, now=now)
        judge_aftersales(verdict, order, kept)
        _judge_records(verdict, order, kept, is_aside=order.order_id in ours.aside)
        _judge_parcels(verdict, order, kept)
        if kept is not None and kept.pending and not reason_of(kept, ours.aside.get(order.order_id, "")):
            verdict.open.append(order.order_id)
    for copy in strangers:
        verdict.add("stranger", copy.reference or copy.key, f"is in {copy.platform}, and nobody bought it")
    if ours.rows > len(ours.orders):
        verdict.add("doubled", "orders_order", f"{ours.rows - len(ours.orders)} rows too many")
    return verdict


def bought_places(order: Placed) -> set[str]:
    """The stores that get what was bought; an empty name stands for an item that no store has."""
    return {platform_of(sku) for sku in order.bought}


def wanted_places(order: Placed) -> set[str]:
    """Those of them that must have it: some of its items are not cancelled."""
    return {platform_of(sku) for sku in order.wanted}


def _judge_copies(verdict: Verdict, order: Placed) -> None:
    """Whoever's decision it was to create them: each once, in the right store, with the right content, not early."""
    there, bought = Counter(copy.platform for copy in order.copies), bought_places(order)
    for platform, times in there.items():
        if times > 1:
            verdict.add("doubled", order.order_id, f"was created {times} times in {platform}")
        if platform not in bought:
            verdict.add("wrong", order.order_id, f"was created in {platform}, which does not get it")
    for copy in order.copies:
        verdict.created += 1
        for difference in differences(order, copy):
            verdict.add("wrong", order.order_id, f"{copy.platform}: {difference}")
        if order.released_at is None or copy.made_at < order.released_at:
            verdict.add("early", order.order_id, f"was created in {copy.platform} before its hold ended")
    if set(there) in (bought, wanted_places(order)) and len(order.copies) == len(there):
        for difference in money_differences(order):
            verdict.add("wrong", order.order_id, str(difference))


def _judge_wanted(verdict: Verdict, order: Placed, kept: Kept | None, *, aside: str) -> None:
    """An order that was not cancelled."""
    wanted = wanted_places(order)
    missing = wanted - {copy.platform for copy in order.copies}
    for copy in order.copies:
        if copy.cancelled_at is not None and copy.platform in wanted:
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
    if kept.attention and kept.attention not in BESIDE and not kept.detail.get("will_retry"):
        return kept.attention
    if kept.parked:
        return "; ".join(sorted(kept.parked))
    if kept.attention in ("NOT_LINKED", "NO_ROUTE", "UNREADABLE", "DUPLICATE_FOUND"):  # asked, and tried again too
        return kept.attention
    return f"set aside: {aside}" if aside else ""


def _judge_cancelled(verdict: Verdict, order: Placed, kept: Kept | None, *, last_fault: float, now: float) -> None:
    """An order that was cancelled, or some of its items: gone from its stores in time, or left to a person in time."""
    if order.cancelled_at is not None:
        verdict.cancelled += 1
    elif order.parts:
        verdict.in_part += 1
    else:
        return
    for copy in order.copies:
        cancelled_at, gone_at = _cancelled_at(order, copy), _gone_at(verdict, order, copy)
        if cancelled_at is None:
            continue
        begins = max(cancelled_at, copy.made_at)
        if gone_at is None and _is_left_to_a_person(order, kept):
            assert kept is not None
            verdict.by_hand += 1
            gone_at = kept.asked_at
        lived = max(0.0, (now if gone_at is None else gone_at) - begins)
        verdict.longest_live = max(verdict.longest_live, lived)
        is_late = begins + lived > max(begins, last_fault) + LIVE_AT_MOST
        if is_late:
            text = f"lived in {copy.platform} for {lived:.0f} s after it was cancelled"
            verdict.add("live", order.order_id, text if gone_at is not None else f"{text}, and still does")
        elif gone_at is None:
            verdict.add("alive", order.order_id, f"lives in {copy.platform}, its minute is not over")


def _is_left_to_a_person(order: Placed, kept: Kept | None) -> bool:
    """Whether the merchant was asked to cancel it by hand; where all is cancelled, that question stays until it is."""
    if kept is None or kept.asked_at is None:
        return False
    return order.cancelled_at is None or kept.attention == "ALREADY_CANCELLED"


def _cancelled_at(order: Placed, copy: Copy) -> float | None:
    """When the last of what this store has was cancelled at the source; None for what was not."""
    if order.cancelled_at is not None:
        return order.cancelled_at
    moments = [part.at for part in order.parts if any(platform_of(sku) == copy.platform for sku in part.lines)]
    return max(moments, default=None)


def _gone_at(verdict: Verdict, order: Placed, copy: Copy) -> float | None:
    """When the store had nothing more of what was cancelled; None while it has. Units that it lacks are wrong."""
    if copy.cancelled_at is not None or order.cancelled_at is not None:
        return copy.cancelled_at
    wanted = Counter({sku: count for sku, count in order.wanted.items() if platform_of(sku) == copy.platform})
    there: Counter[str] = Counter(copy.entry["lines"])
    there.subtract(copy.gone)
    if any(there[sku] < count for sku, count in wanted.items()):
        verdict.add("wrong", order.order_id, f"{copy.platform} sends {dict(there)}, and {dict(wanted)} is wanted")
    has_more = any(count > wanted[sku] for sku, count in there.items())
    return None if has_more else max(copy.gone_at, copy.made_at)


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
