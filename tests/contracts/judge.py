"""The platforms' own models judge what is sent and what the sandbox answers, where the contracts folder is at hand.

Shopify's documents are executed by the sandbox on the official schema itself; Squarespace publishes no model.
"""

from __future__ import annotations

import json
import os
import re
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
    "returns.reasons": (OUTBOUND, "", "ListReturnReasonCodesResponse"),
    "returns.create": (OUTBOUND, "CreateFulfillmentReturnRequest", "CreateFulfillmentReturnResponse"),
    "features.list": (OUTBOUND, "", "GetFeaturesResponse"),
    "inventory.list": (INVENTORY, "", "GetInventorySummariesResponse"),
}
# Our operation: the service, what the request has to be, and what the answer.
WIX = {
    "orders.create": ("orders", "CreateOrderRequest", "CreateOrderResponse"),
    "orders.get": ("orders", "", "GetOrderResponse"),
    "orders.cancel": ("orders", "CancelOrderRequest", "CancelOrderResponse"),
    "orders.find": ("orders", "SearchOrdersRequest", "SearchOrdersResponse"),
    "orders.changed": ("orders", "SearchOrdersRequest", "SearchOrdersResponse"),
    "fulfillments.get": ("fulfillments", "", "ListFulfillmentsForSingleOrderResponse"),
    "payments.get": ("transactions", "", "ListTransactionsForSingleOrderResponse"),
    "payments.add": ("transactions", "AddPaymentsRequest", "AddPaymentsResponse"),
    "refunds.able": ("billing", "GetOrderRefundabilityRequest", "GetOrderRefundabilityResponse"),
    "refunds.create": ("billing", "RefundPaymentsRequest", "RefundPaymentsResponse"),
    "variants.search": ("variants_v3", "QueryVariantsRequest", "QueryVariantsResponse"),
}
# The typings call these read-only, since an update cannot touch them; create requires them.
WRITABLE_ON_CREATE = {"Order.lineItems", "Order.priceSummary"}
# Text in the typings, a number in published examples.
TEXT_OR_NUMBER = {"Order.number"}
# Required by the typings, and said in the path.
IN_THE_PATH = {"CancelOrderRequest.id", "AddPaymentsRequest.orderId"}
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)


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
            self._wix(operation, request, status, answer)

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

    def _wix(self, operation: str, request: bytes | None, status: int, answer: bytes) -> None:
        service, asked, answered = WIX[operation]
        found = wix_shapes()[service]
        if asked:
            wix_check(json.loads(request or b"{}"), asked, found, self.wrong, operation)
        try:
            said = json.loads(answer)
        except ValueError:
            return  # made so on purpose
        if status == 200:
            wix_check(said, answered, found, self.wrong, f"{operation} answer", is_answer=True)

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


def wix_check(
    value: Any, kind: str, found: Mapping[str, Any], wrong: list[str], where: str, *, is_answer: bool = False
) -> None:
    """Every field known, none of a request read-only or missing, every text, list, number and enum value in bounds."""
    if kind in found["enums"]:
        if value not in found["enums"][kind]:
            wrong.append(f"{where}: {value}")
    elif kind in found["objects"]:
        rules = found["objects"][kind]
        for name, rule in rules.items():
            if rule.get("required") and name not in value and f"{kind}.{name}" not in IN_THE_PATH:
                wrong.append(f"{where}.{name}: missing")
        for name, part in value.items():
            rule, field = rules.get(name), f"{kind}.{name}"
            if rule is None or (rule.get("readonly") and not is_answer and field not in WRITABLE_ON_CREATE):
                wrong.append(f"{where}.{name}: unknown or read-only")
            elif part is not None and not (field in TEXT_OR_NUMBER and isinstance(part, int)):
                _check_field(part, rule, found, wrong, f"{where}.{name}", is_answer=is_answer)


def _check_field(
    part: Any, rule: Mapping[str, Any], found: Mapping[str, Any], wrong: list[str], where: str, *, is_answer: bool
) -> None:
    kind = rule["type"]
    if kind.endswith("[]") and isinstance(part, list):
        if not rule.get("minSize", 0) <= len(part) <= rule.get("maxSize", len(part)):
            wrong.append(f"{where}: {len(part)} entries")
        for place, each in enumerate(part):
            _check_field(each, {**rule, "type": kind[:-2]}, found, wrong, f"{where}[{place}]", is_answer=is_answer)
    elif not _fits(part, rule):
        wrong.append(f"{where}: {str(part)[:60]} is not within {rule}")
    else:
        wix_check(part, kind, found, wrong, where, is_answer=is_answer)


def _fits(part: Any, rule: Mapping[str, Any]) -> bool:
    kind = rule["type"]
    if kind == "boolean":
        return isinstance(part, bool)
    if kind == "number":
        is_number = isinstance(part, int | float) and not isinstance(part, bool)
        return is_number and rule.get("min", part) <= part <= rule.get("max", part)
    if kind in ("string", "Date"):
        is_long_enough = isinstance(part, str) and len(part) >= rule.get("minLength", 0)
        if not is_long_enough or len(part) > rule.get("maxLength", len(part)):
            return False
        return rule.get("format") != "GUID" or bool(_GUID.fullmatch(part))
    return not kind.endswith("[]")
