"""What every answer looks like, and how a request is refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response


class Refusal(Exception):
    """A refusal in the platform's own shape. Business errors arrive with HTTP 200."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def bad_request(message: str) -> Refusal:
    """36009004, the platform's catch-all."""
    return Refusal(36009004, message, 400)


def answer(data: Any, *, code: int = 0, message: str = "Success", status: int = 200) -> Response:
    content = {"code": code, "message": message, "request_id": uuid.uuid4().hex.upper(), "data": data}
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")


def refuse(refusal: Refusal) -> Response:
    return answer(None, code=refusal.code, message=refusal.message, status=refusal.status)


INT, STRING, BOOL, STRINGS, OBJECTS = "int64", "string", "bool", "[]string", "[]object"
OBJECT = "object"


def _has_type(value: Any, expected: str) -> bool:
    if expected == INT:
        return isinstance(value, int) and not isinstance(value, bool)
    if expected == STRING:
        return isinstance(value, str)
    if expected == BOOL:
        return isinstance(value, bool)
    if expected == OBJECT:
        return isinstance(value, dict)
    if not isinstance(value, list):
        return False
    return all(isinstance(entry, str if expected == STRINGS else dict) for entry in value)


def check_fields(body: Mapping[str, Any], types: Mapping[str, str], required: tuple[str, ...] = ()) -> None:
    """Refuses a missing, a mistyped and [guess] an unknown field."""
    for name in required:
        if body.get(name) in (None, "", []):
            raise bad_request(f"param body.{name} is missing")
    for name, value in body.items():
        if name not in types:
            raise bad_request(f"Unexpected identifier: body.{name}")
        if value is not None and not _has_type(value, types[name]):
            raise bad_request(f"param body.{name} type invalid, expected type:{types[name]}")


def query_int(query: Mapping[str, str], name: str, low: int, high: int, default: int | None = None) -> int:
    """An integer of the query within its bounds; refused when absent without a default."""
    text = query.get(name)
    if text is None:
        if default is None:
            raise bad_request(f"{''.join(part.title() for part in name.split('_'))} is a required field")
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise bad_request(f"param query.{name} is invalid, it must be within {low} and {high}")
    return int(text)


def query_choice(query: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = query.get(name, default)
    if value not in choices:
        raise bad_request(f"param query.{name} is invalid, expected one of {', '.join(choices)}")
    return value
