"""What becomes of an order after the sale: requests are answered, goods and money that went back are written down in
the stores once and to the cent, and no money moves a second time."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

from proof.ledger import Case, Copy, Entry, Placed
from proof.ours import Kept
from proof.verdict import Verdict

# Stores that write a refund down at an app's word, and those that write a return down; the others are the merchant's
# own task, or took no money (the stores' own documentation).
RECORDS_REFUNDS = frozenset({"shopify", "wix"})
RECORDS_RETURNS = frozenset({"shopify"})
BY_HAND = frozenset({"squarespace"})
_ROUNDING = Decimal("0.05")  # shipping of so little may fall to another store by a cent's rounding


def judge_aftersales(verdict: Verdict, order: Placed, kept: Kept | None) -> None:
    """Requests, returns and refunds of one order, at the source, in its stores, and in our tables."""
    _judge_requests(verdict, order, kept)
    for case in order.cases.values():
        _judge_known(verdict, order, case, kept)
        if case.refunded_at is not None:
            verdict.refunds += 1
            verdict.returns += case.was_sent_back
            for copy in order.copies:
                if copy.cancelled_at is None:
                    _judge_case(verdict, order, case, copy, kept)
        elif case.new_order_id:
            verdict.replaced += 1
    for copy in order.copies:
        _judge_records(verdict, order, copy)
        if copy.is_held and copy.cancelled_at is None and not any(order.requests.values()):
            verdict.add("kept back", order.order_id, f"{copy.platform} keeps it back, and nobody asks to cancel it")


def _judge_requests(verdict: Verdict, order: Placed, kept: Kept | None) -> None:
    """Every request was answered, by the merchant or by the rule; and we know how it ended."""
    verdict.requests += len(order.requests)
    for request_id, is_open in order.requests.items():
        if is_open:
            verdict.add("unanswered", order.order_id, f"the request {request_id} to cancel it was not answered")
        elif kept is not None and kept.requests.get(request_id, "") in ("", "REQUESTED"):
            verdict.add("unrecorded", order.order_id, f"the request {request_id} is over, and open in our tables")
    if order.requests and not any(order.requests.values()) and kept is not None and kept.attention == "CANCEL_PENDING":
        verdict.add("unrecorded", order.order_id, "the merchant is still asked about a request that is over")


def _judge_known(verdict: Verdict, order: Placed, case: Case, kept: Kept | None) -> None:
    """Whether our tables know how a case ended, and with how much money."""
    if kept is None or (case.refunded_at is None and not case.new_order_id):
        return
    status, cents = kept.cases.get(case.case_id, ("", None))
    if status != "COMPLETED":
        verdict.add("unrecorded", order.order_id, f"return {case.case_id} is {status or 'not'} in our tables, and over")
    elif case.refunded_at is not None and cents != _cents(case.total):
        verdict.add("money wrong", order.order_id, f"return {case.case_id}: {case.total} went back, {cents} cents here")


def _judge_case(verdict: Verdict, order: Placed, case: Case, copy: Copy, kept: Kept | None) -> None:
    """What this store was to write down of a case: goods once, money once, of the right amount."""
    units = case.units(copy.platform)
    if not units:
        return
    cents, is_task = kept.records.get((copy.platform, case.case_id), (None, False)) if kept else (None, False)
    returned = copy.records_of("return.created", case.case_id)
    refunded = copy.records_of("refund.created", case.case_id)
    if len(returned) > 1:
        verdict.add("return twice", order.order_id, f"{copy.platform} has {len(returned)} returns of {case.case_id}")
    if len(refunded) > 1:
        verdict.add("refund twice", order.order_id, f"{copy.platform} has {len(refunded)} refunds of {case.case_id}")
    goods = case.was_sent_back and copy.platform in RECORDS_RETURNS
    if goods and not (returned and returned[0]["key"] in copy.closed):
        verdict.add("return missing", order.order_id, f"{copy.platform} has no closed return of {case.case_id}")
    for entry in returned:
        if Counter(entry["lines"]) != units:
            verdict.add("wrong", order.order_id, f"{copy.platform}: {dict(units)} came back, {entry['lines']} is there")
    for entry in refunded:
        _judge_money(verdict, order, case, copy, entry)
    if copy.platform in RECORDS_REFUNDS:
        is_needed = not goods or case.amount(copy.platform, "shipping") > _ROUNDING
        if not refunded and is_task and _may_be_task(order, case, copy):
            verdict.refunds_by_hand += 1
        elif not refunded and is_needed:
            verdict.add("refund missing", order.order_id, f"{copy.platform} has no refund of {case.case_id}")
        elif cents is None and kept is not None:
            verdict.add("unrecorded", order.order_id, f"the refund of {case.case_id} in {copy.platform}")
    elif copy.platform in BY_HAND:
        verdict.refunds_by_hand += is_task
        if not is_task:
            verdict.add("refund missing", order.order_id, f"nobody is asked to note {case.case_id} in {copy.platform}")


def _may_be_task(order: Placed, case: Case, copy: Copy) -> bool:
    """Shopify writes down no bare sum, only items whose whole price went back, or shipping."""
    prices = {unit["seller_sku"]: Decimal(unit["sale_price"]) for unit in order.entry["units"]}
    is_whole = any(Decimal(line["subtotal"]) >= prices[line["sku"]] for line in case.lines)
    return copy.platform == "shopify" and not is_whole and case.amount(copy.platform, "shipping") <= _ROUNDING


def _judge_money(verdict: Verdict, order: Placed, case: Case, copy: Copy, entry: Entry) -> None:
    """The sum that a store's record tells, and that the money is not moved there."""
    wanted = min(case.amount(copy.platform), Decimal(copy.entry["total"]))
    if copy.platform == "shopify":
        said = re.search(r"(\d+(?:\.\d+)?) ([A-Z]{3}) paid back", entry["note"])
        told = (Decimal(said[1]), said[2]) if said else (None, "")
        has_moved = Decimal(entry["amount"]) != 0
    else:
        told = (Decimal(entry["amount"]), case.currency)
        has_moved = not entry["is_external"]
    if told != (wanted, case.currency):
        text = f"{copy.platform}: {wanted} {case.currency} of {case.case_id} went back, {told[0]} {told[1]} is there"
        verdict.add("money wrong", order.order_id, text)
    if has_moved:
        verdict.add("money wrong", order.order_id, f"{copy.platform} moved money for {case.case_id}")


def _judge_records(verdict: Verdict, order: Placed, copy: Copy) -> None:
    """Nothing is written down of what did not happen."""
    known = [case_id for case_id, case in order.cases.items() if case.refunded_at is not None]
    for entry in copy.records:
        is_return = entry["event"] == "return.created"
        is_for_cancelled = not is_return and set(entry.get("restock", {}).values()) == {"CANCEL"}
        if is_for_cancelled:
            if Decimal(entry["amount"]):
                verdict.add("money wrong", order.order_id, f"{copy.platform} moved money for cancelled items")
        elif not is_return and not any(case_id in entry["note"] for case_id in known):
            verdict.add(
                "money wrong", order.order_id, f"{copy.platform} has a refund that nobody was paid: {entry['key']}"
            )


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
