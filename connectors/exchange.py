"""One request over the network and its answer, for lanes and for calls that a person waits for. Nothing is repeated."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from connectors.base.errors import UnreadableAnswer

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
LONGEST_ANSWER = 20 * 1024 * 1024


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


class Exchange(Protocol):
    """One request and its answer, whatever its status. Raises the HTTP library's own errors."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer: ...


def by_session() -> Exchange:
    """Exchanges over a session of its own, which ignores the machine's proxies and .netrc: for calls a person waits
    for. Never repeats a call by itself."""
    session = cache(_make_session)

    def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        with session().request(
            method,
            url,
            headers=headers,
            data=body,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            return _read(response.raw, response.status_code, response.headers)

    return exchange


def _make_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=4, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


@cache
def _pool() -> urllib3.PoolManager:
    """Connections kept open, of all lanes of this process together."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    return urllib3.PoolManager(num_pools=200, maxsize=64, block=False, retries=False, timeout=timeout)


def _pool_of(address: str) -> urllib3.HTTPConnectionPool:
    return _pool().connection_from_url(address)


os.register_at_fork(after_in_child=_pool.cache_clear)


def by_pool(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """Exchanges over the connections that this process keeps open: for lanes. Never repeats a call by itself."""
    scheme, host, path, query, _ = urlsplit(url)
    response = _pool_of(f"{scheme}://{host}").urlopen(
        method,
        f"{path or '/'}?{query}" if query else path or "/",
        headers=headers,
        body=body,
        redirect=False,
        retries=False,
        assert_same_host=False,
        preload_content=False,
    )
    try:
        return _read(response, response.status, response.headers)
    except BaseException:
        response.close()  # what is unread must not be taken for the next answer
        raise


def _read(response: Any, status: int, headers: Mapping[str, str]) -> Answer:
    content = response.read(LONGEST_ANSWER + 1, decode_content=True)
    if len(content) > LONGEST_ANSWER:
        raise urllib3.exceptions.DecodeError("answer too large")
    return Answer(status=status, headers={name.lower(): value for name, value in headers.items()}, body=content)
