"""Sums that go back to the buyer: by line, with shipping, tax and fees, never above what was paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.tiktok_shop.buying import money
from sandbox.tiktok_shop.rows import id_of, lines_of, status_of
from sandbox.tiktok_shop.state import Order, Shop, State
from sandbox.tiktok_shop.statuses import CAME_TO_NOTHING

ZERO = Decimal(0)
Line = dict[str, Any]
# Our part, the name in a refund, the name in an order's payment.
PARTS = (
    ("subtotal", "refund_subtotal", ""),
    ("shipping", "refund_shipping_fee", "shipping_fee"),
    ("tax", "refund_tax", "shipping_fee_tax"),
    ("delivery_fee", "retail_delivery_fee", "retail_delivery_fee"),
    ("service_fee", "buyer_service_fee", "buyer_service_fee"),
)


@dataclass(frozen=True)
class Parts:
    subtotal: Decimal = ZERO
    shipping: Decimal = ZERO
    tax: Decimal = ZERO
    delivery_fee: Decimal = ZERO
    service_fee: Decimal = ZERO

    def __add__(self, other: Parts) -> Parts:
        return Parts(*(getattr(self, name) + getattr(other, name) for name, _, _ in PARTS))

    def __sub__(self, other: Parts) -> Parts:
        return Parts(*(getattr(self, name) - getattr(other, name) for name, _, _ in PARTS))

    def total(self, shop: Shop) -> Decimal:
        """Where prices include the tax, it is named and not added."""
        added = ZERO if shop.market.tax_inclusive else self.tax
        return self.subtotal + self.shipping + self.delivery_fee + self.service_fee + added

    def shown(self, shop: Shop, currency: str) -> dict[str, str]:
        """As the API shows it; the markets' own fees only where there are such."""
        view = {"currency": currency, "refund_total": money(self.total(shop))}
        view |= {shown: money(getattr(self, name)) for name, shown, _ in PARTS[:3]}
        if shop.region == "US" or self.delivery_fee:
            view["retail_delivery_fee"] = money(self.delivery_fee)
        if self.service_fee:
            view["buyer_service_fee"] = money(self.service_fee)
        return view


@dataclass(frozen=True)
class Refund:
    """The parts by line; they add up to the whole."""

    shop: Shop
    currency: str
    by_line: Mapping[str, Parts]

    @property
    def whole(self) -> Parts:
        return sum(self.by_line.values(), Parts())

    @property
    def total(self) -> Decimal:
        return self.whole.total(self.shop)

    def shown(self, line_id: str = "") -> dict[str, str]:
        return (self.by_line[line_id] if line_id else self.whole).shown(self.shop, self.currency)

    def cut_to(self, total: Decimal) -> Refund:
        """The same lines for less money: every line and every part of it in proportion."""
        totals = shares(total, [parts.total(self.shop) for parts in self.by_line.values()], self.shop)
        cut = {
            line_id: _cut(parts, amount, self.shop)
            for (line_id, parts), amount in zip(self.by_line.items(), totals, strict=True)
        }
        return Refund(self.shop, self.currency, cut)


def refund_of(state: State, order: Order, lines: Sequence[Line], *, but: str = "", is_return: bool = True) -> Refund:
    """All that is left of these lines. Shipping and fees go back with the last lines that are worth anything: [guess]
    in a return a gift may stay behind, a cancellation must leave nothing. `but` is a row that does not count."""
    shop = state.shops[order.shop_id]
    left = left_of_lines(state, order, but=but)
    by_line = {line["id"]: left[line["id"]] for line in lines}
    if all(line["id"] in by_line or _is_done(line, left[line["id"]], is_return) for line in order.lines):
        _spread(by_line, _left_beside(state, order, but=but), shop)
    return Refund(shop, order.data["payment"]["currency"], by_line)


def left_of_lines(state: State, order: Order, *, but: str = "") -> dict[str, Parts]:
    """What of each line's price and tax is neither back with the buyer nor on its way there."""
    left = {line["id"]: price_of(line) for line in order.lines}
    for line_id, parts in _gone(state, order, but=but):
        goods_tax = min(parts.tax, left[line_id].tax)
        left[line_id] = left[line_id] - Parts(subtotal=min(parts.subtotal, left[line_id].subtotal), tax=goods_tax)
    return left


def price_of(line: Line) -> Parts:
    tax = sum((Decimal(one["tax_amount"]) for one in line.get("item_tax") or ()), ZERO)
    return Parts(subtotal=Decimal(line["sale_price"]), tax=tax)


def is_all_refunded(state: State, order: Order) -> bool:
    """Whether nothing of what was paid is left, save what was cancelled before."""
    left = left_of_lines(state, order)
    return all(_is_done(line, left[line["id"]], True) for line in order.lines)


def paid_back(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """For the ledger: what went back for each line, shipping and fees included."""
    lines = []
    for line in row["return_line_items"]:
        amount = line.get("refund_amount", {})
        names = {"total": "refund_total", "shipping": "refund_shipping_fee", "subtotal": "refund_subtotal"}
        lines.append({"sku": line["seller_sku"], **{name: amount.get(said, "0") for name, said in names.items()}})
    return lines


def shares(amount: Decimal, weights: Sequence[Decimal], shop: Shop) -> list[Decimal]:
    """Splits the amount by weight so that nothing is lost, and no share is above its weight if the amount is not
    above all of them."""
    parts, left, rest = [], amount, sum(weights, ZERO)
    for weight in weights:
        part = rounded(left * weight / rest, shop) if rest else ZERO
        parts.append(part)
        left, rest = left - part, rest - weight
    parts[-1] += left
    return parts


def rounded(amount: Decimal, shop: Shop) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-shop.market.decimals), ROUND_HALF_UP)


def _cut(parts: Parts, total: Decimal, shop: Shop) -> Parts:
    """One line's parts for less money. A tax that is inside the price shrinks with it."""
    names = [name for name, _, _ in PARTS if name != "tax" or not shop.market.tax_inclusive]
    cut = dict(zip(names, shares(total, [getattr(parts, name) for name in names], shop), strict=True))
    if shop.market.tax_inclusive and (before := parts.total(shop)):
        cut["tax"] = shares(parts.tax, [total, before - total], shop)[0]
    return Parts(**cut)


def _is_done(line: Line, left: Parts, is_return: bool) -> bool:
    if line["display_status"] == "CANCELLED":
        return True
    return not left.subtotal and (is_return or bool(Decimal(line["sale_price"])))


def _left_beside(state: State, order: Order, *, but: str) -> Parts:
    """What of shipping, its tax and the fees has not gone back yet."""
    payment = order.data["payment"]
    paid = Parts(*(Decimal(payment.get(name) or "0") if name else ZERO for _, _, name in PARTS))
    taxes = {line["id"]: price_of(line).tax for line in order.lines}
    for line_id, parts in _gone(state, order, but=but):
        beyond = max(parts.tax - taxes[line_id], ZERO)
        taxes[line_id] = max(taxes[line_id] - parts.tax, ZERO)
        paid = paid - Parts(ZERO, parts.shipping, beyond, parts.delivery_fee, parts.service_fee)
    return paid


def _gone(state: State, order: Order, *, but: str) -> list[tuple[str, Parts]]:
    """What each line of a cancellation or return gives back, unless that came to nothing."""
    found = []
    for row in state.after_sales.get(order.id, ()):
        if id_of(row) == but or status_of(row) in CAME_TO_NOTHING:
            continue
        for line in lines_of(row):
            if amount := line.get("refund_amount"):
                parts = Parts(*(Decimal(amount.get(shown, "0")) for _, shown, _ in PARTS))
                found.append((line["order_line_item_id"], parts))
    return found


def _spread(by_line: dict[str, Parts], beside: Parts, shop: Shop) -> None:
    """Shares shipping and fees over the lines by price, so that the lines add up to the whole."""
    weights = [parts.subtotal for parts in by_line.values()]
    columns = [shares(getattr(beside, name), weights, shop) for name, _, _ in PARTS]
    for line_id, values in zip(by_line, zip(*columns, strict=True), strict=True):
        by_line[line_id] = by_line[line_id] + Parts(*values)
