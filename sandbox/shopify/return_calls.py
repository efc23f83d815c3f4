"""The calls about returns, as a part of the root of one request."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify import return_checks as checks
from sandbox.shopify import returns, units
from sandbox.shopify.errors import Refused
from sandbox.shopify.paging import page
from sandbox.shopify.refunds import Refunds
from sandbox.shopify.returns import Returns
from sandbox.shopify.state import Shop, State, digits

Shown = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


class Calls:
    place: Shop
    state: State
    refunding: Refunds
    returning: Returns
    shown_return: Shown
    shown_reverse: Shown
    shown_delivery: Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], dict[str, Any]]
    shown_parcel: Shown
    shown_item: Callable[[dict[str, Any], str, str, int], dict[str, Any]]

    # Reading

    def _return(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        found = self._find(id, "Return")
        return self.shown_return(*found) if found else None

    def _reverseFulfillmentOrder(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        found = self._find(id, "ReverseFulfillmentOrder")
        return self.shown_reverse(*found) if found else None

    def _reverseDelivery(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        found = self._find(id, "ReverseDelivery")
        if found is None:
            return None
        delivery = next(each for each in found[1]["reverse"]["deliveries"] if each["id"] == id)
        return self.shown_delivery(*found, delivery)

    def _returnReasonDefinitions(
        self,
        _info: GraphQLResolveInfo,
        ids: list[str] | None = None,
        handles: list[str] | None = None,
        **given: Any,
    ) -> dict[str, Any]:
        rows = [
            one
            for one in returns.reasons()
            if (ids is None or one["id"] in ids) and (handles is None or one["handle"] in handles)
        ]
        return page(rows, **given)

    def _returnableFulfillments(self, _info: GraphQLResolveInfo, orderId: str, **given: Any) -> dict[str, Any]:
        order = self.place.orders.get(orderId)
        rows = [self._returnable(order, *one) for one in units.returnable(order)] if order else []
        return page(rows, **given)

    def _returnable(
        self, order: dict[str, Any], fulfillment: dict[str, Any], rows: list[tuple[str, str, int]]
    ) -> dict[str, Any]:
        lines = [
            {
                "quantity": count,
                "fulfillmentLineItem": self.shown_item(order, item, line_id, fulfillment["lines"][line_id]),
            }
            for item, line_id, count in rows
        ]
        return {
            "id": "gid://shopify/ReturnableFulfillment/" + digits(fulfillment["id"]),
            "fulfillment": self.shown_parcel(order, fulfillment),
            "returnableFulfillmentLineItems": lambda _info, **given: page(lines, **given),
        }

    # Writing

    def _returnCreate(self, _info: GraphQLResolveInfo, returnInput: dict[str, Any]) -> dict[str, Any]:
        order = self.place.orders.get(returnInput["orderId"])
        try:
            if order is None:
                raise Refused("Order not found", "returnInput", "orderId", code="NOT_FOUND")
            for name in ("exchangeLineItems", "returnShippingFee"):
                if returnInput.get(name):
                    raise Refused("That is not played here", "returnInput", name, code="FEATURE_NOT_ENABLED")
            lines = checks.creation(order, returnInput["returnLineItems"])
        except Refused as refused:
            return {"return": None, "userErrors": [refused.error]}
        made = self.returning.create(self.place, order, lines)
        return {"return": self.shown_return(order, made), "userErrors": []}

    def _returnClose(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any]:
        return self._change(id, self.returning.close)

    def _returnReopen(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any]:
        return self._change(id, self.returning.reopen)

    def _returnCancel(self, _info: GraphQLResolveInfo, id: str, notifyCustomer: bool = False) -> dict[str, Any]:
        return self._change(id, self.returning.cancel)

    def _change(self, gid: str, change: Callable[[Shop, dict[str, Any], dict[str, Any]], None]) -> dict[str, Any]:
        try:
            order, one = self._known(gid, "Return", "id")
            change(self.place, order, one)
        except Refused as refused:
            return {"return": None, "userErrors": [refused.error]}
        return {"return": self.shown_return(order, one), "userErrors": []}

    def _returnProcess(self, _info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, Any]:
        """Confirms, disposes and refunds in one, or nothing of it. No key protects it from being done twice."""
        try:
            order, one = self._known(input["returnId"], "Return", "input", "returnId")
            for name in ("exchangeLineItems", "refundDuties", "refundShipping", "tipLineId"):
                if input.get(name):
                    raise Refused("That is not played here", "input", name, code="FEATURE_NOT_ENABLED")
            counts = checks.processing(one, input.get("returnLineItems") or [])
            disposed = [row for line in input["returnLineItems"] for row in line.get("dispositions") or []]
            if disposed and checks.dispositions(self.place, disposed, "input", "returnLineItems")[1] is not one:
                raise Refused("The dispositions are of another return", "input", "returnLineItems", code="NOT_FOUND")
            transfer = (input.get("financialTransfer") or {}).get("issueRefund")
            money = checks.transfer(self.place, order, transfer) if transfer else []
            rows = checks.refund_rows(order, counts) if transfer else []
        except Refused as refused:
            return {"return": None, "userErrors": [refused.error]}
        self.returning.process(self.place, order, one, counts)
        if disposed:
            self.returning.dispose(self.place, order, one, disposed)
        if transfer:
            self._refund_of(order, one, counts, rows, money, note=input.get("note") or "")
        if input.get("notifyCustomer"):
            self.state.world.ledger_add("shopify", "buyer.mailed", order["id"], about="return")
        return {"return": self.shown_return(order, one), "userErrors": []}

    def _refund_of(
        self,
        order: dict[str, Any],
        one: dict[str, Any],
        counts: list[tuple[dict[str, Any], int]],
        rows: list[Any],
        money: list[tuple[dict[str, Any], Decimal]],
        *,
        note: str,
    ) -> None:
        for line, count in counts:
            line["refunded"] += count
        back = [each for parent, amount in money for each in self.refunding.money_back(order, amount, parent)]
        self.refunding.make(self.place, order, rows, note=note, transactions=back, of_return=one)

    def _reverseDeliveryCreateWithShipping(
        self,
        _info: GraphQLResolveInfo,
        reverseFulfillmentOrderId: str,
        reverseDeliveryLineItems: list[dict[str, Any]],
        trackingInput: dict[str, Any] | None = None,
        labelInput: dict[str, Any] | None = None,
        notifyCustomer: bool = True,
    ) -> dict[str, Any]:
        try:
            order, one = self._known(reverseFulfillmentOrderId, "ReverseFulfillmentOrder", "reverseFulfillmentOrderId")
            rows = checks.delivery(one, reverseDeliveryLineItems)
        except Refused as refused:
            return {"reverseDelivery": None, "userErrors": [refused.error]}
        made = self.returning.deliver(self.place, order, one, rows, trackingInput or {})
        if notifyCustomer and order["email"]:
            self.state.world.ledger_add("shopify", "buyer.mailed", order["id"], about="return")
        return {"reverseDelivery": self.shown_delivery(order, one, made), "userErrors": []}

    def _reverseFulfillmentOrderDispose(
        self, _info: GraphQLResolveInfo, dispositionInputs: list[dict[str, Any]]
    ) -> dict[str, Any]:
        try:
            order, one = checks.dispositions(self.place, dispositionInputs, "dispositionInputs")
        except Refused as refused:
            return {"reverseFulfillmentOrderLineItems": None, "userErrors": [refused.error]}
        self.returning.dispose(self.place, order, one, dispositionInputs)
        named = {row["reverseFulfillmentOrderLineItemId"] for row in dispositionInputs}
        lines = [line for line in self.shown_reverse(order, one)["rows"] if line["id"] in named]
        return {"reverseFulfillmentOrderLineItems": lines, "userErrors": []}

    def _find(self, gid: str, kind: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        return self.place.return_of.get(gid) if gid.startswith(f"gid://shopify/{kind}/") else None

    def _known(self, gid: str, kind: str, *where: str) -> tuple[dict[str, Any], dict[str, Any]]:
        found = self._find(gid, kind)
        if found is None:
            raise Refused(f"{kind} not found", *where, code="NOT_FOUND")
        return found
