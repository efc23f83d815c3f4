"""refundCreate: a record of units and amounts that went back, with or without money that moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.shopify import stock, units
from sandbox.shopify.errors import Refused
from sandbox.shopify.notices import Notices
from sandbox.shopify.state import Shop, State

KEY_LIFE = 86_400.0


@dataclass(frozen=True)
class Row:
    """Units of one line of a refund."""

    line: dict[str, Any]
    quantity: int
    restock: str  # CANCEL, RETURN or NO_RESTOCK
    location: str = ""


class Refunds:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def make(
        self,
        shop: Shop,
        order: dict[str, Any],
        rows: list[Row],
        *,
        note: str = "",
        transactions: list[dict[str, Any]] | None = None,
        shipping: Decimal = Decimal(0),
        made_by: str = "app",
        of_return: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What was checked before."""
        refund: dict[str, Any] = {
            "id": self.state.new_gid("Refund"),
            "created": self.state.world.now(),
            "note": note,
            "rows": [
                {
                    "id": self.state.new_gid("RefundLineItem"),
                    "line": row.line["id"],
                    "quantity": row.quantity,
                    "restock": row.restock,
                    "location": row.location or None,
                }
                for row in rows
            ],
            "shipping": shipping,
            "transactions": [{**one, "id": self.state.new_gid("OrderTransaction")} for one in transactions or []],
            "return": of_return["id"] if of_return else None,
        }
        order["refunds"].append(refund)
        order["transactions"] += refund["transactions"]
        for row in rows:
            row.line["cancelled" if row.restock == "CANCEL" else "refunded"] += row.quantity
        self._settle(order)
        self.state.touch(order)
        self._enter(shop, order, refund, rows, made_by)
        self.notices.refund(shop, order, refund)
        self.notices.order(shop, "ORDERS_UPDATED", order)
        return refund

    def money_back(
        self, order: dict[str, Any], amount: Decimal, parent: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Transactions of kind REFUND for so much, out of the sales in their order, or out of this one."""
        made, left = [], amount
        for sale in [parent] if parent else units.sales(order):
            part = left if parent else min(left, sale["amount"])
            if part > 0:
                made.append(
                    {
                        "kind": "REFUND",
                        "status": "SUCCESS",
                        "amount": part,
                        "gateway": sale["gateway"],
                        "parent": sale["id"],
                        "created": self.state.world.now(),
                    }
                )
                left -= part
        return made

    def _settle(self, order: dict[str, Any]) -> None:
        """Only money that moved changes the financial status."""
        back = units.refunded(order)
        if back:
            order["financial"] = "REFUNDED" if back >= units.received(order) else "PARTIALLY_REFUNDED"

    def _enter(self, shop: Shop, order: dict[str, Any], refund: dict[str, Any], rows: list[Row], made_by: str) -> None:
        ledger, reference = self.state.world.ledger_add, order["sourceIdentifier"]
        ledger(
            "shopify",
            "refund.created",
            refund["id"],
            order=order["id"],
            reference=reference,
            amount=str(sum((one["amount"] for one in refund["transactions"]), Decimal(0))),
            lines=units.by_sku(order, ((row.line["id"], row.quantity) for row in rows)),
            restock={row.line["sku"] or row.line["title"]: row.restock for row in rows},
            note=refund["note"],
            of_return=refund["return"],
            by=made_by,
        )
        for restock, is_claimed in (("CANCEL", True), ("RETURN", False)):
            back: dict[str, int] = {}
            for row in rows:
                if row.restock == restock:
                    back[row.line["id"]] = back.get(row.line["id"], 0) + row.quantity
            if back and is_claimed:
                facts = {"reference": reference, "lines": units.by_sku(order, back.items())}
                ledger("shopify", "units.cancelled", order["id"], **facts, how="refund", restocked=True, by=made_by)
            stock.give_back(self.state, shop, order, back, is_claimed=is_claimed, why="refund")


class Checks:
    """Everything of a RefundInput that can be wrong, before anything is done. Raises Refused."""

    def __init__(self, shop: Shop, order: dict[str, Any]) -> None:
        self.shop = shop
        self.order = order

    def rows(self, given: list[dict[str, Any]]) -> list[Row]:
        rows: list[Row] = []
        for place, one in enumerate(given):
            where = ("refundLineItems", str(place))
            line = units.line_of(self.order, one["lineItemId"])
            if line is None:
                raise Refused("Line item does not exist", *where, "lineItemId")
            row = Row(line, one["quantity"], one.get("restockType") or "NO_RESTOCK", one.get("locationId") or "")
            before = [each for each in rows if each.line is line]
            if row.quantity < 1:
                raise Refused("Quantity must be greater than 0", *where, "quantity")
            if row.quantity + sum(each.quantity for each in before) > units.current(line):
                raise Refused("Quantity cannot refund more items than were purchased", *where, "quantity")
            self._restock(row, [each for each in before if each.restock == row.restock], where)
            rows.append(row)
        return rows

    def _restock(self, row: Row, before: list[Row], where: tuple[str, ...]) -> None:
        count = row.quantity + sum(each.quantity for each in before)
        if row.restock == "LEGACY_RESTOCK":
            raise Refused("Restock type legacy_restock is not accepted", *where, "restockType")
        if row.restock == "NO_RESTOCK" and row.location:
            raise Refused("Location must be blank when nothing is restocked", *where, "locationId")
        if row.restock == "RETURN" and not row.location:
            raise Refused("Location can't be blank", *where, "locationId")
        if row.location and (trouble := stock.trouble_at(self.shop, row.location)):
            raise Refused(trouble, *where, "locationId")
        if row.restock == "RETURN" and count > units.shipped(self.order, row.line["id"]) - row.line["refunded"]:
            raise Refused("Quantity cannot return more items than were fulfilled", *where, "quantity")
        is_over = self.order["cancelled"] is not None  # [guess] nothing of it is left to be fulfilled
        if row.restock == "CANCEL" and (is_over or count > units.unfulfilled(self.order, row.line)):
            raise Refused("Quantity cannot remove more than the number of unfulfilled items", *where, "quantity")

    def transactions(self, given: list[dict[str, Any]], *, may_exceed: bool) -> list[tuple[dict[str, Any], Decimal]]:
        """(the sale it goes back from, how much) for each."""
        found = []
        for place, one in enumerate(given):
            where = ("transactions", str(place))
            if one["orderId"] != self.order["id"]:
                raise Refused("Order does not match", *where, "orderId")
            if one["kind"] != "REFUND":
                raise Refused("Kind must be refund", *where, "kind")
            parent = self.parent(one.get("parentId"), *where, "parentId")
            if one["gateway"] != parent["gateway"]:
                raise Refused("Gateway does not match the parent transaction's", *where, "gateway")
            found.append((parent, positive(one["amount"], *where, "amount")))
        self.total(sum((amount for _, amount in found), Decimal(0)), may_exceed=may_exceed)
        return found

    def parent(self, gid: str | None, *where: str) -> dict[str, Any]:
        for sale in units.sales(self.order):
            if sale["id"] == gid:
                return sale
        raise Refused("Parent transaction is not a successful sale or capture of this order", *where)

    def total(self, amount: Decimal, *, may_exceed: bool) -> None:
        if not may_exceed and amount + units.refunded(self.order) > units.received(self.order):
            raise Refused("Refund amount exceeds the amount that was paid", "transactions")

    def shipping(self, given: dict[str, Any] | None) -> Decimal:
        paid = self.order["shipping"]
        back = sum((refund["shipping"] for refund in self.order["refunds"]), Decimal(0))
        if not given or (not given.get("fullRefund") and given.get("amount") is None):
            return Decimal(0)
        if given.get("fullRefund"):
            return Decimal(paid - back)
        amount = _decimal(given["amount"], "shipping", "amount")
        if not 0 <= amount <= paid - back:
            raise Refused("Shipping amount exceeds what is left of it", "shipping", "amount")
        return amount


class Calls:
    """The calls about refunds, as a part of the root of one request."""

    place: Shop
    state: State
    refunding: Refunds
    shown: Callable[[dict[str, Any]], dict[str, Any]]
    shown_refund: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]

    def _refund(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        for order in self.place.orders.values():
            for refund in order["refunds"]:
                if refund["id"] == id:
                    return self.shown_refund(order, refund)
        return None

    def _refundCreate(self, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, Any]:
        """Needs @idempotent; the same key and input bring the first result again, for a day."""
        key = _idempotency_key(info)
        if not key:
            text = "The @idempotent directive is required for this mutation"
            raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
        kept = self.place.refunds.get(key)
        if kept and kept["at"] > self.state.world.now() - KEY_LIFE:
            if kept["input"] != input:
                code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
                raise GraphQLError("The key was used with other parameters", extensions={"code": code})
            return self._refunded(kept["order"], kept["refund"])
        try:
            order, refund = self._make_refund(input)
        except Refused as refused:
            return {"refund": None, "order": None, "userErrors": [refused.error]}
        self.place.refunds[key] = {"input": input, "refund": refund, "order": order, "at": self.state.world.now()}
        if input.get("notify"):
            self.state.world.ledger_add("shopify", "buyer.mailed", order["id"], about="refund")
        return self._refunded(order, refund)

    def _refunded(self, order: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any]:
        return {"refund": self.shown_refund(order, refund), "order": self.shown(order), "userErrors": []}

    def _make_refund(self, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        order = self.place.orders.get(given["orderId"])
        if order is None:
            raise Refused("Order does not exist", "orderId")
        if given.get("refundMethods") or given.get("refundDuties"):
            raise Refused("Store credit and duties are not played here")
        if given.get("currency") not in (None, order["currency"]):
            raise Refused("Currency does not match the order's", "currency")
        checks = Checks(self.place, order)
        rows = checks.rows(given.get("refundLineItems") or [])
        shipping = checks.shipping(given.get("shipping"))
        wanted = checks.transactions(given.get("transactions") or [], may_exceed=given.get("allowOverRefunding", False))
        if not rows and not shipping and not wanted and not self.place.takes_empty_refunds:
            raise Refused("Refund must have items, shipping or transactions")
        back = [one for parent, amount in wanted for one in self.refunding.money_back(order, amount, parent)]
        note = given.get("note") or ""
        return order, self.refunding.make(self.place, order, rows, note=note, transactions=back, shipping=shipping)


def positive(value: Any, *where: str) -> Decimal:
    amount = _decimal(value, *where)
    if amount <= 0:
        raise Refused("Amount must be greater than 0", *where)
    return amount


def _decimal(value: Any, *where: str) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise Refused("Amount is not a number", *where) from error


def _idempotency_key(info: GraphQLResolveInfo) -> str:
    for directive in info.field_nodes[0].directives or ():
        if directive.name.value == "idempotent" and directive.arguments:
            value: Any = directive.arguments[0].value
            name = getattr(getattr(value, "name", None), "value", None)
            given: Any = getattr(info.variable_values, "coerced", info.variable_values)
            return str(given.get(name, "") if name else value.value).strip()
    return ""
