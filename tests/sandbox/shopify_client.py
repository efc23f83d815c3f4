"""Speaks to the Shopify half as an app would. Each document is held to the official schema, where it is at hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import requests
from graphql import GraphQLSchema, build_schema, parse, validate

from sandbox.shopify.state import Install, Shop
from sandbox.world import World

OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared/contracts/shopify-admin.schema.graphql"
SECRET = "hush-test-secret-0001"
SCOPES = (
    "write_orders",
    "write_order_edits",
    "write_returns",
    "read_locations",
    "read_products",
    "read_fulfillments",
    "write_merchant_managed_fulfillment_orders",
)
FIG, SEA = "CND-FIG-08", "CND-SEA-08"

CREATE = """mutation($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) {
    order { id name lineItems(first: 10) { nodes { id sku } } transactions(first: 5) { id kind gateway } }
    userErrors { field message code }
  }
}"""
ORDER = """query($id: ID!) { order(id: $id) {
  id cancelledAt cancelReason displayFinancialStatus displayFulfillmentStatus edited
  totalPriceSet { shopMoney { amount } } currentTotalPriceSet { shopMoney { amount } }
  totalRefundedSet { shopMoney { amount } }
  lineItems(first: 10) { nodes { id sku quantity currentQuantity refundableQuantity unfulfilledQuantity } }
  fulfillments(first: 10) { id fulfillmentLineItems(first: 10) { nodes { id quantity lineItem { id sku } } } }
  refunds(first: 10) { id note return { id } totalRefundedSet { shopMoney { amount } }
    refundLineItems(first: 10) { nodes { quantity restockType restocked lineItem { sku } } } }
  fulfillmentOrders(first: 5) { nodes { id status supportedActions { action }
    assignedLocation { name location { id } }
    fulfillmentHolds { id handle reason reasonNotes heldByRequestingApp }
    lineItems(first: 10) { nodes { id remainingQuantity } } } }
} }"""
RETURNS = """query($id: ID!) { order(id: $id) { returnStatus returns(first: 3) { nodes {
  id name status closedAt totalQuantity refunds(first: 2) { nodes { id } }
  returnLineItems(first: 2) { nodes { id quantity returnReason returnReasonNote returnReasonDefinition { handle }
    processedQuantity unprocessedQuantity refundedQuantity refundableQuantity
    ... on ReturnLineItem { fulfillmentLineItem { id lineItem { sku } } } } }
  reverseFulfillmentOrders(first: 2) { nodes { id status
    lineItems(first: 2) { nodes { id totalQuantity dispositions { type quantity location { id } } } }
    reverseDeliveries(first: 2) { nodes { id deliverable { ... on ReverseDeliveryShippingDeliverable {
      tracking { number url carrierName } } } reverseDeliveryLineItems(first: 2) { nodes { quantity } } } } } }
} } } }"""


@cache
def official() -> GraphQLSchema | None:
    if not OFFICIAL.is_file():
        return None
    return build_schema(OFFICIAL.read_text(encoding="utf-8"), assume_valid=True)


@cache
def wrong_with(document: str) -> tuple[str, ...]:
    found = official()
    return tuple(one.message for one in validate(found, parse(document))) if found else ()


class Client:
    domain = "alices-candles.myshopify.com"

    def __init__(self, url: str, world: World) -> None:
        self.url, self.world = url, world
        app = {"client_id": "c", "client_secret": SECRET, "redirect_urls": ["http://127.0.0.1:9/back"]}
        self.control("app", **app)
        self.allow(*SCOPES)

    @property
    def shop(self) -> Shop:
        shop: Shop = self.world.halves["shopify"].state.shop(self.domain)  # type: ignore[attr-defined]
        return shop

    def allow(self, *scopes: str) -> None:
        self.shop.install = Install(scopes=scopes, access={"shpat_test": self.world.now() + 1e9})

    def control(self, verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_sandbox/shopify/{verb}", json=body, timeout=5)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def post(self, document: str, variables: dict[str, Any], name: str | None = None) -> dict[str, Any]:
        assert wrong_with(document) == ()
        answer = requests.post(
            f"{self.url}/shopify/{self.domain}/admin/api/2026-07/graphql.json",
            json={"query": document, "variables": variables, "operationName": name},
            headers={"X-Shopify-Access-Token": "shpat_test"},
            timeout=5,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ask(self, document: str, **variables: Any) -> Any:
        """The one root field's value."""
        said = self.post(document, variables)
        assert "errors" not in said, said["errors"]
        (value,) = said["data"].values()
        return value

    def do(self, document: str, **variables: Any) -> dict[str, Any]:
        """A mutation that works."""
        said = dict(self.ask(document, **variables))
        assert not said.get("userErrors"), said
        assert not said.get("orderCancelUserErrors"), said
        return said

    def refuse(self, document: str, **variables: Any) -> dict[str, Any]:
        """The one userError of a mutation that does nothing."""
        before = len(self.world.ledger)
        said = self.ask(document, **variables)
        (error,) = said.get("userErrors") or said.get("orderCancelUserErrors")
        assert len(self.world.ledger) == before
        return dict(error)

    def deny(self, document: str, **variables: Any) -> str:
        """The code with which all of it is refused."""
        return str(self.post(document, variables)["errors"][0]["extensions"]["code"])

    # An order

    def create(self, *, takes_stock: bool = True, **changes: Any) -> dict[str, Any]:
        """Three figs at 24, one sea salt at 24, 5 of shipping, 10 of tax, 6 off: 105, paid."""
        lines = [
            {"variantId": self.variant(sku)["id"], "quantity": count, "requiresShipping": True}
            for sku, count in ((FIG, 3), (SEA, 1))
        ]
        order = {
            "lineItems": [{**line, "priceSet": bag("24.00")} for line in lines],
            "shippingLines": [{"title": "Standard", "priceSet": bag("5.00")}],
            "taxLines": [{"title": "Tax", "rate": "0.1", "priceSet": bag("10.00")}],
            "discountCode": {"itemFixedDiscountCode": {"code": "TIKTOK", "amountSet": bag("6.00")}},
            "financialStatus": "PAID",
            "transactions": [
                {"kind": "SALE", "status": "SUCCESS", "gateway": "TikTok Shop", "amountSet": bag("105.00")}
            ],
            "email": "buyer@example.com",
            "sourceIdentifier": "5764",
            **changes,
        }
        how = "DECREMENT_IGNORING_POLICY" if takes_stock else "BYPASS"
        made = self.do(CREATE, order=order, options={"inventoryBehaviour": how})["order"]
        return dict(made)

    def sell(self, **changes: Any) -> str:
        return str(self.create(**changes)["id"])

    def shipped(self, lines: dict[str, int] | None = None, **changes: Any) -> str:
        """The id of an order of which all, or so much, has left."""
        made = self.create(**changes)
        self.control("ship", order=made["name"], tracking_number="1Z", **({"lines": lines} if lines else {}))
        return str(made["id"])

    def order(self, order_id: str) -> dict[str, Any]:
        return dict(self.ask(ORDER, id=order_id))

    def line(self, order_id: str, sku: str = FIG) -> dict[str, Any]:
        return next(line for line in self.order(order_id)["lineItems"]["nodes"] if line["sku"] == sku)

    def returns(self, order_id: str) -> list[dict[str, Any]]:
        return list(self.ask(RETURNS, id=order_id)["returns"]["nodes"])

    def goods(self, order_id: str) -> dict[str, Any]:
        """Its one fulfillment order."""
        (found,) = self.order(order_id)["fulfillmentOrders"]["nodes"]
        return dict(found)

    def variant(self, sku: str) -> dict[str, Any]:
        return next(one for one in self.shop.variants.values() if one["sku"] == sku)

    def stock(self, sku: str = FIG) -> int:
        return int(self.variant(sku)["inventoryQuantity"])

    def entries(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.world.ledger if entry["event"] == event]


def bag(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}
