"""The Admin API's fields: what each answers, and the scope it needs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.shopify import places, search, warehouse
from sandbox.shopify.notices import Notices
from sandbox.shopify.selling import Selling, error, unfulfilled
from sandbox.shopify.state import Shop, State, digits

SCOPES = {
    "fulfillment": "read_orders",
    "fulfillmentOrder": "read_merchant_managed_fulfillment_orders",
    "job": "",
    "order": "read_orders",
    "orderByIdentifier": "read_orders",
    "orders": "read_orders",
    "productVariants": "read_products",
    "shop": "",
    "webhookSubscriptions": "",
    "appUninstall": "",
    "fulfillmentCreate": "write_merchant_managed_fulfillment_orders",
    "fulfillmentOrderMove": "write_merchant_managed_fulfillment_orders",
    "fulfillmentOrderHold": "write_merchant_managed_fulfillment_orders",
    "fulfillmentOrderReleaseHold": "write_merchant_managed_fulfillment_orders",
    "metafieldDefinitionCreate": "write_orders",
    "orderCancel": "write_orders",
    "orderCreate": "write_orders",
    "orderMarkAsPaid": "write_orders",
    "orderUpdate": "write_orders",
    "refundCreate": "write_orders",
    "tagsRemove": "write_orders",
    "webhookSubscriptionCreate": "",
}
TOPIC_SCOPES = {"FULFILLMENTS": "read_fulfillments", "ORDERS": "read_orders", "REFUNDS": "read_orders", "APP": ""}
NOT_UNIQUE = error("This type cannot be unique", "definition", "type")
BAD_ADDRESS = error("Address is invalid", "webhookSubscription", "uri")
Resolver = Callable[..., Any]


class Api(warehouse.Calls, places.Calls):
    """The root of one request."""

    def __init__(self, state: State, notices: Notices, shop: Shop, as_of: float | None) -> None:
        self.state = state
        self.notices = notices
        self.place = shop
        self.selling = Selling(state, notices)
        self.as_of = as_of

    def root(self) -> dict[str, Resolver]:
        return {name: self._guarded(name) for name in SCOPES}

    def _guarded(self, name: str) -> Resolver:
        def resolve(info: GraphQLResolveInfo, **given: Any) -> Any:
            self._need(SCOPES[name], name)
            return getattr(self, f"_{name}")(info, **given)

        return resolve

    def _need(self, scope: str, name: str) -> None:
        granted = self.place.install.scopes if self.place.install else ()
        if scope and scope not in granted and scope.replace("read_", "write_") not in granted:
            text = f"Access denied for {name} field. Required access: `{scope}` access scope."
            raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})

    # Reading

    def _shop(self, _info: GraphQLResolveInfo) -> dict[str, Any]:
        return {
            "id": "gid://shopify/Shop/1",
            "name": self.place.name,
            "myshopifyDomain": self.place.domain,
            "currencyCode": self.place.currency,
            "taxesIncluded": False,
        }

    def _order(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        order = self.place.orders.get(id)
        return self.shown(order) if order else None

    def _orderByIdentifier(self, _info: GraphQLResolveInfo, identifier: dict[str, Any]) -> dict[str, Any] | None:
        custom: dict[str, Any] | None = identifier.get("customId")
        if custom is None:
            return self._order(_info, identifier["id"])
        key = (custom.get("namespace") or "", custom["key"])
        if not self.place.definitions.get(key):
            text = "Metafield definition of type 'id' is required when using custom ids."
            raise GraphQLError(text, extensions={"code": "NOT_FOUND"})
        order = self.place.orders.get(self.place.by_metafield.get((key, str(custom["value"])), ""))
        is_there = order is not None and (self.as_of is None or order["created"] <= self.as_of)
        return self.shown(order) if order and is_there else None

    def _orders(self, _info: GraphQLResolveInfo, query: str = "", sortKey: str = "", **page: Any) -> dict[str, Any]:
        """From the search index, which does not see new orders at once."""
        seen_until = self.state.world.now() - self.place.index_delay
        if self.as_of is not None:
            seen_until = min(seen_until, self.as_of)
        try:
            groups = search.terms_of(query) if query else []
            asked = search.source_of(groups)
            orders = self.place.orders
            near = (orders[one] for one in self.place.by_source.get(asked, ())) if asked else orders.values()
            found = [order for order in near if order["created"] <= seen_until and search.order_fits(order, groups)]
        except search.BadQuery as bad:
            raise GraphQLError(str(bad), extensions={"code": "BAD_REQUEST"}) from bad
        found.sort(key=lambda order: order["updated" if sortKey == "UPDATED_AT" else "created"])
        return _page(found, show=self.shown, **page)

    def _productVariants(self, _info: GraphQLResolveInfo, query: str = "", **page: Any) -> dict[str, Any]:
        found = [one for one in self.place.variants.values() if not query or search.variant_fits(one, query)]
        return _page(found, **page)

    def _fulfillment(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        for order in self.place.orders.values():
            for fulfillment in order["fulfillments"]:
                if fulfillment["id"] == id:
                    return self._shipped(order, fulfillment)
        return None

    def _job(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        job = self.place.jobs.get(id)
        return {"id": id, "done": job["done"]} if job else None

    def _webhookSubscriptions(self, _info: GraphQLResolveInfo, **page: Any) -> dict[str, Any]:
        return _page(self.place.subscriptions, **page)

    # Writing

    def _metafieldDefinitionCreate(self, _info: GraphQLResolveInfo, definition: dict[str, Any]) -> dict[str, Any]:
        key = (definition.get("namespace") or "", definition["key"])
        if key in self.place.definitions:
            taken = error("Key is in use for Order metafields on the 'Order' owner type.", "definition", "key")
            return {"createdDefinition": None, "userErrors": [{**taken, "code": "TAKEN"}]}
        unique = ((definition.get("capabilities") or {}).get("uniqueValues") or {}).get("enabled", False)
        if unique and definition["type"] not in ("single_line_text_field", "number_integer", "url", "id"):
            return {
                "createdDefinition": None,
                "userErrors": [error("This type cannot be unique", "definition", "type")],
            }
        self.place.definitions[key] = bool(unique)
        return {"createdDefinition": {"id": self.state.new_gid("MetafieldDefinition")}, "userErrors": []}

    def _orderCreate(
        self, _info: GraphQLResolveInfo, order: dict[str, Any], options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        made = self.selling.create(self.place, order, options or {})
        return {**made, "order": self.shown(made["order"]) if made["order"] else None}

    def _orderCancel(
        self, _info: GraphQLResolveInfo, orderId: str, reason: str, restock: bool, **_rest: Any
    ) -> dict[str, Any]:
        """Done in a job. Refused when something was shipped, or cancelled before."""
        order: Any = self.place.orders.get(orderId)
        if order is None:
            wrong = error("Order does not exist", "orderId", code="NOT_FOUND")
        elif order["cancelled"]:
            wrong = error("Order has already been cancelled", "orderId")
        elif any(one["status"] == "SUCCESS" for one in order["fulfillments"]):
            wrong = error("Cannot cancel an order that has fulfillments", "orderId")
        else:
            job: dict[str, Any] = {"id": self.state.new_gid("Job"), "done": False}
            self.place.jobs[job["id"]] = job
            if self.place.cancel_takes:
                self.state.world.later(self.place.cancel_takes, lambda: self._finish(job, order, reason))
            else:
                self._finish(job, order, reason)
            return {"job": job, "orderCancelUserErrors": []}
        return {"job": None, "orderCancelUserErrors": [wrong]}

    def _finish(self, job: dict[str, Any], order: dict[str, Any], reason: str) -> None:
        if not job["done"] and not self.place.is_cancel_refused:  # [guess] a job may end without cancelling
            self.selling.cancel(self.place, order, reason)
        job["done"] = True

    def _refundCreate(self, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, Any]:
        """Needs @idempotent; the same key and input bring the first result again."""
        key = _idempotency_key(info)
        if not key:
            text = "The @idempotent directive is required for this mutation"
            raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
        if key in self.place.refunds:
            kept = self.place.refunds[key]
            if kept["input"] != input:
                code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
                raise GraphQLError("The key was used with other parameters", extensions={"code": code})
            return {"refund": kept["refund"], "order": None, "userErrors": []}
        order = self.place.orders.get(input["orderId"])
        if order is None:
            return {"refund": None, "order": None, "userErrors": [error("Order does not exist", "orderId")]}
        for row in input.get("refundLineItems") or []:
            line = next((line for line in order["lines"] if line["id"] == row["lineItemId"]), None)
            if line is None or row["quantity"] > line["quantity"] - line["removed"]:
                wrong = error("Quantity cannot refund more items than were purchased", "refundLineItems")
                return {"refund": None, "order": None, "userErrors": [wrong]}
            if row.get("restockType") == "CANCEL":
                line["removed"] += row["quantity"]
        refund = {"id": self.state.new_gid("Refund"), "note": input.get("note") or ""}
        order["refunds"].append(refund)
        self.place.refunds[key] = {"input": input, "refund": refund}
        self.state.touch(order)
        self.state.world.ledger_add("shopify", "refund.created", refund["id"], order=order["id"])
        self.notices.refund(self.place, order, refund)
        return {"refund": refund, "order": self.shown(order), "userErrors": []}

    def _orderUpdate(self, _info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, Any]:
        order = self.place.orders.get(input["id"])
        if order is None:
            return {"order": None, "userErrors": [error("Order does not exist", "id")]}
        self.selling.update(self.place, order, input)
        return {"order": self.shown(order), "userErrors": []}

    def _tagsRemove(self, _info: GraphQLResolveInfo, id: str, tags: list[str]) -> dict[str, Any]:
        order = self.place.orders.get(id)
        if order is None:
            return {"userErrors": [error("Order does not exist", "id")]}
        order["tags"] = [tag for tag in order["tags"] if tag not in tags]
        self.state.touch(order)
        return {"userErrors": []}

    def _orderMarkAsPaid(self, _info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, Any]:
        order = self.place.orders.get(input["id"])
        if order is None or order["cancelled"] or order["financial"] == "PAID" or order["paid"] >= order["total"]:
            return {"order": None, "userErrors": [error("Order cannot be marked as paid.", "id")]}
        self.selling.pay(self.place, order)
        return {"order": self.shown(order), "userErrors": []}

    def _webhookSubscriptionCreate(
        self, _info: GraphQLResolveInfo, topic: str, webhookSubscription: dict[str, Any]
    ) -> dict[str, Any]:
        self._need(TOPIC_SCOPES[topic.partition("_")[0]], "webhookSubscriptionCreate")
        uri = webhookSubscription.get("uri") or ""
        if not uri.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            return {
                "webhookSubscription": None,
                "userErrors": [error("Address is invalid", "webhookSubscription", "uri")],
            }
        if any((one["topic"], one["uri"]) == (topic, uri) for one in self.place.subscriptions):
            taken = error("Address for this topic has already been taken", "webhookSubscription", "uri")
            return {"webhookSubscription": None, "userErrors": [taken]}
        made = {"id": self.state.new_gid("WebhookSubscription"), "topic": topic, "uri": uri}
        self.place.subscriptions.append(made)
        return {"webhookSubscription": made, "userErrors": []}

    def _appUninstall(self, _info: GraphQLResolveInfo) -> dict[str, Any]:
        self.notices.uninstalled(self.place)
        self.place.install, self.place.subscriptions = None, []
        return {"userErrors": []}

    # Shapes

    def shown(self, order: dict[str, Any]) -> dict[str, Any]:
        money = {"amount": _money(order["total"]), "currencyCode": order["currency"]}
        open_units = sum(unfulfilled(order, line) for line in order["lines"])
        shipped = any(one["status"] == "SUCCESS" for one in order["fulfillments"])
        return {
            **{name: order[name] for name in ("id", "name", "note", "tags", "email", "sourceIdentifier", "sourceName")},
            "legacyResourceId": digits(order["id"]),
            "cancelledAt": self.state.iso(order["cancelled"]) if order["cancelled"] else None,
            "createdAt": self.state.iso(order["created"]),
            "updatedAt": self.state.iso(order["updated"]),
            "customAttributes": order["attributes"],
            "displayFinancialStatus": order["financial"],
            "displayFulfillmentStatus": "UNFULFILLED"
            if not shipped
            else "PARTIALLY_FULFILLED"
            if open_units
            else "FULFILLED",
            "totalPriceSet": {"shopMoney": money, "presentmentMoney": money},
            "lineItems": lambda _info, **page: _page([_line(order, line) for line in order["lines"]], **page),
            "fulfillments": lambda _info, first=None: [self._shipped(order, one) for one in order["fulfillments"]][
                :first
            ],
            "refunds": lambda _info, first=None: order["refunds"][:first],
            "fulfillmentOrders": lambda _info, **page: self._fulfillment_orders(order, page),
            "shippingAddress": lambda _info: self._address(order),
        }

    def _fulfillment_orders(self, order: dict[str, Any], page: dict[str, Any]) -> dict[str, Any]:
        self._need("read_merchant_managed_fulfillment_orders", "fulfillmentOrders")
        is_routed = self.state.world.now() >= order["created"] + self.place.routing_takes
        return _page([self.shown_fulfillment_order(order)] if is_routed else [], **page)

    def shown_fulfillment_order(self, order: dict[str, Any]) -> dict[str, Any]:
        return warehouse.shown(order, _line, place=self.shown_place(order), moves=self.shown_moves)

    def _address(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Of an app that was not approved for it: null, and an error beside the rest. [guess] its code and words."""
        if not self.place.shows_addresses:
            text = "This app is not approved to access the MailingAddress object."
            raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})
        address: dict[str, Any] | None = order["shippingAddress"]
        return address

    def _shipped(self, order: dict[str, Any], fulfillment: dict[str, Any]) -> dict[str, Any]:
        by_id = {line["id"]: line for line in order["lines"]}
        rows = [
            {"id": f"{fulfillment['id']}-{index}", "quantity": count, "lineItem": _line(order, by_id[line_id])}
            for index, (line_id, count) in enumerate(fulfillment["lines"].items())
        ]
        tracking = fulfillment["tracking"]
        shown = {name: tracking[name] or None for name in ("company", "number", "url")}
        return {
            "id": fulfillment["id"],
            "status": fulfillment["status"],
            "createdAt": self.state.iso(fulfillment["created"]),
            "trackingInfo": lambda _info, first=None: [shown][:first] if any(shown.values()) else [],
            "fulfillmentLineItems": lambda _info, **page: _page(rows, **page),
        }


def _line(order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": line["id"],
        "sku": line["sku"],
        "title": line["title"],
        "quantity": line["quantity"],
        "unfulfilledQuantity": unfulfilled(order, line),
        "customAttributes": [{"key": one["name"], "value": one["value"]} for one in line["properties"]],
    }


def _money(amount: Decimal) -> str:
    """Without padding: "13.5", as the platform may write it."""
    return f"{amount.normalize():f}" if amount else "0.0"


def _page(
    rows: list[Any],
    first: int | None = None,
    after: str | None = None,
    show: Callable[[Any], Any] | None = None,
    **_rest: Any,
) -> dict[str, Any]:
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 < first <= 250:
        raise GraphQLError("first cannot exceed 250", extensions={"code": "BAD_REQUEST"})
    start = int(base64.b64decode(after)) if after else 0
    end = start + first
    return {
        "nodes": [show(row) for row in rows[start:end]] if show else rows[start:end],
        "pageInfo": {"hasNextPage": end < len(rows), "endCursor": base64.b64encode(str(end).encode()).decode()},
    }


def _idempotency_key(info: GraphQLResolveInfo) -> str:
    for directive in info.field_nodes[0].directives or ():
        if directive.name.value == "idempotent" and directive.arguments:
            value: Any = directive.arguments[0].value
            name = getattr(getattr(value, "name", None), "value", None)
            given: Any = getattr(info.variable_values, "coerced", info.variable_values)
            return str(given.get(name, "") if name else value.value).strip()
    return ""
