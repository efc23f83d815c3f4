"""What the Admin API tells of an order: its lines, parcels, refunds and returns."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from sandbox.shopify import returns, units, warehouse
from sandbox.shopify.paging import page
from sandbox.shopify.state import Shop, State, digits


class Shapes:
    """A part of the root of one request, since some fields need a scope of their own."""

    place: Shop
    state: State
    _need: Callable[[str, str], None]
    shown_place: Callable[[dict[str, Any]], dict[str, Any]]
    shown_moves: Callable[..., list[dict[str, Any]]]

    def shown(self, order: dict[str, Any]) -> dict[str, Any]:
        open_units = sum(units.unfulfilled(order, line) for line in order["lines"])
        is_shipped = any(one["status"] == "SUCCESS" for one in order["fulfillments"])
        fulfillment = "PARTIALLY_FULFILLED" if open_units else "FULFILLED"
        gone = [
            units.worth(order, line, line["quantity"] - units.current(line))
            for line in order["lines"]
            if units.current(line) < line["quantity"]
        ]
        money_gone = sum((subtotal + tax for subtotal, tax in gone), Decimal(0))
        reason = order["cancel_reason"]
        return {
            **{name: order[name] for name in ("id", "name", "note", "tags", "email", "sourceIdentifier", "sourceName")},
            "legacyResourceId": digits(order["id"]),
            "cancelledAt": self.state.iso(order["cancelled"]) if order["cancelled"] else None,
            "cancelReason": reason,
            "createdAt": self.state.iso(order["created"]),
            "updatedAt": self.state.iso(order["updated"]),
            "customAttributes": order["attributes"],
            "displayFinancialStatus": order["financial"],
            "displayFulfillmentStatus": fulfillment if is_shipped else "UNFULFILLED",
            "edited": order["is_edited"],
            "totalPriceSet": money(order, order["total"]),
            "currentTotalPriceSet": money(order, order["total"] - money_gone),
            "totalRefundedSet": money(order, units.refunded(order)),
            "lineItems": lambda _info, **given: page(
                [self.shown_line(order, line) for line in order["lines"]], **given
            ),
            "fulfillments": lambda _info, first=None: [
                self.shown_parcel(order, one) for one in order["fulfillments"][:first]
            ],
            "refunds": lambda _info, first=None: [self.shown_refund(order, one) for one in order["refunds"][:first]],
            "transactions": lambda _info, first=None, **_rest: [
                _transaction(self.state, order, one) for one in order["transactions"][:first]
            ],
            "fulfillmentOrders": lambda _info, **given: self._fulfillment_orders(order, given),
            "shippingAddress": lambda _info: self._address(order),
            "returnStatus": lambda _info: self._of_returns("returnStatus", returns.status_of(order)),
            "returns": lambda _info, **given: page(
                [self.shown_return(order, one) for one in self._of_returns("returns", order["returns"])], **given
            ),
        }

    def _of_returns(self, name: str, value: Any) -> Any:
        self._need("read_returns", name)
        return value

    def _fulfillment_orders(self, order: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        self._need("read_merchant_managed_fulfillment_orders", "fulfillmentOrders")
        is_routed = self.state.world.now() >= order["created"] + self.place.routing_takes
        return page([self.shown_fulfillment_order(order)] if is_routed else [], **given)

    def shown_fulfillment_order(self, order: dict[str, Any]) -> dict[str, Any]:
        moves = self.shown_moves
        return {
            **warehouse.shown(order, self.shown_line),
            "assignedLocation": self.shown_place(order),
            "locationsForMove": lambda _info, locationIds=None, **given: page(moves(order, locationIds), **given),
        }

    def _address(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Of an app that was not approved for it: null, and an error beside the rest. [guess] its code and words."""
        if not self.place.shows_addresses:
            text = "This app is not approved to access the MailingAddress object."
            raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})
        address: dict[str, Any] | None = order["shippingAddress"]
        return address

    def shown_line(self, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": line["id"],
            "sku": line["sku"],
            "title": line["title"],
            "quantity": line["quantity"],
            "currentQuantity": units.current(line),
            "refundableQuantity": units.current(line),
            "unfulfilledQuantity": units.unfulfilled(order, line),
            "requiresShipping": line["requires_shipping"],
            "restockable": line["variant"] in self.place.variants,
            "variant": self.place.variants.get(line["variant"]),
            "originalUnitPriceSet": money(order, line["price"]),
            "customAttributes": [{"key": one["name"], "value": one["value"]} for one in line["properties"]],
        }

    def shown_parcel(self, order: dict[str, Any], fulfillment: dict[str, Any]) -> dict[str, Any]:
        rows = [
            self.shown_item(order, item, line_id, fulfillment["lines"][line_id])
            for item, line_id in fulfillment["items"].items()
        ]
        tracking = fulfillment["tracking"]
        told = {name: tracking[name] or None for name in ("company", "number", "url")}
        return {
            "id": fulfillment["id"],
            "status": fulfillment["status"],
            "createdAt": self.state.iso(fulfillment["created"]),
            "location": location(self.place),
            "trackingInfo": lambda _info, first=None: [told][:first] if any(told.values()) else [],
            "fulfillmentLineItems": lambda _info, **given: page(rows, **given),
        }

    def shown_item(self, order: dict[str, Any], item: str, line_id: str, count: int) -> dict[str, Any]:
        """A fulfillment line item."""
        line = units.line_of(order, line_id)
        assert line is not None
        return {"id": item, "quantity": count, "lineItem": self.shown_line(order, line)}

    # Refunds

    def shown_refund(self, order: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any]:
        at = self.state.iso(refund["created"])
        amount = sum((one["amount"] for one in refund["transactions"]), Decimal(0))
        rows = [self._refund_row(order, row) for row in refund["rows"]]
        return {
            "id": refund["id"],
            "legacyResourceId": digits(refund["id"]),
            "note": refund["note"],
            "createdAt": at,
            "processedAt": at,
            "updatedAt": at,
            "order": lambda _info: self.shown(order),
            "return": lambda _info: self._return_of(order, refund),
            "totalRefundedSet": money(order, amount),
            "refundLineItems": lambda _info, **given: page(rows, **given),
            "transactions": lambda _info, **given: page(
                [_transaction(self.state, order, one) for one in refund["transactions"]], **given
            ),
        }

    def _return_of(self, order: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any] | None:
        if refund["return"] is None:
            return None
        self._need("read_returns", "return")
        return self.shown_return(order, next(one for one in order["returns"] if one["id"] == refund["return"]))

    def _refund_row(self, order: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        line = units.line_of(order, row["line"])
        assert line is not None
        subtotal, tax = units.worth(order, line, row["quantity"])
        return {
            "id": row["id"],
            "lineItem": self.shown_line(order, line),
            "quantity": row["quantity"],
            "restockType": row["restock"],
            "restocked": row["restock"] != "NO_RESTOCK",
            "location": location(self.place) if row["location"] else None,
            "priceSet": money(order, line["price"]),
            "subtotalSet": money(order, subtotal),
            "totalTaxSet": money(order, tax),
        }

    # Returns

    def shown_return(self, order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        made = self.state.iso(one["created"])
        reverse = [self.shown_reverse(order, one)]
        refunds = [refund for refund in order["refunds"] if refund["return"] == one["id"]]
        return {
            "id": one["id"],
            "name": one["name"],
            "status": one["status"],
            "createdAt": made,
            "requestApprovedAt": made,
            "closedAt": self.state.iso(one["closed"]) if one["closed"] else None,
            "totalQuantity": sum(line["quantity"] for line in one["lines"]),
            "order": lambda _info: self.shown(order),
            "returnLineItems": lambda _info, **given: page(
                [self._return_line(order, line) for line in one["lines"]], **given
            ),
            "reverseFulfillmentOrders": lambda _info, **given: page(reverse, **given),
            "refunds": lambda _info, **given: page([self.shown_refund(order, refund) for refund in refunds], **given),
        }

    def _return_line(self, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        definition = next((one for one in returns.reasons() if one["id"] == line["definition"]), None)
        undone = line["quantity"] - line["processed"]
        return {
            "__typename": "ReturnLineItem",
            "id": line["id"],
            "quantity": line["quantity"],
            "processedQuantity": line["processed"],
            "processableQuantity": undone,
            "unprocessedQuantity": undone,
            "refundedQuantity": line["refunded"],
            "refundableQuantity": line["quantity"] - line["refunded"],
            "returnReason": line["reason"],
            "returnReasonDefinition": definition,
            "returnReasonNote": line["note"],
            "customerNote": None,
            "fulfillmentLineItem": self._item_of(order, line),
        }

    def _item_of(self, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        parcel = next(one for one in order["fulfillments"] if line["item"] in one["items"])
        return self.shown_item(order, line["item"], line["line"], parcel["lines"][line["line"]])

    def shown_reverse(self, order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        reverse = one["reverse"]
        rows = [self._reverse_line(order, line) for line in reverse["lines"]]
        return {
            "id": reverse["id"],
            "status": reverse["status"],
            "rows": rows,
            "order": lambda _info: self.shown(order),
            "lineItems": lambda _info, **given: page(rows, **given),
            "reverseDeliveries": lambda _info, **given: page(
                [self.shown_delivery(order, one, each) for each in reverse["deliveries"]], **given
            ),
        }

    def _reverse_line(self, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": line["id"],
            "totalQuantity": line["quantity"],
            "fulfillmentLineItem": self._item_of(order, line),
            "dispositions": [
                {
                    "id": each["id"],
                    "type": each["type"],
                    "quantity": each["quantity"],
                    "createdAt": self.state.iso(each["created"]),
                    "location": location(self.place) if each["location"] else None,
                }
                for each in line["dispositions"]
            ],
        }

    def shown_delivery(self, order: dict[str, Any], one: dict[str, Any], delivery: dict[str, Any]) -> dict[str, Any]:
        tracking = {"carrierName": None, **{name: delivery["tracking"].get(name) for name in ("number", "url")}}
        lines = {line["id"]: line for line in one["reverse"]["lines"]}
        rows = [
            {
                "id": row["id"],
                "quantity": row["quantity"],
                "dispositions": [],
                "reverseFulfillmentOrderLineItem": self._reverse_line(order, lines[row["reverse_line"]]),
            }
            for row in delivery["rows"]
        ]
        return {
            "id": delivery["id"],
            "deliverable": {
                "__typename": "ReverseDeliveryShippingDeliverable",
                "label": None,
                "tracking": tracking if delivery["tracking"] else None,
            },
            "reverseDeliveryLineItems": lambda _info, **given: page(rows, **given),
            "reverseFulfillmentOrder": lambda _info: self.shown_reverse(order, one),
        }


def location(shop: Shop) -> dict[str, Any]:
    """The shop's first location, at which its stock is kept."""
    return {"id": shop.location_id, "name": shop.locations[shop.location_id], "isActive": shop.is_location_active}


def money(order: dict[str, Any], amount: Decimal) -> dict[str, Any]:
    """Without padding: "13.5", as the platform may write it."""
    text = f"{amount.normalize():f}" if amount else "0.0"
    told = {"amount": text, "currencyCode": order["currency"]}
    return {"shopMoney": told, "presentmentMoney": told}


def _transaction(state: State, order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    parent = next((each for each in order["transactions"] if each["id"] == one["parent"]), None)
    return {
        "id": one["id"],
        "kind": one["kind"],
        "status": one["status"],
        "gateway": one["gateway"],
        "createdAt": state.iso(one["created"]),
        "amountSet": money(order, one["amount"]),
        "parentTransaction": _transaction(state, order, parent) if parent else None,
    }
