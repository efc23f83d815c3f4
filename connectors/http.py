"""The one HTTP client. It never retries a call that may have changed something, and keeps a scrubbed record of each.

No Django here: the registry hands a client to each connector and stores the records.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

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

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
LONGEST_ANSWER = 20 * 1024 * 1024
LONGEST_RECORD = 16 * 1024
REDACTED = "[redacted]"

# Names whose values are secrets on any platform. Buyers' data is named by each platform (`private_keys`).
SECRET_KEYS = frozenset(
    [
        "access_token",
        "refresh_token",
        "app_secret",
        "client_secret",
        "auth_code",
        "code",
        "sign",
        "signature",
        "hmac",
        "authorization",
        "x-tts-access-token",
        "x-shopify-access-token",
        "password",
        "secret",
        "token",
    ]
)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as it may be shown: no secret, no buyer's data. `status` 0 means no answer came."""

    operation: str
    method: str
    path: str
    status: int
    milliseconds: int
    request: str
    answer: str
    error: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer: status, headers in lower case, and the raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, floats kept as text so that no amount is bent. Raises UnreadableAnswer."""
        try:
            return json.loads(self.body, parse_float=str)
        except (ValueError, RecursionError) as error:
            raise UnreadableAnswer(f"The answer (HTTP {self.status}) is not JSON") from error

    def retry_after(self) -> float | None:
        """The `Retry-After` header in seconds, where it is a number."""
        try:
            return max(0.0, float(self.headers.get("retry-after", "")))
        except ValueError:
            return None


def scrub(value: Any, private: frozenset[str]) -> Any:
    """A copy of a JSON value with every secret and every buyer's datum replaced by a marker."""
    if isinstance(value, Mapping):
        hidden = SECRET_KEYS | private
        return {
            key: (REDACTED if str(key).lower() in hidden and item not in (None, "", [], {}) else scrub(item, private))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrub(item, private) for item in value]
    return value


def scrub_text(body: bytes | str | None, private: frozenset[str]) -> str:
    """A body fit for the timeline: scrubbed JSON, cut to size; anything that is not JSON is only measured."""
    if not body:
        return ""
    try:
        parsed = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        return f"({len(body)} bytes, not JSON)"
    text = json.dumps(scrub(parsed, private), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= LONGEST_RECORD else text[:LONGEST_RECORD] + "…"


@dataclass(slots=True)
class HttpClient:
    """Sends requests for one store. `private_keys` are the JSON names that hold buyers' data on this platform."""

    private_keys: frozenset[str] = frozenset()
    session: requests.Session = field(default_factory=lambda: make_session())
    record: Callable[[CallRecord], object] = id
    clock: Callable[[], float] = time.monotonic

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        is_safe: bool,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and return whatever answer came, whatever its status.

        `is_safe`: the call changes nothing, or may be repeated. Raises TemporaryError when nothing was sent or the
        call is safe, OutcomeUnknown when it may have been carried out.
        """
        began = self.clock()
        answer: Answer | None = None
        failure = ""
        try:
            answer = self._exchange(method, url, params=params, headers=headers, body=body)
            return answer
        except requests.exceptions.ConnectTimeout as error:
            failure = "no connection in time"
            raise TemporaryError("The platform could not be reached") from error
        except requests.exceptions.RequestException as error:
            failure = type(error).__name__
            if is_safe or _never_sent(error):
                raise TemporaryError("The platform did not answer") from error
            raise OutcomeUnknown("The connection broke before an answer came") from error
        finally:
            self.record(
                CallRecord(
                    operation=operation,
                    method=method,
                    path=urlsplit(url).path,
                    status=answer.status if answer else 0,
                    milliseconds=round((self.clock() - began) * 1000),
                    request=scrub_text(body, self.private_keys),
                    answer=scrub_text(answer.body, self.private_keys) if answer else "",
                    error=failure,
                    request_id=_request_id(answer)[:100],
                )
            )

    def _exchange(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Answer:
        with self.session.request(
            method,
            url,
            params=params,
            headers=headers,
            data=body,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = response.raw.read(LONGEST_ANSWER + 1, decode_content=True)
            if len(content) > LONGEST_ANSWER:
                raise requests.exceptions.ContentDecodingError("answer too large")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, headers=names, body=content)


def _request_id(answer: Answer | None) -> str:
    """The id the platform gave this call, under whichever name it uses."""
    names = ("x-request-id", "x-amzn-requestid", "x-wix-request-id")
    return next((answer.headers[name] for name in names if name in answer.headers), "") if answer else ""


def make_session() -> requests.Session:
    """A session that keeps connections, never retries by itself, and ignores the machine's proxies and .netrc."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=64, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def failure_of(answer: Answer, *, is_safe: bool) -> PlatformError | None:
    """The failure a bare HTTP status stands for, or None for 2xx. A platform overrides single cases, with a comment."""
    status = answer.status
    if 200 <= status < 300:
        return None
    code = str(status)
    if status == 401:
        return AuthorizationError("The token was refused", code=code)
    if status == 403:
        return ScopeMissing("A permission is missing", code=code)
    if status == 429:
        return RateLimited("Too many requests", code=code, retry_after=answer.retry_after())
    if status == 503:
        return TemporaryError("The platform is overloaded", code=code, retry_after=answer.retry_after())
    if status >= 500 or status == 408:
        kind = TemporaryError if is_safe else OutcomeUnknown
        return kind(f"The platform failed (HTTP {status})", code=code)
    return PermanentError(f"The platform refused the call (HTTP {status})", code=code)


def _never_sent(error: requests.exceptions.RequestException) -> bool:
    """Whether the connection was refused, so that the request cannot have arrived."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return True
        reason = getattr(cause, "reason", None)
        cause = reason if isinstance(reason, BaseException) else (cause.__cause__ or cause.__context__)
    text = str(error)
    return "NewConnectionError" in text or "NameResolutionError" in text
