"""Logs: one JSON object per line, with what a request or a step is about, and never a secret or a buyer's datum."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from connectors.scrubbing import REDACTED, SECRET_KEYS

_QUERY = re.compile(r"\?[^\s'\"]*=[^\s'\"]*")
_HIDDEN = SECRET_KEYS | {"email", "phone", "address", "cookie", "credentials", "credentials_text", "body", "buyer_name"}
# What `extra=` of our own calls may bring; anything else of a record stays out.
_KEPT = frozenset(
    [
        "attempts",
        "delivery",
        "event",
        "failure",
        "item",
        "kind",
        "order",
        "platform",
        "reason",
        "shipping_type",
        "status",
        "store",
    ]
)


def configuration(*, level: str) -> dict[str, Any]:
    """`LOGGING` for Django: everything to standard error as JSON."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _take_extra,
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": before,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    hide,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "django_structlog": {"level": "WARNING"},
            "axes": {"level": "ERROR"},
            "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }


def hide(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the values of names that hold secrets or buyers' data, and the query of any address."""
    for name, value in event.items():
        if name.lower() in _HIDDEN and value:
            event[name] = REDACTED
        elif isinstance(value, str) and "?" in value:
            event[name] = _QUERY.sub("?" + REDACTED, value)
    return event


def _take_extra(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        for name in _KEPT & set(vars(record)):
            event[name] = vars(record)[name]
    return event
