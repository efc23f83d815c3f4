"""userErrors, as a payload tells them."""

from __future__ import annotations

from typing import Any

Errors = list[dict[str, Any]]


def error(message: str, *field: str, code: str | None = "INVALID") -> dict[str, Any]:
    return {"field": list(field) or None, "message": message, "code": code}


class Refused(Exception):
    """Nothing was done; the error says why."""

    def __init__(self, message: str, *field: str, code: str | None = "INVALID") -> None:
        super().__init__(message)
        self.error = error(message, *field, code=code)
