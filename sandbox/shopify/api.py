"""The Admin API's fields: what each answers, and the scope it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.shopify import cancelling, editing, places, refunds, return_calls, search, warehouse
from sandbox.shopify.errors import error
from sandbox.shopify.notices import TOPICS, Notices
from sandbox.shopify.paging import page
from sandbox.shopify.returns import Returns
from sandbox.shopify.selling import Selling
from sandbox.shopify.showing import Shapes, location
from sandbox.shopify.state import Shop, State
from sandbox.shopify.units import received

_GOODS = "write_merchant_managed_fulfillment_orders"
SCOPES = {
    "fulfillment": "read_orders",
    "fulfillmentOrder": "read_merchant_managed_fulfillment_orders",
    "job": "",
    "location": "read_locations",
    "locations": "read_locations",
    "order": "read_orders",
    "orderByIdentifier": "read_orders",
    "orders": "read_orders",
    "productVariants": "read_products",
    "refund": "read_orders",
    "return": "read_returns",
    "returnReasonDefinitions": "read_returns",
    "returnableFulfillments": "read_returns",
    "reverseDelivery": "read_returns",
    "reverseFulfillmentOrder": "read_returns",
    "shop": "",
    "webhookSubscriptions": "",
    "appUninstall": "",
    "fulfillmentCreate": _GOODS,
    "fulfillmentOrderMove": _GOODS,
    "fulfillmentOrderHold": _GOODS,
    "fulfillmentOrderReleaseHold": _GOODS,
    "metafieldDefinitionCreate": "write_orders",
    "orderCancel": "write_orders",
    "orderCreate": "write_orders",
    "orderEditBegin": "write_order_edits",
    "orderEditCommit": "write_order_edits",
    "orderEditSetQuantity": "write_order_edits",
    "orderMarkAsPaid": "write_orders",
    "orderUpdate": "write_orders",
    "refundCreate": "write_orders",
    "returnCancel": "write_returns",
    "returnClose": "write_returns",
    "returnCreate": "write_returns",
    "returnProcess": "write_returns",
    "returnReopen": "write_returns",
    "reverseDeliveryCreateWithShipping": "write_returns",
    "reverseFulfillmentOrderDispose": "write_returns",
    "tagsRemove": "write_orders",
    "webhookSubscriptionCreate": "",
}
Resolver = Callable[..., Any]


class Api(Shapes, cancelling.Calls, editing.Calls, places.Calls, refunds.Calls, return_calls.Calls, warehouse.Calls):
    """The root of one request."""

    def __init__(self, state: State, notices: Notices, shop: Shop, as_of: float | None) -> None:
        self.state = state
        self.notices = notices
        self.place = shop
        self.selling = Selling(state, notices)
        self.refunding = refunds.Refunds(state, notices)
        self.cancelling = cancelling.Cancelling(state, notices, self.refunding)
        self.editing = editing.Editing(state, notices)
        self.returning = Returns(state, notices)
        self.holding = warehouse.Holding(state, notices)
        self.as_of = as_of

    def root(self) -> dict[str, Resolver]:
        return {name: self._guarded(name) for name in SCOPES}

    def _guarded(self, name: str) -> Resolver:
        def resolve(info: GraphQLResolveInfo, **given: Any) -> Any:
            self._need(SCOPES[name], name)
            return getattr(self, f"_{name}")(info, **given)

        return resolve

    def _need(self, scope: str, name: str, *others: str) -> None:
        """One of these scopes; writing includes reading."""
        granted = self.place.install.scopes if self.place.install else ()
        enough = {each for one in (scope, *others) for each in (one, one.replace("read_", "write_"))}
        if scope and enough.isdisjoint(granted):
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

    def _orders(self, _info: GraphQLResolveInfo, query: str = "", sortKey: str = "", **given: Any) -> dict[str, Any]:
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
        return page(found, show=self.shown, **given)

    def _productVariants(self, _info: GraphQLResolveInfo, query: str = "", **given: Any) -> dict[str, Any]:
        found = [one for one in self.place.variants.values() if not query or search.variant_fits(one, query)]
        return page(found, **given)

    def _fulfillment(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        for order in self.place.orders.values():
            for fulfillment in order["fulfillments"]:
                if fulfillment["id"] == id:
                    return self.shown_parcel(order, fulfillment)
        return None

    def _job(self, _info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:
        job = self.place.jobs.get(id)
        return {"id": id, "done": job["done"]} if job else None

    def _location(self, _info: GraphQLResolveInfo, id: str | None = None) -> dict[str, Any] | None:
        return location(self.place) if id in (None, self.place.location_id) else None

    def _locations(self, _info: GraphQLResolveInfo, includeInactive: bool = False, **given: Any) -> dict[str, Any]:
        return page([location(self.place)] if self.place.is_location_active or includeInactive else [], **given)

    def _webhookSubscriptions(self, _info: GraphQLResolveInfo, **given: Any) -> dict[str, Any]:
        return page(self.place.subscriptions, **given)

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
        if order is None or order["cancelled"] or order["financial"] == "PAID" or received(order) >= order["total"]:
            return {"order": None, "userErrors": [error("Order cannot be marked as paid.", "id")]}
        self.selling.pay(self.place, order)
        return {"order": self.shown(order), "userErrors": []}

    def _webhookSubscriptionCreate(
        self, _info: GraphQLResolveInfo, topic: str, webhookSubscription: dict[str, Any]
    ) -> dict[str, Any]:
        if topic not in TOPICS:
            return {
                "webhookSubscription": None,
                "userErrors": [error("This topic is not played here", "topic")],
            }
        self._need(TOPICS[topic].scopes[0], "webhookSubscriptionCreate", *TOPICS[topic].scopes[1:])
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
