"""How the platform refuses."""

from __future__ import annotations

import json
import uuid
from typing import Any

from werkzeug.wrappers import Response

_CODES = {400: "InvalidInput", 401: "Unauthorized", 403: "Unauthorized", 404: "NotFound", 429: "QuotaExceeded"}


class Refused(Exception):
    """A call that is answered with a list of errors."""

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or _CODES.get(status, "InternalFailure")


def refusal(error: Refused) -> Response:
    return answer({"errors": [{"code": error.code, "message": error.message, "details": ""}]}, error.status)


def answer(content: Any, status: int = 200) -> Response:
    response = Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response
