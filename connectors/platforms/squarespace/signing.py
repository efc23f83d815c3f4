"""Squarespace's webhook signature. Pure."""

from __future__ import annotations

import hashlib
import hmac


def webhook_signature(body: bytes, secret: str) -> str:
    """Lower-case hex of HMAC-SHA256 over the raw body; the key is the secret **decoded from hex**, not its text.

    https://developers.squarespace.com/commerce-apis/verifying-notifications (read 2026-11). Raises ValueError for a
    secret that is not hex.
    """
    return hmac.new(bytes.fromhex(secret), body, hashlib.sha256).hexdigest()


def is_webhook_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether this subscription's secret signed the raw body. Compared in constant time; False without a secret."""
    try:
        expected = webhook_signature(body, secret)
    except ValueError:
        return False
    return bool(secret) and hmac.compare_digest(expected.encode(), header.strip().encode())
