"""One order on the board, as TikTok Shop or as a store has it, with the buttons for it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from sandbox.markup import button, fill, hidden, join, options
from sandbox.return_cards import after_sales
from sandbox.tiktok_shop.cast import CARRIERS, MARKETS

CHIPS = {
    "UNPAID": ("Unpaid", "plain"),
    "ON_HOLD": ("On hold", "amber"),
    "AWAITING_SHIPMENT": ("To ship", "blue"),
    "PARTIALLY_SHIPPING": ("Partly shipped", "blue"),
    "AWAITING_COLLECTION": ("Shipped", "green"),
    "IN_TRANSIT": ("In transit", "green"),
    "DELIVERED": ("Delivered", "green"),
    "COMPLETED": ("Completed", "green"),
    "CANCELLED": ("Cancelled", "red"),
}
# (text, verb, kind of button) by the order's status.
BUTTONS = {
    "UNPAID": (("Pay", "pay", "go"), ("Cancel as buyer", "buyer_cancel", "")),
    "ON_HOLD": (("Cancel as buyer", "buyer_cancel", ""), ("End the hold", "end_hold", "")),
    "AWAITING_SHIPMENT": (("Ask to cancel", "buyer_cancel", ""), ("Cancel as seller", "seller_cancel", "")),
    "AWAITING_COLLECTION": (("Collect", "in_transit", ""), ("Deliver", "deliver", "go")),
    "IN_TRANSIT": (("Deliver", "deliver", "go"),),
    "DELIVERED": (("Complete", "complete", ""),),
}
SHIPPABLE = ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")


class OrderCard:
    def __init__(
        self, order: dict[str, Any], number: int, shop: dict[str, Any], returns: Iterable[dict[str, Any]] = ()
    ) -> None:
        self.order, self.number, self.shop, self.returns = order, number, shop, returns

    def html(self) -> Markup:
        order = self.order
        text, kind = CHIPS.get(order["status"], (order["status"], "plain"))
        left = countdown(order) if order["status"] == "ON_HOLD" else ""
        return fill(
            "order",
            tag=tag_of(self.number),
            head=order["id"][:-6],
            tail=order["id"][-6:],
            chip=fill("chip", kind=kind, text=text, left=left),
            lines=_lines_text((line["product_name"], 1) for line in order.get("line_items", [])),
            facts=join(fill("fact", text=fact, kind=kind) for fact, kind in self._facts() if fact),
            actions=join(self._buttons()),
        )

    def _facts(self) -> list[tuple[str, str]]:
        order, payment = self.order, self.order.get("payment", {})
        numbers = sorted({line["tracking_number"] for line in order["line_items"] if line.get("tracking_number")})
        asked = order.get("is_buyer_request_cancel")
        return [
            (f"{payment.get('total_amount', '?')} {payment.get('currency', '')}", ""),
            (order.get("recipient_address", {}).get("name", ""), ""),
            (str(self.shop.get("name", order["shop_id"])), ""),
            ("asks to cancel" if asked else "", "red"),
            ("replacement" if order.get("is_replacement_order") else "", "mark"),
            ("exchange" if order.get("is_exchange_order") else "", "mark"),
            ("sample" if order.get("is_sample_order") else "", "mark"),
            ("with a gift" if any(line.get("is_gift") for line in order["line_items"]) else "", "mark"),
            ("pre-order" if order.get("release_date") else "", "mark"),
            ("cash on delivery" if order.get("is_cod") else "", "mark"),
            (f"by {order['cancellation_initiator'].lower()}" if order.get("cancellation_initiator") else "", "red"),
            (f"“{order['buyer_message']}”" if order.get("buyer_message") else "", ""),
            *((f"track {one}", "") for one in numbers),
        ]

    def _buttons(self) -> list[Markup]:
        order_id, status = self.order["id"], self.order["status"]
        if self.order.get("is_buyer_request_cancel"):
            answers = (("Approve", "yes", "go"), ("Reject", "no", ""))
            buttons = [button(text, "answer", kind, order_id=order_id, approve=value) for text, value, kind in answers]
            buttons.append(button("Withdraw", "order", order_id=order_id, verb="withdraw_cancel"))
        else:
            buttons = [
                button(text, "order", kind, order_id=order_id, verb=verb)
                for text, verb, kind in BUTTONS.get(status, ())
            ]
        region = self.shop.get("region", "US")
        if status in SHIPPABLE and MARKETS[region].marks_orders:
            number = ups_number(order_id) if region == "US" else ""
            carriers = options(CARRIERS[region].items(), "7117859084333745966")
            buttons.append(fill("seller_ship", order_id=order_id, carriers=carriers, number=number))
        if status in ("ON_HOLD", "AWAITING_SHIPMENT"):
            buttons.append(fill("address", order_id=order_id))
        return [*buttons, *after_sales(self.order, region, self.returns)]


class StoreCard:
    """A store's order, as far as its half tells of it."""

    def __init__(self, platform: str, order: dict[str, Any], tag: str | None) -> None:
        self.platform, self.order, self.tag = platform, order, tag
        self.id = str(first(order, "gid", "id", "name"))

    def html(self) -> Markup:
        order = self.order
        status = self._status()
        total = first(order, "total", "total_price", "totals") or ""
        if isinstance(total, dict):
            total = first(total, "total", "total_price", "amount") or ""
        numbers = sorted(set(_values(order, ("tracking_number", "number"))))
        facts = [f"{total} {first(order, 'currency', 'presentment_currency') or ''}".strip(), self._buyer()]
        facts += [str(first(order, "shop") or ""), *(f"track {number}" for number in numbers)]
        return fill(
            "copy",
            tag=fill("tag", tag=self.tag) if self.tag else "",
            name=first(order, "name", "number", "id"),
            chip=fill("chip", kind=_kind(status), text=status, left=""),
            lines=_lines_text((_title(line), line.get("quantity", 1)) for line in self._lines()),
            facts=join(fill("fact", text=fact, kind="") for fact in facts if fact),
            actions=join(self._buttons(status)),
        )

    def _status(self) -> str:
        if self.order.get("cancelled_at") or self.order.get("is_cancelled"):
            return "Cancelled"
        status = str(first(self.order, "status", "fulfillment_status", "display_fulfillment_status") or "open")
        return status.replace("_", " ").capitalize()

    def _lines(self) -> list[dict[str, Any]]:
        found = first(self.order, "lines", "line_items") or []
        return [line for line in found if isinstance(line, dict)]

    def _buyer(self) -> str:
        address = first(self.order, "shipping_address", "address") or {}
        return str(address.get("name") or address.get("lastName") or "") if isinstance(address, dict) else ""

    def _buttons(self, status: str) -> list[Markup]:
        which = {"platform": self.platform, "order": str(first(self.order, "name", "gid", "id"))}
        if shop := first(self.order, "shop"):
            which["shop"] = str(shop)
        buttons = []
        if status not in ("Fulfilled", "Cancelled", "Deleted"):
            buttons.append(self._ship_form(which))
        if status not in ("Cancelled", "Deleted"):
            buttons.append(button("Cancel", "store", **which, verb="cancel"))
        return buttons

    def _ship_form(self, which: dict[str, str]) -> Markup:
        left: Counter[str] = Counter()
        titles: dict[str, str] = {}
        for line in self._lines():
            sku = str(line.get("sku") or "")
            left[sku] += int(line.get("remaining", line.get("unfulfilled", line.get("quantity", 1))) or 0)
            titles.setdefault(sku, _title(line))
        lines = [fill("ship_line", sku=sku, title=titles[sku], left=count) for sku, count in left.items() if count]
        return fill(
            "ship",
            key=self.id,
            fields=hidden(**which),
            lines=join(lines) if left.total() > 1 and "" not in left else "",
            number=ups_number(f"{self.platform}{self.id}{len(_values(self.order, ('tracking_number',)))}"),
        )


def clock_text(at: float) -> str:
    """In this machine's own time, as the person before it reads clocks."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")


def ups_number(key: str) -> str:
    """A tracking number with the right check digit, always the same for the same key."""
    digits = str(int(hashlib.sha256(key.encode()).hexdigest(), 16))[:12]
    body = f"999{digits}"
    total = sum(int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(body))
    return f"1Z{body}{-total % 10}"


def tag_of(number: int) -> str:
    """A, B, … Z, AA, AB, …"""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def countdown(order: dict[str, Any]) -> Markup:
    """The script of the page counts it down."""
    until = order.get("hold_until") or 0
    return fill("countdown", until=until, at=clock_text(until))


def first(order: dict[str, Any], *names: str) -> Any:
    return next((order[name] for name in names if order.get(name) not in (None, "")), None)


def _lines_text(lines: Iterable[tuple[str, int]]) -> str:
    counts: Counter[str] = Counter()
    for title, quantity in lines:
        counts[title] += quantity
    return ", ".join(f"{count} × {title}" for title, count in counts.items())


def _kind(status: str) -> str:
    lowered = status.lower()
    if "cancel" in lowered or "delet" in lowered or "refund" in lowered:
        return "red"
    if "unfulfilled" in lowered or "open" in lowered or "partial" in lowered:
        return "blue"
    return "amber" if "hold" in lowered else "green"


def _title(line: dict[str, Any]) -> str:
    return str(first(line, "title", "name", "sku") or "?")


def _values(content: Any, names: tuple[str, ...]) -> list[str]:
    """What stands under these names, however deep."""
    if isinstance(content, list):
        return [found for entry in content for found in _values(entry, names)]
    if not isinstance(content, dict):
        return []
    own = [str(content[name]) for name in names if content.get(name) and isinstance(content[name], str)]
    return own + [found for entry in content.values() for found in _values(entry, names)]
