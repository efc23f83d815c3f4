"""A signed call to TikTok Shop's Partner API, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.base.connector import Source
from connectors.base.errors import (
    AuthorizationError,
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
from connectors.platforms.tiktok_shop import signing

# Codes: https://partner.tiktokshop.com/docv2/page/common-errors and the errors of each call's page (read 2026-11)
_REASONS = {
    **dict.fromkeys(["21011007", "21008044"], "CANCEL_PENDING"),
    **dict.fromkeys(["21011022", "21004012", "21004015", "11028006"], "TRACKING_INVALID"),
    **dict.fromkeys(["21011025", "21034012", "21011026"], "TRACKING_DUPLICATE"),
    # 21011030: delivered. Nothing is left to change.
    **dict.fromkeys(["21011049", "21011050", "21011051", "21011052", "21011030"], "TRACKING_EDIT_SPENT"),
    **dict.fromkeys(["21008025", "21008106", "21008117"], "NOT_SELLER_SHIPPING"),
    **dict.fromkeys(["21011029", "21011048"], "MIXED_FULFILMENT"),
    **dict.fromkeys(["21011041", "21011042", "25001051", "25020009"], "ALREADY_CANCELLED"),
    "25001011": "CANCEL_PENDING",  # in process, or done before
    **dict.fromkeys(["25005010", "25005011"], "NOT_SUPPORTED"),  # no single items, or not so many
}
# The versions of the calls after the sale, which TikTok Shop renews one by one: here is where to follow. They are tried
# in their turn until one is there. What is read is read in 202602 first, seen in traffic since July 2026: it holds what
# the reference's 202309 does, and more (exchanges, refunds paid at once, whether to restock, reasons). What is changed
# is changed as the reference says, for as long as that is served.
VERSIONS = {
    "eligibility": ("202602", "202309"),
    "search_cancels": ("202602", "202309"),
    "search_returns": ("202602", "202309"),
    "cancel": ("202309", "202602"),
    "answer_cancel": ("202309",),
    "approve_return": ("202309",),
    "reject_return": ("202309", "202606"),
    "reject_reasons": ("202309",),
}
OLDEST_CHANGE_FIRST = {"page_size": "50", "sort_field": "update_time", "sort_order": "ASC"}
LOCALE = "en-US"  # of the texts beside the keys
_NO_SUCH_VERSION = frozenset(["36009009", "36009010", "36009014"])
_ON_HOLD = "21011044"
_FAILED_INSIDE = frozenset(
    [
        *["36009003", "36009007", "21001003", "11001027", "21001008", "21001011"],
        *["25001028", "25001058", "25007002"],  # the case is locked, or could not be loaded
    ]
)
_TOKEN_REFUSED = frozenset(["105000", "105001", "105002", "101000"])
# A call is refused whose timestamp is further from TikTok's clock than this: our clock is so much ahead at most, or
# behind. https://partner.tiktokshop.com/docv2/page/sign-your-api-request (read 2026-11)
MOST_AHEAD, MOST_BEHIND = timedelta(seconds=30), timedelta(minutes=5)


class Data(dict[str, Any]):
    """The `data` of a good answer, and TikTok's clock when it gave it."""

    told_at: datetime | None = None


class Wire(Source):
    """What every call has in common."""

    def _call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        is_safe: bool | None = None,
        has_shop: bool = True,
    ) -> Data:
        """One signed call: its `data`. `path` is signed without the base URL's own path."""
        safe = method in ("GET", "PUT") if is_safe is None else is_safe
        sent_at = self.clock()
        sent = {
            "app_key": self.config["APP_KEY"],
            "timestamp": str(int(sent_at.timestamp())),
            **({"shop_cipher": self.store.extra["cipher"]} if has_shop and self.store else {}),
            **(query or {}),
        }
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() if body is not None else b""
        sent["sign"] = signing.request_signature(path=path, query=sent, body=raw, secret=self.config["APP_SECRET"])
        token = self.credentials.access_token if self.credentials else ""
        answer = self.http.send(
            method,
            f"{self.config['API_URL']}{path}",
            operation=operation,
            is_safe=safe,
            params=sent,
            headers={"x-tts-access-token": token, "content-type": "application/json"},
            body=raw or None,
        )
        data = Data(_data_of(answer, is_safe=safe))
        data.told_at = clock_there(answer, sent_at=sent_at)
        return data

    def _after_sale(self, method: str, call: str, rest: str, **more: Any) -> Data:
        """A call after the sale, in the first of its versions that is there."""
        *firsts, last = VERSIONS[call]
        for version in firsts:
            try:
                return self._call(method, f"/return_refund/{version}/{rest}", **more)
            except PermanentError as error:
                if not is_unknown_version(error):
                    raise
        return self._call(method, f"/return_refund/{last}/{rest}", **more)

    def _pages(self, ask: Callable[[Mapping[str, str]], Data], query: Mapping[str, str]) -> Iterator[Data]:
        """Each page of a search. The last one is told by its empty token alone: pages may be short, counts wrong."""
        while True:
            data = ask(query)
            yield data
            token = data.get("next_page_token")
            if not isinstance(token, str) or not token or token == query.get("page_token"):
                return
            query = {**query, "page_token": token}


def clock_there(answer: Answer, *, sent_at: datetime) -> datetime:
    """TikTok's clock, not ours, at a call that it took: by its `Date` header, in whole seconds, which are the past.

    A header that is missing, or cannot be right, counts as the earliest moment it can be there.
    """
    earliest = sent_at - MOST_AHEAD
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return earliest
    told = told.replace(tzinfo=told.tzinfo or UTC)
    return told if earliest <= told <= sent_at + MOST_BEHIND else earliest


def is_unknown_version(error: PlatformError) -> bool:
    """Whether the call is not there, or not any more, in the version of its path."""
    return error.code in _NO_SUCH_VERSION or (error.code == "36009004" and "version" in error.message.lower())


def _data_of(answer: Answer, *, is_safe: bool) -> dict[str, Any]:
    """`data` of a good answer; success is code 0, whatever the HTTP status. Raises PlatformError."""
    try:
        content = envelope_of(answer)
    except UnreadableAnswer as error:
        failure = failure_of(answer, is_safe=is_safe)
        # A gateway's page in between is no word of TikTok Shop's: nothing is given up for it.
        kind = TemporaryError if is_safe else OutcomeUnknown
        raise failure or kind("TikTok Shop's answer could not be read") from error
    code = content.get("code")
    if code == 0:
        data = content.get("data")
        return dict(data) if isinstance(data, Mapping) else {}
    raise _failure(answer, str(code), message_of(content), is_safe=is_safe)


def _failure(answer: Answer, code: str, message: str, *, is_safe: bool) -> PlatformError:
    text = f"TikTok Shop: {message}"
    if code == "36009002" or answer.status == 429:
        return RateLimited(text, code=code, retry_after=answer.retry_after())
    if code == "105005":
        return ScopeMissing(text, code=code, reason="SCOPE_MISSING")
    is_about_token = code == "36009004" and "token" in message.lower() and "page" not in message.lower()
    if code in _TOKEN_REFUSED or is_about_token:
        return AuthorizationError(text, code=code)
    if code == "106001":
        return PermanentError(f"{text}. Check the app's secret in the settings", code=code)
    if code == _ON_HOLD:
        return TemporaryError(text, code=code, reason="STILL_ON_HOLD", retry_after=30)
    if code in _FAILED_INSIDE or answer.status >= 500:
        return TemporaryError(text, code=code) if is_safe else OutcomeUnknown(text, code=code)
    return PermanentError(text, code=code, reason=_REASONS.get(code, "REMOTE_ERROR"))


def envelope_of(answer: Answer) -> dict[str, Any]:
    """The whole answer. Raises UnreadableAnswer if it is none of TikTok Shop's."""
    content = answer.json()
    if not isinstance(content, dict) or "code" not in content:
        raise UnreadableAnswer(f"The answer (HTTP {answer.status}) is not TikTok Shop's")
    return content


def message_of(content: Mapping[str, Any]) -> str:
    """TikTok's own words, without the link it likes to add; they name fields, never a buyer."""
    return str(content.get("message") or "no reason given").partition(" For more")[0].strip()[:200]
