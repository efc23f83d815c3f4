"""Words about cancellations, returns and refunds: what a question says of them, and how the timeline tells them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime

from connectors.base.money import to_text

EVENTS: Mapping[str, tuple[str, str]] = {
    "cancellation.opened": ("TikTok Shop asks you to answer the request to cancel{answer_by_text}", "red"),
    "cancellation.accepted": ("Request to cancel accepted{rule_text}", "amber"),
    "cancellation.refused": ("Request to cancel refused{rule_text}", "amber"),
    "cancellation.answer_refused": ("TikTok Shop did not take the answer to the request", "red"),
    "cancellation.agreed": ("TikTok Shop cancelled as the buyer asked", "red"),
    "cancellation.refusal_told": ("TikTok Shop told the buyer that you refused", "gray"),
    "cancellation.taken_back": ("The buyer took the request to cancel back", "gray"),
    "cancellation.refunded": ("TikTok Shop refunded the cancellation: {amount_text}", "gray"),
    "source.cancel_wanted": ("To be cancelled on TikTok Shop {items_text}", "amber"),
    "source.cancel_told": ("Cancelled on TikTok Shop as you wanted", "red"),
    "source.cancel_refused": ("TikTok Shop did not cancel it", "red"),
    "mirror.paused": ("{name} is kept back in {store} while a request is open", "amber"),
    "mirror.resumed": ("{name} goes on in {store}", "green"),
    "mirror.lines_cancelled": ("Cancelled in {store}, in {name}: {items_text}", "red"),
    "return.requested": ("{kind} requested", "red"),
    "return.asked": ("TikTok Shop asks you to answer again: {kind}", "red"),
    "return.buyer_asked": ("{kind}: the buyer has your offer", "amber"),
    "return.to_be_sent": ("{kind}: agreed, the buyer is to send it back", "amber"),
    "return.on_the_way": ("{kind}: the goods are on their way back", "blue"),
    "return.goods_refused": ("{kind}: what arrived was refused", "red"),
    "return.refused": ("{kind} refused", "gray"),
    "return.agreed": ("{kind} agreed", "amber"),
    "return.completed": ("{kind} completed{amount_words}", "green"),
    "return.withdrawn": ("{kind} is over, without anything", "gray"),
    "return.dispute_open": ("{kind}: the buyer appealed, and TikTok Shop judges", "amber"),
    "return.dispute_for_buyer": ("{kind}: TikTok Shop judged for the buyer", "red"),
    "return.dispute_for_seller": ("{kind}: TikTok Shop judged for you", "green"),
    "return.dispute_closed": ("{kind}: TikTok Shop closed the dispute", "gray"),
    "return.unknown": ("{kind}: a status we do not know", "red"),
    "return.answered": ("Answered: {decision_text}", "amber"),
    "return.answer_refused": ("TikTok Shop did not take the answer: {decision_text}", "red"),
    "return.recorded": ("Return noted in {store} as {name}", "teal"),
    "return.not_recorded": ("{store} has no return to note for it", "gray"),
    "return.closed_in_store": ("Return closed in {store}: the goods arrived", "green"),
    "return.dropped_in_store": ("Return closed in {store}: it came to nothing", "gray"),
    "return.refund_recorded": ("Refund of {amount_text} noted in {store}, on {name}; no money moved there", "teal"),
    "return.over_paid": ("{store} is told of no more than what was paid there: {amount_text} was refunded", "amber"),
    "return.left_to_you": ("Yours to note in {store}, on {name}: {amount} refunded", "amber"),
    "return.noted_by_hand": ("Noted in the store by hand", "gray"),
    "return.restock_asked": ("Does what came back go into the stock? You decide", "amber"),
    "return.restocked": ("What came back goes into the stock", "green"),
    "return.not_restocked": ("What came back does not go into the stock", "gray"),
    "return.replaced": ("{kind}: order {order} stands for it", "blue"),
    "order.stands_for": ("{kind} of order {order}", "blue"),
}
DECISIONS: Mapping[str, str] = {
    "APPROVE_REFUND": "Refund",
    "APPROVE_RETURN": "Accept the return",
    "APPROVE_GOODS": "The goods are fine: refund",
    "APPROVE_REPLACEMENT": "Send a replacement",
    "REFUND_INSTEAD": "Refund instead of replacing",
    "OFFER_PART": "Offer a part of the money",
    "REJECT_REFUND": "Refuse the refund",
    "REJECT_RETURN": "Refuse the return",
    "REJECT_GOODS": "Refuse what arrived",
    "REJECT_REPLACEMENT": "Refuse the replacement",
}

DECISION_SENTENCES: Mapping[str, str] = {
    "APPROVE_REFUND": "The buyer gets the money back and keeps what there is.",
    "APPROVE_RETURN": "The buyer sends it back; you look at it when it arrives.",
    "APPROVE_GOODS": "It arrived as it should. The money goes back.",
    "APPROVE_REPLACEMENT": "A new order for the same goods follows.",
    "REFUND_INSTEAD": "You have nothing to send: the money goes back.",
    "OFFER_PART": "The buyer may take it, and keep the goods.",
    "REJECT_REFUND": "The buyer may appeal to TikTok Shop.",
    "REJECT_RETURN": "The buyer may appeal to TikTok Shop.",
    "REJECT_GOODS": "What arrived is not what left. The buyer may appeal.",
    "REJECT_REPLACEMENT": "The buyer may appeal to TikTok Shop.",
}


def of_event(facts: Mapping[str, Any]) -> dict[str, str]:
    """What an event's facts are called in its title."""
    said = {"amount_text": "", "amount_words": "", "rule_text": "", "answer_by_text": "", "decision_text": ""}
    if isinstance(facts.get("amount"), int) and facts.get("currency"):
        said["amount_text"] = f"{to_text(facts['amount'], facts['currency'])} {facts['currency']}"
        said["amount_words"] = f": {said['amount_text']}"
    if facts.get("rule"):
        said["rule_text"] = f" by your rule “{facts['rule']}”"
    if facts.get("answer_by"):
        said["answer_by_text"] = f", by {_moment(facts['answer_by'])}"
    if facts.get("decision"):
        said["decision_text"] = DECISIONS.get(facts["decision"], facts["decision"])
        if isinstance(facts.get("amount"), str):
            said["decision_text"] += f", {facts['amount']}"
    return said


def of_request(detail: Mapping[str, Any]) -> dict[str, str]:
    """Why the buyer asks, by when to answer, and what to stop by hand meanwhile."""
    store, name = detail.get("store", ""), detail.get("name", "")
    is_task, has_left = bool(detail.get("is_task")), bool(detail.get("has_left"))
    stop, cure = "", ""
    if has_left:
        stop = " A parcel has left already."
        cure = " Stop the parcel if you still can, or refuse by sending its number."
    elif is_task:
        stop = f" {name} in {store} cannot be kept back from here."
        cure = f" Keep {name} back in {store} by hand until then."
    goods = (
        " The goods came back: put them into the stock there if they are fine." if detail.get("goods_came_back") else ""
    )
    return {
        "reason_words": f": {detail['reason']}" if detail.get("reason") else "",
        "answer_by_words": f" by {_moment(detail['answer_by'])}" if detail.get("answer_by") else "",
        "stop_words": stop,
        "stop_cure": cure,
        "goods_words": goods,
        "refused_words": f" The last answer did not get through: {detail['message']}" if _is_refusal(detail) else "",
    }


def _is_refusal(detail: Mapping[str, Any]) -> bool:
    return bool(detail.get("message")) and not detail.get("is_task")


def of_open_order(facts: Mapping[str, Any]) -> dict[str, str]:
    """Why a cancelled order, or part of it, is still open in its store, and what a person does about it."""
    is_part = bool(facts.get("is_part"))
    items = ", ".join(facts.get("items", []))
    what = "the items" if is_part else "the order"
    if facts.get("is_task"):
        why = (
            "{store} lets no app cancel "
            + ("single items" if is_part else "an order")
            + ", so {name} there is still open."
        )
        how = (
            "Take {items_text} out of {name} in {store} by hand, before it is packed."
            if is_part
            else ("Cancel {name} in {store} by hand, before it is packed.")
        )
        watched = "It is watched until {store} " + ("sent the rest without them." if is_part else "shows it cancelled.")
    elif facts.get("has_left"):
        why = "{name} in {store} could not be cancelled with it, since its parcel left."
        how, watched = "Stop the parcel if you still can, and close {name} in {store} by hand.", "No."
    else:
        why = "{store} says: {message}"
        how = f"Stop the parcel if you still can, and close {what} in {{store}} by hand."
        watched = "It is watched until {store} shows it cancelled." if not is_part else "No."
    count = f"{facts.get('cancelled')} of {facts.get('of')} items"
    words = {
        "open_title": f"{count} cancelled on TikTok Shop, still open in the store"
        if is_part
        else "Cancelled on TikTok Shop, still open in the store",
        "what_is_cancelled": f"{items} cancelled on TikTok Shop" if is_part else "TikTok Shop cancelled the order",
        "why_open": why,
        "how_to_close": how,
        "is_watched": watched,
    }
    said = _Gaps({**facts, "items_text": items})
    return {name: text.format_map(said) for name, text in words.items()}


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _moment(text: str) -> str:
    """On the merchant's clock: Nov 27, 2:10 PM."""
    return date_format(localtime(datetime.fromisoformat(text)), "M j, g:i A")
