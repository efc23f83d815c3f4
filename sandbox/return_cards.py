"""What a person can do about an order after the sale: cancel some of it, send it back, play every party to that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from markupsafe import Markup

from sandbox.markup import button, fill, join, options
from sandbox.tiktok_shop.eligibility import EXCHANGE_MARKETS, ITEM_MARKETS
from sandbox.tiktok_shop.reasons import BUYER_CANCEL, BUYER_RETURN
from sandbox.tiktok_shop.return_answers import APPROVALS, REJECTIONS
from sandbox.tiktok_shop.statuses import (
    ENDED,
    EXCHANGE_PENDING,
    OFFERED,
    REFUSED,
    RETURN_TYPES,
    SHIPPED,
    SUCCESS,
    TO_SHIP,
)

CANCELLABLE = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT")
RETURNABLE = ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")
DECISIONS = {
    "APPROVE_REFUND": "Grant the money",
    "APPROVE_RETURN": "Grant the return",
    "APPROVE_RECEIVED_PACKAGE": "Goods are fine",
    "APPROVE_REPLACEMENT": "Send a new one",
    "ISSUE_REPLACEMENT_REFUND": "Money instead",
    "OFFER_PARTIAL_REFUND": "Offer half",
    "DIRECT_REFUND": "Pay at once",
}
Row = dict[str, Any]
# (text, verb, kind of button, what else is sent) of buyer, carrier and platform, by the return's status.
MOVES: dict[str, tuple[tuple[str, str, str, Row], ...]] = {
    TO_SHIP: (("Hand over", "hand_over", "go", {}),),
    SHIPPED: (("Arrives", "return_arrives", "go", {}),),
    OFFERED: (
        ("Take the offer", "answer_offer", "go", {"accept": True}),
        ("Refuse it", "answer_offer", "", {"accept": False}),
    ),
    EXCHANGE_PENDING: (
        ("Hand over", "hand_over", "", {}),
        ("Exchange", "finish_exchange", "go", {}),
        ("Money instead", "finish_exchange", "", {"outcome": "refund"}),
    ),
}
JUDGE = (("Judge for the buyer", "judge", "", {"for": "buyer"}), ("for the seller", "judge", "", {"for": "seller"}))


def after_sales(order: Row, region: str, returns: Iterable[Row]) -> Iterator[Markup]:
    """The forms for a new request, and every return with its buttons."""
    if order["status"] in CANCELLABLE and region in ITEM_MARKETS and len(order["line_items"]) > 1:
        yield fill("cancel_units", order_id=order["id"], reasons=options(BUYER_CANCEL.items()), lines=_line_rows(order))
    if order["status"] in RETURNABLE:
        kinds = [kind for kind in RETURN_TYPES if kind != "EXCHANGE" or region in EXCHANGE_MARKETS]
        default = "RETURN_AND_REFUND" if order["status"] in ("DELIVERED", "COMPLETED") else "REFUND"
        yield fill(
            "open_return",
            order_id=order["id"],
            kinds=options([(kind, kind.replace("_", " ").lower()) for kind in kinds], default),
            reasons=options(BUYER_RETURN.items()),
            lines=_line_rows(order),
        )
    for row in returns:
        yield fill(
            "return",
            tail=row["return_id"][-6:],
            text=f"{row['return_type']}: {row['return_status']}".replace("_", " ").lower(),
            buttons=join(_buttons(row)),
        )


def _buttons(row: Row) -> Iterator[Markup]:
    status, place = row["return_status"], (row["return_type"], row["return_status"])
    if status in ENDED or status == SUCCESS:
        return
    if row.get("arbitration_status") == "IN_PROGRESS":
        moves: tuple[tuple[str, str, str, Row], ...] = JUDGE
    else:
        moves = MOVES.get(status, ()) + ((("Appeal", "appeal", "", {}),) if status in REFUSED else ())
        for decision in APPROVALS.get(place, ()):
            yield _button(row, DECISIONS[decision], "seller_decides", "go", _decision(row, decision))
        if place in REJECTIONS:
            yield _button(row, "Reject", "seller_decides", "", {"decision": REJECTIONS[place]})
    for text, verb, kind, more in moves:
        yield _button(row, text, verb, kind, more)
    if status != SHIPPED:
        yield _button(row, "Withdraw", "withdraw_return", "", {})
    yield _button(row, "TikTok pays", "platform_refund", "", {})


def _button(row: Row, text: str, verb: str, kind: str, more: Row) -> Markup:
    return button(text, "after_sale", kind, verb=verb, body=json.dumps({"return_id": row["return_id"], **more}))


def _decision(row: Row, decision: str) -> Row:
    if decision == "OFFER_PARTIAL_REFUND":
        refund = row["refund_amount"]
        amount = str(int(float(refund["refund_total"]) / 2) or refund["refund_total"])
        return {"decision": decision, "partial_refund": {"amount": amount, "currency": refund["currency"]}}
    keeps = decision == "APPROVE_REFUND" and row["return_type"] == "RETURN_AND_REFUND"
    return {"decision": decision, **({"buyer_keep_item": True} if keeps else {})}


def _line_rows(order: Row) -> Markup:
    live = [line for line in order["line_items"] if line["display_status"] != "CANCELLED"]
    left = Counter(line["sku_id"] for line in live)
    titles = {line["sku_id"]: line["product_name"] for line in live}
    return join(fill("ship_line", sku=sku, title=titles[sku], left=count) for sku, count in left.items())
