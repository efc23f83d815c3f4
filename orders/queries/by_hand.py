"""What of an order is in no store, since its route leaves it to the merchant to ship by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base import snapshot
from connectors.base.types import Payment
from orders.models import Mirror, Order, OrderState
from orders.queries.rows import has_left, rest_of, seller_center_url
from orders.splitting import counted, part_of


def rest_text(lines: Sequence[Any]) -> str:
    """These lines in words: 2 × TIN-LAV-04."""
    return ", ".join(counted(line["sku"].strip() or line["title"] for line in lines))


def to_ship(order: Order, mirrors: Sequence[Mirror]) -> list[Any]:
    """The lines that the merchant still has to ship by hand."""
    if has_left(order) or order.state in (OrderState.CANCELLED, OrderState.SKIPPED, OrderState.COMPLETED):
        return []
    packages = order.snapshot.get("packages", [])
    gone = {line_id for each in packages if each["tracking_number"] for line_id in each["line_ids"]}
    return [line for line in rest_of(order, mirrors) if line["external_id"] not in gone]


def rest_payment(order: Order, mirrors: Sequence[Mirror]) -> Payment | None:
    """What the buyer paid for those lines, shipping and taxes included; None where there are none."""
    ids = [line["external_id"] for line in rest_of(order, mirrors)]
    return part_of(snapshot.from_json(order.snapshot), ids).payment if ids else None


def rest_package(order: Order, mirrors: Sequence[Mirror]) -> dict[str, Any] | None:
    """The parcel that is the merchant's own, among the others of the page."""
    rest, open_lines = rest_of(order, mirrors), to_ship(order, mirrors)
    if not rest or order.state in (OrderState.CANCELLED, OrderState.SKIPPED):
        return None
    text, tone = ("By hand", "amber") if open_lines else ("TikTok Shop shows it", "green")
    return {
        "number": "Yours to ship" if open_lines else "Shipped by you",
        "carrier": "",
        "status_text": text,
        "tone": tone,
        "lines_text": rest_text(open_lines or rest),
        "hint": "Enter its number in Seller Center." if open_lines else "",
        "url": seller_center_url(order),
    }
