"""Fulfillment Outbound 2020-07-01: its paths and its errors. The model of 2026-07-04 would be another such class."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from connectors.base.errors import (
    AuthorizationError,
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    RateLimited,
    TemporaryError,
    UnreadableAnswer,
)
from connectors.base.types import CreateRequest
from connectors.exchange import Answer
from connectors.http import HttpClient, failure_of

_BASE = "/fba/outbound/2020-07-01"
CREATE_PATH = f"{_BASE}/fulfillmentOrders"
_USER_AGENT = "VeriSync/1.0 (Language=Python)"
# The model has a 404 for what is not there; other parts of the API say it with a 400 (guess that this one may as well).
_ABSENT = re.compile(r"order\b.*\b(does not exist|doesn't exist|not found|not be found)")


class Outbound20200701:
    """One selling account's fulfillment orders. `url` is the region's host."""

    def __init__(self, *, http: HttpClient, url: str, token: str) -> None:
        self.http = http
        self.url = url
        self.token = token

    def create(self, sent: CreateRequest) -> None:
        """Not repeatable by itself: the order's id is its only key."""
        self.send(sent.method, sent.path, sent.body, operation="orders.create", is_safe=False)

    def get(self, order_id: str) -> dict[str, Any] | None:
        """The order's payload, or None if there is none."""
        path = f"{_BASE}/fulfillmentOrders/{quote(order_id, safe='')}"
        try:
            payload = self.send("GET", path, None, operation="orders.get", is_safe=True).get("payload")
        except PermanentError as error:
            if error.code == "404":
                return None
            raise
        if not isinstance(payload, dict):
            raise TemporaryError("Amazon's answer holds no order")
        return payload

    def cancel(self, order_id: str) -> None:
        """200 means that the request was taken: read again to know. May be repeated."""
        path = f"{_BASE}/fulfillmentOrders/{quote(order_id, safe='')}/cancel"
        self.send("PUT", path, None, operation="orders.cancel", is_safe=False)

    def return_reasons(self, sku: str, order_id: str, marketplace_id: str) -> list[dict[str, Any]]:
        """The reasons for which this item of the order may be returned."""
        query = {"sellerSku": sku, "marketplaceId": marketplace_id, "sellerFulfillmentOrderId": order_id}
        said = self.send(
            "GET", f"{_BASE}/returnReasonCodes", None, operation="returns.reasons", is_safe=True, query=query
        )
        rows = (said.get("payload") or {}).get("reasonCodeDetails") or []
        return [row for row in rows if isinstance(row, dict)]

    def create_return(self, order_id: str, items: list[dict[str, str]]) -> dict[str, Any]:
        """What was taken and what was not: both with a 200. Not repeatable by itself: the items' ids are its keys."""
        path = f"{_BASE}/fulfillmentOrders/{quote(order_id, safe='')}/return"
        said = self.send("PUT", path, {"items": items}, operation="returns.create", is_safe=False)
        payload = said.get("payload")
        if not isinstance(payload, dict):
            raise OutcomeUnknown("Amazon's answer to the return names no item")
        return payload

    def changed(self, since: str) -> Iterator[dict[str, Any]]:
        """Orders whose status changed since then, without their shipments."""
        query = {"queryStartDate": since}
        while True:
            said = self.send(
                "GET", f"{_BASE}/fulfillmentOrders", None, operation="orders.changed", is_safe=True, query=query
            )
            payload = said.get("payload") or {}
            yield from (order for order in payload.get("fulfillmentOrders") or [] if isinstance(order, dict))
            token = payload.get("nextToken")
            if not token or token == query.get("nextToken"):
                return
            query = {"nextToken": str(token)}

    def preview(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What would become of an order."""
        return self.send("POST", f"{_BASE}/fulfillmentOrders/preview", body, operation="orders.preview", is_safe=True)

    def features(self, marketplace_id: str) -> dict[str, Any]:
        """The features of the marketplace: the cheapest call that proves the permission."""
        query = {"marketplaceId": marketplace_id}
        return self.send("GET", f"{_BASE}/features", None, operation="features.list", is_safe=True, query=query)

    def inventory(self, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """FBA stock, by the inventory API that belongs to it; its token stands beside the payload."""
        path, token = "/fba/inventory/v1/summaries", ""
        while True:
            asked = {**query, "nextToken": token} if token else query
            said = self.send("GET", path, None, operation="inventory.list", is_safe=True, query=asked)
            rows = (said.get("payload") or {}).get("inventorySummaries") or []
            yield from (row for row in rows if isinstance(row, dict))
            before, token = token, str((said.get("pagination") or {}).get("nextToken") or "")
            if not token or token == before:
                return

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | str | None,
        *,
        operation: str,
        is_safe: bool,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One call; a 200 that holds errors is a refusal."""
        answer = self.http.send(
            method,
            self.url + path,
            operation=operation,
            is_safe=is_safe,
            params=query,
            headers={
                "x-amz-access-token": self.token,
                "User-Agent": _USER_AGENT,
                "Content-Type": "application/json",
            },
            body=None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode(),
        )
        said = _object(answer)
        with suppress(ValueError):  # the rate in force for this seller, where Amazon names it
            self.http.learn(operation, rate=float(answer.headers.get("x-amzn-ratelimit-limit", "")))
        if failure := _failure(answer, said, is_safe=is_safe):
            raise failure
        if said is None:
            raise (TemporaryError if is_safe else OutcomeUnknown)("Amazon's answer could not be read")
        return said


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        said = answer.json() if answer.body else {}
    except UnreadableAnswer:
        return None
    return said if isinstance(said, dict) else None


def _failure(answer: Answer, said: Mapping[str, Any] | None, *, is_safe: bool) -> PlatformError | None:
    """https://developer-docs.amazon.com/sp-api/docs/sp-api-errors-faq (read 2026-11): 403 is a token that lapsed, or a
    role that is missing; both need the merchant when a fresh token does not help."""
    status = answer.status
    errors = (said or {}).get("errors") or []
    if status in (401, 403):
        return AuthorizationError("Amazon refused the token, or a role is missing", code=str(status))
    if status == 429:
        # The model names no Retry-After, so the pauses between the tries grow: https://developer-docs.amazon.com/sp-api/
        # docs/usage-plans-and-rate-limits (read 2026-11)
        return RateLimited("Too many requests", code="429", retry_after=answer.retry_after())
    if status == 503 and not is_safe:
        return OutcomeUnknown("Amazon was overloaded during the call", code="503")
    if 200 <= status < 300 and not errors:
        return None
    if 200 <= status < 300 or 400 <= status < 500:
        return _refusal(errors, status)
    return failure_of(answer, is_safe=is_safe)


def _refusal(errors: Any, status: int) -> PermanentError:
    """A refusal in our own words: Amazon's may repeat the buyer's address."""
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, said = str(first.get("code") or status)[:60], str(first.get("message") or "").lower()
    words = {
        "sellersku": ("a SKU of this order is not in FBA there", "PRODUCT_DELETED"),
        "blank_box": ("an item cannot go in an unbranded box; change that in the store's settings", "NOT_SUPPORTED"),
        "block_amzl": (
            "an item cannot go without Amazon Logistics; change that in the store's settings",
            "NOT_SUPPORTED",
        ),
        "address": ("the address", "ADDRESS_INVALID"),
        "postalcode": ("the address's postal code", "ADDRESS_INVALID"),
    }
    for word, (what, reason) in words.items():
        if word in said:
            return PermanentError(f"Amazon refused the call: {what} ({code})", code=str(status), reason=reason)
    if status == 400 and _ABSENT.search(said):
        return PermanentError("Amazon does not know this order", code="404", reason="REMOTE_ERROR")
    field = re.search(r"\b([a-z]+[A-Z]\w+)\b", str(first.get("message") or ""))
    what = f"{field[1]} ({code})" if field else code
    return PermanentError(f"Amazon refused the call: {what}", code=str(status), reason="REMOTE_ERROR")
