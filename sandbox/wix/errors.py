"""How the platform refuses."""

from __future__ import annotations

import json
import uuid
from typing import Any

from werkzeug.wrappers import Response


class Refused(Exception):
    """A call that is answered with an error: an application's code, or violations of fields."""

    def __init__(
        self, status: int, message: str, *, code: str = "", violations: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.violations = violations


def refusal(error: Refused) -> Response:
    details: dict[str, Any] = {}
    if error.violations is not None:
        details["validationError"] = {"fieldViolations": error.violations}
    elif error.code:
        details["applicationError"] = {"code": error.code, "description": error.message, "data": {}}
    return answer({"message": error.message, "details": details}, error.status)


def answer(content: Any, status: int = 200) -> Response:
    response = Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
    response.headers["x-wix-request-id"] = str(uuid.uuid4())
    return response
