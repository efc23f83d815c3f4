"""One request as it came in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True)
class Request:
    """Method, target with its query, and the raw head and body."""

    method: str
    target: str
    head: bytes = b""
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2]))

    @cached_property
    def said(self) -> dict[str, Any]:
        """The body as JSON; an empty object where there is none."""
        found: dict[str, Any] = json.loads(self.body) if self.body else {}
        return found

    def header(self, name: str) -> str:
        """A header's text, "" where it is not there."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode() if found else ""


@dataclass(frozen=True, slots=True)
class Route:
    """An operation by method and path; what the pattern captures is the id that the path names."""

    operation: str
    method: str
    path: re.Pattern[str]


def routes(*rows: tuple[str, str, str]) -> tuple[Route, ...]:
    """Rows of operation, method and the pattern of the whole path."""
    return tuple(Route(operation, method, re.compile(pattern)) for operation, method, pattern in rows)


def find(known: tuple[Route, ...], method: str, path: str) -> tuple[str, str]:
    """The operation, and the id in the path; both "" where none fits."""
    for route in known:
        if route.method == method and (match := route.path.fullmatch(path)):
            return route.operation, match[1] if match.re.groups else ""
    return "", ""
