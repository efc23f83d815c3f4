"""TikTok Shop's signatures: of our requests, and of its webhooks. Pure.

https://partner.tiktokshop.com/docv2/page/sign-your-api-request (read 2026-11)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

_UNSIGNED = frozenset(["sign", "access_token"])


def request_signature(*, path: str, query: Mapping[str, str], body: bytes, secret: str) -> str:
    """Lower-case hex over path, sorted query and raw body, wrapped in the secret. `path` is without the base URL."""
    pairs = "".join(f"{key}{query[key]}" for key in sorted(query) if key not in _UNSIGNED)
    message = secret.encode() + path.encode() + pairs.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def webhook_signature(*, body: bytes, app_key: str, secret: str) -> str:
    """Lower-case hex over the app key and the raw body."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()


def is_webhook_signed(*, body: bytes, header: str, app_key: str, secret: str) -> bool:
    """Whether the `Authorization` header holds the body's signature. Compared in constant time."""
    wanted = webhook_signature(body=body, app_key=app_key, secret=secret)
    return hmac.compare_digest(wanted.encode(), header.strip().lower().encode())
