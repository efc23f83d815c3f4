"""A call to Shopify's Admin GraphQL API, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.base.connector import Destination
from connectors.base.errors import (
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TemporaryError,
    UnreadableAnswer,
)
from connectors.exchange import Answer
from connectors.http import failure_of
from connectors.platforms.shopify import signing

# Frozen, locked or refused shops: https://shopify.dev/docs/api/usage/response-codes (notes of 2026-09)
_PAUSED = {
    402: "The shop is frozen",
    423: "The shop is locked",
    430: "Shopify's security refused the request",
}
_PAUSE_SECONDS = 3600.0
# Refused before anything ran: the only errors of a change that are no question.
_NEVER_RUN = frozenset(
    [
        "MAX_COST_EXCEEDED",
        "INVALID_VARIABLE",
        "undefinedField",
        "argumentLiteralsIncompatible",
        "missingRequiredArguments",
        "BAD_REQUEST",
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
    ]
)
PAGE = 25


class Wire(Destination):
    """What every call has in common."""

    @property
    def _shop(self) -> str:
        if self.store is not None:
            return self.store.external_id
        return self.credentials.extra.get("shop", "") if self.credentials else ""

    def _shop_url(self, shop: str) -> str:
        domain = signing.shop_domain(shop)
        if not domain:
            raise PermanentError("This is not a shop's myshopify.com domain")
        return (self.config.get("BASE_URL") or "https://{shop}").replace("{shop}", domain).rstrip("/")

    def _post(self, url: str, body: str, *, operation: str, is_safe: bool, token: str = "") -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["X-Shopify-Access-Token"] = token
        return self.http.send("POST", url, operation=operation, is_safe=is_safe, headers=headers, body=body.encode())

    def _http_failure(self, answer: Answer, *, is_safe: bool) -> PlatformError | None:
        if answer.status in _PAUSED:
            return TemporaryError(_PAUSED[answer.status], code=str(answer.status), retry_after=_PAUSE_SECONDS)
        if answer.status == 503 and not is_safe:
            # Shopify does not promise that an overloaded answer did nothing.
            return OutcomeUnknown("Shopify was overloaded during the call", code="503")
        return failure_of(answer, is_safe=is_safe)

    def _ask(
        self, operation: str, document: str, variables: Mapping[str, Any], *, is_safe: bool = True, spared: str = ""
    ) -> dict[str, Any]:
        body = json.dumps({"query": document, "variables": variables})
        return self._run(operation, body, is_safe=is_safe, spared=spared)

    @property
    def _graphql(self) -> str:
        return f"/admin/api/{self.config.get('API_VERSION') or '2026-07'}/graphql.json"

    def _run(self, operation: str, body: str, *, is_safe: bool, spared: str = "") -> dict[str, Any]:
        """Run a document and answer its `data`. Errors beside data raise too: half an answer is none, save for a field
        that may be missing, `spared`."""
        url = f"{self._shop_url(self._shop)}{self._graphql}"
        token = self.credentials.access_token if self.credentials else ""
        answer = self._post(url, body, operation=operation, is_safe=is_safe, token=token)
        if failure := self._http_failure(answer, is_safe=is_safe):
            raise failure
        kind = TemporaryError if is_safe else OutcomeUnknown
        try:
            said = answer.json()
        except UnreadableAnswer as error:
            raise kind("Shopify's answer could not be read") from error
        if not isinstance(said, dict):
            raise kind("Shopify's answer could not be read")
        self._learn(operation, said)
        if spared and isinstance(said.get("errors"), list):
            said["errors"] = [error for error in said["errors"] if spared not in ((error or {}).get("path") or [])]
        data: dict[str, Any] | None = said.get("data") if isinstance(said.get("data"), dict) else None
        if said.get("errors") and not (not is_safe and _has_result(data)):
            failed = _graphql_failure(said, is_safe=is_safe)
            if isinstance(failed, RateLimited):
                self.http.refused(operation, retry_after=failed.retry_after)
            raise failed
        if data is None:
            raise kind("Shopify's answer holds no data")
        return data

    def _learn(self, operation: str, said: Mapping[str, Any]) -> None:
        cost = (said.get("extensions") or {}).get("cost") or {}
        status = cost.get("throttleStatus") or {}
        try:
            self.http.learn(
                operation,
                available=float(status["currentlyAvailable"]),
                rate=float(status["restoreRate"]),
                burst=float(status["maximumAvailable"]),
                cost=float(cost["requestedQueryCost"]),
                **({} if cost.get("actualQueryCost") is None else {"actual": float(cost["actualQueryCost"])}),
            )
        except (KeyError, TypeError, ValueError):
            return

    def _payload(self, mutation: str, document: str, variables: Mapping[str, Any], *, is_safe: bool) -> dict[str, Any]:
        return self._part(mutation, self._ask(mutation, document, variables, is_safe=is_safe), is_safe=is_safe)

    def _part(self, mutation: str, data: Mapping[str, Any], *, is_safe: bool) -> dict[str, Any]:
        payload = data.get(mutation)
        if not isinstance(payload, dict):
            raise (TemporaryError if is_safe else OutcomeUnknown)("Shopify's answer could not be read")
        return payload

    def _nodes(
        self, operation: str, document: str, variables: Mapping[str, Any], connection: str, *, first: int = PAGE
    ) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            page = self._ask(operation, document, {**variables, "first": first, "after": after}).get(connection)
            if not isinstance(page, dict):
                raise TemporaryError("Shopify's answer holds no list")
            yield from (node for node in page.get("nodes") or [] if node)
            info = page.get("pageInfo") or {}
            if not info.get("hasNextPage") or info.get("endCursor") in (None, "", after):
                return
            after = info["endCursor"]


def _has_result(data: Mapping[str, Any] | None) -> bool:
    return any(isinstance(payload, dict) for payload in (data or {}).values())


def _graphql_failure(said: Mapping[str, Any], *, is_safe: bool) -> PlatformError:
    """Top-level errors as one failure. Their text may repeat what was sent, so only code and path are shown.

    https://shopify.dev/docs/api/admin-graphql/latest#status-and-error-codes (notes of 2026-09)
    """
    errors = said["errors"] if isinstance(said["errors"], list) else [{}]
    found = {str(((error or {}).get("extensions") or {}).get("code") or ""): error or {} for error in errors}
    if "THROTTLED" in found:
        return RateLimited("Shopify asked us to slow down", code="THROTTLED", retry_after=_wait(said))
    if "ACCESS_DENIED" in found:
        return ScopeMissing("A permission is missing in Shopify", code="ACCESS_DENIED", reason="SCOPE_MISSING")
    if "SHOP_INACTIVE" in found:
        return TemporaryError("The shop is not active", code="SHOP_INACTIVE", retry_after=_PAUSE_SECONDS)
    code, error = next(iter(found.items()))
    problems = (error.get("extensions") or {}).get("problems") or []
    path = ".".join(str(part) for problem in problems[:1] for part in problem.get("path") or [])
    message = f"Shopify refused the call ({code or 'no code'}{', ' + path if path else ''})"
    if code in _NEVER_RUN:
        reason = "ADDRESS_INVALID" if "shippingAddress" in path else "REMOTE_ERROR"
        return PermanentError(message, code=code, reason=reason)
    return (TemporaryError if is_safe else OutcomeUnknown)(message, code=code)


def _wait(said: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the call costs; one second where Shopify does not say."""
    cost = (said.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    try:
        short = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(0.0, short / float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 1.0
