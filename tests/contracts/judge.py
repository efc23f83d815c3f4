"""The platforms' own models judge what is sent and what the sandbox answers, where the contracts folder is at hand.

Shopify's documents are executed by the sandbox on the official schema itself; Squarespace publishes no model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

CONTRACTS = Path(__file__).resolve().parents[2].parent / "shared/contracts"
if (CONTRACTS / "shopify-admin.schema.graphql").is_file():
    os.environ.setdefault("SANDBOX_SHOPIFY_SCHEMA", str(CONTRACTS / "shopify-admin.schema.graphql"))

OUTBOUND, INVENTORY = "fulfillmentOutbound_2020-07-01.json", "fbaInventory.json"
# Our operation: the file, what the request has to be, and what the answer.
AMAZON = {
    "orders.create": (OUTBOUND, "CreateFulfillmentOrderRequest", "CreateFulfillmentOrderResponse"),
    "orders.get": (OUTBOUND, "", "GetFulfillmentOrderResponse"),
    "orders.changed": (OUTBOUND, "", "ListAllFulfillmentOrdersResponse"),
    "orders.cancel": (OUTBOUND, "", "CancelFulfillmentOrderResponse"),
    "orders.preview": (OUTBOUND, "GetFulfillmentPreviewRequest", "GetFulfillmentPreviewResponse"),
    "features.list": (OUTBOUND, "", "GetFeaturesResponse"),
    "inventory.list": (INVENTORY, "", "GetInventorySummariesResponse"),
}
WIX = {
    "orders.create": ("orders", "CreateOrderRequest"),
    "orders.cancel": ("orders", "CancelOrderRequest"),
    "orders.find": ("orders", "SearchOrdersRequest"),
    "orders.changed": ("orders", "SearchOrdersRequest"),
    "payments.add": ("transactions", "AddPaymentsRequest"),
    "refunds.able": ("billing", "GetOrderRefundabilityRequest"),
    "refunds.create": ("billing", "RefundPaymentsRequest"),
    "variants.search": ("variants_v3", "QueryVariantsRequest"),
}
# The typings call these read-only, since an update cannot touch them; create requires them.
WRITABLE_ON_CREATE = {"Order.lineItems", "Order.priceSummary"}


class Judge:
    """Looks at every call of one test. `wrong` is what was found."""

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self.wrong: list[str] = []

    def look(self, operation: str, *, path: str, request: bytes | None, status: int, answer: bytes) -> None:
        if not CONTRACTS.is_dir():
            return
        if self.platform == "amazon" and operation in AMAZON:
            self._amazon(operation, request, status, answer)
        elif self.platform == "wix" and operation in WIX and "/stores-reader/" not in path:
            service, kind = WIX[operation]
            wix_check(json.loads(request or b"{}"), kind, wix_shapes()[service], self.wrong, operation)

    def _amazon(self, operation: str, request: bytes | None, status: int, answer: bytes) -> None:
        file, asked, answered = AMAZON[operation]
        if asked:
            self._validate(file, asked, json.loads(request or b"{}"), f"{operation} request")
        try:
            said = json.loads(answer)
        except ValueError:
            return  # made so on purpose
        if status < 500 and isinstance(said, dict):
            self._validate(file, answered, said, f"{operation} answer")

    def _validate(self, file: str, definition: str, value: Any, where: str) -> None:
        try:
            _validator(file, definition).validate(value)
        except jsonschema_rs.ValidationError as error:
            self.wrong.append(f"{where}: {error.message}")


@cache
def _validator(file: str, definition: str) -> Any:
    definitions = json.loads((CONTRACTS / "amazon" / file).read_text())["definitions"]
    return jsonschema_rs.validator_for({"$ref": f"#/definitions/{definition}", "definitions": definitions})


@cache
def wix_shapes() -> Mapping[str, Any]:
    """The shapes of Wix's bodies, by service."""
    return dict(json.loads((CONTRACTS / "wix/rest_shapes.json").read_text()))


def wix_check(value: Any, kind: str, found: Mapping[str, Any], wrong: list[str], where: str) -> None:
    """Every field known, none read-only, no text too long, every enum value there."""
    if kind.endswith("[]"):
        for place, each in enumerate(value):
            wix_check(each, kind[:-2], found, wrong, f"{where}[{place}]")
    elif kind in found["enums"]:
        if value not in found["enums"][kind]:
            wrong.append(f"{where}: {value}")
    elif kind in found["objects"]:
        for name, part in value.items():
            rule = found["objects"][kind].get(name)
            if rule is None or (rule.get("readonly") and f"{kind}.{name}" not in WRITABLE_ON_CREATE):
                wrong.append(f"{where}.{name}: unknown or read-only")
                continue
            if isinstance(part, str) and len(part) > rule.get("maxLength", len(part)):
                wrong.append(f"{where}.{name}: longer than {rule['maxLength']}")
            wix_check(part, rule["type"], found, wrong, f"{where}.{name}")
