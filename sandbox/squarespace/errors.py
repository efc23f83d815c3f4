"""How the platform refuses: one object, all of its keys always there."""

from __future__ import annotations

import json
import secrets
from typing import Any

from werkzeug.wrappers import Response


class Refused(Exception):
    """A call that is answered with an error object."""

    def __init__(
        self, status: int, message: str, *, kind: str = "INVALID_REQUEST_ERROR", subtype: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.subtype = subtype


def missing(name: str) -> Refused:
    return Refused(400, f"{name} is required", subtype="MISSING_ARGUMENT")


def invalid(message: str) -> Refused:
    return Refused(400, message, subtype="INVALID_ARGUMENT")


def refusal(error: Refused) -> Response:
    content = {
        "type": error.kind,
        "subtype": error.subtype,
        "message": error.message,
        "details": None,
        "contextId": secrets.token_hex(5).upper(),
    }
    return answer(content, error.status)


def answer(content: Any, status: int = 200) -> Response:
    if status == 204:
        return Response("", 204)
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
