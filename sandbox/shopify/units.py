"""How many units of an order's lines left, are open, are gone, or may still come back. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

Order = Mapping[str, Any]
Line = Mapping[str, Any]


def shipped(order: Order, line_id: str) -> int:
    return sum(int(one["lines"].get(line_id, 0)) for one in _left(order))


def unfulfilled(order: Order, line: Line) -> int:
    """Units that may still be fulfilled: neither shipped, nor edited away, nor refunded as cancelled."""
    return int(line["quantity"] - line["edited"] - line["cancelled"] - shipped(order, line["id"]))


def current(line: Line) -> int:
    """The units without those refunded and removed: what may still be refunded."""
    return int(line["quantity"] - line["edited"] - line["cancelled"] - line["refunded"])


def editable(order: Order, line: Line) -> int:
    """Only what is not fulfilled can be edited."""
    return max(0, min(unfulfilled(order, line), current(line)))


def line_of(order: Order, line_id: str) -> dict[str, Any] | None:
    return next((line for line in order["lines"] if line["id"] == line_id), None)


def live_returns(order: Order) -> list[dict[str, Any]]:
    """Returns that keep their units from being returned once more."""
    return [one for one in order["returns"] if one["status"] != "CANCELED"]


def returnable(order: Order) -> Iterator[tuple[dict[str, Any], list[tuple[str, str, int]]]]:
    """Each fulfillment with its (fulfillment line item, line, units that may come back), where any may.

    Units that were refunded without a return cannot be returned any more; refunds count first for units that are in a
    return already [guess].
    """
    spent = {line["id"]: max(0, line["refunded"] - _coming_back(order, line["id"])) for line in order["lines"]}
    for fulfillment in _left(order):
        rows = []
        for item, line_id in fulfillment["items"].items():
            free = fulfillment["lines"][line_id] - _of_item(order, item)
            lost = min(free, spent[line_id])
            spent[line_id] -= lost
            if free > lost:
                rows.append((item, line_id, free - lost))
        if rows:
            yield fulfillment, rows


def worth(order: Order, line: Line, count: int) -> tuple[Decimal, Decimal]:
    """What these units cost after their share of the discount, and the tax on them [guess: how it is rounded]."""
    gross = line["price"] * count
    if not order["products"]:
        return gross, Decimal(0)
    share = gross / order["products"]
    cent = Decimal(1).scaleb(-order["digits"])
    return (share * (order["products"] - order["discount"])).quantize(cent), (share * order["tax"]).quantize(cent)


def refunded(order: Order) -> Decimal:
    """The money that went back by transactions; a refund may have none."""
    return sum((one["amount"] for refund in order["refunds"] for one in refund["transactions"]), Decimal(0))


def received(order: Order) -> Decimal:
    return sum((one["amount"] for one in sales(order)), Decimal(0))


def sales(order: Order) -> list[dict[str, Any]]:
    """The transactions that a refund can have as its parent."""
    return [one for one in order["transactions"] if one["kind"] in ("SALE", "CAPTURE") and one["status"] == "SUCCESS"]


def by_sku(order: Order, counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """For the ledger: units of lines as units of SKUs."""
    skus = {line["id"]: line["sku"] or line["title"] for line in order["lines"]}
    units: dict[str, int] = {}
    for line_id, count in counts:
        units[skus[line_id]] = units.get(skus[line_id], 0) + count
    return units


def _left(order: Order) -> list[dict[str, Any]]:
    return [one for one in order["fulfillments"] if one["status"] == "SUCCESS"]


def _coming_back(order: Order, line_id: str) -> int:
    lines = (line for one in live_returns(order) for line in one["lines"])
    return sum(int(line["quantity"]) for line in lines if line["line"] == line_id)


def _of_item(order: Order, item: str) -> int:
    lines = (line for one in live_returns(order) for line in one["lines"])
    return sum(int(line["quantity"]) for line in lines if line["item"] == item)
