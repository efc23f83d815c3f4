"""The one HTTP client. It never retries a call that may have changed something, and keeps a scrubbed record of each.

No Django here: the registry hands a client to each connector and stores the records.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import requests
import urllib3

from connectors import machine
from connectors.base.errors import (
    AuthorizationError,
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TemporaryError,
)
from connectors.exchange import Answer, Exchange, by_session
from connectors.pacing import OutOfTurn, Pace
from connectors.scrubbing import scrub_text

PATIENT_TRIES, SHORT_PAUSE, LONGEST_PAUSE = 3, 0.3, 5.0


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

    @property
    def was_answered(self) -> bool:
        """Whether the platform said anything of use, be it a refusal."""
        return 0 < self.status < 500


_in_line: set[int] = set()


def is_in_line(thread: int) -> bool:
    """Whether this thread waits for its call's turn; else it waits for the platform, or does something else."""
    return thread in _in_line


class TooLate(TemporaryError):
    """Whoever claimed the call had no time left for it. Nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=0)


_thread = threading.local()


@contextmanager
def no_later_than(moment: float) -> Iterator[None]:
    """In this thread, calls that change something are not sent after this moment of the steady clock: TooLate.

    The clock runs on while a process is stopped, so one that wakes up late sends nothing more.
    """
    _thread.send_by = moment
    try:
        yield
    finally:
        del _thread.send_by


@contextmanager
def patiently(*, tries: int = PATIENT_TRIES) -> Iterator[None]:
    """In this thread, calls that change nothing and fail for now are made again, up to so many times in all: what takes
    several calls is not begun anew for one of them. A call that no answer came to is made again only where the
    platform answered another in here: one that hangs is not waited for twice."""
    outer = getattr(_thread, "patience", None)
    _thread.patience = _Patience(tries)
    try:
        yield
    finally:
        _thread.patience = outer


@dataclass(slots=True)
class _Patience:
    tries: int
    has_answered: bool = False


@dataclass(slots=True)
class HttpClient:
    """Sends requests for one store. `private_keys` are the JSON names that hold buyers' data on this platform.

    With a `pace` each call waits for its turn; one whose turn is far away is not sent.
    """

    private_keys: frozenset[str] = frozenset()
    exchange: Exchange = field(default_factory=lambda: by_session())
    record: Callable[[CallRecord], object] = id
    clock: Callable[[], float] = time.monotonic
    pace: Pace | None = None

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
        call is safe, OutcomeUnknown when it may have been carried out, RateLimited when its turn has not come.
        """
        patience: _Patience = (getattr(_thread, "patience", None) if is_safe else None) or _Patience(tries=1)
        for _ in range(patience.tries - 1):
            pause = None
            try:
                answer = self._send(method, url, operation, is_safe, params, headers, body)
            except RateLimited:
                raise
            except TemporaryError:
                if not patience.has_answered:
                    raise
            else:
                patience.has_answered = True
                if answer.status != 429 and answer.status < 500:
                    return answer
                pause = answer.retry_after()
            machine.current().sleep(min(LONGEST_PAUSE, SHORT_PAUSE if pause is None else pause))
        return self._send(method, url, operation, is_safe, params, headers, body)

    def _send(
        self,
        method: str,
        url: str,
        operation: str,
        is_safe: bool,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Answer:
        send_by: float = math.inf if is_safe else getattr(_thread, "send_by", math.inf)
        self._wait_for_turn(operation, within=send_by - machine.current().steady())
        if machine.current().steady() > send_by:
            self._answered(operation)
            raise TooLate("The call came too late to be made; it is made again")
        began = self.clock()
        answer: Answer | None = None
        failure = ""
        try:
            address = f"{url}?{urlencode(params)}" if params else url
            answer = self.exchange(method, address, headers or {}, body)
            if answer.status == 429:
                self.refused(operation, retry_after=answer.retry_after())
            return answer
        except (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError) as error:
            failure = "no connection in time"
            raise TemporaryError("The platform could not be reached") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = type(error).__name__
            if is_safe or _never_sent(error):
                raise TemporaryError("The platform did not answer") from error
            raise OutcomeUnknown("The connection broke before an answer came") from error
        finally:
            self._answered(operation)
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

    def _answered(self, operation: str) -> None:
        if self.pace is not None:
            self.pace.answered(operation)

    def learn(self, operation: str, **said: float) -> None:
        """What an answer said of this store's allowance: see `Pace.learn`."""
        if self.pace is not None:
            self.pace.learn(operation, **said)

    def refused(self, operation: str, *, retry_after: float | None = None) -> None:
        """The platform refused a call for its pace; `send` sees the status 429 by itself."""
        if self.pace is not None:
            self.pace.refused(operation, retry_after=retry_after)

    def _wait_for_turn(self, operation: str, *, within: float) -> None:
        if self.pace is None:
            return
        _in_line.add(threading.get_ident())
        try:
            self.pace.take(operation, within=max(0.0, within))
        except OutOfTurn as error:
            raise RateLimited("The store's allowance is used up for now", retry_after=error.wait) from error
        finally:
            _in_line.discard(threading.get_ident())


def _request_id(answer: Answer | None) -> str:
    """The id the platform gave this call, under whichever name it uses."""
    names = ("x-request-id", "x-amzn-requestid", "x-wix-request-id")
    return next((answer.headers[name] for name in names if name in answer.headers), "") if answer else ""


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


def _never_sent(error: Exception) -> bool:
    """Whether the connection was refused, so that the request cannot have arrived."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return True
        reason = getattr(cause, "reason", None)
        cause = reason if isinstance(reason, BaseException) else (cause.__cause__ or cause.__context__)
    text = str(error)
    return "NewConnectionError" in text or "NameResolutionError" in text
