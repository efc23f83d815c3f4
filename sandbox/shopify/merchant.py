"""What a merchant may do by hand in the shop's admin once an order was sold: cancel, refund, remove, take back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.shopify import return_checks as checks
from sandbox.shopify import units
from sandbox.shopify.cancelling import Cancelling
from sandbox.shopify.editing import Editing
from sandbox.shopify.errors import Refused
from sandbox.shopify.notices import Notices
from sandbox.shopify.refunds import Checks, Refunds
from sandbox.shopify.returns import Returns, left
from sandbox.shopify.state import Shop, State
from sandbox.shopify.warehouse import Holding
from sandbox.verbs import ShelfVerbs
from sandbox.world import ControlError

Found = tuple[Shop, dict[str, Any]]


class MerchantVerbs(ShelfVerbs):
    """The same rules as the API's, under the merchant's name. A body names `order`, and `shop` where there are several;
    `lines` are units by SKU, all that is possible by default."""

    state: State

    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices
        self.refunds = Refunds(state, notices)
        self.cancelling = Cancelling(state, notices, self.refunds)
        self.editing = Editing(state, notices)
        self.returns = Returns(state, notices)
        self.holding = Holding(state, notices)

    def run(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().run(action, body)
        except Refused as refused:
            raise ControlError(str(refused)) from refused

    def do_cancel(self, body: dict[str, Any]) -> None:
        """{reason?, restock?, refund?}"""
        shop, order = self._order(body)
        restock = bool(body.get("restock"))
        if not order["cancelled"]:
            self.cancelling.check(shop, order, restock=restock)
        reason, is_refunded = body.get("reason", "OTHER"), bool(body.get("refund"))
        self.cancelling.do(shop, order, reason, restock=restock, is_refunded=is_refunded, made_by="merchant")

    def do_remove_units(self, body: dict[str, Any]) -> None:
        """{lines?, restock?}: by editing the order; only what is not fulfilled."""
        shop, order = self._order(body)
        free = {line["id"]: units.editable(order, line) for line in order["lines"]}
        gone = _chosen(order, body.get("lines"), free)
        restock = set(gone) if body.get("restock") else set()
        self.editing.remove(shop, order, gone, restock, note=str(body.get("note", "")), made_by="merchant")

    def do_refund(self, body: dict[str, Any]) -> dict[str, Any]:
        """{lines?, restock?: "cancel" | "return" | "no_restock", amount?, note?}; without lines none, without an amount
        no money."""
        shop, order = self._order(body)
        kind = str(body.get("restock", "no_restock")).upper()
        free = {line["id"]: units.current(line) for line in order["lines"]}
        wanted = _chosen(order, body["lines"], free) if body.get("lines") else {}
        place = shop.location_id if kind == "RETURN" else None
        rows = Checks(shop, order).rows(
            [
                {"lineItemId": line_id, "quantity": count, "restockType": kind, "locationId": place}
                for line_id, count in wanted.items()
            ]
        )
        amount = Decimal(str(body.get("amount") or 0))
        Checks(shop, order).total(amount, may_exceed=False)
        back, note = self.refunds.money_back(order, amount), str(body.get("note", ""))
        made = self.refunds.make(shop, order, rows, note=note, transactions=back, made_by="merchant")
        return {"refund": made["id"]}

    def do_hold(self, body: dict[str, Any]) -> dict[str, Any]:
        """{reason?, notes?}"""
        shop, order = self._order(body)
        given = {"reason": body.get("reason", "OTHER"), "reasonNotes": body.get("notes")}
        return {"hold": self.holding.put(shop, order, given, is_ours=False)["id"]}

    def do_release(self, body: dict[str, Any]) -> None:
        """{holds?: ids}, all by default, the app's included."""
        shop, order = self._order(body)
        self.holding.end(shop, order, body.get("holds"), by="merchant")

    def do_open_return(self, body: dict[str, Any]) -> dict[str, Any]:
        """{lines?, reason?, note?}"""
        shop, order = self._order(body)
        free = {item: (line, count) for _, rows in units.returnable(order) for item, line, count in rows}
        by_line: dict[str, int] = {}
        for line, count in free.values():
            by_line[line] = by_line.get(line, 0) + count
        wanted = _chosen(order, body.get("lines"), by_line)
        given = []
        for item, (line, count) in free.items():
            take = min(count, wanted.get(line, 0))
            if take:
                wanted[line] -= take
                given.append(
                    {
                        "fulfillmentLineItemId": item,
                        "quantity": take,
                        "returnReason": body.get("reason", "UNKNOWN"),
                        "returnReasonNote": body.get("note", ""),
                    }
                )
        made = self.returns.create(shop, order, checks.creation(order, given), made_by="merchant")
        return {"return": made["id"], "name": made["name"]}

    def do_close_return(self, body: dict[str, Any]) -> None:
        self.returns.close(*self._return(body), made_by="merchant")

    def do_reopen_return(self, body: dict[str, Any]) -> None:
        self.returns.reopen(*self._return(body), made_by="merchant")

    def do_cancel_return(self, body: dict[str, Any]) -> None:
        self.returns.cancel(*self._return(body), made_by="merchant")

    def do_dispose(self, body: dict[str, Any]) -> None:
        """{return?, lines?, type?: RESTOCKED by default}: what became of goods that came back."""
        shop, order, one = self._return(body)
        rows = one["reverse"]["lines"]
        free: dict[str, int] = {}
        for row in rows:
            free[row["line"]] = free.get(row["line"], 0) + left(row)
        wanted = _chosen(order, body.get("lines"), free)
        given = []
        for row in rows:
            take = min(left(row), wanted.get(row["line"], 0))
            if take:
                wanted[row["line"]] -= take
                kind = body.get("type", "RESTOCKED")
                place = shop.location_id if kind == "RESTOCKED" else None
                said = {"reverseFulfillmentOrderLineItemId": row["id"], "quantity": take}
                given.append({**said, "dispositionType": kind, "locationId": place})
        checks.dispositions(shop, given, "dispositionInputs")
        self.returns.dispose(shop, order, one, given, made_by="merchant")

    def _return(self, body: dict[str, Any]) -> tuple[Shop, dict[str, Any], dict[str, Any]]:
        """The named return of the order, by id or name, or its last."""
        shop, order = self._order(body)
        wanted = body.get("return")
        found = [one for one in order["returns"] if wanted in (None, one["id"], one["name"])]
        if not found:
            raise ControlError("no such return")
        return shop, order, found[-1]

    def _order(self, body: dict[str, Any]) -> Found:
        shop = self.state.shop(body.get("shop"))
        return shop, self.state.order(shop, str(body["order"]))


def _chosen(order: dict[str, Any], lines: Any, free: Mapping[str, int]) -> dict[str, int]:
    """Units by line id for units by SKU, of those that are free; all of them where none is named."""
    if not lines:
        chosen = {line_id: count for line_id, count in free.items() if count}
        if not chosen:
            raise ControlError("nothing of it is left")
        return chosen
    pairs = lines.items() if isinstance(lines, dict) else [(one["sku"], one["quantity"]) for one in lines]
    chosen = {}
    for sku, count in pairs:
        count = int(count)
        for line in order["lines"]:
            take = min(count, free.get(line["id"], 0)) if line["sku"] == sku else 0
            if take:
                chosen[line["id"]] = take
                count -= take
        if count:
            raise ControlError(f"not that many of {sku} are left")
    return chosen
