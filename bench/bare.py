"""The reference for P1 and P2: the least a WSGI application can do for a webhook. Check the signature, insert, answer.

gunicorn bench.bare --threads 8
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

MAKE = (
    "create table if not exists bench_delivery"
    " (delivery_key text primary key, shop text, body text, received_at timestamptz)"
)
_KEEP = "insert into bench_delivery values (%s, %s, %s, now()) on conflict do nothing"
_KEY = os.environ.get("TIKTOK_SHOP_APP_KEY", "").encode()
_SECRET = os.environ.get("TIKTOK_SHOP_APP_SECRET", "").encode()
_mine = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """200 for a signed webhook once its row is durable, 401 for any other."""
    if environ["REQUEST_METHOD"] != "POST":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    wanted = hmac.new(_SECRET, _KEY + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, environ.get("HTTP_AUTHORIZATION", "")):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return []
    message = json.loads(body)
    _connection().execute(_KEEP, [message["tts_notification_id"], message["shop_id"], body.decode()])
    start_response("200 OK", [("Content-Length", "0")])
    return []


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_mine, "connection"):
        _mine.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    connection: psycopg.Connection[Any] = _mine.connection
    return connection
