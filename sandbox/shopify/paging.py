"""Connections: a page of rows behind a cursor."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError


def page(
    rows: list[Any],
    first: int | None = None,
    after: str | None = None,
    show: Callable[[Any], Any] | None = None,
    **_rest: Any,
) -> dict[str, Any]:
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 < first <= 250:
        raise GraphQLError("first cannot exceed 250", extensions={"code": "BAD_REQUEST"})
    start = int(base64.b64decode(after)) if after else 0
    end = start + first
    return {
        "nodes": [show(row) for row in rows[start:end]] if show else rows[start:end],
        "pageInfo": {"hasNextPage": end < len(rows), "endCursor": base64.b64encode(str(end).encode()).decode()},
    }
