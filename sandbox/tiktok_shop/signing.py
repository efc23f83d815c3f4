"""Request and webhook signatures, written from the public documentation."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

UNSIGNED = frozenset({"sign", "access_token"})


def sign_request(secret: str, path: str, query: Mapping[str, str], body: bytes = b"") -> str:
    """HMAC over secret + path + sorted query + raw body + secret, keyed by the secret."""
    pairs = "".join(name + query[name] for name in sorted(query) if name not in UNSIGNED)
    message = secret.encode() + path.encode() + pairs.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def request_is_signed(
    secret: str, path: str, query: Mapping[str, str], body: bytes = b"", *, multipart: bool = False
) -> bool:
    """Multipart bodies are not signed; an empty object may be, since the vendor's own SDK leaves it out."""
    claimed = query.get("sign", "").encode()
    bodies = [b""] if multipart else [body, b""] if body == b"{}" else [body]
    return any(hmac.compare_digest(claimed, sign_request(secret, path, query, one).encode()) for one in bodies)


def sign_webhook(app_key: str, secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
