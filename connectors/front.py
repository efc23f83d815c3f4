"""The front door for webhooks: a WSGI application that stands before Django's.

A webhook needs no session, no person, no template and no page's headers, so it is answered before all of these are set
up: at a fifth of the cost. Anything that is not plainly a webhook is passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import close_old_connections, connection

from connectors.base.types import RawRequest
from connectors.webhooks import LARGEST_BODY, accept

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_BEGIN = "/webhooks/"
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_EMPTY = [("Content-Length", "0")]


def with_webhooks_in_front(application: Application) -> Application:
    """The application, with webhooks answered before it."""

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(_BEGIN) or environ["REQUEST_METHOD"] != "POST" or _is_sent_on(environ):
            return application(environ, start_response)
        start_response(_LINES[_status(environ)], _EMPTY)
        return []

    return answer


def _status(environ: Environ) -> int:
    platform = environ["PATH_INFO"][len(_BEGIN) :].removesuffix("/")
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit():
        return HTTPStatus.BAD_REQUEST
    if int(length) > LARGEST_BODY:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    body = environ["wsgi.input"].read(int(length))
    try:
        return accept(platform, RawRequest(body=body, headers=_headers(environ), query=_query(environ)))
    except Exception:
        log.exception("webhook failed", extra={"platform": platform[:20]})
        return HTTPStatus.INTERNAL_SERVER_ERROR
    finally:
        if connection.connection is not None and not connection.in_atomic_block:
            close_old_connections()  # as Django does after each request


def _headers(environ: Environ) -> dict[str, str]:
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    return {"content-type": environ.get("CONTENT_TYPE", ""), **found}


def _query(environ: Environ) -> dict[str, str]:
    text = environ.get("QUERY_STRING", "")
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}


def _is_sent_on(environ: Environ) -> bool:
    """Whether Django would send this plain HTTP request on to HTTPS."""
    if not settings.SECURE_SSL_REDIRECT:
        return False
    name, value = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    return bool(environ["wsgi.url_scheme"] != "https" and environ.get(name) != value)
